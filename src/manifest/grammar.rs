//! The shape of a manifest file, written once: serde reads and writes it, schemars derives the JSON Schema from it, and the
//! walk over the TOML text takes its known keys, types and ranges from that schema. Whether a text is a valid bucket name or
//! ARN is not known here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::desired::{DeliveryStatus, LockMode, Undeclared};
use crate::model::place::Partition;
use crate::model::{Control, Severity};

use super::defaults::{MAX_ABORT_DAYS, MAX_DAYS, MAX_NAME, MAX_REASON, MAX_ROTATION_DAYS, MIN_ROTATION_DAYS, VERSION};

/// A declaration of how the audit logs of one Databricks account are delivered to, and sealed in, one AWS account.
/// Everything that is left out is hardened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(
    title = "auditseal manifest",
    extend("required" = ["version", "databricks", "aws", "delivery", "admins"])
)]
pub(super) struct File {
    /// Version of the manifest format: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = VERSION, max = VERSION))]
    pub version: Option<i64>,
    /// The Databricks account whose audit logs are delivered.
    pub databricks: Option<Databricks>,
    /// The AWS account and region that hold the audit bucket and its key.
    pub aws: Option<Aws>,
    /// What is delivered, and where to.
    pub delivery: Option<Delivery>,
    /// The audit bucket, its access log and its copies.
    pub bucket: Bucket,
    /// The KMS key that encrypts the audit bucket.
    pub key: Key,
    /// The IAM role that Databricks assumes to write logs.
    pub role: Role,
    /// Who may read the logs, by a name of your choice. Nobody else can.
    pub readers: BTreeMap<String, Reader>,
    /// Who may administer bucket, key and role, by a name of your choice. At least one; an admin does not read the logs.
    #[schemars(extend("minProperties" = 1))]
    pub admins: BTreeMap<String, RoleOnly>,
    /// Who may list object names but read no object, by a name of your choice: the scheduled drift check.
    pub observers: BTreeMap<String, RoleOnly>,
    /// Data scanners (DSPM products) as declared readers, by a name of your choice.
    pub scanners: BTreeMap<String, RoleOnly>,
    /// The system tables of the same events in Unity Catalog.
    pub unity_catalog: UnityCatalog,
    /// Settings of workspaces, by workspace name or id.
    pub workspaces: BTreeMap<String, Workspace>,
    /// Settings of the whole AWS account.
    pub account: Account,
    /// Where journals of runs, the memory of `drift` and what waits for sinks are kept, for machines that forget. They are
    /// always kept in `.auditseal` beside the manifests too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<Store>,
    /// Controls that are not enforced until a day: the plan shows what differs and leaves it as it is.
    pub waivers: Vec<Waiver>,
    /// Where findings of `drift` are sent: files, webhooks, Slack.
    pub alerts: Vec<Alert>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Databricks {
    /// Databricks account id: a UUID, shown in the account console.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub account_id: Option<String>,
    /// Profile in `~/.databrickscfg`. Default: Databricks unified authentication decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Aws {
    /// AWS account id: twelve digits, in quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub account_id: Option<String>,
    /// AWS region of the bucket, for example `us-east-1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub region: Option<String>,
    /// Default: follows from the region. `aws-us-gov-dod` is never guessed: it is GovCloud with the Databricks accounts of
    /// the US Department of Defense.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("enum" = ["aws", "aws-us-gov", "aws-us-gov-dod"]))]
    pub partition: Option<Partition>,
    /// AWS profile. Default: the default credential chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// ARN of a role of this account to assume before any call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assume_role: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("required" = ["bucket"]))]
pub(super) struct Delivery {
    /// Name of the audit bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// Path in the bucket that logs are delivered under, without leading or trailing `/`. Empty for an existing delivery to
    /// the root of the bucket; a new one has a prefix of its own, so that policies can tell the logs from everything else.
    pub prefix: String,
    /// Name of a new log-delivery configuration. Default: `auditseal <bucket>`. Existing configurations are found by what
    /// they do, not by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether logs are delivered.
    #[schemars(with = "String", extend("enum" = ["enabled", "disabled"]))]
    pub status: DeliveryStatus,
    /// Workspace ids to deliver for. Empty: the whole account, which alone includes account-level events.
    #[schemars(inner(range(min = 1)))]
    pub workspaces: Vec<i64>,
    /// Time without a successful delivery after which delivery counts as silent, for example `60m` or `2h`. 15 minutes to
    /// 7 days.
    pub max_silence: String,
    /// Prefixes that logs were delivered under before: they stay readable for the declared readers.
    pub previous_prefixes: Vec<String>,
    /// What happens to enabled log-delivery configurations of the account that no manifest declares.
    #[schemars(with = "String", extend("enum" = ["report", "disable"]))]
    pub undeclared: Undeclared,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Bucket {
    /// Days that a log object is kept.
    #[schemars(range(min = 1, max = MAX_DAYS))]
    pub retention_days: u32,
    /// Days that an overwritten or deleted version is kept.
    #[schemars(range(min = 1, max = MAX_DAYS))]
    pub noncurrent_retention_days: u32,
    /// Days after which an unfinished multipart upload is removed.
    #[schemars(range(min = 1, max = MAX_ABORT_DAYS))]
    pub abort_multipart_days: u32,
    /// Whether object events go to Amazon EventBridge.
    pub event_bridge: bool,
    /// S3 Object Lock. Off when absent. It cannot be undone: a locked object cannot be deleted before its time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_lock: Option<ObjectLock>,
    /// The bucket that receives the S3 server access log of the audit bucket.
    pub access_log: AccessLog,
    /// Buckets that objects are replicated to.
    pub replicas: Vec<Replica>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ObjectLock {
    /// `compliance` can be shortened by nobody, not even the root user; `governance` by those with a special permission.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, with = "Option<String>", extend("enum" = ["governance", "compliance"]))]
    pub mode: Option<LockMode>,
    /// Days that every new object is locked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, range(min = 1, max = MAX_DAYS))]
    pub days: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AccessLog {
    /// Name of the access-log bucket. Default: `<bucket>-access`, shortened with a digest when that is too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// Key prefix of the access log. It may end with `/`.
    pub prefix: String,
    /// Days that the access log is kept.
    #[schemars(range(min = 1, max = MAX_DAYS))]
    pub retention_days: u32,
    /// ARNs of the roles that may read the access log. Empty: the admins.
    pub readers: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Replica {
    /// Name of the replica bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub bucket: Option<String>,
    /// AWS account of the replica. Default: the account of the audit bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
    /// AWS region of the replica, another one than that of the audit bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub region: Option<String>,
    /// AWS profile for the replica's account; needed when that is another account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Key {
    /// ARN of an existing key of the same account and region to adopt. Default: a key is created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// Alias of the key. Default: `alias/auditseal/<bucket>`, with `_` for `.`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Days between automatic rotations of the key material.
    #[schemars(range(min = MIN_ROTATION_DAYS, max = MAX_ROTATION_DAYS))]
    pub rotation_days: u32,
    /// ARNs of keys that older objects are encrypted with. They are only read.
    pub previous: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Role {
    /// ARN of the delivery role, existing or to be created. Default:
    /// `arn:<partition>:iam::<account>:role/auditseal/AuditDelivery-<bucket>`, the name shortened with a digest when too long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arn: Option<String>,
    /// AWS profile for the role's account; needed when that is another account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
}

/// Exactly one of `role`, `databricks_group`, `databricks_user` and `databricks_service_principal`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "required": ["role"] },
    { "required": ["databricks_group"] },
    { "required": ["databricks_user"] },
    { "required": ["databricks_service_principal"] },
]))]
pub(super) struct Reader {
    /// ARN of an IAM role that may read the objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whether the role's sessions must come from multi-factor authentication. Default: false, because sessions of services
    /// and of IAM Identity Center never say so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mfa: Option<bool>,
    /// Account-level group that may select from `system.access`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = MAX_NAME))]
    pub databricks_group: Option<String>,
    /// User (e-mail address) who may select from `system.access`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub databricks_user: Option<String>,
    /// Service principal (application id, a UUID) that may select from `system.access`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub databricks_service_principal: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleOnly {
    /// ARN of an IAM role.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub role: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct UnityCatalog {
    /// Whether the system schema `access` and the grants on it are reconciled.
    pub enabled: bool,
    /// Metastore names or ids. Empty: all that are attached to a workspace.
    pub metastores: Vec<String>,
    /// Whether undeclared grants on `system.access` are revoked. Otherwise they are reported.
    pub revoke_undeclared: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Workspace {
    /// Whether notebook and SQL commands are recorded too. It makes the logs more sensitive.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub verbose_audit_logs: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Account {
    /// Whether public access is blocked for every bucket of the AWS account.
    pub public_access_block: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    /// `s3://BUCKET/PREFIX`, one for each directory of manifests. The bucket exists, is in any region, and is none of those
    /// that hold logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub s3: Option<String>,
    /// AWS account of the bucket. Default: the account of the audit bucket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Waiver {
    /// The control. `auditseal explain CONTROL` says what it protects.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, extend("enum" = control_names()))]
    pub control: Option<String>,
    /// The one resource that it is waived for, as an address without the manifest's name, for example
    /// `bucket-versioning[access]`. Default: everywhere in the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Why it is waived, in words for whoever reviews it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, length(min = 1, max = MAX_REASON))]
    pub reason: Option<String>,
    /// Person or team that answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, length(min = 1, max = MAX_NAME))]
    pub owner: Option<String>,
    /// The last day (UTC) on which the waiver holds, such as `2027-03-31`, with or without quotes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, extend("format" = "date"))]
    pub until: Option<String>,
}

/// A file takes `path` and `format`; a webhook `url`, `secret` and `format`; Slack `url`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    { "properties": { "kind": { "const": "file" }, "url": false, "secret": false }, "required": ["path"] },
    {
        "properties": { "kind": { "const": "webhook" }, "path": false, "format": { "enum": ["jsonl", "ocsf"] } },
        "required": ["url", "secret"]
    },
    {
        "properties": {
            "kind": { "const": "slack" }, "path": false, "format": false, "secret": false, "url": { "type": "object" }
        },
        "required": ["url"]
    },
]))]
pub(super) struct Alert {
    /// Name of the sink. Manifests of one directory that use the same name mean the same sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub name: Option<String>,
    /// What receives the findings.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, extend("enum" = ["file", "webhook", "slack"]))]
    pub kind: Option<String>,
    /// Path of the file, relative to the manifest's directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Form of what is written or sent. `jsonl`, the default: a JSON object, on a line of its own in a file. `ocsf`: an OCSF
    /// Compliance Finding. `sarif`: for files, one SARIF document of everything that is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = ["jsonl", "ocsf", "sarif"]))]
    pub format: Option<String>,
    /// Where requests are sent: an `https://` URL, or where to find it when it is a secret, as Slack's is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<WebAddress>,
    /// Where to find the key that signs requests: `whsec_` and 24 to 64 random bytes in Base64 (Standard Webhooks).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<SecretSource>,
    /// Findings below this severity are not sent. Default: `low`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("enum" = ["info", "low", "medium", "high", "critical"]))]
    pub min_severity: Option<Severity>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum WebAddress {
    Plain(String),
    Secret(SecretSource),
}

/// Exactly one of `env`, `file` and `aws_secret`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{ "required": ["env"] }, { "required": ["file"] }, { "required": ["aws_secret"] }]))]
pub(super) struct SecretSource {
    /// Name of an environment variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
    /// Path of a file that holds nothing else, relative to the manifest's directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Name or ARN of a secret in AWS Secrets Manager; by name in `aws.account_id` and `aws.region`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_secret: Option<String>,
}

fn control_names() -> Vec<&'static str> {
    Control::ALL.iter().map(|control| control.name()).collect()
}
