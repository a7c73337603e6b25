//! A run's journal against live state → the plan that puts back what the run changed.
//!
//! The way back is the way there, backwards: every state that the run went through was safe for the delivery of its
//! moment, so that each of them is gone through again, with a wait for a delivery after what could stop it. What is undone
//! is decided by live state, not by what the journal says of the end: a request that was announced and never sent needs no
//! undoing, one whose answer was lost does. What somebody else changed since is left alone and said, unless
//! `changed-since-run` is allowed. The room only makes steps; guards, order of writing, lock, journal, read-back and
//! verification are those of every plan.

mod build;
mod chains;
mod forget;
mod parts;
mod restore;
#[cfg(test)]
mod tests;
mod value;
mod waits;

use crate::finding::Finding;
use crate::model::{Gap, Wanted};
use crate::plan::{Change, Delivery, GuardResult, Step, Summary};

pub use build::{questions, reverse};
pub use forget::{Mark, forget, marks};

/// The code that allows to put back what somebody changed since the run.
pub const CHANGED_SINCE: &str = "changed-since-run";
/// The code of what stays as the run left it.
const STAYS: &str = "rollback-leaves";
/// The code of a way back that ends without any delivery.
const DELIVERY_ENDS: &str = "delivery-would-end";

/// The computed part of a plan that puts a run back.
#[derive(Clone, Debug, Default)]
pub struct Reversal {
    pub changes: Vec<Change>,
    pub steps: Vec<Step>,
    pub summary: Summary,
    pub gaps: Vec<Gap>,
    /// What stays, and what somebody changed since.
    pub findings: Vec<Finding>,
    pub guards: Vec<GuardResult>,
    /// Which question shows each change, for the guards.
    pub wanted: Wanted,
    /// Configurations that deliver afterwards.
    pub deliveries: Vec<Delivery>,
}

/// The run changed a location that no loaded manifest declares.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the run changed `{manifest}` ({location}), which none of the loaded manifests declares: run it with the manifest of that location"
)]
pub struct Undeclared {
    pub manifest: String,
    pub location: String,
}
