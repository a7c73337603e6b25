//! The sandbox's AWS keeps the rules of AWS that the tool's tests rely on.

mod faults;
mod names;
mod rules;

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types as s3;
use serde_json::{Value, json};

use super::super::aws_seed::{Estate, World};
use super::super::emulator::Emulator;
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
        let proxy = AwsProxy::start(&emulator.url(), options).await.expect("proxy");
        let account = emulator.fresh_account();
        let estate = Estate::new(&proxy.quiet_url(), &account, DATABRICKS_ACCOUNT, "us-east-1");
        estate.seed_insecure().await.expect("seed");
        let admin = estate.session("PlatformAdmin", false).await.expect("session");
        Self { emulator, proxy, estate, admin }
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let config = World::new(self.proxy.url(), "us-east-1").s3(&self.admin).config().to_builder();
        let once = aws_sdk_s3::config::retry::RetryConfig::disabled();
        let limit = Duration::from_millis(500);
        let limit = aws_sdk_s3::config::timeout::TimeoutConfig::builder().operation_timeout(limit);
        aws_sdk_s3::Client::from_conf(config.retry_config(once).timeout_config(limit.build()).build())
    }

    fn kms(&self) -> aws_sdk_kms::Client {
        self.estate.world.kms(&self.admin)
    }

    fn arn(&self, role: &str) -> String {
        self.estate.role_arn(role)
    }

    /// A key policy for the administrator and one user through S3.
    fn key_policy(&self, user: &str) -> String {
        let admin = ["kms:PutKeyPolicy", "kms:Describe*", "kms:Get*", "kms:DisableKey", "kms:EnableKey"];
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
        let created = self.kms().create_key().policy(self.key_policy(user)).send().await.expect("key");
        created.key_metadata.and_then(|key| key.arn).expect("arn")
    }

    async fn encrypt_with(&self, key: &str) {
        let default = s3::ServerSideEncryptionByDefault::builder();
        let default = default.sse_algorithm(s3::ServerSideEncryption::AwsKms).kms_master_key_id(key);
        let rule = s3::ServerSideEncryptionRule::builder().bucket_key_enabled(true);
        let rule = rule.apply_server_side_encryption_by_default(default.build().expect("default")).build();
        let rules = s3::ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("rules");
        let put = self.s3().put_bucket_encryption().bucket(&self.estate.bucket);
        put.server_side_encryption_configuration(rules).send().await.expect("encryption");
    }

    /// The code that PutBucketPolicy answers for one statement.
    async fn policy_code(&self, statement: Value) -> String {
        let policy = json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string();
        let put = self.s3().put_bucket_policy().bucket(&self.estate.bucket).policy(policy).send().await;
        put.map_or_else(|error| error.code().unwrap_or("none").to_owned(), |_| "accepted".to_owned())
    }
}
