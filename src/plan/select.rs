//! `--target` and `--exclude`: a part of a plan that can be taken alone.
//!
//! Guards and proofs always see the whole estate; what is left out is simply not done. A resource is taken whole or not at
//! all, with everything that it depends on; what is left out takes along everything that depends on it. A step that could
//! stop the delivery keeps its wait.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{Address, Kind};

use super::build::Built;
use super::depend::summary;
use super::nearest::{UnknownAddress, nearest};
use super::reorder::renumbered;
use super::{Action, Change, Step, StepAction};

/// Patterns of addresses, as they were asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Only these, with what they depend on; empty is everything.
    pub target: Vec<String>,
    /// Not these, nor what depends on them.
    pub exclude: Vec<String>,
}

/// A change that a plan of a part does not make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    pub address: Address,
    pub action: Action,
}

/// That a plan is of a part, and what it leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partial {
    /// Whole when one manifest of a directory was planned.
    pub selection: Selection,
    pub left_out: Vec<LeftOut>,
}

impl Selection {
    /// Patterns in a form that does not depend on how they were written down.
    #[must_use]
    pub fn new(target: &[String], exclude: &[String]) -> Self {
        let sorted = |patterns: &[String]| {
            let all: BTreeSet<String> = patterns.iter().map(|one| one.trim().to_owned()).collect();
            all.into_iter().collect()
        };
        Self { target: sorted(target), exclude: sorted(exclude) }
    }

    /// Whether nothing is left out.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.target.is_empty() && self.exclude.is_empty()
    }

    /// Patterns that no known address matches.
    #[must_use]
    pub fn unknown(&self, known: &BTreeSet<Address>) -> Vec<UnknownAddress> {
        let unmatched = self.target.iter().chain(&self.exclude);
        unmatched
            .filter(|pattern| !known.iter().any(|address| matches(pattern, address)))
            .map(|pattern| UnknownAddress {
                asked: pattern.clone(),
                what: "matches no address of these manifests".to_owned(),
                nearest: nearest(pattern, known),
            })
            .collect()
    }

    fn wants(&self, address: &Address) -> bool {
        self.target.is_empty() || self.target.iter().any(|pattern| matches(pattern, address))
    }

    fn refuses(&self, address: &Address) -> bool {
        self.exclude.iter().any(|pattern| matches(pattern, address))
    }
}

/// Whether a pattern means an address: the address itself, `<manifest>/<kind>`, a kind, or a manifest (with or without a
/// slash at its end); `*` stands for any text in it.
#[must_use]
pub fn matches(pattern: &str, address: &Address) -> bool {
    let forms = [
        address.to_string(),
        format!("{}/{}", address.manifest, address.kind),
        address.kind.to_string(),
        address.manifest.clone(),
        format!("{}/", address.manifest),
    ];
    forms.iter().any(|form| like(pattern, form))
}

/// `*` is any text, everything else is itself.
fn like(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let Some(tail) = parts.pop() else { return true };
    for part in parts {
        let Some((_, after)) = left.split_once(part) else { return false };
        left = after;
    }
    left.len() >= tail.len() && left.ends_with(tail)
}

/// The part of a plan that a selection means; `None` for the whole.
#[must_use]
pub fn select(built: Built, selection: &Selection) -> (Built, Option<Partial>) {
    if selection.is_whole() {
        return (built, None);
    }
    let taken = taken(&built, selection);
    let order: Vec<usize> = (0..built.steps.len()).filter(|step| keeps(&built.steps, &taken, *step)).collect();
    let steps = renumbered(&built.steps, &order);
    let (changes, others): (Vec<Change>, Vec<Change>) = built
        .changes
        .into_iter()
        .partition(|change| carried(&built.steps, change).iter().any(|one| taken.contains(one)));
    let left_out = others.into_iter().filter(|change| change.action != Action::Noop);
    let left_out = left_out.map(|change| LeftOut { address: change.address, action: change.action }).collect();
    let summary = summary(&changes, built.summary.noop);
    (Built { changes, steps, gaps: built.gaps, summary }, Some(Partial { selection: selection.clone(), left_out }))
}

fn is_write(step: Option<&Step>) -> bool {
    step.is_some_and(|step| matches!(step.action, StepAction::Write { .. }))
}

/// Whether a step is in the part: a write that is taken, a wait that one of these depends on, or a wait that is there to
/// see the delivery survive one of them.
fn keeps(steps: &[Step], taken: &BTreeSet<usize>, step: usize) -> bool {
    let follows = |step: &Step| match &step.action {
        StepAction::AwaitDelivery { after_steps, .. } => after_steps.iter().any(|id| taken.contains(id)),
        StepAction::Write { .. } | StepAction::Pause { .. } => false,
    };
    taken.contains(&step) || steps.get(step).is_some_and(follows)
}

/// The steps that make a change. What a key is born with has no step of its own.
fn carried(steps: &[Step], change: &Change) -> Vec<usize> {
    let of = |is: &dyn Fn(&Address) -> bool| -> Vec<usize> {
        let writes = steps.iter().filter(|step| is_write(Some(step)) && is(&step.address));
        writes.map(|step| step.id).collect()
    };
    let own = of(&|address| *address == change.address);
    if !own.is_empty() {
        return own;
    }
    of(&|address| {
        address.kind == Kind::KmsKey
            && address.manifest == change.address.manifest
            && address.name == change.address.name
    })
}

/// Steps that are wanted with everything that they depend on, without what is left out and everything that depends on that.
fn taken(built: &Built, selection: &Selection) -> BTreeSet<usize> {
    let steps = &built.steps;
    let of = |which: &dyn Fn(&Address) -> bool| -> BTreeSet<usize> {
        let direct = steps.iter().filter(|step| is_write(Some(step)) && which(&step.address)).map(|step| step.id);
        let born = built.changes.iter().filter(|change| which(&change.address));
        direct.chain(born.flat_map(|change| carried(steps, change))).collect()
    };
    let wanted = grown(steps, of(&|address| selection.wants(address)), |step| step.depends_on.clone());
    let needs = |step: &Step| -> Vec<usize> {
        steps.iter().filter(|other| other.depends_on.contains(&step.id)).map(|other| other.id).collect()
    };
    let left_out = grown(steps, of(&|address| selection.refuses(address)), needs);
    wanted.difference(&left_out).copied().collect()
}

/// A set of steps with everything that follows from it; a resource comes whole.
fn grown(steps: &[Step], mut set: BTreeSet<usize>, next: impl Fn(&Step) -> Vec<usize>) -> BTreeSet<usize> {
    let mut left: Vec<usize> = set.iter().copied().collect();
    while let Some(step) = left.pop().and_then(|id| steps.get(id)) {
        let whole =
            steps.iter().filter(|other| is_write(Some(step)) && is_write(Some(other)) && other.address == step.address);
        for id in next(step).into_iter().chain(whole.map(|other| other.id)) {
            if set.insert(id) {
                left.push(id);
            }
        }
    }
    set
}
