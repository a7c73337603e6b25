//! From manifests to clients: one for each AWS account and region, and for each Databricks account, that they name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::model::desired::{AwsAccount, Desired};
use crate::model::{Observed, Place};
use crate::provider::aws::{AwsClient, AwsOptions, ConnectError as AwsConnectError, Http, Timeouts};
use crate::provider::databricks::{ConnectError as DatabricksConnectError, DatabricksClient, DatabricksOptions};
use crate::provider::router::{Connection, PARALLELISM, Router};
use crate::provider::{Requests, WriteError};

use super::lock::{LockStore, Stored};
use super::store::Store;

/// What the command line says about connections.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    pub aws_profile: Option<String>,
    pub databricks_profile: Option<String>,
    pub endpoint_aws: Option<String>,
    pub endpoint_databricks: Option<String>,
    /// Requests at one time and service.
    pub parallelism: Option<usize>,
    /// Where what is sent is counted.
    pub requests: Requests,
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("AWS account {account}: {error}")]
    Aws { account: String, error: AwsConnectError },
    #[error(transparent)]
    Http(#[from] AwsConnectError),
    #[error("Databricks account {account}: {error}")]
    Databricks { account: String, error: DatabricksConnectError },
}

/// How one AWS account and region is reached.
#[derive(Debug, Default)]
pub(super) struct AwsTarget {
    pub profile: Option<String>,
    pub assume_role: Option<String>,
}

impl AwsTarget {
    fn of(aws: &AwsAccount, options: &ConnectOptions) -> Self {
        Self {
            profile: options.aws_profile.clone().or_else(|| aws.profile.clone()),
            assume_role: aws.assume_role.as_ref().map(ToString::to_string),
        }
    }

    /// Nothing is sent yet.
    pub async fn client(
        self,
        account: &str,
        region: &str,
        options: &ConnectOptions,
        http: &Http,
    ) -> Result<AwsClient, AwsConnectError> {
        let options = AwsOptions {
            account: Some(account.to_owned()),
            region: region.to_owned(),
            profile: self.profile,
            credentials: None,
            assume_role: self.assume_role,
            endpoint: options.endpoint_aws.clone(),
            timeouts: Timeouts::default(),
        };
        AwsClient::connect(options, http).await
    }
}

/// Connections on which every request is counted.
pub(super) fn http(options: &ConnectOptions) -> Result<Http, AwsConnectError> {
    Http::counted(&Timeouts::default(), &options.requests)
}

/// Makes the clients. Nothing is sent to AWS or Databricks yet.
///
/// # Errors
/// When an endpoint, a profile or a configuration file is unusable.
pub async fn connect(desired: &[Desired], options: &ConnectOptions) -> Result<Router, ConnectError> {
    let http = http(options)?;
    let mut connections = Vec::new();
    for ((account, region), target) in aws_targets(desired, options) {
        let client = target
            .client(&account, &region, options, &http)
            .await
            .map_err(|error| ConnectError::Aws { account: account.clone(), error })?;
        connections.push(Connection::Aws { account, region, client });
    }
    let mut known = BTreeSet::new();
    for one in desired {
        let account = &one.databricks.account_id;
        if !known.insert(account) {
            continue;
        }
        let mut databricks_options = DatabricksOptions::new(account.clone(), one.aws.partition);
        databricks_options.profile = options.databricks_profile.clone().or_else(|| one.databricks.profile.clone());
        databricks_options.endpoint = options.endpoint_databricks.clone();
        databricks_options.requests = options.requests.clone();
        databricks_options.parallelism = options.parallelism.unwrap_or(PARALLELISM);
        let client = DatabricksClient::connect(databricks_options)
            .await
            .map_err(|error| ConnectError::Databricks { account: account.clone(), error })?;
        connections.push(Connection::Databricks { client });
    }
    Ok(Router::new(connections).with_parallelism(options.parallelism.unwrap_or(PARALLELISM)))
}

/// The folder, with the store that the manifests declare. Nothing is sent to AWS yet.
///
/// The store is reached as its account is, by the manifests of that account; one in an account of its own with the
/// credentials of the first manifest, which the policy of its bucket has to let in.
///
/// # Errors
/// As [`connect`].
pub async fn connect_store(
    desired: &[Desired],
    folder: &Path,
    options: &ConnectOptions,
) -> Result<Store, ConnectError> {
    // One for all, as `manifest::check_directory` sees to.
    let Some(declared) = desired.iter().find_map(|one| one.store.as_ref()) else { return Ok(Store::local(folder)) };
    let account = &declared.account_id;
    let by = desired.iter().find(|one| one.aws.account_id == *account).or(desired.first());
    let Some(aws) = by.map(|one| &one.aws) else { return Ok(Store::local(folder)) };
    let client = AwsTarget::of(aws, options)
        .client(account, &aws.region, options, &http(options)?)
        .await
        .map_err(|error| ConnectError::Aws { account: account.clone(), error })?;
    Ok(Store::declared(folder, declared.url(), client.objects(&declared.bucket, &declared.prefix)))
}

pub(super) fn aws_targets(desired: &[Desired], options: &ConnectOptions) -> BTreeMap<(String, String), AwsTarget> {
    let mut targets = BTreeMap::new();
    for one in desired {
        let own = || AwsTarget::of(&one.aws, options);
        targets.entry((one.aws.account_id.clone(), one.aws.region.clone())).or_insert_with(own);
        // The audit account's own profile serves other regions of that account too.
        let elsewhere = |account: &str, profile: &Option<String>| {
            let reached = if account == one.aws.account_id { own() } else { AwsTarget::default() };
            AwsTarget { profile: profile.clone().or(reached.profile), ..reached }
        };
        if one.role.profile.is_some() || one.role.arn.account == one.aws.account_id {
            targets
                .entry((one.role.arn.account.clone(), one.aws.region.clone()))
                .or_insert_with(|| elsewhere(&one.role.arn.account, &one.role.profile));
        }
        for replica in &one.bucket.replicas {
            targets
                .entry((replica.account_id.clone(), replica.region.clone()))
                .or_insert_with(|| elsewhere(&replica.account_id, &replica.profile));
        }
    }
    targets
}

impl LockStore for Router {
    async fn create(&self, place: &Place, name: &str, value: &str) -> Result<Option<i64>, String> {
        match self.client(place)?.parameters().put_new(name, value).await {
            Ok(version) => Ok(Some(version)),
            Err(WriteError::Exists { .. }) => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    async fn replace(&self, place: &Place, name: &str, value: &str) -> Result<i64, String> {
        self.client(place)?.parameters().overwrite(name, value).await.map_err(|error| error.to_string())
    }

    async fn fetch(&self, place: &Place, name: &str) -> Result<Option<Stored>, String> {
        match self.client(place)?.parameters().get(name).await {
            Observed::Present(parameter) => Ok(Some(Stored { value: parameter.value, version: parameter.version })),
            Observed::Absent => Ok(None),
            Observed::Unknown(gap) => Err(gap.to_string()),
        }
    }

    async fn remove(&self, place: &Place, name: &str) -> Result<(), String> {
        self.client(place)?.parameters().delete(name).await.map(drop).map_err(|error| error.to_string())
    }
}

impl Router {
    fn client(&self, place: &Place) -> Result<&AwsClient, String> {
        let found = match place {
            Place::Aws { account, region } => self.aws(account, region),
            Place::Databricks { .. } | Place::Workspace { .. } => None,
        };
        found.ok_or_else(|| format!("there is no connection to {place}"))
    }
}
