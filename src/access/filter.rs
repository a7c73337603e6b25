//! What can be told without the engine: most principals of an account have nothing to do with its audit bucket.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::iam::context::Context;
use crate::iam::glob::Short;
use crate::iam::matching::{action_matches, resource_matches};
use crate::iam::principal::{Level, PrincipalFacts, principal_level};
use crate::iam::{Document, Effect, NamedPolicy, Principal, Statement, Version};

use crate::model::key::Grant;

use super::allowed::Actions;
use super::ask::Ask;
use super::estate::{Estate, KeyState};
use super::subject::Subject;
use super::variables::{self, has_variables};

/// Resources, and the actions that a document may allow on them.
type ByResource = Vec<(String, Actions)>;

/// Name, principal and prefixes → objects.
type OwnObjects = HashMap<(String, String, Vec<String>), Vec<String>>;

pub(super) struct Filter<'a> {
    estate: &'a Estate<'a>,
    access_points: bool,
    /// Documents with variables that bear on everybody.
    with_variables: Vec<Arc<NamedPolicy>>,
    /// By document.
    allows: RefCell<HashMap<usize, ByResource>>,
    /// What variables mean for a principal.
    own: RefCell<OwnObjects>,
    /// A context in which every key may have any value.
    nothing_known: Context,
}

impl<'a> Filter<'a> {
    pub fn new(estate: &'a Estate<'a>) -> Self {
        let policy = estate.policy.as_deref();
        Self {
            estate,
            access_points: policy.is_some_and(speaks_of_access_points),
            with_variables: estate.shared().filter(has_variables).collect(),
            allows: RefCell::default(),
            own: RefCell::default(),
            nothing_known: Context::new(&BTreeMap::new(), &BTreeSet::from(["*".to_owned()])),
        }
    }

    pub fn speaks_of_access_points(&self) -> bool {
        self.access_points
    }

    /// Why a request is closed, where that is plain: nothing that may allow it speaks of this principal, action and resource.
    /// Denies and conditions are not looked at.
    pub fn closed(&self, subject: &Subject, ask: &Ask) -> Option<String> {
        let (action, resource) = (ask.request.action.as_str(), ask.request.resource.as_str());
        self.plainly(subject, (&ask.name, action, resource), ask.policies.resource.as_ref(), &ask.policies.kms_grants)
    }

    /// The same for a direct request to the bucket, before anything is put together for it.
    pub fn closed_directly(&self, subject: &Subject, action: &str, resource: &str) -> Option<String> {
        if self.access_points || self.estate.acl.is_some() {
            return None;
        }
        self.plainly(subject, (action, action, resource), self.estate.policy.as_deref(), &[])
    }

    /// The same for an action on whatever object or on the bucket.
    pub fn closed_everywhere(&self, subject: &Subject, action: &str) -> Option<String> {
        if self.access_points || self.estate.acl.is_some() {
            return None;
        }
        openness(subject, action, self.estate.policy.as_deref(), &[]).obstacle(action)
    }

    /// The same for an action on a key.
    pub fn closed_on_key(&self, subject: &Subject, action: &str, key: &KeyState) -> Option<String> {
        openness(subject, action, key.policy.as_deref(), &key.grants).obstacle(action)
    }

    fn plainly(
        &self,
        subject: &Subject,
        (name, action, resource): (&str, &str, &str),
        policy: Option<&NamedPolicy>,
        kms_grants: &[Grant],
    ) -> Option<String> {
        let own = || subject.identity.policies.iter().any(|policy| self.may_allow(policy, action, resource));
        let openness = match openness(subject, action, policy, kms_grants) {
            Openness::ByIdentity if !own() => Openness::Closed(BOTH),
            other => other,
        };
        openness.obstacle(name)
    }

    fn may_allow(&self, policy: &Arc<NamedPolicy>, action: &str, resource: &str) -> bool {
        let Document::Known(document) = &policy.document else { return true };
        let about = |statement: &Statement| self.is_about(document.version, statement, resource);
        let mut known = self.allows.borrow_mut();
        let by_resource = known.entry(Arc::as_ptr(policy) as usize).or_default();
        let actions = match by_resource.iter().find(|(one, _)| one == resource) {
            Some((_, actions)) => *actions,
            None => {
                let actions = self.estate.library.patterns.allowed_where(policy, about);
                by_resource.push((resource.to_owned(), actions));
                actions
            }
        };
        actions.has(action).unwrap_or_else(|| {
            let covers = |statement: &Statement| action_matches(&statement.action, action).possible();
            document.statements.iter().any(|one| one.effect == Effect::Allow && covers(one) && about(one))
        })
    }

    fn is_about(&self, version: Version, statement: &Statement, resource: &str) -> bool {
        statement.resource.as_ref().is_none_or(|element| {
            resource_matches(element, resource, version, &self.nothing_known, Short::Padded).possible()
        })
    }

    /// Objects that policies mean for this principal by a variable, such as `audit/${aws:username}/*`.
    pub fn own_objects(&self, subject: &Subject, prefixes: &[String]) -> Vec<String> {
        let own = subject.identity.policies.iter().chain(&subject.identity.boundary);
        if self.with_variables.is_empty() && !own.clone().any(has_variables) {
            return Vec::new();
        }
        let key = (subject.name.clone(), format!("{:?}", subject.principal), prefixes.to_vec());
        if let Some(known) = self.own.borrow().get(&key) {
            return known.clone();
        }
        let worlds = self.estate.worlds(subject);
        let found = variables::objects(self.estate, subject, &worlds.all, prefixes);
        self.own.borrow_mut().insert(key, found.clone());
        found
    }
}

/// Identity and resource policies.
const BOTH: &str = "identity policy, resource policy";

/// Who may let a principal do something to whatever resource. Denies and conditions are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Openness {
    /// Nobody: the layers that would have to.
    Closed(&'static str),
    /// Only its own policies, on the resources that they name.
    ByIdentity,
    Open,
}

impl Openness {
    fn obstacle(self, name: &str) -> Option<String> {
        match self {
            Openness::Closed(layers) => Some(format!("{name}: no Allow in {layers}")),
            Openness::ByIdentity | Openness::Open => None,
        }
    }
}

/// Who may allow an action, for a resource with a policy and grants.
pub(super) fn openness(
    subject: &Subject,
    action: &str,
    policy: Option<&NamedPolicy>,
    kms_grants: &[Grant],
) -> Openness {
    let operation = action.split(':').nth(1).unwrap_or_default();
    let mut operations = kms_grants.iter().flat_map(|grant| &grant.operations);
    if operations.any(|one| one.eq_ignore_ascii_case(operation))
        || policy.is_some_and(|policy| grants(policy, action, subject))
    {
        return Openness::Open;
    }
    match subject.principal {
        // Across accounts, and without an account, the resource's own policy has to allow.
        _ if !subject.in_account => Openness::Closed("resource policy"),
        // The root user needs no policy of its own, except for keys.
        Principal::Root { .. } if !action.starts_with("kms:") => Openness::Open,
        _ if subject.identity.may_allow(action) => Openness::ByIdentity,
        _ => Openness::Closed(BOTH),
    }
}

/// Whether an Allow of a resource's policy may name the principal for an action.
fn grants(policy: &NamedPolicy, action: &str, subject: &Subject) -> bool {
    let Document::Known(document) = &policy.document else { return true };
    let facts = PrincipalFacts {
        canonical_user: subject.canonical_user.as_deref(),
        has_boundary: subject.identity.boundary.is_some(),
    };
    document.statements.iter().filter(|statement| statement.effect == Effect::Allow).any(|statement| {
        action_matches(&statement.action, action).possible()
            && statement.principal.as_ref().is_none_or(|element| {
                principal_level(element, Effect::Allow, &subject.principal, facts).reaches(Level::Account).possible()
            })
    })
}

fn speaks_of_access_points(policy: &NamedPolicy) -> bool {
    let Document::Known(policy) = &policy.document else { return true };
    let mut keys = policy.statements.iter().flat_map(|statement| &statement.conditions).map(|one| &one.key);
    keys.any(|key| {
        let key = key.to_ascii_lowercase();
        key.starts_with("s3:dataaccesspoint") || key == "s3:accesspointnetworkorigin"
    })
}
