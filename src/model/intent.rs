//! What a run is for.

use serde::{Deserialize, Serialize};

/// Why a plan was made, and a run begun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "snake_case", deny_unknown_fields)]
pub enum Intent {
    /// To make live state what the manifests declare.
    #[default]
    Apply,
    /// To put back what the named run changed.
    Rollback { run: String },
    /// To take the ownership marks off, and leave everything running.
    Forget,
}

impl Intent {
    /// Whether it is the ordinary one.
    #[must_use]
    pub fn is_apply(&self) -> bool {
        *self == Intent::Apply
    }

    /// The verb of the command line.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Intent::Apply => "apply",
            Intent::Rollback { .. } => "rollback",
            Intent::Forget => "forget",
        }
    }

    /// The run that is put back, if any.
    #[must_use]
    pub fn of(&self) -> Option<&str> {
        match self {
            Intent::Rollback { run } => Some(run),
            Intent::Apply | Intent::Forget => None,
        }
    }
}
