//! What is to be undone → ordered steps and changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::diff::{Diff, diff};
use crate::journal::Record;
use crate::model::live::{Query, Read};
use crate::model::{Address, Desired, Fact, Live, Observed, Wanted, WantedResource};
use crate::plan::{
    Action, Change, PlacedWrite, SETTLE_SECONDS, Step, StepAction, Summary, Target, principal_ids, project,
};

use super::chains::{Undo, decide, parts};
use super::restore::{Put, restore};
use super::waits::arrange;
use super::{Reversal, Undeclared};

/// What has to be read beside what planning reads anyway. Asked again until nothing new appears: a configuration whose id
/// nobody heard is found in the list of all.
#[must_use]
pub fn questions(record: &Record, live: &Live) -> BTreeSet<Query> {
    let mut queries: BTreeSet<Query> = parts(&record.sent, live).into_iter().map(|part| part.query).collect();
    let locks: Vec<Query> = queries
        .iter()
        .filter_map(|query| match &query.read {
            Read::BucketVersioning { bucket } => {
                Some(Query { place: query.place.clone(), read: Read::BucketObjectLock { bucket: bucket.clone() } })
            }
            _ => None,
        })
        .collect();
    queries.extend(locks);
    let made = record.sent.iter().filter(|sent| matches!(sent.write, crate::call::Write::CreateLogDelivery { .. }));
    queries.extend(made.map(|sent| Query { place: sent.place.clone(), read: Read::LogDeliveries }));
    queries
}

/// The way back of a run. Pure: the same journal and live state give the same steps.
///
/// # Errors
/// When the run changed a location that no loaded manifest declares: nobody could say who may see its logs.
pub fn reverse(
    record: &Record,
    desired: &[Desired],
    live: &Live,
    allow: &BTreeSet<String>,
) -> Result<Reversal, Undeclared> {
    let names = renamed(record, desired)?;
    let address = |old: &Address| Address {
        manifest: names.get(&old.manifest).cloned().unwrap_or_else(|| old.manifest.clone()),
        ..old.clone()
    };
    let ids = principal_ids(live);
    let resolve = |id: &str| ids.get(id).cloned();
    let decided = decide(&record.sent, address, live, allow, &resolve);
    let mut builder = Builder::new(live);
    let mut steps = Vec::new();
    for undo in &decided.undo {
        steps.extend(builder.steps(undo, None));
    }
    let reason = format!("run {} changed it: it becomes again what it was before", record.run);
    let changes = builder.changes(&reason, &resolve);
    let arranged = arrange(steps, desired, live, allow);
    Ok(Reversal {
        summary: Summary { update: changes.len(), noop: decided.back, ..Summary::default() },
        changes,
        steps: arranged.steps,
        gaps: decided.gaps,
        findings: decided.findings,
        guards: arranged.guards,
        wanted: wanted(&builder),
        deliveries: arranged.deliveries,
    })
}

/// Names of the manifests of the run → their names now. A location is the same when its ownership tag is.
fn renamed(record: &Record, desired: &[Desired]) -> Result<BTreeMap<String, String>, Undeclared> {
    let mut names = BTreeMap::new();
    let used: BTreeSet<&String> = record.sent.iter().map(|sent| &sent.address.manifest).collect();
    for manifest in used.into_iter().filter(|name| *name != "_") {
        let found = match record.owners.get(manifest) {
            Some(owner) => desired.iter().find(|one| one.owner() == *owner),
            None => desired.iter().find(|one| one.name == *manifest),
        };
        let Some(found) = found else {
            let location = record.owners.get(manifest).cloned().unwrap_or_else(|| "unknown location".to_owned());
            return Err(Undeclared { manifest: manifest.clone(), location });
        };
        names.insert(manifest.clone(), found.name.clone());
    }
    Ok(names)
}

/// Which question shows each change.
pub(super) fn wanted(builder: &Builder<'_>) -> Wanted {
    let resources = builder.last.iter().map(|((address, query), fact)| WantedResource {
        address: address.clone(),
        query: query.clone(),
        fact: fact.clone(),
        transition: None,
        reasons: BTreeMap::new(),
        after: Vec::new(),
    });
    Wanted { resources: resources.collect(), ..Wanted::default() }
}

pub(super) struct Builder<'a> {
    live: &'a Live,
    /// As it is after the steps so far.
    state: Live,
    touched: BTreeSet<Query>,
    /// What each question answers in the end.
    last: BTreeMap<(Address, Query), Fact>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(live: &'a Live) -> Self {
        Self { live, state: live.clone(), touched: BTreeSet::new(), last: BTreeMap::new() }
    }

    /// The steps of one value, under a title of their own when there is one.
    pub(super) fn steps(&mut self, undo: &Undo, title: Option<&str>) -> Vec<Step> {
        let query = &undo.part.query;
        let puts = restore(&undo.part, &undo.to, &self.state.get(query));
        let single = puts.len() == 1;
        puts.into_iter()
            .map(|put| {
                let mut step = self.step(undo, put, single);
                if let Some(title) = title {
                    title.clone_into(&mut step.title);
                }
                project(&mut self.state, &step);
                step
            })
            .collect()
    }

    fn step(&mut self, undo: &Undo, put: Put, single: bool) -> Step {
        let query = undo.part.query.clone();
        let answer = self.state.get(&query);
        // Of a list that a whole account shares, only the own item is compared.
        let shared = query.read == Read::LogDeliveries;
        let untouched = self.touched.insert(query.clone()) || shared;
        self.last.insert((undo.address.clone(), query.clone()), put.fact.clone());
        let back = single
            .then(|| restore(&undo.part, &undo.from, &Observed::Present(put.fact.clone())))
            .and_then(|puts| <[Put; 1]>::try_from(puts).ok());
        let place = query.place.clone();
        Step {
            id: 0,
            address: undo.address.clone(),
            title: put.title,
            action: StepAction::Write { place: place.clone(), write: put.write },
            depends_on: Vec::new(),
            target: Some(Target { query, fact: put.fact, before: untouched.then_some(answer), settles: true }),
            gives: BTreeMap::new(),
            settle_seconds: SETTLE_SECONDS,
            undo: back.map(|[put]| PlacedWrite { place, write: put.write }),
        }
    }

    pub(super) fn changes(&self, reason: &str, resolve: &dyn Fn(&str) -> Option<String>) -> Vec<Change> {
        let reasons = BTreeMap::from([(String::new(), reason.to_owned())]);
        let mut changes: BTreeMap<&Address, Change> = BTreeMap::new();
        for ((address, query), fact) in &self.last {
            let fields = match diff(address.kind, &self.live.get(query), fact, &reasons, resolve) {
                Diff::Create(fields) | Diff::Update(fields) => fields,
                Diff::Same | Diff::Unknown(_) => continue,
            };
            changes
                .entry(address)
                .or_insert_with(|| Change {
                    address: address.clone(),
                    action: Action::Update,
                    reason: reason.to_owned(),
                    irreversible: false,
                    known_after_apply: Vec::new(),
                    fields: Vec::new(),
                    depends_on: Vec::new(),
                })
                .fields
                .extend(fields);
        }
        changes.into_values().collect()
    }
}
