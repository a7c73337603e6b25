//! What keeps a delivery alive: waits for one that succeeds after what could stop it, and the retirement of old
//! configurations only after that.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::{Read, Write};
use crate::diff::FieldChange;
use crate::model::databricks::LogDelivery;
use crate::model::wanted::Retirement;
use crate::model::{Address, Desired, Fact, Kind, Observed, Place};

use super::build::{Builder, Needs, SETTLE_SECONDS, Slot};
use super::depend::is_main;
use super::order::{self, Stage};
use super::{Action, Change, PlacedWrite, Step, StepAction, Target};

/// First delivery comes within an hour, later ones typically within 15 minutes (Databricks, "Configure audit log delivery").
pub const DELIVERY_DEADLINE_SECONDS: u64 = 2 * 3600;
/// A change of a log-delivery configuration takes up to an hour (same page).
pub const DELIVERY_CHANGE_SECONDS: u64 = 3600;

impl Builder<'_> {
    pub(super) fn retirement(&mut self, retirement: &Retirement) {
        let Some((place, live)) = self.live_delivery(&retirement.config_id) else { return };
        if live.status == "DISABLED" {
            self.noop += 1;
            return;
        }
        let fact = Fact::LogDeliveries(vec![LogDelivery { status: "DISABLED".to_owned(), ..live.clone() }]);
        let query = crate::call::Query { place: place.clone(), read: Read::LogDeliveries };
        let set = |status: &str| Write::SetLogDeliveryStatus {
            config_id: retirement.config_id.clone(),
            status: status.to_owned(),
        };
        let rank = if retirement.before_create { order::RETIRE_BEFORE } else { order::RETIRE };
        let step = Step {
            id: 0,
            address: retirement.address.clone(),
            title: format!("disable log-delivery configuration `{}`", retirement.config_id),
            action: StepAction::Write { place: place.clone(), write: set("DISABLED") },
            depends_on: Vec::new(),
            target: Some(Target { before: Some(self.inputs.live.get(&query)), query, fact, settles: true }),
            gives: BTreeMap::new(),
            settle_seconds: SETTLE_SECONDS,
            undo: Some(PlacedWrite { place, write: set("ENABLED") }),
        };
        let needs = if retirement.before_create {
            Needs::Ranks(order::AWAIT_CURRENT, order::AWAIT_CURRENT)
        } else {
            Needs::Ranks(order::AWAIT_CURRENT, order::AWAIT_DECLARED)
        };
        self.slots.push(Slot { rank, sequence: 0, stage: Stage::First, step, needs });
        self.changes.insert(
            retirement.address.clone(),
            Change {
                address: retirement.address.clone(),
                action: Action::Update,
                reason: retirement.reason.clone(),
                irreversible: false,
                known_after_apply: Vec::new(),
                fields: vec![FieldChange {
                    path: "status".to_owned(),
                    before: live.status.into(),
                    after: "DISABLED".into(),
                    reason: retirement.reason.clone(),
                }],
                depends_on: Vec::new(),
            },
        );
        if let Some(change) = self.changes.values_mut().find(|change| {
            change.address.kind == Kind::LogDelivery
                && change.address.manifest == retirement.address.manifest
                && change.action == Action::Create
        }) {
            change.action = Action::Replace;
        }
    }

    fn live_delivery(&self, config_id: &str) -> Option<(Place, LogDelivery)> {
        self.inputs.live.iter().find_map(|(query, answer)| match answer {
            Observed::Present(Fact::LogDeliveries(all)) => {
                let found = all.iter().find(|delivery| delivery.config_id == config_id)?;
                Some((query.place.clone(), found.clone()))
            }
            _ => None,
        })
    }

    /// The waits of one manifest: nothing that could stop a working delivery goes without a later success.
    pub(super) fn waits(&mut self, desired: &Desired) {
        let place = desired.databricks_place();
        let current = self.working_delivery(desired);
        let wanted = self.inputs.wanted.find(&desired.name, Kind::LogDelivery, "primary");
        let declared = wanted.and_then(|resource| resource.fact.log_deliveries()).and_then(|all| all.first());
        let enabled = declared.is_some_and(|delivery| delivery.status == "ENABLED");
        if let Some(config_id) = &current {
            self.await_after(desired, &place, config_id, (0, order::AWAIT_CURRENT), order::AWAIT_CURRENT, false);
        }
        let Some(declared) = declared.filter(|_| enabled) else { return };
        let config_id = declared.config_id.clone();
        let delivery_changes =
            self.has_steps(desired, |slot| slot.step.address.kind == Kind::LogDelivery && slot.rank == order::DECLARED);
        // Nothing is switched off before the declared delivery was seen to succeed, also when an earlier run created it.
        let retires = self.has_steps(desired, |slot| slot.rank == order::RETIRE);
        if delivery_changes || current.is_none() || retires {
            let from = if delivery_changes { order::DECLARED } else { 0 };
            self.await_after(
                desired,
                &place,
                &config_id,
                (from, order::AWAIT_DECLARED),
                order::AWAIT_DECLARED,
                retires,
            );
        }
        let finals = self.has_steps(desired, |slot| slot.stage == Stage::Final);
        if retires && finals {
            let step = Step {
                id: 0,
                address: Address::new(&desired.name, Kind::LogDelivery, "primary"),
                title: "wait until Databricks has stopped the old delivery".to_owned(),
                action: StepAction::Pause {
                    seconds: DELIVERY_CHANGE_SECONDS,
                    reason: "a change of a log-delivery configuration takes up to an hour".to_owned(),
                },
                depends_on: Vec::new(),
                target: None,
                gives: BTreeMap::new(),
                settle_seconds: 0,
                undo: None,
            };
            let needs = Needs::Ranks(order::RETIRE, order::RETIRE);
            self.slots.push(Slot { rank: order::PAUSE, sequence: 0, stage: Stage::First, step, needs });
        }
        self.await_after(desired, &place, &config_id, (order::PAUSE, order::AWAIT_FINAL), order::AWAIT_FINAL, false);
        self.await_after(
            desired,
            &place,
            &config_id,
            (order::AWAIT_FINAL, order::AWAIT_RETENTION),
            order::AWAIT_RETENTION,
            false,
        );
    }

    fn has_steps(&self, desired: &Desired, which: impl Fn(&Slot) -> bool) -> bool {
        self.slots.iter().any(|slot| slot.step.address.manifest == desired.name && which(slot))
    }

    /// Adds a wait when a step of the manifest with a rank inside the range could stop delivery, or `always`.
    fn await_after(
        &mut self,
        desired: &Desired,
        place: &Place,
        config_id: &str,
        range: (u16, u16),
        rank: u16,
        always: bool,
    ) {
        let risky = self.has_steps(desired, |slot| {
            matches!(slot.step.action, StepAction::Write { .. })
                && slot.rank >= range.0
                && slot.rank < range.1
                && (order::may_stop_delivery(slot.step.address.kind) && is_main(&slot.step.address)
                    || slot.step.address.kind == Kind::LogDelivery)
        });
        if !risky && !always {
            return;
        }
        let step = Step {
            id: 0,
            address: Address::new(&desired.name, Kind::LogDelivery, "primary"),
            title: "wait for a delivery that succeeds after these changes".to_owned(),
            action: StepAction::AwaitDelivery {
                place: place.clone(),
                config_id: config_id.to_owned(),
                after_steps: Vec::new(),
                deadline_seconds: DELIVERY_DEADLINE_SECONDS,
            },
            depends_on: Vec::new(),
            target: None,
            gives: BTreeMap::new(),
            settle_seconds: 0,
            undo: None,
        };
        self.slots.push(Slot {
            rank,
            sequence: 0,
            stage: Stage::First,
            step,
            needs: Needs::Ranks(range.0, range.1 - 1),
        });
    }

    /// The enabled configuration that delivers to this bucket today, with success; the declared one when it does.
    fn working_delivery(&self, desired: &Desired) -> Option<String> {
        let place = desired.databricks_place();
        let deliveries = self.inputs.live.view(&place, Read::LogDeliveries, Fact::log_deliveries).present()?;
        let storages =
            self.inputs.live.view(&place, Read::StorageConfigurations, Fact::storage_configurations).present()?;
        let buckets: BTreeSet<&String> = storages
            .iter()
            .filter(|storage| storage.bucket_name == desired.delivery.bucket)
            .map(|storage| &storage.storage_configuration_id)
            .collect();
        let wanted = self.inputs.wanted.find(&desired.name, Kind::LogDelivery, "primary");
        let wanted_id = wanted
            .and_then(|resource| resource.fact.log_deliveries())
            .and_then(|all| all.first())
            .map(|delivery| delivery.config_id.as_str());
        let mut working: Vec<&LogDelivery> = deliveries
            .iter()
            .filter(|delivery| {
                delivery.log_type == "AUDIT_LOGS"
                    && delivery.status == "ENABLED"
                    && buckets.contains(&delivery.storage_configuration_id)
                    && delivery.delivery.as_ref().is_some_and(|health| health.status == "SUCCEEDED")
            })
            .collect();
        working.sort_by_key(|delivery| (Some(delivery.config_id.as_str()) != wanted_id, delivery.creation_time));
        working.first().map(|delivery| delivery.config_id.clone())
    }
}
