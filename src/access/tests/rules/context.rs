//! Rules C and E: what a request carries, and what limits it from above.

use super::*;
use crate::model::live::Read;

#[test]
fn c6_long_term_keys_have_no_mfa_key() {
    let bob = format!("arn:aws:iam::{OWN}:user/bob");
    let lab = |operator: &str| {
        plain().user("bob", &[&may("s3:GetObject", LOGS)]).on_bucket(&deny(
            "*",
            "s3:*",
            OBJECTS,
            &when(operator, "aws:MultiFactorAuthPresent", "false"),
        ))
    };
    assert_eq!(verdict(&lab("Bool"), Question::Read, &bob), Verdict::Can);
    assert_eq!(verdict(&lab("BoolIfExists"), Question::Read, &bob), Verdict::Conditional);
    let all = lab("BoolIfExists").assess();
    assert!(of(&all, Question::Read, &bob)[0].conditions.iter().any(|one| one.contains("MultiFactorAuthPresent")));
}

#[test]
fn c7_no_request_comes_from_the_internet_and_through_an_endpoint() {
    let bob = format!("arn:aws:iam::{OWN}:user/bob");
    let both = r#","Condition":{"StringEquals":{"aws:SourceVpce":"vpce-1"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#;
    let lab = plain().user("bob", &[&allow("", "s3:GetObject", LOGS, both)]);
    assert_eq!(verdict(&lab, Question::Read, &bob), Verdict::Cannot);
    let endpoint =
        plain().user("bob", &[&allow("", "s3:GetObject", LOGS, &when("StringEquals", "aws:SourceVpce", "vpce-1"))]);
    assert_eq!(verdict(&endpoint, Question::Read, &bob), Verdict::Conditional);
}

#[test]
fn c8_the_endpoint_is_not_passed_on_to_the_key() {
    let lab = sealed()
        .role("Jump", SAML, &[&may("s3:GetObject", LOGS)])
        .on_key(KEY, &allow(&role("Jump"), "kms:Decrypt", "*", &when("StringEquals", "aws:SourceVpce", "vpce-1")));
    assert_eq!(verdict(&lab, Question::Read, &role("Jump")), Verdict::Cannot);
}

#[test]
fn e4_limits_from_above_that_were_not_read_are_said() {
    let lab = sealed().without(Read::OrganizationPolicies);
    let all = lab.assess();
    assert!(!all.complete);
    assert!(all.assumptions.iter().any(|one| one.code == "organization-policies-not-read"));
    assert!(all.proofs.iter().all(|proof| proof.verdict != ProofVerdict::Holds), "{:?}", all.proofs);
}
