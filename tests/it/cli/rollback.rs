//! Runs, rollback, forget, locks and logs with the real program on the vendor's example.

use auditseal::run::lock::{Holder, LockStore};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::Shell;
use crate::harness::Case;
use crate::sandbox::databricks::Options as SimOptions;
use crate::struck::lock_of;

/// Every line of stderr as an object.
fn lines(err: &str) -> Vec<Value> {
    err.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .inspect(|line: &Value| assert!(line["time"].is_string() && line["level"].is_string(), "{line}"))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_apply_to_rollback_and_forget() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;
    let applied = shell.ends(&["apply", "--auto-approve", "--log-format", "json", "-v"], 0).await;
    let log = lines(&applied.err);
    let run = log.iter().find_map(|line| line["run"].as_str()).expect("a run").to_owned();
    let requests: Vec<&Value> = log.iter().filter(|line| line.get("method").is_some()).collect();
    assert!(requests.len() > 100, "{} requests", requests.len());
    for request in &requests {
        for field in ["method", "host", "path"] {
            assert!(request[field].is_string(), "{request}");
        }
        assert!(
            request["status"].is_u64() && (request["milliseconds"].is_u64() || request["ms"].is_u64()),
            "{request}"
        );
        assert!(!request["path"].as_str().expect("path").contains('?'), "{request}");
    }
    // What is sent for a step names it.
    for (operation, step) in [("PutBucketVersioning", "bucket-versioning["), ("UpdateAssumeRolePolicy", "role[")] {
        let put = requests.iter().filter(|request| request["operation"] == operation);
        for request in put {
            assert_eq!(request["run"].as_str(), Some(&*run), "{request}");
            assert!(request["step"].as_str().expect("step").starts_with(&format!("acme/{step}")), "{request}");
        }
    }
    assert!(requests.iter().any(|request| request["step"] == "acme/bucket-versioning[audit]"));
    assert!(log.iter().any(|line| line["message"].as_str().is_some_and(|text| text.starts_with("[1/"))));
    for door in ["sandbox.", SimOptions::ADMIN.1] {
        assert!(!applied.err.contains(door), "`{door}` leaks");
    }

    let runs = shell.ends(&["runs", "--format", "json"], 0).await.json();
    assert_eq!((&runs["runs"][0]["run"], &runs["runs"][0]["outcome"]), (&Value::from(&*run), &Value::from("done")));
    assert!(runs["runs"][0]["writes"].as_u64() > Some(20));
    shell.ends(&["rollback", "zzz"], 1).await.says(&format!("the last runs are `{run}`"));

    let writes = case.sandbox.faults.counted().1;
    let short = &run[..8];
    shell.ends(&["rollback", short], 3).await.says("access-widened: refused");
    let allow = ["--allow", "access-widened", "--allow", "statements-removed"];
    let with = |more: &[&'static str]| -> Vec<String> {
        ["rollback", short].iter().chain(&allow).chain(more).map(|part| (*part).to_owned()).collect()
    };
    let call = |arguments: Vec<String>, code| {
        let shell = &shell;
        async move {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            shell.ends(&arguments, code).await
        }
    };
    call(with(&[]), 64).await.says("no terminal to ask on");
    call(with(&["--plan", "--concise"]), 0).await.says("rollback-leaves");
    call(with(&["--out", "back.json"]), 0).await.says("Apply it with: auditseal apply back.json");
    assert_eq!(case.sandbox.faults.counted().1, writes, "planning wrote something");
    let schema: Value = shell.ends(&["schema", "plan"], 0).await.json();
    let saved: Value = serde_json::from_str(&shell.read("back.json")).expect("JSON");
    let errors: Vec<String> = jsonschema::validator_for(&schema)
        .expect("schema")
        .iter_errors(&saved)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    shell.ends(&["apply", "back.json"], 0).await.says("what could be put back is as it was before that run");
    shell.ends(&["plan", "--detailed-exitcode"], 2).await;
    call(with(&["--auto-approve"]), 0).await.says("Nothing to put back");
    let back = shell.ends(&["runs", "--format", "json"], 0).await.json();
    assert_eq!((&back["runs"][0]["verb"], &back["runs"][0]["of"]), (&Value::from("rollback"), &Value::from(&*run)));

    shell.ends(&["forget", "nobody"], 64).await.says("neither a manifest (`acme`) nor an address");
    shell.ends(&["forget", "acme/kms-key[nope]", "--auto-approve"], 1).await.says("`acme/kms-tags[audit]`");
    shell.ends(&["forget"], 64).await.says("acme/bucket-tags[access]");
    shell.ends(&["forget", "acme/bucket[access]", "--auto-approve"], 0).await.says("the marks are gone");
    shell.ends(&["forget", "acme/bucket[access]"], 0).await.says("Nothing to forget");

    // Journals and plans hold policies and identifiers, and nothing that opens a door.
    let files = shell.files();
    assert!(files.contains(r#""verb":"forget""#), "nothing was searched");
    for door in ["sandbox.", SimOptions::ADMIN.1] {
        assert!(!files.contains(door), "`{door}` leaks");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_waited_for_and_broken_by_name() {
    let case = Case::empty().await;
    let shell = Shell::of(&case).await;
    let router = case.router().await;
    let (place, name) = lock_of(&case);
    let now = jiff::Timestamp::now();
    let until = now + jiff::SignedDuration::from_hours(100);
    let holder = Holder { run: "theirs".to_owned(), owner: "somebody".to_owned(), since: now, until };
    let value = serde_json::to_string(&holder).expect("json");
    router.create(&place, &name, &value).await.expect("create").expect("free");

    let refused = shell.ends(&["apply", "--auto-approve"], 3).await;
    for said in ["lock-held", "is held by somebody (run theirs", "auditseal unlock theirs"] {
        refused.says(said);
    }
    let patient = ["apply", "--auto-approve", "--concise", "--lock-timeout", "99h"];
    let mut child = shell.command(&patient).spawn().expect("start");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let mut out = child.stdout.take().expect("stdout");
    let drain = tokio::spawn(async move { out.read_to_end(&mut Vec::new()).await });
    let mut said = String::new();
    while let Some(line) = lines.next_line().await.expect("text") {
        said.push_str(&line);
        if line.contains("for the lock") {
            shell.ends(&["unlock", "mine"], 3).await.says("is held by somebody");
            shell.ends(&["unlock", "theirs"], 0).await.says("unlocked");
        }
    }
    drain.await.expect("join").expect("stdout");
    assert_eq!(child.wait().await.expect("end").code(), Some(0), "{said}");
    shell.ends(&["unlock", "theirs"], 0).await.says("Nothing was locked");
}
