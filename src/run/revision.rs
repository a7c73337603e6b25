//! Manifests as a git revision has them: read from the repository, never from the network or the working tree.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::manifest::is_defaults;

/// Larger files are refused unread, as on disk.
const MAX_BYTES: usize = 1_000_000;

/// The texts of one side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts {
    pub manifests: Vec<(PathBuf, String)>,
    /// File and text of the shared defaults.
    pub defaults: Option<(String, String)>,
}

#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    #[error("git could not be run: {0}; install it, or compare two paths")]
    NoGit(std::io::Error),
    #[error("`{0}` is neither a path nor a revision of this repository: {1}; in CI, fetch it first")]
    Unknown(String, String),
    #[error("`{0}` could not be read from the repository: {1}")]
    Unreadable(String, String),
}

/// Reads the manifests at `path`, a file or directory below the working directory, in a revision. A path that the revision
/// does not have holds no manifests.
///
/// # Errors
/// When there is no such revision, or an object of it cannot be read.
pub fn read(revision: &str, path: &Path) -> Result<Texts, RevisionError> {
    let commit = format!("{revision}^{{commit}}");
    let found = git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &commit])?;
    if !found.status.success() {
        return Err(RevisionError::Unknown(revision.to_owned(), said(&found)));
    }
    let path = path.strip_prefix(".").ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path);
    let commit = String::from_utf8_lossy(&found.stdout).trim().to_owned();
    let mut entries = list(revision, &commit, path)?;
    let single = matches!(entries.as_slice(), [one] if one.kind == "blob" && one.path == path);
    if single {
        // Planning one manifest of a directory must not change what it means.
        entries.extend(list(revision, &commit, &path.with_file_name("defaults.toml"))?);
    } else {
        entries = list(revision, &commit, &path.join(""))?;
    }
    let mut texts = Texts::default();
    for entry in entries.into_iter().filter(Entry::is_manifest) {
        let shown = shown(revision, &entry.path);
        if entry.mode == "120000" {
            return Err(RevisionError::Unreadable(shown, "it is a symbolic link".to_owned()));
        }
        let text = blob(&shown, &entry.object)?;
        if is_defaults(&entry.path) {
            texts.defaults = Some((shown, text));
        } else {
            texts.manifests.push((PathBuf::from(shown), text));
        }
    }
    texts.manifests.sort();
    Ok(texts)
}

/// As git itself names a file of a revision, below the working directory.
fn shown(revision: &str, path: &Path) -> String {
    let here = path.parent().is_none_or(|parent| parent.as_os_str().is_empty());
    format!("{revision}:{}{}", if here { "./" } else { "" }, path.display())
}

/// One line of `git ls-tree`.
struct Entry {
    mode: String,
    kind: String,
    object: String,
    /// From the working directory.
    path: PathBuf,
}

impl Entry {
    fn is_manifest(&self) -> bool {
        let hidden = self.path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        self.kind == "blob" && !hidden && self.path.extension().is_some_and(|extension| extension == "toml")
    }
}

fn list(revision: &str, commit: &str, path: &Path) -> Result<Vec<Entry>, RevisionError> {
    let asked = path.to_string_lossy();
    let output = git(&["ls-tree", "-z", commit, "--", &asked])?;
    if !output.status.success() {
        return Err(RevisionError::Unreadable(format!("{revision}:{asked}"), said(&output)));
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let entry = |line: &str| {
        let (head, path) = line.split_once('\t')?;
        let mut words = head.split(' ').map(str::to_owned);
        Some(Entry { mode: words.next()?, kind: words.next()?, object: words.next()?, path: PathBuf::from(path) })
    };
    Ok(text.split('\0').filter_map(entry).collect())
}

fn blob(shown: &str, object: &str) -> Result<String, RevisionError> {
    let failed = |why: &str| RevisionError::Unreadable(shown.to_owned(), why.to_owned());
    let size = git(&["cat-file", "-s", object])?;
    let bytes: Option<usize> = String::from_utf8_lossy(&size.stdout).trim().parse().ok();
    match bytes {
        Some(bytes) if size.status.success() && bytes <= MAX_BYTES => {}
        Some(_) if size.status.success() => return Err(failed("it is larger than 1 MB")),
        _ => return Err(failed(&said(&size))),
    }
    let output = git(&["cat-file", "blob", object])?;
    if !output.status.success() {
        return Err(failed(&said(&output)));
    }
    String::from_utf8(output.stdout).map_err(|_| failed("it is not UTF-8 text"))
}

/// Runs git in the working directory, without prompts and without the network.
fn git(arguments: &[&str]) -> Result<Output, RevisionError> {
    let mut command = Command::new("git");
    command.args(["--literal-pathspecs", "--no-pager"]).args(arguments);
    for (name, value) in [("GIT_TERMINAL_PROMPT", "0"), ("GIT_OPTIONAL_LOCKS", "0"), ("GIT_NO_LAZY_FETCH", "1")] {
        command.env(name, value);
    }
    command.stdin(std::process::Stdio::null()).output().map_err(RevisionError::NoGit)
}

/// The first line of what git complains about.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    text.lines().next().map_or_else(|| "git says nothing more".to_owned(), |line| line.trim().to_owned())
}
