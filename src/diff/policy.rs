//! Comparable fields of a policy: one per statement that differs in meaning. What is a difference in meaning, and which
//! statement became which, is for `iam` to say.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::iam::statement_diff::diff_statements_with;
use crate::iam::{Resolver, deleted_principals, equivalent_with, parse};
use crate::model::fact::PolicyText;

use super::compare::Resolve;
use super::fields::{Fields, item};

pub(super) fn text(
    prefix: &str,
    live: Option<&PolicyText>,
    PolicyText(wanted): &PolicyText,
    resolve: &Resolve<'_>,
) -> (Fields, Fields) {
    texts(prefix, live.map_or("", |PolicyText(text)| text.as_str()), wanted, resolve)
}

/// The fields of both texts, without those that say the same; an empty text is no policy. A text that is no policy
/// document is shown whole.
pub(super) fn texts(prefix: &str, live: &str, wanted: &str, resolve: &Resolve<'_>) -> (Fields, Fields) {
    let (live, wanted) = (live.trim(), wanted.trim());
    let (mut before, mut after) = (Fields::default(), Fields::default());
    let version = format!("{prefix}version");
    let resolver = resolver(live, wanted, resolve);
    if live == wanted || equivalent_with(live, wanted, &resolver) {
        return (before, after);
    }
    let Ok(diff) = diff_statements_with(live, wanted, &resolver) else {
        return whole(prefix, live, wanted);
    };
    let at = |name: &str| format!("{prefix}{}", item("statement", name));
    if let Some((old, new)) = diff.version {
        before.put(version.as_str(), old.as_str());
        after.put(version.as_str(), new.as_str());
    }
    for changed in &diff.changed {
        before.put(at(&changed.sid), statement(&changed.before));
        after.put(at(&changed.sid), statement(&changed.after));
    }
    for added in &diff.added {
        after.put(at(&added.name), statement(&added.json));
    }
    for removed in &diff.removed {
        before.put(at(&removed.name), statement(&removed.json));
    }
    if before == after {
        return whole(prefix, live, wanted);
    }
    if !live.is_empty() && !wanted.is_empty() && diff.version.is_none() {
        // A policy is there, even when all of its own statements stay.
        before.put(version.as_str(), true);
        after.put(version.as_str(), true);
    }
    (before, after)
}

fn whole(prefix: &str, live: &str, wanted: &str) -> (Fields, Fields) {
    let side = |text: &str| {
        let mut fields = Fields::default();
        if !text.is_empty() {
            fields.put(format!("{prefix}policy"), text);
        }
        fields
    };
    (side(live), side(wanted))
}

/// A statement as JSON; were it none, its text.
fn statement(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// The ARNs behind the unique ids that either text names, and the partition that the wanted text speaks of.
fn resolver(live: &str, wanted: &str, resolve: &Resolve<'_>) -> Resolver {
    let ids: BTreeMap<String, String> = [live, wanted]
        .into_iter()
        .filter_map(|text| parse(text).ok())
        .flat_map(|policy| deleted_principals(&policy))
        .filter_map(|id| resolve(&id).map(|arn| (id, arn)))
        .collect();
    let partition = [wanted, live].into_iter().find_map(|text| {
        let (_, rest) = text.split_once("\"arn:")?;
        rest.split_once(':').map(|(partition, _)| partition).filter(|partition| partition.starts_with("aws"))
    });
    match partition {
        Some(partition) => Resolver { partition: partition.to_owned(), ids },
        None => Resolver { ids, ..Resolver::default() },
    }
}
