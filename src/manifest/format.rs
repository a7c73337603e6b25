//! The canonical form of a manifest's text, in the manner of `terraform fmt`: sections and keys in the order of the schema,
//! `=` and trailing comments aligned in runs of neighbouring lines, one blank line between sections. Comments stay with what
//! they stand at, values keep their spelling, and the meaning never changes.

use toml_edit::{DocumentMut, Item, Key, Table, Value};

use crate::finding::Finding;

use super::format_order::{blank_split, comments, lines, rank};
use super::node;
use super::source::Source;

/// The canonical text. A text that already has it comes back as it is; so does one that could not be brought into it without
/// losing a comment or changing its meaning.
///
/// # Errors
/// Every syntax error of the text, with its position. What keys and values mean is not looked at.
pub fn format(file: &str, text: &str) -> Result<String, Vec<Finding>> {
    let errors = node::parse(&Source::new(file, text), 0).errors;
    if !errors.is_empty() {
        return Err(errors);
    }
    let plain = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let Ok(document) = plain.parse::<DocumentMut>() else { return Ok(text.to_owned()) };
    let formatted = Page::of(&document).text();
    let table = |text: &str| text.parse::<toml::Table>().ok();
    let same = table(&formatted).is_some_and(|after| Some(after) == table(text.trim_start_matches('\u{feff}')));
    Ok(if same && comments(&formatted) == comments(&plain) { formatted } else { text.to_owned() })
}

/// One `key = value`.
struct Entry {
    /// Comments and at most one blank line in a row, above it.
    above: Vec<String>,
    rank: Vec<usize>,
    key: String,
    value: String,
    /// With its `#`; empty without one.
    comment: String,
}

/// A table with a header, or the root, which has none.
struct Section {
    above: Vec<String>,
    rank: Vec<usize>,
    header: String,
    comment: String,
    entries: Vec<Entry>,
    /// Comments below its last entry.
    below: Vec<String>,
}

struct Page {
    /// What stands at the top of the file, apart from the first section.
    top: Vec<String>,
    sections: Vec<Section>,
    /// What stands at its end, apart from the last one.
    bottom: Vec<String>,
}

impl Page {
    fn of(document: &DocumentMut) -> Self {
        let mut found = Vec::new();
        collect(document.as_table(), &mut Vec::new(), false, &mut found);
        found.sort_by_key(|(position, _)| *position);
        let sections = found.into_iter().map(|(_, section)| section).collect();
        let mut page = Self { top: Vec::new(), sections, bottom: Vec::new() };
        page.take_top();
        page.settle_comments(document.trailing().as_str().unwrap_or_default());
        if !has_nested_items(document.as_table()) {
            page.sections.sort_by(|a, b| a.rank.cmp(&b.rank));
        }
        for section in &mut page.sections {
            section.entries.sort_by(|a, b| a.rank.cmp(&b.rank));
        }
        page
    }

    /// A comment at the top of the file that a blank line parts from the first thing stays there.
    fn take_top(&mut self) {
        let first = self.sections.iter_mut().find_map(|section| match section.entries.first_mut() {
            _ if !section.header.is_empty() => Some(&mut section.above),
            Some(entry) => Some(&mut entry.above),
            None => None,
        });
        if let Some(above) = first
            && let Some(at) = above.iter().rposition(String::is_empty)
        {
            let rest = above.split_off(at);
            self.top = std::mem::replace(above, rest);
        }
    }

    /// A comment right below a section that a blank line parts from the next header belongs to the section.
    fn settle_comments(&mut self, trailing: &str) {
        let mut carried = Vec::new();
        for section in self.sections.iter_mut().rev() {
            section.below = std::mem::take(&mut carried);
            if section.above.first().is_some_and(|line| !line.is_empty()) {
                let (before, after) = blank_split(std::mem::take(&mut section.above));
                (carried, section.above) = (before, after);
            }
        }
        // Above the first header there is nothing that they could belong to.
        self.top.extend(carried);
        if let Some(last) = self.sections.last_mut() {
            let trailing = lines(&format!("{trailing}\n"));
            match trailing.iter().any(String::is_empty) {
                true => {
                    let (below, bottom) = blank_split(trailing);
                    last.below.extend(below);
                    self.bottom = bottom;
                }
                false => last.below.extend(trailing),
            }
        }
    }

    fn text(&self) -> String {
        let mut out: Vec<String> = Vec::new();
        block(&mut out, &self.top);
        for section in &self.sections {
            if !section.header.is_empty() {
                gap(&mut out);
                block(&mut out, &section.above);
                out.push(with_comment(&section.header, section.header.chars().count(), &section.comment));
            }
            for (index, line) in entries(&section.entries).into_iter().enumerate() {
                let above = section.entries.get(index).map_or(&[][..], |entry| &entry.above);
                let first = index == 0;
                // Right below a header there is no blank line; below what stands at the top of the file there is one.
                let parted =
                    if first { section.header.is_empty() } else { above.first().is_some_and(String::is_empty) };
                if parted {
                    gap(&mut out);
                }
                block(&mut out, above);
                out.push(line);
            }
            if section.below.first().is_some_and(String::is_empty) {
                gap(&mut out);
            }
            block(&mut out, &section.below);
        }
        gap(&mut out);
        block(&mut out, &self.bottom);
        while out.last().is_some_and(String::is_empty) {
            out.pop();
        }
        let mut text = out.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

/// One blank line, unless there is one or nothing above it.
fn gap(out: &mut Vec<String>) {
    if out.last().is_some_and(|line| !line.is_empty()) {
        out.push(String::new());
    }
}

/// Comment lines, without blank ones at their ends.
fn block(out: &mut Vec<String>, lines: &[String]) {
    let begin = lines.iter().position(|line| !line.is_empty()).unwrap_or(lines.len());
    let end = lines.iter().rposition(|line| !line.is_empty()).map_or(begin, |at| at + 1);
    out.extend(lines.get(begin..end).unwrap_or_default().iter().cloned());
    if end < lines.len() && begin < end {
        gap(out);
    }
}

/// The lines of a section's entries, aligned.
fn entries(entries: &[Entry]) -> Vec<String> {
    let mut shown = Vec::new();
    let mut rest = entries;
    while let Some(first) = rest.first() {
        let follows = |entry: &&Entry| entry.above.is_empty() && !entry.value.contains('\n');
        let run = match first.value.contains('\n') {
            true => 1,
            false => 1 + rest.iter().skip(1).take_while(follows).count(),
        };
        let (group, others) = rest.split_at(run.min(rest.len()));
        shown.extend(aligned(group));
        rest = others;
    }
    shown
}

fn aligned(group: &[Entry]) -> Vec<String> {
    let width = |text: &str| text.chars().count();
    let keys = group.iter().map(|entry| width(&entry.key)).max().unwrap_or(0);
    let code: Vec<String> = group.iter().map(|entry| format!("{:<keys$} = {}", entry.key, entry.value)).collect();
    let mut shown = Vec::new();
    for (index, (entry, line)) in group.iter().zip(&code).enumerate() {
        // Comments are aligned over neighbouring lines that have one.
        let has = |at: &usize| group.get(*at).is_some_and(|entry| !entry.comment.is_empty());
        let begin = (0..index).rev().take_while(has).last().unwrap_or(index);
        let run = (begin..group.len()).take_while(has);
        let column = run.filter_map(|at| code.get(at)).map(|line| width(last_line(line))).max().unwrap_or(0);
        shown.push(with_comment(line, column, &entry.comment));
    }
    shown
}

fn last_line(text: &str) -> &str {
    text.rsplit('\n').next().unwrap_or(text)
}

fn with_comment(code: &str, column: usize, comment: &str) -> String {
    if comment.is_empty() {
        return code.to_owned();
    }
    let padding = column.saturating_sub(last_line(code).chars().count());
    format!("{code}{} {comment}", " ".repeat(padding))
}

/// Every table that has a header or entries of its own, with its place in the file.
fn collect<'a>(table: &'a Table, path: &mut Vec<&'a Key>, item: bool, found: &mut Vec<(isize, Section)>) {
    if !table.is_dotted() && (path.is_empty() || !table.is_implicit()) {
        found.push((table.position().unwrap_or(-1), section(table, path, item)));
    }
    for (name, below) in table.iter() {
        let Some(key) = table.key(name) else { continue };
        path.push(key);
        match below {
            Item::Table(table) => collect(table, path, false, found),
            Item::ArrayOfTables(items) => {
                for table in items {
                    collect(table, path, true, found);
                }
            }
            Item::None | Item::Value(_) => {}
        }
        path.pop();
    }
}

fn section(table: &Table, path: &[&Key], item: bool) -> Section {
    let names: Vec<&str> = path.iter().map(|key| key.get()).collect();
    let spelled = spelled(path);
    let header = match (path.is_empty(), item) {
        (true, _) => String::new(),
        (false, true) => format!("[[{spelled}]]"),
        (false, false) => format!("[{spelled}]"),
    };
    let decor = table.decor();
    let text = |raw: Option<&toml_edit::RawString>| raw.and_then(|raw| raw.as_str()).unwrap_or_default().to_owned();
    Section {
        above: if header.is_empty() { Vec::new() } else { lines(&text(decor.prefix())) },
        rank: rank(&names),
        header,
        comment: text(decor.suffix()).trim().to_owned(),
        entries: table.get_values().into_iter().map(|(keys, value)| entry(&names, &keys, value)).collect(),
        below: Vec::new(),
    }
}

fn entry(section: &[&str], keys: &[&Key], value: &Value) -> Entry {
    let text = |raw: Option<&toml_edit::RawString>| raw.and_then(|raw| raw.as_str()).unwrap_or_default().to_owned();
    let above = keys.last().map(|key| text(key.leaf_decor().prefix())).unwrap_or_default();
    let path: Vec<&str> = section.iter().copied().chain(keys.iter().map(|key| key.get())).collect();
    let mut bare = value.clone();
    bare.decor_mut().clear();
    Entry {
        above: lines(&above),
        rank: rank(&path),
        key: spelled(keys),
        value: bare.to_string().trim().to_owned(),
        comment: text(value.decor().suffix()).trim().to_owned(),
    }
}

fn spelled(keys: &[&Key]) -> String {
    keys.iter().map(|key| key.display_repr()).collect::<Vec<_>>().join(".")
}

/// Whether a table of an array has tables of its own: the order of headers then says which belongs to which.
fn has_nested_items(table: &Table) -> bool {
    let has_tables = |table: &Table| table.iter().any(|(_, item)| item.is_table() || item.is_array_of_tables());
    table.iter().any(|(_, item)| match item {
        Item::ArrayOfTables(items) => items.iter().any(has_tables),
        Item::Table(below) => has_nested_items(below),
        Item::None | Item::Value(_) => false,
    })
}
