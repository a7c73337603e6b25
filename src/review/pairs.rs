//! Which declaration of one side is which of the other.

use crate::model::Desired;

use super::{Fate, ManifestChange};

/// A declaration before and after; at least one of them is there.
pub(super) struct Pair<'a> {
    pub base: Option<&'a Desired>,
    pub head: Option<&'a Desired>,
}

impl<'a> Pair<'a> {
    pub fn name(&self) -> &'a str {
        self.head.or(self.base).map_or("", |one| one.name.as_str())
    }

    pub fn both(&self) -> Option<(&'a Desired, &'a Desired)> {
        self.base.zip(self.head)
    }

    /// `None` when nothing changes, the name included.
    pub fn fate(&self, differs: bool) -> Option<ManifestChange> {
        let renamed_from = self.both().filter(|(base, head)| base.name != head.name).map(|(base, _)| base.name.clone());
        let change = match (self.base, self.head) {
            (None, _) => Fate::Added,
            (_, None) => Fate::Removed,
            _ if differs || renamed_from.is_some() => Fate::Changed,
            _ => return None,
        };
        Some(ManifestChange { name: self.name().to_owned(), change, renamed_from })
    }
}

/// By name; what has a new name is known by its Databricks account and bucket, as the cloud knows it. Sorted by name.
pub(super) fn pairs<'a>(base: &'a [Desired], head: &'a [Desired]) -> Vec<Pair<'a>> {
    let named = |all: &'a [Desired], name: &str| all.iter().find(|one| one.name == name);
    let mut left: Vec<&Desired> = base.iter().filter(|one| named(head, &one.name).is_none()).collect();
    let mut pairs: Vec<Pair<'a>> = head
        .iter()
        .map(|one| {
            let before = named(base, &one.name).or_else(|| {
                let at = left.iter().position(|other| other.owner() == one.owner())?;
                Some(left.remove(at))
            });
            Pair { base: before, head: Some(one) }
        })
        .collect();
    pairs.extend(left.into_iter().map(|one| Pair { base: Some(one), head: None }));
    pairs.sort_by(|a, b| a.name().cmp(b.name()));
    pairs
}
