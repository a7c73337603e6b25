//! Which control makes which field differ: the closed list of [`Control`]s against the field paths of the diff.

use crate::model::role::policy_names;
use crate::model::{Control, Kind};

use super::lifecycle;
use super::names::own_sids;

/// The control that asks for a field of a resource; `None` where nothing can be waived: that a declared thing exists, and
/// that logs are delivered as declared.
#[must_use]
pub fn control_of(kind: Kind, name: &str, path: &str) -> Option<Control> {
    use Control as C;
    let control = match kind {
        Kind::AccountPublicAccessBlock => C::AccountPublicAccessBlock,
        Kind::BucketPublicAccessBlock => match path {
            "block_public_acls" => C::BlockPublicAcls,
            "ignore_public_acls" => C::IgnorePublicAcls,
            "block_public_policy" => C::BlockPublicPolicy,
            _ => C::RestrictPublicBuckets,
        },
        Kind::BucketTags | Kind::KmsTags => C::OwnershipTag,
        Kind::BucketOwnership => C::BucketOwnerEnforced,
        Kind::BucketAcl => C::AclGrants,
        Kind::BucketEncryption => match (name, path) {
            ("access", _) => C::AccessLogEncryption,
            (_, "bucket_key") => C::BucketKey,
            _ => C::CustomerKey,
        },
        Kind::BucketVersioning => C::Versioning,
        Kind::BucketObjectLock => C::ObjectLock,
        Kind::BucketLifecycle if path.starts_with(&format!("rules[{}", lifecycle::OURS)) => C::Retention,
        Kind::BucketLifecycle => C::EarlyExpiry,
        Kind::BucketLogging => C::AccessLogging,
        Kind::BucketNotification => C::EventNotifications,
        Kind::BucketReplication => C::Replication,
        Kind::BucketPolicy | Kind::KmsKeyPolicy => statement(kind, path)?,
        Kind::KmsKey if path == "state" => C::KeyEnabled,
        Kind::KmsAlias => C::KeyAlias,
        Kind::KmsRotation => C::KeyRotation,
        Kind::KmsGrants => C::KeyGrants,
        Kind::Role if path.starts_with("trust") => C::RoleTrust,
        Kind::Role if path.starts_with("tags") => C::OwnershipTag,
        // What an interrupted move left behind always goes.
        Kind::RolePolicy if name.starts_with("transition-") => return None,
        Kind::RolePolicy => C::RolePolicy,
        Kind::RoleInlinePolicies if is_our_policy(path) => C::RolePolicy,
        Kind::RoleInlinePolicies => C::UndeclaredInlinePolicies,
        Kind::RoleAttachedPolicies => C::AttachedPolicies,
        Kind::LogDelivery if name != "primary" => C::OtherDeliveries,
        Kind::SystemSchema => C::SystemTables,
        Kind::Grants => C::SystemTableGrants,
        Kind::WorkspaceConf => C::VerboseAuditLogs,
        Kind::Bucket
        | Kind::KmsKey
        | Kind::Role
        | Kind::Credential
        | Kind::StorageConfiguration
        | Kind::LogDelivery => return None,
    };
    Some(control)
}

/// A control that takes more than its own field along: without a key of its own, a bucket has no use for one; without access
/// logging, none for the bucket of the log.
#[must_use]
pub fn wider_control_of(kind: Kind, name: &str, path: &str) -> Option<Control> {
    let key = matches!(
        kind,
        Kind::KmsKey | Kind::KmsAlias | Kind::KmsTags | Kind::KmsRotation | Kind::KmsKeyPolicy | Kind::KmsGrants
    );
    let of_the_key = (kind, path) == (Kind::BucketPolicy, "statement[OnlyOurKey]")
        || (kind, path) == (Kind::RolePolicy, "statement[Key]");
    match name {
        "audit" if key => Some(Control::CustomerKey),
        "access" => Some(Control::AccessLogging),
        _ if of_the_key => Some(Control::CustomerKey),
        _ => None,
    }
}

fn is_our_policy(path: &str) -> bool {
    [policy_names::DELIVERY, policy_names::REPLICATION].iter().any(|name| path == format!("inline_policies[{name}]"))
}

/// Whole policies that cannot be told apart by statements have no control.
fn statement(kind: Kind, path: &str) -> Option<Control> {
    use Control as C;
    let sid = path.strip_prefix("statement[")?.split(']').next()?;
    // A kept deny that had to be renamed beside ours.
    let own = own_sids(kind);
    let sid = sid.strip_prefix("Kept").filter(|sid| own.contains(sid)).unwrap_or(sid);
    let control = match sid {
        "TlsOnly" => C::TlsOnly,
        "Tls12" => C::TlsVersion,
        "ObjectsOnlyDeclared" | "ReadsOnlyDeclared" => C::UndeclaredReadsDenied,
        "ListOnlyDeclared" => C::UndeclaredListsDenied,
        "WritesOnlyDelivery" | "WritesOnlyLogging" => C::UndeclaredWritesDenied,
        "NobodyDestroys" => C::DestructionDenied,
        "ConfigOnlyAdmins" => C::UndeclaredChangesDenied,
        "OnlyOurKey" | "NoCustomerKeys" => C::ForeignKeysDenied,
        "MfaReaders" => C::ReaderMfa,
        "UseOnlyDeclared" => C::UndeclaredKeyUseDenied,
        "UseOnlyThroughS3" => C::DirectKeyUseDenied,
        "NoGrants" => C::GrantCreationDenied,
        sid if own.contains(&sid) => C::DeclaredAllows,
        _ => C::UndeclaredStatements,
    };
    Some(control)
}
