//! What was found out about the caller's permissions: the statements to add, and what could not be told.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use serde_json::{Value, json};

use crate::plan::Preflight;

use super::permissions::{plain_lines, policy_schema};
use super::schema::object;
use super::style::{Role, Style};
use super::value::plain;

/// Writes what is to be added, ready to paste; with `verbose` also what could not be told.
pub(super) fn text(found: &Preflight, verbose: bool, style: Style, out: &mut dyn Write) -> fmt::Result {
    for (account, statements) in to_add(found) {
        let head = format!("To add for the caller in AWS account {}:", plain(&account));
        writeln!(out, "{}\n\n{statements}\n", style.paint(Role::Heading, head))?;
    }
    if !verbose || found.unknown.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}\n", style.paint(Role::Heading, "Permissions of which nothing certain can be said:"))?;
    let mut causes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for one in &found.unknown {
        let of = causes.entry(&one.because).or_default();
        if !of.contains(&one.permission.as_str()) {
            of.push(&one.permission);
        }
    }
    for (because, permissions) in causes {
        writeln!(out, "  {}: {}", plain(because), plain(&permissions.join(", ")))?;
    }
    writeln!(out)
}

/// By AWS account the policies to add, as text.
pub(super) fn to_add(found: &Preflight) -> Vec<(String, String)> {
    let all = found.add.iter().flat_map(|(account, policies)| policies.iter().map(move |one| (account, one)));
    all.map(|(account, policy)| (account.clone(), plain_lines(&policy.pretty()))).collect()
}

/// One line before a run; `None` when nothing was looked at.
#[must_use]
pub fn preflight_summary(found: &Preflight) -> Option<String> {
    if found.is_empty() {
        return None;
    }
    let mut parts = vec![format!("{} allowed", found.allowed)];
    if !found.missing.is_empty() {
        parts.push(format!("{} missing", found.missing.len()));
    }
    let mut causes: BTreeMap<&str, usize> = BTreeMap::new();
    for one in &found.unknown {
        *causes.entry(&one.because).or_default() += 1;
    }
    parts.extend(causes.into_iter().map(|(because, count)| format!("{count} not known ({})", plain(because))));
    Some(format!("Permissions of the caller: {}.", parts.join(", ")))
}

pub(super) fn schema() -> Value {
    let text = json!({ "type": "string" });
    let missing = object(json!({
        "step": { "description": "index in `steps`; null for lock and store", "type": ["integer", "null"], "minimum": 0 },
        "address": { "anyOf": [{ "type": "null" }, { "$ref": "#/$defs/address" }] },
        "what_for": { "enum": ["write", "read before", "read back", "undo", "wait", "lock", "store"] },
        "account": text,
        "caller": text,
        "action": text,
        "resource": text,
        "because": text,
        "addable": {
            "description": "whether a statement in the caller's own policies would give it", "type": "boolean"
        }
    }));
    let unknown = object(json!({ "place": text, "permission": text, "resource": text, "because": text }));
    let mut schema = object(json!({
        "allowed": { "type": "integer", "minimum": 0 },
        "missing": { "type": "array", "items": missing },
        "unknown": { "type": "array", "items": unknown },
        "add": {
            "description": "AWS account → policies that give what is missing",
            "type": "object", "additionalProperties": { "type": "array", "items": policy_schema() }
        }
    }));
    if let Value::Object(members) = &mut schema {
        let what = "whether the caller has the permissions that the steps need; left out when no step needs any";
        members.insert("description".to_owned(), json!(what));
    }
    schema
}
