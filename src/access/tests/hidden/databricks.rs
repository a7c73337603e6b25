//! Readers behind Unity Catalog.

use super::super::lab::*;
use super::{check, pair};
use crate::access::Question;
use crate::model::Fact;
use crate::model::live::Read;
use crate::model::unity_catalog::{
    DatabricksIdentityKind, ExternalLocation, StorageCredential, StoredKind, StoredObject,
};

const EVE: &str = "eve@acme.com";

fn usable(lab: Lab, who: &str) -> Lab {
    lab.privileges("metastore", "m-1", who, &[]).privileges("catalog", "system", who, &["USE_CATALOG"])
}

fn system(securable: &str, name: &str, who: &str, privileges: &[&str]) -> Lab {
    plain().privileges(securable, name, who, privileges)
}

fn stored(kind: StoredKind, full_name: &str, owner: &str, location: Option<&str>) -> StoredObject {
    StoredObject {
        kind,
        full_name: full_name.to_owned(),
        owner: owner.to_owned(),
        location: location.map(str::to_owned),
        browse_only: false,
    }
}

/// A location whose role reads the bucket: the declared reader is a role of Unity Catalog here.
fn location(url: &str) -> Lab {
    let credential = StorageCredential {
        name: "uc".to_owned(),
        owner: String::new(),
        role_arn: Some(READER.to_owned()),
        read_only: false,
    };
    let location = ExternalLocation {
        name: "logs".to_owned(),
        owner: String::new(),
        url: Some(url.to_owned()),
        credential_name: "uc".to_owned(),
        read_only: false,
        fallback: false,
    };
    plain()
        .catalog(Read::StorageCredentials { metastore: "m-1".to_owned() }, vec![credential])
        .catalog(Read::ExternalLocations { metastore: "m-1".to_owned() }, vec![location])
}

fn reads_files(url: &str) -> Lab {
    location(url).privileges("external_location", "logs", EVE, &["READ_FILES"])
}

fn volume(url: &str) -> Lab {
    location("s3://acme-databricks-audit/").catalog(
        Read::Volumes { catalog: "main".to_owned(), schema: "ops".to_owned() },
        Fact::StoredObjects(vec![stored(StoredKind::Volume, "main.ops.logs", "", Some(url))]),
    )
}

#[test]
fn system_tables() {
    let nested = |top: &str| {
        plain()
            .identity("1", DatabricksIdentityKind::Group, "all-staff", &["2"])
            .identity("2", DatabricksIdentityKind::Group, "security", &["3", "1"])
            .identity("3", DatabricksIdentityKind::User, EVE, &[])
            .privileges("schema", "system.access", top, &["SELECT", "USE_SCHEMA"])
    };
    let owned = |owner: &str| {
        plain().catalog(
            Read::Schemas { catalog: "system".to_owned() },
            Fact::StoredObjects(vec![stored(StoredKind::Schema, "system.access", owner, None)]),
        )
    };
    check(
        Question::Read,
        vec![
            pair(
                "SELECT on the table",
                usable(system("table", "system.access.audit", EVE, &["SELECT"]), EVE),
                EVE,
                "`SELECT` on table",
                usable(system("table", "system.billing.usage", EVE, &["SELECT"]), EVE),
            ),
            pair(
                "SELECT on the schema",
                system("schema", "system.access", EVE, &["SELECT"]),
                EVE,
                "on schema `system.access`",
                system("schema", "system.access", EVE, &["USE_SCHEMA"]),
            ),
            pair(
                "ALL PRIVILEGES at the catalog",
                system("catalog", "system", EVE, &["ALL PRIVILEGES"]),
                EVE,
                "`ALL_PRIVILEGES` on catalog `system`",
                system("catalog", "system", EVE, &["BROWSE"]),
            ),
            pair(
                "MANAGE at the schema",
                system("schema", "system.access", EVE, &["MANAGE"]),
                EVE,
                "after granting itself",
                system("schema", "system.access", EVE, &["APPLY_TAG"]),
            ),
            pair("ownership of the schema", owned(EVE), EVE, "owner of schema", owned("System user")),
            pair(
                "a member of a member",
                nested("all-staff"),
                EVE,
                "all-staff > security",
                nested("security").with(|lab| lab.identities.iter_mut().for_each(|one| one.active = false)),
            ),
            pair(
                "everybody of the account",
                plain().identity("3", DatabricksIdentityKind::User, EVE, &[]).privileges(
                    "schema",
                    "system.access",
                    "account users",
                    &["SELECT"],
                ),
                EVE,
                "account users",
                plain().identity("3", DatabricksIdentityKind::User, EVE, &[]).privileges(
                    "schema",
                    "system.access",
                    "audit-readers",
                    &["SELECT"],
                ),
            ),
            pair(
                "a group whose members nobody knows",
                system("schema", "system.access", "workspace-local", &["SELECT"]),
                "workspace-local",
                "members of the group are not known",
                system("schema", "system.access", "", &["SELECT"]),
            ),
        ],
    );
}

#[test]
fn storage() {
    check(
        Question::Read,
        vec![
            pair(
                "a location above the prefix",
                reads_files("s3://acme-databricks-audit/"),
                EVE,
                "external location `logs`",
                reads_files("s3://acme-databricks-audit/other/"),
            ),
            pair(
                "a location below the prefix",
                reads_files("s3://acme-databricks-audit/audit/workspaceId=0/"),
                EVE,
                "external location `logs`",
                reads_files("s3://acme-databricks-audit/audit-2/"),
            ),
            pair(
                "another spelling of the scheme",
                reads_files("s3a://acme-databricks-audit/audit"),
                EVE,
                "external location `logs`",
                reads_files("s3a://acme-databricks-audit-2/audit"),
            ),
            pair(
                "a location whose path is hidden",
                reads_files("x").with(|lab| {
                    for (_, _, fact) in &mut lab.extra {
                        if let Fact::ExternalLocations(all) = fact {
                            all.iter_mut().for_each(|one| one.url = None);
                        }
                    }
                }),
                EVE,
                "external location `logs`",
                reads_files("s3://elsewhere/"),
            ),
            pair(
                "the owner of the location",
                location("s3://acme-databricks-audit/audit").with(|lab| {
                    for (_, _, fact) in &mut lab.extra {
                        if let Fact::ExternalLocations(all) = fact {
                            all.iter_mut().for_each(|one| one.owner = EVE.to_owned());
                        }
                    }
                }),
                EVE,
                "owner of external location",
                location("s3://acme-databricks-audit/audit"),
            ),
            pair(
                "the credential itself",
                location("s3://elsewhere/").privileges("storage_credential", "uc", EVE, &["READ_FILES"]),
                EVE,
                "storage credential `uc`",
                location("s3://elsewhere/").privileges("storage_credential", "uc", EVE, &["BROWSE"]),
            ),
            pair(
                "whoever may define a table over the path",
                location("s3://acme-databricks-audit/").privileges(
                    "external_location",
                    "logs",
                    EVE,
                    &["CREATE_EXTERNAL_TABLE"],
                ),
                EVE,
                "CREATE_EXTERNAL_TABLE",
                location("s3://acme-databricks-audit/").privileges("external_location", "logs", EVE, &["BROWSE"]),
            ),
            pair(
                "a volume on the logs",
                volume("s3://acme-databricks-audit/audit").privileges("volume", "main.ops.logs", EVE, &["READ_VOLUME"]),
                EVE,
                "volume `main.ops.logs`",
                volume("s3://acme-databricks-audit/other").privileges("volume", "main.ops.logs", EVE, &["READ_VOLUME"]),
            ),
            pair(
                "a volume, by a grant on its catalog",
                volume("s3://acme-databricks-audit/audit").privileges("catalog", "main", EVE, &["READ_VOLUME"]),
                EVE,
                "catalog `main`",
                volume("s3://acme-databricks-audit/audit").privileges("catalog", "main", EVE, &["SELECT"]),
            ),
        ],
    );
}
