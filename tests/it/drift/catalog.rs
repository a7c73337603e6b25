//! The system schema, the grants on it, and the workspaces.

use super::Estate;
use crate::harness::Case;
use crate::sandbox::databricks::Grants;
use crate::sandbox::estate::WORKSPACE;

const SCHEMA: &str = "_/system-schema[main]";
const GRANTS: &str = "_/grants[main/system.access]";
const TABLE: &str = "_/grants[main/system.access.audit]";
const VERBOSE: &str = "enableVerboseAuditLogs";

fn grants(estate: &Estate, securable: (&str, &str), edit: impl FnOnce(&mut Grants)) {
    let sandbox = &estate.case.sandbox;
    let key = (securable.0.to_owned(), securable.1.to_owned());
    sandbox.databricks.edit(|data| {
        let metastore = data.metastore_mut(&sandbox.metastore).expect("the metastore");
        edit(metastore.grants.entry(key).or_default());
    });
}

fn give(principal: &'static str, privileges: &'static [&'static str]) -> impl FnOnce(&mut Grants) {
    move |grants| {
        let held = grants.entry(principal.to_owned()).or_default();
        held.extend(privileges.iter().map(|one| (*one).to_owned()));
    }
}

const ON: (&str, &str) = ("schema", "system.access");
const AUDIT: (&str, &str) = ("table", "system.access.audit");

async fn what_always_holds(estate: &Estate) {
    let databricks = &estate.case.sandbox.databricks;
    let metastore = estate.case.sandbox.metastore.clone();
    // Grants on a schema that is disabled are kept by the metastore, but cannot be seen.
    let act = async { databricks.seed_system_schema(&metastore, "access", "DISABLE_INITIALIZED") };
    let path: &[&str] = &["schemas[access].state"];
    let plan_of_disabled = [(SCHEMA, path), (GRANTS, &["grants[audit-readers]"])];
    estate.drift("system schema disabled", act, &plan_of_disabled).await;
    let act = async { databricks.seed_system_schema(&metastore, "access", "MANAGED") };
    estate.ignored("system schema managed by Databricks", act).await;

    let reader: &[&str] = &["grants[audit-readers]"];
    let act = async {
        grants(estate, ON, |all| {
            all.get_mut("audit-readers").expect("declared").remove("SELECT");
        });
    };
    estate.drift("privilege missing", act, &[(GRANTS, reader)]).await;
    let act = async {
        grants(estate, ON, |all| {
            all.remove("audit-readers");
        });
    };
    estate.drift("grant missing", act, &[(GRANTS, reader)]).await;

    let verbose = "_/workspace-conf[production]";
    for (what, value) in [("off", Some("false")), ("never set", None)] {
        let act = async { databricks.seed_workspace_conf(WORKSPACE, VERBOSE, value) };
        estate.drift(&format!("verbose logs {what}"), act, &[(verbose, &[VERBOSE])]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undeclared_grants_are_told() {
    let estate = Estate::of(Case::insecure().await).await;
    what_always_holds(&estate).await;
    let kept = "undeclared-grant-kept";
    let act = async { grants(&estate, ON, give("audit-readers", &["MODIFY"])) };
    estate.kept("more than declared", act, kept, GRANTS).await;
    let act = async { grants(&estate, ON, give("interns", &["SELECT", "USE_SCHEMA"])) };
    estate.kept("undeclared principal", act, kept, GRANTS).await;
    let act = async { grants(&estate, AUDIT, give("interns", &["SELECT"])) };
    estate.kept("grant on a table", act, kept, TABLE).await;
    // What is kept survives the repair of ours.
    let act = async {
        grants(&estate, ON, |all| {
            all.remove("audit-readers");
        });
    };
    estate.drift("grant missing beside others", act, &[(GRANTS, &["grants[audit-readers]"])]).await;
    let now = estate.case.sandbox.databricks.grants(&estate.case.sandbox.metastore, ON);
    estate.holds(now.contains_key("interns"), "the undeclared grant");
    estate.done();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undeclared_grants_are_revoked() {
    let mut case = Case::empty().await;
    let text = format!("{}\n[unity_catalog]\nrevoke_undeclared = true\n", case.sandbox.manifest());
    case.declare(&text);
    let estate = Estate::of(case).await;
    what_always_holds(&estate).await;
    let reader: &[&str] = &["grants[audit-readers]"];
    let act = async { grants(&estate, ON, give("audit-readers", &["MODIFY"])) };
    estate.drift("more than declared", act, &[(GRANTS, reader)]).await;
    let act = async { grants(&estate, ON, give("interns", &["SELECT", "USE_SCHEMA"])) };
    estate.drift("undeclared principal", act, &[(GRANTS, &["grants[interns]"])]).await;
    let act = async { grants(&estate, AUDIT, give("interns", &["SELECT"])) };
    estate.drift("grant on a table", act, &[(TABLE, &["grants[interns]"])]).await;
    let now = estate.case.sandbox.databricks.grants(&estate.case.sandbox.metastore, ON);
    estate.holds(now.keys().eq(["audit-readers"]), "only the declared grant");
    estate.done();
}
