//! The operations that a queue is made of, each of which a crash can come after.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// A lock that is held until this is dropped, or the process ends.
#[derive(Debug)]
pub struct Guard {
    _file: Option<File>,
}

impl Guard {
    pub(crate) fn of(file: Option<File>) -> Self {
        Self { _file: file }
    }
}

/// The file system, as far as a queue needs it.
pub trait Files {
    /// Makes a folder and those around it, readable by the owner only; nothing when it is there.
    ///
    /// # Errors
    /// As all here: what the file system says.
    fn create_folder(&self, path: &Path) -> io::Result<()>;
    /// Writes and syncs a file; what was there is replaced.
    #[expect(clippy::missing_errors_doc, reason = "said at the first one")]
    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()>;
    /// Gives a file another name, in one step.
    #[expect(clippy::missing_errors_doc, reason = "said at the first one")]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a folder survive a crash.
    #[expect(clippy::missing_errors_doc, reason = "said at the first one")]
    fn sync_folder(&self, path: &Path) -> io::Result<()>;
    #[expect(clippy::missing_errors_doc, reason = "said at the first one")]
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;
    /// Removes a file; nothing when it is gone.
    #[expect(clippy::missing_errors_doc, reason = "said at the first one")]
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty folder; nothing when it is gone.
    #[expect(clippy::missing_errors_doc, reason = "said at the first one")]
    fn remove_folder(&self, path: &Path) -> io::Result<()>;
    /// Names of the files in a folder.
    #[expect(clippy::missing_errors_doc, reason = "said at the first one")]
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Names of the folders in a folder; none when it is not there.
    #[expect(clippy::missing_errors_doc, reason = "said at the first one")]
    fn folders(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Takes a lock, `None` when another process holds it.
    #[expect(clippy::missing_errors_doc, reason = "said at the first one")]
    fn lock(&self, path: &Path) -> io::Result<Option<Guard>>;
}

/// The real one.
#[derive(Clone, Copy, Debug)]
pub struct Disk;

/// Readable by the owner only when it is made: findings say where somebody could get in.
pub(in crate::alert) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn unless_gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn names(path: &Path, wanted: fn(&std::fs::FileType) -> bool) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        if wanted(&entry.file_type()?) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

impl Files for Disk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
        // Its name has to survive a crash as well as what is written into it.
        path.parent().map_or(Ok(()), |parent| self.sync_folder(parent))
    }

    fn write(&self, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = private().write(true).create(true).truncate(true).open(path)?;
        file.write_all(content)?;
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let path = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        File::open(path)?.sync_all()
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        unless_gone(std::fs::remove_file(path))
    }

    fn remove_folder(&self, path: &Path) -> io::Result<()> {
        unless_gone(std::fs::remove_dir(path))
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        names(path, std::fs::FileType::is_file)
    }

    fn folders(&self, path: &Path) -> io::Result<Vec<String>> {
        match names(path, std::fs::FileType::is_dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            other => other,
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Guard>> {
        let file = private().write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Guard::of(Some(file)))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}
