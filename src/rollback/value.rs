//! What one request changes: the part of one answer that is its own. A trust policy and the tags of a role are one answer
//! and two parts; of a list that a whole account shares, only the named item counts. Comparing parts, and not answers,
//! keeps what others do beside us out of the way.

use std::collections::{BTreeMap, BTreeSet};

use crate::call::{GrantChange, Query, Read, Write};
use crate::diff::{Diff, diff};
use crate::journal::Sent;
use crate::model::bucket::{Encryption, Lifecycle, Logging, Notification, ObjectLock, Ownership};
use crate::model::bucket::{PublicAccessBlock, Replication, Versioning};
use crate::model::fact::{Names, PolicyText, WorkspaceConf};
use crate::model::key::{Grant, Rotation};
use crate::model::{Fact, Gap, Kind, Observed};

/// Which part of which answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub query: Query,
    pub of: Of,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Whole,
    Trust,
    /// These names of a tag set.
    Tags(BTreeSet<String>),
    /// Status of one log-delivery configuration.
    Status(String),
    /// One managed policy on a role.
    Attached(String),
    /// One grant, by what it gives.
    Granted(Box<Grant>),
    /// These (principal, privilege) pairs of a securable.
    Privileges(BTreeSet<(String, String)>),
}

/// What a part is or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Fact(Box<Fact>),
    Trust(String),
    Tags(BTreeMap<String, Option<String>>),
    Status(String),
    /// Attached or granted.
    There(bool),
    Privileges(BTreeMap<(String, String), bool>),
}

impl Part {
    /// Whether two requests change the same thing, so that the later one builds on the earlier.
    pub fn overlaps(&self, other: &Part) -> bool {
        self.query == other.query
            && match (&self.of, &other.of) {
                (Of::Tags(_), Of::Tags(_)) | (Of::Privileges(_), Of::Privileges(_)) => true,
                (left, right) => left == right,
            }
    }

    /// Both parts together.
    pub fn join(&mut self, other: &Part) {
        match (&mut self.of, &other.of) {
            (Of::Tags(names), Of::Tags(more)) => names.extend(more.iter().cloned()),
            (Of::Privileges(pairs), Of::Privileges(more)) => pairs.extend(more.iter().cloned()),
            _ => {}
        }
    }

    /// The part in an answer.
    pub fn of(&self, answer: &Observed<Fact>) -> Result<Value, Gap> {
        let fact = match answer {
            Observed::Present(fact) => Some(fact),
            Observed::Absent => None,
            Observed::Unknown(gap) => return Err(gap.clone()),
        };
        Ok(match &self.of {
            Of::Whole => Value::Fact(Box::new(whole(&self.query.read, fact))),
            Of::Trust => Value::Trust(fact.and_then(Fact::role).map(|role| role.trust.clone()).unwrap_or_default()),
            Of::Tags(names) => {
                let found = fact.and_then(tags_of);
                Value::Tags(
                    names.iter().map(|name| (name.clone(), found.and_then(|tags| tags.get(name)).cloned())).collect(),
                )
            }
            Of::Status(config_id) => {
                let all = fact.and_then(Fact::log_deliveries).map_or(&[][..], Vec::as_slice);
                let found = all.iter().find(|one| one.config_id == *config_id);
                Value::Status(found.map_or_else(|| "DISABLED".to_owned(), |one| one.status.clone()))
            }
            Of::Attached(arn) => {
                Value::There(fact.and_then(Fact::names).is_some_and(|Names(names)| names.contains(arn)))
            }
            Of::Granted(grant) => {
                Value::There(fact.and_then(Fact::grants).is_some_and(|all| all.iter().any(|g| g.does_the_same(grant))))
            }
            Of::Privileges(pairs) => {
                let all = fact.and_then(Fact::privileges).map_or(&[][..], Vec::as_slice);
                let held = |principal: &str, privilege: &str| {
                    let is = |one: &String| one.replace(' ', "_") == privilege;
                    all.iter().any(|one| one.principal == principal && one.privileges.iter().any(is))
                };
                Value::Privileges(pairs.iter().map(|pair| (pair.clone(), held(&pair.0, &pair.1))).collect())
            }
        })
    }

    /// Whether two values of this part mean the same.
    pub fn same(&self, kind: Kind, left: &Value, right: &Value, resolve: &dyn Fn(&str) -> Option<String>) -> bool {
        match (left, right) {
            (Value::Fact(left), Value::Fact(right)) => {
                let left = Observed::Present((**left).clone());
                left == Observed::Present((**right).clone())
                    || diff(kind, &left, right, &BTreeMap::new(), resolve) == Diff::Same
            }
            (Value::Trust(left), Value::Trust(right)) => left == right || crate::iam::equivalent(left, right),
            (left, right) => left == right,
        }
    }
}

pub(super) fn tags_of(fact: &Fact) -> Option<&BTreeMap<String, String>> {
    match fact {
        Fact::Tags(tags) => Some(&tags.0),
        Fact::Role(role) => Some(&role.tags),
        _ => None,
    }
}

/// The whole answer, with one spelling of what means the same: no configuration, and the documented default.
fn whole(read: &Read, fact: Option<&Fact>) -> Fact {
    match (fact, read) {
        // A bucket that was ever versioned can only be suspended, which to new objects is the same as off.
        (Some(Fact::BucketVersioning(one)), _) => {
            let status = if one.status == "Enabled" { "Enabled" } else { "Suspended" };
            Versioning { status: status.to_owned(), mfa_delete: one.mfa_delete }.into()
        }
        (Some(fact), _) => fact.clone(),
        (None, read) => nothing(read),
    }
}

/// The fact that stands for absence.
fn nothing(read: &Read) -> Fact {
    match read {
        Read::AccountPublicAccessBlock | Read::BucketPublicAccessBlock { .. } => PublicAccessBlock {
            block_public_acls: false,
            ignore_public_acls: false,
            block_public_policy: false,
            restrict_public_buckets: false,
        }
        .into(),
        // What a bucket has without controls (S3 User Guide, "Controlling ownership of objects").
        Read::BucketOwnership { .. } => Ownership { object_ownership: "ObjectWriter".to_owned() }.into(),
        Read::BucketEncryption { .. } => Encryption::s3().into(),
        Read::BucketVersioning { .. } => Versioning { status: "Suspended".to_owned(), mfa_delete: false }.into(),
        Read::BucketObjectLock { .. } => ObjectLock { retention: None }.into(),
        Read::BucketLifecycle { .. } => Lifecycle { rules: Vec::new() }.into(),
        Read::BucketLogging { .. } => Logging {
            target_bucket: String::new(),
            target_prefix: String::new(),
            target_grants: Vec::new(),
            key_format: None,
        }
        .into(),
        Read::BucketNotification { .. } => Notification::default().into(),
        Read::BucketReplication { .. } => Replication { role: String::new(), rules: Vec::new() }.into(),
        Read::KeyRotation { .. } => Rotation { enabled: false, period_days: None }.into(),
        Read::WorkspaceConf { key } => WorkspaceConf(BTreeMap::from([(key.clone(), None)])).into(),
        _ => PolicyText(String::new()).into(),
    }
}

/// What a request makes of its part. `None` where the request is no statement about a value.
pub(super) fn written(write: &Write, part: &Part, previous: &Value) -> Option<Value> {
    let fact = |fact: Fact| Some(Value::Fact(Box::new(fact)));
    let policy = |text: &str| fact(PolicyText(text.to_owned()).into());
    match write {
        Write::PutAccountPublicAccessBlock { block } | Write::PutBucketPublicAccessBlock { block, .. } => {
            fact(block.clone().into())
        }
        Write::PutBucketTags { tags, .. } => Some(changed_tags(part, previous, |name| Some(tags.get(name).cloned()))),
        Write::DeleteBucketTags { .. } => Some(changed_tags(part, previous, |_| Some(None))),
        Write::TagKey { tags, .. } | Write::TagRole { tags, .. } => {
            Some(changed_tags(part, previous, |name| tags.get(name).cloned().map(Some)))
        }
        Write::UntagKey { names, .. } | Write::UntagRole { names, .. } => {
            Some(changed_tags(part, previous, |name| names.iter().any(|one| one == name).then_some(None)))
        }
        Write::PutBucketOwnership { object_ownership, .. } => {
            fact(Ownership { object_ownership: object_ownership.clone() }.into())
        }
        Write::PutBucketAcl { acl, .. } => fact(acl.clone().into()),
        Write::PutBucketAclPrivate { .. } => match previous {
            Value::Fact(before) => before.acl().and_then(|acl| fact(private(&acl.owner).into())),
            _ => None,
        },
        Write::PutBucketEncryption { encryption, .. } => fact(encryption.clone().into()),
        Write::EnableBucketVersioning { .. } => fact(versioning(previous, "Enabled")),
        Write::SuspendBucketVersioning { .. } => fact(versioning(previous, "Suspended")),
        Write::PutBucketObjectLock { retention, .. } => fact(ObjectLock { retention: retention.clone() }.into()),
        Write::PutBucketLifecycle { lifecycle, .. } => fact(lifecycle.clone().into()),
        Write::PutBucketPolicy { policy: text, .. }
        | Write::PutKeyPolicy { policy: text, .. }
        | Write::PutRolePolicy { policy: text, .. } => policy(text),
        Write::DeleteBucketPolicy { .. } | Write::DeleteRolePolicy { .. } => policy(""),
        Write::PutBucketLogging { logging, .. } => fact(logging.clone().into()),
        Write::PutBucketNotification { notification, .. } => fact(notification.clone().into()),
        Write::PutBucketReplication { replication, .. } => fact(replication.clone().into()),
        Write::DeleteBucketLifecycle { .. }
        | Write::DeleteBucketLogging { .. }
        | Write::DeleteBucketReplication { .. } => fact(nothing(&part.query.read)),
        Write::EnableKeyRotation { period_days, .. } => {
            fact(Rotation { enabled: true, period_days: Some(*period_days) }.into())
        }
        Write::DisableKeyRotation { .. } => fact(Rotation { enabled: false, period_days: None }.into()),
        Write::CreateGrant { .. } | Write::AttachRolePolicy { .. } => Some(Value::There(true)),
        Write::RevokeGrant { .. } | Write::DetachRolePolicy { .. } => Some(Value::There(false)),
        Write::UpdateTrust { policy, .. } => Some(Value::Trust(policy.clone())),
        Write::CreateLogDelivery { .. } => Some(Value::Status("ENABLED".to_owned())),
        Write::SetLogDeliveryStatus { status, .. } => Some(Value::Status(status.clone())),
        Write::UpdatePrivileges { changes, .. } => Some(changed_privileges(previous, changes)),
        Write::SetWorkspaceConf { key, value } => {
            fact(WorkspaceConf(BTreeMap::from([(key.clone(), Some(value.clone()))])).into())
        }
        Write::CreateBucket { .. }
        | Write::CreateKey { .. }
        | Write::CancelKeyDeletion { .. }
        | Write::EnableKey { .. }
        | Write::CreateAlias { .. }
        | Write::UpdateAlias { .. }
        | Write::CreateRole { .. }
        | Write::CreateCredential { .. }
        | Write::CreateStorageConfiguration { .. }
        | Write::EnableSystemSchema { .. } => None,
    }
}

/// An access control list that grants to the owner alone.
pub(super) fn private(owner: &str) -> crate::model::bucket::Acl {
    let grant = crate::model::bucket::AclGrant { grantee: owner.to_owned(), permission: "FULL_CONTROL".to_owned() };
    crate::model::bucket::Acl { owner: owner.to_owned(), grants: vec![grant] }
}

fn versioning(previous: &Value, status: &str) -> Fact {
    let mfa_delete = match previous {
        Value::Fact(fact) => fact.versioning().is_some_and(|before| before.mfa_delete),
        _ => false,
    };
    Versioning { status: status.to_owned(), mfa_delete }.into()
}

/// `change` says what a name becomes; `None` leaves it.
fn changed_tags(part: &Part, previous: &Value, change: impl Fn(&str) -> Option<Option<String>>) -> Value {
    let Of::Tags(names) = &part.of else { return previous.clone() };
    let before = |name: &str| match previous {
        Value::Tags(tags) => tags.get(name).cloned().flatten(),
        _ => None,
    };
    Value::Tags(names.iter().map(|name| (name.clone(), change(name).unwrap_or_else(|| before(name)))).collect())
}

fn changed_privileges(previous: &Value, changes: &[GrantChange]) -> Value {
    let Value::Privileges(pairs) = previous else { return previous.clone() };
    let mut pairs = pairs.clone();
    for GrantChange { principal, add, remove } in changes {
        for ((_, privilege), held) in pairs.iter_mut().filter(|((of, _), _)| of == principal) {
            let named = |list: &[String]| list.iter().any(|one| one.replace(' ', "_") == *privilege);
            *held = (*held || named(add)) && !named(remove);
        }
    }
    Value::Privileges(pairs)
}

/// The image before a request, as its journal kept it.
pub(super) fn before(sent: &Sent, part: &Part) -> Option<Result<Value, Gap>> {
    if let Write::CreateLogDelivery { .. } = sent.write {
        return Some(Ok(Value::Status("DISABLED".to_owned())));
    }
    // An inline policy that was read as a name in a list: its text is in what would have undone the deletion.
    if let Some(Write::PutRolePolicy { policy, .. }) = &sent.undo {
        return Some(Ok(Value::Fact(Box::new(PolicyText(policy.clone()).into()))));
    }
    sent.before.as_ref().map(|answer| part.of(answer))
}
