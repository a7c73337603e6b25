//! Eventual consistency: reads that still answer what they answered before the last write.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use hyper::http::Response;

use super::names::Named;

/// What tells one read from another: operation, path with query, body.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ReadKey(String, String, Bytes);

impl ReadKey {
    pub fn new(named: &Named, target: &str, body: &Bytes) -> Self {
        Self(format!("{}:{}", named.service, named.operation), target.to_owned(), body.clone())
    }
}

struct Remembered {
    service: String,
    resource: String,
    answer: Response<Bytes>,
}

#[derive(Default)]
struct State {
    last: HashMap<ReadKey, Remembered>,
    stale: HashMap<ReadKey, (Response<Bytes>, u32)>,
}

/// The last answer of every read, and the old answers still to be given.
#[derive(Default)]
pub struct Memory(Mutex<State>);

impl Memory {
    /// The answer from before the last write, when some are left to give.
    pub fn stale(&self, key: &ReadKey) -> Option<Response<Bytes>> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (answer, left) = state.stale.get_mut(key)?;
        let answer = answer.clone();
        *left = left.saturating_sub(1);
        if *left == 0 {
            state.stale.remove(key);
        }
        Some(answer)
    }

    /// Remembers what a read answered.
    pub fn remember(&self, key: ReadKey, named: &Named, answer: &Response<Bytes>) {
        let (service, resource) = (named.service.clone(), named.resource.clone());
        let remembered = Remembered { service, resource, answer: answer.clone() };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last.insert(key, remembered);
    }

    /// After a write: each read of the same resource that was seen before answers `reads` times as
    /// it last did.
    pub fn freeze(&self, written: &Named, reads: u32) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let State { last, stale } = &mut *state;
        for (key, seen) in last.iter() {
            if reads > 0 && seen.service == written.service && seen.resource == written.resource {
                stale.insert(key.clone(), (seen.answer.clone(), reads));
            }
        }
    }
}
