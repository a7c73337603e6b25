//! Whether one policy allows nothing that another does not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::document::Policy;

/// A request that the candidate allows and the reference does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excess {
    /// As it would stand in a `Principal` element; `None` between identity policies.
    pub principal: Option<String>,
    pub action: String,
    pub resource: String,
    /// Condition keys and their values; a key that is not here is absent.
    pub context: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inclusion {
    /// Everything that the candidate allows, the reference allows too.
    Included,
    NotIncluded(Excess),
    /// Not decided, and why.
    Unknown(String),
}

/// Whether the reference allows every request that the candidate allows.
#[must_use]
pub fn includes(reference: &Policy, candidate: &Policy) -> Inclusion {
    if reference == candidate {
        return Inclusion::Included;
    }
    Inclusion::Unknown("the policies differ".to_owned())
}
