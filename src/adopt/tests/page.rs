use proptest::prelude::*;

use super::sketch;
use crate::adopt::{AccessLog, Person, Remarks, Sketch, Who, text};
use crate::manifest;
use crate::model::desired::{LockMode, ObjectLock};
use crate::model::place::Partition;

fn admin() -> Person {
    Person::new(Who::Role("arn:aws:iam::111122223333:role/Admin".parse().unwrap()), Vec::new())
}

#[test]
fn every_word_that_a_sketch_has_is_written_and_means_what_it_says() {
    let mut reader = Person::new(Who::User("a@example.com".to_owned()), vec!["one\ntwo".to_owned()]);
    reader.label = "odd".to_owned();
    let mut mfa = Person::new(Who::Role("arn:aws:iam::111122223333:role/Reader".parse().unwrap()), Vec::new());
    mfa.mfa = true;
    let proposed = Person { proposed: true, ..Person::new(Who::Group("x".to_owned()), Vec::new()) };
    let whole = Sketch {
        partition: Some(Partition::Aws),
        delivery_name: Some("audit \"logs\"".to_owned()),
        disabled: true,
        workspace_ids: vec![1, 2],
        previous_prefixes: vec![String::new(), "old".to_owned()],
        retention_days: Some(800),
        noncurrent_retention_days: Some(500),
        abort_multipart_days: Some(3),
        event_bridge: Some(false),
        object_lock: Some(ObjectLock { mode: LockMode::Compliance, days: 30 }),
        access_log: AccessLog {
            bucket: Some("acme-logs".to_owned()),
            prefix: Some("s3/".to_owned()),
            retention_days: Some(90),
            readers: vec!["arn:aws:iam::111122223333:role/Auditor".to_owned()],
        },
        replicas: vec![("acme-west".to_owned(), "us-west-2".to_owned())],
        key_arn: Some(crate::access::tests::lab::KEY.to_owned()),
        key_alias: Some("alias/logs".to_owned()),
        rotation_days: Some(180),
        previous_keys: vec![crate::access::tests::lab::OLD_KEY.to_owned()],
        role_profile: Some("delivery".to_owned()),
        readers: vec![
            reader,
            mfa,
            Person::new(Who::ServicePrincipal("3f2a1b4c-5d6e-7f80-91a2-b3c4d5e6f708".to_owned()), vec![]),
            proposed,
        ],
        admins: vec![admin()],
        observers: vec![Person::new(Who::Role("arn:aws:iam::111122223333:role/Drift".parse().unwrap()), Vec::new())],
        workspaces: vec![("my \"own\" [place]".to_owned(), true)],
        remarks: Remarks { head: vec!["head".to_owned()], ..Remarks::default() },
        ..sketch()
    };
    let written = text(&whole);
    let canonical = manifest::format("acme.toml", &written).expect("TOML");
    insta::assert_snapshot!(canonical);
    let desired = manifest::parse("acme", "acme.toml", &canonical).expect("a manifest");
    assert_eq!(desired, manifest::parse("acme", "acme.toml", &written).unwrap(), "the form changes no meaning");
    assert_eq!(manifest::format("acme.toml", &canonical).unwrap(), canonical);
    assert_eq!(desired.workspaces.keys().next().map(String::as_str), Some("my \"own\" [place]"));
    assert_eq!(desired.delivery.previous_prefixes, ["", "old"]);
}

#[test]
fn a_secret_in_a_name_is_not_carried_over() {
    let mut sketch = Sketch { admins: vec![admin()], ..sketch() };
    let token = format!("dapi{}", "0123456789abcdef".repeat(2));
    sketch.remarks.delivery = vec![format!("the delivery `{token}` was adopted")];
    let text = text(&sketch);
    assert!(!text.contains(&token), "{text}");
    manifest::parse("acme", "acme.toml", &text).expect("a manifest without a secret");
}

proptest! {
    /// What an account calls its things ends no comment and opens no section.
    #[test]
    fn remarks_are_comments_whatever_they_hold(remarks in proptest::collection::vec("\\PC{0,40}|[\\x00-\\x7f]{0,200}|(\r?\n?\\[admins\\.x\\]\n?){1,3}", 1..4)) {
        let plain = Sketch { admins: vec![admin()], ..sketch() };
        let remarked = Remarks {
            head: remarks.clone(),
            delivery: remarks.clone(),
            bucket: Vec::new(),
            access_log: Vec::new(),
            key: Vec::new(),
            role: remarks.clone(),
            readers: remarks.clone(),
            admins: remarks.clone(),
            workspaces: Vec::new(),
        };
        let mut noted = Sketch { remarks: remarked, ..plain.clone() };
        noted.admins[0].remarks = remarks;
        let table = |sketch: &Sketch| text(sketch).parse::<toml::Table>().expect("TOML");
        prop_assert_eq!(table(&noted), table(&plain));
    }

    /// Values come back as they are.
    #[test]
    fn values_are_quoted_whatever_they_hold(name in "\\PC{0,30}|[\\x00-\\x7f]{0,30}", workspace in "\\PC{1,30}") {
        let sketch = Sketch {
            delivery_name: Some(name.clone()),
            workspaces: vec![(workspace.clone(), true)],
            ..sketch()
        };
        let table = text(&sketch).parse::<toml::Table>().expect("TOML");
        prop_assert_eq!(table["delivery"]["name"].as_str(), Some(name.as_str()));
        prop_assert!(table["workspaces"].as_table().unwrap().contains_key(&workspace));
    }
}
