//! What a plan does to who can read, write, list and tamper: the proof on the live state, on every state between two steps,
//! and on the last one.

use serde::{Deserialize, Serialize};

use crate::access::{Assessment, Assumption, Compiled, Holder, Question};
use crate::model::{Address, Desired, Gap, Live};

use super::shift::{Shifts, shifts};
use super::walk::{Walk, bears_on_access};
use super::{Step, StepAction, StepId};

/// Everybody who can, or of whom nothing shows that they cannot, by what they can. ARNs, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    pub read: Vec<String>,
    pub write: Vec<String>,
    pub tamper: Vec<String>,
    pub list: Vec<String>,
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
    let compiled = Compiled::default();
    let mut walk = Walk::new(&compiled, desired, live);
    let first = walk.assess();
    let mut last = first.clone();
    let mut changed = Vec::new();
    let is_write = |step: &&Step| matches!(step.action, StepAction::Write { .. });
    let last_write = steps.iter().rev().find(is_write).map(|step| step.id);
    for step in steps {
        walk.take(step);
        // What bears on nothing is seen with the next step, and the last state is always looked at.
        if !bears_on_access(step, desired) && Some(step.id) != last_write {
            continue;
        }
        let now = walk.assess();
        let Shifts { gained, lost, narrowed: _ } = shifts(&last, &now);
        if !gained.is_empty() || !lost.is_empty() {
            changed.push(StepEffect { step: step.id, address: step.address.clone(), gained, lost });
        }
        last = now;
    }
    let gaps: Vec<Gap> = first.gaps.iter().filter(|gap| !gap.is_unasked()).cloned().collect();
    Effects {
        complete: gaps.is_empty() && !first.assumptions.iter().any(|one| one.unread),
        gaps,
        assumptions: first.assumptions.clone(),
        before: who(&first),
        after: who(&last),
        steps: changed,
        undeclared: last.holders().into_iter().filter(|holder| !holder.declared).collect(),
    }
}

fn who(assessment: &Assessment) -> Who {
    Who {
        read: assessment.who(Question::Read),
        write: assessment.who(Question::Write),
        tamper: assessment.who(Question::Tamper),
        list: assessment.who(Question::List),
    }
}
