//! The audit bucket as it is: what a manifest has a word for is declared, the rest differs from the secure default and is
//! waived by a plan.

use crate::manifest::{Answer, check};
use crate::model::bucket::{Expiration, Lifecycle, LifecycleRule, Replication};
use crate::model::desired::{LockMode, ObjectLock};
use crate::model::fact::{BucketRegion, Tags};
use crate::model::live::Read;
use crate::model::{Arn, Desired, Fact, Live, OWNER_TAG, Place};

use super::seal;
use super::sketch::Sketch;

/// Days that a manifest keeps logs unless it says otherwise (`manifest`, `[bucket] retention_days`).
const DEFAULT_DAYS: u32 = 365;
/// The longest that a manifest can say.
const MAX_DAYS: u32 = 36_500;

/// Fills in what the bucket says of itself. `desired` is the sketch as it was when `live` was read.
pub fn describe_bucket(sketch: &mut Sketch, desired: &Desired, live: &Live) {
    let place = desired.aws_place();
    let bucket = || desired.delivery.bucket.clone();
    let owned = is_ours(desired, live, &desired.delivery.bucket);
    let lifecycle = live.view(&place, Read::BucketLifecycle { bucket: bucket() }, Fact::lifecycle).present();
    let rules = lifecycle.map(|Lifecycle { rules }| rules).unwrap_or_default();
    retention(sketch, desired, &rules, owned);
    object_lock(sketch, desired, live);
    access_log(sketch, desired, live);
    let events = live.view(&place, Read::BucketNotification { bucket: bucket() }, Fact::notification).present();
    if owned && events.is_none_or(|events| !events.event_bridge) {
        sketch.event_bridge = Some(false);
    }
    replication(sketch, desired, live);
}

/// Whether a bucket carries the mark of this very estate.
fn is_ours(desired: &Desired, live: &Live, bucket: &str) -> bool {
    let read = Read::BucketTags { bucket: bucket.to_owned() };
    let tags = live.view(&desired.aws_place(), read, Fact::tags).present();
    tags.is_some_and(|Tags(tags)| tags.get(OWNER_TAG) == Some(&desired.owner()))
}

fn days(found: i32) -> Option<u32> {
    u32::try_from(found).ok().filter(|days| (1..=MAX_DAYS).contains(days))
}

fn retention(sketch: &mut Sketch, desired: &Desired, rules: &[LifecycleRule], owned: bool) {
    if let Some(rule) = seal::rule(rules).filter(|_| owned) {
        sketch.retention_days = match rule.expiration {
            Some(Expiration::Days(found)) => days(found),
            _ => None,
        };
        sketch.noncurrent_retention_days = rule.noncurrent_expiration.as_ref().and_then(|one| days(one.days));
        sketch.abort_multipart_days = rule.abort_multipart_days.and_then(days);
        // What this tool kept readable is exactly what was declared.
        sketch.previous_prefixes.clear();
        let earlier = seal::previous(rules).into_iter().filter(|prefix| check(Answer::Prefix, prefix).is_ok());
        for prefix in earlier.filter(|prefix| *prefix != desired.delivery.prefix) {
            if !sketch.previous_prefixes.contains(&prefix) {
                sketch.previous_prefixes.push(prefix);
            }
        }
        return;
    }
    let folder = match desired.delivery.prefix.as_str() {
        "" => String::new(),
        prefix => format!("{prefix}/"),
    };
    let covers = |rule: &&LifecycleRule| {
        let filter = &rule.filter;
        let plain = filter.tags.is_empty() && filter.size_greater_than.is_none() && filter.size_less_than.is_none();
        rule.enabled && plain && folder.starts_with(filter.prefix.as_deref().unwrap_or_default())
    };
    let current = rules.iter().filter(covers).filter_map(|rule| match rule.expiration {
        Some(Expiration::Days(found)) => days(found),
        _ => None,
    });
    match current.min() {
        // What is shorter than the default is waived, so that it stays on the list.
        Some(found) if found >= DEFAULT_DAYS => sketch.retention_days = Some(found),
        Some(_) => {}
        None => {
            sketch.retention_days = Some(DEFAULT_DAYS);
            sketch.remarks.bucket.push(
                "Nothing expires current logs today. Once the waiver of `retention` ends, what is older than \
                 `retention_days` is removed: decide on it before."
                    .to_owned(),
            );
        }
    }
    let older = rules.iter().filter(covers).filter_map(|rule| rule.noncurrent_expiration.as_ref());
    let shortest = older.filter_map(|one| days(one.days)).min();
    sketch.noncurrent_retention_days = shortest.filter(|found| *found >= DEFAULT_DAYS);
}

fn object_lock(sketch: &mut Sketch, desired: &Desired, live: &Live) {
    let read = Read::BucketObjectLock { bucket: desired.delivery.bucket.clone() };
    let Some(lock) = live.view(&desired.aws_place(), read, Fact::object_lock).present() else { return };
    let Some(retention) = lock.retention.filter(|one| (1..=MAX_DAYS).contains(&one.days)) else { return };
    let mode = if retention.mode == "COMPLIANCE" { LockMode::Compliance } else { LockMode::Governance };
    sketch.object_lock = Some(ObjectLock { mode, days: retention.days });
    // Objects are kept at least as long as they are locked.
    if sketch.retention_days.unwrap_or(DEFAULT_DAYS) < retention.days {
        sketch.retention_days = Some(retention.days);
    }
}

fn access_log(sketch: &mut Sketch, desired: &Desired, live: &Live) {
    let place = desired.aws_place();
    let read = Read::BucketLogging { bucket: desired.delivery.bucket.clone() };
    let Some(logging) = live.view(&place, read, Fact::logging).present() else { return };
    let (bucket, prefix) = (logging.target_bucket, logging.target_prefix);
    if bucket == desired.delivery.bucket || check(Answer::LogPrefix, &prefix).is_err() {
        sketch.remarks.access_log.push(format!(
            "Access logs go to `{bucket}` under `{prefix}` today, which a manifest cannot declare: a bucket of their own \
             and a prefix are needed. Left as it is by the waiver of `access-logging`."
        ));
        return;
    }
    let owned = is_ours(desired, live, &bucket);
    if !owned {
        sketch.remarks.access_log.push(format!(
            "Found as the target of the access log. When other buckets log to `{bucket}` too, give this log a bucket of \
             its own before its waivers end: sealed, it takes no other logs."
        ));
    }
    let lifecycle = live.view(&place, Read::BucketLifecycle { bucket: bucket.clone() }, Fact::lifecycle).present();
    let rules = lifecycle.map(|Lifecycle { rules }| rules).unwrap_or_default();
    let kept = seal::rule(&rules).filter(|_| owned).and_then(|rule| match rule.expiration {
        Some(Expiration::Days(found)) => days(found),
        _ => None,
    });
    let mut readers = seal::log_readers(desired, live, &bucket);
    let admins = seal::seal(desired, live).map(|seal| seal.admins).unwrap_or_default();
    // Without any, the admins read it.
    if readers.iter().all(|one| admins.contains(one)) && readers.len() == admins.len() {
        readers.clear();
    }
    readers.retain(|one| check(Answer::Role, one).is_ok());
    sketch.access_log.bucket = Some(bucket);
    sketch.access_log.prefix = Some(prefix);
    sketch.access_log.retention_days = kept;
    sketch.access_log.readers = readers;
}

/// Only what this tool set up is declared: a manifest seals a replica bucket with its key as it does the audit bucket, and
/// somebody else's copy is no such thing.
fn replication(sketch: &mut Sketch, desired: &Desired, live: &Live) {
    let read = Read::BucketReplication { bucket: desired.delivery.bucket.clone() };
    let Some(Replication { role, rules }) = live.view(&desired.aws_place(), read, Fact::replication).present() else {
        return;
    };
    let ours = role.parse::<Arn>().ok().and_then(|arn| arn.role()).map(|(_, name)| name)
        == Some(desired.replication_role_name());
    for rule in &rules {
        let Some(bucket) = rule.bucket.rsplit(':').next() else { continue };
        let own = rule.account.as_ref().is_none_or(|account| *account == desired.aws.account_id);
        let known = sketch.replicas.iter().any(|(name, _)| name == bucket);
        match region(desired, live, bucket).filter(|_| ours && own) {
            Some(_) if known => {}
            Some(region) => sketch.replicas.push((bucket.to_owned(), region)),
            None => sketch.remarks.bucket.push(format!(
                "Objects are copied to `{bucket}` today. Declare it under `[[bucket.replicas]]` (with `profile` when it is \
                 in another account), or let the copying end with the waiver of `replication`."
            )),
        }
    }
}

/// Where a replica bucket is, in another region than the audit bucket.
fn region(desired: &Desired, live: &Live, bucket: &str) -> Option<String> {
    let at = |query: &crate::model::live::Query| match (&query.place, &query.read) {
        (Place::Aws { account, .. }, Read::BucketLocation { bucket: of }) => {
            *account == desired.aws.account_id && of == bucket
        }
        _ => false,
    };
    let answers = live.iter().filter(|(query, _)| at(query));
    let mut regions = answers.filter_map(|(_, answer)| answer.clone().present()?.bucket_region().cloned());
    regions.next().map(|BucketRegion(region)| region).filter(|region| *region != desired.aws.region)
}
