//! Representatives: for one context key, a value of every kind that the conditions on it tell apart.
//!
//! The outcome of a condition on a value is computed by [`holds`], as for a concrete request. What this room owes is that
//! every outcome that some value (or list of values, or absence) of the key can have is the outcome of a representative:
//! texts by the product of all patterns (`automaton`), ranges by their endpoints (`typed`). Where it cannot promise
//! that it says so, and the key has to be treated as unknown.

mod automaton;
mod domain;
mod language;
mod typed;

use std::collections::HashSet;

use super::condition::{Lowered, holds, lowered};
use super::context::Context;
use super::document::{Condition, Version};
use super::glob::{Resolved, Token, resolve, variables};
use super::operator::{Comparison, Operator};
use super::text::Text;
use super::truth::Truth;

pub(super) use automaton::{TooLarge, combinations};
use domain::{Domain, takes_lists};
pub(super) use language::Language;

/// Whether any text can be a value of a key (lower case).
pub(super) fn takes_any_text(key: &str) -> bool {
    Domain::of(key) == Domain::Text
}

/// A condition on the key, in one of the contexts that are given with it: they fill in its variables.
#[derive(Clone, Copy, Debug)]
pub(super) struct Test<'a> {
    pub condition: &'a Condition,
    pub version: Version,
    pub context: usize,
}

/// One kind of value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    /// `None`: the key is absent.
    pub values: Option<Vec<String>>,
    /// Of each test, in their order.
    pub outcomes: Vec<Truth>,
}

/// Why no complete set of representatives is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Incomplete(pub String);

/// Limits of the search: states of the automaton, regions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub automaton: usize,
    pub regions: usize,
}

/// Every outcome that the tests can have together, each with a value that has it. Absence comes first.
///
/// `key` is lower case. Every other key that a test uses as a variable has to be fixed, absent or unknown in its context.
///
/// # Errors
/// When a limit is reached or the tests compare the key in ways that are not worked out together.
pub(super) fn regions(
    key: &str,
    tests: &[Test<'_>],
    contexts: &[Context],
    bounds: Bounds,
) -> Result<Vec<Region>, Incomplete> {
    let singles = singles(key, tests, contexts, bounds)?;
    let mut contexts = contexts.to_vec();
    let mut outcomes = |values: Option<&[String]>| -> Vec<Truth> {
        contexts.iter_mut().for_each(|context| context.set(key, values));
        let holds = |test: &Test<'_>| {
            contexts.get(test.context).map_or(Truth::Unknown, |context| holds(test.condition, test.version, context))
        };
        tests.iter().map(holds).collect()
    };
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let absent = outcomes(None);
    // Absence stays apart even where a value has the same outcome: it can be ruled out on its own.
    found.push(Region { values: None, outcomes: absent });
    for single in singles {
        let values = vec![single];
        let outcomes = outcomes(Some(&values));
        if seen.insert(outcomes.clone()) {
            found.push(Region { values: Some(values), outcomes });
        }
    }
    let elements: Vec<String> = found.iter().filter_map(|region| region.values.as_ref()?.first().cloned()).collect();
    if takes_lists(key, tests) {
        // The outcome of a longer list follows from that of a shorter one and of the value that is added.
        let mut at = 1;
        while let Some(region) = found.get(at) {
            let list = region.values.clone().unwrap_or_default();
            for element in &elements {
                let mut longer = list.clone();
                longer.push(element.clone());
                let outcomes = outcomes(Some(&longer));
                if seen.insert(outcomes.clone()) {
                    found.push(Region { values: Some(longer), outcomes });
                }
            }
            if found.len() > bounds.regions {
                break;
            }
            at += 1;
        }
    }
    if found.len() > bounds.regions {
        return Err(Incomplete(format!("more than {} kinds of values", bounds.regions)));
    }
    Ok(found)
}

/// How the values of a test are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Text,
    Address,
    Number,
    Time,
    Binary,
}

fn family(comparison: Comparison) -> Option<Family> {
    match comparison {
        Comparison::StringEquals
        | Comparison::StringEqualsIgnoreCase
        | Comparison::StringLike
        | Comparison::ArnEquals
        | Comparison::Bool => Some(Family::Text),
        Comparison::IpAddress => Some(Family::Address),
        Comparison::NumericEquals
        | Comparison::NumericLessThan
        | Comparison::NumericLessThanEquals
        | Comparison::NumericGreaterThan
        | Comparison::NumericGreaterThanEquals => Some(Family::Number),
        Comparison::DateEquals
        | Comparison::DateLessThan
        | Comparison::DateLessThanEquals
        | Comparison::DateGreaterThan
        | Comparison::DateGreaterThanEquals => Some(Family::Time),
        Comparison::BinaryEquals => Some(Family::Binary),
        // Asks only whether the key is there.
        Comparison::Null => None,
    }
}

/// One value of every kind, for requests that have one.
fn singles(key: &str, tests: &[Test<'_>], contexts: &[Context], bounds: Bounds) -> Result<Vec<String>, Incomplete> {
    let domain = Domain::of(key);
    if domain == Domain::Bool {
        return Ok(vec!["true".to_owned(), "false".to_owned()]);
    }
    let compared = |test: &Test<'_>| match test.condition.operator {
        Operator::Known { comparison, .. } => family(comparison),
        Operator::Unknown(_) => None,
    };
    let natural = match domain {
        Domain::Address => Family::Address,
        Domain::Count => Family::Number,
        Domain::Time => Family::Time,
        Domain::Text | Domain::Arn | Domain::Bool => Family::Text,
    };
    let mut families: Vec<Family> = tests.iter().filter_map(compared).collect();
    families.dedup();
    let family = families.first().copied().unwrap_or(natural);
    if families.iter().any(|other| *other != family) || (natural != Family::Text && family != natural) {
        return Err(Incomplete("its values are compared as more than one type".to_owned()));
    }
    if domain == Domain::Arn && family != Family::Text {
        return Err(Incomplete("an ARN is compared as another type".to_owned()));
    }
    let wanted = || tests.iter().flat_map(|test| test.condition.values.iter().map(Text::as_str));
    let mut values = match family {
        Family::Text => return texts(key, domain, tests, contexts, bounds),
        Family::Address => typed::addresses(wanted()),
        Family::Number => typed::numbers(wanted(), domain == Domain::Count),
        Family::Time => typed::times(wanted()),
        Family::Binary => binaries(wanted()),
    };
    if natural == Family::Text {
        // Nothing says that the value can be read as this type.
        values.push("?".to_owned());
    }
    Ok(values)
}

/// Base64 texts: those that are asked for, and another.
fn binaries<'a>(wanted: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut values: Vec<String> = wanted.map(str::to_owned).collect();
    let longest = values.iter().map(String::len).max().unwrap_or(0);
    values.push("A".repeat(longest.div_ceil(4) * 4 + 4));
    values
}

fn texts(
    key: &str,
    domain: Domain,
    tests: &[Test<'_>],
    contexts: &[Context],
    bounds: Bounds,
) -> Result<Vec<String>, Incomplete> {
    let mut languages = Vec::new();
    for test in tests {
        let Operator::Known { comparison, .. } = test.condition.operator else { continue };
        let Some(context) = contexts.get(test.context) else { continue };
        for value in &test.condition.values {
            if variables(value, test.version).any(|name| name.eq_ignore_ascii_case(key)) {
                return Err(Incomplete("it is compared with itself".to_owned()));
            }
            add(&mut languages, comparison, value, test.version, context)?;
        }
    }
    languages.sort_by_cached_key(|language| format!("{language:?}"));
    languages.dedup();
    let within = match domain {
        Domain::Arn => vec![Language::arn(&Token::pattern("arn:?*:?*:*:*:?*"))],
        _ => Vec::new(),
    };
    match combinations(&languages, &within, bounds.automaton) {
        Ok(texts) => Ok(texts),
        Err(TooLarge) => Err(Incomplete(format!("more than {} states are needed for its patterns", bounds.automaton))),
    }
}

/// The languages on which the outcome of a comparison depends.
fn add(
    languages: &mut Vec<Language>,
    comparison: Comparison,
    value: &str,
    version: Version,
    context: &Context,
) -> Result<(), Incomplete> {
    let wildcards = matches!(comparison, Comparison::StringLike | Comparison::ArnEquals);
    let tokens = match resolve(value, version, context, wildcards) {
        Resolved::Known(tokens) | Resolved::Unknown(tokens) => tokens,
        Resolved::Missing => return Ok(()),
    };
    match comparison {
        Comparison::StringEquals | Comparison::StringLike => languages.push(Language::flat(&tokens)),
        Comparison::StringEqualsIgnoreCase => match lowered(&tokens) {
            Lowered::Ascii(tokens) => languages.push(Language::without_case(&tokens)),
            Lowered::Other => return Err(Incomplete("it is compared without case beyond ASCII".to_owned())),
        },
        Comparison::Bool => {
            let truth = value.to_ascii_lowercase();
            languages.push(Language::without_case(&truth.chars().map(Token::Char).collect::<Vec<_>>()));
        }
        Comparison::ArnEquals => {
            languages.push(Language::arn(&tokens));
            // A text with fewer parts is no ARN, and a comparison with it not known.
            languages.push(Language::arn(&Token::pattern("*")));
        }
        _ => {}
    }
    Ok(())
}
