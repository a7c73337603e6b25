//! Policy statements as lines, and what changed between two of them.

use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::value::{plain, without_tokens};

/// Longest line that an element is put on before it is spread over several.
const WIDTH: usize = 96;
/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// Order in which AWS documents the elements of a statement; others follow.
const ORDER: [&str; 9] =
    ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Same,
    Add,
    Remove,
}

impl Sign {
    pub(super) fn mark(self) -> char {
        match self {
            Sign::Same => ' ',
            Sign::Add => '+',
            Sign::Remove => '-',
        }
    }
}

/// Whether a value is a policy statement.
pub(super) fn is_statement(value: &Value) -> bool {
    value.get("Effect").is_some()
}

/// The lines of both statements, with what was added and removed; `null` is no statement.
pub(super) fn lines(before: &Value, after: &Value) -> Vec<(Sign, String)> {
    // Where both are there, lists are spread on both sides, so that one more value is one more line.
    let apart = !before.is_null() && !after.is_null();
    let (old, new) = (spread(before, apart), spread(after, apart));
    let (old, new): (Vec<&str>, Vec<&str>) =
        (old.iter().map(String::as_str).collect(), new.iter().map(String::as_str).collect());
    let diff = TextDiff::from_slices(&old, &new);
    let mut lines = Vec::new();
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        let start = group.first().map_or(0, |op| op.new_range().start);
        match enclosing(&new, start) {
            Some(element) => lines.push((Sign::Same, format!("{element} …"))),
            None if index > 0 => lines.push((Sign::Same, "…".to_owned())),
            None => {}
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Equal => Sign::Same,
                ChangeTag::Insert => Sign::Add,
                ChangeTag::Delete => Sign::Remove,
            };
            lines.push((sign, change.value().to_owned()));
        }
    }
    lines
}

/// The element that a group of lines starts in the middle of.
fn enclosing<'a>(lines: &[&'a str], start: usize) -> Option<&'a str> {
    let inside = |line: &str| line.starts_with([' ', ']', '}']);
    lines.get(start).filter(|line| inside(line))?;
    lines.iter().take(start).rev().find(|line| !inside(line)).copied()
}

/// Elements in their usual order, one per line where it fits, lists spread one value per line where it does not.
fn spread(statement: &Value, apart: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let Value::Object(members) = statement else { return lines };
    let known = ORDER.iter().filter_map(|name| members.get(*name).map(|value| (*name, value)));
    let others = members.iter().filter(|(name, _)| !ORDER.contains(&name.as_str()));
    for (name, value) in known.chain(others.map(|(name, value)| (name.as_str(), value))) {
        put(&mut lines, 0, Some(name), value, apart);
    }
    lines
}

fn put(lines: &mut Vec<String>, depth: usize, name: Option<&str>, value: &Value, apart: bool) {
    let indent = "  ".repeat(depth);
    let label = name.map(|name| format!("{}: ", plain(name))).unwrap_or_default();
    let flat = format!("{indent}{label}{}", compact(value));
    if flat.chars().count() <= WIDTH && !(apart && holds_list(value)) {
        lines.push(flat);
        return;
    }
    let inner = depth.saturating_add(1);
    match value {
        Value::Array(items) => {
            lines.push(format!("{indent}{label}["));
            items.iter().for_each(|item| put(lines, inner, None, item, apart));
            lines.push(format!("{indent}]"));
        }
        Value::Object(members) => {
            lines.push(format!("{indent}{label}{{"));
            members.iter().for_each(|(name, value)| put(lines, inner, Some(name), value, apart));
            lines.push(format!("{indent}}}"));
        }
        _ => lines.push(flat),
    }
}

fn holds_list(value: &Value) -> bool {
    match value {
        Value::Array(_) => true,
        Value::Object(members) => members.values().any(holds_list),
        _ => false,
    }
}

fn compact(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", plain(&without_tokens(text))),
        // A list of one and its only value mean the same in a policy.
        Value::Array(items) => match items.as_slice() {
            [one @ Value::String(_)] => compact(one),
            many => format!("[{}]", many.iter().map(compact).collect::<Vec<_>>().join(", ")),
        },
        Value::Object(members) => {
            let shown: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", plain(name), compact(value))).collect();
            format!("{{ {} }}", shown.join(", "))
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Sign, lines};

    fn shown(before: &serde_json::Value, after: &serde_json::Value) -> String {
        lines(before, after).iter().map(|(sign, line)| format!("{}{line}\n", sign.mark())).collect()
    }

    #[test]
    fn one_more_reader_is_one_more_line_under_its_element() {
        let with = |names: &[&str]| {
            json!({
                "Sid": "ObjectsOnlyDeclared", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "b/*",
                "Condition": { "ArnNotEquals": { "aws:PrincipalArn": names } }
            })
        };
        let diff = shown(&with(&["a", "b", "c", "d", "e", "f", "h"]), &with(&["a", "b", "c", "d", "e", "f", "g", "h"]));
        insta::assert_snapshot!(diff, @r#"
         Condition: { …
               "d"
               "e"
               "f"
        +      "g"
               "h"
             ]
           }
        "#);
    }

    #[test]
    fn a_new_statement_is_all_added_and_a_gone_one_all_removed() {
        let statement = json!({ "Sid": "A", "Effect": "Deny", "Action": "s3:*", "Resource": "*" });
        let added = lines(&json!(null), &statement);
        assert_eq!(added.len(), 4);
        assert!(added.iter().all(|(sign, _)| *sign == Sign::Add));
        assert!(lines(&statement, &json!(null)).iter().all(|(sign, _)| *sign == Sign::Remove));
        assert!(lines(&statement, &statement).is_empty());
    }
}
