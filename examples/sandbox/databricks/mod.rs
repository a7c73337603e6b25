//! A simulator of the Databricks account and workspace APIs that auditseal uses.
//!
//! One loopback endpoint serves the account and all its workspaces; the header
//! `X-Databricks-Workspace-Id` chooses the workspace. Log delivery is real: the simulator assumes
//! the customer's role on the AWS emulator and writes into the bucket.

#![allow(dead_code, reason = "the sandbox example and the integration tests use different parts")]

mod account;
mod call;
mod dispatch;
mod errors;
mod grants;
mod key_policy;
mod log_delivery;
mod oauth;
mod options;
mod paging;
mod probe;
mod route;
mod scim;
mod seed;
mod server;
mod state;
mod storage;
#[cfg(test)]
mod tests;
mod unity_catalog;
mod workspace;

use std::net::Ipv4Addr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

#[allow(unused_imports, reason = "the interface of the module")]
pub use self::{
    options::{Client, EmptyReply, Options, PersonalToken, Role},
    route::Operation,
    server::Served,
    state::{
        Credential, Data, DeliveryState, Grants, LogDelivery, Metastore, Principal, Securable, Storage, SystemSchema,
        Workspace,
    },
    storage::BOUND_WORKSPACES,
};

/// A running simulator. Dropping it closes the endpoint and all connections.
pub struct DatabricksSim {
    shared: Arc<server::Shared>,
    task: JoinHandle<std::convert::Infallible>,
}

impl DatabricksSim {
    /// Listens on a free loopback port.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        Self::start_on(options, 0).await
    }

    /// Listens on a loopback port; 0 chooses a free one.
    pub async fn start_on(options: Options, port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let probe = probe::Probe::new(&options);
        let shared = Arc::new(server::Shared::new(options, url, probe));
        let task = tokio::spawn(server::serve(listener, Arc::clone(&shared)));
        let sim = Self { shared, task };
        sim.seed_clients();
        Ok(sim)
    }

    /// The endpoint, without a trailing slash.
    pub fn url(&self) -> &str {
        &self.shared.url
    }

    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// Every request so far, in order of arrival.
    pub fn recorded(&self) -> Vec<Served> {
        self.shared.inner().served.clone()
    }

    /// Forgets the recorded requests.
    pub fn clear_recorded(&self) {
        self.shared.inner().served.clear();
    }

    /// Reads the state.
    pub fn inspect<T>(&self, read: impl FnOnce(&Data) -> T) -> T {
        read(&self.shared.inner().data)
    }

    /// Changes the state behind the back of the clients.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Data) -> T) -> T {
        change(&mut self.shared.inner().data)
    }

    /// Refuses an operation with 403 to everybody.
    pub fn deny(&self, operation: Operation) {
        self.shared.inner().denied.insert(operation);
    }

    /// Takes [`DatabricksSim::deny`] back.
    pub fn allow(&self, operation: Operation) {
        self.shared.inner().denied.remove(&operation);
    }

    /// Makes all tokens handed out so far unknown.
    pub fn revoke_tokens(&self) {
        self.shared.inner().tokens.clear();
    }

    /// Creates Databricks' own role on the AWS side, which the first delivery does otherwise.
    pub async fn prepare_aws(&self) -> anyhow::Result<()> {
        let prepared = self.shared.probe.prepare().await;
        prepared.map_err(|trouble| anyhow::anyhow!("prepare Databricks' AWS account: {trouble:?}"))
    }

    /// Refuses this many deliveries and probes from now on, as if IAM lagged behind a change.
    pub fn lag_iam(&self, deliveries: u32) {
        self.shared.probe.lag(deliveries);
    }

    /// Attempts delivery for every enabled configuration now.
    pub async fn deliver_now(&self) {
        log_delivery::attempt_due(&self.shared, true).await;
    }
}

impl Drop for DatabricksSim {
    fn drop(&mut self) {
        self.task.abort();
    }
}
