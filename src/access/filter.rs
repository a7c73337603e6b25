//! What can be told without the engine: most principals of an account have nothing to do with its audit bucket.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::iam::evaluate::Layer;
use crate::iam::glob::Token;
use crate::iam::{Document, Element, NamedPolicy, Principal};

use super::ask::Ask;
use super::estate::Estate;
use super::language::split;
use super::objects::without_variables;
use super::subject::{Subject, Traits};

pub(super) struct Filter<'a> {
    estate: &'a Estate<'a>,
    access_points: bool,
    /// Texts of resources with variables in the bucket's policies.
    shared_variables: Vec<String>,
    /// (document, action) → whether the document may allow the action, on whatever resource.
    allows: RefCell<HashMap<(usize, String), bool>>,
}

impl<'a> Filter<'a> {
    pub fn new(estate: &'a Estate<'a>) -> Self {
        let policy = estate.policy.as_deref();
        Self {
            estate,
            access_points: policy.is_some_and(speaks_of_access_points),
            shared_variables: policy.map(variables).unwrap_or_default(),
            allows: RefCell::default(),
        }
    }

    pub fn speaks_of_access_points(&self) -> bool {
        self.access_points
    }

    /// Why a request is closed, where that is plain: neither the principal's own policies nor the resource's name the action.
    pub fn closed(&self, subject: &Subject, ask: &Ask) -> Option<String> {
        let action = ask.request.action.as_str();
        let own = subject.identity.policies.iter().any(|policy| self.may_allow(policy, action));
        // The root user needs no policy of its own; services and anonymous callers have none.
        if own || matches!(subject.principal, Principal::Root { .. }) {
            return None;
        }
        let granted = ask.policies.resource.as_ref().is_some_and(|policy| super::inventory::may_allow(policy, action));
        let listed = ask.policies.kms_grants.iter().any(|grant| {
            action
                .split(':')
                .nth(1)
                .is_some_and(|name| grant.operations.iter().any(|one| one.eq_ignore_ascii_case(name)))
        });
        if granted || listed {
            return None;
        }
        Some(format!("{}: no Allow in {}, {}", ask.name, Layer::Identity, Layer::Resource))
    }

    fn may_allow(&self, policy: &Arc<NamedPolicy>, action: &str) -> bool {
        let key = (Arc::as_ptr(policy) as usize, action.to_owned());
        if let Some(known) = self.allows.borrow().get(&key) {
            return *known;
        }
        let may = super::inventory::may_allow(policy, action);
        self.allows.borrow_mut().insert(key, may);
        may
    }

    /// Objects that a resource with a variable means for this principal, such as `audit/${aws:username}/*`.
    pub fn own_objects(&self, subject: &Subject, prefixes: &[String]) -> Vec<String> {
        let own = subject.identity.policies.iter().flat_map(|policy| variables(policy));
        let texts: BTreeSet<String> = own.chain(self.shared_variables.iter().cloned()).collect();
        let values = values(subject);
        let bucket = &self.estate.desired.delivery.bucket;
        let mut found = BTreeSet::new();
        for text in texts {
            let mut filled = text.clone();
            for (name, value) in &values {
                filled = replace_ignoring_case(&filled, name, value);
            }
            let pattern = Token::pattern(&without_variables(&filled));
            for prefix in prefixes {
                let below = if prefix.is_empty() { format!("{bucket}/?*") } else { format!("{bucket}/{prefix}/?*") };
                // Both kinds: the pattern's own, and the rest, which is asked about anyway.
                let kinds = split(&Token::pattern(&below), std::slice::from_ref(&pattern)).unwrap_or_default();
                found.extend(kinds.into_iter().map(|key| format!("arn:{}:s3:::{key}", self.estate.partition())));
            }
        }
        found.into_iter().collect()
    }
}

/// What variables are worth for a principal whose record is known.
fn values(subject: &Subject) -> Vec<(String, String)> {
    let mut values = Vec::new();
    if let Principal::User { arn, .. } = &subject.principal {
        let name = arn.resource.rsplit('/').next().unwrap_or_default();
        values.push(("${aws:username}".to_owned(), name.to_owned()));
    }
    if let Some(account) = subject.principal.account() {
        values.push(("${aws:PrincipalAccount}".to_owned(), account.to_owned()));
    }
    if let Principal::User { id: Some(id), .. } = &subject.principal {
        values.push(("${aws:userid}".to_owned(), id.clone()));
    }
    if let Traits::Known { tags, .. } = &subject.traits {
        values.extend(tags.iter().map(|(key, value)| (format!("${{aws:PrincipalTag/{key}}}"), value.clone())));
    }
    values
}

/// Variable names compare without case. `name` is ASCII but for tag keys, which compare by the same bytes.
fn replace_ignoring_case(text: &str, name: &str, value: &str) -> String {
    let (folded, wanted) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
    match folded.find(&wanted) {
        Some(at) => {
            let (before, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            let after = rest.split_at_checked(wanted.len()).map_or("", |(_, after)| after);
            format!("{before}{value}{}", replace_ignoring_case(after, name, value))
        }
        None => text.to_owned(),
    }
}

/// Last parts of a document's resources that have variables.
fn variables(policy: &NamedPolicy) -> Vec<String> {
    let Document::Known(policy) = &policy.document else { return Vec::new() };
    let resources = policy.statements.iter().filter_map(|statement| statement.resource.as_ref());
    let texts = resources.flat_map(|resource| match resource {
        Element::Is(list) | Element::Not(list) => list.iter(),
    });
    texts.filter(|text| text.contains("${")).filter_map(|text| text.splitn(6, ':').nth(5).map(str::to_owned)).collect()
}

fn speaks_of_access_points(policy: &NamedPolicy) -> bool {
    let Document::Known(policy) = &policy.document else { return true };
    let mut keys = policy.statements.iter().flat_map(|statement| &statement.conditions).map(|one| &one.key);
    keys.any(|key| {
        let key = key.to_ascii_lowercase();
        key.starts_with("s3:dataaccesspoint") || key == "s3:accesspointnetworkorigin"
    })
}
