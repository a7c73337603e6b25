//! From requests to the parts that they changed, or the reason why one stays.

use std::collections::BTreeSet;

use crate::call::{GrantChange, Query, Read, Write};
use crate::journal::Sent;
use crate::model::key::Grant;
use crate::model::reference::Output;
use crate::model::{Fact, Live, Observed};

use super::value::{Of, Part, tags_of};

/// What becomes of a request when its run is put back.
pub(super) enum Fate {
    /// This part is put back.
    Part(Part),
    /// It stays, and is said.
    Stays(String),
    /// It never took effect.
    Nothing,
}

/// What the run made. It stays, with its settings: nothing is deleted here, and nothing that stays is left open.
#[derive(Default)]
pub(super) struct Made {
    buckets: BTreeSet<String>,
    keys: BTreeSet<String>,
    roles: BTreeSet<String>,
}

impl Made {
    pub fn by(sent: &[Sent]) -> Self {
        let mut made = Self::default();
        for one in sent {
            match &one.write {
                Write::CreateBucket { bucket, .. } => {
                    made.buckets.insert(bucket.clone());
                }
                Write::CreateRole { role, .. } => {
                    made.roles.insert(role.clone());
                }
                Write::CreateKey { .. } => {
                    made.keys.extend(one.outputs.iter().filter_map(|outputs| outputs.get(&Output::KeyArn)).cloned());
                }
                _ => {}
            }
        }
        made
    }

    /// Whether a request was about something that the run itself had made. The policy of a new key is no such thing: on
    /// the way back it has to let the deliveries of before use the key again.
    fn holds(&self, part: &Part) -> bool {
        match &part.query.read {
            Read::BucketTags { bucket }
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
            | Read::BucketReplication { bucket } => self.buckets.contains(bucket),
            Read::KeyTags { key } | Read::KeyRotation { key } | Read::KeyGrants { key } => self.keys.contains(key),
            Read::Role { role } | Read::RolePolicy { role, .. } | Read::RoleAttachedPolicies { role } => {
                self.roles.contains(role)
            }
            _ => false,
        }
    }
}

/// The fate of one request.
pub(super) fn fate(sent: &Sent, made: &Made, live: &Live) -> Fate {
    let stays = |reason: &str| Fate::Stays(reason.to_owned());
    let whole = |read: Read| part(sent, read, Of::Whole);
    let fate = match &sent.write {
        Write::CreateBucket { bucket, .. } => {
            return Fate::Stays(format!(
                "the bucket `{bucket}` stays, with its protection: a bucket is never deleted here"
            ));
        }
        Write::CreateKey { .. } => {
            return stays("the new key stays, with its settings: without it nothing can be read");
        }
        Write::CancelKeyDeletion { .. } | Write::EnableKey { .. } => {
            return stays("the key stays enabled: a key is never disabled or scheduled for deletion here");
        }
        Write::CreateAlias { alias, .. } | Write::UpdateAlias { alias, .. } => {
            return Fate::Stays(format!(
                "the alias `{alias}` stays where it points: the next apply finds the key by it"
            ));
        }
        Write::CreateRole { role, .. } => {
            return Fate::Stays(format!("the role `{role}` stays, with its policies: delete it when nothing uses it"));
        }
        Write::CreateCredential { name, .. } => {
            return Fate::Stays(format!("the credential configuration `{name}` stays: it cannot be changed"));
        }
        Write::CreateStorageConfiguration { name, .. } => {
            return Fate::Stays(format!("the storage configuration `{name}` stays: it cannot be changed"));
        }
        Write::EnableSystemSchema { schema, .. } => {
            return Fate::Stays(format!("the system schema `{schema}` stays enabled: it would lose what it recorded"));
        }
        Write::CreateLogDelivery { .. } => match config_id(sent, live) {
            Some(config_id) => part(sent, Read::LogDeliveries, Of::Status(config_id)),
            None => return Fate::Nothing,
        },
        Write::SetLogDeliveryStatus { config_id, .. } => part(sent, Read::LogDeliveries, Of::Status(config_id.clone())),
        Write::RevokeGrant { key, grant } => match revoked(sent, grant) {
            // AWS services make grants for themselves.
            Some(grant) if grant.grantee.starts_with("arn:") => {
                part(sent, Read::KeyGrants { key: key.clone() }, Of::Granted(Box::new(grant)))
            }
            Some(grant) => {
                return Fate::Stays(format!("the grant to `{}` stays revoked: only it can make one", grant.grantee));
            }
            None => return stays("the grant stays revoked: its content was not kept"),
        },
        Write::CreateGrant { key, grant } => {
            part(sent, Read::KeyGrants { key: key.clone() }, Of::Granted(Box::new(grant.clone())))
        }
        Write::PutAccountPublicAccessBlock { .. } => whole(Read::AccountPublicAccessBlock),
        Write::PutBucketTags { bucket, .. } | Write::DeleteBucketTags { bucket } => {
            part(sent, Read::BucketTags { bucket: bucket.clone() }, Of::Tags(changed_names(sent)))
        }
        Write::PutBucketPublicAccessBlock { bucket, .. } => {
            whole(Read::BucketPublicAccessBlock { bucket: bucket.clone() })
        }
        Write::PutBucketOwnership { bucket, .. } => whole(Read::BucketOwnership { bucket: bucket.clone() }),
        Write::PutBucketAcl { bucket, .. } | Write::PutBucketAclPrivate { bucket } => {
            whole(Read::BucketAcl { bucket: bucket.clone() })
        }
        Write::PutBucketEncryption { bucket, .. } => whole(Read::BucketEncryption { bucket: bucket.clone() }),
        Write::EnableBucketVersioning { bucket } | Write::SuspendBucketVersioning { bucket } => {
            whole(Read::BucketVersioning { bucket: bucket.clone() })
        }
        Write::PutBucketObjectLock { bucket, .. } => whole(Read::BucketObjectLock { bucket: bucket.clone() }),
        Write::PutBucketLifecycle { bucket, .. } | Write::DeleteBucketLifecycle { bucket } => {
            whole(Read::BucketLifecycle { bucket: bucket.clone() })
        }
        Write::PutBucketPolicy { bucket, .. } | Write::DeleteBucketPolicy { bucket } => {
            whole(Read::BucketPolicy { bucket: bucket.clone() })
        }
        Write::PutBucketLogging { bucket, .. } | Write::DeleteBucketLogging { bucket } => {
            whole(Read::BucketLogging { bucket: bucket.clone() })
        }
        Write::PutBucketNotification { bucket, .. } => whole(Read::BucketNotification { bucket: bucket.clone() }),
        Write::PutBucketReplication { bucket, .. } | Write::DeleteBucketReplication { bucket } => {
            whole(Read::BucketReplication { bucket: bucket.clone() })
        }
        Write::PutKeyPolicy { key, .. } => whole(Read::KeyPolicy { key: key.clone() }),
        Write::EnableKeyRotation { key, .. } | Write::DisableKeyRotation { key } => {
            whole(Read::KeyRotation { key: key.clone() })
        }
        Write::TagKey { key, tags } => {
            part(sent, Read::KeyTags { key: key.clone() }, Of::Tags(tags.keys().cloned().collect()))
        }
        Write::UntagKey { key, names } => {
            part(sent, Read::KeyTags { key: key.clone() }, Of::Tags(names.iter().cloned().collect()))
        }
        Write::UpdateTrust { role, .. } => part(sent, Read::Role { role: role.clone() }, Of::Trust),
        Write::TagRole { role, tags } => {
            part(sent, Read::Role { role: role.clone() }, Of::Tags(tags.keys().cloned().collect()))
        }
        Write::UntagRole { role, names } => {
            part(sent, Read::Role { role: role.clone() }, Of::Tags(names.iter().cloned().collect()))
        }
        Write::PutRolePolicy { role, policy_name, .. } | Write::DeleteRolePolicy { role, policy_name } => {
            whole(Read::RolePolicy { role: role.clone(), policy: policy_name.clone() })
        }
        Write::AttachRolePolicy { role, policy_arn } | Write::DetachRolePolicy { role, policy_arn } => {
            part(sent, Read::RoleAttachedPolicies { role: role.clone() }, Of::Attached(policy_arn.clone()))
        }
        Write::UpdatePrivileges { securable, name, changes } => part(
            sent,
            Read::Privileges { securable: securable.clone(), name: name.clone() },
            Of::Privileges(pairs(changes)),
        ),
        Write::SetWorkspaceConf { key, .. } => whole(Read::WorkspaceConf { key: key.clone() }),
    };
    // What was made is said once, by the request that made it.
    if made.holds(&fate) { Fate::Nothing } else { Fate::Part(fate) }
}

fn part(sent: &Sent, read: Read, of: Of) -> Part {
    Part { query: Query { place: sent.place.clone(), read }, of }
}

/// Names whose value a replacement of a whole tag set changed.
fn changed_names(sent: &Sent) -> BTreeSet<String> {
    let before = match &sent.before {
        Some(Observed::Present(fact)) => tags_of(fact).cloned().unwrap_or_default(),
        _ => Default::default(),
    };
    let after = match &sent.write {
        Write::PutBucketTags { tags, .. } => tags.clone(),
        _ => Default::default(),
    };
    before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn revoked(sent: &Sent, id: &str) -> Option<Grant> {
    let Some(Observed::Present(fact)) = &sent.before else { return None };
    fact.grants()?.iter().find(|grant| grant.id == id).cloned()
}

fn pairs(changes: &[GrantChange]) -> BTreeSet<(String, String)> {
    changes
        .iter()
        .flat_map(|GrantChange { principal, add, remove }| {
            add.iter().chain(remove).map(move |privilege| (principal.clone(), privilege.replace(' ', "_")))
        })
        .collect()
}

/// The configuration that a request made: by the id that it gave, or, when nobody heard the answer, by what it is.
fn config_id(sent: &Sent, live: &Live) -> Option<String> {
    if let Some(id) = sent.outputs.as_ref().and_then(|outputs| outputs.get(&Output::LogDeliveryId)) {
        return Some(id.clone());
    }
    let Write::CreateLogDelivery { name, credentials_id, storage_configuration_id, prefix, workspaces } = &sent.write
    else {
        return None;
    };
    let all = live.view(&sent.place, Read::LogDeliveries, Fact::log_deliveries).present()?;
    let made = all.iter().find(|one| {
        one.config_name == *name
            && one.log_type == "AUDIT_LOGS"
            && one.credentials_id == *credentials_id
            && one.storage_configuration_id == *storage_configuration_id
            && one.delivery_path_prefix == *prefix
            && one.workspace_ids_filter == *workspaces
    })?;
    Some(made.config_id.clone())
}
