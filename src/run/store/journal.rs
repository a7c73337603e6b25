//! The journal of the run that is under way: on disk, and in the store before the request that an entry announces is sent.

use super::{Remote, Store, StoreError, names};
use crate::apply::{Clock, RecordError, Recorder};
use crate::journal::Entry;
use crate::provider::aws::{Condition, Kept};
use crate::run::journal_file::JournalFile;

/// S3 has no append: the object is written as a whole, under the condition that it is the one that this run wrote last.
#[derive(Debug)]
pub struct Journal<'a, C> {
    file: JournalFile,
    name: String,
    remote: Option<&'a Remote>,
    clock: &'a C,
    /// Everything so far.
    content: Vec<u8>,
    /// Of the object, once there is one.
    etag: Option<String>,
    trouble: Option<StoreError>,
}

impl Store {
    /// Begins the journal of a new run.
    ///
    /// # Errors
    /// As [`JournalFile::create`].
    pub fn journal<'a, C: Clock>(&'a self, run: &str, clock: &'a C) -> std::io::Result<Journal<'a, C>> {
        let file = JournalFile::create(&self.folder, run)?;
        let name = names::journal_of(run);
        let remote = self.remote.as_ref();
        Ok(Journal { file, name, remote, clock, content: Vec::new(), etag: None, trouble: None })
    }
}

impl<C: Clock> Journal<'_, C> {
    /// Why the run could not even begin: the store took nothing of its journal, so that nothing was sent. The file is
    /// removed, for it tells of a run that was none. `None` when something else went wrong, or later.
    pub fn unbegun(self) -> Option<StoreError> {
        if self.etag.is_some() {
            return None;
        }
        let trouble = self.trouble?;
        // What cannot be removed is a journal of no write.
        let _ = std::fs::remove_file(self.file.path());
        Some(trouble)
    }

    fn append(&mut self, entry: &Entry) -> Result<(), RecordError> {
        let line = self.file.append(entry)?;
        self.content.extend_from_slice(line.as_bytes());
        Ok(())
    }

    async fn upload(&mut self, remote: &Remote) -> Result<(), StoreError> {
        let condition = self.etag.clone().map_or(Condition::New, Condition::Replaces);
        match remote.put(self.clock, &self.name, &self.content, &condition).await? {
            Kept::Written(etag) => {
                if self.etag.is_none() {
                    // That it was there once: without this note it is only compared again.
                    let _ = remote.note(&self.name, &etag, &self.content);
                }
                self.etag = Some(etag);
                Ok(())
            }
            Kept::Differs => Err(remote.diverged(&self.name)),
        }
    }
}

/// Whether an entry has to be in the store at once: it announces a request, holds an id that nobody else knows, or is the
/// first or last. The others go with the next one, since nothing is sent between.
fn is_urgent(entry: &Entry) -> bool {
    match entry {
        Entry::RunStarted { .. } | Entry::WriteStarted { .. } | Entry::RunFinished { .. } => true,
        Entry::WriteFinished { outputs, .. } => !outputs.is_empty(),
        Entry::AlreadyThere { .. } | Entry::Waited { .. } | Entry::StepFailed { .. } | Entry::Undone { .. } => false,
    }
}

impl<C: Clock> Recorder for Journal<'_, C> {
    async fn record(&mut self, entry: &Entry) -> Result<(), RecordError> {
        self.append(entry)?;
        let Some(remote) = self.remote.filter(|_| is_urgent(entry)) else { return Ok(()) };
        match self.upload(remote).await {
            Ok(()) => Ok(()),
            Err(error) => {
                let told = RecordError(format!("{error}; it is whole in `{}`", self.file.path().display()));
                self.trouble = Some(error);
                Err(told)
            }
        }
    }

    async fn record_undo(&mut self, entry: &Entry) -> Result<(), RecordError> {
        self.append(entry)?;
        if let Some(remote) = self.remote
            && let Err(error) = self.upload(remote).await
        {
            self.trouble = Some(error);
        }
        Ok(())
    }
}
