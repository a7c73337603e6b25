//! The operations that only a workspace host answers: system schemas, grants, tables, workspace configuration.
//! Requests and answers: docs.databricks.com/api/workspace, databricks-sdk-py `service/{catalog,settings}.py`.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::DatabricksClient;
use super::endpoint::Target;
use super::error::Failure;
use super::page::Paging;
use crate::call::{GrantChange, WriteOutcome};
use crate::model::databricks::{PrivilegeAssignment, SystemSchema};
use crate::model::fact::{Names, WorkspaceConf};

#[derive(Deserialize)]
struct SchemaAnswer {
    schema: String,
    state: Option<String>,
}

/// `principal_id` stands for `principal` once that is deleted. Its type is written down nowhere: a number or its text.
#[derive(Deserialize)]
struct AssignmentAnswer {
    principal: Option<String>,
    principal_id: Option<Value>,
    privileges: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct TableAnswer {
    name: Option<String>,
    full_name: Option<String>,
}

impl From<SchemaAnswer> for SystemSchema {
    /// An empty state was seen for schemas that can be enabled.
    fn from(answer: SchemaAnswer) -> Self {
        let state = answer.state.filter(|state| !state.is_empty()).unwrap_or_else(|| "AVAILABLE".to_owned());
        Self { schema: answer.schema, state }
    }
}

/// Page size chosen by the server. Without it the answer is not paged at all, or cut (databricks-sdk-py `catalog.py`).
pub(super) const SERVER_PAGES: (&str, &str) = ("max_results", "0");

impl DatabricksClient {
    pub(super) async fn system_schemas(&self, at: &Target, metastore: &str) -> Result<Vec<SystemSchema>, Failure> {
        let url = self.catalog_url(at, &["metastores", metastore, "systemschemas"], &[SERVER_PAGES])?;
        let answers = self.list::<SchemaAnswer>(at, url, Paging::Token("schemas")).await?;
        let mut schemas: Vec<SystemSchema> = answers.into_iter().map(SystemSchema::from).collect();
        schemas.sort();
        Ok(schemas)
    }

    pub(super) async fn privileges(
        &self,
        at: &Target,
        securable: &str,
        name: &str,
    ) -> Result<Vec<PrivilegeAssignment>, Failure> {
        let url = self.catalog_url(at, &["permissions", securable, name], &[SERVER_PAGES])?;
        self.list(at, url, Paging::Token("privilege_assignments")).await.map(assignments)
    }

    pub(super) async fn tables(&self, at: &Target, catalog: &str, schema: &str) -> Result<Names, Failure> {
        let query = [
            ("catalog_name", catalog),
            ("schema_name", schema),
            SERVER_PAGES,
            ("omit_columns", "true"),
            ("omit_properties", "true"),
        ];
        let url = self.catalog_url(at, &["tables"], &query)?;
        let tables = self.list::<TableAnswer>(at, url, Paging::Token("tables")).await?;
        let names: Option<BTreeSet<String>> = tables
            .into_iter()
            .map(|table| table.full_name.or_else(|| Some(format!("{catalog}.{schema}.{}", table.name?))))
            .collect();
        let names = names.ok_or_else(|| Failure::Answer("a table without a name".to_owned()))?;
        Ok(Names(names.into_iter().collect()))
    }

    pub(super) async fn workspace_conf(&self, at: &Target, key: &str) -> Result<WorkspaceConf, Failure> {
        let url = self.hosts().url(at, &["api", "2.0", "workspace-conf"], &[("keys", key)])?;
        conf(key, self.get(at, url).await?)
    }

    /// `schema already exists` is how an enabled schema answers (terraform-databricks-sra issue 129).
    pub(super) async fn enable_system_schema(
        &self,
        at: &Target,
        metastore: &str,
        schema: &str,
    ) -> Result<WriteOutcome, Failure> {
        let url = self.catalog_url(at, &["metastores", metastore, "systemschemas", schema], &[])?;
        match self.call(at, Method::PUT, url, Some(json!({}))).await {
            Err(Failure::Api(error)) if error.message.contains("already exists") => Ok(WriteOutcome::default()),
            result => result.map(|_| WriteOutcome::default()),
        }
    }

    pub(super) async fn update_privileges(
        &self,
        at: &Target,
        securable: &str,
        name: &str,
        changes: &[GrantChange],
    ) -> Result<WriteOutcome, Failure> {
        let changes: Vec<Value> = changes.iter().map(change).collect();
        let body = json!({ "changes": changes, "omit_permissions_in_response": true });
        let url = self.catalog_url(at, &["permissions", securable, name], &[])?;
        self.call(at, Method::PATCH, url, Some(body)).await?;
        Ok(WriteOutcome::default())
    }

    /// One key per request, so that Databricks' own audit event names exactly the key that changed.
    pub(super) async fn set_workspace_conf(
        &self,
        at: &Target,
        key: &str,
        value: &str,
    ) -> Result<WriteOutcome, Failure> {
        let url = self.hosts().url(at, &["api", "2.0", "workspace-conf"], &[])?;
        self.call(at, Method::PATCH, url, Some(json!({ key: value }))).await?;
        Ok(WriteOutcome::default())
    }

    pub(super) fn catalog_url(&self, at: &Target, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Failure> {
        let path = [&["api", "2.1", "unity-catalog"], path].concat();
        self.hosts().url(at, &path, query)
    }
}

/// One entry per principal, even when pages split it, with privileges as the API names them.
fn assignments(answers: Vec<AssignmentAnswer>) -> Vec<PrivilegeAssignment> {
    let mut found: BTreeMap<(String, Option<i64>), BTreeSet<String>> = BTreeMap::new();
    for answer in answers {
        let id = match answer.principal_id {
            Some(Value::Number(number)) => number.as_i64(),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        let principal = answer.principal.unwrap_or_default();
        // The id only matters where there is no name any more.
        let id = id.filter(|_| principal.is_empty());
        let names = answer.privileges.unwrap_or_default();
        let names = names.iter().map(|name| name.trim().to_uppercase().replace(' ', "_"));
        found.entry((principal, id)).or_default().extend(names);
    }
    found
        .into_iter()
        .filter(|(_, privileges)| !privileges.is_empty())
        .map(|((principal, principal_id), privileges)| PrivilegeAssignment {
            principal,
            principal_id,
            privileges: privileges.into_iter().collect(),
        })
        .collect()
}

fn change(change: &GrantChange) -> Value {
    let mut fields = json!({ "principal": change.principal });
    if let Some(fields) = fields.as_object_mut() {
        for (name, privileges) in [("add", &change.add), ("remove", &change.remove)] {
            if !privileges.is_empty() {
                fields.insert(name.to_owned(), json!(privileges));
            }
        }
    }
    fields
}

/// Only the key that was asked for; `null` and a missing key are both "never set".
fn conf(key: &str, answer: Value) -> Result<WorkspaceConf, Failure> {
    let Value::Object(mut fields) = answer else {
        return Err(Failure::Answer("workspace configuration that is not an object".to_owned()));
    };
    let value = match fields.remove(key) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) => Some(text),
        Some(other) => Some(other.to_string()),
    };
    Ok(WorkspaceConf([(key.to_owned(), value)].into()))
}

#[cfg(test)]
mod tests {
    use super::super::client::decode;
    use super::*;

    #[test]
    fn assignments_are_joined_sorted_and_spelled_one_way() {
        let answers: Vec<AssignmentAnswer> = decode(json!([
            {"principal": "zoe", "privileges": ["USE SCHEMA", "SELECT"]},
            {"principal": "", "principal_id": 42, "privileges": ["SELECT"]},
            {"principal_id": "43", "privileges": ["select"]},
            {"principal": "ann", "principal_id": 9, "privileges": ["SELECT"]},
            {"principal": "zoe", "privileges": ["USE_SCHEMA", "NEW_PRIVILEGE"]},
            {"principal": "nobody"},
        ]))
        .unwrap();
        let row = |principal: &str, principal_id, privileges: &[&str]| PrivilegeAssignment {
            principal: principal.to_owned(),
            principal_id,
            privileges: privileges.iter().map(|name| (*name).to_owned()).collect(),
        };
        let wanted = [
            row("", Some(42), &["SELECT"]),
            row("", Some(43), &["SELECT"]),
            row("ann", None, &["SELECT"]),
            row("zoe", None, &["NEW_PRIVILEGE", "SELECT", "USE_SCHEMA"]),
        ];
        assert_eq!(assignments(answers), wanted);
    }

    #[test]
    fn a_key_that_was_never_set_differs_from_false() {
        let value = |answer| conf("k", answer).unwrap().0.remove("k").unwrap();
        assert_eq!(value(json!({"k": "false", "other": "true"})), Some("false".to_owned()));
        assert_eq!(value(json!({"k": true})), Some("true".to_owned()));
        assert_eq!(value(json!({"k": null})), None);
        assert_eq!(value(json!({})), None);
        assert!(conf("k", json!([])).is_err());
    }

    #[test]
    fn an_empty_state_is_available() {
        let state = |value| SystemSchema::from(decode::<SchemaAnswer>(value).unwrap()).state;
        assert_eq!(state(json!({"schema": "access"})), "AVAILABLE");
        assert_eq!(state(json!({"schema": "access", "state": ""})), "AVAILABLE");
        assert_eq!(state(json!({"schema": "access", "state": "MANAGED"})), "MANAGED");
    }

    #[test]
    fn changes_leave_out_what_is_empty() {
        let one = GrantChange { principal: "g".to_owned(), add: vec!["SELECT".to_owned()], remove: Vec::new() };
        assert_eq!(change(&one), json!({"principal": "g", "add": ["SELECT"]}));
    }
}
