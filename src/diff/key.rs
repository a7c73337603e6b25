//! Comparable fields of a key, its rotation and its grants.

use serde_json::json;

use crate::model::Arn;
use crate::model::key::{Grant, Key, Rotation};

use super::bucket::sorted;
use super::compare::Resolve;
use super::fields::{Fields, item, set};

/// Days between rotations when none is asked for (KMS API reference, EnableKeyRotation, `RotationPeriodInDays`).
const DEFAULT_ROTATION_DAYS: i32 = 365;

/// The id is part of the ARN; a key that has to be created has no id yet.
pub(super) fn key(side: &Key, creating: bool) -> Fields {
    let Key { id: _, arn, state, manager, spec, usage, origin, multi_region } = side;
    let mut fields = Fields::default();
    fields.put("arn", arn.as_str());
    fields.put("state", state.as_str());
    fields.put("manager", manager.as_str());
    fields.put("spec", spec.as_str());
    fields.put("usage", usage.as_str());
    fields.put("origin", origin.as_str());
    if !creating || *multi_region {
        fields.put("multi_region", *multi_region);
    }
    fields
}

/// A period that KMS does not tell is the default one; a key that is not rotated has none.
pub(super) fn rotation(Rotation { enabled, period_days }: &Rotation) -> Fields {
    let mut fields = Fields::default();
    fields.put("enabled", *enabled);
    if *enabled {
        fields.put("period_days", period_days.unwrap_or(DEFAULT_ROTATION_DAYS));
    }
    fields
}

/// One field per grant, since a grant cannot be changed, only revoked. One that was made again has another id and does the
/// same: it goes by the id of the wanted one.
pub(super) fn grants(live: Option<&Vec<Grant>>, wanted: &[Grant]) -> (Fields, Fields) {
    let live: Vec<Grant> = live
        .into_iter()
        .flatten()
        .map(|one| match wanted.iter().find(|other| one.does_the_same(other)) {
            Some(other) if !live.is_some_and(|all| all.iter().any(|one| one.id == other.id)) => other.clone(),
            _ => one.clone(),
        })
        .collect();
    (each_grant(&live), each_grant(wanted))
}

fn each_grant(grants: &[Grant]) -> Fields {
    let mut fields = Fields::default();
    for Grant { id, name, grantee, retiring, issuing_account, operations, constraints } in sorted(grants) {
        let value = json!({
            "name": name,
            "grantee": grantee,
            "retiring": retiring,
            "issuing_account": issuing_account,
            "operations": set(operations),
            "constraints": constraints,
        });
        fields.put(item("grants", id), value);
    }
    fields
}

/// `key` as `wanted` spells it when both are the same key: S3 gives back whatever was put, an id, an ARN or an alias.
/// An alias is followed by `resolve`; one that it does not know stays, and differs.
pub(super) fn spelled_as(key: &str, wanted: Option<&str>, resolve: &Resolve<'_>) -> String {
    let Some(wanted) = wanted else { return key.to_owned() };
    let same = |one: &str| one == wanted || (is_id_of(one, wanted) || is_id_of(wanted, one));
    if same(key) {
        return wanted.to_owned();
    }
    match resolve(key) {
        Some(arn) if same(&arn) => wanted.to_owned(),
        _ => key.to_owned(),
    }
}

/// Whether `id` is the bare id of the key with this ARN.
fn is_id_of(id: &str, arn: &str) -> bool {
    arn.parse::<Arn>().is_ok_and(|arn| arn.service == "kms" && arn.resource.strip_prefix("key/") == Some(id))
}
