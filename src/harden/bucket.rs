//! How a bucket shall be: the settings that the audit bucket, its access-log bucket and its replicas share.

use crate::model::bucket::{
    Acl, AclGrant, Encryption, Logging, Notification, ObjectLock, Ownership, PublicAccessBlock, Retention, Versioning,
};
use crate::model::desired::{self, LockMode};
use crate::model::fact::{BucketRegion, PolicyText, Tags};
use crate::model::live::Read;
use crate::model::{Address, Control, Fact, Kind, OWNER_TAG, Place};

use super::draft::{Draft, Item};
use super::kept::{self, Existing};
use super::statement::{Statement, document, reasons};

/// One bucket of an estate.
pub(super) struct Site<'a> {
    pub manifest: &'a str,
    /// `audit`, `access`, or a replica's name.
    pub name: String,
    pub place: Place,
    pub bucket: String,
    pub owner: String,
}

impl Site<'_> {
    pub(super) fn address(&self, kind: Kind) -> Address {
        Address::new(self.manifest, kind, self.name.clone())
    }

    fn item(&self, kind: Kind, read: Read, fact: impl Into<Fact>) -> Item {
        Item::new(&self.address(kind), &self.place, read, fact).after(Kind::Bucket, &self.name)
    }

    pub(super) fn name_of_bucket(&self) -> String {
        self.bucket.clone()
    }
}

/// The four switches, all on.
pub(super) fn all_blocked() -> PublicAccessBlock {
    PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    }
}

/// Existence, owner tag, public access block, ownership, ACL, versioning: the same for every bucket.
pub(super) fn common(draft: &mut Draft<'_>, site: &Site<'_>) {
    existence(draft, site);
    tags(draft, site);
    let bucket = || site.name_of_bucket();
    let read = Read::BucketPublicAccessBlock { bucket: bucket() };
    draft.want(
        site.item(Kind::BucketPublicAccessBlock, read, all_blocked())
            .because("", "B1: no public ACL and no public policy, whatever is written later"),
    );
    acl(draft, site);
    let ownership = Ownership { object_ownership: "BucketOwnerEnforced".to_owned() };
    draft.want(
        site.item(Kind::BucketOwnership, Read::BucketOwnership { bucket: bucket() }, ownership)
            .because("", "B4: the bucket's owner owns every object, and ACLs grant nothing")
            // S3 refuses to switch ACLs off while they grant something to others, and access that only an ACL gave has to
            // be in the policy first.
            .after(Kind::BucketAcl, &site.name)
            .after(Kind::BucketPolicy, &site.name),
    );
    // Only the root user with its device can change MFA delete, so that it stays as it is (B14).
    let live = draft.peek(&site.place, Read::BucketVersioning { bucket: bucket() }, Fact::versioning);
    let versioning =
        Versioning { status: "Enabled".to_owned(), mfa_delete: live.is_some_and(|versioning| versioning.mfa_delete) };
    draft.want(
        site.item(Kind::BucketVersioning, Read::BucketVersioning { bucket: bucket() }, versioning)
            .because("", "B12: what is overwritten or deleted stays as a version"),
    );
}

fn existence(draft: &mut Draft<'_>, site: &Site<'_>) {
    let Place::Aws { region, .. } = &site.place else { return };
    let read = Read::BucketLocation { bucket: site.name_of_bucket() };
    if let Ok(Some(BucketRegion(live))) = draft.need(&site.place, read.clone(), Fact::bucket_region)
        && live != *region
    {
        let bucket = &site.bucket;
        draft.refuse(
            "bucket-elsewhere",
            format!(
                "the bucket `{bucket}` is in `{live}`, not in `{region}`: a bucket cannot move, correct the region"
            ),
        );
        return;
    }
    let item = Item::new(&site.address(Kind::Bucket), &site.place, read, BucketRegion(region.clone()));
    draft.want(item.because("", "the bucket is declared"));
}

fn tags(draft: &mut Draft<'_>, site: &Site<'_>) {
    let read = Read::BucketTags { bucket: site.name_of_bucket() };
    let Ok(live) = draft.need(&site.place, read.clone(), Fact::tags) else { return };
    let address = site.address(Kind::BucketTags);
    if let Some(tags) = draft.owned_tags(&address, live.map(|Tags(tags)| tags), &site.owner) {
        draft.want(
            site.item(Kind::BucketTags, read, Tags(tags))
                .because("", "the tag marks the bucket as reconciled here; other tags stay"),
        );
    }
}

/// Only the owner's own grant. A bucket that does not exist yet is created with that ACL.
fn acl(draft: &mut Draft<'_>, site: &Site<'_>) {
    let read = Read::BucketAcl { bucket: site.name_of_bucket() };
    if let Ok(Some(Acl { owner, grants: _ })) = draft.need(&site.place, read.clone(), Fact::acl) {
        let grants = vec![AclGrant { grantee: owner.clone(), permission: "FULL_CONTROL".to_owned() }];
        draft.want(
            site.item(Kind::BucketAcl, read, Acl { owner, grants })
                .because("", "B3, B4: an ACL is a way in that the policy does not show")
                .after(Kind::BucketPolicy, &site.name),
        );
    }
}

/// The policy: our statements, then undeclared denies that were there. `first` holds while a move is under way.
pub(super) fn policy(
    draft: &mut Draft<'_>,
    site: &Site<'_>,
    ours: &[Statement],
    first: Option<&[Statement]>,
    sids: &[&str],
    after: &[(Kind, &str)],
) {
    let read = Read::BucketPolicy { bucket: site.name_of_bucket() };
    let address = site.address(Kind::BucketPolicy);
    let Ok(live) = draft.need(&site.place, read.clone(), Fact::policy) else { return };
    let tags = draft.peek(&site.place, Read::BucketTags { bucket: site.name_of_bucket() }, Fact::tags);
    let owned = tags.is_some_and(|Tags(tags)| tags.get(OWNER_TAG) == Some(&site.owner));
    let all: Vec<Statement> = ours.iter().chain(first.into_iter().flatten()).cloned().collect();
    let kept = live
        .map(|PolicyText(text)| kept::sort(draft, &address, &Existing { text: &text, owned, sids }, &all))
        .unwrap_or_default();
    let last = document(ours, &kept.denies);
    let first = first.map(|ours| document(ours, &kept.denies));
    let item = site
        .item(Kind::BucketPolicy, read, last)
        .reasons(reasons("", ours, "B5, B7: an allow that nothing declares is removed"))
        .reasons(kept.reasons)
        .transition(first.map(Fact::from))
        .after(Kind::BucketPublicAccessBlock, &site.name);
    draft.want(after.iter().fold(item, |item, (kind, name)| item.after(*kind, name)));
}

/// SSE-KMS under `key`. Dual-layer encryption under the same key is stricter, and stays.
pub(super) fn encrypted_with(draft: &mut Draft<'_>, site: &Site<'_>, key: &str) {
    let read = Read::BucketEncryption { bucket: site.name_of_bucket() };
    let Ok(live) = draft.need(&site.place, read.clone(), Fact::encryption) else { return };
    let wanted = match live {
        Some(live) if live.algorithm == "aws:kms:dsse" && live.key.as_deref() == Some(key) => live,
        live => Encryption { blocked_types: blocked_types(live), ..Encryption::kms(key) },
    };
    draft.want(
        site.item(Kind::BucketEncryption, read, wanted)
            .because("", "B10: objects are encrypted with the declared key")
            .because("bucket_key", "B10: one call to KMS serves many objects")
            .after(Kind::KmsKey, &site.name)
            .after(Kind::KmsKeyPolicy, &site.name)
            .after(Kind::RolePolicy, "delivery"),
    );
}

/// SSE-S3: S3's log delivery cannot write under a customer key (S3 User Guide, "Enabling server access logging").
pub(super) fn encrypted_by_s3(draft: &mut Draft<'_>, site: &Site<'_>) {
    let read = Read::BucketEncryption { bucket: site.name_of_bucket() };
    let Ok(live) = draft.need(&site.place, read.clone(), Fact::encryption) else { return };
    // The bucket-key switch means nothing here, and S3 shows it either way.
    let bucket_key = live.as_ref().is_some_and(|live| live.algorithm == "AES256" && live.bucket_key);
    let wanted = Encryption { bucket_key, blocked_types: blocked_types(live), ..Encryption::s3() };
    draft.want(
        site.item(Kind::BucketEncryption, read, wanted)
            .because("", "B17: S3 cannot deliver access logs under a customer key"),
    );
}

/// Nothing declares them, and a write without them would reset them.
fn blocked_types(live: Option<Encryption>) -> Vec<String> {
    live.map(|live| live.blocked_types).unwrap_or_default()
}

/// Default retention, only when declared, and never less than what is live: nothing shortens a promise.
pub(super) fn object_lock(draft: &mut Draft<'_>, site: &Site<'_>, declared: Option<&desired::ObjectLock>) {
    let read = Read::BucketObjectLock { bucket: site.name_of_bucket() };
    let address = site.address(Kind::BucketObjectLock);
    let Some(declared) = declared else {
        // Unread it may be on: a manifest that is silent about it then has not been compared with the bucket.
        if let Ok(Some(live)) = draft.need(&site.place, read, Fact::object_lock) {
            let what = live
                .retention
                .map_or("no default retention".to_owned(), |one| format!("{} {} days", one.mode, one.days));
            draft.notice(
                "object-lock-kept",
                &address,
                format!("object lock is on ({what}) and not declared: it cannot be undone and is left alone"),
            );
        }
        return;
    };
    let Ok(live) = draft.need(&site.place, read.clone(), Fact::object_lock) else { return };
    let wanted = Retention { mode: mode(declared.mode).to_owned(), days: declared.days };
    let stricter = match live.and_then(|live| live.retention) {
        Some(live) => Retention {
            mode: if live.mode == "COMPLIANCE" { live.mode } else { wanted.mode.clone() },
            days: live.days.max(wanted.days),
        },
        None => wanted.clone(),
    };
    if stricter != wanted {
        draft.notice(
            "object-lock-stricter-kept",
            &address,
            format!(
                "the default retention is {} {} days, stricter than declared, and is not shortened: declare it",
                stricter.mode, stricter.days
            ),
        );
    }
    draft.want(
        site.item(Kind::BucketObjectLock, read, ObjectLock { retention: Some(stricter) })
            .because("", "B13: versions cannot be deleted before their time; this cannot be undone")
            .after(Kind::BucketVersioning, &site.name),
    );
}

fn mode(mode: LockMode) -> &'static str {
    match mode {
        LockMode::Governance => "GOVERNANCE",
        LockMode::Compliance => "COMPLIANCE",
    }
}

/// A bucket with Object Lock cannot receive access logs (S3 User Guide, "Enabling Amazon S3 server access logging").
pub(super) fn refuse_object_lock(draft: &mut Draft<'_>, site: &Site<'_>) {
    let read = Read::BucketObjectLock { bucket: site.name_of_bucket() };
    let logging = Address::new(site.manifest, Kind::BucketLogging, "audit");
    if let Ok(Some(_)) = draft.need(&site.place, read, Fact::object_lock)
        && !draft.waives(&logging, Control::AccessLogging)
    {
        let bucket = &site.bucket;
        draft.refuse(
            "access-log-bucket-locked",
            format!(
                "the access-log bucket `{bucket}` has object lock, and S3 cannot deliver to it: declare another bucket"
            ),
        );
    }
}

pub(super) fn logging(draft: &mut Draft<'_>, site: &Site<'_>, target: &desired::AccessLog) {
    let read = Read::BucketLogging { bucket: site.name_of_bucket() };
    let wanted = Logging {
        target_bucket: target.bucket.clone(),
        target_prefix: target.prefix.clone(),
        target_grants: Vec::new(),
        // How log objects are named is the owner's choice, which a write without it would reset.
        key_format: draft.peek(&site.place, read.clone(), Fact::logging).and_then(|live| live.key_format),
    };
    draft.want(
        site.item(Kind::BucketLogging, read, wanted)
            .because("", "B17: every request to the audit bucket is logged")
            .after(Kind::BucketPolicy, "access")
            .after(Kind::BucketOwnership, "access")
            .after(Kind::BucketEncryption, "access"),
    );
}

/// EventBridge as declared. Writing replaces the whole configuration, so that foreign destinations are part of it.
pub(super) fn notification(draft: &mut Draft<'_>, site: &Site<'_>, event_bridge: bool) {
    let read = Read::BucketNotification { bucket: site.name_of_bucket() };
    let Ok(live) = draft.need(&site.place, read.clone(), Fact::notification) else { return };
    let mut destinations = live.unwrap_or_default().destinations;
    destinations.sort();
    for one in &destinations {
        draft.notice(
            "undeclared-notification-kept",
            &site.address(Kind::BucketNotification),
            format!("events also go to `{}`: not declared, and kept", one.arn),
        );
    }
    draft.want(
        site.item(Kind::BucketNotification, read, Notification { event_bridge, destinations })
            .because("", "T2: object events reach EventBridge; other destinations stay"),
    );
}
