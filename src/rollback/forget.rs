//! Taking the ownership marks off: what is marked stays as it is, and has to be adopted again.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::Read;
use crate::finding::{Finding, Severity};
use crate::harden::{Scope, harden};
use crate::model::live::Query;
use crate::model::{Address, Desired, Kind, Live, OWNER_TAG, Observed, Reference};
use crate::plan::Summary;

use super::Reversal;
use super::build::{Builder, wanted};
use super::chains::Undo;
use super::value::{Of, Part, Value, tags_of};

/// A thing that may carry a mark: the address of its tags, and the question that shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub address: Address,
    query: Query,
    /// Value of the mark when it is ours.
    owner: String,
}

/// Everything that the manifests mark: buckets, keys and roles.
#[must_use]
pub fn marks(desired: &[Desired], live: &Live) -> Vec<Mark> {
    let owner = |name: &str| desired.iter().find(|one| one.name == name).map(Desired::owner);
    harden(desired, live, Scope::default())
        .resources
        .into_iter()
        .filter(|one| matches!(one.address.kind, Kind::BucketTags | Kind::KmsTags | Kind::Role))
        .filter(|one| !serde_json::to_string(&one.query).is_ok_and(|text| Reference::occurs_in(&text)))
        .filter_map(|one| {
            let owner = owner(&one.address.manifest)?;
            Some(Mark { address: one.address, query: one.query, owner })
        })
        .collect()
}

impl Mark {
    /// Whether `address` means the marked thing: `bucket-policy[audit]` is of the bucket `audit`, as is `bucket[audit]`.
    #[must_use]
    pub fn is_of(&self, address: &Address) -> bool {
        let family = |kind: Kind| kind.name().split('-').next().unwrap_or_default();
        self.address.manifest == address.manifest
            && self.address.name == address.name
            && family(self.address.kind) == family(address.kind)
    }
}

/// The steps that take the marks off that are there.
#[must_use]
pub fn forget(marks: &[Mark], live: &Live) -> Reversal {
    let mut reversal = Reversal::default();
    let mut builder = Builder::new(live);
    let names = BTreeSet::from([OWNER_TAG.to_owned()]);
    for mark in marks {
        let answer = live.get(&mark.query);
        let found = match &answer {
            Observed::Unknown(gap) => {
                reversal.gaps.push(gap.clone());
                continue;
            }
            Observed::Absent => None,
            Observed::Present(fact) => tags_of(fact).and_then(|tags| tags.get(OWNER_TAG)).cloned(),
        };
        match found {
            Some(owner) if owner == mark.owner => {
                let tagged = |value| Value::Tags(BTreeMap::from([(OWNER_TAG.to_owned(), value)]));
                let part = Part { query: mark.query.clone(), of: Of::Tags(names.clone()) };
                let (address, to, from) = (mark.address.clone(), tagged(None), tagged(Some(owner)));
                reversal.steps.extend(builder.steps(&Undo { at: 0, address, part, to, from }, title(&mark.query.read)));
            }
            Some(owner) => reversal.findings.push(Finding {
                code: "owned-by-another".to_owned(),
                severity: Severity::Medium,
                subject: mark.address.to_string(),
                message: format!("it is marked as owned by `{owner}`: that mark is left alone"),
                help: None,
                span: None,
            }),
            None => reversal.summary.noop += 1,
        }
    }
    for (id, step) in reversal.steps.iter_mut().enumerate() {
        step.id = id;
    }
    reversal.changes =
        builder.changes("its mark is taken off; it stays as it is, and is adopted by the next apply", &|_| None);
    reversal.summary = Summary { update: reversal.changes.len(), ..reversal.summary };
    reversal.wanted = wanted(&builder);
    reversal
}

fn title(read: &Read) -> Option<&'static str> {
    Some(match read {
        Read::BucketTags { .. } => "take the mark off the bucket",
        Read::KeyTags { .. } => "take the mark off the key",
        _ => "take the mark off the role",
    })
}
