//! Actions that the same statements cover: whatever is decided of one of them for a principal is decided of the others, so
//! the engine is asked once.

use std::cell::RefCell;

use crate::iam::setting::is_told_by_statements;

use super::allowed::Actions;
use super::ask::Outcome;
use super::estate::Estate;
use super::question::{Action, KeyNeed, Target};
use super::subject::Subject;

/// Which statements cover an action, and which may: a bit each.
type Signature = Vec<u64>;

/// What was found for one principal, by what actions have to have in common.
#[derive(Default)]
pub(super) struct Alike {
    /// Of each statement that has a say: the actions that it covers, and those that it may cover. Worked out when the first
    /// action is looked up: of most principals none is.
    covered: RefCell<Option<Vec<[Actions; 2]>>>,
    found: RefCell<Vec<Known>>,
}

struct Known {
    likeness: Likeness,
    action: &'static str,
    outcome: Outcome,
}

/// What makes two actions the same question: the objects (by their class), what it is asked of, the part that the key has,
/// and the statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Likeness {
    class: usize,
    target: Target,
    key: KeyNeed,
    statements: Signature,
}

impl Alike {
    /// What an action has in common with others in a class of objects; `None` where more than statements may tell it from
    /// them. Only for requests that no other door leads to: lists and access points go by names of their own.
    pub fn likeness(&self, estate: &Estate<'_>, subject: &Subject, action: &Action, class: usize) -> Option<Likeness> {
        if estate.library.exhaustive
            || action.target == Target::Key
            || !is_told_by_statements(&subject.principal, action.name)
        {
            return None;
        }
        let mut covered = self.covered.borrow_mut();
        let covered = covered.get_or_insert_with(|| covered_by(estate, subject));
        let statements = signature(covered, action.name)?;
        Some(Likeness { class, target: action.target, key: action.key, statements })
    }

    /// The outcome of an action that is like another. Why something cannot be done names the action, so that is told of
    /// others only where nobody asks why.
    pub fn known(&self, likeness: &Likeness, action: &str, why: bool) -> Option<Outcome> {
        let found = self.found.borrow();
        let fits = |known: &&Known| {
            known.likeness == *likeness && (!why || known.outcome.verdict.possible() || known.action == action)
        };
        found.iter().find(fits).map(|known| known.outcome.clone())
    }

    pub fn keep(&self, likeness: Likeness, action: &'static str, outcome: &Outcome) {
        self.found.borrow_mut().push(Known { likeness, action, outcome: outcome.clone() });
    }
}

/// Every statement that has a say in what a principal asks of the bucket itself (see [`Estate::policies`]).
fn covered_by(estate: &Estate<'_>, subject: &Subject) -> Vec<[Actions; 2]> {
    let limits = &estate.limits;
    let organization = limits.service_control.iter().flatten().chain(&limits.resource_control);
    let class = subject.class.as_ref().map(|class| &class.members_only);
    let sheets = subject.identity.sheets().chain(organization).chain(class).chain(&estate.policy);
    sheets.flat_map(|sheet| estate.library.covered(sheet)).collect()
}

/// `None` for an action that is not asked of everybody: what covers such a one is not kept.
fn signature(covered: &[[Actions; 2]], action: &str) -> Option<Signature> {
    let bits = covered.iter().flatten().map(|actions| actions.has(action));
    let mut words = vec![0_u64; (covered.len() * 2).div_ceil(64)];
    for (at, is_covered) in bits.enumerate() {
        if let Some(word) = words.get_mut(at / 64) {
            *word |= u64::from(is_covered?) << (at % 64);
        }
    }
    Some(words)
}
