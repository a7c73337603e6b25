//! What is answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::evaluate::{Evaluation, Layer, StatementRef};
use super::super::truth::Truth;

/// One condition of a policy, or its contrary, as a requirement.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Literal {
    /// Context key as written in the policy.
    pub key: String,
    /// Operator as written in the policy.
    pub operator: String,
    pub values: Vec<String>,
    /// Whether the condition must hold (`true`) or must not hold (`false`).
    pub holds: bool,
    /// Why it is not known whether the condition can be met; `None` for a condition that the requester can meet.
    pub unresolved: Option<String>,
}

/// A context in which the request is allowed, and what allows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// Name of the world.
    pub world: String,
    /// The context of each part: keys that matter, with their values; a key that is not here is absent.
    pub contexts: Vec<BTreeMap<String, Vec<String>>>,
    /// What the concrete evaluator says of each part in its context.
    pub evaluations: Vec<Evaluation>,
}

/// Why a part is never allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocked {
    /// Index of the part.
    pub part: usize,
    /// Layers in which nothing can allow it; where no Deny closes it either, the layers whose conditions are never met together.
    pub missing: Vec<Layer>,
    /// Deny statements that together close every context in which it would be allowed.
    pub denies: Vec<StatementRef>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// `Yes`: there is a context in which all parts are allowed, confirmed by the concrete evaluator. `No`: there is none.
    pub can: Truth,
    /// `Yes`: all parts are allowed in every context of every world.
    pub always: Truth,
    /// For `can` that is not `No`: each list is a set of conditions that together suffice; one empty list is "always".
    /// `None` where there are too many combinations to put into words.
    pub conditions: Option<Vec<Vec<Literal>>>,
    /// For `can` that is not `No`: a context in which all parts are (`Yes`) or may be (`Unknown`) allowed.
    pub witness: Option<Witness>,
    /// For `No`: the parts that are closed. Empty where the parts are open one by one but never together.
    pub blocked: Vec<Blocked>,
    /// Why a limit made the answer weaker than it could be.
    pub gave_up: Option<String>,
}
