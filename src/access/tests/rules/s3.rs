//! Rules B: the bucket, its lists, access points and copies.

use std::collections::BTreeMap;

use super::*;
use crate::model::Fact;
use crate::model::bucket::{Replication, ReplicationRule};
use crate::model::live::Read;

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
        metrics: false,
        tags: BTreeMap::new(),
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
fn b7_whoever_signs_a_url_reads_and_the_bearer_is_no_principal() {
    let all = plain().assess();
    assert_eq!(all.assumptions.iter().filter(|one| one.code == "presigned-urls" && !one.unread).count(), 1);
    // By a signed URL only, or only by a young one: a reader all the same, under that condition.
    for (operator, key, value) in
        [("StringEquals", "s3:authType", "REST-QUERY-STRING"), ("NumericLessThan", "s3:signatureAge", "600000")]
    {
        let only = |action: &str| plain().role("Jump", SAML, &[&allow("", action, LOGS, &when(operator, key, value))]);
        let all = only("s3:GetObject").assess();
        let found = of(&all, Question::Read, &role("Jump"));
        assert_eq!(found[0].verdict, Verdict::Conditional, "{key}");
        assert!(found[0].conditions.iter().any(|text| text.contains(key)), "{key}: {:?}", found[0].conditions);
        assert_eq!(verdict(&only("s3:GetObjectTagging"), Question::Read, &role("Jump")), Verdict::Cannot, "{key}");
        // Where signed URLs are refused the signer still reads; where everything else is as well, nobody does.
        let refused = |others: &str| {
            plain()
                .role("Jump", SAML, &[&may("s3:GetObject", LOGS)])
                .on_bucket(&deny(
                    "*",
                    "s3:GetObject",
                    OBJECTS,
                    &when("StringEquals", "s3:authType", "REST-QUERY-STRING"),
                ))
                .on_bucket(&deny("*", "s3:GetObject", OBJECTS, &when(others, "s3:authType", "REST-QUERY-STRING")))
        };
        assert!(verdict(&refused("StringEquals"), Question::Read, &role("Jump")).possible());
        assert_eq!(verdict(&refused("StringNotEquals"), Question::Read, &role("Jump")), Verdict::Cannot);
    }
}
