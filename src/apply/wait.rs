//! Waiting: for a delivery that succeeds, for Databricks to act on a change, and between two attempts.

use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;

use crate::call::{Query, Read};
use crate::model::{Fact, Observed, Place};
use crate::plan::StepId;
use crate::provider::Writer;

use super::delivery::{Progress, progress};
use super::engine::{Applier, StepError};
use super::{Clock, Event, Lease, Recorder};

/// How often the status of a delivery is asked for.
const DELIVERY_POLL: Duration = Duration::from_secs(30);
/// A customer-side failure that lasts this long after a change is not propagation any more.
const DELIVERY_FAILURE_GRACE: Duration = Duration::from_secs(20 * 60);
/// As long as a planned wait for delivery may take.
const CONFIRM_DEADLINE: Duration = Duration::from_secs(2 * 3600);
/// How often a long wait looks after the lock.
const LEASE_CARE: Duration = Duration::from_secs(120);
/// How often a wait looks whether the run shall stop.
const STOP_POLL: Duration = Duration::from_secs(1);

impl<W: Writer, C: Clock, R: Recorder, L: Lease> Applier<'_, W, C, R, L> {
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

    pub(super) async fn await_delivery(
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

    /// A long wait that keeps the lock: its lease is shorter than what Databricks may take.
    pub(super) async fn pause_and_keep(&self, duration: Duration) -> Result<(), StepError> {
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
    pub(super) async fn pause(&self, duration: Duration) -> Result<(), StepError> {
        let stopped = async {
            while !self.stop.load(Ordering::SeqCst) {
                self.clock.sleep(STOP_POLL).await;
            }
        };
        futures::future::select(pin!(self.clock.sleep(duration)), pin!(stopped)).await;
        if self.stop.load(Ordering::SeqCst) { Err(StepError::Stopped) } else { Ok(()) }
    }
}
