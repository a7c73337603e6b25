//! Clients, sessions and object access at one endpoint.

use aws_credential_types::Credentials;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types as s3;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::{Value, json};

use super::{DATABRICKS_AWS_ACCOUNT, DATABRICKS_DELIVERY_ROLE, policy_of, trust_of};

/// A refused or failed call: what AWS answered.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{operation}: {code} ({status:?}): {message}")]
pub struct CallError {
    pub operation: &'static str,
    /// The HTTP status, or none when no answer came.
    pub status: Option<u16>,
    pub code: String,
    pub message: String,
}

impl CallError {
    pub fn of<E: ProvideErrorMetadata>(operation: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Self {
        move |error| {
            let status = error.raw_response().map(|answer| answer.status().as_u16());
            let code = error.code().unwrap_or("NoAnswer").to_owned();
            let message = error.message().map_or_else(|| error.to_string(), str::to_owned);
            Self { operation, status, code, message }
        }
    }

    /// Whether AWS refused for want of permission.
    pub fn is_denied(&self) -> bool {
        matches!(self.code.as_str(), "AccessDenied" | "AccessDeniedException") || self.status == Some(403)
    }
}

/// Whether a call failed only because what it makes exists.
fn exists(error: &CallError) -> bool {
    matches!(error.code.as_str(), "EntityAlreadyExists" | "BucketAlreadyOwnedByYou" | "AlreadyExistsException")
}

/// Clients and sessions at one endpoint: the quiet URL of a proxy, or the emulator itself (where
/// `aws:SecureTransport` is false).
#[derive(Clone, Debug)]
pub struct World {
    endpoint: String,
    region: String,
    http: SharedHttpClient,
}

impl World {
    pub fn new(endpoint: impl Into<String>, region: impl Into<String>) -> Self {
        let http = aws_smithy_http_client::Builder::new().build_http();
        Self { endpoint: endpoint.into(), region: region.into(), http }
    }

    pub(super) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    pub(super) fn region(&self) -> &str {
        &self.region
    }

    /// The root user of an account: in the emulator a 12-digit access key.
    pub fn root(account: &str) -> Credentials {
        Credentials::new(account, "sandbox", None, None, "sandbox root")
    }

    pub fn s3(&self, credentials: &Credentials) -> aws_sdk_s3::Client {
        aws_sdk_s3::Client::from_conf(self.s3_config(credentials).build())
    }

    fn s3_config(&self, credentials: &Credentials) -> aws_sdk_s3::config::Builder {
        aws_sdk_s3::Config::builder()
            .behavior_version(aws_sdk_s3::config::BehaviorVersion::latest())
            .region(aws_sdk_s3::config::Region::new(self.region.clone()))
            .endpoint_url(&self.endpoint)
            .http_client(self.http.clone())
            .credentials_provider(credentials.clone())
            .force_path_style(true)
    }

    pub fn iam(&self, credentials: &Credentials) -> aws_sdk_iam::Client {
        let config = aws_sdk_iam::Config::builder()
            .behavior_version(aws_sdk_iam::config::BehaviorVersion::latest())
            .region(aws_sdk_iam::config::Region::new("us-east-1"))
            .endpoint_url(&self.endpoint)
            .http_client(self.http.clone())
            .credentials_provider(credentials.clone());
        aws_sdk_iam::Client::from_conf(config.build())
    }

    pub fn kms(&self, credentials: &Credentials) -> aws_sdk_kms::Client {
        let config = aws_sdk_kms::Config::builder()
            .behavior_version(aws_sdk_kms::config::BehaviorVersion::latest())
            .region(aws_sdk_kms::config::Region::new(self.region.clone()))
            .endpoint_url(&self.endpoint)
            .http_client(self.http.clone())
            .credentials_provider(credentials.clone());
        aws_sdk_kms::Client::from_conf(config.build())
    }

    pub fn sts(&self, credentials: &Credentials) -> aws_sdk_sts::Client {
        let config = aws_sdk_sts::Config::builder()
            .behavior_version(aws_sdk_sts::config::BehaviorVersion::latest())
            .region(aws_sdk_sts::config::Region::new(self.region.clone()))
            .endpoint_url(&self.endpoint)
            .http_client(self.http.clone())
            .credentials_provider(credentials.clone());
        aws_sdk_sts::Client::from_conf(config.build())
    }

    /// A session of `role` for `caller`.
    pub async fn assume(
        &self,
        caller: &Credentials,
        role: &str,
        external_id: Option<&str>,
        mfa: bool,
    ) -> Result<Credentials, CallError> {
        let account = role.split(':').nth(4).unwrap_or_default();
        let device = mfa.then(|| format!("arn:aws:iam::{account}:mfa/sandbox"));
        let answer = self
            .sts(caller)
            .assume_role()
            .role_arn(role)
            .role_session_name("sandbox")
            .set_external_id(external_id.map(str::to_owned))
            .set_serial_number(device)
            .set_token_code(mfa.then(|| "123456".to_owned()))
            .send()
            .await
            .map_err(CallError::of("AssumeRole"))?;
        let Some(session) = answer.credentials else {
            let message = "no credentials in the answer".to_owned();
            return Err(CallError { operation: "AssumeRole", status: Some(200), code: "NoAnswer".to_owned(), message });
        };
        let token = Some(session.session_token);
        Ok(Credentials::new(session.access_key_id, session.secret_access_key, token, None, "sandbox session"))
    }

    /// A session of a customer's role as Databricks gets it: from its own delivery role, with the
    /// Databricks account id as external id.
    pub async fn assume_as_databricks(&self, role: &str, external_id: &str) -> Result<Credentials, CallError> {
        let own = format!("arn:aws:iam::{DATABRICKS_AWS_ACCOUNT}:role/{DATABRICKS_DELIVERY_ROLE}");
        let databricks = self.assume(&Self::root(DATABRICKS_AWS_ACCOUNT), &own, None, false).await?;
        self.assume(&databricks, role, Some(external_id), false).await
    }

    /// Writes an object as log delivery does: canned ACL bucket-owner-full-control, a checksum, no
    /// encryption headers.
    pub async fn put_object(&self, who: &Credentials, bucket: &str, key: &str, body: &str) -> Result<(), CallError> {
        self.s3(who)
            .put_object()
            .bucket(bucket)
            .key(key)
            .acl(s3::ObjectCannedAcl::BucketOwnerFullControl)
            .body(ByteStream::from(body.as_bytes().to_vec()))
            .send()
            .await
            .map(drop)
            .map_err(CallError::of("PutObject"))
    }

    /// Writes an object without any checksum, as old SDKs do.
    pub async fn put_object_without_checksum(
        &self,
        who: &Credentials,
        bucket: &str,
        key: &str,
        body: &str,
    ) -> Result<(), CallError> {
        let required = aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired;
        let config = self.s3_config(who).request_checksum_calculation(required).build();
        aws_sdk_s3::Client::from_conf(config)
            .put_object()
            .bucket(bucket)
            .key(key)
            .body(ByteStream::from(body.as_bytes().to_vec()))
            .send()
            .await
            .map(drop)
            .map_err(CallError::of("PutObject"))
    }

    pub async fn get_object(&self, who: &Credentials, bucket: &str, key: &str) -> Result<Vec<u8>, CallError> {
        let answer = self.s3(who).get_object().bucket(bucket).key(key).send().await;
        let body = answer.map_err(CallError::of("GetObject"))?.body.collect().await;
        body.map(|bytes| bytes.to_vec()).map_err(|error| CallError {
            operation: "GetObject",
            status: None,
            code: "NoAnswer".to_owned(),
            message: error.to_string(),
        })
    }

    /// Deletes an object, or one version of it.
    pub async fn delete_object(
        &self,
        who: &Credentials,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(), CallError> {
        let call = self.s3(who).delete_object().bucket(bucket).key(key);
        let call = call.set_version_id(version.map(str::to_owned));
        call.send().await.map(drop).map_err(CallError::of("DeleteObject"))
    }

    pub async fn list_objects(&self, who: &Credentials, bucket: &str, prefix: &str) -> Result<Vec<String>, CallError> {
        let call = self.s3(who).list_objects_v2().bucket(bucket).prefix(prefix);
        let answer = call.send().await.map_err(CallError::of("ListObjectsV2"))?;
        Ok(answer.contents.unwrap_or_default().into_iter().filter_map(|object| object.key).collect())
    }

    /// The role that Databricks delivers with, in its own account. Shared by all estates of an
    /// emulator.
    pub async fn seed_databricks(&self) -> Result<(), CallError> {
        let root = Self::root(DATABRICKS_AWS_ACCOUNT);
        let trust = trust_of(&json!({ "AWS": format!("arn:aws:iam::{DATABRICKS_AWS_ACCOUNT}:root") }), None);
        self.make_role(&root, DATABRICKS_DELIVERY_ROLE, &trust, &[("sts:AssumeRole", "*")]).await
    }

    /// Makes a role with an inline policy of (comma-separated actions, resource) allows; a role
    /// that exists keeps its trust.
    pub async fn make_role(
        &self,
        who: &Credentials,
        name: &str,
        trust: &Value,
        allows: &[(&str, &str)],
    ) -> Result<(), CallError> {
        let iam = self.iam(who);
        let create = iam.create_role().role_name(name).assume_role_policy_document(trust.to_string());
        match create.send().await.map_err(CallError::of("CreateRole")) {
            Err(error) if !exists(&error) => return Err(error),
            _ => {}
        }
        let put = iam.put_role_policy().role_name(name).policy_name("inline");
        let put = put.policy_document(policy_of(allows).to_string());
        put.send().await.map(drop).map_err(CallError::of("PutRolePolicy"))
    }
}
