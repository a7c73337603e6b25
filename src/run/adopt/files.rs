//! The place of a new manifest: what is beside it, and writing it without touching anything that is there.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::finding::Finding;
use crate::manifest;

/// The directory that the manifest is going to be in.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Buckets that other manifests of the same Databricks account declare.
    pub buckets: Vec<String>,
    /// Whether there are other manifests: a plan of one of several narrows nothing that they share.
    pub others: bool,
    /// Name and text of the shared defaults.
    pub defaults: Option<(String, String)>,
}

/// Why a manifest was not written.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("`{}` is there already, and nothing is overwritten: give another place with -m, or another name with --name", .0.display())]
    Exists(PathBuf),
    #[error("`{}` could not be written: {cause}", .path.display())]
    Unwritable { path: PathBuf, cause: io::Error },
}

/// What stands beside the place of a new manifest.
///
/// # Errors
/// Everything that is wrong with the manifests that are there.
pub fn beside(directory: &Path, databricks_account: &str) -> Result<Beside, Vec<Finding>> {
    let mut beside = Beside::default();
    let Ok(entries) = fs::read_dir(directory) else { return Ok(beside) };
    let files: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    let is_toml = |path: &&PathBuf| path.extension().is_some_and(|extension| extension == "toml");
    if files.iter().filter(is_toml).any(|path| !manifest::is_defaults(path)) {
        let loaded = manifest::load(directory)?;
        beside.others = true;
        let same = loaded.iter().filter(|one| one.desired.databricks.account_id == databricks_account);
        beside.buckets = same.map(|one| one.desired.delivery.bucket.clone()).collect();
    }
    let defaults = directory.join("defaults.toml");
    beside.defaults = fs::read_to_string(&defaults).ok().map(|text| (defaults.display().to_string(), text));
    Ok(beside)
}

/// Writes a new file, as a whole or not at all, and its directory when that is missing. A file that is there stays as it
/// is, also when it came in the meantime.
///
/// # Errors
/// When the file is there, or cannot be written.
pub fn create(path: &Path, text: &str) -> Result<(), CreateError> {
    let failed = |cause| CreateError::Unwritable { path: path.to_path_buf(), cause };
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(directory).map_err(failed)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let beside = directory.join(format!(".{name}.{}", uuid::Uuid::new_v4()));
    let written = File::create_new(&beside).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // A link, unlike a rename, replaces nothing.
        fs::hard_link(&beside, path)
    });
    // Nothing else can be done about a file that is left over.
    let _ = fs::remove_file(&beside);
    written.map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => CreateError::Exists(path.to_path_buf()),
        _ => failed(cause),
    })
}

#[cfg(test)]
mod tests {
    use super::{CreateError, create};

    #[test]
    fn a_file_is_made_with_its_folder_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("manifests/acme.toml");
        create(&path, "version = 1\n").unwrap();
        let again = create(&path, "version = 2\n").unwrap_err();
        assert!(matches!(again, CreateError::Exists(_)), "{again}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "version = 1\n");
        let left = std::fs::read_dir(folder.path().join("manifests")).unwrap().count();
        assert_eq!(left, 1, "nothing is left over");
        let below = create(&path.join("b.toml"), "").unwrap_err();
        assert!(matches!(below, CreateError::Unwritable { .. }), "{below}");
    }
}
