//! workspace-conf and the current user.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::errors::ApiError;
use super::state::Data;

/// Keys whose value is `"true"` or `"false"`: terraform-provider-databricks
/// `workspace/resource_workspace_conf.go` and `exporter/context.go`, and the settings client of
/// databricks-industry-solutions/security-analysis-tool.
const SWITCHES: &[&str] = &[
    "enableVerboseAuditLogs",
    "enableIpAccessLists",
    "enableTokensConfig",
    "enableExportNotebook",
    "enableResultsDownloading",
    "enableNotebookTableClipboard",
    "enableUploadDataUis",
    "enableDbfsFileBrowser",
    "enableFileStoreEndpoint",
    "enableWebTerminal",
    "enforceUserIsolation",
    "enforceWorkspaceViewAcls",
    "enforceClusterViewAcls",
    "enableJobViewAcls",
    "storeInteractiveNotebookResultsInCustomerAccount",
    "enableDeprecatedGlobalInitScripts",
    "enableDeprecatedClusterNamedInitScripts",
    "enableEnforceImdsV2",
    "enableLibraryAndInitScriptOnSharedCluster",
    "enableProjectsAllowList",
    "mlflowRunArtifactDownloadEnabled",
    "enable-X-Frame-Options",
    "enable-X-Content-Type-Options",
    "enable-X-XSS-Protection",
];
/// Keys with other values.
const VALUES: &[&str] =
    &["maxTokenLifetimeDays", "maxUserInactiveDays", "customerApprovedWSLoginExpirationTime", "projectsAllowList"];

/// `GET /api/2.0/workspace-conf?keys=a,b`: strings, or null when unset. There is no list of all.
pub fn get_conf(call: &Call, data: &Data) -> Result<Reply, ApiError> {
    let keys: Vec<&str> = call.parameter("keys").map(|keys| keys.split(',').collect()).unwrap_or_default();
    refuse_unknown(keys.iter().copied())?;
    let conf = call.workspace.and_then(|id| data.workspace(id)).map(|one| &one.conf);
    let value = |key: &str| conf.and_then(|conf| conf.get(key)).map_or(Value::Null, |value| json!(value));
    let answer: Map<String, Value> = keys.iter().map(|key| ((*key).to_owned(), value(key))).collect();
    Ok(Reply::Json(Value::Object(answer)))
}

/// `PATCH /api/2.0/workspace-conf`: strings only, answers 204.
pub fn set_conf(call: &Call, data: &mut Data) -> Result<Reply, ApiError> {
    let given: Map<String, Value> = call.json()?;
    refuse_unknown(given.keys().map(String::as_str))?;
    let mut wanted = BTreeMap::new();
    let mut refused = Map::new();
    for (key, value) in given {
        match value.as_str() {
            None => return Err(ApiError::malformed(format!("Could not parse request object: {key} must be a string"))),
            Some(text) if SWITCHES.contains(&key.as_str()) && !matches!(text, "true" | "false") => {
                refused.insert(key, value);
            }
            Some(text) => {
                wanted.insert(key, text.to_owned());
            }
        }
    }
    if !refused.is_empty() {
        return Err(bad_request(format!("Some values are not allowed: {}", Value::Object(refused))));
    }
    if let Some(workspace) = call.workspace.and_then(|id| data.workspace_mut(id)) {
        workspace.conf.extend(wanted);
    }
    Ok(Reply::Empty(StatusCode::NO_CONTENT))
}

fn refuse_unknown<'a>(keys: impl Iterator<Item = &'a str>) -> Result<(), ApiError> {
    let unknown: Vec<&str> = keys.filter(|key| !SWITCHES.contains(key) && !VALUES.contains(key)).collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(bad_request(format!("Invalid keys: {}", json!(unknown))))
}

fn bad_request(message: String) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
}

/// `GET /api/2.0/preview/scim/v2/Me` (SDK `CurrentUserAPI`).
pub fn me(call: &Call, data: &Data) -> Result<Reply, ApiError> {
    let Some(client) = &call.client else { return Err(ApiError::unauthenticated("Invalid Token")) };
    let id = data.service_principals.iter().find(|one| one.name == client.client_id).map(|one| one.id.as_str());
    let id = id.unwrap_or("0");
    let joined = data.groups.iter().filter(|group| group.members.iter().any(|(member, _)| member == id));
    let groups: Vec<Value> = joined.map(|group| json!({ "value": group.id, "display": group.name })).collect();
    Ok(Reply::Json(json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "id": id,
        "groups": groups,
        "userName": client.client_id,
        "displayName": client.display_name,
        "active": true,
        "emails": [{ "value": client.client_id, "primary": true, "type": "work" }],
    })))
}
