//! S3 Access Grants (B8): S3 lends the role of a location to whomever a grant names, for a part of a bucket ("How S3 Access
//! Grants works", Amazon S3 User Guide).

use std::sync::Arc;

use crate::iam::NamedPolicy;
use crate::iam::symbolic::Keys;
use crate::model::access_grant::{AccessGrant, Grantee};

use super::ask::{Guard, Outcome, Worlds, ask};
use super::assessment::{Hop, PrincipalAccess, PrincipalKind, Question, Verdict, Witness};
use super::estate::Estate;
use super::inventory::Inventory;
use super::objects::{Objects, below};
use super::question::actions;
use super::reach::{Found, Reach};
use super::subject::Subject;

/// What credentials of a grant may do ("Permissions", S3 API, CreateAccessGrant).
const READING: [&str; 5] =
    ["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"];
const WRITING: [&str; 5] =
    ["s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectVersionAcl", "s3:DeleteObject", "s3:DeleteObjectVersion"];
/// Chains of grants that are followed: somebody whom a grant makes a reader may own the role that another lends.
const ROUNDS: usize = 4;

/// ARNs of the users and roles to whom grants are made.
pub(super) fn grantees<'a>(estate: &'a Estate<'_>) -> impl Iterator<Item = &'a str> {
    estate.lent.iter().flatten().filter_map(|grant| match &grant.grantee {
        Grantee::Iam(arn) => Some(arn.as_str()),
        Grantee::DirectoryUser(_) | Grantee::DirectoryGroup(_) => None,
    })
}

fn covers(grant: &AccessGrant, action: &str) -> bool {
    let reads = matches!(grant.permission.as_str(), "READ" | "READWRITE") && READING.contains(&action);
    let writes = matches!(grant.permission.as_str(), "WRITE" | "READWRITE") && WRITING.contains(&action);
    // A permission that nobody knows may be any.
    let known = matches!(grant.permission.as_str(), "READ" | "WRITE" | "READWRITE");
    reads || writes || !known
}

/// Whether a grant is about some objects of a class.
fn meets(grant: &AccessGrant, bucket: &str, objects: &Objects) -> bool {
    let scope = grant.scope.strip_prefix("s3://").unwrap_or(&grant.scope);
    objects.class.prefixes.iter().map(|prefix| format!("{bucket}/{}", below(prefix))).any(|own| {
        match scope.strip_suffix('*') {
            Some(scope) => scope.starts_with(&own) || own.starts_with(scope),
            None => scope.starts_with(&own),
        }
    })
}

fn words(grant: &AccessGrant) -> String {
    let role = grant.role.as_deref().unwrap_or("a role that was not listed");
    format!("access grant `{}` ({} on {}) lends {role}", grant.id, grant.permission, grant.scope)
}

/// What the role of a grant can do of what the grant covers. A role whose record was not read may do all of it.
fn loan(reach: &Reach<'_>, inventory: &Inventory, found: &[Vec<Found>], grant: &AccessGrant) -> Vec<Found> {
    let bucket = reach.estate.bucket();
    let concerned = |class: usize| reach.classes.get(class).is_some_and(|objects| meets(grant, &bucket, objects));
    let role = grant.role.as_deref().and_then(|arn| inventory.roles.iter().find(|role| role.arn == arn));
    if let Some(role) = role {
        let own = found.get(role.subject).into_iter().flatten();
        let lent =
            own.filter(|one| one.outcome.verdict.possible() && covers(grant, one.action) && concerned(one.class));
        return lent.cloned().collect();
    }
    let mut all = Vec::new();
    for question in Question::ALL {
        let action = actions(question).iter().find(|action| covers(grant, action.name));
        for class in (0..reach.classes.len()).filter(|class| concerned(*class)) {
            let outcome = Outcome {
                verdict: Verdict::Conditional,
                certain: false,
                statements: Vec::new(),
                context: Default::default(),
                conditions: vec!["what the role that it lends can do was not read".to_owned()],
                blocked: Vec::new(),
            };
            all.extend(action.map(|one| Found { question, class, action: one.name, duty: one.duty, outcome }));
        }
    }
    all
}

/// Adds to what users and roles can do by themselves what grants lend them.
pub(super) fn to_principals(
    reach: &Reach<'_>,
    inventory: &Inventory,
    subjects: &[Arc<Subject>],
    found: &mut [Vec<Found>],
) {
    let grants: Vec<&AccessGrant> = reach.estate.lent.iter().flatten().collect();
    for _ in 0..ROUNDS {
        let mut more = false;
        for grant in &grants {
            let Grantee::Iam(arn) = &grant.grantee else { continue };
            let lent = loan(reach, inventory, found, grant);
            let named = subjects.iter().enumerate().filter(|(_, one)| one.name == *arn);
            for (index, subject) in named.filter(|_| !lent.is_empty()) {
                let asked = asks(reach.estate, subject);
                if !asked.verdict.possible() {
                    continue;
                }
                if let Some(own) = found.get_mut(index) {
                    lent.iter().for_each(|one| more |= add(own, one, &asked, grant));
                }
            }
        }
        if !more {
            break;
        }
    }
}

/// Whether a principal may ask S3 for the credentials of a grant. Other accounts need a policy of the instance, which was not
/// read.
fn asks(estate: &Estate<'_>, subject: &Subject) -> Outcome {
    let (partition, region, account) = (estate.partition(), &estate.desired.aws.region, estate.account());
    let instance = format!("arn:{partition}:s3:{region}:{account}:access-grants/default");
    let unread = NamedPolicy::unknown("policy of the Access Grants instance", "it was not read");
    let guard = Guard { policy: (!subject.in_account).then_some(&unread), block: None };
    let one = estate.to_bucket(subject, "s3:GetDataAccess", &instance, guard, Keys::default());
    ask(&Worlds::of(subject, estate), &[one])
}

/// Returns whether anything was added.
fn add(own: &mut Vec<Found>, lent: &Found, asked: &Outcome, grant: &AccessGrant) -> bool {
    let same = |one: &Found| (one.question, one.class) == (lent.question, lent.class);
    let already = |one: &Found| same(one) && one.action == lent.action && one.outcome.verdict.possible();
    if own.iter().any(already) {
        return false;
    }
    // Why it could not is no longer so.
    own.retain(|one| !same(one) || one.outcome.verdict.possible());
    let mut outcome = lent.outcome.clone();
    outcome.verdict = outcome.verdict.min(asked.verdict);
    outcome.certain &= asked.certain;
    outcome.conditions.extend(asked.conditions.iter().cloned());
    outcome.context.extend(asked.context.clone());
    let by_grant = std::iter::once(words(grant)).chain(asked.statements.iter().flatten().cloned()).collect();
    outcome.statements.insert(0, by_grant);
    own.push(Found { outcome, ..lent.clone() });
    true
}

/// What grants lend to people of a directory, of whom AWS's own policies know nothing.
pub(super) fn to_directory(reach: &Reach<'_>, inventory: &Inventory, found: &[Vec<Found>]) -> Vec<PrincipalAccess> {
    let mut all = Vec::new();
    for grant in reach.estate.lent.iter().flatten() {
        let (kind, name) = match &grant.grantee {
            Grantee::Iam(_) => continue,
            Grantee::DirectoryUser(id) => (PrincipalKind::DirectoryUser, format!("directory user {id}")),
            Grantee::DirectoryGroup(id) => (PrincipalKind::DirectoryGroup, format!("directory group {id}")),
        };
        for one in loan(reach, inventory, found, grant) {
            all.extend(entry(reach, grant, kind, &name, &one));
        }
    }
    all
}

fn entry(
    reach: &Reach<'_>,
    grant: &AccessGrant,
    kind: PrincipalKind,
    name: &str,
    one: &Found,
) -> Option<PrincipalAccess> {
    let Found { question, class, action, outcome, .. } = one;
    let class = &reach.classes.get(*class)?.class;
    let mut conditions = outcome.conditions.clone();
    conditions.push("signed in by IAM Identity Center".to_owned());
    let hop = Hop {
        role: grant.role.clone().unwrap_or_default(),
        by: "access-grant".to_owned(),
        statements: vec![words(grant)],
        conditions: Vec::new(),
    };
    Some(PrincipalAccess {
        manifest: reach.estate.desired.name.clone(),
        question: *question,
        arn: name.to_owned(),
        kind,
        declared: false,
        declared_as: "not declared".to_owned(),
        verdict: Verdict::Conditional,
        certain: outcome.certain,
        object_class: class.id.clone(),
        actions: vec![(*action).to_owned()],
        via: vec![hop],
        witness: Witness {
            s3: outcome.statements.iter().flatten().cloned().collect(),
            assume_role: vec![words(grant)],
            context: outcome.context.clone(),
            ..Witness::default()
        },
        conditions,
        blocked_by: Vec::new(),
    })
}
