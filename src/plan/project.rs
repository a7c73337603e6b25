//! What live state will be after a step: proofs look at every state that a plan goes through.

use std::sync::Arc;

use crate::call::{Query, Read, Write};
use crate::model::authorization::{Authorization, IamRole, InlinePolicy};
use crate::model::bucket::{Encryption, Ownership, PublicAccessBlock};
use crate::model::fact::{BucketRegion, Names, PolicyText};
use crate::model::key::Key;
use crate::model::{Fact, Live, Observed, Place};

use super::{Step, StepAction};

/// A question that a step answers anew, with the answer before it; `None` where nobody had asked.
pub(super) type Touched = (Query, Option<Observed<Fact>>);

/// Takes a step in a copy of live state. What the step says of itself is the answer to its own question; what it does to
/// the answers of other questions is worked out here.
pub fn project(live: &mut Live, step: &Step) {
    touching(live, step);
}

/// The same, with the questions that it answers anew.
pub(super) fn touching(live: &mut Live, step: &Step) -> Vec<Touched> {
    let mut state = State { live, touched: Vec::new() };
    take(&mut state, step);
    state.touched
}

/// Live state that remembers what was changed in it.
struct State<'a> {
    live: &'a mut Live,
    touched: Vec<Touched>,
}

impl State<'_> {
    fn get(&self, query: &Query) -> Observed<Fact> {
        self.live.get(query)
    }

    fn set(&mut self, query: Query, answer: Observed<Fact>) {
        let before = self.live.contains(&query).then(|| self.live.get(&query));
        self.touched.push((query.clone(), before));
        self.live.set(query, answer);
    }
}

fn take(live: &mut State<'_>, step: &Step) {
    let StepAction::Write { place, write } = &step.action else { return };
    if let Some(target) = step.target.as_ref().filter(|target| target.settles) {
        let before = live.get(&target.query).present();
        let after = merged(before, &target.fact);
        live.set(target.query.clone(), Observed::Present(after));
    }
    match write {
        Write::CreateBucket { bucket, .. } => new_bucket(live, place, bucket),
        Write::DeleteBucketPolicy { bucket } => {
            live.set(query(place, Read::BucketPolicy { bucket: bucket.clone() }), Observed::Absent);
        }
        Write::DeleteBucketReplication { bucket } => {
            live.set(query(place, Read::BucketReplication { bucket: bucket.clone() }), Observed::Absent);
        }
        Write::CreateKey { policy, .. } => {
            for token in step.gives.values() {
                new_key(live, place, token, policy);
            }
        }
        Write::PutKeyPolicy { key, policy } => {
            let read = Read::KeyPolicy { key: key.clone() };
            live.set(query(place, read), Observed::Present(PolicyText(policy.clone()).into()));
        }
        Write::CreateAlias { alias, key } | Write::UpdateAlias { alias, key } => {
            let named = live.get(&query(place, Read::Key { key: key.clone() }));
            live.set(query(place, Read::Key { key: alias.clone() }), named);
        }
        Write::RevokeGrant { key, grant } => {
            let query = query(place, Read::KeyGrants { key: key.clone() });
            if let Observed::Present(Fact::KeyGrants(mut grants)) = live.get(&query) {
                grants.retain(|one| one.id != *grant);
                live.set(query, Observed::Present(grants.into()));
            }
        }
        Write::CreateRole { path, role, trust, tags } => {
            let account = account(place).to_owned();
            people(live, place, |people, partition| {
                people.roles.push(IamRole {
                    arn: format!("arn:{partition}:iam::{account}:role{path}{role}"),
                    // IAM chooses it; no policy can name it before.
                    id: format!("AROA-of-{role}"),
                    trust: trust.clone(),
                    inline: Vec::new(),
                    attached: Vec::new(),
                    boundary: None,
                    tags: tags.clone(),
                    instance_profiles: Vec::new(),
                });
            });
        }
        Write::UpdateTrust { role, policy } => of_role(live, place, role, |role| role.trust.clone_from(policy)),
        Write::TagRole { role, tags } => of_role(live, place, role, |role| role.tags.extend(tags.clone())),
        Write::UntagRole { role, names } => {
            of_role(live, place, role, |role| role.tags.retain(|name, _| !names.contains(name)));
        }
        Write::PutRolePolicy { role, policy_name, policy } => of_role(live, place, role, |role| {
            role.inline.retain(|one| one.name != *policy_name);
            role.inline.push(InlinePolicy { name: policy_name.clone(), text: policy.clone() });
        }),
        Write::DeleteRolePolicy { role, policy_name } => {
            of_role(live, place, role, |role| role.inline.retain(|one| one.name != *policy_name));
            let query = query(place, Read::RoleInlinePolicies { role: role.clone() });
            if let Observed::Present(Fact::Names(Names(mut names))) = live.get(&query) {
                names.retain(|name| name != policy_name);
                live.set(query, Observed::Present(Names(names).into()));
            }
        }
        Write::DetachRolePolicy { role, policy_arn } => {
            of_role(live, place, role, |role| role.attached.retain(|one| one != policy_arn));
        }
        Write::AttachRolePolicy { role, policy_arn } => of_role(live, place, role, |role| {
            role.attached.retain(|one| one != policy_arn);
            role.attached.push(policy_arn.clone());
        }),
        // What is not there is told by absence, not by an empty answer.
        Write::DeleteBucketTags { bucket } => {
            live.set(query(place, Read::BucketTags { bucket: bucket.clone() }), Observed::Absent);
        }
        Write::DeleteBucketLifecycle { bucket } => {
            live.set(query(place, Read::BucketLifecycle { bucket: bucket.clone() }), Observed::Absent);
        }
        Write::DeleteBucketLogging { bucket } => {
            live.set(query(place, Read::BucketLogging { bucket: bucket.clone() }), Observed::Absent);
        }
        // Their own question says everything.
        Write::PutAccountPublicAccessBlock { .. }
        | Write::PutBucketTags { .. }
        | Write::PutBucketPublicAccessBlock { .. }
        | Write::PutBucketOwnership { .. }
        | Write::PutBucketAclPrivate { .. }
        | Write::PutBucketAcl { .. }
        | Write::PutBucketEncryption { .. }
        | Write::EnableBucketVersioning { .. }
        | Write::SuspendBucketVersioning { .. }
        | Write::PutBucketObjectLock { .. }
        | Write::PutBucketLifecycle { .. }
        | Write::PutBucketPolicy { .. }
        | Write::PutBucketLogging { .. }
        | Write::PutBucketNotification { .. }
        | Write::PutBucketReplication { .. }
        | Write::CancelKeyDeletion { .. }
        | Write::EnableKey { .. }
        | Write::EnableKeyRotation { .. }
        | Write::DisableKeyRotation { .. }
        | Write::TagKey { .. }
        | Write::UntagKey { .. }
        | Write::CreateGrant { .. }
        | Write::CreateCredential { .. }
        | Write::CreateStorageConfiguration { .. }
        | Write::CreateLogDelivery { .. }
        | Write::SetLogDeliveryStatus { .. }
        | Write::EnableSystemSchema { .. }
        | Write::UpdatePrivileges { .. }
        | Write::SetWorkspaceConf { .. } => {}
    }
}

fn query(place: &Place, read: Read) -> Query {
    Query { place: place.clone(), read }
}

fn account(place: &Place) -> &str {
    match place {
        Place::Aws { account, .. } => account,
        Place::Databricks { .. } | Place::Workspace { .. } => "",
    }
}

/// Lists that several manifests share are wanted only in the part that a manifest declares.
fn merged(before: Option<Fact>, wanted: &Fact) -> Fact {
    match (before, wanted) {
        (Some(Fact::Credentials(all)), Fact::Credentials(own)) => {
            joined(all, own, |one| one.credentials_id.clone()).into()
        }
        (Some(Fact::StorageConfigurations(all)), Fact::StorageConfigurations(own)) => {
            joined(all, own, |one| one.storage_configuration_id.clone()).into()
        }
        (Some(Fact::LogDeliveries(all)), Fact::LogDeliveries(own)) => {
            joined(all, own, |one| one.config_id.clone()).into()
        }
        (Some(Fact::SystemSchemas(all)), Fact::SystemSchemas(own)) => joined(all, own, |one| one.schema.clone()).into(),
        _ => wanted.clone(),
    }
}

fn joined<T: Clone>(mut all: Vec<T>, own: &[T], id: impl Fn(&T) -> String) -> Vec<T> {
    all.retain(|one| !own.iter().any(|other| id(other) == id(one)));
    all.extend_from_slice(own);
    all
}

/// A bucket is made closed: ACLs off, all public access blocked, SSE-S3 (S3 User Guide, "Default settings for new S3
/// buckets").
fn new_bucket(live: &mut State<'_>, place: &Place, bucket: &str) {
    let Place::Aws { region, .. } = place else { return };
    let bucket = || bucket.to_owned();
    let on = PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
    let facts: [(Read, Fact); 4] = [
        (Read::BucketLocation { bucket: bucket() }, BucketRegion(region.clone()).into()),
        (Read::BucketPublicAccessBlock { bucket: bucket() }, on.into()),
        (
            Read::BucketOwnership { bucket: bucket() },
            Ownership { object_ownership: "BucketOwnerEnforced".to_owned() }.into(),
        ),
        (Read::BucketEncryption { bucket: bucket() }, Encryption::s3().into()),
    ];
    for (read, fact) in facts {
        live.set(query(place, read), Observed::Present(fact));
    }
    for read in [Read::BucketPolicy { bucket: bucket() }, Read::BucketReplication { bucket: bucket() }] {
        live.set(query(place, read), Observed::Absent);
    }
    live.set(query(place, Read::AccessPoints { bucket: bucket() }), Observed::Present(Names::default().into()));
}

fn new_key(live: &mut State<'_>, place: &Place, token: &str, policy: &str) {
    let key = Key {
        id: token.to_owned(),
        arn: token.to_owned(),
        state: "Enabled".to_owned(),
        manager: "CUSTOMER".to_owned(),
        spec: "SYMMETRIC_DEFAULT".to_owned(),
        usage: "ENCRYPT_DECRYPT".to_owned(),
        origin: "AWS_KMS".to_owned(),
        multi_region: false,
    };
    let token = || token.to_owned();
    live.set(query(place, Read::Key { key: token() }), Observed::Present(key.into()));
    let policy = PolicyText(policy.to_owned());
    live.set(query(place, Read::KeyPolicy { key: token() }), Observed::Present(policy.into()));
    live.set(query(place, Read::KeyGrants { key: token() }), Observed::Present(Fact::KeyGrants(Vec::new())));
}

/// Changes what IAM says of an account, if that was read. IAM is global: every region that was asked says the same.
fn people(live: &mut State<'_>, place: &Place, mut change: impl FnMut(&mut Authorization, &str)) {
    let own = account(place).to_owned();
    let asked: Vec<Query> = live
        .live
        .iter()
        .filter(|(query, _)| query.read == Read::AccountAuthorization && account(&query.place) == own)
        .map(|(query, _)| query.clone())
        .collect();
    for query in asked {
        let Observed::Present(Fact::Authorization(mut people)) = live.get(&query) else { continue };
        let arns = people.roles.iter().map(|role| &role.arn).chain(people.users.iter().map(|user| &user.arn));
        let partition = arns.filter_map(|arn| arn.split(':').nth(1)).next().unwrap_or("aws").to_owned();
        change(Arc::make_mut(&mut people), &partition);
        live.set(query, Observed::Present(people.into()));
    }
}

fn of_role(live: &mut State<'_>, place: &Place, name: &str, mut change: impl FnMut(&mut IamRole)) {
    people(live, place, |people, _| {
        let named = |role: &&mut IamRole| role.arn.rsplit('/').next() == Some(name);
        if let Some(role) = people.roles.iter_mut().find(named) {
            change(role);
        }
    });
}
