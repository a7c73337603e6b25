//! (Wanted, Live) → field-level changes with reasons; the same file name per kind as in `model/`. No special cases for
//! foreign things: `harden` folded them in before.
//!
//! Both sides go through one function that lists a fact's comparable fields (`fields::Fields`), and the lists are then
//! compared plainly. Every struct is taken apart without `..`, so that a new field does not compile until somebody has
//! decided here whether it counts. Only unordered or equivalent spellings are evened out: sets, key ids against key ARNs,
//! policy JSON (by `iam`), values that were never set against their documented default.
//!
//! The room refuses to know what a difference means: whether a removal is a deletion, whether an immutable thing has to
//! be replaced, and whether any of it is wise, is for `plan`.

mod bucket;
mod compare;
mod databricks;
mod fields;
mod key;
mod policy;
mod role;
#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::model::Gap;

pub use compare::{Resolve, diff};

/// One field that differs, with the reason for the wanted value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChange {
    pub path: String,
    /// `null` when absent.
    pub before: serde_json::Value,
    pub after: serde_json::Value,
    pub reason: String,
}

impl FieldChange {
    /// Whether the wanted value holds something that only the cloud can choose.
    #[must_use]
    pub fn known_after_apply(&self) -> bool {
        crate::model::Reference::occurs_in(&self.after.to_string())
    }
}

/// How one resource differs from what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Diff {
    Same,
    /// Nothing is there yet.
    Create(Vec<FieldChange>),
    Update(Vec<FieldChange>),
    /// Live state could not be read, or not understood: nothing may be concluded from it.
    Unknown(Gap),
}

impl Diff {
    #[must_use]
    pub fn is_same(&self) -> bool {
        matches!(self, Diff::Same)
    }

    /// The fields that differ; none when the resource is the same or unknown.
    #[must_use]
    pub fn fields(&self) -> &[FieldChange] {
        match self {
            Diff::Create(fields) | Diff::Update(fields) => fields,
            Diff::Same | Diff::Unknown(_) => &[],
        }
    }
}
