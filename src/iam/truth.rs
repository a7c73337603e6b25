//! Three-valued logic (Kleene): the weakest claim wins, so that an unknown can only be removed by something that decides
//! without it.

use serde::{Deserialize, Serialize};

/// Ordered `No < Unknown < Yes`, so that "and" is the minimum and "or" the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Truth {
    No,
    Unknown,
    Yes,
}

impl Truth {
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.min(other)
    }

    #[must_use]
    pub fn or(self, other: Self) -> Self {
        self.max(other)
    }

    /// Whether it may be true.
    #[must_use]
    pub fn possible(self) -> bool {
        self != Truth::No
    }

    /// Whether it is certainly true.
    #[must_use]
    pub fn certain(self) -> bool {
        self == Truth::Yes
    }

    /// True when every item is; true for none.
    #[must_use]
    pub fn all(items: impl IntoIterator<Item = Self>) -> Self {
        items.into_iter().min().unwrap_or(Truth::Yes)
    }

    /// True when one item is; false for none.
    #[must_use]
    pub fn any(items: impl IntoIterator<Item = Self>) -> Self {
        items.into_iter().max().unwrap_or(Truth::No)
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
            Truth::Yes => Truth::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Truth::Yes } else { Truth::No }
    }
}
