//! A series of checks.

use proptest::prelude::*;

use super::*;
use crate::drift::{Advanced, Memory, Open, Scope, SeenBy, advance};
use crate::finding::{Finding, NoticeState, Severity};

const MINE: &str = "account/mine";
const OTHER: &str = "account/other";

/// The finding of a number; what it rests on has the same number.
fn seen(number: u8, owner: Option<&str>) -> Seen {
    let finding = Finding {
        code: "configuration-drift".to_owned(),
        severity: Severity::High,
        subject: format!("s{number}"),
        message: String::new(),
        help: None,
        span: None,
    };
    let owner = owner.map(str::to_owned);
    let basis = format!("address:{number}");
    Seen { fingerprint: number.to_string(), manifest: None, owner, drift: true, basis, address: None, finding }
}

fn scope(judged: impl IntoIterator<Item = u8>, whole: bool, at: i64) -> Scope {
    Scope {
        judged: judged.into_iter().map(|number| format!("address:{number}")).collect(),
        owners: [MINE.to_owned()].into(),
        whole,
        now: Timestamp::from_second(at).ok(),
    }
}

fn numbers(all: &[Open]) -> Vec<u8> {
    let mut numbers: Vec<u8> = all.iter().map(|one| one.fingerprint.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

fn step(memory: &Memory, found: &[u8], judged: &[u8], at: i64) -> Advanced {
    let found: Vec<Seen> = found.iter().map(|number| seen(*number, Some(MINE))).collect();
    advance(memory, &found, &scope(judged.iter().copied(), true, at))
}

#[test]
fn a_finding_opens_once_and_closes_once() {
    let first = step(&Memory::empty(), &[1, 2], &[1, 2], 100);
    assert_eq!((numbers(&first.opened), numbers(&first.closed)), (vec![1, 2], vec![]));
    let second = step(&first.memory, &[1, 2], &[1, 2], 200);
    assert_eq!((second.opened.len(), second.closed.len()), (0, 0));
    let third = step(&second.memory, &[2], &[1, 2], 300);
    assert_eq!((numbers(&third.opened), numbers(&third.closed)), (vec![], vec![1]));
    assert_eq!(third.closed[0].since.as_second(), 100);
    let notice = third.closed[0].notice(NoticeState::Closed, Timestamp::from_second(300).unwrap());
    assert_eq!((notice.since.as_second(), notice.at.as_second()), (100, 300));
    // It is back: that is another time.
    let fourth = step(&third.memory, &[1, 2], &[1, 2], 400);
    assert_eq!((numbers(&fourth.opened), fourth.opened[0].since.as_second()), (vec![1], 400));
}

#[test]
fn what_was_not_read_stays_as_it_was() {
    let first = step(&Memory::empty(), &[1, 2], &[1, 2], 100);
    let blind = step(&first.memory, &[], &[2], 200);
    assert_eq!((numbers(&blind.closed), numbers(&blind.memory.open)), (vec![2], vec![1]));
    assert!(blind.unseen.contains("1"));
    let again = step(&blind.memory, &[1], &[1, 2], 300);
    assert_eq!((again.opened.len(), again.closed.len(), again.memory.open[0].since.as_second()), (0, 0, 100));
}

#[test]
fn a_check_of_a_part_leaves_the_rest_alone() {
    let all = [seen(1, Some(MINE)), seen(2, Some(OTHER)), seen(3, None)];
    let both = Scope { owners: [MINE.to_owned(), OTHER.to_owned()].into(), ..scope(1..=3, true, 100) };
    let first = advance(&Memory::empty(), &all, &both);
    let part = advance(&first.memory, &[], &scope(1..=3, false, 200));
    assert_eq!((numbers(&part.closed), numbers(&part.memory.open)), (vec![1], vec![2, 3]));
    assert_eq!(part.elsewhere.len(), 2);
    // The other manifest is gone: nothing of it is open any longer, whether it could be read or not.
    let whole = advance(&part.memory, &[], &scope([3], true, 300));
    assert_eq!(numbers(&whole.closed), [2, 3]);
}

/// What no manifest owns, as a check of these owners sees it. 0 and 1 are gaps of the check itself, which are always judged.
fn shared(found: &[u8], judged: &[u8], owners: &[&str], whole: bool, memory: &Memory) -> Advanced {
    let basis = |number: u8| if number < 2 { "check".to_owned() } else { format!("address:{number}") };
    let one = |number: &u8| Seen { basis: basis(*number), ..seen(*number, None) };
    let found: Vec<Seen> = found.iter().map(one).collect();
    let owners = owners.iter().map(|owner| (*owner).to_owned()).collect();
    let judged = judged.iter().copied().chain([0, 1]).map(basis).collect();
    advance(memory, &found, &Scope { judged, owners, ..scope([], whole, 100) })
}

#[test]
fn checks_of_parts_in_turn_leave_each_others_findings_open() {
    // 0 and 1 are seen with one manifest, 2 with the other, 3 with both.
    let first = shared(&[0, 1, 3], &[2, 3], &[MINE], false, &Memory::empty());
    assert_eq!(numbers(&first.opened), [0, 1, 3]);
    let second = shared(&[2, 3], &[2, 3], &[OTHER], false, &first.memory);
    assert_eq!((numbers(&second.opened), numbers(&second.closed)), (vec![2], vec![]));
    assert_eq!(second.elsewhere, BTreeSet::from(["0".to_owned(), "1".to_owned()]));
    let again = shared(&[1, 3], &[2, 3], &[MINE], false, &second.memory);
    assert_eq!((numbers(&again.opened), numbers(&again.closed)), (vec![], vec![0]));
    assert_eq!(numbers(&again.memory.open), [1, 2, 3]);
    // Gone with this one: 3 stays for the other, who still sees it.
    let gone = shared(&[], &[2, 3], &[MINE], false, &again.memory);
    assert_eq!((numbers(&gone.closed), numbers(&gone.memory.open)), (vec![1], vec![2, 3]));
    let last = shared(&[], &[2, 3], &[OTHER], false, &gone.memory);
    assert_eq!((numbers(&last.closed), last.memory.open.len()), (vec![2, 3], 0));
}

#[test]
fn what_all_manifests_together_saw_only_all_of_them_close() {
    let whole = shared(&[1, 2], &[1, 2], &[MINE, OTHER], true, &Memory::empty());
    let part = shared(&[2], &[1, 2], &[MINE], false, &whole.memory);
    assert_eq!((part.closed.len(), numbers(&part.memory.open)), (0, vec![1, 2]));
    // Two manifests that are not all either.
    let two = shared(&[], &[1, 2], &[MINE, OTHER], false, &part.memory);
    assert_eq!((two.closed.len(), numbers(&two.memory.open)), (0, vec![1, 2]));
    // Unread: it is not said to be gone.
    let blind = shared(&[], &[1], &[MINE, OTHER], true, &two.memory);
    assert_eq!((numbers(&blind.closed), blind.unseen), (vec![1], BTreeSet::from(["2".to_owned()])));
    // What a memory of an earlier version holds is taken for what all of them saw.
    let mut old = whole.memory.clone();
    old.open.iter_mut().for_each(|one| one.seen_by = None);
    let part = shared(&[], &[1, 2], &[MINE], false, &old);
    assert_eq!((part.closed.len(), numbers(&part.memory.open)), (0, vec![1, 2]));
}

#[test]
fn a_memory_is_read_as_it_was_written() {
    let memory = step(&Memory::empty(), &[1, 2], &[], 100).memory;
    assert_eq!(Memory::parse(&memory.text().unwrap()).unwrap(), memory);
    assert_eq!(memory.text().unwrap(), memory.text().unwrap());
}

#[test]
fn what_nothing_had_room_for_is_told_by_the_next_check() {
    let first = step(&Memory::empty(), &[1, 2], &[1, 2, 3], 100);
    let second = step(&first.memory, &[2, 3], &[1, 2, 3], 200);
    assert_eq!((numbers(&second.opened), numbers(&second.closed)), (vec![3], vec![1]));
    let id = |one: &Open, state| one.notice(state, one.since).id();
    let unkept = [id(&second.opened[0], NoticeState::Opened), id(&second.closed[0], NoticeState::Closed)].into();
    let memory = second.memory.clone().untold(&first.memory, &unkept);
    assert_eq!(numbers(&memory.open), [1, 2]);
    let third = step(&memory, &[2, 3], &[1, 2, 3], 300);
    assert_eq!((numbers(&third.opened), numbers(&third.closed)), (vec![3], vec![1]));
    assert_eq!(second.memory.clone().untold(&first.memory, &[].into()), second.memory);
}

proptest! {
    /// Whatever is found and read: nothing is told twice, nothing closes unread, and nothing that is found is missing.
    #[test]
    fn every_series_of_checks_alternates(
        checks in prop::collection::vec((prop::collection::btree_set(0_u8..6, 0..6), prop::collection::btree_set(0_u8..6, 0..6)), 1..12)
    ) {
        let mut memory = Memory::empty();
        let mut open: BTreeSet<u8> = BTreeSet::new();
        for (at, (found, read)) in checks.iter().enumerate() {
            let found: Vec<u8> = found.iter().copied().collect();
            let read: Vec<u8> = read.iter().copied().collect();
            let next = step(&memory, &found, &read, i64::try_from(at).unwrap());
            for number in numbers(&next.opened) {
                prop_assert!(open.insert(number), "{number} opened twice");
                prop_assert!(found.contains(&number));
            }
            for number in numbers(&next.closed) {
                prop_assert!(open.remove(&number), "{number} closed and was not open");
                prop_assert!(read.contains(&number) && !found.contains(&number));
            }
            let kept: Vec<u8> = open.iter().copied().collect();
            prop_assert_eq!(numbers(&next.memory.open), kept.clone());
            prop_assert!(found.iter().all(|number| kept.contains(number)));
            memory = Memory::parse(&next.memory.text().unwrap()).unwrap();
        }
    }

    /// Whoever checks: nothing is told twice, and a check closes only what each of its manifests, checked again, does not see.
    #[test]
    fn checks_of_parts_alternate(
        checks in prop::collection::vec(
            (0_u8..3, prop::collection::btree_set(0_u8..4, 0..4), prop::collection::btree_set(0_u8..4, 0..4)), 1..16)
    ) {
        let mut memory = Memory::empty();
        let mut open: BTreeSet<u8> = BTreeSet::new();
        // What each kind of check saw when it was made last.
        let mut last: [BTreeSet<u8>; 3] = Default::default();
        for (kind, found, read) in checks {
            let owners: &[&str] = match kind { 0 => &[MINE], 1 => &[OTHER], _ => &[MINE, OTHER] };
            let whole = kind == 2;
            let read: Vec<u8> = read.union(&found).copied().chain([0, 1]).collect();
            let seen: Vec<u8> = found.iter().copied().collect();
            let next = shared(&seen, &read, owners, whole, &memory);
            for number in numbers(&next.opened) {
                prop_assert!(open.insert(number), "{number} opened twice");
            }
            for number in numbers(&next.closed) {
                prop_assert!(open.remove(&number), "{number} closed and was not open");
                prop_assert!(read.contains(&number) && !found.contains(&number));
                let others = last.iter().enumerate().filter(|(other, _)| !whole && *other != usize::from(kind));
                prop_assert!(others.clone().all(|(_, seen)| !seen.contains(&number)), "{number} is seen elsewhere");
            }
            let kept: Vec<u8> = open.iter().copied().collect();
            prop_assert_eq!(numbers(&next.memory.open), kept);
            if whole {
                // What was read and not found is gone for everybody.
                last.iter_mut().for_each(|seen| seen.retain(|number| found.contains(number) || !read.contains(number)));
            }
            let mine = &mut last[usize::from(kind)];
            mine.retain(|number| !read.contains(number));
            mine.extend(found);
            memory = Memory::parse(&next.memory.text().unwrap()).unwrap();
        }
    }
}

/// Two checks that did not know of each other: nothing that either knows is forgotten, or gets another name.
#[test]
fn memories_are_merged_without_loss() {
    let first = step(&Memory::empty(), &[1, 2], &[1, 2], 100).memory;
    let second = step(&Memory::empty(), &[2, 3], &[1, 2, 3], 50).memory;
    for (left, right) in [(&first, &second), (&second, &first)] {
        let merged = left.clone().merged(right.clone());
        assert_eq!(numbers(&merged.open), [1, 2, 3]);
        let since: Vec<i64> = merged.open.iter().map(|one| one.since.as_second()).collect();
        assert_eq!(since, [100, 50, 50], "the notice that was told first");
        let times = (merged.begun_at.unwrap().as_second(), merged.checked_at.unwrap().as_second());
        assert_eq!(times, (50, 100));
        assert_eq!(Memory::parse(&merged.text().unwrap()).unwrap(), merged);
        assert_eq!(merged.clone().merged(Memory::empty()), merged);
    }
}

/// What each check of a part saw has to be seen to end by its like, whoever wrote it down.
#[test]
fn merged_memories_know_who_saw_what() {
    let part = |name: &str| [name.to_owned()].into();
    let seen = |parts: &[&str], whole| {
        let mut memory = step(&Memory::empty(), &[1], &[1], 100).memory;
        memory.open[0].seen_by = Some(SeenBy { whole, parts: parts.iter().map(|name| part(name)).collect() });
        memory.read_at = parts
            .iter()
            .zip(100..)
            .map(|(name, at)| ((*name).to_owned(), Timestamp::from_second(at).unwrap()))
            .collect();
        memory
    };
    let merged = seen(&["a", "b"], false).merged(seen(&["b", "c"], true));
    let by = merged.open[0].seen_by.clone().unwrap();
    assert!(by.whole);
    assert_eq!(by.parts, [part("a"), part("b"), part("c")].into());
    assert_eq!(
        merged.read_at,
        [("a", 100), ("b", 101), ("c", 101)]
            .map(|(name, at)| (name.to_owned(), Timestamp::from_second(at).unwrap()))
            .into()
    );
}
