//! The delivery itself: the simulator acts as Databricks' AWS account, assumes the customer's role
//! and writes a file into the bucket, against the AWS emulator.
//!
//! Role, external id, key layout and ACL: docs admin/account-settings/audit-log-delivery and
//! terraform-provider-databricks `aws/data_aws_assume_role_policy.go`, `aws/constants.go`.

use std::error::Error;
use std::sync::atomic::{AtomicU32, Ordering};

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ObjectCannedAcl, ServerSideEncryption};
use aws_smithy_http_client::Builder;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;
use serde_json::json;
use tokio::sync::Mutex;

use super::key_policy::{self, KeyUse};
use super::options::Options;

/// Databricks' account and role for usage and audit-log delivery in the `aws` partition.
const DATABRICKS_ACCOUNT: &str = "414351767826";
const DATABRICKS_ROLE: &str = "SaasUsageDeliveryRole-prod-IAMRole-3PLHICCRR1TK";
const SESSION: &str = "databricks-log-delivery";
/// MiniStack takes any secret for the root key of an account, whose id is the account's number.
const ROOT_SECRET: &str = "sandbox";

/// Why a delivery failed.
#[derive(Clone, Debug)]
pub enum Trouble {
    /// The customer's configuration refuses it.
    Customer(String),
    /// The simulator could not reach AWS.
    Service(String),
}

/// One delivery.
#[derive(Clone, Debug)]
pub struct Target {
    pub config_id: String,
    pub role_arn: String,
    pub bucket: String,
    pub prefix: String,
    pub is_audit: bool,
    pub workspaces: Vec<i64>,
}

impl Target {
    /// `[P/]workspaceId=<id>/date=<yyyy-mm-dd>/auditlogs_<internal-id>.json`, and for usage
    /// `[P/]billable-usage/csv/workspaceId=<id>-usageMonth=<month>.csv`.
    fn key(&self, workspace: i64, now: Timestamp) -> String {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        let prefix = &self.prefix;
        if self.is_audit {
            let (date, id) = (now.strftime("%Y-%m-%d"), self.config_id.replace('-', ""));
            format!("{prefix}{slash}workspaceId={workspace}/date={date}/auditlogs_{id}.json")
        } else {
            let month = now.strftime("%Y-%m");
            format!("{prefix}{slash}billable-usage/csv/workspaceId={workspace}-usageMonth={month}.csv")
        }
    }
}

/// Speaks to the emulator as Databricks and as the owner of an account.
pub struct Probe {
    endpoint: String,
    region: String,
    external_id: String,
    http: SharedHttpClient,
    /// Whether Databricks' own role exists.
    prepared: Mutex<bool>,
    /// Deliveries still to be refused as if IAM had not spread a change yet.
    lagging: AtomicU32,
}

impl Probe {
    pub fn new(options: &Options) -> Self {
        Self {
            endpoint: options.aws_endpoint.clone(),
            region: options.region.clone(),
            external_id: options.databricks_account_id.clone(),
            http: Builder::new().build_http(),
            prepared: Mutex::new(false),
            lagging: AtomicU32::new(0),
        }
    }

    /// Refuses the next deliveries, as happens right after IAM changes
    /// (databricks/terraform-provider-databricks#4258).
    pub fn lag(&self, deliveries: u32) {
        self.lagging.store(deliveries, Ordering::SeqCst);
    }

    /// Writes one file for each workspace of the target.
    pub async fn deliver(&self, target: &Target) -> Result<(), Trouble> {
        if self.lagging.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            return Err(Trouble::Customer("AssumeRole: AccessDenied: a change of IAM has not spread yet".to_owned()));
        }
        self.prepare().await?;
        let first_hop = format!("arn:aws:iam::{DATABRICKS_ACCOUNT}:role/{DATABRICKS_ROLE}");
        let databricks = self.assume(root(DATABRICKS_ACCOUNT), &first_hop, None).await?;
        let customer = self.assume(databricks, &target.role_arn, Some(&self.external_id)).await?;
        let region = self.bucket_region(&customer, &target.bucket).await;
        self.check_key(target, &region).await?;
        let config = self.config(customer, &region);
        let builder = aws_sdk_s3::config::Builder::from(&config).force_path_style(true);
        let client = aws_sdk_s3::Client::from_conf(builder.build());
        let now = Timestamp::now();
        for workspace in &target.workspaces {
            let put = client
                .put_object()
                .bucket(&target.bucket)
                .key(target.key(*workspace, now))
                .acl(ObjectCannedAcl::BucketOwnerFullControl)
                .body(ByteStream::from(self.event(target, *workspace, now).into_bytes()));
            put.send().await.map_err(|error| trouble("PutObject", &error))?;
        }
        Ok(())
    }

    /// One audit event, in the delivered JSON lines form (docs: admin/account-settings/audit-logs).
    fn event(&self, target: &Target, workspace: i64, now: Timestamp) -> String {
        if !target.is_audit {
            return format!("workspaceId,timestamp,clusterId,dbus\n{workspace},{now},sandbox,0\n");
        }
        let level = if workspace == 0 { "ACCOUNT_LEVEL" } else { "WORKSPACE_LEVEL" };
        let event = json!({
            "version": "2.0",
            "auditLevel": level,
            "timestamp": now.as_millisecond(),
            "orgId": workspace.to_string(),
            "accountId": self.external_id,
            "workspaceId": workspace,
            "sourceIPAddress": "203.0.113.7",
            "userAgent": "databricks-sim",
            "sessionId": null,
            "userIdentity": { "email": "System-User", "subjectName": null },
            "serviceName": "accounts",
            "actionName": "tokenLogin",
            "requestId": target.config_id,
            "requestParams": { "user": "System-User" },
            "response": { "statusCode": 200, "errorMessage": null, "result": null },
        });
        format!("{event}\n")
    }

    fn config(&self, credentials: Credentials, region: &str) -> SdkConfig {
        let builder = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .endpoint_url(&self.endpoint)
            .http_client(self.http.clone())
            .retry_config(RetryConfig::disabled())
            .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(credentials));
        // The proxy in front of the emulator can tell these requests by the user agent.
        match AppName::new("databricks-sim") {
            Ok(name) => builder.app_name(name).build(),
            Err(_) => builder.build(),
        }
    }

    /// Creates Databricks' role in its account, once. Trust policies that name it are refused by AWS
    /// before it exists.
    pub async fn prepare(&self) -> Result<(), Trouble> {
        let mut prepared = self.prepared.lock().await;
        if *prepared {
            return Ok(());
        }
        let iam = aws_sdk_iam::Client::new(&self.config(root(DATABRICKS_ACCOUNT), &self.region));
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{DATABRICKS_ACCOUNT}:root") },
            "Action": "sts:AssumeRole",
        }]});
        let created = iam.create_role().role_name(DATABRICKS_ROLE).assume_role_policy_document(trust.to_string());
        match created.send().await {
            Ok(_) => {}
            Err(error) if error.code() == Some("EntityAlreadyExists") => {}
            Err(error) => return Err(Trouble::Service(described("CreateRole", &error))),
        }
        let allow = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*",
        }]});
        let put = iam.put_role_policy().role_name(DATABRICKS_ROLE).policy_name("AssumeCustomerRoles");
        let put = put.policy_document(allow.to_string()).send().await;
        put.map_err(|error| Trouble::Service(described("PutRolePolicy", &error)))?;
        *prepared = true;
        Ok(())
    }

    async fn assume(
        &self,
        credentials: Credentials,
        role: &str,
        external_id: Option<&str>,
    ) -> Result<Credentials, Trouble> {
        let sts = aws_sdk_sts::Client::new(&self.config(credentials, &self.region));
        let request = sts.assume_role().role_arn(role).role_session_name(SESSION);
        let request = request.set_external_id(external_id.map(str::to_owned));
        let answer = request.send().await.map_err(|error| trouble("AssumeRole", &error))?;
        let given = answer.credentials.ok_or_else(|| Trouble::Service("AssumeRole gave no credentials".to_owned()))?;
        let (id, secret) = (given.access_key_id, given.secret_access_key);
        Ok(Credentials::new(id, secret, Some(given.session_token), None, "databricks-sim"))
    }

    /// GetBucketLocation, which the documented role policy allows; otherwise the default region.
    async fn bucket_region(&self, credentials: &Credentials, bucket: &str) -> String {
        let config = self.config(credentials.clone(), &self.region);
        let builder = aws_sdk_s3::config::Builder::from(&config).force_path_style(true);
        let client = aws_sdk_s3::Client::from_conf(builder.build());
        let Ok(answer) = client.get_bucket_location().bucket(bucket).send().await else { return self.region.clone() };
        match answer.location_constraint.as_ref().map(|location| location.as_str()) {
            None | Some("") => "us-east-1".to_owned(),
            Some("EU") => "eu-west-1".to_owned(),
            Some(region) => region.to_owned(),
        }
    }

    /// Refuses what the emulator lets pass: a bucket default key that is not usable, or whose
    /// policy does not let the role generate data keys. Read as the owner of the account.
    async fn check_key(&self, target: &Target, region: &str) -> Result<(), Trouble> {
        let Some(account) = account_of(&target.role_arn) else { return Ok(()) };
        let config = self.config(root(account), region);
        let builder = aws_sdk_s3::config::Builder::from(&config).force_path_style(true);
        let s3 = aws_sdk_s3::Client::from_conf(builder.build());
        // A bucket that the owner cannot read is refused or accepted by the PUT itself.
        let Ok(answer) = s3.get_bucket_encryption().bucket(&target.bucket).send().await else { return Ok(()) };
        let rules = answer.server_side_encryption_configuration.map(|all| all.rules).unwrap_or_default();
        let default = rules.into_iter().find_map(|rule| {
            let bucket_key = rule.bucket_key_enabled.unwrap_or_default();
            rule.apply_server_side_encryption_by_default.map(|default| (default, bucket_key))
        });
        let Some((default, bucket_key)) = default else { return Ok(()) };
        if !matches!(default.sse_algorithm, ServerSideEncryption::AwsKms | ServerSideEncryption::AwsKmsDsse) {
            return Ok(());
        }
        // Without a key id it is the key that AWS manages, which serves the account's own roles.
        let Some(key) = default.kms_master_key_id else { return Ok(()) };
        let owner = account_of(&key).unwrap_or(account).to_owned();
        let kms = aws_sdk_kms::Client::new(&self.config(root(&owner), region));
        let described = kms.describe_key().key_id(&key).send().await;
        let metadata = described.map_err(|error| trouble("KMS", &error))?.key_metadata;
        let metadata = metadata.ok_or_else(|| Trouble::Customer(format!("KMS: key {key} not found")))?;
        let state = metadata.key_state.as_ref().map_or("Enabled", |state| state.as_str());
        if state != "Enabled" {
            return Err(Trouble::Customer(format!("KMS: {key} is {state}")));
        }
        if metadata.key_manager.as_ref().is_some_and(|manager| manager.as_str() == "AWS") {
            return Ok(());
        }
        let policy = kms.get_key_policy().key_id(&metadata.key_id).policy_name("default").send().await;
        let policy = policy.map_err(|error| trouble("KMS", &error))?.policy.unwrap_or_default();
        let bucket_arn = format!("arn:aws:s3:::{}", target.bucket);
        let first = target.workspaces.first().copied().unwrap_or_default();
        let object_arn = format!("{bucket_arn}/{}", target.key(first, Timestamp::now()));
        let usage = KeyUse {
            role_arn: &target.role_arn,
            account: &owner,
            role_account: account,
            via_service: &format!("s3.{region}.amazonaws.com"),
            context_arn: if bucket_key { &bucket_arn } else { &object_arn },
        };
        if key_policy::allows(&policy, &usage) {
            return Ok(());
        }
        let role = &target.role_arn;
        Err(Trouble::Customer(format!("KMS: {role} is not authorized to perform kms:GenerateDataKey on {key}")))
    }
}

/// The root key of an account of the emulator.
fn root(account: &str) -> Credentials {
    Credentials::new(account, ROOT_SECRET, None, None, "emulator-root")
}

/// The account number in an ARN.
fn account_of(arn: &str) -> Option<&str> {
    let account = arn.split(':').nth(4)?;
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
}

/// An answer of AWS is the customer's trouble, a missing answer the service's.
fn trouble<E, R>(operation: &str, error: &SdkError<E, R>) -> Trouble
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    let message = described(operation, error);
    match error {
        SdkError::ServiceError(_) | SdkError::ResponseError(_) => Trouble::Customer(message),
        _ => Trouble::Service(message),
    }
}

fn described<E, R>(operation: &str, error: &SdkError<E, R>) -> String
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug,
{
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{operation}: {code}: {message}"),
        (Some(code), None) => format!("{operation}: {code}"),
        _ => format!("{operation}: {}", DisplayErrorContext(error)),
    }
}
