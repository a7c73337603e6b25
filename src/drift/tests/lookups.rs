//! Who changed it.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::drift::{Memory, Scope, advance, attribute, lookups};
use crate::model::Kind;
use crate::model::trail::TrailEvent;

fn event(id: &str, name: &str, time: &str, resource: &str) -> TrailEvent {
    TrailEvent {
        id: id.to_owned(),
        name: name.to_owned(),
        time: time.parse().unwrap(),
        principal: format!("arn:{id}"),
        resources: vec![resource.to_owned()],
    }
}

const PREVIOUS: &str = "2026-11-23T11:45:00Z";

fn previous() -> Option<Timestamp> {
    PREVIOUS.parse().ok()
}

/// What is remembered when an earlier check found nothing.
fn memory(given: &Given) -> Memory {
    let (seen, judged) = given.seen();
    let read_at = given.desired.iter().filter_map(|one| Some((one.owner(), previous()?))).collect();
    let before = Memory { begun_at: previous(), checked_at: previous(), read_at, ..Memory::empty() };
    advance(&before, &seen, &Scope::of(&given.facts(), judged, true)).memory
}

fn drifting(parts: &[(Kind, Read)]) -> Given {
    let mut given = Given::new("acme");
    for (kind, read) in parts {
        let at = Address::new("acme", *kind, "audit");
        given.resource(&at, read.clone(), Observed::Absent);
        given.plan.changes.push(change(&at, Action::Update, vec![field("f", json!(1), json!(2))]));
    }
    given
}

fn policy() -> (Kind, Read) {
    (Kind::BucketPolicy, Read::BucketPolicy { bucket: BUCKET.to_owned() })
}

#[test]
fn the_newest_event_about_the_thing_is_taken() {
    let given = drifting(&[policy()]);
    let asked = lookups(&given.facts(), &memory(&given));
    let names: Vec<String> = asked[0]
        .queries
        .iter()
        .map(|query| match &query.read {
            Read::TrailEvents { event, global, .. } => format!("{event} {global}"),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(names, ["PutBucketPolicy false", "DeleteBucketPolicy false"]);
    let puts = vec![
        event("old", "PutBucketPolicy", "2026-11-23T11:46:00Z", BUCKET),
        event("new", "PutBucketPolicy", "2026-11-23T11:50:00Z", BUCKET),
        event("elsewhere", "PutBucketPolicy", "2026-11-23T11:55:00Z", "another"),
    ];
    let mut answers = BTreeMap::new();
    answers.insert(asked[0].queries[0].clone(), Observed::Present(Fact::from(puts)));
    answers.insert(asked[0].queries[1].clone(), Observed::Absent);
    let by = attribute(&asked[0], &answers).unwrap();
    assert_eq!((by.event_id.as_str(), by.principal.as_str()), ("new", "arn:new"));
    assert_eq!(attribute(&asked[0], &BTreeMap::new()), None);
}

#[test]
fn roles_are_asked_for_where_iam_is_and_databricks_not_at_all() {
    let role = (Kind::Role, Read::Role { role: "AuditDelivery".to_owned() });
    let given = drifting(&[role, (Kind::LogDelivery, Read::LogDeliveries)]);
    let asked = lookups(&given.facts(), &memory(&given));
    assert_eq!(asked.len(), 1);
    assert!(asked[0].queries.iter().all(|query| matches!(query.read, Read::TrailEvents { global: true, .. })));
}

#[test]
fn lookups_are_bounded_and_only_for_what_is_new() {
    let bucket = || BUCKET.to_owned();
    let given = drifting(&[
        policy(),
        (Kind::BucketPublicAccessBlock, Read::BucketPublicAccessBlock { bucket: bucket() }),
        (Kind::BucketOwnership, Read::BucketOwnership { bucket: bucket() }),
        (Kind::BucketEncryption, Read::BucketEncryption { bucket: bucket() }),
        (Kind::BucketLifecycle, Read::BucketLifecycle { bucket: bucket() }),
        (Kind::BucketReplication, Read::BucketReplication { bucket: bucket() }),
        (Kind::BucketTags, Read::BucketTags { bucket: bucket() }),
        (Kind::BucketVersioning, Read::BucketVersioning { bucket: bucket() }),
    ]);
    let mut all = memory(&given);
    let asked = lookups(&given.facts(), &all);
    let names: BTreeSet<&Query> = asked.iter().flat_map(|one| &one.queries).collect();
    assert_eq!((asked.len(), names.len()), (6, 12), "the worst come first, and two names are no longer asked");
    for one in &mut all.open {
        one.since = "2026-11-23T09:00:00Z".parse().unwrap();
    }
    assert_eq!(lookups(&given.facts(), &all), []);
    // Nobody is known to have changed what the first check of a manifest found.
    let mut first = memory(&given);
    first.open.iter_mut().for_each(|one| one.after = None);
    assert_eq!(lookups(&given.facts(), &first), []);
}

/// The event of the change itself may come late: whoever changed the thing before it was last seen in order did not do it.
#[test]
fn an_event_from_before_the_last_good_look_says_nothing() {
    let given = drifting(&[policy()]);
    let asked = lookups(&given.facts(), &memory(&given));
    let by = |events: Vec<TrailEvent>| {
        let answers = [(asked[0].queries[0].clone(), Observed::Present(Fact::from(events)))].into();
        attribute(&asked[0], &answers).map(|by| by.event_id)
    };
    let put = |id: &str, time: &str| event(id, "PutBucketPolicy", &format!("2026-11-23T11:{time}Z"), BUCKET);
    assert_eq!(by(vec![put("apply", "44:59")]), None);
    assert_eq!(by(vec![put("apply", "44:59"), put("theirs", "45:00")]), Some("theirs".to_owned()));
    // Two in one second: nobody knows which was the last; what one did twice, that one did.
    assert_eq!(by(vec![put("a", "50:00"), put("b", "50:00")]), None);
    let twice = TrailEvent { principal: "arn:a".to_owned(), ..put("b", "50:00") };
    assert_eq!(by(vec![put("a", "50:00"), twice]), Some("b".to_owned()));
}

#[test]
fn the_last_good_look_is_one_at_the_manifest() {
    let given = drifting(&[policy()]);
    let (seen, judged) = given.seen();
    let first = "2026-11-23T11:00:00Z".parse().ok();
    let owner = given.desired[0].owner();
    let look = |memory: &Memory, seen: &[_], judged: &BTreeSet<String>, owner: &str, at: Option<Timestamp>| {
        let scope = Scope { judged: judged.clone(), owners: [owner.to_owned()].into(), whole: false, now: at };
        advance(memory, seen, &scope).memory
    };
    let in_order = look(&Memory::empty(), &[], &judged, &owner, first);
    // Another manifest is checked, then this one, without an answer.
    let other = look(&in_order, &[], &["manifest:other".to_owned()].into(), "other", previous());
    let blind = look(&other, &[], &BTreeSet::new(), &owner, previous());
    let drifted = look(&blind, &seen, &judged, &owner, Some(now()));
    assert_eq!(drifted.open[0].after, first);
    // It stays so while it is open.
    assert_eq!(look(&drifted, &seen, &judged, &owner, Some(now())).open[0].after, first);
}
