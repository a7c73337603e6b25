//! Deliberate, dated exceptions: a control that is known not to hold, and is not enforced until a day.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Kind;

macro_rules! controls {
    ($($variant:ident = $name:literal: $ids:literal),+ $(,)?) => {
        /// What can be waived: every way in which a plan makes live state differ from the secure default. The printed form
        /// is settled: manifests name it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Control { $($variant),+ }

        impl Control {
            /// All controls, in declaration order.
            pub const ALL: &'static [Control] = &[$(Control::$variant),+];

            /// The kebab-case name used in manifests.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Control::$variant => $name),+ }
            }

            /// Ids of the control catalogue (`B9`, `K1`), as reasons of changes begin with them; empty for what no
            /// catalogue asks for.
            #[must_use]
            pub fn ids(self) -> &'static str {
                match self { $(Control::$variant => $ids),+ }
            }
        }
    };
}

controls! {
    BlockPublicAcls = "block-public-acls": "B1",
    IgnorePublicAcls = "ignore-public-acls": "B1",
    BlockPublicPolicy = "block-public-policy": "B1",
    RestrictPublicBuckets = "restrict-public-buckets": "B1",
    AccountPublicAccessBlock = "account-public-access-block": "B2",
    AclGrants = "acl-grants": "B3, B4",
    BucketOwnerEnforced = "bucket-owner-enforced": "B4",
    CustomerKey = "customer-key": "B10",
    BucketKey = "bucket-key": "B10",
    AccessLogEncryption = "access-log-encryption": "B17",
    Versioning = "versioning": "B12",
    ObjectLock = "object-lock": "B13",
    Retention = "retention": "B15",
    EarlyExpiry = "early-expiry": "B15",
    AccessLogging = "access-logging": "B17",
    EventNotifications = "event-notifications": "T2",
    Replication = "replication": "B16",
    TlsOnly = "tls-only": "B9",
    TlsVersion = "tls-version": "B9",
    UndeclaredReadsDenied = "undeclared-reads-denied": "B7",
    UndeclaredListsDenied = "undeclared-lists-denied": "B7",
    ReaderMfa = "reader-mfa": "B7",
    UndeclaredWritesDenied = "undeclared-writes-denied": "B8",
    DestructionDenied = "destruction-denied": "B8",
    UndeclaredChangesDenied = "undeclared-changes-denied": "B8",
    ForeignKeysDenied = "foreign-keys-denied": "B10",
    DeclaredAllows = "declared-allows": "B7, K1",
    UndeclaredStatements = "undeclared-statements": "B5, B7, K1",
    UndeclaredKeyUseDenied = "undeclared-key-use-denied": "K1",
    DirectKeyUseDenied = "direct-key-use-denied": "K1",
    GrantCreationDenied = "grant-creation-denied": "K1",
    KeyGrants = "key-grants": "K1",
    KeyRotation = "key-rotation": "K2",
    KeyEnabled = "key-enabled": "K3",
    KeyAlias = "key-alias": "",
    OwnershipTag = "ownership-tag": "",
    RoleTrust = "role-trust": "R1",
    RolePolicy = "role-policy": "R2",
    UndeclaredInlinePolicies = "undeclared-inline-policies": "R2",
    AttachedPolicies = "attached-policies": "R2",
    OtherDeliveries = "other-deliveries": "D1, D3",
    SystemTables = "system-tables": "D4",
    VerboseAuditLogs = "verbose-audit-logs": "D5",
    SystemTableGrants = "system-table-grants": "D6",
}

impl Control {
    /// Kinds of resources that it has a say on.
    #[must_use]
    pub fn kinds(self) -> &'static [Kind] {
        use Control as C;
        match self {
            C::BlockPublicAcls | C::IgnorePublicAcls | C::BlockPublicPolicy | C::RestrictPublicBuckets => {
                &[Kind::BucketPublicAccessBlock]
            }
            C::AccountPublicAccessBlock => &[Kind::AccountPublicAccessBlock],
            C::AclGrants => &[Kind::BucketAcl],
            C::BucketOwnerEnforced => &[Kind::BucketOwnership],
            C::CustomerKey | C::BucketKey | C::AccessLogEncryption => &[Kind::BucketEncryption],
            C::Versioning => &[Kind::BucketVersioning],
            C::ObjectLock => &[Kind::BucketObjectLock],
            C::Retention | C::EarlyExpiry => &[Kind::BucketLifecycle],
            C::AccessLogging => &[Kind::BucketLogging],
            C::EventNotifications => &[Kind::BucketNotification],
            C::Replication => &[Kind::BucketReplication],
            C::TlsOnly
            | C::TlsVersion
            | C::UndeclaredReadsDenied
            | C::UndeclaredListsDenied
            | C::ReaderMfa
            | C::UndeclaredWritesDenied
            | C::DestructionDenied
            | C::UndeclaredChangesDenied
            | C::ForeignKeysDenied => &[Kind::BucketPolicy],
            C::DeclaredAllows | C::UndeclaredStatements => &[Kind::BucketPolicy, Kind::KmsKeyPolicy],
            C::UndeclaredKeyUseDenied | C::DirectKeyUseDenied | C::GrantCreationDenied => &[Kind::KmsKeyPolicy],
            C::KeyGrants => &[Kind::KmsGrants],
            C::KeyRotation => &[Kind::KmsRotation],
            C::KeyEnabled => &[Kind::KmsKey],
            C::KeyAlias => &[Kind::KmsAlias],
            C::OwnershipTag => &[Kind::BucketTags, Kind::KmsTags, Kind::Role],
            C::RoleTrust => &[Kind::Role],
            C::RolePolicy => &[Kind::RolePolicy],
            C::UndeclaredInlinePolicies => &[Kind::RoleInlinePolicies],
            C::AttachedPolicies => &[Kind::RoleAttachedPolicies],
            C::OtherDeliveries => &[Kind::LogDelivery],
            C::SystemTables => &[Kind::SystemSchema],
            C::VerboseAuditLogs => &[Kind::WorkspaceConf],
            C::SystemTableGrants => &[Kind::Grants],
        }
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Text that names no control.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no control that can be waived")]
pub struct ControlError(pub String);

impl FromStr for Control {
    type Err = ControlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Control::ALL.iter().copied().find(|control| control.name() == text).ok_or_else(|| ControlError(text.to_owned()))
    }
}

impl Serialize for Control {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Control {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One resource of the manifest: an address without the manifest's name, `bucket-versioning[access]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LocalAddress {
    pub kind: Kind,
    pub name: String,
}

impl fmt::Display for LocalAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.kind, self.name)
    }
}

impl FromStr for LocalAddress {
    type Err = super::address::AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // The same form below any manifest's name.
        let wrong = |_| super::address::AddressError(text.to_owned());
        let super::Address { manifest: _, kind, name } = format!("_/{text}").parse().map_err(wrong)?;
        Ok(Self { kind, name })
    }
}

impl Serialize for LocalAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LocalAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A control that is not enforced, who answers for that, and until when.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Waiver {
    pub control: Control,
    /// Only there; the whole manifest without it.
    pub address: Option<LocalAddress>,
    pub reason: String,
    /// Person or team.
    pub owner: String,
    /// The last day on which it holds, in UTC.
    pub until: Date,
}

/// Days before its end from which a waiver is warned of.
pub const WARNING_DAYS: i32 = 14;

impl Waiver {
    /// Whether it holds on a day.
    #[must_use]
    pub fn holds(&self, today: Date) -> bool {
        today <= self.until
    }

    /// Days that are left, the last one not counted; `None` when it has ended.
    #[must_use]
    pub fn days_left(&self, today: Date) -> Option<i32> {
        if !self.holds(today) {
            return None;
        }
        today.until(self.until).ok().map(|span| span.get_days())
    }

    /// Whether it speaks of a resource at all. The list of a role's inline policies is no resource of `role-policy`, and
    /// still has the generated policy in it: what its control decides elsewhere goes with the resource of that name.
    #[must_use]
    pub fn is_about(&self, kind: Kind, name: &str) -> bool {
        let Some(address) = &self.address else { return true };
        let beside = !self.control.kinds().contains(&kind);
        (address.kind == kind || beside) && address.name == name
    }
}

#[cfg(test)]
mod tests {
    use super::{Control, Kind, LocalAddress, Waiver};
    use jiff::civil::date;

    fn waiver() -> Waiver {
        Waiver {
            control: Control::Versioning,
            address: Some("bucket-versioning[audit]".parse().unwrap()),
            reason: "cost".to_owned(),
            owner: "platform".to_owned(),
            until: date(2026, 3, 1),
        }
    }

    #[test]
    fn a_waiver_holds_to_the_end_of_its_last_day() {
        let waiver = waiver();
        assert_eq!(waiver.days_left(date(2026, 2, 15)), Some(14));
        assert_eq!(waiver.days_left(date(2026, 3, 1)), Some(0));
        assert_eq!(waiver.days_left(date(2026, 3, 2)), None);
        assert!(waiver.holds(date(2026, 3, 1)) && !waiver.holds(date(2026, 3, 2)));
    }

    #[test]
    fn a_waiver_of_one_resource_speaks_of_no_other() {
        let waiver = waiver();
        assert!(waiver.is_about(Kind::BucketVersioning, "audit"));
        assert!(!waiver.is_about(Kind::BucketVersioning, "access"));
        let address = Some("role-policy[delivery]".parse().unwrap());
        let policy = Waiver { control: Control::RolePolicy, address, ..waiver };
        assert!(policy.is_about(Kind::RolePolicy, "delivery"));
        assert!(policy.is_about(Kind::RoleInlinePolicies, "delivery"), "its name in the list of the role's policies");
        assert!(!policy.is_about(Kind::RoleInlinePolicies, "replication"));
    }

    #[test]
    fn controls_and_addresses_are_read_as_they_are_written() {
        for control in Control::ALL {
            assert_eq!(control.name().parse(), Ok(*control));
        }
        assert!("Versioning".parse::<Control>().is_err());
        let json = serde_json::to_string(&waiver()).unwrap();
        assert!(json.contains("\"until\":\"2026-03-01\""), "{json}");
        assert_eq!(serde_json::from_str::<Waiver>(&json).unwrap(), waiver());
        for wrong in ["", "versioning", "bucket[", "bucket[]", "nothing[audit]", "acme/bucket[audit]"] {
            assert!(wrong.parse::<LocalAddress>().is_err(), "{wrong}");
        }
    }
}
