//! Comparable fields of a role, and of the lists of names that IAM and KMS give.

use crate::model::Kind;
use crate::model::fact::Names;
use crate::model::role::Role;

use super::compare::Resolve;
use super::fields::{Fields, item, tag};
use super::policy;

/// Trust and tags. ARN, boundary and session length are shown when the role is created and never compared: a role cannot
/// change its ARN, and boundary and session length belong to whoever runs the account.
pub(super) fn role(live: Option<&Role>, wanted: &Role, resolve: &Resolve<'_>) -> (Fields, Fields) {
    let (trust, tags) = match live {
        Some(Role { arn: _, id: _, trust, tags, max_session_duration: _, boundary: _ }) => (trust.as_str(), Some(tags)),
        None => ("", None),
    };
    let Role { arn, id: _, trust: wanted_trust, tags: wanted_tags, max_session_duration, boundary } = wanted;
    let (mut before, trust) = policy::texts("trust.", trust, wanted_trust, resolve);
    let mut after = Fields::default();
    if live.is_none() {
        after.put("arn", arn.as_str());
        after.put("max_session_duration", *max_session_duration);
        after.put("boundary", boundary.as_deref());
    }
    after.append(trust);
    for (key, value) in tags.into_iter().flatten() {
        before.put(tag("", key), value.as_str());
    }
    for (key, value) in wanted_tags {
        after.put(tag("", key), value.as_str());
    }
    (before, after)
}

/// A set of names: one field per name.
pub(super) fn names(kind: Kind, Names(names): &Names) -> Fields {
    let list = match kind {
        Kind::KmsAlias => "aliases",
        Kind::RoleInlinePolicies => "inline_policies",
        Kind::RoleAttachedPolicies => "attached_policies",
        _ => "names",
    };
    let mut names = names.clone();
    names.sort();
    names.dedup();
    let mut fields = Fields::default();
    for name in names {
        fields.put(item(list, &name), name);
    }
    fields
}
