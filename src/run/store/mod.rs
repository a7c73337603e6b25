//! Where a directory of manifests keeps what outlives a run: the local folder, usually `.auditseal`, and the bucket that
//! `[store]` declares. The folder is the working copy, synced to disk before anything depends on it; the store is the copy that
//! a machine without a memory begins with.
//!
//! Three kinds of things are kept, each with its own way of meeting somebody else's: a journal belongs to one run and only
//! grows, the memory of checks is replaced by whoever knew it and merged otherwise, a message of the outbox never changes.
//! Whatever is not certain is kept rather than lost.

mod decide;
mod journal;
mod journals;
mod memory;
mod names;
mod outbox;
mod synced;

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use journal::Journal;
pub use journals::Which;

use crate::alert::{Disk, Files, replace};
use crate::apply::Clock;
use crate::drift::MemoryError;
use crate::model::Observed;
use crate::provider::WriteError;
use crate::provider::aws::{Condition, Kept, Object, Objects};
use synced::Synced;

/// A write that fails in a way that passes is made this often, with this pause.
const ATTEMPTS: u32 = 4;
const AGAIN: Duration = Duration::from_secs(2);
/// No longer, whatever S3 asks for: somebody waits.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The local folder, with the store that is declared.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
    remote: Option<Remote>,
}

/// The declared store.
#[derive(Clone, Debug)]
struct Remote {
    objects: Objects,
    url: String,
    folder: PathBuf,
    synced: Synced,
}

/// Why folder and store are not of one mind.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store `{url}` could not be used: {message}")]
    Unavailable { url: String, message: String },
    #[error("`{}` could not be used: {error}", path.display())]
    Folder { path: PathBuf, error: std::io::Error },
    #[error(
        "the journal `{}` and its copy `{url}` are not of one run: move one of them away, and keep it until you know why",
        path.display()
    )]
    Diverged { path: PathBuf, url: String },
    #[error(
        "`{url}` holds what is open, and cannot be used: {error}; put a good copy in its place (the bucket may keep old \
         versions), or move it away to begin anew: everything that is open is then told again"
    )]
    Unusable { url: String, error: MemoryError },
    #[error("`{url}` was written by somebody else, again and again")]
    Contended { url: String },
}

impl StoreError {
    /// For `explain`; `None` for what is wrong with the disk of this machine.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Unavailable { .. } | Self::Contended { .. } => Some("store-unavailable"),
            Self::Diverged { .. } => Some("store-diverged"),
            Self::Unusable { .. } => Some("store-unusable"),
            Self::Folder { .. } => None,
        }
    }

    /// Whether the store could not be reached, or refused: what is in the folder can be worked with.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Contended { .. })
    }
}

impl Store {
    /// Only the folder.
    #[must_use]
    pub fn local(folder: &Path) -> Self {
        Self { folder: folder.to_path_buf(), remote: None }
    }

    /// The folder, and the objects that `url` names.
    #[must_use]
    pub fn declared(folder: &Path, url: String, objects: Objects) -> Self {
        let synced = Synced::of(folder, &url);
        let remote = Remote { objects, url, folder: folder.to_path_buf(), synced };
        Self { folder: folder.to_path_buf(), remote: Some(remote) }
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// As the manifest writes it; `None` where only the folder is there.
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.remote.as_ref().map(|remote| remote.url.as_str())
    }
}

impl Remote {
    fn url_of(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    fn path_of(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn unavailable(&self, message: impl ToString) -> StoreError {
        StoreError::Unavailable { url: self.url.clone(), message: message.to_string() }
    }

    fn failed(&self, name: &str) -> impl Fn(std::io::Error) -> StoreError {
        let path = self.path_of(name);
        move |error| StoreError::Folder { path: path.clone(), error }
    }

    /// An object, or `None` when there is none.
    async fn get(&self, name: &str) -> Result<Option<Object>, StoreError> {
        match self.objects.get(name).await {
            Observed::Present(object) => Ok(Some(object)),
            Observed::Absent => Ok(None),
            Observed::Unknown(gap) => Err(self.unavailable(gap)),
        }
    }

    /// Writes until that is accepted or certain to be refused. What somebody else wrote in the same words counts as written:
    /// most often that was an earlier attempt, the answer to which was lost.
    async fn put<C: Clock>(
        &self,
        clock: &C,
        name: &str,
        content: &[u8],
        condition: &Condition,
    ) -> Result<Kept, StoreError> {
        match self.patiently(clock, || self.objects.put(name, content, condition)).await? {
            Kept::Differs => {
                let there = self.get(name).await?.filter(|there| there.bytes == content);
                Ok(there.map_or(Kept::Differs, |there| Kept::Written(there.etag)))
            }
            written => Ok(written),
        }
    }

    async fn delete<C: Clock>(&self, clock: &C, name: &str) -> Result<(), StoreError> {
        self.patiently(clock, || self.objects.delete(name)).await
    }

    /// Tries a write again while its failure is one that passes.
    async fn patiently<C, T, F>(&self, clock: &C, attempt: impl Fn() -> F) -> Result<T, StoreError>
    where
        C: Clock,
        F: Future<Output = Result<T, WriteError>>,
    {
        let mut attempts = 1;
        loop {
            match attempt().await {
                Err(WriteError::Transient { retry_after, .. }) if attempts < ATTEMPTS => {
                    clock.sleep(retry_after.unwrap_or(AGAIN).min(LONGEST_PAUSE)).await;
                    attempts += 1;
                }
                Err(WriteError::Denied { permission: Some(permission), message }) => {
                    return Err(self.unavailable(format!("{message} (needs {permission})")));
                }
                ended => return ended.map_err(|error| self.unavailable(error)),
            }
        }
    }

    /// Reads a file of the folder; `None` when there is none.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match std::fs::read(self.path_of(name)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.failed(name)(error)),
        }
    }

    /// Replaces a file of the folder as a whole; it is on disk when this returns.
    fn write(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let path = self.path_of(name);
        let folder = path.parent().map_or(Ok(()), |folder| Disk.create_folder(folder));
        folder.and_then(|()| replace(&path, content)).map_err(self.failed(name))
    }

    fn note(&self, name: &str, etag: &str, content: &[u8]) -> Result<(), StoreError> {
        self.synced.note(name, etag, content).map_err(self.failed("synced"))
    }
}
