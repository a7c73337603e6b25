use std::fmt;

use serde::{Deserialize, Serialize};

/// What a read said. Absent and unknown never share a variant: a refused read says nothing about what is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "observed", content = "value", rename_all = "snake_case")]
pub enum Observed<T> {
    Present(T),
    Absent,
    Unknown(Gap),
}

impl<T> Observed<T> {
    #[must_use]
    pub fn as_ref(&self) -> Observed<&T> {
        match self {
            Observed::Present(value) => Observed::Present(value),
            Observed::Absent => Observed::Absent,
            Observed::Unknown(gap) => Observed::Unknown(gap.clone()),
        }
    }

    /// The value, when the read found one.
    #[must_use]
    pub fn present(self) -> Option<T> {
        match self {
            Observed::Present(value) => Some(value),
            Observed::Absent | Observed::Unknown(_) => None,
        }
    }

    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self, Observed::Unknown(_))
    }

    #[must_use]
    pub fn is_absent(&self) -> bool {
        matches!(self, Observed::Absent)
    }
}

/// A read that failed: what could not be read, why, and which permission would have allowed it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Gap {
    /// The call in words, for example `s3:GetBucketPolicy on acme-databricks-audit`.
    pub what: String,
    /// The permission to grant, when the failure was a refusal.
    pub permission: Option<String>,
    /// The cloud's own code and message, without anything secret.
    pub message: String,
}

impl Gap {
    /// Message of a question that nobody asked.
    pub const NOT_ASKED: &str = "it was not read";

    /// Whether nothing failed: the question was not asked at all.
    #[must_use]
    pub fn is_unasked(&self) -> bool {
        self.permission.is_none() && self.message == Self::NOT_ASKED
    }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} could not be read: {}", self.what, self.message)?;
        if let Some(permission) = &self.permission {
            write!(f, " (needs {permission})")?;
        }
        Ok(())
    }
}
