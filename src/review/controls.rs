//! Which controls a change of values makes weaker, and which stronger.

use serde_json::Value;

use super::pairs::Pair;
use super::{ControlChange, Strength, ValueChange};

/// In which direction a value is stronger.
enum Scale {
    /// More days of it.
    More,
    Less,
    On,
    /// On, of something that is there before and after.
    Kept,
    /// The first of these words is the strongest.
    Words(&'static [&'static str]),
    /// There at all.
    Present,
    /// An empty list is the strongest: everything.
    Everything,
}

/// Path, control, and what counts as stronger. A `*` stands for a name.
const SCALES: &[(&str, &str, Scale)] = &[
    ("delivery.status", "delivery", Scale::Words(&["enabled", "disabled"])),
    ("delivery.workspaces", "delivery", Scale::Everything),
    ("delivery.undeclared", "other-deliveries", Scale::Words(&["disable", "report"])),
    ("bucket.retention_days", "retention", Scale::More),
    ("bucket.noncurrent_retention_days", "retention", Scale::More),
    ("bucket.access_log.retention_days", "retention", Scale::More),
    ("bucket.event_bridge", "event-notifications", Scale::On),
    ("bucket.object_lock.mode", "object-lock", Scale::Words(&["compliance", "governance"])),
    ("bucket.object_lock.days", "object-lock", Scale::More),
    ("bucket.replicas[*].bucket", "replication", Scale::Present),
    ("key.rotation_days", "key-rotation", Scale::Less),
    ("readers.*.mfa", "reader-mfa", Scale::Kept),
    ("unity_catalog.enabled", "system-tables", Scale::On),
    ("unity_catalog.metastores", "system-tables", Scale::Everything),
    ("unity_catalog.revoke_undeclared", "system-table-grants", Scale::On),
    ("workspaces.*.verbose_audit_logs", "verbose-audit-logs", Scale::On),
    ("account.public_access_block", "account-public-access-block", Scale::On),
];

pub(super) fn changes(pair: &Pair<'_>, fields: &[ValueChange]) -> Vec<ControlChange> {
    let mut changes: Vec<ControlChange> = fields.iter().filter_map(judged).collect();
    if let (Some(gone), None) = (pair.base, pair.head) {
        changes.push(ControlChange {
            manifest: gone.name.clone(),
            change: Strength::Weakened,
            control: "declaration".to_owned(),
            path: "delivery.bucket".to_owned(),
            before: gone.delivery.bucket.clone().into(),
            after: Value::Null,
        });
    }
    changes
}

fn judged(field: &ValueChange) -> Option<ControlChange> {
    let (_, control, scale) = SCALES.iter().find(|(pattern, _, _)| matches(pattern, &field.path))?;
    let change = strength(scale, &field.before, &field.after)?;
    Some(ControlChange {
        manifest: field.manifest.clone(),
        change,
        control: (*control).to_owned(),
        path: field.path.clone(),
        before: field.before.clone(),
        after: field.after.clone(),
    })
}

fn matches(pattern: &str, path: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == path,
        Some((start, end)) => path.len() > start.len() + end.len() && path.starts_with(start) && path.ends_with(end),
    }
}

/// `None` where a section comes or goes with the values in it, and that itself is the change.
fn strength(scale: &Scale, before: &Value, after: &Value) -> Option<Strength> {
    let of = |stronger: bool| if stronger { Strength::Strengthened } else { Strength::Weakened };
    let size = |value: &Value| value.as_array().map(Vec::len);
    match scale {
        Scale::Present => Some(of(before.is_null())),
        // Without a lock, any lock is stronger.
        Scale::Words(_) | Scale::More if before.is_null() || after.is_null() => Some(of(before.is_null())),
        Scale::More => Some(of(after.as_i64()? > before.as_i64()?)),
        Scale::Less => Some(of(after.as_i64()? < before.as_i64()?)),
        Scale::On if before.is_null() || after.is_null() => {
            // A name that comes or goes: what counts is whether it was on.
            let on = before.as_bool().or(after.as_bool())?;
            on.then(|| of(before.is_null()))
        }
        Scale::On => Some(of(after.as_bool()?)),
        Scale::Kept => before.as_bool().and(after.as_bool()).map(of),
        Scale::Words(words) => {
            let rank = |value: &Value| words.iter().position(|word| value == word);
            Some(of(rank(after)? < rank(before)?))
        }
        Scale::Everything => match (size(before)?, size(after)?) {
            (0, _) => Some(Strength::Weakened),
            (_, 0) => Some(Strength::Strengthened),
            (before, after) if before != after => Some(of(after > before)),
            _ => None,
        },
    }
}
