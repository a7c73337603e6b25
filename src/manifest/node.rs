//! TOML text → a tree whose every key and value knows its file and bytes, with the shared defaults merged below it.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::finding::Finding;

use super::codes;
use super::source::{Source, error};

/// A manifest is at most four levels deep; what lies deeper than this cannot be known and is not walked.
const DEPTH: usize = 16;
/// Dots of one line outside comments. Dotted keys nest without brackets, so the TOML parser's own limit does not see them,
/// and a tree of hundreds of thousands of levels would overflow the stack when it is dropped.
const DOTS: usize = 64;

/// Where something stands: which file (0 is the manifest, 1 the shared defaults) and which bytes of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct At {
    pub file: usize,
    pub range: Range<usize>,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: At,
    pub data: Data,
}

#[derive(Clone, Debug)]
pub(super) enum Data {
    String(String),
    /// `None` when it does not fit 64 bits.
    Integer(Option<i64>),
    Boolean(bool),
    Array(Vec<Node>),
    Table(Table),
    /// A type that no key of a manifest has, by its name.
    Other(&'static str),
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub key: At,
    pub node: Node,
}

pub(super) type Table = BTreeMap<String, Entry>;

impl Data {
    /// The type as a user calls it, with its article.
    pub fn type_name(&self) -> &'static str {
        match self {
            Data::String(_) => "a string",
            Data::Integer(_) => "an integer",
            Data::Boolean(_) => "a boolean",
            Data::Array(_) => "an array",
            Data::Table(_) => "a table",
            Data::Other(name) => name,
        }
    }
}

/// Parses one file: what could be understood, and every syntax error.
pub(super) fn parse(source: &Source<'_>, file: usize) -> (Table, Vec<Finding>) {
    if let Some(range) = too_deep(source.text) {
        let help = Some("a manifest has at most four levels of tables".to_owned());
        let message = "keys are nested too deeply".to_owned();
        let span = Some(source.span(&range));
        return (Table::new(), vec![error(codes::NESTED_TOO_DEEPLY, source.file, message, help, span)]);
    }
    let (table, errors) = DeTable::parse_recoverable(source.text);
    let findings = errors
        .iter()
        .map(|problem| {
            let message = problem.message();
            let duplicate = message.starts_with("duplicate key");
            let (code, help) = if duplicate {
                (codes::DUPLICATE_KEY, "keep one of the two")
            } else {
                (codes::TOML_SYNTAX, "write the file as TOML 1.0, see https://toml.io")
            };
            let range = problem.span().unwrap_or_default();
            error(code, source.file, lower(message), Some(help.to_owned()), Some(source.span(&range)))
        })
        .collect();
    (convert_table(table.get_ref(), file, DEPTH), findings)
}

/// Parser messages come with a capital letter now and then; a literal in backticks stays as it is.
fn lower(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

fn too_deep(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim();
        if !content.starts_with('#') && content.matches('.').count() > DOTS {
            return Some(start..start + content.len().min(1));
        }
        start += line.len();
    }
    None
}

fn convert_table(table: &DeTable<'_>, file: usize, depth: usize) -> Table {
    table
        .iter()
        .map(|(key, value)| {
            let entry = Entry {
                key: At { file, range: key.span() },
                node: Node {
                    at: At { file, range: value.span() },
                    data: convert(value.get_ref(), file, depth.saturating_sub(1)),
                },
            };
            (key.get_ref().to_string(), entry)
        })
        .collect()
}

fn convert(value: &DeValue<'_>, file: usize, depth: usize) -> Data {
    if depth == 0 && matches!(value, DeValue::Array(_) | DeValue::Table(_)) {
        return Data::Other("a deeply nested value");
    }
    match value {
        DeValue::String(text) => Data::String(text.to_string()),
        DeValue::Integer(integer) => Data::Integer(i64::from_str_radix(integer.as_str(), integer.radix()).ok()),
        DeValue::Float(_) => Data::Other("a float"),
        DeValue::Boolean(value) => Data::Boolean(*value),
        DeValue::Datetime(_) => Data::Other("a date"),
        DeValue::Array(items) => Data::Array(
            items
                .iter()
                .map(|item| Node {
                    at: At { file, range: item.span() },
                    data: convert(item.get_ref(), file, depth.saturating_sub(1)),
                })
                .collect(),
        ),
        DeValue::Table(table) => Data::Table(convert_table(table, file, depth)),
    }
}

/// Sections whose entries are one declaration each: one of the manifest replaces one of the shared defaults as a whole, for
/// a mixture of two readers would be neither.
const NAMED: [&str; 4] = ["readers", "admins", "observers", "scanners"];

/// The manifest over the shared defaults: tables merge key by key, anything else of the manifest replaces.
pub(super) fn merge(defaults: Table, manifest: Table) -> Table {
    let mut merged = defaults;
    for (key, entry) in manifest {
        let whole = NAMED.contains(&key.as_str());
        place(&mut merged, key, entry, whole);
    }
    merged
}

fn place(below: &mut Table, key: String, entry: Entry, shallow: bool) {
    let Entry { key: at, node } = entry;
    let node = match (below.remove(&key), node) {
        (
            Some(Entry { node: Node { data: Data::Table(mut lower), .. }, .. }),
            Node { at, data: Data::Table(upper) },
        ) => {
            for (key, entry) in upper {
                if shallow {
                    lower.insert(key, entry);
                } else {
                    place(&mut lower, key, entry, false);
                }
            }
            Node { at, data: Data::Table(lower) }
        }
        (_, node) => node,
    };
    below.insert(key, Entry { key: at, node });
}
