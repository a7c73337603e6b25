//! Objects of the store: conditions on the wire, other regions, and answers that are no absence.

use super::*;
use crate::provider::aws::{Condition, Kept};

fn etag(status: u16, etag: &'static str) -> Scripted {
    Scripted { headers: vec![("etag", etag)], ..say(status, "") }
}

#[tokio::test]
async fn writes_say_what_they_replace_and_whose_bucket_it_is() {
    let (server, aws) = Server::start(vec![
        etag(200, "\"1\""),
        etag(200, "\"2\""),
        say(412, &error_xml("PreconditionFailed")),
        say(404, &error_xml("NoSuchKey")),
        say(409, &error_xml("ConditionalRequestConflict")),
        say(403, &error_xml("AccessDenied")),
        say(404, &error_xml("NoSuchKey")),
    ])
    .await;
    let objects = aws.objects("acme-store", "audit/acme");
    let known = Condition::Replaces("\"1\"".to_owned());
    assert_eq!(objects.put("runs/r.jsonl", b"one", &Condition::New).await, Ok(Kept::Written("\"1\"".to_owned())));
    assert_eq!(objects.put("runs/r.jsonl", b"two", &known).await, Ok(Kept::Written("\"2\"".to_owned())));
    assert_eq!(objects.put("runs/r.jsonl", b"two", &known).await, Ok(Kept::Differs));
    assert_eq!(objects.put("runs/r.jsonl", b"two", &known).await, Ok(Kept::Differs), "it is gone");
    let busy = objects.put("runs/r.jsonl", b"two", &known).await;
    assert!(matches!(busy, Err(WriteError::Transient { .. })), "{busy:?}");
    let denied = objects.put("runs/r.jsonl", b"two", &known).await;
    assert!(
        matches!(&denied, Err(WriteError::Denied { permission: Some(permission), .. }) if permission == "s3:PutObject"),
        "{denied:?}"
    );
    let odd = objects.put("runs/r.jsonl", b"two", &Condition::New).await;
    assert!(odd.is_err(), "a new object replaces none: {odd:?}");
    let seen = server.seen();
    assert_eq!(seen.len(), 7, "each is sent once");
    assert!(seen[0].uri.starts_with("/acme-store/audit/acme/runs/r.jsonl"), "{}", seen[0].uri);
    assert_eq!((seen[0].header("if-none-match"), seen[0].header("if-match")), (Some("*"), None));
    assert_eq!((seen[1].header("if-none-match"), seen[1].header("if-match")), (None, Some("\"1\"")));
    for one in &seen {
        assert_eq!((one.method.as_str(), one.header("x-amz-expected-bucket-owner")), ("PUT", Some(ACCOUNT)));
    }
    assert_eq!(seen[0].body, "one");
}

#[tokio::test]
async fn only_a_missing_key_is_absent() {
    let (_, aws) = Server::start(vec![
        say(404, &error_xml("NoSuchKey")),
        say(404, &error_xml("NoSuchBucket")),
        say(403, &error_xml("AccessDenied")),
        say(200, "no etag"),
        Scripted { body: "text".to_owned(), ..etag(200, "\"1\"") },
    ])
    .await;
    let objects = aws.objects("acme-store", "");
    assert_eq!(objects.get("drift.json").await, Observed::Absent);
    for why in ["NoSuchBucket", "AccessDenied", "no ETag"] {
        match objects.get("drift.json").await {
            Observed::Unknown(gap) => assert!(gap.to_string().contains(why), "{gap}"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(objects.get("drift.json").await.present().map(|object| object.bytes), Some(b"text".to_vec()));
}

#[tokio::test]
async fn a_bucket_in_another_region_is_found() {
    let elsewhere =
        Scripted { headers: vec![("x-amz-bucket-region", "us-west-2")], ..say(301, &error_xml("PermanentRedirect")) };
    let page = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>audit/runs/r.jsonl</Key>\
                <LastModified>2026-11-23T06:00:00.000Z</LastModified><ETag>&quot;1&quot;</ETag><Size>3</Size></Contents></ListBucketResult>";
    let (server, aws) = Server::start(vec![elsewhere, say(200, page)]).await;
    let objects = aws.objects("acme-store", "audit");
    for _ in 0..2 {
        let listed = objects.list("runs/").await.expect("list");
        assert_eq!((listed[0].name.as_str(), listed[0].size, listed[0].etag.as_str()), ("runs/r.jsonl", 3, "\"1\""));
    }
    let regions: Vec<bool> = server
        .seen()
        .iter()
        .map(|seen| seen.header("authorization").is_some_and(|key| key.contains("/us-west-2/s3/")))
        .collect();
    assert_eq!(regions, [false, true, true], "it is asked for once");
}
