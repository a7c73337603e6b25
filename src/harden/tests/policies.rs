//! The generated documents: against the evaluated statement set, as snapshots, and their sizes.

use proptest::prelude::*;

use super::estate::*;
use crate::harden::statement::document;
use crate::harden::{bucket_policy, key_policy, parties::Parties};
use crate::iam;
use crate::model::desired::{Observer, Reader};
use crate::model::place::Partition;
use crate::model::{Kind, Live};

fn with_keys() -> Live {
    let mut live = new_account(&desired());
    put_key(&mut live, &aws(), KEY, "alias/audit");
    let replica = &desired().bucket.replicas[0];
    put_key(&mut live, &crate::harden::replica_place(replica), REPLICA_KEY, &crate::harden::replica_alias(replica));
    live
}

fn assert_means(text: &str, sheet: &str) {
    let (ours, theirs) = (iam::canonical(text).unwrap(), iam::canonical(sheet).unwrap());
    let missing: Vec<_> = theirs.statements.difference(&ours.statements).collect();
    let extra: Vec<_> = ours.statements.difference(&theirs.statements).collect();
    assert!(missing.is_empty() && extra.is_empty(), "missing {missing:#?}\nextra {extra:#?}");
}

#[test]
fn documents_mean_what_the_sheet_evaluated() {
    let wanted = run(&desired(), &with_keys());
    assert_eq!(wanted.refusals, []);
    assert_means(&policy(&wanted, Kind::BucketPolicy, "audit"), include_str!("sheet/bucket.json"));
    assert_means(&policy(&wanted, Kind::BucketPolicy, "access"), include_str!("sheet/access.json"));
    assert_means(&policy(&wanted, Kind::KmsKeyPolicy, "audit"), include_str!("sheet/key.json"));
    assert_means(&policy(&wanted, Kind::RolePolicy, "delivery"), include_str!("sheet/inline.json"));
    let role = wanted.find("acme", Kind::Role, "delivery").unwrap();
    assert_means(&role.fact.role().unwrap().trust, include_str!("sheet/trust.json"));
}

#[test]
fn every_statement_of_the_generated_documents() {
    let wanted = run(&desired(), &with_keys());
    let lines = |text: String| text.replace("},{\"Sid\"", "},\n{\"Sid\"");
    insta::assert_snapshot!("bucket", lines(policy(&wanted, Kind::BucketPolicy, "audit")));
    insta::assert_snapshot!("access", lines(policy(&wanted, Kind::BucketPolicy, "access")));
    insta::assert_snapshot!("key", lines(policy(&wanted, Kind::KmsKeyPolicy, "audit")));
    insta::assert_snapshot!("delivery", lines(policy(&wanted, Kind::RolePolicy, "delivery")));
    let replica = format!("replica-{REPLICA}");
    insta::assert_snapshot!("replica_bucket", lines(policy(&wanted, Kind::BucketPolicy, &replica)));
    insta::assert_snapshot!("replica_key", lines(policy(&wanted, Kind::KmsKeyPolicy, &replica)));
    insta::assert_snapshot!("replication", lines(policy(&wanted, Kind::RolePolicy, "replication")));
    let role = wanted.find("acme", Kind::Role, "replication").unwrap();
    insta::assert_snapshot!("replication_trust", role.fact.role().unwrap().trust);
}

#[test]
fn sizes_are_those_that_were_measured() {
    let wanted = run(&desired(), &with_keys());
    let size = |kind, name| policy(&wanted, kind, name).len();
    // The sheet measured 5462 and 2857 with a shorter replication role.
    assert!((5_300..5_700).contains(&size(Kind::BucketPolicy, "audit")), "{}", size(Kind::BucketPolicy, "audit"));
    assert!((2_700..3_100).contains(&size(Kind::KmsKeyPolicy, "audit")), "{}", size(Kind::KmsKeyPolicy, "audit"));
}

#[test]
fn a_policy_that_aws_refuses_is_refused_while_planning() {
    let mut desired = plain();
    for number in 0..90 {
        let role = arn(&format!("arn:aws:iam::444455556666:role/readers/TheReaderWithTheNumber{number:03}"));
        desired.readers.insert(format!("r{number}"), Reader::Role { role, mfa: true });
    }
    let wanted = run(&desired, &new_account(&desired));
    let large: Vec<_> = wanted.refusals.iter().filter(|(code, _)| code == "policy-too-large").collect();
    assert_eq!(large.len(), 1, "{large:?}");
    assert!(large[0].1.contains("acme/bucket-policy[audit]"), "{}", large[0].1);
}

#[test]
fn no_statement_without_somebody() {
    let mut desired = plain();
    desired.readers.clear();
    desired.scanners.clear();
    let wanted = run(&desired, &new_account(&desired));
    let bucket = policy(&wanted, Kind::BucketPolicy, "audit");
    for sid in ["MfaReaders", "ReadersRead", "ReadersList", "ObserversList"] {
        assert_eq!(statement(&bucket, sid), None, "{sid}");
    }
    assert_eq!(statement(&policy(&wanted, Kind::KmsKeyPolicy, "audit"), "ReadersDecrypt"), None);
    for kind in [Kind::BucketPolicy, Kind::KmsKeyPolicy] {
        assert!(!policy(&wanted, kind, "audit").contains("[]"), "{kind} has an empty list");
    }
}

#[test]
fn observers_list_and_do_not_read() {
    let mut desired = plain();
    desired.observers.insert("drift".to_owned(), Observer { role: role("Observer") });
    let wanted = run(&desired, &new_account(&desired));
    let bucket = policy(&wanted, Kind::BucketPolicy, "audit");
    let names = |sid: &str| statement(&bucket, sid).unwrap().to_string().contains("role/Observer");
    assert!(names("ListOnlyDeclared") && names("ObserversList"));
    assert!(!names("ObjectsOnlyDeclared") && !names("ReadersRead"));
    assert!(!policy(&wanted, Kind::KmsKeyPolicy, "audit").contains("role/Observer"));
}

#[test]
fn previous_prefixes_are_read_and_not_written() {
    let mut desired = plain();
    desired.delivery.previous_prefixes = vec!["logs/old".to_owned()];
    let wanted = run(&desired, &new_account(&desired));
    let bucket = policy(&wanted, Kind::BucketPolicy, "audit");
    let names = |sid: &str| statement(&bucket, sid).unwrap().to_string().contains("logs/old/*");
    assert!(names("ReadersRead") && names("ReadersList"));
    assert!(!names("DeliveryWrites") && !names("DeliveryLists"));
    let key = policy(&wanted, Kind::KmsKeyPolicy, "audit");
    assert!(statement(&key, "ReadersDecrypt").unwrap().to_string().contains("logs/old/*"));
    assert!(!statement(&key, "DeliveryEncrypts").unwrap().to_string().contains("logs/old"));
}

#[test]
fn the_root_of_the_bucket_is_a_prefix_too() {
    let mut desired = plain();
    desired.delivery.prefix = String::new();
    let wanted = run(&desired, &new_account(&desired));
    let bucket = policy(&wanted, Kind::BucketPolicy, "audit");
    assert_eq!(statement(&bucket, "DeliveryWrites").unwrap()["Resource"], "arn:aws:s3:::acme-databricks-audit/*");
    assert_eq!(statement(&bucket, "DeliveryLists").unwrap().get("Condition"), None);
    assert!(!bucket.contains("//"));
}

#[test]
fn gov_cloud_has_its_own_arns_and_principal() {
    let mut desired = plain();
    desired.aws.partition = Partition::AwsUsGovDod;
    desired.aws.region = "us-gov-west-1".to_owned();
    let p = Parties::declared(&desired, vec!["k".to_owned()]);
    let text = document(&bucket_policy::statements(&p), &[]).0;
    assert!(text.contains("arn:aws-us-gov:s3:::acme-databricks-audit/audit/*") && !text.contains("arn:aws:s3"));
    let trust = document(&crate::harden::role_policy::delivery_trust(&desired), &[]).0;
    assert!(trust.contains("arn:aws-us-gov:iam::170661010020:role/SaasUsageDeliveryRole"));
}

#[test]
fn every_sid_is_known_and_once() {
    let mut desired = desired();
    desired.observers.insert("drift".to_owned(), Observer { role: role("Observer") });
    let p = Parties::declared(&desired, vec![KEY.to_owned()]);
    let replica = p.replica(&desired.bucket.replicas[0], REPLICA_KEY);
    for p in [&p, &replica] {
        for (statements, sids) in [
            (bucket_policy::statements(p), &bucket_policy::SIDS[..]),
            (key_policy::statements(p), &key_policy::SIDS[..]),
        ] {
            let mut seen: Vec<&str> = statements.iter().map(|one| one.sid).collect();
            assert!(seen.iter().all(|sid| sids.contains(sid)), "{seen:?}");
            let count = seen.len();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), count);
        }
    }
}

#[test]
fn nothing_that_the_sheet_forbids_is_ever_written() {
    let wanted = run(&desired(), &with_keys());
    for resource in &wanted.resources {
        let Some(text) = resource.fact.policy() else { continue };
        for word in ["NotPrincipal", "ViaAWSService", "SourceIp", "SourceVpc", "PrincipalTag", "PrincipalIsAWSService"]
        {
            assert!(!text.0.contains(word), "{word} in {}", resource.address);
        }
    }
}

proptest! {
    /// Labels of the manifest, and the order that they give, never reach a policy.
    #[test]
    fn policies_do_not_depend_on_labels(labels in proptest::collection::btree_set("[a-z]{1,8}", 4)) {
        let mut other = plain();
        let readers: Vec<Reader> = other.readers.values().cloned().collect();
        other.readers = labels.iter().cloned().zip(readers.into_iter().rev()).collect();
        let (one, two) = (run(&plain(), &new_account(&plain())), run(&other, &new_account(&other)));
        prop_assert_eq!(one.resources, two.resources);
    }
}
