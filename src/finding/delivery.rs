//! How sinks took what was for them.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Finding;

/// One sink, after a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkReport {
    pub sink: String,
    /// `file`, `webhook` or `slack`.
    pub kind: String,
    /// Messages that it took in this run.
    pub delivered: usize,
    /// Messages that wait for the next run.
    pub waiting: usize,
    /// Messages that it refused, in this run or before, and that are still kept.
    pub refused: usize,
    /// Why it did not take everything. Holds no URL and no secret.
    pub trouble: Option<String>,
}

/// What a run did with its notices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// By name.
    pub sinks: Vec<SinkReport>,
    /// What has to be said of sinks and outbox, with codes that `explain` knows (`alert-…`).
    pub findings: Vec<Finding>,
    /// [`Notice::id`](super::Notice::id) of those that some outbox had no room for: not told, to be offered again.
    pub unkept: BTreeSet<String>,
}

impl Delivered {
    /// Whether every sink took everything.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unkept.is_empty()
            && self.sinks.iter().all(|sink| sink.trouble.is_none() && sink.waiting == 0 && sink.refused == 0)
    }
}

/// What one sink said to a test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkAnswer {
    pub sink: String,
    /// `file`, `webhook` or `slack`.
    pub kind: String,
    pub taken: bool,
    /// In words; holds no URL and no secret.
    pub answer: String,
}
