//! What a command needs to be given, and what happens to whoever was not given it.

use serde_json::Value;

use super::{SMALL, Shell};
use crate::harness::Case;
use crate::permissions::allow_only;

#[tokio::test]
async fn the_list_is_printed_without_any_cloud() {
    let shell = Shell::bare();
    let schema = shell.ends(&["schema", "permissions"], 0).await.json();
    let validator = jsonschema::validator_for(&schema).expect("schema");

    // Before the first manifest: words in the place of names.
    let bare = shell.ends(&["permissions", "apply", "--format", "json"], 0).await;
    bare.says("There is no manifest");
    assert!(validator.is_valid(&bare.json()), "{}", bare.out);
    assert_eq!((&bare.json()["placeholders"], &bare.json()["command"]), (&Value::from(true), &Value::from("apply")));
    assert!(bare.out.contains("arn:aws:s3:::AUDIT_BUCKET"));
    shell.ends(&["permissions", "-m", "nowhere"], 1).await;

    shell.write("manifests/acme.toml", SMALL);
    insta::assert_snapshot!("permissions_unlock", shell.ends(&["permissions", "unlock", "--reasons"], 0).await.out);
    for command in ["plan", "apply", "drift", "access", "rollback", "forget", "unlock", "runs", "init"] {
        let json = shell.ends(&["permissions", command, "--format", "json"], 0).await.json();
        assert!(validator.is_valid(&json), "{command}: {json}");
        assert_eq!(json["placeholders"], false);
        // What reads no cloud needs nothing.
        assert_eq!(json["aws"].as_array().expect("accounts").is_empty(), command == "runs");
    }
    assert_eq!(
        shell.ends(&["permissions"], 0).await.out,
        shell.ends(&["permissions", "plan"], 0).await.out,
        "plan is what is asked for most"
    );
    shell.ends(&["permissions", "frobnicate"], 64).await;
    shell.ends(&["permissions", "--format", "markdown"], 64).await;
}

/// A caller without one permission is stopped before the first write, not at it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_stops_a_run_before_it_begins() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;
    let deny = serde_json::json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "NotAction": ["s3:PutBucketVersioning", "ssm:PutParameter"], "Resource": "*" }
    ] });
    allow_only(&case, "PlatformAdmin", &[deny.to_string()]).await;
    let writes = case.sandbox.faults.counted().1;

    // Who only plans is warned, since somebody else may apply it.
    let plan = shell.ends(&["plan", "--format", "json"], 0).await.json();
    let schema = shell.ends(&["schema", "plan"], 0).await.json();
    let validator = jsonschema::validator_for(&schema).expect("schema");
    let errors: Vec<String> = validator.iter_errors(&plan).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    let missing: Vec<(&str, &str)> = plan["preflight"]["missing"]
        .as_array()
        .expect("missing")
        .iter()
        .map(|one| (one["action"].as_str().expect("action"), one["what_for"].as_str().expect("what for")))
        .collect();
    assert!(missing.contains(&("ssm:PutParameter", "lock")), "{missing:?}");
    assert!(missing.contains(&("s3:PutBucketVersioning", "write")), "{missing:?}");
    assert!(missing.iter().all(|(action, _)| ["ssm:PutParameter", "s3:PutBucketVersioning"].contains(action)));

    let ended = shell.ends(&["apply", "--auto-approve"], 3).await;
    ended.says("permission-missing: refused");
    ended.says("lacks s3:PutBucketVersioning");
    ended.says(&format!("To add for the caller in AWS account {}", case.sandbox.aws.account));
    assert_eq!(case.sandbox.faults.counted().1, writes, "something was written");
    assert!(!shell.path("manifests/.auditseal").exists(), "a journal was begun");

    // The statement that was printed is enough.
    let printed = ended.out.split("To add for the caller").nth(1).expect("a statement");
    let from = printed.find('{').expect("begin");
    let to = printed.find("\n}").expect("end") + 2;
    allow_only(&case, "PlatformAdmin", &[deny.to_string(), printed[from..to].to_owned()]).await;
    let applied = shell.ends(&["apply", "--auto-approve"], 0).await;
    applied.says("Permissions of the caller: ");
    applied.says("Verification: the live configuration matches");
}
