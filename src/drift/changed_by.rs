//! Which events of CloudTrail tell who made a change, and whose they are.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan};

use super::{Facts, Memory, Open};
use crate::call::{Query, Read};
use crate::finding::ChangedBy;
use crate::model::trail::TrailEvent;
use crate::model::{Address, Fact, Kind, Observed, Place};

/// Names looked up in one check: CloudTrail serves two lookups a second.
const LOOKUPS: usize = 12;
/// How long a change without an event is looked up again: "CloudTrail typically delivers logs within an average of about 5
/// minutes of an API call. This time is not guaranteed" (CloudTrail user guide).
const LATENCY_HOURS: i64 = 1;

/// What to look up for one finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    pub fingerprint: String,
    pub queries: Vec<Query>,
    /// Earlier events made what the last check saw, which was in order.
    after: Timestamp,
    /// Names by which the changed thing is known in events.
    names: BTreeSet<String>,
}

/// Lookups for the drift that opened since the last check, and for what opened so recently that its event may not have been
/// listed yet; the worst come first, and the number of event names is bounded. What the first check of a manifest found may
/// be as old as the estate, and changes at Databricks are not in CloudTrail.
#[must_use]
pub fn lookups(facts: &Facts<'_>, memory: &Memory) -> Vec<Lookup> {
    let recent = facts.now.checked_sub(LATENCY_HOURS.hours()).unwrap_or(Timestamp::UNIX_EPOCH);
    let is_asked = |one: &&Open| one.drift && one.changed_by.is_none() && one.since >= recent;
    let asked_for: Vec<(&Open, Timestamp)> =
        memory.open.iter().filter(is_asked).filter_map(|one| Some((one, one.after?))).collect();
    // One question for all: CloudTrail is asked by the name of the event.
    let Some(from) = asked_for.iter().map(|(_, after)| whole_second(*after)).min() else { return Vec::new() };
    let mut asked = BTreeSet::new();
    let mut all = Vec::new();
    for (one, after) in asked_for {
        let Ok(address) = one.finding.subject.parse::<Address>() else { continue };
        let Some(resource) = facts.wanted.resources.iter().find(|resource| resource.address == address) else {
            continue;
        };
        let Some((names, global)) = names(&resource.query, facts) else { continue };
        let query = |event: &&str| Query {
            place: resource.query.place.clone(),
            read: Read::TrailEvents { event: (*event).to_owned(), global, since: from },
        };
        let queries: Vec<Query> = events(address.kind).iter().map(query).collect();
        let fresh: Vec<&Query> = queries.iter().filter(|query| !asked.contains(*query)).collect();
        if queries.is_empty() || asked.len().saturating_add(fresh.len()) > LOOKUPS {
            continue;
        }
        asked.extend(queries.iter().cloned());
        all.push(Lookup { fingerprint: one.fingerprint.clone(), queries, after, names });
    }
    all
}

/// Events have whole seconds.
fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// The newest event that is about the thing, since it was seen in order. Of two callers in one second nobody knows who was
/// the last.
#[must_use]
pub fn attribute(lookup: &Lookup, answers: &BTreeMap<Query, Observed<Fact>>) -> Option<ChangedBy> {
    let mut events: Vec<&TrailEvent> = Vec::new();
    for query in &lookup.queries {
        if let Some(Observed::Present(Fact::TrailEvents(found))) = answers.get(query) {
            let since = whole_second(lookup.after);
            let is_about = |event: &&TrailEvent| event.resources.iter().any(|name| lookup.names.contains(name));
            events.extend(found.iter().filter(|event| event.time >= since).filter(is_about));
        }
    }
    let newest = events.iter().max_by(|a, b| (a.time, &a.id).cmp(&(b.time, &b.id)))?;
    if events.iter().any(|event| event.time == newest.time && event.principal != newest.principal) {
        return None;
    }
    let TrailEvent { id, name, time, principal, resources: _ } = (*newest).clone();
    Some(ChangedBy { principal, event: name, event_id: id, time })
}

/// How the asked thing is named in events, and whether it is IAM's.
fn names(query: &Query, facts: &Facts<'_>) -> Option<(BTreeSet<String>, bool)> {
    let Place::Aws { account, .. } = &query.place else { return None };
    let bucket = |bucket: &String| [bucket.clone(), format!("arn:aws:s3:::{bucket}")].into_iter().collect();
    Some(match &query.read {
        Read::AccountPublicAccessBlock => ([account.clone()].into_iter().collect(), false),
        Read::BucketLocation { bucket: name }
        | Read::BucketTags { bucket: name }
        | Read::BucketPublicAccessBlock { bucket: name }
        | Read::BucketOwnership { bucket: name }
        | Read::BucketAcl { bucket: name }
        | Read::BucketEncryption { bucket: name }
        | Read::BucketVersioning { bucket: name }
        | Read::BucketObjectLock { bucket: name }
        | Read::BucketLifecycle { bucket: name }
        | Read::BucketPolicy { bucket: name }
        | Read::BucketLogging { bucket: name }
        | Read::BucketNotification { bucket: name }
        | Read::BucketReplication { bucket: name } => (bucket(name), false),
        Read::Key { key }
        | Read::KeyPolicy { key }
        | Read::KeyRotation { key }
        | Read::KeyGrants { key }
        | Read::KeyAliases { key }
        | Read::KeyTags { key } => {
            let known = facts.live.view(&query.place, Read::Key { key: key.clone() }, Fact::key).present();
            let id = key.rsplit_once(":key/").map(|(_, id)| id.to_owned());
            let found = known.map(|key| [key.arn, key.id]).into_iter().flatten();
            (found.chain(id).chain([key.clone()]).collect(), false)
        }
        Read::Role { role }
        | Read::RoleInlinePolicies { role }
        | Read::RolePolicy { role, .. }
        | Read::RoleAttachedPolicies { role } => ([role.clone()].into_iter().collect(), true),
        _ => return None,
    })
}

/// CloudTrail's names of what changes a kind. They are not always those of the API: `PutBucketLifecycle`, not
/// `PutBucketLifecycleConfiguration` (Amazon S3 user guide, "Amazon S3 CloudTrail events").
fn events(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::AccountPublicAccessBlock => &["PutAccountPublicAccessBlock", "DeleteAccountPublicAccessBlock"],
        Kind::Bucket => &["DeleteBucket", "CreateBucket"],
        Kind::BucketTags => &["PutBucketTagging", "DeleteBucketTagging"],
        Kind::BucketPublicAccessBlock => &["PutBucketPublicAccessBlock", "DeleteBucketPublicAccessBlock"],
        Kind::BucketOwnership => &["PutBucketOwnershipControls", "DeleteBucketOwnershipControls"],
        Kind::BucketAcl => &["PutBucketAcl"],
        Kind::BucketEncryption => &["PutBucketEncryption", "DeleteBucketEncryption"],
        Kind::BucketVersioning => &["PutBucketVersioning"],
        Kind::BucketObjectLock => &["PutBucketObjectLockConfiguration"],
        Kind::BucketLifecycle => &["PutBucketLifecycle", "DeleteBucketLifecycle"],
        Kind::BucketPolicy => &["PutBucketPolicy", "DeleteBucketPolicy"],
        Kind::BucketLogging => &["PutBucketLogging"],
        Kind::BucketNotification => &["PutBucketNotification"],
        Kind::BucketReplication => &["PutBucketReplication", "DeleteBucketReplication"],
        Kind::KmsKey => &["DisableKey", "ScheduleKeyDeletion"],
        Kind::KmsAlias => &["UpdateAlias", "DeleteAlias"],
        Kind::KmsTags => &["TagResource", "UntagResource"],
        Kind::KmsRotation => &["DisableKeyRotation", "EnableKeyRotation"],
        Kind::KmsKeyPolicy => &["PutKeyPolicy"],
        Kind::KmsGrants => &["CreateGrant", "RevokeGrant"],
        Kind::Role => &["UpdateAssumeRolePolicy", "DeleteRole", "UntagRole"],
        Kind::RolePolicy | Kind::RoleInlinePolicies => &["PutRolePolicy", "DeleteRolePolicy"],
        Kind::RoleAttachedPolicies => &["AttachRolePolicy", "DetachRolePolicy"],
        Kind::Credential
        | Kind::StorageConfiguration
        | Kind::LogDelivery
        | Kind::SystemSchema
        | Kind::Grants
        | Kind::WorkspaceConf => &[],
    }
}
