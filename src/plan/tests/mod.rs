//! Plans put together by hand over a small estate.

pub(crate) mod explain;
mod preflight;
mod proofs;
mod select;
mod states;

use std::collections::BTreeMap;

use crate::access::tests::lab::{BUCKET, KEY, Lab, document};
use crate::call::{Query, Read, Write};
use crate::model::fact::PolicyText;
use crate::model::{Address, Fact, Kind, Observed, Wanted, WantedResource};

use super::{Action, Change, FORMAT_VERSION, Plan, Preflight, Step, StepAction, StepId, Summary, Target, effects};
use crate::diff::FieldChange;

pub(super) fn at(kind: Kind) -> Address {
    Address::new("acme", kind, "audit")
}

/// A step that writes and is seen to have written.
pub(super) fn step(lab: &Lab, kind: Kind, write: Write, read: Read, fact: impl Into<Fact>) -> Step {
    let query = Query { place: lab.place(), read };
    Step {
        id: 0,
        address: at(kind),
        title: format!("write {kind}"),
        action: StepAction::Write { place: lab.place(), write },
        depends_on: Vec::new(),
        target: Some(Target { before: Some(lab.live().get(&query)), query, fact: fact.into(), settles: true }),
        gives: BTreeMap::new(),
        settle_seconds: 0,
        undo: None,
    }
}

pub(super) fn bucket_policy(lab: &Lab, statements: &[impl AsRef<str>]) -> Step {
    let (bucket, policy) = (BUCKET.to_owned(), document(statements));
    let write = Write::PutBucketPolicy { bucket: bucket.clone(), policy: policy.clone() };
    step(lab, Kind::BucketPolicy, write, Read::BucketPolicy { bucket }, PolicyText(policy))
}

pub(super) fn key_policy(lab: &Lab, statements: &[impl AsRef<str>]) -> Step {
    let (key, policy) = (KEY.to_owned(), document(statements));
    let write = Write::PutKeyPolicy { key: key.clone(), policy: policy.clone() };
    step(lab, Kind::KmsKeyPolicy, write, Read::KeyPolicy { key }, PolicyText(policy))
}

/// Numbered, each depending on the given earlier ones.
pub(super) fn numbered(steps: Vec<(Step, &[StepId])>) -> Vec<Step> {
    let number =
        |(id, (step, depends_on)): (usize, (Step, &[StepId]))| Step { id, depends_on: depends_on.to_vec(), ..step };
    steps.into_iter().enumerate().map(number).collect()
}

/// A plan of these steps, with a change for each address.
pub(super) fn plan(lab: &Lab, steps: Vec<Step>) -> Plan {
    let live = lab.live();
    let access = effects(std::slice::from_ref(&lab.desired), &live, &steps);
    let mut changes: BTreeMap<Address, Change> = BTreeMap::new();
    for step in &steps {
        changes.entry(step.address.clone()).or_insert_with(|| Change {
            address: step.address.clone(),
            action: Action::Update,
            reason: "B5, B7: nothing declares this allow".to_owned(),
            irreversible: false,
            known_after_apply: Vec::new(),
            fields: vec![FieldChange {
                path: "statement[Contractor]".to_owned(),
                before: serde_json::json!("…"),
                after: serde_json::Value::Null,
                reason: "B5: nothing declares it".to_owned(),
            }],
            depends_on: Vec::new(),
        });
    }
    Plan {
        format_version: FORMAT_VERSION.to_owned(),
        intent: crate::model::Intent::Apply,
        manifest: Vec::new(),
        caller: BTreeMap::new(),
        summary: Summary { update: changes.len(), ..Summary::default() },
        complete: true,
        gaps: Vec::new(),
        reads_digest: String::new(),
        changes: changes.into_values().collect(),
        guards: Vec::new(),
        findings: Vec::new(),
        allowed: Vec::new(),
        today: crate::harden::Scope::default().today,
        waived: Vec::new(),
        partial: None,
        steps,
        access,
        preflight: Preflight::default(),
        deliveries: Vec::new(),
        principals: BTreeMap::new(),
        desired: vec![lab.desired.clone()],
    }
}

/// What is wanted of a resource: its live answer, unless a step changes it.
pub(super) fn wanted(lab: &Lab, kind: Kind, read: Read, reasons: &[(&str, &str)]) -> Wanted {
    let query = Query { place: lab.place(), read };
    let Observed::Present(fact) = lab.live().get(&query) else { panic!("{query:?} is not there") };
    let reasons = reasons.iter().map(|(path, reason)| ((*path).to_owned(), (*reason).to_owned())).collect();
    let resource = WantedResource { address: at(kind), query, fact, transition: None, reasons, after: Vec::new() };
    Wanted { resources: vec![resource], ..Wanted::default() }
}
