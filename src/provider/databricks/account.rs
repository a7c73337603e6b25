//! The operations of the account API: credential and storage configurations, log delivery, workspaces, metastores.
//! Requests and answers: docs.databricks.com/api/account, databricks-sdk-py `service/{billing,provisioning,catalog}.py`.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{DatabricksClient, decode};
use super::endpoint::Target;
use super::error::Failure;
use super::page::Paging;
use crate::call::WriteOutcome;
use crate::model::databricks::{Credential, DeliveryHealth, LogDelivery, Metastore, StorageConfiguration, Workspace};
use crate::model::reference::Output;

#[derive(Deserialize)]
struct CredentialAnswer {
    credentials_id: String,
    credentials_name: Option<String>,
    aws_credentials: Option<AwsCredentials>,
    creation_time: Option<i64>,
}

#[derive(Deserialize)]
struct AwsCredentials {
    sts_role: Option<StsRole>,
}

#[derive(Deserialize)]
struct StsRole {
    role_arn: Option<String>,
}

#[derive(Deserialize)]
struct StorageAnswer {
    storage_configuration_id: String,
    storage_configuration_name: Option<String>,
    root_bucket_info: Option<RootBucket>,
    creation_time: Option<i64>,
}

#[derive(Deserialize)]
struct RootBucket {
    bucket_name: Option<String>,
}

/// What decides about slots, identity and state is required: an answer without it is not understood.
#[derive(Deserialize)]
struct LogDeliveryAnswer {
    config_id: String,
    config_name: Option<String>,
    log_type: String,
    output_format: Option<String>,
    credentials_id: Option<String>,
    storage_configuration_id: Option<String>,
    delivery_path_prefix: Option<String>,
    workspace_ids_filter: Option<Vec<i64>>,
    status: String,
    creation_time: Option<i64>,
    log_delivery_status: Option<HealthAnswer>,
}

#[derive(Deserialize)]
struct HealthAnswer {
    status: Option<String>,
    message: Option<String>,
    last_attempt_time: Option<String>,
    last_successful_attempt_time: Option<String>,
}

#[derive(Deserialize)]
struct WorkspaceAnswer {
    workspace_id: i64,
    workspace_name: Option<String>,
    deployment_name: Option<String>,
    aws_region: Option<String>,
    workspace_status: Option<String>,
    storage_configuration_id: Option<String>,
}

#[derive(Deserialize)]
struct MetastoreAnswer {
    metastore_id: String,
    name: Option<String>,
    region: Option<String>,
    owner: Option<String>,
    storage_root: Option<String>,
}

impl From<CredentialAnswer> for Credential {
    fn from(answer: CredentialAnswer) -> Self {
        let role = answer.aws_credentials.and_then(|aws| aws.sts_role).and_then(|role| role.role_arn);
        Self {
            credentials_id: answer.credentials_id,
            credentials_name: answer.credentials_name.unwrap_or_default(),
            role_arn: role.unwrap_or_default(),
            creation_time: answer.creation_time.unwrap_or_default(),
        }
    }
}

impl From<StorageAnswer> for StorageConfiguration {
    fn from(answer: StorageAnswer) -> Self {
        Self {
            storage_configuration_id: answer.storage_configuration_id,
            storage_configuration_name: answer.storage_configuration_name.unwrap_or_default(),
            bucket_name: answer.root_bucket_info.and_then(|root| root.bucket_name).unwrap_or_default(),
            creation_time: answer.creation_time.unwrap_or_default(),
        }
    }
}

impl From<LogDeliveryAnswer> for LogDelivery {
    fn from(answer: LogDeliveryAnswer) -> Self {
        let mut workspaces = answer.workspace_ids_filter.unwrap_or_default();
        workspaces.sort_unstable();
        workspaces.dedup();
        Self {
            config_id: answer.config_id,
            config_name: answer.config_name.unwrap_or_default(),
            log_type: answer.log_type,
            output_format: answer.output_format.unwrap_or_default(),
            credentials_id: answer.credentials_id.unwrap_or_default(),
            storage_configuration_id: answer.storage_configuration_id.unwrap_or_default(),
            delivery_path_prefix: answer.delivery_path_prefix.unwrap_or_default(),
            workspace_ids_filter: workspaces,
            status: answer.status,
            creation_time: answer.creation_time.unwrap_or_default(),
            delivery: answer.log_delivery_status.map(DeliveryHealth::from),
        }
    }
}

impl From<HealthAnswer> for DeliveryHealth {
    fn from(answer: HealthAnswer) -> Self {
        let time = |text: Option<String>| text.filter(|text| !text.is_empty());
        Self {
            status: answer.status.unwrap_or_default(),
            message: super::error::tidy(&answer.message.unwrap_or_default()),
            last_attempt_time: time(answer.last_attempt_time),
            last_successful_attempt_time: time(answer.last_successful_attempt_time),
        }
    }
}

impl From<WorkspaceAnswer> for Workspace {
    fn from(answer: WorkspaceAnswer) -> Self {
        Self {
            workspace_id: answer.workspace_id,
            workspace_name: answer.workspace_name.unwrap_or_default(),
            deployment_name: answer.deployment_name.unwrap_or_default(),
            region: answer.aws_region.unwrap_or_default(),
            status: answer.workspace_status.unwrap_or_default(),
            storage_configuration_id: answer.storage_configuration_id.filter(|id| !id.is_empty()),
        }
    }
}

impl From<MetastoreAnswer> for Metastore {
    fn from(answer: MetastoreAnswer) -> Self {
        Self {
            metastore_id: answer.metastore_id,
            name: answer.name.unwrap_or_default(),
            region: answer.region.unwrap_or_default(),
            owner: answer.owner.unwrap_or_default(),
            storage_root: answer.storage_root.filter(|root| !root.is_empty()),
        }
    }
}

/// Lists are sorted by id: the service promises no order, and equal states have equal answers.
fn sorted<A: Into<T>, T: Ord>(answers: Vec<A>) -> Vec<T> {
    let mut items: Vec<T> = answers.into_iter().map(Into::into).collect();
    items.sort();
    items
}

impl DatabricksClient {
    pub(super) async fn credentials(&self) -> Result<Vec<Credential>, Failure> {
        self.account_list::<CredentialAnswer>(&["credentials"], Paging::Array).await.map(sorted)
    }

    pub(super) async fn storage_configurations(&self) -> Result<Vec<StorageConfiguration>, Failure> {
        self.account_list::<StorageAnswer>(&["storage-configurations"], Paging::Array).await.map(sorted)
    }

    pub(super) async fn log_deliveries(&self) -> Result<Vec<LogDelivery>, Failure> {
        let paging = Paging::Token("log_delivery_configurations");
        self.account_list::<LogDeliveryAnswer>(&["log-delivery"], paging).await.map(sorted)
    }

    pub(super) async fn workspaces(&self) -> Result<Vec<Workspace>, Failure> {
        self.account_list::<WorkspaceAnswer>(&["workspaces"], Paging::Array).await.map(sorted)
    }

    pub(super) async fn metastores(&self) -> Result<Vec<Metastore>, Failure> {
        self.account_list::<MetastoreAnswer>(&["metastores"], Paging::Field("metastores")).await.map(sorted)
    }

    pub(super) async fn metastore_workspaces(&self, metastore: &str) -> Result<Vec<i64>, Failure> {
        let path = ["metastores", metastore, "workspaces"];
        self.account_list::<i64>(&path, Paging::Field("workspace_ids")).await.map(sorted)
    }

    async fn account_list<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        paging: Paging,
    ) -> Result<Vec<T>, Failure> {
        self.list(&Target::Account, self.hosts().account_url(path)?, paging).await
    }

    pub(super) async fn create_credential(&self, name: &str, role_arn: &str) -> Result<WriteOutcome, Failure> {
        let body = json!({
            "credentials_name": name,
            "aws_credentials": { "sts_role": { "role_arn": role_arn } },
        });
        let answer: CredentialAnswer = decode(self.create(&["credentials"], body).await?)?;
        Ok(gives(Output::CredentialsId, answer.credentials_id))
    }

    pub(super) async fn create_storage_configuration(&self, name: &str, bucket: &str) -> Result<WriteOutcome, Failure> {
        let body = json!({
            "storage_configuration_name": name,
            "root_bucket_info": { "bucket_name": bucket },
        });
        let answer: StorageAnswer = decode(self.create(&["storage-configurations"], body).await?)?;
        Ok(gives(Output::StorageConfigurationId, answer.storage_configuration_id))
    }

    /// `ids` are those of the credential and of the storage configuration.
    pub(super) async fn create_log_delivery(
        &self,
        name: &str,
        ids: (&str, &str),
        prefix: &str,
        workspaces: &[i64],
    ) -> Result<WriteOutcome, Failure> {
        let body = log_delivery_body(name, ids, prefix, workspaces);
        let mut answer = self.create(&["log-delivery"], body).await?;
        let inner = answer.get_mut("log_delivery_configuration").map(Value::take).unwrap_or_default();
        let answer: LogDeliveryAnswer = decode(inner)?;
        Ok(gives(Output::LogDeliveryId, answer.config_id))
    }

    /// The only field of a configuration that can change; the answer is empty.
    pub(super) async fn set_log_delivery_status(&self, id: &str, status: &str) -> Result<WriteOutcome, Failure> {
        let url = self.hosts().account_url(&["log-delivery", id])?;
        self.call(&Target::Account, Method::PATCH, url, Some(json!({ "status": status }))).await?;
        Ok(WriteOutcome::default())
    }

    async fn create(&self, path: &[&str], body: Value) -> Result<Value, Failure> {
        let url = self.hosts().account_url(path)?;
        self.call(&Target::Account, Method::POST, url, Some(body)).await?.json()
    }
}

/// `status` is always sent: its default on creation is not reliable (databricks-sdk-go `internal/billing_test.go` reads
/// back `DISABLED`). An empty filter is left out, which means the whole account; so does an empty prefix, the bucket root.
fn log_delivery_body(name: &str, (credentials, storage): (&str, &str), prefix: &str, workspaces: &[i64]) -> Value {
    let mut body = json!({
        "log_type": "AUDIT_LOGS",
        "output_format": "JSON",
        "status": "ENABLED",
        "config_name": name,
        "credentials_id": credentials,
        "storage_configuration_id": storage,
    });
    if let Some(fields) = body.as_object_mut() {
        if !prefix.is_empty() {
            fields.insert("delivery_path_prefix".to_owned(), json!(prefix));
        }
        if !workspaces.is_empty() {
            fields.insert("workspace_ids_filter".to_owned(), json!(workspaces));
        }
    }
    json!({ "log_delivery_configuration": body })
}

fn gives(output: Output, value: String) -> WriteOutcome {
    WriteOutcome { outputs: [(output, value)].into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delivery(value: Value) -> Result<LogDelivery, Failure> {
        decode::<LogDeliveryAnswer>(value).map(LogDelivery::from)
    }

    #[test]
    fn a_log_delivery_is_normalised() {
        let found = delivery(json!({
            "config_id": "c", "log_type": "AUDIT_LOGS", "status": "PAUSED_BY_SOMEONE", "workspace_ids_filter": [3, 1, 3],
            "delivery_path_prefix": null, "unknown": {"new": 1},
            "log_delivery_status": {"status": "CREATED", "message": "no\nattempt", "last_attempt_time": ""},
        }))
        .unwrap();
        assert_eq!(found.workspace_ids_filter, [1, 3]);
        assert_eq!(found.status, "PAUSED_BY_SOMEONE");
        assert_eq!(found.delivery_path_prefix, "");
        let health = found.delivery.unwrap();
        assert_eq!((health.message.as_str(), health.last_attempt_time), ("no attempt", None));
    }

    #[test]
    fn a_log_delivery_without_its_state_is_not_understood() {
        let whole = json!({"config_id": "c", "log_type": "AUDIT_LOGS", "status": "ENABLED"});
        assert!(delivery(whole.clone()).is_ok());
        for field in ["config_id", "log_type", "status"] {
            let mut part = whole.clone();
            part.as_object_mut().unwrap().remove(field);
            assert!(delivery(part).is_err(), "{field}");
        }
    }

    #[test]
    fn nested_identities_are_found_and_their_absence_is_tolerated() {
        let role =
            json!({"credentials_id": "c", "aws_credentials": {"sts_role": {"role_arn": "r", "external_id": "x"}}});
        assert_eq!(Credential::from(decode::<CredentialAnswer>(role).unwrap()).role_arn, "r");
        let bare = json!({"credentials_id": "c", "creation_time": 5});
        let bare = Credential::from(decode::<CredentialAnswer>(bare).unwrap());
        assert_eq!((bare.role_arn.as_str(), bare.creation_time), ("", 5));
        let storage = json!({"storage_configuration_id": "s", "root_bucket_info": {"bucket_name": "b"}});
        assert_eq!(StorageConfiguration::from(decode::<StorageAnswer>(storage).unwrap()).bucket_name, "b");
    }

    #[test]
    fn a_new_delivery_says_everything_that_matters() {
        let body = log_delivery_body("n", ("c", "s"), "", &[]);
        insta::assert_json_snapshot!(body, @r#"
        {
          "log_delivery_configuration": {
            "config_name": "n",
            "credentials_id": "c",
            "log_type": "AUDIT_LOGS",
            "output_format": "JSON",
            "status": "ENABLED",
            "storage_configuration_id": "s"
          }
        }
        "#);
        let body = log_delivery_body("n", ("c", "s"), "audit", &[7]);
        assert_eq!(body["log_delivery_configuration"]["delivery_path_prefix"], "audit");
        assert_eq!(body["log_delivery_configuration"]["workspace_ids_filter"], json!([7]));
    }
}
