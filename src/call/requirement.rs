//! What a call needs and on what: the permission of [`super::permission`], with the resource that the call names. Resource
//! types and ARN formats: AWS Service Authorization Reference, pages of S3, KMS, IAM, SSM and Organizations.

use serde_json::Value;

use crate::model::desired::Store;
use crate::model::{Arn, Place, Reference};

use super::permission::{LOCK, STORE_LIST, STORE_READ, STORE_REMOVE, STORE_WRITE};
use super::{Permission, Query, Read, Write, read_permissions, write_permissions};

/// One permission, where it is needed, and on what.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Requirement {
    pub place: Place,
    pub permission: Permission,
    pub resource: Resource,
}

/// What a permission is needed on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// The action has no resource type: AWS takes `*` and nothing narrower.
    Any,
    /// By name.
    Bucket(String),
    /// Objects of a bucket: its name, and the key or a pattern of keys.
    Objects(String),
    /// By ARN, id or alias, or the token of a key that a step makes.
    Key(String),
    /// Whichever key bears the alias.
    KeyNamed(String),
    /// `alias/…`
    Alias(String),
    /// By name, which an account has only once, whatever the path; `*` for every role.
    Role(String),
    /// A user or role, by its ARN.
    Principal(String),
    /// By name, with the leading slash.
    Parameter(String),
    /// Policies that AWS manages.
    ManagedPolicies,
    /// By name.
    AccessPoint(String),
    MultiRegionAccessPoints,
    AccessGrants,
    /// Root, units and accounts of the organization.
    Targets,
    /// Policies of the organization.
    OrganizationPolicies,
    /// A Databricks account or workspace, as its place says.
    Databricks,
}

impl Resource {
    /// ARNs and patterns of ARNs for the `Resource` element of a policy; empty for what is not of AWS.
    #[must_use]
    pub fn patterns(&self, place: &Place) -> Vec<String> {
        let Place::Aws { account, region } = place else { return Vec::new() };
        let partition = partition(region);
        let kms = |name: &str| format!("arn:{partition}:kms:{region}:{account}:{name}");
        match self {
            Self::Any => vec!["*".to_owned()],
            Self::Bucket(name) | Self::Objects(name) => vec![format!("arn:{partition}:s3:::{name}")],
            Self::Key(key) => vec![key_arn(key).unwrap_or_else(|| match is_key_id(key) {
                true => kms(&format!("key/{key}")),
                // An alias leads to a key that only KMS knows, and a key that is not made yet has no ARN.
                false => kms("key/*"),
            })],
            Self::KeyNamed(_) => vec![kms("key/*")],
            Self::Alias(name) => vec![kms(name)],
            Self::Role(name) if name == "*" => vec![format!("arn:{partition}:iam::{account}:role/*")],
            Self::Role(name) => {
                ["", "*/"].map(|path| format!("arn:{partition}:iam::{account}:role/{path}{name}")).to_vec()
            }
            Self::Principal(arn) => vec![arn.clone()],
            Self::Parameter(name) => vec![format!("arn:{partition}:ssm:{region}:{account}:parameter{name}")],
            Self::ManagedPolicies => vec![format!("arn:{partition}:iam::aws:policy/*")],
            Self::AccessPoint(name) => vec![format!("arn:{partition}:s3:{region}:{account}:accesspoint/{name}")],
            // These have no region.
            Self::MultiRegionAccessPoints => vec![format!("arn:{partition}:s3::{account}:accesspoint/*")],
            Self::AccessGrants => vec![format!("arn:{partition}:s3:{region}:{account}:access-grants/default")],
            // The management account and the organization's id are not known before they are asked for.
            Self::Targets => {
                ["root", "ou", "account"].map(|kind| format!("arn:{partition}:organizations::*:{kind}/o-*")).to_vec()
            }
            Self::OrganizationPolicies => vec![
                format!("arn:{partition}:organizations::*:policy/o-*"),
                format!("arn:{partition}:organizations::aws:policy/*"),
            ],
            Self::Databricks => Vec::new(),
        }
    }
}

/// The partition field of ARNs in a region ("Amazon Resource Names (ARNs)", General Reference); Databricks is in no other.
#[must_use]
pub fn partition(region: &str) -> &'static str {
    if region.starts_with("us-gov-") { "aws-us-gov" } else { "aws" }
}

fn key_arn(key: &str) -> Option<String> {
    let arn: Arn = key.parse().ok()?;
    arn.resource.starts_with("key/").then(|| key.to_owned())
}

fn is_key_id(key: &str) -> bool {
    !key.starts_with("alias/") && !key.contains(':') && !Reference::occurs_in(key)
}

/// What a question needs; nothing for one that cannot be refused.
#[must_use]
pub fn read_requirements(query: &Query) -> Vec<Requirement> {
    let own = read_resource(&query.read);
    let of = |permission: Permission| Requirement {
        place: query.place.clone(),
        resource: match permission {
            Permission::Aws(action) => further(action).unwrap_or_else(|| own.clone()),
            Permission::Databricks(_) | Permission::Free => own.clone(),
        },
        permission,
    };
    read_permissions(&query.read).into_iter().filter(|one| *one != Permission::Free).map(of).collect()
}

/// What a write needs.
#[must_use]
pub fn write_requirements(place: &Place, write: &Write) -> Vec<Requirement> {
    let of = |permission: Permission| {
        write_resources(write, permission).into_iter().map(move |resource| Requirement {
            place: place.clone(),
            permission,
            resource,
        })
    };
    write_permissions(write).into_iter().flat_map(of).collect()
}

/// What holding the lock of a location needs, by the name of its parameter.
#[must_use]
pub fn lock_requirements(place: &Place, parameter: &str) -> Vec<Requirement> {
    let of = |permission| Requirement {
        place: place.clone(),
        permission,
        resource: Resource::Parameter(parameter.to_owned()),
    };
    LOCK.into_iter().map(of).collect()
}

/// What is done with the store of journals, drift memory and outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreUse {
    /// Runs are listed.
    ReadRuns,
    /// A run is put down.
    KeepRuns,
    /// A check remembers, and messages come and go.
    KeepChecks,
}

/// What a use of the store needs (S3 User Guide, "Required permissions for Amazon S3 API operations"; a conditional write needs
/// nothing more than the write and, to replace, the read). A list is of the whole bucket.
#[must_use]
pub fn store_requirements(place: &Place, store: &Store, of: StoreUse) -> Vec<Requirement> {
    let all_of = |folder| format!("{folder}/*");
    let (runs, memory, outbox) = (all_of(Store::RUNS), Store::MEMORY.to_owned(), all_of(Store::OUTBOX));
    let wanted: &[(Permission, &String)] = match of {
        StoreUse::ReadRuns => &[(STORE_READ, &runs)],
        StoreUse::KeepRuns => &[(STORE_READ, &runs), (STORE_WRITE, &runs)],
        StoreUse::KeepChecks => &[
            (STORE_READ, &memory),
            (STORE_WRITE, &memory),
            (STORE_READ, &outbox),
            (STORE_WRITE, &outbox),
            (STORE_REMOVE, &outbox),
        ],
    };
    let requirement = |permission, resource| Requirement { place: place.clone(), permission, resource };
    let objects = |(permission, key): &(Permission, &String)| {
        requirement(*permission, Resource::Objects(format!("{}/{key}", store.path())))
    };
    let list = requirement(STORE_LIST, Resource::Bucket(store.bucket.clone()));
    wanted.iter().map(objects).chain([list]).collect()
}

/// A question in words, `bucket policy of acme-databricks-audit`, from the form in which the plan document has it.
#[must_use]
pub fn question(read: &Read) -> String {
    let Ok(Value::Object(members)) = serde_json::to_value(read) else { return String::new() };
    let kind = members.get("read").and_then(Value::as_str).unwrap_or_default().replace('_', " ");
    // Times are no part of what a question is about.
    let subject = members.iter().filter(|(name, _)| !["read", "since", "fresh_since"].contains(&name.as_str()));
    let subject: Vec<&str> = subject.filter_map(|(_, value)| value.as_str().filter(|text| !text.is_empty())).collect();
    if subject.is_empty() { kind } else { format!("{kind} of {}", subject.join(", ")) }
}

/// What requests are about that an answer leads to.
fn further(action: &str) -> Option<Resource> {
    match action {
        "iam:GetPolicy" | "iam:GetPolicyVersion" => Some(Resource::ManagedPolicies),
        "s3:GetMultiRegionAccessPointPolicy" => Some(Resource::MultiRegionAccessPoints),
        "s3:ListAccessGrants" | "s3:ListAccessGrantsLocations" => Some(Resource::AccessGrants),
        "organizations:DescribePolicy" => Some(Resource::OrganizationPolicies),
        _ => None,
    }
}

fn read_resource(read: &Read) -> Resource {
    match read {
        Read::CallerIdentity
        | Read::AccountPublicAccessBlock
        | Read::Keys
        | Read::KeyAliases { .. }
        | Read::AccountAuthorization
        | Read::AccessPoints { .. }
        | Read::AccessPoint { .. }
        | Read::MultiRegionAccessPoints { .. }
        | Read::AccessGrants
        | Read::TrailEvents { .. }
        | Read::Organization => Resource::Any,
        Read::Simulation { principal, .. } => Resource::Principal(principal.clone()),
        Read::AccessPointPolicy { name } => Resource::AccessPoint(name.clone()),
        Read::BucketLocation { bucket }
        | Read::BucketTags { bucket }
        | Read::BucketPublicAccessBlock { bucket }
        | Read::BucketOwnership { bucket }
        | Read::BucketAcl { bucket }
        | Read::BucketEncryption { bucket }
        | Read::BucketVersioning { bucket }
        | Read::BucketObjectLock { bucket }
        | Read::BucketLifecycle { bucket }
        | Read::BucketPolicy { bucket }
        | Read::BucketLogging { bucket }
        | Read::BucketNotification { bucket }
        | Read::BucketReplication { bucket }
        | Read::NewestObject { bucket, .. } => Resource::Bucket(bucket.clone()),
        Read::Key { key }
        | Read::KeyPolicy { key }
        | Read::KeyRotation { key }
        | Read::KeyGrants { key }
        | Read::KeyTags { key } => Resource::Key(key.clone()),
        Read::Role { role }
        | Read::RoleInlinePolicies { role }
        | Read::RolePolicy { role, .. }
        | Read::RoleAttachedPolicies { role } => Resource::Role(role.clone()),
        Read::OrganizationPolicies => Resource::Targets,
        Read::Credentials
        | Read::StorageConfigurations
        | Read::LogDeliveries
        | Read::Workspaces
        | Read::Metastores
        | Read::MetastoreWorkspaces { .. }
        | Read::SystemSchemas { .. }
        | Read::Privileges { .. }
        | Read::Tables { .. }
        | Read::WorkspaceConf { .. }
        | Read::DatabricksCaller
        | Read::StorageCredentials { .. }
        | Read::ServiceCredentials { .. }
        | Read::ExternalLocations { .. }
        | Read::Catalogs { .. }
        | Read::Schemas { .. }
        | Read::Volumes { .. }
        | Read::StoredTables { .. }
        | Read::DatabricksIdentities => Resource::Databricks,
    }
}

fn write_resources(write: &Write, permission: Permission) -> Vec<Resource> {
    match write {
        Write::PutAccountPublicAccessBlock { .. } => vec![Resource::Any],
        Write::PutBucketReplication { replication, .. } if permission == Permission::Aws("iam:PassRole") => {
            let name = replication.role.parse::<Arn>().ok().and_then(|arn| arn.role()).map(|(_, name)| name);
            vec![Resource::Role(name.unwrap_or_else(|| "*".to_owned()))]
        }
        Write::CreateBucket { bucket, .. }
        | Write::PutBucketTags { bucket, .. }
        | Write::DeleteBucketTags { bucket }
        | Write::PutBucketPublicAccessBlock { bucket, .. }
        | Write::PutBucketOwnership { bucket, .. }
        | Write::PutBucketAclPrivate { bucket }
        | Write::PutBucketAcl { bucket, .. }
        | Write::PutBucketEncryption { bucket, .. }
        | Write::EnableBucketVersioning { bucket }
        | Write::SuspendBucketVersioning { bucket }
        | Write::PutBucketObjectLock { bucket, .. }
        | Write::PutBucketLifecycle { bucket, .. }
        | Write::DeleteBucketLifecycle { bucket }
        | Write::PutBucketPolicy { bucket, .. }
        | Write::DeleteBucketPolicy { bucket }
        | Write::PutBucketLogging { bucket, .. }
        | Write::DeleteBucketLogging { bucket }
        | Write::PutBucketNotification { bucket, .. }
        | Write::PutBucketReplication { bucket, .. }
        | Write::DeleteBucketReplication { bucket } => vec![Resource::Bucket(bucket.clone())],
        Write::CreateKey { .. } if permission == Permission::Aws("kms:CreateKey") => vec![Resource::Any],
        // To tag a key at its birth: it has no ARN yet.
        Write::CreateKey { .. } => vec![Resource::Key("*".to_owned())],
        Write::PutKeyPolicy { key, .. }
        | Write::CancelKeyDeletion { key }
        | Write::EnableKey { key }
        | Write::EnableKeyRotation { key, .. }
        | Write::DisableKeyRotation { key }
        | Write::TagKey { key, .. }
        | Write::UntagKey { key, .. }
        | Write::CreateGrant { key, .. }
        | Write::RevokeGrant { key, .. } => vec![Resource::Key(key.clone())],
        // Both the alias and the key, each with a permission of its own (KMS API reference, CreateAlias).
        Write::CreateAlias { alias, key } => vec![Resource::Alias(alias.clone()), Resource::Key(key.clone())],
        // The key that it leaves as well.
        Write::UpdateAlias { alias, key } => {
            vec![Resource::Alias(alias.clone()), Resource::Key(key.clone()), Resource::KeyNamed(alias.clone())]
        }
        Write::CreateRole { role, .. }
        | Write::UpdateTrust { role, .. }
        | Write::TagRole { role, .. }
        | Write::UntagRole { role, .. }
        | Write::PutRolePolicy { role, .. }
        | Write::DeleteRolePolicy { role, .. }
        | Write::AttachRolePolicy { role, .. }
        | Write::DetachRolePolicy { role, .. } => vec![Resource::Role(role.clone())],
        Write::CreateCredential { .. }
        | Write::CreateStorageConfiguration { .. }
        | Write::CreateLogDelivery { .. }
        | Write::SetLogDeliveryStatus { .. }
        | Write::EnableSystemSchema { .. }
        | Write::UpdatePrivileges { .. }
        | Write::SetWorkspaceConf { .. } => vec![Resource::Databricks],
    }
}
