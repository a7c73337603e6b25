//! What a manifest declares, with every default filled in and every value checked. Built only by `manifest`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::place::{Partition, Place};
use super::{Alert, Arn, Waiver};

/// How the names of replication roles begin.
pub const REPLICATION_ROLE: &str = "AuditReplication-";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Desired {
    /// File stem of the manifest.
    pub name: String,
    pub databricks: DatabricksAccount,
    pub aws: AwsAccount,
    pub delivery: Delivery,
    pub bucket: Bucket,
    pub key: Key,
    pub role: Role,
    /// By name, as all maps here: names are labels of the manifest and never reach the cloud.
    pub readers: BTreeMap<String, Reader>,
    pub admins: BTreeMap<String, Admin>,
    pub observers: BTreeMap<String, Observer>,
    pub scanners: BTreeMap<String, Scanner>,
    pub unity_catalog: UnityCatalog,
    pub workspaces: BTreeMap<String, Workspace>,
    pub account: Account,
    /// Those that have ended too: the caller knows the day.
    pub waivers: Vec<Waiver>,
    /// Where findings are sent. Nothing of it reaches the cloud that is reconciled.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub alerts: Vec<Alert>,
    /// Where journals, the memory of drift checks and the outbox are kept beside the local folder.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub store: Option<Store>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabricksAccount {
    /// UUID.
    pub account_id: String,
    pub profile: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwsAccount {
    /// Twelve digits.
    pub account_id: String,
    pub region: String,
    pub partition: Partition,
    pub profile: Option<String>,
    pub assume_role: Option<Arn>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryStatus {
    Enabled,
    Disabled,
}

/// What to do with enabled log-delivery configurations that nothing declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undeclared {
    Report,
    Disable,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub bucket: String,
    /// Without leading or trailing slash.
    pub prefix: String,
    /// Name of a new configuration; an existing one is found by what it does, not by its name.
    pub name: String,
    pub status: DeliveryStatus,
    /// Workspace ids; empty is the whole account, which alone includes account-level events.
    pub workspaces: Vec<i64>,
    /// Minutes without a successful delivery after which it counts as silent.
    pub max_silence_minutes: u32,
    /// Prefixes that were delivered to before and stay readable.
    pub previous_prefixes: Vec<String>,
    pub undeclared: Undeclared,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub retention_days: u32,
    pub noncurrent_retention_days: u32,
    pub abort_multipart_days: u32,
    pub object_lock: Option<ObjectLock>,
    pub access_log: AccessLog,
    pub event_bridge: bool,
    pub replicas: Vec<Replica>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LockMode {
    Governance,
    Compliance,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLock {
    pub mode: LockMode,
    pub days: u32,
}

/// The bucket that receives S3 server access logs of the audit bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessLog {
    /// Defaults to `<bucket>-access`.
    pub bucket: String,
    pub prefix: String,
    pub retention_days: u32,
    /// Role ARNs; the admins when none is declared.
    pub readers: Vec<Arn>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    pub bucket: String,
    pub account_id: String,
    pub region: String,
    pub profile: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    /// An existing key to adopt; otherwise one is made.
    pub arn: Option<Arn>,
    /// With the `alias/` prefix.
    pub alias: String,
    pub rotation_days: u32,
    /// Keys under which older objects lie; they stay readable, and are not changed.
    pub previous: Vec<Arn>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// With its path; in `[aws] account_id` unless it says otherwise.
    pub arn: Arn,
    /// AWS profile for a role in another account.
    pub profile: Option<String>,
}

/// Who may read the logs: an IAM role, or a Databricks principal that may SELECT `system.access`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Reader {
    Role {
        role: Arn,
        mfa: bool,
    },
    /// Account-level group name, user e-mail, or application id of a service principal.
    Databricks {
        principal: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admin {
    pub role: Arn,
}

/// May list object names, not read objects: the scheduled drift check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observer {
    pub role: Arn,
}

/// A DSPM product as a declared reader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scanner {
    pub role: Arn,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnityCatalog {
    /// Reconcile the system schema and its grants at all.
    pub enabled: bool,
    /// Metastore names or ids; empty is all that are attached to a workspace.
    pub metastores: Vec<String>,
    /// Whether undeclared grants on `system.access` and its tables are revoked, or only reported.
    pub revoke_undeclared: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    pub verbose_audit_logs: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// All four switches at account level: acts on every bucket of the account.
    pub public_access_block: bool,
}

/// A part of a bucket that is neither the audit bucket nor one of its copies or logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Store {
    pub bucket: String,
    /// Without leading or trailing slash; empty for the whole bucket.
    pub prefix: String,
    /// The account that the bucket has to belong to.
    pub account_id: String,
}

impl Store {
    /// What is kept, by name: the same below the prefix of the store and below the local folder. The journals of runs.
    pub const RUNS: &str = "runs";
    /// What checks remember.
    pub const MEMORY: &str = "drift.json";
    /// What waits for sinks, a folder for each.
    pub const OUTBOX: &str = "outbox";

    /// As the manifest writes it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("s3://{}", self.path())
    }

    /// Bucket and prefix, as they stand in the ARN of an object.
    #[must_use]
    pub fn path(&self) -> String {
        if self.prefix.is_empty() { self.bucket.clone() } else { format!("{}/{}", self.bucket, self.prefix) }
    }
}

impl Desired {
    /// Where the bucket, its key and its access-log bucket are.
    #[must_use]
    pub fn aws_place(&self) -> Place {
        Place::Aws { account: self.aws.account_id.clone(), region: self.aws.region.clone() }
    }

    /// Where the delivery role is: IAM is global, the region only picks an endpoint.
    #[must_use]
    pub fn role_place(&self) -> Place {
        Place::Aws { account: self.role.arn.account.clone(), region: self.aws.region.clone() }
    }

    #[must_use]
    pub fn databricks_place(&self) -> Place {
        Place::Databricks { account: self.databricks.account_id.clone() }
    }

    /// Value of the ownership tag.
    #[must_use]
    pub fn owner(&self) -> String {
        format!("{}/{}", self.databricks.account_id, self.delivery.bucket)
    }

    /// Roles that may read objects: readers, then scanners, sorted and without repetition.
    #[must_use]
    pub fn reader_roles(&self) -> Vec<&Arn> {
        let mut roles: Vec<&Arn> = self
            .readers
            .values()
            .filter_map(|reader| match reader {
                Reader::Role { role, .. } => Some(role),
                Reader::Databricks { .. } => None,
            })
            .chain(self.scanners.values().map(|scanner| &scanner.role))
            .collect();
        roles.sort();
        roles.dedup();
        roles
    }

    #[must_use]
    pub fn admin_roles(&self) -> Vec<&Arn> {
        let mut roles: Vec<&Arn> = self.admins.values().map(|admin| &admin.role).collect();
        roles.sort();
        roles.dedup();
        roles
    }
}

impl Desired {
    /// Name of the role that S3 assumes to replicate: one a bucket. IAM takes 64 characters, bucket names have up to 63;
    /// where the end does not fit, a digest of the whole keeps two buckets apart.
    #[must_use]
    pub fn replication_role_name(&self) -> String {
        const LONGEST: usize = 64;
        let name = format!("{REPLICATION_ROLE}{}", self.delivery.bucket);
        if name.len() <= LONGEST {
            return name;
        }
        let digest: String = super::hex(&Sha256::digest(name.as_bytes())).chars().take(8).collect();
        let head: String = name.chars().take(LONGEST - 1 - digest.len()).collect();
        format!("{head}-{digest}")
    }
}

impl Replica {
    #[must_use]
    pub fn place(&self) -> Place {
        Place::Aws { account: self.account_id.clone(), region: self.region.clone() }
    }

    /// Alias of its key. Aliases take no dots (KMS API reference, CreateAlias).
    #[must_use]
    pub fn alias(&self) -> String {
        format!("alias/auditseal/{}", self.bucket.replace('.', "_"))
    }
}
