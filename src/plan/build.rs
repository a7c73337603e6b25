//! Wanted against live → changes and ordered steps.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::{Read, Write};
use crate::diff::{Diff, FieldChange, diff};
use crate::model::databricks::LogDelivery;
use crate::model::wanted::Retirement;
use crate::model::{Address, Desired, Fact, Gap, Kind, Live, Observed, Place, Reference, Wanted, WantedResource};

use super::order::{self, Stage};
use super::writes::{Birth, Draft, before, drafts, irreversible};
use super::{Action, Change, PlacedWrite, Step, StepAction, StepId, Summary, Target};

/// How long IAM and S3 may take to show a write, and transient refusals may last.
const SETTLE_SECONDS: u64 = 120;
/// First delivery comes within an hour, later ones typically within 15 minutes (Databricks, "Configure audit log delivery").
const DELIVERY_DEADLINE_SECONDS: u64 = 2 * 3600;
/// A change of a log-delivery configuration takes up to an hour (same page).
const DELIVERY_CHANGE_SECONDS: u64 = 3600;

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
struct Slot {
    rank: u16,
    sequence: usize,
    stage: Stage,
    step: Step,
    needs: Needs,
}

enum Needs {
    /// What the order room says of the kind.
    Kind,
    /// Every write of the manifest with a rank in this range.
    Ranks(u16, u16),
}

struct Builder<'a> {
    inputs: &'a Inputs<'a>,
    principals: BTreeMap<String, String>,
    slots: Vec<Slot>,
    changes: BTreeMap<Address, Change>,
    gaps: Vec<Gap>,
    noop: usize,
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
                Stage::First => (!parent_is_new).then(|| from.clone()),
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
        let supporting = !matches!(resource.address.name.as_str(), "audit" | "delivery" | "primary" | "replication");
        let mut checked = Some(checked);
        for Draft { title, write, expect, gives, undo } in drafts {
            let query = read_back(resource, &write);
            let place = resource.query.place.clone();
            let title = match (stage, &resource.transition) {
                (Stage::First, Some(_)) => format!("{title} (transition)"),
                (Stage::Final, _) => format!("{title} (final)"),
                (Stage::First, None) => title,
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

    fn retirement(&mut self, retirement: &Retirement) {
        let Some((place, live)) = self.live_delivery(&retirement.config_id) else { return };
        if live.status == "DISABLED" {
            self.noop += 1;
            return;
        }
        let fact = Fact::LogDeliveries(vec![LogDelivery { status: "DISABLED".to_owned(), ..live.clone() }]);
        let query = crate::call::Query { place: place.clone(), read: Read::LogDeliveries };
        let set = |status: &str| Write::SetLogDeliveryStatus {
            config_id: retirement.config_id.clone(),
            status: status.to_owned(),
        };
        let rank = if retirement.before_create { order::RETIRE_BEFORE } else { order::RETIRE };
        let step = Step {
            id: 0,
            address: retirement.address.clone(),
            title: format!("disable log-delivery configuration `{}`", retirement.config_id),
            action: StepAction::Write { place: place.clone(), write: set("DISABLED") },
            depends_on: Vec::new(),
            target: Some(Target { before: Some(self.inputs.live.get(&query)), query, fact, settles: true }),
            gives: BTreeMap::new(),
            settle_seconds: SETTLE_SECONDS,
            undo: Some(PlacedWrite { place, write: set("ENABLED") }),
        };
        let needs = if retirement.before_create {
            Needs::Ranks(order::AWAIT_CURRENT, order::AWAIT_CURRENT)
        } else {
            Needs::Ranks(order::AWAIT_CURRENT, order::AWAIT_DECLARED)
        };
        self.slots.push(Slot { rank, sequence: 0, stage: Stage::First, step, needs });
        self.changes.insert(
            retirement.address.clone(),
            Change {
                address: retirement.address.clone(),
                action: Action::Update,
                reason: retirement.reason.clone(),
                irreversible: false,
                known_after_apply: Vec::new(),
                fields: vec![FieldChange {
                    path: "status".to_owned(),
                    before: live.status.into(),
                    after: "DISABLED".into(),
                    reason: retirement.reason.clone(),
                }],
                depends_on: Vec::new(),
            },
        );
        if let Some(change) = self.changes.values_mut().find(|change| {
            change.address.kind == Kind::LogDelivery
                && change.address.manifest == retirement.address.manifest
                && change.action == Action::Create
        }) {
            change.action = Action::Replace;
        }
    }

    fn live_delivery(&self, config_id: &str) -> Option<(Place, LogDelivery)> {
        self.inputs.live.iter().find_map(|(query, answer)| match answer {
            Observed::Present(Fact::LogDeliveries(all)) => {
                let found = all.iter().find(|delivery| delivery.config_id == config_id)?;
                Some((query.place.clone(), found.clone()))
            }
            _ => None,
        })
    }

    /// The waits of one manifest: nothing that could stop a working delivery goes without a later success.
    fn waits(&mut self, desired: &Desired) {
        let place = desired.databricks_place();
        let current = self.working_delivery(desired);
        let wanted = self.inputs.wanted.find(&desired.name, Kind::LogDelivery, "primary");
        let declared = wanted.and_then(|resource| resource.fact.log_deliveries()).and_then(|all| all.first());
        let enabled = declared.is_some_and(|delivery| delivery.status == "ENABLED");
        if let Some(config_id) = &current {
            self.await_after(desired, &place, config_id, (0, order::AWAIT_CURRENT), order::AWAIT_CURRENT, false);
        }
        let Some(declared) = declared.filter(|_| enabled) else { return };
        let config_id = declared.config_id.clone();
        let delivery_changes =
            self.has_steps(desired, |slot| slot.step.address.kind == Kind::LogDelivery && slot.rank == 720);
        // Nothing is switched off before the declared delivery was seen to succeed, also when an earlier run created it.
        let retires = self.has_steps(desired, |slot| slot.rank == order::RETIRE);
        if delivery_changes || current.is_none() || retires {
            let from = if delivery_changes { 720 } else { 0 };
            self.await_after(
                desired,
                &place,
                &config_id,
                (from, order::AWAIT_DECLARED),
                order::AWAIT_DECLARED,
                retires,
            );
        }
        let finals = self.has_steps(desired, |slot| slot.stage == Stage::Final);
        if retires && finals {
            let step = Step {
                id: 0,
                address: Address::new(&desired.name, Kind::LogDelivery, "primary"),
                title: "wait until Databricks has stopped the old delivery".to_owned(),
                action: StepAction::Pause {
                    seconds: DELIVERY_CHANGE_SECONDS,
                    reason: "a change of a log-delivery configuration takes up to an hour".to_owned(),
                },
                depends_on: Vec::new(),
                target: None,
                gives: BTreeMap::new(),
                settle_seconds: 0,
                undo: None,
            };
            let needs = Needs::Ranks(order::RETIRE, order::RETIRE);
            self.slots.push(Slot { rank: order::PAUSE, sequence: 0, stage: Stage::First, step, needs });
        }
        self.await_after(desired, &place, &config_id, (order::PAUSE, order::AWAIT_FINAL), order::AWAIT_FINAL, false);
        self.await_after(
            desired,
            &place,
            &config_id,
            (order::AWAIT_FINAL, order::AWAIT_RETENTION),
            order::AWAIT_RETENTION,
            false,
        );
    }

    fn has_steps(&self, desired: &Desired, which: impl Fn(&Slot) -> bool) -> bool {
        self.slots.iter().any(|slot| slot.step.address.manifest == desired.name && which(slot))
    }

    /// Adds a wait when a step of the manifest with a rank inside the range could stop delivery, or `always`.
    fn await_after(
        &mut self,
        desired: &Desired,
        place: &Place,
        config_id: &str,
        range: (u16, u16),
        rank: u16,
        always: bool,
    ) {
        let risky = self.has_steps(desired, |slot| {
            matches!(slot.step.action, StepAction::Write { .. })
                && slot.rank >= range.0
                && slot.rank < range.1
                && (order::may_stop_delivery(slot.step.address.kind) && is_main(&slot.step.address)
                    || slot.step.address.kind == Kind::LogDelivery)
        });
        if !risky && !always {
            return;
        }
        let step = Step {
            id: 0,
            address: Address::new(&desired.name, Kind::LogDelivery, "primary"),
            title: "wait for a delivery that succeeds after these changes".to_owned(),
            action: StepAction::AwaitDelivery {
                place: place.clone(),
                config_id: config_id.to_owned(),
                after_steps: Vec::new(),
                deadline_seconds: DELIVERY_DEADLINE_SECONDS,
            },
            depends_on: Vec::new(),
            target: None,
            gives: BTreeMap::new(),
            settle_seconds: 0,
            undo: None,
        };
        self.slots.push(Slot {
            rank,
            sequence: 0,
            stage: Stage::First,
            step,
            needs: Needs::Ranks(range.0, range.1 - 1),
        });
    }

    /// The enabled configuration that delivers to this bucket today, with success; the declared one when it does.
    fn working_delivery(&self, desired: &Desired) -> Option<String> {
        let place = desired.databricks_place();
        let deliveries = self.inputs.live.view(&place, Read::LogDeliveries, Fact::log_deliveries).present()?;
        let storages =
            self.inputs.live.view(&place, Read::StorageConfigurations, Fact::storage_configurations).present()?;
        let buckets: BTreeSet<&String> = storages
            .iter()
            .filter(|storage| storage.bucket_name == desired.delivery.bucket)
            .map(|storage| &storage.storage_configuration_id)
            .collect();
        let wanted = self.inputs.wanted.find(&desired.name, Kind::LogDelivery, "primary");
        let wanted_id = wanted
            .and_then(|resource| resource.fact.log_deliveries())
            .and_then(|all| all.first())
            .map(|delivery| delivery.config_id.as_str());
        let mut working: Vec<&LogDelivery> = deliveries
            .iter()
            .filter(|delivery| {
                delivery.log_type == "AUDIT_LOGS"
                    && delivery.status == "ENABLED"
                    && buckets.contains(&delivery.storage_configuration_id)
                    && delivery.delivery.as_ref().is_some_and(|health| health.status == "SUCCEEDED")
            })
            .collect();
        working.sort_by_key(|delivery| (Some(delivery.config_id.as_str()) != wanted_id, delivery.creation_time));
        working.first().map(|delivery| delivery.config_id.clone())
    }

    fn finish(mut self) -> Built {
        self.slots.sort_by(|left, right| {
            (left.rank, &left.step.address, left.sequence).cmp(&(right.rank, &right.step.address, right.sequence))
        });
        let mut steps: Vec<Step> = Vec::with_capacity(self.slots.len());
        let mut givers: BTreeMap<String, StepId> = BTreeMap::new();
        for (id, slot) in self.slots.iter().enumerate() {
            let mut step = slot.step.clone();
            step.id = id;
            let earlier = || self.slots.iter().enumerate().take(id);
            let mut depends: BTreeSet<StepId> = BTreeSet::new();
            match slot.needs {
                Needs::Kind => {
                    let required = order::requires(step.address.kind);
                    let after =
                        self.inputs.wanted.resources.iter().find(|r| r.address == step.address).map(|r| &r.after);
                    depends.extend(
                        earlier()
                            .filter(|(_, other)| {
                                let address = &other.step.address;
                                *address == step.address
                            || after.is_some_and(|after| after.contains(address))
                            || (address.manifest == step.address.manifest
                                && required.contains(&address.kind)
                                && same_group(address, &step.address))
                            // Nothing final before the waits and the retirement of what it replaces.
                            || (slot.rank >= 800
                                && slot.rank < 940
                                && address.manifest == step.address.manifest
                                && address.kind == Kind::LogDelivery)
                            })
                            .map(|(id, _)| id),
                    );
                }
                Needs::Ranks(low, high) => depends.extend(
                    earlier()
                        .filter(|(_, other)| {
                            other.rank >= low
                                && other.rank <= high
                                && other.step.address.manifest == step.address.manifest
                                && is_main(&other.step.address)
                                && touches_delivery(&other.step)
                        })
                        .map(|(id, _)| id),
                ),
            }
            let text = serde_json::to_string(&(&step.action, &step.target)).unwrap_or_default();
            depends.extend(givers.iter().filter(|(token, _)| text.contains(token.as_str())).map(|(_, giver)| *giver));
            if let StepAction::AwaitDelivery { after_steps, .. } = &mut step.action {
                after_steps.extend(depends.iter().copied().filter(|id| {
                    self.slots.get(*id).is_some_and(|slot| {
                        touches_delivery(&slot.step) && matches!(slot.step.action, StepAction::Write { .. })
                    })
                }));
            }
            givers.extend(step.gives.values().map(|token| (token.clone(), id)));
            step.depends_on = depends.into_iter().collect();
            steps.push(step);
        }
        let changes: Vec<Change> = self.changes.into_values().collect();
        let count = |action| changes.iter().filter(|change| change.action == action).count();
        let summary = Summary {
            create: count(Action::Create),
            update: count(Action::Update),
            replace: count(Action::Replace),
            delete: count(Action::Delete),
            noop: self.noop,
        };
        self.gaps.sort();
        self.gaps.dedup();
        Built { changes, steps, gaps: self.gaps, summary }
    }
}

/// What a wait is for: the rest may fail without anything to wait for.
fn touches_delivery(step: &Step) -> bool {
    order::may_stop_delivery(step.address.kind) || step.address.kind == Kind::LogDelivery
}

fn before_of_change(action: Action, before: Option<&Fact>) -> Option<&Fact> {
    if action == Action::Create { None } else { before }
}

/// Resources of the audit bucket, its key, its role and its delivery, as opposed to the access-log bucket and replicas.
fn is_main(address: &Address) -> bool {
    group(address) == "audit"
}

fn group(address: &Address) -> &str {
    match address.name.as_str() {
        "delivery" | "primary" | "audit" => "audit",
        other if address.kind == Kind::LogDelivery || other.starts_with("transition-") => "audit",
        other => other,
    }
}

fn same_group(left: &Address, right: &Address) -> bool {
    group(left) == group(right)
}

/// Which question shows a write: a key that is being created has no alias yet and is asked for by its ARN.
fn read_back(resource: &WantedResource, write: &Write) -> crate::call::Query {
    let mut query = resource.query.clone();
    if let (Write::CreateKey { .. }, Fact::Key(key)) = (write, &resource.fact) {
        query.read = Read::Key { key: key.arn.clone() };
    }
    query
}
