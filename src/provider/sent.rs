//! What is really sent: counted, and said early when a host does not answer, because requests are repeated for up to a
//! minute, and silence looks like a hang.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Numbers of HTTP requests, with those that were repeated and those for credentials. Clones count together.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    aws: Arc<AtomicU64>,
    databricks: Arc<AtomicU64>,
}

impl Requests {
    /// To services of AWS.
    #[must_use]
    pub fn aws(&self) -> u64 {
        self.aws.load(Ordering::Relaxed)
    }

    /// To account and workspaces of Databricks.
    #[must_use]
    pub fn databricks(&self) -> u64 {
        self.databricks.load(Ordering::Relaxed)
    }
}

/// One count, and the hosts that were told of. Clones share both.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    count: Arc<AtomicU64>,
    silent: Arc<Mutex<BTreeSet<String>>>,
}

impl Sent {
    pub(super) fn to_aws(requests: &Requests) -> Self {
        Self { count: Arc::clone(&requests.aws), silent: Arc::default() }
    }

    pub(super) fn to_databricks(requests: &Requests) -> Self {
        Self { count: Arc::clone(&requests.databricks), silent: Arc::default() }
    }

    /// One more request, whether it is answered or not.
    pub(super) fn one(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    /// A warning, once for each host.
    pub(super) fn unanswered(&self, host: &str) {
        if self.silent.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned()) {
            tracing::warn!("no answer from `{host}`: what may be repeated is tried again, for up to a minute");
        }
    }
}
