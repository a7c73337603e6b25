//! The access document, and its schema.

use serde::Serialize;
use serde_json::{Value, json};

use crate::access::{Assessment, Assumption, FORMAT_VERSION, Indirect, ObjectClass, PrincipalAccess, Proof};
use crate::model::Gap;

use super::AccessFilter;
use crate::report::schema::object;

#[derive(Serialize)]
struct Document<'a> {
    format_version: &'static str,
    complete: bool,
    gaps: &'a [Gap],
    assumptions: &'a [Assumption],
    object_classes: &'a [ObjectClass],
    principals: Vec<&'a PrincipalAccess>,
    second_tier: Vec<&'a Indirect>,
    proofs: Vec<&'a Proof>,
}

/// One document, pretty-printed, with a newline at its end.
///
/// # Errors
/// When a value cannot be JSON, which the types rule out.
pub fn access_json(assessment: &Assessment, filter: &AccessFilter) -> Result<String, serde_json::Error> {
    // Destructured so that a new part cannot be forgotten.
    let Assessment { complete, gaps, assumptions, object_classes, principals, second_tier, proofs } = assessment;
    let named = |arn: &str| filter.principal.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(arn));
    let document = Document {
        format_version: FORMAT_VERSION,
        complete: *complete,
        gaps,
        assumptions,
        object_classes,
        principals: principals.iter().filter(|one| filter.covers(one)).collect(),
        second_tier: second_tier.iter().filter(|one| named(&one.arn)).collect(),
        proofs: proofs.iter().filter(|proof| filter.proof(&proof.code)).collect(),
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

/// JSON Schema (draft 2020-12) of what `access --format json` prints.
#[must_use]
pub fn access_schema() -> Value {
    let list = |of: &str| json!({ "type": "array", "items": { "$ref": format!("#/$defs/{of}") } });
    let mut schema = object(json!({
        "format_version": { "const": FORMAT_VERSION },
        "complete": { "description": "whether every input was read", "type": "boolean" },
        "gaps": list("gap"),
        "assumptions": list("assumption"),
        "object_classes": list("object_class"),
        "principals": list("principal"),
        "second_tier": list("indirect"),
        "proofs": list("proof"),
    }));
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("auditseal access"));
        members.insert("$defs".to_owned(), definitions());
    }
    schema
}

fn definitions() -> Value {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let yes = json!({ "type": "boolean" });
    let code = json!({ "type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$" });
    let question = json!({ "enum": ["read", "write", "tamper", "list"] });
    let kind = json!({ "enum": [
        "root", "user", "role", "role-session", "federated-user", "account", "any-aws", "anonymous", "service",
        "identity-provider", "canonical-user", "access-point", "directory-user", "directory-group", "databricks-user", "databricks-service-principal",
        "databricks-group"
    ] });
    json!({
        "gap": object(json!({ "what": text, "permission": { "type": ["string", "null"] }, "message": text })),
        "assumption": object(json!({
            "code": code, "message": text,
            "unread": { "description": "an input that should have been read", "type": "boolean" }
        })),
        "object_class": object(json!({
            "id": text, "manifest": text, "description": text, "prefixes": texts,
            "key": { "description": "ARN; null where KMS has no say", "type": ["string", "null"] },
            "sampled": { "description": "whether objects of the class are known to exist", "type": "boolean" }
        })),
        "principal": object(json!({
            "manifest": text,
            "question": question,
            "arn": text,
            "kind": kind,
            "declared": yes,
            "declared_as": text,
            "verdict": { "enum": ["can", "conditional", "cannot"] },
            "certain": { "description": "whether a request is known that is allowed", "type": "boolean" },
            "object_class": text,
            "actions": texts,
            "via": { "type": "array", "items": { "$ref": "#/$defs/hop" } },
            "witness": { "$ref": "#/$defs/witness" },
            "conditions": texts,
            "blocked_by": texts
        })),
        "hop": object(json!({
            "role": text,
            "by": { "enum": ["assume-role", "pass-role", "service", "identity-provider", "unity-catalog"] },
            "statements": texts,
            "conditions": texts
        })),
        "witness": object(json!({
            "s3": texts, "kms": texts, "assume_role": texts, "unity_catalog": texts,
            "context": { "type": "object", "additionalProperties": texts }
        })),
        "indirect": object(json!({ "manifest": text, "arn": text, "kind": kind, "declared": yes, "means": texts })),
        "proof": object(json!({
            "manifest": text, "code": code, "claim": text,
            "verdict": { "enum": ["holds", "not-proven", "does-not-hold"] },
            "because": texts
        }))
    })
}
