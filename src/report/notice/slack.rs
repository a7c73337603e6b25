//! A notice as a message of Slack (Slack API, "Block Kit" and "Formatting text for app surfaces").

use serde_json::{Value, json};

use super::{is_closed, name, title};
use crate::finding::{Notice, Severity};
use crate::report::value::plain;

/// Longest `text` of a section (Slack API, "Section block").
const SECTION: usize = 3000;
/// Longest text of a header (Slack API, "Header block").
const HEADER: usize = 150;
/// Longest text of an element of a context block, and of the fallback, which Slack cuts at 40,000.
const CONTEXT: usize = 2000;

/// A header, the finding, what to do, and when, as at most four of the fifty blocks that a message takes.
#[must_use]
pub fn notice_slack(notice: &Notice) -> Value {
    let finding = &notice.finding;
    let state = if is_closed(notice) { "Closed" } else { word(finding.severity) };
    let heading = format!("{state}: {}", title(finding));
    let subject = code(&finding.subject);
    let about = format!("*{}* {subject}\n", escaped(&finding.code, HEADER));
    let room = SECTION.saturating_sub(about.chars().count());
    let mut blocks = vec![
        json!({ "type": "header", "text": { "type": "plain_text", "text": cut(&heading, HEADER), "emoji": false } }),
        section(format!("{about}{}", escaped(&finding.message, room))),
    ];
    if let Some(help) = finding.help.as_ref().filter(|_| !is_closed(notice)) {
        let lead = "*What to do:* ";
        blocks.push(section(format!("{lead}{}", escaped(help, SECTION.saturating_sub(lead.len())))));
    }
    let mut facts = Vec::new();
    if let Some(manifest) = &notice.manifest {
        facts.push(format!("manifest {}", code(manifest)));
    }
    facts.push(format!("since {:.0}", notice.since));
    if let Some(who) = &notice.changed_by {
        facts.push(format!("changed by {} with {} at {}", code(&who.principal), code(&who.event), who.time));
    }
    facts.push(format!("fingerprint {}", code(&notice.fingerprint)));
    let elements: Vec<Value> =
        facts.iter().map(|fact| json!({ "type": "mrkdwn", "text": fact, "verbatim": true })).collect();
    blocks.push(json!({ "type": "context", "elements": elements }));
    let fallback = format!("{} ({}): {}", heading, finding.subject, finding.message);
    json!({ "text": escaped(&fallback, CONTEXT), "unfurl_links": false, "unfurl_media": false, "blocks": blocks })
}

fn section(text: String) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text, "verbatim": true } })
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "Info",
        Severity::Low => "Low",
        Severity::Medium => "Medium",
        Severity::High => "High",
        Severity::Critical => "Critical",
    }
}

/// In backticks, which it cannot end itself.
fn code(text: &str) -> String {
    format!("`{}`", escaped(&name(text).replace('`', "'"), CONTEXT / 4))
}

fn cut(text: &str, longest: usize) -> String {
    super::line(text, longest)
}

/// With `&`, `<` and `>` as entities, so that no text is a link or calls a channel, and of at most `longest` characters, no
/// entity cut in two.
fn escaped(text: &str, longest: usize) -> String {
    let mut out = String::new();
    let mut length = 0_usize;
    for letter in plain(text).chars() {
        let piece = match letter {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            other => other.to_string(),
        };
        length += piece.chars().count();
        // Room for the mark that something is missing.
        if length >= longest {
            out.push('…');
            break;
        }
        out.push_str(&piece);
    }
    out
}
