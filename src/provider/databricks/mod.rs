//! Databricks: the account API and the APIs of its workspaces, over HTTPS, with unified authentication.
//!
//! One [`DatabricksClient`] serves one Databricks account: `config_file` and `auth` find the credentials, `oauth` turns
//! them into bearer tokens per host, `endpoint` knows the hosts, `http` sends and repeats, `page` joins pages, `account`,
//! `workspace`, `storage` and `identity` know the operations, `error` decodes every shape of refusal. Nothing here decides what to do about one.

mod account;
mod auth;
mod client;
mod config_file;
mod endpoint;
mod error;
mod http;
mod identity;
mod oauth;
mod page;
mod storage;
#[cfg(test)]
mod tests;
mod workspace;

use std::sync::Arc;
use std::time::Duration;

use crate::model::place::Partition;
use crate::provider::Requests;

pub use client::DatabricksClient;
pub use error::ConnectError;

/// Looks up an environment variable. Injected, so that tests need no process environment.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// How to reach one Databricks account, and as whom.
#[derive(Clone)]
pub struct DatabricksOptions {
    /// UUID of the Databricks account.
    pub account_id: String,
    /// Section of `~/.databrickscfg` (or of `DATABRICKS_CONFIG_FILE`). When given, credentials come from that section
    /// alone; the environment is read only when it is not, so that several accounts can be served in one process.
    pub profile: Option<String>,
    /// One base URL for the account API and for all workspaces, instead of the partition's hosts. `https`, or `http` on
    /// loopback.
    pub endpoint: Option<String>,
    pub partition: Partition,
    /// Shows up in `userAgent` of Databricks' own audit events: the tool recognises its own writes by it.
    pub user_agent: String,
    pub connect_timeout: Duration,
    /// Of one request, with its answer.
    pub request_timeout: Duration,
    /// How long one read may be repeated.
    pub retry_budget: Duration,
    /// Requests at one time, at least one.
    pub parallelism: usize,
    /// Where what is sent is counted.
    pub requests: Requests,
    pub env: Env,
}

impl DatabricksOptions {
    /// Defaults: credentials from the process environment or the default profile, hosts of the partition.
    #[must_use]
    pub fn new(account_id: impl Into<String>, partition: Partition) -> Self {
        Self {
            account_id: account_id.into(),
            profile: None,
            endpoint: None,
            partition,
            user_agent: concat!("auditseal/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(60),
            retry_budget: Duration::from_secs(60),
            parallelism: crate::provider::router::PARALLELISM,
            requests: Requests::default(),
            env: Arc::new(|name| std::env::var(name).ok()),
        }
    }
}
