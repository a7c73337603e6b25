//! A search for an order of steps that nothing speaks against: pure, deterministic, bounded.

use std::collections::BTreeSet;

/// Something that speaks against an order, at one step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// Number of the step in the usual order, whatever order it was found in.
    pub step: usize,
    pub message: String,
}

/// One step that waits for another only so that no state between them is unsafe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Move {
    pub first: usize,
    pub then: usize,
    /// What the usual order, or the one before this move, would do.
    pub because: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Search {
    /// Nothing speaks against the usual order.
    Usual,
    Found {
        order: Vec<usize>,
        moves: Vec<Move>,
    },
    NotFound {
        /// Other orders that were judged.
        tried: usize,
        /// Whether the search ended at its bound, so that there may be one.
        bounded: bool,
    },
}

/// Looks for an order of `0..count` that keeps every edge (first, then) and has no problem.
///
/// Greedy: the first step with a problem is made to wait for a later one, nearest first, or to come before an earlier one,
/// nearest first; what depends on it moves along, everything else keeps its place. A move stays when fewer problems are
/// left. Only steps that bear on the question are moved past. `judge` gives the problems of an order in its order, or
/// `None` when it may not judge any more.
pub(super) fn search(
    count: usize,
    edges: &BTreeSet<(usize, usize)>,
    bears: impl Fn(usize) -> bool,
    mut judge: impl FnMut(&[usize]) -> Option<Vec<Problem>>,
) -> Search {
    let mut order: Vec<usize> = (0..count).collect();
    let mut tried = 0_usize;
    let Some(mut problems) = judge(&order) else { return Search::NotFound { tried, bounded: true } };
    let mut seen = BTreeSet::from([order.clone()]);
    let mut moves: Vec<Move> = Vec::new();
    while let Some(first) = problems.first().cloned() {
        let mut better = None;
        for (before, after) in candidates(&order, first.step, &bears) {
            let all = edges.iter().copied().chain(moves.iter().map(|one| (one.first, one.then)));
            let all: BTreeSet<(usize, usize)> = all.chain([(before, after)]).collect();
            let Some(next) = sorted(count, &all) else { continue };
            if !seen.insert(next.clone()) {
                continue;
            }
            let Some(found) = judge(&next) else { return Search::NotFound { tried, bounded: true } };
            tried = tried.saturating_add(1);
            if found.len() < problems.len() {
                better = Some((next, found, Move { first: before, then: after, because: first.message.clone() }));
                break;
            }
        }
        let Some((next, found, made)) = better else { return Search::NotFound { tried, bounded: false } };
        (order, problems) = (next, found);
        moves.push(made);
    }
    if moves.is_empty() { Search::Usual } else { Search::Found { order, moves } }
}

/// Edges that would move a step, nearest places first: later, then earlier.
fn candidates(order: &[usize], step: usize, bears: impl Fn(usize) -> bool) -> Vec<(usize, usize)> {
    let Some(place) = order.iter().position(|one| *one == step) else { return Vec::new() };
    let later = order.iter().skip(place.saturating_add(1)).filter(|one| bears(**one)).map(|one| (*one, step));
    let earlier = order.iter().take(place).rev().filter(|one| bears(**one)).map(|one| (step, *one));
    later.chain(earlier).collect()
}

/// The order nearest to the usual one that keeps every edge; `None` when they contradict each other.
pub(super) fn sorted(count: usize, edges: &BTreeSet<(usize, usize)>) -> Option<Vec<usize>> {
    let mut left: BTreeSet<usize> = (0..count).collect();
    let mut order = Vec::with_capacity(count);
    while !left.is_empty() {
        let free = |step: &usize| !edges.iter().any(|(first, then)| then == step && left.contains(first));
        let next = left.iter().copied().find(free)?;
        left.remove(&next);
        order.push(next);
    }
    Some(order)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::{Problem, Search, search, sorted};

    /// Every pair (first, then) that an order has the wrong way round is a problem of the step that comes too early.
    fn wrong(order: &[usize], wanted: &[(usize, usize)]) -> Vec<Problem> {
        let place = |step: usize| order.iter().position(|one| *one == step);
        let early = wanted.iter().filter(|(first, then)| place(*first) > place(*then));
        let mut all: Vec<Problem> =
            early.map(|(first, then)| Problem { step: *then, message: format!("{then} before {first}") }).collect();
        all.sort_by_key(|one| place(one.step));
        all
    }

    fn run(count: usize, edges: &[(usize, usize)], wanted: &[(usize, usize)], most: usize) -> (Search, usize) {
        let mut judged = 0;
        let found = search(
            count,
            &edges.iter().copied().collect(),
            |_| true,
            |order| {
                judged += 1;
                (judged <= most).then(|| wrong(order, wanted))
            },
        );
        (found, judged)
    }

    fn order(search: Search) -> Vec<usize> {
        match search {
            Search::Found { order, .. } => order,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_usual_order_stays_when_it_is_fine() {
        assert_eq!(run(3, &[], &[(0, 1)], 9).0, Search::Usual);
        assert_eq!(run(0, &[], &[], 9).0, Search::Usual);
    }

    #[test]
    fn a_step_waits_no_longer_than_it_has_to_and_takes_along_what_depends_on_it() {
        assert_eq!(order(run(4, &[], &[(1, 0)], 9).0), [1, 0, 2, 3]);
        assert_eq!(order(run(4, &[], &[(2, 0)], 9).0), [1, 2, 0, 3]);
        assert_eq!(order(run(4, &[(0, 1)], &[(2, 0)], 9).0), [2, 0, 1, 3]);
    }

    #[test]
    fn several_steps_are_moved_one_after_the_other() {
        let (found, judged) = run(5, &[], &[(2, 0), (4, 1)], 30);
        let Search::Found { order, moves } = found else { panic!("{found:?}") };
        assert_eq!(wrong(&order, &[(2, 0), (4, 1)]), []);
        assert_eq!(moves.len(), 2);
        assert!(judged < 15, "{judged}");
    }

    #[test]
    fn dependencies_and_the_bound_end_the_search() {
        assert_eq!(run(2, &[(0, 1)], &[(1, 0)], 9).0, Search::NotFound { tried: 0, bounded: false });
        // Two steps that each want to come first.
        assert!(matches!(run(3, &[], &[(1, 0), (0, 1)], 99).0, Search::NotFound { bounded: false, .. }));
        assert_eq!(run(6, &[], &[(5, 0)], 3).0, Search::NotFound { tried: 2, bounded: true });
        assert_eq!(run(6, &[], &[(5, 0)], 0).0, Search::NotFound { tried: 0, bounded: true });
    }

    #[test]
    fn edges_that_contradict_each_other_have_no_order() {
        assert_eq!(sorted(2, &BTreeSet::from([(0, 1), (1, 0)])), None);
        assert_eq!(sorted(3, &BTreeSet::from([(2, 0)])), Some(vec![1, 2, 0]));
    }

    proptest! {
        /// Whatever is found keeps every dependency, holds every step once, and has no problem; and it is found again.
        #[test]
        fn what_is_found_is_sound(
            edges in prop::collection::vec((0_usize..7, 0_usize..7), 0..8),
            wanted in prop::collection::vec((0_usize..7, 0_usize..7), 1..5),
        ) {
            let edges: Vec<(usize, usize)> = edges.into_iter().filter(|(first, then)| first < then).collect();
            let wanted: Vec<(usize, usize)> = wanted.into_iter().filter(|(first, then)| first != then).collect();
            let (found, judged) = run(7, &edges, &wanted, 60);
            prop_assert!(judged <= 61);
            prop_assert_eq!(&found, &run(7, &edges, &wanted, 60).0);
            if let Search::Found { order, .. } = found {
                prop_assert_eq!(wrong(&order, &wanted), []);
                let mut all = order.clone();
                all.sort_unstable();
                prop_assert_eq!(all, (0..7).collect::<Vec<_>>());
                let place = |step: usize| order.iter().position(|one| *one == step);
                for (first, then) in edges {
                    prop_assert!(place(first) < place(then));
                }
            }
        }
    }
}
