//! The fault schedule and the record.

use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types as s3;

use super::super::super::faults::{Failure, Rule, Trigger};
use super::super::Options;
use super::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn faults_strike_and_are_recorded() {
    let bench = Bench::start(Options::default()).await;
    let (s3, faults) = (bench.s3(), bench.proxy.faults());
    let read = async || {
        let got = s3.get_bucket_policy().bucket(&bench.estate.bucket).send().await;
        got.map_or_else(|error| error.code().unwrap_or("none").to_owned(), |_| "answered".to_owned())
    };
    for (failure, wanted) in [
        (Failure::Throttle, "SlowDown"),
        (Failure::Status(500), "InternalError"),
        (Failure::Conflict, "OperationAborted"),
        (Failure::Denied, "AccessDenied"),
        (Failure::Timeout(Duration::from_secs(2)), "none"),
        (Failure::Disconnect, "none"),
    ] {
        faults.add(Rule::before(Trigger::Operation("s3:GetBucketPolicy".to_owned()), failure));
        assert_eq!(read().await, wanted, "{failure:?}");
        assert_eq!(read().await, "answered");
        faults.clear();
    }

    // After the effect: the bucket is tagged although the client was told otherwise.
    faults.reset();
    let tag = |value: &str| {
        let tag = s3::Tag::builder().key("k").value(value).build().expect("tag");
        let tags = s3::Tagging::builder().tag_set(tag).build().expect("tags");
        s3.put_bucket_tagging().bucket(&bench.estate.bucket).tagging(tags).send()
    };
    let value = async || {
        let got = s3.get_bucket_tagging().bucket(&bench.estate.bucket).send().await.expect("tags");
        got.tag_set.into_iter().next().map(|tag| tag.value)
    };
    faults.add(Rule::after(Trigger::Write(1), Failure::Status(500)));
    assert!(tag("1").await.is_err());
    assert_eq!(value().await.as_deref(), Some("1"));
    faults.add(Rule::before(Trigger::Write(2), Failure::StaleReads(1)));
    tag("2").await.expect("tagged");
    assert_eq!(value().await.as_deref(), Some("1"));
    assert_eq!(value().await.as_deref(), Some("2"));
    faults.add(Rule::after(Trigger::Operation("s3:Put*".to_owned()), Failure::Kill));
    tokio::select! {
        biased;
        () = faults.killed() => {}
        answer = tag("3") => panic!("answered: {answer:?}"),
    }
    faults.clear();
    faults.revive();
    assert_eq!(value().await.as_deref(), Some("3"));
    let record = bench.proxy.recorded();
    let first = record.first().expect("a record");
    assert_eq!((first.name.as_str(), first.status, first.effect), ("s3:PutBucketTagging", Some(500), Some(204)));
    assert_eq!((first.is_write, &first.resource), (true, &bench.estate.bucket));
    assert_eq!(faults.counted(), (7, 3));
    assert!(faults.round_trips() >= 6);
}
