//! The newest delivered object, found by names alone.

use auditseal::call::{Query, Read};
use auditseal::model::objects::NewestObject;
use auditseal::model::{Fact, Observed};
use auditseal::provider::Reader;
use aws_sdk_s3::primitives::ByteStream;
use jiff::{SignedDuration, Timestamp};

use crate::harness::Case;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newest_partitions_are_searched_until_something_is_fresh() {
    let case = Case::empty().await;
    let (aws, router) = (&case.sandbox.aws, case.router().await);
    let s3 = aws.world.s3(&aws.root());
    let newest = async |prefix: &str, silence: i64| {
        let fresh_since = Timestamp::now() - SignedDuration::from_hours(silence);
        let read = Read::NewestObject { bucket: aws.bucket.clone(), prefix: prefix.to_owned(), fresh_since };
        router.read(&Query { place: case.aws_place(), read }).await
    };
    let found = |answer: Observed<Fact>| -> NewestObject {
        answer.present().and_then(|fact| fact.newest_object().cloned()).expect("an answer")
    };
    assert_eq!(newest("audit", 1).await, Observed::Absent, "there is no bucket");
    s3.create_bucket().bucket(&aws.bucket).send().await.expect("bucket");
    assert_eq!(found(newest("audit", 1).await), NewestObject::default());

    let today = Timestamp::now().strftime("%Y-%m-%d").to_string();
    let mut keys = vec![
        "audit/workspaceId=7/date=2020-01-01/auditlogs_a.json".to_owned(),
        format!("audit/workspaceId=12/date={today}/auditlogs_b.json"),
        format!("other/workspaceId=99/date={today}/auditlogs_c.json"),
        format!("audit/workspaceId=12/elsewhere/date={today}.json"),
    ];
    keys.extend((1..20).map(|number| format!("audit/workspaceId=1{number:02}/date=2019-01-01/auditlogs_d.json")));
    for key in &keys {
        let body = ByteStream::from_static(b"{}");
        s3.put_object().bucket(&aws.bucket).key(key).body(body).send().await.expect("object");
    }
    // One of 21 workspaces has something of these days.
    let one = found(newest("audit", 1).await);
    let partition = format!("audit/workspaceId=12/date={today}");
    assert_eq!((one.partition, one.workspaces), (Some(partition), 21));
    // Nothing can be as new as that: all are searched, and the newest is told.
    assert!(found(newest("audit", -1).await).modified.is_some_and(|time| time <= Timestamp::now()));
    assert_eq!(found(newest("", 1).await), NewestObject::default(), "a prefix of its own");

    // Account-level events come first, and end the search.
    let key = format!("audit/workspaceId=0/date={today}/auditlogs_e.json");
    s3.put_object().bucket(&aws.bucket).key(key).body(ByteStream::from_static(b"{}")).send().await.expect("object");
    case.sandbox.faults.reset();
    let first = found(newest("audit", 1).await);
    assert_eq!(first.partition, Some(format!("audit/workspaceId=0/date={today}")));
    assert_eq!(case.sandbox.faults.recorded().len(), 2);
}
