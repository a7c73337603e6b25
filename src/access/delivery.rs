//! Whether Databricks can deliver, whatever network and credentials it uses (facts 3.8, 4.2: "always").

use std::sync::Arc;

use crate::iam::symbolic::{Keys, World};
use crate::iam::{Principal, Truth};
use crate::model::live::Read;
use crate::model::{Fact, Observed};

use super::allowed::{Sheet, may_allow};
use super::ask::{Ask, Guard, answer};
use super::assessment::{PrincipalKind, ProofVerdict};
use super::inventory::OwnRole;
use super::outsiders;
use super::proof::{Case, unmet};
use super::subject::{Credential, Identity, Subject, Traits};
use super::variables;
use super::worlds;

/// What a PUT of the delivery does not carry: it relies on the bucket's default encryption (facts 3.8).
const NOT_SENT: [&str; 8] = [
    "s3:x-amz-*",
    "s3:RequestObjectTag/*",
    "s3:RequestObjectTagKeys",
    "s3:object-lock-*",
    "s3:if-*",
    "s3:VersionId",
    "aws:RequestTag/*",
    "aws:SourceIdentity",
];

pub(super) fn works(case: &Case<'_>) -> (ProofVerdict, Vec<String>) {
    let (mut worst, mut because) = (ProofVerdict::Holds, Vec::new());
    let roles: Vec<String> = case.declared.delivery_roles().cloned().collect();
    for arn in roles {
        let Some((subject, trust)) = role(case, &arn) else {
            worst = worst.max(ProofVerdict::NotProven);
            because.push(format!("the delivery role {arn} was not found or not read"));
            continue;
        };
        for (subject, one) in requests(case, &subject, &trust, &arn) {
            let worlds = delivering(&case.estate.worlds(&subject).all);
            let found = answer(&worlds, std::slice::from_ref(&one));
            let verdict = match found.always {
                Truth::Yes => continue,
                _ if found.can == Truth::No => ProofVerdict::DoesNotHold,
                Truth::No => ProofVerdict::DoesNotHold,
                Truth::Unknown => ProofVerdict::NotProven,
            };
            worst = worst.max(verdict);
            because.extend(unmet(&found, &one.name));
        }
    }
    because.sort();
    because.dedup();
    (worst, because)
}

/// The delivery role and its trust policy: from the account's records, else from what was read of the role itself.
fn role(case: &Case<'_>, arn: &str) -> Option<(Subject, Arc<Sheet>)> {
    if let Some(inventory) = case.inventory
        && let Some(OwnRole { subject, trust, .. }) = inventory.roles.iter().find(|role| role.arn == arn)
    {
        // Proved whatever the account's canonical user is.
        let subject = Subject { canonical_user: None, ..Subject::clone(inventory.subjects.get(*subject)?) };
        return Some((subject, Arc::clone(trust)));
    }
    let (estate, place) = (case.estate, case.estate.desired.role_place());
    let (_, name) = estate.desired.role.arn.role()?;
    let role = estate.live.view(&place, Read::Role { role: name.clone() }, Fact::role).present()?;
    let mut policies = Vec::new();
    match estate.live.view(&place, Read::RoleInlinePolicies { role: name.clone() }, Fact::names) {
        Observed::Present(names) => {
            for policy in names.0 {
                let read = Read::RolePolicy { role: name.clone(), policy: policy.clone() };
                policies.push(match estate.live.view(&place, read, Fact::policy) {
                    Observed::Present(text) => estate.library.read(&policy, &text.0),
                    Observed::Absent => continue,
                    Observed::Unknown(gap) => estate.library.unknown(&policy, &gap.message),
                });
            }
        }
        Observed::Absent => {}
        Observed::Unknown(gap) => policies.push(estate.library.unknown("inline policies", &gap.message)),
    }
    match estate.live.view(&place, Read::RoleAttachedPolicies { role: name }, Fact::names) {
        Observed::Present(names) if names.0.is_empty() => {}
        Observed::Absent => {}
        _ => policies.push(estate.library.unknown("attached policies", "their text was not read")),
    }
    let boundary = role.boundary.as_ref().map(|arn| estate.library.unknown(arn, "its text was not read"));
    let trust = estate.library.read("trust policy", &role.trust);
    let in_account = estate.desired.role.arn.account == estate.account();
    let subject = Subject {
        name: arn.to_owned(),
        kind: PrincipalKind::Role,
        principal: arn.parse::<Principal>().ok()?,
        credential: Credential::Role,
        identity: Identity::new(policies, boundary),
        in_account,
        traits: Traits::Known { tags: role.tags.clone(), session_tags: may_allow(&trust, "sts:TagSession") },
        canonical_user: Some(String::new()),
        class: None,
    };
    Some((subject, trust))
}

/// Every request of a delivery, with who makes it.
fn requests(case: &Case<'_>, role: &Subject, trust: &Arc<Sheet>, arn: &str) -> Vec<(Subject, Ask)> {
    let estate = case.estate;
    let mut all = Vec::new();
    if let Some(databricks) = databricks(case) {
        let guard = Guard { policy: Some(trust), block: None };
        let mut own = Keys::default();
        own.fixed.insert("sts:ExternalId".to_owned(), vec![estate.desired.databricks.account_id.clone()]);
        own.present.insert("sts:RoleSessionName".to_owned());
        own.absent.extend(
            ["sts:SourceIdentity", "sts:TransitiveTagKeys", "aws:RequestTag/*", "aws:TagKeys"].map(str::to_owned),
        );
        let mut one = estate.to_bucket(&databricks, "sts:AssumeRole", arn, guard, own);
        one.request.resource_account = Some(estate.desired.role.arn.account.clone());
        one.name = "sts:AssumeRole by Databricks".to_owned();
        all.push((databricks, one));
    }
    let Some(current) = case.classes.iter().find(|objects| objects.class.id == "current") else { return all };
    let guard = estate.guard();
    let worlds = delivering(&estate.worlds(role).all);
    let own = variables::objects(estate, role, &worlds, &current.class.prefixes);
    for object in current.witnesses.iter().chain(&own) {
        // Databricks asks for the bucket owner's full control; where lists are off it may leave that out.
        for list in [Some("bucket-owner-full-control"), None] {
            let mut own = worlds::direct();
            own.fixed.extend(list.map(|value| ("s3:x-amz-acl".to_owned(), vec![value.to_owned()])));
            all.push((role.clone(), estate.to_bucket(role, "s3:PutObject", object, guard, own)));
        }
        let Some(key) = current.class.key.as_ref().and_then(|key| estate.keys.get(key)) else { continue };
        for action in ["kms:GenerateDataKey", "kms:Decrypt"] {
            for context in [&estate.bucket_arn(), object] {
                let own = worlds::through_s3(&estate.desired.aws.region, context, true);
                all.push((role.clone(), estate.to_key(role, action, key, own)));
            }
        }
    }
    all
}

/// Databricks' principal, whose own account is taken to allow it.
fn databricks(case: &Case<'_>) -> Option<Subject> {
    Some(Subject {
        name: case.estate.desired.aws.partition.delivery_principal().to_owned(),
        kind: PrincipalKind::Role,
        principal: case.estate.desired.aws.partition.delivery_principal().parse().ok()?,
        credential: Credential::Role,
        identity: outsiders::everything(case.estate.library),
        in_account: false,
        traits: Traits::Open,
        canonical_user: Some(String::new()),
        class: None,
    })
}

/// What Databricks certainly does: TLS 1.2 or later, no headers of its own choice.
fn delivering(worlds: &[World]) -> Vec<World> {
    let forwarded =
        |world: &&World| world.keys().fixed.get("aws:ViaAWSService").is_some_and(|value| value == &["true"]);
    let worlds = worlds.iter().filter(|world| !forwarded(world));
    worlds
        .map(|world| {
            let mut keys = world.keys().clone();
            for (key, value) in [("aws:SecureTransport", "true"), ("s3:TlsVersion", "1.2")] {
                keys.present.remove(key);
                keys.fixed.insert(key.to_owned(), vec![value.to_owned()]);
            }
            keys.absent.extend(NOT_SENT.map(str::to_owned));
            World::new("a delivery", keys)
        })
        .collect()
}
