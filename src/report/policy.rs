//! What `policy simulate` found, for machines and for people.

use std::fmt::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::iam::evaluate::{Layer, StatementRef};
use crate::iam::simulation::Unread;
use crate::iam::{Decision, Simulated};
use crate::plan::FORMAT_VERSION;

use super::schema::object;
use super::style::{Role, Style};

#[derive(Serialize)]
struct SimulatedDocument<'a> {
    format_version: &'static str,
    decision: Decision,
    deciding: &'a [StatementRef],
    missing: &'a [Layer],
    unread: &'a [Unread],
}

impl<'a> SimulatedDocument<'a> {
    fn of(result: &'a Simulated) -> Self {
        let Simulated { decision, deciding, missing, unread } = result;
        Self { format_version: FORMAT_VERSION, decision: *decision, deciding, missing, unread }
    }
}

/// One document for one request, a list of documents for a list.
///
/// # Errors
/// When a value cannot be JSON, which the types rule out.
pub fn simulated_json(results: &[Simulated], list: bool) -> Result<String, serde_json::Error> {
    let documents: Vec<SimulatedDocument<'_>> = results.iter().map(SimulatedDocument::of).collect();
    let mut text = match documents.as_slice() {
        [one] if !list => serde_json::to_string_pretty(one)?,
        all => serde_json::to_string_pretty(all)?,
    };
    text.push('\n');
    Ok(text)
}

/// One line for each request, its statements below it; lists are numbered from zero, as their input is.
///
/// # Errors
/// When the writer fails.
pub fn simulated_text(results: &[Simulated], list: bool, color: bool, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color };
    for (index, result) in results.iter().enumerate() {
        let Simulated { decision, deciding, missing, unread } = result;
        if list {
            write!(out, "{} ", style.paint(Role::Faint, format!("#{index}")))?;
        }
        let (word, role) = match decision {
            Decision::Allowed => ("allowed", Role::Create),
            Decision::ImplicitDeny => ("denied, nothing allows it", Role::Delete),
            Decision::ExplicitDeny => ("denied", Role::Delete),
            Decision::Unknown => ("unknown, it depends on what is not known", Role::Warning),
        };
        writeln!(out, "{}", style.paint(role, word))?;
        for statement in deciding {
            writeln!(out, "  {statement}")?;
        }
        for layer in missing {
            let word = if *decision == Decision::Unknown { "no certain Allow" } else { "no Allow" };
            writeln!(out, "  {word} in: {layer}")?;
        }
        for Unread { policy, reason } in unread {
            writeln!(out, "  {} `{policy}`: {reason}", style.paint(Role::Warning, "not understood:"))?;
        }
    }
    Ok(())
}

/// JSON Schema (draft 2020-12) of what `policy simulate` prints.
#[must_use]
pub fn simulated_schema() -> Value {
    let text = json!({ "type": "string" });
    let layer = json!({ "enum": [
        "identity", "boundary", "session", "service_control", "resource_control", "resource", "vpc_endpoint", "kms_grant",
        "public_access_block"
    ] });
    let statement = object(json!({
        "layer": layer,
        "policy": { "description": "name of the policy, or its place in the input", "type": "string" },
        "sid": { "type": ["string", "null"] },
        "index": {
            "description": "from zero; null for what has no statements, such as a grant",
            "type": ["integer", "null"], "minimum": 0
        }
    }));
    let result = object(json!({
        "format_version": { "const": FORMAT_VERSION },
        "decision": { "enum": ["allowed", "implicit_deny", "explicit_deny", "unknown"] },
        "deciding": {
            "description": "statements that decided, or that could if more were known",
            "type": "array", "items": statement
        },
        "missing": { "description": "layers that do not (certainly) allow", "type": "array", "items": layer },
        "unread": {
            "description": "policies that are not understood: they may allow and may deny everything",
            "type": "array", "items": object(json!({ "policy": text, "reason": text }))
        }
    }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "auditseal policy simulate",
        "oneOf": [{ "$ref": "#/$defs/result" }, { "type": "array", "items": { "$ref": "#/$defs/result" } }],
        "$defs": { "result": result }
    })
}
