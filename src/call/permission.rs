//! The permission of every call. Source: AWS Service Authorization Reference (actions of S3, KMS, IAM, SSM) and the roles
//! that the Databricks REST reference names per operation.

use super::{Read, Write};

/// An IAM action, or a Databricks role in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    Aws(&'static str),
    Databricks(&'static str),
    /// Needs no permission at all.
    Free,
}

impl Permission {
    /// The name to print in a gap or a refusal.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        match self {
            Permission::Aws(name) | Permission::Databricks(name) => Some(name),
            Permission::Free => None,
        }
    }
}

/// What the lock of a location needs: made, looked at and renewed, given back (SSM parameters).
pub(super) const LOCK: [Permission; 3] =
    [Permission::Aws("ssm:PutParameter"), Permission::Aws("ssm:GetParameter"), Permission::Aws("ssm:DeleteParameter")];

/// What the store of journals, drift memory and outbox needs: its names, its objects read, written and removed.
pub(super) const STORE_LIST: Permission = Permission::Aws("s3:ListBucket");
pub(super) const STORE_READ: Permission = Permission::Aws("s3:GetObject");
pub(super) const STORE_WRITE: Permission = Permission::Aws("s3:PutObject");
pub(super) const STORE_REMOVE: Permission = Permission::Aws("s3:DeleteObject");

pub(super) const ACCOUNT_ADMIN: Permission = Permission::Databricks("Databricks account admin");
const METASTORE_ADMIN: Permission = Permission::Databricks("Databricks account admin or metastore admin");
const WORKSPACE_ADMIN: Permission = Permission::Databricks("Databricks workspace admin");

/// The permission of the question's own operation.
#[must_use]
pub fn read_permission(read: &Read) -> Permission {
    use Permission::Aws;
    match read {
        // GetCallerIdentity cannot be denied (STS API reference).
        Read::CallerIdentity => Permission::Free,
        Read::AccountPublicAccessBlock => Aws("s3:GetAccountPublicAccessBlock"),
        Read::BucketLocation { .. } => Aws("s3:GetBucketLocation"),
        Read::BucketTags { .. } => Aws("s3:GetBucketTagging"),
        Read::BucketPublicAccessBlock { .. } => Aws("s3:GetBucketPublicAccessBlock"),
        Read::BucketOwnership { .. } => Aws("s3:GetBucketOwnershipControls"),
        Read::BucketAcl { .. } => Aws("s3:GetBucketAcl"),
        Read::BucketEncryption { .. } => Aws("s3:GetEncryptionConfiguration"),
        Read::BucketVersioning { .. } => Aws("s3:GetBucketVersioning"),
        Read::BucketObjectLock { .. } => Aws("s3:GetBucketObjectLockConfiguration"),
        Read::BucketLifecycle { .. } => Aws("s3:GetLifecycleConfiguration"),
        Read::BucketPolicy { .. } => Aws("s3:GetBucketPolicy"),
        Read::BucketLogging { .. } => Aws("s3:GetBucketLogging"),
        Read::BucketNotification { .. } => Aws("s3:GetBucketNotification"),
        Read::BucketReplication { .. } => Aws("s3:GetReplicationConfiguration"),
        Read::Keys => Aws("kms:ListKeys"),
        Read::Key { .. } => Aws("kms:DescribeKey"),
        Read::KeyPolicy { .. } => Aws("kms:GetKeyPolicy"),
        Read::KeyRotation { .. } => Aws("kms:GetKeyRotationStatus"),
        Read::KeyGrants { .. } => Aws("kms:ListGrants"),
        Read::KeyAliases { .. } => Aws("kms:ListAliases"),
        Read::KeyTags { .. } => Aws("kms:ListResourceTags"),
        Read::Role { .. } => Aws("iam:GetRole"),
        Read::RoleInlinePolicies { .. } => Aws("iam:ListRolePolicies"),
        Read::RolePolicy { .. } => Aws("iam:GetRolePolicy"),
        Read::RoleAttachedPolicies { .. } => Aws("iam:ListAttachedRolePolicies"),
        Read::AccountAuthorization => Aws("iam:GetAccountAuthorizationDetails"),
        Read::Simulation { .. } => Aws("iam:SimulatePrincipalPolicy"),
        Read::AccessPoints { .. } => Aws("s3:ListAccessPoints"),
        Read::AccessPoint { .. } => Aws("s3:GetAccessPoint"),
        Read::AccessPointPolicy { .. } => Aws("s3:GetAccessPointPolicy"),
        Read::MultiRegionAccessPoints { .. } => Aws("s3:ListMultiRegionAccessPoints"),
        Read::AccessGrants => Aws("s3:ListAccessGrantsInstances"),
        Read::Organization => Aws("organizations:DescribeOrganization"),
        Read::OrganizationPolicies => Aws("organizations:ListParents"),
        Read::NewestObject { .. } => Aws("s3:ListBucket"),
        Read::TrailEvents { .. } => Aws("cloudtrail:LookupEvents"),
        Read::Credentials
        | Read::StorageConfigurations
        | Read::LogDeliveries
        | Read::Workspaces
        | Read::Metastores
        | Read::DatabricksIdentities
        | Read::MetastoreWorkspaces { .. } => ACCOUNT_ADMIN,
        Read::SystemSchemas { .. }
        | Read::Privileges { .. }
        | Read::Tables { .. }
        | Read::StorageCredentials { .. }
        | Read::ServiceCredentials { .. }
        | Read::ExternalLocations { .. }
        | Read::Catalogs { .. }
        | Read::Schemas { .. }
        | Read::Volumes { .. }
        | Read::StoredTables { .. } => METASTORE_ADMIN,
        Read::DatabricksCaller => Permission::Free,
        Read::WorkspaceConf { .. } => WORKSPACE_ADMIN,
    }
}

/// Every permission that a question needs; the first is its own, the others are of requests that its answer may lead to.
#[must_use]
pub fn read_permissions(read: &Read) -> Vec<Permission> {
    let more: &[&'static str] = match read {
        // For managed policies whose text the details leave out.
        Read::AccountAuthorization => &["iam:GetPolicy", "iam:GetPolicyVersion"],
        Read::MultiRegionAccessPoints { .. } => &["s3:GetMultiRegionAccessPointPolicy"],
        Read::AccessGrants => &["s3:ListAccessGrants", "s3:ListAccessGrantsLocations"],
        Read::OrganizationPolicies => &["organizations:ListPoliciesForTarget", "organizations:DescribePolicy"],
        _ => &[],
    };
    std::iter::once(read_permission(read)).chain(more.iter().map(|name| Permission::Aws(name))).collect()
}

/// Every permission that a write needs; the first is the operation's own.
#[must_use]
pub fn write_permissions(write: &Write) -> Vec<Permission> {
    use Permission::Aws;
    match write {
        Write::PutAccountPublicAccessBlock { .. } => vec![Aws("s3:PutAccountPublicAccessBlock")],
        Write::CreateBucket { object_lock: false, .. } => vec![Aws("s3:CreateBucket")],
        Write::CreateBucket { object_lock: true, .. } => {
            vec![Aws("s3:CreateBucket"), Aws("s3:PutBucketObjectLockConfiguration"), Aws("s3:PutBucketVersioning")]
        }
        // DeleteBucketTagging, DeleteBucketLifecycle and an empty logging status have no action of their own.
        Write::PutBucketTags { .. } | Write::DeleteBucketTags { .. } => vec![Aws("s3:PutBucketTagging")],
        Write::PutBucketPublicAccessBlock { .. } => vec![Aws("s3:PutBucketPublicAccessBlock")],
        Write::PutBucketOwnership { .. } => vec![Aws("s3:PutBucketOwnershipControls")],
        Write::PutBucketAcl { .. } | Write::PutBucketAclPrivate { .. } => vec![Aws("s3:PutBucketAcl")],
        Write::PutBucketEncryption { .. } => vec![Aws("s3:PutEncryptionConfiguration")],
        Write::EnableBucketVersioning { .. } | Write::SuspendBucketVersioning { .. } => {
            vec![Aws("s3:PutBucketVersioning")]
        }
        Write::PutBucketObjectLock { .. } => vec![Aws("s3:PutBucketObjectLockConfiguration")],
        // A read comes first when rules have transitions, to keep a setting that the write would reset.
        Write::PutBucketLifecycle { .. } => {
            vec![Aws("s3:PutLifecycleConfiguration"), Aws("s3:GetLifecycleConfiguration")]
        }
        Write::DeleteBucketLifecycle { .. } => vec![Aws("s3:PutLifecycleConfiguration")],
        Write::PutBucketPolicy { .. } => vec![Aws("s3:PutBucketPolicy")],
        Write::DeleteBucketPolicy { .. } => vec![Aws("s3:DeleteBucketPolicy")],
        Write::PutBucketLogging { .. } | Write::DeleteBucketLogging { .. } => vec![Aws("s3:PutBucketLogging")],
        Write::PutBucketNotification { .. } => vec![Aws("s3:PutBucketNotification")],
        Write::PutBucketReplication { .. } => vec![Aws("s3:PutReplicationConfiguration"), Aws("iam:PassRole")],
        Write::DeleteBucketReplication { .. } => vec![Aws("s3:PutReplicationConfiguration")],
        Write::CreateKey { .. } => vec![Aws("kms:CreateKey"), Aws("kms:TagResource")],
        Write::PutKeyPolicy { .. } => vec![Aws("kms:PutKeyPolicy")],
        Write::CancelKeyDeletion { .. } => vec![Aws("kms:CancelKeyDeletion")],
        Write::EnableKey { .. } => vec![Aws("kms:EnableKey")],
        Write::EnableKeyRotation { .. } => vec![Aws("kms:EnableKeyRotation")],
        Write::DisableKeyRotation { .. } => vec![Aws("kms:DisableKeyRotation")],
        Write::CreateAlias { .. } => vec![Aws("kms:CreateAlias")],
        Write::UpdateAlias { .. } => vec![Aws("kms:UpdateAlias")],
        Write::TagKey { .. } => vec![Aws("kms:TagResource")],
        Write::UntagKey { .. } => vec![Aws("kms:UntagResource")],
        Write::CreateGrant { .. } => vec![Aws("kms:CreateGrant")],
        Write::RevokeGrant { .. } => vec![Aws("kms:RevokeGrant")],
        Write::CreateRole { .. } => vec![Aws("iam:CreateRole"), Aws("iam:TagRole")],
        Write::UpdateTrust { .. } => vec![Aws("iam:UpdateAssumeRolePolicy")],
        Write::TagRole { .. } => vec![Aws("iam:TagRole")],
        Write::UntagRole { .. } => vec![Aws("iam:UntagRole")],
        Write::PutRolePolicy { .. } => vec![Aws("iam:PutRolePolicy")],
        Write::DeleteRolePolicy { .. } => vec![Aws("iam:DeleteRolePolicy")],
        Write::AttachRolePolicy { .. } => vec![Aws("iam:AttachRolePolicy")],
        Write::DetachRolePolicy { .. } => vec![Aws("iam:DetachRolePolicy")],
        Write::CreateCredential { .. }
        | Write::CreateStorageConfiguration { .. }
        | Write::CreateLogDelivery { .. }
        | Write::SetLogDeliveryStatus { .. } => vec![ACCOUNT_ADMIN],
        Write::EnableSystemSchema { .. } | Write::UpdatePrivileges { .. } => vec![METASTORE_ADMIN],
        Write::SetWorkspaceConf { .. } => vec![WORKSPACE_ADMIN],
    }
}
