use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! kinds {
    ($($variant:ident = $name:literal),+ $(,)?) => {
        /// Every kind of thing that is reconciled. The printed form is settled: scripts match on it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind { $($variant),+ }

        impl Kind {
            /// All kinds, in declaration order.
            pub const ALL: &'static [Kind] = &[$(Kind::$variant),+];

            /// The kebab-case name used in addresses.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Kind::$variant => $name),+ }
            }
        }
    };
}

kinds! {
    AccountPublicAccessBlock = "account-public-access-block",
    Bucket = "bucket",
    BucketTags = "bucket-tags",
    BucketPublicAccessBlock = "bucket-public-access-block",
    BucketOwnership = "bucket-ownership",
    BucketAcl = "bucket-acl",
    BucketEncryption = "bucket-encryption",
    BucketVersioning = "bucket-versioning",
    BucketObjectLock = "bucket-object-lock",
    BucketLifecycle = "bucket-lifecycle",
    BucketPolicy = "bucket-policy",
    BucketLogging = "bucket-logging",
    BucketNotification = "bucket-notification",
    BucketReplication = "bucket-replication",
    KmsKey = "kms-key",
    KmsAlias = "kms-alias",
    KmsTags = "kms-tags",
    KmsRotation = "kms-rotation",
    KmsKeyPolicy = "kms-key-policy",
    KmsGrants = "kms-grants",
    Role = "role",
    RolePolicy = "role-policy",
    RoleInlinePolicies = "role-inline-policies",
    RoleAttachedPolicies = "role-attached-policies",
    Credential = "credential",
    StorageConfiguration = "storage-configuration",
    LogDelivery = "log-delivery",
    SystemSchema = "system-schema",
    Grants = "grants",
    WorkspaceConf = "workspace-conf",
}

impl Kind {
    /// Whether what it holds says who can read, write or tamper.
    #[must_use]
    pub fn decides_access(self) -> bool {
        matches!(
            self,
            Kind::AccountPublicAccessBlock
                | Kind::BucketPublicAccessBlock
                | Kind::BucketOwnership
                | Kind::BucketAcl
                | Kind::BucketPolicy
                | Kind::BucketReplication
                | Kind::BucketEncryption
                | Kind::KmsKeyPolicy
                | Kind::KmsGrants
                | Kind::Role
                | Kind::RolePolicy
                | Kind::RoleInlinePolicies
                | Kind::RoleAttachedPolicies
                | Kind::Grants
        )
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == text).ok_or_else(|| AddressError(text.to_owned()))
    }
}

/// `<manifest>/<kind>[<name>]`, for example `acme/bucket-policy[audit]`. Account-wide singletons have the manifest name `_`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub manifest: String,
    pub kind: Kind,
    pub name: String,
}

impl Address {
    #[must_use]
    pub fn new(manifest: impl Into<String>, kind: Kind, name: impl Into<String>) -> Self {
        Self { manifest: manifest.into(), kind, name: name.into() }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}[{}]", self.manifest, self.kind, self.name)
    }
}

/// Text that is not an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address: expected `<manifest>/<kind>[<name>]`, for example `acme/bucket-policy[audit]`")]
pub struct AddressError(pub String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || AddressError(text.to_owned());
        let (manifest, rest) = text.split_once('/').ok_or_else(wrong)?;
        let (kind, rest) = rest.split_once('[').ok_or_else(wrong)?;
        let name = rest.strip_suffix(']').ok_or_else(wrong)?;
        let kind = kind.parse().map_err(|_| wrong())?;
        if manifest.is_empty() || name.is_empty() {
            return Err(wrong());
        }
        Ok(Self::new(manifest, kind, name))
    }
}

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
