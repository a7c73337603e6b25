//! The deliveries that write to the audit bucket today.

use crate::model::databricks::{Credential, LogDelivery, StorageConfiguration};
use crate::model::live::Read;
use crate::model::{Arn, Desired, Fact, Live, Observed};

use super::key::resolve_key;

/// An enabled audit-log delivery to the audit bucket, as it is now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiveWriter {
    pub role_arn: String,
    pub prefix: String,
    /// ARN of the customer key that its objects are encrypted with: the bucket's default. `None` without such a key.
    pub key: Option<String>,
    pub config_id: String,
}

impl LiveWriter {
    /// Whether it delivers with another role or below another prefix than declared.
    pub(super) fn moves(&self, desired: &Desired) -> bool {
        self.role_arn != desired.role.arn.to_string() || self.prefix != desired.delivery.prefix
    }
}

/// Log delivery, credential and storage lists of a Databricks account, joined by their ids.
#[derive(Clone, Debug, Default)]
pub(super) struct Books {
    pub credentials: Vec<Credential>,
    pub storage: Vec<StorageConfiguration>,
    pub deliveries: Vec<LogDelivery>,
}

impl Books {
    /// The lists as far as they were read.
    fn seen(desired: &Desired, live: &Live) -> Self {
        let place = desired.databricks_place();
        Self {
            credentials: live.view(&place, Read::Credentials, Fact::credentials).present().unwrap_or_default(),
            storage: live
                .view(&place, Read::StorageConfigurations, Fact::storage_configurations)
                .present()
                .unwrap_or_default(),
            deliveries: live.view(&place, Read::LogDeliveries, Fact::log_deliveries).present().unwrap_or_default(),
        }
    }

    pub(super) fn role_of(&self, delivery: &LogDelivery) -> Option<&str> {
        let id = &delivery.credentials_id;
        self.credentials.iter().find(|one| one.credentials_id == *id).map(|one| one.role_arn.as_str())
    }

    pub(super) fn bucket_of(&self, delivery: &LogDelivery) -> Option<&str> {
        let id = &delivery.storage_configuration_id;
        self.storage.iter().find(|one| one.storage_configuration_id == *id).map(|one| one.bucket_name.as_str())
    }

    /// Enabled audit-log configurations.
    pub(super) fn enabled(&self) -> impl Iterator<Item = &LogDelivery> {
        self.deliveries.iter().filter(|one| is_audit(one) && is_enabled(one))
    }
}

pub(super) fn is_audit(delivery: &LogDelivery) -> bool {
    delivery.log_type == "AUDIT_LOGS"
}

pub(super) fn is_enabled(delivery: &LogDelivery) -> bool {
    delivery.status == "ENABLED"
}

/// Whether Databricks says that the customer's side stops it. Such a delivery has nothing to lose.
pub(super) fn is_broken(delivery: &LogDelivery) -> bool {
    delivery.delivery.as_ref().is_some_and(|health| health.status == "USER_FAILURE")
}

/// ARN of the customer key that the audit bucket encrypts new objects with today, as far as it was read.
pub(super) fn default_key(desired: &Desired, live: &Live) -> Option<String> {
    let read = Read::BucketEncryption { bucket: desired.delivery.bucket.clone() };
    let key = live.view(&desired.aws_place(), read, Fact::encryption).present()?.key?;
    Some(resolve_key(desired, live, &key).unwrap_or(key))
}

/// Enabled audit-log deliveries to the audit bucket, sorted. Left out are those that cannot write anyway: broken on the
/// customer's side, without a credential, or with a role that does not exist (a policy that names it would be refused).
#[must_use]
pub fn live_writers(desired: &Desired, live: &Live) -> Vec<LiveWriter> {
    let books = Books::seen(desired, live);
    let key = default_key(desired, live);
    let mut writers: Vec<LiveWriter> = books
        .enabled()
        .filter(|one| !is_broken(one) && books.bucket_of(one) == Some(desired.delivery.bucket.as_str()))
        .filter_map(|one| {
            let role = books.role_of(one)?;
            exists(desired, live, role).then(|| LiveWriter {
                role_arn: role.to_owned(),
                prefix: one.delivery_path_prefix.clone(),
                key: key.clone(),
                config_id: one.config_id.clone(),
            })
        })
        .collect();
    writers.sort();
    writers
}

/// How a configuration delivers to the audit bucket when it is switched on, whatever its status is now. `None` for one
/// that delivers elsewhere or whose role is not known.
#[must_use]
pub fn writer_of(desired: &Desired, live: &Live, config_id: &str) -> Option<LiveWriter> {
    let books = Books::seen(desired, live);
    let one = books.deliveries.iter().find(|one| one.config_id == config_id && is_audit(one))?;
    let here = books.bucket_of(one) == Some(desired.delivery.bucket.as_str());
    let role = books.role_of(one).filter(|_| here)?;
    Some(LiveWriter {
        role_arn: role.to_owned(),
        prefix: one.delivery_path_prefix.clone(),
        key: None,
        config_id: one.config_id.clone(),
    })
}

/// Roles other than the declared one that any audit-log configuration to the audit bucket, enabled or not, delivers or
/// delivered with, in the account of the bucket: where a `auditseal-transition` policy may lie.
#[must_use]
pub fn writer_roles(desired: &Desired, live: &Live) -> Vec<Arn> {
    let books = Books::seen(desired, live);
    let mut roles: Vec<Arn> = books
        .deliveries
        .iter()
        .filter(|one| is_audit(one) && books.bucket_of(one) == Some(desired.delivery.bucket.as_str()))
        .filter_map(|one| books.role_of(one)?.parse().ok())
        .filter(|role: &Arn| *role != desired.role.arn && role.account == desired.aws.account_id)
        .collect();
    roles.sort();
    roles.dedup();
    roles
}

/// Only a role of the bucket's account that was looked for and not found does not exist.
fn exists(desired: &Desired, live: &Live, role: &str) -> bool {
    let Ok(arn) = role.parse::<Arn>() else { return true };
    let Some((_, name)) = arn.role() else { return true };
    if arn.account != desired.aws.account_id {
        return true;
    }
    match live.view(&desired.aws_place(), Read::Role { role: name }, Fact::role) {
        Observed::Present(found) => found.arn == role,
        Observed::Absent => false,
        Observed::Unknown(_) => true,
    }
}
