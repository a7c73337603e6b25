use jiff::civil::{Date, date};

use super::*;
use crate::manifest::parse;
use crate::model::desired::{LockMode, ObjectLock};

const TODAY: Date = date(2026, 6, 30);
const SMALL: &str = include_str!("../../examples/manifests/minimal.toml");
const FULL: &str = include_str!("../../examples/manifests/full.toml");

fn full() -> Desired {
    parse("acme", "acme.toml", FULL).unwrap()
}

fn edited(edits: &[(&str, &str)]) -> Desired {
    let mut text = FULL.to_owned();
    for (old, new) in edits {
        assert!(text.contains(old), "{old}");
        text = text.replacen(old, new, 1);
    }
    parse("acme", "acme.toml", &text).unwrap()
}

fn of(base: &Desired, head: &Desired) -> Review {
    review(std::slice::from_ref(base), std::slice::from_ref(head), TODAY)
}

fn access(review: &Review) -> Vec<String> {
    let line = |one: &AccessChange| {
        let name = one.who.rsplit('/').next().unwrap_or_default();
        format!("{:?} {:?} {name}: {}", one.change, one.question, one.what)
    };
    review.access.iter().map(line).collect()
}

const SIEM: &str = "[readers.siem]\nrole = \"arn:aws:iam::444455556666:role/SiemReader\"\n";

#[test]
fn nothing_changes_nothing() {
    let review = of(&full(), &full());
    assert!(!review.widens);
    assert_eq!((review.manifests.len(), review.fields.len(), review.access.len(), review.proofs.len()), (0, 0, 0, 0));
    // Waivers that stay are not news, those that have ended are.
    assert_eq!(review.waivers, []);
}

#[test]
fn a_reader_comes_and_goes_and_both_are_proved() {
    let without = edited(&[(SIEM, "")]);
    let gained = of(&without, &full());
    assert!(gained.widens);
    let listed = access(&gained);
    assert!(listed.contains(&"Gains Read SiemReader: the delivered logs".to_owned()), "{listed:?}");
    assert!(
        listed.iter().any(|line| line.starts_with("Gains Read SiemReader: copies in `acme-databricks-audit-vault`"))
    );
    assert!(listed.iter().all(|line| line.starts_with("Gains") && line.contains("SiemReader")), "{listed:?}");
    let proof = gained.proofs.iter().find(|one| one.policy.to_string() == "kms-key-policy[audit]").unwrap();
    match &proof.wider {
        More::Yes { principal: Some(principal), action, .. } => {
            assert!(principal.contains("SiemReader") && action == "kms:Decrypt", "{proof:?}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(proof.narrower, More::No);

    let lost = of(&full(), &without);
    assert!(!lost.widens, "{:?}", lost.proofs);
    assert!(access(&lost).iter().all(|line| line.starts_with("Loses")));
    // That nobody gains is proved for every policy.
    assert!(lost.proofs.len() >= 4 && lost.proofs.iter().all(|one| one.wider == More::No), "{:?}", lost.proofs);
}

#[test]
fn conditions_count_although_no_list_shows_them() {
    let head = edited(&[("mfa  = true", "mfa  = false")]);
    let review = of(&full(), &head);
    assert!(review.widens);
    assert_eq!(access(&review), ["Gains Read SecurityAnalyst: also without multi-factor authentication"]);
    assert!(review.proofs.iter().any(|one| matches!(one.wider, More::Yes { .. })));
    let control = review.controls.iter().find(|one| one.control == "reader-mfa").unwrap();
    assert_eq!((control.change, control.path.as_str()), (Strength::Weakened, "readers.security-analysts.mfa"));
    let back = of(&head, &full());
    assert!(!back.widens);
    assert_eq!(back.controls[0].change, Strength::Strengthened);
}

#[test]
fn names_are_labels() {
    let base = full();
    let mut head = edited(&[("[readers.siem]", "[readers.splunk]")]);
    head.name = "other".to_owned();
    let review = of(&base, &head);
    assert!(!review.widens);
    assert_eq!(review.access, []);
    assert_eq!(review.proofs, []);
    let renamed = ManifestChange { name: "other".into(), change: Fate::Changed, renamed_from: Some("acme".into()) };
    assert_eq!(review.manifests, [renamed]);
}

#[test]
fn a_move_is_no_gain_and_what_stays_readable_is_none_either() {
    let moved = edited(&[("prefix            = \"audit\" ", "prefix            = \"logs\" ")]);
    let review = of(&full(), &moved);
    let listed = access(&review);
    assert!(!review.widens, "{listed:?} {:?}", review.proofs);
    assert!(listed.contains(&"Loses Read SiemReader: logs below `audit/`".to_owned()), "{listed:?}");
    assert!(review.irreversible.iter().any(|one| one.code == "irreversible-log-delivery"));
    let kept = edited(&[
        ("prefix            = \"audit\" ", "prefix            = \"logs\" "),
        ("[\"audit-logs\"]", "[\"audit-logs\", \"audit\"]"),
    ]);
    let review = of(&full(), &kept);
    // The role that delivers reads back only what it delivers.
    assert_eq!(access(&review), ["Loses Read DatabricksAuditDelivery: logs below `audit/`"]);
    // A prefix that was not read before is a gain.
    let more = edited(&[("[\"audit-logs\"]", "[\"audit-logs\", \"archive\"]")]);
    assert!(of(&full(), &more).widens);
}

#[test]
fn places_writers_and_admins() {
    let vault = "[[bucket.replicas]]\nbucket     = \"acme-databricks-audit-vault\"\naccount_id = \"444455556666\"\n\
        region     = \"us-east-2\"\nprofile    = \"acme-vault\"\n";
    let review = of(&edited(&[(vault, "")]), &full());
    assert!(review.widens);
    let listed = access(&review);
    assert!(
        listed.iter().any(|line| line.contains("Gains Write AuditReplication-acme-databricks-audit: copies in")),
        "{listed:?}"
    );
    let other = edited(&[("DatabricksAuditDelivery", "OtherDelivery")]);
    let listed = access(&of(&full(), &other));
    assert!(listed.contains(&"Gains Write OtherDelivery: the delivered logs".to_owned()), "{listed:?}");
    let admin = edited(&[(
        "[admins.platform]",
        "[admins.more]\nrole = \"arn:aws:iam::111122223333:role/More\"\n\n[admins.platform]",
    )]);
    let review = of(&full(), &admin);
    assert!(access(&review).iter().any(|line| line.starts_with("Gains Tamper More:")));
    assert!(
        review
            .proofs
            .iter()
            .any(|one| matches!(&one.wider, More::Yes { principal: Some(who), .. } if who.contains("More")))
    );
}

#[test]
fn waivers_that_open_widen() {
    let waiver = |control: &str, until: &str| {
        format!("\n[[waivers]]\ncontrol = \"{control}\"\nreason = \"r\"\nowner = \"o\"\nuntil = {until}\n")
    };
    let with = |text: &str| parse("acme", "acme.toml", &format!("{SMALL}{text}")).unwrap();
    let fates = |base: &str, head: &str| {
        let review = of(&with(base), &with(head));
        let fates: Vec<(WaiverFate, bool)> = review.waivers.iter().map(|one| (one.change, one.opens)).collect();
        (fates, review.widens)
    };
    let reads = |until| waiver("undeclared-reads-denied", until);
    let versions = |until| waiver("versioning", until);
    assert_eq!(fates("", &reads("2027-01-01")), (vec![(WaiverFate::Appears, true)], true));
    assert_eq!(fates("", &versions("2027-01-01")), (vec![(WaiverFate::Appears, false)], false));
    assert_eq!(fates(&reads("2027-01-01"), &reads("2028-01-01")), (vec![(WaiverFate::Extended, true)], true));
    assert_eq!(fates(&reads("2028-01-01"), &reads("2027-01-01")), (vec![(WaiverFate::Shortened, true)], false));
    assert_eq!(fates(&reads("2027-01-01"), ""), (vec![(WaiverFate::Removed, true)], false));
    assert_eq!(fates("", &reads("2026-06-29")), (vec![(WaiverFate::Expired, true)], false));
    assert_eq!(fates(&versions("2026-07-14"), &versions("2026-07-14")), (vec![(WaiverFate::EndsSoon, false)], false));
    // What the waiver keeps out of the policies, the proof shows: whoever has permissions of their own can read.
    let review = of(&with(""), &with(&reads("2027-01-01")));
    let policy = review.proofs.iter().find(|one| one.policy.to_string() == "bucket-policy[audit]").unwrap();
    assert!(matches!(&policy.wider, More::Yes { .. }), "{policy:?}");
}

#[test]
fn what_cannot_be_taken_back() {
    let codes = |base: Option<ObjectLock>, head: Option<ObjectLock>| -> Vec<String> {
        let of_lock = |lock| {
            let mut desired = full();
            desired.bucket.object_lock = lock;
            desired
        };
        of(&of_lock(base), &of_lock(head)).irreversible.into_iter().map(|one| one.code).collect()
    };
    let lock = |mode, days| Some(ObjectLock { mode, days });
    let (governance, compliance) = (LockMode::Governance, LockMode::Compliance);
    assert_eq!(codes(None, lock(governance, 1)), ["irreversible-object-lock"]);
    assert_eq!(codes(None, lock(compliance, 1)), ["irreversible-object-lock", "irreversible-compliance-retention"]);
    assert_eq!(codes(lock(governance, 9), lock(compliance, 9)), ["irreversible-compliance-retention"]);
    assert_eq!(codes(lock(compliance, 9), lock(compliance, 10)), ["irreversible-compliance-retention"]);
    assert_eq!(codes(lock(compliance, 10), lock(compliance, 9)), [""; 0]);
    let new = review(&[], &[full()], TODAY);
    assert!(new.irreversible.iter().any(|one| one.code == "irreversible-log-delivery"));
    for one in &new.irreversible {
        assert!(crate::report::explain(&one.code).is_some(), "{}", one.code);
    }
}

#[test]
fn controls_have_a_direction() {
    let head = edited(&[
        ("retention_days            = 730", "retention_days            = 400"),
        ("undeclared        = \"report\"", "undeclared        = \"disable\""),
        ("rotation_days = 365", "rotation_days = 90"),
        ("verbose_audit_logs = true", "verbose_audit_logs = false"),
        ("workspaces        = []", "workspaces        = [7]"),
    ]);
    let review = of(&full(), &head);
    let found: Vec<String> = review.controls.iter().map(|one| format!("{:?} {}", one.change, one.path)).collect();
    insta::assert_snapshot!(found.join("\n"), @r###"
    Weakened bucket.retention_days
    Weakened delivery.workspaces
    Weakened workspaces.production.verbose_audit_logs
    Strengthened delivery.undeclared
    Strengthened key.rotation_days
    "###);
    // Every control that is named can be looked up, but for the two that no list has.
    for one in &review.controls {
        assert!(one.control == "delivery" || crate::report::explain(&one.control).is_some(), "{}", one.control);
    }
}

#[test]
fn manifests_come_and_go() {
    let added = review(&[], &[full()], TODAY);
    assert!(added.widens && added.access.iter().all(|one| one.change == Direction::Gains));
    assert_eq!(added.manifests[0].change, Fate::Added);
    let removed = review(&[full()], &[], TODAY);
    assert!(!removed.widens && removed.access.iter().all(|one| one.change == Direction::Loses));
    assert_eq!(removed.manifests[0].change, Fate::Removed);
    assert_eq!(removed.controls[0].control, "declaration");
}
