//! The deliveries of audit logs that an account has, and which of them is adopted.

use crate::model::databricks::{Credential, LogDelivery, StorageConfiguration};
use crate::model::live::Read;
use crate::model::{Fact, Live, Place};

/// A log-delivery configuration for audit logs, with the role and the bucket behind its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub config_id: String,
    pub name: String,
    /// `None` when its credential configuration is gone.
    pub role: Option<String>,
    /// `None` when its storage configuration is gone.
    pub bucket: Option<String>,
    pub prefix: String,
    /// Sorted; empty is the whole account.
    pub workspaces: Vec<i64>,
    pub enabled: bool,
    /// Status of the last attempt, as Databricks says it.
    pub health: Option<String>,
    /// UTC, as Databricks writes it.
    pub last_success: Option<String>,
    /// Milliseconds since the epoch.
    pub created: i64,
}

impl Candidate {
    /// Whether everything that a manifest needs is known of it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.role.is_some() && self.bucket.is_some()
    }

    #[must_use]
    pub fn succeeds(&self) -> bool {
        self.health.as_deref() == Some("SUCCEEDED")
    }

    /// One line for whoever chooses.
    #[must_use]
    pub fn describe(&self) -> String {
        let last = self.last_success.as_ref().map(|time| format!(", last success {time}")).unwrap_or_default();
        format!("{}{last}", self.summary())
    }

    /// The same without what changes by itself.
    #[must_use]
    pub fn summary(&self) -> String {
        let to = self.bucket.as_deref().unwrap_or("a bucket that is not known");
        let below = if self.prefix.is_empty() { "its root".to_owned() } else { format!("`{}`", self.prefix) };
        let state = match (self.enabled, self.health.as_deref()) {
            (false, _) => "disabled".to_owned(),
            (true, None) => "enabled".to_owned(),
            (true, Some(health)) => format!("enabled, {health}"),
        };
        format!("`{}` ({}) to `{to}` below {below}: {state}", self.name, self.config_id)
    }
}

/// What was asked for on the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Id or name of a configuration.
    pub delivery: Option<String>,
    pub bucket: Option<String>,
    pub prefix: Option<String>,
}

impl Choice {
    /// Whether it leaves nothing open.
    #[must_use]
    pub fn is_made(&self) -> bool {
        self.delivery.is_some() || self.bucket.is_some() && self.prefix.is_some()
    }

    fn admits(&self, one: &Candidate) -> bool {
        let named = |asked: &String| *asked == one.config_id || *asked == one.name;
        self.delivery.as_ref().is_none_or(named)
            && self.bucket.as_ref().is_none_or(|bucket| one.bucket.as_ref() == Some(bucket))
            && self.prefix.as_ref().is_none_or(|prefix| one.prefix == *prefix)
    }
}

/// Every audit-log configuration of an account that can be adopted, the best first: enabled before disabled, one that
/// succeeds before one that does not, one of the whole account before one of some workspaces, the newest. The time of the
/// last success says nothing among those that succeed: each is tried every few minutes. Deliveries of other formats or log
/// types are no audit logs.
#[must_use]
pub fn candidates(live: &Live, place: &Place) -> Vec<Candidate> {
    let credentials: Vec<Credential> =
        live.view(place, Read::Credentials, Fact::credentials).present().unwrap_or_default();
    let storages: Vec<StorageConfiguration> =
        live.view(place, Read::StorageConfigurations, Fact::storage_configurations).present().unwrap_or_default();
    let deliveries: Vec<LogDelivery> =
        live.view(place, Read::LogDeliveries, Fact::log_deliveries).present().unwrap_or_default();
    let mut found: Vec<Candidate> = deliveries
        .into_iter()
        .filter(|one| one.log_type == "AUDIT_LOGS" && one.output_format == "JSON")
        .map(|one| Candidate {
            role: credentials.iter().find(|c| c.credentials_id == one.credentials_id).map(|c| c.role_arn.clone()),
            bucket: storages
                .iter()
                .find(|s| s.storage_configuration_id == one.storage_configuration_id)
                .map(|s| s.bucket_name.clone()),
            enabled: one.status == "ENABLED",
            health: one.delivery.as_ref().map(|health| health.status.clone()),
            last_success: one.delivery.and_then(|health| health.last_successful_attempt_time),
            config_id: one.config_id,
            name: one.config_name,
            prefix: one.delivery_path_prefix,
            workspaces: one.workspace_ids_filter,
            created: one.creation_time,
        })
        .collect();
    found.sort_by(|a, b| {
        let rank = |one: &Candidate| (one.enabled, one.succeeds(), one.workspaces.is_empty(), one.created);
        rank(b).cmp(&rank(a)).then_with(|| a.config_id.cmp(&b.config_id))
    });
    found
}

/// Those that fit what was asked for, in the order of `candidates`: the first is adopted unless somebody chooses another.
/// Disabled ones count only when nothing is enabled, or when one was named; a bucket that another manifest declares is that
/// manifest's.
#[must_use]
pub fn choose<'a>(all: &'a [Candidate], choice: &Choice, declared: &[String]) -> Vec<&'a Candidate> {
    let free = |one: &&Candidate| !one.bucket.as_ref().is_some_and(|bucket| declared.contains(bucket));
    let fitting: Vec<&Candidate> = all.iter().filter(|one| one.is_whole() && choice.admits(one)).filter(free).collect();
    let any_enabled = fitting.iter().any(|one| one.enabled);
    fitting.into_iter().filter(|one| one.enabled || !any_enabled || choice.delivery.is_some()).collect()
}
