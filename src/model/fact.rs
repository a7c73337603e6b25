use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::access_grant::AccessGrant;
use super::access_point::{AccessPoint, MultiRegionAccessPoint};
use super::authorization::{Authorization, Simulated};
use super::bucket::{
    Acl, Encryption, Lifecycle, Logging, Notification, ObjectLock, Ownership, PublicAccessBlock, Replication,
    Versioning,
};
use super::databricks::{
    Credential, LogDelivery, Metastore, PrivilegeAssignment, StorageConfiguration, SystemSchema, Workspace,
};
use super::key::{Grant, Key, Rotation};
use super::objects::NewestObject;
use super::organization::{Organization, OrganizationLevel};
use super::role::{Caller, Role};
use super::trail::TrailEvent;
use super::unity_catalog::{DatabricksCaller, DatabricksIdentity, ExternalLocation, StorageCredential, StoredObject};

macro_rules! facts {
    ($($variant:ident($type:ty) as $accessor:ident),+ $(,)?) => {
        /// What one read found. One variant per shape of answer; a reconciled kind wants one of these.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(tag = "fact", content = "value", rename_all = "snake_case")]
        pub enum Fact { $($variant($type)),+ }

        impl Fact {
            $(
                /// The value, when this is that kind of fact.
                #[must_use]
                pub fn $accessor(&self) -> Option<&$type> {
                    match self { Fact::$variant(value) => Some(value), _ => None }
                }
            )+
        }

        $(impl From<$type> for Fact { fn from(value: $type) -> Self { Fact::$variant(value) } })+
    };
}

/// A policy document, exactly as the cloud returned it or as it will be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PolicyText(pub String);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BucketRegion(pub String);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(pub BTreeMap<String, String>);

/// A sorted list of names or ARNs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Names(pub Vec<String>);

/// Values of workspace-conf keys; `None` is "never set".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkspaceConf(pub BTreeMap<String, Option<String>>);

facts! {
    Caller(Caller) as caller,
    AccountAndBucketBlock(PublicAccessBlock) as public_access_block,
    BucketRegion(BucketRegion) as bucket_region,
    Tags(Tags) as tags,
    BucketOwnership(Ownership) as ownership,
    BucketAcl(Acl) as acl,
    BucketEncryption(Encryption) as encryption,
    BucketVersioning(Versioning) as versioning,
    BucketObjectLock(ObjectLock) as object_lock,
    BucketLifecycle(Lifecycle) as lifecycle,
    Policy(PolicyText) as policy,
    BucketLogging(Logging) as logging,
    BucketNotification(Notification) as notification,
    BucketReplication(Replication) as replication,
    Key(Key) as key,
    KeyRotation(Rotation) as rotation,
    KeyGrants(Vec<Grant>) as grants,
    Names(Names) as names,
    Role(Role) as role,
    Credentials(Vec<Credential>) as credentials,
    StorageConfigurations(Vec<StorageConfiguration>) as storage_configurations,
    LogDeliveries(Vec<LogDelivery>) as log_deliveries,
    Workspaces(Vec<Workspace>) as workspaces,
    Metastores(Vec<Metastore>) as metastores,
    WorkspaceIds(Vec<i64>) as workspace_ids,
    SystemSchemas(Vec<SystemSchema>) as system_schemas,
    Privileges(Vec<PrivilegeAssignment>) as privileges,
    WorkspaceConf(WorkspaceConf) as workspace_conf,
    Authorization(Arc<Authorization>) as authorization,
    Simulated(BTreeMap<String, Simulated>) as simulated,
    AccessPoint(AccessPoint) as access_point,
    MultiRegionAccessPoints(Vec<MultiRegionAccessPoint>) as multi_region_access_points,
    AccessGrants(Vec<AccessGrant>) as access_grants,
    Organization(Organization) as organization,
    OrganizationLevels(Vec<OrganizationLevel>) as organization_levels,
    DatabricksCaller(DatabricksCaller) as databricks_caller,
    StorageCredentials(Vec<StorageCredential>) as storage_credentials,
    ExternalLocations(Vec<ExternalLocation>) as external_locations,
    StoredObjects(Vec<StoredObject>) as stored_objects,
    DatabricksIdentities(Vec<DatabricksIdentity>) as databricks_identities,
    NewestObject(NewestObject) as newest_object,
    TrailEvents(Vec<TrailEvent>) as trail_events,
}

/// Of a large account this is most of what is known, and every state of a plan has it: it is shared.
impl From<Authorization> for Fact {
    fn from(value: Authorization) -> Self {
        Arc::new(value).into()
    }
}
