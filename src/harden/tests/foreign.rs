//! What others put there: kept, dropped, noticed or refused.

use std::collections::BTreeMap;

use super::estate::*;
use crate::harden::{Scope, harden};
use crate::model::bucket::{
    Expiration, Lifecycle, LifecycleFilter, LifecycleRule, NoncurrentExpiration, Notification, NotificationDestination,
    ObjectLock, Retention,
};
use crate::model::desired::{self, LockMode};
use crate::model::fact::{BucketRegion, PolicyText, Tags};
use crate::model::live::{Query, Read};
use crate::model::{Gap, Kind, Live, OWNER_TAG, Observed};

fn bucket() -> String {
    BUCKET.to_owned()
}

fn rule(id: &str, prefix: &str, expiration: Option<Expiration>, noncurrent: Option<i32>) -> LifecycleRule {
    LifecycleRule {
        id: id.to_owned(),
        enabled: true,
        filter: LifecycleFilter { prefix: Some(prefix.to_owned()), ..LifecycleFilter::default() },
        expiration,
        noncurrent_expiration: noncurrent.map(|days| NoncurrentExpiration { days, newer_versions: None }),
        transitions: Vec::new(),
        noncurrent_transitions: Vec::new(),
        abort_multipart_days: None,
    }
}

const LIVE_POLICY: &str = r#"{"Version":"2008-10-17","Statement":[
    {"Sid":"Leak","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999999999999:root"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-databricks-audit/*"},
    {"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::acme-databricks-audit/*","Condition":{"Bool":{"aws:SecureTransport":false}}},
    {"Sid":"Dead","Effect":"Deny","Principal":{"AWS":"AROAEXAMPLEEXAMPLE123"},"Action":"s3:*","Resource":"*"},
    {"Sid":"Home","Effect":"Deny","Principal":{"AWS":["AROAEXAMPLEEXAMPLE123","444455556666"]},"Action":"s3:GetObject","Resource":"arn:aws:s3:::acme-databricks-audit/${aws:username}/*"}
]}"#;

/// Policy statements, rules, tags and destinations that nothing declares.
pub fn clutter(live: &mut Live) {
    put(live, &aws(), Read::BucketPolicy { bucket: bucket() }, PolicyText(LIVE_POLICY.to_owned()));
    let tags = BTreeMap::from([("team".to_owned(), "data".to_owned())]);
    put(live, &aws(), Read::BucketTags { bucket: bucket() }, Tags(tags));
    let rules = vec![
        rule("elsewhere", "tmp/", Some(Expiration::Days(1)), Some(1)),
        rule("late", "audit/", Some(Expiration::Days(400)), Some(90)),
        rule("markers", "", Some(Expiration::ExpiredObjectDeleteMarker), None),
        rule("early", "audit/workspaceId=1/", Some(Expiration::Days(30)), None),
        rule("versions", "", None, Some(3)),
        rule("dated", "aud", Some(Expiration::Date("2030-01-01T00:00:00Z".to_owned())), None),
        LifecycleRule { enabled: false, ..rule("off", "", Some(Expiration::Days(1)), None) },
    ];
    put(live, &aws(), Read::BucketLifecycle { bucket: bucket() }, Lifecycle { rules });
    let destination = NotificationDestination {
        id: "n".to_owned(),
        service: "queue".to_owned(),
        arn: "arn:aws:sqs:us-east-1:111122223333:events".to_owned(),
        events: vec!["s3:ObjectCreated:*".to_owned()],
        filter: Vec::new(),
    };
    let notification = Notification { event_bridge: false, destinations: vec![destination] };
    put(live, &aws(), Read::BucketNotification { bucket: bucket() }, notification);
}

fn cluttered() -> Live {
    let mut live = new_account(&plain());
    existing_bucket(&mut live, BUCKET);
    clutter(&mut live);
    live
}

#[test]
fn undeclared_allows_go_and_undeclared_denies_stay() {
    let wanted = run(&plain(), &cluttered());
    let text = policy(&wanted, Kind::BucketPolicy, "audit");
    assert_eq!(statement(&text, "Leak"), None);
    assert_eq!(statement(&text, "Dead"), None);
    // Its Sid is one of ours, and the bucket was not: it stays beside ours.
    assert_eq!(statement(&text, "KeptTlsOnly").unwrap()["Action"], "s3:PutObject");
    assert_eq!(statement(&text, "TlsOnly").unwrap()["Action"], "s3:*");
    let home = statement(&text, "Home").unwrap();
    assert_eq!(home["Principal"]["AWS"], serde_json::json!(["arn:aws:iam::444455556666:root"]));
    assert_eq!(home["Resource"], "arn:aws:s3:::acme-databricks-audit/${$}{aws:username}/*");
    let kept = wanted.notices.iter().filter(|one| one.code == "undeclared-deny-kept").count();
    assert_eq!((kept, notices(&wanted).contains(&"dead-deny-dropped")), (2, true));
    let reasons = &wanted.find("acme", Kind::BucketPolicy, "audit").unwrap().reasons;
    assert!(reasons["statement[Leak]"].contains("nothing declares"));
}

#[test]
fn undeclared_denies_go_when_that_is_allowed() {
    let scope = Scope { remove_denies: true, ..Scope::default() };
    let wanted = harden(&[plain()], &cluttered(), scope);
    let text = policy(&wanted, Kind::BucketPolicy, "audit");
    assert!(statement(&text, "Home").is_none() && statement(&text, "KeptTlsOnly").is_none());
    assert!(!notices(&wanted).contains(&"undeclared-deny-kept"));
}

#[test]
fn an_older_version_of_ours_is_not_foreign() {
    let mut live = cluttered();
    let tags = BTreeMap::from([(OWNER_TAG.to_owned(), OWNER.to_owned())]);
    put(&mut live, &aws(), Read::BucketTags { bucket: bucket() }, Tags(tags));
    let text = policy(&run(&plain(), &live), Kind::BucketPolicy, "audit");
    assert_eq!(statement(&text, "KeptTlsOnly"), None);
    assert!(statement(&text, "Home").is_some());
}

#[test]
fn a_policy_that_cannot_be_understood_is_not_overwritten_silently() {
    let mut live = cluttered();
    put(&mut live, &aws(), Read::BucketPolicy { bucket: bucket() }, PolicyText("{\"Statement\":5}".to_owned()));
    assert_eq!(codes(&run(&plain(), &live)), ["unreadable-policy"]);
}

#[test]
fn foreign_rules_stay_unless_they_cut_retention_short() {
    let wanted = run(&plain(), &cluttered());
    let lifecycle = wanted.find("acme", Kind::BucketLifecycle, "audit").unwrap();
    let ids: Vec<&str> = lifecycle.fact.lifecycle().unwrap().rules.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["auditseal-retention", "elsewhere", "late", "markers", "off"]);
    for id in ["early", "versions", "dated"] {
        assert!(lifecycle.reasons[&format!("rules[{id}]")].starts_with("B15"), "{id}");
    }
    let ours = &lifecycle.fact.lifecycle().unwrap().rules[0];
    assert_eq!(ours.filter.prefix.as_deref(), Some("audit/"));
    assert_eq!(ours.expiration, Some(Expiration::Days(365)));
    assert_eq!(ours.abort_multipart_days, Some(7));
}

#[test]
fn tags_and_destinations_are_merged() {
    let wanted = run(&plain(), &cluttered());
    let tags = wanted.find("acme", Kind::BucketTags, "audit").unwrap().fact.tags().unwrap().0.clone();
    assert_eq!(
        tags,
        BTreeMap::from([("team".to_owned(), "data".to_owned()), (OWNER_TAG.to_owned(), OWNER.to_owned())])
    );
    let wanted_events = wanted.find("acme", Kind::BucketNotification, "audit").unwrap();
    let notification = wanted_events.fact.notification().unwrap();
    assert!(notification.event_bridge && notification.destinations.len() == 1);
    let acl = wanted.find("acme", Kind::BucketAcl, "audit").unwrap().fact.acl().unwrap().clone();
    assert_eq!(acl.grants.iter().map(|one| one.grantee.as_str()).collect::<Vec<_>>(), ["me"]);
}

#[test]
fn what_another_owner_marked_is_refused() {
    let mut live = cluttered();
    let tags = BTreeMap::from([(OWNER_TAG.to_owned(), "someone/else".to_owned())]);
    put(&mut live, &aws(), Read::BucketTags { bucket: bucket() }, Tags(tags.clone()));
    let mut taken = live_role(ROLE, USERS);
    taken.tags = tags;
    put(&mut live, &aws(), Read::Role { role: "DatabricksAuditDelivery".to_owned() }, taken);
    let wanted = run(&plain(), &live);
    assert_eq!(codes(&wanted), ["owned-by-another", "owned-by-another"]);
    assert!(wanted.find("acme", Kind::Role, "delivery").is_none());
}

#[test]
fn a_bucket_in_another_region_is_refused() {
    let mut live = cluttered();
    put(&mut live, &aws(), Read::BucketLocation { bucket: bucket() }, BucketRegion("eu-west-1".to_owned()));
    assert_eq!(codes(&run(&plain(), &live)), ["bucket-elsewhere"]);
}

#[test]
fn retention_is_never_shortened() {
    let table = [
        // (declared, live, wanted, noticed)
        (None, Some(("GOVERNANCE", 10)), None, true),
        (Some((LockMode::Governance, 30)), None, Some(("GOVERNANCE", 30)), false),
        (Some((LockMode::Governance, 30)), Some(("GOVERNANCE", 10)), Some(("GOVERNANCE", 30)), false),
        (Some((LockMode::Governance, 30)), Some(("COMPLIANCE", 10)), Some(("COMPLIANCE", 30)), true),
        (Some((LockMode::Compliance, 30)), Some(("GOVERNANCE", 60)), Some(("COMPLIANCE", 60)), true),
    ];
    for (declared, live_lock, expected, noticed) in table {
        let mut desired = plain();
        desired.bucket.object_lock = declared.map(|(mode, days)| desired::ObjectLock { mode, days });
        let mut live = cluttered();
        if let Some((mode, days)) = live_lock {
            let retention = Some(Retention { mode: mode.to_owned(), days });
            put(&mut live, &aws(), Read::BucketObjectLock { bucket: bucket() }, ObjectLock { retention });
        }
        let wanted = run(&desired, &live);
        let lock = wanted.find("acme", Kind::BucketObjectLock, "audit");
        let lock = lock.map(|one| one.fact.object_lock().unwrap().retention.clone().unwrap());
        let expected = expected.map(|(mode, days)| Retention { mode: mode.to_owned(), days });
        assert_eq!(lock, expected, "{declared:?} {live_lock:?}");
        let found = notices(&wanted).iter().any(|code| code.starts_with("object-lock"));
        assert_eq!(found, noticed, "{declared:?} {live_lock:?}");
    }
}

#[test]
fn object_lock_that_was_not_read_is_not_taken_for_absent() {
    let mut live = cluttered();
    assert_eq!(run(&plain(), &live).gaps, []);
    let gap = Gap {
        what: "s3:GetBucketObjectLockConfiguration".to_owned(),
        permission: Some("s3:GetBucketObjectLockConfiguration".to_owned()),
        message: "AccessDenied".to_owned(),
    };
    let query = Query { place: aws(), read: Read::BucketObjectLock { bucket: bucket() } };
    live.set(query, Observed::Unknown(gap.clone()));
    assert_eq!(run(&plain(), &live).gaps, [gap]);
}

#[test]
fn an_access_log_bucket_with_object_lock_is_refused() {
    let mut live = cluttered();
    put(&mut live, &aws(), Read::BucketObjectLock { bucket: ACCESS.to_owned() }, ObjectLock { retention: None });
    assert_eq!(codes(&run(&plain(), &live)), ["access-log-bucket-locked"]);
}

#[test]
fn readers_have_to_exist_and_to_be_able_to_use_mfa() {
    let trust = |principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}}}"#
        )
    };
    let table = [
        (r#"{"AWS":"111122223333"}"#, None),
        (r#"{"AWS":"arn:aws:iam::111122223333:user/ann"}"#, None),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/Hop"}"#, Some("mfa-reader-cannot")),
        (
            r#"{"AWS":["AROAEXAMPLEEXAMPLE123","arn:aws:sts::111122223333:assumed-role/a/b"]}"#,
            Some("mfa-reader-cannot"),
        ),
        (r#"{"Service":"ec2.amazonaws.com"}"#, Some("mfa-reader-cannot")),
        (r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/x"}"#, Some("mfa-reader-cannot")),
    ];
    for (principal, expected) in table {
        let mut live = new_account(&plain());
        let analyst = live_role(&role("SecurityAnalyst").to_string(), &trust(principal));
        put(&mut live, &aws(), Read::Role { role: "SecurityAnalyst".to_owned() }, analyst);
        assert_eq!(codes(&run(&plain(), &live)), expected.into_iter().collect::<Vec<_>>(), "{principal}");
    }
    let mut live = new_account(&plain());
    none(&mut live, &aws(), Read::Role { role: "UcAuditReader".to_owned() });
    put(
        &mut live,
        &aws(),
        Read::Role { role: "DspmScanner".to_owned() },
        live_role(&role("path/DspmScanner").to_string(), USERS),
    );
    assert_eq!(codes(&run(&plain(), &live)), ["unknown-principal", "unknown-principal"]);
}
