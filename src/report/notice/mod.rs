//! Notices for machines and chats: JSON, OCSF, SARIF, Slack. Pure; what they hold is what the finding says, cut to a length
//! that every receiver takes.

mod json;
mod ocsf;
mod sarif;
mod slack;

#[cfg(test)]
mod tests;

pub use json::{notice_json, notice_schema};
pub use ocsf::notice_ocsf;
pub use sarif::sarif;
pub use slack::notice_slack;

use super::value::plain;
use crate::finding::{Finding, Notice, Severity};

/// No rendering of one notice is longer, in bytes of JSON: receivers take at least 64 KB (Splunk, AWS SQS and Azure Event
/// Grid take 256 KB or more).
pub const MAX_NOTICE_BYTES: usize = 64 * 1024;

/// Characters of message and help, of up to four bytes each.
const LONGEST_TEXT: usize = 2000;
/// Characters of names: addresses, ARNs of roles and their sessions, paths.
const LONGEST_NAME: usize = 600;

/// One line, without control characters, of at most `longest` characters.
fn line(text: &str, longest: usize) -> String {
    let plain = plain(text);
    if plain.chars().count() <= longest {
        return plain;
    }
    let mut cut: String = plain.chars().take(longest.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

fn text(text: &str) -> String {
    line(text, LONGEST_TEXT)
}

fn name(text: &str) -> String {
    line(text, LONGEST_NAME)
}

/// A few words on what the code means; the code itself when nobody knows it.
fn title(finding: &Finding) -> String {
    let known = super::codes::explain(&finding.code).map(|code| code.title);
    name(known.unwrap_or(&finding.code))
}

/// From 1 to 5.
fn level(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

fn is_closed(notice: &Notice) -> bool {
    matches!(notice.state, crate::finding::NoticeState::Closed)
}
