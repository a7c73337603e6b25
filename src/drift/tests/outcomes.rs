//! Exit codes.

use serde_json::json;

use super::*;
use crate::drift::{Check, Memory, Outcome, Scope, advance};
use crate::finding::{Finding, NoticeState, Severity};
use crate::model::{Gap, Kind};
use crate::plan::{GuardResult, Verdict};

fn check(given: &Given, before: &Memory) -> (Check, Memory) {
    let facts = given.facts();
    let (seen, judged) = given.seen();
    let advanced = advance(before, &seen, &Scope::of(&facts, judged, true));
    let check = Check::of(&facts, Health::default(), &advanced, before, Vec::new());
    (check, advanced.memory)
}

fn drifted() -> Given {
    let mut given = Given::new("acme");
    let at = Address::new("acme", Kind::BucketVersioning, "audit");
    given.resource(&at, Read::BucketVersioning { bucket: BUCKET.to_owned() }, Observed::Absent);
    given.plan.changes = vec![change(&at, Action::Update, vec![field("status", json!("Suspended"), json!("Enabled"))])];
    given
}

fn reported() -> Given {
    let mut given = Given::new("acme");
    given.plan.findings = vec![Finding {
        code: "undeclared-delivery".to_owned(),
        severity: Severity::High,
        subject: "_/log-delivery[x]".to_owned(),
        message: "m".to_owned(),
        help: None,
        span: None,
    }];
    given
}

#[test]
fn the_worst_decides() {
    let gap = Gap { what: "w".to_owned(), permission: None, message: "m".to_owned() };
    let unread = |mut given: Given| {
        given.plan.gaps = vec![gap.clone()];
        given
    };
    let refused = |mut given: Given| {
        let (code, message) = ("public-policy".to_owned(), "m".to_owned());
        given.plan.guards = vec![GuardResult { code, verdict: Verdict::Refuse, message }];
        given
    };
    let (none, high, critical) = (None, Some(Severity::High), Some(Severity::Critical));
    for (what, given, fail_on, outcome) in [
        ("nothing", Given::new("acme"), high, Outcome::InSync),
        ("only reported", reported(), none, Outcome::InSync),
        ("only reported, asked for", reported(), high, Outcome::Findings),
        ("only reported, below what was asked for", reported(), critical, Outcome::InSync),
        ("drift", drifted(), none, Outcome::Drift),
        ("drift beats findings", drifted(), Some(Severity::Info), Outcome::Drift),
        ("unread", unread(Given::new("acme")), none, Outcome::Unread),
        ("unread beats drift", unread(drifted()), high, Outcome::Unread),
        ("refused beats drift", refused(drifted()), none, Outcome::Unread),
    ] {
        assert_eq!(check(&given, &Memory::empty()).0.outcome(fail_on), outcome, "{what}");
    }
}

#[test]
fn notices_are_what_is_different_from_the_last_check() {
    let (first, memory) = check(&drifted(), &Memory::empty());
    assert_eq!(first.notices().len(), 1);
    assert_eq!((first.notices()[0].state, first.summary.new, first.summary.drift), (NoticeState::Opened, 1, 1));
    let (second, memory) = check(&drifted(), &memory);
    assert!(second.notices().is_empty() && second.open.len() == 1 && !second.open[0].new);
    assert_eq!(second.previous_check, Some(now()));
    let mut repaired = drifted();
    repaired.plan.changes.clear();
    let (third, memory) = check(&repaired, &memory);
    assert_eq!(third.notices()[0].state, NoticeState::Closed);
    assert_eq!(third.notices()[0].fingerprint, first.notices()[0].fingerprint);
    assert!(memory.open.is_empty());
}

#[test]
fn what_nothing_wants_any_longer_closes_once_all_was_read() {
    // A forgotten delivery is switched off, and then nobody asks for that any more.
    for manifest in ["_", "acme"] {
        let mut rogue = Given::new("acme");
        let at = Address::new(manifest, Kind::LogDelivery, "x");
        rogue.plan.changes =
            vec![change(&at, Action::Update, vec![field("status", json!("ENABLED"), json!("DISABLED"))])];
        let (_, memory) = check(&rogue, &Memory::empty());
        let mut unread = Given::new("acme");
        unread.unread.insert("acme".to_owned());
        let (blind, memory) = check(&unread, &memory);
        assert_eq!((blind.closed.len(), blind.open.len()), (0, 1));
        // What the proofs of access could not read has nothing to do with it.
        let mut off = Given::new("acme");
        off.plan.gaps = vec![Gap { what: "iam:x".to_owned(), permission: None, message: "m".to_owned() }];
        let (closed, _) = check(&off, &memory);
        assert_eq!(closed.closed.len(), 1, "{manifest}");
    }
}
