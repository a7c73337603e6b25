//! Who can, asked of the real program.

use serde_json::Value;

use super::Shell;
use crate::harness::Case;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_can_on_the_vendors_example() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;
    let writes = case.sandbox.faults.counted().1;
    let (text, json, markdown, schema) = tokio::join!(
        shell.ends(&["access", "read"], 3),
        shell.ends(&["access", "--format", "json"], 3),
        shell.ends(&["access", "tamper", "--format", "markdown"], 3),
        shell.ends(&["schema", "access"], 0),
    );
    assert_eq!(case.sandbox.faults.counted().1, writes, "asking wrote something");

    let document = json.json();
    assert!(json.out.trim_start().starts_with("{\n  \"format_version\""), "format_version comes first");
    let validator = jsonschema::validator_for(&schema.json()).expect("schema");
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    let mut other = document.clone();
    other["proofs"] = "none".into();
    assert!(!validator.is_valid(&other), "the schema can refuse");

    // The example leaves the account's administrators among the readers; each entry says what it rests on.
    let readers: Vec<&Value> = document["principals"]
        .as_array()
        .expect("principals")
        .iter()
        .filter(|one| one["question"] == "read" && one["verdict"] != "cannot")
        .collect();
    assert!(readers.iter().any(|one| one["declared"] == false), "{readers:?}");
    for one in &readers {
        let arn = one["arn"].as_str().expect("arn");
        assert!(text.out.contains(arn), "`{arn}` is not in the text");
    }
    for part in ["readers-declared", "Assumed:", "NOT DECLARED"] {
        text.says(part);
    }
    assert!(markdown.out.starts_with("<!-- auditseal:access -->\n"));
    assert!(markdown.out.contains("tamperers-declared") || markdown.out.contains("change or destroy logs"));

    // One principal: who cannot and who is declared is in order, as far as everything was read.
    let one = shell
        .run(&["access", "read", "--principal", "arn:aws:iam::000000000000:role/Nobody", "--format", "json"])
        .await;
    assert_eq!(one.json()["principals"], Value::Array(Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_file_that_is_none_is_refused() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;
    shell.ends(&["access", "--organization", "missing.json"], 1).await.says("missing.json");
    shell.write("organization.json", "{\"levels\": [{\"policies\": []}]}");
    shell.ends(&["access", "--organization", "organization.json"], 1).await.says("is no organization file");
}
