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
use crate::model::{Address, Desired, Fact, Intent, Kind, Live, Observed, Place, Reference, Wanted, hex};
use crate::observe::{observe, observe_for_plan};
use crate::plan::guard::{self, Purpose};
use crate::plan::{
    self, Delivery, Effects, Explanation, FORMAT_VERSION, GuardResult, Inputs, Order, Ordered, Partial, Plan,
    Preflight, Reasoning, Selection, Source, Step, StepAction, Summary, UnknownAddress, Verdict, build, principal_ids,
    reckon, safe_order, select,
};
use crate::provider::Reader;

use super::preflight::{checked, simulated};

/// What was asked for beside the manifests.
#[derive(Clone, Debug)]
pub struct PlanOptions {
    /// Guard codes that the user accepts.
    pub allow: BTreeSet<String>,
    /// Only a part of a directory is planned: singletons are never narrowed. The plan remembers it.
    pub partial: bool,
    /// Only a part of the plan. It implies `partial`; guards and proofs still see the whole estate.
    pub selection: Selection,
    /// Also prove what every step does to access. It reads the identities of the account too.
    pub access: bool,
    /// The day that waivers are held against, in UTC.
    pub today: Date,
}

impl Default for PlanOptions {
    /// Until somebody says what day it is, every waiver has ended.
    fn default() -> Self {
        Self {
            allow: BTreeSet::new(),
            partial: false,
            selection: Selection::default(),
            access: false,
            today: Scope::default().today,
        }
    }
}

/// A plan, with what it was made from.
#[derive(Clone, Debug)]
pub struct Planned {
    pub plan: Plan,
    /// Patterns of the selection that match nothing: nothing should be done with such a plan.
    pub unknown: Vec<UnknownAddress>,
    pub(super) live: Live,
    pub(super) wanted: Wanted,
}

impl Planned {
    /// Why the plan does what it does to an address.
    ///
    /// # Errors
    /// When the plan does not know the address.
    pub fn explain(&self, address: &str) -> Result<Explanation, UnknownAddress> {
        plan::explain(&Reasoning { plan: &self.plan, seen: Some((&self.live, &self.wanted)) }, address)
    }
}

impl PlanOptions {
    /// What a plan was made with, to make it again.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        Self {
            allow: plan.allowed.iter().cloned().collect(),
            partial: plan.partial.is_some(),
            selection: plan.partial.as_ref().map(|one| one.selection.clone()).unwrap_or_default(),
            access: plan.access.is_proved(),
            today: plan.today,
        }
    }
}

/// Plans the manifests against live state. Reads only; a read that fails becomes a gap of the plan.
pub async fn plan<R: Reader>(reader: &R, desired: &[Desired], options: &PlanOptions, purpose: Purpose) -> Plan {
    planned(reader, desired, options, purpose).await.plan
}

/// The same, and what explains it.
pub async fn planned<R: Reader>(reader: &R, desired: &[Desired], options: &PlanOptions, purpose: Purpose) -> Planned {
    let live = match options.access {
        true => observe_for_plan(reader, desired).await,
        false => observe(reader, desired).await,
    };
    let (plan, wanted) = from(&live, desired, options, purpose);
    let plan = simulated(reader, plan, &live, purpose).await;
    let unknown = unknown(&live, desired, options, &wanted);
    Planned { plan, unknown, live, wanted }
}

/// The pure half: the same live state and declaration give the same plan, to the byte.
#[must_use]
pub fn plan_from(live: &Live, desired: &[Desired], options: &PlanOptions, purpose: Purpose) -> Plan {
    from(live, desired, options, purpose).0
}

fn from(live: &Live, desired: &[Desired], options: &PlanOptions, purpose: Purpose) -> (Plan, Wanted) {
    let scope = scope(options);
    let wanted = harden(desired, live, scope);
    let mut built = build(&Inputs { desired, live, wanted: &wanted });
    let waivers = reckon(desired, live, scope, &mut built.changes, built.gaps.is_empty());
    let (mut built, partial) = select(built, &options.selection);
    let partial = partial.or_else(|| options.partial.then(Partial::default));
    let usual = std::mem::take(&mut built.steps);
    let Ordered { steps, access, order } = match options.access {
        true => safe_order(desired, live, usual),
        false => Ordered { steps: usual, access: Effects::default(), order: Order::Usual },
    };
    built.gaps.extend(access.gaps.iter().cloned());
    built.gaps.sort();
    built.gaps.dedup();
    let caller = callers(live, desired);
    let mut guards = refusals(&wanted, &options.allow, partial.is_some(), &steps);
    guards.extend(guard::check(&guard::Subject {
        desired,
        live,
        wanted: &wanted,
        changes: &built.changes,
        steps: &steps,
        gaps: &built.gaps,
        access: &access,
        order: &order,
        caller: &caller,
        allow: &options.allow,
        purpose,
    }));
    guards.sort_by(|left, right| (&left.code, &left.message).cmp(&(&right.code, &right.message)));
    guards.dedup();
    let plan = Plan {
        summary: built.summary,
        complete: built.gaps.is_empty(),
        gaps: built.gaps,
        changes: built.changes,
        waived: waivers.waived,
        guards,
        findings: findings(&wanted, live, desired, waivers.findings),
        partial,
        steps,
        access,
        deliveries: desired.iter().filter_map(|one| delivery(one, &wanted)).collect(),
        ..skeleton(live, desired, options, caller)
    };
    // Who may do what is read together with what proves access.
    let plan = if options.access { checked(plan, live, purpose) } else { plan };
    (plan, wanted)
}

/// What every plan says, whatever it is for: from what it was made, by whom, and with what allowed.
pub(super) fn skeleton(
    live: &Live,
    desired: &[Desired],
    options: &PlanOptions,
    caller: BTreeMap<String, String>,
) -> Plan {
    Plan {
        format_version: FORMAT_VERSION.to_owned(),
        intent: Intent::Apply,
        manifest: desired.iter().map(|one| Source { name: one.name.clone(), digest: digest(one) }).collect(),
        caller,
        summary: Summary::default(),
        complete: false,
        gaps: Vec::new(),
        reads_digest: reads_digest(live),
        changes: Vec::new(),
        guards: Vec::new(),
        findings: Vec::new(),
        allowed: options.allow.iter().cloned().collect(),
        partial: None,
        today: options.today,
        waived: Vec::new(),
        steps: Vec::new(),
        access: Effects::default(),
        preflight: Preflight::default(),
        deliveries: Vec::new(),
        principals: principal_ids(live),
        desired: desired.to_vec(),
    }
}

fn scope(options: &PlanOptions) -> Scope {
    Scope {
        partial: options.partial || !options.selection.is_whole(),
        remove_denies: options.allow.contains("remove-undeclared-denies"),
        today: options.today,
    }
}

/// What was asked for and is not there: by a slip, or because a plan of a part does not do it.
fn unknown(live: &Live, desired: &[Desired], options: &PlanOptions, wanted: &Wanted) -> Vec<UnknownAddress> {
    let addresses = |wanted: &Wanted| -> BTreeSet<Address> {
        let retired = wanted.retire.iter().map(|one| one.address.clone());
        wanted.resources.iter().map(|one| one.address.clone()).chain(retired).collect()
    };
    let mut unknown = options.selection.unknown(&addresses(wanted));
    if !unknown.is_empty() {
        let whole = PlanOptions { selection: Selection::default(), ..options.clone() };
        let whole = addresses(&harden(desired, live, scope(&whole)));
        for one in &mut unknown {
            let only = Selection::new(std::slice::from_ref(&one.asked), &[]);
            if only.unknown(&whole).is_empty() {
                one.what = "is switched off or revoked in what manifests share, and only a plan of the whole does that"
                    .to_owned();
                one.nearest.clear();
            }
        }
    }
    unknown
}

fn refusals(wanted: &Wanted, allow: &BTreeSet<String>, partial: bool, steps: &[Step]) -> Vec<GuardResult> {
    let is_delivery =
        |step: &Step| step.address.kind == Kind::LogDelivery && matches!(step.action, StepAction::Write { .. });
    let delivers = steps.iter().any(is_delivery);
    let verdict = |code: &str| match code {
        code if allow.contains(code) => Verdict::Allowed,
        // A part frees no slot, and one that makes no delivery needs none.
        "no-free-delivery-slot" if partial && !delivers => Verdict::Warn,
        _ => Verdict::Refuse,
    };
    let result = |(code, message): &(String, String)| GuardResult {
        code: code.clone(),
        verdict: verdict(code),
        message: message.clone(),
    };
    wanted.refusals.iter().map(result).collect()
}

fn findings(wanted: &Wanted, live: &Live, desired: &[Desired], of_waivers: Vec<Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = wanted
        .notices
        .iter()
        .map(|notice| Finding {
            code: notice.code.clone(),
            severity: match notice.code.as_str() {
                "undeclared-delivery" | "undeclared-grant" => Severity::High,
                "audit-bucket-is-workspace-root" | "storage-configurations-full" => Severity::High,
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
pub(super) fn callers(live: &Live, desired: &[Desired]) -> BTreeMap<String, String> {
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
    hex(&Sha256::digest(&canonical))
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
