//! Whether the principals that the declaration names are there, and can do what it asks of them.

use crate::iam::canonical::is_unique_id;
use crate::iam::{Effect, Element, parse};
use crate::model::desired::Reader;
use crate::model::live::Read;
use crate::model::{Address, Arn, Desired, Fact, Kind, Observed};

use super::draft::Draft;

pub(super) fn check(draft: &mut Draft<'_>, desired: &Desired) {
    for role in named(desired) {
        exists(draft, desired, role);
    }
    for reader in desired.readers.values() {
        if let Reader::Role { role, mfa: true } = reader {
            can_have_mfa(draft, desired, role);
        }
    }
    admins(draft, desired);
}

/// Every role that a policy will name and that the tool does not make itself, sorted. For `observe`: those of the
/// bucket's own account are read.
#[must_use]
pub fn named(desired: &Desired) -> Vec<&Arn> {
    let mut named = desired.reader_roles();
    named.extend(desired.admin_roles());
    named.extend(desired.observers.values().map(|observer| &observer.role));
    named.extend(&desired.bucket.access_log.readers);
    named.sort();
    named.dedup();
    named
}

/// S3 and KMS refuse a whole policy for one role that does not exist.
fn exists(draft: &mut Draft<'_>, desired: &Desired, arn: &Arn) {
    let Some((_, name)) = arn.role().filter(|_| arn.account == desired.aws.account_id) else { return };
    match draft.need(&desired.aws_place(), Read::Role { role: name }, Fact::role) {
        Ok(None) => draft.refuse(
            "unknown-principal",
            format!(
                "the role `{arn}` does not exist, and AWS refuses a policy that names it: create it, or correct the ARN"
            ),
        ),
        Ok(Some(live)) if live.arn != arn.to_string() => draft.refuse(
            "unknown-principal",
            format!("the role `{arn}` does not exist under that ARN, it is `{}`: write it with its path", live.arn),
        ),
        Ok(Some(_)) | Err(_) => {}
    }
}

fn admins(draft: &mut Draft<'_>, desired: &Desired) {
    let admins = desired.admin_roles();
    let address = Address::new(desired.name.clone(), Kind::KmsKeyPolicy, "audit");
    if admins.len() < 2 {
        draft.notice(
            "single-admin",
            &address,
            "fewer than two admins are declared: when that role is deleted, only the root user can repair the key policy",
        );
    }
    if !admins.iter().any(|admin| admin.account == desired.aws.account_id) {
        draft.refuse(
            "no-admin-in-account",
            format!(
                "no declared admin is a role of the account `{}`, and KMS takes a key policy only from there: declare one",
                desired.aws.account_id
            ),
        );
    }
}

/// `aws:MultiFactorAuthPresent` is true only in sessions that an IAM user (or the root user) opened with a code (IAM User
/// Guide, "AWS global condition context keys"): federated, service and chained sessions never have it.
fn can_have_mfa(draft: &mut Draft<'_>, desired: &Desired, arn: &Arn) {
    let address = Address::new(desired.name.clone(), Kind::BucketPolicy, "audit");
    let unknown = |draft: &mut Draft<'_>| {
        draft.notice(
            "mfa-not-verifiable",
            &address,
            format!("whether `{arn}` can be assumed with multi-factor authentication could not be told: check its trust policy"),
        );
    };
    let Some((_, name)) = arn.role().filter(|_| arn.account == desired.aws.account_id) else {
        return unknown(draft);
    };
    let trust = match draft.live.view(&desired.aws_place(), Read::Role { role: name }, Fact::role) {
        Observed::Present(role) => role.trust,
        Observed::Absent => return,
        Observed::Unknown(_) => return unknown(draft),
    };
    match admits_people(&trust) {
        Some(true) => {}
        Some(false) => draft.refuse(
            "mfa-reader-cannot",
            format!(
                "`{arn}` is declared with `mfa = true`, but its trust policy admits only federated, service or role sessions, which never carry it: set `mfa = false`, or let IAM users assume it"
            ),
        ),
        None => unknown(draft),
    }
}

/// Whether any allow of a trust policy admits a principal that may be an IAM user. `None` when the text is no policy.
fn admits_people(trust: &str) -> Option<bool> {
    let policy = parse(trust).ok()?;
    let mut allows = policy.statements.iter().filter(|one| one.effect == Effect::Allow);
    Some(allows.any(|one| match &one.principal {
        Some(Element::Is(spec)) => spec.aws.iter().any(|principal| may_be_person(principal)),
        // Everyone but a few.
        Some(Element::Not(_)) => true,
        None => false,
    }))
}

/// An account, a user, everyone. Roles and sessions of roles are chained, and so are their unique ids.
fn may_be_person(principal: &str) -> bool {
    match principal.parse::<Arn>() {
        Ok(arn) => !arn.resource.starts_with("role/") && arn.service != "sts",
        // Of a user or of a role: its type is in its first letters.
        Err(_) => !is_unique_id(principal) || principal.starts_with("AIDA"),
    }
}
