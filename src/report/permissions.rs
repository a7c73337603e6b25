//! What a command needs to be given, for people and for scripts.

use std::fmt::{self, Write};

use serde_json::{Value, json};

use crate::call::{AwsNeeds, DatabricksNeeds, LISTING_VERSION, Listing, MANAGED_POLICY_SIZE};

use super::schema::object;
use super::style::{Role, Style};
use super::value::plain;

/// Writes the policies, ready to paste, and the roles; with `reasons`, every action and what it is for.
///
/// # Errors
/// When the writer fails.
pub fn permissions_text(listing: &Listing, reasons: bool, color: bool, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color };
    writeln!(out, "{}", style.paint(Role::Heading, format!("What `auditseal {}` needs", listing.command)))?;
    for account in &listing.aws {
        aws(account, reasons, style, out)?;
    }
    if !listing.databricks.is_empty() {
        writeln!(out, "\n{}", style.paint(Role::Heading, "Databricks"))?;
    }
    for DatabricksNeeds { place, role, scope, because } in &listing.databricks {
        writeln!(out, "  {}: {} (OAuth scope `{}`)", plain(place), plain(role), plain(scope))?;
        if reasons {
            because.iter().try_for_each(|why| writeln!(out, "      {}", style.paint(Role::Faint, plain(why))))?;
        }
    }
    if !listing.notes.is_empty() {
        writeln!(out)?;
    }
    listing.notes.iter().try_for_each(|note| writeln!(out, "{}", style.paint(Role::Faint, plain(note))))
}

fn aws(needs: &AwsNeeds, reasons: bool, style: Style, out: &mut dyn Write) -> fmt::Result {
    let AwsNeeds { account, policies, actions } = needs;
    for (index, policy) in policies.iter().enumerate() {
        let part =
            if policies.len() > 1 { format!(", policy {} of {}", index + 1, policies.len()) } else { String::new() };
        writeln!(out, "\n{}", style.paint(Role::Heading, format!("AWS account {}{part}", plain(account))))?;
        writeln!(out, "{}", plain_lines(&policy.pretty()))?;
        let size = policy.minified().chars().count();
        let size = format!("{size} of the {MANAGED_POLICY_SIZE} characters of a managed policy");
        writeln!(out, "{}", style.paint(Role::Faint, size))?;
    }
    if reasons {
        writeln!(out)?;
        for one in actions {
            writeln!(out, "  {} on {}", plain(&one.action), plain(&one.resources.join(", ")))?;
            let mut lines = one.because.iter();
            lines.try_for_each(|why| writeln!(out, "      {}", style.paint(Role::Faint, plain(why))))?;
        }
    }
    Ok(())
}

/// A document keeps its lines.
pub(super) fn plain_lines(text: &str) -> String {
    text.lines().map(|line| plain(line).to_string()).collect::<Vec<_>>().join("\n")
}

/// One JSON document.
///
/// # Errors
/// When a value cannot be JSON, which the types rule out.
pub fn permissions_json(listing: &Listing) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(listing)?;
    text.push('\n');
    Ok(text)
}

/// An identity policy, as a schema.
pub(super) fn policy_schema() -> Value {
    let texts = json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 });
    let mut statement = object(json!({
        "Sid": { "type": "string", "pattern": "^[A-Za-z0-9]+$" },
        "Effect": { "const": "Allow" },
        "Action": texts,
        "Resource": texts
    }));
    if let Some(properties) = statement.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(
            "Condition".to_owned(),
            json!({
                "description": "operator → key → values",
                "type": "object",
                "additionalProperties": { "type": "object", "additionalProperties": texts }
            }),
        );
    }
    object(json!({ "Version": { "const": "2012-10-17" }, "Statement": { "type": "array", "items": statement } }))
}

/// JSON Schema (draft 2020-12) of what `permissions --format json` prints.
#[must_use]
pub fn permissions_schema() -> Value {
    let text = json!({ "type": "string" });
    let texts = json!({ "type": "array", "items": text });
    let action = object(json!({ "action": text, "resources": texts, "because": texts }));
    let aws = object(json!({
        "account": text,
        "policies": {
            "description": "identity policies; several when one would be longer than a managed policy may be",
            "type": "array", "items": policy_schema()
        },
        "actions": { "type": "array", "items": action }
    }));
    let databricks = object(json!({ "place": text, "role": text, "scope": text, "because": texts }));
    let mut schema = object(json!({
        "format_version": { "const": LISTING_VERSION },
        "command": text,
        "placeholders": {
            "description": "whether names stand as words to be replaced, because there was no manifest", "type": "boolean"
        },
        "aws": { "type": "array", "items": aws },
        "databricks": { "type": "array", "items": databricks },
        "notes": texts
    }));
    if let Value::Object(members) = &mut schema {
        members.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
        members.insert("title".to_owned(), json!("auditseal permissions"));
    }
    schema
}
