//! Unity Catalog permissions (SDK `service/catalog.py` `GrantsAPI`).

use std::collections::{BTreeMap, BTreeSet};

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::call::{Call, Reply};
use super::errors::ApiError;
use super::options::Options;
use super::paging;
use super::route::Operation;
use super::state::{Data, Grants, Metastore, Securable};
use super::unity_catalog::{self, ACCESS_TABLES, is_enabled, listing};

/// The smallest page that a client may ask for, by the docstrings of `GrantsAPI`.
const LEAST_PAGE: i64 = 150;

/// Lower-case securable types of the SDK's `SecurableType` that take grants.
const TYPES: &[&str] = &[
    "catalog",
    "connection",
    "credential",
    "external_location",
    "function",
    "metastore",
    "provider",
    "recipient",
    "schema",
    "share",
    "storage_credential",
    "table",
    "volume",
];

/// The securable of the path, which must exist.
fn securable(call: &Call, metastore: &Metastore) -> Result<Securable, ApiError> {
    let (kind, name) = (call.argument(0).to_ascii_lowercase(), call.argument(1).to_owned());
    if !TYPES.contains(&kind.as_str()) {
        return Err(ApiError::invalid(format!("SECURABLETYPE.{} is not a valid securable type", kind.to_uppercase())));
    }
    let named = |list: &[serde_json::Map<String, Value>]| {
        list.iter().any(|one| one.get("name").and_then(Value::as_str) == Some(&name))
    };
    let key = (kind, name.clone());
    let system = name == "system" || name.starts_with("system.");
    let exists = match key.0.as_str() {
        "metastore" => name == metastore.metastore_id,
        "catalog" if system => true,
        "schema" if system => name.strip_prefix("system.").is_some_and(|schema| is_enabled(metastore, schema)),
        "table" if system => {
            let table = name.strip_prefix("system.access.").filter(|table| ACCESS_TABLES.contains(table));
            table.is_some() && is_enabled(metastore, "access")
        }
        "external_location" if named(&metastore.external_locations) => true,
        "storage_credential" if named(&metastore.storage_credentials) => true,
        "credential" if named(&metastore.service_credentials) || named(&metastore.storage_credentials) => true,
        _ => metastore.objects.contains_key(&key) || metastore.grants.contains_key(&key),
    };
    if exists {
        return Ok(key);
    }
    let code = match key.0.as_str() {
        "catalog" => "CATALOG_DOES_NOT_EXIST",
        "schema" => "SCHEMA_DOES_NOT_EXIST",
        "table" => "TABLE_DOES_NOT_EXIST",
        "external_location" => "EXTERNAL_LOCATION_DOES_NOT_EXIST",
        "storage_credential" => "STORAGE_CREDENTIAL_DOES_NOT_EXIST",
        "metastore" => "METASTORE_DOES_NOT_EXIST",
        _ => "RESOURCE_DOES_NOT_EXIST",
    };
    let message = format!("{} '{name}' does not exist.", capitalised(&key.0));
    Err(ApiError::new(StatusCode::NOT_FOUND, code, message))
}

fn capitalised(kind: &str) -> String {
    let words = kind.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The page size: `max_results` of the older calls, `page_size` of the always paged newer ones.
fn size(call: &Call, options: &Options) -> Result<Option<usize>, ApiError> {
    let server = options.catalog_page_size;
    match call.route.operation {
        Operation::ListPrivilegeAssignments | Operation::ListEffectivePrivilegeAssignments => {
            paging::size(call.parameter("page_size").or(Some("0")), LEAST_PAGE, server)
        }
        _ => paging::size(call.parameter("max_results"), LEAST_PAGE, server),
    }
}

/// `GET /permissions/{type}/{name}` and `/privilege-assignments/…`: without inherited privileges.
pub fn get(call: &Call, options: &Options, data: &Data) -> Result<Reply, ApiError> {
    let size = size(call, options)?;
    let metastore = unity_catalog::metastore(call, data)?;
    let key = securable(call, metastore)?;
    let all = assignments(metastore, &key, call.parameter("principal"));
    listing(call, options, "privilege_assignments", all, size)
}

fn assignments(metastore: &Metastore, key: &Securable, principal: Option<&str>) -> Vec<Value> {
    let living = metastore.grants.get(key).into_iter().flatten();
    let living = living.filter(|(name, _)| principal.is_none_or(|wanted| wanted == *name));
    let mut all: Vec<Value> = living
        .filter(|(_, privileges)| !privileges.is_empty())
        .map(|(name, privileges)| json!({ "principal": name, "privileges": privileges }))
        .collect();
    if principal.is_none() {
        let orphans = metastore.orphan_grants.get(key).into_iter().flatten();
        all.extend(orphans.map(|(id, privileges)| {
            json!({ "principal": "", "principal_id": id.parse::<i64>().unwrap_or_default(), "privileges": privileges })
        }));
    }
    all
}

/// The securable and its parents up to the catalog; nothing is inherited from the metastore.
fn lineage(key: &Securable) -> Vec<Securable> {
    let (kind, name) = key;
    let mut chain = vec![key.clone()];
    let mut parts = name.splitn(3, '.');
    if let (true, Some(catalog)) = (matches!(kind.as_str(), "schema" | "table" | "volume" | "function"), parts.next()) {
        if let (true, Some(schema)) = (kind != "schema", parts.next()) {
            chain.push(("schema".to_owned(), format!("{catalog}.{schema}")));
        }
        chain.push(("catalog".to_owned(), catalog.to_owned()));
    }
    chain
}

/// `GET /effective-permissions/{type}/{name}` and `/effective-privilege-assignments/…`. USE SCHEMA
/// on the catalog `system` has no effect below it (DataDog/integrations-core pull request 36005).
pub fn effective(call: &Call, options: &Options, data: &Data) -> Result<Reply, ApiError> {
    let size = size(call, options)?;
    let metastore = unity_catalog::metastore(call, data)?;
    let key = securable(call, metastore)?;
    let wanted = call.parameter("principal");
    let mut found: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for parent in lineage(&key) {
        for (principal, privileges) in metastore.grants.get(&parent).into_iter().flatten() {
            if wanted.is_some_and(|wanted| wanted != principal) {
                continue;
            }
            for privilege in privileges {
                if parent == key {
                    found.entry(principal).or_default().push(json!({ "privilege": privilege }));
                } else if !(parent.1 == "system" && privilege == "USE_SCHEMA") {
                    found.entry(principal).or_default().push(json!({
                        "privilege": privilege,
                        "inherited_from_type": parent.0.to_uppercase(),
                        "inherited_from_name": parent.1,
                    }));
                }
            }
        }
    }
    let all = found.into_iter().map(|(name, privileges)| json!({ "principal": name, "privileges": privileges }));
    let field = match call.route.operation {
        Operation::ListEffectivePrivilegeAssignments => "effective_privilege_assignments",
        _ => "privilege_assignments",
    };
    listing(call, options, field, all.collect(), size)
}

#[derive(Deserialize)]
struct Changes {
    #[serde(default)]
    changes: Vec<Change>,
    #[serde(default)]
    omit_permissions_in_response: bool,
}

#[derive(Deserialize)]
struct Change {
    #[serde(default)]
    principal: String,
    #[serde(default)]
    add: Vec<String>,
    #[serde(default)]
    remove: Vec<String>,
}

/// `PATCH /permissions/{type}/{name}`: all changes or none.
pub fn update(call: &Call, data: &mut Data) -> Result<Reply, ApiError> {
    let wanted: Changes = call.json()?;
    let key = securable(call, unity_catalog::metastore(call, data)?)?;
    let id = unity_catalog::metastore(call, data)?.metastore_id.clone();
    for change in &wanted.changes {
        if !data.knows_principal(&change.principal) {
            // databricks/terraform-provider-databricks#5413.
            let message = format!("Could not find principal with name {}", change.principal);
            return Err(ApiError::new(StatusCode::NOT_FOUND, "PRINCIPAL_DOES_NOT_EXIST", message));
        }
        for privilege in change.add.iter().chain(&change.remove) {
            normalised(privilege)?;
        }
    }
    let Some(metastore) = data.metastore_mut(&id) else { return Err(ApiError::not_found("No metastore.")) };
    let grants: &mut Grants = metastore.grants.entry(key.clone()).or_default();
    for change in &wanted.changes {
        let held: &mut BTreeSet<String> = grants.entry(change.principal.clone()).or_default();
        for privilege in &change.add {
            held.insert(normalised(privilege)?);
        }
        for privilege in &change.remove {
            held.remove(&normalised(privilege)?);
        }
    }
    grants.retain(|_, privileges| !privileges.is_empty());
    if wanted.omit_permissions_in_response {
        return Ok(Reply::Json(json!({})));
    }
    let mut answer = serde_json::Map::new();
    let all = assignments(metastore, &key, None);
    if !all.is_empty() {
        answer.insert("privilege_assignments".to_owned(), Value::Array(all));
    }
    Ok(Reply::Json(Value::Object(answer)))
}

/// Privileges are an open set of upper-case words; spaces and underscores are the same
/// (terraform-provider-databricks `catalog/permissions`).
fn normalised(privilege: &str) -> Result<String, ApiError> {
    let name = privilege.trim().replace(' ', "_").to_ascii_uppercase();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
        return Err(ApiError::invalid(format!("Privilege {privilege} is not applicable to this entity")));
    }
    Ok(name)
}
