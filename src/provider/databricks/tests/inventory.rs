//! What an access proof reads of Databricks: which requests, which pages, and what a refusal means.

use super::*;
use crate::model::unity_catalog::{DatabricksCaller, StorageCredential, StoredKind, StoredObject};

fn metastore() -> String {
    "m".to_owned()
}

#[tokio::test]
async fn an_empty_page_with_a_token_is_not_the_end() {
    let role = "arn:aws:iam::1:role/r";
    let script = Script::default()
        .then(200, &[], json!({"next_page_token": "t"}))
        .then(200, &[], json!({"storage_credentials": [{"name": "b"}], "next_page_token": "u"}))
        .then(200, &[], json!({"storage_credentials": [{"name": "a", "aws_iam_role": {"role_arn": role}}]}));
    let client = script.client(MACHINE).await;
    let credential = |name: &str, role: Option<&str>| StorageCredential {
        name: name.to_owned(),
        owner: String::new(),
        role_arn: role.map(str::to_owned),
        read_only: false,
    };
    let wanted = vec![credential("a", Some(role)), credential("b", None)];
    let answer = client.read(&workspace(7), &Read::StorageCredentials { metastore: metastore() }).await;
    assert_eq!(answer, Observed::Present(Fact::from(wanted)));
    let path = "GET /api/2.1/unity-catalog/storage-credentials?include_unbound=true&max_results=0";
    let lines: Vec<_> = script.lines().into_iter().filter(|line| line.starts_with("GET")).collect();
    assert_eq!(lines, [path.to_owned(), format!("{path}&page_token=t"), format!("{path}&page_token=u")]);
}

#[tokio::test]
async fn every_list_asks_for_what_is_unbound_and_what_may_only_be_browsed() {
    let script = (0..6).fold(Script::default(), |script, _| script.then(200, &[], json!({})));
    let client = script.client(MACHINE).await;
    let (catalog, schema) = (|| "main".to_owned(), || "a b".to_owned());
    for read in [
        Read::ServiceCredentials { metastore: metastore() },
        Read::ExternalLocations { metastore: metastore() },
        Read::Catalogs { metastore: metastore() },
        Read::Schemas { catalog: catalog() },
        Read::Volumes { catalog: catalog(), schema: schema() },
        Read::StoredTables { catalog: catalog(), schema: schema() },
    ] {
        assert!(client.read(&workspace(7), &read).await.present().is_some(), "{read:?}");
    }
    let lines: Vec<_> = script.lines().into_iter().filter(|line| line.starts_with("GET")).collect();
    let both = "catalog_name=main&schema_name=a+b";
    let ends = [
        "credentials?purpose=SERVICE&include_unbound=true&max_results=0".to_owned(),
        "external-locations?include_browse=true&include_unbound=true&max_results=0".to_owned(),
        "catalogs?include_unbound=true&include_browse=true&max_results=0".to_owned(),
        "schemas?catalog_name=main&include_browse=true&max_results=0".to_owned(),
        format!("volumes?{both}&include_browse=true&max_results=0"),
        format!("tables?{both}&omit_columns=true&omit_properties=true&include_browse=true&max_results=0"),
    ];
    assert_eq!(lines, ends.map(|end| format!("GET /api/2.1/unity-catalog/{end}")));
}

#[tokio::test]
async fn objects_of_a_schema_that_went_away_are_absent_and_hidden_ones_are_not() {
    let volumes = Read::Volumes { catalog: "main".to_owned(), schema: "a".to_owned() };
    let gone = json!({"error_code": "SCHEMA_DOES_NOT_EXIST", "message": "Schema 'main.a' does not exist."});
    let denied = json!({"error_code": "PERMISSION_DENIED", "message": "User does not have USE SCHEMA"});
    let script = Script::default().then(404, &[], gone).then(403, &[], &denied).then(403, &[], denied);
    let client = script.client(MACHINE).await;
    assert_eq!(client.read(&workspace(7), &volumes).await, Observed::Absent);
    match client.read(&workspace(7), &volumes).await {
        Observed::Unknown(gap) => {
            assert_eq!(gap.permission.as_deref(), Some("Databricks account admin or metastore admin"));
            assert!(gap.what.starts_with("databricks:volumes:list of main.a"), "{gap}");
        }
        other => panic!("{other:?}"),
    }
    match client.read(&account(), &Read::DatabricksIdentities).await {
        Observed::Unknown(gap) => assert_eq!(gap.permission.as_deref(), Some("Databricks account admin")),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_caller_is_named_as_grants_name_them() {
    let me = json!({"id": "1", "userName": "uuid-1", "groups": [{"display": "z"}, {"display": "a", "value": "9"}]});
    let script = Script::default().then(200, &[], me).then(200, &[], json!({"id": "1"}));
    let client = script.client(MACHINE).await;
    let wanted = DatabricksCaller { name: "uuid-1".to_owned(), groups: vec!["a".to_owned(), "z".to_owned()] };
    assert_eq!(client.read(&workspace(7), &Read::DatabricksCaller).await, Observed::Present(Fact::from(wanted)));
    assert!(client.read(&workspace(7), &Read::DatabricksCaller).await.is_unknown());
}

#[tokio::test]
async fn schemas_have_a_full_name_whatever_the_answer_leaves_out() {
    let answer = json!({"schemas": [{"name": "b", "owner": "o"}, {"name": "a", "browse_only": true}]});
    let script = Script::default().then(200, &[], answer);
    let client = script.client(MACHINE).await;
    let schema = |name: &str, owner: &str, browse_only| StoredObject {
        kind: StoredKind::Schema,
        full_name: format!("main.{name}"),
        owner: owner.to_owned(),
        location: None,
        browse_only,
    };
    let wanted = vec![schema("a", "", true), schema("b", "o", false)];
    let answer = client.read(&workspace(7), &Read::Schemas { catalog: "main".to_owned() }).await;
    assert_eq!(answer, Observed::Present(Fact::from(wanted)));
}
