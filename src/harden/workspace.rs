//! Workspace settings that change what is audited.

use std::collections::BTreeMap;

use crate::model::databricks::Workspace;
use crate::model::fact::WorkspaceConf;
use crate::model::live::Read;
use crate::model::{Address, Desired, Fact, Kind, Place};

use super::draft::{Draft, Item};
use super::unity_catalog::place_of;

const VERBOSE: &str = "enableVerboseAuditLogs";

/// All manifests of one Databricks account.
pub(super) fn want(draft: &mut Draft<'_>, manifests: &[&Desired]) {
    if manifests.iter().all(|one| one.workspaces.is_empty()) {
        return;
    }
    let Some(account) = manifests.first().map(|desired| desired.databricks_place()) else { return };
    let Ok(live) = draft.need(&account, Read::Workspaces, Fact::workspaces) else { return };
    let live = live.unwrap_or_default();
    let mut declared: BTreeMap<i64, (&Workspace, bool)> = BTreeMap::new();
    for desired in manifests {
        for (name, wanted) in &desired.workspaces {
            let Some(workspace) = find(draft, desired, name, &live) else { continue };
            let verbose = wanted.verbose_audit_logs;
            let earlier = declared.insert(workspace.workspace_id, (workspace, verbose));
            if earlier.is_some_and(|(_, earlier)| earlier != verbose) {
                draft.refuse(
                    "contradicting-manifests",
                    format!("the workspace `{name}` is declared with and without verbose audit logs: declare it once"),
                );
            }
        }
    }
    for (workspace, verbose) in declared.into_values() {
        want_one(draft, &account, workspace, verbose);
    }
}

/// By id or by name.
fn find<'a>(draft: &mut Draft<'_>, desired: &Desired, name: &str, live: &'a [Workspace]) -> Option<&'a Workspace> {
    let mut matching = live.iter().filter(|one| one.workspace_name == name || one.workspace_id.to_string() == name);
    let found = matching.next();
    if found.is_none() {
        draft.refuse(
            "unknown-workspace",
            format!(
                "`{}` names the workspace `{name}`, which the account does not have: correct its name or id",
                desired.name
            ),
        );
    } else if matching.next().is_some() {
        draft.refuse("unknown-workspace", format!("several workspaces are called `{name}`: write the id instead"));
        return None;
    }
    found
}

fn want_one(draft: &mut Draft<'_>, account: &Place, workspace: &Workspace, verbose: bool) {
    let address = Address::new("_", Kind::WorkspaceConf, workspace.workspace_name.clone());
    if workspace.status != "RUNNING" {
        let (name, status) = (&workspace.workspace_name, &workspace.status);
        draft.notice(
            "workspace-not-running",
            &address,
            format!("the workspace `{name}` is {status}: its settings are left"),
        );
        return;
    }
    let Some(place) = place_of(account, workspace) else { return };
    let value = if verbose { "true" } else { "false" }.to_owned();
    let conf = WorkspaceConf(BTreeMap::from([(VERBOSE.to_owned(), Some(value))]));
    draft.want(
        Item::new(&address, &place, Read::WorkspaceConf { key: VERBOSE.to_owned() }, conf)
            .because("", "D5: verbose audit logs as declared; they hold the text of commands"),
    );
}
