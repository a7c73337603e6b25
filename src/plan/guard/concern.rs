//! Which guards look at what: for whoever asks why one address was let through or not.

use crate::model::{Address, Kind};

use super::super::GuardResult;

/// The verdicts about an address: those that name it, and those about the whole plan that look at its kind. What a guard
/// says of another address alone is left out.
#[must_use]
pub fn concerning(guards: &[GuardResult], address: &Address) -> Vec<GuardResult> {
    let concerns = |guard: &&GuardResult| match named(&guard.message) {
        Some(other) => other == *address,
        None => looks_at(&guard.code, address.kind),
    };
    guards.iter().filter(concerns).cloned().collect()
}

/// The address that a message begins with.
fn named(message: &str) -> Option<Address> {
    let (head, _) = message.split_once(": ")?;
    head.parse().ok()
}

/// Whether a guard looks at changes of a kind.
fn looks_at(code: &str, kind: Kind) -> bool {
    match code {
        "irreversible-compliance-retention" | "irreversible-object-lock" => kind == Kind::BucketObjectLock,
        "account-block-acts-on-every-bucket" => kind == Kind::AccountPublicAccessBlock,
        "statements-removed" => matches!(kind, Kind::BucketPolicy | Kind::KmsKeyPolicy),
        "self-lockout-bucket" | "public-policy" => kind == Kind::BucketPolicy,
        "self-lockout-key" => matches!(kind, Kind::KmsKey | Kind::KmsKeyPolicy),
        "delivery-cannot-write" => matches!(
            kind,
            Kind::BucketPolicy
                | Kind::BucketEncryption
                | Kind::KmsKey
                | Kind::KmsKeyPolicy
                | Kind::LogDelivery
                | Kind::Role
                | Kind::RolePolicy
                | Kind::RoleInlinePolicies
                | Kind::RoleAttachedPolicies
        ),
        // Callers, accounts, inputs, access and what harden refuses are about the plan as a whole.
        _ => true,
    }
}
