//! Waivers inside what is wanted: live state where they hold, the hardened state everywhere else.

use jiff::civil::{Date, date};

use super::estate::*;
use crate::harden::{Scope, control_of, declared_policies, harden, own_sids};
use crate::model::bucket::{Expiration, Lifecycle, LifecycleFilter, LifecycleRule, Versioning};
use crate::model::fact::{PolicyText, Tags};
use crate::model::live::Read;
use crate::model::{Control, Desired, Fact, Kind, Live, OWNER_TAG, Reference, Waiver, Wanted};

const TODAY: Date = date(2026, 6, 30);

fn waived(mut desired: Desired, controls: &[Control]) -> Desired {
    let waiver = |control: &Control| Waiver {
        control: *control,
        address: None,
        reason: "r".to_owned(),
        owner: "o".to_owned(),
        until: TODAY,
    };
    desired.waivers = controls.iter().map(waiver).collect();
    desired
}

fn on(desired: &[Desired], live: &Live, today: Date) -> Wanted {
    harden(desired, live, Scope { today, ..Scope::default() })
}

fn today(desired: &Desired, live: &Live) -> Wanted {
    on(std::slice::from_ref(desired), live, TODAY)
}

/// An estate that exists, with a policy of somebody else's.
fn existing(text: &str) -> Live {
    let mut live = new_account(&plain());
    existing_bucket(&mut live, BUCKET);
    put(&mut live, &aws(), Read::BucketPolicy { bucket: BUCKET.to_owned() }, PolicyText(text.to_owned()));
    live
}

const LIVE_POLICY: &str = r#"{"Version":"2012-10-17","Statement":[
    {"Sid":"Leak","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-databricks-audit/*"},
    {"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-databricks-audit/*","Condition":{"Bool":{"aws:SecureTransport":"false"}}}
]}"#;

#[test]
fn a_policy_is_waived_statement_by_statement() {
    let live = existing(LIVE_POLICY);
    let text = |controls: &[Control]| policy(&today(&waived(plain(), controls), &live), Kind::BucketPolicy, "audit");
    let hardened = text(&[]);
    assert!(statement(&hardened, "Leak").is_none() && statement(&hardened, "ObjectsOnlyDeclared").is_some());

    // The live statement of the same Sid stays, the renamed copy of it is not written beside it, and all else is ours.
    let tls = text(&[Control::TlsOnly]);
    assert_eq!(statement(&tls, "TlsOnly").unwrap()["Action"], "s3:PutObject");
    assert!(statement(&tls, "KeptTlsOnly").is_none() && statement(&tls, "Leak").is_none());
    assert!(statement(&tls, "Tls12").is_some());

    let open = text(&[Control::UndeclaredStatements, Control::UndeclaredReadsDenied]);
    assert!(statement(&open, "Leak").is_some() && statement(&open, "ObjectsOnlyDeclared").is_none());
    assert!(statement(&open, "WritesOnlyDelivery").is_some());

    // With everything waived, what is there is left to the byte.
    assert_eq!(text(Control::ALL), LIVE_POLICY);
    // The day after, nothing is.
    let ended = on(&[waived(plain(), Control::ALL)], &live, TODAY.tomorrow().unwrap());
    assert_eq!(policy(&ended, Kind::BucketPolicy, "audit"), hardened);
}

#[test]
fn a_policy_that_waivers_would_empty_is_refused() {
    let live = existing(LIVE_POLICY);
    let all: Vec<Control> = Control::ALL.iter().copied().filter(|one| *one != Control::UndeclaredStatements).collect();
    let only_leak = LIVE_POLICY.replace("\"Effect\":\"Deny\"", "\"Effect\":\"Allow\"").replace("TlsOnly", "Leak2");
    assert!(!codes(&today(&waived(plain(), &all), &live)).contains(&"waivers-leave-nothing"));
    let wanted = today(&waived(plain(), &all), &existing(&only_leak));
    assert!(codes(&wanted).contains(&"waivers-leave-nothing"), "{:?}", wanted.refusals);
}

#[test]
fn without_a_key_of_its_own_nothing_speaks_of_one() {
    let live = new_account(&plain());
    let wanted = today(&waived(plain(), &[Control::CustomerKey]), &live);
    for one in &wanted.resources {
        assert!(!one.address.kind.name().starts_with("kms-"), "{}", one.address);
        let text = serde_json::to_string(&one.fact).unwrap();
        let key = Reference::occurs_in(&text) && text.contains("kms-key");
        assert!(!key, "{} waits for a key that is not made: {text}", one.address);
    }
    let role = policy(&wanted, Kind::RolePolicy, "delivery");
    assert!(statement(&role, "Objects").is_some() && statement(&role, "Key").is_none());
    assert!(wanted.find("acme", Kind::BucketEncryption, "audit").is_none());
    let bucket = policy(&wanted, Kind::BucketPolicy, "audit");
    assert!(statement(&bucket, "OnlyOurKey").is_none() && statement(&bucket, "NoCustomerKeys").is_some());
}

#[test]
fn an_access_log_that_is_not_wanted_is_not_made() {
    let live = new_account(&plain());
    let wanted = today(&waived(plain(), &[Control::AccessLogging]), &live);
    assert!(wanted.resources.iter().all(|one| one.address.name != "access"));
    assert!(wanted.find("acme", Kind::BucketLogging, "audit").is_none());
    // One that is there is still a bucket of this estate.
    let mut live = new_account(&plain());
    existing_bucket(&mut live, ACCESS);
    let wanted = today(&waived(plain(), &[Control::AccessLogging]), &live);
    assert!(wanted.find("acme", Kind::BucketVersioning, "access").is_some());
}

#[test]
fn one_address_is_one_resource() {
    let mut live = existing(LIVE_POLICY);
    existing_bucket(&mut live, ACCESS);
    for bucket in [BUCKET, ACCESS] {
        let off = Versioning { status: "Suspended".to_owned(), mfa_delete: false };
        put(&mut live, &aws(), Read::BucketVersioning { bucket: bucket.to_owned() }, off);
    }
    let mut desired = waived(plain(), &[Control::Versioning]);
    desired.waivers[0].address = Some("bucket-versioning[access]".parse().unwrap());
    let wanted = today(&desired, &live);
    let status =
        |name| wanted.find("acme", Kind::BucketVersioning, name).unwrap().fact.versioning().unwrap().status.clone();
    assert_eq!((status("audit"), status("access")), ("Enabled".to_owned(), "Suspended".to_owned()));
}

#[test]
fn lifecycle_rules_are_waived_by_whose_they_are() {
    let mut live = existing(LIVE_POLICY);
    let early = LifecycleRule {
        id: "clean-up".to_owned(),
        enabled: true,
        filter: LifecycleFilter::default(),
        expiration: Some(Expiration::Days(3)),
        noncurrent_expiration: None,
        transitions: Vec::new(),
        noncurrent_transitions: Vec::new(),
        abort_multipart_days: None,
    };
    let read = Read::BucketLifecycle { bucket: BUCKET.to_owned() };
    put(&mut live, &aws(), read, Lifecycle { rules: vec![early] });
    let ids = |controls: &[Control]| -> Vec<String> {
        let wanted = today(&waived(plain(), controls), &live);
        let found = wanted.find("acme", Kind::BucketLifecycle, "audit").unwrap();
        found.fact.lifecycle().unwrap().rules.iter().map(|rule| rule.id.clone()).collect()
    };
    assert_eq!(ids(&[]), ["auditseal-retention"]);
    assert_eq!(ids(&[Control::EarlyExpiry]), ["auditseal-retention", "clean-up"]);
    assert_eq!(ids(&[Control::EarlyExpiry, Control::Retention]), ["clean-up"]);
}

#[test]
fn tags_are_left_only_where_the_thing_exists() {
    let mut live = existing(LIVE_POLICY);
    put(&mut live, &aws(), Read::BucketTags { bucket: BUCKET.to_owned() }, Tags([("a".into(), "b".into())].into()));
    let wanted = today(&waived(plain(), &[Control::OwnershipTag]), &live);
    let tags = |kind, name| wanted.find("acme", kind, name).unwrap().fact.tags().unwrap().0.clone();
    assert!(!tags(Kind::BucketTags, "audit").contains_key(OWNER_TAG));
    // What the plan makes is marked at birth: it is found again by that.
    assert!(tags(Kind::BucketTags, "access").contains_key(OWNER_TAG));
    assert!(tags(Kind::KmsTags, "audit").contains_key(OWNER_TAG));
}

#[test]
fn what_is_shared_is_waived_by_all_or_not_at_all() {
    let asking = |name: &str, bucket: &str| {
        let mut one = plain();
        one.name = name.to_owned();
        one.delivery.bucket = bucket.to_owned();
        one.role.arn = role(bucket);
        one.account.public_access_block = true;
        one
    };
    let block = |desired: &[Desired]| {
        let mut live = new_account(&desired[0]);
        none(&mut live, &aws(), Read::AccountPublicAccessBlock);
        let wanted = on(desired, &live, TODAY);
        wanted.find("_", Kind::AccountPublicAccessBlock, ACCOUNT).is_some()
    };
    let waive = |one: Desired| waived(one, &[Control::AccountPublicAccessBlock]);
    assert!(block(&[asking("a", "one"), asking("b", "two")]));
    assert!(block(&[waive(asking("a", "one")), asking("b", "two")]));
    assert!(!block(&[waive(asking("a", "one")), waive(asking("b", "two"))]));
}

#[test]
fn every_statement_of_ours_has_a_control() {
    for kind in [Kind::BucketPolicy, Kind::KmsKeyPolicy] {
        for sid in own_sids(kind) {
            let control = control_of(kind, "audit", &format!("statement[{sid}]"));
            assert!(control.is_some() && control != Some(Control::UndeclaredStatements), "{sid}");
            assert_eq!(control_of(kind, "audit", &format!("statement[Kept{sid}]")), control);
        }
        assert_eq!(control_of(kind, "audit", "statement[#2]"), Some(Control::UndeclaredStatements));
    }
    // What a waiver may name, some field of a plan answers to.
    for control in Control::ALL {
        let fits = control.kinds().iter().any(|kind| {
            let names = ["audit", "access", "delivery", "x"];
            let paths = ["", "bucket_key", "block_public_acls", "ignore_public_acls", "block_public_policy", "state"];
            let more =
                ["trust.statement[x]", "tags[x]", "rules[auditseal-retention]", "inline_policies[auditseal-delivery]"];
            let sids = own_sids(*kind).into_iter().chain(["x"]).map(|sid| format!("statement[{sid}]"));
            let paths: Vec<String> = paths.into_iter().chain(more).map(str::to_owned).chain(sids).collect();
            names.iter().any(|name| paths.iter().any(|path| control_of(*kind, name, path) == Some(*control)))
        });
        assert!(fits, "{control}");
    }
}

/// What a declaration alone comes to is what is planned for an empty account.
#[test]
fn declared_policies_are_those_that_are_written() {
    let mut desired = desired();
    desired.key.arn = Some(arn(KEY));
    let mut live = new_account(&desired);
    put_key(&mut live, &aws(), KEY, "alias/audit");
    for waivers in [&[][..], &[Control::TlsOnly, Control::DirectKeyUseDenied]] {
        let desired = waived(desired.clone(), waivers);
        let wanted = today(&desired, &live);
        for declared in declared_policies(&desired, TODAY) {
            // Keys of replicas and what names them are made up.
            if declared.text.contains("replica-") || declared.address.name.starts_with("replica-") {
                continue;
            }
            let found = wanted.find("acme", declared.address.kind, &declared.address.name).unwrap();
            let text = match &found.fact {
                Fact::Policy(PolicyText(text)) => text.clone(),
                Fact::Role(role) => role.trust.clone(),
                other => panic!("{other:?}"),
            };
            assert!(crate::iam::equivalent(&text, &declared.text), "{}: {text} {}", declared.address, declared.text);
        }
    }
}
