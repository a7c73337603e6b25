//! Policy documents, each read once: managed policies are shared by many principals, and states of a plan differ in few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::iam::NamedPolicy;

use super::allowed::Patterns;

/// Documents by name and text.
#[derive(Debug, Default)]
pub(super) struct Library {
    read: Mutex<HashMap<(String, String), Arc<NamedPolicy>>>,
    pub patterns: Patterns,
}

impl Library {
    /// The document of a text. One that cannot be read is an unknown document, which may allow and deny everything.
    pub fn read(&self, name: &str, text: &str) -> Arc<NamedPolicy> {
        // A lock that a panicking thread left behind still guards whole entries.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = read.entry((name.to_owned(), text.to_owned()));
        Arc::clone(entry.or_insert_with(|| Arc::new(NamedPolicy::read(name, text))))
    }
}
