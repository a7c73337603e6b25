//! Plan, apply, plan: on an empty estate and on the vendor's example.

use auditseal::call::{Query, Read};
use auditseal::model::Fact;
use auditseal::plan::Verdict;
use auditseal::provider::Reader;

use crate::harness::{Case, assert_in_sync, assert_not_refused, changes};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_vendors_example_becomes_what_is_declared() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let applied = case.converge(&router).await;
    assert!(applied.outcome.writes > 20, "{} writes", applied.outcome.writes);
    assert_eq!(changes(&case.plan(&router).await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_empty_account_gets_a_sealed_delivery() {
    let case = Case::empty().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    assert_not_refused(&plan);
    let applied = case.apply(&router, &plan).await.expect("apply");
    assert_in_sync(&applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn object_lock_is_set_only_when_it_is_asked_for_twice() {
    let mut case = Case::empty().await;
    let text = format!("{}\n[bucket.object_lock]\nmode = \"governance\"\ndays = 30\n", case.sandbox.manifest());
    case.declare(&text);
    let router = case.router().await;
    let refused: Vec<String> = case
        .plan(&router)
        .await
        .guards
        .into_iter()
        .filter(|guard| guard.verdict == Verdict::Refuse)
        .map(|guard| guard.code)
        .collect();
    assert_eq!(refused, ["irreversible-object-lock"]);
    let plan = case.plan_allowing(&router, &["irreversible-object-lock"]).await;
    assert_not_refused(&plan);
    let applied = case.apply(&router, &plan).await.expect("apply");
    assert_in_sync(&applied);
    let bucket = case.sandbox.aws.bucket.clone();
    let query = Query { place: case.aws_place(), read: Read::BucketObjectLock { bucket } };
    let lock = router.read(&query).await.present().expect("object lock");
    let retention = Fact::object_lock(&lock).and_then(|lock| lock.retention.clone()).expect("a retention");
    assert_eq!((retention.mode.as_str(), retention.days), ("GOVERNANCE", 30));
}
