//! Comparable fields of what Databricks says. Credentials, storage and delivery configurations are immutable and found by
//! their ids: the wanted one is there, or has to be created. Others of the account are nobody's concern here.

use std::collections::BTreeMap;

use crate::model::databricks::{Credential, LogDelivery, PrivilegeAssignment, StorageConfiguration, SystemSchema};
use crate::model::fact::WorkspaceConf;

use super::fields::{Fields, item, set};

/// Prefix of the field paths: none for the only one, as `harden` wants them.
fn at(count: usize, name: &str) -> String {
    if count == 1 { String::new() } else { format!("{}.", item("configurations", name)) }
}

pub(super) fn credentials(live: Option<&Vec<Credential>>, wanted: &[Credential]) -> (Fields, Fields) {
    let (mut before, mut after) = (Fields::default(), Fields::default());
    for Credential { credentials_id, credentials_name, role_arn, creation_time: _ } in wanted {
        let at = at(wanted.len(), credentials_name);
        if live.into_iter().flatten().any(|one| one.credentials_id == *credentials_id) {
            before.put(format!("{at}credentials_id"), credentials_id.as_str());
        } else {
            after.put(format!("{at}credentials_name"), credentials_name.as_str());
            after.put(format!("{at}role_arn"), role_arn.as_str());
        }
        after.put(format!("{at}credentials_id"), credentials_id.as_str());
    }
    (before, after)
}

pub(super) fn storage_configurations(
    live: Option<&Vec<StorageConfiguration>>,
    wanted: &[StorageConfiguration],
) -> (Fields, Fields) {
    let (mut before, mut after) = (Fields::default(), Fields::default());
    for one in wanted {
        let StorageConfiguration {
            storage_configuration_id: id,
            storage_configuration_name: name,
            bucket_name,
            creation_time: _,
        } = one;
        let at = at(wanted.len(), name);
        if live.into_iter().flatten().any(|one| one.storage_configuration_id == *id) {
            before.put(format!("{at}storage_configuration_id"), id.as_str());
        } else {
            after.put(format!("{at}storage_configuration_name"), name.as_str());
            after.put(format!("{at}bucket_name"), bucket_name.as_str());
        }
        after.put(format!("{at}storage_configuration_id"), id.as_str());
    }
    (before, after)
}

/// Only the status of an existing configuration can change (Databricks account API, "Enable or disable log delivery
/// configuration"). How its deliveries go is health, not configuration.
pub(super) fn log_deliveries(live: Option<&Vec<LogDelivery>>, wanted: &[LogDelivery]) -> (Fields, Fields) {
    let (mut before, mut after) = (Fields::default(), Fields::default());
    for one in wanted {
        let LogDelivery {
            config_id,
            config_name,
            log_type,
            output_format,
            credentials_id,
            storage_configuration_id,
            delivery_path_prefix,
            workspace_ids_filter,
            status,
            creation_time: _,
            delivery: _,
        } = one;
        let at = at(wanted.len(), config_name);
        let live = live.into_iter().flatten().find(|live| live.config_id == *config_id);
        if let Some(live) = live {
            before.put(format!("{at}status"), live.status.as_str());
            after.put(format!("{at}status"), status.as_str());
            continue;
        }
        after.put(format!("{at}config_id"), config_id.as_str());
        after.put(format!("{at}config_name"), config_name.as_str());
        after.put(format!("{at}log_type"), log_type.as_str());
        after.put(format!("{at}output_format"), output_format.as_str());
        after.put(format!("{at}credentials_id"), credentials_id.as_str());
        after.put(format!("{at}storage_configuration_id"), storage_configuration_id.as_str());
        after.put(format!("{at}delivery_path_prefix"), delivery_path_prefix.as_str());
        after.put(format!("{at}workspace_ids_filter"), set(workspace_ids_filter));
        after.put(format!("{at}status"), status.as_str());
    }
    (before, after)
}

/// Only the wanted schemas. One that Databricks itself keeps enabled (`MANAGED`) counts as enabled.
pub(super) fn system_schemas(live: Option<&Vec<SystemSchema>>, wanted: &[SystemSchema]) -> (Fields, Fields) {
    let side = |schemas: &[SystemSchema]| {
        let mut fields = Fields::default();
        for one in schemas.iter().filter(|one| wanted.iter().any(|wanted| wanted.schema == one.schema)) {
            let enabled = one.is_enabled();
            let SystemSchema { schema, state } = one;
            let state = if enabled { "ENABLE_COMPLETED" } else { state.as_str() };
            fields.put(format!("{}.state", item("schemas", schema)), state);
        }
        fields
    };
    (live.map(|live| side(live)).unwrap_or_default(), side(wanted))
}

/// One field per principal, with the set of its privileges. A deleted principal has an id only.
pub(super) fn privileges(assignments: &[PrivilegeAssignment]) -> Fields {
    let mut held: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for PrivilegeAssignment { principal, principal_id, privileges } in assignments {
        let name = match principal_id {
            Some(id) if principal.is_empty() => format!("deleted principal {id}"),
            _ => principal.clone(),
        };
        held.entry(name).or_default().extend(privileges.iter().map(|privilege| privilege.replace(' ', "_")));
    }
    let mut fields = Fields::default();
    for (principal, privileges) in held.into_iter().filter(|(_, privileges)| !privileges.is_empty()) {
        fields.put(item("grants", &principal), set(&privileges));
    }
    fields
}

/// Only the wanted keys. A switch that was never set is off (workspace-conf API: its value is then `null`).
pub(super) fn workspace_conf(live: Option<&WorkspaceConf>, WorkspaceConf(wanted): &WorkspaceConf) -> (Fields, Fields) {
    let (mut before, mut after) = (Fields::default(), Fields::default());
    for (key, value) in wanted {
        let live = live.and_then(|WorkspaceConf(live)| live.get(key)).and_then(Option::as_deref);
        before.put(key.as_str(), switch(live));
        after.put(key.as_str(), switch(value.as_deref()));
    }
    (before, after)
}

fn switch(value: Option<&str>) -> &str {
    match value {
        Some(value) if value.eq_ignore_ascii_case("true") => "true",
        Some(value) if !value.eq_ignore_ascii_case("false") => value,
        _ => "false",
    }
}
