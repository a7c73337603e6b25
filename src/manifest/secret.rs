//! Secrets in clear text: found so that they are refused, and masked wherever text of a manifest is shown.

use std::ops::Range;

use super::node::{Data, Node, Table};

/// The form of a kind of secret.
struct Form {
    what: &'static str,
    start: &'static str,
    follows: fn(u8) -> bool,
    /// How many such bytes follow at least.
    least: usize,
}

/// What secrets of the two clouds look like.
const FORMS: [Form; 8] = [
    Form { what: "a Databricks personal access token", start: "dapi", follows: is_hex, least: 32 },
    Form { what: "a Databricks OAuth secret", start: "dose", follows: is_hex, least: 32 },
    Form { what: "an AWS access key id", start: "AKIA", follows: is_upper, least: 16 },
    Form { what: "an AWS session's access key id", start: "ASIA", follows: is_upper, least: 16 },
    Form { what: "a webhook signing key", start: "whsec_", follows: is_base64, least: 16 },
    Form { what: "a Slack webhook URL", start: "hooks.slack.com/", follows: is_path, least: 10 },
    Form { what: "a Slack webhook URL", start: "hooks.slack-gov.com/", follows: is_path, least: 10 },
    Form { what: "a private key", start: "-----BEGIN ", follows: is_header, least: 8 },
];

/// Words that make the name of a key that of a secret, without its `-` and `_`.
const WORDS: [&str; 8] = ["token", "secret", "password", "passwd", "passphrase", "apikey", "accesskey", "privatekey"];

fn is_hex(byte: u8) -> bool {
    byte.is_ascii_hexdigit()
}

fn is_upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_')
}

fn is_header(byte: u8) -> bool {
    byte.is_ascii_uppercase() || matches!(byte, b' ' | b'-')
}

/// A secret in a text: which kind, and its bytes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Secret {
    pub what: String,
    pub range: Range<usize>,
}

/// Whether a key's name says that its value is a secret.
pub(super) fn is_secret_name(key: &str) -> bool {
    let plain: String = key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    WORDS.iter().any(|word| plain.contains(word))
}

/// Secrets that are recognised by their form, anywhere in a text, comments included.
pub(super) fn by_form(text: &str) -> Vec<Secret> {
    let mut found = Vec::new();
    for Form { what, start, follows, least } in FORMS {
        for (at, _) in text.match_indices(start) {
            let inside = text
                .get(..at)
                .and_then(|before| before.chars().next_back())
                .is_some_and(|letter| letter.is_ascii_alphanumeric());
            let rest = text.get(at + start.len()..).unwrap_or_default();
            let count = rest.bytes().take_while(|byte| follows(*byte)).count();
            if !inside && count >= least {
                found.push(Secret { what: what.to_owned(), range: at..at + start.len() + count });
            }
        }
    }
    found.sort_by_key(|secret| secret.range.start);
    found
}

/// Products whose webhook URLs are credentials (Discord developer documentation, "Webhook resource"; Microsoft Learn,
/// "Create incoming webhooks" for Teams and for Power Automate).
const CREDENTIALS: [&str; 3] = ["discord.com/api/webhooks/", ".webhook.office.com/", ".logic.azure.com"];

/// Where a manifest says that a secret is found: the name of one, none itself.
const REFERENCE: &str = "aws_secret";

/// Values whose key says that they are secrets, and URLs that are. A table is not one: its own keys are looked at.
pub(super) fn by_name(table: &Table) -> Vec<Secret> {
    let mut found = Vec::new();
    for (key, entry) in table {
        visit(Some(key), &entry.node, &mut found);
    }
    if let Some(Node { data: Data::Array(alerts), .. }) = table.get("alerts").map(|entry| &entry.node) {
        found.extend(alerts.iter().filter_map(secret_url));
    }
    found.sort_by_key(|secret| secret.range.start);
    found
}

/// The URL of a sink, when whoever knows it can write there: one with a query, a name or a password in it, and every
/// incoming webhook of Slack.
fn secret_url(alert: &Node) -> Option<Secret> {
    let Data::Table(table) = &alert.data else { return None };
    let value = |key: &str| table.get(key).map(|entry| &entry.node);
    let text = |node: &Node| match &node.data {
        Data::String(text) => Some(text.clone()),
        _ => None,
    };
    let url = value("url")?;
    let written = text(url)?;
    let slack = value("kind").and_then(text).is_some_and(|kind| kind == "slack");
    let what = match slack {
        true => "a Slack webhook URL",
        false if CREDENTIALS.iter().any(|host| written.contains(host)) => {
            "a webhook URL that needs no other credential"
        }
        false if written.contains(['?', '@', '#']) => "a URL that holds more than host and path",
        false => return None,
    };
    Some(Secret { what: what.to_owned(), range: url.at.range.clone() })
}

fn visit(key: Option<&str>, node: &Node, found: &mut Vec<Secret>) {
    match &node.data {
        Data::Table(table) => {
            // `secret = { aws_secret = "…" }`: elsewhere a key of that name is unknown, and what it holds is not shown.
            let refers = key.is_some_and(|key| matches!(key, "url" | "secret"));
            let own = table.iter().filter(|(key, _)| !(refers && *key == REFERENCE));
            own.for_each(|(key, entry)| visit(Some(key), &entry.node, found));
        }
        Data::Array(items) if !key.is_some_and(is_secret_name) => {
            items.iter().for_each(|item| visit(None, item, found));
        }
        _ => {
            if let Some(key) = key.filter(|key| is_secret_name(key)) {
                let what = format!("the value of {}", super::source::quote(key));
                found.push(Secret { what, range: node.at.range.clone() });
            }
        }
    }
}

/// The same text with every byte of a secret replaced by `*`, so that positions stay. It also covers what does not parse:
/// whatever follows the `=` of a key that is named like a secret goes, to the end of the line or of a multi-line string.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut hidden = vec![false; text.len()];
    for range in by_form(text).into_iter().map(|secret| secret.range).chain(assignments(text)) {
        for byte in hidden.get_mut(range).into_iter().flatten() {
            *byte = true;
        }
    }
    let mut masked = String::with_capacity(text.len());
    for (at, letter) in text.char_indices() {
        if letter != '\n' && hidden.get(at).is_some_and(|hidden| *hidden) {
            masked.extend(std::iter::repeat_n('*', letter.len_utf8()));
        } else {
            masked.push(letter);
        }
    }
    masked
}

fn assignments(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut open: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        if let Some(quotes) = open {
            found.push(start..end);
            if line.contains(quotes) {
                open = None;
            }
        } else if let Some(at) = secret_assignment(line) {
            found.push(start + at..end);
            let value = line.get(at..).unwrap_or_default();
            open = ["\"\"\"", "'''"].into_iter().find(|quotes| value.matches(quotes).count() % 2 == 1);
        }
        start = end;
    }
    found
}

/// Where in a line the value of a key begins that is named like a secret.
fn secret_assignment(line: &str) -> Option<usize> {
    line.match_indices('=').find_map(|(at, _)| {
        let key = line.get(..at)?.trim_end().trim_end_matches(['"', '\'']);
        let name = key.rsplit(|letter: char| !(letter.is_alphanumeric() || matches!(letter, '_' | '-'))).next()?;
        is_secret_name(name).then_some(at + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "dapi0123456789abcdef0123456789abcdef";

    #[test]
    fn forms() {
        let cases = [
            (TOKEN.to_owned(), 1),
            (format!("# old: {TOKEN}-2"), 1),
            (format!("x{TOKEN}"), 0),
            ("dapi0123".to_owned(), 0),
            ("dose0123456789abcdef0123456789abcdef".to_owned(), 1),
            ("AKIAIOSFODNN7EXAMPLE".to_owned(), 1),
            ("ASIAIOSFODNN7EXAMPLE AKIAIOSFODNN7EXAMPLE".to_owned(), 2),
            ("akiaiosfodnn7example".to_owned(), 0),
            ("-----BEGIN RSA PRIVATE KEY-----".to_owned(), 1),
            ("arn:aws:iam::111122223333:role/Reader".to_owned(), 0),
        ];
        for (text, count) in cases {
            assert_eq!(by_form(&text).len(), count, "{text}");
        }
    }

    #[test]
    fn masks() {
        let cases = [
            ("token = \"hush\"\nregion = \"x\"", "token =*******\nregion = \"x\""),
            ("a = { client-secret = 'hush' }", "a = { client-secret =*********"),
            ("\"api_key\"= 1", "\"api_key\"=**"),
            ("password = \"\"\"\nhush\n\"\"\"\nx = 1", "password =****\n****\n***\nx = 1"),
            ("bucket = \"b\"", "bucket = \"b\""),
        ];
        for (text, expected) in cases {
            assert_eq!(mask(text), expected);
            assert_eq!(mask(text).len(), text.len());
        }
        assert!(!mask(&format!("region = \"é{TOKEN}")).contains("0123"));
    }
}
