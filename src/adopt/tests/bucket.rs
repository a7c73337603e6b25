use super::sketch;
use crate::access::tests::lab::{BUCKET, KEY, OTHER, plain};
use crate::adopt::{Sketch, describe_bucket, describe_key, key_of_bucket, text};
use crate::manifest;
use crate::model::bucket::{
    Encryption, Expiration, Lifecycle, LifecycleFilter, LifecycleRule, Logging, NoncurrentExpiration, Notification,
    ObjectLock, Replication, ReplicationRule, Retention,
};
use crate::model::fact::{BucketRegion, Names, Tags};
use crate::model::key::{Key, Rotation};
use crate::model::live::{Query, Read};
use crate::model::{Desired, Fact, Live, OWNER_TAG, Observed, Place};

fn rule(id: &str, prefix: &str, days: i32) -> LifecycleRule {
    LifecycleRule {
        id: id.to_owned(),
        enabled: true,
        filter: LifecycleFilter { prefix: Some(prefix.to_owned()), ..LifecycleFilter::default() },
        expiration: Some(Expiration::Days(days)),
        noncurrent_expiration: Some(NoncurrentExpiration { days, newer_versions: None }),
        transitions: Vec::new(),
        noncurrent_transitions: Vec::new(),
        abort_multipart_days: Some(3),
    }
}

fn live(desired: &Desired, facts: Vec<(Read, Fact)>) -> Live {
    let mut live = Live::default();
    for (read, fact) in facts {
        live.set(Query { place: desired.aws_place(), read }, Observed::Present(fact));
    }
    live
}

fn described(facts: Vec<(Read, Fact)>) -> Sketch {
    let desired = plain().desired;
    let mut sketch = sketch();
    describe_bucket(&mut sketch, &desired, &live(&desired, facts));
    sketch
}

fn bucket() -> String {
    BUCKET.to_owned()
}

fn rules(rules: Vec<LifecycleRule>) -> (Read, Fact) {
    (Read::BucketLifecycle { bucket: bucket() }, Lifecycle { rules }.into())
}

fn ours(of: String) -> (Read, Fact) {
    let owner = plain().desired.owner();
    (Read::BucketTags { bucket: of }, Tags([(OWNER_TAG.to_owned(), owner)].into()).into())
}

#[test]
fn retention_is_never_declared_shorter_than_it_is() {
    let tagged = LifecycleRule {
        filter: LifecycleFilter { tags: [("a".to_owned(), "b".to_owned())].into(), ..LifecycleFilter::default() },
        ..rule("tagged", "", 900)
    };
    let off = LifecycleRule { enabled: false, ..rule("off", "", 900) };
    for (found, days) in [
        // Longer than the default is declared, shorter stays on the list.
        (vec![rule("long", "", 900)], Some(900)),
        (vec![rule("short", "audit/", 30)], None),
        (vec![rule("long", "", 900), rule("shorter", "aud", 700)], Some(700)),
        // What does not reach the logs says nothing: they are kept, and the default is written down to be decided on.
        (vec![rule("elsewhere", "tmp/", 1), tagged, off], Some(365)),
        (vec![], Some(365)),
    ] {
        let sketch = described(vec![rules(found.clone())]);
        assert_eq!(sketch.retention_days, days, "{found:?}");
        let kept_for_ever = days == Some(365);
        assert_eq!(sketch.remarks.bucket.iter().any(|one| one.contains("Nothing expires")), kept_for_ever);
    }
}

#[test]
fn what_this_tool_set_up_is_declared_as_it_was() {
    let mut previous = rule("auditseal-retention-previous-1", "old/", 500);
    previous.filter.prefix = Some("old/".to_owned());
    let root = rule("auditseal-retention-previous-2", "workspaceId=", 500);
    let found = vec![rule("auditseal-retention", "audit/", 500), previous, root];
    let off = (Read::BucketNotification { bucket: bucket() }, Notification::default().into());
    let facts = vec![rules(found), ours(bucket()), off];
    let sketch = described(facts.clone());
    assert_eq!((sketch.retention_days, sketch.noncurrent_retention_days), (Some(500), Some(500)));
    assert_eq!((sketch.abort_multipart_days, sketch.event_bridge), (Some(3), Some(false)));
    assert_eq!(sketch.previous_prefixes, ["old", ""]);
    // Without the mark it is somebody else's rule of that name.
    let theirs = described(facts.into_iter().filter(|(read, _)| !matches!(read, Read::BucketTags { .. })).collect());
    assert_eq!((theirs.event_bridge, theirs.previous_prefixes.len()), (None, 0));
}

#[test]
fn locks_logs_and_copies() {
    let lock = ObjectLock { retention: Some(Retention { mode: "GOVERNANCE".to_owned(), days: 400 }) };
    let log = |prefix: &str| Logging {
        target_bucket: "logs".to_owned(),
        target_prefix: prefix.to_owned(),
        target_grants: Vec::new(),
        key_format: None,
    };
    let copy = |bucket: &str, account: Option<&str>| ReplicationRule {
        id: bucket.to_owned(),
        enabled: true,
        priority: 1,
        prefix: String::new(),
        bucket: format!("arn:aws:s3:::{bucket}"),
        account: account.map(str::to_owned),
        storage_class: None,
        replica_key: None,
        owner_override: false,
        kms_objects: false,
        delete_markers: false,
        replica_modifications: false,
        replication_time: false,
        metrics: false,
        tags: Default::default(),
    };
    let replication = |role: &str| Replication {
        role: format!("arn:aws:iam::111122223333:role/{role}"),
        rules: vec![copy("west", None), copy("vault", Some(OTHER))],
    };
    let desired = plain().desired;
    let own = desired.replication_role_name();
    let facts = |prefix: &str, role: &str| {
        vec![
            (Read::BucketObjectLock { bucket: bucket() }, lock.clone().into()),
            (Read::BucketLogging { bucket: bucket() }, log(prefix).into()),
            (Read::BucketReplication { bucket: bucket() }, replication(role).into()),
            (Read::BucketLocation { bucket: "west".to_owned() }, BucketRegion("us-west-2".to_owned()).into()),
            (Read::BucketLocation { bucket: "vault".to_owned() }, BucketRegion("us-west-2".to_owned()).into()),
        ]
    };
    let sketch = described(facts("s3/", &own));
    assert_eq!(sketch.object_lock.map(|lock| lock.days), Some(400));
    assert_eq!(sketch.retention_days, Some(400), "objects are kept as long as they are locked");
    assert_eq!(sketch.access_log.bucket.as_deref(), Some("logs"));
    assert_eq!(sketch.replicas, [("west".to_owned(), "us-west-2".to_owned())]);
    assert!(sketch.remarks.bucket.iter().any(|one| one.contains("copied to `vault`")));
    let theirs = described(facts("", "Somebody"));
    assert_eq!((theirs.replicas.len(), theirs.access_log.bucket), (0, None));
    assert!(theirs.remarks.access_log[0].contains("which a manifest cannot declare"));
    // The account of a replica is looked at, not only the name.
    let elsewhere = Place::Aws { account: OTHER.to_owned(), region: "us-east-1".to_owned() };
    let mut live = live(&desired, facts("s3/", &own).into_iter().take(3).collect());
    let west = Read::BucketLocation { bucket: "west".to_owned() };
    live.set(Query { place: elsewhere, read: west }, Observed::Present(BucketRegion("us-west-2".to_owned()).into()));
    let mut sketch = super::sketch();
    describe_bucket(&mut sketch, &desired, &live);
    assert_eq!(sketch.replicas, []);
}

fn key(arn: &str, manager: &str, origin: &str) -> Key {
    Key {
        id: String::new(),
        arn: arn.to_owned(),
        state: "Enabled".to_owned(),
        manager: manager.to_owned(),
        spec: "SYMMETRIC_DEFAULT".to_owned(),
        usage: "ENCRYPT_DECRYPT".to_owned(),
        origin: origin.to_owned(),
        multi_region: false,
    }
}

#[test]
fn the_key_is_declared_when_a_manifest_can_and_kept_readable_otherwise() {
    let desired = plain().desired;
    let foreign = KEY.replace("111122223333", OTHER);
    let encryption = |key: Option<&str>| Encryption { key: key.map(str::to_owned), ..Encryption::kms("") };
    for (named, found, arn, previous, remark) in [
        (Some(KEY), Some(key(KEY, "CUSTOMER", "AWS_KMS")), Some(KEY), vec![], ""),
        (Some("alias/logs"), Some(key(KEY, "CUSTOMER", "AWS_KMS")), Some(KEY), vec![], ""),
        (Some(KEY), Some(key(KEY, "AWS", "AWS_KMS")), None, vec![], "AWS manages for S3"),
        (None, None, None, vec![], "AWS manages for S3"),
        (Some(KEY), Some(key(KEY, "CUSTOMER", "EXTERNAL")), None, vec![KEY], "cannot be rotated"),
        (Some(&foreign), Some(key(&foreign, "CUSTOMER", "AWS_KMS")), None, vec![&foreign], "another account or region"),
        (Some(&foreign), None, None, vec![&foreign], "could not be read"),
    ] {
        let mut facts = vec![(Read::BucketEncryption { bucket: bucket() }, encryption(named).into())];
        if let (Some(named), Some(key)) = (named, found) {
            facts.push((Read::Key { key: named.to_owned() }, key.into()));
        }
        let mut sketch = sketch();
        key_of_bucket(&mut sketch, &desired, &live(&desired, facts));
        assert_eq!(sketch.key_arn.as_deref(), arn, "{named:?}");
        assert_eq!(sketch.previous_keys, previous, "{named:?}");
        assert!(sketch.remarks.key.join(" ").contains(remark) && sketch.remarks.key.is_empty() == remark.is_empty());
        sketch.admins = vec![crate::adopt::Person::new(
            crate::adopt::Who::Role("arn:aws:iam::111122223333:role/A".parse().unwrap()),
            Vec::new(),
        )];
        manifest::parse("acme", "acme.toml", &text(&sketch)).expect("a manifest");
    }
}

#[test]
fn a_key_keeps_its_own_alias_and_its_own_pace() {
    let mut desired = plain().desired;
    desired.key.arn = Some(KEY.parse().unwrap());
    let described = |names: &[&str], rotation: Rotation| {
        let names = Names(names.iter().map(|name| (*name).to_owned()).collect());
        let facts = vec![
            (Read::KeyAliases { key: KEY.to_owned() }, names.into()),
            (Read::KeyRotation { key: KEY.to_owned() }, rotation.into()),
        ];
        let mut sketch = sketch();
        describe_key(&mut sketch, &desired, &live(&desired, facts));
        (sketch.key_alias, sketch.rotation_days)
    };
    let yearly = || Rotation { enabled: true, period_days: Some(180) };
    assert_eq!(described(&["alias/logs", "alias/zebra"], yearly()), (Some("alias/logs".to_owned()), Some(180)));
    let default = desired.key.alias.clone();
    assert_eq!(described(&["alias/logs", &default], yearly()).0, None, "the default needs no word");
    assert_eq!(described(&["alias/aws/s3"], yearly()).0, None);
    assert_eq!(described(&[], Rotation { enabled: false, period_days: Some(180) }), (None, None));
    assert_eq!(described(&[], Rotation { enabled: true, period_days: Some(1) }).1, None);
}
