//! Who is asked about: one principal, or a class of principals that nothing tells apart.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::iam::Principal;

use super::allowed::{Actions, Sheet, may_allow};
use super::assessment::PrincipalKind;

/// Policies that are attached to a principal.
#[derive(Clone, Debug, Default)]
pub(super) struct Identity {
    pub policies: Vec<Arc<Sheet>>,
    pub boundary: Option<Arc<Sheet>>,
    /// What the policies may allow.
    pub actions: Actions,
}

impl Identity {
    pub fn new(policies: Vec<Arc<Sheet>>, boundary: Option<Arc<Sheet>>) -> Self {
        let actions = policies.iter().fold(Actions::NONE, |all, sheet| all | sheet.allows);
        Self { policies, boundary, actions }
    }

    /// Whether some policy has an Allow statement for an action, on whatever resource.
    pub fn may_allow(&self, action: &str) -> bool {
        self.actions.has(action).unwrap_or_else(|| self.policies.iter().any(|policy| may_allow(policy, action)))
    }

    /// All documents, the boundary included.
    pub fn sheets(&self) -> impl Iterator<Item = &Arc<Sheet>> {
        self.policies.iter().chain(&self.boundary)
    }
}
/// What is known of the keys that describe the principal (C2, C3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Traits {
    /// A principal whose record was read: these tags and no others.
    Known {
        tags: BTreeMap<String, String>,
        /// Whether its sessions may carry tags of their own (`sts:TagSession`).
        session_tags: bool,
    },
    /// A principal of somebody else's account, or one whose record was not read: anything goes.
    Open,
}

/// Which credentials the principal can have (C6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Credential {
    /// Access keys, console and session tokens.
    User,
    /// Session of a role.
    Role,
    Root,
    Federated,
    Service,
    Anonymous,
}

#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// How people and the JSON output name it: an ARN where it has one.
    pub name: String,
    pub kind: PrincipalKind,
    /// One spelling of it for the evaluator. A class has several subjects of the same name.
    pub principal: Principal,
    pub credential: Credential,
    pub identity: Identity,
    /// Whether service control policies of the estate's organization limit it.
    pub in_account: bool,
    pub traits: Traits,
    /// Canonical user id of its account, where it is known.
    pub canonical_user: Option<String>,
    /// For a class: which names it stands for.
    pub class: Option<Class>,
}

/// The principals that a class stands for: their names are left open, apart from these limits.
#[derive(Clone, Debug)]
pub(super) struct Class {
    /// Keys that differ between the members.
    pub open: &'static [&'static str],
    /// Denies everything to those who are not members, because they are asked about by name.
    pub members_only: Arc<Sheet>,
}
