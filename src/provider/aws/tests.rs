//! The client against a scripted server on loopback: pages, retries, redirects, headers and broken answers, which no
//! emulator gives.

mod inventory;
mod objects;
mod settings;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_credential_types::Credentials;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;

use super::config::{self, AwsOptions, Http, Timeouts};
use super::{AwsClient, credentials};
use crate::call::{Read, Write};
use crate::model::bucket::{
    Encryption, Lifecycle, LifecycleRule, Logging, Notification, PublicAccessBlock, Replication, Retention, Transition,
};
use crate::model::fact::{BucketRegion, Names, PolicyText};
use crate::model::{Fact, Gap, Observed, Reference};
use crate::provider::WriteError;

const ACCOUNT: &str = "111122223333";

#[derive(Clone, Debug)]
struct Seen {
    method: String,
    uri: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Debug)]
struct Scripted {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: String,
    delay: Duration,
}

fn say(status: u16, body: &str) -> Scripted {
    Scripted { status, headers: Vec::new(), body: body.to_owned(), delay: Duration::ZERO }
}

#[derive(Clone, Default)]
struct Server {
    answers: Arc<Mutex<VecDeque<Scripted>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

async fn serve(State(server): State<Server>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let headers = parts.headers.iter();
    let body = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    server.seen.lock().unwrap().push(Seen {
        method: parts.method.to_string(),
        uri: parts.uri.to_string(),
        headers: headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect(),
        body,
    });
    // The last answer is given for ever.
    let answer = {
        let mut answers = server.answers.lock().unwrap();
        if answers.len() > 1 { answers.pop_front().unwrap() } else { answers.front().unwrap().clone() }
    };
    tokio::time::sleep(answer.delay).await;
    let mut builder = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        builder = builder.header(name, value);
    }
    builder.body(Body::from(answer.body)).unwrap()
}

impl Server {
    async fn start(answers: Vec<Scripted>) -> (Self, AwsClient) {
        let server = Self { answers: Arc::new(Mutex::new(answers.into())), seen: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().fallback(serve).with_state(server.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (server, client(&endpoint).await)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn client(endpoint: &str) -> AwsClient {
    let options = AwsOptions {
        account: Some(ACCOUNT.to_owned()),
        region: "eu-west-1".to_owned(),
        endpoint: Some(endpoint.to_owned()),
        timeouts: Timeouts { attempt: Duration::from_millis(700), ..Timeouts::default() },
        ..AwsOptions::default()
    };
    let http = Http::new(&options.timeouts).unwrap();
    let key = Credentials::new("AKIDEXAMPLE", "a-secret", Some("a-token".to_owned()), None, "test");
    let config = config::load(&options, &http).await.unwrap();
    let config = config.into_builder().credentials_provider(credentials::shared(key)).build();
    AwsClient::new(&options, &config, &http)
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn bucket() -> String {
    text("acme-audit")
}

fn gap(answer: Observed<Fact>) -> Gap {
    match answer {
        Observed::Unknown(gap) => gap,
        other => panic!("{other:?}"),
    }
}

fn error_xml(code: &str) -> String {
    format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>because</Message></Error>")
}

fn lifecycle(transitions: Vec<Transition>) -> Lifecycle {
    let rule = LifecycleRule {
        id: text("r"),
        enabled: true,
        filter: Default::default(),
        expiration: None,
        noncurrent_expiration: None,
        transitions,
        noncurrent_transitions: Vec::new(),
        abort_multipart_days: Some(7),
    };
    Lifecycle { rules: vec![rule] }
}

#[tokio::test]
async fn every_page_is_read() {
    let page = |names: &str, more: &str| {
        say(
            200,
            &format!(
                "<ListRolePoliciesResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListRolePoliciesResult><PolicyNames>{names}</PolicyNames>{more}</ListRolePoliciesResult></ListRolePoliciesResponse>"
            ),
        )
    };
    let (server, aws) = Server::start(vec![
        page("<member>b</member>", "<IsTruncated>true</IsTruncated><Marker>m1</Marker>"),
        page("<member>c</member>", "<IsTruncated>true</IsTruncated><Marker>m2</Marker>"),
        page("<member>a</member>", "<IsTruncated>false</IsTruncated>"),
    ])
    .await;
    let answer = aws.read(&Read::RoleInlinePolicies { role: text("r") }).await;
    assert_eq!(answer, Observed::Present(Fact::from(Names(vec![text("a"), text("b"), text("c")]))));
    let bodies: Vec<_> = server.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies.iter().map(|body| body.contains("Marker=m")).collect::<Vec<_>>(), [false, true, true]);

    let (server, aws) = Server::start(vec![
        say(200, r#"{"Keys":[{"KeyArn":"arn:2","KeyId":"2"}],"Truncated":true,"NextMarker":"n1"}"#),
        say(200, r#"{"Keys":[{"KeyArn":"arn:1","KeyId":"1"}],"Truncated":false}"#),
    ])
    .await;
    let answer = aws.read(&Read::Keys).await;
    assert_eq!(answer, Observed::Present(Fact::from(Names(vec![text("arn:1"), text("arn:2")]))));
    assert!(server.seen()[1].body.contains(r#""Marker":"n1""#));
}

#[tokio::test]
async fn a_failed_page_is_no_answer() {
    let (_server, aws) = Server::start(vec![
        say(200, r#"{"Tags":[{"TagKey":"a","TagValue":"1"}],"Truncated":true,"NextMarker":"n1"}"#),
        say(400, r#"{"__type":"AccessDeniedException","Message":"not authorized to perform: kms:ListResourceTags"}"#),
    ])
    .await;
    let gap = gap(aws.read(&Read::KeyTags { key: text("arn:1") }).await);
    assert_eq!(gap.permission.as_deref(), Some("kms:ListResourceTags"));
    assert_eq!(gap.what, "kms:ListResourceTags on arn:1");
}

#[tokio::test]
async fn a_redirect_is_followed_to_the_bucket_s_region() {
    let mut redirect = say(301, &error_xml("PermanentRedirect"));
    redirect.headers.push(("x-amz-bucket-region", "eu-central-1"));
    let there =
        "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">eu-central-1</LocationConstraint>";
    let (server, aws) = Server::start(vec![redirect.clone(), say(200, there)]).await;
    let answer = aws.read(&Read::BucketLocation { bucket: bucket() }).await;
    assert_eq!(answer, Observed::Present(Fact::from(BucketRegion(text("eu-central-1")))));
    let seen = server.seen();
    assert!(seen[1].header("authorization").unwrap().contains("/eu-central-1/s3/"));
    assert_eq!(seen[1].header("x-amz-expected-bucket-owner"), Some(ACCOUNT));

    // The owner is checked there: somebody else's bucket is not believed.
    let (_server, aws) = Server::start(vec![redirect.clone(), say(403, &error_xml("AccessDenied"))]).await;
    assert!(aws.read(&Read::BucketLocation { bucket: bucket() }).await.is_unknown());

    let (_server, aws) = Server::start(vec![redirect]).await;
    let message = gap(aws.read(&Read::BucketPolicy { bucket: bucket() }).await).message;
    assert!(message.contains("the bucket is in `eu-central-1`"), "{message}");
}

#[tokio::test]
async fn reads_are_repeated_and_writes_are_not() {
    let slow = say(503, &error_xml("SlowDown"));
    let policy = "{\"Version\":\"2012-10-17\"}";
    let (server, aws) = Server::start(vec![slow.clone(), slow.clone(), say(200, policy)]).await;
    let answer = aws.read(&Read::BucketPolicy { bucket: bucket() }).await;
    assert_eq!(answer, Observed::Present(Fact::from(PolicyText(text(policy)))));
    assert_eq!(server.seen().len(), 3);

    let mut later = slow;
    later.headers.push(("retry-after", "2"));
    let (server, aws) = Server::start(vec![later]).await;
    let error = aws.write(&Write::EnableBucketVersioning { bucket: bucket() }).await.unwrap_err();
    assert!(
        matches!(&error, WriteError::Transient { retry_after: Some(pause), .. } if pause.as_secs() == 2),
        "{error:?}"
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_signed_services_repeat_alike() {
    let unavailable = say(503, "<html>down</html>");
    let block = "<PublicAccessBlockConfiguration xmlns=\"http://awss3control.amazonaws.com/doc/2018-08-20/\"><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>";
    let (server, aws) = Server::start(vec![unavailable.clone(), say(200, block)]).await;
    assert!(matches!(aws.read(&Read::AccountPublicAccessBlock).await, Observed::Present(_)));
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].uri, "/v20180820/configuration/publicAccessBlock");
    assert_eq!(seen[0].header("x-amz-account-id"), Some(ACCOUNT));
    let signature = seen[0].header("authorization").unwrap();
    assert!(signature.contains("/eu-west-1/s3/aws4_request"), "{signature}");
    for signed in ["host", "x-amz-account-id", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"] {
        assert!(signature.contains(signed), "{signed} in {signature}");
    }

    let (server, aws) = Server::start(vec![unavailable.clone()]).await;
    let all = PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
    let error = aws.write(&Write::PutAccountPublicAccessBlock { block: all }).await.unwrap_err();
    assert!(matches!(error, WriteError::Transient { .. }), "{error:?}");
    assert_eq!(server.seen().len(), 1);
    assert!(server.seen()[0].header("x-amz-checksum-sha256").is_some());

    let (server, aws) = Server::start(vec![unavailable]).await;
    assert!(matches!(aws.parameters().put_new("/a", "v").await, Err(WriteError::Transient { .. })));
    assert_eq!(server.seen().len(), 1);
    let body: serde_json::Value = serde_json::from_str(&server.seen()[0].body).unwrap();
    assert_eq!(body["Overwrite"], false);
    assert_eq!(server.seen()[0].header("x-amz-target"), Some("AmazonSSM.PutParameter"));
}

#[tokio::test]
async fn a_foreign_answer_is_unknown_and_shown() {
    let (_server, aws) = Server::start(vec![say(200, "<ListBucketResult><Name>acme</Name></ListBucketResult>")]).await;
    let message = gap(aws.read(&Read::BucketVersioning { bucket: bucket() }).await).message;
    assert!(message.contains("could not be read") && message.contains("<ListBucketResult>"), "{message}");
    let (_server, aws) = Server::start(vec![say(404, "<html>not here</html>")]).await;
    assert!(aws.read(&Read::BucketTags { bucket: bucket() }).await.is_unknown());
    let (_server, aws) = Server::start(vec![say(404, "")]).await;
    assert!(aws.read(&Read::AccountPublicAccessBlock).await.is_unknown());
}

#[tokio::test]
async fn lost_requests_are_transient() {
    let mut slow = say(200, "");
    slow.delay = Duration::from_secs(20);
    let (server, aws) = Server::start(vec![slow]).await;
    let error = aws.write(&Write::EnableBucketVersioning { bucket: bucket() }).await.unwrap_err();
    assert!(matches!(error, WriteError::Transient { .. }), "{error:?}");
    assert_eq!(server.seen().len(), 1);
    let error = aws.parameters().overwrite("/a", "v").await.unwrap_err();
    assert!(matches!(error, WriteError::Transient { .. }), "{error:?}");

    let nobody = client("http://127.0.0.1:1").await;
    let error = nobody.write(&Write::EnableKey { key: text("k") }).await.unwrap_err();
    assert!(matches!(error, WriteError::Transient { .. }), "{error:?}");
    assert!(nobody.read(&Read::AccountPublicAccessBlock).await.is_unknown());
}

#[tokio::test]
async fn every_bucket_call_names_the_owner() {
    let (server, aws) = Server::start(vec![say(403, &error_xml("AccessDenied"))]).await;
    let reads = [
        Read::BucketLocation { bucket: bucket() },
        Read::BucketTags { bucket: bucket() },
        Read::BucketPublicAccessBlock { bucket: bucket() },
        Read::BucketOwnership { bucket: bucket() },
        Read::BucketAcl { bucket: bucket() },
        Read::BucketEncryption { bucket: bucket() },
        Read::BucketVersioning { bucket: bucket() },
        Read::BucketObjectLock { bucket: bucket() },
        Read::BucketLifecycle { bucket: bucket() },
        Read::BucketPolicy { bucket: bucket() },
        Read::BucketLogging { bucket: bucket() },
        Read::BucketNotification { bucket: bucket() },
        Read::BucketReplication { bucket: bucket() },
    ];
    for read in &reads {
        let gap = gap(aws.read(read).await);
        assert_eq!(gap.permission.as_deref(), crate::call::read_permission(read).name());
        assert!(gap.message.contains("another account than `111122223333`"), "{}", gap.message);
    }
    let block = PublicAccessBlock {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
    let replication = Replication { role: text("arn:aws:iam::111122223333:role/r"), rules: Vec::new() };
    let logging =
        Logging { target_bucket: text("l"), target_prefix: text("p"), target_grants: Vec::new(), key_format: None };
    let moving = vec![Transition { days: Some(30), date: None, storage_class: text("GLACIER") }];
    let writes = [
        Write::PutBucketTags { bucket: bucket(), tags: Default::default() },
        Write::PutBucketPublicAccessBlock { bucket: bucket(), block },
        Write::PutBucketOwnership { bucket: bucket(), object_ownership: text("BucketOwnerEnforced") },
        Write::PutBucketAclPrivate { bucket: bucket() },
        Write::PutBucketEncryption { bucket: bucket(), encryption: Encryption { key: None, ..Encryption::kms("") } },
        Write::EnableBucketVersioning { bucket: bucket() },
        Write::PutBucketObjectLock {
            bucket: bucket(),
            retention: Some(Retention { mode: text("GOVERNANCE"), days: 1 }),
        },
        Write::PutBucketLifecycle { bucket: bucket(), lifecycle: lifecycle(Vec::new()) },
        Write::PutBucketLifecycle { bucket: bucket(), lifecycle: lifecycle(moving) },
        Write::PutBucketPolicy { bucket: bucket(), policy: text("{}") },
        Write::PutBucketLogging { bucket: bucket(), logging },
        Write::PutBucketNotification { bucket: bucket(), notification: Notification::default() },
        Write::PutBucketReplication { bucket: bucket(), replication },
        Write::DeleteBucketReplication { bucket: bucket() },
    ];
    for write in &writes {
        let error = aws.write(write).await.unwrap_err();
        assert!(matches!(error, WriteError::Denied { permission: Some(_), .. }), "{error:?}");
    }
    let seen = server.seen();
    assert_eq!(seen.len(), reads.len() + writes.len());
    for each in seen {
        assert_eq!(each.header("x-amz-expected-bucket-owner"), Some(ACCOUNT), "{} {}", each.method, each.uri);
        assert!(!each.headers.iter().any(|(name, _)| name == "x-amz-confirm-remove-self-bucket-access"));
    }
}

#[tokio::test]
async fn the_minimum_size_of_a_live_lifecycle_is_sent_back() {
    let mut live = say(200, "<LifecycleConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>");
    live.headers.push(("x-amz-transition-default-minimum-object-size", "varies_by_storage_class"));
    let (server, aws) = Server::start(vec![live, say(200, "")]).await;
    let moving = vec![Transition { days: Some(30), date: None, storage_class: text("GLACIER") }];
    aws.write(&Write::PutBucketLifecycle { bucket: bucket(), lifecycle: lifecycle(moving) }).await.unwrap();
    let seen = server.seen();
    assert_eq!((seen[0].method.as_str(), seen[1].method.as_str()), ("GET", "PUT"));
    let sent = seen[1].header("x-amz-transition-default-minimum-object-size");
    assert_eq!(sent, Some("varies_by_storage_class"));

    let (server, aws) = Server::start(vec![say(200, "")]).await;
    aws.write(&Write::PutBucketLifecycle { bucket: bucket(), lifecycle: lifecycle(Vec::new()) }).await.unwrap();
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn what_is_not_complete_is_not_sent() {
    let (server, aws) = Server::start(vec![say(200, "")]).await;
    let address = "acme/kms-key[audit]".parse().unwrap();
    let token = Reference::new(address, crate::model::reference::Output::KeyArn).to_string();
    assert_eq!(aws.read(&Read::KeyPolicy { key: token.clone() }).await, Observed::Absent);
    let writes = [
        Write::EnableKey { key: token.clone() },
        Write::PutBucketPolicy { bucket: bucket(), policy: format!("{{\"x\":\"{token}\"}}") },
        Write::SetWorkspaceConf { key: text("k"), value: text("v") },
    ];
    for write in &writes {
        assert!(matches!(aws.write(write).await, Err(WriteError::Rejected { .. })), "{write:?}");
    }
    assert!(aws.read(&Read::Workspaces).await.is_unknown());
    assert!(server.seen().is_empty());

    let nobody = AwsOptions { region: text("eu-west-1"), ..AwsOptions::default() };
    let nobody = AwsClient::connect(nobody, &Http::new(&Timeouts::default()).unwrap()).await.unwrap();
    let refused = nobody.write(&Write::EnableKey { key: text("k") }).await;
    assert!(matches!(refused, Err(WriteError::Rejected { .. })), "{refused:?}");
}

#[tokio::test]
async fn secrets_stay_out_of_debug() {
    let (_server, aws) = Server::start(vec![say(403, &error_xml("AccessDenied"))]).await;
    let _warm = aws.read(&Read::AccountPublicAccessBlock).await;
    let shown = format!("{aws:?}");
    assert!(!shown.contains("a-secret") && !shown.contains("a-token"));
}
