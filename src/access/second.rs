//! The second tier (A5): who could make itself a reader by changing something. No bucket policy can stop most of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use crate::iam::evaluate::{Decision, evaluate};
use crate::iam::symbolic::Keys;

use super::allowed::Actions;
use super::ask::{Ask, Guard};
use super::assessment::{Assumption, Indirect, PrincipalAccess, PrincipalKind, Question};
use super::compute::{self, Compute};
use super::declared::Declared;
use super::estate::Estate;
use super::inventory::Inventory;
use super::outline::{BUCKET, Common, Outline};
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

/// What only policies of the principal itself could allow.
static BY_IDENTITY: LazyLock<Actions> =
    LazyLock::new(|| Actions::of([&IN_ACCOUNT[..], &ON_POLICIES, &ON_ROLE, &ON_USER].into_iter().flatten().copied()));

/// The actions that are asked of every principal.
pub(super) fn actions() -> impl Iterator<Item = &'static str> {
    let lists: [&'static [&'static str]; 6] = [&ON_BUCKET, &IN_ACCOUNT, &ON_KEY, &ON_ROLE, &ON_USER, &ON_POLICIES];
    lists.into_iter().flatten().copied()
}

/// What is looked through.
pub(super) struct Second<'a> {
    pub estate: &'a Estate<'a>,
    pub declared: &'a Declared,
    pub inventory: &'a Inventory,
    pub common: &'a Common,
    /// Of the subjects of the inventory.
    pub outlines: &'a [Outline],
}

/// Everybody in the account who could change who reads, sorted by name.
pub(super) fn indirect(case: &Second<'_>, principals: &[PrincipalAccess]) -> (Vec<Indirect>, Option<Assumption>) {
    let Second { estate, declared, inventory, .. } = case;
    let readers: BTreeSet<(&str, PrincipalKind)> = principals
        .iter()
        .filter(|one| one.question == Question::Read && one.verdict.possible())
        .map(|one| (one.arn.as_str(), one.kind))
        .collect();
    let running = running(inventory, &readers);
    let services: BTreeSet<&str> = running.iter().map(|(_, service)| *service).collect();
    let mut all = Vec::new();
    let readers = own(estate, &readers);
    for (subject, outline) in inventory.subjects.iter().zip(case.outlines) {
        let mut means = means(case, subject, outline, &readers);
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

/// Readers that are users or roles of the account, with the actions that change them.
fn own<'a>(
    estate: &Estate<'_>,
    readers: &BTreeSet<(&'a str, PrincipalKind)>,
) -> Vec<(&'a str, &'static [&'static str])> {
    let account = format!("::{}:", estate.account());
    let own = readers.iter().filter(|(reader, _)| reader.contains(&account));
    own.filter_map(|(reader, kind)| match kind {
        PrincipalKind::Role => Some((*reader, &ON_ROLE[..])),
        PrincipalKind::User => Some((*reader, &ON_USER[..])),
        _ => None,
    })
    .collect()
}

fn means(case: &Second<'_>, subject: &Subject, outline: &Outline, readers: &[(&str, &[&str])]) -> Vec<String> {
    let mut means = Vec::new();
    let estate = case.estate;
    let open = |place: usize, action: &str| outline.on(place).has(action) != Some(false);
    for action in ON_BUCKET.iter().filter(|action| open(BUCKET, action)) {
        let one = estate.to_bucket(subject, action, &estate.bucket_arn(), estate.guard(), Keys::default());
        if may(&one) {
            means.push(format!("{action} on the bucket"));
        }
    }
    for key in estate.keys.values().filter(|key| !key.arn.ends_with(":key/aws/s3")) {
        let Some(place) = case.common.key(&key.arn) else { continue };
        for action in ON_KEY.iter().filter(|action| open(place, action)) {
            if may(&estate.to_key(subject, action, key, Keys::default())) {
                means.push(format!("{action} on key {}", key.arn));
            }
        }
    }
    let own = subject.identity.actions;
    if (own & *BY_IDENTITY).is_empty() {
        return means;
    }
    let able = |action: &&&str| own.has(action) != Some(false);
    means.extend(IN_ACCOUNT.iter().filter(able).map(|action| (*action).to_owned()));
    means.extend(ON_POLICIES.iter().filter(able).map(|action| (*action).to_owned()));
    for (reader, actions) in readers {
        for action in actions.iter().filter(able) {
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
