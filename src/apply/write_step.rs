//! One write: the precondition that is read again, the request until it is accepted, the read-back until it shows.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::call::Write;
use crate::diff::{Diff, diff};
use crate::journal::Entry;
use crate::model::reference::Output;
use crate::model::{Fact, Gap, Observed, Place};
use crate::plan::{Step, Target};
use crate::provider::{WriteError, Writer};

use super::engine::{Applier, Run, StepError, StepState};
use super::{Clock, Event, Lease, Recorder, content};

/// A precondition that does not hold is asked again for this long: reads may lag behind writes (S3 and IAM are
/// eventually consistent for configurations).
const PRECONDITION_GRACE: Duration = Duration::from_secs(10);
const BACKOFF_MAX: Duration = Duration::from_secs(10);

impl<W: Writer, C: Clock, R: Recorder, L: Lease> Applier<'_, W, C, R, L> {
    pub(super) async fn write_step(
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
                self.recorder.record(&Entry::AlreadyThere { step: step.id, at: self.clock.now().to_string() }).await?;
                return Ok(StepState::AlreadyThere);
            }
            before = Some(answer);
        } else if let Some(found) = self.there_already(place, write).await? {
            self.remember(step, &found, run);
            self.recorder.record(&Entry::AlreadyThere { step: step.id, at: self.clock.now().to_string() }).await?;
            return Ok(StepState::AlreadyThere);
        }
        self.recorder
            .record(&Entry::WriteStarted {
                step: step.id,
                at: self.clock.now().to_string(),
                address: step.address.clone(),
                place: place.clone(),
                write: Box::new(write.clone()),
                query: target.as_ref().map(|target| target.query.clone()),
                before: before.map(Box::new),
                undo: undo_of(step, write, run)?.map(Box::new),
            })
            .await?;
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
        self.recorder.record(&Entry::WriteFinished { step: step.id, at: now.to_string(), outputs }).await?;
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

    /// What the step is to make, when an earlier run has made it. Nothing is made before that is known.
    async fn there_already(
        &mut self,
        place: &Place,
        write: &Write,
    ) -> Result<Option<BTreeMap<Output, String>>, StepError> {
        let mut waited = Duration::ZERO;
        let mut delay = Duration::from_millis(250);
        loop {
            match content::find(self.writer, place, write).await {
                Ok(found) => return Ok(found),
                Err(gap) if waited >= PRECONDITION_GRACE => return Err(StepError::Failed(gap.to_string())),
                Err(_) => {}
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
    pub(super) async fn send(
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
            let (mut message, retry_after) = match self.writer.write(place, write).await {
                Ok(outcome) => return Ok(outcome.outputs),
                Err(WriteError::Denied { permission, message }) => {
                    return Err(StepError::Failed(match permission {
                        Some(permission) => format!("{message} (needs {permission})"),
                        None => message,
                    }));
                }
                Err(WriteError::Rejected { message }) => return Err(StepError::Failed(message)),
                Err(WriteError::Exists { message }) => {
                    if let Ok(Some(found)) = self.effect(step, place, write, target, run).await {
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
            let mut pause = retry_after.unwrap_or(delay).min(Duration::from_secs(60));
            loop {
                if waited >= bound {
                    return Err(StepError::Failed(format!("gave up after {} s: {message}", bound.as_secs())));
                }
                (self.on_event)(Event::Retrying { step: step.id, message: message.clone() });
                match run.undoing {
                    true => self.clock.sleep(pause).await,
                    false => self.pause(pause).await?,
                }
                waited += pause;
                delay = (delay * 2).min(BACKOFF_MAX);
                match self.effect(step, place, write, target, run).await {
                    Ok(Some(found)) => return Ok(found),
                    Ok(None) => break,
                    // Sent again, it might be there twice.
                    Err(gap) => (message, pause) = (gap.to_string(), delay),
                }
            }
        }
    }

    /// Whether the request took effect although it seemed to fail; an error when that is not known and matters.
    async fn effect(
        &self,
        step: &Step,
        place: &Place,
        write: &Write,
        target: Option<&Target>,
        run: &Run,
    ) -> Result<Option<BTreeMap<Output, String>>, Gap> {
        if !write.is_idempotent() {
            return content::find(self.writer, place, write).await;
        }
        let Some(target) = target.filter(|target| target.settles && step.gives.is_empty()) else { return Ok(None) };
        let answer = self.writer.read(&target.query).await;
        Ok(self.is_same(step, &answer, target, run).then(BTreeMap::new))
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
}

/// What the journal has to keep beside the before-image: an inline policy that is deleted was read as a name in a list.
fn undo_of(step: &Step, write: &Write, run: &Run) -> Result<Option<Write>, StepError> {
    let Some(undo) = step.undo.as_ref().filter(|_| matches!(write, Write::DeleteRolePolicy { .. })) else {
        return Ok(None);
    };
    Ok(Some(run.outputs.resolve(&undo.write)?))
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
