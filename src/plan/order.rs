//! The safe order of change as data: a phase for each kind and stage, and what each step depends on.
//!
//! Sources: architecture.md "Order of change"; the measured order for new and existing estates in policies.md §9. The
//! numbers are ranks: everything of a lower rank that a step depends on is done before it.

use crate::model::{Address, Kind};

/// A policy is written twice in a move: once so that it holds for both sides, once for the new side alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// The only write, or the first of two.
    First,
    /// The second write of a move, after the new delivery has succeeded.
    Final,
}

impl Stage {
    /// How the title of a step ends that is one of two.
    #[must_use]
    pub fn suffix(self) -> &'static str {
        match self {
            Stage::First => " (transition)",
            Stage::Final => " (final)",
        }
    }
}

/// Whether an address is not of the audit bucket, its key, its role or its delivery: the access-log bucket and replicas.
#[must_use]
pub fn is_supporting(address: &Address) -> bool {
    !matches!(address.name.as_str(), "audit" | "delivery" | "primary" | "replication")
}

/// Rank of the wait that follows everything that could stop the delivery that works today.
pub const AWAIT_CURRENT: u16 = 560;
/// Rank of switching off a configuration that blocks the slot of the declared one.
pub const RETIRE_BEFORE: u16 = 710;
/// Rank of creating or enabling the declared configuration.
pub const DECLARED: u16 = 720;
/// Rank of the wait for the declared delivery.
pub const AWAIT_DECLARED: u16 = 740;
/// Rank of switching off what the declared delivery replaces.
pub const RETIRE: u16 = 750;
/// Rank of the pause in which Databricks acts on a configuration that was switched off.
pub const PAUSE: u16 = 760;
/// What has a rank in here takes something from the old delivery: the final policies, and what the role and the key lose.
pub const FINALS: std::ops::Range<u16> = 800..940;
/// Rank of the wait after the final policies.
pub const AWAIT_FINAL: u16 = 860;
/// Rank of the wait after a default retention.
pub const AWAIT_RETENTION: u16 = 910;

/// Where a kind stands in the order. `supporting` is true for buckets that are not the audit bucket: the access-log bucket
/// and replicas are made before anything points at them.
#[must_use]
pub fn rank(kind: Kind, stage: Stage, supporting: bool) -> u16 {
    if stage == Stage::Final {
        return match kind {
            Kind::BucketPolicy => 800,
            Kind::KmsKeyPolicy => 810,
            Kind::RolePolicy => 820,
            _ => 830,
        };
    }
    let base = match kind {
        // The role is made without permissions: policies refuse principals that do not exist.
        Kind::Role => 100,
        Kind::KmsKey => 200,
        Kind::KmsTags => 210,
        Kind::KmsKeyPolicy => 220,
        Kind::KmsRotation => 230,
        Kind::KmsAlias => 240,
        Kind::Bucket => 300,
        Kind::BucketTags => 310,
        // Blocks first: they close without touching delivery.
        Kind::BucketPublicAccessBlock => 320,
        Kind::BucketVersioning => 330,
        Kind::RolePolicy => 400,
        Kind::BucketPolicy => 500,
        Kind::BucketAcl => 510,
        Kind::BucketOwnership => 520,
        Kind::BucketEncryption => 530,
        Kind::BucketLogging => 600,
        Kind::BucketNotification => 610,
        Kind::BucketReplication => 620,
        Kind::BucketLifecycle => 630,
        Kind::Credential => 700,
        Kind::StorageConfiguration => 705,
        Kind::LogDelivery => DECLARED,
        Kind::RoleInlinePolicies => 830,
        Kind::RoleAttachedPolicies => 835,
        Kind::KmsGrants => 840,
        // Default retention makes every PUT need a checksum: it comes when everything else is known to work.
        Kind::BucketObjectLock => 900,
        Kind::SystemSchema => 950,
        Kind::Grants => 960,
        Kind::WorkspaceConf => 970,
        // Acts on every bucket of the account.
        Kind::AccountPublicAccessBlock => 990,
    };
    match (supporting, kind) {
        (true, Kind::BucketObjectLock | Kind::BucketLifecycle | Kind::BucketLogging | Kind::BucketNotification) => {
            base - base % 100 - 40
        }
        (true, _) if (300..600).contains(&base) => 240 + (base - 300) / 5,
        _ => base,
    }
}

/// Kinds (same manifest, same stage or earlier) without which a step must not be taken: when one of them fails, the step
/// fails by name, and nothing else does.
#[must_use]
pub fn requires(kind: Kind) -> &'static [Kind] {
    match kind {
        Kind::KmsTags | Kind::KmsRotation | Kind::KmsAlias | Kind::KmsGrants => &[Kind::KmsKey],
        Kind::KmsKeyPolicy => &[Kind::KmsKey, Kind::Role],
        Kind::BucketTags
        | Kind::BucketPublicAccessBlock
        | Kind::BucketVersioning
        | Kind::BucketNotification
        | Kind::BucketLifecycle => &[Kind::Bucket],
        Kind::RolePolicy => &[Kind::Role, Kind::KmsKey],
        Kind::BucketPolicy => &[Kind::Bucket, Kind::Role, Kind::KmsKey, Kind::RolePolicy],
        Kind::BucketAcl => &[Kind::Bucket, Kind::BucketPolicy],
        Kind::BucketOwnership => &[Kind::Bucket, Kind::BucketAcl, Kind::BucketPolicy],
        Kind::BucketEncryption => {
            &[Kind::Bucket, Kind::KmsKey, Kind::KmsKeyPolicy, Kind::RolePolicy, Kind::BucketPolicy]
        }
        Kind::BucketLogging => &[Kind::Bucket],
        Kind::BucketReplication => &[Kind::Bucket, Kind::BucketVersioning, Kind::Role, Kind::RolePolicy],
        Kind::BucketObjectLock => &[Kind::Bucket, Kind::BucketVersioning],
        Kind::Credential => &[Kind::Role],
        Kind::StorageConfiguration => &[Kind::Bucket],
        Kind::LogDelivery => &[
            Kind::Credential,
            Kind::StorageConfiguration,
            Kind::RolePolicy,
            Kind::BucketPolicy,
            Kind::KmsKeyPolicy,
            Kind::BucketEncryption,
            Kind::BucketOwnership,
            Kind::BucketPublicAccessBlock,
        ],
        Kind::RoleInlinePolicies | Kind::RoleAttachedPolicies => &[Kind::Role, Kind::RolePolicy],
        Kind::Grants => &[Kind::SystemSchema],
        Kind::AccountPublicAccessBlock
        | Kind::Bucket
        | Kind::KmsKey
        | Kind::Role
        | Kind::SystemSchema
        | Kind::WorkspaceConf => &[],
    }
}

/// Whether a write of this kind could stop a delivery that works, so that a later success has to be seen.
#[must_use]
pub fn may_stop_delivery(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::BucketPolicy
            | Kind::BucketOwnership
            | Kind::BucketAcl
            | Kind::BucketEncryption
            | Kind::BucketObjectLock
            | Kind::KmsKeyPolicy
            | Kind::RolePolicy
            | Kind::Role
            | Kind::RoleInlinePolicies
            | Kind::RoleAttachedPolicies
    )
}

/// Why a write stands where it does, in words: the reason behind its rank.
#[must_use]
pub fn why(kind: Kind, stage: Stage, supporting: bool) -> &'static str {
    if stage == Stage::Final {
        return "second write of a move: it takes from the old side what it no longer needs, so it comes only after the new \
                delivery was seen to succeed";
    }
    if supporting && ["bucket", "kms-"].iter().any(|prefix| kind.name().starts_with(prefix)) {
        return "the access-log bucket and replicas are made before anything points at them";
    }
    match kind {
        Kind::Role => "first of all: policies refuse principals that do not exist",
        Kind::KmsKey | Kind::KmsTags | Kind::KmsKeyPolicy | Kind::KmsRotation | Kind::KmsAlias => {
            "the key is ready, and its policy right, before a bucket encrypts with it"
        }
        Kind::Bucket | Kind::BucketTags => "the bucket is there, and marked as ours, before anything is set on it",
        Kind::BucketPublicAccessBlock => "blocks come first: they close without touching the delivery",
        Kind::BucketVersioning => "versions are kept before anything else about the objects changes",
        Kind::RolePolicy => "the delivery role may do what it needs before bucket and key begin to insist on it",
        Kind::BucketPolicy => "access is narrowed to the declared before anything new is opened",
        Kind::BucketAcl => {
            "lists are reset once the bucket policy allows what they did, and before they are switched off"
        }
        Kind::BucketOwnership => "access control lists are switched off once nothing depends on them",
        Kind::BucketEncryption => "encryption changes once the policies of key, role and bucket allow it",
        Kind::BucketLogging | Kind::BucketNotification | Kind::BucketReplication | Kind::BucketLifecycle => {
            "what follows the objects comes after what decides who reaches them"
        }
        Kind::Credential | Kind::StorageConfiguration | Kind::LogDelivery => {
            "a delivery is made when everything that it uses is in place, and makes before it breaks"
        }
        Kind::RoleInlinePolicies | Kind::RoleAttachedPolicies | Kind::KmsGrants => {
            "what the old delivery may still rest on is taken away last, after a delivery was seen to succeed"
        }
        Kind::BucketObjectLock => {
            "a default retention makes every upload need a checksum: it comes when all else is known to work"
        }
        Kind::SystemSchema | Kind::Grants => "declared readers are let in after everybody else was shut out",
        Kind::WorkspaceConf => "settings of workspaces bear on no delivery, so they wait for what does",
        Kind::AccountPublicAccessBlock => "it acts on every bucket of the account, so it is last",
    }
}
