//! Says early that a host does not answer: requests are repeated for up to a minute, and silence looks like a hang.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The hosts that were told of. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Unanswered(Arc<Mutex<BTreeSet<String>>>);

impl Unanswered {
    /// A warning, once for each host.
    pub(super) fn tell(&self, host: &str) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(host.to_owned()) {
            tracing::warn!("no answer from `{host}`: what may be repeated is tried again, for up to a minute");
        }
    }
}
