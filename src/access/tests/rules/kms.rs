//! Rules K: the key.

use super::*;

#[test]
fn k2_reading_needs_s3_and_the_key() {
    let s3 = sealed().role("Jump", SAML, &[&may("s3:GetObject", LOGS)]);
    assert_eq!(verdict(&s3, Question::Read, &role("Jump")), Verdict::Cannot);
    let key = sealed().role("Jump", SAML, &[]).on_key(KEY, &allow(&role("Jump"), "kms:Decrypt", "*", ""));
    assert_eq!(verdict(&key, Question::Read, &role("Jump")), Verdict::Cannot);
    let both = s3.on_key(KEY, &allow(&role("Jump"), "kms:Decrypt", "*", ""));
    assert_eq!(verdict(&both, Question::Read, &role("Jump")), Verdict::Can);
    // Anonymous callers never decrypt.
    let open = sealed()
        .unblocked()
        .on_bucket(&allow("*", "s3:GetObject", LOGS, ""))
        .on_key(KEY, &allow("*", "kms:Decrypt", "*", ""));
    assert_eq!(verdict(&open, Question::Read, "anonymous"), Verdict::Cannot);
    assert!(verdict(&open, Question::Read, "*").possible());
}

#[test]
fn k3_a_deny_of_the_key_binds_a_grant() {
    let lab = sealed().role("Jump", SAML, &[&may("s3:GetObject", LOGS)]).grant(&role("Jump"), &["Decrypt"], None);
    assert!(verdict(&lab, Question::Read, &role("Jump")).possible());
    let denied = lab.on_key(KEY, &deny("*", "kms:Decrypt", "*", &when("ArnEquals", "aws:PrincipalArn", &role("Jump"))));
    assert_eq!(verdict(&denied, Question::Read, &role("Jump")), Verdict::Cannot);
}

#[test]
fn k4_delivery_encrypts_in_both_contexts_or_is_not_proved() {
    let only = |context: &str| {
        sealed().with(|lab| {
            let delivery = lab.keys.get_mut(KEY).expect("key");
            delivery.retain(|statement| !statement.contains("DeliveryEncrypts"));
            delivery.push(allow(
                DELIVERY,
                "kms:GenerateDataKey kms:Decrypt",
                "*",
                &when("StringLike", "kms:EncryptionContext:aws:s3:arn", context),
            ));
        })
    };
    assert_eq!(proof(&only(&format!("arn:aws:s3:::{BUCKET}*")), "delivery-works"), ProofVerdict::Holds);
    assert_eq!(proof(&only(&format!("arn:aws:s3:::{BUCKET}")), "delivery-works"), ProofVerdict::DoesNotHold);
    assert_eq!(proof(&only(LOGS), "delivery-works"), ProofVerdict::DoesNotHold);
}

#[test]
fn k6_the_key_of_older_objects_is_not_that_of_the_bucket() {
    let all = sealed().assess();
    let ids: Vec<&str> = all.object_classes.iter().map(|class| class.id.as_str()).collect();
    assert_eq!(ids, ["current", "older", "system-tables"]);
    assert_eq!(all.object_classes[0].key.as_deref(), Some(KEY));
    assert_eq!(all.object_classes[1].key, None);
}

#[test]
fn k5_reading_asks_for_decrypt_and_delivering_for_data_keys() {
    let jump = |operations: &str| {
        sealed()
            .role("Jump", SAML, &[&may("s3:GetObject s3:PutObject", LOGS)])
            .on_key(KEY, &allow(&role("Jump"), operations, "*", ""))
    };
    let others = "kms:Encrypt kms:GenerateDataKey* kms:ReEncryptTo kms:DescribeKey kms:CreateGrant";
    assert_eq!(verdict(&jump(others), Question::Read, &role("Jump")), Verdict::Cannot);
    assert_eq!(verdict(&jump("kms:Decrypt"), Question::Read, &role("Jump")), Verdict::Can);
    // Whoever writes chooses the encryption: the key alone stops nobody.
    assert_eq!(verdict(&jump("kms:DescribeKey"), Question::Write, &role("Jump")), Verdict::Can);
    // A delivery needs a data key, and for parts of a multipart upload has to decrypt it again.
    let delivery = |operations: &str| {
        let statement = allow(DELIVERY, operations, "*", "");
        sealed().with(|lab| {
            let key = lab.keys.get_mut(KEY).expect("key");
            key.retain(|statement| !statement.contains("DeliveryEncrypts"));
            key.push(statement);
        })
    };
    assert_eq!(proof(&delivery("kms:GenerateDataKey kms:Decrypt"), "delivery-works"), ProofVerdict::Holds);
    for missing in ["kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt kms:Decrypt"] {
        assert_eq!(proof(&delivery(missing), "delivery-works"), ProofVerdict::DoesNotHold, "{missing}");
    }
}

#[test]
fn k7_aliases_and_tags_of_a_key_are_not_known() {
    let jump = |more: &[String]| {
        let lab = sealed().role("Jump", SAML, &[&may("s3:GetObject", LOGS)]);
        more.iter().fold(lab, |lab, statement| lab.on_key(KEY, statement))
    };
    let given = |more: &str| allow(&role("Jump"), "kms:Decrypt", "*", more);
    let taken = |more: &str| deny(&role("Jump"), "kms:Decrypt", "*", more);
    for (operator, key, value) in [
        ("ForAnyValue:StringEquals", "kms:ResourceAliases", "alias/other"),
        ("StringEquals", "kms:RequestAlias", "alias/other"),
        ("StringEquals", "aws:ResourceTag/team", "other"),
    ] {
        let when = when(operator, key, value);
        // It may hold, so there is a reader; it may not, so nobody is certain to read or to be kept out.
        for lab in [jump(&[given(&when)]), jump(&[given(""), taken(&when)])] {
            let all = lab.assess();
            let found = of(&all, Question::Read, &role("Jump"));
            let found = found.iter().find(|one| one.object_class == "current").expect("an entry");
            assert_eq!((found.verdict, found.certain), (Verdict::Conditional, false), "{key}");
            assert_ne!(proof(&lab, "readers-declared"), ProofVerdict::Holds, "{key}");
        }
        assert_eq!(verdict(&jump(&[given(&when), taken("")]), Question::Read, &role("Jump")), Verdict::Cannot, "{key}");
    }
}
