//! System schemas, metastore summaries and the shape of lists
//! (SDK `service/catalog.py`).

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use super::call::{Call, Reply};
use super::errors::ApiError;
use super::options::Options;
use super::paging;
use super::state::{Data, Metastore};

/// The tables of `system.access` (docs: admin/system-tables).
pub const ACCESS_TABLES: &[&str] =
    &["assistant_events", "audit", "clean_room_events", "column_lineage", "table_lineage", "workspaces_latest"];

/// The metastore of the calling workspace.
pub fn metastore<'a>(call: &Call, data: &'a Data) -> Result<&'a Metastore, ApiError> {
    let workspace = call.workspace.and_then(|id| data.workspace(id));
    let assigned = workspace.and_then(|one| one.metastore_id.as_deref()).and_then(|id| data.metastore(id));
    assigned.ok_or_else(|| {
        let message = "No metastore assigned for the current workspace.";
        ApiError::new(StatusCode::NOT_FOUND, "METASTORE_DOES_NOT_EXIST", message)
    })
}

/// The metastore in the path of a system-schema call, which must be the workspace's.
fn named<'a>(call: &Call, data: &'a mut Data) -> Result<&'a mut Metastore, ApiError> {
    let own = metastore(call, data)?.metastore_id.clone();
    let wanted = call.argument(0);
    if own != wanted {
        return Err(ApiError::denied(format!(
            "Metastore {wanted} is not assigned to the current workspace; its metastore is {own}."
        )));
    }
    data.metastore_mut(wanted).ok_or_else(|| ApiError::not_found(format!("Metastore '{wanted}' does not exist.")))
}

/// `GET …/systemschemas`: an enable that is under way completes after some reads.
pub fn list_schemas(call: &Call, options: &Options, data: &mut Data) -> Result<Reply, ApiError> {
    let size = paging::size(call.parameter("max_results"), 1, options.catalog_page_size)?;
    let first = call.parameter("page_token").is_none();
    let metastore = named(call, data)?;
    let mut all = Vec::new();
    for (name, schema) in &mut metastore.system_schemas {
        if first && schema.state == "ENABLE_INITIALIZED" {
            match schema.pending_reads.checked_sub(1) {
                Some(left) => schema.pending_reads = left,
                None => schema.state = "ENABLE_COMPLETED".to_owned(),
            }
        }
        all.push(json!({ "schema": name, "state": schema.state }));
    }
    listing(call, options, "schemas", all, size)
}

/// `PUT …/systemschemas/{name}`: messages of databricks/terraform-databricks-sra#129 and #151.
pub fn enable_schema(call: &Call, options: &Options, data: &mut Data) -> Result<Reply, ApiError> {
    let name = call.argument(1).to_owned();
    let metastore = named(call, data)?;
    let Some(schema) = metastore.system_schemas.get_mut(&name) else { return Err(no_schema(&name)) };
    match schema.state.as_str() {
        "AVAILABLE" | "" | "DISABLE_INITIALIZED" => {
            schema.state = "ENABLE_INITIALIZED".to_owned();
            schema.pending_reads = options.schema_pending_reads;
            Ok(Reply::Json(json!({})))
        }
        "MANAGED" | "UNAVAILABLE" => {
            Err(ApiError::invalid(format!("{name} system schema can only be enabled by Databricks")))
        }
        _ => Err(ApiError::new(StatusCode::BAD_REQUEST, "SCHEMA_ALREADY_EXISTS", "schema already exists")),
    }
}

/// `DELETE …/systemschemas/{name}`.
pub fn disable_schema(call: &Call, data: &mut Data) -> Result<Reply, ApiError> {
    let name = call.argument(1).to_owned();
    let metastore = named(call, data)?;
    let Some(schema) = metastore.system_schemas.get_mut(&name) else { return Err(no_schema(&name)) };
    match schema.state.as_str() {
        "ENABLE_COMPLETED" | "ENABLE_INITIALIZED" if name != "information_schema" => {
            schema.state = "AVAILABLE".to_owned();
            Ok(Reply::Json(json!({})))
        }
        "AVAILABLE" | "" => Err(no_schema(&name)),
        _ => Err(ApiError::invalid(format!("{name} system schema can only be disabled by Databricks"))),
    }
}

pub fn no_schema(name: &str) -> ApiError {
    let message = format!("Schema 'system.{name}' does not exist.");
    ApiError::new(StatusCode::NOT_FOUND, "SCHEMA_DOES_NOT_EXIST", message)
}

/// Whether the tables of `system.<name>` exist.
pub fn is_enabled(metastore: &Metastore, name: &str) -> bool {
    let state = metastore.system_schemas.get(name).map(|schema| schema.state.as_str());
    matches!(state, Some("ENABLE_COMPLETED" | "MANAGED"))
}

/// `GET /metastore_summary`.
pub fn summary(call: &Call, data: &Data) -> Result<Reply, ApiError> {
    Ok(Reply::Json(metastore(call, data)?.json()))
}

/// `GET /current-metastore-assignment`.
pub fn assignment(call: &Call, data: &Data) -> Result<Reply, ApiError> {
    let metastore = metastore(call, data)?;
    Ok(Reply::Json(json!({
        "workspace_id": call.workspace,
        "metastore_id": metastore.metastore_id,
        "default_catalog_name": "main",
    })))
}

/// A list answer: the array is left out when it is empty, the token when there is no further page.
pub fn listing(
    call: &Call,
    options: &Options,
    field: &str,
    all: Vec<Value>,
    size: Option<usize>,
) -> Result<Reply, ApiError> {
    let (items, next) = match size {
        None => (all, None),
        Some(size) => paging::page(all, call.parameter("page_token"), size, options.empty_first_page)?,
    };
    let mut answer = Map::new();
    if !items.is_empty() {
        answer.insert(field.to_owned(), Value::Array(items));
    }
    if let Some(next) = next {
        answer.insert("next_page_token".to_owned(), json!(next));
    }
    Ok(Reply::Json(Value::Object(answer)))
}
