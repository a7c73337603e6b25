//! What a set of policies decides about one request (IAM User Guide, "Policy evaluation logic").
//!
//! The formula is that of the documentation, computed in three values: a decision is given only when every reading of what is
//! not known leads to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::bucket::PublicAccessBlock;
use crate::model::key::Grant;

use super::document::{Policy, PolicyError, parse, parse_shared};
use super::principal::Principal;
use super::text::Text;

/// One request. The context holds what the caller knows; keys that follow from principal and resource are added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub principal: Principal,
    /// `service:Name`.
    pub action: String,
    /// ARN, or `*` for an action without a resource.
    pub resource: String,
    /// Owner of the resource; where it is neither here nor in the ARN, both cases are weighed.
    pub resource_account: Option<String>,
    /// Key → values. A key that is not here is absent from the request, unless it is named in `unknown_keys`.
    pub context: BTreeMap<String, Vec<String>>,
    /// Keys, or patterns of keys (`aws:PrincipalTag/*`), that may have any value or none.
    pub unknown_keys: BTreeSet<String>,
    /// Canonical user id of the principal's account, for S3 policies that name one.
    pub canonical_user: Option<String>,
}

impl Request {
    #[must_use]
    pub fn new(principal: Principal, action: &str, resource: &str) -> Self {
        Self {
            principal,
            action: action.to_owned(),
            resource: resource.to_owned(),
            resource_account: None,
            context: BTreeMap::new(),
            unknown_keys: BTreeSet::new(),
            canonical_user: None,
        }
    }
}

/// A document, or the reason why its content is not known. An unknown document may allow and may deny everything.
///
/// Shared, because many principals have the same managed policies: parse each text once and clone the `Arc`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Document {
    Known(Arc<Policy>),
    Unknown(String),
}

impl From<Result<Policy, PolicyError>> for Document {
    fn from(read: Result<Policy, PolicyError>) -> Self {
        match read {
            Ok(policy) => Document::Known(Arc::new(policy)),
            Err(error) => Document::Unknown(error.to_string()),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedPolicy {
    pub name: Arc<str>,
    pub document: Document,
}

impl NamedPolicy {
    /// A policy by its text; a text that cannot be read is an unknown document.
    #[must_use]
    pub fn read(name: &str, text: &str) -> Self {
        Self { name: name.into(), document: parse(text).into() }
    }

    /// The same of a text that is shared with whoever keeps it.
    #[must_use]
    pub fn read_shared(name: Arc<str>, text: &Arc<str>) -> Self {
        Self { name, document: parse_shared(text).into() }
    }

    #[must_use]
    pub fn unknown(name: &str, why: &str) -> Self {
        Self { name: name.into(), document: Document::Unknown(why.to_owned()) }
    }
}

/// Everything that has a say in a request. What is empty or `None` does not exist; what exists but was not read is given as
/// [`Document::Unknown`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    /// Identity-based policies of the user or role, managed and inline, groups included.
    pub identity: Vec<NamedPolicy>,
    /// Permissions boundary.
    pub boundary: Option<NamedPolicy>,
    /// Session policies; none means the session has the permissions of its role.
    pub session: Vec<NamedPolicy>,
    /// Service control policies, one list per level from the organization's root to the account. Every level has to allow;
    /// no level at all means no organization.
    pub scps: Vec<Vec<NamedPolicy>>,
    /// Resource control policies that apply to the resource's account, `RCPFullAWSAccess` implied.
    pub rcps: Vec<NamedPolicy>,
    /// Bucket policy, key policy, trust policy.
    pub resource: Option<NamedPolicy>,
    /// Policy of the endpoint that the request comes through.
    pub vpc_endpoint: Option<NamedPolicy>,
    pub kms_grants: Vec<Grant>,
    /// The switches in force on the bucket: account, bucket and organization joined.
    pub block_public_access: Option<PublicAccessBlock>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Allowed,
    /// Nothing allows it.
    ImplicitDeny,
    /// A Deny statement matches.
    ExplicitDeny,
    /// It depends on something that is not known.
    Unknown,
}

/// What kind of policy a statement stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    Identity,
    Boundary,
    Session,
    ServiceControl,
    ResourceControl,
    Resource,
    VpcEndpoint,
    KmsGrant,
    PublicAccessBlock,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Layer::Identity => "identity policy",
            Layer::Boundary => "permissions boundary",
            Layer::Session => "session policy",
            Layer::ServiceControl => "service control policy",
            Layer::ResourceControl => "resource control policy",
            Layer::Resource => "resource policy",
            Layer::VpcEndpoint => "endpoint policy",
            Layer::KmsGrant => "KMS grant",
            Layer::PublicAccessBlock => "public access block",
        })
    }
}

/// A statement that decided, or that could decide if more were known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StatementRef {
    pub layer: Layer,
    /// Name of the policy, or id of the grant.
    pub policy: Arc<str>,
    pub sid: Option<Text>,
    /// From zero; `None` for what has no statements: an unknown document, a grant, a public access block.
    pub index: Option<usize>,
}

impl fmt::Display for StatementRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`", self.layer, self.policy)?;
        match (&self.sid, self.index) {
            (Some(sid), _) => write!(f, " statement `{sid}`"),
            (None, Some(index)) => write!(f, " statement #{index}"),
            (None, None) => Ok(()),
        }
    }
}

/// A decision and what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    pub decision: Decision,
    /// Allowed: the Allow statements that match. ExplicitDeny: the Deny statements that match. Unknown: every statement that
    /// may match. ImplicitDeny: none.
    pub deciding: Vec<StatementRef>,
    /// ImplicitDeny and Unknown: the layers that do not (certainly) allow.
    pub missing: Vec<Layer>,
}

pub use super::decide::evaluate;
