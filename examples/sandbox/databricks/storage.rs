//! Credentials, external locations, catalogs, schemas, volumes and tables (SDK `service/catalog.py`).

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::errors::ApiError;
use super::options::{Options, Role};
use super::paging;
use super::route::Operation;
use super::state::{Data, Metastore};
use super::unity_catalog::{self, ACCESS_TABLES, is_enabled, listing};

/// A hidden field of seeded securables: the workspaces an isolated one is bound to.
pub const BOUND_WORKSPACES: &str = "sandbox_bound_workspaces";
/// Owner of everything in the catalog `system`.
const DATABRICKS: &str = "System user";

/// `GET /external-locations`, `/storage-credentials` and `/credentials`: `{}` when empty. A caller without rights
/// sees nothing; objects that are not bound to the workspace show with `include_unbound`.
pub fn list_securables(call: &Call, options: &Options, data: &Data) -> Result<Reply, ApiError> {
    let size = paging::size(call.parameter("max_results"), 1, options.catalog_page_size)?;
    let metastore = unity_catalog::metastore(call, data)?;
    let (field, mut all) = match call.route.operation {
        Operation::ListExternalLocations => ("external_locations", metastore.external_locations.clone()),
        Operation::ListStorageCredentials => ("storage_credentials", metastore.storage_credentials.clone()),
        _ => ("credentials", with_purpose(metastore)),
    };
    if let (Operation::ListServiceCredentials, Some(purpose)) = (call.route.operation, call.parameter("purpose")) {
        all.retain(|one| one.get("purpose").and_then(Value::as_str) == Some(purpose));
    }
    listing(call, options, field, visible(call, &all), size)
}

/// `GET /credentials` has the storage credentials as well.
fn with_purpose(metastore: &Metastore) -> Vec<Map<String, Value>> {
    let marked = |list: &[Map<String, Value>], purpose: &str| {
        let mark = |one: &Map<String, Value>| {
            let mut one = one.clone();
            one.insert("purpose".to_owned(), json!(purpose));
            one
        };
        list.iter().map(mark).collect::<Vec<_>>()
    };
    let mut all = marked(&metastore.storage_credentials, "STORAGE");
    all.extend(marked(&metastore.service_credentials, "SERVICE"));
    all
}

/// What the caller sees of a list. What is marked `browse_only` shows with `include_browse`, as a stub.
fn visible(call: &Call, all: &[Map<String, Value>]) -> Vec<Value> {
    let asked = |name: &str| call.parameter(name) == Some("true");
    let shown = all.iter().filter(|one| {
        call.role != Role::Unprivileged
            && (asked("include_unbound") || bound(one, call.workspace))
            && (asked("include_browse") || !is_stub(one))
    });
    shown
        .map(|one| {
            let mut one = one.clone();
            one.remove(BOUND_WORKSPACES);
            if is_stub(&one) {
                for hidden in ["url", "storage_root", "storage_location", "credential_name", "owner"] {
                    one.remove(hidden);
                }
            }
            Value::Object(one)
        })
        .collect()
}

fn is_stub(object: &Map<String, Value>) -> bool {
    object.get("browse_only").and_then(Value::as_bool) == Some(true)
}

fn bound(object: &Map<String, Value>, workspace: Option<i64>) -> bool {
    match object.get(BOUND_WORKSPACES).and_then(Value::as_array) {
        None => true,
        Some(ids) => ids.iter().any(|id| id.as_i64() == workspace),
    }
}

/// `GET /catalogs`.
pub fn list_catalogs(call: &Call, options: &Options, data: &Data) -> Result<Reply, ApiError> {
    let size = paging::size(call.parameter("max_results"), 1, options.catalog_page_size)?;
    let metastore = unity_catalog::metastore(call, data)?;
    let mut all = below(metastore, "catalog", "");
    all.push(object(json!({
        "name": "system",
        "full_name": "system",
        "catalog_type": "SYSTEM_CATALOG",
        "isolation_mode": "OPEN",
        "owner": DATABRICKS,
        "metastore_id": metastore.metastore_id,
    })));
    listing(call, options, "catalogs", visible(call, &all), size)
}

/// `GET /schemas?catalog_name=`.
pub fn list_schemas(call: &Call, options: &Options, data: &Data) -> Result<Reply, ApiError> {
    let catalog = required(call, "catalog_name")?;
    let size = paging::size(call.parameter("max_results"), 1, options.catalog_page_size)?;
    let metastore = unity_catalog::metastore(call, data)?;
    let all = if catalog == "system" {
        let enabled = metastore.system_schemas.keys().filter(|name| is_enabled(metastore, name));
        let schema = |name: &String| {
            let full_name = format!("system.{name}");
            let fields = json!({ "name": name, "catalog_name": "system", "full_name": full_name, "owner": DATABRICKS });
            object(fields)
        };
        enabled.map(schema).collect()
    } else {
        exists(metastore, "catalog", catalog)?;
        below(metastore, "schema", catalog)
    };
    listing(call, options, "schemas", visible(call, &all), size)
}

/// `GET /volumes` and `GET /tables`, of one schema.
pub fn list_objects(call: &Call, options: &Options, data: &Data) -> Result<Reply, ApiError> {
    let (catalog, schema) = (required(call, "catalog_name")?, required(call, "schema_name")?);
    let size = paging::size(call.parameter("max_results"), 1, options.catalog_page_size)?;
    let metastore = unity_catalog::metastore(call, data)?;
    let (field, kind) = match call.route.operation {
        Operation::ListVolumes => ("volumes", "volume"),
        _ => ("tables", "table"),
    };
    let all = if catalog == "system" {
        if !is_enabled(metastore, schema) {
            return Err(unity_catalog::no_schema(schema));
        }
        system_objects(metastore, kind, schema)
    } else {
        exists(metastore, "catalog", catalog)?;
        let parent = format!("{catalog}.{schema}");
        exists(metastore, "schema", &parent)?;
        below(metastore, kind, &parent)
    };
    listing(call, options, field, visible(call, &all), size)
}

fn system_objects(metastore: &Metastore, kind: &str, schema: &str) -> Vec<Map<String, Value>> {
    let names = if schema == "access" && kind == "table" { ACCESS_TABLES } else { &[] };
    let table = |name: &&str| {
        object(json!({
            "name": name,
            "catalog_name": "system",
            "schema_name": schema,
            "full_name": format!("system.{schema}.{name}"),
            "table_type": "MANAGED",
            "data_source_format": "DELTA",
            "owner": DATABRICKS,
            "metastore_id": metastore.metastore_id,
        }))
    };
    names.iter().map(table).collect()
}

/// Objects of a kind whose full name has this parent; catalogs have none.
fn below(metastore: &Metastore, kind: &str, parent: &str) -> Vec<Map<String, Value>> {
    let of = |name: &str| name.rsplit_once('.').map_or("", |(parent, _)| parent) == parent;
    let objects = metastore.objects.iter().filter(|((found, name), _)| found == kind && of(name));
    objects.map(|(_, fields)| fields.clone()).collect()
}

fn exists(metastore: &Metastore, kind: &str, name: &str) -> Result<(), ApiError> {
    if metastore.objects.contains_key(&(kind.to_owned(), name.to_owned())) {
        return Ok(());
    }
    let (code, title) = match kind {
        "catalog" => ("CATALOG_DOES_NOT_EXIST", "Catalog"),
        _ => ("SCHEMA_DOES_NOT_EXIST", "Schema"),
    };
    Err(ApiError::new(StatusCode::NOT_FOUND, code, format!("{title} '{name}' does not exist.")))
}

fn required<'a>(call: &'a Call, name: &str) -> Result<&'a str, ApiError> {
    call.parameter(name).ok_or_else(|| ApiError::invalid(format!("{name} is required.")))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
