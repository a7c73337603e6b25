//! What the SDK check cannot see: faults, expiry, stale reads, key policies.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::super::faults::{Failure, Faults, Rule, Trigger};
use super::key_policy::{KeyUse, allows};
use super::{DatabricksSim, DeliveryState, LogDelivery, Operation, Options};

const ACCOUNT: &str = "0a1b2c3d-1111-4222-8333-444455556666";
const ROLE: &str = "arn:aws:iam::111122223333:role/delivery";

struct Bench {
    sim: DatabricksSim,
    faults: Faults,
    http: Client,
    token: String,
}

impl Bench {
    async fn new(change: impl FnOnce(&mut Options)) -> Self {
        let faults = Faults::new();
        let mut options = Options::new(ACCOUNT, "http://127.0.0.1:1", "us-east-1", faults.clone());
        change(&mut options);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let sim = DatabricksSim::start(options).await.expect("the simulator starts");
        let http = Client::builder().no_proxy().build().expect("a client");
        let mut bench = Self { sim, faults, http, token: String::new() };
        bench.token = bench.login(Options::ADMIN).await;
        bench.faults.reset();
        bench.sim.clear_recorded();
        bench
    }

    async fn login(&self, client: (&str, &str)) -> String {
        let url = format!("{}/oidc/accounts/{ACCOUNT}/v1/token", self.sim.url());
        let form = [("grant_type", "client_credentials"), ("scope", "all-apis")];
        let answer = self.http.post(url).basic_auth(client.0, Some(client.1)).form(&form).send().await;
        let answer: Value = answer.expect("an answer").json().await.expect("json");
        answer.get("access_token").and_then(Value::as_str).expect("a token").to_owned()
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/2.0/accounts/{ACCOUNT}{path}", self.sim.url());
        self.http.request(method, url).bearer_auth(&self.token)
    }

    async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.expect("an answer")
    }

    async fn create_storage(&self, name: &str) -> Result<Response, reqwest::Error> {
        let body = json!({ "storage_configuration_name": name, "root_bucket_info": { "bucket_name": "b" } });
        self.request(Method::POST, "/storage-configurations").json(&body).send().await
    }

    async fn names(&self) -> Vec<String> {
        let listed: Value = self.get("/storage-configurations").await.json().await.expect("json");
        let name = |one: &Value| one.get("storage_configuration_name").and_then(Value::as_str).map(str::to_owned);
        listed.as_array().expect("a bare array").iter().filter_map(name).collect()
    }
}

#[tokio::test]
async fn a_throttled_request_says_when_to_come_back_and_has_no_effect() {
    let bench = Bench::new(|options| options.retry_after = 7).await;
    bench.faults.add(Rule::before(Trigger::Operation("databricks:CreateStorage".to_owned()), Failure::Throttle));
    let refused = bench.create_storage("one").await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(refused.headers().get("retry-after").and_then(|value| value.to_str().ok()), Some("7"));
    assert!(bench.names().await.is_empty());
    assert_eq!(bench.create_storage("one").await.expect("an answer").status(), StatusCode::OK);
}

#[tokio::test]
async fn a_lost_answer_leaves_its_effect() {
    let bench = Bench::new(|_| {}).await;
    bench.faults.add(Rule::after(Trigger::Write(1), Failure::Disconnect));
    assert!(bench.create_storage("one").await.is_err());
    assert_eq!(bench.names().await, ["one"]);
    let first = bench.faults.recorded().into_iter().next().expect("a record");
    assert_eq!((first.status, first.effect), (None, Some(200)));
    let served: Vec<_> = bench.sim.recorded().iter().map(|one| (one.operation, one.is_write, one.status)).collect();
    assert_eq!(served, [(Operation::CreateStorage, true, None), (Operation::ListStorage, false, Some(200))]);
}

#[tokio::test]
async fn a_timeout_drops_the_connection_and_a_status_is_answered_as_error() {
    let bench = Bench::new(|_| {}).await;
    bench.faults.add(Rule::before(Trigger::Request(1), Failure::Timeout(Duration::from_millis(20))));
    bench.faults.add(Rule::before(Trigger::Request(2), Failure::Status(503)));
    assert!(bench.request(Method::GET, "/credentials").send().await.is_err());
    let refused = bench.get("/credentials").await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let body: Value = refused.json().await.expect("json");
    assert_eq!(body.get("error_code"), Some(&json!("TEMPORARILY_UNAVAILABLE")));
}

#[tokio::test]
async fn stale_reads_show_the_state_before_the_write() {
    let bench = Bench::new(|_| {}).await;
    bench.faults.add(Rule::before(Trigger::AnyWrite, Failure::StaleReads(2)));
    assert_eq!(bench.create_storage("one").await.expect("an answer").status(), StatusCode::OK);
    assert!(bench.names().await.is_empty());
    assert!(bench.names().await.is_empty());
    assert_eq!(bench.names().await, ["one"]);
}

#[tokio::test]
async fn a_killed_process_is_not_served_until_it_is_revived() {
    let bench = Bench::new(|_| {}).await;
    bench.faults.add(Rule::after(Trigger::Write(1), Failure::Kill));
    let run = bench.create_storage("one");
    tokio::select! {
        _ = bench.faults.killed() => {}
        _ = run => panic!("the request of a killed process was answered"),
    }
    bench.faults.revive();
    assert_eq!(bench.names().await, ["one"]);
}

#[tokio::test]
async fn tokens_expire_and_denied_operations_answer_403() {
    let bench = Bench::new(|options| options.token_ttl = Duration::from_millis(200)).await;
    bench.sim.deny(Operation::ListStorage);
    let denied = bench.get("/storage-configurations").await;
    assert_eq!(denied.status(), StatusCode::FORBIDDEN);
    let body: Value = denied.json().await.expect("json");
    assert_eq!(body.get("error_code"), Some(&json!("PERMISSION_DENIED")));
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(bench.get("/credentials").await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn seeded_configurations_keep_their_status_and_unreachable_aws_is_a_system_failure() {
    let bench = Bench::new(|_| {}).await;
    let credential = bench.sim.seed_credential("c", ROLE);
    let storage = bench.sim.seed_storage("s", "bucket");
    bench.sim.seed_log_delivery(LogDelivery::delivered("kept", &credential, &storage, "audit"));
    let live = LogDelivery { delivers: true, ..LogDelivery::delivered("live", &credential, &storage, "audit") };
    bench.sim.seed_log_delivery(live);
    let listed: Value = bench.get("/log-delivery").await.json().await.expect("json");
    assert_eq!(listed.get("log_delivery_configurations").and_then(Value::as_array).map(Vec::len), Some(2));
    let states: Vec<_> = bench.sim.log_deliveries().iter().map(|one| one.state).collect();
    assert_eq!(states, [DeliveryState::Succeeded, DeliveryState::SystemFailure]);
}

#[tokio::test]
async fn a_lagging_iam_refuses_the_probe_and_nothing_is_created() {
    let bench = Bench::new(|_| {}).await;
    bench.sim.lag_iam(1);
    let configuration = json!({
        "log_type": "AUDIT_LOGS",
        "output_format": "JSON",
        "credentials_id": bench.sim.seed_credential("c", ROLE),
        "storage_configuration_id": bench.sim.seed_storage("s", "bucket"),
        "delivery_path_prefix": "audit",
        "status": "ENABLED",
    });
    let body = json!({ "log_delivery_configuration": configuration });
    let refused = bench.request(Method::POST, "/log-delivery").json(&body).send().await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
    let answer: Value = refused.json().await.expect("json");
    let message = answer.get("message").and_then(Value::as_str).unwrap_or_default();
    let start = "Failed to perform putObject operations on s3Bucket:bucket with deliveryPathPrefix:audit with the IAM";
    assert!(message.starts_with(start), "{message}");
    assert!(bench.sim.log_deliveries().is_empty());
}

#[test]
fn key_policies_are_evaluated_as_s3_would_meet_them() {
    let usage = KeyUse {
        role_arn: ROLE,
        account: "111122223333",
        role_account: "111122223333",
        via_service: "s3.us-east-1.amazonaws.com",
        context_arn: "arn:aws:s3:::audit-bucket",
    };
    let allow = |principal: &str, service: &str| {
        json!({ "Effect": "Allow", "Principal": { "AWS": [principal] }, "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": "*", "Condition": {
            "StringEquals": { "kms:ViaService": service },
            "StringLike": { "kms:EncryptionContext:aws:s3:arn": ["arn:aws:s3:::audit-*"] },
        }})
    };
    let deny = |principal: &str| {
        json!({ "Effect": "Deny", "Principal": "*", "Action": "kms:GenerateDataKey*", "Resource": "*",
            "Condition": { "ArnNotEquals": { "aws:PrincipalArn": [principal] } } })
    };
    let policy = |statements: Value| json!({ "Version": "2012-10-17", "Statement": statements }).to_string();
    let right = allow(ROLE, "s3.us-east-1.amazonaws.com");
    assert!(allows(&policy(json!([right])), &usage));
    assert!(allows(&policy(json!([right, deny(ROLE)])), &usage));
    assert!(allows(
        &policy(json!([{ "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
        "Action": "kms:*", "Resource": "*" }])),
        &usage
    ));
    assert!(!allows(&policy(json!([])), &usage));
    assert!(!allows(&policy(json!([right, deny("arn:aws:iam::111122223333:role/other")])), &usage));
    assert!(!allows(&policy(json!([allow(ROLE, "s3.eu-west-1.amazonaws.com")])), &usage));
    assert!(!allows(
        &policy(json!([allow("arn:aws:iam::111122223333:role/other", "s3.us-east-1.amazonaws.com")])),
        &usage
    ));
    assert!(!allows("not json", &usage));
}
