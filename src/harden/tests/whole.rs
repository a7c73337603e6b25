//! The whole: a new estate settles, and a settled one wants nothing.

use std::collections::BTreeMap;

use super::estate::*;
use crate::harden::{Scope, harden, replica_alias};
use crate::model::live::{Query, Read};
use crate::model::reference::Output;
use crate::model::wanted::Wanted;
use crate::model::{Address, Desired, Fact, Kind, Live, Observed, Reference};

/// Live state as it is once everything wanted has been written: tokens are resolved, lists keep what they had.
fn settle(desired: &Desired, live: &Live, wanted: &Wanted) -> Live {
    let mut tokens: BTreeMap<String, String> = BTreeMap::new();
    for (name, key) in [("audit".to_owned(), KEY), (format!("replica-{REPLICA}"), REPLICA_KEY)] {
        let step = Address::new("acme", Kind::KmsKey, name);
        tokens.insert(Reference::new(step, Output::KeyArn).to_string(), key.to_owned());
    }
    for (kind, name, output, id) in [
        (Kind::Credential, "delivery", Output::CredentialsId, "id-c"),
        (Kind::StorageConfiguration, "audit", Output::StorageConfigurationId, "id-s"),
        (Kind::LogDelivery, "primary", Output::LogDeliveryId, "id-d"),
    ] {
        tokens.insert(Reference::new(Address::new("acme", kind, name), output).to_string(), id.to_owned());
    }
    let resolve = |text: String| tokens.iter().fold(text, |text, (token, value)| text.replace(token, value));
    let mut settled = live.clone();
    for one in &wanted.resources {
        let query: Query = serde_json::from_str(&resolve(serde_json::to_string(&one.query).unwrap())).unwrap();
        let fact: Fact = serde_json::from_str(&resolve(serde_json::to_string(&one.fact).unwrap())).unwrap();
        let answer = match &fact {
            Fact::Policy(text) if text.0.is_empty() => Observed::Absent,
            _ => Observed::Present(fact.clone()),
        };
        if let Fact::Key(key) = &fact {
            let by_arn = Read::Key { key: key.arn.clone() };
            put(&mut settled, &query.place, by_arn, key.clone());
            let alias = match one.address.name.as_str() {
                "audit" => desired.key.alias.clone(),
                _ => replica_alias(&desired.bucket.replicas[0]),
            };
            put(&mut settled, &query.place, Read::Key { key: alias }, key.clone());
        }
        settled.set(query, answer);
    }
    settled
}

fn assert_settles(desired: &Desired, live: &Live) {
    let first = run(desired, live);
    assert_eq!(first.refusals, [], "gaps {:?}", first.gaps);
    assert_eq!(first.gaps, []);
    let settled = settle(desired, live, &first);
    let second = run(desired, &settled);
    assert_eq!((&second.refusals, &second.gaps), (&Vec::new(), &Vec::new()));
    for one in &second.resources {
        if one.address.kind == Kind::KmsKey || one.address.kind == Kind::BucketReplication {
            continue;
        }
        assert_eq!(settled.get(&one.query), Observed::Present(one.fact.clone()), "{}", one.address);
        assert_eq!(one.transition, None, "{}", one.address);
    }
    let third = run(desired, &settle(desired, &settled, &second));
    assert_eq!(second.resources, third.resources);
    assert!(!second.moving);
}

#[test]
fn a_new_estate_settles() {
    assert_settles(&desired(), &new_account(&desired()));
    assert_settles(&plain(), &new_account(&plain()));
}

#[test]
fn an_estate_with_foreign_things_settles() {
    let desired = plain();
    let mut live = new_account(&desired);
    put_key(&mut live, &aws(), KEY, "alias/audit");
    existing_bucket(&mut live, BUCKET);
    existing_bucket(&mut live, ACCESS);
    super::foreign::clutter(&mut live);
    let first = run(&desired, &live);
    let settled = settle(&desired, &live, &first);
    let second = run(&desired, &settled);
    for kind in
        [Kind::BucketPolicy, Kind::BucketLifecycle, Kind::BucketTags, Kind::BucketNotification, Kind::KmsKeyPolicy]
    {
        let (one, two) = (first.find("acme", kind, "audit").unwrap(), second.find("acme", kind, "audit").unwrap());
        assert_eq!(one.fact, two.fact, "{kind}");
    }
}

#[test]
fn everything_that_is_wanted_has_a_reason_and_a_place_in_the_order() {
    let wanted = run(&desired(), &new_account(&desired()));
    for one in &wanted.resources {
        assert!(one.reasons.contains_key(""), "{} has no reason", one.address);
        assert!(!one.after.contains(&one.address), "{} waits for itself", one.address);
    }
    // The order is a graph: repeatedly taking what waits for nothing takes everything.
    let mut left: Vec<_> = wanted.resources.iter().collect();
    while !left.is_empty() {
        let open: Vec<_> = left.iter().map(|one| one.address.clone()).collect();
        let count = left.len();
        left.retain(|one| one.after.iter().any(|address| open.contains(address)));
        assert!(left.len() < count, "a circle among {open:?}");
    }
}

#[test]
fn what_was_not_read_is_a_gap_and_never_absent() {
    let wanted = run(&plain(), &Live::default());
    assert!(wanted.gaps.len() > 10, "{:?}", wanted.gaps);
    // Nothing that would replace what was not seen.
    for kind in [Kind::BucketPolicy, Kind::BucketTags, Kind::BucketLifecycle, Kind::LogDelivery, Kind::Credential] {
        assert!(wanted.resources.iter().all(|one| one.address.kind != kind), "{kind}");
    }
    assert!(wanted.retire.is_empty());
}

#[test]
fn the_order_of_manifests_does_not_matter() {
    let one = plain();
    let mut two = plain();
    two.name = "beta".to_owned();
    two.delivery.bucket = "beta-audit".to_owned();
    two.role.arn = role("BetaDelivery");
    let live = new_account(&one);
    let ahead = harden(&[one.clone(), two.clone()], &live, Scope::default());
    assert_eq!(ahead, harden(&[two, one], &live, Scope::default()));
}

#[test]
fn replication_roles_of_long_bucket_names_are_told_apart() {
    let name = |bucket: String| {
        let mut desired = desired();
        desired.delivery.bucket = bucket;
        desired.replication_role_name()
    };
    assert_eq!(name("a".repeat(47)), format!("AuditReplication-{}", "a".repeat(47)));
    let (one, two) = (name(format!("{}-one", "a".repeat(59))), name(format!("{}-two", "a".repeat(59))));
    assert_ne!(one, two);
    assert_eq!((one.len(), two.len()), (64, 64));
    assert!(one.starts_with("AuditReplication-aaaa"), "{one}");
}
