//! Object keys below a prefix, split into the kinds that the policies tell apart. One key of every kind is asked about, so
//! that no statement about some of the objects is missed.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use crate::iam::glob::Token;

/// States of the search after which the split is given up.
const MOST_STATES: usize = 20_000;
/// Kinds of keys after which it is given up: each is asked about for every principal.
const MOST_KINDS: usize = 64;

/// Where a pattern may stand after some characters.
type Positions = Vec<u16>;

/// One text of every kind that `patterns` tell apart among the texts of `language`, shortest first. `None` when there are
/// too many kinds to look at.
pub(super) fn split(language: &[Token], patterns: &[Vec<Token>]) -> Option<Vec<String>> {
    let machines: Vec<&[Token]> = std::iter::once(language).chain(patterns.iter().map(Vec::as_slice)).collect();
    if machines.iter().any(|machine| machine.len() >= usize::from(u16::MAX)) {
        return None;
    }
    let alphabet = alphabet(&machines);
    let start: Vec<Positions> = machines.iter().map(|machine| closed(machine, [0])).collect();
    let mut seen: HashSet<Vec<Positions>> = HashSet::from([start.clone()]);
    let mut queue = VecDeque::from([(start, String::new())]);
    let mut kinds: BTreeMap<Vec<bool>, String> = BTreeMap::new();
    while let Some((state, text)) = queue.pop_front() {
        let mut accepts = machines.iter().zip(&state).map(|(machine, at)| accepts(machine, at));
        if accepts.next() == Some(true) {
            kinds.entry(accepts.collect()).or_insert_with(|| text.clone());
            if kinds.len() > MOST_KINDS {
                return None;
            }
        }
        for c in &alphabet {
            let next: Vec<Positions> = machines.iter().zip(&state).map(|(machine, at)| step(machine, at, *c)).collect();
            // Outside the language nothing is of interest any more.
            if next.first().is_none_or(Vec::is_empty) || !seen.insert(next.clone()) {
                continue;
            }
            if seen.len() > MOST_STATES {
                return None;
            }
            let mut longer = text.clone();
            longer.push(*c);
            queue.push_back((next, longer));
        }
    }
    let mut texts: Vec<String> = kinds.into_values().collect();
    texts.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    Some(texts)
}

/// Every character that a pattern names, and one that stands for all others.
fn alphabet(machines: &[&[Token]]) -> Vec<char> {
    let named: BTreeSet<char> = machines
        .iter()
        .flat_map(|machine| machine.iter())
        .filter_map(|token| match token {
            Token::Char(c) | Token::Text(c) => Some(*c),
            Token::Any | Token::One => None,
        })
        .collect();
    let other = ('a'..='z').rev().chain('0'..='9').chain('\u{e0}'..='\u{ff}').find(|c| !named.contains(c));
    other.into_iter().chain(named).collect()
}

/// Adds what `*` reaches without a character.
fn closed(machine: &[Token], positions: impl IntoIterator<Item = u16>) -> Positions {
    let mut all: BTreeSet<u16> = BTreeSet::new();
    for mut position in positions {
        while all.insert(position) && machine.get(usize::from(position)) == Some(&Token::Any) {
            position += 1;
        }
    }
    all.into_iter().collect()
}

fn step(machine: &[Token], positions: &[u16], c: char) -> Positions {
    let next = positions.iter().filter_map(|position| match machine.get(usize::from(*position))? {
        Token::Any => Some(*position),
        Token::One => Some(position + 1),
        Token::Char(wanted) | Token::Text(wanted) => (*wanted == c).then_some(position + 1),
    });
    closed(machine, next)
}

fn accepts(machine: &[Token], positions: &[u16]) -> bool {
    positions.last().is_some_and(|last| usize::from(*last) == machine.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iam::glob::glob;

    fn kinds(language: &str, patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<Vec<Token>> = patterns.iter().map(|text| Token::pattern(text)).collect();
        split(&Token::pattern(language), &patterns).expect("few kinds")
    }

    #[test]
    fn every_kind_of_key_has_a_witness() {
        let patterns = ["b/*", "b/audit/*.json", "b/audit/w?/*", "b/other/*", "*secret*", "b/audit/one"];
        let found = kinds("b/audit/?*", &patterns);
        let signature = |text: &str| -> Vec<bool> { patterns.iter().map(|p| glob(&Token::pattern(p), text)).collect() };
        let signatures: BTreeSet<Vec<bool>> = found.iter().map(|text| signature(text)).collect();
        assert_eq!(signatures.len(), found.len(), "a kind twice: {found:?}");
        // Every short key of the language is of one of the kinds.
        let alphabet: Vec<char> = "wx/.jsonecrt1".chars().collect();
        let mut texts = vec!["b/audit/".to_owned()];
        for _ in 0..4 {
            texts = texts.iter().flat_map(|text| alphabet.iter().map(move |c| format!("{text}{c}"))).collect();
            for text in &texts {
                assert!(signatures.contains(&signature(text)), "`{text}` is of no kind");
            }
        }
        assert!(signatures.contains(&signature("b/audit/w1/secret.json")));
        assert!(signatures.contains(&signature("b/audit/one")));
    }

    #[test]
    fn without_patterns_one_key_is_enough() {
        assert_eq!(kinds("b/audit/?*", &[]), ["b/audit/z"]);
        assert_eq!(kinds("b/audit/?*", &["other/*"]).len(), 1);
    }

    #[test]
    fn too_many_kinds_are_given_up() {
        let patterns: Vec<Vec<Token>> = (0..12).map(|n| Token::pattern(&format!("*{n}*{n}*{n}*"))).collect();
        assert_eq!(split(&Token::pattern("b/?*"), &patterns), None);
    }
}
