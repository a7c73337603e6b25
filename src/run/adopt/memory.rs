//! Answers that were given already: every stage asks what a plan of its declaration asks, and nothing twice.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::model::live::Query;
use crate::model::{Fact, Live, Observed};
use crate::provider::Reader;

/// What was read. What could not be read is asked again: the next client may be allowed to.
#[derive(Default)]
pub(super) struct Memory(Mutex<BTreeMap<Query, Observed<Fact>>>);

impl Memory {
    /// Everything, whichever stage asked for it.
    pub fn live(&self) -> Live {
        let mut live = Live::default();
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().for_each(|(query, answer)| live.set(query.clone(), answer.clone()));
        live
    }
}

/// A reader that remembers.
pub(super) struct Remembering<'a, R> {
    pub reader: &'a R,
    pub memory: &'a Memory,
}

impl<R: Reader> Reader for Remembering<'_, R> {
    async fn read(&self, query: &Query) -> Observed<Fact> {
        let known = self.memory.0.lock().unwrap_or_else(PoisonError::into_inner).get(query).cloned();
        if let Some(known) = known {
            return known;
        }
        let answer = self.reader.read(query).await;
        if !answer.is_unknown() {
            self.memory.0.lock().unwrap_or_else(PoisonError::into_inner).insert(query.clone(), answer.clone());
        }
        answer
    }
}
