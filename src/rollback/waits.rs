//! What keeps a delivery alive on the way back: one that is switched on again is seen to succeed before the one that took
//! its place is switched off, and what could stop a delivery is followed by one that succeeded later.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::{Read, Write};
use crate::model::databricks::LogDelivery;
use crate::model::{Address, Desired, Fact, Kind, Live};
use crate::plan::{
    DELIVERY_CHANGE_SECONDS, DELIVERY_DEADLINE_SECONDS, Delivery, GuardResult, Step, StepAction, StepId, Verdict,
    is_main, order, same_group,
};

use super::DELIVERY_ENDS;

/// Steps with their waits, numbered.
pub(super) struct Arranged {
    pub steps: Vec<Step>,
    pub guards: Vec<GuardResult>,
    pub deliveries: Vec<Delivery>,
}

/// The deliveries of one location while the steps are walked.
struct Walk<'a> {
    desired: &'a Desired,
    /// Enabled configurations that deliver to its bucket, the working ones first; none that the customer's side stops.
    enabled: Vec<String>,
    /// Every configuration of its bucket.
    own: BTreeSet<String>,
    /// Those that the customer's side stopped: nothing can be waited for.
    broken: BTreeSet<String>,
    /// Steps since the last wait that could have stopped the delivery.
    risky: Vec<StepId>,
}

pub(super) fn arrange(steps: Vec<Step>, desired: &[Desired], live: &Live, allow: &BTreeSet<String>) -> Arranged {
    let mut walks: BTreeMap<&str, Walk<'_>> =
        desired.iter().map(|one| (one.name.as_str(), Walk::new(one, live))).collect();
    let mut out: Vec<Step> = Vec::new();
    let mut guards = Vec::new();
    for step in steps {
        let Some(walk) = walks.get_mut(step.address.manifest.as_str()) else {
            push(&mut out, step, &[]);
            continue;
        };
        match status(&step) {
            Some((config_id, enable)) if walk.own.contains(&config_id) => {
                walk.flush(&mut out);
                let manifest = step.address.manifest.clone();
                let id = push(&mut out, step, &[]);
                if walk.broken.contains(&config_id) {
                    continue;
                }
                if enable {
                    walk.enabled.retain(|one| *one != config_id);
                    walk.enabled.insert(0, config_id);
                    walk.risky.push(id);
                    walk.flush(&mut out);
                    continue;
                }
                walk.enabled.retain(|one| *one != config_id);
                if walk.enabled.is_empty() {
                    guards.push(ends(walk.desired, allow));
                }
                let title = "wait until Databricks has stopped the delivery";
                let reason = "a change of a log-delivery configuration takes up to an hour";
                let action = StepAction::Pause { seconds: DELIVERY_CHANGE_SECONDS, reason: reason.to_owned() };
                push(&mut out, waiting(&manifest, title, action), &[id]);
            }
            _ => {
                let risky = is_risky(&step);
                let id = push(&mut out, step, &[]);
                if risky {
                    walk.risky.push(id);
                }
            }
        }
    }
    for walk in walks.values_mut() {
        walk.flush(&mut out);
    }
    let out = without_idle_pauses(out);
    let deliveries = walks.values().filter_map(Walk::delivery).collect();
    Arranged { steps: out, guards, deliveries }
}

impl<'a> Walk<'a> {
    fn new(desired: &'a Desired, live: &Live) -> Self {
        let place = desired.databricks_place();
        let storages = live.view(&place, Read::StorageConfigurations, Fact::storage_configurations).present();
        let here: BTreeSet<String> = storages
            .unwrap_or_default()
            .into_iter()
            .filter(|storage| storage.bucket_name == desired.delivery.bucket)
            .map(|storage| storage.storage_configuration_id)
            .collect();
        let all = live.view(&place, Read::LogDeliveries, Fact::log_deliveries).present().unwrap_or_default();
        let mut own: Vec<LogDelivery> = all
            .into_iter()
            .filter(|one| one.log_type == "AUDIT_LOGS" && here.contains(&one.storage_configuration_id))
            .collect();
        own.sort_by_key(|one| {
            let succeeds = one.delivery.as_ref().is_some_and(|health| health.status == "SUCCEEDED");
            (!succeeds, one.creation_time, one.config_id.clone())
        });
        let is_broken =
            |one: &&LogDelivery| one.delivery.as_ref().is_some_and(|health| health.status == "USER_FAILURE");
        let works = |one: &&LogDelivery| one.status == "ENABLED" && !is_broken(one);
        Self {
            desired,
            enabled: own.iter().filter(works).map(|one| one.config_id.clone()).collect(),
            broken: own.iter().filter(is_broken).map(|one| one.config_id.clone()).collect(),
            own: own.into_iter().map(|one| one.config_id).collect(),
            risky: Vec::new(),
        }
    }

    /// Waits for a delivery later than the risky steps, if there is a configuration that could make one.
    fn flush(&mut self, out: &mut Vec<Step>) {
        let risky = std::mem::take(&mut self.risky);
        let Some(config_id) = self.enabled.first().filter(|_| !risky.is_empty()) else { return };
        let action = StepAction::AwaitDelivery {
            place: self.desired.databricks_place(),
            config_id: config_id.clone(),
            after_steps: risky.clone(),
            deadline_seconds: DELIVERY_DEADLINE_SECONDS,
        };
        let title = "wait for a delivery that succeeds after these changes";
        push(out, waiting(&self.desired.name, title, action), &risky);
    }

    fn delivery(&self) -> Option<Delivery> {
        Some(Delivery {
            manifest: self.desired.name.clone(),
            place: self.desired.databricks_place(),
            config_id: self.enabled.first()?.clone(),
        })
    }
}

/// The configuration that a step switches, and whether on.
fn status(step: &Step) -> Option<(String, bool)> {
    match &step.action {
        StepAction::Write { write: Write::SetLogDeliveryStatus { config_id, status }, .. } => {
            Some((config_id.clone(), status == "ENABLED"))
        }
        _ => None,
    }
}

fn is_risky(step: &Step) -> bool {
    order::may_stop_delivery(step.address.kind) && is_main(&step.address)
}

fn is_write(step: &Step) -> bool {
    matches!(step.action, StepAction::Write { .. })
}

/// Adds a step with its number and what it must not be taken without.
fn push(out: &mut Vec<Step>, mut step: Step, needs: &[StepId]) -> StepId {
    let id = out.len();
    step.id = id;
    let mut depends: BTreeSet<StepId> = needs.iter().copied().collect();
    if is_write(&step) {
        depends.extend(out.iter().filter(|earlier| holds_back(earlier, &step)).map(|earlier| earlier.id));
    }
    step.depends_on = depends.into_iter().collect();
    out.push(step);
    id
}

/// The way there backwards: what needed a thing goes before the thing. Waits hold back everything of their location.
fn holds_back(earlier: &Step, step: &Step) -> bool {
    let (there, here) = (&earlier.address, &step.address);
    let needed = order::requires(there.kind).contains(&here.kind) && same_group(there, here);
    there == here
        || there.manifest == here.manifest
            && (needed || !is_write(earlier) || there.kind == Kind::LogDelivery && is_main(here))
}

fn waiting(manifest: &str, title: &str, action: StepAction) -> Step {
    Step {
        id: 0,
        address: Address::new(manifest, Kind::LogDelivery, "primary"),
        title: title.to_owned(),
        action,
        depends_on: Vec::new(),
        target: None,
        gives: BTreeMap::new(),
        settle_seconds: 0,
        undo: None,
    }
}

/// A pause protects what comes after it; without anything that could stop a delivery it only costs an hour. Only pauses at
/// the end can go: numbers of steps are names.
fn without_idle_pauses(mut out: Vec<Step>) -> Vec<Step> {
    let idle = |out: &[Step]| {
        let last = out.iter().rposition(|step| matches!(step.action, StepAction::Pause { .. }))?;
        let rest = out.get(last + 1..)?;
        (!rest.iter().any(is_risky)).then_some(last)
    };
    while let Some(at) = idle(&out) {
        out.remove(at);
        for step in &mut out {
            let shift = |id: &mut StepId| {
                if *id > at {
                    *id -= 1;
                }
            };
            step.depends_on.retain(|id| *id != at);
            step.depends_on.iter_mut().for_each(shift);
            shift(&mut step.id);
            if let StepAction::AwaitDelivery { after_steps, .. } = &mut step.action {
                after_steps.iter_mut().for_each(shift);
            }
        }
    }
    out
}

fn ends(desired: &Desired, allow: &BTreeSet<String>) -> GuardResult {
    GuardResult {
        code: DELIVERY_ENDS.to_owned(),
        verdict: if allow.contains(DELIVERY_ENDS) { Verdict::Allowed } else { Verdict::Refuse },
        message: format!(
            "`{}`: before the run nothing delivered to `{}`, and nothing would again: the logs would stop",
            desired.name, desired.delivery.bucket
        ),
    }
}
