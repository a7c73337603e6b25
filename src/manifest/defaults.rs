//! Every default and every bound of the manifest, once. Parsing, the JSON Schema and `--expanded` all take them from here.

use sha2::{Digest, Sha256};

use crate::model::desired::{DeliveryStatus, Undeclared};
use crate::model::place::Partition;
use crate::model::{Severity, hex};

use super::grammar::{AccessLog, Account, Bucket, Delivery, Key, UnityCatalog};

/// The only version of the manifest format so far.
pub const VERSION: i64 = 1;
/// The longest period that S3 Object Lock takes: 100 years (S3 User Guide, "Object Lock considerations"). Used for every
/// number of days, so that no retention overflows the API's integers.
pub const MAX_DAYS: u32 = 36_500;
/// An unfinished upload is of no use after that; the control for it asks for at most seven days.
pub const MAX_ABORT_DAYS: u32 = 365;
/// `RotationPeriodInDays` (KMS API reference, `EnableKeyRotation`).
pub const MIN_ROTATION_DAYS: u32 = 90;
/// `RotationPeriodInDays` (KMS API reference, `EnableKeyRotation`).
pub const MAX_ROTATION_DAYS: u32 = 2560;
/// Names in Databricks: `config_name` takes 255 characters.
pub const MAX_NAME: usize = 255;
/// The reason of a waiver: a sentence or two.
pub const MAX_REASON: usize = 500;
/// Delivery happens about every 15 minutes: a shorter limit would always be exceeded.
pub const MIN_SILENCE_MINUTES: u32 = 15;
/// Seven days.
pub const MAX_SILENCE_MINUTES: u32 = 7 * 24 * 60;

const MAX_BUCKET: usize = 63;
const MAX_ROLE: usize = 64;
/// Hex digits of the digest that keeps shortened names apart.
const DIGEST: usize = 8;

impl Default for Delivery {
    fn default() -> Self {
        Self {
            bucket: None,
            prefix: "audit".to_owned(),
            name: None,
            status: DeliveryStatus::Enabled,
            workspaces: Vec::new(),
            max_silence: "60m".to_owned(),
            previous_prefixes: Vec::new(),
            undeclared: Undeclared::Report,
        }
    }
}

impl Default for Bucket {
    fn default() -> Self {
        Self {
            retention_days: 365,
            noncurrent_retention_days: 365,
            abort_multipart_days: 7,
            event_bridge: true,
            object_lock: None,
            access_log: AccessLog::default(),
            replicas: Vec::new(),
        }
    }
}

impl Default for AccessLog {
    fn default() -> Self {
        Self { bucket: None, prefix: "s3/".to_owned(), retention_days: 365, readers: Vec::new() }
    }
}

impl Default for Key {
    fn default() -> Self {
        Self { arn: None, alias: None, rotation_days: 365, previous: Vec::new() }
    }
}

impl Default for UnityCatalog {
    fn default() -> Self {
        Self { enabled: true, metastores: Vec::new(), revoke_undeclared: false }
    }
}

#[allow(clippy::derivable_impls, reason = "said on purpose: switching it on acts on every bucket of the account")]
impl Default for Account {
    fn default() -> Self {
        Self { public_access_block: false }
    }
}

/// `min_severity` of a sink: what is only worth knowing stays in the output of `drift`.
pub(super) const MIN_SEVERITY: Severity = Severity::Low;
/// `format` of a sink.
pub(super) const ALERT_FORMAT: &str = "jsonl";

/// `mfa` of a reader role.
pub(super) const MFA: bool = false;

/// Partition of a region; GovCloud for the Department of Defense has to be asked for.
pub(super) fn partition(region: &str) -> Partition {
    if region.starts_with("us-gov-") { Partition::AwsUsGov } else { Partition::Aws }
}

/// Name of a new log-delivery configuration.
pub(super) fn delivery_name(bucket: &str) -> String {
    format!("auditseal {bucket}")
}

/// Name of the access-log bucket.
pub(super) fn access_bucket(bucket: &str) -> String {
    let plain = format!("{bucket}-access");
    if plain.len() <= MAX_BUCKET {
        return plain;
    }
    format!("{}-access", shortened(bucket, MAX_BUCKET.saturating_sub("-access".len())))
}

/// Alias of the key. Bucket names know dots and aliases do not; underscores occur in no bucket name, so two buckets never
/// share an alias.
pub(super) fn alias(bucket: &str) -> String {
    format!("alias/auditseal/{}", bucket.replace('.', "_"))
}

/// ARN of the delivery role. Its name holds the bucket's, so that the manifests of a directory do not share a role.
pub(super) fn role_arn(partition: Partition, account: &str, bucket: &str) -> String {
    let prefix = "AuditDelivery-";
    let room = MAX_ROLE.saturating_sub(prefix.len());
    let name = if bucket.len() <= room { bucket.to_owned() } else { shortened(bucket, room) };
    format!("arn:{}:iam::{account}:role/auditseal/{prefix}{name}", partition.arn_name())
}

/// The start of a text and a digest of the whole, together of at most `length` bytes: distinct texts stay distinct.
fn shortened(text: &str, length: usize) -> String {
    let digest: String = hex(&Sha256::digest(text.as_bytes())).chars().take(DIGEST).collect();
    let room = length.saturating_sub(DIGEST + 1);
    let mut start: String = text.chars().take(room).collect();
    while start.ends_with(['.', '-']) {
        start.pop();
    }
    format!("{start}-{digest}")
}
