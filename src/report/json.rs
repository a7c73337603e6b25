//! The plan document: what `plan --format json` prints and `plan --out` saves.

use crate::plan::Plan;

/// Pretty-printed, one newline at the end, fields in the order of the types, maps by key: the same plan gives the same
/// bytes.
///
/// # Errors
/// When a value cannot be JSON, which the plan's types rule out.
pub fn plan_json(plan: &Plan) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(plan)?;
    text.push('\n');
    Ok(text)
}
