//! TOML text → a tree whose every key and value knows its file and bytes, with the shared defaults merged below it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::finding::Finding;

use super::codes;
use super::source::{Source, error, quote};

/// A manifest is at most four levels deep; what lies deeper than this cannot be known and is not walked.
const DEPTH: usize = 16;
/// Dots in the keys of one line. Dotted keys nest without brackets, so the TOML parser's own limit does not see them, and a
/// tree of thousands of levels would overflow the stack when it is dropped. Brackets multiply it by at most 80.
const DOTS: usize = 16;

/// How many lines without `=` are reported one by one.
const ROUNDS: usize = 20;

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
    /// A local date, as it is written.
    Date(String),
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
            Data::Date(_) => "a date",
            Data::Other(name) => name,
        }
    }
}

/// What could be understood of one file.
pub(super) struct Parsed {
    pub table: Table,
    pub errors: Vec<Finding>,
    /// From here on the text was misread, because a bracket before it is not closed.
    pub lost: Option<usize>,
}

/// A syntax error: the parser's message, and where.
type Problem = (String, Range<usize>);

/// Parses one file and reports every syntax error.
pub(super) fn parse(source: &Source<'_>, file: usize) -> Parsed {
    if let Some(range) = too_deep(source.text) {
        let help = Some("a manifest has at most four levels of tables".to_owned());
        let message = "keys are nested too deeply".to_owned();
        let span = Some(source.span(&range));
        let errors = vec![error(codes::NESTED_TOO_DEEPLY, source.file, message, help, span)];
        return Parsed { table: Table::new(), errors, lost: None };
    }
    let (table, mut problems) = recover(source, file);
    let lost = unclosed(&mut problems);
    problems.sort_by_key(|(_, range)| range.start);
    let errors = problems
        .into_iter()
        .map(|(message, range)| {
            let key = source.text.get(range.clone()).filter(|_| message.starts_with("duplicate key"));
            let (code, message, help) = match key {
                Some(key) => (codes::DUPLICATE_KEY, format!("duplicate key {}", quote(key)), "keep one of the two"),
                None => (codes::TOML_SYNTAX, lower(&message), "write the file as TOML 1.0, see https://toml.io"),
            };
            error(code, source.file, message, Some(help.to_owned()), Some(source.span(&range)))
        })
        .collect();
    Parsed { table, errors, lost }
}

/// The parser gives up at a line that has no `=`. Such lines are blanked out and the rest is parsed again.
fn recover(source: &Source<'_>, file: usize) -> (Table, Vec<Problem>) {
    let mut text = Cow::Borrowed(source.text);
    let mut problems: Vec<Problem> = Vec::new();
    for round in 1..=ROUNDS {
        let (table, errors) = DeTable::parse_recoverable(&text);
        let found = errors.iter().map(|error| (error.message().to_owned(), error.span().unwrap_or_default()));
        let fatal = errors.iter().find(|error| error.message().starts_with("key with no value"));
        let line = fatal.and_then(toml::de::Error::span).map(|span| source.line(span.start));
        let Some(line) = line.filter(|_| round < ROUNDS) else {
            problems.extend(found);
            return (convert_table(table.get_ref(), file, DEPTH), problems);
        };
        problems.extend(found.filter(|(_, range)| source.line(range.start) == line));
        drop(table);
        let lines = text.split_inclusive('\n').zip(1..);
        text =
            lines.map(|(content, number)| if number == line { blank(content) } else { content.to_owned() }).collect();
    }
    (Table::new(), problems)
}

/// As many bytes of nothing, so that positions stay.
fn blank(line: &str) -> String {
    let mut blank = String::with_capacity(line.len());
    for letter in line.chars() {
        blank.extend(std::iter::repeat_n(if letter == '\n' { '\n' } else { ' ' }, letter.len_utf8()));
    }
    blank
}

/// A bracket that is not closed makes everything after it part of an array or table. What is said about that part is noise:
/// only the first complaint and the missing bracket stay. Gives where the noise begins.
fn unclosed(problems: &mut Vec<Problem>) -> Option<usize> {
    let names_it =
        |message: &str| message.starts_with("unclosed array,") || message.starts_with("unclosed inline table");
    if !problems.iter().any(|(message, _)| names_it(message)) {
        return None;
    }
    let noise = ["missing comma", "missing key", "unexpected `=`"];
    let first = problems
        .iter()
        .filter(|(message, _)| noise.iter().any(|start| message.starts_with(start)))
        .map(|(_, range)| range.start)
        .min()?;
    problems.retain(|(message, range)| names_it(message) || range.start <= first);
    Some(first)
}

/// Parser messages come with a capital letter now and then; a literal in backticks stays as it is.
fn lower(message: &str) -> String {
    let mut letters = message.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// A key ends with `=` on its own line, or stands in a header: dots elsewhere separate no keys. Deliberately blind to quotes
/// and comments, which a hostile text could use to hide keys.
fn too_deep(text: &str) -> Option<Range<usize>> {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let keys =
            if line.trim_start().starts_with('[') { line } else { line.rsplit_once('=').map_or("", |(keys, _)| keys) };
        if keys.matches('.').count() > DOTS {
            let first = line.len() - line.trim_start().len();
            return Some(start + first..start + line.trim_end().len());
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
        DeValue::Datetime(value) if value.time.is_none() && value.offset.is_none() => Data::Date(value.to_string()),
        DeValue::Datetime(_) => Data::Other("a time"),
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
