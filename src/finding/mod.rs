//! The one diagnostic type: what every check says, with a stable kebab-case code, rendered elsewhere.

mod delivery;
mod notice;

pub use delivery::{Delivered, SinkAnswer, SinkReport};
pub use notice::{ChangedBy, Notice, NoticeState, fingerprint};

use serde::{Deserialize, Serialize};

/// Declared too: `[[alerts]] min_severity`.
pub use crate::model::Severity;

/// A place in a manifest. Lines and columns count from one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    pub file: String,
    pub line: usize,
    pub column: usize,
    /// Byte offsets into the file, for showing the line.
    pub start: usize,
    pub end: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    pub code: String,
    pub severity: Severity,
    /// Address, path or ARN that the finding is about.
    pub subject: String,
    pub message: String,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub help: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub span: Option<Span>,
}
