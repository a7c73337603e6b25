//! Files as sinks: lines that are appended, and a document that is replaced.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::outbox::{Disk, Files, private};

/// Appends one line, on disk before it returns. A line that an earlier crash cut short gets its end first, so that it spoils
/// no other.
///
/// # Errors
/// As the file system's; when the path is there and is no regular file.
pub fn append(path: &Path, line: &str) -> io::Result<()> {
    let is_new = !exists(path)?;
    let mut options = private();
    let mut file = options.read(true).append(true).create(true).open(path)?;
    // Others may append too, and half a line of theirs is not ours to end.
    file.lock()?;
    let mut text = String::with_capacity(line.len().saturating_add(2));
    if !ends_a_line(&mut file)? {
        text.push('\n');
    }
    text.push_str(line);
    text.push('\n');
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    if is_new { sync_name(path) } else { Ok(()) }
}

/// Replaces a document as a whole: readers see the old one or the new one, wherever this ends.
///
/// # Errors
/// As the file system's; when the path is there and is no regular file.
pub fn replace(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    exists(path)?;
    let draft = write_beside(path, content.as_ref())?;
    if let Err(error) = std::fs::rename(&draft, path) {
        // Nothing of it is of use; the error that is told is the first.
        let _ = std::fs::remove_file(&draft);
        return Err(error);
    }
    sync_name(path)
}

/// Finds out whether [`replace`] would work, and changes nothing.
///
/// # Errors
/// As [`replace`].
pub fn check_writable(path: &Path) -> io::Result<()> {
    exists(path)?;
    std::fs::remove_file(write_beside(path, &[])?)
}

fn write_beside(path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    // A name of its own: two that write at one time do not write into each other.
    let draft = path.with_file_name(format!(".{name}.{}.tmp", uuid::Uuid::new_v4()));
    if let Err(error) = Disk.write(&draft, content) {
        let _ = std::fs::remove_file(&draft);
        return Err(error);
    }
    Ok(draft)
}

/// Opening a pipe would wait for its reader; a device keeps nothing.
fn exists(path: &Path) -> io::Result<bool> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(true),
        Ok(_) => Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file")),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0_u8];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// The name has to survive a crash as well as the content.
fn sync_name(path: &Path) -> io::Result<()> {
    Disk.sync_folder(path.parent().unwrap_or(Path::new("")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_appended_and_a_cut_one_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("findings.jsonl");
        append(&path, "one").unwrap();
        append(&path, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        std::fs::write(&path, "one\ntw").unwrap();
        append(&path, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntw\ntwo\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let made = folder.path().join("made.jsonl");
            append(&made, "x").unwrap();
            assert_eq!(std::fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_no_file_is_refused_and_a_missing_folder_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        assert!(append(folder.path(), "x").is_err());
        assert!(replace(folder.path(), "x").is_err());
        let missing = folder.path().join("no/findings.jsonl");
        assert_eq!(append(&missing, "x").unwrap_err().kind(), ErrorKind::NotFound);
        assert!(check_writable(&missing).is_err());
        assert!(!folder.path().join("no").exists());
    }

    #[test]
    fn documents_are_replaced_and_checks_leave_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("open.sarif");
        check_writable(&path).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        replace(&path, "a").unwrap();
        replace(&path, "b").unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "b");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
