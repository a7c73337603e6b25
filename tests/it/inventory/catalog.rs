//! Unity Catalog and the identities of Databricks, in pages of three that begin with an empty one.

use auditseal::model::databricks::{Metastore, PrivilegeAssignment};
use auditseal::model::unity_catalog::{
    DatabricksCaller, DatabricksIdentity, DatabricksIdentityKind, ExternalLocation, StorageCredential, StoredKind,
    StoredObject,
};
use serde_json::{Map, json};

use super::*;
use crate::sandbox::databricks::{BOUND_WORKSPACES, DatabricksSim};
use crate::sandbox::estate::WORKSPACE;
use crate::sandbox::faults::Faults;

const OWNER: &str = "owner@example.com";

/// A simulator in the estate's place that answers in short pages, with one metastore.
pub async fn short_pages(case: &mut Case) -> String {
    let aws = &case.sandbox.aws;
    let sim = DatabricksSim::start(SimOptions {
        catalog_page_size: 3,
        scim_page_size: 3,
        empty_first_page: true,
        ..SimOptions::new(&aws.databricks_account, &case.sandbox.proxy.quiet_url(), REGION, Faults::new())
    });
    let sim = sim.await.expect("simulator");
    let metastore = sim.seed_metastore("main", "metastore-admins", REGION);
    sim.seed_workspace(WORKSPACE, "production", REGION, Some(&metastore));
    sim.seed_system_schema(&metastore, "access", "ENABLE_COMPLETED");
    case.sandbox.databricks = sim;
    case.sandbox.metastore.clone_from(&metastore);
    metastore
}

/// Storage in and beside the audit bucket.
pub fn seed_storage(case: &Case) {
    let (sim, metastore, bucket) = (&case.sandbox.databricks, &case.sandbox.metastore, &case.sandbox.aws.bucket);
    for name in ["uc-a", "uc-b", "uc-c", "uc-d"] {
        sim.seed_storage_credential(metastore, name, &case.sandbox.aws.role_arn(name), Map::new());
    }
    sim.seed_service_credential(metastore, "code", &case.sandbox.aws.role_arn("code"));
    let field = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]);
    for (name, url, extra) in [
        ("logs", format!("s3a://{bucket}//audit/"), field("fallback", json!(true))),
        ("other", "s3://elsewhere/x".to_owned(), field("read_only", json!(true))),
        ("unbound", format!("s3://{bucket}"), field(BOUND_WORKSPACES, json!([9]))),
        ("stub", format!("s3://{bucket}/y"), field("browse_only", json!(true))),
    ] {
        sim.seed_external_location(metastore, name, &url, "uc-a", extra);
    }
    let at = |path: &str| json!({ "storage_location": format!("s3://{bucket}/{path}") });
    sim.seed_object(metastore, ("catalog", "main"), OWNER, json!({ "storage_root": "s3://elsewhere/main" }));
    for schema in ["main.a", "main.b", "main.c", "main.d"] {
        sim.seed_object(metastore, ("schema", schema), OWNER, json!({}));
    }
    sim.seed_object(metastore, ("volume", "main.a.logs"), "vol@example.com", at("audit"));
    sim.seed_object(metastore, ("volume", "main.a.far"), OWNER, json!({ "storage_location": "s3://elsewhere/far" }));
    for n in 1..=4 {
        sim.seed_object(metastore, ("table", &format!("main.b.t{n}")), OWNER, at(&format!("audit/t{n}")));
    }
    sim.seed_object(metastore, ("table", "main.b.view"), OWNER, json!({ "table_type": "VIEW" }));
    for (kind, name) in [("external_location", "logs"), ("storage_credential", "uc-b"), ("volume", "main.a.logs")] {
        sim.seed_grant(metastore, (kind, name), "data-team", &["READ_FILES"]);
    }
}

fn workspace(case: &Case) -> Place {
    Place::Workspace {
        account: case.sandbox.aws.databricks_account.clone(),
        workspace: WORKSPACE,
        deployment: "dbc-production".to_owned(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn storage_is_read_with_what_is_hidden_from_most() {
    let mut case = Case::empty().await;
    let metastore = short_pages(&mut case).await;
    seed_storage(&case);
    let (router, place) = (case.router().await, workspace(&case));
    let id = || metastore.clone();
    let bucket = case.sandbox.aws.bucket.clone();

    let credentials: Vec<StorageCredential> =
        present(&router, &place, Read::StorageCredentials { metastore: id() }, Fact::storage_credentials).await;
    let credential = |name: &str, owner: &str| StorageCredential {
        name: name.to_owned(),
        owner: owner.to_owned(),
        role_arn: Some(case.sandbox.aws.role_arn(name)),
        read_only: false,
    };
    assert_eq!(credentials, ["uc-a", "uc-b", "uc-c", "uc-d"].map(|name| credential(name, "metastore-admins")));
    let service: Vec<StorageCredential> =
        present(&router, &place, Read::ServiceCredentials { metastore: id() }, Fact::storage_credentials).await;
    assert_eq!(service, [credential("code", "metastore-admins")]);

    let locations: Vec<ExternalLocation> =
        present(&router, &place, Read::ExternalLocations { metastore: id() }, Fact::external_locations).await;
    let location = |name: &str, url: &str| ExternalLocation {
        name: name.to_owned(),
        owner: "metastore-admins".to_owned(),
        url: Some(url.to_owned()),
        credential_name: "uc-a".to_owned(),
        read_only: false,
        fallback: false,
    };
    let wanted = vec![
        ExternalLocation { fallback: true, ..location("logs", &format!("s3a://{bucket}//audit/")) },
        ExternalLocation { read_only: true, ..location("other", "s3://elsewhere/x") },
        ExternalLocation {
            owner: String::new(),
            url: None,
            credential_name: String::new(),
            ..location("stub", "hidden")
        },
        location("unbound", &format!("s3://{bucket}")),
    ];
    assert_eq!(locations, wanted);

    let object = |kind, name: &str, owner: &str, location: Option<&str>| StoredObject {
        kind,
        full_name: name.to_owned(),
        owner: owner.to_owned(),
        location: location.map(str::to_owned),
        browse_only: false,
    };
    let (catalog, schema) = (|| "main".to_owned(), |name: &str| name.to_owned());
    let catalogs = present(&router, &place, Read::Catalogs { metastore: id() }, Fact::stored_objects).await;
    let main = object(StoredKind::Catalog, "main", OWNER, Some("s3://elsewhere/main"));
    assert_eq!(catalogs, [main, object(StoredKind::Catalog, "system", "System user", None)]);
    let schemas = present(&router, &place, Read::Schemas { catalog: catalog() }, Fact::stored_objects).await;
    assert_eq!(schemas, ["a", "b", "c", "d"].map(|n| object(StoredKind::Schema, &format!("main.{n}"), OWNER, None)));
    let read = Read::Volumes { catalog: catalog(), schema: schema("a") };
    let volumes = present(&router, &place, read, Fact::stored_objects).await;
    let far = object(StoredKind::Volume, "main.a.far", OWNER, Some("s3://elsewhere/far"));
    let near = format!("s3://{bucket}/audit");
    assert_eq!(volumes, [far, object(StoredKind::Volume, "main.a.logs", "vol@example.com", Some(&near))]);
    let read = Read::StoredTables { catalog: catalog(), schema: schema("b") };
    let tables = present(&router, &place, read, Fact::stored_objects).await;
    assert_eq!(tables.len(), 5);
    assert_eq!(tables.last(), Some(&object(StoredKind::Table, "main.b.view", OWNER, None)));
    let gone = Read::StoredTables { catalog: catalog(), schema: schema("nope") };
    assert_eq!(ask(&router, &place, gone).await, Observed::Absent);
    for (securable, name) in [("external_location", "logs"), ("storage_credential", "uc-b"), ("volume", "main.a.logs")]
    {
        let read = Read::Privileges { securable: securable.to_owned(), name: name.to_owned() };
        let found: Vec<PrivilegeAssignment> = present(&router, &place, read, Fact::privileges).await;
        assert_eq!(found.iter().map(|one| one.principal.as_str()).collect::<Vec<_>>(), ["data-team"], "{securable}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_and_groups_are_read_with_their_members_and_roles() {
    use DatabricksIdentityKind::{Group, ServicePrincipal, User};
    let mut case = Case::empty().await;
    let metastore = short_pages(&mut case).await;
    let sim = &case.sandbox.databricks;
    let ids: Vec<String> = (0..7)
        .map(|n| sim.seed_user(&format!("u{n}@example.com"), if n == 0 { &["account_admin"] } else { &[] }))
        .collect();
    sim.edit(|data| {
        data.users.iter_mut().filter(|user| user.name.starts_with("u6")).for_each(|user| user.active = false)
    });
    let inner = sim.seed_group("inner", &[(&ids[1], "u1"), (&ids[2], "u2")]);
    let outer = sim.seed_group("outer", &[(&inner, "inner"), (&ids[3], "u3")]);
    let admins = sim.seed_group("metastore-admins", &[("700001", "the admin")]);
    let empty = sim.seed_group("empty", &[]);
    sim.edit(|data| {
        let group = data.groups.iter_mut().find(|group| group.name == "outer").expect("seeded");
        group.roles.push("account_admin".to_owned());
    });
    let router = case.router().await;
    let account = Place::Databricks { account: case.sandbox.aws.databricks_account.clone() };
    let found: Vec<DatabricksIdentity> =
        present(&router, &account, Read::DatabricksIdentities, Fact::databricks_identities).await;
    let of = |id: &str| found.iter().find(|one| one.id == id).expect("listed");
    let kinds = |kind| found.iter().filter(|one| one.kind == kind).count();
    assert_eq!((kinds(User), kinds(ServicePrincipal), kinds(Group)), (7, 3, 4));
    let mut members = vec![inner.clone(), ids[3].clone()];
    members.sort();
    let wanted = DatabricksIdentity {
        id: outer.clone(),
        kind: Group,
        name: "outer".to_owned(),
        account_admin: true,
        active: true,
        members,
    };
    assert_eq!(of(&outer), &wanted);
    assert_eq!((of(&inner).members.len(), of(&empty).members.len()), (2, 0));
    assert_eq!(of(&admins).members, ["700001"]);
    assert_eq!((of(&ids[0]).account_admin, of(&ids[1]).account_admin), (true, false));
    assert_eq!((of(&ids[5]).active, of(&ids[6]).active), (true, false));
    assert_eq!((of("700001").name.as_str(), of("700001").kind), (SimOptions::ADMIN.0, ServicePrincipal));

    let caller: DatabricksCaller =
        present(&router, &workspace(&case), Read::DatabricksCaller, Fact::databricks_caller).await;
    let wanted = DatabricksCaller { name: SimOptions::ADMIN.0.to_owned(), groups: vec!["metastore-admins".to_owned()] };
    assert_eq!(caller, wanted);
    case.sandbox.databricks.edit(|data| {
        if let Some(metastore) = data.metastore_mut(&metastore) {
            metastore.storage_root = Some("s3://root/m".to_owned());
        }
    });
    let metastores: Vec<Metastore> = present(&router, &account, Read::Metastores, Fact::metastores).await;
    assert_eq!(metastores.first().and_then(|one| one.storage_root.as_deref()), Some("s3://root/m"));

    // Whoever administers nothing sees nothing, and that is no empty account.
    let session = case.sandbox.aws.session("PlatformAdmin", true).await.expect("session");
    let router = case.router_with(&session, SimOptions::UNPRIVILEGED, timeouts()).await;
    let refused = gap(&router, &account, Read::DatabricksIdentities).await;
    assert_eq!(refused.permission.as_deref(), Some("Databricks account admin"));
}
