//! Two sides of a change, from git or from disk, compared.

use std::collections::BTreeMap;
use std::path::Path;

use crate::finding::Finding;
use crate::manifest::{self, Loaded};
use crate::model::Desired;
use crate::review::{Review, review};

use super::clock::today;
use super::revision::{self, RevisionError};

/// Manifests that are not valid, and the texts that their positions point into, by file.
#[derive(Debug)]
pub struct Invalid {
    pub findings: Vec<Finding>,
    pub texts: BTreeMap<String, String>,
}

#[derive(Debug)]
pub enum ReviewError {
    Revision(RevisionError),
    Invalid(Invalid),
    /// Neither side has a manifest.
    Nothing,
}

/// Compares two sides. Each is a path that exists, or a revision, in which the manifests are at `manifests`.
///
/// # Errors
/// When a revision cannot be read, or a manifest of either side is not valid: then all of both sides is told.
pub fn compare(base: &str, head: &str, manifests: &Path) -> Result<Review, ReviewError> {
    let mut invalid = Invalid { findings: Vec::new(), texts: BTreeMap::new() };
    let base = side(base, manifests, &mut invalid)?;
    let head = side(head, manifests, &mut invalid)?;
    match (invalid.findings.is_empty(), base.is_empty() && head.is_empty()) {
        (false, _) => Err(ReviewError::Invalid(invalid)),
        (true, true) => Err(ReviewError::Nothing),
        (true, false) => Ok(review(&base, &head, today())),
    }
}

fn side(asked: &str, manifests: &Path, invalid: &mut Invalid) -> Result<Vec<Desired>, ReviewError> {
    let path = Path::new(asked);
    let loaded: Result<Vec<Loaded>, Vec<Finding>> = if path.exists() {
        manifest::load(path)
    } else {
        let texts = revision::read(asked, manifests).map_err(ReviewError::Revision)?;
        let named = texts.manifests.iter().map(|(path, text)| (path.display().to_string(), text.clone()));
        invalid.texts.extend(named.chain(texts.defaults.clone()));
        manifest::load_texts(texts.manifests, texts.defaults.as_ref())
    };
    match loaded {
        Ok(loaded) => Ok(loaded.into_iter().map(|one| one.desired).collect()),
        Err(findings) => {
            invalid.findings.extend(findings);
            Ok(Vec::new())
        }
    }
}
