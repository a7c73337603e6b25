//! Readers behind the key.

use super::super::lab::*;
use super::{check, pair};
use crate::access::Question;
use crate::model::bucket::Encryption;
use crate::model::live::Read;

const DECRYPT: &str = "kms:Decrypt";

/// A role that S3 lets read everything: only the key stands in its way.
fn jump(more: &[&str]) -> Lab {
    let reads = may("s3:GetObject", LOGS);
    let mut policies = vec![reads.as_str()];
    policies.extend(more);
    sealed().role("Jump", SAML, &policies)
}

/// Another account that S3 lets read everything.
fn partner() -> Lab {
    sealed().on_bucket(&allow(&format!("arn:aws:iam::{OTHER}:root"), "s3:GetObject", LOGS, ""))
}

/// Rules out objects of an older encryption, which no key protects.
fn on_account() -> String {
    allow(&format!("arn:aws:iam::{OWN}:root"), "kms:*", "*", r#","Sid":"EnableIam""#)
}

#[test]
fn policies_and_grants() {
    let who = format!("arn:aws:iam::{OWN}:role/Jump");
    let foreign = format!("arn:aws:iam::{OTHER}:root");
    let decrypts = may(DECRYPT, KEY);
    check(
        Question::Read,
        vec![
            pair(
                "the account statement",
                jump(&[&decrypts]).on_key(KEY, &on_account()),
                &who,
                "`EnableIam`",
                jump(&[&decrypts]),
            ),
            pair(
                "a grant",
                jump(&[]).grant(&who, &["Decrypt"], None),
                &who,
                "KMS grant `grant-0`",
                jump(&[]).grant(&who, &["Encrypt", "GenerateDataKey"], None),
            ),
            pair(
                "a grant to another account",
                partner().grant(&foreign, &["Decrypt"], None),
                &foreign,
                "KMS grant `grant-0`",
                partner().grant("arn:aws:iam::999900001111:root", &["Decrypt"], None),
            ),
            pair(
                "a grant for this bucket's context",
                jump(&[]).grant(
                    &who,
                    &["Decrypt"],
                    Some(&format!(r#"{{"EncryptionContextSubset":{{"aws:s3:arn":"arn:aws:s3:::{BUCKET}"}}}}"#)),
                ),
                &who,
                "KMS grant `grant-0`",
                jump(&[]).grant(
                    &who,
                    &["Decrypt"],
                    Some(r#"{"EncryptionContextSubset":{"aws:s3:arn":"arn:aws:s3:::other"}}"#),
                ),
            ),
            pair(
                "grants that were not read",
                jump(&[]).without(Read::KeyGrants { key: KEY.to_owned() }),
                &who,
                "not read",
                jump(&[]),
            ),
            pair(
                "everybody in the key policy",
                jump(&[]).on_key(KEY, &allow("*", DECRYPT, "*", r#","Sid":"Open""#)),
                &who,
                "`Open`",
                jump(&[]).on_key(KEY, &allow("*", DECRYPT, "*", &when("StringEquals", "kms:CallerAccount", OTHER))),
            ),
            pair(
                "through S3 of this region",
                jump(&[]).on_key(
                    KEY,
                    &allow(&who, DECRYPT, "*", &when("StringEquals", "kms:ViaService", "s3.us-east-1.amazonaws.com")),
                ),
                &who,
                "key policy statement #",
                jump(&[]).on_key(
                    KEY,
                    &allow(&who, DECRYPT, "*", &when("StringEquals", "kms:ViaService", "s3.eu-west-1.amazonaws.com")),
                ),
            ),
            pair(
                "with the bucket as context",
                jump(&[]).on_key(
                    KEY,
                    &allow(
                        &who,
                        DECRYPT,
                        "*",
                        &when("StringEquals", "kms:EncryptionContext:aws:s3:arn", &format!("arn:aws:s3:::{BUCKET}")),
                    ),
                ),
                &who,
                "key policy statement #",
                jump(&[]).on_key(
                    KEY,
                    &allow(
                        &who,
                        DECRYPT,
                        "*",
                        &when("StringEquals", "kms:EncryptionContext:aws:s3:arn", "arn:aws:s3:::other"),
                    ),
                ),
            ),
            pair(
                "with the object as context",
                jump(&[]).on_key(
                    KEY,
                    &allow(
                        &who,
                        DECRYPT,
                        "*",
                        &when(
                            "StringLike",
                            "kms:EncryptionContext:aws:s3:arn",
                            &format!("arn:aws:s3:::{BUCKET}/audit/*"),
                        ),
                    ),
                ),
                &who,
                "key policy statement #",
                jump(&[]).on_key(
                    KEY,
                    &allow(
                        &who,
                        DECRYPT,
                        "*",
                        &when(
                            "StringLike",
                            "kms:EncryptionContext:aws:s3:arn",
                            &format!("arn:aws:s3:::{BUCKET}/other/*"),
                        ),
                    ),
                ),
            ),
            pair(
                "a Deny of the key that asks for an endpoint, which S3 does not pass on",
                jump(&[])
                    .on_key(KEY, &allow(&who, DECRYPT, "*", r#","Sid":"Open""#))
                    .on_key(KEY, &deny(&who, DECRYPT, "*", &when("StringEquals", "aws:SourceVpce", "vpce-1"))),
                &who,
                "`Open`",
                jump(&[])
                    .on_key(KEY, &allow(&who, DECRYPT, "*", ""))
                    .on_key(KEY, &deny(&who, DECRYPT, "*", &when("StringNotEquals", "aws:SourceVpce", "vpce-1"))),
            ),
            pair(
                "a statement without a resource has no effect, one with it has",
                jump(&[]).on_key(KEY, &allow(&who, DECRYPT, "*", r#","Sid":"Open""#)),
                &who,
                "`Open`",
                jump(&[]).on_key(
                    KEY,
                    &format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{who}"}},"Action":"kms:Decrypt"}}"#),
                ),
            ),
        ],
    );
}

#[test]
fn other_keys() {
    let who = format!("arn:aws:iam::{OWN}:role/Jump");
    let with_old = |statement: &str| {
        jump(&[]).on_key(OLD_KEY, statement).with(|lab| lab.desired.key.previous = vec![OLD_KEY.parse().expect("ARN")])
    };
    let managed = |lab: Lab| {
        lab.with(|lab| {
            lab.encryption = Some(Encryption { key: None, bucket_key: false, ..Encryption::kms("") });
        })
    };
    check(
        Question::Read,
        vec![
            pair(
                "the previous key",
                with_old(&allow(&who, DECRYPT, "*", r#","Sid":"Forgotten""#)),
                &who,
                "`Forgotten`",
                with_old(&allow(ADMIN, DECRYPT, "*", "")),
            ),
            pair(
                "the key that AWS manages is open to the account",
                managed(jump(&[&may(DECRYPT, "*")])),
                &who,
                "policy of the AWS managed key statement `ThroughS3`",
                managed(partner()),
            ),
            pair(
                "a key policy that was not read",
                jump(&[]).without(Read::KeyPolicy { key: KEY.to_owned() }),
                &who,
                "key policy",
                jump(&[]),
            ),
        ],
    );
}

#[test]
fn objects_of_an_older_encryption_are_not_sampled() {
    let all = jump(&[]).assess();
    let proof = all.proof("acme", "readers-declared").expect("proof");
    assert_eq!(proof.verdict, crate::access::ProofVerdict::NotProven, "{:?}", proof.because);
    assert!(
        proof.because.iter().any(|reason| reason.contains("role/Jump") && reason.contains("if such objects exist"))
    );
    assert!(all.assumptions.iter().any(|one| one.code == "objects-not-sampled"));
    let older = all.object_classes.iter().find(|class| class.id == "older").expect("class");
    assert!(!older.sampled && older.key.is_none());
}
