//! Which of the actions that are asked about policies may allow at all, whatever the resource and the context: for most
//! principals of an account that is none, and nothing more has to be looked at.

use std::collections::{BTreeSet, HashMap};
use std::ops::{BitAnd, BitOr, Deref};
use std::sync::{LazyLock, Mutex, PoisonError};

use foldhash::fast::RandomState;

use crate::iam::matching::action_matches;
use crate::iam::{Document, Effect, Element, NamedPolicy, Statement, Texts, Truth};

use super::assessment::Question;
use super::question::actions;
use super::resources::{Patterns, Resources};
use super::second;
use super::variables::has_variables;

/// Actions that are asked of every principal, each with its place in a set.
static ASKED: LazyLock<HashMap<&'static str, u32, RandomState>> = LazyLock::new(|| {
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

/// An Allow statement.
#[derive(Debug)]
pub(super) struct Row {
    /// Its place in the document.
    index: usize,
    /// What it may cover.
    pub covers: Actions,
    /// Its patterns among the resources of the document.
    pub resources: Option<Patterns>,
}

/// A document with what can be told of it once, whoever has it.
#[derive(Debug)]
pub(super) struct Sheet {
    policy: NamedPolicy,
    /// What some Allow statement may cover.
    pub allows: Actions,
    /// What some statement may cover, Allow or Deny.
    pub mentions: Actions,
    /// The Allow statements that cover anything that is asked about.
    rows: Box<[Row]>,
    pub resources: Resources,
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
    pub fn new(policy: NamedPolicy, masks: &Masks) -> Self {
        let (mut allows, mut mentions, mut rows) = (Actions::NONE, Actions::NONE, Vec::new());
        let mut resources = Resources::default();
        match &policy.document {
            Document::Known(known) => {
                let (all, own) = Resources::of(known);
                resources = all;
                let mut masks = masks.known.lock().unwrap_or_else(PoisonError::into_inner);
                for ((index, statement), resources) in known.statements.iter().enumerate().zip(own) {
                    let [_, covers] = Masks::covered(&mut masks, &statement.action);
                    mentions = mentions | covers;
                    if statement.effect == Effect::Allow && !covers.is_empty() {
                        allows = allows | covers;
                        rows.push(Row { index, covers, resources });
                    }
                }
            }
            Document::Unknown(_) => (allows, mentions) = (Actions::ALL, Actions::ALL),
        }
        let variables = resources.closely && has_variables(&policy);
        Self { policy, allows, mentions, rows: rows.into(), resources, variables }
    }

    /// The Allow statements of a known document that cover anything that is asked about, with what they may cover.
    pub fn rows(&self) -> impl Iterator<Item = (&Statement, Actions)> {
        self.rows.iter().filter_map(|row| Some((self.statement(row)?, row.covers)))
    }

    /// The same without the statements themselves, which lie further away.
    pub fn outlines(&self) -> &[Row] {
        &self.rows
    }

    pub fn statement(&self, row: &Row) -> Option<&Statement> {
        match &self.policy.document {
            Document::Known(known) => known.statements.get(row.index),
            Document::Unknown(_) => None,
        }
    }
}

/// What patterns of actions cover, each looked at once for all documents.
#[derive(Debug, Default)]
pub(super) struct Masks {
    /// Pattern → actions that it covers, and actions that it may cover.
    known: Mutex<Known>,
}

type Known = HashMap<String, [u128; 2], RandomState>;

impl Masks {
    /// For each statement of a document the actions that it covers, and those that it may cover.
    pub fn of_statements(&self, sheet: &Sheet) -> Vec<[Actions; 2]> {
        let Document::Known(policy) = &sheet.document else { return Vec::new() };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        policy.statements.iter().map(|statement| Self::covered(&mut known, &statement.action)).collect()
    }

    fn covered(known: &mut Known, element: &Element<Texts>) -> [Actions; 2] {
        // What an empty list covers is not documented.
        if element.get().is_empty() {
            return [Actions::NONE, Actions::ALL];
        }
        let [certain, possible] = element.get().iter().fold([0, 0], |[certain, possible], pattern| {
            let [also, may] = match known.get(&**pattern) {
                Some(masks) => *masks,
                None => *known.entry(pattern.into()).or_insert(masks(pattern)),
            };
            [certain | also, possible | may]
        });
        if element.is_not() { [Actions(!possible), Actions(!certain)] } else { [Actions(certain), Actions(possible)] }
    }
}

fn masks(pattern: &str) -> [u128; 2] {
    let element = Element::Is(vec![pattern]);
    ASKED.iter().fold([0, 0], |[certain, possible], (action, place)| {
        let truth = action_matches(&element, action);
        let bit = |is: bool| u128::from(is) << place;
        [certain | bit(truth == Truth::Yes), possible | bit(truth.possible())]
    })
}
