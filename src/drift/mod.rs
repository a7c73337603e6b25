//! Scheduled checks: a finished plan and the health of delivery → findings, each with a fingerprint; findings and what
//! earlier checks remember → what opened and what closed.
//!
//! Pure: live state, the plan made from it, the memory and the time come in. Nothing is concluded from what could not be
//! read: it is a finding itself, and what rests on it neither opens nor closes.

mod changed_by;
mod check;
mod estates;
mod findings;
mod health;
mod memory;
#[cfg(test)]
mod tests;

pub use changed_by::{Lookup, attribute, lookups};
pub use check::{Check, OpenFinding, Outcome, Summary};
pub use estates::Estates;
pub use findings::{Seen, seen};
pub use health::{DeliveryReport, DeliveryState, Health, health, questions};
pub use memory::{Advanced, Memory, MemoryError, Open, Scope, SeenBy, advance};

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::model::{Desired, Live, Wanted};
use crate::plan::{Effects, Plan};

/// Version of the document that `drift --format json` prints.
pub const FORMAT_VERSION: &str = "1.0";

/// What one check has seen.
pub struct Facts<'a> {
    pub desired: &'a [Desired],
    pub live: &'a Live,
    pub wanted: &'a Wanted,
    /// Made from the three above.
    pub plan: &'a Plan,
    /// Who can on the live state, as it is.
    pub access: &'a Effects,
    /// Names of manifests for which some input of the plan was not read.
    pub unread: &'a BTreeSet<String>,
    /// Answers to [`questions`].
    pub watched: &'a Live,
    pub now: Timestamp,
}
