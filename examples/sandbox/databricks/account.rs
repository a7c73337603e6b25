//! Credential and storage configurations, workspaces and metastores of the account: bare arrays
//! without paging, no updates (SDK `service/provisioning.py`, `service/catalog.py`).

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Call, Reply};
use super::errors::ApiError;
use super::options::Options;
use super::state::{Credential, Data, Storage, Workspace, now_ms};

/// databricks/terraform-provider-databricks#1586.
pub const STORAGE_LIMIT: usize = 50;

#[derive(Deserialize)]
struct NewCredential {
    #[serde(default)]
    credentials_name: String,
    aws_credentials: Option<AwsCredentials>,
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
struct NewStorage {
    #[serde(default)]
    storage_configuration_name: String,
    root_bucket_info: Option<RootBucket>,
    role_arn: Option<String>,
}

#[derive(Deserialize)]
struct RootBucket {
    bucket_name: Option<String>,
}

/// `POST /credentials`. Names are unique in an account
/// (databricks-industry-solutions/security-analysis-tool#205).
pub fn create_credentials(call: &Call, options: &Options, data: &mut Data) -> Result<Reply, ApiError> {
    let new: NewCredential = call.json()?;
    let name = required("credentials_name", &new.credentials_name)?;
    let role = new.aws_credentials.and_then(|aws| aws.sts_role).and_then(|role| role.role_arn).unwrap_or_default();
    if !is_role_arn(&role) {
        // databricks/terraform-provider-databricks#1424.
        return Err(ApiError::malformed(
            "Failed credential validation checks: please use a valid cross account IAM role with permissions setup \
             correctly",
        ));
    }
    if data.credentials.iter().any(|one| one.credentials_name == name) {
        return Err(ApiError::invalid(format!(
            "Credential configuration name {name} already exists in this account. Try again with a unique name."
        )));
    }
    let created = Credential {
        credentials_id: Uuid::new_v4().to_string(),
        credentials_name: name,
        role_arn: role,
        creation_time: now_ms(),
    };
    let reply = credential(&created, options);
    data.credentials.push(created);
    Ok(Reply::Json(reply))
}

/// `GET /credentials`: a bare array.
pub fn list_credentials(options: &Options, data: &Data) -> Result<Reply, ApiError> {
    Ok(Reply::Json(data.credentials.iter().map(|one| credential(one, options)).collect()))
}

/// `GET /credentials/{id}`.
pub fn get_credentials(call: &Call, options: &Options, data: &Data) -> Result<Reply, ApiError> {
    let found = data.credential(call.argument(0)).map(|one| credential(one, options));
    found.map(Reply::Json).ok_or_else(|| missing("Credential", call.argument(0)))
}

/// `DELETE /credentials/{id}`: answers the deleted object; refused while a workspace uses it.
pub fn delete_credentials(call: &Call, options: &Options, data: &mut Data) -> Result<Reply, ApiError> {
    let id = call.argument(0);
    let found = data.credential(id).map(|one| credential(one, options)).ok_or_else(|| missing("Credential", id))?;
    let workspaces = data.workspaces.iter().any(|one| one.credentials_id.as_deref() == Some(id));
    let deliveries = data.log_delivery.iter().any(|one| one.enabled && one.credentials_id == id);
    refuse_in_use("credential", workspaces, deliveries && options.refuse_delete_in_use)?;
    data.credentials.retain(|one| one.credentials_id != id);
    Ok(Reply::Json(found))
}

/// `POST /storage-configurations`. The bucket is not looked at.
pub fn create_storage(call: &Call, options: &Options, data: &mut Data) -> Result<Reply, ApiError> {
    let new: NewStorage = call.json()?;
    let name = required("storage_configuration_name", &new.storage_configuration_name)?;
    let bucket = new.root_bucket_info.and_then(|bucket| bucket.bucket_name).unwrap_or_default();
    let bucket_name = required("root_bucket_info.bucket_name", &bucket)?;
    if data.storage.iter().any(|one| one.storage_configuration_name == name) {
        return Err(ApiError::invalid(format!(
            "Storage configuration name {name} already exists in this account. Try again with a unique name."
        )));
    }
    let limit = STORAGE_LIMIT + data.more_storage;
    if data.storage.len() >= limit {
        return Err(ApiError::invalid_state(format!(
            "Storage configuration limit exceeded, only {limit} storage configurations are allowed"
        )));
    }
    let created = Storage {
        storage_configuration_id: Uuid::new_v4().to_string(),
        storage_configuration_name: name,
        bucket_name,
        role_arn: new.role_arn,
        creation_time: now_ms(),
    };
    let reply = storage(&created, options);
    data.storage.push(created);
    Ok(Reply::Json(reply))
}

/// `GET /storage-configurations`: a bare array.
pub fn list_storage(options: &Options, data: &Data) -> Result<Reply, ApiError> {
    Ok(Reply::Json(data.storage.iter().map(|one| storage(one, options)).collect()))
}

/// `GET /storage-configurations/{id}`.
pub fn get_storage(call: &Call, options: &Options, data: &Data) -> Result<Reply, ApiError> {
    let found = data.storage(call.argument(0)).map(|one| storage(one, options));
    found.map(Reply::Json).ok_or_else(|| missing("Storage configuration", call.argument(0)))
}

/// `DELETE /storage-configurations/{id}`, as for credentials.
pub fn delete_storage(call: &Call, options: &Options, data: &mut Data) -> Result<Reply, ApiError> {
    let id = call.argument(0);
    let found = data.storage(id).map(|one| storage(one, options));
    let found = found.ok_or_else(|| missing("Storage configuration", id))?;
    let workspaces = data.workspaces.iter().any(|one| one.storage_configuration_id.as_deref() == Some(id));
    let deliveries = data.log_delivery.iter().any(|one| one.enabled && one.storage_configuration_id == id);
    refuse_in_use("storage configuration", workspaces, deliveries && options.refuse_delete_in_use)?;
    data.storage.retain(|one| one.storage_configuration_id != id);
    Ok(Reply::Json(found))
}

/// `GET /workspaces`: a bare array.
pub fn list_workspaces(options: &Options, data: &Data) -> Result<Reply, ApiError> {
    Ok(Reply::Json(data.workspaces.iter().map(|one| workspace(one, options)).collect()))
}

/// `GET /workspaces/{id}`.
pub fn get_workspace(call: &Call, options: &Options, data: &Data) -> Result<Reply, ApiError> {
    Ok(Reply::Json(workspace(named_workspace(call, data)?, options)))
}

/// `GET /metastores`: a wrapped array without paging.
pub fn list_metastores(data: &Data) -> Result<Reply, ApiError> {
    let all: Vec<Value> = data.metastores.iter().map(|one| one.json()).collect();
    Ok(Reply::Json(json!({ "metastores": all })))
}

/// `GET /metastores/{id}`.
pub fn get_metastore(call: &Call, data: &Data) -> Result<Reply, ApiError> {
    let found = data.metastore(call.argument(0)).map(|one| json!({ "metastore_info": one.json() }));
    found.map(Reply::Json).ok_or_else(|| no_metastore(call.argument(0)))
}

/// `GET /metastores/{id}/workspaces`.
pub fn metastore_workspaces(call: &Call, data: &Data) -> Result<Reply, ApiError> {
    let id = call.argument(0);
    data.metastore(id).ok_or_else(|| no_metastore(id))?;
    let assigned = data.workspaces.iter().filter(|one| one.metastore_id.as_deref() == Some(id));
    let ids: Vec<i64> = assigned.map(|one| one.workspace_id).collect();
    Ok(Reply::Json(json!({ "workspace_ids": ids })))
}

/// `GET /workspaces/{id}/metastore`: 404 without an assignment.
pub fn workspace_metastore(call: &Call, data: &Data) -> Result<Reply, ApiError> {
    let workspace = named_workspace(call, data)?;
    let Some(metastore) = &workspace.metastore_id else {
        return Err(ApiError::not_found(format!(
            "No metastore assigned for the workspace {}.",
            workspace.workspace_id
        )));
    };
    Ok(Reply::Json(json!({ "metastore_assignment": {
        "workspace_id": workspace.workspace_id,
        "metastore_id": metastore,
        "default_catalog_name": "main",
    }})))
}

fn named_workspace<'a>(call: &Call, data: &'a Data) -> Result<&'a Workspace, ApiError> {
    let id = call.argument(0);
    let found = id.parse().ok().and_then(|number| data.workspace(number));
    found.ok_or_else(|| ApiError::not_found(format!("Workspace {id} does not exist.")))
}

fn credential(one: &Credential, options: &Options) -> Value {
    json!({
        "account_id": options.databricks_account_id,
        "credentials_id": one.credentials_id,
        "credentials_name": one.credentials_name,
        "aws_credentials": { "sts_role": { "role_arn": one.role_arn } },
        "creation_time": one.creation_time,
    })
}

fn storage(one: &Storage, options: &Options) -> Value {
    let mut value = json!({
        "account_id": options.databricks_account_id,
        "storage_configuration_id": one.storage_configuration_id,
        "storage_configuration_name": one.storage_configuration_name,
        "root_bucket_info": { "bucket_name": one.bucket_name },
        "creation_time": one.creation_time,
    });
    set(&mut value, "role_arn", one.role_arn.as_deref());
    value
}

fn workspace(one: &Workspace, options: &Options) -> Value {
    let mut value = json!({
        "account_id": options.databricks_account_id,
        "workspace_id": one.workspace_id,
        "workspace_name": one.workspace_name,
        "deployment_name": one.deployment_name,
        "aws_region": one.aws_region,
        "cloud": "aws",
        "workspace_status": one.workspace_status,
        "workspace_status_message": "Workspace is running.",
        "pricing_tier": "ENTERPRISE",
        "creation_time": one.creation_time,
    });
    set(&mut value, "credentials_id", one.credentials_id.as_deref());
    set(&mut value, "storage_configuration_id", one.storage_configuration_id.as_deref());
    value
}

/// Sets a field when there is a value; the service leaves absent fields out.
fn set(object: &mut Value, name: &str, value: Option<&str>) {
    if let (Some(fields), Some(value)) = (object.as_object_mut(), value) {
        fields.insert(name.to_owned(), json!(value));
    }
}

fn required(field: &str, value: &str) -> Result<String, ApiError> {
    if value.is_empty() {
        return Err(ApiError::invalid(format!("Missing required field: {field}")));
    }
    Ok(value.to_owned())
}

/// `arn:<partition>:iam::<12 digits>:role/<name>`.
fn is_role_arn(arn: &str) -> bool {
    let mut parts = arn.splitn(6, ':');
    let head = parts.next() == Some("arn") && parts.next().is_some_and(|partition| partition.starts_with("aws"));
    let service = parts.next() == Some("iam") && parts.next() == Some("");
    let account = parts.next().is_some_and(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()));
    head && service && account && parts.next().is_some_and(|name| name.len() > 5 && name.starts_with("role/"))
}

fn missing(kind: &str, id: &str) -> ApiError {
    ApiError::not_found(format!("{kind} with id {id} does not exist in this account."))
}

fn no_metastore(id: &str) -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "METASTORE_DOES_NOT_EXIST", format!("Metastore '{id}' does not exist."))
}

fn refuse_in_use(kind: &str, workspaces: bool, deliveries: bool) -> Result<(), ApiError> {
    let user = match (workspaces, deliveries) {
        (false, false) => return Ok(()),
        (true, _) => "a workspace",
        (false, true) => "an enabled log delivery configuration",
    };
    Err(ApiError::invalid_state(format!("The {kind} cannot be deleted because it is used by {user}.")))
}
