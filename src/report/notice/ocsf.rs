//! A notice as an OCSF Compliance Finding (schema.ocsf.io, class 2003 of version 1.8.0, profile `cloud`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{is_closed, level, name, text, title};
use crate::finding::{Notice, Severity};

/// One event: activity Create when the finding opened, Close when it closed.
#[must_use]
pub fn notice_ocsf(notice: &Notice) -> Value {
    let finding = &notice.finding;
    let closed = is_closed(notice);
    let (activity, activity_name) = if closed { (3, "Close") } else { (1, "Create") };
    let (status, status_name) = if closed { (4, "Resolved") } else { (1, "New") };
    let (verdict, verdict_name) = if closed { (1, "Pass") } else { (3, "Fail") };
    let (code, title, message) = (name(&finding.code), title(finding), text(&finding.message));
    let mut event = json!({
        "activity_id": activity,
        "activity_name": activity_name,
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": 2003,
        "class_name": "Compliance Finding",
        "type_uid": 200_300 + activity,
        "time": notice.at.as_millisecond(),
        "severity_id": level(finding.severity),
        "severity": severity(finding.severity),
        "status_id": status,
        "status": status_name,
        "message": message,
        "metadata": {
            "version": "1.8.0",
            "profiles": ["cloud"],
            "product": { "name": "auditseal", "vendor_name": "auditseal", "version": env!("CARGO_PKG_VERSION") },
            "uid": notice.id(),
            "event_code": code,
            "correlation_uid": name(&notice.fingerprint),
        },
        "cloud": { "provider": "AWS" },
        "finding_info": {
            "uid": name(&notice.fingerprint),
            "title": title,
            "desc": message,
            "types": [code],
            "first_seen_time": millis(notice.since),
            "created_time": millis(notice.since),
            "modified_time": millis(notice.at),
        },
        "compliance": { "control": code, "desc": title, "status_id": verdict, "status": verdict_name },
        "resources": [{ "uid": name(&finding.subject), "name": name(&finding.subject) }],
    });
    let mut add = |member: &str, value: Value| {
        if let Value::Object(members) = &mut event {
            members.insert(member.to_owned(), value);
        }
    };
    if let Some(help) = &finding.help {
        add("remediation", json!({ "desc": text(help) }));
    }
    if let Some(manifest) = &notice.manifest {
        add("unmapped", json!({ "manifest": name(manifest) }));
    }
    if let Some(who) = &notice.changed_by {
        let evidence = json!({
            "uid": name(&who.event_id),
            "actor": { "user": { "uid": name(&who.principal) } },
            "api": { "operation": name(&who.event) },
            "data": { "time": who.time.to_string() },
        });
        add("evidences", json!([evidence]));
    }
    event
}

fn millis(time: Timestamp) -> i64 {
    time.as_millisecond()
}

/// Captions of `severity_id`.
fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Informational",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
        Severity::Critical => "Critical",
    }
}
