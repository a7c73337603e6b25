//! Guards that ask the policy evaluator: lock-out, delivery, public policies.

use crate::harden::{LiveWriter, live_writers, writer_of};
use crate::iam::evaluate::{Decision, Evaluation, NamedPolicy, Policies, Request, evaluate};
use crate::iam::principal::{Principal, Role};
use crate::iam::{parse, public};
use crate::model::{Arn, Desired, Kind, Live, Place};

use super::states::{State, states, written_policy};
use super::{Subject, Verdicts};

/// What a caller's own permissions may be, at most: a policy of a bucket or key has to be enough against it.
const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Context keys of which nothing is known when a person or Databricks calls.
const NOT_KNOWN: &[&str] = &[
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:VpcSourceIp",
    "aws:UserAgent",
    "aws:Referer",
    "aws:PrincipalTag/*",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:RequestedRegion",
    "aws:CurrentTime",
    "aws:EpochTime",
];

/// Runs the guards of this file.
pub(super) fn check(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    lock_out(subject, verdicts);
    public_policy(subject, verdicts);
    for desired in subject.desired {
        delivery(subject, desired, verdicts);
    }
}

/// No policy is written that no declared admin, and not its caller, could write again.
fn lock_out(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    let (mut buckets, mut keys) = (true, true);
    for step in subject.steps {
        let Some((kind, resource, text)) = written_policy(step) else { continue };
        let Some(desired) = subject.desired.iter().find(|one| one.name == step.address.manifest) else { continue };
        let account = match &step.action {
            super::super::StepAction::Write { place: Place::Aws { account, .. }, .. } => account.clone(),
            _ => continue,
        };
        let (action, resource, code) = if kind == Kind::BucketPolicy {
            let arn = format!("arn:{}:s3:::{resource}", desired.aws.partition.arn_name());
            ("s3:PutBucketPolicy", arn, "self-lockout-bucket")
        } else {
            ("kms:PutKeyPolicy", resource.to_owned(), "self-lockout-key")
        };
        // Only principals of the owning account may change a bucket policy.
        let admins: Vec<&Arn> = desired.admin_roles().into_iter().filter(|admin| admin.account == account).collect();
        let keeps = |admin: &Arn| {
            let evaluation = decide(admin, action, &resource, &account, text, &[]);
            matches!(evaluation, Some(Evaluation { decision: Decision::Allowed, .. }))
        };
        if admins.iter().any(|admin| keeps(admin)) {
            continue;
        }
        if kind == Kind::BucketPolicy {
            buckets = false;
        } else {
            keys = false;
        }
        verdicts.refuse(
            code,
            format!(
                "{}: after `{}` no declared admin of account {account} is sure to keep {action}",
                step.address, step.title
            ),
        );
    }
    if buckets {
        verdicts.pass("self-lockout-bucket", "a declared admin can change every bucket policy after every step");
    }
    if keys {
        verdicts.pass("self-lockout-key", "a declared admin can change every key policy after every step");
    }
}

/// BlockPublicPolicy refuses these anyway, after other steps were made; better not to begin.
fn public_policy(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    let mut clean = true;
    for step in subject.steps {
        let Some((Kind::BucketPolicy, bucket, text)) = written_policy(step) else { continue };
        if parse(text).is_ok_and(|policy| public::is_public(&policy)) {
            clean = false;
            verdicts.refuse(
                "public-policy",
                format!("{}: the policy of `{bucket}` would be public as S3 understands it", step.address),
            );
        }
    }
    if clean {
        verdicts.pass("public-policy", "no policy that is written is public");
    }
}

/// Who has to be able to deliver at one moment.
fn writers(desired: &Desired, all: &Live, live: &[LiveWriter], state: &State) -> Vec<(String, String)> {
    let mut writers: Vec<(String, String)> = live
        .iter()
        .filter(|writer| !state.disabled.contains(&writer.config_id))
        .map(|writer| (writer.role_arn.clone(), writer.prefix.clone()))
        .collect();
    let switched_on = state.enabled.iter().filter_map(|config_id| writer_of(desired, all, config_id));
    writers.extend(switched_on.map(|writer| (writer.role_arn, writer.prefix)));
    if state.declared {
        writers.push((desired.role.arn.to_string(), desired.delivery.prefix.clone()));
    }
    writers.sort();
    writers.dedup();
    writers
}

/// Whoever delivers at a moment is not refused by the policies of that moment.
fn delivery(subject: &Subject<'_>, desired: &Desired, verdicts: &mut Verdicts<'_>) {
    let live = live_writers(desired, subject.live);
    let states = states(desired, subject.live, subject.steps);
    let mut works = true;
    let Some((_, first)) = states.first() else { return };
    for (step, state) in &states {
        let Some(step) = step.and_then(|id| subject.steps.get(id)) else { continue };
        for (role, prefix) in writers(desired, subject.live, &live, state) {
            let Ok(arn) = role.parse::<Arn>() else { continue };
            for question in questions(desired, state, &prefix) {
                let Some(now) = question.ask(desired, &arn, state) else { continue };
                if now.decision == Decision::Allowed {
                    continue;
                }
                // What could not be told before either, while the delivery works, is no fault of this step.
                let before = question.ask(desired, &arn, first).map(|evaluation| evaluation.decision);
                let unchanged = now.decision == Decision::Unknown && before == Some(Decision::Unknown);
                if unchanged {
                    continue;
                }
                works = false;
                let deciding: Vec<String> = now.deciding.iter().map(ToString::to_string).collect();
                verdicts.refuse(
                    "delivery-cannot-write",
                    format!(
                        "{}: after `{}` the delivery role `{role}` may not be allowed {} ({})",
                        step.address,
                        step.title,
                        question.action,
                        deciding.join(", ")
                    ),
                );
            }
        }
    }
    if works {
        verdicts
            .pass("delivery-cannot-write", format!("`{}`: whoever delivers can write after every step", desired.name));
    }
}

/// One request of a delivery.
struct Question {
    action: &'static str,
    resource: String,
    context: Vec<(&'static str, String)>,
    /// Asked of the key, not of the bucket.
    key: Option<String>,
}

/// What a delivery to a prefix asks of bucket and key: the PUT, and what S3 asks of KMS on its behalf, in both encryption
/// contexts (S3 User Guide, "Using server-side encryption with AWS KMS keys": bucket keys change the context).
fn questions(desired: &Desired, state: &State, prefix: &str) -> Vec<Question> {
    let bucket = format!("arn:{}:s3:::{}", desired.aws.partition.arn_name(), desired.delivery.bucket);
    let slash = if prefix.is_empty() { "" } else { "/" };
    let object = format!("{bucket}/{prefix}{slash}workspaceId=0/date=2026-01-01/auditlogs_0.json");
    let mut questions = vec![Question {
        action: "s3:PutObject",
        resource: object.clone(),
        context: vec![("s3:x-amz-acl", "bucket-owner-full-control".to_owned())],
        key: None,
    }];
    let Some(key) = state.default_key.clone().filter(|key| state.key_policies.contains_key(key)) else {
        return questions;
    };
    for action in ["kms:GenerateDataKey", "kms:Decrypt"] {
        for context in [&bucket, &object] {
            questions.push(Question {
                action,
                resource: key.clone(),
                context: vec![
                    ("kms:ViaService", format!("s3.{}.amazonaws.com", desired.aws.region)),
                    ("kms:EncryptionContext:aws:s3:arn", context.clone()),
                    ("kms:EncryptionContextKeys", "aws:s3:arn".to_owned()),
                ],
                key: Some(key.clone()),
            });
        }
    }
    questions
}

impl Question {
    /// `None` when the state has no policy to ask, so that the account's own permissions decide alone.
    fn ask(&self, desired: &Desired, role: &Arn, state: &State) -> Option<Evaluation> {
        let text = match &self.key {
            Some(key) => state.key_policies.get(key)?,
            None => state.bucket_policy.as_ref()?,
        };
        decide(role, self.action, &self.resource, &desired.aws.account_id, text, &self.context)
    }
}

fn decide(
    role: &Arn,
    action: &str,
    resource: &str,
    owner: &str,
    policy: &str,
    context: &[(&'static str, String)],
) -> Option<Evaluation> {
    let (path, name) = role.role()?;
    let role =
        Role { partition: role.partition.clone(), account: role.account.clone(), path: Some(path), name, id: None };
    let principal = Principal::RoleSession { role, session: None };
    let mut request = Request::new(principal, action, resource);
    request.resource_account = Some(owner.to_owned());
    request.context.insert("aws:SecureTransport".to_owned(), vec!["true".to_owned()]);
    request.context.insert("s3:TlsVersion".to_owned(), vec!["1.3".to_owned()]);
    for (key, value) in context {
        request.context.insert((*key).to_owned(), vec![value.clone()]);
    }
    request.unknown_keys = NOT_KNOWN.iter().map(|key| (*key).to_owned()).collect();
    let policies = Policies {
        identity: vec![NamedPolicy::read("identity", EVERYTHING)],
        resource: Some(NamedPolicy::read("resource", policy)),
        ..Policies::default()
    };
    Some(evaluate(&request, &policies))
}
