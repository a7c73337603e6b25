//! The table of served endpoints. Paths as in the SDK's `service/*.py`.

use hyper::Method;

/// Names of the served operations, used for faults, denials and records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    HostMetadata,
    AccountDiscovery,
    WorkspaceDiscovery,
    AccountToken,
    WorkspaceToken,
    CreateCredentials,
    ListCredentials,
    GetCredentials,
    DeleteCredentials,
    CreateStorage,
    ListStorage,
    GetStorage,
    DeleteStorage,
    CreateLogDelivery,
    ListLogDelivery,
    GetLogDelivery,
    PatchLogDelivery,
    ListWorkspaces,
    GetWorkspace,
    ListAccountMetastores,
    GetAccountMetastore,
    ListMetastoreWorkspaces,
    GetWorkspaceMetastore,
    ListUsers,
    GetUser,
    ListGroups,
    GetGroup,
    ListServicePrincipals,
    GetServicePrincipal,
    ListSystemSchemas,
    EnableSystemSchema,
    DisableSystemSchema,
    GetPermissions,
    UpdatePermissions,
    GetEffectivePermissions,
    ListPrivilegeAssignments,
    ListEffectivePrivilegeAssignments,
    ListTables,
    ListExternalLocations,
    ListStorageCredentials,
    ListServiceCredentials,
    ListCatalogs,
    ListSchemas,
    ListVolumes,
    MetastoreSummary,
    CurrentMetastoreAssignment,
    GetWorkspaceConf,
    SetWorkspaceConf,
    GetMe,
    /// A method or path that no API serves.
    Unknown,
}

/// Which host of the real service answers a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// No credentials needed.
    Open,
    Account,
    Workspace,
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

type Line = (Method, &'static str, Operation);

const OPEN: &[Line] = &[
    (GET, "/.well-known/databricks-config", Operation::HostMetadata),
    (GET, "/oidc/accounts/{}/.well-known/oauth-authorization-server", Operation::AccountDiscovery),
    (GET, "/oidc/.well-known/oauth-authorization-server", Operation::WorkspaceDiscovery),
    (POST, "/oidc/accounts/{}/v1/token", Operation::AccountToken),
    (POST, "/oidc/v1/token", Operation::WorkspaceToken),
];

/// Below `/api/2.0/accounts/{}`.
const ACCOUNT: &[Line] = &[
    (POST, "/credentials", Operation::CreateCredentials),
    (GET, "/credentials", Operation::ListCredentials),
    (GET, "/credentials/{}", Operation::GetCredentials),
    (DELETE, "/credentials/{}", Operation::DeleteCredentials),
    (POST, "/storage-configurations", Operation::CreateStorage),
    (GET, "/storage-configurations", Operation::ListStorage),
    (GET, "/storage-configurations/{}", Operation::GetStorage),
    (DELETE, "/storage-configurations/{}", Operation::DeleteStorage),
    (POST, "/log-delivery", Operation::CreateLogDelivery),
    (GET, "/log-delivery", Operation::ListLogDelivery),
    (GET, "/log-delivery/{}", Operation::GetLogDelivery),
    (PATCH, "/log-delivery/{}", Operation::PatchLogDelivery),
    (GET, "/workspaces", Operation::ListWorkspaces),
    (GET, "/workspaces/{}", Operation::GetWorkspace),
    (GET, "/workspaces/{}/metastore", Operation::GetWorkspaceMetastore),
    (GET, "/metastores", Operation::ListAccountMetastores),
    (GET, "/metastores/{}", Operation::GetAccountMetastore),
    (GET, "/metastores/{}/workspaces", Operation::ListMetastoreWorkspaces),
    (GET, "/scim/v2/Users", Operation::ListUsers),
    (GET, "/scim/v2/Users/{}", Operation::GetUser),
    (GET, "/scim/v2/Groups", Operation::ListGroups),
    (GET, "/scim/v2/Groups/{}", Operation::GetGroup),
    (GET, "/scim/v2/ServicePrincipals", Operation::ListServicePrincipals),
    (GET, "/scim/v2/ServicePrincipals/{}", Operation::GetServicePrincipal),
];

const WORKSPACE: &[Line] = &[
    (GET, "/api/2.1/unity-catalog/metastores/{}/systemschemas", Operation::ListSystemSchemas),
    (PUT, "/api/2.1/unity-catalog/metastores/{}/systemschemas/{}", Operation::EnableSystemSchema),
    (DELETE, "/api/2.1/unity-catalog/metastores/{}/systemschemas/{}", Operation::DisableSystemSchema),
    (GET, "/api/2.1/unity-catalog/permissions/{}/{}", Operation::GetPermissions),
    (PATCH, "/api/2.1/unity-catalog/permissions/{}/{}", Operation::UpdatePermissions),
    (GET, "/api/2.1/unity-catalog/effective-permissions/{}/{}", Operation::GetEffectivePermissions),
    (GET, "/api/2.1/unity-catalog/privilege-assignments/{}/{}", Operation::ListPrivilegeAssignments),
    (GET, "/api/2.1/unity-catalog/effective-privilege-assignments/{}/{}", Operation::ListEffectivePrivilegeAssignments),
    (GET, "/api/2.1/unity-catalog/tables", Operation::ListTables),
    (GET, "/api/2.1/unity-catalog/external-locations", Operation::ListExternalLocations),
    (GET, "/api/2.1/unity-catalog/storage-credentials", Operation::ListStorageCredentials),
    (GET, "/api/2.1/unity-catalog/credentials", Operation::ListServiceCredentials),
    (GET, "/api/2.1/unity-catalog/catalogs", Operation::ListCatalogs),
    (GET, "/api/2.1/unity-catalog/schemas", Operation::ListSchemas),
    (GET, "/api/2.1/unity-catalog/volumes", Operation::ListVolumes),
    (GET, "/api/2.1/unity-catalog/metastore_summary", Operation::MetastoreSummary),
    (GET, "/api/2.1/unity-catalog/current-metastore-assignment", Operation::CurrentMetastoreAssignment),
    (GET, "/api/2.0/workspace-conf", Operation::GetWorkspaceConf),
    (PATCH, "/api/2.0/workspace-conf", Operation::SetWorkspaceConf),
    (GET, "/api/2.0/preview/scim/v2/Me", Operation::GetMe),
];

/// A request matched against the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub operation: Operation,
    pub host: Host,
    /// The account id in the path.
    pub account_id: Option<String>,
    /// The values of the placeholders after the account id.
    pub arguments: Vec<String>,
    pub is_write: bool,
}

impl Route {
    pub fn resolve(method: &Method, path: &str) -> Self {
        let (host, account_id, rest, table) = match path.strip_prefix("/api/2.0/accounts/") {
            Some(rest) => {
                let (account, rest) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Host::Account, Some(account.to_owned()), rest, ACCOUNT)
            }
            None if path.starts_with("/api/") => (Host::Workspace, None, path, WORKSPACE),
            None => (Host::Open, None, path, OPEN),
        };
        let found = table.iter().find_map(|(verb, pattern, operation)| {
            let arguments = if verb == method { arguments(pattern, rest) } else { None };
            arguments.map(|arguments| (*operation, arguments))
        });
        let (operation, arguments) = found.unwrap_or((Operation::Unknown, Vec::new()));
        let is_write = host != Host::Open && method != GET;
        Self { operation, host, account_id, arguments, is_write }
    }
}

/// The values of the placeholders, when the path fits the pattern.
fn arguments(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut found = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(found),
            (Some("{}"), Some(value)) if !value.is_empty() => found.push(decode(value)),
            (Some(literal), Some(value)) if literal == value => {}
            _ => return None,
        }
    }
}

/// Undoes percent encoding, which clients apply to securable names.
fn decode(value: &str) -> String {
    let query = format!("http://host/?v={}", value.replace('+', "%2B"));
    let url = reqwest::Url::parse(&query).ok();
    let pair = url.and_then(|url| url.query_pairs().next().map(|(_, value)| value.into_owned()));
    pair.unwrap_or_else(|| value.to_owned())
}

impl Operation {
    /// What the operation is about: a stale read hides the last write to the same family.
    pub fn family(self) -> &'static str {
        match self {
            Self::CreateCredentials | Self::ListCredentials | Self::GetCredentials | Self::DeleteCredentials => {
                "credentials"
            }
            Self::CreateStorage | Self::ListStorage | Self::GetStorage | Self::DeleteStorage => "storage",
            Self::CreateLogDelivery | Self::ListLogDelivery | Self::GetLogDelivery | Self::PatchLogDelivery => {
                "log-delivery"
            }
            Self::ListSystemSchemas | Self::EnableSystemSchema | Self::DisableSystemSchema | Self::ListTables => {
                "system-schemas"
            }
            Self::GetPermissions
            | Self::UpdatePermissions
            | Self::GetEffectivePermissions
            | Self::ListPrivilegeAssignments
            | Self::ListEffectivePrivilegeAssignments => "permissions",
            Self::GetWorkspaceConf | Self::SetWorkspaceConf => "workspace-conf",
            _ => "other",
        }
    }

    /// What a client without any rights may still do.
    pub fn open_to_everyone(self) -> bool {
        matches!(
            self,
            Self::GetMe
                | Self::MetastoreSummary
                | Self::CurrentMetastoreAssignment
                | Self::ListTables
                | Self::ListExternalLocations
                | Self::ListStorageCredentials
                | Self::ListServiceCredentials
                | Self::ListCatalogs
                | Self::ListSchemas
                | Self::ListVolumes
        )
    }
}
