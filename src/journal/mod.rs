//! The format of a run's record: one JSON document a line, each written and flushed to disk before the request that it
//! announces. Before-images in it are what `rollback` starts from. Nothing here does IO.

mod found;
mod record;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::call::Write;
use crate::model::live::Query;
use crate::model::reference::Output;
use crate::model::{Address, Fact, Intent, Observed, Place};

pub use found::{Found, Journals, Spoiled};
pub use record::{Ending, Record, Sent, StepRecord, StepState, Unreadable};

/// Version of the record; lines of another version are refused by readers.
pub const FORMAT_VERSION: &str = "1.0";

/// One line of a journal. Times are RFC 3339, UTC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
pub enum Entry {
    RunStarted {
        format_version: String,
        run: String,
        at: String,
        tool: String,
        /// Caller per AWS account.
        caller: BTreeMap<String, String>,
        manifests: Vec<String>,
        /// Manifest → value of its ownership tag: finds the location again when the manifest was renamed.
        #[serde(default)]
        owners: BTreeMap<String, String>,
        /// What the run was for.
        #[serde(default)]
        intent: Intent,
        reads_digest: String,
    },
    /// About to be sent. What was there before is the before-image.
    WriteStarted {
        step: usize,
        at: String,
        address: Address,
        place: Place,
        write: Box<Write>,
        query: Option<Query>,
        before: Option<Box<Observed<Fact>>>,
        /// The request that puts back what was there, where the before-image alone does not hold it: the text of an
        /// inline policy that is deleted from a list of names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        undo: Option<Box<Write>>,
    },
    WriteFinished {
        step: usize,
        at: String,
        outputs: BTreeMap<Output, String>,
    },
    /// Nothing was sent: the wanted state was there already.
    AlreadyThere {
        step: usize,
        at: String,
    },
    Waited {
        step: usize,
        at: String,
    },
    StepFailed {
        step: usize,
        at: String,
        message: String,
    },
    Undone {
        step: usize,
        at: String,
        write: Box<Write>,
    },
    RunFinished {
        at: String,
        result: RunResult,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    Applied,
    Partial,
    Interrupted,
}

impl Entry {
    /// One line, without its newline.
    ///
    /// # Errors
    /// When a value cannot be written as JSON.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// Reads one line.
    ///
    /// # Errors
    /// When the line is no entry of this version.
    pub fn parse(line: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_survives_its_line() {
        let entry = Entry::WriteStarted {
            step: 3,
            at: "2026-11-23T06:00:00Z".to_owned(),
            address: "acme/bucket-policy[audit]".parse().expect("address"),
            place: Place::Aws { account: "111122223333".to_owned(), region: "us-east-1".to_owned() },
            write: Box::new(Write::PutBucketPolicy { bucket: "b".to_owned(), policy: "{\n}".to_owned() }),
            query: None,
            before: Some(Box::new(Observed::Absent)),
            undo: None,
        };
        let line = entry.line().expect("line");
        assert!(!line.contains('\n'), "one entry is one line");
        assert_eq!(Entry::parse(&line).expect("parse"), entry);
    }
}
