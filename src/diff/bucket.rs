//! Comparable fields of a bucket's sub-resources.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::bucket::{
    Acl, AclGrant, Encryption, Expiration, Lifecycle, LifecycleFilter, LifecycleRule, LogKeyFormat, Logging,
    NoncurrentExpiration, NoncurrentTransition, Notification, NotificationDestination, ObjectLock, Ownership,
    PublicAccessBlock, Replication, ReplicationRule, Retention, Transition, Versioning,
};
use crate::model::fact::{BucketRegion, Tags};

use super::compare::Resolve;
use super::fields::{Fields, item, set, tag};
use super::key;

pub(super) fn region(BucketRegion(region): &BucketRegion) -> Fields {
    let mut fields = Fields::default();
    fields.put("region", region.as_str());
    fields
}

pub(super) fn tags(Tags(tags): &Tags) -> Fields {
    let mut fields = Fields::default();
    for (key, value) in tags {
        fields.put(tag("", key), value.as_str());
    }
    fields
}

pub(super) fn public_access_block(block: &PublicAccessBlock) -> Fields {
    let PublicAccessBlock { block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets } =
        block;
    let mut fields = Fields::default();
    fields.put("block_public_acls", *block_public_acls);
    fields.put("ignore_public_acls", *ignore_public_acls);
    fields.put("block_public_policy", *block_public_policy);
    fields.put("restrict_public_buckets", *restrict_public_buckets);
    fields
}

pub(super) fn ownership(Ownership { object_ownership }: &Ownership) -> Fields {
    let mut fields = Fields::default();
    fields.put("object_ownership", object_ownership.as_str());
    fields
}

/// Only the grants: the owner of a bucket cannot be changed.
pub(super) fn acl(Acl { owner: _, grants }: &Acl) -> Fields {
    let mut fields = Fields::default();
    put_grants(&mut fields, "grants", grants);
    fields
}

/// One field per grantee, with the set of its permissions.
fn put_grants(fields: &mut Fields, list: &str, grants: &[AclGrant]) {
    let mut held: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for AclGrant { grantee, permission } in grants {
        held.entry(grantee).or_default().push(permission.clone());
    }
    for (grantee, permissions) in held {
        fields.put(item(list, grantee), set(&permissions));
    }
}

/// The key is compared in the spelling of `wanted_key` when both name the same key.
pub(super) fn encryption(side: &Encryption, wanted_key: Option<&str>, resolve: &Resolve<'_>) -> Fields {
    let Encryption { algorithm, key, bucket_key, blocked_types } = side;
    let mut fields = Fields::default();
    fields.put("algorithm", algorithm.as_str());
    fields.put("key", key.as_deref().map(|key| key::spelled_as(key, wanted_key, resolve)));
    fields.put("bucket_key", *bucket_key);
    if !blocked_types.is_empty() {
        fields.put("blocked_types", set(blocked_types));
    }
    fields
}

pub(super) fn versioning(Versioning { status, mfa_delete }: &Versioning) -> Fields {
    let mut fields = Fields::default();
    fields.put("status", status.as_str());
    fields.put("mfa_delete", *mfa_delete);
    fields
}

/// `enabled` stands for the fact's existence: a bucket without Object Lock has no such configuration.
pub(super) fn object_lock(ObjectLock { retention }: &ObjectLock) -> Fields {
    let mut fields = Fields::default();
    fields.put("enabled", true);
    if let Some(Retention { mode, days }) = retention {
        fields.put("retention.mode", mode.as_str());
        fields.put("retention.days", *days);
    }
    fields
}

pub(super) fn lifecycle(Lifecycle { rules }: &Lifecycle) -> Fields {
    let mut fields = Fields::default();
    for rule in sorted(rules) {
        put_lifecycle_rule(&mut fields, rule);
    }
    fields
}

fn put_lifecycle_rule(fields: &mut Fields, rule: &LifecycleRule) {
    let LifecycleRule {
        id,
        enabled,
        filter,
        expiration,
        noncurrent_expiration,
        transitions,
        noncurrent_transitions,
        abort_multipart_days,
    } = rule;
    let at = item("rules", id);
    fields.put(format!("{at}.enabled"), *enabled);
    put_filter(fields, &format!("{at}.filter"), filter);
    match expiration {
        Some(Expiration::Days(days)) => fields.put(format!("{at}.expiration.days"), *days),
        Some(Expiration::Date(date)) => fields.put(format!("{at}.expiration.date"), date.as_str()),
        Some(Expiration::ExpiredObjectDeleteMarker) => {
            fields.put(format!("{at}.expiration.expired_object_delete_marker"), true);
        }
        None => {}
    }
    if let Some(NoncurrentExpiration { days, newer_versions }) = noncurrent_expiration {
        fields.put(format!("{at}.noncurrent_expiration.days"), *days);
        fields.put(format!("{at}.noncurrent_expiration.newer_versions"), *newer_versions);
    }
    for Transition { days, date, storage_class } in sorted(transitions) {
        let value = json!({ "days": days, "date": date });
        fields.put(item(&format!("{at}.transitions"), storage_class), without_nulls(value));
    }
    for NoncurrentTransition { days, newer_versions, storage_class } in sorted(noncurrent_transitions) {
        let value = json!({ "days": days, "newer_versions": newer_versions });
        fields.put(item(&format!("{at}.noncurrent_transitions"), storage_class), without_nulls(value));
    }
    fields.put(format!("{at}.abort_multipart_days"), *abort_multipart_days);
}

/// An empty prefix filters nothing, as no prefix does (S3 User Guide, "Lifecycle configuration elements", Filter).
fn put_filter(fields: &mut Fields, at: &str, filter: &LifecycleFilter) {
    let LifecycleFilter { prefix, tags, size_greater_than, size_less_than } = filter;
    fields.put(format!("{at}.prefix"), prefix.as_deref().filter(|prefix| !prefix.is_empty()));
    for (key, value) in tags {
        fields.put(tag(&format!("{at}."), key), value.as_str());
    }
    fields.put(format!("{at}.size_greater_than"), *size_greater_than);
    fields.put(format!("{at}.size_less_than"), *size_less_than);
}

/// Without a target there is no logging: a wanted fact says so that it shall be off.
pub(super) fn logging(Logging { target_bucket, target_prefix, target_grants, key_format }: &Logging) -> Fields {
    let mut fields = Fields::default();
    if target_bucket.is_empty() {
        return fields;
    }
    fields.put("target_bucket", target_bucket.as_str());
    fields.put("target_prefix", target_prefix.as_str());
    put_grants(&mut fields, "target_grants", target_grants);
    let format = key_format.as_ref().map(|format| match format {
        LogKeyFormat::Simple => "simple",
        LogKeyFormat::Partitioned(source) => source.as_str(),
    });
    fields.put("key_format", format);
    fields
}

pub(super) fn notification(Notification { event_bridge, destinations }: &Notification) -> Fields {
    let mut fields = Fields::default();
    fields.put("event_bridge", *event_bridge);
    for NotificationDestination { id, service, arn, events, filter } in sorted(destinations) {
        let at = item("destinations", id);
        fields.put(format!("{at}.service"), service.as_str());
        fields.put(format!("{at}.arn"), arn.as_str());
        fields.put(format!("{at}.events"), set(events));
        // S3 gives the rule names back in another case than they were sent in.
        for (name, value) in filter {
            fields.put(item(&format!("{at}.filter"), &name.to_lowercase()), value.as_str());
        }
    }
    fields
}

/// Without rules there is no replication, whichever role is named: S3 refuses such a configuration.
pub(super) fn replication(Replication { role, rules }: &Replication) -> Fields {
    let mut fields = Fields::default();
    if rules.is_empty() {
        return fields;
    }
    fields.put("role", role.as_str());
    for rule in sorted(rules) {
        let ReplicationRule {
            id,
            enabled,
            priority,
            prefix,
            tags,
            bucket,
            account,
            storage_class,
            replica_key,
            owner_override,
            kms_objects,
            delete_markers,
            replica_modifications,
            replication_time,
            metrics,
        } = rule;
        let at = item("rules", id);
        fields.put(format!("{at}.enabled"), *enabled);
        fields.put(format!("{at}.priority"), *priority);
        fields.put(format!("{at}.prefix"), prefix.as_str());
        for (key, value) in tags {
            fields.put(tag(&format!("{at}."), key), value.as_str());
        }
        fields.put(format!("{at}.bucket"), bucket.as_str());
        fields.put(format!("{at}.account"), account.as_deref());
        fields.put(format!("{at}.storage_class"), storage_class.as_deref());
        fields.put(format!("{at}.replica_key"), replica_key.as_deref());
        fields.put(format!("{at}.owner_override"), *owner_override);
        fields.put(format!("{at}.kms_objects"), *kms_objects);
        fields.put(format!("{at}.delete_markers"), *delete_markers);
        fields.put(format!("{at}.replica_modifications"), *replica_modifications);
        fields.put(format!("{at}.replication_time"), *replication_time);
        fields.put(format!("{at}.metrics"), *metrics);
    }
    fields
}

pub(super) fn sorted<T: Ord>(values: &[T]) -> Vec<&T> {
    let mut values: Vec<&T> = values.iter().collect();
    values.sort();
    values
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(fields.into_iter().filter(|(_, value)| !value.is_null()).collect()),
        other => other,
    }
}
