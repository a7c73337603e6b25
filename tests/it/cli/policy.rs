//! `policy simulate` and `policy includes`: JSON in, JSON out, no cloud.

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
        "field.json:2:35: unknown field `actoin`",
        "bytes.json:2:17: not UTF-8",
        "twice.json:2:11: duplicate field `principal`",
        "deep.json:1:2: ",
        "`none.json` could not be read: No such file",
    ] {
        ended.says(part);
    }
    piped(&shell, &["policy", "simulate", "-"], "[1]").await.says("-:1:2: invalid type");
}

fn statement(effect: &str, resource: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": "s3:GetObject", "Resource": resource}]})
}

#[tokio::test]
async fn includes_compares_two_files_or_a_list_of_pairs() {
    let shell = Shell::bare();
    let valid = |document: &Value| {
        let schema = jsonschema::validator_for(&auditseal::report::compared_schema()).expect("schema");
        assert!(schema.is_valid(document), "{document}");
    };
    let (wide, narrow) = (statement("Allow", "arn:aws:s3:::logs/*"), statement("Allow", "arn:aws:s3:::logs/a/*"));
    shell.write("wide.json", wide.to_string());
    shell.write("narrow.json", narrow.to_string());
    let includes = ["policy", "includes", "--reference", "wide.json", "--candidate", "narrow.json"];
    let included = shell.ends(&includes, 0).await;
    assert_eq!(included.out, "{\n  \"format_version\": \"1.0\",\n  \"included\": true,\n  \"unread\": []\n}\n");
    valid(&included.json());
    let beyond =
        shell.ends(&["policy", "includes", "--reference", "narrow.json", "--candidate", "wide.json"], 3).await.json();
    valid(&beyond);
    assert_eq!(beyond["included"], false);
    assert_eq!(beyond["witness"]["action"], "s3:GetObject");
    let resource = beyond["witness"]["resource"].as_str().expect("resource");
    assert!(resource.starts_with("arn:aws:s3:::logs/") && !resource.starts_with("arn:aws:s3:::logs/a/"), "{resource}");

    let odd = json!({"Statement": [], "Odd": 1});
    let pairs = json!([
        {"reference": wide, "candidate": narrow, "label": "ignored"},
        {"reference": {"name": "limit", "policy": narrow}, "candidate": wide.to_string()},
        {"reference": wide, "candidate": odd}
    ]);
    let answers = piped(&shell, &["policy", "includes", "--pairs", "-"], pairs.to_string()).await;
    assert_eq!(answers.code, 3);
    let document = answers.json();
    valid(&document);
    let found: Vec<&Value> = document.as_array().expect("a list").iter().map(|one| &one["included"]).collect();
    assert_eq!(found, [&json!(true), &json!(false), &json!("unknown")]);
    assert_eq!(document[2]["unread"][0]["policy"], "candidate");
    let text = piped(&shell, &["policy", "includes", "--pairs", "-", "--format", "text"], pairs.to_string()).await;
    insta::assert_snapshot!("includes", text.out);
    let first = json!([pairs[0]]).to_string();
    assert_eq!(piped(&shell, &["policy", "includes", "--pairs", "-"], first).await.code, 0);
}

#[tokio::test]
async fn includes_refuses_what_it_cannot_compare() {
    let shell = Shell::bare();
    shell.write("policy.json", statement("Allow", "*").to_string());
    shell.write("broken.json", "{\n \"Statement\": [}");
    shell.write("list.json", "[{\"Statement\": []}]");
    for (file, place) in
        [("broken.json", "broken.json:2:16: "), ("list.json", "list.json:1:1: a list"), ("no.json", "`no.json`")]
    {
        let ended = shell.ends(&["policy", "includes", "--reference", "policy.json", "--candidate", file], 1).await;
        assert_eq!(ended.out, "");
        ended.says(place);
    }
    shell.write("pairs.json", "[{\"reference\": {\"Statement\": []}}]");
    shell.ends(&["policy", "includes", "--pairs", "pairs.json"], 1).await.says("missing field `candidate`");
    for arguments in [
        &["policy", "includes"][..],
        &["policy", "includes", "--reference", "policy.json"],
        &["policy", "includes", "--candidate", "policy.json"],
        &["policy", "includes", "--pairs", "a", "--reference", "b", "--candidate", "c"],
    ] {
        assert_eq!(shell.ends(arguments, 64).await.out, "");
    }
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
