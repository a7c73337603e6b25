use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::journal::{Entry, RunResult};
use crate::model::Address;
use crate::plan::{Plan, Step, StepAction, StepId};
use crate::provider::Writer;

use super::resolve::Outputs;
use super::{Clock, Event, Lease, RecordError, Recorder};

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
pub(super) enum StepError {
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
pub(super) struct Run {
    pub outputs: Outputs,
    pub states: BTreeMap<StepId, StepState>,
    pub finished_at: BTreeMap<StepId, Timestamp>,
    pub principals: BTreeMap<String, String>,
    pub writes: usize,
    /// What was begun to be taken back is taken back, whatever signal comes.
    pub undoing: bool,
}

impl<W: Writer, C: Clock, R: Recorder, L: Lease> Applier<'_, W, C, R, L> {
    /// Applies the steps in order. A failed step fails those that depend on it, by name, and nothing else.
    ///
    /// # Errors
    /// When the journal cannot be written: nothing is sent after that.
    pub async fn apply(&mut self, plan: &Plan, run_id: &str) -> Result<Outcome, RecordError> {
        self.recorder
            .record(&Entry::RunStarted {
                format_version: crate::journal::FORMAT_VERSION.to_owned(),
                run: run_id.to_owned(),
                at: self.clock.now().to_string(),
                tool: concat!("auditseal/", env!("CARGO_PKG_VERSION")).to_owned(),
                caller: plan.caller.clone(),
                manifests: plan.manifest.iter().map(|source| source.name.clone()).collect(),
                owners: plan.desired.iter().map(|one| (one.name.clone(), one.owner())).collect(),
                intent: plan.intent.clone(),
                reads_digest: plan.reads_digest.clone(),
            })
            .await?;
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
                    self.recorder.record(&Entry::StepFailed { step: step.id, at, message: message.clone() }).await?;
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
        self.finish(plan, run, stopped).await
    }

    async fn finish(&mut self, plan: &Plan, mut run: Run, stopped: bool) -> Result<Outcome, RecordError> {
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
        self.recorder.record(&Entry::RunFinished { at: self.clock.now().to_string(), result }).await?;
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
                self.recorder.record(&Entry::Waited { step: step.id, at: self.clock.now().to_string() }).await?;
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
                        self.recorder
                            .record(&Entry::Waited { step: step.id, at: self.clock.now().to_string() })
                            .await?;
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
