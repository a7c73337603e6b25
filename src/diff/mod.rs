//! (Wanted, Live) → field-level changes with reasons; the same file name per kind as in `model/`. No special cases for
//! foreign things: `harden` folded them in before.

use serde::{Deserialize, Serialize};

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
