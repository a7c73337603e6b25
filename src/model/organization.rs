//! Policies of an AWS organization that limit an account from above: service control policies limit its principals, resource
//! control policies limit what may be done to its resources.

use serde::{Deserialize, Serialize};

use super::authorization::ManagedPolicy;

/// The organization that an account is in; empty when it is in none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// `o-…`
    pub id: Option<String>,
    /// Neither SCPs nor RCPs act on this account.
    pub management_account: Option<String>,
}

/// The policies of one level above an account, or of the account itself. Levels are listed from the root to the account;
/// every level has to allow. No policy of a type means that the organization does not use that type, and nothing is
/// limited: where a type is in use, its last policy cannot be detached (Organizations API reference, DetachPolicy).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationLevel {
    /// Root, organizational unit or account id. `aws:PrincipalOrgPaths` is made of the ids of the levels above.
    pub target: String,
    pub service_control: Vec<ManagedPolicy>,
    pub resource_control: Vec<ManagedPolicy>,
}
