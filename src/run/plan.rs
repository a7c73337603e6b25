//! Reads live state, hardens the declaration, and plans.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::call::Read;
use crate::finding::{Finding, Severity};
use crate::harden::{Scope, harden};
use crate::model::databricks::LogDelivery;
use crate::model::live::Query;
use crate::model::{Desired, Fact, Kind, Live, Observed, Place, Reference, Wanted};
use crate::observe::{observe, observe_for_plan};
use crate::plan::guard::{self, Purpose};
use crate::plan::{
    Delivery, Effects, FORMAT_VERSION, GuardResult, Inputs, Plan, Source, Verdict, build, effects, principal_ids,
    reckon,
};
use crate::provider::Reader;

/// What was asked for beside the manifests.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// Guard codes that the user accepts.
    pub allow: BTreeSet<String>,
    /// Only a part of a directory is planned: singletons are never narrowed.
    pub partial: bool,
    /// Also prove what every step does to access. It reads the identities of the account too.
    pub access: bool,
    /// The day that waivers are held against, in UTC.
    pub today: Date,
}

impl Default for PlanOptions {
    /// Until somebody says what day it is, every waiver has ended.
    fn default() -> Self {
        Self { allow: BTreeSet::new(), partial: false, access: false, today: Scope::default().today }
    }
}

/// Plans the manifests against live state. Reads only; a read that fails becomes a gap of the plan.
pub async fn plan<R: Reader>(reader: &R, desired: &[Desired], options: &PlanOptions, purpose: Purpose) -> Plan {
    let live = match options.access {
        true => observe_for_plan(reader, desired).await,
        false => observe(reader, desired).await,
    };
    plan_from(&live, desired, options, purpose)
}

/// The pure half: the same live state and declaration give the same plan, to the byte.
#[must_use]
pub fn plan_from(live: &Live, desired: &[Desired], options: &PlanOptions, purpose: Purpose) -> Plan {
    let scope = Scope {
        partial: options.partial,
        remove_denies: options.allow.contains("remove-undeclared-denies"),
        today: options.today,
    };
    let wanted = harden(desired, live, scope);
    let mut built = build(&Inputs { desired, live, wanted: &wanted });
    let waivers = reckon(desired, live, scope, &mut built.changes, built.gaps.is_empty());
    let access = if options.access { effects(desired, live, &built.steps) } else { Effects::default() };
    built.gaps.extend(access.gaps.iter().cloned());
    built.gaps.sort();
    built.gaps.dedup();
    let caller = callers(live, desired);
    let mut guards = refusals(&wanted, &options.allow);
    guards.extend(guard::check(&guard::Subject {
        desired,
        live,
        wanted: &wanted,
        changes: &built.changes,
        steps: &built.steps,
        gaps: &built.gaps,
        access: &access,
        caller: &caller,
        allow: &options.allow,
        purpose,
    }));
    guards.sort_by(|left, right| (&left.code, &left.message).cmp(&(&right.code, &right.message)));
    guards.dedup();
    Plan {
        format_version: FORMAT_VERSION.to_owned(),
        manifest: desired.iter().map(|one| Source { name: one.name.clone(), digest: digest(one) }).collect(),
        caller,
        summary: built.summary,
        complete: built.gaps.is_empty(),
        gaps: built.gaps,
        reads_digest: reads_digest(live),
        changes: built.changes,
        today: options.today,
        waived: waivers.waived,
        guards,
        findings: findings(&wanted, live, desired, waivers.findings),
        allowed: options.allow.iter().cloned().collect(),
        steps: built.steps,
        access,
        deliveries: desired.iter().filter_map(|one| delivery(one, &wanted)).collect(),
        principals: principal_ids(live),
        desired: desired.to_vec(),
    }
}

fn refusals(wanted: &Wanted, allow: &BTreeSet<String>) -> Vec<GuardResult> {
    wanted
        .refusals
        .iter()
        .map(|(code, message)| GuardResult {
            code: code.clone(),
            verdict: if allow.contains(code) { Verdict::Allowed } else { Verdict::Refuse },
            message: message.clone(),
        })
        .collect()
}

fn findings(wanted: &Wanted, live: &Live, desired: &[Desired], of_waivers: Vec<Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = wanted
        .notices
        .iter()
        .map(|notice| Finding {
            code: notice.code.clone(),
            severity: match notice.code.as_str() {
                "undeclared-delivery" | "undeclared-grant" => Severity::High,
                "audit-bucket-is-workspace-root" => Severity::High,
                "single-admin" => Severity::Medium,
                _ => Severity::Info,
            },
            subject: notice.address.to_string(),
            message: notice.message.clone(),
            help: None,
            span: None,
        })
        .collect();
    findings.extend(desired.iter().filter_map(|one| delivery_health(one, wanted, live)));
    findings.extend(of_waivers);
    findings.sort();
    findings.dedup();
    findings
}

fn delivery(desired: &Desired, wanted: &Wanted) -> Option<Delivery> {
    let resource = wanted.find(&desired.name, Kind::LogDelivery, "primary")?;
    let declared = resource.fact.log_deliveries()?.first()?;
    let exists = declared.status == "ENABLED" && !Reference::occurs_in(&declared.config_id);
    exists.then(|| Delivery {
        manifest: desired.name.clone(),
        place: resource.query.place.clone(),
        config_id: declared.config_id.clone(),
    })
}

/// The declared delivery exists, is enabled, and does not succeed.
fn delivery_health(desired: &Desired, wanted: &Wanted, live: &Live) -> Option<Finding> {
    let resource = wanted.find(&desired.name, Kind::LogDelivery, "primary")?;
    let declared = resource.fact.log_deliveries()?.first()?;
    let all = live.view(&desired.databricks_place(), Read::LogDeliveries, Fact::log_deliveries).present()?;
    let found = all.iter().find(|one| one.config_id == declared.config_id && one.status == "ENABLED")?;
    let health = found.delivery.as_ref()?;
    // A configuration that was just made, or was on when Databricks began to keep the status, says nothing yet.
    if !matches!(health.status.as_str(), "USER_FAILURE" | "SYSTEM_FAILURE") {
        return None;
    }
    Some(Finding {
        code: "delivery-not-succeeded".to_owned(),
        severity: if health.status == "USER_FAILURE" { Severity::Critical } else { Severity::High },
        subject: resource.address.to_string(),
        message: format!("log-delivery configuration `{}` is {}: {}", found.config_id, health.status, health.message),
        help: None,
        span: None,
    })
}

/// Who is calling, per AWS account: the role's ARN with its path when it could be read, else the plain ARN.
fn callers(live: &Live, desired: &[Desired]) -> BTreeMap<String, String> {
    let mut callers = BTreeMap::new();
    for place in desired.iter().flat_map(|one| [one.aws_place(), one.role_place()]) {
        let Place::Aws { account, .. } = &place else { continue };
        let Observed::Present(caller) = live.view(&place, Read::CallerIdentity, Fact::caller) else { continue };
        let role = caller
            .arn
            .split(":assumed-role/")
            .nth(1)
            .and_then(|rest| rest.split('/').next())
            .and_then(|name| live.view(&place, Read::Role { role: name.to_owned() }, Fact::role).present());
        callers.insert(account.clone(), role.map_or(caller.arn, |role| role.arn));
    }
    callers
}

fn digest<T: Serialize>(value: &T) -> String {
    let canonical = serde_jcs::to_vec(value).unwrap_or_default();
    Sha256::digest(&canonical).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Digest of what was read, without what moves by itself: the times of the last deliveries.
fn reads_digest(live: &Live) -> String {
    let steady: Vec<(&Query, Observed<Fact>)> = live
        .iter()
        .filter(|(query, _)| query.read != Read::CallerIdentity)
        .map(|(query, answer)| {
            let answer = match answer {
                Observed::Present(Fact::LogDeliveries(all)) => Observed::Present(Fact::LogDeliveries(
                    all.iter().map(|one| LogDelivery { delivery: None, ..one.clone() }).collect(),
                )),
                other => other.clone(),
            };
            (query, answer)
        })
        .collect();
    digest(&steady)
}

/// Whether a plan may be applied: no guard refuses.
#[must_use]
pub fn is_refused(plan: &Plan) -> bool {
    plan.guards.iter().any(|guard| guard.verdict == Verdict::Refuse)
}
