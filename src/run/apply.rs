//! Applies a plan under its locks and verifies the result.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use crate::apply::{Applier, Clock, Event, Outcome, RecordError};
use crate::journal::RunResult;
use crate::model::{Desired, Intent, Place};
use crate::plan::guard::Purpose;
use crate::plan::{Plan, StepAction};
use crate::provider::{Reader, Writer};
use crate::rollback::Undeclared;

use super::forget::{Chosen, NothingMarked, plan_forget};
use super::journal_file::unfinished;
use super::lock::{LockError, LockStore, Locks, parameter};
use super::plan::{PlanOptions, plan};
use super::rollback::plan_rollback;
use super::runs::{RunError, journal};
use super::store::{Store, StoreError, Which};

/// How often a run in which every step was done is looked at, with this pause, until nothing differs.
const LOOKS: u32 = 3;
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Everything that a run needs beside the plan.
pub struct ApplyOptions<'a> {
    /// Holds `runs/`, usually in `.auditseal` beside the manifests.
    pub store: &'a Store,
    pub run: &'a str,
    /// Who holds the lock, in words for others.
    pub owner: &'a str,
    pub lock_timeout: Duration,
    pub stop: &'a AtomicBool,
}

/// How applying ended.
#[derive(Debug)]
pub struct Applied {
    pub outcome: Outcome,
    /// The plan after the run; `None` when the run did not finish.
    pub verification: Option<Plan>,
    /// Deliveries that were not seen to survive what an earlier, stopped run had changed.
    pub unconfirmed: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Lock(#[from] LockError),
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Nothing was changed.
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the journal under `{path}` could not be created: {error}; nothing was changed")]
    Journal { path: String, error: std::io::Error },
    #[error("live state changed since the plan was made; plan again (`{0}` differs)")]
    Stale(String),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error(transparent)]
    Undeclared(#[from] Undeclared),
    #[error(transparent)]
    NothingMarked(#[from] NothingMarked),
}

/// Plans again what a plan was made for: what is declared, or the way back of the run that it names.
///
/// # Errors
/// When the journal of that run is not under `store`, or its location is declared no more.
pub async fn replan<R: Reader>(
    reader: &R,
    made: &Plan,
    store: &Path,
    options: &PlanOptions,
    purpose: Purpose,
) -> Result<Plan, ApplyError> {
    match &made.intent {
        Intent::Apply => Ok(plan(reader, &made.desired, options, purpose).await),
        Intent::Rollback { run } => {
            let found = journal(store, run)?;
            Ok(plan_rollback(reader, &found.record, &made.desired, options, purpose).await?)
        }
        Intent::Forget => {
            let addresses = made.changes.iter().map(|change| change.address.clone()).collect();
            let chosen = Chosen::Addresses(addresses);
            Ok(plan_forget(reader, &chosen, &made.desired, options, purpose).await?)
        }
    }
}

/// The locks that a directory needs: one a bucket.
#[must_use]
pub fn locations(desired: &[Desired]) -> Vec<(Place, String)> {
    desired.iter().map(|one| (one.aws_place(), parameter(&one.aws.account_id, &one.delivery.bucket))).collect()
}

/// What a plan would do, without what moves by itself. Two plans that agree in it are the same for a reviewer.
fn essence(plan: &Plan) -> (Vec<String>, Vec<String>) {
    let changes = plan
        .changes
        .iter()
        .map(|change| {
            let fields: Vec<_> = change.fields.iter().map(|field| (&field.path, &field.before, &field.after)).collect();
            format!("{} {:?} {fields:?}", change.address, change.action)
        })
        .collect();
    let steps = plan
        .steps
        .iter()
        .map(|step| match &step.action {
            StepAction::Write { place, write } => format!("{} {place} {write:?}", step.address),
            other => format!("{} {other:?}", step.address),
        })
        .collect();
    (changes, steps)
}

/// Refuses a saved plan that live state has left behind: planning again has to give the same changes and steps.
///
/// # Errors
/// `Stale`, naming the first address that differs.
pub fn check_fresh(saved: &Plan, now: &Plan) -> Result<(), ApplyError> {
    let (saved, now) = (essence(saved), essence(now));
    if saved == now {
        return Ok(());
    }
    let old: BTreeSet<&String> = saved.0.iter().chain(&saved.1).collect();
    let new: BTreeSet<&String> = now.0.iter().chain(&now.1).collect();
    let first = old.symmetric_difference(&new).next().and_then(|line| line.split(' ').next());
    Err(ApplyError::Stale(first.unwrap_or("the order of steps").to_owned()))
}

/// Takes the locks, runs the plan, gives the locks back, and plans again.
///
/// # Errors
/// When a lock is held or the journal cannot be written. A step that fails is part of the outcome.
pub async fn apply<W, C>(
    writer: &W,
    clock: &C,
    plan_to_apply: &Plan,
    options: &ApplyOptions<'_>,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Applied, ApplyError>
where
    W: Writer + LockStore,
    C: Clock,
{
    let places = locations(&plan_to_apply.desired);
    let locks = Locks::take(writer, clock, places, options.owner, options.run, options.lock_timeout).await?;
    let result = run(writer, clock, plan_to_apply, options, &locks, on_event).await;
    locks.give_back().await;
    result
}

/// Plans again. Every write was seen before, but reads of S3 and IAM are not monotonic: a copy that lags may answer the next
/// one. What still differs after a few more looks, differs.
async fn verify<W: Writer, C: Clock>(
    writer: &W,
    clock: &C,
    applied: &Plan,
    store: &Path,
    options: &PlanOptions,
    all_done: bool,
) -> Result<Plan, ApplyError> {
    let mut verification = replan(writer, applied, store, options, Purpose::Plan).await?;
    for _ in 1..LOOKS {
        if !all_done || verification.changes.is_empty() && verification.complete {
            break;
        }
        clock.sleep(LOOK_AGAIN).await;
        verification = replan(writer, applied, store, options, Purpose::Plan).await?;
    }
    Ok(verification)
}

async fn run<W, C>(
    writer: &W,
    clock: &C,
    plan_to_apply: &Plan,
    options: &ApplyOptions<'_>,
    locks: &Locks<'_, W, C>,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Applied, ApplyError>
where
    W: Writer + LockStore,
    C: Clock,
{
    // Somebody else's run may have ended while the lock was waited for.
    options.store.fetch(Which::Newest).await?;
    let folder = options.store.folder();
    let earlier = unfinished(folder);
    let started = clock.now();
    let mut journal = options
        .store
        .journal(options.run, clock)
        .map_err(|error| ApplyError::Journal { path: folder.display().to_string(), error })?;
    let mut applier = Applier { writer, clock, recorder: &mut journal, lease: locks, stop: options.stop, on_event };
    let outcome = match applier.apply(plan_to_apply, options.run).await {
        Ok(outcome) => outcome,
        Err(error) => return Err(journal.unbegun().map_or(ApplyError::Record(error), ApplyError::Store)),
    };
    let verification = if options.stop.load(std::sync::atomic::Ordering::SeqCst) {
        None
    } else {
        // Of its own day: a waiver that ends at midnight does not make a run look unfinished.
        let plan_options = PlanOptions::of(plan_to_apply);
        let all_done = outcome.result == RunResult::Applied;
        Some(verify(writer, clock, plan_to_apply, folder, &plan_options, all_done).await?)
    };
    let mut unconfirmed = Vec::new();
    if let (Some(earlier), Some(verification)) = (earlier, &verification) {
        for delivery in &verification.deliveries {
            if let Err(message) = applier.confirm(&delivery.place, &delivery.config_id, started).await {
                unconfirmed.push(format!("{}: since the stopped run {earlier}: {message}", delivery.manifest));
            }
        }
    }
    Ok(Applied { outcome, verification, unconfirmed })
}
