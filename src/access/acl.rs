//! Access control lists (B3): of the bucket, as read; of objects, which only sampling would show.

use crate::iam::written::Written;
use crate::iam::{Document, Effect, Element, NamedPolicy, Policy, PrincipalSpec, Statement, Text, Version, public};
use crate::model::Observed;
use crate::model::bucket::{AclGrant, PublicAccessBlock};

use super::ask::{Ask, Guard};
use super::assessment::PrincipalKind;
use super::estate::Estate;
use super::question::{Action, Target};
use super::subject::Subject;
use super::worlds;

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const LOG_DELIVERY: &str = "http://acs.amazonaws.com/groups/s3/LogDelivery";

/// Permission of a bucket's list → actions ("Access control list (ACL) overview").
const BUCKET_PERMISSIONS: [(&str, &[&str]); 4] = [
    ("READ", &["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"]),
    ("WRITE", &["s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"]),
    ("READ_ACP", &["s3:GetBucketAcl"]),
    ("WRITE_ACP", &["s3:PutBucketAcl"]),
];

/// What an object's own list can allow.
const OBJECT_ACTIONS: [&str; 4] = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObjectAcl", "s3:PutObjectVersionAcl"];

/// The request of an outsider whom a list may allow it. The bucket policy's Denies bind it all the same.
pub(super) fn listed(estate: &Estate<'_>, subject: &Subject, action: &Action, resource: &str) -> Option<Ask> {
    let list = estate.acl.as_ref()?;
    // Under a public policy the switch stops every other account, whatever allows it.
    let public = estate.policy.as_ref().is_some_and(|policy| match &policy.document {
        Document::Known(policy) => public::publicness(policy).certain(),
        Document::Unknown(_) => false,
    });
    if public && estate.block.restrict_public_buckets {
        return None;
    }
    let sid = match action.target {
        Target::Object if OBJECT_ACTIONS.contains(&action.name) => by_object(estate, subject)?,
        _ => by_bucket(estate, list, subject, action)?,
    };
    let everybody = PrincipalSpec { aws: vec!["*".to_owned()], ..PrincipalSpec::default() };
    let policy = with_allow(estate.guard().policy, allow_everybody(&sid, action.name, everybody))?;
    let block = unrestricted(&estate.block);
    let guard = Guard { policy: Some(&policy), block: Some(&block) };
    Some(estate.to_bucket(subject, action.name, resource, guard, worlds::direct()))
}

/// Object lists may name any account, and everybody unless public lists are ignored.
fn by_object(estate: &Estate<'_>, subject: &Subject) -> Option<String> {
    let public_only = matches!(subject.kind, PrincipalKind::Anonymous);
    let ignored = estate.block.ignore_public_acls && public_only;
    (!ignored).then(|| "access control list of an object, not sampled".to_owned())
}

fn by_bucket(
    estate: &Estate<'_>,
    list: &Observed<crate::model::bucket::Acl>,
    subject: &Subject,
    action: &Action,
) -> Option<String> {
    let list = match list {
        Observed::Present(list) => list,
        Observed::Absent => return None,
        Observed::Unknown(_) => return Some("access control list of the bucket, not read".to_owned()),
    };
    let covers = |grant: &AclGrant| {
        grant.permission == "FULL_CONTROL" && BUCKET_PERMISSIONS.iter().any(|(_, all)| all.contains(&action.name))
            || BUCKET_PERMISSIONS.iter().any(|(name, all)| grant.permission == *name && all.contains(&action.name))
    };
    let names = |grant: &AclGrant| match grant.grantee.as_str() {
        ALL_USERS => !estate.block.ignore_public_acls,
        AUTHENTICATED => !estate.block.ignore_public_acls && subject.kind != PrincipalKind::Anonymous,
        // S3's own log delivery, which is a service and has no requests of its own here.
        LOG_DELIVERY => false,
        id => subject.canonical_user.as_deref() == Some(id),
    };
    let grant = list.grants.iter().find(|grant| covers(grant) && names(grant))?;
    Some(format!("bucket ACL {} to {}", grant.permission, grant.grantee))
}

/// Canonical user ids that the bucket's list names, apart from the owner.
pub(super) fn canonical_users(estate: &Estate<'_>) -> Vec<String> {
    let Some(Observed::Present(list)) = &estate.acl else { return Vec::new() };
    let grantees = list.grants.iter().map(|grant| grant.grantee.clone());
    grantees.filter(|id| *id != list.owner && !id.starts_with("http")).collect()
}

/// What an access control list allows, as a policy: its Allow beside the Denies of the bucket policy, which bind it as well.
fn with_allow(policy: Option<&NamedPolicy>, allow: Statement) -> Option<NamedPolicy> {
    let mut statements = vec![allow];
    if let Some(NamedPolicy { document, .. }) = policy {
        match document {
            Document::Known(known) => {
                let denies = known.statements.iter().filter(|one| one.effect == Effect::Deny);
                statements.extend(denies.cloned());
                let merged = Policy { version: known.version, id: None, statements };
                return Some(NamedPolicy { name: "bucket policy".into(), document: Document::Known(merged.into()) });
            }
            Document::Unknown(_) => return policy.cloned(),
        }
    }
    let merged = Policy { version: Version::V2012, id: None, statements };
    Some(NamedPolicy { name: "bucket policy".into(), document: Document::Known(merged.into()) })
}

/// An Allow statement for everybody.
fn allow_everybody(sid: &str, action: &str, principal: PrincipalSpec) -> Statement {
    Statement {
        sid: Some(sid.into()),
        effect: Effect::Allow,
        principal: Some(Element::Is(principal)),
        action: Element::Is(Text::from(action).into()),
        resource: Some(Element::Is(Text::from("*").into())),
        conditions: Vec::new(),
        json: Written::default(),
    }
}

/// A list is no policy: `RestrictPublicBuckets` looks at the policy that is there.
fn unrestricted(block: &PublicAccessBlock) -> PublicAccessBlock {
    PublicAccessBlock { restrict_public_buckets: false, ..block.clone() }
}
