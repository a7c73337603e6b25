//! What Unity Catalog knows of storage: through which roles, and under which names, Databricks users reach S3.
//! Field names follow the workspace REST API (storage credentials, external locations, volumes, tables).

use serde::{Deserialize, Serialize};

/// A credential: an IAM role that Unity Catalog assumes for whoever may use it. A storage credential serves external
/// locations; one of purpose `SERVICE` serves code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StorageCredential {
    pub name: String,
    pub owner: String,
    /// `None` when the credential is of another kind, or hidden from the caller.
    pub role_arn: Option<String>,
    pub read_only: bool,
}

/// An external location: a path in storage that grants may be given on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ExternalLocation {
    pub name: String,
    pub owner: String,
    /// `s3://bucket/path`, as Databricks has it; `None` when hidden from the caller.
    pub url: Option<String>,
    /// Empty when hidden from the caller.
    pub credential_name: String,
    pub read_only: bool,
    /// Clusters may fall back to credentials of their own.
    pub fallback: bool,
}

/// What kind of thing a [`StoredObject`] is; `securable` is its name in the permissions API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoredKind {
    Catalog,
    Schema,
    Volume,
    Table,
}

impl StoredKind {
    #[must_use]
    pub fn securable(self) -> &'static str {
        match self {
            StoredKind::Catalog => "catalog",
            StoredKind::Schema => "schema",
            StoredKind::Volume => "volume",
            StoredKind::Table => "table",
        }
    }
}

/// A catalog, schema, volume or table, with the storage that it stands for, if it has some of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StoredObject {
    pub kind: StoredKind,
    /// `catalog`, `catalog.schema` or `catalog.schema.name`.
    pub full_name: String,
    pub owner: String,
    /// `s3://…`; for catalogs and schemas the root of what is managed below, if it is another than that of the level
    /// above.
    pub location: Option<String>,
    /// The caller sees only that it exists: owner and location may be hidden.
    pub browse_only: bool,
}

/// Who asks Databricks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabricksCaller {
    /// What grants name: e-mail or application id.
    pub name: String,
    /// Names of the groups that the caller is in, sorted.
    pub groups: Vec<String>,
}

/// An account-level Databricks identity (SCIM).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DatabricksIdentity {
    /// SCIM id; group members are named by it.
    pub id: String,
    pub kind: DatabricksIdentityKind,
    /// What grants name: e-mail, application id or group name.
    pub name: String,
    pub account_admin: bool,
    pub active: bool,
    /// SCIM ids; only groups have members.
    pub members: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DatabricksIdentityKind {
    User,
    ServicePrincipal,
    Group,
}
