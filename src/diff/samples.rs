//! One full fact per kind, with no field left at its default, for the tests of this room.

use serde_json::json;

use crate::model::{Fact, Kind};

pub(super) const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/11111111-2222-3333-4444-555555555555";

pub(super) fn policy() -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
                "Resource": ["arn:aws:s3:::acme-audit", "arn:aws:s3:::acme-audit/*"],
                "Condition": { "Bool": { "aws:SecureTransport": "false" } }
            },
            {
                "Sid": "ReadersRead", "Effect": "Allow",
                "Principal": { "AWS": ["arn:aws:iam::111122223333:role/Analyst"] },
                "Action": ["s3:GetObject", "s3:GetObjectVersion"], "Resource": "arn:aws:s3:::acme-audit/audit/*"
            }
        ]
    })
    .to_string()
}

fn fact(name: &str, value: serde_json::Value) -> Fact {
    serde_json::from_value(json!({ "fact": name, "value": value })).unwrap()
}

/// A fact for every kind.
pub(super) fn sample(kind: Kind) -> Fact {
    match kind {
        Kind::AccountPublicAccessBlock | Kind::BucketPublicAccessBlock => fact(
            "account_and_bucket_block",
            json!({
                "block_public_acls": true, "ignore_public_acls": true,
                "block_public_policy": true, "restrict_public_buckets": true
            }),
        ),
        Kind::Bucket => fact("bucket_region", json!("us-east-1")),
        Kind::BucketTags | Kind::KmsTags => fact("tags", json!({ "auditseal:owner": "0d26/acme", "team": "security" })),
        Kind::BucketOwnership => fact("bucket_ownership", json!({ "object_ownership": "BucketOwnerEnforced" })),
        Kind::BucketAcl => fact(
            "bucket_acl",
            json!({ "owner": "79a5", "grants": [{ "grantee": "79a5", "permission": "FULL_CONTROL" }] }),
        ),
        Kind::BucketEncryption => fact(
            "bucket_encryption",
            json!({
                "algorithm": "aws:kms", "key": KEY, "bucket_key": true, "blocked_types": ["SSE-C"]
            }),
        ),
        Kind::BucketVersioning => fact("bucket_versioning", json!({ "status": "Enabled", "mfa_delete": false })),
        Kind::BucketObjectLock => {
            fact("bucket_object_lock", json!({ "retention": { "mode": "GOVERNANCE", "days": 365 } }))
        }
        Kind::BucketLifecycle => lifecycle(),
        Kind::BucketPolicy | Kind::KmsKeyPolicy | Kind::RolePolicy => fact("policy", json!(policy())),
        Kind::BucketLogging => fact(
            "bucket_logging",
            json!({
                "target_bucket": "acme-audit-access", "target_prefix": "s3/",
                "target_grants": [{ "grantee": "79a5", "permission": "READ" }],
                "key_format": { "partitioned": "EventTime" }
            }),
        ),
        Kind::BucketNotification => fact(
            "bucket_notification",
            json!({
                "event_bridge": true,
                "destinations": [{
                    "id": "foreign", "service": "queue", "arn": "arn:aws:sqs:us-east-1:111122223333:q",
                    "events": ["s3:ObjectCreated:*"], "filter": [["prefix", "audit/"]]
                }]
            }),
        ),
        Kind::BucketReplication => replication(),
        Kind::KmsKey => fact(
            "key",
            json!({
                "id": "11111111-2222-3333-4444-555555555555", "arn": KEY, "state": "Enabled", "manager": "CUSTOMER",
                "spec": "SYMMETRIC_DEFAULT", "usage": "ENCRYPT_DECRYPT", "origin": "AWS_KMS", "multi_region": false
            }),
        ),
        Kind::KmsAlias => fact("names", json!(["alias/acme-audit"])),
        Kind::RoleInlinePolicies => fact("names", json!(["auditseal-delivery"])),
        Kind::RoleAttachedPolicies => fact("names", json!(["arn:aws:iam::aws:policy/ReadOnlyAccess"])),
        Kind::KmsRotation => fact("key_rotation", json!({ "enabled": true, "period_days": 365 })),
        Kind::KmsGrants => fact(
            "key_grants",
            json!([{
                "id": "g1", "name": "ebs", "grantee": "arn:aws:iam::111122223333:role/Ebs",
                "retiring": "arn:aws:iam::111122223333:role/Retirer", "issuing_account": "111122223333",
                "operations": ["Decrypt"], "constraints": "{}"
            }]),
        ),
        Kind::Role => fact(
            "role",
            json!({
                "arn": "arn:aws:iam::111122223333:role/auditseal/Delivery", "id": "AROAEXAMPLE", "trust": policy(),
                "tags": { "auditseal:owner": "0d26/acme" }, "max_session_duration": 3600,
                "boundary": "arn:aws:iam::111122223333:policy/Boundary"
            }),
        ),
        _ => databricks(kind),
    }
}

fn lifecycle() -> Fact {
    fact(
        "bucket_lifecycle",
        json!({ "rules": [{
            "id": "auditseal-retention", "enabled": true,
            "filter": {
                "prefix": "audit/", "tags": { "class": "log" }, "size_greater_than": 10, "size_less_than": 20
            },
            "expiration": { "days": 400 },
            "noncurrent_expiration": { "days": 30, "newer_versions": 2 },
            "transitions": [{ "days": 90, "date": "2027-01-01T00:00:00Z", "storage_class": "GLACIER_IR" }],
            "noncurrent_transitions": [{ "days": 10, "newer_versions": 1, "storage_class": "GLACIER_IR" }],
            "abort_multipart_days": 7
        }] }),
    )
}

fn replication() -> Fact {
    fact(
        "bucket_replication",
        json!({ "role": "arn:aws:iam::111122223333:role/Replication", "rules": [{
            "id": "auditseal-dr", "enabled": true, "priority": 1, "prefix": "audit/", "tags": { "class": "log" },
            "bucket": "arn:aws:s3:::acme-dr",
            "account": "444455556666", "storage_class": "STANDARD_IA", "replica_key": KEY, "owner_override": true,
            "kms_objects": true, "delete_markers": false, "replica_modifications": false, "replication_time": false,
            "metrics": false
        }] }),
    )
}

fn databricks(kind: Kind) -> Fact {
    match kind {
        Kind::Credential => fact(
            "credentials",
            json!([{
                "credentials_id": "c1", "credentials_name": "acme",
                "role_arn": "arn:aws:iam::111122223333:role/auditseal/Delivery", "creation_time": 1
            }]),
        ),
        Kind::StorageConfiguration => fact(
            "storage_configurations",
            json!([{
                "storage_configuration_id": "s1", "storage_configuration_name": "acme",
                "bucket_name": "acme-audit", "creation_time": 1
            }]),
        ),
        Kind::LogDelivery => fact(
            "log_deliveries",
            json!([{
                "config_id": "d1", "config_name": "acme", "log_type": "AUDIT_LOGS", "output_format": "JSON",
                "credentials_id": "c1", "storage_configuration_id": "s1", "delivery_path_prefix": "audit",
                "workspace_ids_filter": [42], "status": "ENABLED", "creation_time": 1,
                "delivery": {
                    "status": "SUCCEEDED", "message": "ok", "last_attempt_time": "2026-01-01T00:00:00Z",
                    "last_successful_attempt_time": "2026-01-01T00:00:00Z"
                }
            }]),
        ),
        Kind::SystemSchema => fact("system_schemas", json!([{ "schema": "access", "state": "ENABLE_COMPLETED" }])),
        Kind::Grants => fact(
            "privileges",
            json!([{ "principal": "audit-readers", "principal_id": null, "privileges": ["SELECT", "USE_SCHEMA"] }]),
        ),
        Kind::WorkspaceConf => fact("workspace_conf", json!({ "enableVerboseAuditLogs": "true" })),
        _ => unreachable!("every other kind has its sample above"),
    }
}
