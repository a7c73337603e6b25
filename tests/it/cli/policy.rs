//! `policy simulate`: JSON in, JSON out, no cloud.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::{Ended, Shell};

fn request(effect: &str) -> Value {
    json!({
        "principal": "arn:aws:iam::111122223333:role/Analyst",
        "action": "s3:GetObject",
        "resource": "arn:aws:s3:::logs/a.json",
        "resource_account": "111122223333",
        "identity_policies": [{
            "name": "S3Read",
            "policy": {"Version": "2012-10-17", "Statement": [
                {"Sid": "Everything", "Effect": "Allow", "Action": "s3:*", "Resource": "*"},
                {"Effect": effect, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::logs/*"}
            ]}
        }]
    })
}

async fn piped(shell: &Shell, arguments: &[&str], input: impl AsRef<[u8]>) -> Ended {
    let mut child = shell.command(arguments).stdin(Stdio::piped()).spawn().expect("start");
    child.stdin.take().expect("stdin").write_all(input.as_ref()).await.expect("written");
    let output = child.wait_with_output().await.expect("end");
    Ended {
        code: output.status.code().expect("code"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&auditseal::report::simulated_schema()).expect("schema")
}

#[tokio::test]
async fn one_request_gives_one_document_a_list_gives_a_list() {
    let shell = Shell::bare();
    shell.write("one.json", request("Deny").to_string());
    let one = shell.ends(&["policy", "simulate", "one.json"], 0).await;
    assert_eq!(one.err, "");
    assert!(
        one.out.starts_with("{\n  \"format_version\": \"1.0\",\n  \"decision\": \"explicit_deny\","),
        "{}",
        one.out
    );
    let document = one.json();
    assert!(schema().is_valid(&document), "{document}");
    let statement = json!({"layer": "identity", "policy": "S3Read", "sid": null, "index": 1});
    assert_eq!(document["deciding"], json!([statement]));

    shell.write("list.json", json!([request("Allow"), request("Deny")]).to_string());
    let list = shell.ends(&["policy", "simulate", "list.json", "--format", "json"], 0).await.json();
    assert!(schema().is_valid(&list), "{list}");
    assert_eq!((&list[0]["decision"], &list[1]["decision"]), (&json!("allowed"), &json!("explicit_deny")));
    let both = shell.ends(&["policy", "simulate", "one.json", "list.json"], 0).await.json();
    let decisions: Vec<&Value> = both.as_array().expect("a list").iter().map(|one| &one["decision"]).collect();
    assert_eq!(decisions, ["explicit_deny", "allowed", "explicit_deny"]);

    let from_stdin = piped(&shell, &["policy", "simulate", "-"], request("Allow").to_string()).await;
    assert_eq!((from_stdin.code, &from_stdin.json()["decision"]), (0, &json!("allowed")));
    assert_eq!(piped(&shell, &["policy", "simulate", "-"], "[]").await.out, "[]\n");
}

#[tokio::test]
async fn people_read_text() {
    let shell = Shell::bare();
    let mut unknown = request("Allow");
    unknown["resource_policy"] = json!({"Statement": [], "Extra": 1});
    let mut nothing = request("Allow");
    nothing["identity_policies"] = json!([]);
    shell.write("list.json", json!([request("Allow"), request("Deny"), nothing, unknown]).to_string());
    let ended = shell.ends(&["policy", "simulate", "--format", "text", "list.json"], 3).await;
    insta::assert_snapshot!("simulate", ended.out);
    shell.ends(&["policy", "simulate", "--format", "markdown", "list.json"], 64).await.says("JSON or text");
}

#[tokio::test]
async fn an_unknown_decision_is_3_and_wrong_usage_64() {
    let shell = Shell::bare();
    let mut unknown = request("Allow");
    unknown["unknown_keys"] = json!(["aws:PrincipalTag/*"]);
    unknown["resource_policy"] = json!({"Version": "2012-10-17", "Statement": {
        "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*",
        "Condition": {"StringNotEquals": {"aws:PrincipalTag/team": "audit"}}
    }});
    shell.write("unknown.json", json!([request("Allow"), unknown]).to_string());
    let ended = shell.ends(&["policy", "simulate", "unknown.json"], 3).await;
    assert_eq!(ended.json()[1]["decision"], "unknown");
    assert!(schema().is_valid(&ended.json()));
    for arguments in
        [&["policy"][..], &["policy", "simulate"], &["policy", "evaluate"], &["policy", "simulate", "--what", "x"]]
    {
        assert_eq!(shell.ends(arguments, 64).await.out, "");
    }
    insta::assert_snapshot!("simulate_help", shell.ends(&["policy", "simulate", "--help"], 0).await.out);
}

#[tokio::test]
async fn bad_input_is_1_and_says_where() {
    let shell = Shell::bare();
    shell.write("syntax.json", "{\n  \"principal\": \"anonymous\",\n  oops\n}\n");
    shell.write("field.json", "[\n{\"principal\": \"anonymous\", \"actoin\": \"s3:GetObject\"}]");
    shell.write("bytes.json", b"{\n  \"principal\": \"\xff\"");
    shell.write("twice.json", "{\"principal\":\"anonymous\",\n\"principal\":\"anonymous\"}");
    shell.write("deep.json", "[".repeat(200_000));
    let ended = shell
        .ends(
            &["policy", "simulate", "syntax.json", "field.json", "bytes.json", "twice.json", "deep.json", "none.json"],
            1,
        )
        .await;
    assert_eq!(ended.out, "");
    for part in [
        "syntax.json:3:3: ",
        "field.json:2:36: unknown field `actoin`",
        "bytes.json:2:17: not UTF-8",
        "twice.json:2:11: duplicate field `principal`",
        "deep.json:1:128: ",
        "`none.json` could not be read: No such file",
    ] {
        ended.says(part);
    }
    piped(&shell, &["policy", "simulate", "-"], "[1]").await.says("-:1:2: invalid type");
}

/// A policy at the size limit, made of wildcards that a backtracking matcher would never finish.
#[tokio::test]
async fn nested_wildcards_end_in_time() {
    let shell = Shell::bare();
    let pattern = format!("arn:aws:s3:::{}b", "*a".repeat(9_000));
    let mut hostile = request("Allow");
    hostile["resource"] = json!(format!("arn:aws:s3:::{}", "a".repeat(1_000)));
    hostile["identity_policies"] = json!([{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": pattern}}]);
    shell.write("hostile.json", json!(vec![hostile; 50]).to_string());
    let start = std::time::Instant::now();
    let ended = shell.ends(&["policy", "simulate", "hostile.json"], 0).await;
    assert_eq!(ended.json()[49]["decision"], "implicit_deny");
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
