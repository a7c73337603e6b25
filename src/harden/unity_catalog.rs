//! The system schema `access` and who may read it. One metastore serves many manifests: its state is the union of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::databricks::{Metastore, PrivilegeAssignment, SystemSchema, Workspace};
use crate::model::desired::Reader;
use crate::model::fact::Names;
use crate::model::live::Read;
use crate::model::{Address, Desired, Fact, Kind, Place};

use super::draft::{Draft, Item};

const SCHEMA: &str = "access";
const FULL_NAME: &str = "system.access";

/// Reading a table takes these two on its schema; everyone has USE_CATALOG on `system` (Databricks docs, "Monitor account
/// activity with system tables").
const READ: [&str; 2] = ["SELECT", "USE_SCHEMA"];

/// A metastore that manifests of this account reconcile, reached through a workspace that is attached to it.
struct Chosen<'a> {
    label: String,
    metastore: Metastore,
    place: Place,
    manifests: Vec<&'a Desired>,
}

pub(super) fn want(draft: &mut Draft<'_>, manifests: &[&Desired]) {
    let enabled: Vec<&Desired> = manifests.iter().copied().filter(|one| one.unity_catalog.enabled).collect();
    let Some(place) = enabled.first().map(|desired| desired.databricks_place()) else { return };
    let metastores = draft.need(&place, Read::Metastores, Fact::metastores);
    let workspaces = draft.need(&place, Read::Workspaces, Fact::workspaces);
    let (Ok(metastores), Ok(workspaces)) = (metastores, workspaces) else { return };
    let metastores = metastores.unwrap_or_default();
    unknown_names(draft, &enabled, &metastores);
    for chosen in choose(draft, &enabled, &place, &metastores, &workspaces.unwrap_or_default()) {
        let revoke = chosen.manifests.iter().filter(|one| one.unity_catalog.revoke_undeclared).count();
        if revoke != 0 && revoke != chosen.manifests.len() {
            draft.refuse(
                "contradicting-manifests",
                format!(
                    "manifests that share the metastore `{}` differ in `[unity_catalog] revoke_undeclared`: write the same in all of them",
                    chosen.label
                ),
            );
            continue;
        }
        schema(draft, &chosen);
        grants(draft, &chosen, revoke != 0 && !draft.scope.partial);
    }
}

fn unknown_names(draft: &mut Draft<'_>, manifests: &[&Desired], metastores: &[Metastore]) {
    for desired in manifests {
        for name in &desired.unity_catalog.metastores {
            if !metastores.iter().any(|one| is_named(one, name)) {
                draft.refuse(
                    "unknown-metastore",
                    format!(
                        "`{}` names the metastore `{name}`, which the account does not have: correct it",
                        desired.name
                    ),
                );
            }
        }
    }
}

fn is_named(metastore: &Metastore, name: &str) -> bool {
    metastore.name == name || metastore.metastore_id == name
}

fn choose<'a>(
    draft: &mut Draft<'_>,
    manifests: &[&'a Desired],
    account: &Place,
    metastores: &[Metastore],
    workspaces: &[Workspace],
) -> Vec<Chosen<'a>> {
    let mut all = Vec::new();
    for metastore in metastores {
        let names = |one: &&Desired| one.unity_catalog.metastores.iter().any(|name| is_named(metastore, name));
        let takes = |one: &&Desired| one.unity_catalog.metastores.is_empty() || names(one);
        let takers: Vec<&Desired> = manifests.iter().copied().filter(takes).collect();
        if takers.is_empty() {
            continue;
        }
        // Names are unique in an account only by custom.
        let twins = metastores.iter().filter(|one| one.name == metastore.name).count();
        let label = if twins > 1 { metastore.metastore_id.clone() } else { metastore.name.clone() };
        let read = Read::MetastoreWorkspaces { metastore: metastore.metastore_id.clone() };
        let Ok(attached) = draft.need(account, read, Fact::workspace_ids) else { continue };
        match way_in(account, &attached.unwrap_or_default(), workspaces) {
            Some(place) => all.push(Chosen { label, metastore: metastore.clone(), place, manifests: takers }),
            None => draft.notice(
                "metastore-without-workspace",
                &Address::new("_", Kind::SystemSchema, label.clone()),
                format!("no running workspace is attached to the metastore `{label}`: it cannot be reached, and nobody queries it"),
            ),
        }
    }
    all
}

/// The first running workspace among those attached.
fn way_in(account: &Place, attached: &[i64], workspaces: &[Workspace]) -> Option<Place> {
    let running = workspaces.iter().filter(|one| one.status == "RUNNING" && attached.contains(&one.workspace_id));
    running.min_by_key(|one| one.workspace_id).and_then(|one| place_of(account, one))
}

pub(super) fn place_of(account: &Place, workspace: &Workspace) -> Option<Place> {
    let Place::Databricks { account } = account else { return None };
    Some(Place::Workspace {
        account: account.clone(),
        workspace: workspace.workspace_id,
        deployment: workspace.deployment_name.clone(),
    })
}

fn schema(draft: &mut Draft<'_>, chosen: &Chosen<'_>) {
    let read = Read::SystemSchemas { metastore: chosen.metastore.metastore_id.clone() };
    let Ok(live) = draft.need(&chosen.place, read.clone(), Fact::system_schemas) else { return };
    let address = Address::new("_", Kind::SystemSchema, chosen.label.clone());
    let live = live.unwrap_or_default().into_iter().find(|one| one.schema == SCHEMA);
    if live.as_ref().is_some_and(|one| one.state == "UNAVAILABLE") {
        draft.notice(
            "system-schema-unavailable",
            &address,
            format!("Databricks does not offer `{FULL_NAME}` in the metastore `{}`", chosen.label),
        );
        return;
    }
    // What Databricks enabled itself says so, and counts.
    let wanted = live
        .filter(SystemSchema::is_enabled)
        .unwrap_or_else(|| SystemSchema { schema: SCHEMA.to_owned(), state: "ENABLE_COMPLETED".to_owned() });
    draft.want(
        Item::new(&address, &chosen.place, read, vec![wanted])
            .because("", "D4: audit events can be queried as a system table"),
    );
}

fn grants(draft: &mut Draft<'_>, chosen: &Chosen<'_>, revoke: bool) {
    let mut declared: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for reader in chosen.manifests.iter().flat_map(|one| one.readers.values()) {
        if let Reader::Databricks { principal } = reader {
            declared.entry(principal.clone()).or_default().extend(READ.map(str::to_owned));
        }
    }
    securable(draft, chosen, "schema", FULL_NAME, &declared, revoke);
    // Readers read through the schema; a grant on one of its tables is a way round it.
    let tables = Read::Tables { catalog: "system".to_owned(), schema: SCHEMA.to_owned() };
    let Ok(tables) = draft.need(&chosen.place, tables, Fact::names) else { return };
    for table in tables.map(|Names(tables)| tables).unwrap_or_default() {
        securable(draft, chosen, "table", &table, &BTreeMap::new(), revoke);
    }
}

/// Exactly the declared privileges, with what is kept of the others.
fn securable(
    draft: &mut Draft<'_>,
    chosen: &Chosen<'_>,
    securable: &str,
    name: &str,
    declared: &BTreeMap<String, BTreeSet<String>>,
    revoke: bool,
) {
    let read = Read::Privileges { securable: securable.to_owned(), name: name.to_owned() };
    let Ok(live) = draft.need(&chosen.place, read.clone(), Fact::privileges) else { return };
    let address = Address::new("_", Kind::Grants, format!("{}/{name}", chosen.label));
    let mut held = declared.clone();
    let mut orphans = Vec::new();
    for one in live.unwrap_or_default() {
        if one.principal.is_empty() {
            let id = one.principal_id.map_or_else(|| "of unknown id".to_owned(), |id| id.to_string());
            draft.notice(
                "grant-of-deleted-principal",
                &address,
                format!(
                    "the deleted principal {id} still has {} on `{name}`: Databricks cannot revoke it by name",
                    one.privileges.join(", ")
                ),
            );
            orphans.push(one);
            continue;
        }
        let mine = declared.get(&one.principal);
        let extra: Vec<String> =
            one.privileges.into_iter().filter(|p| !mine.is_some_and(|mine| mine.contains(p))).collect();
        if extra.is_empty() || revoke {
            continue;
        }
        draft.notice(
            "undeclared-grant-kept",
            &address,
            format!("`{}` has {} on `{name}`, which nothing declares: declare it, or set `[unity_catalog] revoke_undeclared = true`", one.principal, extra.join(", ")),
        );
        held.entry(one.principal).or_default().extend(extra);
    }
    let assignments = held.into_iter().map(|(principal, privileges)| PrivilegeAssignment {
        principal,
        principal_id: None,
        privileges: privileges.into_iter().collect(),
    });
    let mut wanted: Vec<PrivilegeAssignment> = assignments.chain(orphans).collect();
    wanted.sort();
    let item = Item::new(&address, &chosen.place, read, wanted)
        .because("", "D6: exactly the declared principals read `system.access`")
        .after(Kind::SystemSchema, &chosen.label);
    draft.want(item);
}
