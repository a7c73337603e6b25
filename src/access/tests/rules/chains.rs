//! Rules A: chains of roles, and other ways in.

use super::*;
use crate::access::{Hop, PrincipalKind};

#[test]
fn a1_trust_alone_for_the_named_both_sides_for_the_rest() {
    let named = plain().edit_role("SecurityAnalyst", |one| one.trust = document(&[trusts(&role("Jump"))])).role(
        "Jump",
        SAML,
        &[],
    );
    assert_eq!(verdict(&named, Question::Read, &role("Jump")), Verdict::Can);
    let by_root = |policies: &[&str]| {
        plain()
            .edit_role("SecurityAnalyst", |one| one.trust = document(&[trusts(&format!("arn:aws:iam::{OWN}:root"))]))
            .role("Jump", SAML, policies)
    };
    assert_eq!(verdict(&by_root(&[]), Question::Read, &role("Jump")), Verdict::Cannot);
    assert_eq!(verdict(&by_root(&[&may("sts:AssumeRole", "*")]), Question::Read, &role("Jump")), Verdict::Can);
    // The root user assumes no role.
    assert_eq!(verdict(&by_root(&[]), Question::Read, &format!("arn:aws:iam::{OWN}:root")), Verdict::Cannot);
}

#[test]
fn a2_a_role_does_not_become_a_reader_by_assuming_itself() {
    let lab = plain().role("Jump", &trusts(&role("Jump")), &[&may("sts:AssumeRole", "*")]);
    assert_eq!(verdict(&lab, Question::Read, &role("Jump")), Verdict::Cannot);
}

#[test]
fn a3_chains_are_shown_hop_by_hop() {
    let lab = plain()
        .edit_role("SecurityAnalyst", |one| one.trust = document(&[trusts(&role("Second"))]))
        .role("Second", &trusts(&role("First")), &[])
        .role("First", &trusts(&format!("arn:aws:iam::{OWN}:user/bob")), &[])
        .user("bob", &[]);
    let all = lab.assess();
    let found = of(&all, Question::Read, &format!("arn:aws:iam::{OWN}:user/bob"));
    let hops: Vec<&str> = found[0].via.iter().map(|hop: &Hop| hop.role.as_str()).collect();
    assert_eq!(hops, [role("First"), role("Second"), READER.to_owned()]);
    assert!(found[0].via.iter().all(|hop| hop.by == "assume-role" && hop.statements == ["trust policy statement #0"]));
    assert_eq!(found[0].witness.s3, ["bucket policy statement `ReadersRead` (#2)"]);
}

#[test]
fn a4_providers_and_services_are_ways_into_a_declared_role() {
    let all = plain().assess();
    let corp = of(&all, Question::Read, "arn:aws:iam::111122223333:saml-provider/corp");
    assert!(corp.iter().all(|one| one.declared && one.kind == PrincipalKind::IdentityProvider), "{corp:?}");
    assert_eq!(corp[0].via[0].by, "identity-provider");
    let lab = plain().edit_role("SecurityAnalyst", |one| {
        one.trust = document(&[trusts_service("ec2.amazonaws.com")]);
        one.instance_profiles.push("arn:aws:iam::111122223333:instance-profile/web".to_owned());
    });
    let all = lab.assess();
    let ec2 = of(&all, Question::Read, "ec2.amazonaws.com");
    assert!(ec2[0].via[0].statements.iter().any(|text| text.contains("instance-profile/web")), "{ec2:?}");
    // The way into a role that nobody declared is not declared either, and both ways are told.
    let lab = jump();
    let all = lab.assess();
    let corp = of(&all, Question::Read, "arn:aws:iam::111122223333:saml-provider/corp");
    let ways: Vec<_> = corp.iter().map(|one| (one.declared, one.via[0].role.clone(), one.via[0].by.as_str())).collect();
    for way in [(true, READER.to_owned(), "identity-provider"), (false, role("Jump"), "identity-provider")] {
        assert!(ways.contains(&way), "{way:?} is not among {ways:?}");
    }
    assert_eq!(proof(&lab, "readers-declared"), ProofVerdict::DoesNotHold);
    assert_eq!(proof(&plain(), "readers-declared"), ProofVerdict::Holds);
}

#[test]
fn a5_the_second_tier_is_reported_apart() {
    let lab = plain().role("Ops", SAML, &[&may("iam:UpdateAssumeRolePolicy s3:CreateAccessPoint", "*")]);
    let all = lab.assess();
    let ops = all.second_tier.iter().find(|one| one.arn == role("Ops")).expect("second tier");
    assert!(ops.means.contains(&format!("iam:UpdateAssumeRolePolicy on {READER}")), "{:?}", ops.means);
    assert!(ops.means.contains(&"s3:CreateAccessPoint".to_owned()));
    assert!(!ops.declared);
    assert_eq!(verdict(&lab, Question::Read, &role("Ops")), Verdict::Cannot);
    assert_eq!(proof(&lab, "readers-declared"), ProofVerdict::Holds);
    assert!(all.second_tier.iter().any(|one| one.arn == ADMIN && one.declared));
}

#[test]
fn a4_who_acts_as_a_role_of_another_account_is_an_assumption() {
    let partner = format!("arn:aws:iam::{OTHER}:role/Partner");
    let taken = |lab: &Lab| {
        let all = lab.assess();
        let one = all.assumptions.iter().find(|one| one.code == "foreign-principals-not-followed").cloned();
        assert!(all.assumptions.iter().any(|one| one.code == "foreign-accounts-allow-everything") == one.is_some());
        one.map(|one| (one.message, one.unread)).unwrap_or_default()
    };
    let trusting = |who: &str| plain().edit_role("SecurityAnalyst", |one| one.trust = document(&[trusts(who)]));
    // By a chain, and directly.
    let (by_trust, unread) = taken(&trusting(&partner));
    assert!(by_trust.contains(&partner) && !unread, "{by_trust}");
    assert!(taken(&plain().on_bucket(&allow(&partner, "s3:GetObject", LOGS, ""))).0.contains(&partner));
    // Databricks is such a principal itself; nobody else is where only the own account is trusted.
    for lab in [plain(), trusting(&role("Jump")).role("Jump", SAML, &[])] {
        let (message, _) = taken(&lab);
        assert!(message.contains("414351767826") && !message.contains(OTHER), "{message}");
    }
    let nobody = plain().edit_role("AuditDelivery", |one| one.trust = document(&[SAML]));
    assert_eq!(taken(&nobody), Default::default());
}
