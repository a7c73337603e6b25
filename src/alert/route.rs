//! Which sink gets which notice.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Notice;
use crate::model::{Alert, Desired, Place};

/// A sink with the manifests that declare it: those of one directory may share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub alert: Alert,
    pub manifests: BTreeSet<String>,
    /// AWS account and region of the first of them, where secrets are looked for by name.
    pub place: Place,
}

/// The sinks of a directory, sorted by name. Manifests that declare one name declare the same (`manifest` refuses others).
#[must_use]
pub fn targets(desired: &[Desired]) -> Vec<Target> {
    let mut found: BTreeMap<&str, Target> = BTreeMap::new();
    for one in desired {
        for alert in &one.alerts {
            let target = found.entry(&alert.name).or_insert_with(|| Target {
                alert: alert.clone(),
                manifests: BTreeSet::new(),
                place: one.aws_place(),
            });
            target.manifests.insert(one.name.clone());
        }
    }
    found.into_values().collect()
}

impl Target {
    /// Whether a notice is for this sink: it is severe enough, and about one of the manifests that declare it, or about the
    /// run itself, which all of them hear of.
    #[must_use]
    pub fn takes(&self, notice: &Notice) -> bool {
        let ours = notice.manifest.as_ref().is_none_or(|manifest| self.manifests.contains(manifest));
        ours && notice.finding.severity >= self.alert.min_severity
    }
}
