//! Journals, for people and for scripts.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use crate::journal::{Found, Journals, Record, Spoiled, StepRecord};
use crate::model::Intent;

use super::document::document;
use super::schema::object;
use super::style::{Role, Style};
use super::value::plain;

/// Version of what `runs --format json` prints.
const FORMAT_VERSION: &str = "1.0";
/// Of a run id, as much as tells runs apart.
const SHORT: usize = 8;

/// Writes the list of runs, newest first, then the journals that cannot be used.
///
/// # Errors
/// When the writer fails.
pub fn runs_text(all: &Journals, color: bool, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color };
    if all.found.is_empty() && all.spoiled.is_empty() {
        return writeln!(out, "No run was made here.");
    }
    for Found { record, .. } in &all.found {
        let head = format!("{}  {:<10}  {}", plain(&record.at), record.ending.name(), plain(&record.run));
        writeln!(out, "{}", style.paint(Role::Heading, head))?;
        writeln!(out, "    {}", summary(record))?;
        for (account, caller) in &record.caller {
            writeln!(
                out,
                "    {}",
                style.paint(Role::Faint, format!("account {} as {}", plain(account), plain(caller)))
            )?;
        }
    }
    if all.spoiled.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", style.paint(Role::Warning, "Journals that cannot be used:"))?;
    for Spoiled { run, path, why } in &all.spoiled {
        writeln!(out, "  ? {} ({}): {}", plain(run), plain(&path.display().to_string()), plain(&why.to_string()))?;
    }
    Ok(())
}

/// `apply of acme: 31 writes`.
fn summary(record: &Record) -> String {
    let what = match &record.intent {
        Intent::Rollback { run } => format!("rollback of run {}", short(run)),
        other => other.verb().to_owned(),
    };
    let manifests = record.manifests.iter().map(|name| plain(name).to_string()).collect::<Vec<_>>().join(", ");
    let writes = match record.writes() {
        1 => "1 write".to_owned(),
        many => format!("{many} writes"),
    };
    format!("{what}, {manifests}: {writes}")
}

fn short(run: &str) -> String {
    plain(run).chars().take(SHORT).collect()
}

/// Writes one run with its steps.
///
/// # Errors
/// When the writer fails.
pub fn run_text(found: &Found, color: bool, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color };
    let record = &found.record;
    writeln!(out, "{}", style.paint(Role::Heading, format!("Run {}: {}", plain(&record.run), record.ending.name())))?;
    writeln!(out, "  {}", summary(record))?;
    let end = record.ended_at.as_deref().unwrap_or("no end in the journal: killed, or under way");
    writeln!(out, "  {} to {}, {}", plain(&record.at), plain(end), plain(&record.tool))?;
    for (account, caller) in &record.caller {
        writeln!(out, "  account {} as {}", plain(account), plain(caller))?;
    }
    writeln!(out, "  {}\n", plain(&found.path.display().to_string()))?;
    for step in &record.steps {
        one_step(step, style, out)?;
    }
    if record.cut {
        writeln!(out, "\nThe last line was cut by a crash; the request that it would have announced was never sent.")?;
    }
    Ok(())
}

fn one_step(step: &StepRecord, style: Style, out: &mut dyn Write) -> fmt::Result {
    let number = step.step.saturating_add(1);
    write!(out, "  {number:>3}. {:<13}", step.state.name())?;
    if let Some(address) = &step.address {
        write!(out, " {}", plain(&address.to_string()))?;
    }
    if let Some(operation) = step.operation {
        write!(out, " {}", style.paint(Role::Faint, format!("({operation})")))?;
    }
    match &step.message {
        Some(message) => writeln!(out, ": {}", style.paint(Role::Refusal, plain(message))),
        None => writeln!(out),
    }
}

fn run(found: &Found) -> Value {
    let Found { path, record } = found;
    json!({
        "run": record.run,
        "at": record.at,
        "ended_at": record.ended_at,
        "verb": record.intent.verb(),
        "of": record.intent.of(),
        "tool": record.tool,
        "manifests": record.manifests,
        "caller": record.caller,
        "outcome": record.ending,
        "writes": record.writes(),
        "journal": path.display().to_string(),
    })
}

/// The list as one JSON document.
///
/// # Errors
/// When a value cannot be JSON, which the types rule out.
pub fn runs_json(all: &Journals) -> Result<String, serde_json::Error> {
    let unreadable: Vec<Value> = all
        .spoiled
        .iter()
        .map(|one| {
            json!({
                "run": one.run,
                "journal": one.path.display().to_string(),
                "reason": one.why.name(),
                "message": one.why.to_string(),
            })
        })
        .collect();
    let runs: Vec<Value> = all.found.iter().map(run).collect();
    document(FORMAT_VERSION, &[("runs", runs.into()), ("unreadable", unreadable.into())])
}

/// One run as one JSON document.
///
/// # Errors
/// As [`runs_json`].
pub fn run_json(found: &Found) -> Result<String, serde_json::Error> {
    let step = |one: &StepRecord| {
        json!({
            "step": one.step,
            "at": one.at,
            "address": one.address,
            "operation": one.operation,
            "state": one.state,
            "message": one.message,
        })
    };
    let steps: Vec<Value> = found.record.steps.iter().map(step).collect();
    document(FORMAT_VERSION, &[("run", run(found)), ("cut", found.record.cut.into()), ("steps", steps.into())])
}

/// JSON Schema (draft 2020-12) of what `runs --format json` prints, with and without the id of a run.
#[must_use]
pub fn runs_schema() -> Value {
    let text = json!({ "type": "string" });
    let maybe = json!({ "type": ["string", "null"] });
    let count = json!({ "type": "integer", "minimum": 0 });
    let version = json!({ "const": FORMAT_VERSION });
    let list = object(json!({
        "format_version": version,
        "runs": { "description": "newest first", "type": "array", "items": { "$ref": "#/$defs/run" } },
        "unreadable": { "type": "array", "items": object(json!({
            "run": text, "journal": text, "message": text,
            "reason": { "enum": ["empty", "version", "damaged", "file"] }
        })) }
    }));
    let one = object(json!({
        "format_version": version,
        "run": { "$ref": "#/$defs/run" },
        "cut": { "description": "a crash cut the last line", "type": "boolean" },
        "steps": { "type": "array", "items": object(json!({
            "step": count,
            "at": text,
            "address": maybe,
            "operation": maybe,
            "state": { "enum": ["started", "done", "already_there", "waited", "failed", "undone"] },
            "message": maybe
        })) }
    }));
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "auditseal runs",
        "oneOf": [list, one],
        "$defs": { "run": object(json!({
            "run": text,
            "at": { "description": "when it began, RFC 3339, UTC", "type": "string" },
            "ended_at": maybe,
            "verb": { "enum": ["apply", "rollback", "forget"] },
            "of": { "description": "the run that a rollback puts back", "type": ["string", "null"] },
            "tool": text,
            "manifests": { "type": "array", "items": text },
            "caller": {
                "description": "ARN of the caller's role per AWS account",
                "type": "object", "additionalProperties": text
            },
            "outcome": {
                "description": "unfinished: killed, or still under way",
                "enum": ["done", "partial", "stopped", "unfinished"]
            },
            "writes": { "description": "requests that were announced", "type": "integer", "minimum": 0 },
            "journal": text
        })) }
    })
}
