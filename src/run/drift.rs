//! One scheduled check: observe, plan, look after the deliveries, and say what opened and closed. Reads only.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::call::Query;
use crate::drift::{Advanced, Check, Facts, Memory, Scope, advance, attribute, health, lookups, questions, seen};
use crate::finding::ChangedBy;
use crate::model::{Desired, Fact, Live, Observed};
use crate::observe::{needed, reread};
use crate::plan::effects;
use crate::plan::guard::Purpose;
use crate::provider::Reader;

use super::plan::{PlanOptions, planned};

/// When and over what a check is made.
#[derive(Clone, Copy, Debug)]
pub struct DriftOptions {
    pub now: Timestamp,
    /// Only a part of a directory is checked: what manifests share is not judged.
    pub partial: bool,
}

/// A check, and what has to be remembered for the next one. What is remembered is not told again: whoever passes
/// `Check::notices` on saves the memory after they are safe.
#[derive(Clone, Debug)]
pub struct Checked {
    pub check: Check,
    pub memory: Memory,
}

/// Checks the manifests against live state and against what earlier checks remember. A read that fails becomes a gap of
/// the check; CloudTrail alone may be missing.
pub async fn check<R: Reader>(reader: &R, desired: &[Desired], before: &Memory, options: DriftOptions) -> Checked {
    let today = options.now.to_zoned(TimeZone::UTC).date();
    let plan = PlanOptions { partial: options.partial, access: true, today, ..PlanOptions::default() };
    let (made, watched) = futures::join!(
        planned(reader, desired, &plan, Purpose::Plan),
        reread(reader, questions(desired, options.now)),
    );
    // Without a step the live state is the last one, and was judged.
    let access = match made.plan.steps.as_slice() {
        [] => made.plan.access.clone(),
        _ => effects(desired, &made.live, &[]),
    };
    let unread = unread(desired, &made.live);
    let facts = Facts {
        desired,
        live: &made.live,
        wanted: &made.wanted,
        plan: &made.plan,
        access: &access,
        unread: &unread,
        watched: &watched,
        now: options.now,
    };
    let health = health(&facts);
    let (seen, judged) = seen(&facts, &health);
    let mut advanced = advance(before, &seen, &Scope::of(&facts, judged, !options.partial));
    let notes = who(reader, &facts, &mut advanced).await;
    let check = Check::of(&facts, health, &advanced, before, notes);
    Checked { check, memory: advanced.memory }
}

/// Manifests for which something that planning asks was not answered.
fn unread(desired: &[Desired], live: &Live) -> BTreeSet<String> {
    let is_unread = |one: &&Desired| {
        needed(std::slice::from_ref(one), live).iter().any(|query| live.contains(query) && live.get(query).is_unknown())
    };
    desired.iter().filter(is_unread).map(|one| one.name.clone()).collect()
}

/// Notes who made the changes that just opened, as far as CloudTrail tells. Nothing else depends on it: when it may not be
/// asked, that is said once.
async fn who<R: Reader>(reader: &R, facts: &Facts<'_>, advanced: &mut Advanced) -> Vec<String> {
    let asked = lookups(facts, &advanced.memory);
    let queries: BTreeSet<Query> = asked.iter().flat_map(|lookup| lookup.queries.iter().cloned()).collect();
    let answers: BTreeMap<Query, Observed<Fact>> =
        reread(reader, queries).await.iter().map(|(query, answer)| (query.clone(), answer.clone())).collect();
    let found: BTreeMap<String, ChangedBy> =
        asked.iter().filter_map(|lookup| Some((lookup.fingerprint.clone(), attribute(lookup, &answers)?))).collect();
    for one in advanced.memory.open.iter_mut().chain(&mut advanced.opened) {
        if let Some(changed_by) = found.get(&one.fingerprint) {
            one.changed_by = Some(changed_by.clone());
        }
    }
    let refused = answers.values().find_map(|answer| match answer {
        Observed::Unknown(gap) => Some(gap),
        _ => None,
    });
    refused.map(|gap| format!("who made the changes is not known: {gap}")).into_iter().collect()
}

/// Counts the questions that go through it.
pub struct Counted<'a, R> {
    pub reader: &'a R,
    pub questions: &'a AtomicU64,
}

impl<R: Reader> Reader for Counted<'_, R> {
    async fn read(&self, query: &Query) -> Observed<Fact> {
        self.questions.fetch_add(1, Ordering::Relaxed);
        self.reader.read(query).await
    }
}
