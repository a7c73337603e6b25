//! The buckets that an assessment is put together from. Each is judged by itself, so that a plan judges again only those
//! that a step touches.

use crate::model::desired::{Reader, Replica};
use crate::model::{Desired, Live};

use super::assess::{Compiled, assess_one};
use super::assessment::{Assessment, PrincipalAccess, Question, Verdict};
use super::basis::Basis;
use super::copies;
use super::facts::Facts;

/// A bucket that logs lie in, and who is declared to reach it: an audit bucket, or a replica of one.
pub struct Part {
    desired: Desired,
    replica: Option<Replica>,
}

impl Part {
    /// The parts of some declarations, in their order; the replicas of a bucket come after it.
    #[must_use]
    pub fn all(desired: &[Desired]) -> Vec<Self> {
        let parts = |one: Desired| {
            let replicas = copies::declared(&one);
            let replicas = replicas.into_iter().map(|(replica, desired)| Self { desired, replica: Some(replica) });
            let replicas: Vec<Self> = replicas.collect();
            std::iter::once(Self { desired: one, replica: None }).chain(replicas)
        };
        together(desired).into_iter().flat_map(parts).collect()
    }

    #[must_use]
    pub fn bucket(&self) -> &str {
        &self.desired.delivery.bucket
    }

    /// Who can reach the bucket in a state, and what that rests on.
    #[must_use]
    pub fn assess(&self, compiled: &Compiled, live: &Live) -> (Assessment, Basis) {
        let facts = Facts::of(live);
        let (mut part, around) = assess_one(compiled, &self.desired, &facts);
        match &self.replica {
            Some(replica) => part = copies::of_replica(replica, part),
            None => copies::undeclared(&self.desired, &facts, &mut part),
        }
        (part, Basis::new(facts.asked(), around))
    }
}

impl Assessment {
    /// The answer for all parts together.
    #[must_use]
    pub fn whole(parts: impl IntoIterator<Item = Assessment>) -> Self {
        let mut whole = Assessment::default();
        for part in parts {
            whole.gaps.extend(part.gaps);
            whole.assumptions.extend(part.assumptions);
            whole.object_classes.extend(part.object_classes);
            whole.principals.extend(part.principals);
            whole.second_tier.extend(part.second_tier);
            whole.proofs.extend(part.proofs);
        }
        whole.gaps.sort();
        whole.gaps.dedup();
        whole.assumptions.sort();
        whole.assumptions.dedup();
        whole.principals.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.cmp(b)));
        whole.second_tier.sort();
        whole.complete = whole.gaps.is_empty() && !whole.assumptions.iter().any(|one| one.unread);
        whole
    }
}

/// By what principals are sorted.
fn key(one: &PrincipalAccess) -> (&str, Question, std::cmp::Reverse<Verdict>, bool, &str) {
    (&one.manifest, one.question, std::cmp::Reverse(one.verdict), one.declared, &one.arn)
}

/// The system tables are those of the Databricks account: a principal that one manifest of it declares is declared.
fn together(desired: &[Desired]) -> Vec<Desired> {
    let with_others = |one: &Desired| {
        let mut joined = one.clone();
        let others = desired.iter().filter(|other| other.databricks.account_id == one.databricks.account_id);
        for other in others {
            for (name, reader) in &other.readers {
                if matches!(reader, Reader::Databricks { .. }) {
                    joined.readers.entry(format!("{}/{name}", other.name)).or_insert_with(|| reader.clone());
                }
            }
        }
        joined
    };
    if desired.len() == 1 { desired.to_vec() } else { desired.iter().map(with_others).collect() }
}
