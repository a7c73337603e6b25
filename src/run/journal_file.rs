//! Journals on disk: `.auditseal/runs/<run>.jsonl` beside the manifests.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::apply::{RecordError, Recorder};
use crate::journal::Entry;

/// One run's journal. Every entry is on disk before `record` returns.
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
        let runs = directory.join("runs");
        std::fs::create_dir_all(&runs)?;
        let path = runs.join(format!("{run}.jsonl"));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        // The name has to survive a crash as well as the content.
        File::open(&runs)?.sync_all()?;
        Ok(Self { file, path })
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Recorder for JournalFile {
    fn record(&mut self, entry: &Entry) -> Result<(), RecordError> {
        let failed = |error: &dyn std::fmt::Display| RecordError(format!("{}: {error}", self.path.display()));
        let mut line = entry.line().map_err(|error| failed(&error))?;
        line.push('\n');
        self.file.write_all(line.as_bytes()).map_err(|error| failed(&error))?;
        self.file.sync_data().map_err(|error| failed(&error))
    }
}
