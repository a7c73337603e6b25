//! Journals on disk, without any cloud.

use super::Shell;

fn start(run: &str, at: &str, intent: &str) -> String {
    format!(
        r#"{{"entry":"run_started","format_version":"1.0","run":"{run}","at":"{at}","tool":"auditseal/0.1.0","caller":{{"111122223333":"arn:aws:iam::111122223333:role/PlatformAdmin"}},"manifests":["acme"],"owners":{{"acme":"d/b"}},"intent":{intent},"reads_digest":"x"}}"#
    ) + "\n"
}

const WRITE: &str = r#"{"entry":"write_started","step":0,"at":"2026-11-23T06:00:01Z","address":"acme/bucket-versioning[audit]","place":{"cloud":"aws","account":"111122223333","region":"us-east-1"},"write":{"write":"enable_bucket_versioning","bucket":"b"},"query":null,"before":null}
"#;

fn shell() -> Shell {
    let shell = Shell::bare();
    let apply = start("0a1b2c3d-old", "2026-11-22T06:00:00Z", r#"{"verb":"apply"}"#);
    let end = r#"{"entry":"run_finished","at":"2026-11-22T06:00:09Z","result":"applied"}"#;
    shell.write("manifests/.auditseal/runs/0a1b2c3d-old.jsonl", format!("{apply}{WRITE}{end}\n"));
    let rollback = start("9f8e7d6c-new", "2026-11-23T06:00:00Z", r#"{"verb":"rollback","run":"0a1b2c3d-old"}"#);
    let cut = r#"{"entry":"write_fin"#;
    shell.write("manifests/.auditseal/runs/9f8e7d6c-new.jsonl", format!("{rollback}{WRITE}{cut}"));
    shell
}

#[tokio::test]
async fn runs_are_listed_newest_first_and_shown_by_step() {
    let shell = shell();
    let listed = shell.ends(&["runs"], 0).await.out;
    let shown = shell.ends(&["runs", "9f8e"], 0).await.out;
    insta::assert_snapshot!("runs", format!("{listed}\n---\n{shown}"));
    let schema = shell.ends(&["schema", "runs"], 0).await.json();
    let validator = jsonschema::validator_for(&schema).expect("schema");
    let list = shell.ends(&["runs", "--format", "json"], 0).await;
    assert!(list.out.starts_with("{\n  \"format_version\""));
    let one = shell.ends(&["runs", "0a1b2c3d-old", "--format", "json"], 0).await.json();
    for document in [list.json(), one.clone()] {
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {document:#}");
    }
    assert_eq!(list.json()["runs"][0]["outcome"], "unfinished");
    assert_eq!(list.json()["runs"][0]["of"], "0a1b2c3d-old");
    assert_eq!(one["steps"][0]["operation"], "s3:PutBucketVersioning");
    assert!(!validator.is_valid(&serde_json::json!({ "format_version": "1.0" })));
    let unknown = shell.ends(&["runs", "0a1b2c3d-odl"], 1).await;
    unknown.says("did you mean `0a1b2c3d-old`?");
    unknown.says("the last runs are `9f8e7d6c-new`");
    Shell::bare().ends(&["runs"], 0).await.says("No run was made here.");
}

#[tokio::test]
async fn spoiled_journals_are_named_and_hide_nothing() {
    let shell = shell();
    let foreign = start("foreign", "2027-01-01T00:00:00Z", r#"{"verb":"apply"}"#).replacen("1.0", "7.3", 1);
    shell.write("manifests/.auditseal/runs/foreign.jsonl", foreign);
    shell.write("manifests/.auditseal/runs/empty.jsonl", "");
    shell.write("manifests/.auditseal/runs/noise.jsonl", [0xff, 0x00, 0x1b, b'[']);
    let good = start("middle", "2026-11-21T00:00:00Z", r#"{"verb":"apply"}"#);
    shell.write("manifests/.auditseal/runs/middle.jsonl", format!("{good}\u{1b}[31mred\n{WRITE}"));
    let ended = shell.ends(&["runs"], 3).await;
    for said in ["0a1b2c3d-old", "9f8e7d6c-new", "? foreign", "format 7.3", "? empty", "? noise", "line 2 is damaged"] {
        ended.says(said);
    }
    assert!(!ended.out.contains('\u{1b}'));
    let reasons: Vec<String> = shell.ends(&["runs", "--format", "json"], 3).await.json()["unreadable"]
        .as_array()
        .expect("list")
        .iter()
        .map(|one| one["reason"].as_str().expect("reason").to_owned())
        .collect();
    assert_eq!(reasons, ["empty", "version", "damaged", "file"]);
    shell.ends(&["runs", "middle"], 1).await.says("cannot be used: line 2 is damaged");
}
