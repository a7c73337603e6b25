//! What can be told without the engine: most principals of an account have nothing to do with its audit bucket.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::iam::context::Context;
use crate::iam::glob::Short;
use crate::iam::matching::{action_matches, resource_matches};
use crate::iam::principal::{Level, Levels, PrincipalFacts, principal_level};
use crate::iam::{Document, Effect, NamedPolicy, Principal, Statement, Version};

use crate::model::key::Grant;

use super::allowed::Sheet;
use super::ask::Ask;
use super::estate::Estate;
use super::objects::Objects;
use super::outline::{Common, Given, Outline};
use super::subject::Subject;
use super::variables;

/// Name, principal and prefixes → objects.
type OwnObjects = HashMap<(String, String, Vec<String>), Vec<String>>;

pub(super) struct Filter<'a> {
    estate: &'a Estate<'a>,
    access_points: bool,
    /// Whether documents that bear on everybody have variables.
    variables: bool,
    /// The resources that everybody is asked about, and what is given to whom on them.
    pub common: Common,
    bucket: Given<'a>,
    keys: Vec<Given<'a>>,
    /// What variables mean for a principal.
    own: RefCell<OwnObjects>,
    /// A context in which every key may have any value.
    nothing_known: Context,
}

impl<'a> Filter<'a> {
    pub fn new(estate: &'a Estate<'a>, classes: &[Objects]) -> Self {
        Self {
            estate,
            access_points: estate.policy.as_ref().is_some_and(|policy| speaks_of_access_points(policy)),
            variables: estate.shared().any(|sheet| sheet.variables),
            common: Common::of(estate, classes),
            bucket: Given::by(estate.policy.as_deref(), &[]),
            keys: estate.keys.values().map(|key| Given::by(key.policy.as_deref(), &key.grants)).collect(),
            own: RefCell::default(),
            nothing_known: nothing_known(),
        }
    }

    pub fn speaks_of_access_points(&self) -> bool {
        self.access_points
    }

    /// Whether direct requests are the only way to the bucket.
    pub fn is_direct(&self) -> bool {
        !self.access_points && self.estate.acl.is_none()
    }

    /// What may be open to a principal, of everything that is asked of everybody.
    pub fn outline(&self, subject: &Subject) -> Outline {
        match self.estate.library.exhaustive {
            true => Outline::open(),
            false => Outline::of(subject, &self.common, &self.bucket, &self.keys),
        }
    }

    /// Why a request is closed, where that is plain: nothing that may allow it speaks of this principal, action and resource.
    /// Denies and conditions are not looked at.
    pub fn closed(&self, subject: &Subject, outline: &Outline, ask: &Ask) -> Option<String> {
        let (action, resource) = (ask.request.action.as_str(), ask.request.resource.as_str());
        // Where there are access points or lists, policies of other doors decide about the same objects.
        let in_bucket = self.common.in_bucket(resource).filter(|_| self.is_direct());
        let known = self.common.key(resource).or(in_bucket).and_then(|at| outline.on(at).has(action));
        let open = known.unwrap_or_else(|| {
            self.is_open(subject, action, resource, ask.policies.resource.as_ref(), &ask.policies.kms_grants)
        });
        (!open).then(|| obstacle(subject, &ask.name))
    }

    /// Whether a direct request to the bucket or an object of it may be open, before anything is put together for it.
    pub fn is_open_directly(&self, subject: &Subject, outline: &Outline, action: &str, resource: &str) -> bool {
        let known = self.common.in_bucket(resource).and_then(|at| outline.on(at).has(action));
        known.unwrap_or_else(|| self.is_open(subject, action, resource, self.estate.guard().policy, &[]))
    }

    fn is_open(
        &self,
        subject: &Subject,
        action: &str,
        resource: &str,
        policy: Option<&NamedPolicy>,
        kms_grants: &[Grant],
    ) -> bool {
        if self.estate.library.exhaustive {
            return true;
        }
        let operation = action.split(':').nth(1).unwrap_or_default();
        let mut operations = kms_grants.iter().flat_map(|grant| &grant.operations);
        if operations.any(|one| one.eq_ignore_ascii_case(operation))
            || policy.is_some_and(|policy| grants(policy, action, subject))
        {
            return true;
        }
        match subject.principal {
            // Across accounts, and without an account, the resource's own policy has to allow.
            _ if !subject.in_account => false,
            // The root user needs no policy of its own, except for keys.
            Principal::Root { .. } if !action.starts_with("kms:") => true,
            _ => {
                subject.identity.may_allow(action)
                    && subject.identity.policies.iter().any(|sheet| self.may_allow(sheet, action, resource))
            }
        }
    }

    fn may_allow(&self, sheet: &Sheet, action: &str, resource: &str) -> bool {
        let Document::Known(document) = &sheet.document else { return true };
        let covers = |statement: &Statement| action_matches(&statement.action, action).possible();
        let mut allows = document.statements.iter().filter(|one| one.effect == Effect::Allow && covers(one));
        allows.any(|statement| is_about(document.version, statement, resource, &self.nothing_known))
    }

    /// Objects that policies mean for this principal by a variable, such as `audit/${aws:username}/*`.
    pub fn own_objects(&self, subject: &Subject, prefixes: &[String]) -> Vec<String> {
        if !self.means_own_objects(subject) {
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

    /// Whether variables may mean other objects for this principal than for everybody.
    pub fn means_own_objects(&self, subject: &Subject) -> bool {
        self.variables || subject.identity.sheets().any(|sheet| sheet.variables)
    }
}

/// Why nothing lets a principal do something, in words: the layers that would have to.
pub(super) fn obstacle(subject: &Subject, name: &str) -> String {
    let layers = if subject.in_account { "identity policy, resource policy" } else { "resource policy" };
    [name, ": no Allow in ", layers].concat()
}

/// A context in which every key may have any value.
pub(super) fn nothing_known() -> Context {
    Context::new(&BTreeMap::new(), &BTreeSet::from(["*".to_owned()]))
}

/// Whether a statement may be about a resource.
pub(super) fn is_about(version: Version, statement: &Statement, resource: &str, nothing_known: &Context) -> bool {
    statement
        .resource
        .as_ref()
        .is_none_or(|element| resource_matches(element, resource, version, nothing_known, Short::Padded).possible())
}

/// Whether a statement of a resource's policy may name a principal.
fn may_name(statement: &Statement, subject: &Subject) -> bool {
    named_by(statement, subject).reaches(Level::Account).possible()
}

/// How closely a statement of a resource's policy names a principal.
pub(super) fn named_by(statement: &Statement, subject: &Subject) -> Levels {
    let facts = PrincipalFacts {
        canonical_user: subject.canonical_user.as_deref(),
        has_boundary: subject.identity.boundary.is_some(),
    };
    match &statement.principal {
        Some(element) => principal_level(element, Effect::Allow, &subject.principal, facts),
        None => Levels::up_to(Level::Exact),
    }
}

/// Whether an Allow of a resource's policy may name the principal for an action.
fn grants(policy: &NamedPolicy, action: &str, subject: &Subject) -> bool {
    let Document::Known(document) = &policy.document else { return true };
    let mut allows = document.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    allows.any(|one| action_matches(&one.action, action).possible() && may_name(one, subject))
}

fn speaks_of_access_points(policy: &NamedPolicy) -> bool {
    let Document::Known(policy) = &policy.document else { return true };
    let mut keys = policy.statements.iter().flat_map(|statement| &statement.conditions).map(|one| &one.key);
    keys.any(|key| {
        let key = key.to_ascii_lowercase();
        key.starts_with("s3:dataaccesspoint") || key == "s3:accesspointnetworkorigin"
    })
}
