//! What a live policy says that the declaration does not: undeclared allows go, undeclared denies stay until asked away.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::iam::canonical::{CanonicalStatement, is_unique_id};
use crate::iam::{Effect, Resolver, Statement as Parsed, Version, parse};
use crate::model::fact::PolicyText;
use crate::model::{Address, Fact, Live, Observed};

use super::draft::Draft;
use super::statement::{Statement, document};

/// A live policy document beside ours.
pub(super) struct Existing<'a> {
    pub text: &'a str,
    /// Whether our owner tag is on the thing, so that a Sid of ours is ours even when its statement is an older one.
    pub owned: bool,
    /// Every Sid that any version of this policy of ours has.
    pub sids: &'a [&'a str],
}

/// What to take over from a live document.
#[derive(Default)]
pub(super) struct Kept {
    /// Undeclared denies, ready to follow our statements.
    pub denies: Vec<Value>,
    /// Why the others go, by the field paths of the diff.
    pub reasons: BTreeMap<String, String>,
}

/// Sorts the statements of a live document into ours, kept and removed. Kept denies are noticed.
pub(super) fn sort(draft: &mut Draft<'_>, address: &Address, existing: &Existing<'_>, ours: &[Statement]) -> Kept {
    let policy = match parse(existing.text) {
        Ok(policy) => policy,
        Err(error) => {
            let message =
                format!("the live policy of {address} cannot be understood, so nothing is written over it: {error}");
            draft.refuse("unreadable-policy", message);
            return Kept::default();
        }
    };
    let resolver = resolver(draft.live);
    let ours = canonical(ours, &resolver);
    let mut kept = Kept::default();
    for statement in &policy.statements {
        let sid = statement.sid.clone().unwrap_or_default();
        let reserved = existing.sids.contains(&sid.as_str());
        if ours.contains(&CanonicalStatement::of(statement, &resolver)) || (existing.owned && reserved) {
            continue;
        }
        let path = format!("statement[{sid}]");
        let label = if sid.is_empty() { "without a Sid".to_owned() } else { format!("`{sid}`") };
        if statement.effect == Effect::Allow {
            if !reserved {
                kept.reasons.insert(path, "B5, B7: nothing declares this allow".to_owned());
            }
        } else if draft.scope.remove_denies {
            kept.reasons.insert(path, "nothing declares this deny, and its removal is allowed".to_owned());
        } else if let Some(value) = portable(statement, policy.version, &resolver) {
            draft.notice(
                "undeclared-deny-kept",
                address,
                format!("the deny {label} is not declared and is kept: `--allow remove-undeclared-denies` removes it"),
            );
            kept.denies.push(if reserved { renamed(value, &sid) } else { value });
        } else {
            draft.notice(
                "dead-deny-dropped",
                address,
                format!("the deny {label} names only principals that were deleted: it denies nobody and is removed"),
            );
            kept.reasons.insert(path, "it names only principals that were deleted".to_owned());
        }
    }
    kept
}

/// Unique ids of the roles that are there: a policy may show one for a role that exists.
pub(super) fn resolver(live: &Live) -> Resolver {
    let roles = live.iter().filter_map(|(_, answer)| match answer {
        Observed::Present(Fact::Role(role)) => Some((role.id.clone(), role.arn.clone())),
        _ => None,
    });
    Resolver { ids: roles.filter(|(id, _)| !id.is_empty()).collect(), ..Resolver::default() }
}

fn canonical(ours: &[Statement], resolver: &Resolver) -> BTreeSet<CanonicalStatement> {
    let PolicyText(text) = document(ours, &[]);
    let statements = parse(&text).map(|policy| policy.statements).unwrap_or_default();
    statements.iter().map(|statement| CanonicalStatement::of(statement, resolver)).collect()
}

/// A statement as it can be written again beside ours; `None` when it names deleted principals only.
///
/// AWS shows a deleted principal by its unique id and refuses a policy that names one (IAM User Guide, "AWS JSON policy
/// elements: Principal"). Such an id matches nobody, so that a deny loses nothing without it.
pub(super) fn portable(statement: &Parsed, version: Version, resolver: &Resolver) -> Option<Value> {
    let mut value: Value = serde_json::from_str(&statement.json.text()).ok()?;
    if version == Version::V2008 {
        // There `${…}` is plain text; ours is a document of the version in which it is a variable.
        escape_variables(&mut value);
    }
    if let Some(named) = value.get_mut("Principal").and_then(|principal| principal.get_mut("AWS")) {
        let texts: Vec<Value> = match &*named {
            Value::Array(many) => many.clone(),
            one => vec![one.clone()],
        };
        let alive: Vec<Value> = texts
            .iter()
            .filter_map(Value::as_str)
            .map(|text| resolver.principal(text))
            .filter(|text| !is_unique_id(text))
            .map(Value::String)
            .collect();
        if alive.is_empty() {
            return None;
        }
        if alive != texts {
            *named = Value::Array(alive);
        }
    }
    Some(value)
}

fn escape_variables(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.replace("${", "${$}{"),
        Value::Array(items) => items.iter_mut().for_each(escape_variables),
        Value::Object(members) => members.values_mut().for_each(escape_variables),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Sids are unique in a policy, and this one is taken by a statement of ours.
fn renamed(mut statement: Value, sid: &str) -> Value {
    if let Some(members) = statement.as_object_mut() {
        members.insert("Sid".to_owned(), Value::String(format!("Kept{sid}")));
    }
    statement
}
