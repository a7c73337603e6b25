//! What is decided from a journal and live state, and that every request has its way back.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::chains::{Decided, decide};
use super::parts::{Fate, Made, fate};
use super::restore::restore;
use super::value::{before, written};
use super::{CHANGED_SINCE, STAYS};
use crate::call::{Query, Read, Write};
use crate::journal::Sent;
use crate::model::databricks::LogDelivery;
use crate::model::fact::PolicyText;
use crate::model::{Address, Fact, Kind, Live, Observed, Place};

const POLICIES: [&str; 3] = [
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"A","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"B","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}"#,
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"C","Effect":"Deny","Principal":"*","Action":"s3:Get*","Resource":"*"}]}"#,
];

fn place() -> Place {
    Place::Aws { account: "111122223333".to_owned(), region: "us-east-1".to_owned() }
}

fn policy(index: usize) -> Observed<Fact> {
    Observed::Present(PolicyText(POLICIES[index].to_owned()).into())
}

fn put(index: usize) -> Write {
    Write::PutBucketPolicy { bucket: "b".to_owned(), policy: POLICIES[index].to_owned() }
}

fn sent(step: usize, kind: Kind, write: Write, before: Option<Observed<Fact>>) -> Sent {
    let address = Address::new("acme", kind, "audit");
    Sent { step, address, place: place(), write, query: None, before, undo: None, outputs: None }
}

fn live(read: Read, answer: Observed<Fact>) -> Live {
    let mut live = Live::default();
    live.set(Query { place: place(), read }, answer);
    live
}

fn policy_live(answer: Observed<Fact>) -> Live {
    live(Read::BucketPolicy { bucket: "b".to_owned() }, answer)
}

fn decided(sent: &[Sent], live: &Live, allow: &[&str]) -> Decided {
    let allow: BTreeSet<String> = allow.iter().map(|code| (*code).to_owned()).collect();
    decide(sent, Clone::clone, live, &allow, &|_| None)
}

/// The places of what is undone, in order.
fn undone(decided: &Decided) -> Vec<usize> {
    decided.undo.iter().map(|undo| undo.at).collect()
}

fn codes(decided: &Decided) -> Vec<&str> {
    decided.findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// A policy that a run wrote twice: the transition, then the final one.
fn twice() -> Vec<Sent> {
    vec![sent(0, Kind::BucketPolicy, put(1), Some(policy(0))), sent(5, Kind::BucketPolicy, put(2), Some(policy(1)))]
}

#[test]
fn live_state_says_how_far_back_the_way_is() {
    for (now, expected) in [
        // The final one is there: back through the transition.
        (policy(2), vec![1, 0]),
        // Killed before the final one took effect, whatever the journal announced.
        (policy(1), vec![0]),
        // Never took effect, or was put back already.
        (policy(0), vec![]),
    ] {
        let decided = decided(&twice(), &policy_live(now), &[]);
        assert_eq!(undone(&decided), expected);
        assert!(decided.findings.is_empty());
    }
}

#[test]
fn what_somebody_changed_is_told_and_put_back_only_when_allowed() {
    let other = Observed::Present(PolicyText(POLICIES[0].replace("GetObject", "PutObject")).into());
    for other in [other, Observed::Absent] {
        let told = decided(&twice(), &policy_live(other.clone()), &[]);
        assert_eq!((undone(&told), codes(&told)), (vec![], vec![CHANGED_SINCE]));
        let allowed = decided(&twice(), &policy_live(other), &[CHANGED_SINCE]);
        assert_eq!((undone(&allowed), codes(&allowed)), (vec![0], vec![CHANGED_SINCE]));
    }
}

#[test]
fn what_could_not_be_read_is_a_gap_and_not_undone() {
    let decided = decided(&twice(), &Live::default(), &[]);
    assert_eq!((undone(&decided), decided.gaps.len()), (vec![], 1));
}

/// A wait failed and the run took a change back: one more request about the same part, without an image of its own.
#[test]
fn what_the_run_took_back_itself_is_back() {
    let mut all = vec![sent(0, Kind::BucketPolicy, put(1), Some(policy(0)))];
    all.push(sent(0, Kind::BucketPolicy, put(0), None));
    assert_eq!(undone(&decided(&all, &policy_live(policy(0)), &[])), Vec::<usize>::new());
    // Killed before it took effect.
    assert_eq!(undone(&decided(&all, &policy_live(policy(1)), &[])), vec![0]);
}

#[test]
fn a_policy_that_was_not_there_is_deleted_again() {
    let all = [sent(0, Kind::BucketPolicy, put(1), Some(Observed::Absent))];
    let decided = decided(&all, &policy_live(policy(1)), &[]);
    let undo = decided.undo.first().expect("undone");
    let puts = restore(&undo.part, &undo.to, &policy(1));
    assert_eq!(puts[0].write, Write::DeleteBucketPolicy { bucket: "b".to_owned() });
}

#[test]
fn what_was_made_stays_whole() {
    let bucket = || "b".to_owned();
    let all = [
        sent(0, Kind::Bucket, Write::CreateBucket { bucket: bucket(), object_lock: false }, Some(Observed::Absent)),
        sent(1, Kind::BucketPolicy, put(1), Some(Observed::Absent)),
        sent(
            2,
            Kind::BucketVersioning,
            Write::EnableBucketVersioning { bucket: bucket() },
            Some(serde_json::from_value(versioning("Off")).expect("fact")),
        ),
    ];
    let decided = decided(&all, &policy_live(policy(1)), &[]);
    assert_eq!((undone(&decided), codes(&decided)), (vec![], vec![STAYS]));
}

fn versioning(status: &str) -> serde_json::Value {
    present("bucket_versioning", &json!({ "status": status, "mfa_delete": false }))
}

fn present(fact: &str, value: &serde_json::Value) -> serde_json::Value {
    json!({ "observed": "present", "value": { "fact": fact, "value": value } })
}

#[test]
fn versioning_under_object_lock_stays_on() {
    let all = [sent(
        0,
        Kind::BucketVersioning,
        Write::EnableBucketVersioning { bucket: "b".to_owned() },
        Some(serde_json::from_value(versioning("Off")).expect("fact")),
    )];
    let enabled = serde_json::from_value(versioning("Enabled")).expect("fact");
    let mut live = live(Read::BucketVersioning { bucket: "b".to_owned() }, enabled);
    let free = Query { place: place(), read: Read::BucketObjectLock { bucket: "b".to_owned() } };
    live.set(free.clone(), Observed::Absent);
    assert_eq!(undone(&decided(&all, &live, &[])), [0]);
    let locked = present("bucket_object_lock", &json!({ "retention": null }));
    live.set(free, serde_json::from_value(locked).expect("fact"));
    let stays = decided(&all, &live, &[]);
    assert_eq!((undone(&stays), codes(&stays)), (vec![], vec![STAYS]));
}

/// The answer of Databricks was lost with the run: the configuration is found by what it is, and disabled.
#[test]
fn a_configuration_whose_id_nobody_heard_is_found() {
    let delivery = LogDelivery {
        config_id: "c1".to_owned(),
        config_name: "audit".to_owned(),
        log_type: "AUDIT_LOGS".to_owned(),
        output_format: "JSON".to_owned(),
        credentials_id: "cr".to_owned(),
        storage_configuration_id: "st".to_owned(),
        delivery_path_prefix: "p".to_owned(),
        workspace_ids_filter: Vec::new(),
        status: "ENABLED".to_owned(),
        creation_time: 1,
        delivery: None,
    };
    let write = Write::CreateLogDelivery {
        name: "audit".to_owned(),
        credentials_id: "cr".to_owned(),
        storage_configuration_id: "st".to_owned(),
        prefix: "p".to_owned(),
        workspaces: Vec::new(),
    };
    let all = [sent(0, Kind::LogDelivery, write, None)];
    let there = live(Read::LogDeliveries, Observed::Present(vec![delivery.clone()].into()));
    let found = decided(&all, &there, &[]);
    let undo = found.undo.first().expect("disabled");
    let answer = there.get(&undo.part.query);
    assert_eq!(
        restore(&undo.part, &undo.to, &answer)[0].write,
        Write::SetLogDeliveryStatus { config_id: "c1".to_owned(), status: "DISABLED".to_owned() }
    );
    let other = LogDelivery { delivery_path_prefix: "q".to_owned(), ..delivery };
    let none = live(Read::LogDeliveries, Observed::Present(vec![other].into()));
    assert!(decided(&all, &none, &[]).undo.is_empty());
}

/// Each request with the image before it: the way back makes of what was written what was there, and its own way back
/// what was written.
#[test]
fn every_request_has_its_way_back_and_forth() {
    let samples: serde_json::Value = serde_json::from_str(include_str!("samples.json")).expect("samples");
    let mut kinds = BTreeSet::new();
    for sample in samples.as_array().expect("list") {
        let write: Write = serde_json::from_value(sample["write"].clone()).expect("write");
        let image: Observed<Fact> = serde_json::from_value(sample["before"].clone()).expect("image");
        let name = sample["write"]["write"].as_str().expect("name").to_owned();
        let mut one = sent(0, Kind::Bucket, write.clone(), Some(image.clone()));
        one.undo = sample.get("undo").map(|undo| serde_json::from_value(undo.clone()).expect("undo"));
        let Fate::Part(part) = fate(&one, &Made::default(), &Live::default()) else { panic!("{name} has no part") };
        let was = before(&one, &part).expect("an image").expect("read");
        let is = written(&write, &part, &was).expect("a value");
        assert!(!part.same(Kind::Bucket, &was, &is, &|_| None), "{name} changes nothing");
        // The answer after the request: the image with the part replaced.
        let forth = restore(&part, &is, &image);
        let after = Observed::Present(forth.last().unwrap_or_else(|| panic!("{name}: no way forth")).fact.clone());
        let back = restore(&part, &was, &after);
        assert!(!back.is_empty(), "{name}: no way back");
        let answer = Observed::Present(back.last().expect("one").fact.clone());
        let shown = part.of(&answer).expect("read");
        assert!(part.same(Kind::Bucket, &shown, &was, &|_| None), "{name}: {shown:?} is not {was:?}");
        kinds.insert(name);
        kinds.extend(back.iter().map(|put| put.write.operation().to_owned()));
    }
    assert!(samples.as_array().expect("list").len() >= 24, "{kinds:?}");
}

#[test]
fn tags_of_others_stay_when_ours_go() {
    let tags = |pairs: &[(&str, &str)]| -> Observed<Fact> {
        let tags: BTreeMap<String, String> =
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Observed::Present(crate::model::fact::Tags(tags).into())
    };
    let write = Write::PutBucketTags {
        bucket: "b".to_owned(),
        tags: BTreeMap::from([("auditseal:owner".to_owned(), "x".to_owned()), ("team".to_owned(), "a".to_owned())]),
    };
    let all = [sent(0, Kind::BucketTags, write, Some(tags(&[("team", "a")])))];
    let now = tags(&[("team", "b"), ("auditseal:owner", "x"), ("cost", "9")]);
    let decided = decided(&all, &live(Read::BucketTags { bucket: "b".to_owned() }, now.clone()), &[]);
    let undo = decided.undo.first().expect("ours is undone");
    let Write::PutBucketTags { tags, .. } = &restore(&undo.part, &undo.to, &now)[0].write else { panic!("put") };
    let names: Vec<(&str, &str)> = tags.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(names, [("cost", "9"), ("team", "b")], "theirs are as they are now");
}

mod waiting {
    //! What is waited for on the way back.

    use super::super::waits::arrange;
    use super::*;
    use crate::model::databricks::{DeliveryHealth, StorageConfiguration};
    use crate::plan::{Step, StepAction, Verdict};

    const MANIFEST: &str = r#"
version = 1
[databricks]
account_id = "0d26daa6-5e44-4c97-a497-ef015f91254a"
[aws]
account_id = "111122223333"
region = "us-east-1"
[delivery]
bucket = "acme-databricks-audit"
[readers.analysts]
role = "arn:aws:iam::111122223333:role/SecurityAnalyst"
[admins.platform]
role = "arn:aws:iam::111122223333:role/PlatformAdmin"
"#;

    fn delivery(config_id: &str, status: &str, health: &str) -> LogDelivery {
        LogDelivery {
            config_id: config_id.to_owned(),
            config_name: config_id.to_owned(),
            log_type: "AUDIT_LOGS".to_owned(),
            output_format: "JSON".to_owned(),
            credentials_id: "cr".to_owned(),
            storage_configuration_id: "st".to_owned(),
            delivery_path_prefix: String::new(),
            workspace_ids_filter: Vec::new(),
            status: status.to_owned(),
            creation_time: 1,
            delivery: Some(DeliveryHealth {
                status: health.to_owned(),
                message: String::new(),
                last_attempt_time: None,
                last_successful_attempt_time: None,
            }),
        }
    }

    fn step(kind: Kind, write: Write) -> Step {
        Step {
            id: 0,
            address: Address::new("acme", kind, "audit"),
            title: String::new(),
            action: StepAction::Write { place: place(), write },
            depends_on: Vec::new(),
            target: None,
            gives: BTreeMap::new(),
            settle_seconds: 0,
            undo: None,
        }
    }

    fn switch(config_id: &str, status: &str) -> Step {
        let write = Write::SetLogDeliveryStatus { config_id: config_id.to_owned(), status: status.to_owned() };
        step(Kind::LogDelivery, write)
    }

    /// The steps in short, with what each waits for, and the codes that refuse.
    fn arranged(old: &str, steps: Vec<Step>) -> (Vec<String>, Vec<String>) {
        let desired = vec![crate::manifest::parse("acme", "acme.toml", MANIFEST).expect("manifest")];
        let mut live = Live::default();
        let place = desired[0].databricks_place();
        let storage = StorageConfiguration {
            storage_configuration_id: "st".to_owned(),
            storage_configuration_name: "st".to_owned(),
            bucket_name: "acme-databricks-audit".to_owned(),
            creation_time: 1,
        };
        let deliveries = vec![delivery("old", "DISABLED", old), delivery("new", "ENABLED", "SUCCEEDED")];
        let facts: [(Read, Fact); 2] =
            [(Read::StorageConfigurations, vec![storage].into()), (Read::LogDeliveries, deliveries.into())];
        for (read, fact) in facts {
            live.set(Query { place: place.clone(), read }, Observed::Present(fact));
        }
        let arranged = arrange(steps, &desired, &live, &BTreeSet::new());
        let short = |step: &Step| match &step.action {
            StepAction::Write { write: Write::SetLogDeliveryStatus { config_id, status }, .. } => {
                format!("{config_id} {status}")
            }
            StepAction::Write { write, .. } => write.operation().to_owned(),
            StepAction::AwaitDelivery { config_id, after_steps, .. } => format!("await {config_id} {after_steps:?}"),
            StepAction::Pause { .. } => "pause".to_owned(),
        };
        for (index, step) in arranged.steps.iter().enumerate() {
            assert_eq!(step.id, index);
            assert!(step.depends_on.iter().all(|id| *id < index), "{step:?}");
        }
        let refused = arranged.guards.iter().filter(|guard| guard.verdict == Verdict::Refuse);
        (arranged.steps.iter().map(short).collect(), refused.map(|guard| guard.code.clone()).collect())
    }

    #[test]
    fn the_old_delivery_succeeds_before_the_new_one_is_off() {
        let steps = || {
            vec![
                step(Kind::BucketPolicy, put(1)),
                switch("old", "ENABLED"),
                switch("new", "DISABLED"),
                step(Kind::BucketPolicy, put(0)),
                step(Kind::BucketTags, Write::DeleteBucketTags { bucket: "b".to_owned() }),
            ]
        };
        let (with, refused) = arranged("SUCCEEDED", steps());
        let expected = [
            "s3:PutBucketPolicy",
            "await new [0]",
            "old ENABLED",
            "await old [2]",
            "new DISABLED",
            "pause",
            "s3:PutBucketPolicy",
            "s3:DeleteBucketTagging",
            "await old [6]",
        ];
        assert_eq!((with, refused), (expected.map(str::to_owned).to_vec(), vec![]));
        // One that never worked is no delivery: nobody waits for it, and it does not replace the one that works.
        let (with, refused) = arranged("USER_FAILURE", steps());
        assert!(!with.iter().any(|step| step.starts_with("await old")), "{with:?}");
        assert_eq!(refused, ["delivery-would-end"]);
    }

    #[test]
    fn a_pause_that_protects_nothing_is_left_out() {
        let (steps, _) = arranged("SUCCEEDED", vec![switch("old", "ENABLED"), switch("new", "DISABLED")]);
        assert_eq!(steps, ["old ENABLED", "await old [0]", "new DISABLED"]);
    }
}
