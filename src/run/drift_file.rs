//! What checks remember, on disk: `.auditseal/drift.json` beside the manifests.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::alert::replace;
use crate::drift::{Memory, MemoryError};
use crate::model::desired::Store;

const NAME: &str = Store::MEMORY;

/// Why the memory cannot be used. It is never begun anew in silence: everything that is open would be told again, and what
/// closed meanwhile never.
#[derive(Debug, thiserror::Error)]
pub enum DriftFileError {
    #[error("`{}` could not be {what}: {error}", path.display())]
    File { path: PathBuf, what: &'static str, error: std::io::Error },
    #[error(
        "`{}` holds what is open, and cannot be used: {error}; put a good copy in its place, or move it away to begin anew: \
         everything that is open is then told again", path.display()
    )]
    Unusable { path: PathBuf, error: MemoryError },
    #[error("what is open cannot be written down: {0}")]
    Text(serde_json::Error),
}

/// Reads the memory under `store` (usually `.auditseal`); where there is none, nothing was checked yet.
///
/// # Errors
/// When it cannot be read, is damaged or of another version.
pub fn load(store: &Path) -> Result<Memory, DriftFileError> {
    let path = store.join(NAME);
    match std::fs::read_to_string(&path) {
        Ok(text) => Memory::parse(&text).map_err(|error| DriftFileError::Unusable { path, error }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Memory::empty()),
        Err(error) => Err(DriftFileError::File { path, what: "read", error }),
    }
}

/// Writes the memory in one piece, readable by the owner only: whatever happens, the file is the old one or the new one.
///
/// # Errors
/// When it cannot be written.
pub fn save(store: &Path, memory: &Memory) -> Result<(), DriftFileError> {
    let text = memory.text().map_err(DriftFileError::Text)?;
    let path = store.join(NAME);
    let written = std::fs::create_dir_all(store).and_then(|()| replace(&path, &text));
    written.map_err(|error| DriftFileError::File { path, what: "written", error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_loaded_and_nothing_else_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join(".auditseal");
        assert_eq!(load(&store).unwrap(), Memory::empty());
        let memory = Memory { checked_at: Some("2026-11-23T10:00:00Z".parse().unwrap()), ..Memory::empty() };
        save(&store, &Memory::empty()).unwrap();
        save(&store, &memory).unwrap();
        assert_eq!(load(&store).unwrap(), memory);
        let files: Vec<_> = std::fs::read_dir(&store).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, [NAME]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(store.join(NAME)).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_damaged_or_foreign_memory_is_named_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        for (text, said) in [
            ("{\"format_version\": \"1.0\", \"open", "damaged"),
            (
                "{\"format_version\": \"1.0\", \"begun_at\": null, \"checked_at\": null, \"open\": [], \"more\": 1}",
                "unknown field",
            ),
            ("{\"format_version\": \"2.0\"}", "format 2.0"),
            ("[]", "format none"),
            ("", "damaged"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = load(folder.path()).unwrap_err().to_string();
            assert!(error.contains(said) && error.contains("drift.json") && error.contains("move it away"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }
}
