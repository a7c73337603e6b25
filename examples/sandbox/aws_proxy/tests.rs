//! The sandbox's AWS keeps the rules of AWS that the tool's tests rely on.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types as s3;
use serde_json::{Value, json};

use super::super::aws_seed::{Estate, World};
use super::super::emulator::Emulator;
use super::super::faults::{Failure, Rule, Trigger};
use super::{AwsProxy, Options};

const DATABRICKS_ACCOUNT: &str = "0d26daa6-5e44-4c97-a497-ef015f91254a";
const DELIVERY: &str = "DatabricksAuditDelivery";

/// One estate behind its own proxy, with a client of its administrator that does not retry.
struct Bench {
    emulator: Arc<Emulator>,
    proxy: AwsProxy,
    estate: Estate,
    admin: aws_credential_types::Credentials,
}

impl Bench {
    async fn start(options: Options) -> Self {
        let emulator = Emulator::shared().expect("emulator");
        let proxy = AwsProxy::start(&emulator.url(), options)
            .await
            .expect("proxy");
        let account = emulator.fresh_account();
        let estate = Estate::new(
            &proxy.quiet_url(),
            &account,
            DATABRICKS_ACCOUNT,
            "us-east-1",
        );
        estate.seed_insecure().await.expect("seed");
        let admin = estate
            .session("PlatformAdmin", false)
            .await
            .expect("session");
        Self {
            emulator,
            proxy,
            estate,
            admin,
        }
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = World::new(self.proxy.url(), "us-east-1")
            .s3(&self.admin)
            .config()
            .to_builder();
        let once = aws_sdk_s3::config::retry::RetryConfig::disabled();
        let limit = Duration::from_millis(500);
        let limit = aws_sdk_s3::config::timeout::TimeoutConfig::builder().operation_timeout(limit);
        aws_sdk_s3::Client::from_conf(
            config
                .retry_config(once)
                .timeout_config(limit.build())
                .build(),
        )
    }

    fn kms(&self) -> aws_sdk_kms::Client {
        self.estate.world.kms(&self.admin)
    }

    fn arn(&self, role: &str) -> String {
        self.estate.role_arn(role)
    }

    /// A key policy for the administrator and one user through S3.
    fn key_policy(&self, user: &str) -> String {
        let admin = [
            "kms:PutKeyPolicy",
            "kms:Describe*",
            "kms:Get*",
            "kms:DisableKey",
            "kms:EnableKey",
        ];
        json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Allow", "Principal": { "AWS": self.arn("PlatformAdmin") }, "Action": admin, "Resource": "*" },
            { "Effect": "Allow", "Principal": { "AWS": self.arn(user) },
              "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*",
              "Condition": { "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" },
                "StringLike": { "kms:EncryptionContext:aws:s3:arn": format!("arn:aws:s3:::{}*", self.estate.bucket) } } },
        ] })
        .to_string()
    }

    async fn key(&self, user: &str) -> String {
        let created = self
            .kms()
            .create_key()
            .policy(self.key_policy(user))
            .send()
            .await
            .expect("key");
        created.key_metadata.and_then(|key| key.arn).expect("arn")
    }

    async fn encrypt_with(&self, key: &str) {
        let default = s3::ServerSideEncryptionByDefault::builder();
        let default = default
            .sse_algorithm(s3::ServerSideEncryption::AwsKms)
            .kms_master_key_id(key);
        let rule = s3::ServerSideEncryptionRule::builder().bucket_key_enabled(true);
        let rule = rule
            .apply_server_side_encryption_by_default(default.build().expect("default"))
            .build();
        let rules = s3::ServerSideEncryptionConfiguration::builder()
            .rules(rule)
            .build()
            .expect("rules");
        let put = self
            .s3()
            .put_bucket_encryption()
            .bucket(&self.estate.bucket);
        put.server_side_encryption_configuration(rules)
            .send()
            .await
            .expect("encryption");
    }

    /// The code that PutBucketPolicy answers for one statement.
    async fn policy_code(&self, statement: Value) -> String {
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let put = self
            .s3()
            .put_bucket_policy()
            .bucket(&self.estate.bucket)
            .policy(policy)
            .send()
            .await;
        put.map_or_else(
            |error| error.code().unwrap_or("none").to_owned(),
            |_| "accepted".to_owned(),
        )
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bucket_policies_are_checked_and_rewritten() {
    let bench = Bench::start(Options::default()).await;
    let objects = format!("arn:aws:s3:::{}/*", bench.estate.bucket);
    let good = json!({ "Effect": "Allow", "Principal": { "AWS": ["999988887777"] }, "Action": ["s3:GetObject"],
        "Resource": [objects] });
    let with = |field: &str, value: Value| {
        let mut statement = good.clone();
        statement[field] = value;
        statement
    };
    let mut anonymous = good.clone();
    anonymous
        .as_object_mut()
        .expect("object")
        .remove("Principal");
    for (statement, wanted) in [
        (
            with("Principal", json!({ "AWS": bench.arn("Nobody") })),
            "MalformedPolicy",
        ),
        (
            with(
                "Principal",
                json!({ "AWS": bench.arn("path/PlatformAdmin") }),
            ),
            "MalformedPolicy",
        ),
        (with("Action", json!("kms:Decrypt")), "MalformedPolicy"),
        (with("Action", json!("s3:ListBucket")), "MalformedPolicy"),
        (
            with("Resource", json!("arn:aws:s3:::another/*")),
            "MalformedPolicy",
        ),
        (
            with(
                "Condition",
                json!({ "ArnNotEqual": { "aws:PrincipalArn": "x" } }),
            ),
            "MalformedPolicy",
        ),
        (
            with(
                "Condition",
                json!({ "StringEquals": { "aws:UserAgent": "x".repeat(21_000) } }),
            ),
            "PolicyTooLarge",
        ),
        (anonymous, "MalformedPolicy"),
        (good.clone(), "accepted"),
    ] {
        assert_eq!(
            bench.policy_code(statement.clone()).await,
            wanted,
            "{statement:.300}"
        );
    }
    let stored = bench
        .s3()
        .get_bucket_policy()
        .bucket(&bench.estate.bucket)
        .send()
        .await
        .expect("policy");
    let stored: Value = serde_json::from_str(&stored.policy.unwrap_or_default()).expect("json");
    assert_eq!(
        stored["Statement"][0]["Principal"]["AWS"],
        "arn:aws:iam::999988887777:root"
    );
    assert_eq!(stored["Statement"][0]["Action"], "s3:GetObject");
    let other = bench
        .s3()
        .get_bucket_policy()
        .bucket(&bench.estate.bucket)
        .expected_bucket_owner("111122223333");
    assert_eq!(
        other.send().await.expect_err("owner").code(),
        Some("AccessDenied")
    );
    let far = World::new(bench.proxy.quiet_url(), "eu-west-1").s3(&bench.admin);
    let far = far
        .get_bucket_policy()
        .bucket(&bench.estate.bucket)
        .send()
        .await;
    assert_eq!(far.expect_err("region").code(), Some("PermanentRedirect"));
}

#[tokio::test(flavor = "multi_thread")]
async fn key_policies_are_checked_and_lock_nobody_out() {
    let bench = Bench::start(Options::default()).await;
    let key = bench.key(DELIVERY).await;
    let put = async |policy: String| {
        let put = bench
            .kms()
            .put_key_policy()
            .key_id(&key)
            .policy(policy)
            .send()
            .await;
        put.map_or_else(
            |error| error.code().unwrap_or("none").to_owned(),
            |_| "accepted".to_owned(),
        )
    };
    let malformed = "MalformedPolicyDocumentException";
    assert_eq!(put("{".to_owned()).await, malformed);
    assert_eq!(put(bench.key_policy("Nobody")).await, malformed);
    let locked = bench
        .key_policy(DELIVERY)
        .replace("kms:PutKeyPolicy", "kms:TagResource");
    assert_eq!(put(locked).await, malformed);
    assert_eq!(put(bench.key_policy(DELIVERY)).await, "accepted");

    // IAM is eventually consistent: a new role is unknown at first.
    let options = Options {
        new_principal_refusals: 1,
        ..Options::default()
    };
    let slow = AwsProxy::start(&bench.emulator.url(), options)
        .await
        .expect("proxy");
    let own = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": bench.estate.account } }] });
    let world = World::new(slow.url(), "us-east-1");
    world
        .make_role(&bench.admin, "Fresh", &own, &[("s3:GetObject", "*")])
        .await
        .expect("role");
    assert_eq!(put(bench.key_policy("Fresh")).await, malformed);
    assert_eq!(put(bench.key_policy("Fresh")).await, "accepted");
    let iam = world.iam(&bench.admin);
    iam.delete_role_policy()
        .role_name("Fresh")
        .policy_name("inline")
        .send()
        .await
        .expect("policy");
    iam.delete_role()
        .role_name("Fresh")
        .send()
        .await
        .expect("delete");
    let stored = bench
        .kms()
        .get_key_policy()
        .key_id(&key)
        .send()
        .await
        .expect("policy")
        .policy;
    assert!(stored.is_some_and(|policy| policy.contains("AROA") && !policy.contains("role/Fresh")));
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_need_the_key() {
    let bench = Bench::start(Options::default()).await;
    let (bucket, world) = (&bench.estate.bucket, &bench.estate.world);
    let key = bench.key(DELIVERY).await;
    bench.encrypt_with(&key).await;
    let delivery = bench
        .estate
        .databricks_session(&bench.arn(DELIVERY))
        .await
        .expect("session");
    world
        .put_object(&delivery, bucket, "a", "{}")
        .await
        .expect("allowed");
    assert_eq!(
        world
            .get_object(&delivery, bucket, "a")
            .await
            .expect("allowed"),
        b"{}"
    );
    let contractor = bench
        .estate
        .session("ContractorX", false)
        .await
        .expect("session");
    assert!(
        world
            .get_object(&contractor, bucket, "a")
            .await
            .expect_err("no key")
            .is_denied()
    );

    bench
        .kms()
        .disable_key()
        .key_id(&key)
        .send()
        .await
        .expect("disable");
    let refused = world
        .put_object(&delivery, bucket, "b", "{}")
        .await
        .expect_err("disabled");
    assert_eq!(refused.code, "KMS.DisabledException");
    bench
        .kms()
        .enable_key()
        .key_id(&key)
        .send()
        .await
        .expect("enable");
    let policy = bench.key_policy("ContractorX");
    bench
        .kms()
        .put_key_policy()
        .key_id(&key)
        .policy(policy)
        .send()
        .await
        .expect("policy");
    assert!(
        world
            .put_object(&delivery, bucket, "b", "{}")
            .await
            .expect_err("no key")
            .is_denied()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_see_roles_mfa_and_tls() {
    let bench = Bench::start(Options::default()).await;
    let (bucket, world) = (&bench.estate.bucket, &bench.estate.world);
    let resources = json!([
        format!("arn:aws:s3:::{bucket}"),
        format!("arn:aws:s3:::{bucket}/*")
    ]);
    let deny = |condition: Value| json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources, "Condition": condition });
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        deny(json!({ "Bool": { "aws:SecureTransport": "false" } })),
        deny(json!({ "ArnNotEquals": { "aws:PrincipalArn": [bench.arn("SecurityAnalyst"), bench.arn("PlatformAdmin")] } })),
        deny(json!({ "ArnEquals": { "aws:PrincipalArn": bench.arn("SecurityAnalyst") },
            "BoolIfExists": { "aws:MultiFactorAuthPresent": "false" } })),
    ] });
    let put = bench
        .s3()
        .put_bucket_policy()
        .bucket(bucket)
        .policy(policy.to_string())
        .send()
        .await;
    put.expect("policy");
    let analyst = bench
        .estate
        .session("SecurityAnalyst", true)
        .await
        .expect("with a code");
    world
        .list_objects(&analyst, bucket, "")
        .await
        .expect("allowed");
    assert!(
        bench
            .estate
            .session("SecurityAnalyst", false)
            .await
            .expect_err("no code")
            .is_denied()
    );
    let other = bench
        .estate
        .session("AccountAdmin", false)
        .await
        .expect("session");
    assert!(
        world
            .list_objects(&other, bucket, "")
            .await
            .expect_err("not named")
            .is_denied()
    );
    let plain = World::new(bench.emulator.url(), "us-east-1");
    assert!(
        plain
            .list_objects(&analyst, bucket, "")
            .await
            .expect_err("no TLS")
            .is_denied()
    );
    let wrong = world
        .assume_as_databricks(&bench.arn(DELIVERY), "another-account")
        .await;
    assert!(wrong.expect_err("external id").is_denied());
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_pages() {
    let bench = Bench::start(Options {
        page_size: Some(2),
        ..Options::default()
    })
    .await;
    let iam = World::new(bench.proxy.url(), "us-east-1").iam(&bench.admin);
    let (mut roles, mut marker) = (0, None);
    loop {
        let page = iam
            .get_account_authorization_details()
            .set_marker(marker)
            .send()
            .await
            .expect("page");
        roles += page.role_detail_list().len();
        assert!(page.role_detail_list().len() <= 2);
        marker = page.marker;
        if !page.is_truncated {
            break;
        }
    }
    assert_eq!(roles, 7);
    assert_eq!(bench.proxy.recorded().len(), 4);
    let key = bench.key(DELIVERY).await;
    assert_eq!(
        bench
            .kms()
            .get_key_rotation_status()
            .key_id(&key)
            .send()
            .await
            .expect("status")
            .key_id,
        Some(key)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_strike_and_are_recorded() {
    let bench = Bench::start(Options::default()).await;
    let (s3, faults) = (bench.s3(), bench.proxy.faults());
    let read = async || {
        let got = s3
            .get_bucket_policy()
            .bucket(&bench.estate.bucket)
            .send()
            .await;
        got.map_or_else(
            |error| error.code().unwrap_or("none").to_owned(),
            |_| "answered".to_owned(),
        )
    };
    for (failure, wanted) in [
        (Failure::Throttle, "SlowDown"),
        (Failure::Status(500), "InternalError"),
        (Failure::Conflict, "OperationAborted"),
        (Failure::Denied, "AccessDenied"),
        (Failure::Timeout(Duration::from_secs(2)), "none"),
        (Failure::Disconnect, "none"),
    ] {
        faults.add(Rule::before(
            Trigger::Operation("s3:GetBucketPolicy".to_owned()),
            failure,
        ));
        assert_eq!(read().await, wanted, "{failure:?}");
        assert_eq!(read().await, "answered");
        faults.clear();
    }

    // After the effect: the bucket is tagged although the client was told otherwise.
    faults.reset();
    let tag = |value: &str| {
        let tag = s3::Tag::builder()
            .key("k")
            .value(value)
            .build()
            .expect("tag");
        let tags = s3::Tagging::builder().tag_set(tag).build().expect("tags");
        s3.put_bucket_tagging()
            .bucket(&bench.estate.bucket)
            .tagging(tags)
            .send()
    };
    let value = async || {
        let got = s3
            .get_bucket_tagging()
            .bucket(&bench.estate.bucket)
            .send()
            .await
            .expect("tags");
        got.tag_set.into_iter().next().map(|tag| tag.value)
    };
    faults.add(Rule::after(Trigger::Write(1), Failure::Status(500)));
    assert!(tag("1").await.is_err());
    assert_eq!(value().await.as_deref(), Some("1"));
    faults.add(Rule::before(Trigger::Write(2), Failure::StaleReads(1)));
    tag("2").await.expect("tagged");
    assert_eq!(value().await.as_deref(), Some("1"));
    assert_eq!(value().await.as_deref(), Some("2"));
    faults.add(Rule::after(
        Trigger::Operation("s3:Put*".to_owned()),
        Failure::Kill,
    ));
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
    assert_eq!(
        (first.name.as_str(), first.status, first.effect),
        ("s3:PutBucketTagging", Some(500), Some(204))
    );
    assert_eq!(
        (first.is_write, &first.resource),
        (true, &bench.estate.bucket)
    );
    assert_eq!(faults.counted(), (7, 3));
    assert!(faults.round_trips() >= 6);
}
