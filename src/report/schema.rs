//! JSON Schema of the plan document. Written by hand, so that it says what the document promises to scripts and not what
//! the types happen to be: what the applier alone reads (requests, facts, the declaration) stays open.

use serde_json::{Value, json};

use crate::model::{Control, Kind};
use crate::plan::FORMAT_VERSION;

/// JSON Schema (draft 2020-12) of what `plan --format json` prints and `plan --out` saves.
#[must_use]
pub fn plan_schema() -> Value {
    let list = |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/$defs/{of}") } });
    let strings = json!({ "type": "array", "items": { "type": "string" } });
    let members = object(json!({
        "format_version": { "const": FORMAT_VERSION },
        "intent": {
            "description": "what the plan is for, when it is not to make live state what is declared",
            "type": "object",
            "properties": { "verb": { "enum": ["rollback", "forget"] }, "run": { "type": "string" } },
            "required": ["verb"], "additionalProperties": false
        },
        "manifest": list("source"),
        "caller": {
            "description": "ARN of the caller's role, with its path, per AWS account",
            "type": "object", "additionalProperties": { "type": "string" }
        },
        "summary": { "$ref": "#/$defs/summary" },
        "complete": { "description": "whether every input was read", "type": "boolean" },
        "gaps": list("gap"),
        "reads_digest": { "description": "SHA-256 of the live facts that were read", "type": "string" },
        "changes": list("change"),
        "today": { "description": "the day, in UTC, that waivers were held against", "type": "string", "format": "date" },
        "waived": list("waived"),
        "guards": list("guard"),
        "findings": list("finding"),
        "allowed": strings,
        "partial": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/partial" }] },
        "steps": list("step"),
        "access": { "$ref": "#/$defs/access" },
        "preflight": super::preflight::schema(),
        "deliveries": list("delivery"),
        "principals": {
            "description": "other spellings of principals and keys, and what they stand for",
            "type": "object", "additionalProperties": { "type": "string" }
        },
        "desired": { "type": "array", "items": { "type": "object" } }
    }));
    let mut schema = optional(members, &["intent", "preflight"]);
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("auditseal plan"));
        members.insert("$defs".to_owned(), definitions());
    }
    schema
}

/// An object with exactly these members.
pub(super) fn object(properties: Value) -> Value {
    let required: Vec<Value> = properties.as_object().into_iter().flat_map(|p| p.keys()).map(|k| json!(k)).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

/// Members that may be missing.
fn optional(mut object: Value, names: &[&str]) -> Value {
    if let Some(required) = object.get_mut("required").and_then(Value::as_array_mut) {
        required.retain(|name| !names.iter().any(|optional| name == optional));
    }
    object
}

fn code_schema() -> Value {
    json!({ "type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$" })
}

/// A finding, as every document shows it.
pub(super) fn finding_schema() -> Value {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    optional(
        object(json!({
            "code": code_schema(),
            "severity": { "enum": ["info", "low", "medium", "high", "critical"] },
            "subject": text,
            "message": text,
            "help": text,
            "span": object(json!({ "file": text, "line": count, "column": count, "start": count, "end": count }))
        })),
        &["help", "span"],
    )
}

fn definitions() -> Value {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let address = json!({ "$ref": "#/$defs/address" });
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    json!({
        "address": {
            "description": "<manifest>/<kind>[<name>]",
            "type": "string", "pattern": format!("^[^/]+/({})\\[.+\\]$", kinds.join("|"))
        },
        "source": object(json!({ "name": text, "digest": text })),
        "summary": object(json!({
            "create": count, "update": count, "replace": count, "delete": count, "noop": count
        })),
        "gap": object(json!({ "what": text, "permission": { "type": ["string", "null"] }, "message": text })),
        "field": object(json!({
            "path": text,
            "before": { "description": "any value, null when there is none" },
            "after": { "description": "any value, null when there is none" },
            "reason": text
        })),
        "change": object(json!({
            "address": address,
            "action": { "enum": ["create", "update", "replace", "delete", "noop"] },
            "reason": text,
            "irreversible": { "type": "boolean" },
            "known_after_apply": {
                "description": "paths of fields that only the cloud can choose",
                "type": "array", "items": text
            },
            "fields": { "type": "array", "items": { "$ref": "#/$defs/field" } },
            "depends_on": { "type": "array", "items": address }
        })),
        "waived": object(json!({
            "address": address,
            "control": { "$ref": "#/$defs/control" },
            "reason": text,
            "owner": text,
            "until": { "type": "string", "format": "date" },
            "fields": { "type": "array", "items": { "$ref": "#/$defs/field" } }
        })),
        "control": { "description": "what is waived", "enum": Control::ALL },
        "guard": object(json!({
            "code": { "$ref": "#/$defs/code" },
            "verdict": { "enum": ["pass", "warn", "allowed", "refuse"] },
            "message": text
        })),
        "code": code_schema(),
        "finding": finding_schema(),
        "holder": object(json!({
            "manifest": text,
            "question": { "enum": ["read", "write", "tamper", "list"] },
            "arn": text,
            "declared": { "type": "boolean" },
            "through": {
                "description": "ARN of the role whose session can, when the principal can only by taking it",
                "type": ["string", "null"]
            },
            "replica": {
                "description": "bucket of the declared replica that this is about",
                "type": ["string", "null"]
            },
            "verdict": { "enum": ["can", "conditional"] }
        })),
        "who": object(json!({
            "read": { "type": "array", "items": text },
            "write": { "type": "array", "items": text },
            "tamper": { "type": "array", "items": text },
            "list": { "type": "array", "items": text }
        })),
        "access": object(json!({
            "complete": { "type": "boolean" },
            "gaps": { "type": "array", "items": { "$ref": "#/$defs/gap" } },
            "assumptions": { "type": "array", "items": object(json!({
                "code": { "$ref": "#/$defs/code" }, "message": text, "unread": { "type": "boolean" }
            })) },
            "before": { "$ref": "#/$defs/who" },
            "after": { "$ref": "#/$defs/who" },
            "steps": { "type": "array", "items": object(json!({
                "step": count,
                "address": address,
                "gained": { "type": "array", "items": { "$ref": "#/$defs/holder" } },
                "lost": { "type": "array", "items": { "$ref": "#/$defs/holder" } }
            })) },
            "proofs": { "type": "array", "items": object(json!({
                "step": count, "address": address, "manifest": text, "code": { "$ref": "#/$defs/code" },
                "before": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/proof_verdict" }] },
                "after": { "$ref": "#/$defs/proof_verdict" },
                "because": { "type": "array", "items": text }
            })) },
            "undeclared": { "type": "array", "items": { "$ref": "#/$defs/holder" } }
        })),
        "proof_verdict": { "enum": ["holds", "not-proven", "does-not-hold"] },
        "partial": object(json!({
            "selection": object(json!({
                "target": { "type": "array", "items": text }, "exclude": { "type": "array", "items": text }
            })),
            "left_out": { "type": "array", "items": object(json!({
                "address": address, "action": { "enum": ["create", "update", "replace", "delete", "noop"] }
            })) }
        })),
        "delivery": object(json!({
            "manifest": text,
            "place": { "$ref": "#/$defs/place" },
            "config_id": text
        })),
        "step": step(&text, &count, &address),
        "action": { "oneOf": actions(&text, &count) },
        "place": {
            "type": "object",
            "properties": { "cloud": { "enum": ["aws", "databricks", "workspace"] }, "account": text },
            "required": ["cloud", "account"]
        },
        "write": { "type": "object", "properties": { "write": text }, "required": ["write"] },
        "placed_write": object(json!({
            "place": { "$ref": "#/$defs/place" }, "write": { "$ref": "#/$defs/write" }
        })),
        "target": object(json!({
            "query": object(json!({
                "place": { "$ref": "#/$defs/place" },
                "read": { "type": "object", "properties": { "read": text }, "required": ["read"] }
            })),
            "fact": { "type": "object", "properties": { "fact": text }, "required": ["fact"] },
            "before": { "anyOf": [{ "type": "null" }, {
                "type": "object",
                "properties": { "observed": { "enum": ["present", "absent", "unknown"] } },
                "required": ["observed"]
            }] },
            "settles": { "type": "boolean" }
        }))
    })
}

fn step(text: &Value, count: &Value, address: &Value) -> Value {
    object(json!({
        "id": count,
        "address": address,
        "title": text,
        "action": { "$ref": "#/$defs/action" },
        "depends_on": { "type": "array", "items": count },
        "target": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/target" }] },
        "gives": {
            "description": "output to the token that stands for it",
            "type": "object", "additionalProperties": text
        },
        "settle_seconds": count,
        "undo": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/placed_write" }] }
    }))
}

fn actions(text: &Value, count: &Value) -> Vec<Value> {
    let place = json!({ "$ref": "#/$defs/place" });
    vec![
        object(json!({ "do": { "const": "write" }, "place": place, "write": { "$ref": "#/$defs/write" } })),
        object(json!({
            "do": { "const": "await_delivery" }, "place": place, "config_id": text,
            "after_steps": { "type": "array", "items": count }, "deadline_seconds": count
        })),
        object(json!({ "do": { "const": "pause" }, "seconds": count, "reason": text })),
    ]
}
