//! What stays of a name when a manifest is renamed: fingerprints rest on it.

use std::collections::BTreeMap;

use crate::model::{Address, Desired};

/// The manifests of a check by name, each with the owner that its resources are marked with
/// (`<databricks account>/<bucket>`).
#[derive(Clone, Debug, Default)]
pub struct Estates(BTreeMap<String, String>);

impl Estates {
    #[must_use]
    pub fn of(desired: &[Desired]) -> Self {
        Self(desired.iter().map(|one| (one.name.clone(), one.owner())).collect())
    }

    /// The owner of a manifest; none for what manifests share.
    #[must_use]
    pub fn owner(&self, manifest: &str) -> Option<&str> {
        self.0.get(manifest).map(String::as_str)
    }

    /// All owners.
    pub fn owners(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }

    /// An address with the owner in the place of the manifest's name.
    #[must_use]
    pub fn steady(&self, address: &Address) -> String {
        let Address { manifest, kind, name } = address;
        format!("{}/{kind}[{name}]", self.owner(manifest).unwrap_or(manifest))
    }

    /// The same for the subject of a finding, which is an address, or looks like one (`acme/waivers[versioning]`). Gives the
    /// manifest too.
    #[must_use]
    pub fn split<'a>(&self, subject: &'a str) -> (Option<&'a str>, String) {
        match subject.split_once('/') {
            Some((manifest, rest)) if rest.ends_with(']') => match self.owner(manifest) {
                Some(owner) => (Some(manifest), format!("{owner}/{rest}")),
                None => (None, subject.to_owned()),
            },
            _ => (None, subject.to_owned()),
        }
    }
}
