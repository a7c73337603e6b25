use serde_json::json;

use super::*;
use crate::drift::{Check, DeliveryReport, DeliveryState, FORMAT_VERSION, OpenFinding, Summary};
use crate::finding::{Finding, Notice, NoticeState, Severity, fingerprint};
use crate::model::Gap;

fn at(text: &str) -> jiff::Timestamp {
    format!("2026-11-23T{text}Z").parse().unwrap()
}

fn finding(code: &str, severity: Severity, subject: &str, message: &str, help: Option<&str>) -> Finding {
    let (code, subject, message) = (code.to_owned(), subject.to_owned(), message.to_owned());
    Finding { code, severity, subject, message, help: help.map(str::to_owned), span: None }
}

fn open(finding: Finding, new: bool, drift: bool, by: Option<ChangedBy>) -> OpenFinding {
    OpenFinding {
        fingerprint: fingerprint(&finding.code, &finding.subject, &[]),
        manifest: Some("acme".to_owned()),
        new,
        seen: drift,
        drift,
        since: at(if new { "12:00:00" } else { "09:00:00" }),
        finding,
        changed_by: by,
    }
}

fn settled() -> Check {
    Check {
        format_version: FORMAT_VERSION.to_owned(),
        checked_at: at("12:00:00"),
        previous_check: None,
        manifests: vec!["acme".to_owned()],
        complete: true,
        gaps: Vec::new(),
        refused: Vec::new(),
        summary: Summary::default(),
        deliveries: vec![DeliveryReport {
            manifest: "acme".to_owned(),
            state: DeliveryState::Delivering,
            config_id: Some("c".to_owned()),
            status: Some("SUCCEEDED".to_owned()),
            last_success: Some(at("11:55:00")),
            age_seconds: Some(300),
            newest_object: Some(at("11:54:10")),
            max_silence_seconds: 3600,
        }],
        open: Vec::new(),
        closed: Vec::new(),
        notes: Vec::new(),
    }
}

fn eventful() -> Check {
    let gap = Gap {
        what: "s3:ListBucket on acme-databricks-audit".to_owned(),
        permission: Some("s3:ListBucket".to_owned()),
        message: "AccessDenied".to_owned(),
    };
    let unread = finding("unread-inputs", Severity::Medium, &gap.what, &gap.to_string(), Some("grant s3:ListBucket"));
    let drift = finding(
        "configuration-drift",
        Severity::High,
        "acme/bucket-policy[audit]",
        "`statement[Old]` is {\"Sid\":\"Old\"}, declared is not set; B3: \u{1b}[31mnobody | anonymous",
        Some("`auditseal apply` puts it back"),
    );
    let by = ChangedBy {
        principal: "arn:aws:sts::111122223333:assumed-role/Ops/bob".to_owned(),
        event: "PutBucketPolicy".to_owned(),
        event_id: "6f0c".to_owned(),
        time: at("11:59:00"),
    };
    let expired = finding("waiver-expired", Severity::Medium, "acme/waivers[versioning]", "it is planned again", None);
    let closed = finding("delivery-silent", Severity::High, "acme/log-delivery[primary]", "no success", None);
    Check {
        previous_check: Some(at("11:00:00")),
        complete: false,
        gaps: vec![gap],
        refused: vec!["public-policy".to_owned()],
        summary: Summary {
            open: 3,
            new: 2,
            closed: 1,
            drift: 1,
            high: 1,
            medium: 2,
            pending_changes: 1,
            ..Summary::default()
        },
        deliveries: vec![DeliveryReport {
            state: DeliveryState::Unknown,
            newest_object: None,
            ..settled().deliveries.remove(0)
        }],
        open: vec![
            open(expired, false, false, None),
            open(drift, true, true, Some(by)),
            open(unread, true, false, None),
        ],
        closed: vec![Notice {
            state: NoticeState::Closed,
            manifest: Some("acme".to_owned()),
            fingerprint: fingerprint("delivery-silent", "x", &[]),
            finding: closed,
            since: at("08:00:00"),
            at: at("12:00:00"),
            changed_by: None,
        }],
        notes: vec!["who made the changes is not known: cloudtrail:LookupEvents".to_owned()],
        ..settled()
    }
}

fn text(check: &Check, concise: bool) -> String {
    let mut out = String::new();
    drift_text(check, DriftOptions { color: false, concise }, &mut out).unwrap();
    out
}

#[test]
fn as_text() {
    insta::assert_snapshot!(text(&eventful(), false));
    insta::assert_snapshot!(text(&eventful(), true));
    insta::assert_snapshot!(text(&settled(), false));
}

#[test]
fn as_a_line_of_a_log_with_what_is_new() {
    let news = |check: &Check| {
        let mut out = String::new();
        drift_news(check, DriftOptions { color: false, concise: true }, &mut out).unwrap();
        out
    };
    insta::assert_snapshot!(news(&eventful()));
    assert_eq!(news(&settled()), "2026-11-23T12:00:00Z In sync with the manifests.\n");
}

#[test]
fn as_a_comment() {
    insta::assert_snapshot!(drift_markdown(&eventful()));
}

#[test]
fn as_json_that_its_schema_describes() {
    let validator = jsonschema::draft202012::new(&drift_schema()).unwrap();
    for check in [settled(), eventful()] {
        let line = drift_line(&check).unwrap();
        assert_eq!(line.lines().count(), 1);
        let document: serde_json::Value = serde_json::from_str(&drift_json(&check).unwrap()).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), document);
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
        let mut wrong = document;
        wrong["more"] = json!(true);
        assert!(!validator.is_valid(&wrong));
    }
    assert!(drift_json(&settled()).unwrap().starts_with("{\n  \"format_version\": \"1.0\","));
}

#[test]
fn ages_are_said_in_the_unit_that_fits() {
    for (seconds, said) in [(-3, "-3 s"), (119, "119 s"), (120, "2 min"), (7_200, "2 h"), (172_800, "2 days")] {
        assert_eq!(ago(seconds), said);
    }
}
