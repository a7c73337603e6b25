//! What IAM says of a whole account (`iam:GetAccountAuthorizationDetails`): everybody in it, and every policy that speaks
//! about them. Texts are URL-decoded and exact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Users, groups, roles and managed policies of one account, each sorted by ARN.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    pub users: Vec<IamUser>,
    pub groups: Vec<IamGroup>,
    pub roles: Vec<IamRole>,
    /// Customer-managed ones, and the AWS-managed ones that are attached or serve as a boundary.
    pub policies: Vec<ManagedPolicy>,
}

/// A policy that lives inside a user, group or role.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct InlinePolicy {
    pub name: String,
    pub text: String,
}

/// A managed policy by its default version, the only one in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedPolicy {
    pub arn: String,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamUser {
    /// With its path.
    pub arn: String,
    /// `AIDA…`
    pub id: String,
    pub inline: Vec<InlinePolicy>,
    /// ARNs of managed policies.
    pub attached: Vec<String>,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
    /// Names of the groups that it is in.
    pub groups: Vec<String>,
    pub tags: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamGroup {
    pub arn: String,
    pub name: String,
    pub inline: Vec<InlinePolicy>,
    pub attached: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IamRole {
    /// With its path.
    pub arn: String,
    /// `AROA…`
    pub id: String,
    pub trust: String,
    pub inline: Vec<InlinePolicy>,
    pub attached: Vec<String>,
    pub boundary: Option<String>,
    pub tags: BTreeMap<String, String>,
    /// ARNs of the instance profiles that hold it: EC2 instances act as it.
    pub instance_profiles: Vec<String>,
}

/// What IAM's simulator says of one action (IAM API reference, `EvaluationResult`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Simulated {
    /// `allowed`, `implicitDeny` or `explicitDeny`.
    pub decision: String,
    /// Condition keys on which it depends and of which the simulator was told nothing.
    pub missing_keys: Vec<String>,
}
