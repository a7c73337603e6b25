//! A notice as one JSON object: a line of JSON Lines, and the body of a webhook.

use serde_json::{Value, json};

use super::{is_closed, name, text, title};
use crate::finding::Notice;
use crate::report::schema::object;

/// Version of the object.
const FORMAT_VERSION: &str = "1.0";

/// Every member is always there; what is not known is null. `type` and `timestamp` are named as Standard Webhooks recommends
/// for payloads.
#[must_use]
pub fn notice_json(notice: &Notice) -> Value {
    let finding = &notice.finding;
    let place =
        finding.span.as_ref().map(|span| json!({ "file": name(&span.file), "line": span.line, "column": span.column }));
    let changed_by = notice.changed_by.as_ref().map(|who| {
        json!({
            "principal": name(&who.principal),
            "event": name(&who.event),
            "event_id": name(&who.event_id),
            "time": who.time.to_string(),
        })
    });
    json!({
        "format_version": FORMAT_VERSION,
        "id": notice.id(),
        "type": if is_closed(notice) { "finding.closed" } else { "finding.opened" },
        "timestamp": notice.at.to_string(),
        "manifest": notice.manifest.as_deref().map(name),
        "fingerprint": name(&notice.fingerprint),
        "severity": finding.severity,
        "code": name(&finding.code),
        "title": title(finding),
        "subject": name(&finding.subject),
        "message": text(&finding.message),
        "help": finding.help.as_deref().map(text),
        "place": place,
        "since": notice.since.to_string(),
        "changed_by": changed_by,
    })
}

/// JSON Schema (draft 2020-12) of [`notice_json`].
#[must_use]
pub fn notice_schema() -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let time = json!({ "type": "string", "format": "date-time" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let or_null = |schema: Value| json!({ "anyOf": [{ "type": "null" }, schema] });
    let mut schema = object(json!({
        "format_version": { "const": FORMAT_VERSION },
        "id": { "description": "the same for every delivery of one notice", "type": "string" },
        "type": { "enum": ["finding.opened", "finding.closed"] },
        "timestamp": time,
        "manifest": { "description": "null for what is about the run itself", "type": ["string", "null"] },
        "fingerprint": { "description": "the same for one finding, opened or closed, on every run", "type": "string" },
        "severity": { "enum": ["info", "low", "medium", "high", "critical"] },
        "code": { "description": "`auditseal explain CODE` says what it means", "type": "string" },
        "title": text,
        "subject": { "description": "address, path or ARN", "type": "string" },
        "message": text,
        "help": maybe,
        "place": or_null(object(json!({ "file": text, "line": count, "column": count }))),
        "since": { "description": "when the finding was first seen", "type": "string", "format": "date-time" },
        "changed_by": or_null(object(json!({ "principal": text, "event": text, "event_id": text, "time": time })))
    }));
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("auditseal alert"));
    }
    schema
}
