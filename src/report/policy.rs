//! What `policy simulate` and `policy includes` found, for machines and for people.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

use crate::iam::evaluate::{Layer, StatementRef};
use crate::iam::inclusion::Excess;
use crate::iam::input::Unread;
use crate::iam::{Compared, Decision, Inclusion, Simulated};
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
    one_or_list(&documents, list)
}

fn one_or_list<T: Serialize>(documents: &[T], list: bool) -> Result<String, serde_json::Error> {
    let mut text = match documents {
        [one] if !list => serde_json::to_string_pretty(one)?,
        all => serde_json::to_string_pretty(all)?,
    };
    text.push('\n');
    Ok(text)
}

#[derive(Serialize)]
struct ComparedDocument<'a> {
    format_version: &'static str,
    /// `true`, `false` or `"unknown"`.
    included: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    witness: Option<WitnessDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    unread: &'a [Unread],
}

#[derive(Serialize)]
struct WitnessDocument<'a> {
    principal: Option<String>,
    action: &'a str,
    resource: &'a str,
    context: &'a BTreeMap<String, Vec<String>>,
}

impl<'a> WitnessDocument<'a> {
    fn of(excess: &'a Excess) -> Self {
        let Excess { principal, action, resource, context } = excess;
        Self { principal: principal.as_ref().map(ToString::to_string), action, resource, context }
    }
}

impl<'a> ComparedDocument<'a> {
    fn of(result: &'a Compared) -> Self {
        let Compared { inclusion, unread } = result;
        let (included, witness, reason) = match inclusion {
            Inclusion::Included => (json!(true), None, None),
            Inclusion::NotIncluded(excess) => (json!(false), Some(WitnessDocument::of(excess)), None),
            Inclusion::Unknown(reason) => (json!("unknown"), None, Some(reason.as_str())),
        };
        Self { format_version: FORMAT_VERSION, included, witness, reason, unread }
    }
}

/// One document for one pair, a list of documents for a list.
///
/// # Errors
/// When a value cannot be JSON, which the types rule out.
pub fn compared_json(results: &[Compared], list: bool) -> Result<String, serde_json::Error> {
    let documents: Vec<ComparedDocument<'_>> = results.iter().map(ComparedDocument::of).collect();
    one_or_list(&documents, list)
}

/// One line for each pair, and a request that makes the difference below it.
///
/// # Errors
/// When the writer fails.
pub fn compared_text(results: &[Compared], list: bool, color: bool, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color };
    for (index, result) in results.iter().enumerate() {
        let Compared { inclusion, unread } = result;
        number(index, list, style, out)?;
        match inclusion {
            Inclusion::Included => {
                let text = "included: the candidate allows nothing that the reference does not";
                writeln!(out, "{}", style.paint(Role::Create, text))?;
            }
            Inclusion::NotIncluded(Excess { principal, action, resource, context }) => {
                let text = "not included: the candidate allows, the reference does not";
                writeln!(out, "{}", style.paint(Role::Delete, text))?;
                if let Some(principal) = principal {
                    writeln!(out, "  principal {principal}")?;
                }
                writeln!(out, "  action    {action}\n  resource  {resource}")?;
                for (key, values) in context {
                    writeln!(out, "  with      {key} = {}", values.join(", "))?;
                }
            }
            Inclusion::Unknown(reason) => {
                writeln!(out, "{}: {reason}", style.paint(Role::Warning, "unknown"))?;
            }
        }
        not_understood(unread, style, out)?;
    }
    Ok(())
}

fn number(index: usize, list: bool, style: Style, out: &mut dyn Write) -> fmt::Result {
    if list { write!(out, "{} ", style.paint(Role::Faint, format!("#{index}"))) } else { Ok(()) }
}

fn not_understood(unread: &[Unread], style: Style, out: &mut dyn Write) -> fmt::Result {
    for Unread { policy, reason } in unread {
        writeln!(out, "  {} `{policy}`: {reason}", style.paint(Role::Warning, "not understood:"))?;
    }
    Ok(())
}

/// One line for each request, its statements below it; lists are numbered from zero, as their input is.
///
/// # Errors
/// When the writer fails.
pub fn simulated_text(results: &[Simulated], list: bool, color: bool, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color };
    for (index, result) in results.iter().enumerate() {
        let Simulated { decision, deciding, missing, unread } = result;
        number(index, list, style, out)?;
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
        not_understood(unread, style, out)?;
    }
    Ok(())
}

/// JSON Schema (draft 2020-12) of what `policy simulate` prints.
#[must_use]
pub fn simulated_schema() -> Value {
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
    one_or_list_schema(
        "auditseal policy simulate",
        &object(json!({
            "format_version": { "const": FORMAT_VERSION },
            "decision": { "enum": ["allowed", "implicit_deny", "explicit_deny", "unknown"] },
            "deciding": {
                "description": "statements that decided, or that could if more were known",
                "type": "array", "items": statement
            },
            "missing": { "description": "layers that do not (certainly) allow", "type": "array", "items": layer },
            "unread": unread_schema()
        })),
    )
}

/// JSON Schema (draft 2020-12) of what `policy includes` prints.
#[must_use]
pub fn compared_schema() -> Value {
    let text = json!({ "type": "string" });
    let request = object(json!({
        "principal": { "description": "null between identity policies", "type": ["string", "null"] },
        "action": text,
        "resource": text,
        "context": {
            "description": "condition keys and their values; other keys are absent",
            "type": "object", "additionalProperties": { "type": "array", "items": text }
        }
    }));
    let version = json!({ "const": FORMAT_VERSION });
    let result = json!({ "oneOf": [
        object(json!({ "format_version": version, "included": { "const": true }, "unread": unread_schema() })),
        object(json!({
            "format_version": version,
            "included": { "const": false },
            "witness": {
                "description": "a request that the candidate allows and the reference does not",
                "allOf": [request]
            },
            "unread": unread_schema()
        })),
        object(json!({
            "format_version": version,
            "included": { "const": "unknown" },
            "reason": text,
            "unread": unread_schema()
        })),
    ] });
    one_or_list_schema("auditseal policy includes", &result)
}

fn one_or_list_schema(title: &str, result: &Value) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "oneOf": [{ "$ref": "#/$defs/result" }, { "type": "array", "items": { "$ref": "#/$defs/result" } }],
        "$defs": { "result": result }
    })
}

fn unread_schema() -> Value {
    let text = json!({ "type": "string" });
    json!({
        "description": "policies that are not understood: they may allow and may deny everything",
        "type": "array", "items": object(json!({ "policy": text, "reason": text }))
    })
}
