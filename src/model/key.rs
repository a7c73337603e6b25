//! What KMS says of a key. Names follow the KMS API reference.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub id: String,
    pub arn: String,
    /// `KeyState`: `Enabled`, `Disabled`, `PendingDeletion`, …
    pub state: String,
    /// `KeyManager`: `CUSTOMER` or `AWS`.
    pub manager: String,
    pub spec: String,
    pub usage: String,
    pub origin: String,
    pub multi_region: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    pub enabled: bool,
    /// Days between rotations, when KMS says it.
    pub period_days: Option<i32>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Grant {
    pub id: String,
    pub name: String,
    pub grantee: String,
    pub retiring: Option<String>,
    pub issuing_account: Option<String>,
    /// Sorted.
    pub operations: Vec<String>,
    /// Encryption-context constraints as canonical JSON, if any.
    pub constraints: Option<String>,
}

impl Grant {
    /// Whether another grant gives the same to the same principal, whatever its id.
    #[must_use]
    pub fn does_the_same(&self, other: &Self) -> bool {
        Self { id: String::new(), ..self.clone() } == Self { id: String::new(), ..other.clone() }
    }
}
