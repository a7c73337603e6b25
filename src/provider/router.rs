//! One client a place: sends each call where it belongs, with bounded concurrency.

use std::collections::BTreeMap;

use tokio::sync::Semaphore;

use crate::call::{Query, Read, Write, WriteOutcome, read_permission};
use crate::model::{Fact, Gap, Observed, Place};

use super::aws::AwsClient;
use super::databricks::DatabricksClient;
use super::{Reader, WriteError, Writer};

/// Requests in flight per service: more connections make S3, KMS and IAM throttle, fewer make planning slow.
const IN_FLIGHT: usize = 10;

/// A service with limits of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Service {
    S3,
    Kms,
    Iam,
    Databricks,
}

/// Every client of a run.
pub struct Router {
    aws: BTreeMap<(String, String), AwsClient>,
    databricks: BTreeMap<String, DatabricksClient>,
    permits: BTreeMap<Service, Semaphore>,
}

impl Router {
    /// Clients by (account, region) and by Databricks account.
    #[must_use]
    pub fn new(
        aws: BTreeMap<(String, String), AwsClient>,
        databricks: BTreeMap<String, DatabricksClient>,
    ) -> Self {
        let permits = [Service::S3, Service::Kms, Service::Iam, Service::Databricks]
            .map(|service| (service, Semaphore::new(IN_FLIGHT)))
            .into();
        Self { aws, databricks, permits }
    }

    /// The client of an AWS place, for what is no reconciled resource: locks.
    #[must_use]
    pub fn aws(&self, place: &Place) -> Option<&AwsClient> {
        match place {
            Place::Aws { account, region } => self.aws.get(&(account.clone(), region.clone())),
            Place::Databricks { .. } | Place::Workspace { .. } => None,
        }
    }

    fn databricks(&self, place: &Place) -> Option<&DatabricksClient> {
        match place {
            Place::Databricks { account } | Place::Workspace { account, .. } => self.databricks.get(account),
            Place::Aws { .. } => None,
        }
    }

    async fn permit(&self, service: Service) -> Option<tokio::sync::SemaphorePermit<'_>> {
        // The semaphores are never closed.
        self.permits.get(&service)?.acquire().await.ok()
    }
}

fn no_connection(place: &Place) -> String {
    format!("there is no connection to {place}: declare its account with a `profile`")
}

impl Reader for Router {
    async fn read(&self, query: &Query) -> Observed<Fact> {
        let _permit = self.permit(service_of_read(&query.read)).await;
        if let Some(client) = self.aws(&query.place) {
            return client.read(&query.read).await;
        }
        if let Some(client) = self.databricks(&query.place) {
            return client.read(&query.place, &query.read).await;
        }
        Observed::Unknown(Gap {
            what: format!("{:?} in {}", query.read, query.place),
            permission: read_permission(&query.read).name().map(str::to_owned),
            message: no_connection(&query.place),
        })
    }
}

impl Writer for Router {
    async fn write(&self, place: &Place, write: &Write) -> Result<WriteOutcome, WriteError> {
        if let Some(client) = self.aws(place) {
            return client.write(write).await;
        }
        if let Some(client) = self.databricks(place) {
            return client.write(place, write).await;
        }
        Err(WriteError::Rejected { message: no_connection(place) })
    }
}

fn service_of_read(read: &Read) -> Service {
    match read {
        Read::CallerIdentity
        | Read::Role { .. }
        | Read::RoleInlinePolicies { .. }
        | Read::RolePolicy { .. }
        | Read::RoleAttachedPolicies { .. } => Service::Iam,
        Read::Keys
        | Read::Key { .. }
        | Read::KeyPolicy { .. }
        | Read::KeyRotation { .. }
        | Read::KeyGrants { .. }
        | Read::KeyAliases { .. }
        | Read::KeyTags { .. } => Service::Kms,
        Read::AccountPublicAccessBlock
        | Read::BucketLocation { .. }
        | Read::BucketTags { .. }
        | Read::BucketPublicAccessBlock { .. }
        | Read::BucketOwnership { .. }
        | Read::BucketAcl { .. }
        | Read::BucketEncryption { .. }
        | Read::BucketVersioning { .. }
        | Read::BucketObjectLock { .. }
        | Read::BucketLifecycle { .. }
        | Read::BucketPolicy { .. }
        | Read::BucketLogging { .. }
        | Read::BucketNotification { .. }
        | Read::BucketReplication { .. } => Service::S3,
        Read::Credentials
        | Read::StorageConfigurations
        | Read::LogDeliveries
        | Read::Workspaces
        | Read::Metastores
        | Read::MetastoreWorkspaces { .. }
        | Read::SystemSchemas { .. }
        | Read::Privileges { .. }
        | Read::Tables { .. }
        | Read::WorkspaceConf { .. } => Service::Databricks,
    }
}
