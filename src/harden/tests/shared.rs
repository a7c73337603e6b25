//! What manifests share: metastores, grants, workspaces, the account.

use super::estate::*;
use crate::harden::{Scope, harden};
use crate::model::databricks::{PrivilegeAssignment, SystemSchema};
use crate::model::desired::{Reader, Workspace};
use crate::model::fact::Names;
use crate::model::live::Read;
use crate::model::wanted::Wanted;
use crate::model::{Desired, Fact, Kind, Live};

fn assignment(principal: &str, privileges: &[&str]) -> PrivilegeAssignment {
    PrivilegeAssignment {
        principal: principal.to_owned(),
        principal_id: None,
        privileges: privileges.iter().map(|one| (*one).to_owned()).collect(),
    }
}

fn granted(wanted: &Wanted, name: &str) -> Vec<PrivilegeAssignment> {
    wanted.find("_", Kind::Grants, name).unwrap().fact.privileges().unwrap().clone()
}

/// Undeclared grants on the schema and on a table, and one of a deleted principal.
fn granting() -> Live {
    let mut live = new_account(&plain());
    let dev = in_workspace(11, "dev");
    let orphan = PrivilegeAssignment { principal_id: Some(7), ..assignment("", &["SELECT"]) };
    let all = vec![assignment("audit-readers", &["MANAGE", "SELECT"]), assignment("ann", &["SELECT"]), orphan];
    put(&mut live, &dev, schema_grants(), Fact::Privileges(all));
    put(&mut live, &dev, tables(), Names(vec!["system.access.audit".to_owned()]));
    let table = Read::Privileges { securable: "table".to_owned(), name: "system.access.audit".to_owned() };
    put(&mut live, &dev, table, Fact::Privileges(vec![assignment("bob", &["SELECT"])]));
    live
}

fn revoking() -> Desired {
    let mut desired = plain();
    desired.unity_catalog.revoke_undeclared = true;
    desired
}

#[test]
fn undeclared_grants_are_kept_until_asked_away() {
    let wanted = run(&plain(), &granting());
    assert_eq!(granted(&wanted, "east/system.access").len(), 3);
    assert_eq!(granted(&wanted, "east/system.access.audit"), [assignment("bob", &["SELECT"])]);
    assert_eq!(wanted.notices.iter().filter(|one| one.code == "undeclared-grant-kept").count(), 3);
    let wanted = run(&revoking(), &granting());
    let names: Vec<_> =
        granted(&wanted, "east/system.access").into_iter().map(|one| (one.principal, one.privileges)).collect();
    let reader = ["SELECT".to_owned(), "USE_SCHEMA".to_owned()].to_vec();
    assert_eq!(names, [(String::new(), vec!["SELECT".to_owned()]), ("audit-readers".to_owned(), reader)]);
    assert_eq!(granted(&wanted, "east/system.access.audit"), []);
    assert!(notices(&wanted).contains(&"grant-of-deleted-principal"));
    let partial = harden(&[revoking()], &granting(), Scope { partial: true, ..Scope::default() });
    assert_eq!(granted(&partial, "east/system.access").len(), 3);
}

#[test]
fn readers_are_the_union_of_the_manifests() {
    let mut other = plain();
    other.name = "beta".to_owned();
    other.role.arn = role("BetaDelivery");
    other.delivery.bucket = "beta-audit".to_owned();
    other.readers.insert("more".to_owned(), Reader::Databricks { principal: "soc".to_owned() });
    let wanted = harden(&[plain(), other.clone()], &granting(), Scope::default());
    let names: Vec<_> = granted(&wanted, "east/system.access").into_iter().map(|one| one.principal).collect();
    assert_eq!(names, ["", "ann", "audit-readers", "soc"]);
    other.unity_catalog.revoke_undeclared = true;
    let wanted = harden(&[plain(), other], &granting(), Scope::default());
    assert!(codes(&wanted).contains(&"contradicting-manifests"));
}

#[test]
fn a_managed_schema_counts_as_enabled() {
    for (state, expected) in
        [("MANAGED", "MANAGED"), ("AVAILABLE", "ENABLE_COMPLETED"), ("ENABLE_COMPLETED", "ENABLE_COMPLETED")]
    {
        let mut live = new_account(&plain());
        let schema = SystemSchema { schema: "access".to_owned(), state: state.to_owned() };
        let read = Read::SystemSchemas { metastore: "m-1".to_owned() };
        put(&mut live, &in_workspace(11, "dev"), read, Fact::SystemSchemas(vec![schema]));
        let wanted = run(&plain(), &live);
        let found = wanted.find("_", Kind::SystemSchema, "east").unwrap().fact.system_schemas().unwrap().clone();
        assert_eq!(found[0].state, expected);
    }
}

#[test]
fn metastores_are_reached_through_the_first_running_workspace() {
    let mut live = new_account(&plain());
    let mut stopped = workspace(11, "dev");
    stopped.status = "FAILED".to_owned();
    let prod = in_workspace(12, "prod");
    put(&mut live, &databricks(), Read::Workspaces, Fact::Workspaces(vec![stopped, workspace(12, "prod")]));
    put(&mut live, &prod, Read::SystemSchemas { metastore: "m-1".to_owned() }, Fact::SystemSchemas(Vec::new()));
    let wanted = run(&plain(), &live);
    assert_eq!(wanted.find("_", Kind::SystemSchema, "east").unwrap().query.place, prod);
    put(
        &mut live,
        &databricks(),
        Read::MetastoreWorkspaces { metastore: "m-1".to_owned() },
        Fact::WorkspaceIds(vec![11]),
    );
    let wanted = run(&plain(), &live);
    assert!(wanted.find("_", Kind::SystemSchema, "east").is_none());
    assert!(notices(&wanted).contains(&"metastore-without-workspace"));
    let mut desired = plain();
    desired.unity_catalog.metastores = vec!["west".to_owned()];
    assert_eq!(codes(&run(&desired, &live)), ["unknown-metastore"]);
}

#[test]
fn workspaces_are_found_by_name_or_id() {
    let mut desired = plain();
    let quiet = Workspace { verbose_audit_logs: false };
    desired.workspaces.insert("11".to_owned(), quiet.clone());
    desired.workspaces.insert("nowhere".to_owned(), quiet.clone());
    let wanted = run(&desired, &new_account(&desired));
    assert_eq!(codes(&wanted), ["unknown-workspace"]);
    let value = |name: &str| {
        let found = wanted.find("_", Kind::WorkspaceConf, name).unwrap();
        found.fact.workspace_conf().unwrap().0["enableVerboseAuditLogs"].clone().unwrap()
    };
    assert_eq!((value("prod"), value("dev")), ("true".to_owned(), "false".to_owned()));
    desired.workspaces.remove("nowhere");
    desired.workspaces.insert("12".to_owned(), quiet);
    assert_eq!(codes(&run(&desired, &new_account(&desired))), ["contradicting-manifests"]);
}

#[test]
fn the_account_block_is_opt_in() {
    let kind = Kind::AccountPublicAccessBlock;
    assert!(run(&plain(), &new_account(&plain())).find("_", kind, ACCOUNT).is_none());
    let mut desired = plain();
    desired.account.public_access_block = true;
    let wanted = run(&desired, &new_account(&desired));
    let block = wanted.find("_", kind, ACCOUNT).unwrap().fact.public_access_block().unwrap().clone();
    assert!(
        block.block_public_acls
            && block.ignore_public_acls
            && block.block_public_policy
            && block.restrict_public_buckets
    );
}
