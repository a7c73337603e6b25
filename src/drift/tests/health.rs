//! Whether logs are delivered.

use jiff::ToSpan;

use super::*;
use crate::drift::{DeliveryState, questions};
use crate::model::Gap;
use crate::model::databricks::{DeliveryHealth, LogDelivery};
use crate::model::desired::DeliveryStatus;
use crate::model::objects::NewestObject;

fn ago(minutes: i64) -> Timestamp {
    now().checked_sub(minutes.minutes()).unwrap()
}

fn config(status: Option<(&str, Option<i64>)>, created: i64) -> LogDelivery {
    LogDelivery {
        config_id: "c".to_owned(),
        config_name: "audit".to_owned(),
        log_type: "AUDIT_LOGS".to_owned(),
        output_format: "JSON".to_owned(),
        credentials_id: "k".to_owned(),
        storage_configuration_id: "s".to_owned(),
        delivery_path_prefix: "audit".to_owned(),
        workspace_ids_filter: Vec::new(),
        status: "ENABLED".to_owned(),
        creation_time: ago(created).as_millisecond(),
        delivery: status.map(|(status, success)| DeliveryHealth {
            status: status.to_owned(),
            message: "m".to_owned(),
            last_attempt_time: None,
            last_successful_attempt_time: success.map(|minutes| ago(minutes).to_string()),
        }),
    }
}

fn given(configs: Observed<Fact>, newest: Observed<Fact>) -> Given {
    let mut given = Given::new("acme");
    let place = given.desired[0].databricks_place();
    given.live.set(Query { place, read: Read::LogDeliveries }, configs);
    for query in questions(&given.desired, now()) {
        given.watched.set(query, newest.clone());
    }
    given
}

fn object(minutes: Option<i64>) -> Observed<Fact> {
    Observed::Present(NewestObject { modified: minutes.map(ago), partition: None, workspaces: 3 }.into())
}

fn one(config: LogDelivery) -> Observed<Fact> {
    Observed::Present(Fact::LogDeliveries(vec![config]))
}

fn refused() -> Observed<Fact> {
    Observed::Unknown(Gap { what: "w".to_owned(), permission: Some("p".to_owned()), message: "denied".to_owned() })
}

#[test]
fn status_and_objects_are_judged_apart_and_together() {
    use DeliveryState as S;
    const OLD: i64 = 100_000;
    let silent = |codes: &[&str]| codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>();
    let rows = [
        ("all is well", one(config(Some(("SUCCEEDED", Some(59))), OLD)), object(Some(60)), S::Delivering, vec![], 0),
        (
            "the last success is old",
            one(config(Some(("SUCCEEDED", Some(61))), OLD)),
            object(Some(5)),
            S::Silent,
            silent(&["delivery-silent"]),
            0,
        ),
        (
            "nothing arrives",
            one(config(Some(("SUCCEEDED", Some(5))), OLD)),
            object(Some(61)),
            S::Silent,
            silent(&["no-recent-objects"]),
            0,
        ),
        (
            "nothing is there",
            one(config(Some(("SUCCEEDED", Some(5))), OLD)),
            object(None),
            S::Silent,
            silent(&["no-recent-objects"]),
            0,
        ),
        (
            "neither",
            one(config(Some(("SUCCEEDED", Some(90))), OLD)),
            Observed::Absent,
            S::Silent,
            silent(&["delivery-silent", "no-recent-objects"]),
            0,
        ),
        (
            "it fails, not long enough to be silent",
            one(config(Some(("USER_FAILURE", Some(5))), OLD)),
            object(Some(5)),
            S::Failing,
            vec![],
            0,
        ),
        ("it was just made", one(config(Some(("CREATED", None)), 59)), object(None), S::New, vec![], 0),
        (
            "it never succeeded",
            one(config(Some(("CREATED", None)), 61)),
            object(Some(5)),
            S::Silent,
            silent(&["delivery-silent"]),
            0,
        ),
        (
            "Databricks says nothing of it",
            one(config(None, OLD)),
            object(Some(5)),
            S::Silent,
            silent(&["delivery-silent"]),
            0,
        ),
        ("it may not be listed", one(config(Some(("SUCCEEDED", Some(5))), OLD)), refused(), S::Unknown, vec![], 1),
        (
            "it may not be listed, and is silent",
            one(config(Some(("SUCCEEDED", Some(99))), OLD)),
            refused(),
            S::Silent,
            silent(&["delivery-silent"]),
            1,
        ),
        ("the configurations are unread", refused(), object(Some(5)), S::Unknown, vec![], 0),
        (
            "it is off",
            one(LogDelivery { status: "DISABLED".to_owned(), ..config(None, OLD) }),
            object(None),
            S::Missing,
            vec![],
            0,
        ),
        ("it is gone", Observed::Present(Fact::LogDeliveries(Vec::new())), object(None), S::Missing, vec![], 0),
    ];
    for (what, configs, newest, state, codes, gaps) in rows {
        let health = given(configs, newest).health();
        assert_eq!(health.deliveries[0].state, state, "{what}");
        let found: Vec<String> = health.findings.iter().map(|(finding, _)| finding.code.clone()).collect();
        assert_eq!(found, codes, "{what}");
        assert_eq!(health.gaps.len(), gaps, "{what}");
    }
}

#[test]
fn a_list_that_is_refused_is_one_gap_on_every_check() {
    let mut refused = given(one(config(Some(("SUCCEEDED", Some(5))), 100_000)), refused());
    let first = refused.health().gaps;
    let place = refused.desired[0].aws_place();
    refused.watched = Live::default();
    let fresh_since = ago(60);
    let read = Read::NewestObject { bucket: BUCKET.to_owned(), prefix: "audit".to_owned(), fresh_since };
    assert!(refused.watched.get(&Query { place, read }).is_unknown());
    assert_eq!(refused.health().gaps[0].what, first[0].what);
    assert_eq!(first[0].what, format!("s3:ListBucket on {BUCKET}"));
}

#[test]
fn a_time_that_is_none_is_a_gap_and_not_healthy() {
    let mut odd = config(Some(("SUCCEEDED", None)), 100_000);
    odd.delivery.as_mut().unwrap().last_successful_attempt_time = Some("yesterday".to_owned());
    let health = given(one(odd), object(Some(5))).health();
    assert_eq!((health.deliveries[0].state, health.gaps.len(), health.findings.len()), (DeliveryState::Unknown, 1, 0));
    assert!(!health.judged.iter().any(|basis| basis.starts_with("deliveries:")));
}

#[test]
fn what_is_declared_to_be_off_is_not_asked_for() {
    let mut given = given(one(config(Some(("SUCCEEDED", Some(9_000))), 100_000)), object(None));
    given.desired[0].delivery.status = DeliveryStatus::Disabled;
    assert_eq!(questions(&given.desired, now()), []);
    let health = given.health();
    assert_eq!((health.deliveries[0].state, health.findings.len()), (DeliveryState::Disabled, 0));
    assert_eq!(health.judged.len(), 2, "what was silent before is closed");
}

#[test]
fn silence_is_measured_by_the_declaration() {
    let mut given = Given::new("acme");
    given.desired[0].delivery.max_silence_minutes = 600;
    let asked = questions(&given.desired, now());
    assert!(
        matches!(&asked[0].read, Read::NewestObject { prefix, fresh_since, .. } if prefix == "audit" && *fresh_since == ago(600))
    );
}
