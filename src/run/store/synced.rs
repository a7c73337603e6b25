//! What is known to be the same here and in the store: a small file for each, under `.auditseal/synced`. One that is lost
//! makes both sides be looked at as if they had never met.

use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::decide::Base;
use super::names;
use crate::alert::{Disk, Files};
use crate::model::hex;

/// The notes about one store; those about another one do not count.
#[derive(Clone, Debug)]
pub(super) struct Synced {
    root: PathBuf,
}

impl Synced {
    pub fn of(folder: &Path, url: &str) -> Self {
        let name: String = digest(url.as_bytes()).chars().take(16).collect();
        Self { root: folder.join("synced").join(name) }
    }

    /// `None` also for a note that a crash cut.
    pub fn get(&self, name: &str) -> Option<Base> {
        let text = std::fs::read_to_string(self.path(name)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Notes that both are the same. Comes after what it says is on disk, and need not be: without it both are compared.
    pub fn note(&self, name: &str, etag: &str, content: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let base = Base { etag: etag.to_owned(), digest: digest(content) };
        std::fs::write(path, serde_json::to_string(&base).map_err(io::Error::other)?)
    }

    pub fn forget(&self, name: &str) -> io::Result<()> {
        Disk.remove(&self.path(name))
    }

    /// Names of the messages that notes are about.
    pub fn messages(&self) -> io::Result<Vec<String>> {
        names::messages(&self.root)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

pub(super) fn digest(content: &[u8]) -> String {
    hex(&Sha256::digest(content))
}
