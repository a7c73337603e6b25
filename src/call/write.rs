use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::bucket::{
    Acl, Encryption, Lifecycle, Logging, Notification, PublicAccessBlock, Replication, Retention,
};
use crate::model::key::Grant;
use crate::model::reference::Output;

/// One changing request, complete: nothing is decided when it runs. Strings may hold `model::Reference` tokens, which the
/// applier replaces by the outputs of earlier steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "write", rename_all = "snake_case", deny_unknown_fields)]
pub enum Write {
    PutAccountPublicAccessBlock {
        block: PublicAccessBlock,
    },
    /// In the place's region. Object Lock can be switched on here at no cost.
    CreateBucket {
        bucket: String,
        object_lock: bool,
    },
    /// Replaces the whole tag set: foreign tags are part of it.
    PutBucketTags {
        bucket: String,
        tags: BTreeMap<String, String>,
    },
    /// Only ever where no tag is left.
    DeleteBucketTags {
        bucket: String,
    },
    PutBucketPublicAccessBlock {
        bucket: String,
        block: PublicAccessBlock,
    },
    PutBucketOwnership {
        bucket: String,
        object_ownership: String,
    },
    /// Canned ACL `private`.
    PutBucketAclPrivate {
        bucket: String,
    },
    /// Grants to others: only ever to put back what was there.
    PutBucketAcl {
        bucket: String,
        acl: Acl,
    },
    PutBucketEncryption {
        bucket: String,
        encryption: Encryption,
    },
    /// `Enabled`.
    EnableBucketVersioning {
        bucket: String,
    },
    /// `Suspended`: a bucket that was ever versioned cannot be without. Only ever to put back what was there.
    SuspendBucketVersioning {
        bucket: String,
    },
    /// Enables Object Lock when it is off, and sets the default retention when one is given.
    PutBucketObjectLock {
        bucket: String,
        retention: Option<Retention>,
    },
    /// Replaces all rules.
    PutBucketLifecycle {
        bucket: String,
        lifecycle: Lifecycle,
    },
    /// Only ever to put back what was there.
    DeleteBucketLifecycle {
        bucket: String,
    },
    PutBucketPolicy {
        bucket: String,
        policy: String,
    },
    /// Only ever to undo a first policy that stopped delivery.
    DeleteBucketPolicy {
        bucket: String,
    },
    PutBucketLogging {
        bucket: String,
        logging: Logging,
    },
    /// An empty logging status. Only ever to put back what was there.
    DeleteBucketLogging {
        bucket: String,
    },
    PutBucketNotification {
        bucket: String,
        notification: Notification,
    },
    PutBucketReplication {
        bucket: String,
        replication: Replication,
    },
    DeleteBucketReplication {
        bucket: String,
    },
    /// Symmetric, origin AWS_KMS, single-region. Output: `KeyArn`.
    CreateKey {
        description: String,
        policy: String,
        tags: BTreeMap<String, String>,
    },
    /// With the lock-out safety check on, always.
    PutKeyPolicy {
        key: String,
        policy: String,
    },
    CancelKeyDeletion {
        key: String,
    },
    EnableKey {
        key: String,
    },
    EnableKeyRotation {
        key: String,
        period_days: i32,
    },
    /// Only ever to put back what was there.
    DisableKeyRotation {
        key: String,
    },
    CreateAlias {
        alias: String,
        key: String,
    },
    UpdateAlias {
        alias: String,
        key: String,
    },
    /// Adds or overwrites; other tags stay.
    TagKey {
        key: String,
        tags: BTreeMap<String, String>,
    },
    UntagKey {
        key: String,
        names: Vec<String>,
    },
    /// One like the given: its id is a new one. Only ever to put back what was there.
    CreateGrant {
        key: String,
        grant: Grant,
    },
    RevokeGrant {
        key: String,
        grant: String,
    },
    CreateRole {
        path: String,
        role: String,
        trust: String,
        tags: BTreeMap<String, String>,
    },
    UpdateTrust {
        role: String,
        policy: String,
    },
    /// Adds or overwrites; other tags stay.
    TagRole {
        role: String,
        tags: BTreeMap<String, String>,
    },
    UntagRole {
        role: String,
        names: Vec<String>,
    },
    PutRolePolicy {
        role: String,
        policy_name: String,
        policy: String,
    },
    DeleteRolePolicy {
        role: String,
        policy_name: String,
    },
    /// Only ever to put back what was there.
    AttachRolePolicy {
        role: String,
        policy_arn: String,
    },
    DetachRolePolicy {
        role: String,
        policy_arn: String,
    },
    /// Output: `CredentialsId`.
    CreateCredential {
        name: String,
        role_arn: String,
    },
    /// Output: `StorageConfigurationId`.
    CreateStorageConfiguration {
        name: String,
        bucket: String,
    },
    /// An audit-log configuration, created enabled. Output: `LogDeliveryId`.
    CreateLogDelivery {
        name: String,
        credentials_id: String,
        storage_configuration_id: String,
        prefix: String,
        workspaces: Vec<i64>,
    },
    /// `ENABLED` or `DISABLED`.
    SetLogDeliveryStatus {
        config_id: String,
        status: String,
    },
    EnableSystemSchema {
        metastore: String,
        schema: String,
    },
    UpdatePrivileges {
        securable: String,
        name: String,
        changes: Vec<GrantChange>,
    },
    SetWorkspaceConf {
        key: String,
        value: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantChange {
    pub principal: String,
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

/// What a write gave back, if anything that later steps use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteOutcome {
    pub outputs: BTreeMap<Output, String>,
}

impl Write {
    /// Whether sending the request twice does the same as sending it once. The others are looked for before they are
    /// sent again.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        !matches!(
            self,
            Write::CreateKey { .. }
                | Write::CreateGrant { .. }
                | Write::CreateCredential { .. }
                | Write::CreateStorageConfiguration { .. }
                | Write::CreateLogDelivery { .. }
        )
    }

    /// The cloud's name of the operation, `service:Operation`.
    #[must_use]
    pub fn operation(&self) -> &'static str {
        match self {
            Write::PutAccountPublicAccessBlock { .. } => "s3:PutAccountPublicAccessBlock",
            Write::CreateBucket { .. } => "s3:CreateBucket",
            Write::PutBucketTags { .. } => "s3:PutBucketTagging",
            Write::DeleteBucketTags { .. } => "s3:DeleteBucketTagging",
            Write::PutBucketPublicAccessBlock { .. } => "s3:PutPublicAccessBlock",
            Write::PutBucketOwnership { .. } => "s3:PutBucketOwnershipControls",
            Write::PutBucketAcl { .. } | Write::PutBucketAclPrivate { .. } => "s3:PutBucketAcl",
            Write::PutBucketEncryption { .. } => "s3:PutBucketEncryption",
            Write::EnableBucketVersioning { .. } | Write::SuspendBucketVersioning { .. } => "s3:PutBucketVersioning",
            Write::PutBucketObjectLock { .. } => "s3:PutObjectLockConfiguration",
            Write::PutBucketLifecycle { .. } => "s3:PutBucketLifecycleConfiguration",
            Write::DeleteBucketLifecycle { .. } => "s3:DeleteBucketLifecycle",
            Write::PutBucketPolicy { .. } => "s3:PutBucketPolicy",
            Write::DeleteBucketPolicy { .. } => "s3:DeleteBucketPolicy",
            Write::PutBucketLogging { .. } | Write::DeleteBucketLogging { .. } => "s3:PutBucketLogging",
            Write::PutBucketNotification { .. } => "s3:PutBucketNotificationConfiguration",
            Write::PutBucketReplication { .. } => "s3:PutBucketReplication",
            Write::DeleteBucketReplication { .. } => "s3:DeleteBucketReplication",
            Write::CreateKey { .. } => "kms:CreateKey",
            Write::PutKeyPolicy { .. } => "kms:PutKeyPolicy",
            Write::CancelKeyDeletion { .. } => "kms:CancelKeyDeletion",
            Write::EnableKey { .. } => "kms:EnableKey",
            Write::EnableKeyRotation { .. } => "kms:EnableKeyRotation",
            Write::DisableKeyRotation { .. } => "kms:DisableKeyRotation",
            Write::CreateAlias { .. } => "kms:CreateAlias",
            Write::UpdateAlias { .. } => "kms:UpdateAlias",
            Write::TagKey { .. } => "kms:TagResource",
            Write::UntagKey { .. } => "kms:UntagResource",
            Write::CreateGrant { .. } => "kms:CreateGrant",
            Write::RevokeGrant { .. } => "kms:RevokeGrant",
            Write::CreateRole { .. } => "iam:CreateRole",
            Write::UpdateTrust { .. } => "iam:UpdateAssumeRolePolicy",
            Write::TagRole { .. } => "iam:TagRole",
            Write::UntagRole { .. } => "iam:UntagRole",
            Write::PutRolePolicy { .. } => "iam:PutRolePolicy",
            Write::DeleteRolePolicy { .. } => "iam:DeleteRolePolicy",
            Write::AttachRolePolicy { .. } => "iam:AttachRolePolicy",
            Write::DetachRolePolicy { .. } => "iam:DetachRolePolicy",
            Write::CreateCredential { .. } => "databricks:credentials:create",
            Write::CreateStorageConfiguration { .. } => "databricks:storage-configurations:create",
            Write::CreateLogDelivery { .. } => "databricks:log-delivery:create",
            Write::SetLogDeliveryStatus { .. } => "databricks:log-delivery:update",
            Write::EnableSystemSchema { .. } => "databricks:system-schemas:enable",
            Write::UpdatePrivileges { .. } => "databricks:permissions:update",
            Write::SetWorkspaceConf { .. } => "databricks:workspace-conf:update",
        }
    }
}
