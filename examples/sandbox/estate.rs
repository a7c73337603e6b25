//! One estate: an AWS account and a Databricks account, with the faults that both share.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use aws_credential_types::Credentials;

use super::aws_proxy::{AwsProxy, Options as ProxyOptions};
use super::aws_seed::{Estate, Insecure};
use super::databricks::{DatabricksSim, LogDelivery, Options as SimOptions};
use super::emulator::Emulator;
use super::faults::Faults;

/// Every wait of the tool is divided by this in the sandbox: half an hour takes two seconds.
pub const SPEED: u32 = 1000;
pub const REGION: &str = "us-east-1";
pub const WORKSPACE: i64 = 1_234_567_890;

/// A running estate.
pub struct Sandbox {
    pub emulator: Arc<Emulator>,
    pub proxy: AwsProxy,
    pub databricks: DatabricksSim,
    pub aws: Estate,
    pub faults: Faults,
    pub insecure: Option<Insecure>,
    pub metastore: String,
}

impl Sandbox {
    /// A fresh pair of accounts with people, workspaces and a metastore, and nothing of the audit delivery.
    pub async fn empty(emulator: Arc<Emulator>) -> Result<Self> {
        let sandbox = Self::bare(emulator).await?;
        sandbox.aws.seed_people().await?;
        Ok(sandbox)
    }

    /// The vendor's documented example as it is found in the field, with a forgotten second delivery.
    pub async fn insecure(emulator: Arc<Emulator>) -> Result<Self> {
        let mut sandbox = Self::bare(emulator).await?;
        let insecure = sandbox.aws.seed_insecure().await?;
        for (name, role, bucket) in [
            ("audit logs", &insecure.role_arn, &sandbox.aws.bucket),
            ("old audit logs", &insecure.second_role_arn, &insecure.second_bucket),
        ] {
            let credential = sandbox.databricks.seed_credential(name, role);
            let storage = sandbox.databricks.seed_storage(name, bucket);
            let mut config = LogDelivery::delivered(name, &credential, &storage, "");
            config.delivers = true;
            sandbox.databricks.seed_log_delivery(config);
        }
        sandbox.insecure = Some(insecure);
        Ok(sandbox)
    }

    async fn bare(emulator: Arc<Emulator>) -> Result<Self> {
        let account = emulator.fresh_account();
        let databricks_account = format!("0d26daa6-5e44-4c97-a497-{account}");
        let faults = Faults::new();
        let proxy = AwsProxy::start(
            &emulator.url(),
            ProxyOptions { faults: faults.clone(), page_size: Some(3), ..ProxyOptions::default() },
        )
        .await?;
        let quiet = proxy.quiet_url();
        let databricks =
            DatabricksSim::start(SimOptions::new(&databricks_account, &quiet, REGION, faults.clone())).await?;
        let metastore = databricks.seed_metastore("main", "metastore-admins", REGION);
        databricks.seed_workspace(WORKSPACE, "production", REGION, Some(&metastore));
        databricks.seed_group("audit-readers", &[]);
        databricks.seed_group("interns", &[]);
        databricks.seed_system_schema(&metastore, "access", "AVAILABLE");
        let aws = Estate::new(&quiet, &account, &databricks_account, REGION);
        Ok(Self { emulator, proxy, databricks, aws, faults, insecure: None, metastore })
    }

    /// The smallest useful manifest, with the key that is there when there is one.
    pub fn manifest(&self) -> String {
        let Estate { account, databricks_account, bucket, .. } = &self.aws;
        let key = match &self.insecure {
            Some(insecure) => format!("\n[key]\narn = \"{}\"\n", insecure.key_arn),
            None => String::new(),
        };
        format!(
            r#"version = 1

[databricks]
account_id = "{databricks_account}"

[aws]
account_id = "{account}"
region     = "{REGION}"

[delivery]
bucket     = "{bucket}"
prefix     = "audit"
undeclared = "disable"   # a log delivery that no manifest declares is switched off, not only reported
{key}
[readers.security-analysts]
role = "arn:aws:iam::{account}:role/SecurityAnalyst"
mfa  = true

[readers.audit-team]
databricks_group = "audit-readers"

[admins.platform]
role = "arn:aws:iam::{account}:role/PlatformAdmin"

[admins.second]
role = "arn:aws:iam::{account}:role/SecondAdmin"

[workspaces.production]
verbose_audit_logs = true
"#
        )
    }

    /// Writes the manifest as `acme.toml` into a directory.
    pub fn write_manifest(&self, directory: &Path) -> Result<()> {
        std::fs::create_dir_all(directory)?;
        std::fs::write(directory.join("acme.toml"), self.manifest())?;
        Ok(())
    }

    /// The environment of the tool: a session of a declared admin, and both endpoints.
    pub fn environment(&self, session: &Credentials) -> BTreeMap<&'static str, String> {
        let (client, secret) = SimOptions::ADMIN;
        BTreeMap::from([
            ("AWS_ACCESS_KEY_ID", session.access_key_id().to_owned()),
            ("AWS_SECRET_ACCESS_KEY", session.secret_access_key().to_owned()),
            ("AWS_SESSION_TOKEN", session.session_token().unwrap_or_default().to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_ENDPOINT_URL", self.proxy.url()),
            ("AUDITSEAL_ENDPOINT_DATABRICKS", self.databricks.url().to_owned()),
            ("DATABRICKS_CLIENT_ID", client.to_owned()),
            ("DATABRICKS_CLIENT_SECRET", secret.to_owned()),
            ("AUDITSEAL_SANDBOX_SPEED", SPEED.to_string()),
        ])
    }
}
