//! Findings of a plan.

use serde_json::json;

use super::*;
use crate::access::{Holder, Question, Verdict as Possible};
use crate::finding::{Finding, Severity};
use crate::model::reference::Output;
use crate::model::{Gap, Kind, Reference};
use crate::plan::{GuardResult, Verdict};

fn versioning(manifest: &str) -> Address {
    Address::new(manifest, Kind::BucketVersioning, "audit")
}

fn told(given: &Given) -> Vec<String> {
    let all = given.seen().0;
    all.iter()
        .map(|one| {
            format!("{:?} {} {}: {}", one.finding.severity, one.finding.code, one.finding.subject, one.finding.message)
        })
        .collect()
}

fn prints(given: &Given) -> Vec<String> {
    given.seen().0.into_iter().map(|one| one.fingerprint).collect()
}

fn gap(what: &str) -> Gap {
    Gap { what: what.to_owned(), permission: Some("s3:GetBucketPolicy".to_owned()), message: "AccessDenied".to_owned() }
}

fn suspended(manifest: &str, before: &str) -> Given {
    let mut given = Given::new(manifest);
    let fields = vec![field("status", json!(before), json!("Enabled"))];
    given.plan.changes = vec![change(&versioning(manifest), Action::Update, fields)];
    given
}

#[test]
fn every_field_is_a_finding_and_what_is_missing_is_one() {
    let mut given = Given::new("acme");
    let at = |kind| Address::new("acme", kind, "audit");
    let token = Reference::new(at(Kind::KmsKey), Output::KeyArn).to_string();
    let long = "x".repeat(400);
    given.plan.changes = vec![
        change(&versioning("acme"), Action::Update, vec![field("status", json!("Suspended"), json!("Enabled"))]),
        change(
            &at(Kind::BucketEncryption),
            Action::Update,
            vec![field("algorithm", json!(null), json!("aws:kms")), field("key", json!(long), json!(token))],
        ),
        change(&at(Kind::KmsKey), Action::Create, vec![field("state", json!(null), json!("Enabled"))]),
        change(&at(Kind::BucketReplication), Action::Delete, vec![field("role", json!("r"), json!(null))]),
        change(&at(Kind::BucketTags), Action::Noop, Vec::new()),
    ];
    insta::assert_snapshot!(told(&given).join("\n"), @r#"
    High configuration-drift acme/bucket-replication[audit]: it exists and is not declared; because
    High configuration-drift acme/kms-key[audit]: it does not exist; because
    Medium configuration-drift acme/bucket-encryption[audit]: `algorithm` is not set, declared is "aws:kms"; B12: versions
    Medium configuration-drift acme/bucket-encryption[audit]: `key` is "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…, declared is (known after apply); B12: versions
    Medium configuration-drift acme/bucket-versioning[audit]: `status` is "Suspended", declared is "Enabled"; B12: versions
    "#);
    assert!(given.seen().0.iter().all(|one| one.drift && one.manifest.as_deref() == Some("acme")));
}

#[test]
fn a_fingerprint_is_of_what_is_wrong_where_and_of_nothing_else() {
    let first = prints(&suspended("acme", "Suspended"));
    assert_eq!(prints(&suspended("renamed", "Suspended")), first, "the name of a manifest");
    assert_ne!(prints(&suspended("acme", "Off")), first, "another live value");
    let mut reworded = suspended("acme", "Suspended");
    reworded.plan.changes[0].fields[0].reason = "in other words".to_owned();
    reworded.plan.changes[0].fields[0].after = json!("Disabled");
    assert_eq!(prints(&reworded), first, "reason and wanted value");
    let mut other = suspended("acme", "Suspended");
    other.desired[0].delivery.bucket = "another".to_owned();
    assert_ne!(prints(&other), first, "another estate");
}

#[test]
fn findings_that_nothing_else_tells_apart_are_counted() {
    let waiver = |until: &str| Finding {
        code: "waiver-expired".to_owned(),
        severity: Severity::Medium,
        subject: "acme/waivers[versioning]".to_owned(),
        message: format!("until {until}"),
        help: None,
        span: None,
    };
    let mut given = Given::new("acme");
    given.plan.findings = vec![waiver("2026-01-01"), waiver("2026-02-02")];
    let both = prints(&given);
    assert!(both.len() == 2 && both[0] != both[1]);
    given.plan.findings = vec![waiver("2026-03-03"), waiver("2026-04-04")];
    assert_eq!(prints(&given), both, "words and days");
    let all = given.seen().0;
    assert!(all.iter().all(|one| !one.drift && one.owner.as_deref() == Some(given.desired[0].owner().as_str())));
}

#[test]
fn gaps_and_refusals_are_told_and_warnings_are_not() {
    let mut given = Given::new("acme");
    given.plan.gaps = vec![gap("s3:GetBucketPolicy on b")];
    let guard = |code: &str, verdict| GuardResult { code: code.to_owned(), verdict, message: "m".to_owned() };
    given.plan.guards = vec![
        guard("unread-inputs", Verdict::Refuse),
        guard("public-policy", Verdict::Refuse),
        guard("not-a-declared-admin", Verdict::Warn),
        guard("access-widened", Verdict::Pass),
    ];
    insta::assert_snapshot!(told(&given).join("\n"), @"
    High public-policy plan: a plan of this state is refused: m
    Medium unread-inputs s3:GetBucketPolicy on b: s3:GetBucketPolicy on b could not be read: AccessDenied (needs s3:GetBucketPolicy)
    ");
}

fn holder(question: Question, verdict: Possible, through: Option<&str>) -> Holder {
    Holder {
        manifest: "acme".to_owned(),
        question,
        arn: "arn:aws:iam::111122223333:role/Contractor".to_owned(),
        declared: false,
        through: through.map(str::to_owned),
        replica: None,
        verdict,
    }
}

#[test]
fn undeclared_access_is_told_by_what_it_lets_do() {
    let mut given = Given::new("acme");
    given.access.undeclared = vec![
        holder(Question::Read, Possible::Can, None),
        holder(Question::Tamper, Possible::Can, Some("arn:aws:iam::111122223333:role/PlatformAdmin")),
        holder(Question::Write, Possible::Conditional, None),
        holder(Question::List, Possible::Conditional, None),
    ];
    insta::assert_snapshot!(told(&given).join("\n"), @"
    Critical undeclared-access acme/access[read]: arn:aws:iam::111122223333:role/Contractor is not declared and can read the logs
    High undeclared-access acme/access[tamper]: arn:aws:iam::111122223333:role/Contractor is not declared and can tamper with the logs as arn:aws:iam::111122223333:role/PlatformAdmin
    Medium undeclared-access acme/access[write]: arn:aws:iam::111122223333:role/Contractor is not declared and may, under conditions or for all that is known, write the logs
    Low undeclared-access acme/access[list]: arn:aws:iam::111122223333:role/Contractor is not declared and may, under conditions or for all that is known, list the logs
    ");
    assert!(given.seen().0.iter().all(|one| !one.drift));
    // While something is unread everybody may; only who certainly can is told.
    given.access.gaps = vec![gap("iam:GetAccountAuthorizationDetails")];
    assert_eq!(told(&given).len(), 2);
    assert!(!given.seen().1.contains("access"));
}

#[test]
fn only_what_was_read_is_judged() {
    let mut given = suspended("acme", "Suspended");
    let policy = Address::new("acme", Kind::BucketPolicy, "audit");
    given.resource(&versioning("acme"), Read::BucketVersioning { bucket: BUCKET.to_owned() }, Observed::Absent);
    let unread = Observed::Unknown(gap("s3:GetBucketPolicy on b"));
    given.resource(&policy, Read::BucketPolicy { bucket: BUCKET.to_owned() }, unread);
    given.unread.insert("acme".to_owned());
    given.plan.gaps = vec![gap("s3:GetBucketPolicy on b")];
    let judged = given.seen().1;
    let owner = given.desired[0].owner();
    assert!(judged.contains(&format!("address:{owner}/bucket-versioning[audit]")), "{judged:?}");
    for unjudged in [format!("address:{owner}/bucket-policy[audit]"), format!("manifest:{owner}"), "plan".to_owned()] {
        assert!(!judged.contains(&unjudged), "{judged:?}");
    }
    // What is wanted may itself rest on what is unread.
    given.wanted.gaps = given.plan.gaps.clone();
    assert!(!given.seen().1.iter().any(|basis| basis.starts_with("address:")));
}

#[test]
fn what_differs_only_for_want_of_a_name_is_no_drift() {
    let mut given = Given::new("acme");
    let encryption = Address::new("acme", Kind::BucketEncryption, "audit");
    let token = Reference::new(Address::new("acme", Kind::KmsKey, "audit"), Output::KeyArn).to_string();
    let fields = vec![field("key", json!("arn"), json!(token)), field("bucket_key", json!(false), json!(true))];
    given.plan.changes = vec![change(&encryption, Action::Update, fields)];
    assert_eq!(told(&given).len(), 2);
    given.unread.insert("acme".to_owned());
    given.wanted.gaps = vec![gap("kms:DescribeKey on alias/x")];
    let left = told(&given);
    assert!(left.len() == 1 && left[0].contains("`bucket_key`"), "{left:?}");
}

#[test]
fn every_code_of_a_check_is_explained() {
    for code in ["configuration-drift", "undeclared-access", "delivery-silent", "no-recent-objects", "unread-inputs"] {
        assert!(crate::report::explain(code).is_some(), "{code}");
    }
}
