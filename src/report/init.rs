//! What `init` wrote or would have written, for scripts.

use serde::Serialize;
use serde_json::{Value, json};

use crate::model::Gap;
use crate::plan::{Action, Change, GuardResult, Verdict};

use super::document::document;
use super::schema::object;

/// Version of what `init --format json` prints.
const FORMAT_VERSION: &str = "1.0";

/// A log-delivery configuration that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InitDelivery {
    pub config_id: String,
    pub name: String,
    /// None when its storage configuration is gone.
    pub bucket: Option<String>,
    pub prefix: String,
    /// None when its credential configuration is gone.
    pub role: Option<String>,
    pub enabled: bool,
    /// Of the last attempt, as Databricks writes it.
    pub status: Option<String>,
}

/// How `init` ended. Without live access nothing is read, so that nothing is pending, unread or refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InitReport {
    pub from_live: bool,
    /// Name of the manifest; none when too little could be read to draft one.
    pub manifest: Option<String>,
    /// The file that was written.
    pub path: Option<String>,
    pub text: Option<String>,
    pub adopted: Option<InitDelivery>,
    pub others: Vec<InitDelivery>,
    pub readers: usize,
    pub admins: usize,
    pub waivers: usize,
    /// What a plan of it shows.
    pub changes: Vec<Change>,
    pub gaps: Vec<Gap>,
    pub guards: Vec<GuardResult>,
}

/// The document.
///
/// # Errors
/// When a value cannot be JSON, which the types rule out.
pub fn init_json(report: &InitReport) -> serde_json::Result<String> {
    let pending = report.changes.iter().filter(|change| change.action != Action::Noop);
    let pending: Vec<Value> =
        pending.map(|one| json!({ "address": one.address, "action": one.action, "reason": one.reason })).collect();
    let refused = report.guards.iter().filter(|guard| guard.verdict == Verdict::Refuse);
    let refused: Vec<Value> = refused.map(|one| json!({ "code": one.code, "message": one.message })).collect();
    let members = [
        ("from_live", report.from_live.into()),
        ("written", report.path.is_some().into()),
        ("manifest", json!(report.manifest)),
        ("path", json!(report.path)),
        ("text", json!(report.text)),
        ("adopted", json!(report.adopted)),
        ("others", json!(report.others)),
        ("readers", report.readers.into()),
        ("admins", report.admins.into()),
        ("waivers", report.waivers.into()),
        ("pending", pending.into()),
        ("complete", report.gaps.is_empty().into()),
        ("gaps", json!(report.gaps)),
        ("refused", refused.into()),
    ];
    document(FORMAT_VERSION, &members)
}

/// JSON Schema (draft 2020-12) of [`init_json`].
#[must_use]
pub fn init_schema() -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let count = json!({ "type": "integer", "minimum": 0 });
    let list = |of: Value| json!({ "type": "array", "items": of });
    let delivery = object(json!({
        "config_id": text, "name": text, "bucket": maybe, "prefix": text, "role": maybe,
        "enabled": { "type": "boolean" }, "status": maybe
    }));
    let mut schema = object(json!({
        "format_version": { "const": FORMAT_VERSION },
        "from_live": { "type": "boolean" },
        "written": { "type": "boolean" },
        "manifest": { "description": "name of the manifest; null when too little could be read", "type": ["string", "null"] },
        "path": { "description": "the file that was written", "type": ["string", "null"] },
        "text": { "description": "the manifest", "type": ["string", "null"] },
        "adopted": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/delivery" }] },
        "others": list(json!({ "$ref": "#/$defs/delivery" })),
        "readers": count,
        "admins": count,
        "waivers": count,
        "pending": {
            "description": "what a plan of it shows",
            "type": "array",
            "items": object(json!({
                "address": text,
                "action": { "enum": ["create", "update", "replace", "delete"] },
                "reason": text
            }))
        },
        "complete": { "description": "whether every input was read", "type": "boolean" },
        "gaps": list(object(json!({ "what": text, "permission": maybe, "message": text }))),
        "refused": list(object(json!({ "code": text, "message": text })))
    }));
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("auditseal init"));
        members.insert("$defs".to_owned(), json!({ "delivery": delivery }));
    }
    schema
}
