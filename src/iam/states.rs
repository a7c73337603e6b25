//! Which statements can apply together: every dimension (a context key, the action, the resource) permits some statements for
//! each kind of its values, and a statement applies when all dimensions permit it.

use std::collections::HashSet;

use super::truth::Truth;

/// Statement truths that occur together, and the region of every dimension that leads there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Of each statement.
    pub truths: Truths,
    pub chosen: Vec<usize>,
}

/// Truths as two bit sets, "may be" and "is"; "and" is bitwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Truths {
    may: Vec<u64>,
    is: Vec<u64>,
}

const BITS: usize = u64::BITS as usize;

impl Truths {
    pub fn new(truths: impl ExactSizeIterator<Item = Truth>) -> Self {
        let words = truths.len().div_ceil(BITS);
        let mut new = Self { may: vec![0; words], is: vec![0; words] };
        for (at, truth) in truths.enumerate() {
            let bit = 1 << (at % BITS);
            if let (true, Some(word)) = (truth.possible(), new.may.get_mut(at / BITS)) {
                *word |= bit;
            }
            if let (true, Some(word)) = (truth.certain(), new.is.get_mut(at / BITS)) {
                *word |= bit;
            }
        }
        new
    }

    pub fn and(&self, other: &Self) -> Self {
        let both = |a: &[u64], b: &[u64]| a.iter().zip(b).map(|(a, b)| a & b).collect();
        Self { may: both(&self.may, &other.may), is: both(&self.is, &other.is) }
    }

    pub fn get(&self, at: usize) -> Truth {
        let bit = |words: &[u64]| words.get(at / BITS).is_some_and(|word| word >> (at % BITS) & 1 == 1);
        match (bit(&self.is), bit(&self.may)) {
            (true, _) => Truth::Yes,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::No,
        }
    }
}

/// Every combination that some choice of one kind of value per dimension leads to; `None` when there are more than `limit`.
pub(super) fn reachable(start: Truths, dimensions: &[Vec<Truths>], limit: usize) -> Option<Vec<State>> {
    let mut states = vec![State { truths: start, chosen: Vec::new() }];
    for kinds in dimensions {
        let mut seen: HashSet<Truths> = HashSet::new();
        let mut next = Vec::new();
        for state in &states {
            for (kind, mask) in kinds.iter().enumerate() {
                let truths = state.truths.and(mask);
                if seen.insert(truths.clone()) {
                    let mut chosen = state.chosen.clone();
                    chosen.push(kind);
                    next.push(State { truths, chosen });
                }
            }
            if next.len() > limit {
                return None;
            }
        }
        states = next;
    }
    Some(states)
}
