//! What an access proof asks Unity Catalog. Grants count where storage lies in a bucket that holds the logs: external
//! locations, catalogs and schemas are all listed, volumes and tables only where they can lie there.

use std::collections::BTreeSet;

use crate::call::Read;
use crate::model::databricks::Metastore;
use crate::model::desired::Desired;
use crate::model::unity_catalog::{StoredKind, StoredObject};
use crate::model::{Fact, Observed, Place};

use super::questions::Questions;

/// The catalog of system tables: Databricks' own storage.
const SYSTEM: &str = "system";

impl Questions<'_> {
    /// Every metastore of the account is asked, the declared ones or not: any of them may reach the bucket.
    pub(super) fn unity_catalog(&mut self, desired: &Desired, buckets: &BTreeSet<String>) {
        let account = desired.databricks_place();
        self.ask(&account, Read::DatabricksIdentities);
        self.ask(&account, Read::Metastores);
        let (Observed::Present(mut workspaces), Observed::Present(metastores)) = (
            self.answer(&account, Read::Workspaces, Fact::workspaces),
            self.answer(&account, Read::Metastores, Fact::metastores),
        ) else {
            return;
        };
        workspaces.sort();
        for metastore in &metastores {
            if let Some(place) = self.workspace_of(&account, metastore, &workspaces) {
                self.metastore(&place, metastore, buckets);
            }
        }
    }

    fn metastore(&mut self, place: &Place, metastore: &Metastore, buckets: &BTreeSet<String>) {
        let id = || metastore.metastore_id.clone();
        self.system_access(place, &metastore.metastore_id);
        let catalogs = Read::Catalogs { metastore: id() };
        for read in [
            Read::DatabricksCaller,
            Read::StorageCredentials { metastore: id() },
            Read::ServiceCredentials { metastore: id() },
            Read::ExternalLocations { metastore: id() },
            catalogs.clone(),
            // Owners of the schema and the tables of the native logs.
            Read::Schemas { catalog: SYSTEM.to_owned() },
            Read::StoredTables { catalog: SYSTEM.to_owned(), schema: "access".to_owned() },
        ] {
            self.ask(place, read);
        }
        self.grants(place, "metastore", &metastore.metastore_id);
        self.grants(place, "catalog", SYSTEM);
        self.credentials(place, metastore);
        let reached = self.locations(place, metastore, buckets);
        let root = metastore.storage_root.as_deref().is_some_and(|root| lies_in(root, buckets));
        let Observed::Present(catalogs) = self.answer(place, catalogs, Fact::stored_objects) else { return };
        for catalog in catalogs.iter().filter(|catalog| catalog.full_name != SYSTEM) {
            self.catalog(place, catalog, reached || root, buckets);
        }
    }

    /// Whoever may use a credential may use the role behind it, whatever locations there are.
    fn credentials(&mut self, place: &Place, metastore: &Metastore) {
        let id = || metastore.metastore_id.clone();
        let lists = [
            ("storage_credential", Read::StorageCredentials { metastore: id() }),
            ("credential", Read::ServiceCredentials { metastore: id() }),
        ];
        for (securable, read) in lists {
            if let Observed::Present(credentials) = self.answer(place, read, Fact::storage_credentials) {
                for credential in credentials.iter().filter(|credential| credential.role_arn.is_some()) {
                    self.grants(place, securable, &credential.name);
                }
            }
        }
    }

    /// Whether an external location lies in one of the buckets: then any volume and table may.
    fn locations(&mut self, place: &Place, metastore: &Metastore, buckets: &BTreeSet<String>) -> bool {
        let read = Read::ExternalLocations { metastore: metastore.metastore_id.clone() };
        let Observed::Present(locations) = self.answer(place, read, Fact::external_locations) else { return false };
        let mut reached = false;
        for location in &locations {
            // One that hides its place may be in the bucket; its grants are asked for, its volumes are not guessed.
            let here = location.url.as_deref().is_none_or(|url| lies_in(url, buckets));
            if here {
                self.grants(place, "external_location", &location.name);
            }
            reached |= here && location.url.is_some();
        }
        reached
    }

    /// `all` when storage of any object below may lie in the buckets.
    fn catalog(&mut self, place: &Place, catalog: &StoredObject, all: bool, buckets: &BTreeSet<String>) {
        let within = |object: &StoredObject| object.location.as_deref().is_some_and(|root| lies_in(root, buckets));
        if within(catalog) {
            self.grants(place, StoredKind::Catalog.securable(), &catalog.full_name);
        }
        let read = Read::Schemas { catalog: catalog.full_name.clone() };
        self.ask(place, read.clone());
        let Observed::Present(schemas) = self.answer(place, read, Fact::stored_objects) else { return };
        for schema in &schemas {
            let Some((_, name)) = schema.full_name.split_once('.') else { continue };
            if within(schema) {
                self.parents(place, catalog, schema);
            }
            if !(all || within(catalog) || within(schema)) {
                continue;
            }
            let (catalog_name, schema_name) = (catalog.full_name.clone(), name.to_owned());
            for read in [
                Read::Volumes { catalog: catalog_name.clone(), schema: schema_name.clone() },
                Read::StoredTables { catalog: catalog_name, schema: schema_name },
            ] {
                self.ask(place, read.clone());
                let Observed::Present(objects) = self.answer(place, read, Fact::stored_objects) else { continue };
                for object in objects.iter().filter(|object| within(object)) {
                    self.grants(place, object.kind.securable(), &object.full_name);
                    self.parents(place, catalog, schema);
                }
            }
        }
    }

    /// Privileges are inherited from the schema and the catalog.
    fn parents(&mut self, place: &Place, catalog: &StoredObject, schema: &StoredObject) {
        self.grants(place, StoredKind::Schema.securable(), &schema.full_name);
        self.grants(place, StoredKind::Catalog.securable(), &catalog.full_name);
    }

    fn grants(&mut self, place: &Place, securable: &str, name: &str) {
        self.ask(place, Read::Privileges { securable: securable.to_owned(), name: name.to_owned() });
    }
}

/// Whether a URL is in one of the buckets. `s3`, `s3a` and `s3n` name the same storage.
fn lies_in(url: &str, buckets: &BTreeSet<String>) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let bucket = rest.trim_start_matches('/').split('/').next().unwrap_or_default();
    ["s3", "s3a", "s3n"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) && buckets.contains(bucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_one_bucket() {
        let buckets = BTreeSet::from(["logs".to_owned()]);
        for url in ["s3://logs", "s3a://logs/", "S3n://logs//audit/x", "s3:///logs/audit"] {
            assert!(lies_in(url, &buckets), "{url}");
        }
        for url in ["s3://logs2/audit", "s3://other/logs", "gs://logs/x", "abfss://logs@x/y", "logs", ""] {
            assert!(!lies_in(url, &buckets), "{url}");
        }
    }
}
