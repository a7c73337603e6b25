//! What waits to be sent: a folder for each sink under `.auditseal/outbox`, a file for each message, numbered in the order in
//! which they are sent. A message is written beside, synced and renamed, so that a file is whole or not there; it is removed
//! when the sink has taken it.
//!
//! What a sink refused lies in `refused`, what is not as it was written in `damaged`: both are kept until somebody looks.

mod disk;
mod message;

pub(super) use disk::private;
pub use disk::{Disk, Files, Guard};

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::finding::Notice;
use crate::model::desired::Store;

/// Messages that may wait for one sink, those that it refused included: a year of one finding an hour. Beyond it new ones
/// are not kept, and that is said: what waits is never dropped to make room.
pub const MOST_WAITING: usize = 10_000;

const REFUSED: &str = "refused";
const DAMAGED: &str = "damaged";
/// Folders of a queue in which messages are put aside.
pub const ASIDE: [&str; 2] = [REFUSED, DAMAGED];
/// No label begins with a dot, so that no sink has this name.
const LOCK: &str = ".lock";
const TEMPORARY: &str = ".new";
/// Until when a sink asked not to be sent to.
const LATER: &str = ".later";
const EXTENSION: &str = ".json";

/// Longest pause of a sink that outlives a run: findings are told within the hour of its being well again.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);

/// Why a queue could not be used.
#[derive(Debug, thiserror::Error)]
#[error("the outbox `{}` could not be used: {error}", path.display())]
pub struct OutboxError {
    path: PathBuf,
    error: io::Error,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// It is on disk.
    Kept,
    /// It was already.
    Already,
    /// [`MOST_WAITING`] others wait.
    Full,
}

/// A message that waits: its name in the queue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    sink: String,
    file: String,
}

/// The queues of one directory of manifests.
#[derive(Debug)]
pub struct Outbox<F = Disk> {
    files: F,
    root: PathBuf,
}

impl Outbox<Disk> {
    /// `store` is `.auditseal` beside the manifests. Nothing is made before something is to be kept.
    #[must_use]
    pub fn at(store: &Path) -> Self {
        Self::on(Disk, store)
    }
}

impl<F: Files> Outbox<F> {
    pub(super) fn on(files: F, store: &Path) -> Self {
        Self { files, root: store.join(Store::OUTBOX) }
    }

    fn failed(&self) -> impl Fn(io::Error) -> OutboxError {
        let path = self.root.clone();
        move |error| OutboxError { path: path.clone(), error }
    }

    fn folder(&self, sink: &str) -> PathBuf {
        self.root.join(sink)
    }

    /// The right to add messages, for a moment; `None` while another process has it.
    ///
    /// # Errors
    /// As the file system's.
    pub fn lock(&self) -> Result<Option<Guard>, OutboxError> {
        self.files.create_folder(&self.root).map_err(self.failed())?;
        self.files.lock(&self.root.join(LOCK)).map_err(self.failed())
    }

    /// The right to send what waits for a sink; `None` while another process has it, so that nothing is sent twice at once.
    ///
    /// # Errors
    /// As the file system's.
    pub fn lock_sink(&self, sink: &str) -> Result<Option<Guard>, OutboxError> {
        let folder = self.folder(sink);
        self.files.create_folder(&folder).map_err(self.failed())?;
        self.files.lock(&folder.join(LOCK)).map_err(self.failed())
    }

    /// Keeps a message for a sink, behind those that wait. It is on disk when this returns.
    ///
    /// # Errors
    /// As the file system's; the message may be kept all the same, and is then not kept again.
    pub fn put(&self, _lock: &Guard, sink: &str, notice: &Notice) -> Result<Put, OutboxError> {
        self.put_file(sink, notice).map_err(self.failed())
    }

    fn put_file(&self, sink: &str, notice: &Notice) -> io::Result<Put> {
        let folder = self.folder(sink);
        self.files.create_folder(&folder)?;
        let waiting = self.names(&folder)?;
        let refused = self.names(&folder.join(REFUSED))?;
        let end = format!("-{}{EXTENSION}", notice.id());
        if waiting.iter().chain(&refused).any(|name| name.ends_with(&end)) {
            // A crash may have come between the renaming and the syncing of the folder.
            self.files.sync_folder(&folder)?;
            return Ok(Put::Already);
        }
        if waiting.len() + refused.len() >= MOST_WAITING {
            return Ok(Put::Full);
        }
        // Refused ones go back to their old places, so that their numbers are taken too.
        let last = waiting.iter().chain(&refused).filter_map(|name| number(name)).max().unwrap_or(0);
        let text = message::write(sink, notice)?;
        let temporary = folder.join(TEMPORARY);
        self.files.write(&temporary, text.as_bytes())?;
        self.files.rename(&temporary, &folder.join(format!("{:020}{end}", last.saturating_add(1))))?;
        self.files.sync_folder(&folder)?;
        Ok(Put::Kept)
    }

    /// What waits for a sink, in the order in which it is sent.
    ///
    /// # Errors
    /// As the file system's.
    pub fn waiting(&self, sink: &str) -> Result<Vec<Entry>, OutboxError> {
        let names = self.names(&self.folder(sink)).map_err(self.failed())?;
        Ok(names.into_iter().map(|file| Entry { sink: sink.to_owned(), file }).collect())
    }

    /// How many messages a sink refused that are still here.
    ///
    /// # Errors
    /// As the file system's.
    pub fn refused(&self, sink: &str) -> Result<usize, OutboxError> {
        self.names(&self.folder(sink).join(REFUSED)).map(|names| names.len()).map_err(self.failed())
    }

    /// The message, or `None` when the file is not what was written: it was then moved to `damaged`, and lies at the path that
    /// [`Outbox::damaged_path`] says.
    ///
    /// # Errors
    /// As the file system's.
    pub fn read(&self, entry: &Entry) -> Result<Option<Notice>, OutboxError> {
        let path = self.folder(&entry.sink).join(&entry.file);
        let bytes = self.files.read(&path).map_err(self.failed())?;
        let notice = message::read(&entry.sink, &bytes).filter(|notice| entry.file.ends_with(&suffix(notice)));
        if notice.is_none() {
            self.aside(entry, DAMAGED)?;
        }
        Ok(notice)
    }

    /// Where a damaged message lies.
    #[must_use]
    pub fn damaged_path(&self, entry: &Entry) -> PathBuf {
        self.folder(&entry.sink).join(DAMAGED).join(&entry.file)
    }

    /// The sink has taken it.
    ///
    /// # Errors
    /// As the file system's; it is then sent again, with the same id.
    pub fn done(&self, entry: &Entry) -> Result<(), OutboxError> {
        let folder = self.folder(&entry.sink);
        self.files.remove(&folder.join(&entry.file)).map_err(self.failed())?;
        self.files.sync_folder(&folder).map_err(self.failed())
    }

    /// Remembers that a sink asked for a pause, of an hour at most.
    ///
    /// # Errors
    /// As the file system's.
    pub fn put_off(&self, sink: &str, now: Timestamp, pause: Duration) -> Result<(), OutboxError> {
        let pause = SignedDuration::try_from(pause).unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE);
        let until = now.saturating_add(pause).unwrap_or(now);
        self.files.write(&self.folder(sink).join(LATER), until.to_string().as_bytes()).map_err(self.failed())
    }

    /// Until when a sink is left alone; `None` when it is not. What cannot be read, or lies further ahead than a pause can
    /// (a clock was set), is no pause.
    #[must_use]
    pub fn put_off_until(&self, sink: &str, now: Timestamp) -> Option<Timestamp> {
        let text = self.files.read(&self.folder(sink).join(LATER)).ok()?;
        let until: Timestamp = String::from_utf8(text).ok()?.parse().ok()?;
        (until > now && until.duration_since(now) <= LONGEST_PAUSE).then_some(until)
    }

    /// The sink will never take it: kept aside, so that others follow.
    ///
    /// # Errors
    /// As the file system's.
    pub fn refuse(&self, entry: &Entry) -> Result<(), OutboxError> {
        self.aside(entry, REFUSED)
    }

    fn aside(&self, entry: &Entry, place: &str) -> Result<(), OutboxError> {
        let folder = self.folder(&entry.sink);
        let aside = folder.join(place);
        let moved = || -> io::Result<()> {
            self.files.create_folder(&aside)?;
            self.files.rename(&folder.join(&entry.file), &aside.join(&entry.file))?;
            self.files.sync_folder(&aside)?;
            self.files.sync_folder(&folder)
        };
        moved().map_err(self.failed())
    }

    /// Puts what a sink refused back to where it was in the queue, and says how many there were.
    ///
    /// # Errors
    /// As the file system's.
    pub fn retry_refused(&self, _lock: &Guard, sink: &str) -> Result<usize, OutboxError> {
        let folder = self.folder(sink);
        let refused = folder.join(REFUSED);
        let moved = || -> io::Result<usize> {
            let names = self.names(&refused)?;
            for name in &names {
                self.files.rename(&refused.join(name), &folder.join(name))?;
            }
            if !names.is_empty() {
                self.files.sync_folder(&folder)?;
                self.files.sync_folder(&refused)?;
            }
            Ok(names.len())
        };
        moved().map_err(self.failed())
    }

    /// Every sink that has a queue here, declared or not, sorted.
    ///
    /// # Errors
    /// As the file system's.
    pub fn sinks(&self) -> Result<Vec<String>, OutboxError> {
        let mut sinks = self.files.folders(&self.root).map_err(self.failed())?;
        sinks.retain(|name| !name.starts_with('.'));
        sinks.sort();
        Ok(sinks)
    }

    /// Removes the queue of a sink that is not declared any more, and says how many messages were in it.
    ///
    /// # Errors
    /// As the file system's.
    pub fn remove(&self, _lock: &Guard, sink: &str) -> Result<usize, OutboxError> {
        let folder = self.folder(sink);
        let removed = || -> io::Result<usize> {
            let mut count = 0;
            for part in [folder.join(REFUSED), folder.join(DAMAGED), folder.clone()] {
                for name in self.names(&part)? {
                    self.files.remove(&part.join(name))?;
                    count += 1;
                }
                if part != folder {
                    self.files.remove_folder(&part)?;
                }
            }
            for rest in [TEMPORARY, LATER, LOCK] {
                self.files.remove(&folder.join(rest))?;
            }
            self.files.remove_folder(&folder)?;
            self.files.sync_folder(&self.root)?;
            Ok(count)
        };
        removed().map_err(self.failed())
    }

    /// Names of the messages in a folder, in their order; none when there is no such folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let mut names = match self.files.list(folder) {
            Ok(names) => names,
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        names.retain(|name| name.ends_with(EXTENSION) && !name.starts_with('.'));
        names.sort();
        Ok(names)
    }
}

fn suffix(notice: &Notice) -> String {
    format!("-{}{EXTENSION}", notice.id())
}

fn number(name: &str) -> Option<u64> {
    name.split('-').next()?.parse().ok()
}
