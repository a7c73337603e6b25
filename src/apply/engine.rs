use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::call::{Query, Read, Write};
use crate::diff::{Diff, diff};
use crate::journal::{Entry, RunResult};
use crate::model::reference::Output;
use crate::model::{Address, Fact, Observed, Place};
use crate::plan::{Plan, Step, StepAction, StepId, Target};
use crate::provider::{WriteError, Writer};

use super::delivery::{Progress, progress};
use super::resolve::Outputs;
use super::{Clock, Event, Lease, RecordError, Recorder, content};

/// A precondition that does not hold is asked again for this long: reads may lag behind writes (S3 and IAM are
/// eventually consistent for configurations).
const PRECONDITION_GRACE: Duration = Duration::from_secs(10);
/// How often the status of a delivery is asked for.
const DELIVERY_POLL: Duration = Duration::from_secs(30);
/// A customer-side failure that lasts this long after a change is not propagation any more.
const DELIVERY_FAILURE_GRACE: Duration = Duration::from_secs(20 * 60);
/// As long as a planned wait for delivery may take.
const CONFIRM_DEADLINE: Duration = Duration::from_secs(2 * 3600);
/// How often a long wait looks after the lock.
const LEASE_CARE: Duration = Duration::from_secs(120);
const BACKOFF_MAX: Duration = Duration::from_secs(10);
/// How often a wait looks whether the run shall stop.
const STOP_POLL: Duration = Duration::from_secs(1);

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepState {
    Done,
    AlreadyThere,
    Failed(String),
    Skipped {
        because: Address,
    },
    /// Done, then taken back because delivery did not succeed after it.
    Undone,
    /// Not reached: the run was stopped.
    NotStarted,
}

#[derive(Clone, Debug)]
pub struct StepOutcome {
    pub address: Address,
    pub title: String,
    pub state: StepState,
}

#[derive(Clone, Debug)]
pub struct Outcome {
    pub steps: Vec<StepOutcome>,
    pub result: RunResult,
    /// Writes that were sent, retries included.
    pub writes: usize,
}

/// Runs plans.
pub struct Applier<'a, W, C, R, L> {
    pub writer: &'a W,
    pub clock: &'a C,
    pub recorder: &'a mut R,
    pub lease: &'a L,
    /// Set by a signal: the step under way is finished, nothing else is started.
    pub stop: &'a AtomicBool,
    pub on_event: &'a mut (dyn FnMut(Event) + Send),
}

/// Why a step could not be done.
enum StepError {
    Failed(String),
    Record(RecordError),
    Stopped,
    /// The right to write is gone: nothing else may be sent, by no later step either.
    LeaseLost(String),
}

impl From<RecordError> for StepError {
    fn from(error: RecordError) -> Self {
        StepError::Record(error)
    }
}

impl From<super::resolve::ResolveError> for StepError {
    fn from(error: super::resolve::ResolveError) -> Self {
        StepError::Failed(error.to_string())
    }
}

/// What a run remembers between steps.
#[derive(Default)]
struct Run {
    outputs: Outputs,
    states: BTreeMap<StepId, StepState>,
    finished_at: BTreeMap<StepId, Timestamp>,
    principals: BTreeMap<String, String>,
    writes: usize,
}

impl<W: Writer, C: Clock, R: Recorder, L: Lease> Applier<'_, W, C, R, L> {
    /// Applies the steps in order. A failed step fails those that depend on it, by name, and nothing else.
    ///
    /// # Errors
    /// When the journal cannot be written: nothing is sent after that.
    pub async fn apply(&mut self, plan: &Plan, run_id: &str) -> Result<Outcome, RecordError> {
        self.recorder.record(&Entry::RunStarted {
            format_version: crate::journal::FORMAT_VERSION.to_owned(),
            run: run_id.to_owned(),
            at: self.clock.now().to_string(),
            tool: concat!("auditseal/", env!("CARGO_PKG_VERSION")).to_owned(),
            caller: plan.caller.clone(),
            manifests: plan.manifest.iter().map(|source| source.name.clone()).collect(),
            reads_digest: plan.reads_digest.clone(),
        })?;
        let mut run = Run { principals: plan.principals.clone(), ..Run::default() };
        let (mut stopped, mut lease_lost) = (false, false);
        for step in &plan.steps {
            if lease_lost {
                run.states.insert(step.id, StepState::NotStarted);
                continue;
            }
            if stopped || self.stop.load(Ordering::SeqCst) {
                stopped = true;
                run.states.insert(step.id, StepState::NotStarted);
                continue;
            }
            if let Some(because) = blocked_by(plan, step, &run) {
                (self.on_event)(Event::Skipped {
                    step: step.id,
                    address: step.address.clone(),
                    because: because.clone(),
                });
                run.states.insert(step.id, StepState::Skipped { because });
                continue;
            }
            (self.on_event)(Event::Started {
                step: step.id,
                total: plan.steps.len(),
                address: step.address.clone(),
                title: step.title.clone(),
            });
            match self.step(plan, step, &mut run).await {
                Ok(state) => {
                    let address = step.address.clone();
                    (self.on_event)(match state {
                        StepState::AlreadyThere => Event::AlreadyThere { step: step.id, address },
                        _ => Event::Finished { step: step.id, address },
                    });
                    run.states.insert(step.id, state);
                }
                Err(StepError::Record(error)) => return Err(error),
                Err(StepError::Stopped) => {
                    stopped = true;
                    run.states.insert(step.id, StepState::NotStarted);
                }
                Err(error @ (StepError::Failed(_) | StepError::LeaseLost(_))) => {
                    lease_lost = matches!(error, StepError::LeaseLost(_));
                    let (StepError::Failed(message) | StepError::LeaseLost(message)) = error else { continue };
                    let at = self.clock.now().to_string();
                    self.recorder.record(&Entry::StepFailed { step: step.id, at, message: message.clone() })?;
                    (self.on_event)(Event::Failed {
                        step: step.id,
                        address: step.address.clone(),
                        message: message.clone(),
                    });
                    run.states.insert(step.id, StepState::Failed(message));
                }
            }
        }
        if stopped {
            (self.on_event)(Event::Interrupted);
        }
        self.finish(plan, run, stopped)
    }

    /// Waits for a success after `since`, outside of any step: for a run that follows one that was stopped before it had
    /// seen delivery survive its changes.
    ///
    /// # Errors
    /// When there is none within the deadline, with what Databricks said.
    pub async fn confirm(&mut self, place: &Place, config_id: &str, since: Timestamp) -> Result<(), String> {
        match self.await_delivery(0, place, config_id, since, CONFIRM_DEADLINE).await {
            Ok(()) => Ok(()),
            Err(StepError::Failed(message) | StepError::LeaseLost(message)) => Err(message),
            Err(StepError::Record(error)) => Err(error.to_string()),
            Err(StepError::Stopped) => Err("stopped before a delivery was seen".to_owned()),
        }
    }

    fn finish(&mut self, plan: &Plan, mut run: Run, stopped: bool) -> Result<Outcome, RecordError> {
        let steps: Vec<StepOutcome> = plan
            .steps
            .iter()
            .map(|step| StepOutcome {
                address: step.address.clone(),
                title: step.title.clone(),
                state: run.states.remove(&step.id).unwrap_or(StepState::NotStarted),
            })
            .collect();
        let done = steps.iter().all(|step| matches!(step.state, StepState::Done | StepState::AlreadyThere));
        let result = match (done, stopped) {
            (true, _) => RunResult::Applied,
            (false, true) => RunResult::Interrupted,
            (false, false) => RunResult::Partial,
        };
        self.recorder.record(&Entry::RunFinished { at: self.clock.now().to_string(), result })?;
        Ok(Outcome { steps, result, writes: run.writes })
    }

    async fn step(&mut self, plan: &Plan, step: &Step, run: &mut Run) -> Result<StepState, StepError> {
        match &step.action {
            StepAction::Write { place, write } => {
                let write = run.outputs.resolve(write)?;
                self.write_step(step, place, &write, run).await
            }
            StepAction::Pause { seconds, reason } => {
                (self.on_event)(Event::Waiting { step: step.id, message: reason.clone() });
                self.pause_and_keep(Duration::from_secs(*seconds)).await?;
                self.recorder.record(&Entry::Waited { step: step.id, at: self.clock.now().to_string() })?;
                Ok(StepState::Done)
            }
            StepAction::AwaitDelivery { place, config_id, after_steps, deadline_seconds } => {
                let config_id: String = run.outputs.resolve(config_id)?;
                let deadline = Duration::from_secs(*deadline_seconds);
                // Where nothing was sent in this run, any success counts: but one is needed, because what follows may
                // switch off the delivery that works.
                let since = after_steps
                    .iter()
                    .filter_map(|id| run.finished_at.get(id))
                    .max()
                    .copied()
                    .unwrap_or(Timestamp::MIN);
                match self.await_delivery(step.id, place, &config_id, since, deadline).await {
                    Ok(()) => {
                        self.recorder.record(&Entry::Waited { step: step.id, at: self.clock.now().to_string() })?;
                        Ok(StepState::Done)
                    }
                    Err(StepError::Failed(message)) => {
                        let undone = self.undo(plan, after_steps, run).await?;
                        Err(StepError::Failed(format!("{message}; {undone}")))
                    }
                    Err(other) => Err(other),
                }
            }
        }
    }

    async fn write_step(
        &mut self,
        step: &Step,
        place: &Place,
        write: &Write,
        run: &mut Run,
    ) -> Result<StepState, StepError> {
        let target: Option<Target> = match &step.target {
            // A step that gives a reference cannot have its own target resolved before it ran.
            Some(target) if step.gives.is_empty() => Some(run.outputs.resolve(target)?),
            Some(target) => Some(target.clone()),
            None => None,
        };
        let mut before = None;
        if let Some(target) = &target
            && step.gives.is_empty()
        {
            let answer = self.precondition(step, target, run).await?;
            if target.settles && self.is_same(step, &answer, target, run) {
                self.recorder.record(&Entry::AlreadyThere { step: step.id, at: self.clock.now().to_string() })?;
                return Ok(StepState::AlreadyThere);
            }
            before = Some(answer);
        } else if let Some(found) = content::find(self.writer, place, write).await {
            self.remember(step, &found, run);
            self.recorder.record(&Entry::AlreadyThere { step: step.id, at: self.clock.now().to_string() })?;
            return Ok(StepState::AlreadyThere);
        }
        self.recorder.record(&Entry::WriteStarted {
            step: step.id,
            at: self.clock.now().to_string(),
            address: step.address.clone(),
            place: place.clone(),
            write: Box::new(write.clone()),
            query: target.as_ref().map(|target| target.query.clone()),
            before: before.map(Box::new),
        })?;
        let outputs = self.send(step, place, write, target.as_ref(), run).await?;
        self.remember(step, &outputs, run);
        // From here on the change may act on delivery, whether or not it shows yet: a wait has to look at it.
        run.finished_at.insert(step.id, self.clock.now());
        if let Some(target) = &step.target
            && target.settles
        {
            let target = run.outputs.resolve(target)?;
            self.read_back(step, &target, run).await?;
        }
        let now = self.clock.now();
        run.finished_at.insert(step.id, now);
        self.recorder.record(&Entry::WriteFinished { step: step.id, at: now.to_string(), outputs })?;
        Ok(StepState::Done)
    }

    fn remember(&self, step: &Step, outputs: &BTreeMap<Output, String>, run: &mut Run) {
        for (output, token) in &step.gives {
            if let Some(value) = outputs.get(output) {
                run.outputs.give(token.clone(), value.clone());
            }
        }
    }

    /// Reads what is there now and compares it with what the plan saw.
    async fn precondition(&mut self, step: &Step, target: &Target, run: &Run) -> Result<Observed<Fact>, StepError> {
        let mut waited = Duration::ZERO;
        let mut delay = Duration::from_millis(250);
        loop {
            let answer = self.writer.read(&target.query).await;
            let holds = match (&answer, &target.before) {
                (Observed::Unknown(_), _) => false,
                (_, None) => true,
                (now, Some(planned)) => {
                    self.difference(step, now, target, run) == self.difference(step, planned, target, run)
                        || self.is_same(step, now, target, run)
                }
            };
            if holds {
                return Ok(answer);
            }
            if waited >= PRECONDITION_GRACE {
                return Err(StepError::Failed(match answer {
                    Observed::Unknown(gap) => gap.to_string(),
                    _ => "it changed since the plan was made; plan again".to_owned(),
                }));
            }
            self.pause(delay).await?;
            waited += delay;
            delay = (delay * 2).min(BACKOFF_MAX);
        }
    }

    fn difference(&self, step: &Step, answer: &Observed<Fact>, target: &Target, run: &Run) -> Diff {
        let resolve = |id: &str| run.principals.get(id).cloned();
        diff(step.address.kind, answer, &target.fact, &BTreeMap::new(), &resolve)
    }

    fn is_same(&self, step: &Step, answer: &Observed<Fact>, target: &Target, run: &Run) -> bool {
        self.difference(step, answer, target, run) == Diff::Same
    }

    /// Sends the request until it is accepted, within the step's bound. Before anything is sent twice, live state is read.
    async fn send(
        &mut self,
        step: &Step,
        place: &Place,
        write: &Write,
        target: Option<&Target>,
        run: &mut Run,
    ) -> Result<BTreeMap<Output, String>, StepError> {
        let bound = Duration::from_secs(step.settle_seconds);
        let mut waited = Duration::ZERO;
        let mut delay = Duration::from_millis(500);
        loop {
            self.lease.check().await.map_err(StepError::LeaseLost)?;
            run.writes += 1;
            let (message, retry_after) = match self.writer.write(place, write).await {
                Ok(outcome) => return Ok(outcome.outputs),
                Err(WriteError::Denied { permission, message }) => {
                    return Err(StepError::Failed(match permission {
                        Some(permission) => format!("{message} (needs {permission})"),
                        None => message,
                    }));
                }
                Err(WriteError::Rejected { message }) => return Err(StepError::Failed(message)),
                Err(WriteError::Exists { message }) => {
                    if let Some(found) = self.effect(step, place, write, target, run).await {
                        return Ok(found);
                    }
                    (message, None)
                }
                Err(WriteError::Transient { retry_after, message }) => {
                    // It may have taken effect all the same: waits and undoing have to count on that.
                    run.finished_at.insert(step.id, self.clock.now());
                    (message, retry_after)
                }
            };
            if waited >= bound {
                return Err(StepError::Failed(format!("gave up after {} s: {message}", bound.as_secs())));
            }
            (self.on_event)(Event::Retrying { step: step.id, message: message.clone() });
            let pause = retry_after.unwrap_or(delay).min(Duration::from_secs(60));
            self.pause(pause).await?;
            waited += pause;
            delay = (delay * 2).min(BACKOFF_MAX);
            if let Some(found) = self.effect(step, place, write, target, run).await {
                return Ok(found);
            }
        }
    }

    /// Whether the request took effect although it seemed to fail.
    async fn effect(
        &self,
        step: &Step,
        place: &Place,
        write: &Write,
        target: Option<&Target>,
        run: &Run,
    ) -> Option<BTreeMap<Output, String>> {
        if !write.is_idempotent() {
            return content::find(self.writer, place, write).await;
        }
        let target = target.filter(|target| target.settles && step.gives.is_empty())?;
        let answer = self.writer.read(&target.query).await;
        self.is_same(step, &answer, target, run).then(BTreeMap::new)
    }

    /// Reads until the write shows.
    async fn read_back(&mut self, step: &Step, target: &Target, run: &Run) -> Result<(), StepError> {
        let bound = Duration::from_secs(step.settle_seconds);
        let mut waited = Duration::ZERO;
        let mut delay = Duration::from_millis(100);
        loop {
            let answer = self.writer.read(&target.query).await;
            let difference = self.difference(step, &answer, target, run);
            if difference == Diff::Same {
                return Ok(());
            }
            if waited >= bound {
                return Err(StepError::Failed(format!(
                    "what was written does not show after {} s: {}",
                    bound.as_secs(),
                    describe(&difference)
                )));
            }
            self.pause(delay).await?;
            waited += delay;
            delay = (delay * 2).min(BACKOFF_MAX);
        }
    }

    async fn await_delivery(
        &mut self,
        step: StepId,
        place: &Place,
        config_id: &str,
        since: Timestamp,
        deadline: Duration,
    ) -> Result<(), StepError> {
        let query = Query { place: place.clone(), read: Read::LogDeliveries };
        let mut waited = Duration::ZERO;
        loop {
            let answer = self.writer.read(&query).await;
            let found = match &answer {
                Observed::Present(Fact::LogDeliveries(all)) => all.iter().find(|one| one.config_id == config_id),
                _ => None,
            };
            let message = match (found.map(|delivery| progress(delivery, since)), &answer) {
                (Some(Progress::Succeeded), _) => return Ok(()),
                (Some(Progress::Failing(message)), _) => {
                    if waited >= DELIVERY_FAILURE_GRACE {
                        return Err(StepError::Failed(format!("delivery fails since the change: {message}")));
                    }
                    message
                }
                (Some(Progress::Pending(message)), _) => message,
                (None, Observed::Unknown(gap)) => gap.to_string(),
                (None, _) => format!("configuration `{config_id}` is not listed"),
            };
            if waited >= deadline {
                return Err(StepError::Failed(format!(
                    "no successful delivery within {} min: {message}",
                    deadline.as_secs() / 60
                )));
            }
            (self.on_event)(Event::Waiting { step, message });
            self.pause_and_keep(DELIVERY_POLL).await?;
            waited += DELIVERY_POLL;
        }
    }

    /// Takes back what may have stopped delivery, last change first.
    async fn undo(&mut self, plan: &Plan, steps: &[StepId], run: &mut Run) -> Result<String, StepError> {
        let wrote: BTreeSet<StepId> = steps.iter().copied().filter(|id| run.finished_at.contains_key(id)).collect();
        let (mut undone, mut kept) = (0_usize, Vec::new());
        for id in wrote.iter().rev() {
            let Some(step) = plan.steps.iter().find(|step| step.id == *id) else { continue };
            let Some(undo) = &step.undo else { continue };
            let write: Write = run.outputs.resolve(&undo.write)?;
            // Announced like any other write, so that the journal knows of it when the run dies here.
            self.recorder.record(&Entry::WriteStarted {
                step: *id,
                at: self.clock.now().to_string(),
                address: step.address.clone(),
                place: undo.place.clone(),
                write: Box::new(write.clone()),
                query: None,
                before: None,
            })?;
            match self.send(step, &undo.place, &write, None, run).await {
                Ok(_) => {
                    undone += 1;
                    let at = self.clock.now().to_string();
                    self.recorder.record(&Entry::Undone { step: *id, at, write: Box::new(write) })?;
                    (self.on_event)(Event::Undone { step: *id, address: step.address.clone() });
                    run.states.insert(*id, StepState::Undone);
                }
                Err(StepError::Failed(message)) => kept.push(format!("{} ({message})", step.address)),
                Err(other) => return Err(other),
            }
        }
        Ok(match (undone, kept.is_empty()) {
            (0, true) => "nothing could be taken back".to_owned(),
            (count, true) => format!("{count} changes were taken back"),
            (count, false) => format!("{count} changes were taken back, not {}", kept.join(", ")),
        })
    }

    /// A long wait that keeps the lock: its lease is shorter than what Databricks may take.
    async fn pause_and_keep(&self, duration: Duration) -> Result<(), StepError> {
        let mut left = duration;
        while !left.is_zero() {
            let part = left.min(LEASE_CARE);
            self.pause(part).await?;
            self.lease.check().await.map_err(StepError::LeaseLost)?;
            left = left.saturating_sub(part);
        }
        Ok(())
    }

    /// Waits, but not beyond a wish to stop: the wait for Databricks to act on a change takes an hour.
    async fn pause(&self, duration: Duration) -> Result<(), StepError> {
        let stopped = async {
            while !self.stop.load(Ordering::SeqCst) {
                self.clock.sleep(STOP_POLL).await;
            }
        };
        futures::future::select(pin!(self.clock.sleep(duration)), pin!(stopped)).await;
        if self.stop.load(Ordering::SeqCst) { Err(StepError::Stopped) } else { Ok(()) }
    }
}

/// The address that keeps a step from being taken: a failed, skipped or undone step that it depends on.
///
/// A wait for delivery is different: as long as one of the changes that it guards was made, delivery has to be seen to
/// survive it, whatever became of the others.
fn blocked_by(plan: &Plan, step: &Step, run: &Run) -> Option<Address> {
    let is_done = |id: &StepId| matches!(run.states.get(id), Some(StepState::Done | StepState::AlreadyThere));
    // A failed step may have been written too: sent without an answer, or not seen to settle.
    let acts = |id: &StepId| is_done(id) || run.finished_at.contains_key(id);
    if let StepAction::AwaitDelivery { after_steps, .. } = &step.action
        && after_steps.iter().any(acts)
    {
        return None;
    }
    step.depends_on.iter().find(|id| !is_done(id)).and_then(|id| plan.steps.get(*id)).map(|step| step.address.clone())
}

fn describe(difference: &Diff) -> String {
    match difference {
        Diff::Same => "nothing differs".to_owned(),
        Diff::Unknown(gap) => gap.to_string(),
        Diff::Create(fields) | Diff::Update(fields) => {
            fields.iter().map(|field| field.path.as_str()).collect::<Vec<_>>().join(", ")
        }
    }
}
