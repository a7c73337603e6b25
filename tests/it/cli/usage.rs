//! Arguments, help, and the verbs that need no cloud.

use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};

use super::{SMALL, Shell};

#[tokio::test]
async fn wrong_usage_is_64_and_the_parsers_own_code_never_escapes() {
    let shell = Shell::bare();
    shell.write("manifests/acme.toml", SMALL);
    for arguments in [
        &[][..],
        &["frobnicate"],
        &["plan", "--nope"],
        &["plan", "--format", "yaml"],
        &["plan", "--color", "blue"],
        &["plan", "--out"],
        &["plan", "a", "b"],
        &["plan", "--allow", "self-lockout"],
        &["apply", "--allow", "no-such-code"],
        &["apply", "--lock-timeout", "5x"],
        &["apply", "--lock-timeout", "-5s"],
        &["apply", "plan.json", "--allow", "unread-inputs"],
        &["apply", "plan.json", "--target", "acme"],
        &["plan", "--exclude"],
        &["show", "--explain", "acme/bucket[audit]"],
        &["unlock"],
        &["access", "delete"],
        &["access", "--principal"],
        &["show"],
        &["show", "plan.json", "--expanded"],
        &["schema", "journal"],
        &["completions", "tcsh"],
        &["explain", "no-such-code"],
    ] {
        let ended = shell.run(arguments).await;
        assert_eq!(ended.code, 64, "`auditseal {}`: {}", arguments.join(" "), ended.all());
        assert_eq!(ended.out, "", "results only on stdout: `auditseal {}`", arguments.join(" "));
        assert!(!ended.err.trim().is_empty());
    }
    shell.ends(&["apply", "--allow", "unread-input"], 64).await.says("`auditseal explain` lists all");
    shell.ends(&["explain", "unread-input"], 64).await.says("did you mean `unread-inputs`?");
}

#[tokio::test]
async fn help_is_read_before_anything_else() {
    let shell = Shell::bare();
    let help = shell.ends(&["--help"], 0).await;
    assert_eq!(help.err, "");
    insta::assert_snapshot!("help", help.out);
    insta::assert_snapshot!("plan_help", shell.ends(&["plan", "--help"], 0).await.out);
    assert_eq!(shell.ends(&["--version"], 0).await.out, format!("auditseal {}\n", env!("CARGO_PKG_VERSION")));
    shell.ends(&["version"], 0).await.says("plan format 1.0");
    // An endpoint may hold a password: the help never shows what the environment says.
    let shell = shell.set("AWS_ENDPOINT_URL", "https://user:hunter2@example.com");
    assert!(!shell.ends(&["--help"], 0).await.out.contains("hunter2"));
}

#[tokio::test]
async fn codes_are_explained() {
    let shell = Shell::bare();
    insta::assert_snapshot!("explain", shell.ends(&["explain", "self-lockout-bucket"], 0).await.out);
    let all = shell.ends(&["explain"], 0).await.out;
    assert!(all.lines().count() > 40, "{all}");
    for line in all.lines() {
        let code = line.split_whitespace().next().expect("code");
        assert_eq!(code, code.to_lowercase());
        let text = shell.ends(&["explain", code], 0).await.out;
        assert!(text.contains("What to do: "), "{text}");
    }
}

#[tokio::test]
async fn schemas_completions_and_the_manual_page() {
    let shell = Shell::bare();
    let all = [
        "manifest",
        "defaults",
        "plan",
        "plan-explain",
        "review",
        "policy-simulate",
        "policy-includes",
        "runs",
        "alert",
        "alert-sinks",
        "permissions",
    ];
    for of in all {
        let schema = shell.ends(&["schema", of], 0).await.json();
        jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{of}: {error}"));
    }
    assert_eq!(shell.ends(&["schema"], 0).await.out, shell.ends(&["schema", "manifest"], 0).await.out);
    for name in ["bash", "zsh", "fish", "powershell"] {
        shell.ends(&["completions", name], 0).await.says("detailed-exitcode");
    }
    shell.ends(&["man"], 0).await.says(".TH auditseal 1");
}

#[tokio::test]
async fn expanded_manifests_are_the_same_declaration() {
    let shell = Shell::bare();
    for (name, text) in [("minimal", SMALL), ("full", include_str!("../../../examples/manifests/full.toml"))] {
        shell.write(&format!("{name}/{name}.toml"), text);
        let expanded = shell.ends(&["show", "--expanded", "-m", name], 0).await.out;
        assert!(expanded.len() > text.len() / 2, "{expanded}");
        shell.write(&format!("again/{name}.toml"), &expanded);
        let again = shell.ends(&["show", "--expanded", "-m", &format!("again/{name}.toml")], 0).await.out;
        assert_eq!(again, expanded);
        let parse = |text: &str| auditseal::manifest::parse(name, "x.toml", text).expect("valid");
        assert_eq!(parse(&expanded), parse(text));
    }
}

#[tokio::test]
async fn a_reader_that_went_away_is_no_error() {
    let shell = Shell::bare();
    // More than a pipe holds, so that the program meets the closed end.
    let mut child = shell.command(&["schema", "plan"]).stderr(Stdio::piped()).spawn().expect("start");
    let mut line = String::new();
    let mut out = BufReader::with_capacity(64, child.stdout.take().expect("stdout"));
    out.read_line(&mut line).await.expect("a line");
    drop(out);
    let output = child.wait_with_output().await.expect("end");
    assert_eq!(line, "{\n");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}
