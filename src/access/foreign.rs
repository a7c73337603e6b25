//! Principals of other accounts: what they may do here is known, who may act as them is not.

use std::collections::BTreeSet;

use crate::model::Arn;

use super::assessment::{Assumption, PrincipalAccess, PrincipalKind};
use super::estate::Estate;

/// What is taken to be so because some principals of other accounts can do something.
pub(super) fn assumptions(estate: &Estate<'_>, principals: &[PrincipalAccess]) -> Vec<Assumption> {
    let able = principals.iter().filter(|one| one.verdict.possible());
    let outside: BTreeSet<&PrincipalAccess> = able.filter(|one| is_foreign(one, estate.account())).collect();
    let names: BTreeSet<&str> = outside.iter().map(|one| one.arn.as_str()).collect();
    if names.is_empty() {
        return Vec::new();
    }
    let taken = |code: &str, message: String| Assumption { code: code.to_owned(), message, unread: false };
    let names: Vec<&str> = names.into_iter().collect();
    vec![
        taken(
            "foreign-accounts-allow-everything",
            "other accounts are taken to allow their principals everything: their policies cannot be read from here"
                .to_owned(),
        ),
        taken(
            "foreign-principals-not-followed",
            format!(
                "who can act as a principal of another account (by its trust policy, its keys or its code) cannot be read \
                 from here: whoever can act as one of these does what it can: {}",
                names.join(", ")
            ),
        ),
    ]
}

fn is_foreign(one: &PrincipalAccess, own: &str) -> bool {
    match one.kind {
        PrincipalKind::Role
        | PrincipalKind::User
        | PrincipalKind::RoleSession
        | PrincipalKind::FederatedUser
        | PrincipalKind::Account => one.arn.parse::<Arn>().is_ok_and(|arn| arn.account != own),
        PrincipalKind::AnyAws | PrincipalKind::CanonicalUser => true,
        PrincipalKind::Root
        | PrincipalKind::Anonymous
        | PrincipalKind::Service
        | PrincipalKind::IdentityProvider
        | PrincipalKind::AccessPoint
        | PrincipalKind::DirectoryUser
        | PrincipalKind::DirectoryGroup
        | PrincipalKind::DatabricksUser
        | PrincipalKind::DatabricksServicePrincipal
        | PrincipalKind::DatabricksGroup => false,
    }
}
