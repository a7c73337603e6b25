//! Which of the actions that are asked about policies may allow at all, whatever the resource and the context: for most
//! principals of an account that is none, and nothing more has to be looked at.

use std::collections::{BTreeSet, HashMap};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::iam::matching::action_matches;
use crate::iam::{Document, Effect, Element, NamedPolicy, Statement, Truth};

use super::assessment::Question;
use super::question::actions;
use super::second;

/// Actions that are asked of every principal, each with its place in a set.
static ASKED: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let questions = Question::ALL.into_iter().flat_map(actions).map(|action| action.name);
    let others = ["iam:PassRole", "sts:AssumeRole", "sts:TagSession"];
    let all: BTreeSet<&'static str> = questions.chain(second::actions()).chain(others).collect();
    // What has no place is looked up in the documents.
    (0..u128::BITS).zip(all).map(|(place, action)| (action, place)).collect()
});

#[cfg(test)]
pub(super) fn asked() -> impl Iterator<Item = &'static str> {
    ASKED.keys().copied()
}

/// A set of actions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Actions(u128);

impl Actions {
    /// `None` for an action that is not asked of everybody.
    pub fn has(self, action: &str) -> Option<bool> {
        ASKED.get(action).map(|place| self.0 >> place & 1 == 1)
    }

    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Whether a document has an Allow statement for an action.
pub(super) fn may_allow(policy: &NamedPolicy, action: &str) -> bool {
    match &policy.document {
        Document::Known(policy) => policy
            .statements
            .iter()
            .any(|statement| statement.effect == Effect::Allow && action_matches(&statement.action, action).possible()),
        Document::Unknown(_) => true,
    }
}

/// The same for all actions, each pattern looked at once for all documents.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// Pattern → actions that it covers, and actions that it may cover.
    known: Mutex<HashMap<String, [u128; 2]>>,
}

impl Patterns {
    /// The actions that some Allow statement of a document may cover.
    pub fn allowed(&self, policy: &NamedPolicy) -> Actions {
        self.allowed_where(policy, |_| true)
    }

    /// The same for some of its statements.
    pub fn allowed_where(&self, policy: &NamedPolicy, which: impl Fn(&Statement) -> bool) -> Actions {
        let Document::Known(policy) = &policy.document else { return Actions(u128::MAX) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let allows = policy.statements.iter().filter(|one| one.effect == Effect::Allow && which(one));
        Actions(allows.fold(0, |all, statement| all | Self::covered(&mut known, &statement.action)))
    }

    fn covered(known: &mut HashMap<String, [u128; 2]>, element: &Element<Vec<String>>) -> u128 {
        if element.get().is_empty() {
            return u128::MAX;
        }
        let [certain, possible] = element.get().iter().fold([0, 0], |[certain, possible], pattern| {
            let [also, may] = match known.get(pattern) {
                Some(masks) => *masks,
                None => *known.entry(pattern.clone()).or_insert(masks(pattern)),
            };
            [certain | also, possible | may]
        });
        if element.is_not() { !certain } else { possible }
    }
}

fn masks(pattern: &str) -> [u128; 2] {
    let element = Element::Is(vec![pattern.to_owned()]);
    ASKED.iter().fold([0, 0], |[certain, possible], (action, place)| {
        let truth = action_matches(&element, action);
        let bit = |is: bool| u128::from(is) << place;
        [certain | bit(truth == Truth::Yes), possible | bit(truth.possible())]
    })
}
