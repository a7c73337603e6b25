//! What a plan does to who can read, write, list and tamper: the proof on the live state, on every state between two steps,
//! and on the last one.

use serde::{Deserialize, Serialize};

use crate::access::{Assessment, Assumption, Compiled, Holder, Question, assess_with};
use crate::call::{Read, Write};
use crate::model::{Address, Desired, Gap, Live, Place};

use super::project::project;
use super::{Step, StepAction, StepId};

/// Everybody who can, or of whom nothing shows that they cannot, by what they can. ARNs, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Who {
    pub read: Vec<String>,
    pub write: Vec<String>,
    pub tamper: Vec<String>,
    pub list: Vec<String>,
}

/// Who can after a step and could not before it, and the other way round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepEffect {
    pub step: StepId,
    pub address: Address,
    pub gained: Vec<Holder>,
    pub lost: Vec<Holder>,
}

/// What a plan does to access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Effects {
    /// Whether everything was read that a proof needs.
    pub complete: bool,
    /// What was asked for the proofs and could not be read.
    pub gaps: Vec<Gap>,
    /// What the proofs rest on.
    pub assumptions: Vec<Assumption>,
    pub before: Who,
    pub after: Who,
    /// Only steps that change something for somebody.
    pub steps: Vec<StepEffect>,
    /// Those of `after` whom the declaration does not name.
    pub undeclared: Vec<Holder>,
}

impl Effects {
    /// Whether anybody asked: a plan that was made without the proofs says nothing about access.
    #[must_use]
    pub fn is_proved(&self) -> bool {
        *self != Self::default()
    }
}

/// Proves the live state and every state that the steps lead through.
#[must_use]
pub fn effects(desired: &[Desired], live: &Live, steps: &[Step]) -> Effects {
    let compiled = Compiled::default();
    let mut state = live.clone();
    let mut unborn = unborn(desired, live);
    let first = without(&unborn, desired, assess_with(&compiled, desired, &state));
    let mut last = first.clone();
    let mut changed = Vec::new();
    let is_write = |step: &&Step| matches!(step.action, StepAction::Write { .. });
    let last_write = steps.iter().rev().find(is_write).map(|step| step.id);
    for step in steps {
        project(&mut state, step);
        let StepAction::Write { write, .. } = &step.action else { continue };
        if let Write::PutBucketPolicy { bucket, .. } = write {
            unborn.retain(|name| *name != bucket);
        }
        // What bears on nothing is seen with the next step, and the last state is always looked at.
        if !bears_on_access(write, desired) && Some(step.id) != last_write {
            continue;
        }
        let now = without(&unborn, desired, assess_with(&compiled, desired, &state));
        let (gained, lost) = (now.gained(&last), now.lost(&last));
        if !gained.is_empty() || !lost.is_empty() {
            changed.push(StepEffect { step: step.id, address: step.address.clone(), gained, lost });
        }
        last = now;
    }
    let gaps: Vec<Gap> = first.gaps.iter().filter(|gap| !gap.is_unasked()).cloned().collect();
    Effects {
        complete: gaps.is_empty() && !first.assumptions.iter().any(|one| one.unread),
        gaps,
        assumptions: first.assumptions.clone(),
        before: who(&first),
        after: who(&last),
        steps: changed,
        undeclared: last.holders().into_iter().filter(|holder| !holder.declared).collect(),
    }
}

fn who(assessment: &Assessment) -> Who {
    Who {
        read: assessment.who(Question::Read),
        write: assessment.who(Question::Write),
        tamper: assessment.who(Question::Tamper),
        list: assessment.who(Question::List),
    }
}

/// Buckets that do not exist yet. Until its policy is written such a bucket is empty and open to the account's own
/// administrators, and nothing is delivered to it: nobody gains anything.
fn unborn<'a>(desired: &'a [Desired], live: &Live) -> Vec<&'a str> {
    let absent = |(place, bucket): &(Place, &str)| {
        let read = Read::BucketLocation { bucket: (*bucket).to_owned() };
        live.get(&crate::call::Query { place: place.clone(), read }).is_absent()
    };
    buckets(desired).filter(absent).map(|(_, bucket)| bucket).collect()
}

/// The buckets that logs lie in.
fn buckets(desired: &[Desired]) -> impl Iterator<Item = (Place, &str)> {
    desired.iter().flat_map(|one| {
        let replicas = one.bucket.replicas.iter().map(|replica| (replica.place(), replica.bucket.as_str()));
        std::iter::once((one.aws_place(), one.delivery.bucket.as_str())).chain(replicas)
    })
}

fn without(unborn: &[&str], desired: &[Desired], mut assessment: Assessment) -> Assessment {
    let bucket =
        |manifest: &str| desired.iter().find(|one| one.name == manifest).map(|one| one.delivery.bucket.as_str());
    assessment.principals.retain(|access| {
        let about = access.replica().or_else(|| bucket(&access.manifest));
        !about.is_some_and(|about| unborn.contains(&about))
    });
    assessment
}

/// Whether a write can change the answer for anybody.
fn bears_on_access(write: &Write, desired: &[Desired]) -> bool {
    match write {
        // Of the bucket that holds the access log, nothing is asked.
        Write::CreateBucket { bucket, .. }
        | Write::PutBucketPublicAccessBlock { bucket, .. }
        | Write::PutBucketOwnership { bucket, .. }
        | Write::PutBucketAclPrivate { bucket, .. }
        | Write::PutBucketAcl { bucket, .. }
        | Write::PutBucketEncryption { bucket, .. }
        | Write::PutBucketPolicy { bucket, .. }
        | Write::DeleteBucketPolicy { bucket, .. }
        | Write::PutBucketReplication { bucket, .. }
        | Write::DeleteBucketReplication { bucket, .. } => buckets(desired).any(|(_, name)| name == bucket),
        Write::PutAccountPublicAccessBlock { .. }
        | Write::CreateKey { .. }
        | Write::PutKeyPolicy { .. }
        | Write::CancelKeyDeletion { .. }
        | Write::EnableKey { .. }
        | Write::CreateAlias { .. }
        | Write::UpdateAlias { .. }
        | Write::UntagKey { .. }
        | Write::CreateGrant { .. }
        | Write::RevokeGrant { .. }
        | Write::CreateRole { .. }
        | Write::UpdateTrust { .. }
        | Write::TagRole { .. }
        | Write::UntagRole { .. }
        | Write::PutRolePolicy { .. }
        | Write::DeleteRolePolicy { .. }
        | Write::AttachRolePolicy { .. }
        | Write::DetachRolePolicy { .. }
        | Write::UpdatePrivileges { .. } => true,
        Write::PutBucketTags { .. }
        | Write::DeleteBucketTags { .. }
        | Write::EnableBucketVersioning { .. }
        | Write::SuspendBucketVersioning { .. }
        | Write::PutBucketObjectLock { .. }
        | Write::PutBucketLifecycle { .. }
        | Write::DeleteBucketLifecycle { .. }
        | Write::PutBucketLogging { .. }
        | Write::DeleteBucketLogging { .. }
        | Write::PutBucketNotification { .. }
        | Write::EnableKeyRotation { .. }
        | Write::DisableKeyRotation { .. }
        | Write::TagKey { .. }
        | Write::CreateCredential { .. }
        | Write::CreateStorageConfiguration { .. }
        | Write::CreateLogDelivery { .. }
        | Write::SetLogDeliveryStatus { .. }
        | Write::EnableSystemSchema { .. }
        | Write::SetWorkspaceConf { .. } => false,
    }
}
