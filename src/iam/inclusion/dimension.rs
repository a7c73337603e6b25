//! The kinds of actions, resources and key values that two policies tell apart.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::super::condition::holds;
use super::super::context::{Context, Lookup};
use super::super::document::{Condition, Element, Version};
use super::super::glob::{Resolved, Token, resolve, variables};
use super::super::matching::{action_matches, resource_matches};
use super::super::operator::Operator;
use super::super::principal::Principal;
use super::super::region::{Bounds, Language, Test, combinations, regions};
use super::super::states::Truths;
use super::super::text::Text;
use super::super::truth::Truth;
use super::Pair;

const BOUNDS: Bounds = Bounds { automaton: 20_000, regions: 2_000 };

/// Patterns with variables in one policy pair, of which every combination is tried.
const OPEN_PATTERNS: usize = 6;

/// The kinds of values of one dimension.
#[derive(Debug)]
pub(super) struct Kinds {
    pub name: String,
    /// A value of each kind (`None`: absent), and what it leaves of each statement.
    pub kinds: Vec<(Option<Vec<String>>, Truths)>,
}

impl Kinds {
    fn new(name: &str) -> Self {
        Self { name: name.to_owned(), kinds: Vec::new() }
    }

    pub fn masks(&self) -> Vec<Truths> {
        self.kinds.iter().map(|(_, truths)| truths.clone()).collect()
    }

    pub fn values(&self, at: usize) -> Option<Vec<String>> {
        self.kinds.get(at).and_then(|(values, _)| values.clone())
    }

    fn add(&mut self, seen: &mut HashSet<Truths>, values: Option<Vec<String>>, truths: Truths) {
        if seen.insert(truths.clone()) {
            self.kinds.push((values, truths));
        }
    }
}

pub(super) fn actions(pair: &Pair<'_>) -> Result<Kinds, String> {
    let patterns = || pair.entries.iter().flat_map(|entry| entry.statement.action.get());
    let lower: BTreeSet<String> = patterns().map(|pattern| pattern.to_ascii_lowercase()).collect();
    let languages: Vec<Language> = lower.iter().map(|pattern| Language::flat(&Token::pattern(pattern))).collect();
    let action = Language::flat(&Token::pattern("?*:?*"));
    let found = combinations(&languages, &[action], BOUNDS.automaton)
        .map_err(|_| "the action patterns are too many to be told apart".to_owned())?;
    // As somebody wrote it, where somebody did.
    let written: BTreeMap<String, &Text> = patterns().map(|text| (text.to_ascii_lowercase(), text)).collect();
    let (mut kinds, mut seen) = (Kinds::new("action"), HashSet::new());
    for text in found {
        let truths = pair.entries.iter().map(|entry| action_matches(&entry.statement.action, &text));
        let truths = Truths::new(truths);
        let text = written.get(&text).map_or(text.clone(), |text| String::from(*text));
        kinds.add(&mut seen, Some(vec![text]), truths);
    }
    Ok(kinds)
}

pub(super) fn resources(pair: &Pair<'_>) -> Result<Kinds, String> {
    // Every variable is unknown here.
    let context = Context::new(&BTreeMap::new(), &BTreeSet::from(["*".to_owned()]));
    let mut patterns: BTreeSet<(Version, &Text)> = BTreeSet::new();
    for entry in &pair.entries {
        let element = entry.statement.resource.as_ref();
        patterns.extend(element.into_iter().flat_map(Element::get).map(|text| (entry.version, text)));
    }
    let mut languages = Vec::new();
    for (version, text) in &patterns {
        if let Resolved::Known(tokens) | Resolved::Unknown(tokens) = resolve(text, *version, &context, true) {
            languages.push(Language::arn(&tokens));
            if tokens.iter().filter(|token| **token == Token::Char(':')).count() < 5 {
                languages.push(Language::flat(&tokens));
            }
        }
    }
    let arn = Language::arn(&Token::pattern("arn:?*:?*:*:*:?*"));
    let mut texts = combinations(&languages, &[arn], BOUNDS.automaton)
        .map_err(|_| "the resource patterns are too many to be told apart".to_owned())?;
    // The resource of actions that have none.
    texts.push("*".to_owned());
    let open: Vec<&Text> = patterns
        .iter()
        .filter(|(version, text)| variables(text, *version).next().is_some())
        .map(|(_, text)| *text)
        .collect();
    if open.len() > OPEN_PATTERNS {
        return Err(format!("more than {OPEN_PATTERNS} resource patterns have variables"));
    }
    let (mut kinds, mut seen) = (Kinds::new("resource"), HashSet::new());
    for text in texts {
        for assumed in 0..1_usize << open.len() {
            let truths = pair.entries.iter().map(|entry| {
                let Some(element) = &entry.statement.resource else { return Truth::Yes };
                let listed = Truth::any(element.get().iter().map(|pattern| {
                    let one = Element::Is(vec![pattern.clone()]);
                    let truth = resource_matches(&one, &text, entry.version, &context, pair.short);
                    // A pattern that may match does so or not, but the same pattern the same way in both policies.
                    match open.iter().position(|other| *other == pattern) {
                        Some(at) if truth == Truth::Unknown => (assumed >> at & 1 == 1).into(),
                        _ => truth,
                    }
                }));
                if element.is_not() { !listed } else { listed }
            });
            kinds.add(&mut seen, Some(vec![text.clone()]), Truths::new(truths));
        }
    }
    Ok(kinds)
}

/// Keys that follow from a principal of [`super::principals::classes`].
pub(super) const DERIVED: [&str; 5] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:principalisawsservice",
    "aws:principalservicename",
];

/// One entry per key; for conditions that are not worked out one entry each, true or false. `wanted` chooses the keys.
pub(super) fn keys(pair: &Pair<'_>, principal: Option<&Principal>, wanted: impl Fn(&str) -> bool) -> Vec<Kinds> {
    let mut derived = Context::default();
    if let Some(principal) = principal {
        derive(principal, &mut derived);
    }
    let mut conditions: BTreeMap<String, BTreeSet<(Version, &Condition)>> = BTreeMap::new();
    for entry in &pair.entries {
        for condition in &entry.statement.conditions {
            let key = condition.key.to_ascii_lowercase();
            if !wanted(&key) {
                continue;
            }
            conditions.entry(key).or_default().insert((entry.version, condition));
        }
    }
    let mut all = Vec::new();
    for (key, group) in conditions {
        let group: Vec<(Version, &Condition)> = group.into_iter().collect();
        let fixed = principal.is_some() && derived.lookup(&key) != Lookup::Unknown;
        let worked_out = |(version, condition): &(Version, &Condition)| {
            let has_variables = condition.values.iter().any(|value| variables(value, *version).next().is_some());
            !has_variables && !matches!(condition.operator, Operator::Unknown(_))
        };
        let (plain, mut open): (Vec<_>, Vec<_>) = group.into_iter().partition(worked_out);
        if fixed {
            let mut kinds = Kinds::new(&key);
            let outcomes: Vec<Truth> =
                plain.iter().map(|(version, condition)| holds(condition, *version, &derived)).collect();
            kinds.kinds.push((None, mask(pair, &plain, &outcomes)));
            all.push(kinds);
        } else if !plain.is_empty() {
            let tests: Vec<Test<'_>> =
                plain.iter().map(|(version, condition)| Test { condition, version: *version, context: 0 }).collect();
            match regions(&key, &tests, &[Context::default()], BOUNDS) {
                Ok(regions) => {
                    let (mut kinds, mut seen) = (Kinds::new(&key), HashSet::new());
                    for region in regions {
                        kinds.add(&mut seen, region.values, mask(pair, &plain, &region.outcomes));
                    }
                    all.push(kinds);
                }
                Err(_) => open.extend(plain.iter().copied()),
            }
        }
        for one in open {
            let mut kinds = Kinds::new(&key);
            for truth in [Truth::No, Truth::Yes] {
                kinds.kinds.push((None, mask(pair, &[one], &[truth])));
            }
            all.push(kinds);
        }
    }
    all
}

/// Adds the keys that follow from a principal.
pub(super) fn derive(principal: &Principal, context: &mut Context) {
    principal.derive(context);
    if matches!(principal, Principal::Service { .. } | Principal::Federated { .. }) {
        // Whatever these show here, it is no role or user that a policy could name.
        context.set("aws:PrincipalArn", None);
    }
}

/// What outcomes of conditions leave of each statement.
fn mask(pair: &Pair<'_>, conditions: &[(Version, &Condition)], outcomes: &[Truth]) -> Truths {
    Truths::new(pair.entries.iter().map(|entry| {
        Truth::all(conditions.iter().zip(outcomes).filter_map(|((version, condition), outcome)| {
            let has = *version == entry.version && entry.statement.conditions.contains(condition);
            has.then_some(*outcome)
        }))
    }))
}
