//! What Databricks says. Field names follow the account and workspace REST APIs.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A credential configuration: the role that Databricks assumes to write. Immutable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Credential {
    pub credentials_id: String,
    pub credentials_name: String,
    pub role_arn: String,
    /// Milliseconds since the epoch.
    pub creation_time: i64,
}

/// A storage configuration: the bucket that Databricks writes to. Immutable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StorageConfiguration {
    pub storage_configuration_id: String,
    pub storage_configuration_name: String,
    pub bucket_name: String,
    pub creation_time: i64,
}

/// A log-delivery configuration. Only `status` can change; there is no delete.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LogDelivery {
    pub config_id: String,
    pub config_name: String,
    /// `AUDIT_LOGS` or `BILLABLE_USAGE`.
    pub log_type: String,
    pub output_format: String,
    pub credentials_id: String,
    pub storage_configuration_id: String,
    pub delivery_path_prefix: String,
    /// Sorted; empty means account level.
    pub workspace_ids_filter: Vec<i64>,
    /// `ENABLED` or `DISABLED`.
    pub status: String,
    pub creation_time: i64,
    pub delivery: Option<DeliveryHealth>,
}

/// `log_delivery_status`: how the last attempt went.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DeliveryHealth {
    /// `CREATED`, `SUCCEEDED`, `USER_FAILURE`, `SYSTEM_FAILURE`, `NOT_FOUND`.
    pub status: String,
    pub message: String,
    /// UTC, as Databricks writes it; absent before the first attempt.
    pub last_attempt_time: Option<String>,
    pub last_successful_attempt_time: Option<String>,
}

/// A time of `log_delivery_status`: Databricks writes UTC, seen with and without an offset. `None` when it is no time.
#[must_use]
pub fn parse_time(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| {
        let trimmed = text.trim_end_matches("UTC").trim();
        let civil: jiff::civil::DateTime = trimmed.replace(' ', "T").parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Workspace {
    pub workspace_id: i64,
    pub workspace_name: String,
    pub deployment_name: String,
    pub region: String,
    /// `RUNNING`, `PROVISIONING`, …
    pub status: String,
    pub storage_configuration_id: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Metastore {
    pub metastore_id: String,
    pub name: String,
    pub region: String,
    /// Metastore admin: a user, a service principal or a group.
    pub owner: String,
    /// `s3://…`: where managed tables and volumes lie whose catalog and schema have no storage of their own.
    pub storage_root: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SystemSchema {
    pub schema: String,
    /// `AVAILABLE`, `ENABLE_INITIALIZED`, `ENABLE_COMPLETED`, `DISABLE_INITIALIZED`, `UNAVAILABLE`, `MANAGED`.
    pub state: String,
}

impl SystemSchema {
    /// `MANAGED` is enabled by Databricks itself and counts.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        matches!(self.state.as_str(), "ENABLE_COMPLETED" | "MANAGED")
    }
}

/// Privileges of one principal on one securable, as granted there (not inherited).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PrivilegeAssignment {
    pub principal: String,
    /// Set for principals that were deleted: `principal` is then empty and the grant cannot be removed by name.
    pub principal_id: Option<i64>,
    /// Sorted, with underscores.
    pub privileges: Vec<String>,
}
