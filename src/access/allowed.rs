//! Which of the actions that are asked about policies may allow at all, whatever the resource and the context: for most
//! principals of an account that is none, and nothing more has to be looked at.

use std::collections::{BTreeSet, HashMap};
use std::ops::{BitAnd, BitOr, Deref};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::iam::matching::action_matches;
use crate::iam::{Document, Effect, Element, NamedPolicy, Statement, Truth};

use super::assessment::Question;
use super::question::actions;
use super::second;
use super::variables::has_variables;

/// Actions that are asked of every principal, each with its place in a set.
static ASKED: LazyLock<HashMap<&'static str, u32>> = LazyLock::new(|| {
    let questions = Question::ALL.into_iter().flat_map(actions).map(|action| action.name);
    let others = ["iam:PassRole", "kms:Decrypt", "s3:GetDataAccess", "sts:AssumeRole", "sts:TagSession"];
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
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self(u128::MAX);

    /// Those of a list that are asked of everybody.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().filter_map(|name| ASKED.get(name)).fold(0, |all, place| all | 1 << place))
    }

    /// Those of them whose names are to be kept.
    pub fn named(keep: impl Fn(&str) -> bool) -> Self {
        Self::of(ASKED.keys().copied().filter(|name| keep(name)))
    }

    /// `None` for an action that is not asked of everybody.
    pub fn has(self, action: &str) -> Option<bool> {
        ASKED.get(action).map(|place| self.0 >> place & 1 == 1)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitOr for Actions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for Actions {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
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

/// A document with what can be told of it once, whoever has it.
#[derive(Debug)]
pub(super) struct Sheet {
    policy: NamedPolicy,
    /// What some Allow statement may cover.
    pub allows: Actions,
    /// What some statement may cover, Allow or Deny.
    pub mentions: Actions,
    /// The Allow statements that cover anything that is asked about: their place in the document, and what they may cover.
    rows: Vec<(usize, Actions)>,
    /// Whether it has variables.
    pub variables: bool,
}

impl Deref for Sheet {
    type Target = NamedPolicy;

    fn deref(&self) -> &NamedPolicy {
        &self.policy
    }
}

impl Sheet {
    pub fn new(policy: NamedPolicy, patterns: &Patterns) -> Self {
        let (mut allows, mut mentions, mut rows) = (Actions::NONE, Actions::NONE, Vec::new());
        match &policy.document {
            Document::Known(known) => {
                let mut masks = patterns.known.lock().unwrap_or_else(PoisonError::into_inner);
                for (index, statement) in known.statements.iter().enumerate() {
                    let covers = Patterns::covered(&mut masks, &statement.action);
                    mentions = mentions | covers;
                    if statement.effect == Effect::Allow && !covers.is_empty() {
                        allows = allows | covers;
                        rows.push((index, covers));
                    }
                }
                rows.shrink_to_fit();
            }
            Document::Unknown(_) => (allows, mentions) = (Actions::ALL, Actions::ALL),
        }
        let variables = has_variables(&policy);
        Self { policy, allows, mentions, rows, variables }
    }

    /// The Allow statements of a known document that cover anything that is asked about, with what they may cover.
    pub fn rows(&self) -> impl Iterator<Item = (&Statement, Actions)> {
        let statements = match &self.policy.document {
            Document::Known(known) => known.statements.as_slice(),
            Document::Unknown(_) => &[],
        };
        self.rows.iter().filter_map(|(index, covers)| Some((statements.get(*index)?, *covers)))
    }
}

/// What patterns of actions cover, each looked at once for all documents.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    /// Pattern → actions that it covers, and actions that it may cover.
    known: Mutex<HashMap<String, [u128; 2]>>,
}

impl Patterns {
    fn covered(known: &mut HashMap<String, [u128; 2]>, element: &Element<Vec<String>>) -> Actions {
        if element.get().is_empty() {
            return Actions::ALL;
        }
        let [certain, possible] = element.get().iter().fold([0, 0], |[certain, possible], pattern| {
            let [also, may] = match known.get(pattern) {
                Some(masks) => *masks,
                None => *known.entry(pattern.clone()).or_insert(masks(pattern)),
            };
            [certain | also, possible | may]
        });
        Actions(if element.is_not() { !certain } else { possible })
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
