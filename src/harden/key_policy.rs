//! The policy of a key: administrators administer and do not decrypt; the declared decrypt, through S3, for this bucket.

use super::names::{root, s3_of};
use super::parties::{Parties, Writing};
use super::statement::{Statement, sorted};

/// Without Decrypt, GenerateDataKey, CreateGrant, DisableKey, ScheduleKeyDeletion, DisableKeyRotation: whoever needs those
/// changes the policy first, which is seen.
const ADMINISTER: [&str; 18] = [
    "kms:PutKeyPolicy",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:CancelKeyDeletion",
    "kms:RevokeGrant",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:CreateAlias",
    "kms:UpdateAlias",
    "kms:DeleteAlias",
    "kms:UpdateKeyDescription",
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
];

const SEE: [&str; 7] = [
    "kms:DescribeKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListKeyRotations",
    "kms:ListResourceTags",
];

const USE: [&str; 4] = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"];

const CONTEXT: &str = "kms:EncryptionContext:aws:s3:arn";

/// Sids of this policy, of any version of it.
pub(super) const SIDS: [&str; 9] = [
    "AdminsAdminister",
    "RootRecovers",
    "AccountSees",
    "DeliveryEncrypts",
    "ReplicationEncrypts",
    "ReadersDecrypt",
    "UseOnlyDeclared",
    "UseOnlyThroughS3",
    "NoGrants",
];

pub(super) fn statements(p: &Parties) -> Vec<Statement> {
    let mut all = administration(p);
    all.extend(usage(p));
    let s3 = [s3_of(&p.region)];
    all.extend([
        // These two bind grants as well, so that a stray grant opens nothing before it is revoked.
        Statement::deny("UseOnlyDeclared", "K1: the key is closed to everyone who is not declared")
            .action(&USE)
            .on(&["*"])
            .when("ArnNotEquals", "aws:PrincipalArn", &p.data_principals()),
        Statement::deny("UseOnlyThroughS3", "K1: only through S3 of this region").action(&USE).on(&["*"]).when(
            "StringNotEquals",
            "kms:ViaService",
            &s3,
        ),
        Statement::deny("NoGrants", "K1: nobody hands on the use of the key").action(&["kms:CreateGrant"]).on(&["*"]),
    ]);
    all
}

fn administration(p: &Parties) -> Vec<Statement> {
    let root = root(p.partition, &p.account);
    let mut all = Vec::new();
    if !p.admins.is_empty() {
        all.push(
            Statement::allow("AdminsAdminister", "K5: declared admins administer the key, and do not decrypt")
                .aws(&p.admins)
                .action(&ADMINISTER)
                .on(&["*"]),
        );
    }
    all.extend([
        // The root user alone: it saves a key whose admin roles were deleted, which otherwise only AWS Support can.
        Statement::allow("RootRecovers", "K5: the root user can repair the policy")
            .aws(&[&root])
            .action(&["kms:PutKeyPolicy", "kms:EnableKey", "kms:CancelKeyDeletion"])
            .on(&["*"])
            .when("ArnEquals", "aws:PrincipalArn", &[&root]),
        Statement::allow("AccountSees", "K1: reading the configuration is left to IAM")
            .aws(&[&root])
            .action(&SEE)
            .on(&["*"]),
    ]);
    all
}

fn usage(p: &Parties) -> Vec<Statement> {
    let s3 = [s3_of(&p.region)];
    let mut all = Vec::new();
    if !p.writers.is_empty() {
        let statement = match p.writing {
            Writing::Delivery => Statement::allow(
                "DeliveryEncrypts",
                "K4: the delivery role encrypts, and decrypts for multipart uploads",
            )
            .action(&["kms:GenerateDataKey", "kms:Decrypt"]),
            Writing::Replication { .. } => {
                Statement::allow("ReplicationEncrypts", "B16: the replication role encrypts copies").action(&[
                    "kms:GenerateDataKey",
                    "kms:Encrypt",
                    "kms:Decrypt",
                ])
            }
        };
        all.push(statement.aws(&p.writers).on(&["*"]).when("StringEquals", "kms:ViaService", &s3).when(
            "StringLike",
            CONTEXT,
            &p.contexts(&p.write_prefixes),
        ));
    }
    // Replication reads what it copies; it decrypts as a reader does.
    let readers = sorted(p.readers.iter().chain(&p.replication).cloned());
    if !readers.is_empty() {
        all.push(
            Statement::allow("ReadersDecrypt", "K1: declared readers decrypt")
                .aws(&readers)
                .action(&["kms:Decrypt"])
                .on(&["*"])
                .when("StringEquals", "kms:ViaService", &s3)
                .when("StringLike", CONTEXT, &p.contexts(&p.read_prefixes)),
        );
    }
    all
}
