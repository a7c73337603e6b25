//! Comparable fields of a policy: one per statement, in canonical form.

use serde_json::Value;

use crate::model::fact::PolicyText;

use super::compare::Resolve;
use super::fields::{Fields, item};

pub(super) fn text(
    prefix: &str,
    live: Option<&PolicyText>,
    PolicyText(wanted): &PolicyText,
    resolve: &Resolve<'_>,
) -> (Fields, Fields) {
    texts(prefix, live.map_or("", |PolicyText(text)| text.as_str()), wanted, resolve)
}

/// The fields of both texts; an empty text is no policy. Texts that are not policies are compared as they are.
pub(super) fn texts(prefix: &str, live: &str, wanted: &str, resolve: &Resolve<'_>) -> (Fields, Fields) {
    match (statements(prefix, live, resolve), statements(prefix, wanted, resolve)) {
        (Some(before), Some(after)) => (before, after),
        _ => (plain(prefix, live), plain(prefix, wanted)),
    }
}

fn plain(prefix: &str, text: &str) -> Fields {
    let mut fields = Fields::default();
    if !text.is_empty() {
        fields.put(format!("{prefix}policy"), text);
    }
    fields
}

fn statements(prefix: &str, text: &str, _resolve: &Resolve<'_>) -> Option<Fields> {
    let mut fields = Fields::default();
    if text.is_empty() {
        return Some(fields);
    }
    let document: Value = serde_json::from_str(text).ok()?;
    for statement in document.get("Statement")?.as_array()? {
        let sid = statement.get("Sid").and_then(Value::as_str).unwrap_or_default();
        fields.put(format!("{prefix}{}", item("statement", sid)), statement.clone());
    }
    Some(fields)
}
