//! Readers of a part of the objects only: whatever tells objects apart has to be seen, or the part is missed.

use super::super::lab::*;
use super::{check, pair};
use crate::access::{ProofVerdict, Question};

const DECRYPT: &str = "kms:Decrypt";
const CONTEXT: &str = "kms:EncryptionContext:aws:s3:arn";
/// One object, as a condition without case may spell it.
const SHOUTED: &str = "ARN:AWS:S3:::ACME-DATABRICKS-AUDIT/AUDIT/SECRET.JSON";
const SECRET: &str = "arn:aws:s3:::acme-databricks-audit/audit/secret.json";
const ELSEWHERE: &str = "arn:aws:s3:::acme-databricks-audit/other/secret.json";

fn who() -> String {
    format!("arn:aws:iam::{OWN}:role/Jump")
}

/// A role that S3 lets read everything: only the key stands in its way.
fn jump() -> Lab {
    sealed().role("Jump", SAML, &[&may("s3:GetObject", LOGS)])
}

/// The key opens under a condition.
fn opens(operator: &str, key: &str, value: &str) -> Lab {
    jump().on_key(KEY, &allow(&who(), DECRYPT, "*", &when(operator, key, value)))
}

/// The key is open, but for a condition.
fn closes(operator: &str, value: &str) -> Lab {
    jump()
        .on_key(KEY, &allow(&who(), DECRYPT, "*", r#","Sid":"Open""#))
        .on_key(KEY, &deny(&who(), DECRYPT, "*", &when(operator, CONTEXT, value)))
}

fn tagged(lab: Lab, value: &str) -> Lab {
    lab.edit_role("Jump", |role| drop(role.tags.insert("object".to_owned(), value.to_owned())))
}

/// Rule K4: the encryption context names the object. M9: how it is compared.
#[test]
fn by_the_encryption_context() {
    check(
        Question::Read,
        vec![
            pair(
                "one object, in any case",
                opens("StringEqualsIgnoreCase", CONTEXT, SHOUTED),
                &who(),
                "key policy statement #",
                opens("StringEqualsIgnoreCase", CONTEXT, &SHOUTED.replace("AUDIT/SECRET", "OTHER/SECRET")),
            ),
            pair(
                "all but one object, in any case",
                closes("StringNotEqualsIgnoreCase", SHOUTED),
                &who(),
                "`Open`",
                closes("StringNotEqualsIgnoreCase", &SHOUTED.replace("AUDIT/SECRET", "OTHER/SECRET")),
            ),
            pair(
                "one object in any case, but not in lower case",
                opens("StringEqualsIgnoreCase", CONTEXT, SHOUTED)
                    .on_key(KEY, &deny("*", DECRYPT, "*", &when("StringEquals", CONTEXT, SECRET))),
                &who(),
                "key policy statement #",
                opens("StringEqualsIgnoreCase", CONTEXT, SHOUTED)
                    .on_key(KEY, &deny("*", DECRYPT, "*", &when("StringEqualsIgnoreCase", CONTEXT, SECRET))),
            ),
            pair(
                "one object",
                opens("StringEquals", CONTEXT, SECRET),
                &who(),
                "key policy statement #",
                opens("StringEquals", CONTEXT, ELSEWHERE),
            ),
            pair(
                "all but one kind of objects",
                closes("StringNotLike", "arn:aws:s3:::acme-databricks-audit/audit/*.secret"),
                &who(),
                "`Open`",
                closes("StringNotLike", "arn:aws:s3:::acme-databricks-audit/other/*.secret"),
            ),
            pair(
                "all but one kind of objects, as ARN",
                closes("ArnNotLike", "arn:aws:s3:::acme-databricks-audit/audit/*.secret"),
                &who(),
                "`Open`",
                closes("ArnNotLike", "arn:aws:s3:::acme-databricks-audit/other/*.secret"),
            ),
            pair(
                "the object that a tag names",
                tagged(opens("StringEquals", CONTEXT, "${aws:PrincipalTag/object}"), SECRET),
                &who(),
                "key policy statement #",
                tagged(opens("StringEquals", CONTEXT, "${aws:PrincipalTag/object}"), ELSEWHERE),
            ),
            pair(
                "a tag that is the object",
                tagged(opens("StringEquals", "aws:PrincipalTag/object", &format!("${{{CONTEXT}}}")), SECRET),
                &who(),
                "key policy statement #",
                opens("StringEquals", "aws:PrincipalTag/object", &format!("${{{CONTEXT}}}")),
            ),
            pair(
                "a grant for one object",
                jump().grant(
                    &who(),
                    &["Decrypt"],
                    Some(&format!(r#"{{"EncryptionContextSubset":{{"aws:s3:arn":"{SECRET}"}}}}"#)),
                ),
                &who(),
                "KMS grant `grant-0`",
                jump().grant(
                    &who(),
                    &["Decrypt"],
                    Some(&format!(r#"{{"EncryptionContextSubset":{{"aws:s3:arn":"{ELSEWHERE}"}}}}"#)),
                ),
            ),
        ],
    );
}

/// Rule B6: both policies have to allow, and either may name single objects.
#[test]
fn behind_an_access_point() {
    let foreign = format!("arn:aws:iam::{OTHER}:root");
    let behind = |key: &str| format!("arn:aws:s3:us-east-1:{OWN}:accesspoint/door/object/{key}");
    let delegating = || {
        plain().on_bucket(&allow(
            "*",
            "s3:*",
            OBJECTS,
            &format!(r#","Sid":"Delegate"{}"#, when("StringEquals", "s3:DataAccessPointAccount", OWN)),
        ))
    };
    let door = |key: &str| {
        let statement = allow(&foreign, "s3:GetObject", &behind(key), r#","Sid":"Door""#);
        delegating().point("door", Some(&statement))
    };
    let own = |key: &str| delegating().point("door", None).role("Jump", SAML, &[&may("s3:GetObject", &behind(key))]);
    check(
        Question::Read,
        vec![
            pair("one object", door("audit/secret.json"), &foreign, "`Door`", door("other/secret.json")),
            pair("one kind of objects", door("*/s?cret.*"), &foreign, "`Door`", door("other/s?cret.*")),
            pair("one object, by its own policy", own("audit/secret.json"), &who(), "Own0", own("other/secret.json")),
        ],
    );
}

/// Where the kinds of objects are too many to be told apart, an answer may only become weaker.
#[test]
fn among_too_many_kinds() {
    // The place from the end has to be remembered for all of the last forty characters.
    let many = format!("arn:aws:s3:::{BUCKET}/audit/*a{}", "?".repeat(40));
    let crowded = || plain().on_bucket(&deny(&format!("arn:aws:iam::{OWN}:user/carol"), "s3:GetObject", &many, ""));
    let reads = |lab: Lab, object: &str| lab.role("Jump", SAML, &[&may("s3:GetObject", object)]);
    let folded = |value: &str| {
        opens("StringEqualsIgnoreCase", CONTEXT, value).on_bucket(&deny(
            &format!("arn:aws:iam::{OWN}:user/carol"),
            "s3:GetObject",
            &many,
            "",
        ))
    };
    let all = reads(crowded(), SECRET).assess();
    assert!(all.assumptions.iter().any(|one| one.code == "object-keys-not-told-apart"), "{:?}", all.assumptions);
    check(
        Question::Read,
        vec![
            // Among them nothing is proved: only without the crowd is it certain that there is no reader.
            pair("one object", reads(crowded(), SECRET), &who(), "Own0", reads(plain(), ELSEWHERE)),
            pair("one object, in any case", folded(SHOUTED), &who(), "key policy statement #", jump()),
        ],
    );
}

/// Rule M5: a folder by the user's name, whose objects other statements tell apart.
#[test]
fn in_a_folder_of_its_own() {
    let bob = format!("arn:aws:iam::{OWN}:user/bob");
    let folder = |hole: &str| {
        plain()
            .user("bob", &[&may("s3:GetObject", &format!("arn:aws:s3:::{BUCKET}/audit/${{aws:username}}/*"))])
            .on_bucket(&deny("*", "s3:GetObject*", &format!("arn:aws:s3:::{BUCKET}/audit/bob/{hole}"), ""))
    };
    let holes = folder("?").on_bucket(&deny("*", "s3:GetObject*", &format!("arn:aws:s3:::{BUCKET}/audit/bob/"), ""));
    check(Question::Read, vec![pair("behind the first objects", holes, &bob, "Own0", folder("*"))]);
}

/// Facts 4.2: a delivery that fails for one object does not work.
#[test]
fn closed_to_the_delivery() {
    let closed = |key: &str| {
        let objects = format!("arn:aws:s3:::{BUCKET}/{key}");
        sealed()
            .edit_role("AuditDelivery", |role| drop(role.tags.insert("team".to_owned(), "seven".to_owned())))
            .on_bucket(&deny(DELIVERY, "s3:PutObject", &objects, ""))
    };
    let verdict = |lab: &Lab| lab.assess().proof("acme", "delivery-works").expect("proof").verdict;
    assert_eq!(verdict(&closed("audit/${aws:PrincipalTag/team}/*")), ProofVerdict::DoesNotHold);
    assert_eq!(verdict(&closed("other/${aws:PrincipalTag/team}/*")), ProofVerdict::Holds);
    assert_eq!(verdict(&closed("audit/${aws:PrincipalTag/none}/*")), ProofVerdict::Holds);
}
