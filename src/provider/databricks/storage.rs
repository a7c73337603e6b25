//! What Unity Catalog knows of storage: credentials, external locations, catalogs, schemas, volumes and tables.
//! Requests and answers: docs.databricks.com/api/workspace, databricks-sdk-py `service/catalog.py`. Lists show what the
//! caller may see; `include_browse` adds what may only be browsed, `include_unbound` what is not bound to the workspace.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::client::DatabricksClient;
use super::endpoint::Target;
use super::error::Failure;
use super::page::Paging;
use super::workspace::SERVER_PAGES;
use crate::model::unity_catalog::{ExternalLocation, StorageCredential, StoredKind, StoredObject};

const UNBOUND: (&str, &str) = ("include_unbound", "true");
const BROWSE: (&str, &str) = ("include_browse", "true");

#[derive(Deserialize)]
struct CredentialAnswer {
    name: String,
    owner: Option<String>,
    aws_iam_role: Option<AwsIamRole>,
    read_only: Option<bool>,
}

#[derive(Deserialize)]
struct AwsIamRole {
    role_arn: Option<String>,
}

#[derive(Deserialize)]
struct LocationAnswer {
    name: String,
    owner: Option<String>,
    url: Option<String>,
    credential_name: Option<String>,
    read_only: Option<bool>,
    fallback: Option<bool>,
}

/// A catalog, schema, volume or table: the fields that they share, and those of one or two of them.
#[derive(Deserialize)]
struct ObjectAnswer {
    name: Option<String>,
    full_name: Option<String>,
    owner: Option<String>,
    browse_only: Option<bool>,
    storage_root: Option<String>,
    storage_location: Option<String>,
}

impl From<CredentialAnswer> for StorageCredential {
    fn from(answer: CredentialAnswer) -> Self {
        Self {
            name: answer.name,
            owner: answer.owner.unwrap_or_default(),
            role_arn: answer.aws_iam_role.and_then(|role| filled(role.role_arn)),
            read_only: answer.read_only.unwrap_or(false),
        }
    }
}

impl From<LocationAnswer> for ExternalLocation {
    fn from(answer: LocationAnswer) -> Self {
        Self {
            name: answer.name,
            owner: answer.owner.unwrap_or_default(),
            url: filled(answer.url),
            credential_name: answer.credential_name.unwrap_or_default(),
            read_only: answer.read_only.unwrap_or(false),
            fallback: answer.fallback.unwrap_or(false),
        }
    }
}

impl ObjectAnswer {
    /// `parents` come before the name where the answer has no full name.
    fn object(self, kind: StoredKind, parents: &[&str]) -> Result<StoredObject, Failure> {
        let full = filled(self.full_name).filter(|_| !parents.is_empty());
        let joined = || {
            let name = filled(self.name)?;
            Some([parents, &[name.as_str()]].concat().join("."))
        };
        let full_name =
            full.or_else(joined).ok_or_else(|| Failure::Answer(format!("a {} without a name", kind.securable())))?;
        Ok(StoredObject {
            kind,
            full_name,
            owner: self.owner.unwrap_or_default(),
            // The location lies below the root and is where objects are put; of a catalog it may be missing.
            location: filled(self.storage_location).or_else(|| filled(self.storage_root)),
            browse_only: self.browse_only.unwrap_or(false),
        })
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// Lists are sorted by name: the service promises no order, and equal states have equal answers.
fn sorted<A: Into<T>, T: Ord>(answers: Vec<A>) -> Vec<T> {
    let mut items: Vec<T> = answers.into_iter().map(Into::into).collect();
    items.sort();
    items
}

impl DatabricksClient {
    pub(super) async fn storage_credentials(&self, at: &Target) -> Result<Vec<StorageCredential>, Failure> {
        let query = [UNBOUND, SERVER_PAGES];
        self.catalog_list::<CredentialAnswer>(at, "storage-credentials", "storage_credentials", &query)
            .await
            .map(sorted)
    }

    pub(super) async fn service_credentials(&self, at: &Target) -> Result<Vec<StorageCredential>, Failure> {
        let query = [("purpose", "SERVICE"), UNBOUND, SERVER_PAGES];
        self.catalog_list::<CredentialAnswer>(at, "credentials", "credentials", &query).await.map(sorted)
    }

    pub(super) async fn external_locations(&self, at: &Target) -> Result<Vec<ExternalLocation>, Failure> {
        let query = [BROWSE, UNBOUND, SERVER_PAGES];
        self.catalog_list::<LocationAnswer>(at, "external-locations", "external_locations", &query).await.map(sorted)
    }

    pub(super) async fn catalogs(&self, at: &Target) -> Result<Vec<StoredObject>, Failure> {
        self.objects(at, StoredKind::Catalog, &[], &[UNBOUND]).await
    }

    pub(super) async fn schemas(&self, at: &Target, catalog: &str) -> Result<Vec<StoredObject>, Failure> {
        self.objects(at, StoredKind::Schema, &[catalog], &[("catalog_name", catalog)]).await
    }

    pub(super) async fn volumes(&self, at: &Target, catalog: &str, schema: &str) -> Result<Vec<StoredObject>, Failure> {
        let query = [("catalog_name", catalog), ("schema_name", schema)];
        self.objects(at, StoredKind::Volume, &[catalog, schema], &query).await
    }

    pub(super) async fn stored_tables(
        &self,
        at: &Target,
        catalog: &str,
        schema: &str,
    ) -> Result<Vec<StoredObject>, Failure> {
        let query =
            [("catalog_name", catalog), ("schema_name", schema), ("omit_columns", "true"), ("omit_properties", "true")];
        self.objects(at, StoredKind::Table, &[catalog, schema], &query).await
    }

    async fn objects(
        &self,
        at: &Target,
        kind: StoredKind,
        parents: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Vec<StoredObject>, Failure> {
        let list = match kind {
            StoredKind::Catalog => "catalogs",
            StoredKind::Schema => "schemas",
            StoredKind::Volume => "volumes",
            StoredKind::Table => "tables",
        };
        let query = [query, &[BROWSE, SERVER_PAGES]].concat();
        let answers = self.catalog_list::<ObjectAnswer>(at, list, list, &query).await?;
        let objects = answers.into_iter().map(|answer| answer.object(kind, parents));
        let mut objects = objects.collect::<Result<Vec<_>, _>>()?;
        objects.sort();
        Ok(objects)
    }

    async fn catalog_list<T: DeserializeOwned>(
        &self,
        at: &Target,
        path: &str,
        field: &'static str,
        query: &[(&str, &str)],
    ) -> Result<Vec<T>, Failure> {
        self.list(at, self.catalog_url(at, &[path], query)?, Paging::Token(field)).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::client::decode;
    use super::*;

    fn object(kind: StoredKind, parents: &[&str], value: Value) -> Result<StoredObject, Failure> {
        decode::<ObjectAnswer>(value).and_then(|answer| answer.object(kind, parents))
    }

    #[test]
    fn objects_have_their_full_name_and_the_place_where_they_lie() {
        let catalog = json!({"name": "main", "full_name": "ignored", "owner": "o", "storage_root": "s3://b/root",
            "storage_location": "s3://b/root/__unitystorage/catalogs/1"});
        let catalog = object(StoredKind::Catalog, &[], catalog).unwrap();
        assert_eq!(catalog.full_name, "main");
        assert_eq!(catalog.location.as_deref(), Some("s3://b/root/__unitystorage/catalogs/1"));
        let schema = object(StoredKind::Schema, &["main"], json!({"name": "x", "storage_root": "s3://b/x"})).unwrap();
        assert_eq!((schema.full_name.as_str(), schema.location.as_deref()), ("main.x", Some("s3://b/x")));
        let view = object(StoredKind::Table, &["main", "x"], json!({"name": "v", "storage_location": ""})).unwrap();
        assert_eq!((view.full_name.as_str(), view.location), ("main.x.v", None));
        let named = json!({"name": "t", "full_name": "main.x.t", "browse_only": true});
        assert!(object(StoredKind::Volume, &["main", "x"], named).unwrap().browse_only);
        assert!(object(StoredKind::Table, &["main", "x"], json!({"owner": "o"})).is_err());
    }

    #[test]
    fn what_is_hidden_is_no_empty_text() {
        let stub = json!({"name": "l", "browse_only": true});
        let location = ExternalLocation::from(decode::<LocationAnswer>(stub).unwrap());
        assert_eq!((location.url, location.fallback), (None, false));
        let azure = json!({"name": "c", "azure_managed_identity": {"access_connector_id": "x"}});
        assert_eq!(StorageCredential::from(decode::<CredentialAnswer>(azure).unwrap()).role_arn, None);
        let aws = json!({"name": "c", "aws_iam_role": {"role_arn": "arn:aws:iam::1:role/r", "external_id": "e"}});
        let aws = StorageCredential::from(decode::<CredentialAnswer>(aws).unwrap());
        assert_eq!(aws.role_arn.as_deref(), Some("arn:aws:iam::1:role/r"));
    }
}
