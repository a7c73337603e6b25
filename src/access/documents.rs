//! Policy documents, each read once: managed policies are shared by many principals, and states of a plan differ in few.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;

use crate::iam::NamedPolicy;

use super::allowed::{Actions, Masks, Sheet};

/// Documents by name and text.
#[derive(Debug, Default)]
pub(super) struct Library {
    shelf: Mutex<Shelf>,
    masks: Masks,
    /// Whether every request goes to the engine, those that are plainly closed as well. Slow, and the same but for words.
    pub exhaustive: bool,
}

#[derive(Debug, Default)]
struct Shelf {
    /// Quick, because all texts go through it; what it cannot tell apart costs a comparison.
    hasher: RandomState,
    /// By the hash of name and text; of two with the same hash the later stands one further.
    sheets: HashMap<u64, (Arc<str>, Arc<Sheet>), RandomState>,
    /// Most inline policies have the name of another role's.
    names: HashSet<Arc<str>, RandomState>,
}

/// A name, shared with whatever has it already.
fn known(names: &mut HashSet<Arc<str>, RandomState>, name: &str) -> Arc<str> {
    if let Some(known) = names.get(name) {
        return Arc::clone(known);
    }
    let name: Arc<str> = name.into();
    names.insert(Arc::clone(&name));
    name
}

impl Library {
    #[cfg(test)]
    pub fn exhaustive() -> Self {
        Self { exhaustive: true, ..Self::default() }
    }

    /// The document of a text. One that cannot be read is an unknown document, which may allow and deny everything.
    pub fn read(&self, name: &str, text: &str) -> Arc<Sheet> {
        // A lock that a panicking thread left behind still guards whole entries.
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        let Shelf { hasher, sheets, names } = &mut *shelf;
        let mut place = hasher.hash_one((name, text));
        loop {
            match sheets.entry(place) {
                Entry::Occupied(kept) => {
                    let (known, sheet) = kept.get();
                    if *sheet.name == *name && **known == *text {
                        return Arc::clone(sheet);
                    }
                    place = place.wrapping_add(1);
                }
                Entry::Vacant(free) => {
                    let name = known(names, name);
                    let text: Arc<str> = text.into();
                    let sheet = self.sheet(NamedPolicy::read_shared(name, &text));
                    free.insert((text, Arc::clone(&sheet)));
                    return sheet;
                }
            }
        }
    }

    /// What can be told of a document that has no text here.
    pub fn sheet(&self, policy: NamedPolicy) -> Arc<Sheet> {
        Arc::new(Sheet::new(policy, &self.masks))
    }

    pub fn unknown(&self, name: &str, why: &str) -> Arc<Sheet> {
        self.sheet(NamedPolicy::unknown(name, why))
    }

    /// For each statement of a document the actions that it covers, and those that it may cover.
    pub fn covered(&self, sheet: &Sheet) -> Vec<[Actions; 2]> {
        self.masks.of_statements(sheet)
    }
}
