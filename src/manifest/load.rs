//! Manifests from the file system: the only place of the room that reads files.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::finding::{Finding, Span};
use crate::model::Desired;

use super::parse::{Defaults, parse_with, position, shown};
use super::source::error;
use super::walk::Places;
use super::{check_directory, codes};

/// Larger files are refused unread.
const MAX_BYTES: u64 = 1_000_000;
/// Stem of the file of shared defaults, which is no manifest.
const DEFAULTS: &str = "defaults";

/// A manifest that was read and is valid.
#[derive(Clone, Debug)]
pub struct Loaded {
    pub desired: Desired,
    pub path: PathBuf,
    pub text: String,
    /// Where its values stand, in it or in the shared defaults.
    pub places: Places,
}

/// Reads one manifest, or all of a directory (`*.toml`, not those of subdirectories), sorted by name. A `defaults.toml`
/// beside them lies below each. Checks them against each other too.
///
/// # Errors
/// Everything that is wrong with any of the files, sorted by file and position.
pub fn load(path: &Path) -> Result<Vec<Loaded>, Vec<Finding>> {
    let files = files(path).map_err(|finding| vec![*finding])?;
    let mut findings = Vec::new();
    let defaults = shared(path, &mut findings);
    let mut texts = Vec::new();
    for path in files {
        match read(&path) {
            Ok(text) => texts.push((path, text)),
            Err(finding) => findings.push(*finding),
        }
    }
    parse_all(texts, defaults.as_ref(), findings)
}

/// The same of texts that are at hand, each with the path that positions show. The stem of a path is the manifest's name.
///
/// # Errors
/// Everything that is wrong with any of the texts, sorted by file and position.
pub fn load_texts(
    manifests: Vec<(PathBuf, String)>,
    defaults: Option<&(String, String)>,
) -> Result<Vec<Loaded>, Vec<Finding>> {
    parse_all(manifests, defaults, Vec::new())
}

/// `findings` are about files that could not be read.
fn parse_all(
    texts: Vec<(PathBuf, String)>,
    defaults: Option<&(String, String)>,
    mut findings: Vec<Finding>,
) -> Result<Vec<Loaded>, Vec<Finding>> {
    let unread = findings.iter().any(|finding| is_defaults(Path::new(&finding.subject)));
    let below = defaults.map(|(file, text)| Defaults { file, text });
    let mut loaded = Vec::new();
    for (path, text) in texts {
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        match parse_with(&name, &path.display().to_string(), &text, below) {
            Ok((desired, places)) => loaded.push(Loaded { desired, path, text, places }),
            Err(wrong) => findings.extend(wrong.into_iter().filter(|finding| {
                // What is missing may stand in the shared defaults that could not be read.
                !(unread && matches!(finding.code.as_str(), codes::MISSING_KEY | codes::NO_ADMINS))
            })),
        }
    }
    findings.extend(check_directory(&loaded));
    findings.sort_by(|a, b| position(a).cmp(&position(b)).then_with(|| a.cmp(b)));
    findings.dedup();
    if findings.is_empty() { Ok(loaded) } else { Err(findings) }
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Box<Finding>> {
    let metadata = fs::metadata(path).map_err(|reason| unreadable(path, &reason))?;
    if !metadata.is_dir() {
        if is_defaults(path) {
            let message = format!("{} holds shared defaults, and is no manifest", shown(path));
            let help = "give the directory, or one of the manifests in it".to_owned();
            return Err(Box::new(error(codes::NO_MANIFESTS, &path.display().to_string(), message, Some(help), None)));
        }
        return Ok(vec![path.to_path_buf()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(|reason| unreadable(path, &reason))? {
        let file = entry.map_err(|reason| unreadable(path, &reason))?.path();
        let is_toml = file.extension().is_some_and(|extension| extension == "toml");
        // Editors keep their locks and backups as hidden files.
        let hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if is_toml && !hidden && file.file_stem().is_some_and(|stem| stem != DEFAULTS) {
            found.push(file);
        }
    }
    if found.is_empty() {
        let message = format!("no manifest in directory {}", shown(path));
        let help =
            "write one (`auditseal init`, with --from-live for what is there), or give another path with -m".to_owned();
        return Err(Box::new(error(codes::NO_MANIFESTS, &path.display().to_string(), message, Some(help), None)));
    }
    found.sort();
    Ok(found)
}

/// Whether a path is one manifest of several in its directory: accounts may be shared with the others.
#[must_use]
pub fn is_part(path: &Path) -> bool {
    // A name without a folder lies in the present one.
    let directory = path.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    let others = |all: Vec<PathBuf>| all.iter().any(|one| one.file_name() != path.file_name());
    // What cannot be listed may hold others.
    path.is_file() && directory.is_some_and(|directory| files(directory).map_or(true, others))
}

/// Whether a path is that of shared defaults.
#[must_use]
pub fn is_defaults(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "defaults.toml")
}

/// The `defaults.toml` of a directory, or of the directory that a single manifest is in: planning one manifest of a
/// directory must not change what it means.
fn shared(path: &Path, findings: &mut Vec<Finding>) -> Option<(String, String)> {
    let directory = if path.is_dir() { path } else { path.parent()? };
    let file = directory.join("defaults.toml");
    match read(&file) {
        Ok(text) => Some((file.display().to_string(), text)),
        Err(finding) if finding.code == codes::NOT_FOUND => None,
        Err(finding) => {
            findings.push(*finding);
            None
        }
    }
}

fn read(path: &Path) -> Result<String, Box<Finding>> {
    let failed = |reason: &std::io::Error| unreadable(path, reason);
    let metadata = fs::metadata(path).map_err(|reason| failed(&reason))?;
    if !metadata.is_file() {
        // Opening a pipe would wait for its writer.
        let message = format!("{} is not a regular file", shown(path));
        let help = "give the path of a manifest".to_owned();
        return Err(Box::new(error(codes::UNREADABLE, &path.display().to_string(), message, Some(help), None)));
    }
    let mut bytes = Vec::new();
    // The length in the metadata is zero for some special files, and a file can grow: the read itself is bounded.
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
        .map_err(|reason| failed(&reason))?;
    if bytes.len() as u64 > MAX_BYTES {
        let message = format!("{} is larger than 1 MB", shown(path));
        let help = "check that it is a manifest: they have a few kilobytes".to_owned();
        return Err(Box::new(error(codes::TOO_LARGE, &path.display().to_string(), message, Some(help), None)));
    }
    String::from_utf8(bytes).map_err(|wrong| {
        let valid = wrong.utf8_error().valid_up_to();
        let before = wrong.as_bytes().get(..valid).unwrap_or_default();
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let begin = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let column = before.get(begin..).map_or(0, |bytes| String::from_utf8_lossy(bytes).chars().count()) + 1;
        let file = path.display().to_string();
        let message = format!("{} is not UTF-8 text", shown(path));
        let span = Span { file: file.clone(), line, column, start: valid, end: valid };
        Box::new(error(codes::NOT_UTF8, &file, message, Some("save it as UTF-8".to_owned()), Some(span)))
    })
}

fn unreadable(path: &Path, reason: &std::io::Error) -> Box<Finding> {
    let file = path.display().to_string();
    let (code, message, help) = if reason.kind() == ErrorKind::NotFound {
        let message = format!("{} does not exist", shown(path));
        (codes::NOT_FOUND, message, "give the path of manifests with -m; `auditseal init` writes one")
    } else {
        let reason = reason.kind().to_string();
        (codes::UNREADABLE, format!("{} cannot be read: {reason}", shown(path)), "make it readable for this user")
    };
    Box::new(error(code, &file, message, Some(help.to_owned()), None))
}
