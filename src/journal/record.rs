//! A journal that is read back: what the run was, how far it came, and what it sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::call::Write;
use crate::model::live::Query;
use crate::model::reference::Output;
use crate::model::{Address, Fact, Intent, Observed, Place};

use super::{Entry, FORMAT_VERSION, RunResult};

/// How a run ended, as far as its journal says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every step was done.
    Done,
    /// It reached its end, and some step was not done.
    Partial,
    /// By a signal, between two steps.
    Stopped,
    /// The journal has no end: the run was killed, or is under way.
    Unfinished,
}

impl Ending {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Ending::Done => "done",
            Ending::Partial => "partial",
            Ending::Stopped => "stopped",
            Ending::Unfinished => "unfinished",
        }
    }
}

/// How far a step came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepState {
    /// Announced, and not known to have been sent, or to have taken effect.
    Started,
    Done,
    AlreadyThere,
    Waited,
    Failed,
    Undone,
}

impl StepState {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            StepState::Started => "started",
            StepState::Done => "done",
            StepState::AlreadyThere => "already there",
            StepState::Waited => "waited",
            StepState::Failed => "failed",
            StepState::Undone => "taken back",
        }
    }
}

/// One step as the journal tells it. Waits and what was there already have no address in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRecord {
    pub step: usize,
    /// When the last that is known of it happened.
    pub at: String,
    pub address: Option<Address>,
    /// `service:Operation`, when something was sent.
    pub operation: Option<&'static str>,
    pub state: StepState,
    /// Why it failed.
    pub message: Option<String>,
}

/// One announced request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    pub step: usize,
    pub address: Address,
    pub place: Place,
    pub write: Write,
    pub query: Option<Query>,
    /// `None` for a creation that nothing could have been asked about, and for a request that took something back.
    pub before: Option<Observed<Fact>>,
    pub undo: Option<Write>,
    /// What it gave, when it is known to have been done.
    pub outputs: Option<BTreeMap<Output, String>>,
}

/// A whole journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub run: String,
    pub at: String,
    pub tool: String,
    /// Caller per AWS account.
    pub caller: BTreeMap<String, String>,
    pub manifests: Vec<String>,
    /// Manifest → value of its ownership tag.
    pub owners: BTreeMap<String, String>,
    pub intent: Intent,
    pub steps: Vec<StepRecord>,
    pub sent: Vec<Sent>,
    pub ending: Ending,
    pub ended_at: Option<String>,
    /// The last line was cut: the request that it would have announced was never sent.
    pub cut: bool,
}

/// Why a journal cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is empty: the run ended before it did anything")]
    Empty,
    #[error("it has format {0}, this program reads {FORMAT_VERSION}: use the program that wrote it")]
    Version(String),
    #[error("line {line} is damaged: {message}")]
    Damaged { line: usize, message: String },
    #[error("it could not be read: {0}")]
    File(String),
}

impl Unreadable {
    /// In one word, for scripts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Unreadable::Empty => "empty",
            Unreadable::Version(_) => "version",
            Unreadable::Damaged { .. } => "damaged",
            Unreadable::File(_) => "file",
        }
    }
}

impl Record {
    /// Reads the text of a journal. A last line that a crash cut is left out: an entry is whole on disk before the request
    /// that it announces is sent.
    ///
    /// # Errors
    /// When it is no journal of this version, or damaged before its last line.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
        let Some((_, first)) = lines.next() else { return Err(Unreadable::Empty) };
        let mut record = started(first, lines.peek().is_none() && !text.ends_with('\n'))?;
        while let Some((index, line)) = lines.next() {
            match Entry::parse(line) {
                Ok(entry) => record.add(entry),
                Err(_) if lines.peek().is_none() && !text.ends_with('\n') => record.cut = true,
                Err(error) => return Err(damaged(index, &error)),
            }
        }
        Ok(record)
    }

    /// Requests that were announced.
    #[must_use]
    pub fn writes(&self) -> usize {
        self.sent.len()
    }

    fn add(&mut self, entry: Entry) {
        match entry {
            // A second beginning would be another run's: names are unique, so that it cannot be.
            Entry::RunStarted { .. } => {}
            Entry::WriteStarted { step, at, address, place, write, query, before, undo } => {
                let operation = Some(write.operation());
                self.step(step, at, StepState::Started, |one| {
                    one.address = Some(address.clone());
                    one.operation = operation;
                });
                let (write, before, undo) = (*write, before.map(|before| *before), undo.map(|undo| *undo));
                self.sent.push(Sent { step, address, place, write, query, before, undo, outputs: None });
            }
            Entry::WriteFinished { step, at, outputs } => {
                self.step(step, at, StepState::Done, |_| {});
                if let Some(sent) = self.sent.iter_mut().rev().find(|sent| sent.step == step) {
                    sent.outputs = Some(outputs);
                }
            }
            Entry::AlreadyThere { step, at } => self.step(step, at, StepState::AlreadyThere, |_| {}),
            Entry::Waited { step, at } => self.step(step, at, StepState::Waited, |_| {}),
            Entry::StepFailed { step, at, message } => {
                self.step(step, at, StepState::Failed, |one| one.message = Some(message));
            }
            Entry::Undone { step, at, write: _ } => {
                self.step(step, at, StepState::Undone, |_| {});
                if let Some(sent) = self.sent.iter_mut().rev().find(|sent| sent.step == step) {
                    sent.outputs = Some(BTreeMap::new());
                }
            }
            Entry::RunFinished { at, result } => {
                self.ended_at = Some(at);
                self.ending = match result {
                    RunResult::Applied => Ending::Done,
                    RunResult::Partial => Ending::Partial,
                    RunResult::Interrupted => Ending::Stopped,
                };
            }
        }
    }

    fn step(&mut self, step: usize, at: String, state: StepState, change: impl FnOnce(&mut StepRecord)) {
        if !self.steps.iter().any(|one| one.step == step) {
            let new = StepRecord { step, at: at.clone(), address: None, operation: None, state, message: None };
            self.steps.push(new);
        }
        if let Some(one) = self.steps.iter_mut().find(|one| one.step == step) {
            one.at = at;
            one.state = state;
            change(one);
        }
    }
}

fn damaged(index: usize, error: &serde_json::Error) -> Unreadable {
    // The error names a column of the line and what was expected, never the content.
    Unreadable::Damaged { line: index.saturating_add(1), message: error.to_string() }
}

/// The first line says of which version the others are: it is read before it is understood.
fn started(line: &str, cut: bool) -> Result<Record, Unreadable> {
    let value: serde_json::Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(_) if cut => return Err(Unreadable::Empty),
        Err(error) => return Err(damaged(0, &error)),
    };
    let version = value.get("format_version").and_then(serde_json::Value::as_str);
    if let Some(version) = version.filter(|version| *version != FORMAT_VERSION) {
        return Err(Unreadable::Version(version.to_owned()));
    }
    match Entry::parse(line) {
        Ok(Entry::RunStarted {
            format_version: _,
            run,
            at,
            tool,
            caller,
            manifests,
            owners,
            intent,
            reads_digest: _,
        }) => Ok(Record {
            run,
            at,
            tool,
            caller,
            manifests,
            owners,
            intent,
            steps: Vec::new(),
            sent: Vec::new(),
            ending: Ending::Unfinished,
            ended_at: None,
            cut: false,
        }),
        Ok(_) => {
            Err(Unreadable::Damaged { line: 1, message: "it does not begin with the beginning of a run".to_owned() })
        }
        Err(error) => Err(damaged(0, &error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = r#"{"entry":"run_started","format_version":"1.0","run":"r1","at":"2026-11-23T06:00:00Z","tool":"auditseal/0.1.0","caller":{"111122223333":"arn:aws:iam::111122223333:role/A"},"manifests":["acme"],"owners":{"acme":"d/b"},"reads_digest":"x"}"#;
    const WRITE: &str = r#"{"entry":"write_started","step":0,"at":"2026-11-23T06:00:01Z","address":"acme/bucket-versioning[audit]","place":{"cloud":"aws","account":"111122223333","region":"us-east-1"},"write":{"write":"enable_bucket_versioning","bucket":"b"},"query":null,"before":null}"#;
    const FINISHED: &str = r#"{"entry":"write_finished","step":0,"at":"2026-11-23T06:00:02Z","outputs":{}}"#;
    const FAILED: &str = r#"{"entry":"step_failed","step":1,"at":"2026-11-23T06:00:02Z","message":"refused"}"#;
    const END: &str = r#"{"entry":"run_finished","at":"2026-11-23T06:00:03Z","result":"partial"}"#;

    fn text(lines: &[&str]) -> String {
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    #[test]
    fn a_whole_journal_says_how_far_each_step_came() {
        let record = Record::parse(&text(&[START, WRITE, FINISHED, FAILED, END])).expect("record");
        assert_eq!((record.ending, record.writes(), record.cut), (Ending::Partial, 1, false));
        let states: Vec<_> = record.steps.iter().map(|step| (step.step, step.state)).collect();
        assert_eq!(states, [(0, StepState::Done), (1, StepState::Failed)]);
        assert_eq!(record.steps[0].operation, Some("s3:PutBucketVersioning"));
        assert_eq!(record.intent, Intent::Apply);
    }

    #[test]
    fn without_an_end_it_was_killed_or_goes_on() {
        let record = Record::parse(&text(&[START, WRITE])).expect("record");
        assert_eq!((record.ending, record.steps[0].state), (Ending::Unfinished, StepState::Started));
        assert_eq!(record.sent[0].outputs, None);
    }

    /// Cut at every byte: either the same journal with fewer entries, or named as empty; never an error, never a panic.
    #[test]
    fn a_journal_that_a_crash_cut_anywhere_is_read_up_to_there() {
        let whole = text(&[START, WRITE, FINISHED, FAILED, END]);
        for end in 0..whole.len() {
            let part = whole.get(..end).expect("ASCII");
            match Record::parse(part) {
                Ok(record) => assert_eq!(record.run, "r1"),
                Err(error) => assert_eq!(error, Unreadable::Empty, "cut at {end}"),
            }
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        let foreign = START.replacen("\"1.0\"", "\"7.3\"", 1);
        for (text, name) in [
            (text(&[&foreign, "who knows"]), "version"),
            (text(&[START, "{}", END]), "damaged"),
            (text(&[WRITE, END]), "damaged"),
            (text(&["\u{0}\u{1}"]), "damaged"),
            (String::new(), "empty"),
            ("\n\n".to_owned(), "empty"),
        ] {
            assert_eq!(Record::parse(&text).map_err(|error| error.name()), Err(name), "{text}");
        }
    }
}
