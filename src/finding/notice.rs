//! A finding over time: what a scheduled check tells its sinks.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::model::hex;

use super::Finding;

/// Identical findings are told once when they open and once when they close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeState {
    Opened,
    Closed,
}

/// Who made the change that a finding is about, as CloudTrail recorded it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedBy {
    /// ARN, or the account or service where the record has no ARN.
    pub principal: String,
    /// CloudTrail's `eventName`.
    pub event: String,
    /// CloudTrail's `eventID`.
    pub event_id: String,
    pub time: Timestamp,
}

/// One finding that opened or closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub state: NoticeState,
    /// Name of the manifest that the finding belongs to; none for what is about the run itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub manifest: Option<String>,
    /// [`fingerprint`] of the finding: the same drift has the same one on every run.
    pub fingerprint: String,
    pub finding: Finding,
    /// When the finding was first seen.
    pub since: Timestamp,
    /// When this notice was made.
    pub at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub changed_by: Option<ChangedBy>,
}

impl Notice {
    /// The same for every delivery of one notice, so that a receiver can drop what it has seen.
    pub fn id(&self) -> String {
        let state = match self.state {
            NoticeState::Opened => "opened",
            NoticeState::Closed => "closed",
        };
        digest(&[&self.fingerprint, state, &self.since.to_string()])
    }
}

/// Tells drift from other drift by what is wrong where (`subject` is the address), never by words or times, in hex. `what`
/// are the parts that make two findings of one code and subject different ones, such as the field and its live value.
pub fn fingerprint(code: &str, subject: &str, what: &[&str]) -> String {
    let mut parts = vec![code, subject];
    parts.extend(what);
    digest(&parts)
}

/// Lengths are hashed too, so that no two lists of parts are one.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hex(&hash.finalize()).chars().take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_apart_by_their_bounds() {
        assert_ne!(fingerprint("a", "b", &["cd", "e"]), fingerprint("a", "b", &["c", "de"]));
        assert_ne!(fingerprint("a", "b", &[]), fingerprint("a", "b", &[""]));
        assert_eq!(fingerprint("a", "b", &["c"]), fingerprint("a", "b", &["c"]));
        assert_eq!(fingerprint("a", "b", &["c"]).len(), 32);
    }
}
