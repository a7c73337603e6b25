//! Grants and ownership on the things of Unity Catalog (Databricks docs, "Unity Catalog privileges and securable objects").

use std::collections::BTreeMap;

use crate::model::databricks::PrivilegeAssignment;
use crate::model::live::Read;
use crate::model::unity_catalog::{ExternalLocation, StorageCredential, StoredKind, StoredObject};
use crate::model::{Fact, Gap, Observed, Place};

use super::super::facts::Facts;

/// One metastore as seen from one workspace.
#[derive(Clone, Debug, Default)]
pub(super) struct Metastore {
    pub id: String,
    /// Metastore admin.
    pub owner: String,
    pub credentials: Vec<StorageCredential>,
    /// Credentials for other uses than storage: whoever may use one has its role.
    pub service_credentials: Vec<StorageCredential>,
    pub locations: Vec<ExternalLocation>,
    pub objects: Vec<StoredObject>,
    /// (securable, full name) → direct grants.
    pub grants: BTreeMap<(String, String), Vec<PrivilegeAssignment>>,
    /// Whether the caller sees everything.
    pub all_visible: bool,
}

/// A way in which somebody holds a privilege.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Holding {
    pub principal: String,
    /// For example "`SELECT` on schema `system.access`".
    pub how: String,
    /// The principal has to grant itself the privilege first.
    pub must_grant_itself: bool,
}

impl Metastore {
    pub fn read(
        live: &Facts<'_>,
        place: &Place,
        id: &str,
        listed: Option<&crate::model::databricks::Metastore>,
        gaps: &mut Vec<Gap>,
    ) -> Self {
        let mut metastore = Self {
            id: id.to_owned(),
            owner: listed.map(|one| one.owner.clone()).unwrap_or_default(),
            ..Self::default()
        };
        for (query, answer) in live.in_place(place) {
            let fact = match answer {
                Observed::Present(fact) => fact,
                Observed::Absent => continue,
                Observed::Unknown(gap) => {
                    gaps.push(gap.clone());
                    continue;
                }
            };
            match (&query.read, fact) {
                (Read::Privileges { securable, name }, Fact::Privileges(grants)) => {
                    metastore.grants.insert((securable.clone(), name.clone()), grants.clone());
                }
                (Read::StorageCredentials { .. }, Fact::StorageCredentials(all)) => {
                    metastore.credentials.clone_from(all)
                }
                (Read::ServiceCredentials { .. }, Fact::StorageCredentials(all)) => {
                    metastore.service_credentials.clone_from(all);
                }
                (Read::ExternalLocations { .. }, Fact::ExternalLocations(all)) => metastore.locations.clone_from(all),
                (_, Fact::StoredObjects(all)) => metastore.objects.extend(all.iter().cloned()),
                (Read::DatabricksCaller, Fact::DatabricksCaller(caller)) => {
                    metastore.all_visible = caller.name == metastore.owner || caller.groups.contains(&metastore.owner);
                }
                _ => {}
            }
        }
        metastore
    }

    /// Whoever holds one of some privileges directly on a securable.
    pub fn holders(&self, securable: &str, name: &str, privileges: &[&str]) -> Vec<Holding> {
        let grants = self.grants.get(&(securable.to_owned(), name.to_owned()));
        let words = securable.replace('_', " ");
        let mut holders = Vec::new();
        for grant in grants.into_iter().flatten() {
            // A grant to somebody who was deleted reaches nobody.
            if grant.principal.is_empty() {
                continue;
            }
            for privilege in &grant.privileges {
                let spelled = privilege.replace(' ', "_").to_uppercase();
                let manages = spelled == "MANAGE";
                if manages || spelled == "ALL_PRIVILEGES" || privileges.contains(&spelled.as_str()) {
                    holders.push(Holding {
                        principal: grant.principal.clone(),
                        how: format!("`{spelled}` on {words} `{name}`"),
                        must_grant_itself: manages,
                    });
                }
            }
        }
        holders
    }

    /// Whoever holds a privilege on a thing of a catalog: on itself, inherited from schema or catalog, or as an owner.
    pub fn inherited(&self, kind: StoredKind, full_name: &str, privileges: &[&str]) -> Vec<Holding> {
        let mut holders = Vec::new();
        for (level, name) in levels(kind, full_name) {
            holders.extend(self.holders(level.securable(), &name, privileges));
            let owned = self.objects.iter().filter(|one| one.kind == level && one.full_name == name);
            for object in owned.filter(|one| !one.owner.is_empty() && one.owner != super::directory::SYSTEM_USER) {
                holders.push(Holding {
                    principal: object.owner.clone(),
                    how: format!("owner of {} `{name}`", level.securable()),
                    // The owner of a container may grant itself what lies inside.
                    must_grant_itself: level != kind,
                });
            }
        }
        holders
    }

    /// Whoever may use a catalog or schema, without which a privilege below it is of no use.
    pub fn users(&self, kind: StoredKind, name: &str, privilege: &str) -> Vec<String> {
        self.inherited(kind, name, &[privilege]).into_iter().map(|holding| holding.principal).collect()
    }
}

/// The thing itself, then what it is in.
fn levels(kind: StoredKind, full_name: &str) -> Vec<(StoredKind, String)> {
    let mut parts = full_name.splitn(3, '.');
    let (catalog, schema) = (parts.next().unwrap_or_default(), parts.next());
    let mut levels = vec![(kind, full_name.to_owned())];
    if let (Some(schema), StoredKind::Table | StoredKind::Volume) = (schema, kind) {
        levels.push((StoredKind::Schema, format!("{catalog}.{schema}")));
    }
    if kind != StoredKind::Catalog {
        levels.push((StoredKind::Catalog, catalog.to_owned()));
    }
    levels
}
