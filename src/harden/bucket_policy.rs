//! The policy of the audit bucket and of its replicas.
//!
//! Denies close whole classes of requests for everyone but the named roles, so that neither an administrator's wildcard
//! policy nor an action that S3 adds tomorrow opens anything; allows name exact roles, so that the policy is never public.

use super::names::root;
use super::parties::{Parties, Writing};
use super::statement::{Statement, sorted};

/// Reading an object, its versions and what is written on them.
pub(super) const READS: [&str; 11] = [
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:GetObjectAttributes",
    "s3:GetObjectVersionAttributes",
    "s3:GetObjectTagging",
    "s3:GetObjectVersionTagging",
    "s3:GetObjectAcl",
    "s3:GetObjectVersionAcl",
    "s3:GetObjectRetention",
    "s3:GetObjectLegalHold",
    "s3:GetObjectVersionForReplication",
];

/// What Databricks documents for a delivery role, apart from reading. With versioning `DeleteObject` makes a marker only.
const DELIVERY_WRITES: [&str; 5] =
    ["s3:PutObject", "s3:PutObjectAcl", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"];

/// The delivery role's actions on objects of its prefix.
pub(super) const DELIVERY_OBJECTS: [&str; 6] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:PutObjectAcl",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
];

const LISTS: [&str; 3] = ["s3:ListBucket", "s3:ListBucketVersions", "s3:ListBucketMultipartUploads"];

/// Sids of this policy, of any version of it.
pub(super) const SIDS: [&str; 18] = [
    "TlsOnly",
    "Tls12",
    "ObjectsOnlyDeclared",
    "WritesOnlyDelivery",
    "NobodyDestroys",
    "ListOnlyDeclared",
    "ConfigOnlyAdmins",
    "OnlyOurKey",
    "NoCustomerKeys",
    "MfaReaders",
    "DeliveryWrites",
    "DeliveryLists",
    "DeliveryUploads",
    "ReplicationWrites",
    "ReadersRead",
    "ReadersList",
    "ObserversList",
    "Location",
];

pub(super) fn statements(p: &Parties) -> Vec<Statement> {
    let mut all = transport(&p.everything());
    all.extend(object_denies(p));
    all.extend(bucket_denies(p));
    all.extend(encryption_denies(p));
    if !p.mfa_readers.is_empty() {
        all.push(
            // `IfExists`: sessions that cannot carry the key at all are denied as well.
            Statement::deny("MfaReaders", "B7: these readers only with multi-factor authentication")
                .action(&["s3:*"])
                .on(&p.everything())
                .when("ArnEquals", "aws:PrincipalArn", &p.mfa_readers)
                .when("BoolIfExists", "aws:MultiFactorAuthPresent", &["false"]),
        );
    }
    all.extend(writer_allows(p));
    all.extend(reader_allows(p));
    all
}

/// TLS for everyone, each deny with one condition only, so that no other condition can switch it off.
pub(super) fn transport(resources: &[String]) -> Vec<Statement> {
    vec![
        Statement::deny("TlsOnly", "B9: nobody without TLS").action(&["s3:*"]).on(resources).when(
            "Bool",
            "aws:SecureTransport",
            &["false"],
        ),
        Statement::deny("Tls12", "B9: nobody below TLS 1.2").action(&["s3:*"]).on(resources).when(
            "NumericLessThan",
            "s3:TlsVersion",
            &["1.2"],
        ),
    ]
}

/// The actions that put something into the bucket.
fn write_set(writing: Writing) -> Vec<&'static str> {
    match writing {
        Writing::Delivery => DELIVERY_WRITES.to_vec(),
        Writing::Replication { override_owner } => {
            let mut set = vec!["s3:ReplicateObject", "s3:ReplicateTags", "s3:GetObjectVersionTagging"];
            if override_owner {
                set.push("s3:ObjectOwnerOverrideToBucketOwner");
            }
            set
        }
    }
}

fn object_denies(p: &Parties) -> Vec<Statement> {
    let objects = [p.all_objects()];
    let mut harmless: Vec<&str> = READS.to_vec();
    harmless.extend(write_set(p.writing).into_iter().filter(|action| !READS.contains(action)));
    vec![
        Statement::deny("ObjectsOnlyDeclared", "B7: objects are closed to everyone who is not declared")
            .action(&["s3:*"])
            .on(&objects)
            .when("ArnNotEquals", "aws:PrincipalArn", &p.data_principals()),
        // The exceptions are the reads, so that a write action which S3 adds is closed from its first day.
        Statement::deny("WritesOnlyDelivery", "B8: only the delivery writes").not_action(&READS).on(&objects).when(
            "ArnNotEquals",
            "aws:PrincipalArn",
            &p.writers,
        ),
        Statement::deny("NobodyDestroys", "B8: nobody deletes versions, changes retention or re-encrypts")
            .not_action(&harmless)
            .on(&objects),
    ]
}

fn bucket_denies(p: &Parties) -> Vec<Statement> {
    let listers = sorted(p.data_principals().into_iter().chain(p.admins.clone()).chain(p.observers.clone()));
    vec![list_only(p, &listers), config_only_admins(p, &p.bucket_arn())]
}

fn list_only(p: &Parties, listers: &[String]) -> Statement {
    // Object names tell workspaces and dates; the admins keep them for the freshness check.
    Statement::deny("ListOnlyDeclared", "B7: object names are for the declared only")
        .action(&LISTS)
        .on(&[p.bucket_arn()])
        .when("ArnNotEquals", "aws:PrincipalArn", listers)
}

/// Every present and future change of the bucket's configuration. The root user is left out, so that the loss of all
/// admin roles can be repaired; `NotAction` leaves reading the configuration to whoever has the permission.
pub(super) fn config_only_admins(p: &Parties, bucket: &str) -> Statement {
    let admins = sorted(p.admins.iter().cloned().chain([root(p.partition, &p.account)]));
    Statement::deny("ConfigOnlyAdmins", "B8: only declared admins change the bucket")
        .not_action(&["s3:Get*", "s3:List*"])
        .on(&[bucket])
        .when("ArnNotEquals", "aws:PrincipalArn", &admins)
}

/// A stolen writer session cannot encrypt under a foreign key. `Null` comes first: Databricks sends no such header and
/// relies on the bucket's default, which a bare `StringNotEquals` would deny.
fn encryption_denies(p: &Parties) -> Vec<Statement> {
    let objects = [p.all_objects()];
    let mut all = Vec::new();
    // Without a key, there is none that others could be told from.
    if !p.keys.is_empty() {
        all.push(
            Statement::deny("OnlyOurKey", "B10: no other key than the declared one")
                .action(&["s3:PutObject"])
                .on(&objects)
                .when("Null", "s3:x-amz-server-side-encryption-aws-kms-key-id", &["false"])
                .when("StringNotEquals", "s3:x-amz-server-side-encryption-aws-kms-key-id", &p.keys),
        );
    }
    all.push(
        Statement::deny("NoCustomerKeys", "B10: no keys that the writer brings along")
            .action(&["s3:PutObject"])
            .on(&objects)
            .when("Null", "s3:x-amz-server-side-encryption-customer-algorithm", &["false"]),
    );
    all
}

fn writer_allows(p: &Parties) -> Vec<Statement> {
    if p.writers.is_empty() {
        return Vec::new();
    }
    match p.writing {
        Writing::Delivery => vec![
            Statement::allow("DeliveryWrites", "D1: the delivery role writes below its prefix")
                .aws(&p.writers)
                .action(&DELIVERY_OBJECTS)
                .on(&p.objects(&p.write_prefixes)),
            Statement::allow("DeliveryLists", "D1: the delivery role lists below its prefix")
                .aws(&p.writers)
                .action(&["s3:ListBucket"])
                .on(&[p.bucket_arn()])
                .when_some("StringLike", "s3:prefix", p.listings(&p.write_prefixes).as_deref()),
            // Apart: ListBucketMultipartUploads knows no `s3:prefix` (Service Authorization Reference, Amazon S3).
            Statement::allow("DeliveryUploads", "D1: the delivery role finds its own uploads")
                .aws(&p.writers)
                .action(&["s3:ListBucketMultipartUploads"])
                .on(&[p.bucket_arn()]),
        ],
        Writing::Replication { .. } => vec![
            Statement::allow("ReplicationWrites", "B16: the replication role writes copies")
                .aws(&p.writers)
                .action(&write_set(p.writing))
                .on(&[p.all_objects()]),
        ],
    }
}

fn reader_allows(p: &Parties) -> Vec<Statement> {
    let mut all = Vec::new();
    let listings = p.listings(&p.read_prefixes);
    let lists = |sid, why, who: &[String]| {
        Statement::allow(sid, why)
            .aws(who)
            .action(&["s3:ListBucket", "s3:ListBucketVersions"])
            .on(&[p.bucket_arn()])
            .when_some("StringLike", "s3:prefix", listings.as_deref())
    };
    if !p.readers.is_empty() {
        all.push(
            Statement::allow("ReadersRead", "B7: declared readers read")
                .aws(&p.readers)
                .action(&["s3:GetObject", "s3:GetObjectVersion"])
                .on(&p.objects(&p.read_prefixes)),
        );
        all.push(lists("ReadersList", "B7: declared readers list", &p.readers));
    }
    if !p.observers.is_empty() {
        all.push(lists("ObserversList", "B7: declared observers list, and do not read", &p.observers));
    }
    let accounts: Vec<String> = p.accounts().iter().map(|account| root(p.partition, account)).collect();
    all.push(
        // Account principals keep the document short, and the region is no secret.
        Statement::allow("Location", "B5: the accounts that are named may ask for the region")
            .aws(&accounts)
            .action(&["s3:GetBucketLocation"])
            .on(&[p.bucket_arn()]),
    );
    all
}
