//! What every assessment owes: nothing proved from what was not read, delivery and control, states compared.

use super::*;
use crate::model::live::Read;

#[test]
fn nothing_is_proved_while_an_input_is_unread() {
    let bucket = || BUCKET.to_owned();
    for read in [
        Read::AccountAuthorization,
        Read::BucketPolicy { bucket: bucket() },
        Read::BucketEncryption { bucket: bucket() },
        Read::BucketPublicAccessBlock { bucket: bucket() },
        Read::AccountPublicAccessBlock,
        Read::BucketOwnership { bucket: bucket() },
        Read::AccessPoints { bucket: bucket() },
        Read::KeyPolicy { key: KEY.to_owned() },
        Read::KeyGrants { key: KEY.to_owned() },
        Read::Organization,
    ] {
        let all = sealed().without(read.clone()).assess();
        assert!(!all.complete, "{read:?}");
        let held = all.proofs.iter().find(|proof| proof.verdict == ProofVerdict::Holds);
        assert_eq!(held, None, "{read:?}");
    }
}

#[test]
fn an_unread_account_hides_nobody() {
    let lab = plain().without(Read::AccountAuthorization);
    let found = lab.undeclared(Question::Read);
    let names: Vec<&str> = found.iter().map(|one| one.arn.as_str()).collect();
    assert!(names.contains(&format!("arn:aws:iam::{OWN}:root").as_str()), "{names:?}");
    assert!(found.iter().all(|one| !one.certain), "{found:?}");
}

#[test]
fn the_delivery_is_proved_or_the_obstacle_is_named() {
    assert_eq!(proof(&sealed(), "delivery-works"), ProofVerdict::Holds);
    let by_address = sealed().on_bucket(&deny(
        DELIVERY,
        "s3:PutObject",
        OBJECTS,
        &when("NotIpAddress", "aws:SourceIp", "10.0.0.0/8"),
    ));
    assert_eq!(proof(&by_address, "delivery-works"), ProofVerdict::DoesNotHold);
    let wrong_id = sealed().edit_role("AuditDelivery", |one| one.trust = one.trust.replace("0d26daa6", "00000000"));
    assert_eq!(proof(&wrong_id, "delivery-works"), ProofVerdict::DoesNotHold);
    let all = wrong_id.assess();
    let because = &all.proof("acme", "delivery-works").expect("proof").because;
    assert!(because.iter().any(|reason| reason.contains("sts:AssumeRole by Databricks")), "{because:?}");
}

#[test]
fn somebody_keeps_control_or_it_is_said() {
    assert_eq!(proof(&sealed(), "control-kept"), ProofVerdict::Holds);
    let no_bucket = sealed().on_bucket(&deny("*", "s3:PutBucketPolicy", "*", ""));
    assert_eq!(proof(&no_bucket, "control-kept"), ProofVerdict::DoesNotHold);
    let no_key = sealed().on_key(KEY, &deny("*", "kms:PutKeyPolicy", "*", ""));
    assert_eq!(proof(&no_key, "control-kept"), ProofVerdict::DoesNotHold);
}

#[test]
fn a_declared_way_in_does_not_hide_another_one() {
    let lab = sealed()
        .role("Other", SAML, &[])
        .on_bucket(&allow(&role("Other"), "s3:GetObject", LOGS, ""))
        .on_key(KEY, &allow(&role("Other"), "kms:Decrypt", "*", ""));
    let holders = lab.assess().holders();
    let ways = holders.iter().filter(|one| one.arn.contains(":saml-provider/") && one.question == Question::Read);
    let ways: Vec<(bool, Option<&str>)> = ways.map(|one| (one.declared, one.through.as_deref())).collect();
    assert_eq!(ways, [(false, Some(role("Other").as_str())), (true, Some(READER))]);
}

#[test]
fn states_share_what_they_have_in_common() {
    let lab = jump();
    let (desired, live) = (std::slice::from_ref(&lab.desired), lab.live());
    let compiled = crate::access::Compiled::default();
    assert_eq!(crate::access::assess_with(&compiled, desired, &live), lab.assess());
    let other = lab.on_bucket(&deny("*", "s3:*", OBJECTS, &when("ArnEquals", "aws:PrincipalArn", &role("Jump"))));
    let shared = crate::access::assess_with(&compiled, std::slice::from_ref(&other.desired), &other.live());
    assert_eq!(shared, other.assess());
}
