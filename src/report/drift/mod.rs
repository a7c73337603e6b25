//! A scheduled check → text, JSON, Markdown. New first, then by severity.

mod markdown;
mod schema;
#[cfg(test)]
mod tests;
mod text;

pub use markdown::{DRIFT_MARKER, drift_markdown};
pub use schema::drift_schema;
pub use text::{DriftOptions, drift_news, drift_text};

use crate::drift::{Check, DeliveryReport, DeliveryState, OpenFinding};
use crate::finding::{ChangedBy, Severity};

use super::value::plain;

/// Pretty-printed, one newline at the end; the same check gives the same bytes.
///
/// # Errors
/// When a value cannot be JSON, which the types rule out.
pub fn drift_json(check: &Check) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(check)?;
    text.push('\n');
    Ok(text)
}

/// The same on one line, for checks that go on: JSON Lines.
///
/// # Errors
/// As [`drift_json`].
pub fn drift_line(check: &Check) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string(check)?;
    text.push('\n');
    Ok(text)
}

/// The one sentence that comes first.
fn verdict(check: &Check) -> String {
    let counted = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    let summary = &check.summary;
    let mut parts = Vec::new();
    if !check.complete {
        parts.push(counted(check.gaps.len(), "input could not be read", "inputs could not be read"));
    }
    if !check.refused.is_empty() {
        parts.push(format!("a plan of this state is refused ({})", check.refused.join(", ")));
    }
    match (summary.pending_changes, check.complete) {
        (0, true) => parts.push("in sync with the manifests".to_owned()),
        // What was not read may differ.
        (0, false) => parts.push("nothing that was read differs".to_owned()),
        (count, _) => parts.push(counted(count, "resource differs", "resources differ")),
    }
    let reported = summary.open.saturating_sub(summary.drift).saturating_sub(check.gaps.len());
    if reported > 0 {
        parts.push(counted(reported, "other finding", "other findings"));
    }
    if check.previous_check.is_some() {
        parts.push(format!("{} new, {} closed", summary.new, summary.closed));
    }
    let mut text = format!("{}.", parts.join("; "));
    text.get_mut(..1).into_iter().for_each(str::make_ascii_uppercase);
    text
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Info => "info",
    }
}

/// When it was first seen, who did it, and whether it could be looked at.
fn history(one: &OpenFinding) -> Option<String> {
    let mut parts = Vec::new();
    if !one.new {
        parts.push(format!("open since {}", one.since));
    }
    if !one.seen {
        parts.push("it could not be looked at this time".to_owned());
    }
    parts.extend(one.changed_by.as_ref().map(changed_by));
    (!parts.is_empty()).then(|| parts.join("; "))
}

fn changed_by(by: &ChangedBy) -> String {
    let ChangedBy { principal, event, event_id, time } = by;
    format!("changed by {} ({} at {time}, event {})", plain(principal), plain(event), plain(event_id))
}

fn state(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Delivering => "delivering",
        DeliveryState::New => "new, nothing to be expected yet",
        DeliveryState::Silent => "silent",
        DeliveryState::Failing => "failing",
        DeliveryState::Disabled => "declared to be off",
        DeliveryState::Missing => "no enabled configuration delivers as declared",
        DeliveryState::Unknown => "unknown: not everything could be read",
    }
}

fn delivery(one: &DeliveryReport) -> String {
    let mut parts = vec![state(one.state).to_owned()];
    parts.extend(one.status.as_ref().map(|status| format!("status {}", plain(status))));
    parts.extend(
        one.last_success.zip(one.age_seconds).map(|(time, age)| format!("last success {time} ({} ago)", ago(age))),
    );
    parts.extend(one.newest_object.map(|time| format!("newest object {time}")));
    parts.join(", ")
}

/// Seconds in the largest unit that says enough.
fn ago(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
