//! Trust and inline policies of the roles that deliver and replicate.

use crate::model::Desired;

use super::bucket_policy::DELIVERY_OBJECTS;
use super::names::{bucket_arn, s3_of};
use super::parties::Parties;
use super::statement::Statement;

/// The delivery role: exactly one statement, for exactly Databricks' delivery principal and this Databricks account
/// (Databricks docs, "Configure audit log delivery"; the external id is what stops a confused deputy).
pub(super) fn delivery_trust(desired: &Desired) -> Vec<Statement> {
    vec![
        Statement::allow(
            "DatabricksLogDelivery",
            "R1: only Databricks' log delivery, only for this Databricks account",
        )
        .one_aws(desired.aws.partition.delivery_principal())
        .action(&["sts:AssumeRole"])
        .when("StringEquals", "sts:ExternalId", &[&desired.databricks.account_id]),
    ]
}

/// What the delivery role may do: the set that Databricks documents, on its prefix. Object ARNs `B/P/*` cover `B/P/` too.
pub(super) fn delivery(p: &Parties) -> Vec<Statement> {
    let mut all = vec![
        Statement::identity("Objects", "R2: objects below the prefix")
            .action(&DELIVERY_OBJECTS)
            .on(&p.objects(&p.write_prefixes)),
        Statement::identity("List", "R2: listing below the prefix")
            .action(&["s3:ListBucket"])
            .on(&[p.bucket_arn()])
            .when_some("StringLike", "s3:prefix", p.listings(&p.write_prefixes).as_deref()),
        Statement::identity("Bucket", "R2: the region, and its own uploads")
            .action(&["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"])
            .on(&[p.bucket_arn()]),
    ];
    if !p.keys.is_empty() {
        all.push(use_of_key(p));
    }
    all
}

/// Needed when the role is in another account than the key, harmless otherwise.
fn use_of_key(p: &Parties) -> Statement {
    Statement::identity("Key", "K4: the delivery role encrypts, and decrypts for multipart uploads")
        .action(&["kms:GenerateDataKey", "kms:Decrypt"])
        .on(&p.keys)
        .when("StringEquals", "kms:ViaService", &[s3_of(&p.region)])
        .when("StringLike", "kms:EncryptionContext:aws:s3:arn", &p.contexts(&p.write_prefixes))
}

/// The new key for a role that still delivers and is not the declared one.
pub(super) fn transition(p: &Parties, prefixes: Vec<String>) -> Vec<Statement> {
    vec![use_of_key(&Parties { write_prefixes: prefixes, ..p.clone() })]
}

/// S3 itself, only for the audit bucket of this account (S3 User Guide, "Setting up permissions for live replication").
pub(super) fn replication_trust(p: &Parties) -> Vec<Statement> {
    vec![
        Statement::allow("Replication", "B16: only S3, only for the audit bucket")
            .service("s3.amazonaws.com")
            .action(&["sts:AssumeRole"])
            .when("StringEquals", "aws:SourceAccount", &[&p.account])
            .when("ArnEquals", "aws:SourceArn", &[p.bucket_arn()]),
    ]
}

/// A replica bucket as the replication role sees it.
pub(super) struct Destination {
    pub bucket: String,
    pub account: String,
    pub region: String,
    pub key: String,
}

/// Without GetObject, so that the role copies and does not read; without ReplicateDelete, so that delete markers stay at
/// the source.
pub(super) fn replication(p: &Parties, destinations: &[Destination]) -> Vec<Statement> {
    let mut all = vec![
        Statement::identity("Source", "B16: what is to be copied")
            .action(&["s3:GetReplicationConfiguration", "s3:ListBucket"])
            .on(&[p.bucket_arn()]),
        Statement::identity("SourceObjects", "B16: versions for copying")
            .action(&[
                "s3:GetObjectVersionForReplication",
                "s3:GetObjectVersionAcl",
                "s3:GetObjectVersionTagging",
                "s3:GetObjectRetention",
                "s3:GetObjectLegalHold",
            ])
            .on(&[p.all_objects()]),
    ];
    if !p.keys.is_empty() {
        all.push(
            Statement::identity("SourceKey", "B16: decrypts what it copies")
                .action(&["kms:Decrypt"])
                .on(&p.keys)
                .when("StringEquals", "kms:ViaService", &[s3_of(&p.region)])
                .when("StringLike", "kms:EncryptionContext:aws:s3:arn", &p.contexts(&p.read_prefixes)),
        );
    }
    let (same, foreign): (Vec<_>, Vec<_>) = destinations.iter().partition(|one| one.account == p.account);
    let objects = |ones: &[&Destination]| -> Vec<String> {
        ones.iter().map(|one| format!("{}/*", bucket_arn(p.partition, &one.bucket))).collect()
    };
    if !same.is_empty() {
        all.push(
            Statement::identity("Replicas", "B16: copies go to declared buckets")
                .action(&["s3:ReplicateObject", "s3:ReplicateTags"])
                .on(&objects(&same)),
        );
    }
    if !foreign.is_empty() {
        all.push(
            Statement::identity("ForeignReplicas", "B16: copies in another account belong to that account")
                .action(&["s3:ReplicateObject", "s3:ReplicateTags", "s3:ObjectOwnerOverrideToBucketOwner"])
                .on(&objects(&foreign)),
        );
    }
    for (one, sid) in destinations.iter().zip(REPLICA_KEYS) {
        all.push(
            Statement::identity(sid, "B16: encrypts copies under the replica's own key")
                .action(&["kms:GenerateDataKey", "kms:Encrypt", "kms:Decrypt"])
                .on(&[&one.key])
                .when("StringEquals", "kms:ViaService", &[s3_of(&one.region)])
                .when(
                    "StringLike",
                    "kms:EncryptionContext:aws:s3:arn",
                    &Parties { bucket: one.bucket.clone(), ..p.clone() }.contexts(&p.read_prefixes),
                ),
        );
    }
    all
}

/// One Sid per replica. S3 replicates to as many destinations as rules allow; more than these are refused.
pub(super) const REPLICA_KEYS: [&str; 8] = [
    "ReplicaKey1",
    "ReplicaKey2",
    "ReplicaKey3",
    "ReplicaKey4",
    "ReplicaKey5",
    "ReplicaKey6",
    "ReplicaKey7",
    "ReplicaKey8",
];
