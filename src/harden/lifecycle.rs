//! Retention: our rules, and the foreign ones that do not cut it short.

use crate::model::bucket::{Expiration, Lifecycle, LifecycleFilter, LifecycleRule, NoncurrentExpiration};
use crate::model::live::Read;
use crate::model::{Fact, Kind};

use super::bucket::Site;
use super::draft::{Draft, Item};

/// Ids of our rules start so.
pub(super) const OURS: &str = "auditseal-retention";

/// How long objects below some prefixes stay.
pub(super) struct Retained<'a> {
    /// As S3 filters by them, with their slash; the first is the one that is written to, empty is the whole bucket.
    pub prefixes: &'a [String],
    pub days: u32,
    pub noncurrent_days: u32,
    pub abort_multipart_days: u32,
}

pub(super) fn want(draft: &mut Draft<'_>, site: &Site<'_>, retained: &Retained<'_>) {
    let read = Read::BucketLifecycle { bucket: site.name_of_bucket() };
    let Ok(live) = draft.need(&site.place, read.clone(), Fact::lifecycle) else { return };
    let mut rules = ours(retained);
    let mut dropped = Vec::new();
    for rule in live.map(|live| live.rules).unwrap_or_default() {
        if rule.id.starts_with(OURS) {
            continue;
        }
        match shortens(&rule, retained) {
            Some(why) => dropped.push((format!("rules[{}]", rule.id), why)),
            None => {
                draft.notice(
                    "undeclared-lifecycle-rule-kept",
                    &site.address(Kind::BucketLifecycle),
                    format!(
                        "the lifecycle rule `{}` is not declared, does not cut retention short, and is kept",
                        rule.id
                    ),
                );
                rules.push(rule);
            }
        }
    }
    rules.sort();
    let item = Item::new(&site.address(Kind::BucketLifecycle), &site.place, read, Lifecycle { rules })
        .because("", "B15: logs stay for the declared time, and not longer")
        .after(Kind::Bucket, &site.name)
        // Without versions an expiry deletes at once.
        .after(Kind::BucketVersioning, &site.name);
    draft.want(dropped.into_iter().fold(item, |item, (path, why)| item.because(path, why)));
}

/// One rule for the prefix that is written to, one for each earlier one, and none for the rest of the bucket: what else an
/// adopted bucket holds is not ours to expire.
fn ours(retained: &Retained<'_>) -> Vec<LifecycleRule> {
    let days = |days: u32| i32::try_from(days).unwrap_or(i32::MAX);
    retained
        .prefixes
        .iter()
        .enumerate()
        .map(|(index, prefix)| LifecycleRule {
            id: if index == 0 { OURS.to_owned() } else { format!("{OURS}-previous-{index}") },
            enabled: true,
            filter: LifecycleFilter { prefix: Some(prefix.clone()), ..LifecycleFilter::default() },
            expiration: Some(Expiration::Days(days(retained.days))),
            noncurrent_expiration: Some(NoncurrentExpiration {
                days: days(retained.noncurrent_days),
                newer_versions: None,
            }),
            transitions: Vec::new(),
            noncurrent_transitions: Vec::new(),
            abort_multipart_days: Some(days(retained.abort_multipart_days)),
        })
        .collect()
}

/// How the keys of all logs begin that are delivered to the root of a bucket (Databricks docs, "Configure audit log
/// delivery": `<bucket>/<prefix>/workspaceId=<id>/date=<day>/…`): what else lies there is not ours to expire or copy.
const AT_THE_ROOT: &str = "workspaceId=";

/// With its slash, so that `audit` does not stand for `audit-old` too.
pub(super) fn folder(prefix: &str) -> String {
    match prefix {
        "" => AT_THE_ROOT.to_owned(),
        prefix if prefix.ends_with('/') => prefix.to_owned(),
        prefix => format!("{prefix}/"),
    }
}

/// Why a foreign rule cannot stay: it touches a retained prefix and expires something before its time. Tags and sizes in
/// its filter only narrow it, and any object may have them.
fn shortens(rule: &LifecycleRule, retained: &Retained<'_>) -> Option<String> {
    let prefix = rule.filter.prefix.as_deref().unwrap_or_default();
    let touches = retained.prefixes.iter().any(|ours| ours.starts_with(prefix) || prefix.starts_with(ours.as_str()));
    if !rule.enabled || !touches {
        return None;
    }
    let early = |days: i32, kept: u32| i64::from(days) < i64::from(kept);
    match &rule.expiration {
        Some(Expiration::Days(days)) if early(*days, retained.days) => {
            return Some(format!("B15: it expires logs after {days} days, before the declared {}", retained.days));
        }
        Some(Expiration::Date(date)) => return Some(format!("B15: it expires every log on {date}")),
        Some(Expiration::Days(_) | Expiration::ExpiredObjectDeleteMarker) | None => {}
    }
    match &rule.noncurrent_expiration {
        Some(noncurrent) if early(noncurrent.days, retained.noncurrent_days) => Some(format!(
            "B15: it expires older versions after {} days, before the declared {}",
            noncurrent.days, retained.noncurrent_days
        )),
        _ => None,
    }
}
