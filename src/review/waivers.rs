//! Which waivers come, go, and last longer.

use jiff::civil::Date;

use crate::model::waiver::WARNING_DAYS;
use crate::model::{Control, Waiver};

use super::pairs::Pair;
use super::{WaiverChange, WaiverFate};

pub(super) fn differ(pair: &Pair<'_>) -> bool {
    pair.both().is_some_and(|(base, head)| base.waivers != head.waivers)
}

pub(super) fn changes(pair: &Pair<'_>, today: Date) -> Vec<WaiverChange> {
    let before: &[Waiver] = pair.base.map_or(&[], |one| &one.waivers);
    let after: &[Waiver] = pair.head.map_or(&[], |one| &one.waivers);
    let twin = |one: &Waiver, all: &[Waiver]| {
        all.iter().find(|other| (other.control, &other.address) == (one.control, &one.address)).cloned()
    };
    let mut changes: Vec<WaiverChange> = Vec::new();
    for waiver in after {
        let earlier = twin(waiver, before);
        let fate = match (&earlier, waiver.days_left(today)) {
            (_, None) => Some(WaiverFate::Expired),
            (None, Some(_)) => Some(WaiverFate::Appears),
            (Some(earlier), Some(_)) if earlier.until < waiver.until => Some(WaiverFate::Extended),
            (Some(earlier), Some(_)) if earlier.until > waiver.until => Some(WaiverFate::Shortened),
            (Some(earlier), Some(_)) if earlier != waiver => Some(WaiverFate::Reworded),
            (Some(_), Some(days)) if days <= WARNING_DAYS => Some(WaiverFate::EndsSoon),
            (Some(_), Some(_)) => None,
        };
        changes.extend(fate.map(|fate| change(pair.name(), waiver, fate, earlier.map(|one| one.until))));
    }
    let gone = before.iter().filter(|one| twin(one, after).is_none());
    changes.extend(gone.map(|one| change(pair.name(), one, WaiverFate::Removed, Some(one.until))));
    changes
}

fn change(manifest: &str, waiver: &Waiver, change: WaiverFate, until_before: Option<Date>) -> WaiverChange {
    let Waiver { control, address, reason, owner, until } = waiver.clone();
    let manifest = manifest.to_owned();
    WaiverChange { manifest, change, control, address, owner, reason, until, until_before, opens: opens(control) }
}

/// Whether a change of a waiver keeps a way in open that would have been closed.
#[must_use]
pub fn widens(change: &WaiverChange) -> bool {
    change.opens && matches!(change.change, WaiverFate::Appears | WaiverFate::Extended)
}

/// Controls that close ways to the logs which no declaration names.
fn opens(control: Control) -> bool {
    use Control as C;
    match control {
        C::BlockPublicAcls
        | C::IgnorePublicAcls
        | C::BlockPublicPolicy
        | C::RestrictPublicBuckets
        | C::AccountPublicAccessBlock
        | C::AclGrants
        | C::BucketOwnerEnforced
        | C::CustomerKey
        | C::Replication
        | C::TlsOnly
        | C::TlsVersion
        | C::UndeclaredReadsDenied
        | C::UndeclaredListsDenied
        | C::ReaderMfa
        | C::UndeclaredWritesDenied
        | C::DestructionDenied
        | C::UndeclaredChangesDenied
        | C::ForeignKeysDenied
        | C::UndeclaredStatements
        | C::UndeclaredKeyUseDenied
        | C::DirectKeyUseDenied
        | C::GrantCreationDenied
        | C::KeyGrants
        | C::RoleTrust
        | C::RolePolicy
        | C::UndeclaredInlinePolicies
        | C::AttachedPolicies
        | C::OtherDeliveries
        | C::SystemTableGrants => true,
        C::BucketKey
        | C::AccessLogEncryption
        | C::Versioning
        | C::ObjectLock
        | C::Retention
        | C::EarlyExpiry
        | C::AccessLogging
        | C::EventNotifications
        | C::DeclaredAllows
        | C::KeyRotation
        | C::KeyEnabled
        | C::KeyAlias
        | C::OwnershipTag
        | C::SystemTables
        | C::VerboseAuditLogs => false,
    }
}
