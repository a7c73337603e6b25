//! Policy documents, each read once: managed policies are shared by many principals, and states of a plan differ in few.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::iam::NamedPolicy;

use super::allowed::{Patterns, Sheet};

/// Documents by text; those of one text by name.
#[derive(Debug, Default)]
pub(super) struct Library {
    read: Mutex<HashMap<Arc<str>, Vec<Arc<Sheet>>>>,
    patterns: Patterns,
    /// Whether every request goes to the engine, those that are plainly closed as well. Slow, and the same but for words.
    pub exhaustive: bool,
}

impl Library {
    #[cfg(test)]
    pub fn exhaustive() -> Self {
        Self { exhaustive: true, ..Self::default() }
    }

    /// The document of a text. One that cannot be read is an unknown document, which may allow and deny everything.
    pub fn read(&self, name: &str, text: &str) -> Arc<Sheet> {
        // A lock that a panicking thread left behind still guards whole entries.
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let text: Arc<str> = text.into();
        let named = read.entry(Arc::clone(&text)).or_default();
        if let Some(sheet) = named.iter().find(|sheet| *sheet.name == *name) {
            return Arc::clone(sheet);
        }
        let sheet = self.sheet(NamedPolicy::read_shared(name, &text));
        named.push(Arc::clone(&sheet));
        sheet
    }

    /// What can be told of a document that has no text here.
    pub fn sheet(&self, policy: NamedPolicy) -> Arc<Sheet> {
        Arc::new(Sheet::new(policy, &self.patterns))
    }

    pub fn unknown(&self, name: &str, why: &str) -> Arc<Sheet> {
        self.sheet(NamedPolicy::unknown(name, why))
    }
}
