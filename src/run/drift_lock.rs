//! One check of a store at a time: two that read one memory and write it one after the other would lose what the first one
//! opened or closed, and tell it twice.
//!
//! The lock is the operating system's on a file beside the memory, which ends with the process that holds it, however that
//! ends: there is none that has to be broken.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::alert::{Disk, Files, Guard};

const NAME: &str = "drift.lock";
/// Pause between two attempts.
const PAUSE: Duration = Duration::from_millis(100);
/// More of a file that somebody else wrote is not shown.
const LONGEST_HOLDER: u64 = 200;

/// Held until it is dropped.
#[derive(Debug)]
pub struct CheckLock {
    _guard: Guard,
}

/// Why a check cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum CheckLockError {
    #[error("`{}` cannot be locked: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    /// Not within the time that was given.
    #[error("another check is using `{}` ({holder}); wait for it, or give it a folder of its own with `--store`", path.display())]
    Held { path: PathBuf, holder: String },
}

/// Takes the lock of a store (usually `.auditseal`), which is made when it is not there. `timeout` is by the clock of the
/// machine: the other check is a process on it. `on_wait` is told once, when there is something to wait for.
///
/// # Errors
/// When another check holds it for that long, or the file system has no locks.
pub async fn lock(
    store: &Path,
    timeout: Duration,
    on_wait: impl FnOnce(&CheckLockError),
) -> Result<CheckLock, CheckLockError> {
    let path = store.join(NAME);
    let failed = |error| CheckLockError::File { path: path.clone(), error };
    std::fs::create_dir_all(store).map_err(failed)?;
    let mut on_wait = Some(on_wait);
    let begun = Instant::now();
    loop {
        if let Some(guard) = Disk.lock(&path).map_err(failed)? {
            sign(&path).map_err(failed)?;
            return Ok(CheckLock { _guard: guard });
        }
        let held = CheckLockError::Held { path: path.clone(), holder: holder(&path) };
        if begun.elapsed() >= timeout {
            return Err(held);
        }
        if let Some(on_wait) = on_wait.take() {
            on_wait(&held);
        }
        tokio::time::sleep(PAUSE.min(timeout.saturating_sub(begun.elapsed()))).await;
    }
}

/// Says who holds it, for those who wait.
fn sign(path: &Path) -> std::io::Result<()> {
    let since = Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default();
    std::fs::write(path, format!("process {}, since {since}", std::process::id()))
}

fn holder(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST_HOLDER).read_to_string(&mut text));
    match read {
        Ok(_) if !text.is_empty() => text,
        // It has just been taken, or just been given back.
        _ => "it does not say which".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_one_has_it_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("kept/here");
        let first = lock(&store, Duration::ZERO, |_| panic!("nobody has it")).await.unwrap();
        let mut waited = false;
        let short = Duration::from_millis(10);
        let refused = lock(&store, short, |_| waited = true).await.unwrap_err().to_string();
        assert!(waited);
        assert!(refused.contains(&format!("process {}, since ", std::process::id())), "{refused}");
        let release = async {
            tokio::time::sleep(short).await;
            drop(first);
        };
        let (second, ()) = tokio::join!(lock(&store, Duration::from_secs(60), |_| {}), release);
        drop(second.unwrap());
        lock(&store, Duration::ZERO, |_| panic!("it was given back")).await.unwrap();
    }

    #[tokio::test]
    async fn a_store_that_cannot_be_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = lock(&file, Duration::ZERO, |_| {}).await.unwrap_err().to_string();
        assert!(error.contains("file/drift.lock` cannot be locked"), "{error}");
    }
}
