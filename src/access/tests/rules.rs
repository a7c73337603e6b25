//! The rules of the facts sheet (`aws-access-evaluation.md`, section 3) that are this room's, each by its name.

use super::lab::*;
use crate::access::{Assessment, Hop, PrincipalAccess, PrincipalKind, ProofVerdict, Question, Verdict};
use crate::model::Fact;
use crate::model::bucket::{Replication, ReplicationRule};
use crate::model::live::Read;

fn role(name: &str) -> String {
    format!("arn:aws:iam::{OWN}:role/{name}")
}

fn of<'a>(all: &'a Assessment, question: Question, arn: &str) -> Vec<&'a PrincipalAccess> {
    all.principals.iter().filter(|one| one.question == question && one.arn == arn).collect()
}

/// The most that a principal can in objects under the present encryption.
fn verdict(lab: &Lab, question: Question, arn: &str) -> Verdict {
    let all = lab.assess();
    let known = of(&all, question, arn).into_iter().filter(|one| one.object_class != "older");
    known.map(|one| one.verdict).max().unwrap_or(Verdict::Cannot)
}

fn proof(lab: &Lab, code: &str) -> ProofVerdict {
    lab.assess().proof("acme", code).expect("proof").verdict
}

fn jump() -> Lab {
    plain().role("Jump", SAML, &[&may("s3:GetObject", LOGS)])
}

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
    // The way into a role that nobody declared is not declared either.
    let lab = jump();
    let corp = of(&lab.assess(), Question::Read, "arn:aws:iam::111122223333:saml-provider/corp")
        .into_iter()
        .map(|one| (one.declared, one.via[0].role.clone()))
        .collect::<Vec<_>>();
    assert!(corp.contains(&(true, READER.to_owned())) || corp.contains(&(false, role("Jump"))), "{corp:?}");
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
fn b1_every_action_that_reads() {
    for action in ["s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectVersionForReplication", "s3:GetObjectTorrent"] {
        let lab = plain().role("Jump", SAML, &[&may(action, OBJECTS)]);
        assert_eq!(verdict(&lab, Question::Read, &role("Jump")), Verdict::Can, "{action}");
        let on_bucket = plain().role("Jump", SAML, &[&may(action, &format!("arn:aws:s3:::{BUCKET}"))]);
        assert_eq!(verdict(&on_bucket, Question::Read, &role("Jump")), Verdict::Cannot, "{action}");
    }
}

#[test]
fn b2_every_action_that_tampers() {
    for action in crate::access::question::actions(Question::Tamper) {
        let lab = if action.name.starts_with("kms:") {
            sealed().on_key(KEY, &allow(&role("Jump"), action.name, "*", "")).role("Jump", SAML, &[])
        } else {
            sealed().role("Jump", SAML, &[&may(action.name, "*")])
        };
        let all = lab.assess();
        let found = of(&all, Question::Tamper, &role("Jump"));
        assert!(found.iter().any(|one| one.actions == [action.name] && !one.declared), "{}: {found:?}", action.name);
        assert_eq!(proof(&lab, "tamperers-declared"), ProofVerdict::DoesNotHold, "{}", action.name);
    }
    // The delivery overwrites and deletes by Databricks' own instructions; the admin keeps the policies.
    assert_eq!(proof(&sealed(), "tamperers-declared"), ProofVerdict::Holds);
}

#[test]
fn b3_lists_do_not_count_where_the_owner_is_enforced() {
    let open = |ownership: &'static str| {
        plain().unblocked().with(|lab| {
            lab.ownership = ownership;
            lab.acl.push(("http://acs.amazonaws.com/groups/global/AuthenticatedUsers".to_owned(), "READ".to_owned()));
        })
    };
    assert_eq!(verdict(&open("BucketOwnerEnforced"), Question::List, "*"), Verdict::Cannot);
    assert!(verdict(&open("ObjectWriter"), Question::List, "*").possible());
    assert_eq!(verdict(&open("ObjectWriter"), Question::List, "anonymous"), Verdict::Cannot);
    // A Deny of the bucket policy binds whom a list allows.
    let denied = open("ObjectWriter").on_bucket(&deny("*", "s3:ListBucket*", "*", ""));
    assert_eq!(verdict(&denied, Question::List, "*"), Verdict::Cannot);
}

#[test]
fn b4_ignored_and_restricted_public_access() {
    let open = || plain().unblocked().on_bucket(&allow("*", "s3:GetObject", LOGS, ""));
    assert!(verdict(&open(), Question::Read, "anonymous").possible());
    assert!(verdict(&open(), Question::Read, "*").possible());
    let restricted = open().with(|lab| lab.block.restrict_public_buckets = true);
    for who in ["anonymous", "*"] {
        assert_eq!(verdict(&restricted, Question::Read, who), Verdict::Cannot, "{who}");
    }
    // One public statement stops every other account, the named ones included.
    let partner = format!("arn:aws:iam::{OTHER}:role/Partner");
    let named = restricted.on_bucket(&allow(&partner, "s3:GetObject", LOGS, ""));
    assert_eq!(verdict(&named, Question::Read, &partner), Verdict::Cannot);
}

#[test]
fn b5_what_is_not_documented_as_public_keeps_its_readers() {
    // The guide does not list aws:PrincipalAccount: the switch may or may not act.
    let lab =
        plain().on_bucket(&allow("*", "s3:GetObject", LOGS, &when("StringEquals", "aws:PrincipalAccount", OTHER)));
    assert!(verdict(&lab, Question::Read, &format!("arn:aws:iam::{OTHER}:root")).possible());
}

#[test]
fn b6_access_points_need_both_policies() {
    let partner = format!("arn:aws:iam::{OTHER}:root");
    let door = |principal: &str| {
        allow(principal, "s3:GetObject", "arn:aws:s3:us-east-1:111122223333:accesspoint/door/object/*", "")
    };
    let delegated =
        plain().on_bucket(&allow("*", "s3:*", OBJECTS, &when("StringEquals", "s3:DataAccessPointAccount", OWN)));
    assert_eq!(verdict(&plain().point("door", Some(&door(&partner))), Question::Read, &partner), Verdict::Cannot);
    assert!(verdict(&delegated.clone().point("door", Some(&door(&partner))), Question::Read, &partner).possible());
    assert_eq!(verdict(&delegated.clone().point("door", None), Question::Read, &partner), Verdict::Cannot);
    let everybody = delegated.point("door", Some(&door("*")));
    assert_eq!(
        verdict(&everybody, Question::Read, "anonymous"),
        Verdict::Cannot,
        "no access point serves the unsigned"
    );
}

#[test]
fn b8_copies_are_readers_unless_they_are_declared() {
    let rule = ReplicationRule {
        id: "backup".to_owned(),
        enabled: true,
        priority: 1,
        prefix: String::new(),
        bucket: "arn:aws:s3:::partner-copy".to_owned(),
        account: Some(OTHER.to_owned()),
        storage_class: None,
        replica_key: None,
        owner_override: true,
        kms_objects: true,
        delete_markers: false,
        replica_modifications: false,
        replication_time: false,
    };
    let copying = |enabled: bool| {
        let mut lab = plain();
        let replication = Replication { role: role("Copy"), rules: vec![ReplicationRule { enabled, ..rule.clone() }] };
        // Facts of other places than the workspace are set last.
        let read = Read::BucketReplication { bucket: BUCKET.to_owned() };
        lab.extra.push((lab.place(), read, Fact::from(replication)));
        lab
    };
    let all = copying(true).assess();
    let copy = of(&all, Question::Read, "arn:aws:s3:::partner-copy");
    assert!(copy[0].witness.s3[0].contains("`backup`") && copy[0].verdict == Verdict::Can);
    assert_eq!(proof(&copying(true), "readers-declared"), ProofVerdict::DoesNotHold);
    assert_eq!(proof(&copying(false), "readers-declared"), ProofVerdict::NotProven);
}

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
fn two_states_are_compared_by_who_can() {
    let (before, after) = (plain().assess(), jump().assess());
    let gained = after.gained(&before);
    assert!(gained.iter().any(|one| one.arn == role("Jump") && one.question == Question::Read && !one.declared));
    assert_eq!(after.lost(&before), []);
    assert_eq!(before.gained(&after), []);
    assert_eq!(before.lost(&after), gained, "the way back loses what the way there gained");
    assert_eq!(before.gained(&before), []);
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
