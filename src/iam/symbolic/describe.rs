//! The conditions under which a question is answered with yes, in words: a short disjunction of prime implicants over the
//! conditions that the policies themselves contain.

use std::collections::HashMap;

use super::super::formula::Formula;
use super::super::text::Text;
use super::super::truth::Truth;
use super::answer::Literal;
use super::engine::Question;
use super::rules::Tested;
use super::space::{Space, Worth, truth_of};

/// Cubes that are still read by people.
const CUBES: usize = 64;

/// Every combination of atoms that occurs in some world, and whether the parts may be allowed then.
#[derive(Debug, Default)]
pub(super) struct Description {
    limit: usize,
    too_many: bool,
    points: HashMap<u128, bool>,
    /// Atoms whose truth is not known, and why.
    unresolved: HashMap<usize, String>,
}

impl Description {
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    pub fn give_up(&mut self) {
        self.too_many = true;
    }

    /// Adds the points of a world. An atom whose truth is not known is taken both ways.
    pub fn add(&mut self, question: &Question<'_>, space: &Space) {
        if self.too_many || question.rules.atoms.len() > 128 {
            self.too_many = true;
            return;
        }
        let mut points: Vec<u128> = vec![0];
        for (index, worth) in space.worth.iter().enumerate() {
            if let Worth::Fixed(truth, why) = worth {
                points = spread(&points, index, *truth);
                if let Some(why) = why {
                    self.unresolved.entry(index).or_insert_with(|| why.clone());
                }
            }
            if points.len() > self.limit {
                return self.give_up();
            }
        }
        for (at, dimension) in space.dimensions.iter().enumerate() {
            let tests: Vec<(usize, usize)> = space
                .worth
                .iter()
                .enumerate()
                .filter_map(|(index, worth)| match worth {
                    Worth::Free(of, test) if *of == at => Some((index, *test)),
                    _ => None,
                })
                .collect();
            let mut next = Vec::new();
            for region in &dimension.regions {
                let mut part = points.clone();
                for (index, test) in &tests {
                    let truth = region.outcomes.get(*test).copied().unwrap_or(Truth::Unknown);
                    part = spread(&part, *index, truth);
                    if part.len() > self.limit {
                        return self.give_up();
                    }
                }
                next.extend(part);
            }
            next.sort_unstable();
            next.dedup();
            if next.len() > self.limit {
                return self.give_up();
            }
            points = next;
        }
        for point in points {
            let allowed = self.allowed(question, space, point);
            *self.points.entry(point).or_insert(false) |= allowed;
        }
        if self.points.len() > self.limit {
            self.give_up();
        }
    }

    fn allowed(&self, question: &Question<'_>, space: &Space, point: u128) -> bool {
        question.settings.iter().enumerate().all(|(part, setting)| {
            let sums = space.sums_at(part, &question.rules, |atom| point >> atom & 1 == 1);
            truth_of(Formula::of(setting, &sums).decision()).possible()
        })
    }

    /// Sets of literals that each suffice; `None` where there are too many.
    pub fn conditions(self, question: &Question<'_>, always: Truth) -> Option<Vec<Vec<Literal>>> {
        if always == Truth::Yes {
            return Some(vec![Vec::new()]);
        }
        if self.too_many {
            return None;
        }
        let atoms = question.rules.atoms.len();
        let mut open: Vec<u128> =
            self.points.iter().filter(|(_, allowed)| **allowed).map(|(point, _)| *point).collect();
        let closed: Vec<u128> = self.points.iter().filter(|(_, allowed)| !**allowed).map(|(point, _)| *point).collect();
        // The points with the fewest met conditions first: they need the least.
        open.sort_unstable_by_key(|point| (point.count_ones(), *point));
        let mut cubes: Vec<(u128, u128)> = Vec::new();
        for point in &open {
            if cubes.iter().any(|(mask, value)| point & mask == *value) {
                continue;
            }
            let mut mask = if atoms >= 128 { u128::MAX } else { (1 << atoms) - 1 };
            for positive in [false, true] {
                for atom in 0..atoms {
                    let bit = 1_u128 << atom;
                    // First drop what must not hold, then what must: people read requirements more easily.
                    if (point & bit != 0) != positive {
                        continue;
                    }
                    let wider = mask & !bit;
                    if !closed.iter().any(|other| other & wider == point & wider) {
                        mask = wider;
                    }
                }
            }
            cubes.push((mask, point & mask));
            if cubes.len() > CUBES {
                return None;
            }
        }
        let kept = irredundant(&cubes, &open);
        let mut lists: Vec<Vec<Literal>> =
            kept.iter().map(|(mask, value)| self.literals(question, *mask, *value)).collect();
        lists.sort();
        lists.dedup();
        Some(lists)
    }

    fn literals(&self, question: &Question<'_>, mask: u128, value: u128) -> Vec<Literal> {
        let mut literals = Vec::new();
        for (index, atom) in question.rules.atoms.iter().enumerate().filter(|(index, _)| mask >> index & 1 == 1) {
            let (key, operator, values) = match atom.test {
                Tested::Condition(condition) => {
                    (String::from(&condition.key), String::from(&condition.operator_text), texts(&condition.values))
                }
                Tested::Resource { statement, .. } => {
                    let element = statement.resource.as_ref();
                    let not = element.is_some_and(super::super::document::Element::is_not);
                    let operator = if not { "NotResource" } else { "Resource" };
                    let values = element.map(|element| texts(element.get())).unwrap_or_default();
                    ("resource".to_owned(), operator.to_owned(), values)
                }
            };
            let unresolved = self.unresolved.get(&index).cloned();
            literals.push(Literal { key, operator, values, holds: value >> index & 1 == 1, unresolved });
        }
        literals.sort();
        literals.dedup();
        literals
    }
}

fn texts(list: &[Text]) -> Vec<String> {
    list.iter().map(String::from).collect()
}

/// The points with an atom added; one that is not known is taken both ways.
fn spread(points: &[u128], atom: usize, truth: Truth) -> Vec<u128> {
    let bit = 1_u128 << atom;
    let without = points.iter().copied().filter(|_| truth != Truth::Yes);
    let with = points.iter().filter(|_| truth != Truth::No).map(|point| point | bit);
    without.chain(with).collect()
}

/// The cubes without those whose points others cover.
fn irredundant(cubes: &[(u128, u128)], points: &[u128]) -> Vec<(u128, u128)> {
    let covers = |(mask, value): &(u128, u128), point: &u128| point & mask == *value;
    let mut kept: Vec<(u128, u128)> = cubes.to_vec();
    for cube in cubes {
        let rest: Vec<(u128, u128)> = kept.iter().copied().filter(|other| other != cube).collect();
        if points.iter().all(|point| rest.iter().any(|other| covers(other, point))) {
            kept = rest;
        }
    }
    kept
}
