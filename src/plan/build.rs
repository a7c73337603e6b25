//! Wanted against live → changes and ordered steps.

use std::collections::BTreeMap;

use crate::call::{Read, Write};
use crate::diff::{Diff, FieldChange, diff};
use crate::model::fact::Names;
use crate::model::{Address, Desired, Fact, Gap, Kind, Live, Observed, Reference, Wanted, WantedResource};

use super::order::{self, Stage};
use super::writes::{Birth, Draft, before, drafts, irreversible};
use super::{Action, Change, PlacedWrite, Step, StepAction, Summary, Target};

/// How long IAM and S3 may take to show a write, and transient refusals may last.
pub const SETTLE_SECONDS: u64 = 120;

/// What a plan is computed from.
pub struct Inputs<'a> {
    pub desired: &'a [Desired],
    pub live: &'a Live,
    pub wanted: &'a Wanted,
}

/// The computed part of a plan.
pub struct Built {
    pub changes: Vec<Change>,
    pub steps: Vec<Step>,
    pub gaps: Vec<Gap>,
    pub summary: Summary,
}

/// Changes with reasons, and the steps in their safe order. The same inputs give the same bytes.
#[must_use]
pub fn build(inputs: &Inputs<'_>) -> Built {
    let mut builder = Builder {
        inputs,
        principals: principal_ids(inputs.live),
        slots: Vec::new(),
        changes: BTreeMap::new(),
        gaps: inputs.wanted.gaps.clone(),
        noop: 0,
    };
    for resource in &inputs.wanted.resources {
        builder.resource(resource);
    }
    for retirement in &inputs.wanted.retire {
        builder.retirement(retirement);
    }
    for desired in inputs.desired {
        builder.waits(desired);
    }
    builder.finish()
}

/// Other spellings of what was read, so that they compare equal: stable ids of roles in policies, aliases of keys.
#[must_use]
pub fn principal_ids(live: &Live) -> BTreeMap<String, String> {
    live.iter()
        .filter_map(|(query, answer)| match (&query.read, answer) {
            (_, Observed::Present(Fact::Role(role))) => Some((role.id.clone(), role.arn.clone())),
            (Read::Key { key }, Observed::Present(Fact::Key(found))) if *key != found.arn => {
                Some((key.clone(), found.arn.clone()))
            }
            _ => None,
        })
        .collect()
}

/// A step that has a rank and a name for its dependencies, but no number yet.
pub(super) struct Slot {
    pub rank: u16,
    pub sequence: usize,
    pub stage: Stage,
    pub step: Step,
    pub needs: Needs,
}

pub(super) enum Needs {
    /// What the order room says of the kind.
    Kind,
    /// Every write of the manifest with a rank in this range.
    Ranks(u16, u16),
}

pub(super) struct Builder<'a> {
    pub inputs: &'a Inputs<'a>,
    principals: BTreeMap<String, String>,
    pub slots: Vec<Slot>,
    pub changes: BTreeMap<Address, Change>,
    pub gaps: Vec<Gap>,
    pub noop: usize,
}

impl Builder<'_> {
    fn diff(&self, resource: &WantedResource, answer: &Observed<Fact>, target: &Fact) -> Diff {
        let resolve = |id: &str| self.principals.get(id).cloned();
        diff(resource.address.kind, answer, target, &resource.reasons, &resolve)
    }

    fn resource(&mut self, resource: &WantedResource) {
        let live = self.inputs.live;
        let answer = before(live, &resource.query);
        let to_final = self.diff(resource, &answer, &resource.fact);
        let (action, fields) = match &to_final {
            Diff::Unknown(gap) => {
                self.gaps.push(gap.clone());
                return;
            }
            Diff::Same => {
                self.noop += 1;
                return;
            }
            Diff::Create(fields) => (Action::Create, fields.clone()),
            Diff::Update(fields) => (Action::Update, fields.clone()),
        };
        let birth = self.birth(resource);
        let parent_is_new = self.parent_is_new(resource, &answer);
        let mut sequence = 0;
        // The state that the final write starts from: what is live, or the transition.
        let mut from = answer.clone();
        if let Some(transition) = &resource.transition {
            match self.diff(resource, &answer, transition) {
                Diff::Same => {}
                Diff::Unknown(_) => return,
                Diff::Create(_) | Diff::Update(_) => {
                    let drafts = drafts(resource, &answer, transition, live, &birth);
                    let checked = (!parent_is_new).then(|| answer.clone());
                    self.push(resource, drafts, transition, checked, Stage::First, &mut sequence);
                }
            }
            from = Observed::Present(transition.clone());
        }
        let stage = if resource.transition.is_some() { Stage::Final } else { Stage::First };
        let born = self.is_born(resource);
        if !born {
            let final_drafts = drafts(resource, &from, &resource.fact, live, &birth);
            let checked = match stage {
                Stage::First => (!parent_is_new).then(|| self.when_its_turn_comes(resource, &from)),
                Stage::Final => None,
            };
            self.push(resource, final_drafts, &resource.fact, checked, stage, &mut sequence);
        }
        self.change(resource, action, fields, answer.as_ref().present());
    }

    /// Policy and tags that a new key gets in the request that makes it need no step of their own.
    fn is_born(&self, resource: &WantedResource) -> bool {
        let with_key = matches!(resource.address.kind, Kind::KmsKeyPolicy | Kind::KmsTags);
        with_key && resource.transition.is_none() && self.is_created(resource, Kind::KmsKey)
    }

    fn is_created(&self, resource: &WantedResource, kind: Kind) -> bool {
        self.inputs
            .wanted
            .find(&resource.address.manifest, kind, &resource.address.name)
            .is_some_and(|parent| before(self.inputs.live, &parent.query).is_absent())
    }

    fn parent_is_new(&self, resource: &WantedResource, answer: &Observed<Fact>) -> bool {
        if !answer.is_absent() {
            return false;
        }
        let parent = match resource.query.read {
            Read::Role { .. } | Read::BucketLocation { .. } | Read::Key { .. } => return false,
            Read::RolePolicy { .. } | Read::RoleInlinePolicies { .. } | Read::RoleAttachedPolicies { .. } => Kind::Role,
            Read::KeyPolicy { .. }
            | Read::KeyTags { .. }
            | Read::KeyAliases { .. }
            | Read::KeyGrants { .. }
            | Read::KeyRotation { .. } => Kind::KmsKey,
            _ => Kind::Bucket,
        };
        self.is_created(resource, parent)
    }

    /// The answer as earlier steps of the plan leave it: an inline policy that one of them makes is in the list of names
    /// when undeclared ones are deleted from it.
    fn when_its_turn_comes(&self, resource: &WantedResource, answer: &Observed<Fact>) -> Observed<Fact> {
        let (Read::RoleInlinePolicies { role }, Observed::Present(Fact::Names(Names(names)))) =
            (&resource.query.read, answer)
        else {
            return answer.clone();
        };
        let made = self.inputs.wanted.resources.iter().filter_map(|other| match &other.query.read {
            Read::RolePolicy { role: of, policy } if of == role && other.query.place == resource.query.place => {
                before(self.inputs.live, &other.query).is_absent().then(|| policy.clone())
            }
            _ => None,
        });
        let mut names: Vec<String> = names.iter().cloned().chain(made).collect();
        names.sort();
        names.dedup();
        Observed::Present(Fact::Names(Names(names)))
    }

    fn birth(&self, resource: &WantedResource) -> Birth {
        let sibling = |kind| self.inputs.wanted.find(&resource.address.manifest, kind, &resource.address.name);
        match resource.address.kind {
            Kind::KmsKey => Birth {
                key_policy: sibling(Kind::KmsKeyPolicy)
                    .and_then(|policy| policy.transition.as_ref().unwrap_or(&policy.fact).policy())
                    .map(|policy| policy.0.clone())
                    .unwrap_or_default(),
                tags: sibling(Kind::KmsTags)
                    .and_then(|tags| tags.fact.tags())
                    .map(|tags| tags.0.clone())
                    .unwrap_or_default(),
                object_lock: false,
            },
            Kind::Bucket => Birth { object_lock: sibling(Kind::BucketObjectLock).is_some(), ..Birth::default() },
            _ => Birth::default(),
        }
    }

    fn push(
        &mut self,
        resource: &WantedResource,
        drafts: Vec<Draft>,
        target: &Fact,
        checked: Option<Observed<Fact>>,
        stage: Stage,
        sequence: &mut usize,
    ) {
        let supporting = order::is_supporting(&resource.address);
        let mut checked = Some(checked);
        for Draft { title, write, expect, gives, undo } in drafts {
            let query = read_back(resource, &write);
            let place = resource.query.place.clone();
            let title = match (stage, &resource.transition) {
                (Stage::First, None) => title,
                _ => format!("{title}{}", stage.suffix()),
            };
            let step = Step {
                id: 0,
                address: resource.address.clone(),
                title,
                action: StepAction::Write { place: place.clone(), write },
                depends_on: Vec::new(),
                target: Some(Target {
                    query,
                    fact: target.clone(),
                    before: checked.take().flatten(),
                    settles: expect.is_some(),
                }),
                gives,
                settle_seconds: SETTLE_SECONDS,
                undo: undo.map(|write| PlacedWrite { place, write }),
            };
            let rank = order::rank(resource.address.kind, stage, supporting);
            self.slots.push(Slot { rank, sequence: *sequence, stage, step, needs: Needs::Kind });
            *sequence += 1;
        }
    }

    fn change(&mut self, resource: &WantedResource, action: Action, fields: Vec<FieldChange>, before: Option<&Fact>) {
        let known_after_apply = fields
            .iter()
            .filter(|field| Reference::occurs_in(&field.after.to_string()))
            .map(|field| field.path.clone())
            .collect();
        let mut depends_on: Vec<Address> = resource.after.clone();
        depends_on.sort();
        depends_on.dedup();
        let reason = resource
            .reasons
            .get("")
            .cloned()
            .or_else(|| fields.iter().find(|field| !field.reason.is_empty()).map(|field| field.reason.clone()))
            .unwrap_or_else(|| "differs from the declaration".to_owned());
        let change = Change {
            address: resource.address.clone(),
            action,
            reason,
            irreversible: irreversible(resource.address.kind, before_of_change(action, before)),
            known_after_apply,
            fields,
            depends_on,
        };
        self.changes.insert(resource.address.clone(), change);
    }
}

fn before_of_change(action: Action, before: Option<&Fact>) -> Option<&Fact> {
    if action == Action::Create { None } else { before }
}

/// Which question shows a write: a key that is being created has no alias yet and is asked for by its ARN.
fn read_back(resource: &WantedResource, write: &Write) -> crate::call::Query {
    let mut query = resource.query.clone();
    if let (Write::CreateKey { .. }, Fact::Key(key)) = (write, &resource.fact) {
        query.read = Read::Key { key: key.arn.clone() };
    }
    query
}
