//! What a plan does to who can read, write, list and tamper: the proof on the live state, on every state between two steps,
//! and on the last one.

use serde::{Deserialize, Serialize};

use crate::access::{Assessment, Assumption, Holder, ProofVerdict, Question};
use crate::model::{Address, Desired, Gap, Live};

use super::prove::Prover;
use super::{Step, StepId};

/// Everybody who can, or of whom nothing shows that they cannot, by what they can. ARNs, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    pub read: Vec<String>,
    pub write: Vec<String>,
    pub tamper: Vec<String>,
    pub list: Vec<String>,
}

impl Who {
    #[must_use]
    pub fn of(&self, question: Question) -> &[String] {
        match question {
            Question::Read => &self.read,
            Question::Write => &self.write,
            Question::Tamper => &self.tamper,
            Question::List => &self.list,
        }
    }
}

/// Who can after a step and could not before it, and the other way round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepEffect {
    pub step: StepId,
    pub address: Address,
    pub gained: Vec<Holder>,
    pub lost: Vec<Holder>,
}

/// A proof about the estate whose verdict a step changes: `delivery-works`, `control-kept`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofEffect {
    pub step: StepId,
    pub address: Address,
    pub manifest: String,
    pub code: String,
    /// `None` where there was nothing to prove anything about: no bucket, or a new one without a policy.
    pub before: Option<ProofVerdict>,
    pub after: ProofVerdict,
    pub because: Vec<String>,
}

/// What a plan does to access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effects {
    /// Whether everything was read that a proof needs.
    pub complete: bool,
    /// What was asked for the proofs and could not be read.
    pub gaps: Vec<Gap>,
    /// What the proofs rest on.
    pub assumptions: Vec<Assumption>,
    pub before: Who,
    pub after: Who,
    /// Only steps that change something for somebody.
    pub steps: Vec<StepEffect>,
    /// What the steps do to the proofs that the delivery works and that somebody keeps control.
    pub proofs: Vec<ProofEffect>,
    /// Those of `after` whom the declaration does not name.
    pub undeclared: Vec<Holder>,
}

impl Effects {
    /// Whether anybody asked: a plan that was made without the proofs says nothing about access.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        *self != Self::default()
    }
}

/// Proves the live state and every state that the steps lead through.
#[must_use]
pub fn effects(desired: &[Desired], live: &Live, steps: &[Step]) -> Effects {
    let order: Vec<usize> = (0..steps.len()).collect();
    Prover::new(desired, live, steps).effects(&order).unwrap_or_default()
}

pub(super) fn who(assessment: &Assessment) -> Who {
    Who {
        read: assessment.who(Question::Read),
        write: assessment.who(Question::Write),
        tamper: assessment.who(Question::Tamper),
        list: assessment.who(Question::List),
    }
}
