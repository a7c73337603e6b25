//! Runs a plan: for each step the precondition is read again, one call is made, and its effect is read back. Progress goes
//! out as events, the record through [`Recorder`]; this room prints nothing and knows no files.

mod content;
mod delivery;
mod engine;
mod resolve;
mod undo;
mod wait;
mod write_step;

use std::future::Future;
use std::time::Duration;

use crate::journal::Entry;
use crate::model::Address;

pub use engine::{Applier, Outcome, StepOutcome, StepState};

/// Time, passed in so that tests need not wait.
pub trait Clock: Send + Sync {
    fn now(&self) -> jiff::Timestamp;
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;
}

/// Where the journal goes. An entry is durable when `record` returns.
pub trait Recorder: Send {
    /// # Errors
    /// When the entry could not be made durable: the run then stops before its next write.
    fn record(&mut self, entry: &Entry) -> impl Future<Output = Result<(), RecordError>> + Send;

    /// The same for what puts back something that the delivery did not survive: it has to be durable here. A copy elsewhere
    /// that cannot be made now is no reason to leave the delivery broken; the next entry fails for it.
    ///
    /// # Errors
    /// When the entry could not be made durable here.
    fn record_undo(&mut self, entry: &Entry) -> impl Future<Output = Result<(), RecordError>> + Send;
}

/// The journal could not be written.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the journal could not be written: {0}")]
pub struct RecordError(pub String);

/// The right to write: asked before each write, so that a holder that lost its lock stops.
pub trait Lease: Send + Sync {
    /// # Errors
    /// When the lock is no longer held, with the reason.
    fn check(&self) -> impl Future<Output = Result<(), String>> + Send;
}

/// What happens during a run, for whoever shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Started {
        step: usize,
        total: usize,
        address: Address,
        title: String,
    },
    /// A transient failure: the step is tried again.
    Retrying {
        step: usize,
        message: String,
    },
    /// A wait goes on.
    Waiting {
        step: usize,
        message: String,
    },
    Finished {
        step: usize,
        address: Address,
    },
    AlreadyThere {
        step: usize,
        address: Address,
    },
    Failed {
        step: usize,
        address: Address,
        message: String,
    },
    Skipped {
        step: usize,
        address: Address,
        because: Address,
    },
    Undone {
        step: usize,
        address: Address,
    },
    Interrupted,
}
