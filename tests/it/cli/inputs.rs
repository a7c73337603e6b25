//! Manifests that are wrong: each thing that a user can get wrong is said with its place and what to do.

use super::{SMALL, Shell};

/// Half of a Databricks secret, so that no scanner takes this file for a leak.
fn secret() -> String {
    format!("{}{}", "dose", "0123456789abcdef".repeat(2))
}

fn broken() -> String {
    format!(
        r#"version = 1

[databricks]
account_id    = "0d26daa6-5e44-4c97-a497-ef015f91254a"
client_secret = "{}"

[aws]
account_id = "1111"
regoin     = "us-east-1"

[delivery]
bucket = "Acme"
prefix = "/audit/"

[admins.platform]
role = "arn:aws:iam::111122223333:role/PlatformAdmin"
"#,
        secret()
    )
}

#[tokio::test]
async fn everything_wrong_is_said_at_once_with_its_place() {
    let shell = Shell::bare();
    shell.write("manifests/acme.toml", broken());
    let ended = shell.ends(&["validate"], 1).await;
    assert_eq!(ended.out, "");
    insta::assert_snapshot!("validate_errors", ended.err);
    assert!(!ended.err.contains(&secret()), "the secret is echoed");
    for verb in [&["plan"][..], &["apply", "--auto-approve"], &["show", "--expanded"], &["unlock", "run"]] {
        let ended = shell.ends(verb, 1).await;
        assert_eq!(ended.out, "");
        ended.says("--> manifests/acme.toml:9:1");
        assert!(!ended.err.contains(&secret()));
    }
}

#[tokio::test]
async fn machines_get_one_document() {
    let shell = Shell::bare();
    shell.write("manifests/acme.toml", broken());
    let ended = shell.ends(&["validate", "--format", "json"], 1).await;
    let document = ended.json();
    assert_eq!(document["valid"], false);
    assert_eq!(document["format_version"], "1.0");
    let places: Vec<(u64, &str)> = document["findings"]
        .as_array()
        .expect("findings")
        .iter()
        .map(|finding| (finding["span"]["line"].as_u64().unwrap_or(0), finding["code"].as_str().expect("code")))
        .collect();
    assert_eq!(
        places,
        [
            (5, "secret-in-manifest"),
            (8, "invalid-aws-account"),
            (9, "unknown-key"),
            (12, "invalid-bucket-name"),
            (13, "invalid-prefix")
        ]
    );
    assert!(!ended.all().contains(&secret()));
    shell.write("manifests/acme.toml", SMALL);
    let document = shell.ends(&["validate", "--format", "json"], 0).await.json();
    assert_eq!((&document["valid"], &document["manifests"]), (&true.into(), &serde_json::json!(["acme"])));
    assert_eq!(shell.ends(&["validate"], 0).await.out, "1 manifest is valid.\n");
}

#[tokio::test]
async fn files_that_are_no_manifests() {
    let shell = Shell::bare();
    shell.ends(&["plan"], 1).await.says("`manifests` does not exist");
    shell.ends(&["plan", "-m", "nowhere.toml"], 1).await.says("`nowhere.toml` does not exist");
    std::fs::create_dir(shell.path("empty")).expect("folder");
    shell.ends(&["plan", "-m", "empty"], 1).await.says("no manifest in directory `empty`");

    shell.write("syntax.toml", "version = \n[a\nb = = 3\n");
    let ended = shell.ends(&["validate", "-m", "syntax.toml"], 1).await;
    for place in ["syntax.toml:1:11", "syntax.toml:2:3", "syntax.toml:3:5"] {
        ended.says(place);
    }

    shell.write("bytes.toml", [0xff, 0xfe, b'a']);
    shell.ends(&["validate", "-m", "bytes.toml"], 1).await.says("is not UTF-8");

    let big = std::fs::File::create(shell.path("big.toml")).expect("file");
    big.set_len(100 * 1024 * 1024).expect("100 MB");
    let started = std::time::Instant::now();
    let ended = shell.ends(&["validate", "-m", "big.toml"], 1).await;
    ended.says("larger than 1 MB");
    assert!(ended.err.len() < 1000 && started.elapsed().as_secs() < 10);

    shell.write("two/a.toml", SMALL);
    shell.write("two/b.toml", SMALL);
    let ended = shell.ends(&["validate", "-m", "two"], 1).await;
    ended.says("bucket `acme-databricks-audit` is claimed by manifest `a` too");
    ended.says("--> two/b.toml:");
}

#[tokio::test]
async fn saved_plans_that_are_none() {
    let shell = Shell::bare();
    shell.ends(&["apply", "none.json", "--auto-approve"], 1).await.says("`none.json` could not be read");
    shell.write("text.json", "Plan: 3 to create");
    shell.ends(&["apply", "text.json"], 1).await.says("`text.json` is not a saved plan");
    shell.write("other.json", r#"{"format_version":"0.9","changes":[]}"#);
    let ended = shell.ends(&["show", "other.json"], 1).await;
    ended.says("has plan format 0.9, this program reads 1.0: plan again");
    shell.write("half.json", r#"{"format_version":"1.0","changes":[]}"#);
    shell.ends(&["show", "half.json"], 1).await.says("is not a saved plan");
}
