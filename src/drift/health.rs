//! Health of delivery: the status that Databricks keeps, the age of the last success, and the newest object that can be
//! listed. Neither is believed alone: a status says nothing of what the bucket still holds, a list nothing of why.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::Facts;
use super::findings::{basis, finding};
use crate::call::{Query, Read};
use crate::finding::{Finding, Severity};
use crate::model::databricks::{LogDelivery, parse_time};
use crate::model::desired::DeliveryStatus;
use crate::model::{Address, Desired, Fact, Gap, Kind, Observed};

/// How one declared delivery does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryState {
    /// Everything was read, and says so.
    Delivering,
    /// Made less than the declared maximum of silence ago: nothing can be expected yet.
    New,
    /// No success, or no object, for longer than declared.
    Silent,
    /// The last attempt failed.
    Failing,
    /// The declaration wants none.
    Disabled,
    /// No enabled configuration delivers as declared: the plan says what is missing.
    Missing,
    /// Not everything could be read, and what could says nothing bad.
    Unknown,
}

/// One line for each manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeliveryReport {
    pub manifest: String,
    pub state: DeliveryState,
    pub config_id: Option<String>,
    /// `log_delivery_status`, as Databricks writes it.
    pub status: Option<String>,
    pub last_success: Option<Timestamp>,
    /// Since the last success.
    pub age_seconds: Option<i64>,
    /// The newest object among those that had to be looked at.
    pub newest_object: Option<Timestamp>,
    pub max_silence_seconds: i64,
}

/// What the watch over the deliveries says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    pub deliveries: Vec<DeliveryReport>,
    /// With what each rests on.
    pub findings: Vec<(Finding, String)>,
    pub gaps: Vec<Gap>,
    pub judged: BTreeSet<String>,
}

fn max_silence(desired: &Desired) -> SignedDuration {
    SignedDuration::from_mins(i64::from(desired.delivery.max_silence_minutes))
}

/// What is asked beyond a plan: the newest object of every delivery that is declared to be on.
#[must_use]
pub fn questions(desired: &[Desired], now: Timestamp) -> Vec<Query> {
    let enabled = desired.iter().filter(|one| one.delivery.status == DeliveryStatus::Enabled);
    let mut queries: Vec<Query> = enabled.map(|one| newest_object(one, now)).collect();
    queries.sort();
    queries.dedup();
    queries
}

fn newest_object(desired: &Desired, now: Timestamp) -> Query {
    let fresh_since = now.checked_sub(max_silence(desired)).unwrap_or(Timestamp::UNIX_EPOCH);
    let (bucket, prefix) = (desired.delivery.bucket.clone(), desired.delivery.prefix.clone());
    Query { place: desired.aws_place(), read: Read::NewestObject { bucket, prefix, fresh_since } }
}

/// Judges every manifest's delivery.
#[must_use]
pub fn health(facts: &Facts<'_>) -> Health {
    let mut health = Health::default();
    let configs: BTreeMap<&str, &str> =
        facts.plan.deliveries.iter().map(|one| (one.manifest.as_str(), one.config_id.as_str())).collect();
    for desired in facts.desired {
        let config = configs.get(desired.name.as_str()).copied();
        let report = one(desired, config, facts, &mut health);
        health.deliveries.push(report);
    }
    health.gaps.sort();
    health.gaps.dedup();
    health
}

fn one(desired: &Desired, config: Option<&str>, facts: &Facts<'_>, health: &mut Health) -> DeliveryReport {
    let mut report = DeliveryReport {
        manifest: desired.name.clone(),
        state: DeliveryState::Unknown,
        config_id: config.map(str::to_owned),
        status: None,
        last_success: None,
        age_seconds: None,
        newest_object: None,
        max_silence_seconds: max_silence(desired).as_secs(),
    };
    if desired.delivery.status == DeliveryStatus::Disabled {
        // Nothing is expected, and nothing that was said before holds any longer.
        health.judged.extend([basis::deliveries(&desired.owner()), basis::objects(&desired.owner())]);
        report.state = DeliveryState::Disabled;
        return report;
    }
    let all = facts.live.view(&desired.databricks_place(), Read::LogDeliveries, Fact::log_deliveries);
    let Observed::Present(all) = all else {
        // The plan names the gap.
        return report;
    };
    health.judged.insert(basis::deliveries(&desired.owner()));
    let Some(found) = all.into_iter().find(|one| config == Some(one.config_id.as_str()) && one.status == "ENABLED")
    else {
        health.judged.insert(basis::objects(&desired.owner()));
        report.state = DeliveryState::Missing;
        return report;
    };
    let status = status(desired, &found, facts, health, &mut report);
    let objects = objects(desired, &found, facts, health, &mut report);
    report.state = match (status, objects) {
        (DeliveryState::Failing, _) => DeliveryState::Failing,
        (DeliveryState::Silent, _) | (_, DeliveryState::Silent) => DeliveryState::Silent,
        (DeliveryState::Unknown, _) | (_, DeliveryState::Unknown) => DeliveryState::Unknown,
        (DeliveryState::New, _) | (_, DeliveryState::New) => DeliveryState::New,
        _ => DeliveryState::Delivering,
    };
    report
}

fn age(now: Timestamp, then: Timestamp) -> SignedDuration {
    now.duration_since(then)
}

/// When the configuration was made: before it is as old as the silence allowed, nothing is missing.
fn created(found: &LogDelivery) -> Timestamp {
    Timestamp::from_millisecond(found.creation_time).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn is_new(desired: &Desired, found: &LogDelivery, now: Timestamp) -> bool {
    age(now, created(found)) <= max_silence(desired)
}

/// What `log_delivery_status` says. A failed attempt is a finding of the plan already.
fn status(
    desired: &Desired,
    found: &LogDelivery,
    facts: &Facts<'_>,
    health: &mut Health,
    report: &mut DeliveryReport,
) -> DeliveryState {
    let status = found.delivery.as_ref();
    report.status = status.map(|status| status.status.clone());
    let text = status.and_then(|status| status.last_successful_attempt_time.as_deref());
    report.last_success = text.and_then(parse_time);
    if let (Some(text), None) = (text, report.last_success) {
        health.judged.remove(&basis::deliveries(&desired.owner()));
        health.gaps.push(Gap {
            what: format!("last_successful_attempt_time of log-delivery configuration {}", found.config_id),
            permission: None,
            message: format!("`{text}` is no time that auditseal knows"),
        });
        return DeliveryState::Unknown;
    }
    report.age_seconds = report.last_success.map(|time| age(facts.now, time).as_secs());
    let failing = report.status.as_deref().is_some_and(|status| status.ends_with("FAILURE"));
    let silent = age(facts.now, report.last_success.unwrap_or_else(|| created(found))) > max_silence(desired);
    if silent {
        let since = match report.last_success {
            Some(time) => format!("has not succeeded since {time}"),
            None => format!("has never succeeded, and was made at {}", created(found)),
        };
        let status = report.status.as_deref().unwrap_or("not reported");
        let allowed = allowed(desired);
        let message = format!("log-delivery configuration `{}` {since} (status {status}); {allowed}", found.config_id);
        health.findings.push((about(desired, "delivery-silent", message), basis::deliveries(&desired.owner())));
    }
    match (failing, silent, report.last_success) {
        (true, ..) => DeliveryState::Failing,
        (false, true, _) => DeliveryState::Silent,
        (false, false, Some(_)) => DeliveryState::Delivering,
        (false, false, None) => DeliveryState::New,
    }
}

/// What the list of names says.
fn objects(
    desired: &Desired,
    found: &LogDelivery,
    facts: &Facts<'_>,
    health: &mut Health,
    report: &mut DeliveryReport,
) -> DeliveryState {
    let query = newest_object(desired, facts.now);
    let Read::NewestObject { fresh_since, .. } = query.read else { return DeliveryState::Unknown };
    let newest = match facts.watched.view(&query.place, query.read, Fact::newest_object) {
        Observed::Present(newest) => newest,
        // Without a bucket nothing is delivered, and the plan says that there is none.
        Observed::Absent => Default::default(),
        Observed::Unknown(gap) => {
            // The question holds a time, and a gap is told from others by what could not be read.
            let what = format!("s3:ListBucket on {}", desired.delivery.bucket);
            health.gaps.push(Gap { what, ..gap });
            return DeliveryState::Unknown;
        }
    };
    health.judged.insert(basis::objects(&desired.owner()));
    report.newest_object = newest.modified;
    if newest.modified.is_some_and(|time| time >= fresh_since) {
        return DeliveryState::Delivering;
    }
    if is_new(desired, found, facts.now) {
        return DeliveryState::New;
    }
    let (bucket, prefix) = (&desired.delivery.bucket, &desired.delivery.prefix);
    let what = match (newest.modified, newest.workspaces) {
        (Some(time), _) => format!("the newest object below s3://{bucket}/{prefix} is of {time}"),
        (None, 0) => format!("there is no object of any workspace below s3://{bucket}/{prefix}"),
        (None, count) => {
            format!("none of the {count} workspaces below s3://{bucket}/{prefix} has an object of the last days")
        }
    };
    let message = format!("{what}; {}", allowed(desired));
    health.findings.push((about(desired, "no-recent-objects", message), basis::objects(&desired.owner())));
    DeliveryState::Silent
}

fn allowed(desired: &Desired) -> String {
    format!("`[delivery] max_silence` is {} minutes", desired.delivery.max_silence_minutes)
}

fn about(desired: &Desired, code: &str, message: String) -> Finding {
    let address = Address::new(desired.name.as_str(), Kind::LogDelivery, "primary").to_string();
    let help = "`auditseal access write` shows whether the delivery role can write; the status message of the configuration \
                says what Databricks met";
    Finding { help: Some(help.to_owned()), ..finding(code, Severity::High, &address, message) }
}
