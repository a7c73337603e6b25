//! The proofs of an order of steps. States that several orders lead through are judged once.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::access::{Assessment, Basis, Changes, Compiled, Part, ProofVerdict};
use crate::model::{Desired, Gap, Live};

use super::effects::{Effects, ProofEffect, StepEffect, who};
use super::shift::shifts;
use super::walk::{Walk, bears_on_access};
use super::{Step, StepAction, StepId};

/// The proofs that are compared between states; who can is compared principal by principal.
const COMPARED: [&str; 2] = ["delivery-works", "control-kept"];

/// Proves orders of the same steps, within a bound.
pub(super) struct Prover<'a> {
    desired: &'a [Desired],
    live: &'a Live,
    steps: &'a [Step],
    parts: Vec<Part>,
    compiled: Compiled,
    /// By what was taken of the steps that bear on access. In which order does not matter: steps on one resource never
    /// change places, and others answer different questions.
    known: BTreeMap<Taken, Rc<State>>,
    /// States that may still be judged.
    left: usize,
}

/// A set of steps.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Taken(Vec<u64>);

impl Taken {
    fn insert(&mut self, step: usize) {
        let (word, bit) = (step / 64, step % 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << bit;
        }
    }
}

/// Who can in one state, bucket by bucket.
struct State {
    parts: Vec<Rc<Judged>>,
}

struct Judged {
    found: Assessment,
    /// `None` while the bucket has no policy yet that this plan makes: nothing is said of it until it has.
    basis: Option<Basis>,
}

impl State {
    fn found(&self) -> impl Iterator<Item = &Assessment> {
        self.parts.iter().map(|part| &part.found)
    }
}

impl<'a> Prover<'a> {
    pub fn new(desired: &'a [Desired], live: &'a Live, steps: &'a [Step]) -> Self {
        let (parts, compiled) = (Part::all(desired), Compiled::default());
        Self { desired, live, steps, parts, compiled, known: BTreeMap::new(), left: usize::MAX }
    }

    /// From here on, only so many more states are judged.
    pub fn limit(&mut self, states: usize) {
        self.left = states;
    }

    pub fn bears(&self, step: usize) -> bool {
        self.steps.get(step).is_some_and(|step| bears_on_access(step, self.desired))
    }

    /// What was judged after some steps, bucket by bucket.
    #[cfg(test)]
    pub fn known_after(&self, steps: &[usize]) -> Vec<&Assessment> {
        let mut taken = Taken::default();
        steps.iter().for_each(|step| taken.insert(*step));
        self.known.get(&taken).into_iter().flat_map(|state| state.found()).collect()
    }

    /// What the steps do in this order (of indices); steps are named by their place in it. `None` when the bound is
    /// reached.
    pub fn effects(&mut self, order: &[usize]) -> Option<Effects> {
        let Self { desired, live, steps, parts, compiled, known, left } = self;
        let mut walk = Walk::new(compiled, desired, live);
        let mut taken = Taken::default();
        let mut judge = |walk: &mut Walk<'_>, taken: &Taken, last: Option<&State>| -> Option<Rc<State>> {
            let changes = walk.changes();
            if let Some(judged) = known.get(taken) {
                return Some(Rc::clone(judged));
            }
            *left = left.checked_sub(1)?;
            let judged = Rc::new(match last {
                Some(last) => next(parts, walk, last, &changes),
                None => State { parts: parts.iter().map(|part| judged(walk, part)).collect() },
            });
            known.insert(taken.clone(), Rc::clone(&judged));
            Some(judged)
        };
        let first = judge(&mut walk, &taken, None)?;
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
            taken.insert(*index);
            let now = judge(&mut walk, &taken, Some(&last))?;
            let (mut gained, mut lost) = (Vec::new(), Vec::new());
            for (before, after) in
                last.parts.iter().zip(&now.parts).filter(|(before, after)| !Rc::ptr_eq(before, after))
            {
                let shifts = shifts(&before.found, &after.found);
                gained.extend(shifts.gained);
                lost.extend(shifts.lost);
                proofs.extend(turned(&before.found, &after.found, place, step));
            }
            gained.sort();
            lost.sort();
            if !gained.is_empty() || !lost.is_empty() {
                changed.push(StepEffect { step: place, address: step.address.clone(), gained, lost });
            }
            last = now;
        }
        let [before, after] = [&first, &last].map(|state| Assessment::whole(state.found().cloned()));
        let gaps: Vec<Gap> = before.gaps.iter().filter(|gap| !gap.is_unasked()).cloned().collect();
        Some(Effects {
            complete: gaps.is_empty() && !before.assumptions.iter().any(|one| one.unread),
            gaps,
            before: who(&before),
            after: who(&after),
            assumptions: before.assumptions,
            steps: changed,
            proofs,
            undeclared: after.holders().into_iter().filter(|holder| !holder.declared).collect(),
        })
    }
}

/// The state after another one: what nothing touched is as it was.
fn next(parts: &[Part], walk: &Walk<'_>, last: &State, changes: &Changes) -> State {
    let next = |(part, before): (&Part, &Rc<Judged>)| match &before.basis {
        _ if walk.is_unborn(part.bucket()) => Rc::clone(before),
        Some(basis) if basis.outlasts(changes) => Rc::clone(before),
        _ => judged(walk, part),
    };
    State { parts: parts.iter().zip(&last.parts).map(next).collect() }
}

fn judged(walk: &Walk<'_>, part: &Part) -> Rc<Judged> {
    let (found, basis) = walk.judge(part);
    Rc::new(Judged { found: light(found), basis: (!walk.is_unborn(part.bucket())).then_some(basis) })
}

/// What is compared, without the witnesses.
pub(super) fn light(mut assessment: Assessment) -> Assessment {
    assessment.principals.retain(|one| one.verdict.possible());
    // Most cannot, and there are as many of these as there are states.
    assessment.principals.shrink_to_fit();
    for one in &mut assessment.principals {
        let last = one.via.pop();
        one.via = last.into_iter().collect();
        (one.witness, one.conditions, one.actions) = Default::default();
    }
    assessment.second_tier = Vec::new();
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
