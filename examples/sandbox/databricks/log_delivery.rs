//! Log delivery configurations (SDK `service/billing.py` `LogDeliveryAPI`, docs
//! admin/account-settings/audit-log-delivery): immutable but for `status`, never deleted.

use std::time::Instant;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::call::{Call, Reply};
use super::errors::ApiError;
use super::options::{EmptyReply, Options};
use super::paging;
use super::probe::{Target, Trouble};
use super::server::Shared;
use super::state::{Data, DeliveryState, LogDelivery, now_ms};

/// Enabled configurations of one log type: without a filter, and with a filter for one workspace.
const LIMIT: usize = 2;
/// Longest `config_name` (terraform-provider-databricks `mws/resource_mws_log_delivery.go`).
const NAME_LIMIT: usize = 255;
/// Longest S3 object key.
const KEY_LIMIT: usize = 1024;
const NEVER_TRIED: &str = "There were no log delivery attempts since the config was created.";
/// The message of a status that succeeded.
pub const SUCCEEDED: &str = "The latest attempt of log delivery has succeeded completely.";

#[derive(Deserialize)]
struct Wrapped {
    log_delivery_configuration: Option<NewConfig>,
}

#[derive(Deserialize)]
struct NewConfig {
    #[serde(default)]
    config_name: String,
    #[serde(default)]
    log_type: String,
    #[serde(default)]
    output_format: String,
    #[serde(default)]
    credentials_id: String,
    #[serde(default)]
    storage_configuration_id: String,
    #[serde(default)]
    delivery_path_prefix: String,
    delivery_start_time: Option<String>,
    #[serde(default)]
    workspace_ids_filter: Vec<i64>,
    status: Option<String>,
}

/// `POST /log-delivery`: validation, limits, then the live probe of the bucket.
pub async fn create(call: &Call, shared: &Shared) -> Result<Reply, ApiError> {
    let wrapped: Wrapped = call.json()?;
    let Some(new) = wrapped.log_delivery_configuration else {
        return Err(ApiError::invalid("Missing required field: log_delivery_configuration"));
    };
    let config = new.checked(&shared.options)?;
    let target = {
        let inner = shared.inner();
        if config.enabled {
            within_limits(&inner.data, &config)?;
        }
        target(&inner.data, &config).map_err(ApiError::invalid)?
    };
    if config.enabled && shared.options.probe_on_create {
        shared.probe.deliver(&target).await.map_err(|trouble| match trouble {
            Trouble::Customer(_) => ApiError::invalid(refusal(&target)),
            Trouble::Service(message) => ApiError::new(
                hyper::StatusCode::INTERNAL_SERVER_ERROR,
                "INTERNAL_ERROR",
                format!("Log delivery could not be validated: {message}"),
            ),
        })?;
    }
    let mut inner = shared.inner();
    if config.enabled {
        within_limits(&inner.data, &config)?;
    }
    let reply = wrapped_config(&config, &shared.options);
    inner.data.log_delivery.push(config);
    Ok(Reply::Json(reply))
}

/// What the service says when the probe fails (databricks/terraform-provider-databricks#4258).
fn refusal(target: &Target) -> String {
    format!(
        "Failed to perform putObject operations on s3Bucket:{} with deliveryPathPrefix:{} with the IAM Role:{} \
         provided. Please add all required s3 actions as mentioned in API docs to role policy of your IAM Role.",
        target.bucket, target.prefix, target.role_arn
    )
}

impl NewConfig {
    fn checked(self, options: &Options) -> Result<LogDelivery, ApiError> {
        let format = match self.log_type.as_str() {
            "AUDIT_LOGS" => "JSON",
            "BILLABLE_USAGE" => "CSV",
            "" => return Err(missing("log_type")),
            other => return Err(ApiError::invalid(format!("Invalid log_type: {other}"))),
        };
        if self.output_format != format {
            let message = format!("output_format must be {format} for log_type {}.", self.log_type);
            return Err(ApiError::invalid(message));
        }
        for (name, value) in
            [("credentials_id", &self.credentials_id), ("storage_configuration_id", &self.storage_configuration_id)]
        {
            if value.is_empty() {
                return Err(missing(name));
            }
        }
        if self.config_name.chars().count() > NAME_LIMIT {
            return Err(ApiError::invalid(format!("config_name must not be longer than {NAME_LIMIT} characters.")));
        }
        let prefix = &self.delivery_path_prefix;
        if prefix.starts_with('/') || prefix.ends_with('/') || prefix.len() > KEY_LIMIT {
            let message = "delivery_path_prefix must be a valid S3 object key and must not start or end with a slash.";
            return Err(ApiError::invalid(message));
        }
        let enabled = match self.status.as_deref() {
            None => options.enabled_by_default,
            Some(status) => enabled(status)?,
        };
        if let Some(start) = &self.delivery_start_time {
            check_start(start, &self.log_type)?;
        }
        let now = now_ms();
        Ok(LogDelivery {
            config_id: Uuid::new_v4().to_string(),
            config_name: self.config_name,
            log_type: self.log_type,
            credentials_id: self.credentials_id,
            storage_configuration_id: self.storage_configuration_id,
            delivery_path_prefix: self.delivery_path_prefix,
            delivery_start_time: self.delivery_start_time,
            workspace_ids_filter: self.workspace_ids_filter,
            enabled,
            creation_time: now,
            update_time: now,
            state: DeliveryState::Created,
            message: NEVER_TRIED.to_owned(),
            last_attempt: None,
            last_success: None,
            delivers: true,
            quiet_reads: options.quiet_reads,
            tried: None,
        })
    }
}

fn missing(field: &str) -> ApiError {
    ApiError::invalid(format!("Missing required field: {field}"))
}

fn enabled(status: &str) -> Result<bool, ApiError> {
    match status {
        "ENABLED" => Ok(true),
        "DISABLED" => Ok(false),
        other => Err(ApiError::invalid(format!("Invalid status: {other}"))),
    }
}

/// `YYYY-MM`, from 2019-03 on, for billable usage only.
fn check_start(start: &str, log_type: &str) -> Result<(), ApiError> {
    let valid = jiff::civil::Date::strptime("%Y-%m-%d", format!("{start}-01"));
    let late_enough = valid.is_ok_and(|date| date >= jiff::civil::date(2019, 3, 1));
    if log_type != "BILLABLE_USAGE" || !late_enough {
        let message = "delivery_start_time applies to BILLABLE_USAGE, as YYYY-MM, not before 2019-03.";
        return Err(ApiError::invalid(message));
    }
    Ok(())
}

/// The limits of the docstring of `LogDeliveryAPI.create`. Disabled configurations do not count.
fn within_limits(data: &Data, config: &LogDelivery) -> Result<(), ApiError> {
    let others: Vec<&LogDelivery> = data
        .log_delivery
        .iter()
        .filter(|one| one.enabled && one.log_type == config.log_type && one.config_id != config.config_id)
        .collect();
    if config.is_account_level() && others.iter().filter(|one| one.is_account_level()).count() >= LIMIT {
        return Err(ApiError::invalid(format!(
            "There can be at most {LIMIT} enabled account-level log delivery configurations of type {}.",
            config.log_type
        )));
    }
    for id in &config.workspace_ids_filter {
        if others.iter().filter(|one| one.workspace_ids_filter.contains(id)).count() >= LIMIT {
            return Err(ApiError::invalid(format!(
                "Workspace {id} can be in at most {LIMIT} enabled log delivery configurations of type {}.",
                config.log_type
            )));
        }
    }
    Ok(())
}

/// Where and as whom a configuration delivers, or what is missing.
fn target(data: &Data, config: &LogDelivery) -> Result<Target, String> {
    let credential = data.credential(&config.credentials_id);
    let credential =
        credential.ok_or_else(|| format!("Credential with id {} does not exist.", config.credentials_id))?;
    let storage = data
        .storage(&config.storage_configuration_id)
        .ok_or_else(|| format!("Storage configuration with id {} does not exist.", config.storage_configuration_id))?;
    Ok(Target {
        config_id: config.config_id.clone(),
        role_arn: credential.role_arn.clone(),
        bucket: storage.bucket_name.clone(),
        prefix: config.delivery_path_prefix.clone(),
        is_audit: config.log_type == "AUDIT_LOGS",
        // Account-level events are delivered under workspace 0 and to unfiltered configurations only.
        workspaces: if config.is_account_level() { vec![0] } else { config.workspace_ids_filter.clone() },
    })
}

/// `GET /log-delivery` with its filters, page by page.
pub fn list(call: &Call, options: &Options, data: &mut Data) -> Result<Reply, ApiError> {
    let wanted = call.parameter("status").map(enabled).transpose()?;
    let credentials = call.parameter("credentials_id");
    let storage = call.parameter("storage_configuration_id");
    let matching: Vec<String> = data
        .log_delivery
        .iter()
        .filter(|one| wanted.is_none_or(|wanted| one.enabled == wanted))
        .filter(|one| credentials.is_none_or(|id| one.credentials_id == id))
        .filter(|one| storage.is_none_or(|id| one.storage_configuration_id == id))
        .map(|one| one.config_id.clone())
        .collect();
    let size = options.log_delivery_page_size;
    let (page, next) = paging::page(matching, call.parameter("page_token"), size, false)?;
    let shown: Vec<Value> = page.iter().filter_map(|id| data.config_mut(id).map(|one| read(one, options))).collect();
    let mut answer = Map::from_iter([("log_delivery_configurations".to_owned(), Value::Array(shown))]);
    if let Some(next) = next {
        answer.insert("next_page_token".to_owned(), json!(next));
    }
    Ok(Reply::Json(Value::Object(answer)))
}

/// `GET /log-delivery/{id}`.
pub fn get(call: &Call, options: &Options, data: &mut Data) -> Result<Reply, ApiError> {
    let id = call.argument(0);
    let config = data.config_mut(id).ok_or_else(|| unknown(id))?;
    Ok(Reply::Json(json!({ "log_delivery_configuration": read(config, options) })))
}

/// `PATCH /log-delivery/{id}`: only `status`, and re-enabling keeps to the limits.
pub fn patch(call: &Call, options: &Options, data: &mut Data) -> Result<Reply, ApiError> {
    let id = call.argument(0);
    let given: Map<String, Value> = call.json()?;
    let config = data.config(id).ok_or_else(|| unknown(id))?;
    if let Some(other) = given.keys().find(|name| *name != "status") {
        return Err(ApiError::invalid(format!("Only status can be updated, not {other}.")));
    }
    let wanted = enabled(given.get("status").and_then(Value::as_str).ok_or_else(|| missing("status"))?)?;
    if wanted && !config.enabled {
        within_limits(data, config)?;
    }
    if let Some(config) = data.config_mut(id) {
        config.enabled = wanted;
        config.update_time = now_ms();
    }
    Ok(match options.empty_patch_reply {
        EmptyReply::ZeroLength => Reply::Empty(hyper::StatusCode::OK),
        EmptyReply::Object => Reply::Json(json!({})),
    })
}

fn unknown(id: &str) -> ApiError {
    ApiError::not_found(format!("Log delivery configuration with id {id} does not exist."))
}

/// Shows a configuration and counts the reads before its first attempt.
fn read(config: &mut LogDelivery, options: &Options) -> Value {
    config.quiet_reads = config.quiet_reads.saturating_sub(1);
    show(config, options)
}

fn wrapped_config(config: &LogDelivery, options: &Options) -> Value {
    json!({ "log_delivery_configuration": show(config, options) })
}

fn show(config: &LogDelivery, options: &Options) -> Value {
    let mut status = json!({ "status": config.state.as_str(), "message": config.message });
    for (name, time) in
        [("last_attempt_time", config.last_attempt), ("last_successful_attempt_time", config.last_success)]
    {
        insert(&mut status, name, time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()));
    }
    let mut shown = json!({
        "account_id": options.databricks_account_id,
        "config_id": config.config_id,
        "config_name": config.config_name,
        "log_type": config.log_type,
        "output_format": if config.log_type == "AUDIT_LOGS" { "JSON" } else { "CSV" },
        "credentials_id": config.credentials_id,
        "storage_configuration_id": config.storage_configuration_id,
        "delivery_path_prefix": config.delivery_path_prefix,
        "status": config.status(),
        "creation_time": config.creation_time,
        "update_time": config.update_time,
        "log_delivery_status": status,
    });
    insert(&mut shown, "delivery_start_time", config.delivery_start_time.clone());
    if let (false, Some(fields)) = (config.is_account_level(), shown.as_object_mut()) {
        fields.insert("workspace_ids_filter".to_owned(), json!(config.workspace_ids_filter));
    }
    shown
}

fn insert(object: &mut Value, name: &str, value: Option<String>) {
    if let (Some(fields), Some(value)) = (object.as_object_mut(), value) {
        fields.insert(name.to_owned(), Value::String(value));
    }
}

/// Delivers for every enabled configuration whose interval has passed, or for all when forced.
pub async fn attempt_due(shared: &Shared, forced: bool) {
    let _one_at_a_time = shared.attempts.lock().await;
    let now = Instant::now();
    let due: Vec<(String, Result<Target, String>)> = {
        let inner = shared.inner();
        let interval = inner.data.attempt_interval.unwrap_or(shared.options.attempt_interval);
        let waited = |tried: Instant| now.duration_since(tried) >= interval;
        let is_due = |one: &&LogDelivery| {
            one.enabled && one.delivers && (forced || one.quiet_reads == 0 && one.tried.is_none_or(waited))
        };
        let due = inner.data.log_delivery.iter().filter(is_due);
        due.map(|one| (one.config_id.clone(), target(&inner.data, one))).collect()
    };
    for (id, target) in due {
        let result = match target {
            Ok(target) => shared.probe.deliver(&target).await.map_err(|trouble| match trouble {
                Trouble::Customer(reason) => Trouble::Customer(format!("{} ({reason})", refusal(&target))),
                service @ Trouble::Service(_) => service,
            }),
            Err(dangling) => Err(Trouble::Customer(dangling)),
        };
        if let Some(config) = shared.inner().data.config_mut(&id) {
            note(config, result);
        }
    }
}

/// Writes the outcome of an attempt into the status.
fn note(config: &mut LogDelivery, result: Result<(), Trouble>) {
    let now = Timestamp::now();
    config.tried = Some(Instant::now());
    config.quiet_reads = 0;
    config.last_attempt = Some(now);
    (config.state, config.message) = match result {
        Ok(()) => {
            config.last_success = Some(now);
            (DeliveryState::Succeeded, SUCCEEDED.to_owned())
        }
        Err(Trouble::Customer(message)) => (DeliveryState::UserFailure, message),
        Err(Trouble::Service(message)) => (DeliveryState::SystemFailure, message),
    };
}
