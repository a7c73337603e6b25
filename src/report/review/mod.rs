//! A review of declarations → text, JSON, a comment on a pull request. Risk first.

mod markdown;
mod schema;
#[cfg(test)]
mod tests;
mod text;

pub use markdown::{REVIEW_MARKER, review_markdown};
pub use schema::review_schema;
pub use text::review_text;

use crate::access::Question;
use crate::review::{AccessChange, Direction, Fate, ManifestChange, More, Review, WaiverFate};

use super::value::plain;

/// Pretty-printed, one newline at the end; the same review gives the same bytes.
///
/// # Errors
/// When a value cannot be JSON, which the types rule out.
pub fn review_json(review: &Review) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(review)?;
    text.push('\n');
    Ok(text)
}

/// The one sentence that comes first.
fn verdict(review: &Review) -> String {
    let gains = review.access.iter().filter(|one| one.change == Direction::Gains).count();
    let losses = review.access.len().saturating_sub(gains);
    let counted = |count: usize, one: &str, many: &str| match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    };
    if review.manifests.is_empty() {
        return "No changes of the declaration.".to_owned();
    }
    let manifests = counted(review.manifests.len(), "manifest changes", "manifests change");
    let access = match (review.widens, gains, losses) {
        (true, 0, _) => "access widens".to_owned(),
        (true, gains, _) => format!("access widens: {}", counted(gains, "gain", "gains")),
        (false, _, 0) => "access stays as it is".to_owned(),
        (false, _, losses) => format!("access narrows: {}", counted(losses, "loss", "losses")),
    };
    format!("{manifests}; {access}.")
}

/// `+ read  arn:… the delivered logs`, without its sign.
fn held(change: &AccessChange) -> (&'static str, String, String) {
    (question(change.question), plain(&change.who), format!("{} ({})", plain(&change.what), plain(&change.because)))
}

fn question(question: Question) -> &'static str {
    match question {
        Question::Read => "read",
        Question::Write => "write",
        Question::Tamper => "tamper",
        Question::List => "list",
    }
}

fn fate(change: &ManifestChange) -> String {
    let what = match change.change {
        Fate::Added => "is new",
        Fate::Removed => "is no longer declared: nothing is taken away, and nothing watched any more",
        Fate::Changed => "changes",
    };
    let was = change.renamed_from.as_ref();
    let was = was.map(|name| format!(" (was `{name}`: its name is in addresses only)")).unwrap_or_default();
    format!("`{}`{} {what}", plain(&change.name), plain(&was))
}

fn waiver_fate(fate: WaiverFate) -> &'static str {
    match fate {
        WaiverFate::Appears => "appears",
        WaiverFate::Extended => "is extended",
        WaiverFate::Shortened => "is shortened",
        WaiverFate::Reworded => "is reworded",
        WaiverFate::Removed => "is removed: the control returns",
        WaiverFate::Expired => "has ended: the control returns",
        WaiverFate::EndsSoon => "ends soon",
    }
}

fn more(more: &More, yes: &str, no: &str) -> String {
    match more {
        More::No => format!("proved not to be {no}"),
        More::Yes { principal, action, resource } => {
            let who = principal.as_ref().map(|who| format!("`{}` ", plain(who))).unwrap_or_default();
            format!("{yes}: {who}`{}` on `{}`", plain(action), plain(resource))
        }
        More::NotProved { reason } => format!("not proved not to be {no}: {}", plain(reason)),
    }
}
