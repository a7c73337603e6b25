//! What a live policy says that the declaration does not: undeclared allows go, undeclared denies stay until asked away.

use serde_json::{Map, Value};

use crate::model::Address;

use super::draft::Draft;
use super::statement::Statement;

/// A live policy document beside ours.
pub(super) struct Existing<'a> {
    pub text: &'a str,
    /// Whether our owner tag is on the thing, so that a Sid of ours is ours even when its statement is an older one.
    pub owned: bool,
    /// Every Sid that any version of this policy of ours has.
    pub sids: &'a [&'a str],
}

/// The undeclared denies of a live document, ready to follow our statements. Says in notices and in `reasons` what is kept
/// and what goes.
pub(super) fn denies(
    draft: &mut Draft<'_>,
    address: &Address,
    existing: &Existing<'_>,
    ours: &[Statement],
) -> Vec<Value> {
    let Some(statements) = statements_of(existing.text) else {
        draft.refuse(
            "unreadable-policy",
            format!("the live policy of {address} is not a policy document: look at it and remove it by hand"),
        );
        return Vec::new();
    };
    let ours: Vec<Value> = ours.iter().map(|one| plain(&one.value())).collect();
    let mut kept = Vec::new();
    for statement in statements {
        let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or_default().to_owned();
        let reserved = existing.sids.contains(&sid.as_str());
        let is_deny = statement.get("Effect").and_then(Value::as_str) == Some("Deny");
        if !is_deny || ours.contains(&plain(&statement)) || (existing.owned && reserved) {
            continue;
        }
        let label = if sid.is_empty() { "without a Sid".to_owned() } else { format!("`{sid}`") };
        if draft.scope.remove_denies {
            continue;
        }
        let Some(mut statement) = without_deleted_principals(statement) else {
            draft.notice(
                "dead-deny-dropped",
                address,
                format!("the deny {label} names only principals that were deleted: it denies nobody and is removed"),
            );
            continue;
        };
        if reserved && let Some(members) = statement.as_object_mut() {
            // Sids are unique in a policy, and this one is taken by a statement of ours.
            members.insert("Sid".to_owned(), Value::String(format!("Kept{sid}")));
        }
        draft.notice(
            "undeclared-deny-kept",
            address,
            format!("the deny {label} is not declared and is kept: `--allow remove-undeclared-denies` removes it"),
        );
        kept.push(statement);
    }
    kept
}

fn statements_of(text: &str) -> Option<Vec<Value>> {
    let document: Value = serde_json::from_str(text).ok()?;
    match document.get("Statement")? {
        Value::Array(statements) => Some(statements.clone()),
        one @ Value::Object(_) => Some(vec![one.clone()]),
        _ => None,
    }
}

/// One form for the spellings that AWS may give back: a list of one is its element, lists have no order, and an account's
/// number is its root principal's ARN only for the evaluator, so that it is left alone here.
fn plain(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(plain).collect();
            match items.len() {
                1 => items.pop().unwrap_or_default(),
                _ => {
                    items.sort_by_key(Value::to_string);
                    Value::Array(items)
                }
            }
        }
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), plain(value))).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

/// AWS shows a deleted principal by its unique id and refuses a policy that names one (IAM User Guide, "AWS JSON policy
/// elements: Principal"). Such an id matches nobody, so that a deny loses nothing without it.
fn without_deleted_principals(mut statement: Value) -> Option<Value> {
    let Some(named) = statement.get_mut("Principal").and_then(|principal| principal.get_mut("AWS")) else {
        return Some(statement);
    };
    let is_id = |value: &Value| value.as_str().is_some_and(|text| text.starts_with("AROA") || text.starts_with("AIDA"));
    match named {
        Value::Array(items) => {
            items.retain(|item| !is_id(item));
            if items.is_empty() {
                return None;
            }
        }
        one if is_id(one) => return None,
        _ => {}
    }
    Some(statement)
}
