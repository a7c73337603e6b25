use std::collections::BTreeSet;

use jiff::civil::date;
use serde_json::{Value, json};

use crate::adopt::{Target, Terms, exceptions, pending, unneeded, wider_first, write};
use crate::diff::FieldChange;
use crate::model::{Address, Control, Kind};
use crate::plan::{Action, Change, Waived};

fn field(path: &str, before: Value, after: Value) -> FieldChange {
    FieldChange { path: path.to_owned(), before, after, reason: String::new() }
}

fn change(kind: Kind, name: &str, action: Action, paths: &[&str]) -> Change {
    Change {
        address: Address::new("acme", kind, name),
        action,
        reason: "why".to_owned(),
        irreversible: false,
        known_after_apply: Vec::new(),
        fields: paths.iter().map(|path| field(path, json!("a"), json!("b"))).collect(),
        depends_on: Vec::new(),
    }
}

fn waived(kind: Kind, name: &str, control: Control, fields: Vec<FieldChange>) -> Waived {
    Waived {
        address: Address::new("acme", kind, name),
        control,
        reason: String::new(),
        owner: String::new(),
        until: date(2027, 1, 1),
        fields,
    }
}

fn names(targets: &BTreeSet<Target>) -> Vec<String> {
    targets.iter().map(|one| format!("{}@{}", one.control, one.address)).collect()
}

#[test]
fn what_a_plan_changes_is_waived_at_its_place_and_what_it_makes_is_not() {
    let changes = [
        change(Kind::BucketVersioning, "audit", Action::Update, &["status"]),
        change(Kind::BucketPolicy, "audit", Action::Create, &["version", "statement[TlsOnly]", "statement[Tls12]"]),
        change(Kind::LogDelivery, "2c1fe903", Action::Update, &["status"]),
        // Shared by all manifests.
        change(Kind::Grants, "main/system.access", Action::Update, &["grants[x]"]),
        // A bucket that has to be made has nothing that could be left as it is.
        change(Kind::Bucket, "replica-west", Action::Create, &["region"]),
        change(Kind::BucketVersioning, "replica-west", Action::Create, &["status"]),
        // That logs are delivered as declared is nobody's to waive.
        change(Kind::LogDelivery, "primary", Action::Create, &["status"]),
    ];
    assert_eq!(
        names(&exceptions(&changes)),
        [
            "versioning@bucket-versioning[audit]",
            "tls-only@bucket-policy[audit]",
            "tls-version@bucket-policy[audit]",
            "other-deliveries@log-delivery[2c1fe903]",
            "system-table-grants@grants[main/system.access]",
        ]
    );
    assert_eq!(pending(&changes).first().map(String::as_str), Some("acme/bucket-versioning[audit]: why"));
}

#[test]
fn what_is_not_there_at_all_goes_with_one_waiver() {
    let key = [
        change(Kind::KmsKey, "audit", Action::Create, &["arn"]),
        change(Kind::KmsRotation, "audit", Action::Create, &["enabled"]),
        change(Kind::BucketEncryption, "audit", Action::Update, &["algorithm", "key"]),
    ];
    assert_eq!(names(&wider_first(&key)), ["customer-key@bucket-encryption[audit]"]);
    // A key that is there keeps its own waivers.
    assert_eq!(names(&wider_first(&key[1..])), [""; 0]);
    let log = [
        change(Kind::Bucket, "access", Action::Create, &["region"]),
        change(Kind::BucketLogging, "audit", Action::Create, &["target_bucket"]),
    ];
    assert_eq!(names(&wider_first(&log)), ["access-logging@bucket-logging[audit]"]);
}

#[test]
fn waivers_come_hardest_risk_first_and_say_what_they_leave() {
    let target = |control, kind, name: &str| Target::new(control, kind, name);
    let targets = BTreeSet::from([
        target(Control::OwnershipTag, Kind::BucketTags, "audit"),
        target(Control::Versioning, Kind::BucketVersioning, "audit"),
        target(Control::UndeclaredStatements, Kind::BucketPolicy, "audit"),
        target(Control::CustomerKey, Kind::BucketEncryption, "audit"),
        target(Control::KeyAlias, Kind::KmsAlias, "audit"),
    ]);
    let list = [
        waived(
            Kind::BucketVersioning,
            "audit",
            Control::Versioning,
            vec![field("status", json!("Suspended"), json!("Enabled"))],
        ),
        waived(
            Kind::BucketPolicy,
            "audit",
            Control::UndeclaredStatements,
            (0..9).map(|n| field(&format!("statement[S{n}]"), json!({}), Value::Null)).collect(),
        ),
        waived(Kind::BucketEncryption, "audit", Control::CustomerKey, vec![field("key", Value::Null, json!("k"))]),
        waived(Kind::KmsKey, "audit", Control::CustomerKey, vec![field("arn", Value::Null, json!("k"))]),
        waived(
            Kind::BucketTags,
            "audit",
            Control::OwnershipTag,
            vec![field("tags", json!("x".repeat(99)), json!("y"))],
        ),
    ];
    assert_eq!(names(&unneeded(&targets, &list)), ["key-alias@kms-alias[audit]"]);
    let terms = Terms { today: date(2026, 11, 23), until: date(2027, 2, 21), owner: "team".to_owned() };
    let written = write(&targets, &list, &terms, &|control| format!("the control {control}"));
    let lines: Vec<String> =
        written.iter().map(|one| format!("{} {}", one.waiver.control, one.remarks.join(" | "))).collect();
    insta::assert_snapshot!(lines.join("\n"));
    let first = &written.first().expect("a waiver").waiver;
    assert_eq!(first.reason, "as found by auditseal init on 2026-11-23");
    assert_eq!((first.owner.as_str(), first.until), ("team", date(2027, 2, 21)));
}
