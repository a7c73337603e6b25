//! Which waiver is looked at first: what lets somebody in or keeps a copy, what lets evidence be changed, what would go
//! unseen, and what is only in order.

use crate::model::Control;

/// What a control keeps from happening. The order is that of the risk, hardest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Risk {
    Disclosure,
    Tampering,
    Blindness,
    Order,
}

impl Risk {
    pub fn heading(self) -> &'static str {
        match self {
            Risk::Disclosure => "Who can get at the logs.",
            Risk::Tampering => "Who can change or destroy logs, or take the delivery over.",
            Risk::Blindness => "What is lost, unencrypted or unseen when something happens.",
            Risk::Order => "Order: no risk by itself.",
        }
    }
}

/// Risk and rank of a control: every control has its own.
pub(super) fn risk(control: Control) -> (Risk, usize) {
    let at = ORDER.iter().position(|(_, one)| *one == control);
    let risk = at.and_then(|at| ORDER.get(at)).map_or(Risk::Order, |(risk, _)| *risk);
    (risk, at.unwrap_or(ORDER.len()))
}

const ORDER: [(Risk, Control); 44] = {
    use Control as C;
    use Risk as R;
    [
        (R::Disclosure, C::UndeclaredStatements),
        (R::Disclosure, C::AclGrants),
        (R::Disclosure, C::OtherDeliveries),
        (R::Disclosure, C::RestrictPublicBuckets),
        (R::Disclosure, C::IgnorePublicAcls),
        (R::Disclosure, C::BlockPublicPolicy),
        (R::Disclosure, C::BlockPublicAcls),
        (R::Disclosure, C::AccountPublicAccessBlock),
        (R::Disclosure, C::UndeclaredReadsDenied),
        (R::Disclosure, C::KeyGrants),
        (R::Disclosure, C::UndeclaredKeyUseDenied),
        (R::Disclosure, C::DirectKeyUseDenied),
        (R::Disclosure, C::Replication),
        (R::Disclosure, C::SystemTableGrants),
        (R::Disclosure, C::BucketOwnerEnforced),
        (R::Disclosure, C::ReaderMfa),
        (R::Disclosure, C::TlsOnly),
        (R::Disclosure, C::TlsVersion),
        (R::Disclosure, C::UndeclaredListsDenied),
        (R::Tampering, C::UndeclaredChangesDenied),
        (R::Tampering, C::DestructionDenied),
        (R::Tampering, C::UndeclaredWritesDenied),
        (R::Tampering, C::Versioning),
        (R::Tampering, C::EarlyExpiry),
        (R::Tampering, C::ObjectLock),
        (R::Tampering, C::RoleTrust),
        (R::Tampering, C::AttachedPolicies),
        (R::Tampering, C::UndeclaredInlinePolicies),
        (R::Tampering, C::RolePolicy),
        (R::Tampering, C::KeyEnabled),
        (R::Tampering, C::GrantCreationDenied),
        (R::Tampering, C::ForeignKeysDenied),
        (R::Blindness, C::CustomerKey),
        (R::Blindness, C::AccessLogging),
        (R::Blindness, C::AccessLogEncryption),
        (R::Blindness, C::SystemTables),
        (R::Blindness, C::VerboseAuditLogs),
        (R::Blindness, C::KeyRotation),
        (R::Blindness, C::Retention),
        (R::Blindness, C::EventNotifications),
        (R::Order, C::DeclaredAllows),
        (R::Order, C::BucketKey),
        (R::Order, C::KeyAlias),
        (R::Order, C::OwnershipTag),
    ]
};

#[cfg(test)]
mod tests {
    use super::{ORDER, risk};
    use crate::model::Control;

    #[test]
    fn every_control_has_its_place_and_the_risks_come_in_order() {
        let mut all: Vec<Control> = ORDER.iter().map(|(_, control)| *control).collect();
        assert!(ORDER.is_sorted_by_key(|(risk, _)| *risk));
        all.sort();
        assert_eq!(all, Control::ALL);
        assert!(risk(Control::UndeclaredStatements) < risk(Control::Versioning));
        assert!(risk(Control::Versioning) < risk(Control::OwnershipTag));
    }
}
