//! The explanation document, and its schema.

use serde_json::{Value, json};

use crate::plan::Explanation;
use crate::plan::explain::FORMAT_VERSION;
use crate::report::schema::{self, object};

/// One document, pretty-printed, with a newline at its end.
///
/// # Errors
/// When a value cannot be JSON, which the types rule out.
pub fn explanation_json(explanation: &Explanation) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(explanation)?;
    text.push('\n');
    Ok(text)
}

/// JSON Schema (draft 2020-12) of what `plan --explain --format json` prints.
#[must_use]
pub fn explanation_schema() -> Value {
    let list = |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/$defs/{of}") } });
    let or_null = |of: Value| json!({ "anyOf": [{ "type": "null" }, of] });
    let text_or_null = json!({ "type": ["string", "null"] });
    let mut schema = object(json!({
        "format_version": { "const": FORMAT_VERSION },
        "address": { "$ref": "#/$defs/address" },
        "change": or_null(json!({ "$ref": "#/$defs/change" })),
        "unchanged": { "description": "why nothing is done, when nothing is", "type": ["string", "null"] },
        "read": list("evidence"),
        "not_read": list("gap"),
        "wanted": list("reason"),
        "irreversible": text_or_null,
        "steps": list("explained_step"),
        "guards": list("guard"),
        "access": { "$ref": "#/$defs/access_reasoning" },
    }));
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("auditseal plan --explain"));
        members.insert("$defs".to_owned(), definitions());
    }
    schema
}

/// What the plan and the access document have in common with it comes from there.
fn definitions() -> Value {
    let mut all = serde_json::Map::new();
    let access = crate::report::access_schema();
    let plan = schema::plan_schema();
    for (from, names) in [
        (&plan, &["address", "change", "field", "gap", "guard", "code", "holder"][..]),
        (&access, &["principal", "hop", "witness"]),
    ] {
        for name in names {
            if let Some(found) = from.get("$defs").and_then(|known| known.get(*name)) {
                all.insert((*name).to_owned(), found.clone());
            }
        }
    }
    if let Value::Object(own) = own() {
        all.extend(own);
    }
    Value::Object(all)
}

fn own() -> Value {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let count = json!({ "type": "integer", "minimum": 0 });
    let yes = json!({ "type": "boolean" });
    let text_or_null = json!({ "type": ["string", "null"] });
    let list = |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/$defs/{of}") } });
    let verdicts = json!(["holds", "not-proven", "does-not-hold"]);
    json!({
        "evidence": object(json!({
            "question": text, "place": text, "permission": text_or_null,
            "answer": { "enum": ["present", "absent", "unknown", "not-asked", "made-by-the-plan"] },
            "serves": { "description": "for what the answer is used", "type": "string" }
        })),
        "reason": object(json!({
            "path": { "description": "field; empty for the whole resource", "type": "string" },
            "reason": text,
            "controls": texts,
            "changes": { "description": "whether the plan changes the field", "type": "boolean" }
        })),
        "explained_step": object(json!({
            "step": count, "title": text,
            "does": { "description": "the operation, or what is waited for", "type": "string" },
            "place": text_or_null,
            "order": { "description": "why it stands where it does", "type": "string" },
            "after": list("link"),
            "before": list("link"),
            "undo": text_or_null,
            "precondition": yes
        })),
        "link": object(json!({ "step": count, "address": { "$ref": "#/$defs/address" }, "title": text, "because": text })),
        "access_reasoning": object(json!({
            "proved": { "description": "whether everything was read that a proof needs", "type": "boolean" },
            "missing": { "description": "what is not said here, and how to get it", "type": ["string", "null"] },
            "steps": list("access_step")
        })),
        "access_step": object(json!({
            "step": count, "gained": list("shift"), "lost": list("shift"), "narrowed": list("shift"),
            "proofs": list("proof_shift")
        })),
        "shift": object(json!({
            "holder": { "$ref": "#/$defs/holder" }, "before": list("principal"), "after": list("principal")
        })),
        "proof_shift": object(json!({
            "manifest": text, "code": { "$ref": "#/$defs/code" }, "claim": text,
            "before": { "anyOf": [{ "type": "null" }, { "enum": verdicts }] },
            "after": { "enum": verdicts },
            "because": texts
        }))
    })
}
