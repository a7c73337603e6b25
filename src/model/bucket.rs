//! What S3 says of a bucket, one type per sub-resource. Field names follow the S3 API reference.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The four switches of a public access block, of a bucket or of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccessBlock {
    pub block_public_acls: bool,
    pub ignore_public_acls: bool,
    pub block_public_policy: bool,
    pub restrict_public_buckets: bool,
}

/// `ObjectOwnership` of a bucket: `BucketOwnerEnforced`, `BucketOwnerPreferred`, `ObjectWriter`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ownership {
    pub object_ownership: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    /// Canonical user id of the owner.
    pub owner: String,
    pub grants: Vec<AclGrant>,
}

/// One grant of an ACL; `grantee` is a canonical user id, an e-mail address or a group URI.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AclGrant {
    pub grantee: String,
    pub permission: String,
}

/// Default encryption. `algorithm` is `AES256`, `aws:kms` or `aws:kms:dsse`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    pub algorithm: String,
    /// Key ARN, id or alias exactly as S3 has it; `None` with `aws:kms` means the AWS managed key.
    pub key: Option<String>,
    pub bucket_key: bool,
    /// `BlockedEncryptionTypes`, sorted: which ways of encrypting S3 refuses for new objects (`SSE-C`, or `NONE`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blocked_types: Vec<String>,
}

impl Encryption {
    /// SSE-S3, which every bucket has that nobody configured.
    pub fn s3() -> Self {
        Self { algorithm: "AES256".to_owned(), key: None, bucket_key: false, blocked_types: Vec::new() }
    }

    /// SSE-KMS under `key` with a bucket key.
    pub fn kms(key: impl Into<String>) -> Self {
        Self { algorithm: "aws:kms".to_owned(), key: Some(key.into()), bucket_key: true, blocked_types: Vec::new() }
    }
}

/// `status` is `Enabled`, `Suspended` or `Off` (never versioned).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versioning {
    pub status: String,
    pub mfa_delete: bool,
}

/// Object Lock of a bucket that has it enabled, with its default retention if any.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLock {
    pub retention: Option<Retention>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    /// Days; a period in years is stored as 365 times its number.
    pub days: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// Sorted by id.
    pub rules: Vec<LifecycleRule>,
}

/// A lifecycle rule in full, so that a foreign one survives our writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LifecycleRule {
    pub id: String,
    pub enabled: bool,
    pub filter: LifecycleFilter,
    pub expiration: Option<Expiration>,
    pub noncurrent_expiration: Option<NoncurrentExpiration>,
    pub transitions: Vec<Transition>,
    pub noncurrent_transitions: Vec<NoncurrentTransition>,
    pub abort_multipart_days: Option<i32>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LifecycleFilter {
    pub prefix: Option<String>,
    pub tags: BTreeMap<String, String>,
    pub size_greater_than: Option<i64>,
    pub size_less_than: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiration {
    Days(i32),
    /// RFC 3339 date-time.
    Date(String),
    ExpiredObjectDeleteMarker,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NoncurrentExpiration {
    pub days: i32,
    pub newer_versions: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Transition {
    pub days: Option<i32>,
    pub date: Option<String>,
    pub storage_class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NoncurrentTransition {
    pub days: i32,
    pub newer_versions: Option<i32>,
    pub storage_class: String,
}

/// Server access logging of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logging {
    pub target_bucket: String,
    pub target_prefix: String,
    /// Grants on delivered log objects: void under BucketOwnerEnforced, undeclared anywhere else.
    pub target_grants: Vec<AclGrant>,
    /// `TargetObjectKeyFormat`: how log objects are named below the prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_format: Option<LogKeyFormat>,
}

/// Names of access-log objects (S3 API reference, `TargetObjectKeyFormat`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogKeyFormat {
    Simple,
    /// By the date of this source: `EventTime` or `DeliveryTime`.
    Partitioned(String),
}

/// Event notifications. Foreign destinations are kept: a PUT replaces the whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    pub event_bridge: bool,
    /// Sorted by id.
    pub destinations: Vec<NotificationDestination>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotificationDestination {
    pub id: String,
    /// `topic`, `queue` or `lambda`.
    pub service: String,
    pub arn: String,
    pub events: Vec<String>,
    /// (name, value) of the key filter rules: `prefix`, `suffix`.
    pub filter: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replication {
    pub role: String,
    /// Sorted by id.
    pub rules: Vec<ReplicationRule>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReplicationRule {
    pub id: String,
    pub enabled: bool,
    pub priority: i32,
    pub prefix: String,
    /// Only objects with all of these tags.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// ARN of the destination bucket.
    pub bucket: String,
    /// Destination account, when ownership is overridden.
    pub account: Option<String>,
    pub storage_class: Option<String>,
    pub replica_key: Option<String>,
    pub owner_override: bool,
    pub kms_objects: bool,
    pub delete_markers: bool,
    pub replica_modifications: bool,
    pub replication_time: bool,
    /// Metrics and events of a rule without replication time, which always has them.
    #[serde(default)]
    pub metrics: bool,
}
