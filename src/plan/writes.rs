//! Wanted fact against live answer → the requests that make the one of the other. Mechanical: nothing is decided here
//! that the diff did not decide.

use std::collections::BTreeMap;

use crate::call::{GrantChange, Query, Read, Write};
use crate::model::bucket::ObjectLock;
use crate::model::fact::PolicyText;
use crate::model::reference::Output;
use crate::model::{Fact, Kind, Live, Observed, Reference, WantedResource};

/// One request for a resource, before it has a place in the order.
#[derive(Clone, Debug)]
pub struct Draft {
    pub title: String,
    pub write: Write,
    /// What the resource's question has to answer afterwards; `None` where a later draft of the same resource settles it.
    pub expect: Option<Fact>,
    pub gives: BTreeMap<Output, String>,
    pub undo: Option<Write>,
}

impl Draft {
    fn new(title: impl Into<String>, write: Write, expect: Fact) -> Self {
        Self { title: title.into(), write, expect: Some(expect), gives: BTreeMap::new(), undo: None }
    }

    fn undo(mut self, undo: Option<Write>) -> Self {
        self.undo = undo;
        self
    }

    fn gives(mut self, resource: &WantedResource, output: Output) -> Self {
        self.gives.insert(output, Reference::new(resource.address.clone(), output).to_string());
        self
    }
}

/// What a new key or bucket is born with, from the resources that describe it.
#[derive(Default)]
pub struct Birth {
    pub key_policy: String,
    pub tags: BTreeMap<String, String>,
    pub object_lock: bool,
}

/// The requests that bring `resource` from `before` to `target` (its final or its transition fact).
#[must_use]
pub fn drafts(
    resource: &WantedResource,
    before: &Observed<Fact>,
    target: &Fact,
    live: &Live,
    birth: &Birth,
) -> Vec<Draft> {
    let live_fact = match before {
        Observed::Present(fact) => Some(fact),
        Observed::Absent | Observed::Unknown(_) => None,
    };
    let settled = |title: &str, write: Write| vec![Draft::new(title, write, target.clone())];
    match (&resource.query.read, target) {
        (Read::AccountPublicAccessBlock, Fact::AccountAndBucketBlock(block)) => settled(
            "block public access for the whole account",
            Write::PutAccountPublicAccessBlock { block: block.clone() },
        ),
        (Read::BucketLocation { bucket }, Fact::BucketRegion(_)) => {
            settled("create the bucket", Write::CreateBucket { bucket: bucket.clone(), object_lock: birth.object_lock })
        }
        (Read::BucketTags { bucket }, Fact::Tags(tags)) => {
            settled("tag the bucket", Write::PutBucketTags { bucket: bucket.clone(), tags: tags.0.clone() })
        }
        (Read::BucketPublicAccessBlock { bucket }, Fact::AccountAndBucketBlock(block)) => {
            let undo = live_fact
                .and_then(Fact::public_access_block)
                .map(|block| Write::PutBucketPublicAccessBlock { bucket: bucket.clone(), block: block.clone() });
            let write = Write::PutBucketPublicAccessBlock { bucket: bucket.clone(), block: block.clone() };
            vec![Draft::new("block public access", write, target.clone()).undo(undo)]
        }
        (Read::BucketOwnership { bucket }, Fact::BucketOwnership(ownership)) => {
            let put =
                |value: &str| Write::PutBucketOwnership { bucket: bucket.clone(), object_ownership: value.to_owned() };
            let undo = live_fact.and_then(Fact::ownership).map(|before| put(&before.object_ownership));
            vec![
                Draft::new("make the bucket owner own every object", put(&ownership.object_ownership), target.clone())
                    .undo(undo),
            ]
        }
        (Read::BucketAcl { bucket }, Fact::BucketAcl(_)) => {
            settled("reset the access control list", Write::PutBucketAclPrivate { bucket: bucket.clone() })
        }
        (Read::BucketEncryption { bucket }, Fact::BucketEncryption(encryption)) => {
            let undo = live_fact
                .and_then(Fact::encryption)
                .map(|before| Write::PutBucketEncryption { bucket: bucket.clone(), encryption: before.clone() });
            let write = Write::PutBucketEncryption { bucket: bucket.clone(), encryption: encryption.clone() };
            vec![Draft::new("encrypt new objects by default", write, target.clone()).undo(undo)]
        }
        (Read::BucketVersioning { bucket }, Fact::BucketVersioning(_)) => {
            settled("enable versioning", Write::EnableBucketVersioning { bucket: bucket.clone() })
        }
        (Read::BucketObjectLock { bucket }, Fact::BucketObjectLock(lock)) => {
            object_lock(bucket, lock, live_fact, target)
        }
        (Read::BucketLifecycle { bucket }, Fact::BucketLifecycle(lifecycle)) => settled(
            "write the lifecycle rules",
            Write::PutBucketLifecycle { bucket: bucket.clone(), lifecycle: lifecycle.clone() },
        ),
        (Read::BucketPolicy { bucket }, Fact::Policy(policy)) => {
            let undo = match live_fact.and_then(Fact::policy) {
                Some(PolicyText(text)) => Write::PutBucketPolicy { bucket: bucket.clone(), policy: text.clone() },
                None => Write::DeleteBucketPolicy { bucket: bucket.clone() },
            };
            let write = Write::PutBucketPolicy { bucket: bucket.clone(), policy: policy.0.clone() };
            vec![Draft::new("write the bucket policy", write, target.clone()).undo(Some(undo))]
        }
        (Read::BucketLogging { bucket }, Fact::BucketLogging(logging)) => settled(
            "log access to the bucket",
            Write::PutBucketLogging { bucket: bucket.clone(), logging: logging.clone() },
        ),
        (Read::BucketNotification { bucket }, Fact::BucketNotification(notification)) => settled(
            "send events to EventBridge",
            Write::PutBucketNotification { bucket: bucket.clone(), notification: notification.clone() },
        ),
        (Read::BucketReplication { bucket }, Fact::BucketReplication(replication)) => {
            if replication.rules.is_empty() {
                settled("stop undeclared replication", Write::DeleteBucketReplication { bucket: bucket.clone() })
            } else {
                settled(
                    "replicate to the declared buckets",
                    Write::PutBucketReplication { bucket: bucket.clone(), replication: replication.clone() },
                )
            }
        }
        (Read::Key { .. }, Fact::Key(_)) => key(resource, live_fact, target, birth),
        (Read::KeyAliases { key }, Fact::Names(names)) => aliases(resource, key, &names.0, live_fact, live, target),
        (Read::KeyTags { key }, Fact::Tags(tags)) => {
            let changed = changed_tags(live_fact.and_then(Fact::tags).map(|tags| &tags.0), &tags.0);
            settled("tag the key", Write::TagKey { key: key.clone(), tags: changed })
        }
        (Read::KeyRotation { key }, Fact::KeyRotation(rotation)) => settled(
            "rotate the key",
            Write::EnableKeyRotation { key: key.clone(), period_days: rotation.period_days.unwrap_or(365) },
        ),
        (Read::KeyPolicy { key }, Fact::Policy(policy)) => {
            let put = |text: &str| Write::PutKeyPolicy { key: key.clone(), policy: text.to_owned() };
            let undo = live_fact.and_then(Fact::policy).map(|before| put(&before.0));
            vec![Draft::new("write the key policy", put(&policy.0), target.clone()).undo(undo)]
        }
        (Read::KeyGrants { key }, Fact::KeyGrants(declared)) => {
            let live_grants = live_fact.and_then(Fact::grants).map_or(&[][..], Vec::as_slice);
            let undeclared = live_grants.iter().filter(|grant| !declared.contains(grant));
            settle_last(
                undeclared
                    .map(|grant| Draft {
                        title: format!("revoke grant `{}` of {}", grant.id, grant.grantee),
                        write: Write::RevokeGrant { key: key.clone(), grant: grant.id.clone() },
                        expect: None,
                        gives: BTreeMap::new(),
                        undo: None,
                    })
                    .collect(),
                target,
            )
        }
        (Read::Role { role }, Fact::Role(wanted)) => role_drafts(role, wanted, live_fact, target),
        (Read::RolePolicy { role, policy }, Fact::Policy(text)) => {
            let put = |text: &str| Write::PutRolePolicy {
                role: role.clone(),
                policy_name: policy.clone(),
                policy: text.to_owned(),
            };
            let delete = || Write::DeleteRolePolicy { role: role.clone(), policy_name: policy.clone() };
            let undo = Some(live_fact.and_then(Fact::policy).map_or_else(delete, |before| put(&before.0)));
            if text.0.is_empty() {
                vec![Draft::new("delete the transition policy", delete(), target.clone()).undo(undo)]
            } else {
                vec![Draft::new("write the inline policy", put(&text.0), target.clone()).undo(undo)]
            }
        }
        (Read::RoleInlinePolicies { role }, Fact::Names(declared)) => {
            let drafts = undeclared_names(live_fact, &declared.0).map(|name| {
                let text = live
                    .view(
                        &resource.query.place,
                        Read::RolePolicy { role: role.clone(), policy: name.clone() },
                        Fact::policy,
                    )
                    .present();
                Draft {
                    title: format!("delete undeclared inline policy `{name}`"),
                    undo: text.map(|text| Write::PutRolePolicy {
                        role: role.clone(),
                        policy_name: name.clone(),
                        policy: text.0,
                    }),
                    write: Write::DeleteRolePolicy { role: role.clone(), policy_name: name },
                    expect: None,
                    gives: BTreeMap::new(),
                }
            });
            settle_last(drafts.collect(), target)
        }
        (Read::RoleAttachedPolicies { role }, Fact::Names(declared)) => {
            let drafts = undeclared_names(live_fact, &declared.0).map(|arn| Draft {
                title: format!("detach undeclared policy `{arn}`"),
                write: Write::DetachRolePolicy { role: role.clone(), policy_arn: arn },
                expect: None,
                gives: BTreeMap::new(),
                undo: None,
            });
            settle_last(drafts.collect(), target)
        }
        (Read::Credentials, Fact::Credentials(wanted)) => wanted
            .iter()
            .map(|credential| {
                let write = Write::CreateCredential {
                    name: credential.credentials_name.clone(),
                    role_arn: credential.role_arn.clone(),
                };
                Draft::new("register the delivery role with Databricks", write, target.clone())
                    .gives(resource, Output::CredentialsId)
            })
            .collect(),
        (Read::StorageConfigurations, Fact::StorageConfigurations(wanted)) => wanted
            .iter()
            .map(|storage| {
                let write = Write::CreateStorageConfiguration {
                    name: storage.storage_configuration_name.clone(),
                    bucket: storage.bucket_name.clone(),
                };
                Draft::new("register the bucket with Databricks", write, target.clone())
                    .gives(resource, Output::StorageConfigurationId)
            })
            .collect(),
        (Read::LogDeliveries, Fact::LogDeliveries(wanted)) => wanted
            .iter()
            .map(|delivery| {
                if Reference::occurs_in(&delivery.config_id) {
                    let write = Write::CreateLogDelivery {
                        name: delivery.config_name.clone(),
                        credentials_id: delivery.credentials_id.clone(),
                        storage_configuration_id: delivery.storage_configuration_id.clone(),
                        prefix: delivery.delivery_path_prefix.clone(),
                        workspaces: delivery.workspace_ids_filter.clone(),
                    };
                    Draft::new("create the log-delivery configuration", write, target.clone())
                        .gives(resource, Output::LogDeliveryId)
                } else {
                    let write = Write::SetLogDeliveryStatus {
                        config_id: delivery.config_id.clone(),
                        status: delivery.status.clone(),
                    };
                    Draft::new("set the status of the log-delivery configuration", write, target.clone())
                }
            })
            .collect(),
        (Read::SystemSchemas { metastore }, Fact::SystemSchemas(schemas)) => schemas
            .iter()
            .map(|schema| {
                let write = Write::EnableSystemSchema { metastore: metastore.clone(), schema: schema.schema.clone() };
                Draft::new("enable the system schema", write, target.clone())
            })
            .collect(),
        (Read::Privileges { securable, name }, Fact::Privileges(_)) => {
            let changes = grant_changes(live_fact, target);
            settled(
                "set the grants",
                Write::UpdatePrivileges { securable: securable.clone(), name: name.clone(), changes },
            )
        }
        (Read::WorkspaceConf { key }, Fact::WorkspaceConf(conf)) => conf
            .0
            .get(key)
            .cloned()
            .flatten()
            .map(|value| {
                let write = Write::SetWorkspaceConf { key: key.clone(), value };
                vec![Draft::new("set the workspace configuration", write, target.clone())]
            })
            .unwrap_or_default(),
        _ => Vec::new(),
    }
}

fn object_lock(bucket: &str, lock: &ObjectLock, live_fact: Option<&Fact>, target: &Fact) -> Vec<Draft> {
    let put = |retention| Write::PutBucketObjectLock { bucket: bucket.to_owned(), retention };
    // Object Lock itself cannot be undone; a default retention can.
    let undo = put(live_fact.and_then(Fact::object_lock).and_then(|before| before.retention.clone()));
    vec![Draft::new("set the default retention", put(lock.retention.clone()), target.clone()).undo(Some(undo))]
}

fn key(resource: &WantedResource, live_fact: Option<&Fact>, target: &Fact, birth: &Birth) -> Vec<Draft> {
    let Some(found) = live_fact.and_then(Fact::key) else {
        let write = Write::CreateKey {
            description: "Databricks audit logs (auditseal)".to_owned(),
            policy: birth.key_policy.clone(),
            tags: birth.tags.clone(),
        };
        return vec![Draft::new("create the key", write, target.clone()).gives(resource, Output::KeyArn)];
    };
    let key = || found.arn.clone();
    let mut drafts = Vec::new();
    if found.state == "PendingDeletion" {
        drafts.push(Draft {
            title: "cancel the deletion of the key".to_owned(),
            write: Write::CancelKeyDeletion { key: key() },
            expect: None,
            gives: BTreeMap::new(),
            undo: None,
        });
    }
    drafts.push(Draft::new("enable the key", Write::EnableKey { key: key() }, target.clone()));
    drafts
}

fn aliases(
    resource: &WantedResource,
    key: &str,
    wanted: &[String],
    live_fact: Option<&Fact>,
    live: &Live,
    target: &Fact,
) -> Vec<Draft> {
    let present = live_fact.and_then(Fact::names).map_or(&[][..], |names| names.0.as_slice());
    let missing = wanted.iter().filter(|alias| !present.contains(alias));
    settle_last(
        missing
            .map(|alias| {
                let elsewhere = live.view(&resource.query.place, Read::Key { key: alias.clone() }, Fact::key);
                let write = if let Observed::Present(_) = elsewhere {
                    Write::UpdateAlias { alias: alias.clone(), key: key.to_owned() }
                } else {
                    Write::CreateAlias { alias: alias.clone(), key: key.to_owned() }
                };
                Draft {
                    title: format!("name the key `{alias}`"),
                    write,
                    expect: None,
                    gives: BTreeMap::new(),
                    undo: None,
                }
            })
            .collect(),
        target,
    )
}

fn role_drafts(role: &str, wanted: &crate::model::role::Role, live_fact: Option<&Fact>, target: &Fact) -> Vec<Draft> {
    let Some(found) = live_fact.and_then(Fact::role) else {
        let path = wanted
            .arn
            .parse::<crate::model::Arn>()
            .ok()
            .and_then(|arn| arn.role())
            .map_or_else(|| "/".to_owned(), |(path, _)| path);
        let write =
            Write::CreateRole { path, role: role.to_owned(), trust: wanted.trust.clone(), tags: wanted.tags.clone() };
        return vec![Draft::new("create the role", write, target.clone())];
    };
    let mut drafts = Vec::new();
    if !crate::iam::equivalent(&found.trust, &wanted.trust) {
        let put = |policy: &str| Write::UpdateTrust { role: role.to_owned(), policy: policy.to_owned() };
        drafts.push(Draft {
            title: "write the trust policy".to_owned(),
            write: put(&wanted.trust),
            expect: None,
            gives: BTreeMap::new(),
            undo: Some(put(&found.trust)),
        });
    }
    let tags = changed_tags(Some(&found.tags), &wanted.tags);
    if !tags.is_empty() {
        drafts.push(Draft {
            title: "tag the role".to_owned(),
            write: Write::TagRole { role: role.to_owned(), tags },
            expect: None,
            gives: BTreeMap::new(),
            undo: None,
        });
    }
    settle_last(drafts, target)
}

/// The wanted answer is there only after the last of several requests.
fn settle_last(mut drafts: Vec<Draft>, target: &Fact) -> Vec<Draft> {
    if let Some(last) = drafts.last_mut() {
        last.expect = Some(target.clone());
    }
    drafts
}

fn changed_tags(
    before: Option<&BTreeMap<String, String>>,
    wanted: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    wanted
        .iter()
        .filter(|(name, value)| before.and_then(|tags| tags.get(*name)) != Some(*value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn undeclared_names<'a>(live_fact: Option<&'a Fact>, declared: &'a [String]) -> impl Iterator<Item = String> + 'a {
    let present = live_fact.and_then(Fact::names).map_or(&[][..], |names| names.0.as_slice());
    present.iter().filter(|name| !declared.contains(name)).cloned()
}

fn grant_changes(live_fact: Option<&Fact>, target: &Fact) -> Vec<GrantChange> {
    let held = |fact: Option<&Fact>| -> BTreeMap<String, Vec<String>> {
        fact.and_then(Fact::privileges)
            .map(|assignments| {
                assignments
                    .iter()
                    .filter(|assignment| !assignment.principal.is_empty())
                    .map(|assignment| (assignment.principal.clone(), assignment.privileges.clone()))
                    .collect()
            })
            .unwrap_or_default()
    };
    let (before, after) = (held(live_fact), held(Some(target)));
    let mut principals: Vec<&String> = before.keys().chain(after.keys()).collect();
    principals.sort();
    principals.dedup();
    let empty = Vec::new();
    let minus = |left: &[String], right: &[String]| -> Vec<String> {
        left.iter().filter(|privilege| !right.contains(privilege)).cloned().collect()
    };
    principals
        .into_iter()
        .map(|principal| {
            let had = before.get(principal).unwrap_or(&empty);
            let gets = after.get(principal).unwrap_or(&empty);
            GrantChange { principal: principal.clone(), add: minus(gets, had), remove: minus(had, gets) }
        })
        .filter(|change| !change.add.is_empty() || !change.remove.is_empty())
        .collect()
}

/// The question of a resource, with its answer; a question about something that does not exist yet answers "absent".
#[must_use]
pub fn before(live: &Live, query: &Query) -> Observed<Fact> {
    let waits = serde_json::to_string(&query.read).is_ok_and(|text| Reference::occurs_in(&text));
    if waits { Observed::Absent } else { live.get(query) }
}

/// Whether a change of this kind cannot be taken back.
#[must_use]
pub fn irreversible(kind: Kind, before: Option<&Fact>) -> bool {
    match kind {
        // A log-delivery configuration can be disabled but never deleted.
        Kind::LogDelivery | Kind::Credential | Kind::StorageConfiguration => before.is_none(),
        // Object Lock cannot be switched off (S3 User Guide, "Object Lock considerations").
        Kind::BucketObjectLock => before.and_then(Fact::object_lock).is_none(),
        _ => false,
    }
}
