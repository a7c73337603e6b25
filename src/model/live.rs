use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Fact, Gap, Observed, Place};

/// One question about live state. Reads are deduplicated by it, preconditions and read-backs name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Query {
    pub place: Place,
    pub read: Read,
}

/// Everything that can be asked. The provider maps each to one API operation (with its pages), `call` to its permission.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "read", rename_all = "snake_case")]
pub enum Read {
    /// sts:GetCallerIdentity → `Fact::Caller`.
    CallerIdentity,
    /// s3control GetPublicAccessBlock of the account → `Fact::AccountAndBucketBlock`.
    AccountPublicAccessBlock,
    /// GetBucketLocation → `Fact::BucketRegion`; absent when there is no such bucket.
    BucketLocation {
        bucket: String,
    },
    BucketTags {
        bucket: String,
    },
    BucketPublicAccessBlock {
        bucket: String,
    },
    BucketOwnership {
        bucket: String,
    },
    BucketAcl {
        bucket: String,
    },
    BucketEncryption {
        bucket: String,
    },
    BucketVersioning {
        bucket: String,
    },
    BucketObjectLock {
        bucket: String,
    },
    BucketLifecycle {
        bucket: String,
    },
    BucketPolicy {
        bucket: String,
    },
    BucketLogging {
        bucket: String,
    },
    BucketNotification {
        bucket: String,
    },
    BucketReplication {
        bucket: String,
    },
    /// kms:ListKeys → `Fact::Names` of key ARNs.
    Keys,
    /// kms:DescribeKey by id, ARN or `alias/…` → `Fact::Key`.
    Key {
        key: String,
    },
    /// Policy `default` of a key. Key id or ARN, never an alias.
    KeyPolicy {
        key: String,
    },
    KeyRotation {
        key: String,
    },
    KeyGrants {
        key: String,
    },
    /// → `Fact::Names`.
    KeyAliases {
        key: String,
    },
    KeyTags {
        key: String,
    },
    /// iam:GetRole by name → `Fact::Role`.
    Role {
        role: String,
    },
    /// → `Fact::Names`.
    RoleInlinePolicies {
        role: String,
    },
    /// → `Fact::Policy`.
    RolePolicy {
        role: String,
        policy: String,
    },
    /// → `Fact::Names` of policy ARNs.
    RoleAttachedPolicies {
        role: String,
    },
    /// iam:GetAccountAuthorizationDetails → `Fact::Authorization`. Once per account, in whichever region.
    AccountAuthorization,
    /// iam:SimulatePrincipalPolicy → `Fact::Simulated`: what IAM says a principal's own policies decide about actions on
    /// a resource, without the resource's policy. Only for a principal whose policies could not be read.
    Simulation {
        principal: String,
        resource: String,
        actions: Vec<String>,
    },
    /// s3control ListAccessPoints of a bucket → `Fact::Names`: those that the asked account owns. An access point of
    /// another account is listed only there.
    AccessPoints {
        bucket: String,
    },
    /// s3control GetAccessPoint → `Fact::AccessPoint`.
    AccessPoint {
        name: String,
    },
    /// s3control GetAccessPointPolicy → `Fact::Policy`; absent when it has none.
    AccessPointPolicy {
        name: String,
    },
    /// Multi-Region access points of the asked account that lead to a bucket, with their policies →
    /// `Fact::MultiRegionAccessPoints`; absent in partitions that have none.
    MultiRegionAccessPoints {
        bucket: String,
    },
    /// S3 Access Grants of account and region → `Fact::AccessGrants`; absent when the account does not use them there.
    AccessGrants,
    /// organizations:DescribeOrganization → `Fact::Organization`; an account in no organization has one without an id.
    Organization,
    /// SCPs and RCPs from the root down to the asked account → `Fact::OrganizationLevels`, empty when the account is in
    /// no organization. Apart from `Organization`, because member accounts may ask only that.
    OrganizationPolicies,
    Credentials,
    StorageConfigurations,
    LogDeliveries,
    Workspaces,
    Metastores,
    /// → `Fact::WorkspaceIds`.
    MetastoreWorkspaces {
        metastore: String,
    },
    SystemSchemas {
        metastore: String,
    },
    /// Direct privileges on a securable (`metastore`, `catalog`, `schema`, `table`, `volume`, `external_location`,
    /// `storage_credential`, `credential`) → `Fact::Privileges`. A metastore is named by its id.
    Privileges {
        securable: String,
        name: String,
    },
    /// Full names of the tables of a schema → `Fact::Names`.
    Tables {
        catalog: String,
        schema: String,
    },
    WorkspaceConf {
        key: String,
    },
    /// Who is calling, as a workspace knows them (SCIM `Me`) → `Fact::DatabricksCaller`. Lists of Unity Catalog show all
    /// only to metastore admins: it tells whether they are complete.
    DatabricksCaller,
    /// Storage credentials of the metastore that the workspace is attached to → `Fact::StorageCredentials`.
    StorageCredentials {
        metastore: String,
    },
    /// Credentials of purpose `SERVICE`: code that may use one calls AWS as its role → `Fact::StorageCredentials`.
    ServiceCredentials {
        metastore: String,
    },
    /// → `Fact::ExternalLocations`.
    ExternalLocations {
        metastore: String,
    },
    /// → `Fact::StoredObjects`, with catalogs that are not bound to the workspace.
    Catalogs {
        metastore: String,
    },
    /// → `Fact::StoredObjects`.
    Schemas {
        catalog: String,
    },
    /// → `Fact::StoredObjects`.
    Volumes {
        catalog: String,
        schema: String,
    },
    /// Tables with owner and location → `Fact::StoredObjects`.
    StoredTables {
        catalog: String,
        schema: String,
    },
    /// Users, service principals and groups of the account with their members and roles → `Fact::DatabricksIdentities`.
    DatabricksIdentities,
    /// ListObjectsV2 below the newest `workspaceId=*/date=*` partitions → `Fact::NewestObject`. It stops at the first
    /// object that is not older than `fresh_since`; absent when there is no such bucket.
    NewestObject {
        bucket: String,
        /// Without leading or trailing slash.
        prefix: String,
        fresh_since: Timestamp,
    },
    /// cloudtrail:LookupEvents: the calls of one name that changed something, newest first → `Fact::TrailEvents`. Only
    /// ever asked to say who made a change that is seen already. By name, because the reads of a bucket or key, which
    /// every check adds to, would bury its changes.
    TrailEvents {
        /// `eventName`.
        event: String,
        /// IAM's events are kept in one region of the partition.
        global: bool,
        since: Timestamp,
    },
}

/// Live state as it was read: one answer per question. A question that was not asked is unknown, never absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Live {
    facts: BTreeMap<Query, Observed<Fact>>,
}

impl Live {
    #[must_use]
    pub fn get(&self, query: &Query) -> Observed<Fact> {
        self.facts.get(query).cloned().unwrap_or_else(|| unknown(query, Gap::NOT_ASKED))
    }

    /// The answer narrowed to one kind of fact by its accessor, for example `live.view(&place, read, Fact::policy)`.
    pub fn view<T: Clone>(&self, place: &Place, read: Read, narrow: fn(&Fact) -> Option<&T>) -> Observed<T> {
        let query = Query { place: place.clone(), read };
        match self.facts.get(&query) {
            Some(Observed::Present(fact)) => match narrow(fact) {
                Some(value) => Observed::Present(value.clone()),
                None => unknown(&query, "the answer has another shape than asked"),
            },
            Some(Observed::Absent) => Observed::Absent,
            Some(Observed::Unknown(gap)) => Observed::Unknown(gap.clone()),
            None => unknown(&query, Gap::NOT_ASKED),
        }
    }

    #[must_use]
    pub fn contains(&self, query: &Query) -> bool {
        self.facts.contains_key(query)
    }

    pub fn set(&mut self, query: Query, answer: Observed<Fact>) {
        self.facts.insert(query, answer);
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Query, &Observed<Fact>)> {
        self.facts.iter()
    }
}

fn unknown<T>(query: &Query, message: &str) -> Observed<T> {
    Observed::Unknown(Gap {
        what: format!("{:?} in {}", query.read, query.place),
        permission: None,
        message: message.to_owned(),
    })
}
