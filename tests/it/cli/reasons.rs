//! `--explain ADDRESS`: the chain of reasoning, of a plan and of a saved one.

use super::Shell;
use crate::harness::Case;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_says_why() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;
    let writes = case.sandbox.faults.counted().1;
    let policy = ["plan", "--out", "plan.json", "--explain", "acme/bucket-policy[audit]"];
    let (text, json, schema) = tokio::join!(
        shell.ends(&policy, 0),
        shell.ends(&["plan", "--format", "json", "--explain", "acme/bucket-policy[audit]"], 0),
        shell.ends(&["schema", "plan-explain"], 0),
    );
    assert_eq!(case.sandbox.faults.counted().1, writes, "explaining wrote something");
    for part in
        ["What was read:", "which deliveries work today", "why here:", "self-lockout-bucket: pass", "taken back:"]
    {
        text.says(part);
    }
    // Who loses is told with what let them in, and with what keeps them out then.
    let lines: Vec<&str> = text.out.lines().collect();
    let at = lines.iter().position(|line| line.contains("role/ContractorX loses read (not declared)")).expect("a loss");
    assert!(lines[at + 1].contains("before: can"), "{}", text.out);
    assert!(lines[at..].iter().any(|line| line.contains("after: cannot: s3:GetObject: denied by bucket policy")));

    let document = json.json();
    let validator = jsonschema::validator_for(&schema.json()).expect("schema");
    let errors: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    assert_eq!(document["change"]["address"], "acme/bucket-policy[audit]");

    // What is as wanted is explained; what nobody knows is wrong usage, with the nearest.
    let unknown = shell.ends(&["plan", "--explain", "acme/bucket-polcy[audit]"], 64).await;
    assert_eq!(unknown.out, "");
    unknown.says("is not an address of this plan; nearest are `acme/bucket-policy[audit]`");

    // A saved plan keeps who, not how, and says so.
    let saved = shell.ends(&["show", "plan.json", "--explain", "acme/bucket-policy[audit]"], 0).await;
    saved.says("role/ContractorX loses read (not declared)");
    saved.says("a saved plan keeps who gains and loses, not the witnesses");
    shell.ends(&["show", "plan.json", "--explain", "bucket-policy"], 64).await.says("nearest");
}
