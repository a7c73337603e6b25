//! The steps in an order in which no state between two of them opens access, stops the delivery or locks out: the usual
//! one (`order.rs`), or, when the proofs speak against that, another that keeps every dependency.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Address, Desired, Kind, Live};

use super::effects::Effects;
use super::guard::violations;
use super::order;
use super::prove::Prover;
use super::search::{Problem, Search, search};
use super::{Step, StepAction, StepId};

/// States that are judged in search of another order, beside those of the usual one. Each costs what `access` costs.
const MOST_STATES: usize = 48;

/// How the order of a plan came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Order {
    #[default]
    Usual,
    /// Steps that wait for others only so that no state between them is unsafe.
    Other(Vec<Waits>),
    /// The usual order is refused, and no other was found.
    NoneFound {
        /// Other orders that were judged.
        tried: usize,
        /// Whether the search ended at its bound.
        bounded: bool,
    },
}

/// A step that waits for another, against the usual order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    pub step: Address,
    pub title: String,
    pub behind: Address,
    /// What would happen otherwise.
    pub because: String,
}

/// Steps in their order, with what they do to access.
#[derive(Clone, Debug)]
pub struct Ordered {
    pub steps: Vec<Step>,
    pub access: Effects,
    pub order: Order,
}

/// Proves the usual order and, when the guards of the proofs would refuse it, searches another that they would not. The same
/// inputs give the same order. When none is found the usual one stays, to be refused.
#[must_use]
pub fn safe_order(desired: &[Desired], live: &Live, steps: Vec<Step>) -> Ordered {
    let mut prover = Prover::new(desired, live, &steps);
    let usual: Vec<usize> = (0..steps.len()).collect();
    let access = prover.effects(&usual).unwrap_or_default();
    if violations(desired, live, &steps, &access).is_empty() {
        return Ordered { steps, access, order: Order::Usual };
    }
    prover.limit(MOST_STATES);
    let bears: BTreeSet<usize> = usual.iter().copied().filter(|step| prover.bears(*step)).collect();
    let found = search(
        steps.len(),
        &fixed(&steps),
        |step| bears.contains(&step),
        |order| {
            let effects = prover.effects(order)?;
            let found = violations(desired, live, &renumbered(&steps, order), &effects);
            let problem = |one: super::guard::Violation| {
                Some(Problem { step: order.get(one.step).copied()?, message: one.message })
            };
            Some(found.into_iter().filter_map(problem).collect())
        },
    );
    match found {
        Search::Usual => Ordered { steps, access, order: Order::Usual },
        Search::NotFound { tried, bounded } => Ordered { steps, access, order: Order::NoneFound { tried, bounded } },
        Search::Found { order, moves } => {
            let access = prover.effects(&order).unwrap_or(access);
            let mut waiting = steps.clone();
            let mut waits = Vec::new();
            for one in moves {
                let behind = steps.get(one.first).map(|step| step.address.clone());
                let (Some(behind), Some(step)) = (behind, waiting.get_mut(one.then)) else { continue };
                // When the one fails the other must not be taken either.
                step.depends_on.push(one.first);
                let (address, title) = (step.address.clone(), step.title.clone());
                waits.push(Waits { step: address, title, behind, because: one.because });
            }
            Ordered { steps: renumbered(&waiting, &order), access, order: Order::Other(waits) }
        }
    }
}

/// What no search may change: dependencies, the order of everything about log delivery, on which slots and waits rest, and
/// the side of a wait on which a step is that could stop the delivery, since the wait is there to see it survive.
fn fixed(steps: &[Step]) -> BTreeSet<(usize, usize)> {
    let mut edges: BTreeSet<(usize, usize)> = BTreeSet::new();
    for (place, step) in steps.iter().enumerate() {
        edges.extend(step.depends_on.iter().map(|earlier| (*earlier, place)));
        for (other, earlier) in steps.iter().enumerate().take(place) {
            let delivery = |one: &Step| one.address.kind == Kind::LogDelivery;
            let risky = |one: &Step| order::may_stop_delivery(one.address.kind);
            let waits = |one: &Step| !matches!(one.action, StepAction::Write { .. });
            let across = waits(step) && risky(earlier) || waits(earlier) && risky(step);
            if delivery(step) && delivery(earlier) || across || step.address == earlier.address {
                edges.insert((other, place));
            }
        }
    }
    edges
}

/// The steps in an order of their indices, with numbers and dependencies that follow it.
pub(super) fn renumbered(steps: &[Step], order: &[usize]) -> Vec<Step> {
    let places: BTreeMap<usize, StepId> = order.iter().enumerate().map(|(place, step)| (*step, place)).collect();
    let moved = |ids: &[StepId]| -> Vec<StepId> {
        let places: BTreeSet<StepId> = ids.iter().filter_map(|id| places.get(id).copied()).collect();
        places.into_iter().collect()
    };
    let taken = order.iter().filter_map(|step| steps.get(*step));
    taken
        .enumerate()
        .map(|(place, step)| {
            let mut step = step.clone();
            step.id = place;
            step.depends_on = moved(&step.depends_on);
            if let StepAction::AwaitDelivery { after_steps, .. } = &mut step.action {
                *after_steps = moved(after_steps);
            }
            step
        })
        .collect()
}
