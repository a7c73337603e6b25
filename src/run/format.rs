//! Manifests on disk in their canonical form.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::finding::Finding;
use crate::manifest;

/// A file, or standard input, before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formatted {
    /// As it was named.
    pub file: String,
    pub before: String,
    pub after: String,
}

impl Formatted {
    #[must_use]
    pub fn changes(&self) -> bool {
        self.before != self.after
    }
}

/// Why a file was not formatted.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    #[error("`{file}` could not be read: {cause}")]
    Unreadable { file: String, cause: io::Error },
    #[error("`{file}` could not be written: {cause}")]
    Unwritable { file: String, cause: io::Error },
    #[error("`{file}` is not valid TOML")]
    Invalid { file: String, text: String, findings: Vec<Finding> },
}

/// The files of a path: itself, or every `*.toml` of a directory, without those of its subdirectories, sorted.
///
/// # Errors
/// When a directory cannot be listed.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, FormatError> {
    if !path.is_dir() {
        return Ok(vec![path.to_path_buf()]);
    }
    let failed = |cause| FormatError::Unreadable { file: path.display().to_string(), cause };
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && file.is_file() && file.extension().is_some_and(|extension| extension == "toml") {
            found.push(file);
        }
    }
    found.sort();
    Ok(found)
}

/// Formats a file in memory.
///
/// # Errors
/// When it cannot be read, or is no TOML.
pub fn format(path: &Path) -> Result<Formatted, FormatError> {
    let file = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => format_text(file, text),
        Err(cause) => Err(FormatError::Unreadable { file, cause }),
    }
}

/// Formats a text.
///
/// # Errors
/// When it is no TOML.
pub fn format_text(file: String, text: String) -> Result<Formatted, FormatError> {
    match manifest::format(&file, &text) {
        Ok(after) => Ok(Formatted { file, before: text, after }),
        Err(findings) => Err(FormatError::Invalid { file, text, findings }),
    }
}

/// Replaces a file by its formatted text: as a whole or not at all, with the mode that it had. A symbolic link stays one.
///
/// # Errors
/// When the file or a neighbour of it cannot be written; the file is then as it was.
pub fn write(path: &Path, formatted: &Formatted) -> Result<(), FormatError> {
    let failed = |cause| FormatError::Unwritable { file: formatted.file.clone(), cause };
    let target = fs::canonicalize(path).map_err(failed)?;
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = target.with_file_name(format!(".{name}.{}", uuid::Uuid::new_v4()));
    let written = fs::metadata(&target).and_then(|metadata| {
        let mut file = File::create_new(&beside)?;
        file.set_permissions(metadata.permissions())?;
        file.write_all(formatted.after.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &target)
    });
    written.map_err(|cause| {
        // Nothing else can be done about a file that is left over.
        let _ = fs::remove_file(&beside);
        failed(cause)
    })
}
