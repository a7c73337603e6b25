//! Plans as data: fresh or stale, the same to the byte, and what one costs in requests.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use auditseal::model::{Live, Place};
use auditseal::observe::{needed_for_plan, observe};
use auditseal::plan::guard::Purpose;
use auditseal::provider::Reader as _;
use auditseal::run::apply::{ApplyError, check_fresh};
use auditseal::run::plan::{PlanOptions, plan_from};

use super::*;

/// A plan as it is after being saved and loaded.
fn saved(plan: &Plan) -> Plan {
    serde_json::from_str(&serde_json::to_string(plan).expect("saved")).expect("loaded")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_plan_is_refused_and_a_fresh_one_applies() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let first = saved(&case.plan(&router).await);
    check_fresh(&first, &case.plan(&router).await).expect("nothing happened in between");
    // Somebody versions the bucket by hand.
    let aws = &case.sandbox.aws;
    let enabled = aws_sdk_s3::types::VersioningConfiguration::builder()
        .status(aws_sdk_s3::types::BucketVersioningStatus::Enabled)
        .build();
    let put = aws.world.s3(&aws.root()).put_bucket_versioning().bucket(&aws.bucket).versioning_configuration(enabled);
    put.send().await.expect("PutBucketVersioning");
    let now = case.plan(&router).await;
    match check_fresh(&first, &now) {
        Err(ApplyError::Stale(address)) => assert_eq!(address, "acme/bucket-versioning[audit]"),
        other => panic!("{other:?}"),
    }
    let fresh = saved(&now);
    check_fresh(&fresh, &case.plan(&router).await).expect("fresh");
    let applied = case.apply(&router, &fresh).await.expect("apply");
    assert_in_sync(&applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_state_gives_the_same_bytes() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let live = observe(&router, &case.desired).await;
    let bytes = |live: &Live| {
        let plan = plan_from(live, &case.desired, &PlanOptions::default(), Purpose::Apply);
        assert!(plan.steps.len() > 20);
        serde_json::to_string(&plan).expect("json")
    };
    assert_eq!(bytes(&live), bytes(&live));
    // Answers arrive in another order every time.
    let mut again = Live::default();
    for (query, answer) in live.iter().collect::<Vec<_>>().into_iter().rev() {
        again.set(query.clone(), answer.clone());
    }
    assert_eq!(bytes(&live), bytes(&again));
    let (one, two) = (case.plan(&router).await, case.plan(&router).await);
    assert_eq!(one.reads_digest, two.reads_digest);
    check_fresh(&one, &two).expect("two plans of one state");
}

/// Reads wave by wave: everything that the answers so far make known to be needed at once. The waves with a request of a
/// side are its dependent round trips.
async fn waves(case: &Case, router: &auditseal::provider::router::Router) -> (BTreeMap<&'static str, usize>, usize) {
    let mut live = Live::default();
    let mut trips = BTreeMap::new();
    let mut reads = 0;
    loop {
        let new: Vec<_> =
            needed_for_plan(&case.desired, &live).into_iter().filter(|query| !live.contains(query)).collect();
        if new.is_empty() {
            return (trips, reads);
        }
        let side = |place: &Place| if matches!(place, Place::Aws { .. }) { "aws" } else { "databricks" };
        for side in new.iter().map(|query| side(&query.place)).collect::<BTreeSet<_>>() {
            *trips.entry(side).or_default() += 1;
        }
        reads += new.len();
        let answers = futures::future::join_all(new.iter().map(|query| router.read(query))).await;
        for (query, answer) in new.into_iter().zip(answers) {
            live.set(query, answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_takes_few_round_trips_whatever_the_number_of_manifests() {
    let mut case = Case::insecure().await;
    settle(&case, &[]).await;
    let router = case.router().await;
    let (one, reads_of_one) = waves(&case, &router).await;
    let faults = &case.sandbox.faults;
    faults.reset();
    let plan = case.plan(&case.router().await).await;
    assert_eq!(changes(&plan), [""; 0]);
    let requests = faults.counted();
    assert_eq!(requests.1, 0, "a plan writes nothing");

    let first = case.desired[0].clone();
    let text = case.sandbox.manifest().replace(&case.sandbox.aws.bucket, &format!("{}-b", case.sandbox.aws.bucket));
    let text = text.replace(&case.sandbox.insecure.as_ref().expect("insecure").key_arn, &make_key(&case, &[]).await);
    case.desired = vec![first, auditseal::manifest::parse("beta", "beta.toml", &text).expect("valid")];
    let (two, reads_of_two) = waves(&case, &router).await;
    println!("round trips {one:?} and {two:?}, reads {reads_of_one} and {reads_of_two}, requests {}", requests.0);
    for trips in [&one, &two] {
        assert!(trips["aws"] <= 3, "{trips:?}");
        // One more for the tokens.
        assert!(trips["databricks"] < 5, "{trips:?}");
    }
    assert_eq!(one["aws"], two["aws"]);
    assert_eq!(one["databricks"], two["databricks"]);
    assert!(reads_of_two < 2 * reads_of_one, "the manifests share reads");
}
