//! Plan, save, apply, and plan again with the real program on the vendor's example.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Shell, mode, redacted};
use crate::harness::Case;
use crate::sandbox::databricks::Options as SimOptions;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_the_first_plan_to_no_changes() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;

    // Nothing is applied without approval, and nobody is there to give it.
    let before = case.sandbox.faults.counted().1;
    shell.ends(&["apply"], 64).await.says("pass --auto-approve, or apply a saved plan");
    let plan = shell.ends(&["plan", "-v", "--out", "plan.json", "--detailed-exitcode"], 2).await;
    assert_eq!(case.sandbox.faults.counted().1, before, "planning wrote something");
    plan.says("Saved as plan.json. Apply it with: auditseal apply plan.json");
    assert_eq!(mode(&shell.path("plan.json")), 0o600);
    shell.ends(&["plan"], 0).await;

    // A saved plan is shown as it was printed.
    let shown = shell.ends(&["show", "plan.json", "-v"], 0).await;
    assert_eq!(shown.out, plan.out);
    assert_eq!(shell.ends(&["show", "plan.json", "--format", "json"], 0).await.out, shell.read("plan.json"));

    // It is applied without asking: it was reviewed.
    let applied = shell.ends(&["apply", "plan.json", "-v"], 0).await;
    for said in ["Run ", "journal manifests/.auditseal/runs/", "[1/", "Verification: the live configuration matches"] {
        applied.says(said);
    }
    let again = shell.ends(&["apply", "plan.json"], 3).await;
    again.says("stale-plan");
    let settled = shell.ends(&["plan", "--detailed-exitcode"], 0).await;
    assert_eq!(settled.out.lines().last(), Some("No changes. The live configuration matches the declaration."));
    shell.ends(&["apply"], 0).await.says("No changes.");

    // Requests are shown, and nothing that opens a door: not on a stream, not in plan or journal.
    applied.says("PutBucketPolicy");
    let texts = [plan.all(), shown.all(), applied.all(), again.all(), settled.all(), shell.files()].concat();
    assert!(texts.contains("write_started") && texts.contains("/v1/token"), "nothing was searched");
    // The simulator's tokens begin so.
    for door in ["sandbox.", SimOptions::ADMIN.1, &shell.environment["AWS_SECRET_ACCESS_KEY"]] {
        assert!(!texts.contains(door), "`{door}` leaks");
    }
    let session = &shell.environment["AWS_SESSION_TOKEN"];
    assert!(session.is_empty() || !texts.contains(session.as_str()), "the session token leaks");
    let folded = texts.to_lowercase();
    for header in ["authorization:", "\"authorization\"", "bearer ", "aws4-hmac"] {
        assert!(!folded.contains(header), "headers are shown: {header}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_forms_of_a_plan() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;
    let (concise, json, markdown, coloured, plain) = tokio::join!(
        shell.ends(&["plan", "--concise"], 0),
        shell.ends(&["plan", "--format", "json"], 0),
        shell.ends(&["plan", "--format", "markdown"], 0),
        shell.ends(&["plan", "--color", "always"], 0),
        shell.ends(&["plan", "--color", "auto"], 0),
    );
    insta::assert_snapshot!("plan_concise", redacted(&concise.out, &case));
    assert!(coloured.out.contains("\u{1b}["));
    assert!(!plain.out.contains('\u{1b}'), "colour without a terminal");

    let document = json.json();
    assert_eq!(json.err, "", "one document and no chatter");
    assert!(json.out.trim_start().starts_with("{\n  \"format_version\""), "format_version comes first");
    let schema: Value = shell.ends(&["schema", "plan"], 0).await.json();
    let validator = jsonschema::validator_for(&schema).expect("schema");
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    // The schema can refuse.
    let mut other = document.clone();
    other["summary"] = "many".into();
    assert!(!validator.is_valid(&other));

    assert!(markdown.out.starts_with("<!-- auditseal:plan -->\n"));
    assert!(markdown.out.chars().count() < 65_000);
    let addresses: BTreeSet<&str> = document["changes"]
        .as_array()
        .expect("changes")
        .iter()
        .filter(|change| change["action"] != "noop")
        .map(|change| change["address"].as_str().expect("address"))
        .collect();
    assert!(addresses.len() > 20, "{addresses:?}");
    for address in addresses {
        assert!(markdown.out.contains(address), "`{address}` is not in the comment");
        assert!(concise.out.contains(address), "`{address}` is not in the plan");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_plan_is_refused_when_something_moved() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;
    shell.ends(&["plan", "--out", "plan.json"], 0).await;
    let writes = case.sandbox.faults.counted().1;

    // The manifests say something else.
    let manifest = shell.read("manifests/acme.toml");
    shell.write("manifests/acme.toml", manifest.replace("[admins.second]", "[admins.third]"));
    shell.ends(&["apply", "plan.json"], 3).await.says("the manifests in `manifests` differ");
    shell.write("manifests/acme.toml", &manifest);

    // The account does.
    let s3 = case.sandbox.aws.world.s3(&case.sandbox.aws.root());
    s3.delete_bucket_policy().bucket(&case.sandbox.aws.bucket).send().await.expect("edit");
    shell.ends(&["apply", "plan.json"], 3).await.says("stale-plan");
    assert_eq!(case.sandbox.faults.counted().1, writes, "a refused plan wrote something");

    // Without manifests a fresh plan is all that is needed; another program's plan is none.
    shell.ends(&["plan", "--out", "plan.json"], 0).await;
    let saved = shell.read("plan.json");
    shell.write("plan.json", saved.replacen("\"1.0\"", "\"7.3\"", 1));
    shell.ends(&["apply", "plan.json"], 1).await.says("plan again");
    shell.write("plan.json", saved);
    std::fs::remove_dir_all(shell.path("manifests")).expect("manifests");
    shell.ends(&["apply", "plan.json"], 0).await.says("Verification: the live configuration matches");
}
