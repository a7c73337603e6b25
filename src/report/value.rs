//! Values as people read them: unknown ones named, long ones cut, control characters made visible.

use serde_json::Value;

/// Characters of a text that are shown before its middle is left out.
const LONGEST_TEXT: usize = 160;
/// Items of a list that are shown.
const LONGEST_LIST: usize = 12;

const TOKEN_OPEN: &str = "(known-after-apply:";
const KNOWN_AFTER_APPLY: &str = "(known after apply)";

/// A field's value on one line.
pub(super) fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let mut shown: Vec<String> = items.iter().take(LONGEST_LIST).map(inline).collect();
            if let Some(more) = items.len().checked_sub(LONGEST_LIST).filter(|more| *more > 0) {
                shown.push(format!("… {more} more"));
            }
            format!("[{}]", shown.join(", "))
        }
        Value::Object(members) => {
            let shown: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", plain(name), inline(value))).collect();
            format!("{{ {} }}", shown.join(", "))
        }
    }
}

/// In quotes, except where the whole text is known after apply only.
fn quoted(text: &str) -> String {
    let shown = without_tokens(text);
    if shown == KNOWN_AFTER_APPLY { shown } else { format!("\"{}\"", plain(&cut(&shown))) }
}

/// Tokens of `model::Reference` in words.
pub(super) fn without_tokens(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some((before, token)) = rest.split_once(TOKEN_OPEN) {
        // A token ends at the first `)` after its `#`: the address before may hold any character but `#`.
        let Some(after) = token.split_once('#').and_then(|(_, output)| output.split_once(')')).map(|(_, after)| after)
        else {
            break;
        };
        shown.push_str(before);
        shown.push_str(KNOWN_AFTER_APPLY);
        rest = after;
    }
    shown.push_str(rest);
    shown
}

/// The text with its middle left out when it is long.
fn cut(text: &str) -> String {
    let count = text.chars().count();
    if count <= LONGEST_TEXT {
        return text.to_owned();
    }
    let half = LONGEST_TEXT / 2;
    let head: String = text.chars().take(half).collect();
    let tail: String = text.chars().skip(count.saturating_sub(half)).collect();
    format!("{head}… {} characters …{tail}", count.saturating_sub(half.saturating_mul(2)))
}

/// Names and messages come from the cloud: control characters (a terminal's escape sequences, line breaks) and characters
/// that turn the direction of text are shown, not sent.
pub(super) fn plain(text: &str) -> String {
    let hostile = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars().flat_map(|c| if hostile(c) { c.escape_default().collect::<Vec<char>>() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{inline, plain, without_tokens};
    use crate::model::reference::Output;
    use crate::model::{Address, Kind, Reference};

    #[test]
    fn tokens_are_said_in_words() {
        let token = Reference::new(Address::new("acme", Kind::KmsKey, "audit"), Output::KeyArn).to_string();
        assert_eq!(inline(&json!(token)), "(known after apply)");
        assert_eq!(inline(&json!(format!("{token}/x"))), "\"(known after apply)/x\"");
        assert_eq!(without_tokens(&format!("a {token} b {token}")), "a (known after apply) b (known after apply)");
        assert_eq!(without_tokens("(known-after-apply:broken"), "(known-after-apply:broken");
    }

    #[test]
    fn long_values_are_cut_and_say_by_how_much() {
        let long = inline(&json!("x".repeat(400)));
        assert!(long.contains("… 240 characters …"), "{long}");
        let list = inline(&json!((0..20).collect::<Vec<i32>>()));
        assert!(list.ends_with(", … 8 more]"), "{list}");
    }

    #[test]
    fn nothing_reaches_the_terminal_raw() {
        assert_eq!(plain("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\nc\\u{202e}d");
        assert_eq!(plain("Zürich"), "Zürich");
    }
}
