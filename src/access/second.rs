//! The second tier (A5): who could make itself a reader by changing something. No bucket policy can stop most of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::iam::NamedPolicy;
use crate::iam::evaluate::{Decision, evaluate};
use crate::iam::symbolic::Keys;
use crate::model::key::Grant;

use super::ask::{Ask, Guard};
use super::assessment::{Assumption, Indirect, PrincipalAccess, PrincipalKind, Question};
use super::compute::{self, Compute};
use super::declared::Declared;
use super::estate::Estate;
use super::filter::{Openness, openness};
use super::inventory::Inventory;
use super::question::Duty;
use super::subject::Subject;

/// Changes of the bucket that open it.
const ON_BUCKET: [&str; 7] = [
    "s3:PutBucketPolicy",
    "s3:DeleteBucketPolicy",
    "s3:PutBucketAcl",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketOwnershipControls",
    "s3:PutReplicationConfiguration",
    "s3:PutInventoryConfiguration",
];
/// Changes of the account that open doors to buckets. Asked for by name only: what they act on is yet to be made.
const IN_ACCOUNT: [&str; 5] = [
    "s3:CreateAccessPoint",
    "s3:PutAccessPointPolicy",
    "s3:CreateJob",
    "s3:CreateAccessGrant",
    "s3:CreateAccessGrantsLocation",
];
const ON_KEY: [&str; 3] = ["kms:PutKeyPolicy", "kms:CreateGrant", "kms:ReplicateKey"];
/// Changes of a role that reads.
const ON_ROLE: [&str; 6] = [
    "iam:UpdateAssumeRolePolicy",
    "iam:PutRolePolicy",
    "iam:AttachRolePolicy",
    "iam:PutRolePermissionsBoundary",
    "iam:DeleteRolePermissionsBoundary",
    "iam:DeleteRolePolicy",
];
/// Changes of a user that reads.
const ON_USER: [&str; 8] = [
    "iam:CreateAccessKey",
    "iam:CreateLoginProfile",
    "iam:UpdateLoginProfile",
    "iam:PutUserPolicy",
    "iam:AttachUserPolicy",
    "iam:PutUserPermissionsBoundary",
    "iam:DeleteUserPermissionsBoundary",
    "iam:AddUserToGroup",
];
/// Changes of policies and groups, whoever has them.
const ON_POLICIES: [&str; 4] =
    ["iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:PutGroupPolicy", "iam:AttachGroupPolicy"];

/// The actions that are asked of every principal.
pub(super) fn actions() -> impl Iterator<Item = &'static str> {
    let lists: [&'static [&'static str]; 6] = [&ON_BUCKET, &IN_ACCOUNT, &ON_KEY, &ON_ROLE, &ON_USER, &ON_POLICIES];
    lists.into_iter().flatten().copied()
}

/// Everybody in the account who could change who reads, sorted by name.
pub(super) fn indirect(
    estate: &Estate<'_>,
    declared: &Declared,
    inventory: &Inventory,
    principals: &[PrincipalAccess],
) -> (Vec<Indirect>, Option<Assumption>) {
    let readers: BTreeSet<(&str, PrincipalKind)> = principals
        .iter()
        .filter(|one| one.question == Question::Read && one.verdict.possible())
        .map(|one| (one.arn.as_str(), one.kind))
        .collect();
    let running = running(inventory, &readers);
    let services: BTreeSet<&str> = running.iter().map(|(_, service)| *service).collect();
    let mut all = Vec::new();
    for subject in &inventory.subjects {
        let mut means = means(estate, subject, &readers);
        let mut compute = Compute::of(estate, subject);
        let by_service: BTreeMap<&str, _> = services
            .iter()
            .map(|service| (*service, compute.means(service)))
            .filter(|(_, all)| !all.is_empty())
            .collect();
        for (role, service) in running.iter().filter(|_| !by_service.is_empty()) {
            let actions = by_service.get(service).into_iter().flatten();
            means.extend(actions.map(|action| format!("{action} on what runs as {role} ({service})")));
        }
        if !means.is_empty() {
            all.push(Indirect {
                manifest: estate.desired.name.clone(),
                arn: subject.name.clone(),
                kind: subject.kind,
                declared: declared.aws(&subject.name, Duty::Administering).is_some(),
                means,
            });
        }
    }
    let taken = Assumption {
        code: "compute-not-listed".to_owned(),
        message: "what runs as a role (functions, instances, tasks, jobs, stacks) was not listed: whoever could change it or \
                  get a session on it is in the second tier, for roles that can read and trust such a service; what it \
                  fetches from elsewhere (images, buckets, repositories) was not looked at"
            .to_owned(),
        unread: false,
    };
    (all, (!running.is_empty()).then_some(taken))
}

/// Roles that read, with each service that may run something as the role.
fn running<'a>(inventory: &'a Inventory, readers: &BTreeSet<(&str, PrincipalKind)>) -> Vec<(&'a str, &'static str)> {
    let reads = |arn: &str| readers.contains(&(arn, PrincipalKind::Role));
    let roles = inventory.roles.iter().filter(|role| reads(&role.arn));
    roles.flat_map(|role| compute::services(&role.trust).into_iter().map(|one| (role.arn.as_str(), one))).collect()
}

fn means(estate: &Estate<'_>, subject: &Subject, readers: &BTreeSet<(&str, PrincipalKind)>) -> Vec<String> {
    let mut means = Vec::new();
    let bucket = Guard { policy: estate.policy.as_deref(), block: Some(&estate.block) };
    let able = |action: &&&str| subject.identity.may_allow(action);
    let idle = |action: &str, policy: Option<&NamedPolicy>, grants: &[Grant]| {
        matches!(openness(subject, action, policy, grants), Openness::Closed(_))
    };
    for action in ON_BUCKET.iter().filter(|action| !idle(action, bucket.policy, &[])) {
        let one = estate.to_bucket(subject, action, &estate.bucket_arn(), bucket, Keys::default());
        if may(&one) {
            means.push(format!("{action} on the bucket"));
        }
    }
    for key in estate.keys.values().filter(|key| !key.arn.ends_with(":key/aws/s3")) {
        for action in ON_KEY.iter().filter(|action| !idle(action, key.policy.as_deref(), &key.grants)) {
            if may(&estate.to_key(subject, action, key, Keys::default())) {
                means.push(format!("{action} on key {}", key.arn));
            }
        }
    }
    means.extend(IN_ACCOUNT.iter().filter(able).map(|action| (*action).to_owned()));
    means.extend(ON_POLICIES.iter().filter(able).map(|action| (*action).to_owned()));
    let on_role: Vec<&&str> = ON_ROLE.iter().filter(able).collect();
    let on_user: Vec<&&str> = ON_USER.iter().filter(able).collect();
    for (reader, kind) in readers.iter().filter(|(reader, _)| reader.contains(&format!("::{}:", estate.account()))) {
        let actions = match kind {
            PrincipalKind::Role => &on_role,
            PrincipalKind::User => &on_user,
            _ => continue,
        };
        for action in actions {
            if may(&estate.to_bucket(subject, action, reader, Guard::default(), Keys::default())) {
                means.push(format!("{action} on {reader}"));
            }
        }
    }
    means
}

/// Whether a request may be allowed in some context.
pub(super) fn may(ask: &Ask) -> bool {
    let mut request = ask.request.clone();
    request.unknown_keys.insert("*".to_owned());
    matches!(evaluate(&request, &ask.policies).decision, Decision::Allowed | Decision::Unknown)
}
