//! The values of a manifest by their paths, and which of them differ.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::manifest;
use crate::model::Desired;

use super::ValueChange;
use super::pairs::Pair;

/// What differs, sorted by path. Nothing of a manifest that comes or goes: all of it does.
pub(super) fn changes(pair: &Pair<'_>) -> Vec<ValueChange> {
    let Some((base, head)) = pair.both() else { return Vec::new() };
    let (before, after) = (values(base), values(head));
    let paths: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    paths
        .into_iter()
        .map(|path| ValueChange {
            manifest: pair.name().to_owned(),
            path: path.clone(),
            before: before.get(path).cloned().unwrap_or(Value::Null),
            after: after.get(path).cloned().unwrap_or(Value::Null),
        })
        .filter(|change| change.before != change.after)
        .collect()
}

/// As the manifest would say it with every default. Waivers are told apart from it.
fn values(desired: &Desired) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    let text = manifest::expand(&Desired { waivers: Vec::new(), ..desired.clone() });
    if let Ok(toml::Value::Table(table)) = text.parse::<toml::Table>().map(toml::Value::Table) {
        for (key, value) in table {
            flatten(&key, value, &mut found);
        }
    }
    found
}

fn flatten(path: &str, value: toml::Value, found: &mut BTreeMap<String, Value>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                flatten(&manifest::join(path, &key), value, found);
            }
        }
        // Buckets and sinks are known by their names, not by their place in the list.
        toml::Value::Array(items) if items.iter().any(toml::Value::is_table) => {
            for item in items {
                let name = item.get("bucket").or_else(|| item.get("name"));
                let name = name.and_then(toml::Value::as_str).unwrap_or_default().to_owned();
                flatten(&format!("{path}[{name}]"), item, found);
            }
        }
        other => {
            found.insert(path.to_owned(), serde_json::to_value(other).unwrap_or(Value::Null));
        }
    }
}
