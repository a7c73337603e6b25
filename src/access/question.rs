//! The actions behind each question (Service Authorization Reference, Amazon S3 and AWS KMS, 2026; facts B1, B2, A5).

use super::assessment::Question;

/// What an action is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Target {
    Object,
    Bucket,
    Key,
}

/// What a way of doing it asks of the key beside the action itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum KeyNeed {
    None,
    /// kms:Decrypt, which S3 asks for on the caller's behalf (K5).
    Decrypt,
}

/// Who is expected to be allowed an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Duty {
    /// Whoever reads.
    Reading,
    /// Whoever reads, delivers, observes or administers.
    Listing,
    /// Whoever delivers.
    Delivering,
    /// Only in a replica, and only by the role that S3 replicates with.
    Replicating,
    /// Whoever administers, and the root user, whom no bucket policy shuts out for good (E3).
    Administering,
    /// Nobody but who administers objects by declaration: nobody.
    Nobody,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Action {
    pub name: &'static str,
    pub target: Target,
    pub key: KeyNeed,
    pub duty: Duty,
}

const fn action(name: &'static str, target: Target, key: KeyNeed, duty: Duty) -> Action {
    Action { name, target, key, duty }
}

/// B1. HEAD, copies and SelectObjectContent are GetObject too. Torrents are never served for KMS objects, but ask no key.
const READ: [Action; 4] = [
    action("s3:GetObject", Target::Object, KeyNeed::Decrypt, Duty::Reading),
    action("s3:GetObjectVersion", Target::Object, KeyNeed::Decrypt, Duty::Reading),
    action("s3:GetObjectVersionForReplication", Target::Object, KeyNeed::Decrypt, Duty::Reading),
    action("s3:GetObjectTorrent", Target::Object, KeyNeed::Decrypt, Duty::Reading),
];

/// The writer chooses the encryption, so the key stops no write by itself.
const WRITE: [Action; 2] = [
    action("s3:PutObject", Target::Object, KeyNeed::None, Duty::Delivering),
    action("s3:ReplicateObject", Target::Object, KeyNeed::None, Duty::Replicating),
];

const LIST: [Action; 3] = [
    action("s3:ListBucket", Target::Bucket, KeyNeed::None, Duty::Listing),
    action("s3:ListBucketVersions", Target::Bucket, KeyNeed::None, Duty::Listing),
    action("s3:ListBucketMultipartUploads", Target::Bucket, KeyNeed::None, Duty::Listing),
];

/// B2. Each of these loses or changes evidence, or takes a protection away that would have kept it.
const TAMPER: [Action; 30] = [
    action("s3:PutObject", Target::Object, KeyNeed::None, Duty::Delivering),
    action("s3:DeleteObject", Target::Object, KeyNeed::None, Duty::Delivering),
    action("s3:DeleteObjectVersion", Target::Object, KeyNeed::None, Duty::Nobody),
    action("s3:PutObjectRetention", Target::Object, KeyNeed::None, Duty::Nobody),
    action("s3:PutObjectLegalHold", Target::Object, KeyNeed::None, Duty::Nobody),
    action("s3:BypassGovernanceRetention", Target::Object, KeyNeed::None, Duty::Nobody),
    action("s3:RestoreObject", Target::Object, KeyNeed::None, Duty::Nobody),
    action("s3:ReplicateObject", Target::Object, KeyNeed::None, Duty::Replicating),
    action("s3:ReplicateDelete", Target::Object, KeyNeed::None, Duty::Replicating),
    action("s3:PutObjectAcl", Target::Object, KeyNeed::None, Duty::Delivering),
    action("s3:PutObjectVersionAcl", Target::Object, KeyNeed::None, Duty::Nobody),
    action("s3:UpdateObjectEncryption", Target::Object, KeyNeed::None, Duty::Nobody),
    action("s3:PutLifecycleConfiguration", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:PutReplicationConfiguration", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:PutBucketVersioning", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:PutBucketObjectLockConfiguration", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:PutBucketPolicy", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:DeleteBucketPolicy", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:DeleteBucket", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:PutBucketPublicAccessBlock", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:PutBucketOwnershipControls", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:PutBucketAcl", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:PutEncryptionConfiguration", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:PutBucketLogging", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("s3:PutBucketNotification", Target::Bucket, KeyNeed::None, Duty::Administering),
    action("kms:DisableKey", Target::Key, KeyNeed::None, Duty::Administering),
    action("kms:ScheduleKeyDeletion", Target::Key, KeyNeed::None, Duty::Administering),
    action("kms:PutKeyPolicy", Target::Key, KeyNeed::None, Duty::Administering),
    action("kms:RevokeGrant", Target::Key, KeyNeed::None, Duty::Administering),
    action("kms:DeleteImportedKeyMaterial", Target::Key, KeyNeed::None, Duty::Administering),
];

/// The actions of a question. Any of them is enough.
pub(super) fn actions(question: Question) -> &'static [Action] {
    match question {
        Question::Read => &READ,
        Question::Write => &WRITE,
        Question::Tamper => &TAMPER,
        Question::List => &LIST,
    }
}
