//! Makes AWS estates in the sandbox and acts in them as different principals.
//!
//! [`World`] gives clients and sessions of one endpoint; [`Estate`] is one AWS account with the
//! people, the insecure set-up of the vendor's documented example, or nothing but the people.

use std::time::Duration;

use anyhow::{Context, Result};
use aws_credential_types::Credentials;
use aws_sdk_iam::types::Tag as IamTag;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types as s3;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use serde_json::{Value, json};

/// The account that Databricks delivers from, and the role it delivers with (Databricks
/// documentation, "Configure audit log delivery", step 2: create the credential).
pub const DATABRICKS_AWS_ACCOUNT: &str = "414351767826";
/// The name of that role.
pub const DATABRICKS_DELIVERY_ROLE: &str = "SaasUsageDeliveryRole-prod-IAMRole-3PLHICCRR1TK";
/// A foreign account that the insecure bucket policy lets read.
pub const FOREIGN_READER_ACCOUNT: &str = "999988887777";

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
    fn of<E: ProvideErrorMetadata>(operation: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Self {
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

/// A trust policy for one principal with an optional condition.
fn trust_of(principal: &Value, condition: Option<Value>) -> Value {
    let mut statement = json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" });
    if let (Some(condition), Some(fields)) = (condition, statement.as_object_mut()) {
        fields.insert("Condition".to_owned(), condition);
    }
    json!({ "Version": "2012-10-17", "Statement": [statement] })
}

/// An identity policy of (comma-separated actions, resource) allows.
fn policy_of(allows: &[(&str, &str)]) -> Value {
    let statement = |(actions, resource): &(&str, &str)| {
        let actions: Vec<&str> = actions.split(',').collect();
        json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
    };
    json!({ "Version": "2012-10-17", "Statement": allows.iter().map(statement).collect::<Vec<_>>() })
}

/// One AWS account of the sandbox.
#[derive(Clone, Debug)]
pub struct Estate {
    pub world: World,
    pub account: String,
    pub databricks_account: String,
    pub region: String,
    pub bucket: String,
}

/// What [`Estate::seed_insecure`] made.
#[derive(Clone, Debug)]
pub struct Insecure {
    pub role_arn: String,
    pub second_bucket: String,
    pub second_role_arn: String,
    pub key_arn: String,
    pub grant_id: String,
}

impl Estate {
    /// An estate at an endpoint (see [`World`]); the bucket gets the account id in its name,
    /// because bucket names are global.
    pub fn new(endpoint: &str, account: &str, databricks_account: &str, region: &str) -> Self {
        Self {
            world: World::new(endpoint, region),
            account: account.to_owned(),
            databricks_account: databricks_account.to_owned(),
            region: region.to_owned(),
            bucket: format!("acme-databricks-audit-{account}"),
        }
    }

    pub fn root(&self) -> Credentials {
        World::root(&self.account)
    }

    /// `arn:aws:iam::ACCOUNT:role/NAME`; the name may carry a path.
    pub fn role_arn(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.account)
    }

    /// A session of a role of this account, got by a user of this account.
    pub async fn session(&self, role: &str, mfa: bool) -> Result<Credentials, CallError> {
        self.world.assume(&self.root(), &self.role_arn(role), None, mfa).await
    }

    /// A session of a role of this account as Databricks gets it.
    pub async fn databricks_session(&self, role_arn: &str) -> Result<Credentials, CallError> {
        self.world.assume_as_databricks(role_arn, &self.databricks_account).await
    }

    /// The empty estate: people's roles, and Databricks' own.
    ///
    /// PlatformAdmin and SecondAdmin are administrators that the declaration names; AccountAdmin is
    /// one that it does not; SecurityAnalyst may be assumed with MFA only and reads everything that
    /// a bucket policy leaves open.
    pub async fn seed_people(&self) -> Result<()> {
        self.world.seed_databricks().await?;
        let root = self.root();
        let own = json!({ "AWS": format!("arn:aws:iam::{}:root", self.account) });
        for admin in ["PlatformAdmin", "SecondAdmin", "AccountAdmin"] {
            self.world.make_role(&root, admin, &trust_of(&own, None), &[("*", "*")]).await?;
        }
        let mfa = json!({ "Bool": { "aws:MultiFactorAuthPresent": "true" } });
        let reads = "s3:GetObject,s3:GetObjectVersion,s3:ListBucket,s3:ListBucketVersions,kms:Decrypt";
        self.world.make_role(&root, "SecurityAnalyst", &trust_of(&own, Some(mfa)), &[(reads, "*")]).await?;
        Ok(())
    }

    /// The vendor's documented example as it is found in the field: works, and is open to many.
    pub async fn seed_insecure(&self) -> Result<Insecure> {
        self.seed_people().await?;
        let root = self.root();
        let databricks = format!("arn:aws:iam::{DATABRICKS_AWS_ACCOUNT}:role/{DATABRICKS_DELIVERY_ROLE}");
        let second_bucket = format!("{}-old", self.bucket);
        let external = || Some(json!({ "StringEquals": { "sts:ExternalId": self.databricks_account } }));
        let whole = |bucket: &str| format!("arn:aws:s3:::{bucket}/*");
        let bucket_arn = |bucket: &str| format!("arn:aws:s3:::{bucket}");

        let objects = "s3:GetObject,s3:PutObject,s3:DeleteObject,s3:PutObjectAcl,s3:AbortMultipartUpload";
        let lists = "s3:ListBucket,s3:GetBucketLocation,s3:ListBucketMultipartUploads,s3:ListMultipartUploadParts";
        for (name, principal, bucket) in [
            ("DatabricksAuditDelivery", databricks.clone(), self.bucket.as_str()),
            // A common wrong choice: Databricks' whole account instead of the delivery role.
            ("DatabricksAuditDeliveryOld", format!("arn:aws:iam::{DATABRICKS_AWS_ACCOUNT}:root"), &second_bucket),
        ] {
            let trust = trust_of(&json!({ "AWS": principal }), external());
            let allows = [(objects, whole(bucket)), (lists, bucket_arn(bucket))];
            let allows = allows.each_ref().map(|(actions, resource)| (*actions, resource.as_str()));
            self.world.make_role(&root, name, &trust, &allows).await?;
        }
        let own = json!({ "AWS": format!("arn:aws:iam::{}:root", self.account) });
        let reads = [("s3:GetObject,s3:ListBucket,kms:Decrypt", "*")];
        self.world.make_role(&root, "ContractorX", &trust_of(&own, None), &reads).await?;

        for bucket in [self.bucket.as_str(), &second_bucket] {
            self.make_insecure_bucket(bucket).await.with_context(|| format!("bucket {bucket}"))?;
        }
        let policy = self.insecure_policy();
        let s3 = self.world.s3(&root);
        let put = s3.put_bucket_policy().bucket(&self.bucket).policy(policy.to_string());
        put.send().await.map_err(CallError::of("PutBucketPolicy"))?;
        let log = format!("workspaceId=0/date=2026-11-22/auditlogs_{}.json", self.account);
        self.world.put_object(&root, &self.bucket, &log, "{\"version\":\"2.0\"}\n").await?;
        let (key_arn, grant_id) = self.make_key_with_grant().await?;
        Ok(Insecure {
            role_arn: self.role_arn("DatabricksAuditDelivery"),
            second_role_arn: self.role_arn("DatabricksAuditDeliveryOld"),
            second_bucket,
            key_arn,
            grant_id,
        })
    }

    /// One public-access flag of four, ACLs in use, versioning suspended, SSE-S3.
    async fn make_insecure_bucket(&self, bucket: &str) -> Result<(), CallError> {
        let s3 = self.world.s3(&self.root());
        let place = (self.region != "us-east-1").then(|| {
            let region = s3::BucketLocationConstraint::from(self.region.as_str());
            s3::CreateBucketConfiguration::builder().location_constraint(region).build()
        });
        let create = s3.create_bucket().bucket(bucket).set_create_bucket_configuration(place);
        create.send().await.map_err(CallError::of("CreateBucket"))?;
        let block = s3::PublicAccessBlockConfiguration::builder().ignore_public_acls(true).build();
        let put = s3.put_public_access_block().bucket(bucket).public_access_block_configuration(block);
        put.send().await.map_err(CallError::of("PutPublicAccessBlock"))?;
        let rule = s3::OwnershipControlsRule::builder().object_ownership(s3::ObjectOwnership::BucketOwnerPreferred);
        let rule = rule.build().map_err(|error| incomplete("PutBucketOwnershipControls", &error))?;
        let controls = s3::OwnershipControls::builder().rules(rule).build();
        let controls = controls.map_err(|error| incomplete("PutBucketOwnershipControls", &error))?;
        let put = s3.put_bucket_ownership_controls().bucket(bucket).ownership_controls(controls);
        put.send().await.map_err(CallError::of("PutBucketOwnershipControls"))?;
        let suspended = s3::VersioningConfiguration::builder().status(s3::BucketVersioningStatus::Suspended).build();
        let put = s3.put_bucket_versioning().bucket(bucket).versioning_configuration(suspended);
        put.send().await.map(drop).map_err(CallError::of("PutBucketVersioning"))
    }

    /// The delivery role on the whole bucket (Terraform's databricks_aws_bucket_policy), and two
    /// readers that nobody declared.
    fn insecure_policy(&self) -> Value {
        let resources = [format!("arn:aws:s3:::{}", self.bucket), format!("arn:aws:s3:::{}/*", self.bucket)];
        let delivery = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket",
            "s3:GetBucketLocation"];
        let foreign = format!("arn:aws:iam::{FOREIGN_READER_ACCOUNT}:root");
        json!({ "Version": "2012-10-17", "Statement": [
            { "Sid": "Grant Databricks Access", "Effect": "Allow", "Action": delivery, "Resource": resources,
              "Principal": { "AWS": self.role_arn("DatabricksAuditDelivery") } },
            { "Sid": "TemporaryAccess", "Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"],
              "Resource": resources, "Principal": { "AWS": [self.role_arn("ContractorX"), foreign] } },
        ] })
    }

    /// A key with the default policy, an alias and a grant that nobody declared.
    async fn make_key_with_grant(&self) -> Result<(String, String), CallError> {
        let kms = self.world.kms(&self.root());
        let created = kms.create_key().description("audit logs").send().await.map_err(CallError::of("CreateKey"))?;
        let arn = created.key_metadata.and_then(|key| key.arn).unwrap_or_default();
        let alias = kms.create_alias().alias_name("alias/databricks-audit-old").target_key_id(&arn);
        alias.send().await.map_err(CallError::of("CreateAlias"))?;
        let grant = kms
            .create_grant()
            .key_id(&arn)
            .name("temporary")
            .grantee_principal(self.role_arn("ContractorX"))
            .operations(aws_sdk_kms::types::GrantOperation::Decrypt);
        let granted = grant.send().await.map_err(CallError::of("CreateGrant"))?;
        Ok((arn, granted.grant_id.unwrap_or_default()))
    }

    /// Tags a role, as an outsider would.
    pub async fn tag_role(&self, role: &str, key: &str, value: &str) -> Result<()> {
        let tag = IamTag::builder().key(key).value(value).build()?;
        let call = self.world.iam(&self.root()).tag_role().role_name(role).tags(tag);
        call.send().await.map(drop).map_err(CallError::of("TagRole")).map_err(Into::into)
    }
}

fn incomplete(operation: &'static str, error: &dyn std::error::Error) -> CallError {
    CallError { operation, status: None, code: "NoRequest".to_owned(), message: error.to_string() }
}

/// Calls `attempt` until it succeeds or `limit` is over; for effects that need a moment.
pub async fn eventually<T, E, F>(limit: Duration, mut attempt: impl FnMut() -> F) -> Result<T, E>
where
    F: Future<Output = Result<T, E>>,
{
    let start = tokio::time::Instant::now();
    loop {
        let result = attempt().await;
        if result.is_ok() || start.elapsed() >= limit {
            return result;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
