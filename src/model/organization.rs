//! Policies of an AWS organization that limit an account from above: service control policies limit its principals, resource
//! control policies limit what may be done to its resources.

use serde::{Deserialize, Serialize};

use super::authorization::ManagedPolicy;

/// The organization as far as it bears on one account.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// `o-…`
    pub id: Option<String>,
    /// Neither SCPs nor RCPs act on this account.
    pub management_account: Option<String>,
    /// From the root to the account itself; every level has to allow.
    pub levels: Vec<OrganizationLevel>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationLevel {
    /// Root, organizational unit or account id.
    pub target: String,
    pub service_control: Vec<ManagedPolicy>,
    pub resource_control: Vec<ManagedPolicy>,
}
