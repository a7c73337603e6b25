use serde_json::Value;

/// A JSON document with `format_version` first and one newline at the end.
pub(super) fn document(version: &str, members: &[(&str, Value)]) -> Result<String, serde_json::Error> {
    let mut text = format!("{{\n  \"format_version\": {}", serde_json::to_string(version)?);
    for (name, value) in members {
        let value = serde_json::to_string_pretty(value)?.replace('\n', "\n  ");
        text.push_str(&format!(",\n  {}: {value}", serde_json::to_string(name)?));
    }
    text.push_str("\n}\n");
    Ok(text)
}
