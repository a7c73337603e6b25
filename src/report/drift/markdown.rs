//! A check as one comment or issue, found again by its first line.

use crate::drift::Check;

use super::super::markdown::{Page, code, prose};
use super::super::value::plain;
use super::{delivery, history, severity, verdict};

/// First line of the comment, by which it is found again and replaced.
pub const DRIFT_MARKER: &str = "<!-- auditseal:drift -->";

/// The comment. It stays below 65,000 characters, and says when something was left out.
#[must_use]
pub fn drift_markdown(check: &Check) -> String {
    let mut page = Page::new(DRIFT_MARKER);
    let good = check.complete && check.refused.is_empty() && check.open.is_empty();
    let sign = if good { "" } else { "⚠️ " };
    page.add(&format!("## auditseal drift\n\n{sign}**{}**\n\n", prose(&verdict(check))));
    for one in &check.deliveries {
        page.add(&format!("- {}: {}\n", code(&one.manifest), prose(&delivery(one))));
    }
    if !check.open.is_empty() {
        page.add("\n### Open\n\n| | severity | what | where | says |\n|---|---|---|---|---|\n");
    }
    for one in check.open.iter().filter(|one| one.new).chain(check.open.iter().filter(|one| !one.new)) {
        let finding = &one.finding;
        let history = history(one).map(|history| format!(" ({})", prose(&history))).unwrap_or_default();
        let (severity, subject) = (severity(finding.severity), code(&finding.subject));
        let (new, message) = (if one.new { "new" } else { "" }, prose(&finding.message));
        page.add(&format!("| {new} | {severity} | {} | {subject} | {message}{history} |\n", code(&finding.code)));
    }
    if !check.closed.is_empty() {
        page.add("\n### Closed\n\n");
    }
    for one in &check.closed {
        let (subject, message) = (code(&one.finding.subject), prose(&one.finding.message));
        page.add(&format!("- {} {subject}: {message} (open since {:.0})\n", code(&one.finding.code), one.since));
    }
    for note in &check.notes {
        page.add(&format!("\n> {}\n", prose(&plain(note))));
    }
    page.end("check", "`auditseal drift`")
}
