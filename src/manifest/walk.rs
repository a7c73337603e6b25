//! The tree against the schema: unknown and missing keys, types, ranges, words. What is wrong is reported and left out of
//! the result, so that everything else can still be checked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::finding::{Finding, Span};

use super::codes;
use super::node::{At, Data, Entry, Node, Table};
use super::source::{Source, error, quote};

/// Words of a choice that are worth listing in a message.
const LONGEST_LIST: usize = 8;

/// Where each key of the merged manifest stands, by its path, such as `bucket.replicas[0].region`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Places(BTreeMap<String, Span>);

impl Places {
    /// The value's span, or that of the closest table around it that is written; `None` when nothing of it is.
    pub(super) fn closest(&self, path: &str) -> Option<&Span> {
        let mut path = path;
        loop {
            if let Some(span) = self.0.get(path) {
                return Some(span);
            }
            path = path.get(..path.rfind(['.', '['])?)?;
        }
    }

    /// The value's span when it is written, in the manifest or in the shared defaults.
    pub(super) fn exact(&self, path: &str) -> Option<&Span> {
        self.0.get(path)
    }
}

/// A key below a path, quoted when TOML would have to.
#[must_use]
pub fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    let key = if bare { key.to_owned() } else { format!("{key:?}") };
    if path.is_empty() { key } else { format!("{path}.{key}") }
}

pub(super) struct Walk<'a> {
    schema: &'a Value,
    sources: &'a [Source<'a>],
    places: Places,
    findings: Vec<Finding>,
}

/// The values that have the right shape, where they stand, and everything that has not.
pub(super) fn walk(schema: &Value, table: &Table, sources: &[Source<'_>]) -> (Value, Places, Vec<Finding>) {
    let mut walk = Walk { schema, sources, places: Places::default(), findings: Vec::new() };
    let value = walk.table(schema, table, "", &At { file: 0, range: 0..0 });
    (value, walk.places, walk.findings)
}

impl Walk<'_> {
    fn span(&self, at: &At) -> Option<Span> {
        self.sources.get(at.file).map(|source| source.span(&at.range))
    }

    fn report(&mut self, code: &str, path: &str, message: String, help: Option<String>, at: &At) {
        let span = self.span(at);
        self.findings.push(error(code, path, message, help, span));
    }

    fn table(&mut self, schema: &Value, table: &Table, path: &str, at: &At) -> Value {
        let empty = Map::new();
        let known = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let any = schema.get("additionalProperties").filter(|schema| schema.is_object());
        let mut result = Map::new();
        let mut meant = Vec::new();
        for (key, Entry { key: key_at, node }) in table {
            let below = join(path, key);
            match known.get(key).or(any) {
                Some(schema) => {
                    // A section is pointed at by its header, a value by itself.
                    let section = matches!(node.data, Data::Table(_));
                    let place = if section { key_at } else { &node.at };
                    if let Some(span) = self.span(place) {
                        self.places.0.insert(below.clone(), span);
                    }
                    if let Some(value) = self.value(schema, node, &below, key_at) {
                        result.insert(key.clone(), value);
                    }
                }
                None => {
                    let near = nearest(key, known.keys().map(String::as_str));
                    meant.extend(near);
                    self.unknown_key(known, key, near, path, key_at);
                }
            }
        }
        for key in schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            // A misspelled key is not missing too.
            if !table.contains_key(key) && !meant.contains(&key) {
                self.missing_key(known.get(key), key, path, at);
            }
        }
        Value::Object(result)
    }

    fn unknown_key(&mut self, known: &Map<String, Value>, key: &str, near: Option<&str>, path: &str, at: &At) {
        let place = if path.is_empty() { "at the top level".to_owned() } else { format!("in {}", section(path)) };
        let elsewhere = sections_with(self.schema, key);
        let help = if let Some(near) = near {
            format!("did you mean `{near}`?")
        } else if elsewhere.is_empty() {
            let keys: Vec<String> = known.keys().map(|key| format!("`{key}`")).collect();
            format!("known keys here: {}", keys.join(", "))
        } else {
            format!("`{key}` is a key of {}", elsewhere.join(", "))
        };
        self.report(
            codes::UNKNOWN_KEY,
            &join(path, key),
            format!("unknown key {} {place}", quote(key)),
            Some(help),
            at,
        );
    }

    fn missing_key(&mut self, schema: Option<&Value>, key: &str, path: &str, at: &At) {
        let description = schema.and_then(|schema| schema.get("description")).and_then(Value::as_str);
        let below = join(path, key);
        if below == "admins" {
            let message = "no admin is declared".to_owned();
            let help =
                "declare at least one role under `[admins.NAME]`: once sealed, only admins can change the bucket";
            return self.report(codes::NO_ADMINS, &below, message, Some(help.to_owned()), at);
        }
        let table = schema.and_then(|schema| schema.get("type")).is_some_and(|name| name == "object");
        let message = match (table, path.is_empty()) {
            (true, _) => format!("section {} is missing", section(&below)),
            (false, true) => format!("key `{key}` is missing"),
            (false, false) => format!("key `{key}` is missing in {}", section(path)),
        };
        let help = if below == "version" {
            "start the manifest with `version = 1`".to_owned()
        } else {
            description.map_or_else(|| "add it".to_owned(), |text| format!("add it: {}", one_line(text)))
        };
        self.report(codes::MISSING_KEY, &below, message, Some(help), at);
    }

    fn value(&mut self, schema: &Value, node: &Node, path: &str, key: &At) -> Option<Value> {
        let schema = alternative(schema, &node.data);
        let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
        match (kind, &node.data) {
            ("object", Data::Table(table)) => Some(self.table(schema, table, path, key)),
            ("array", Data::Array(items)) => {
                let item_schema = schema.get("items")?;
                let mut values = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let below = format!("{path}[{index}]");
                    // The items of `[[bucket.replicas]]` share no key of their own: their header is their span.
                    if let Some(span) = self.span(&item.at) {
                        self.places.0.insert(below.clone(), span);
                    }
                    if let Some(value) = self.value(item_schema, item, &below, &item.at) {
                        values.push(value);
                    }
                }
                Some(Value::Array(values))
            }
            ("string", Data::String(text)) => {
                self.word(schema, text, path, &node.at).then(|| Value::from(text.clone()))
            }
            // TOML knows dates; JSON Schema knows them as texts of a format.
            ("string", Data::Date(text)) if schema.get("format").is_some_and(|format| format == "date") => {
                Some(Value::from(text.clone()))
            }
            ("boolean", Data::Boolean(value)) => Some(Value::from(*value)),
            ("integer", Data::Integer(value)) => self.integer(schema, *value, path, &node.at),
            (expected, found) => {
                let date = schema.get("format").is_some_and(|format| format == "date");
                let expected = if date { "a date" } else { type_name(expected) };
                let message = format!("`{path}` takes {expected}, not {}", found.type_name());
                let help = example(schema, found, path);
                self.report(codes::WRONG_TYPE, path, message, help, &node.at);
                None
            }
        }
    }

    fn word(&mut self, schema: &Value, text: &str, path: &str, at: &At) -> bool {
        let Some(words) = schema.get("enum").and_then(Value::as_array) else { return true };
        let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
        if words.contains(&text) {
            return true;
        }
        let list: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        let help = match nearest(text, words.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if list.len() > LONGEST_LIST => "`auditseal schema` lists them".to_owned(),
            None => "choose one of them".to_owned(),
        };
        let message = match list.len() {
            ..=LONGEST_LIST => format!("{} is none of {}", quote(text), list.join(", ")),
            many => format!("{} is none of the {many} words that `{path}` takes", quote(text)),
        };
        self.report(codes::UNKNOWN_VALUE, path, message, Some(help), at);
        false
    }

    fn integer(&mut self, schema: &Value, value: Option<i64>, path: &str, at: &At) -> Option<Value> {
        let bound = |name| schema.get(name).and_then(Value::as_i64);
        let (least, most) = (bound("minimum"), bound("maximum"));
        if let Some(value) = value
            && least.is_none_or(|least| least <= value)
            && most.is_none_or(|most| value <= most)
        {
            return Some(Value::from(value));
        }
        if path == "version" {
            let message = match value {
                Some(value) => format!("version {value} of the manifest format is not known"),
                None => "this version of the manifest format is not known".to_owned(),
            };
            let help = "this program knows `version = 1`; a newer one may be needed".to_owned();
            self.report(codes::UNKNOWN_VERSION, path, message, Some(help), at);
            return None;
        }
        let shown = value.map_or_else(|| "the number".to_owned(), |value| format!("`{value}`"));
        let message = format!("{shown} is out of range for `{path}`");
        let help = match (least, most) {
            (Some(least), Some(most)) => format!("choose a number from {least} to {most}"),
            (Some(least), None) => format!("choose a number from {least} to {}", i64::MAX),
            _ => "choose a smaller number".to_owned(),
        };
        self.report(codes::OUT_OF_RANGE, path, message, Some(help), at);
        None
    }
}

/// Of a key that takes a text or a table, the schema of what is written; the first one when it is neither.
fn alternative<'a>(schema: &'a Value, found: &Data) -> &'a Value {
    let wanted = match found {
        Data::Table(_) => "object",
        _ => "string",
    };
    let Some(options) = schema.get("anyOf").and_then(Value::as_array) else { return schema };
    let fits = options.iter().find(|option| option.get("type").is_some_and(|kind| kind == wanted));
    fits.or(options.first()).unwrap_or(schema)
}

fn type_name(kind: &str) -> &'static str {
    match kind {
        "object" => "a table",
        "array" => "an array",
        "boolean" => "a boolean",
        "integer" => "an integer",
        _ => "a string",
    }
}

/// A table's header as it is written.
fn section(path: &str) -> String {
    match path.rsplit_once('[') {
        Some((array, index)) if index.ends_with(']') => format!("`[[{array}]]`"),
        _ => format!("`[{path}]`"),
    }
}

/// How to write it, where a slip is likely.
fn example(schema: &Value, found: &Data, path: &str) -> Option<String> {
    let kind = schema.get("type").and_then(Value::as_str).unwrap_or_default();
    let named = schema.get("additionalProperties").is_some_and(Value::is_object);
    if schema.get("format").is_some_and(|format| format == "date") {
        return Some("write a day such as `2027-03-31`".to_owned());
    }
    match (kind, found) {
        ("string", Data::Integer(_)) => Some("put it in quotes".to_owned()),
        ("integer", Data::String(text)) if text.parse::<i64>().is_ok() => Some("write it without quotes".to_owned()),
        ("integer", _) => Some("write a whole number".to_owned()),
        ("string", _) => Some("write a text in quotes".to_owned()),
        ("boolean", _) => Some("write `true` or `false`, without quotes".to_owned()),
        ("array", Data::Table(_)) => Some(format!("write `[[{path}]]`, with two brackets")),
        ("array", _) => Some("put it in brackets: `[…]`".to_owned()),
        ("object", _) if named => Some(format!("write sections with a name of your choice: `[{path}.NAME]`")),
        ("object", _) => Some(format!("write a section, {}", section(path))),
        _ => None,
    }
}

/// The first sentence-like line of a description.
fn one_line(text: &str) -> String {
    let text = text.replace('\n', " ");
    text.split_once(". ").map_or(text.as_str(), |(first, _)| first).trim_end_matches('.').to_owned()
}

/// The candidate that a slip of the keyboard most likely stands for.
pub(super) fn nearest<'a>(text: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Distance is quadratic: a megabyte of key needs no suggestion.
    if text.len() > 64 {
        return None;
    }
    let plain = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    let wanted = plain(text);
    candidates
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= 1.max(candidate.len().min(wanted.len()) / 3))
        .min()
        .map(|(_, candidate)| candidate)
}

/// Sections that do have a key.
fn sections_with(schema: &Value, key: &str) -> Vec<String> {
    let mut found = Vec::new();
    search(schema, key, "", &mut found);
    found
}

fn search(schema: &Value, key: &str, path: &str, found: &mut Vec<String>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    if properties.is_some_and(|known| known.contains_key(key)) {
        found.push(if path.is_empty() { "the top level".to_owned() } else { format!("`[{path}]`") });
    }
    for (name, below) in properties.into_iter().flatten() {
        let path = join(path, name);
        search(below, key, &path, found);
        if let Some(items) = below.get("items") {
            search(items, key, &path, found);
        }
        if let Some(any) = below.get("additionalProperties").filter(|schema| schema.is_object()) {
            search(any, key, &format!("{path}.NAME"), found);
        }
    }
}
