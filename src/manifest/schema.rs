//! The JSON Schema of a manifest, derived from the grammar.

use std::sync::LazyLock;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

use super::grammar::File;

/// JSON Schema (2020-12) of a manifest, with descriptions, defaults and ranges; no other keys than its own are allowed.
#[must_use]
pub fn schema() -> Value {
    known().clone()
}

/// The same, derived once: a directory of manifests is read against one schema.
pub(super) fn known() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(derive);
    &SCHEMA
}

/// The schema of `defaults.toml`: every key of a manifest, and none that has to be there. What one declaration replaces as
/// a whole (a reader, a replica) is whole there too.
#[must_use]
pub fn defaults_schema() -> Value {
    let mut schema = schema();
    relax(&mut schema);
    if let Some(title) = schema.get_mut("title") {
        *title = "auditseal shared defaults".into();
    }
    schema
}

fn relax(schema: &mut Value) {
    let Some(members) = schema.as_object_mut() else { return };
    members.remove("required");
    members.remove("minProperties");
    for (_, below) in members.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
        relax(below);
    }
}

fn derive() -> Value {
    let settings =
        SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true).with_transform(NoNull);
    settings.into_generator().into_root_schema_for::<File>().to_value()
}

/// TOML has no null: an optional key is absent.
#[derive(Clone)]
struct NoNull;

impl Transform for NoNull {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(object) = schema.as_object_mut() {
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(options)) = object.get_mut("anyOf") {
                options.retain(|option| option.get("type").is_none_or(|name| name != "null"));
                if let [Value::Object(only)] = options.as_slice() {
                    let only = only.clone();
                    object.remove("anyOf");
                    for (key, value) in only {
                        object.entry(key).or_insert(value);
                    }
                }
            }
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
        }
        transform_subschemas(self, schema);
    }
}
