//! Two manifests of one directory for the same two accounts.

use auditseal::manifest;
use auditseal::model::Observed;
use auditseal::plan::guard::Purpose;
use auditseal::provider::Reader;
use auditseal::run::plan::{PlanOptions, plan};

use crate::harness::{Case, assert_in_sync, assert_not_refused, changes};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_buckets_of_one_directory() {
    let mut case = Case::empty().await;
    let first = case.sandbox.manifest();
    let bucket = case.sandbox.aws.bucket.clone();
    let second = first
        .replace(&format!("\"{bucket}\""), &format!("\"{bucket}-two\""))
        .replace("\"audit-readers\"", "\"interns\"");
    assert_ne!(first, second);
    case.desired = vec![
        manifest::parse("acme", "acme.toml", &first).expect("valid"),
        manifest::parse("second", "second.toml", &second).expect("valid"),
    ];
    let router = case.router().await;
    let both = case.plan(&router).await;
    assert_not_refused(&both);
    let applied = case.apply(&router, &both).await.expect("apply");
    assert_in_sync(&applied);
    assert_eq!(changes(&case.plan(&router).await), [""; 0], "the second plan");

    // The grants are the union of both manifests.
    let held = case.sandbox.databricks.grants(&case.sandbox.metastore, ("schema", "system.access"));
    let held: Vec<&String> = held.keys().collect();
    assert_eq!(held, ["audit-readers", "interns"]);

    // One of the two alone takes nothing from the other.
    let part = PlanOptions { partial: true, ..PlanOptions::default() };
    for one in &case.desired {
        let alone = plan(&router, std::slice::from_ref(one), &part, Purpose::Apply).await;
        assert!(alone.complete, "{:?}", alone.gaps);
        assert_eq!(changes(&alone), [""; 0], "{} alone", one.name);
    }

    // What is drift in one of them is named under its name.
    let s3 = case.sandbox.aws.world.s3(&case.sandbox.aws.root());
    let two = format!("{bucket}-two");
    s3.delete_public_access_block().bucket(&two).send().await.expect("DeletePublicAccessBlock");
    let found = case.plan(&router).await;
    assert_eq!(changes(&found), ["second/bucket-public-access-block[audit]"]);
    let applied = case.apply(&router, &found).await.expect("apply");
    assert_in_sync(&applied);
    let query = auditseal::model::live::Query {
        place: case.aws_place(),
        read: auditseal::model::live::Read::BucketPublicAccessBlock { bucket: two },
    };
    assert!(matches!(router.read(&query).await, Observed::Present(_)));
}
