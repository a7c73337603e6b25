//! Which combinations of patterns can one text match? Found by walking the product of all patterns breadth first, so that
//! each combination comes with a shortest text.
//!
//! Patterns without wildcards form a trie, which is deterministic; the others run side by side as one non-deterministic
//! automaton whose set of active positions is a bit set (Shift-And; R. Baeza-Yates, G. Gonnet, "A new approach to text
//! searching", 1992). Positions before an active `*` are dropped: what is reached from them is reached from the `*` as well.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::language::{Language, Step};

/// The search was larger than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge;

/// One shortest text for every set of languages that some text has in common, the empty set included; of these only those
/// that are in all languages of `within`.
///
/// # Errors
/// When more than `limit` states, or a time in proportion, would be needed.
pub fn combinations(languages: &[Language], within: &[Language], limit: usize) -> Result<Vec<String>, TooLarge> {
    let literals: BTreeSet<String> = languages.iter().filter_map(Language::literal).collect();
    if within.is_empty() && languages.iter().all(|language| language.literal().is_some()) {
        return Ok(with_another(literals));
    }
    // Mostly a text that tells the wildcard patterns apart is none of the literals, and those need no automaton.
    let texts = Machine::new(languages, within, false).run(limit)?;
    if texts.iter().any(|text| literals.contains(text)) {
        return Machine::new(languages, within, true).run(limit);
    }
    let inside = literals.into_iter().filter(|text| within.iter().all(|language| language.contains(text)));
    Ok(texts.into_iter().chain(inside).collect())
}

/// The literals and a text that is none of them.
fn with_another(literals: BTreeSet<String>) -> Vec<String> {
    let mut other = "x".to_owned();
    while literals.contains(&other) {
        other.push('x');
    }
    std::iter::once(other).chain(literals).collect()
}

const DEAD: u32 = u32::MAX;
const BITS: usize = u64::BITS as usize;
/// Machine words that may be touched per state of the limit.
const WORDS_PER_STATE: usize = 2_000;

#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    node: u32,
    active: Box<[u64]>,
}

#[derive(Default)]
struct Node {
    children: BTreeMap<char, u32>,
    ends: bool,
}

/// Characters that no wildcard pattern tells apart.
struct Class {
    chars: Vec<char>,
    /// Positions that the character leads on to the next.
    steps: Vec<u64>,
    /// Positions with a `*` that takes the character.
    stays: Vec<u64>,
}

struct Machine {
    nodes: Vec<Node>,
    classes: Vec<Class>,
    start: Vec<u64>,
    /// (position with a `*`, first position of its pattern)
    stars: Vec<(usize, usize)>,
    /// Accepting positions that a text of interest reaches.
    within: Vec<usize>,
    /// Literals that `within` asks for: rare, so they are compared with the finished text.
    within_literals: Vec<String>,
    accept_mask: Vec<u64>,
}

impl Machine {
    /// `literals`: whether to tell patterns without wildcards apart.
    fn new(languages: &[Language], within: &[Language], literals: bool) -> Self {
        let mut nodes = vec![Node::default()];
        let mut alphabet = BTreeSet::new();
        let mut globs: Vec<(&Language, bool)> = Vec::new();
        for language in languages {
            match language.literal() {
                Some(text) if literals => insert(&mut nodes, &text),
                // Their characters are told apart all the same, so that the others are not spelled with them.
                Some(_) => {}
                None => globs.push((language, false)),
            }
            language.alphabet(&mut alphabet);
        }
        let mut within_literals = Vec::new();
        for language in within {
            match language.literal() {
                Some(text) => within_literals.push(text),
                None => globs.push((language, true)),
            }
            language.alphabet(&mut alphabet);
        }
        if languages.iter().chain(within).any(Language::has_segments) {
            alphabet.insert(':');
        }
        // First, so that where any character does it is one that no pattern has.
        let alphabet: Vec<char> = fresh(&alphabet).into_iter().chain(alphabet).collect();
        let positions: usize = globs.iter().map(|(language, _)| language.steps.len() + 1).sum();
        let words = positions.div_ceil(BITS).max(1);
        let mut machine = Self {
            nodes,
            classes: Vec::new(),
            start: vec![0; words],
            stars: Vec::new(),
            within: Vec::new(),
            within_literals,
            accept_mask: vec![0; words],
        };
        let mut first = 0;
        for (language, bounds) in &globs {
            set(&mut machine.start, first);
            let last = first + language.steps.len();
            if *bounds {
                machine.within.push(last);
            }
            set(&mut machine.accept_mask, last);
            machine.stars.extend(language.stars.iter().map(|(at, _)| (first + at, first)));
            first = last + 1;
        }
        // From the back, so that a later `*` of a pattern drops the earlier ones with all before them.
        machine.stars.sort_unstable_by(|a, b| b.cmp(a));
        machine.classes = classes(&globs, &alphabet, words);
        machine
    }

    fn run(&self, limit: usize) -> Result<Vec<String>, TooLarge> {
        let mut budget = limit.saturating_mul(WORDS_PER_STATE);
        let cost = self.start.len() * 4 + self.stars.len();
        let start = State { node: 0, active: self.start.clone().into_boxed_slice() };
        let mut states = vec![(start.clone(), 0_usize, '\0')];
        let mut seen = HashSet::from([start]);
        // By accepted positions and the literal that the text is equal to.
        let mut found = HashSet::new();
        let mut order = Vec::new();
        let mut at = 0;
        while let Some((state, ..)) = states.get(at) {
            let state = state.clone();
            self.note(at, &state, &mut found, &mut order);
            for (next, c) in self.successors(&state) {
                budget = budget.checked_sub(cost).ok_or(TooLarge)?;
                if seen.contains(&next) {
                    continue;
                }
                if states.len() >= limit {
                    return Err(TooLarge);
                }
                seen.insert(next.clone());
                states.push((next, at, c));
            }
            at += 1;
        }
        let text = |mut at: usize| {
            let mut chars = Vec::new();
            while let Some((_, parent, c)) = states.get(at).filter(|_| at != 0) {
                chars.push(*c);
                at = *parent;
            }
            chars.iter().rev().collect::<String>()
        };
        let texts = order.into_iter().map(text);
        Ok(texts.filter(|text| self.within_literals.iter().all(|literal| literal == text)).collect())
    }

    fn node(&self, node: u32) -> Option<&Node> {
        self.nodes.get(usize::try_from(node).ok()?)
    }

    fn note(&self, at: usize, state: &State, found: &mut HashSet<(u32, Vec<u64>)>, order: &mut Vec<usize>) {
        if !self.within.iter().all(|bit| get(&state.active, *bit)) {
            return;
        }
        let ends = self.node(state.node).is_some_and(|node| node.ends);
        // Under a literal that has to be equal every text counts, the shortest may be another one.
        let node = if ends || !self.within_literals.is_empty() { state.node } else { DEAD };
        let accepted = state.active.iter().zip(&self.accept_mask).map(|(a, b)| a & b).collect();
        if found.insert((node, accepted)) {
            order.push(at);
        }
    }

    fn successors(&self, state: &State) -> Vec<(State, char)> {
        let node = self.node(state.node);
        let empty = BTreeMap::new();
        let children = node.map_or(&empty, |node| &node.children);
        let mut successors = Vec::with_capacity(self.classes.len() + children.len());
        for class in &self.classes {
            let mut next: Option<Box<[u64]>> = None;
            let mut step = || next.get_or_insert_with(|| self.step(&state.active, class)).clone();
            for c in class.chars.iter().filter(|c| children.contains_key(c)) {
                let node = children.get(c).copied().unwrap_or(DEAD);
                successors.push((State { node, active: step() }, *c));
            }
            if let Some(c) = class.chars.iter().find(|c| !children.contains_key(c)) {
                successors.push((State { node: DEAD, active: step() }, *c));
            }
        }
        successors
    }

    fn step(&self, active: &[u64], class: &Class) -> Box<[u64]> {
        let mut carry = 0;
        let mut next: Vec<u64> = Vec::with_capacity(active.len());
        for ((word, steps), stays) in active.iter().zip(&class.steps).zip(&class.stays) {
            let moved = word & steps;
            next.push((moved << 1) | carry | (word & stays));
            carry = moved >> (BITS - 1);
        }
        for (star, first) in &self.stars {
            if get(&next, *star) {
                clear(&mut next, *first, *star);
            }
        }
        next.into_boxed_slice()
    }
}

fn insert(nodes: &mut Vec<Node>, text: &str) {
    let mut at = 0_usize;
    for c in text.chars() {
        let fresh = nodes.len();
        let Some(node) = nodes.get_mut(at) else { return };
        let child = *node.children.entry(c).or_insert(u32::try_from(fresh).unwrap_or(DEAD));
        at = usize::try_from(child).unwrap_or(usize::MAX);
        if at == fresh {
            nodes.push(Node::default());
        }
    }
    if let Some(node) = nodes.get_mut(at) {
        node.ends = true;
    }
}

/// A character that occurs in no pattern, one that is easy to read if possible.
fn fresh(alphabet: &BTreeSet<char>) -> Option<char> {
    let readable = "9876543210xyzqjkwv".chars();
    readable.chain('a'..='z').chain('A'..='Z').chain('\u{e000}'..='\u{f8ff}').find(|c| !alphabet.contains(c))
}

fn classes(globs: &[(&Language, bool)], alphabet: &[char], words: usize) -> Vec<Class> {
    let mut classes: Vec<Class> = Vec::new();
    let mut known: HashMap<(Vec<u64>, Vec<u64>), usize> = HashMap::new();
    for c in alphabet {
        let (mut steps, mut stays) = (vec![0; words], vec![0; words]);
        let mut first = 0;
        for (language, _) in globs {
            for (at, step) in language.steps.iter().enumerate() {
                let takes = match step {
                    Step::Char(wanted) => language.equal(*wanted, *c),
                    Step::One { colon } => *colon || *c != ':',
                    Step::Never => false,
                };
                if takes {
                    set(&mut steps, first + at);
                }
            }
            for (at, colon) in &language.stars {
                if *colon || *c != ':' {
                    set(&mut stays, first + at);
                }
            }
            first += language.steps.len() + 1;
        }
        match known.get(&(steps.clone(), stays.clone())).and_then(|index| classes.get_mut(*index)) {
            Some(class) => class.chars.push(*c),
            None => {
                known.insert((steps.clone(), stays.clone()), classes.len());
                classes.push(Class { chars: vec![*c], steps, stays });
            }
        }
    }
    classes
}

fn get(words: &[u64], bit: usize) -> bool {
    words.get(bit / BITS).is_some_and(|word| word >> (bit % BITS) & 1 == 1)
}

fn set(words: &mut [u64], bit: usize) {
    if let Some(word) = words.get_mut(bit / BITS) {
        *word |= 1 << (bit % BITS);
    }
}

/// Clears the bits from `first` to before `end`.
fn clear(words: &mut [u64], first: usize, end: usize) {
    for at in first / BITS..=end / BITS {
        let low = first.saturating_sub(at * BITS);
        let high = (end - at * BITS).min(BITS);
        let below = |bits: usize| if bits >= BITS { u64::MAX } else { (1 << bits) - 1 };
        if let Some(word) = words.get_mut(at) {
            *word &= !(below(high) & !below(low));
        }
    }
}
