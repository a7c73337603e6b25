//! JSON Schema of a review.

use serde_json::{Value, json};

use crate::model::{Control, Kind};
use crate::review::FORMAT_VERSION;

use super::super::schema::object;

/// JSON Schema (draft 2020-12) of what `review --format json` prints.
#[must_use]
pub fn review_schema() -> Value {
    let list = |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/$defs/{of}") } });
    let mut schema = object(json!({
        "format_version": { "const": FORMAT_VERSION },
        "today": { "description": "the day that waivers were held against", "type": "string", "format": "date" },
        "widens": {
            "description": "somebody gains, a policy allows more or was not proved not to, or a waiver opens a way in",
            "type": "boolean"
        },
        "manifests": list("manifest"),
        "access": list("access"),
        "proofs": list("proof"),
        "irreversible": list("irreversible"),
        "waivers": list("waiver"),
        "controls": list("control"),
        "fields": list("field")
    }));
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("auditseal review"));
        members.insert("$defs".to_owned(), definitions());
    }
    schema
}

fn definitions() -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let date = json!({ "type": "string", "format": "date" });
    let value = json!({ "description": "any value, null when there is none" });
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
    let address = json!({
        "description": "<kind>[<name>]", "type": "string", "pattern": format!("^({})\\[.+\\]$", kinds.join("|"))
    });
    json!({
        "manifest": object(json!({
            "name": text, "change": { "enum": ["added", "removed", "changed"] }, "renamed_from": maybe
        })),
        "access": object(json!({
            "manifest": text,
            "change": { "enum": ["gains", "loses"] },
            "question": { "enum": ["read", "write", "tamper", "list"] },
            "who": text, "what": text,
            "because": { "description": "path of the manifest", "type": "string" }
        })),
        "more": { "oneOf": [
            object(json!({ "answer": { "const": "no" } })),
            object(json!({ "answer": { "const": "yes" }, "principal": maybe, "action": text, "resource": text })),
            object(json!({ "answer": { "const": "not_proved" }, "reason": text }))
        ] },
        "proof": object(json!({
            "manifest": text, "policy": address,
            "wider": { "$ref": "#/$defs/more" }, "narrower": { "$ref": "#/$defs/more" }
        })),
        "irreversible": object(json!({ "manifest": text, "code": text, "message": text })),
        "waiver": object(json!({
            "manifest": text,
            "change": { "enum": [
                "appears", "extended", "shortened", "reworded", "removed", "expired", "ends-soon"
            ] },
            "control": { "enum": Control::ALL },
            "address": { "anyOf": [{ "type": "null" }, address] },
            "owner": text, "reason": text, "until": date,
            "until_before": { "anyOf": [{ "type": "null" }, date] },
            "opens": { "description": "whether it can leave a way in that nothing declares", "type": "boolean" }
        })),
        "control": object(json!({
            "manifest": text, "change": { "enum": ["weakened", "strengthened"] },
            "control": text, "path": text, "before": value, "after": value
        })),
        "field": object(json!({ "manifest": text, "path": text, "before": value, "after": value }))
    })
}
