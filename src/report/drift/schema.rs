//! JSON Schema of a check.

use serde_json::{Value, json};

use crate::drift::FORMAT_VERSION;

use super::super::schema::object;

/// JSON Schema (draft 2020-12) of what `drift --format json` prints: one document, with `--every` one on each line.
#[must_use]
pub fn drift_schema() -> Value {
    let list = |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/$defs/{of}") } });
    let strings = json!({ "type": "array", "items": { "type": "string" } });
    let mut schema = object(json!({
        "format_version": { "const": FORMAT_VERSION },
        "checked_at": { "$ref": "#/$defs/time" },
        "previous_check": {
            "description": "the check that new and closed are said against, null when there was none",
            "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/time" }]
        },
        "manifests": strings,
        "complete": { "description": "whether every input was read", "type": "boolean" },
        "gaps": list("gap"),
        "refused": { "description": "codes of guards that refuse a plan of this state", "type": "array", "items": { "type": "string" } },
        "summary": { "$ref": "#/$defs/summary" },
        "deliveries": list("delivery"),
        "open": list("open"),
        "closed": list("closed"),
        "notes": { "description": "what the check could do without, and had to", "type": "array", "items": { "type": "string" } }
    }));
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("auditseal drift"));
        members.insert("$defs".to_owned(), definitions());
    }
    schema
}

fn definitions() -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let count = json!({ "type": "integer", "minimum": 0 });
    let time = json!({ "$ref": "#/$defs/time" });
    let maybe_time = json!({ "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/time" }] });
    let fingerprint = json!({ "type": "string", "pattern": "^[0-9a-f]{32}$" });
    let finding = json!({ "$ref": "#/$defs/finding" });
    let changed_by = json!({ "$ref": "#/$defs/changed_by" });
    json!({
        "time": { "type": "string", "format": "date-time" },
        "gap": object(json!({ "what": text, "permission": maybe, "message": text })),
        "summary": object(json!({
            "open": count, "new": count, "closed": count,
            "drift": { "description": "open findings that a plan would change", "type": "integer", "minimum": 0 },
            "critical": count, "high": count, "medium": count, "low": count, "info": count,
            "pending_changes": { "description": "resources that a plan would change", "type": "integer", "minimum": 0 },
            "undeclared_readers": count
        })),
        "delivery": object(json!({
            "manifest": text,
            "state": { "enum": ["delivering", "new", "silent", "failing", "disabled", "missing", "unknown"] },
            "config_id": maybe, "status": maybe, "last_success": maybe_time,
            "age_seconds": { "description": "since the last success", "type": ["integer", "null"] },
            "newest_object": maybe_time,
            "max_silence_seconds": count
        })),
        "finding": optional(object(json!({
            "code": text,
            "severity": { "enum": ["info", "low", "medium", "high", "critical"] },
            "subject": text, "message": text, "help": text
        })), "help"),
        "changed_by": object(json!({ "principal": text, "event": text, "event_id": text, "time": time })),
        "open": optional(object(json!({
            "fingerprint": fingerprint, "manifest": maybe,
            "new": { "description": "opened by this check", "type": "boolean" },
            "seen": { "description": "whether this check could look at it", "type": "boolean" },
            "drift": { "description": "a difference that a plan would change, not only reported", "type": "boolean" },
            "since": time, "finding": finding, "changed_by": changed_by
        })), "changed_by"),
        "closed": optional(optional(object(json!({
            "state": { "const": "closed" }, "manifest": text, "fingerprint": fingerprint, "finding": finding,
            "since": time, "at": time, "changed_by": changed_by
        })), "changed_by"), "manifest")
    })
}

fn optional(mut object: Value, name: &str) -> Value {
    if let Some(required) = object.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|one| one != name);
    }
    object
}
