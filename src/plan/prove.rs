//! The proofs of an order of steps. States that several orders lead through are judged once.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::access::{Assessment, Compiled, ProofVerdict};
use crate::model::{Desired, Gap, Live};

use super::effects::{Effects, ProofEffect, StepEffect, who};
use super::shift::{Shifts, shifts};
use super::walk::{Walk, bears_on_access};
use super::{Step, StepAction, StepId};

/// The proofs that are compared between states; who can is compared principal by principal.
const COMPARED: [&str; 2] = ["delivery-works", "control-kept"];

/// Proves orders of the same steps, within a bound.
pub(super) struct Prover<'a> {
    desired: &'a [Desired],
    live: &'a Live,
    steps: &'a [Step],
    compiled: Compiled,
    /// By what was taken of the steps that bear on access. In which order does not matter: steps on one resource never
    /// change places, and others answer different questions.
    known: BTreeMap<Vec<StepId>, Rc<Assessment>>,
    /// States that may still be judged.
    left: usize,
}

impl<'a> Prover<'a> {
    pub fn new(desired: &'a [Desired], live: &'a Live, steps: &'a [Step]) -> Self {
        Self { desired, live, steps, compiled: Compiled::default(), known: BTreeMap::new(), left: usize::MAX }
    }

    /// From here on, only so many more states are judged.
    pub fn limit(&mut self, states: usize) {
        self.left = states;
    }

    pub fn bears(&self, step: usize) -> bool {
        self.steps.get(step).is_some_and(|step| bears_on_access(step, self.desired))
    }

    /// What the steps do in this order (of indices); steps are named by their place in it. `None` when the bound is
    /// reached.
    pub fn effects(&mut self, order: &[usize]) -> Option<Effects> {
        let Self { desired, live, steps, compiled, known, left } = self;
        let mut walk = Walk::new(compiled, desired, live);
        let mut taken: Vec<usize> = Vec::new();
        let mut judge = |walk: &Walk<'_>, taken: &[usize]| -> Option<Rc<Assessment>> {
            let mut key = taken.to_vec();
            key.sort_unstable();
            if let Some(judged) = known.get(&key) {
                return Some(Rc::clone(judged));
            }
            *left = left.checked_sub(1)?;
            let judged = Rc::new(light(walk.assess()));
            known.insert(key, Rc::clone(&judged));
            Some(judged)
        };
        let first = judge(&walk, &taken)?;
        let mut last = Rc::clone(&first);
        let (mut changed, mut proofs) = (Vec::new(), Vec::new());
        let is_write = |index: &usize| matches!(steps.get(*index), Some(Step { action: StepAction::Write { .. }, .. }));
        let last_write = order.iter().rposition(is_write);
        for (place, index) in order.iter().enumerate() {
            let Some(step) = steps.get(*index) else { continue };
            walk.take(step);
            // What bears on nothing is seen with the next step, and the last state is always looked at.
            if !bears_on_access(step, desired) && Some(place) != last_write {
                continue;
            }
            taken.push(*index);
            let now = judge(&walk, &taken)?;
            let Shifts { gained, lost, narrowed: _ } = shifts(&last, &now);
            if !gained.is_empty() || !lost.is_empty() {
                changed.push(StepEffect { step: place, address: step.address.clone(), gained, lost });
            }
            proofs.extend(turned(&last, &now, place, step));
            last = now;
        }
        let gaps: Vec<Gap> = first.gaps.iter().filter(|gap| !gap.is_unasked()).cloned().collect();
        Some(Effects {
            complete: gaps.is_empty() && !first.assumptions.iter().any(|one| one.unread),
            gaps,
            assumptions: first.assumptions.clone(),
            before: who(&first),
            after: who(&last),
            steps: changed,
            proofs,
            undeclared: last.holders().into_iter().filter(|holder| !holder.declared).collect(),
        })
    }
}

/// What is compared, without the witnesses.
fn light(mut assessment: Assessment) -> Assessment {
    assessment.principals.retain(|one| one.verdict.possible());
    for one in &mut assessment.principals {
        let last = one.via.pop();
        one.via = last.into_iter().collect();
        (one.witness, one.conditions, one.actions) = Default::default();
    }
    assessment.second_tier.clear();
    assessment.proofs.retain(|proof| COMPARED.contains(&proof.code.as_str()));
    assessment
}

/// Proofs whose verdict a step changes.
fn turned(before: &Assessment, after: &Assessment, place: StepId, step: &Step) -> Vec<ProofEffect> {
    let effects = after.proofs.iter().filter(|proof| COMPARED.contains(&proof.code.as_str())).map(|proof| {
        let before: Option<ProofVerdict> = before.proof(&proof.manifest, &proof.code).map(|proof| proof.verdict);
        ProofEffect {
            step: place,
            address: step.address.clone(),
            manifest: proof.manifest.clone(),
            code: proof.code.clone(),
            before,
            after: proof.verdict,
            because: proof.because.clone(),
        }
    });
    effects.filter(|effect| effect.before != Some(effect.after)).collect()
}
