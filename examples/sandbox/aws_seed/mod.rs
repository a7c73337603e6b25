//! Makes AWS estates in the sandbox and acts in them as different principals.
//!
//! [`World`] gives clients and sessions of one endpoint; [`Estate`] is one AWS account with the
//! people, the insecure set-up of the vendor's documented example, or nothing but the people.

mod signed;
mod world;

use anyhow::{Context, Result};
use aws_credential_types::Credentials;
use aws_sdk_s3::types as s3;
use serde_json::{Value, json};

pub use world::{CallError, World};

/// The account that Databricks delivers from, and the role it delivers with (Databricks
/// documentation, "Configure audit log delivery", step 2: create the credential).
pub const DATABRICKS_AWS_ACCOUNT: &str = "414351767826";
/// The name of that role.
pub const DATABRICKS_DELIVERY_ROLE: &str = "SaasUsageDeliveryRole-prod-IAMRole-3PLHICCRR1TK";
/// A foreign account that the insecure bucket policy lets read.
pub const FOREIGN_READER_ACCOUNT: &str = "999988887777";

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
        let delivery = [
            "s3:GetObject",
            "s3:GetObjectVersion",
            "s3:PutObject",
            "s3:DeleteObject",
            "s3:ListBucket",
            "s3:GetBucketLocation",
        ];
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
        let tag = aws_sdk_iam::types::Tag::builder().key(key).value(value).build()?;
        let call = self.world.iam(&self.root()).tag_role().role_name(role).tags(tag);
        call.send().await.map(drop).map_err(CallError::of("TagRole")).map_err(Into::into)
    }
}

fn incomplete(operation: &'static str, error: &dyn std::error::Error) -> CallError {
    CallError { operation, status: None, code: "NoRequest".to_owned(), message: error.to_string() }
}
