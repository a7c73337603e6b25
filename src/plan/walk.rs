//! The states that a plan leads through, as the proofs see them.

use crate::access::{Assessment, Basis, Changes, Compiled, Part, assess_with};
use crate::call::{Query, Read, Write};
use crate::model::{Desired, Live, Place};

use super::project::{Touched, touching};
use super::{Step, StepAction};

/// Live state with the steps that were taken so far.
pub(super) struct Walk<'a> {
    compiled: &'a Compiled,
    desired: &'a [Desired],
    state: Live,
    unborn: Vec<&'a str>,
    /// What the steps touched since somebody last looked.
    touched: Vec<Touched>,
}

impl<'a> Walk<'a> {
    /// The live state, before any step.
    pub fn new(compiled: &'a Compiled, desired: &'a [Desired], live: &Live) -> Self {
        Self { compiled, desired, state: live.clone(), unborn: unborn(desired, live), touched: Vec::new() }
    }

    pub fn take(&mut self, step: &Step) {
        self.touched.extend(touching(&mut self.state, step));
        if let StepAction::Write { write: Write::PutBucketPolicy { bucket, .. }, .. } = &step.action {
            self.unborn.retain(|name| *name != bucket);
        }
    }

    /// What the steps changed since this was last asked.
    pub fn changes(&mut self) -> Changes {
        Changes::since(self.compiled, &std::mem::take(&mut self.touched), &self.state)
    }

    /// Who can reach one bucket in this state, and what that rests on.
    pub fn judge(&self, part: &Part) -> (Assessment, Basis) {
        let (mut assessment, basis) = part.assess(self.compiled, &self.state);
        self.leave_out_unborn(&mut assessment);
        (assessment, basis)
    }

    /// Whether a bucket has no policy yet that this plan makes.
    pub fn is_unborn(&self, bucket: &str) -> bool {
        self.unborn.contains(&bucket)
    }

    /// Who can in this state.
    pub fn assess(&self) -> Assessment {
        let mut assessment = assess_with(self.compiled, self.desired, &self.state);
        self.leave_out_unborn(&mut assessment);
        assessment
    }

    /// Of buckets without a policy that this plan makes, nothing is said.
    fn leave_out_unborn(&self, assessment: &mut Assessment) {
        let own = |manifest: &str| {
            self.desired.iter().find(|one| one.name == manifest).map(|one| one.delivery.bucket.as_str())
        };
        let is_unborn = |bucket: Option<&str>| bucket.is_some_and(|bucket| self.is_unborn(bucket));
        assessment.principals.retain(|access| !is_unborn(access.replica().or_else(|| own(&access.manifest))));
        assessment.proofs.retain(|proof| !is_unborn(own(&proof.manifest)));
    }
}

/// Buckets that do not exist yet. Until its policy is written such a bucket is empty and open to the account's own
/// administrators, and nothing is delivered to it: nobody gains anything.
fn unborn<'a>(desired: &'a [Desired], live: &Live) -> Vec<&'a str> {
    let absent = |(place, bucket): &(Place, &str)| {
        let read = Read::BucketLocation { bucket: (*bucket).to_owned() };
        live.get(&Query { place: place.clone(), read }).is_absent()
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

/// Whether a step can change the answer for anybody.
pub(super) fn bears_on_access(step: &Step, desired: &[Desired]) -> bool {
    let StepAction::Write { write, .. } = &step.action else { return false };
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
