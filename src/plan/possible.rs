//! The requests that a resource may need, whatever live state turns out to be: for the list of permissions, which is made
//! before anything was read. Contents are left empty; only the operation and what it is about matter.

use std::collections::BTreeMap;

use crate::call::{Read, Write};
use crate::model::bucket::{Acl, Encryption, Lifecycle, Logging, Notification, PublicAccessBlock, Replication};
use crate::model::key::Grant;
use crate::model::{Fact, WantedResource};

/// What is to be done with resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Made as they are wanted; with what takes a change back when delivery does not survive it.
    Apply,
    /// Put back as a run found them.
    Rollback,
    /// Without their ownership mark.
    Forget,
}

/// Every request that may be sent for a resource.
#[must_use]
pub fn possible(resource: &WantedResource, aim: Aim) -> Vec<Write> {
    match aim {
        Aim::Apply => applied(&resource.query.read, &resource.fact),
        Aim::Rollback => put_back(&resource.query.read),
        Aim::Forget => unmarked(&resource.query.read),
    }
}

/// What `writes::drafts` makes, and its undos.
fn applied(read: &Read, wanted: &Fact) -> Vec<Write> {
    match read {
        Read::BucketLocation { bucket } => {
            vec![Write::CreateBucket { bucket: bucket.clone(), object_lock: false }]
        }
        // A bucket that is to have object lock is born with it; one that is there gets it switched on.
        Read::BucketObjectLock { bucket } => vec![
            Write::CreateBucket { bucket: bucket.clone(), object_lock: true },
            Write::PutBucketObjectLock { bucket: bucket.clone(), retention: None },
        ],
        Read::BucketTags { bucket } => {
            vec![Write::PutBucketTags { bucket: bucket.clone(), tags: BTreeMap::new() }]
        }
        Read::BucketAcl { bucket } => vec![Write::PutBucketAclPrivate { bucket: bucket.clone() }],
        Read::BucketVersioning { bucket } => vec![Write::EnableBucketVersioning { bucket: bucket.clone() }],
        Read::BucketReplication { .. } if wanted.replication().is_some_and(|one| one.rules.is_empty()) => {
            let all = put_back(read).into_iter();
            all.filter(|write| matches!(write, Write::DeleteBucketReplication { .. })).collect()
        }
        Read::BucketReplication { bucket } => {
            let replication = wanted.replication().cloned();
            let replication = replication.unwrap_or(Replication { role: String::new(), rules: Vec::new() });
            vec![Write::PutBucketReplication { bucket: bucket.clone(), replication }]
        }
        // A key that the manifest names by its ARN is never made.
        Read::Key { key } if key.starts_with("arn:") => {
            vec![Write::CancelKeyDeletion { key: key.clone() }, Write::EnableKey { key: key.clone() }]
        }
        Read::Key { key } => {
            let key = || key.clone();
            vec![
                Write::CreateKey { description: String::new(), policy: String::new(), tags: BTreeMap::new() },
                Write::CancelKeyDeletion { key: key() },
                Write::EnableKey { key: key() },
            ]
        }
        Read::KeyAliases { key } => wanted
            .names()
            .into_iter()
            .flat_map(|names| &names.0)
            .flat_map(|alias| {
                let (alias, key) = (|| alias.clone(), || key.clone());
                [Write::CreateAlias { alias: alias(), key: key() }, Write::UpdateAlias { alias: alias(), key: key() }]
            })
            .collect(),
        Read::KeyTags { key } => vec![Write::TagKey { key: key.clone(), tags: BTreeMap::new() }],
        Read::KeyRotation { key } => vec![Write::EnableKeyRotation { key: key.clone(), period_days: 0 }],
        Read::KeyGrants { key } => vec![Write::RevokeGrant { key: key.clone(), grant: String::new() }],
        Read::Role { role } => vec![
            Write::CreateRole { path: String::new(), role: role.clone(), trust: String::new(), tags: BTreeMap::new() },
            Write::UpdateTrust { role: role.clone(), policy: String::new() },
            Write::TagRole { role: role.clone(), tags: BTreeMap::new() },
        ],
        Read::RoleAttachedPolicies { role } => {
            vec![Write::DetachRolePolicy { role: role.clone(), policy_arn: String::new() }]
        }
        // An undeclared inline policy is deleted, and written again when delivery does not survive that.
        Read::RoleInlinePolicies { role } => role_policy(role),
        Read::Credentials => vec![Write::CreateCredential { name: String::new(), role_arn: String::new() }],
        Read::StorageConfigurations => {
            vec![Write::CreateStorageConfiguration { name: String::new(), bucket: String::new() }]
        }
        Read::LogDeliveries => vec![
            Write::CreateLogDelivery {
                name: String::new(),
                credentials_id: String::new(),
                storage_configuration_id: String::new(),
                prefix: String::new(),
                workspaces: Vec::new(),
            },
            Write::SetLogDeliveryStatus { config_id: String::new(), status: String::new() },
        ],
        Read::SystemSchemas { metastore } => {
            vec![Write::EnableSystemSchema { metastore: metastore.clone(), schema: String::new() }]
        }
        // What is written the same way, in whichever direction; a lifecycle or a log is only deleted by a rollback.
        _ => put_back(read)
            .into_iter()
            .filter(|write| !matches!(write, Write::DeleteBucketLifecycle { .. } | Write::DeleteBucketLogging { .. }))
            .collect(),
    }
}

/// What `rollback` sends; nothing for what it leaves, such as everything that was created.
fn put_back(read: &Read) -> Vec<Write> {
    match read {
        Read::AccountPublicAccessBlock => vec![Write::PutAccountPublicAccessBlock { block: closed() }],
        Read::BucketTags { bucket } => vec![
            Write::PutBucketTags { bucket: bucket.clone(), tags: BTreeMap::new() },
            Write::DeleteBucketTags { bucket: bucket.clone() },
        ],
        Read::BucketPublicAccessBlock { bucket } => {
            vec![Write::PutBucketPublicAccessBlock { bucket: bucket.clone(), block: closed() }]
        }
        Read::BucketOwnership { bucket } => {
            vec![Write::PutBucketOwnership { bucket: bucket.clone(), object_ownership: String::new() }]
        }
        Read::BucketAcl { bucket } => vec![
            Write::PutBucketAclPrivate { bucket: bucket.clone() },
            Write::PutBucketAcl { bucket: bucket.clone(), acl: Acl { owner: String::new(), grants: Vec::new() } },
        ],
        Read::BucketEncryption { bucket } => {
            let encryption = Encryption::s3();
            vec![Write::PutBucketEncryption { bucket: bucket.clone(), encryption }]
        }
        Read::BucketVersioning { bucket } => vec![
            Write::EnableBucketVersioning { bucket: bucket.clone() },
            Write::SuspendBucketVersioning { bucket: bucket.clone() },
        ],
        Read::BucketObjectLock { bucket } => {
            vec![Write::PutBucketObjectLock { bucket: bucket.clone(), retention: None }]
        }
        Read::BucketLifecycle { bucket } => vec![
            Write::PutBucketLifecycle { bucket: bucket.clone(), lifecycle: Lifecycle { rules: Vec::new() } },
            Write::DeleteBucketLifecycle { bucket: bucket.clone() },
        ],
        Read::BucketPolicy { bucket } => vec![
            Write::PutBucketPolicy { bucket: bucket.clone(), policy: String::new() },
            Write::DeleteBucketPolicy { bucket: bucket.clone() },
        ],
        Read::BucketLogging { bucket } => vec![
            Write::PutBucketLogging { bucket: bucket.clone(), logging: unlogged() },
            Write::DeleteBucketLogging { bucket: bucket.clone() },
        ],
        Read::BucketNotification { bucket } => {
            vec![Write::PutBucketNotification { bucket: bucket.clone(), notification: Notification::default() }]
        }
        Read::BucketReplication { bucket } => vec![
            Write::PutBucketReplication {
                bucket: bucket.clone(),
                replication: Replication { role: String::new(), rules: Vec::new() },
            },
            Write::DeleteBucketReplication { bucket: bucket.clone() },
        ],
        Read::KeyPolicy { key } => vec![Write::PutKeyPolicy { key: key.clone(), policy: String::new() }],
        Read::KeyRotation { key } => vec![
            Write::EnableKeyRotation { key: key.clone(), period_days: 0 },
            Write::DisableKeyRotation { key: key.clone() },
        ],
        Read::KeyTags { key } => vec![
            Write::TagKey { key: key.clone(), tags: BTreeMap::new() },
            Write::UntagKey { key: key.clone(), names: Vec::new() },
        ],
        Read::KeyGrants { key } => vec![
            Write::CreateGrant { key: key.clone(), grant: no_grant() },
            Write::RevokeGrant { key: key.clone(), grant: String::new() },
        ],
        Read::Role { role } => vec![
            Write::UpdateTrust { role: role.clone(), policy: String::new() },
            Write::TagRole { role: role.clone(), tags: BTreeMap::new() },
            Write::UntagRole { role: role.clone(), names: Vec::new() },
        ],
        Read::RolePolicy { role, .. } | Read::RoleInlinePolicies { role } => role_policy(role),
        Read::RoleAttachedPolicies { role } => vec![
            Write::AttachRolePolicy { role: role.clone(), policy_arn: String::new() },
            Write::DetachRolePolicy { role: role.clone(), policy_arn: String::new() },
        ],
        Read::LogDeliveries => {
            vec![Write::SetLogDeliveryStatus { config_id: String::new(), status: String::new() }]
        }
        Read::Privileges { securable, name } => {
            vec![Write::UpdatePrivileges { securable: securable.clone(), name: name.clone(), changes: Vec::new() }]
        }
        Read::WorkspaceConf { key } => vec![Write::SetWorkspaceConf { key: key.clone(), value: String::new() }],
        _ => Vec::new(),
    }
}

/// What `forget` sends: tags off, and nothing else.
fn unmarked(read: &Read) -> Vec<Write> {
    let untags = |write: &Write| {
        matches!(
            write,
            Write::PutBucketTags { .. }
                | Write::DeleteBucketTags { .. }
                | Write::UntagKey { .. }
                | Write::UntagRole { .. }
        )
    };
    put_back(read).into_iter().filter(untags).collect()
}

fn role_policy(role: &str) -> Vec<Write> {
    vec![
        Write::PutRolePolicy { role: role.to_owned(), policy_name: String::new(), policy: String::new() },
        Write::DeleteRolePolicy { role: role.to_owned(), policy_name: String::new() },
    ]
}

fn closed() -> PublicAccessBlock {
    PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    }
}

fn unlogged() -> Logging {
    Logging { target_bucket: String::new(), target_prefix: String::new(), target_grants: Vec::new(), key_format: None }
}

fn no_grant() -> Grant {
    Grant {
        id: String::new(),
        name: String::new(),
        grantee: String::new(),
        retiring: None,
        issuing_account: None,
        operations: Vec::new(),
        constraints: None,
    }
}
