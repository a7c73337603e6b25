//! What IAM says of a role.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names of the inline policies that this tool writes.
pub mod policy_names {
    /// On the delivery role.
    pub const DELIVERY: &str = "auditseal-delivery";
    /// On the replication role.
    pub const REPLICATION: &str = "auditseal-replication";
    /// On a role that still delivers while a move to another key is under way; gone at its end.
    pub const TRANSITION: &str = "auditseal-transition";
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// With its path.
    pub arn: String,
    /// The stable id (`AROA…`) that policies show once the role is deleted.
    pub id: String,
    /// Exact text of the trust policy, URL-decoded.
    pub trust: String,
    pub tags: BTreeMap<String, String>,
    /// Seconds.
    pub max_session_duration: i32,
    /// ARN of the permissions boundary.
    pub boundary: Option<String>,
}

/// Who is calling: `sts:GetCallerIdentity`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub account: String,
    /// The session's ARN: `arn:aws:sts::…:assumed-role/Name/session`, a user's ARN, or root. It has no path.
    pub arn: String,
    pub user_id: String,
}
