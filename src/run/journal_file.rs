//! Journals on disk: `.auditseal/runs/<run>.jsonl` beside the manifests.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::apply::RecordError;
use crate::journal::{Entry, RunResult};
use crate::model::desired::Store;

/// One run's journal. It is locked as long as this is there: others see that its run goes on.
#[derive(Debug)]
pub struct JournalFile {
    file: File,
    path: PathBuf,
}

impl JournalFile {
    /// Creates the journal of a new run under `directory` (usually `.auditseal`), readable by the owner only: it holds
    /// policies and identifiers, never secrets.
    ///
    /// # Errors
    /// When the directory or file cannot be made, or a journal of that run exists.
    pub fn create(directory: &Path, run: &str) -> std::io::Result<Self> {
        let runs = directory.join(Store::RUNS);
        std::fs::create_dir_all(&runs)?;
        let path = runs.join(format!("{run}.jsonl"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        // Where files cannot be locked, a journal under way looks like one that was left: it is only kept the sooner.
        let _ = file.try_lock();
        // The name has to survive a crash as well as the content.
        File::open(&runs)?.sync_all()?;
        Ok(Self { file, path })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds an entry, and gives it as it was written. It is on disk when this returns.
    ///
    /// # Errors
    /// When it is not.
    pub fn append(&mut self, entry: &Entry) -> Result<String, RecordError> {
        let failed = |error: &dyn std::fmt::Display| RecordError(format!("{}: {error}", self.path.display()));
        let mut line = entry.line().map_err(|error| failed(&error))?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(|error| failed(&error))?;
        self.file.sync_data().map_err(|error| failed(&error))?;
        Ok(line)
    }
}

/// The newest run under `directory`, if it did not reach its end: killed, or stopped by a signal. Deliveries may not have
/// been seen to survive what it changed.
#[must_use]
pub fn unfinished(directory: &Path) -> Option<String> {
    let runs = std::fs::read_dir(directory.join(Store::RUNS)).ok()?;
    // A draft that a crash left is no journal.
    let is_journal = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "jsonl");
    let journals = runs.filter_map(Result::ok).map(|entry| entry.path()).filter(is_journal);
    let (_, newest) = journals.filter_map(|path| Some((began(&path)?, path))).max()?;
    let text = std::fs::read_to_string(&newest).ok()?;
    // A line that a crash cut in two is no end either.
    let ended = matches!(
        text.lines().last().map(Entry::parse),
        Some(Ok(Entry::RunFinished { result: RunResult::Applied | RunResult::Partial, .. }))
    );
    if ended { None } else { newest.file_stem().map(|stem| stem.to_string_lossy().into_owned()) }
}

/// When a run began, as its journal says: the file may have come from a store long after. One that says nothing yet is as
/// old as its file.
fn began(path: &Path) -> Option<Timestamp> {
    let file = File::open(path).ok()?;
    let written = file.metadata().and_then(|metadata| metadata.modified()).ok()?;
    let mut first = String::new();
    // A line that is no text says nothing.
    let _ = BufReader::new(file).read_line(&mut first);
    match Entry::parse(&first) {
        Ok(Entry::RunStarted { at, .. }) => at.parse().ok(),
        _ => None,
    }
    .or_else(|| Timestamp::try_from(written).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_run_is_the_one_that_began_last() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(unfinished(folder.path()), None);
        std::fs::create_dir(folder.path().join("runs")).unwrap();
        let put = |run: &str, text: String| std::fs::write(folder.path().join("runs").join(run), text).unwrap();
        let start = |run: &str, at: &str| {
            format!(
                r#"{{"entry":"run_started","format_version":"1.0","run":"{run}","at":"{at}","tool":"t","caller":{{}},"manifests":[],"reads_digest":""}}"#
            ) + "\n"
        };
        let end = "{\"entry\":\"run_finished\",\"at\":\"2026-11-23T07:00:00Z\",\"result\":\"applied\"}\n";
        // Written in the order in which they came from a store, which is not that of the runs.
        put("b.jsonl", start("b", "2026-11-23T06:00:00Z"));
        put("a.jsonl", start("a", "2026-11-22T06:00:00Z") + end);
        put(".a.jsonl.1.tmp", "{".to_owned());
        assert_eq!(unfinished(folder.path()).as_deref(), Some("b"));
        put("c.jsonl", start("c", "2026-11-23T06:30:00Z") + end);
        assert_eq!(unfinished(folder.path()), None);
        put("d.jsonl", "{\"entry\":\"run_st".to_owned());
        assert_eq!(unfinished(folder.path()).as_deref(), Some("d"), "it died at its first line");
    }
}
