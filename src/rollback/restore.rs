//! A part and what it shall be again → the requests that make it so, each with what its question answers afterwards.

use std::collections::BTreeMap;

use crate::call::{GrantChange, Read, Write};
use crate::model::bucket::Versioning;
use crate::model::databricks::PrivilegeAssignment;
use crate::model::fact::{Names, PolicyText, Tags};
use crate::model::{Fact, Observed};

use super::value::{Of, Part, Value, private, tags_of};

/// One request that puts something back.
#[derive(Clone, Debug)]
pub(super) struct Put {
    pub title: String,
    pub write: Write,
    /// The whole answer of the part's question afterwards.
    pub fact: Fact,
}

fn put(title: impl Into<String>, write: Write, fact: Fact) -> Vec<Put> {
    vec![Put { title: title.into(), write, fact }]
}

/// `answer` is what the question answers before. No request when nothing can be said, which the caller has made sure of.
pub(super) fn restore(part: &Part, to: &Value, answer: &Observed<Fact>) -> Vec<Put> {
    let live = match answer {
        Observed::Present(fact) => Some(fact),
        Observed::Absent | Observed::Unknown(_) => None,
    };
    match (&part.of, to) {
        (Of::Whole, Value::Fact(fact)) => whole(&part.query.read, fact),
        (Of::Trust, Value::Trust(text)) => trust(&part.query.read, text, live),
        (Of::Tags(_), Value::Tags(names)) => tags(&part.query.read, names, live),
        (Of::Status(config_id), Value::Status(status)) => {
            let all = live.and_then(Fact::log_deliveries).map_or(&[][..], Vec::as_slice);
            let Some(found) = all.iter().find(|one| one.config_id == *config_id) else { return Vec::new() };
            let mut after = found.clone();
            after.status.clone_from(status);
            let verb = if status == "ENABLED" { "enable" } else { "disable" };
            let write = Write::SetLogDeliveryStatus { config_id: config_id.clone(), status: status.clone() };
            put(format!("{verb} log-delivery configuration `{config_id}` again"), write, vec![after].into())
        }
        (Of::Attached(arn), Value::There(there)) => attached(&part.query.read, arn, *there, live),
        (Of::Granted(grant), Value::There(there)) => {
            let Read::KeyGrants { key } = &part.query.read else { return Vec::new() };
            let mut all = live.and_then(Fact::grants).cloned().unwrap_or_default();
            if *there {
                all.push((**grant).clone());
                let write = Write::CreateGrant { key: key.clone(), grant: (**grant).clone() };
                return put(format!("grant the key to {} again", grant.grantee), write, all.into());
            }
            let Some(id) = all.iter().find(|one| one.does_the_same(grant)).map(|one| one.id.clone()) else {
                return Vec::new();
            };
            all.retain(|one| one.id != id);
            let write = Write::RevokeGrant { key: key.clone(), grant: id };
            put(format!("revoke the grant of {} again", grant.grantee), write, all.into())
        }
        (Of::Privileges(_), Value::Privileges(pairs)) => privileges(&part.query.read, pairs, live),
        _ => Vec::new(),
    }
}

fn whole(read: &Read, fact: &Fact) -> Vec<Put> {
    let bucket = |name: &String| name.clone();
    let done = |title: &str, write: Write| put(title, write, fact.clone());
    match (read, fact) {
        (Read::AccountPublicAccessBlock, Fact::AccountAndBucketBlock(block)) => done(
            "put back the public access block of the account",
            Write::PutAccountPublicAccessBlock { block: block.clone() },
        ),
        (Read::BucketPublicAccessBlock { bucket: name }, Fact::AccountAndBucketBlock(block)) => done(
            "put back the public access block",
            Write::PutBucketPublicAccessBlock { bucket: bucket(name), block: block.clone() },
        ),
        (Read::BucketOwnership { bucket: name }, Fact::BucketOwnership(ownership)) => done(
            "put back the ownership of objects",
            Write::PutBucketOwnership { bucket: bucket(name), object_ownership: ownership.object_ownership.clone() },
        ),
        (Read::BucketAcl { bucket: name }, Fact::BucketAcl(acl)) => {
            let write = match *acl == private(&acl.owner) {
                true => Write::PutBucketAclPrivate { bucket: bucket(name) },
                false => Write::PutBucketAcl { bucket: bucket(name), acl: acl.clone() },
            };
            done("put back the access control list", write)
        }
        (Read::BucketEncryption { bucket: name }, Fact::BucketEncryption(encryption)) => done(
            "put back the default encryption",
            Write::PutBucketEncryption { bucket: bucket(name), encryption: encryption.clone() },
        ),
        (Read::BucketVersioning { bucket: name }, Fact::BucketVersioning(Versioning { status, .. })) => {
            match status == "Enabled" {
                true => done("enable versioning again", Write::EnableBucketVersioning { bucket: bucket(name) }),
                false => done("suspend versioning", Write::SuspendBucketVersioning { bucket: bucket(name) }),
            }
        }
        (Read::BucketObjectLock { bucket: name }, Fact::BucketObjectLock(lock)) => done(
            "put back the default retention",
            Write::PutBucketObjectLock { bucket: bucket(name), retention: lock.retention.clone() },
        ),
        (Read::BucketLifecycle { bucket: name }, Fact::BucketLifecycle(lifecycle)) => {
            let write = match lifecycle.rules.is_empty() {
                true => Write::DeleteBucketLifecycle { bucket: bucket(name) },
                false => Write::PutBucketLifecycle { bucket: bucket(name), lifecycle: lifecycle.clone() },
            };
            done("put back the lifecycle rules", write)
        }
        (Read::BucketPolicy { bucket: name }, Fact::Policy(PolicyText(text))) => {
            let write = match text.is_empty() {
                true => Write::DeleteBucketPolicy { bucket: bucket(name) },
                false => Write::PutBucketPolicy { bucket: bucket(name), policy: text.clone() },
            };
            done("put back the bucket policy", write)
        }
        (Read::BucketLogging { bucket: name }, Fact::BucketLogging(logging)) => {
            let write = match logging.target_bucket.is_empty() {
                true => Write::DeleteBucketLogging { bucket: bucket(name) },
                false => Write::PutBucketLogging { bucket: bucket(name), logging: logging.clone() },
            };
            done("put back the access logging", write)
        }
        (Read::BucketNotification { bucket: name }, Fact::BucketNotification(notification)) => done(
            "put back the event notifications",
            Write::PutBucketNotification { bucket: bucket(name), notification: notification.clone() },
        ),
        (Read::BucketReplication { bucket: name }, Fact::BucketReplication(replication)) => {
            let write = match replication.rules.is_empty() {
                true => Write::DeleteBucketReplication { bucket: bucket(name) },
                false => Write::PutBucketReplication { bucket: bucket(name), replication: replication.clone() },
            };
            done("put back the replication", write)
        }
        (read, fact) => beside_buckets(read, fact),
    }
}

fn beside_buckets(read: &Read, fact: &Fact) -> Vec<Put> {
    let done = |title: &str, write: Write| put(title, write, fact.clone());
    match (read, fact) {
        // A key always has a policy: an empty one is none that was there.
        (Read::KeyPolicy { key }, Fact::Policy(PolicyText(text))) if !text.is_empty() => {
            done("put back the key policy", Write::PutKeyPolicy { key: key.clone(), policy: text.clone() })
        }
        (Read::KeyRotation { key }, Fact::KeyRotation(rotation)) => match rotation.enabled {
            true => {
                let period_days = rotation.period_days.unwrap_or(365);
                done("put back the rotation", Write::EnableKeyRotation { key: key.clone(), period_days })
            }
            false => done("stop the rotation", Write::DisableKeyRotation { key: key.clone() }),
        },
        (Read::RolePolicy { role, policy: name }, Fact::Policy(PolicyText(text))) => match text.is_empty() {
            true => done(
                &format!("delete inline policy `{name}` again"),
                Write::DeleteRolePolicy { role: role.clone(), policy_name: name.clone() },
            ),
            false => done(
                &format!("put back inline policy `{name}`"),
                Write::PutRolePolicy { role: role.clone(), policy_name: name.clone(), policy: text.clone() },
            ),
        },
        (Read::WorkspaceConf { key }, Fact::WorkspaceConf(conf)) => {
            // A switch that was never set is off, and cannot be unset.
            let value = conf.0.get(key).cloned().flatten().unwrap_or_else(|| "false".to_owned());
            done("put back the workspace configuration", Write::SetWorkspaceConf { key: key.clone(), value })
        }
        _ => Vec::new(),
    }
}

fn trust(read: &Read, text: &str, live: Option<&Fact>) -> Vec<Put> {
    let (Read::Role { role }, Some(found)) = (read, live.and_then(Fact::role)) else { return Vec::new() };
    let mut after = found.clone();
    text.clone_into(&mut after.trust);
    let write = Write::UpdateTrust { role: role.clone(), policy: text.to_owned() };
    put("put back the trust policy", write, after.into())
}

/// Names with a value are set, names without one are taken off; other tags stay.
fn tags(read: &Read, names: &BTreeMap<String, Option<String>>, live: Option<&Fact>) -> Vec<Put> {
    let mut after = live.and_then(tags_of).cloned().unwrap_or_default();
    let mut puts = Vec::new();
    let with = |after: &BTreeMap<String, String>| match live {
        Some(Fact::Role(role)) => crate::model::role::Role { tags: after.clone(), ..role.clone() }.into(),
        _ => Fact::Tags(Tags(after.clone())),
    };
    let gone: Vec<String> = names
        .iter()
        .filter(|(name, value)| value.is_none() && after.contains_key(*name))
        .map(|(n, _)| n.clone())
        .collect();
    let set: BTreeMap<String, String> =
        names.iter().filter_map(|(name, value)| value.clone().map(|value| (name.clone(), value))).collect();
    let set: BTreeMap<String, String> =
        set.into_iter().filter(|(name, value)| after.get(name) != Some(value)).collect();
    if let Read::BucketTags { bucket } = read {
        after.retain(|name, _| !gone.contains(name));
        after.extend(set);
        let bucket = bucket.clone();
        let write = match after.is_empty() {
            true => Write::DeleteBucketTags { bucket },
            false => Write::PutBucketTags { bucket, tags: after.clone() },
        };
        return put("put back the tags of the bucket", write, with(&after));
    }
    if !set.is_empty() {
        after.extend(set.clone());
        let write = match read {
            Read::KeyTags { key } => Write::TagKey { key: key.clone(), tags: set },
            Read::Role { role } => Write::TagRole { role: role.clone(), tags: set },
            _ => return Vec::new(),
        };
        puts.extend(put("put back tags", write, with(&after)));
    }
    if !gone.is_empty() {
        after.retain(|name, _| !gone.contains(name));
        let write = match read {
            Read::KeyTags { key } => Write::UntagKey { key: key.clone(), names: gone },
            Read::Role { role } => Write::UntagRole { role: role.clone(), names: gone },
            _ => return Vec::new(),
        };
        puts.extend(put("take tags off again", write, with(&after)));
    }
    puts
}

fn attached(read: &Read, arn: &str, there: bool, live: Option<&Fact>) -> Vec<Put> {
    let Read::RoleAttachedPolicies { role } = read else { return Vec::new() };
    let mut names = live.and_then(Fact::names).map(|names| names.0.clone()).unwrap_or_default();
    names.retain(|name| name != arn);
    let (role, policy_arn) = (role.clone(), arn.to_owned());
    if there {
        names.push(arn.to_owned());
        names.sort();
        return put(
            format!("attach policy `{arn}` again"),
            Write::AttachRolePolicy { role, policy_arn },
            Names(names).into(),
        );
    }
    put(format!("detach policy `{arn}` again"), Write::DetachRolePolicy { role, policy_arn }, Names(names).into())
}

fn privileges(read: &Read, pairs: &BTreeMap<(String, String), bool>, live: Option<&Fact>) -> Vec<Put> {
    let Read::Privileges { securable, name } = read else { return Vec::new() };
    let mut after = live.and_then(Fact::privileges).cloned().unwrap_or_default();
    let mut changes: BTreeMap<&str, GrantChange> = BTreeMap::new();
    for ((principal, privilege), held) in pairs {
        let is = |one: &String| one.replace(' ', "_") == *privilege;
        let holds = after.iter().any(|one| one.principal == *principal && one.privileges.iter().any(is));
        if holds == *held {
            continue;
        }
        let change = changes.entry(principal).or_insert_with(|| GrantChange {
            principal: principal.clone(),
            add: Vec::new(),
            remove: Vec::new(),
        });
        if *held {
            change.add.push(privilege.clone());
            match after.iter_mut().find(|one| one.principal == *principal) {
                Some(one) => one.privileges.push(privilege.clone()),
                None => after.push(PrivilegeAssignment {
                    principal: principal.clone(),
                    principal_id: None,
                    privileges: vec![privilege.clone()],
                }),
            }
        } else {
            change.remove.push(privilege.clone());
            for one in after.iter_mut().filter(|one| one.principal == *principal) {
                one.privileges.retain(|one| !is(one));
            }
        }
    }
    after.retain(|one| !one.privileges.is_empty());
    if changes.is_empty() {
        return Vec::new();
    }
    let write = Write::UpdatePrivileges {
        securable: securable.clone(),
        name: name.clone(),
        changes: changes.into_values().collect(),
    };
    put("put back the grants", write, after.into())
}
