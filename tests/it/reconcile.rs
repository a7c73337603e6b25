//! Plan, apply, plan: on an empty estate and on the vendor's example.

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
