//! Sends every question and every request to the client of its place, a bounded number at a time per service.
//! Refuses places that nothing was configured for; never falls back to another account's credentials.

use std::collections::BTreeMap;

use tokio::sync::{Semaphore, SemaphorePermit};

use super::aws::AwsClient;
use super::databricks::DatabricksClient;
use super::{Reader, WriteError, Writer};
use crate::call::{Query, Read, Write, WriteOutcome};
use crate::model::{Fact, Gap, Observed, Place};

/// Calls at one time and service, unless the user says otherwise: throttling of one service must not hold up the others.
pub const PARALLELISM: usize = 10;

/// A client and what it is for.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "moved once, into the router")]
pub enum Connection {
    /// One AWS account in one region.
    Aws { account: String, region: String, client: AwsClient },
    /// One Databricks account with all its workspaces.
    Databricks { client: DatabricksClient },
}

/// Every account that a run may talk to.
pub struct Router {
    /// By account, then region.
    aws: BTreeMap<(String, String), AwsClient>,
    databricks: BTreeMap<String, DatabricksClient>,
    permits: BTreeMap<Service, Semaphore>,
}

/// What shares a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Service {
    S3,
    Kms,
    Iam,
    Sts,
    Organizations,
    CloudTrail,
    Databricks,
}

impl Service {
    const ALL: [Self; 7] =
        [Self::S3, Self::Kms, Self::Iam, Self::Sts, Self::Organizations, Self::CloudTrail, Self::Databricks];

    fn of_read(read: &Read) -> Self {
        match read {
            Read::CallerIdentity => Self::Sts,
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
            | Read::BucketReplication { .. }
            | Read::AccessPoints { .. }
            | Read::AccessPoint { .. }
            | Read::AccessPointPolicy { .. }
            | Read::MultiRegionAccessPoints { .. }
            | Read::AccessGrants
            | Read::NewestObject { .. } => Self::S3,
            Read::Keys
            | Read::Key { .. }
            | Read::KeyPolicy { .. }
            | Read::KeyRotation { .. }
            | Read::KeyGrants { .. }
            | Read::KeyAliases { .. }
            | Read::KeyTags { .. } => Self::Kms,
            Read::Role { .. }
            | Read::RoleInlinePolicies { .. }
            | Read::RolePolicy { .. }
            | Read::RoleAttachedPolicies { .. }
            | Read::AccountAuthorization
            | Read::Simulation { .. } => Self::Iam,
            Read::Organization | Read::OrganizationPolicies => Self::Organizations,
            Read::TrailEvents { .. } => Self::CloudTrail,
            Read::Credentials
            | Read::StorageConfigurations
            | Read::LogDeliveries
            | Read::Workspaces
            | Read::Metastores
            | Read::MetastoreWorkspaces { .. }
            | Read::SystemSchemas { .. }
            | Read::Privileges { .. }
            | Read::Tables { .. }
            | Read::WorkspaceConf { .. }
            | Read::DatabricksCaller
            | Read::StorageCredentials { .. }
            | Read::ServiceCredentials { .. }
            | Read::ExternalLocations { .. }
            | Read::Catalogs { .. }
            | Read::Schemas { .. }
            | Read::Volumes { .. }
            | Read::StoredTables { .. }
            | Read::DatabricksIdentities => Self::Databricks,
        }
    }

    /// `Write::operation` names its service before the colon.
    fn of_write(write: &Write) -> Self {
        match write.operation().split(':').next() {
            Some("kms") => Self::Kms,
            Some("iam") => Self::Iam,
            Some("databricks") => Self::Databricks,
            _ => Self::S3,
        }
    }
}

impl Router {
    /// Keys clients by place. Of two connections to the same place the later one counts.
    #[must_use]
    pub fn new(connections: Vec<Connection>) -> Self {
        let mut router = Self {
            aws: BTreeMap::new(),
            databricks: BTreeMap::new(),
            permits: Service::ALL.into_iter().map(|service| (service, Semaphore::new(PARALLELISM))).collect(),
        };
        for connection in connections {
            match connection {
                Connection::Aws { account, region, client } => {
                    router.aws.insert((account, region), client);
                }
                Connection::Databricks { client } => {
                    router.databricks.insert(client.account_id().to_owned(), client);
                }
            }
        }
        router
    }

    /// With another number of calls at one time and AWS service, at least one.
    #[must_use]
    pub fn with_parallelism(mut self, calls: usize) -> Self {
        self.permits = Service::ALL.into_iter().map(|service| (service, Semaphore::new(calls.max(1)))).collect();
        self
    }

    /// The client of one AWS account in one region.
    #[must_use]
    pub fn aws(&self, account: &str, region: &str) -> Option<&AwsClient> {
        self.aws.get(&(account.to_owned(), region.to_owned()))
    }

    /// The client of one Databricks account.
    #[must_use]
    pub fn databricks(&self, account: &str) -> Option<&DatabricksClient> {
        self.databricks.get(account)
    }

    /// Never closed, so there is always a permit in the end.
    async fn permit(&self, service: Service) -> Option<SemaphorePermit<'_>> {
        self.permits.get(&service)?.acquire().await.ok()
    }
}

impl Reader for Router {
    async fn read(&self, query: &Query) -> Observed<Fact> {
        // On the heap: the requests of a service are large as futures, and callers hold many of them in one another.
        let Query { place, read } = query;
        let answer = async |service| {
            let _permit = self.permit(service).await;
            match place {
                Place::Aws { account, region } => Some(Box::pin(self.aws(account, region)?.read(read)).await),
                Place::Databricks { account } | Place::Workspace { account, .. } => {
                    Some(Box::pin(self.databricks(account)?.read(place, read)).await)
                }
            }
        };
        answer(Service::of_read(read)).await.unwrap_or_else(|| {
            let what = format!("{read:?} in {place}");
            Observed::Unknown(Gap { what, permission: None, message: unconfigured(place) })
        })
    }
}

impl Writer for Router {
    async fn write(&self, place: &Place, write: &Write) -> Result<WriteOutcome, WriteError> {
        let outcome = async |service| {
            let _permit = self.permit(service).await;
            match place {
                Place::Aws { account, region } => Some(Box::pin(self.aws(account, region)?.write(write)).await),
                Place::Databricks { account } | Place::Workspace { account, .. } => {
                    Some(Box::pin(self.databricks(account)?.write(place, write)).await)
                }
            }
        };
        let outcome = outcome(Service::of_write(write)).await;
        outcome.unwrap_or_else(|| Err(WriteError::Rejected { message: unconfigured(place) }))
    }
}

/// What to configure so that a place can be reached.
fn unconfigured(place: &Place) -> String {
    let hint = match place {
        Place::Aws { .. } => {
            "name its credentials in the manifest: `profile` in `[aws]`, in `[role]` for a role in another account, in \
             `[[bucket.replicas]]` for a replica"
        }
        Place::Databricks { .. } | Place::Workspace { .. } => {
            "name its credentials in the manifest: `profile` in `[databricks]`, or set `DATABRICKS_CLIENT_ID` and \
             `DATABRICKS_CLIENT_SECRET`"
        }
    };
    format!("no connection to {place}; {hint}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bucket::PublicAccessBlock;

    #[tokio::test]
    async fn a_place_without_connection_is_unknown_and_takes_no_writes() {
        let router = Router::new(Vec::new());
        let aws = Place::Aws { account: "111122223333".to_owned(), region: "us-east-1".to_owned() };
        let databricks = Place::Databricks { account: "a".to_owned() };
        for (place, read, hint) in [(&aws, Read::Keys, "`[aws]`"), (&databricks, Read::Workspaces, "`[databricks]`")] {
            match router.read(&Query { place: place.clone(), read }).await {
                Observed::Unknown(gap) => assert!(gap.message.contains(hint), "{gap}"),
                other => panic!("{other:?}"),
            }
        }
        let write = Write::EnableKey { key: "k".to_owned() };
        let error = router.write(&aws, &write).await.unwrap_err();
        assert!(matches!(&error, WriteError::Rejected { message } if message.contains("`[[bucket.replicas]]`")));
    }

    #[test]
    fn writes_count_for_the_service_that_they_name() {
        let block = PublicAccessBlock {
            block_public_acls: true,
            ignore_public_acls: true,
            block_public_policy: true,
            restrict_public_buckets: true,
        };
        let text = || "x".to_owned();
        let rows = [
            (Write::PutAccountPublicAccessBlock { block }, Service::S3),
            (Write::DeleteBucketReplication { bucket: text() }, Service::S3),
            (Write::EnableKey { key: text() }, Service::Kms),
            (Write::UpdateTrust { role: text(), policy: text() }, Service::Iam),
            (Write::SetWorkspaceConf { key: text(), value: text() }, Service::Databricks),
        ];
        for (write, service) in rows {
            assert_eq!(Service::of_write(&write), service, "{write:?}");
        }
    }
}
