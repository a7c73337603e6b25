//! What the simulated account holds. Field names follow the SDK's data classes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// Everything that requests read and write. Cloned for stale reads.
#[derive(Clone, Debug, Default)]
pub struct Data {
    pub credentials: Vec<Credential>,
    pub storage: Vec<Storage>,
    /// Storage configurations that Databricks takes of this account above the usual number.
    pub more_storage: usize,
    /// Instead of [`super::Options::attempt_interval`].
    pub attempt_interval: Option<Duration>,
    pub log_delivery: Vec<LogDelivery>,
    pub workspaces: Vec<Workspace>,
    pub metastores: Vec<Metastore>,
    pub users: Vec<Principal>,
    pub groups: Vec<Principal>,
    pub service_principals: Vec<Principal>,
}

/// `service/provisioning.py` `Credential`. The external id is always the account id and not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub credentials_id: String,
    pub credentials_name: String,
    pub role_arn: String,
    pub creation_time: i64,
}

/// `service/provisioning.py` `StorageConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    pub storage_configuration_id: String,
    pub storage_configuration_name: String,
    pub bucket_name: String,
    pub role_arn: Option<String>,
    pub creation_time: i64,
}

/// `service/billing.py` `DeliveryStatus`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    Created,
    Succeeded,
    UserFailure,
    SystemFailure,
    NotFound,
}

impl DeliveryState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Succeeded => "SUCCEEDED",
            Self::UserFailure => "USER_FAILURE",
            Self::SystemFailure => "SYSTEM_FAILURE",
            Self::NotFound => "NOT_FOUND",
        }
    }
}

/// `service/billing.py` `LogDeliveryConfiguration`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogDelivery {
    pub config_id: String,
    pub config_name: String,
    /// `AUDIT_LOGS` or `BILLABLE_USAGE`.
    pub log_type: String,
    pub credentials_id: String,
    pub storage_configuration_id: String,
    pub delivery_path_prefix: String,
    pub delivery_start_time: Option<String>,
    pub workspace_ids_filter: Vec<i64>,
    pub enabled: bool,
    pub creation_time: i64,
    pub update_time: i64,
    pub state: DeliveryState,
    pub message: String,
    pub last_attempt: Option<Timestamp>,
    pub last_success: Option<Timestamp>,
    /// Whether the simulator really delivers for it; a seeded one may keep its seeded status.
    pub delivers: bool,
    /// Reads that still answer `CREATED` before the first attempt.
    pub quiet_reads: u32,
    /// When the simulator last tried, for the attempt interval.
    pub tried: Option<Instant>,
}

impl LogDelivery {
    /// An enabled account-level audit-log configuration that delivered successfully just now and
    /// that the simulator does not touch.
    pub fn delivered(name: &str, credentials_id: &str, storage_configuration_id: &str, prefix: &str) -> Self {
        let now = Timestamp::now();
        Self {
            config_id: Uuid::new_v4().to_string(),
            config_name: name.to_owned(),
            log_type: "AUDIT_LOGS".to_owned(),
            credentials_id: credentials_id.to_owned(),
            storage_configuration_id: storage_configuration_id.to_owned(),
            delivery_path_prefix: prefix.to_owned(),
            delivery_start_time: None,
            workspace_ids_filter: Vec::new(),
            enabled: true,
            creation_time: now.as_millisecond(),
            update_time: now.as_millisecond(),
            state: DeliveryState::Succeeded,
            message: super::log_delivery::SUCCEEDED.to_owned(),
            last_attempt: Some(now),
            last_success: Some(now),
            delivers: false,
            quiet_reads: 0,
            tried: None,
        }
    }

    pub fn is_account_level(&self) -> bool {
        self.workspace_ids_filter.is_empty()
    }

    pub fn status(&self) -> &'static str {
        if self.enabled { "ENABLED" } else { "DISABLED" }
    }
}

/// `service/provisioning.py` `Workspace`.
#[derive(Clone, Debug)]
pub struct Workspace {
    pub workspace_id: i64,
    pub workspace_name: String,
    pub deployment_name: String,
    pub aws_region: String,
    pub workspace_status: String,
    pub credentials_id: Option<String>,
    pub storage_configuration_id: Option<String>,
    pub metastore_id: Option<String>,
    pub creation_time: i64,
    /// workspace-conf values that are set.
    pub conf: BTreeMap<String, String>,
}

impl Workspace {
    pub fn new(workspace_id: i64, name: &str, region: &str) -> Self {
        Self {
            workspace_id,
            workspace_name: name.to_owned(),
            deployment_name: format!("dbc-{name}"),
            aws_region: region.to_owned(),
            workspace_status: "RUNNING".to_owned(),
            credentials_id: None,
            storage_configuration_id: None,
            metastore_id: None,
            creation_time: now_ms(),
            conf: BTreeMap::new(),
        }
    }
}

/// `service/catalog.py` `SystemSchemaInfo`, with the reads left before a pending enable completes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemSchema {
    pub state: String,
    pub pending_reads: u32,
}

impl SystemSchema {
    pub fn new(state: &str) -> Self {
        Self { state: state.to_owned(), pending_reads: 0 }
    }
}

/// A securable: lower-case type and full name.
pub type Securable = (String, String);
/// Principal to privileges.
pub type Grants = BTreeMap<String, BTreeSet<String>>;

/// `service/catalog.py` `MetastoreInfo` and what lives in it.
#[derive(Clone, Debug)]
pub struct Metastore {
    pub metastore_id: String,
    pub name: String,
    pub owner: String,
    pub region: String,
    pub storage_root: Option<String>,
    pub external_access_enabled: bool,
    pub created_at: i64,
    pub system_schemas: BTreeMap<String, SystemSchema>,
    pub grants: BTreeMap<Securable, Grants>,
    /// Grants of principals that were deleted: shown with an empty principal and a `principal_id`,
    /// as the docstrings of `GrantsAPI` describe.
    pub orphan_grants: BTreeMap<Securable, Grants>,
    /// `ExternalLocationInfo` objects.
    pub external_locations: Vec<Map<String, Value>>,
    /// `StorageCredentialInfo` objects.
    pub storage_credentials: Vec<Map<String, Value>>,
    /// `CredentialInfo` objects of purpose `SERVICE`.
    pub service_credentials: Vec<Map<String, Value>>,
    /// Catalogs, schemas, volumes and tables outside the catalog `system`.
    pub objects: BTreeMap<Securable, Map<String, Value>>,
}

/// System schemas that a new metastore shows, with their first state.
const SYSTEM_SCHEMAS: &[(&str, &str)] = &[
    ("access", "AVAILABLE"),
    ("billing", "MANAGED"),
    ("compute", "AVAILABLE"),
    ("information_schema", "ENABLE_COMPLETED"),
    ("query", "AVAILABLE"),
    ("storage", "UNAVAILABLE"),
];

impl Metastore {
    pub fn new(metastore_id: &str, name: &str, owner: &str, region: &str) -> Self {
        let everyone = Grants::from([("account users".to_owned(), BTreeSet::from(["USE_CATALOG".to_owned()]))]);
        let schemas = SYSTEM_SCHEMAS.iter().map(|(name, state)| ((*name).to_owned(), SystemSchema::new(state)));
        Self {
            metastore_id: metastore_id.to_owned(),
            name: name.to_owned(),
            owner: owner.to_owned(),
            region: region.to_owned(),
            storage_root: None,
            external_access_enabled: false,
            created_at: now_ms(),
            system_schemas: schemas.collect(),
            grants: BTreeMap::from([(("catalog".to_owned(), "system".to_owned()), everyone)]),
            orphan_grants: BTreeMap::new(),
            external_locations: Vec::new(),
            storage_credentials: Vec::new(),
            service_credentials: Vec::new(),
            objects: BTreeMap::new(),
        }
    }

    pub fn json(&self) -> Value {
        let mut info = json!({
            "metastore_id": self.metastore_id,
            "global_metastore_id": format!("aws:{}:{}", self.region, self.metastore_id),
            "name": self.name,
            "owner": self.owner,
            "region": self.region,
            "cloud": "aws",
            "delta_sharing_scope": "INTERNAL",
            "external_access_enabled": self.external_access_enabled,
            "privilege_model_version": "1.0",
            "created_at": self.created_at,
            "created_by": self.owner,
            "updated_at": self.created_at,
            "updated_by": self.owner,
        });
        if let (Some(root), Value::Object(fields)) = (&self.storage_root, &mut info) {
            fields.insert("storage_root".to_owned(), json!(root));
        }
        info
    }
}

/// A SCIM user, group or service principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    pub id: String,
    /// userName, displayName or applicationId: the name that grants use.
    pub name: String,
    pub display_name: String,
    /// Such as `account_admin`.
    pub roles: Vec<String>,
    /// (id, display name) of the members of a group.
    pub members: Vec<(String, String)>,
    pub external_id: Option<String>,
    pub active: bool,
}

impl Principal {
    pub fn new(id: &str, name: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            display_name: name.to_owned(),
            roles: Vec::new(),
            members: Vec::new(),
            external_id: None,
            active: true,
        }
    }
}

impl Data {
    pub fn credential(&self, id: &str) -> Option<&Credential> {
        self.credentials.iter().find(|one| one.credentials_id == id)
    }

    pub fn storage(&self, id: &str) -> Option<&Storage> {
        self.storage.iter().find(|one| one.storage_configuration_id == id)
    }

    pub fn config(&self, id: &str) -> Option<&LogDelivery> {
        self.log_delivery.iter().find(|one| one.config_id == id)
    }

    pub fn config_mut(&mut self, id: &str) -> Option<&mut LogDelivery> {
        self.log_delivery.iter_mut().find(|one| one.config_id == id)
    }

    pub fn workspace(&self, id: i64) -> Option<&Workspace> {
        self.workspaces.iter().find(|one| one.workspace_id == id)
    }

    pub fn workspace_mut(&mut self, id: i64) -> Option<&mut Workspace> {
        self.workspaces.iter_mut().find(|one| one.workspace_id == id)
    }

    pub fn metastore(&self, id: &str) -> Option<&Metastore> {
        self.metastores.iter().find(|one| one.metastore_id == id)
    }

    pub fn metastore_mut(&mut self, id: &str) -> Option<&mut Metastore> {
        self.metastores.iter_mut().find(|one| one.metastore_id == id)
    }

    /// Whether Unity Catalog can resolve a principal name: account-level groups, users and service
    /// principals, and the group of everyone. Workspace-local groups such as `admins` are not known.
    pub fn knows_principal(&self, name: &str) -> bool {
        let listed = [&self.users, &self.groups, &self.service_principals];
        name == "account users" || listed.into_iter().flatten().any(|one| one.name == name)
    }
}

/// Epoch milliseconds, the unit of every `creation_time`.
pub fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
