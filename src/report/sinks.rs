//! How sinks took their messages, and what they said to a test.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use super::document::document;
use super::schema::{finding_schema, object};
use super::style::{Role, Style};
use super::value::plain;
use crate::finding::{Delivered, SinkAnswer, SinkReport};

/// Version of the documents.
const FORMAT_VERSION: &str = "1.0";

/// Writes a line for each sink.
///
/// # Errors
/// When the writer fails.
pub fn sinks_text(delivered: &Delivered, color: bool, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color };
    for report in &delivered.sinks {
        let SinkReport { sink, kind, delivered, waiting, refused, trouble } = report;
        write!(out, "{:<20} {:<8} {delivered} delivered, {waiting} waiting", plain(sink), plain(kind))?;
        if *refused > 0 {
            write!(out, ", {}", style.paint(Role::Refusal, format!("{refused} refused")))?;
        }
        match trouble {
            Some(trouble) => writeln!(out, ": {}", style.paint(Role::Warning, plain(trouble)))?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

/// The same as one JSON document.
///
/// # Errors
/// When a value cannot be JSON, which the types rule out.
pub fn sinks_json(delivered: &Delivered) -> Result<String, serde_json::Error> {
    let complete = Value::from(delivered.is_complete());
    let Delivered { sinks, findings, unkept } = delivered;
    document(
        FORMAT_VERSION,
        &[
            ("complete", complete),
            ("sinks", serde_json::to_value(sinks)?),
            ("findings", serde_json::to_value(findings)?),
            ("unkept", serde_json::to_value(unkept)?),
        ],
    )
}

/// Writes what each sink answered.
///
/// # Errors
/// When the writer fails.
pub fn answers_text(answers: &[SinkAnswer], color: bool, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color };
    for SinkAnswer { sink, kind, taken, answer } in answers {
        let role = if *taken { Role::Create } else { Role::Refusal };
        let word = if *taken { "ok" } else { "failed" };
        writeln!(out, "{:<20} {:<8} {}: {}", plain(sink), plain(kind), style.paint(role, word), plain(answer))?;
    }
    Ok(())
}

/// The same as one JSON document.
///
/// # Errors
/// When a value cannot be JSON, which the types rule out.
pub fn answers_json(answers: &[SinkAnswer]) -> Result<String, serde_json::Error> {
    document(FORMAT_VERSION, &[("answers", serde_json::to_value(answers)?)])
}

/// JSON Schema (draft 2020-12) of what `alert list`, `alert send` and `alert test` print with `--format json`.
#[must_use]
pub fn sinks_schema() -> Value {
    let text = json!({ "type": "string" });
    let count = json!({ "type": "integer", "minimum": 0 });
    let kind = json!({ "enum": ["file", "webhook", "slack"] });
    let version = json!({ "const": FORMAT_VERSION });
    let sink = object(json!({
        "sink": text,
        "kind": kind,
        "delivered": { "description": "messages that it took in this run", "type": "integer", "minimum": 0 },
        "waiting": count,
        "refused": { "description": "messages that it refused and that are still kept", "type": "integer", "minimum": 0 },
        "trouble": { "description": "why it did not take everything", "type": ["string", "null"] }
    }));
    let sent = object(json!({
        "format_version": version,
        "complete": { "description": "whether every sink took everything", "type": "boolean" },
        "sinks": { "type": "array", "items": sink },
        "findings": { "type": "array", "items": finding_schema() },
        "unkept": { "description": "ids that an outbox had no room for", "type": "array", "items": text }
    }));
    let tested = object(json!({
        "format_version": version,
        "answers": { "type": "array", "items": object(json!({
            "sink": text, "kind": kind, "taken": { "type": "boolean" }, "answer": text
        })) }
    }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "auditseal alert list, send and test",
        "oneOf": [sent, tested]
    })
}
