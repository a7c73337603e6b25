//! What is told of a plan and of a delivery, what fingerprints rest on, and what a memory makes of a series of checks.

mod health;
mod lookups;
mod memory;
mod outcomes;
mod told;

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::{Facts, Health, Seen, health as judge_health, seen as judge};
use crate::call::{Query, Read};
use crate::diff::FieldChange;
use crate::manifest::parse;
use crate::model::{Address, Desired, Fact, Live, Observed, Wanted, WantedResource};
use crate::plan::guard::Purpose;
use crate::plan::{Action, Change, Delivery, Effects, Plan};
use crate::run::plan::{PlanOptions, plan_from};

const NOW: &str = "2026-11-23T12:00:00Z";
const BUCKET: &str = "acme-databricks-audit";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn desired(name: &str) -> Desired {
    let text = r#"
version = 1
[databricks]
account_id = "0d26daa6-5e44-4c97-a497-ef015f91254a"
[aws]
account_id = "111122223333"
region = "us-east-1"
[delivery]
bucket = "acme-databricks-audit"
prefix = "audit"
[readers.a]
role = "arn:aws:iam::111122223333:role/Analyst"
[admins.a]
role = "arn:aws:iam::111122223333:role/PlatformAdmin"
"#;
    parse(name, "a.toml", text).unwrap()
}

/// Everything that a check is made from; tests change what they are about.
struct Given {
    desired: Vec<Desired>,
    live: Live,
    wanted: Wanted,
    plan: Plan,
    access: Effects,
    unread: BTreeSet<String>,
    watched: Live,
}

impl Given {
    /// In sync, with a delivery that nothing is known of yet.
    fn new(name: &str) -> Self {
        let desired = vec![desired(name)];
        let plan = plan_from(&Live::default(), &[], &PlanOptions::default(), Purpose::Plan);
        let delivery =
            Delivery { manifest: name.to_owned(), place: desired[0].databricks_place(), config_id: "c".to_owned() };
        Self {
            plan: Plan {
                deliveries: vec![delivery],
                changes: Vec::new(),
                gaps: Vec::new(),
                guards: Vec::new(),
                findings: Vec::new(),
                ..plan
            },
            desired,
            live: Live::default(),
            wanted: Wanted::default(),
            access: Effects::default(),
            unread: BTreeSet::new(),
            watched: Live::default(),
        }
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            desired: &self.desired,
            live: &self.live,
            wanted: &self.wanted,
            plan: &self.plan,
            access: &self.access,
            unread: &self.unread,
            watched: &self.watched,
            now: now(),
        }
    }

    fn seen(&self) -> (Vec<Seen>, BTreeSet<String>) {
        judge(&self.facts(), &Health::default())
    }

    fn health(&self) -> Health {
        judge_health(&self.facts())
    }

    /// The resource of an address, as a plan wants it, with what was read of it.
    fn resource(&mut self, address: &Address, read: Read, answer: Observed<Fact>) {
        let query = Query { place: self.desired[0].aws_place(), read };
        self.live.set(query.clone(), answer);
        self.wanted.resources.push(WantedResource {
            address: address.clone(),
            query,
            fact: Fact::Names(Default::default()),
            transition: None,
            reasons: Default::default(),
            after: Vec::new(),
        });
    }
}

fn field(path: &str, before: Value, after: Value) -> FieldChange {
    FieldChange { path: path.to_owned(), before, after, reason: "B12: versions".to_owned() }
}

fn change(address: &Address, action: Action, fields: Vec<FieldChange>) -> Change {
    Change {
        address: address.clone(),
        action,
        reason: "because".to_owned(),
        irreversible: false,
        known_after_apply: Vec::new(),
        fields,
        depends_on: Vec::new(),
    }
}
