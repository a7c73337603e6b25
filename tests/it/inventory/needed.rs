//! Which questions are asked for an access proof, when, and what remains when one of them fails.

use std::collections::BTreeSet;

use auditseal::model::{Desired, Live};
use auditseal::observe::{needed, needed_for_access, needed_for_plan, observe_for_access};

use super::catalog::{seed_storage, short_pages};
use super::*;
use crate::sandbox::faults::{Failure, Rule, Trigger};

/// Answers every question with the function until no further one follows.
fn answered_by(desired: &[Desired], answer: impl Fn(&Query) -> Observed<Fact>) -> Live {
    let mut live = Live::default();
    loop {
        let new: Vec<_> = needed_for_access(desired, &live).into_iter().filter(|query| !live.contains(query)).collect();
        if new.is_empty() {
            return live;
        }
        for query in new {
            let found = answer(&query);
            live.set(query, found);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_asks_all_that_a_plan_asks_whatever_the_answers() {
    let case = Case::empty().await;
    let unread = Gap { what: "x".to_owned(), permission: None, message: "refused".to_owned() };
    for answer in [Observed::Absent, Observed::Unknown(unread)] {
        let live = answered_by(&case.desired, |_| answer.clone());
        let plan = needed(&case.desired, &live);
        let proof = needed_for_access(&case.desired, &live);
        assert!(plan.is_subset(&proof), "{:?}", plan.difference(&proof).collect::<Vec<_>>());
        let place = case.aws_place();
        for read in [
            Read::AccountAuthorization,
            Read::AccountPublicAccessBlock,
            Read::Organization,
            Read::OrganizationPolicies,
            Read::BucketReplication { bucket: case.sandbox.aws.bucket.clone() },
            Read::AccessPoints { bucket: case.sandbox.aws.bucket.clone() },
        ] {
            assert!(proof.contains(&Query { place: place.clone(), read: read.clone() }), "{read:?}");
        }
        // A plan has no round trips to spare for these.
        let shown = needed_for_plan(&case.desired, &live);
        let doors = Read::MultiRegionAccessPoints { bucket: case.sandbox.aws.bucket.clone() };
        for read in [doors, Read::AccessGrants] {
            let query = Query { place: place.clone(), read };
            assert!(proof.contains(&query) && !shown.contains(&query), "{query:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_estate_is_read_without_gaps() {
    let mut case = Case::insecure().await;
    let metastore = short_pages(&mut case).await;
    seed_storage(&case);
    let aws = &case.sandbox.aws;
    aws.world.create_access_point(&aws.root(), &aws.account, "door", &aws.bucket, None).await.expect("access point");
    let router = case.router().await;
    let live = observe_for_access(&router, &case.desired).await;
    let gaps: Vec<_> = live.iter().filter(|(_, answer)| answer.is_unknown()).collect();
    assert!(gaps.is_empty(), "{gaps:?}");

    let key = case.sandbox.insecure.as_ref().expect("insecure").key_arn.clone();
    let place = case.aws_place();
    for read in [
        Read::AccountAuthorization,
        Read::AccessPoint { name: "door".to_owned() },
        Read::KeyPolicy { key: key.clone() },
        Read::KeyGrants { key },
        Read::BucketAcl { bucket: aws.bucket.clone() },
    ] {
        assert!(live.get(&Query { place: place.clone(), read: read.clone() }).present().is_some(), "{read:?}");
    }
    let asked: BTreeSet<(String, String)> = live
        .iter()
        .filter_map(|(query, _)| match &query.read {
            Read::Privileges { securable, name } => Some((securable.clone(), name.clone())),
            _ => None,
        })
        .collect();
    let has = |securable: &str, name: &str| asked.contains(&(securable.to_owned(), name.to_owned()));
    for (securable, name) in [
        ("metastore", metastore.as_str()),
        ("catalog", "system"),
        ("schema", "system.access"),
        ("table", "system.access.audit"),
        ("storage_credential", "uc-d"),
        ("credential", "code"),
        ("external_location", "logs"),
        ("external_location", "unbound"),
        ("external_location", "stub"),
        ("volume", "main.a.logs"),
        ("table", "main.b.t4"),
        ("schema", "main.b"),
        ("catalog", "main"),
    ] {
        assert!(has(securable, name), "{securable} {name}");
    }
    // What lies elsewhere is none of our business.
    for (securable, name) in
        [("external_location", "other"), ("volume", "main.a.far"), ("table", "main.b.view"), ("schema", "main.c")]
    {
        assert!(!has(securable, name), "{securable} {name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn volumes_and_tables_are_asked_for_only_where_they_can_hold_logs() {
    let mut case = Case::insecure().await;
    let metastore = short_pages(&mut case).await;
    let sim = &case.sandbox.databricks;
    let bucket = case.sandbox.aws.bucket.clone();
    for (catalog, root) in [("far", "s3://elsewhere".to_owned()), ("near", format!("s3://{bucket}/managed"))] {
        sim.seed_object(&metastore, ("catalog", catalog), "o", json!({ "storage_root": root }));
        for schema in ["a", "b"] {
            sim.seed_object(&metastore, ("schema", &format!("{catalog}.{schema}")), "o", json!({}));
        }
    }
    sim.seed_object(&metastore, ("schema", "far.own"), "o", json!({ "storage_root": format!("s3a://{bucket}") }));
    let router = case.router().await;
    let live = observe_for_access(&router, &case.desired).await;
    let mut asked: Vec<String> = live
        .iter()
        .filter_map(|(query, _)| match &query.read {
            Read::Volumes { catalog, schema } => Some(format!("{catalog}.{schema}")),
            _ => None,
        })
        .collect();
    asked.sort();
    assert_eq!(asked, ["far.own", "near.a", "near.b"]);
}

/// One read fails for good: it is a gap with what to grant, and all others are there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_read_is_a_gap_and_the_rest_goes_on() {
    let mut case = Case::insecure().await;
    short_pages(&mut case).await;
    let aws = &case.sandbox.aws;
    aws.world.create_access_point(&aws.root(), &aws.account, "door", &aws.bucket, None).await.expect("access point");
    let router = case.router().await;
    let place = case.aws_place();
    let whole = observe_for_access(&router, &case.desired).await;
    // The second page of three is refused, as when a permission is taken away in between.
    let rows = [
        ("iam", "GetAccountAuthorizationDetails", 1, Read::AccountAuthorization),
        ("s3control", "ListAccessPoints", 0, Read::AccessPoints { bucket: aws.bucket.clone() }),
        ("s3control", "GetAccessPointPolicy", 0, Read::AccessPointPolicy { name: "door".to_owned() }),
        ("organizations", "DescribeOrganization", 0, Read::Organization),
    ];
    for (service, operation, skip, read) in rows {
        case.sandbox.faults.reset();
        let rule =
            Rule::before(Trigger::Operation(format!("{service}:{operation}")), Failure::Denied).skip(skip).always();
        case.sandbox.faults.add(rule);
        let live = observe_for_access(&router, &case.desired).await;
        case.sandbox.faults.clear();
        let gaps: Vec<_> = live
            .iter()
            .filter_map(|(query, answer)| match answer {
                Observed::Unknown(gap) => Some((query.clone(), gap.clone())),
                _ => None,
            })
            .collect();
        let wanted = auditseal::call::read_permission(&read).name();
        assert_eq!(gaps.len(), 1, "{operation}: {gaps:?}");
        assert_eq!(gaps[0].0, Query { place: place.clone(), read }, "{operation}");
        assert_eq!(gaps[0].1.permission.as_deref(), wanted, "{operation}");
        if operation != "ListAccessPoints" {
            assert_eq!(live.iter().count(), whole.iter().count(), "{operation}");
        }
    }
}
