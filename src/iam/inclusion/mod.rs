//! Whether one policy allows nothing that another does not.
//!
//! Every dimension of a request (principal, action, resource, each context key) is cut into the kinds of values that the two
//! policies tell apart; the statements that can apply together are walked through, and the candidate may never allow where
//! the reference does not. A principal stands for itself: an account that is named in `Principal` includes its roles and users.
//! What is not worked out (comparisons of two keys, undocumented operators) is taken to be free, so that "included" is proven;
//! a counterexample counts only when the concrete matching confirms it.

mod by_statement;
mod dimension;
mod principals;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::condition::conditions_hold;
use super::context::Context;
use super::document::{Effect, Element, Policy, Statement, Version};
use super::glob::Short;
use super::matching::{action_matches, resource_matches};
use super::principal::Principal;
use super::states::{State, Truths, reachable};
use super::text::Texts;
use super::truth::Truth;
use dimension::{DERIVED, Kinds, actions, derive, keys, resources};

/// Combinations of statements that are looked at.
const STATES: usize = 20_000;

/// A request that the candidate allows and the reference does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excess {
    /// `None` between identity policies.
    pub principal: Option<String>,
    pub action: String,
    pub resource: String,
    /// Condition keys that matter and their values; a key that is not here is absent.
    pub context: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inclusion {
    /// Everything that the candidate allows, the reference allows too.
    Included,
    NotIncluded(Excess),
    /// Not decided, and why.
    Unknown(String),
}

/// A statement of one of the two policies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub candidate: bool,
    pub version: Version,
    pub statement: &'a Statement,
}

/// Whether the reference allows every request that the candidate allows. Both have to be of one kind: identity policies, or
/// policies with principals.
#[must_use]
pub fn includes(reference: &Policy, candidate: &Policy) -> Inclusion {
    let of = |policy: &'_ Policy| policy.version;
    let entries: Vec<Entry<'_>> = (reference.statements.iter().map(|s| (false, of(reference), s)))
        .chain(candidate.statements.iter().map(|s| (true, of(candidate), s)))
        .map(|(candidate, version, statement)| Entry { candidate, version, statement })
        .collect();
    let with_principals = entries.iter().filter(|entry| entry.statement.principal.is_some()).count();
    if with_principals != 0 && with_principals != entries.len() {
        return Inclusion::Unknown("one policy names principals and the other does not".to_owned());
    }
    if by_statement::proves(reference, candidate) {
        return Inclusion::Included;
    }
    let short = if with_principals == 0 { Short::Padded } else { Short::PaddedIfWild };
    let pair = Pair { entries, short };
    match pair.compare(with_principals != 0) {
        Ok(inclusion) => inclusion,
        Err(why) => Inclusion::Unknown(why),
    }
}

pub(super) struct Pair<'a> {
    pub entries: Vec<Entry<'a>>,
    pub short: Short,
}

impl Pair<'_> {
    fn compare(&self, with_principals: bool) -> Result<Inclusion, String> {
        let (actions, resources) = (actions(self)?, resources(self)?);
        let principals: Vec<Option<Principal>> = match with_principals {
            true => principals::classes(self)?.into_iter().map(Some).collect(),
            false => vec![None],
        };
        // Keys that follow from the principal are looked at with each.
        let follows = |key: &str| with_principals && DERIVED.contains(&key);
        let shared = keys(self, None, |key| !follows(key));
        let mut open = None;
        for principal in &principals {
            let start = Truths::new(self.entries.iter().map(|entry| principals::names(entry, principal.as_ref())));
            let own = keys(self, principal.as_ref(), follows);
            let keys: Vec<&Kinds> = shared.iter().chain(&own).collect();
            let mut masks = vec![actions.masks(), resources.masks()];
            masks.extend(keys.iter().map(|kinds| kinds.masks()));
            let states = reachable(start, &masks, STATES)
                .ok_or_else(|| format!("more than {STATES} combinations of statements"))?;
            for state in &states {
                let truth = |at: usize| state.truths.get(at);
                if self.allows(true, truth) == Truth::No || self.allows(false, truth) == Truth::Yes {
                    continue;
                }
                let excess = excess(principal.as_ref(), &actions, &resources, &keys, state);
                match self.confirmed(principal.as_ref(), &excess) {
                    true => return Ok(Inclusion::NotIncluded(excess)),
                    false => open = Some(excess),
                }
            }
        }
        Ok(match open {
            None => Inclusion::Included,
            Some(excess) => Inclusion::Unknown(format!(
                "whether both allow `{}` on `{}` depends on a comparison that is not worked out",
                excess.action, excess.resource
            )),
        })
    }

    /// Whether one of the policies allows, given the truth of each statement.
    fn allows(&self, candidate: bool, truth: impl Fn(usize) -> Truth) -> Truth {
        let (mut allow, mut deny) = (Truth::No, Truth::No);
        for (at, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.candidate == candidate) {
            match entry.statement.effect {
                Effect::Allow => allow = allow.or(truth(at)),
                Effect::Deny => deny = deny.or(truth(at)),
            }
        }
        allow.and(!deny)
    }

    /// Whether the concrete matching agrees that the candidate allows this request and the reference does not.
    fn confirmed(&self, principal: Option<&Principal>, excess: &Excess) -> bool {
        let mut context = Context::new(&excess.context, &BTreeSet::new());
        if let Some(principal) = principal {
            derive(principal, &mut context);
        }
        let truth = |at: usize| {
            let Some(entry) = self.entries.get(at) else { return Truth::Unknown };
            let Statement { action, resource, conditions, .. } = entry.statement;
            let matches = |element: &Element<Texts>| {
                resource_matches(element, &excess.resource, entry.version, &context, self.short)
            };
            principals::names(entry, principal)
                .and(action_matches(action, &excess.action))
                .and(resource.as_ref().map_or(Truth::Yes, matches))
                .and(conditions_hold(conditions, entry.version, &context))
        };
        self.allows(true, truth) == Truth::Yes && self.allows(false, truth) == Truth::No
    }
}

fn excess(principal: Option<&Principal>, actions: &Kinds, resources: &Kinds, keys: &[&Kinds], state: &State) -> Excess {
    let mut chosen = state.chosen.iter().copied();
    let mut next = |kinds: &Kinds| chosen.next().and_then(|at| kinds.values(at));
    let first = |values: Option<Vec<String>>| values.and_then(|list| list.into_iter().next()).unwrap_or_default();
    let action = first(next(actions));
    let resource = first(next(resources));
    let mut context = BTreeMap::new();
    for key in keys {
        if let Some(values) = next(key) {
            context.insert(key.name.clone(), values);
        }
    }
    Excess { principal: principal.map(ToString::to_string), action, resource, context }
}
