//! Taking back what may have stopped delivery.

use std::collections::BTreeSet;

use crate::call::Write;
use crate::journal::Entry;
use crate::plan::{Plan, StepId};
use crate::provider::Writer;

use super::engine::{Applier, Run, StepError, StepState};
use super::{Clock, Event, Lease, Recorder};

impl<W: Writer, C: Clock, R: Recorder, L: Lease> Applier<'_, W, C, R, L> {
    /// Takes back what may have stopped delivery, last change first. What stays in place keeps everything that it depends on:
    /// a key without the permission to use it would be worse than both.
    pub(super) async fn undo(&mut self, plan: &Plan, steps: &[StepId], run: &mut Run) -> Result<String, StepError> {
        let wrote: BTreeSet<StepId> = steps.iter().copied().filter(|id| run.finished_at.contains_key(id)).collect();
        let (mut undone, mut kept) = (0_usize, Vec::new());
        let mut needed: BTreeSet<StepId> = BTreeSet::new();
        run.undoing = true;
        for id in wrote.iter().rev() {
            let Some(step) = plan.steps.iter().find(|step| step.id == *id) else { continue };
            if needed.contains(id) {
                kept.push(format!("{} (what stays depends on it)", step.address));
                needed.extend(&step.depends_on);
                continue;
            }
            let Some(undo) = &step.undo else {
                needed.extend(&step.depends_on);
                continue;
            };
            let write: Write = run.outputs.resolve(&undo.write)?;
            // Announced like any other write, so that the journal knows of it when the run dies here.
            self.recorder
                .record_undo(&Entry::WriteStarted {
                    step: *id,
                    at: self.clock.now().to_string(),
                    address: step.address.clone(),
                    place: undo.place.clone(),
                    write: Box::new(write.clone()),
                    query: None,
                    before: None,
                    undo: None,
                })
                .await?;
            match self.send(step, &undo.place, &write, None, run).await {
                Ok(_) => {
                    undone += 1;
                    let at = self.clock.now().to_string();
                    self.recorder.record(&Entry::Undone { step: *id, at, write: Box::new(write) }).await?;
                    (self.on_event)(Event::Undone { step: *id, address: step.address.clone() });
                    run.states.insert(*id, StepState::Undone);
                }
                Err(StepError::Failed(message)) => {
                    kept.push(format!("{} ({message})", step.address));
                    needed.extend(&step.depends_on);
                }
                Err(other) => return Err(other),
            }
        }
        run.undoing = false;
        Ok(match (undone, kept.is_empty()) {
            (0, true) => "nothing could be taken back".to_owned(),
            (count, true) => format!("{count} changes were taken back"),
            (count, false) => format!("{count} changes were taken back, not {}", kept.join(", ")),
        })
    }
}
