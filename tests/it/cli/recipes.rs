//! What README and `examples/` tell users to type works as written there.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;

use super::Shell;
use crate::harness::Case;

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every text that shows commands.
fn texts() -> Vec<PathBuf> {
    let mut found = vec![here().join("README.md"), here().join(".pre-commit-hooks.yaml")];
    let mut folders = vec![here().join("examples")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("folder") {
            let path = entry.expect("entry").path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            match path.extension().and_then(|end| end.to_str()) {
                _ if path.is_dir() && !matches!(name, "sandbox" | "manifests" | "editor") => folders.push(path),
                Some("md" | "sh" | "yml" | "yaml" | "service") | None if path.is_file() => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// The words after `auditseal` of every command in a text, as far as they are literal: up to what ends a shell command.
fn commands(text: &str) -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    for line in text.lines() {
        let line = line.split(" #").next().unwrap_or_default();
        for (at, _) in line.match_indices("auditseal ") {
            let before = line[..at].trim_end();
            let begins =
                ["", "`", "/usr/local/bin/", "- run:", "ExecStart=", "entry:", "&&", "600 .auditseal-cron", "(", "-"];
            if !begins.iter().any(|start| before.ends_with(start) && (!start.is_empty() || before.is_empty())) {
                continue;
            }
            let rest = &line[at + "auditseal ".len()..];
            let rest = rest.split(['`', '|', '>', '<', ';', ')', '…', '[']).next().unwrap_or_default();
            let words: Vec<String> = rest
                .split_whitespace()
                .take_while(|word| *word != "2" && *word != "&&")
                .map(|word| word.trim_matches(['"', ',', '.']).replace("$BASE", "HEAD"))
                .collect();
            if words.first().is_some_and(|verb| verb.chars().all(|c| c.is_ascii_lowercase())) {
                commands.push(words);
            }
        }
    }
    commands
}

/// None of them is wrong usage. They run where nothing is: most end with an error, as they should.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_command_of_a_recipe_is_wrong_usage() {
    let mut seen = 0;
    for path in texts() {
        let text = std::fs::read_to_string(&path).expect("text");
        for words in commands(&text) {
            let shell = Shell::bare();
            let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
            // What goes on for ever was understood.
            let run = tokio::time::timeout(Duration::from_secs(5), shell.run(&arguments));
            let Ok(ended) = run.await else {
                assert!(words.iter().any(|word| word == "--every"), "{words:?} does not end");
                continue;
            };
            let wrong = ended.code == 64 && ended.err.contains("Usage:");
            assert!(!wrong, "{}: `auditseal {}`: {}", path.display(), words.join(" "), ended.err);
            seen += 1;
        }
    }
    assert!(seen > 25, "only {seen} commands were found");
}

/// A `gh` that writes down what it was asked, and has the comments that the test gave it.
const GH: &str = r#"#!/usr/bin/env bash
for argument in "$@"; do
    if [ "${previous:-}" = --input ]; then cp "$argument" "$GH_LOG/body-$(ls "$GH_LOG" | wc -l)"; fi
    previous=$argument
done
echo "$*" >>"$GH_LOG/calls"
case "$*" in *--paginate*) cat "$GH_LOG/comments" ;; esac
"#;

/// Who could run the recipe's scripts: `jq` is no part of what this project asks for.
#[expect(clippy::print_stdout, reason = "a check that is skipped has to be seen")]
fn has(tool: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|at| at.join(tool).is_file());
    if !found {
        println!("SKIP what needs `{tool}`: it is not installed");
    }
    found
}

async fn script(shell: &Shell, name: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let bin = Path::new(env!("CARGO_BIN_EXE_auditseal")).parent().expect("folder").display().to_string();
    let path = format!("{}:{bin}:{}", shell.path("bin").display(), std::env::var("PATH").expect("PATH"));
    let mut command = shell.command(&[]);
    let environment: Vec<_> =
        command.as_std().get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    command = tokio::process::Command::new("bash");
    let output = command
        .arg(here().join("examples/github-actions").join(name))
        .args(arguments)
        .env_clear()
        .envs(environment)
        .env("PATH", path)
        .current_dir(shell.path("."))
        .stdin(Stdio::null())
        .output()
        .await
        .expect("bash");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.code(), text)
}

fn executable(shell: &Shell, name: &str, content: &str) {
    use std::os::unix::fs::PermissionsExt;
    shell.write(name, content);
    std::fs::set_permissions(shell.path(name), std::fs::Permissions::from_mode(0o755)).expect("mode");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pull_request_has_one_comment_of_each_kind() {
    if !has("jq") || !has("git") {
        return;
    }
    let case = Case::empty().await;
    let shell = Shell::of(&case).await;
    let log = shell.path("gh");
    let shell = shell
        .set("GH_LOG", &log.display().to_string())
        .set("GITHUB_REPOSITORY", "acme/audit")
        .set("PULL_REQUEST", "7")
        .set("BASE", "HEAD");
    executable(&shell, "bin/gh", GH);
    let git = "git init -q && git add manifests && git -c user.name=a -c user.email=a@b commit -qm one";
    let mut command = tokio::process::Command::new("bash");
    assert!(command.args(["-c", git]).current_dir(shell.path(".")).status().await.expect("git").success());

    // Somebody else wrote the marker: that comment is not touched.
    let other = r#"[{"id": 1, "user": {"login": "mallory"}, "body": "<!-- auditseal:plan -->"}]"#;
    shell.write("gh/comments", other);
    let (code, text) = script(&shell, "plan.sh", &[]).await;
    assert_eq!(code, Some(0), "there are changes, which is no failure: {text}");
    let calls = shell.read("gh/calls");
    assert_eq!(calls.matches("--method POST repos/acme/audit/issues/7/comments").count(), 2, "{calls}");
    assert!(!calls.contains("PATCH"), "{calls}");
    let bodies: Vec<Value> = std::fs::read_dir(&log)
        .expect("log")
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("body")))
        .map(|path| serde_json::from_str(&std::fs::read_to_string(path).expect("body")).expect("JSON"))
        .collect();
    let begins = |marker: &str| bodies.iter().any(|body| body["body"].as_str().is_some_and(|b| b.starts_with(marker)));
    assert!(begins("<!-- auditseal:review -->\n") && begins("<!-- auditseal:plan -->\n"), "{bodies:?}");

    let mine = r#"[{"id": 42, "user": {"login": "github-actions[bot]"}, "body": "<!-- auditseal:plan -->\nold"}]"#;
    shell.write("gh/comments", mine);
    shell.write("gh/calls", "");
    assert_eq!(script(&shell, "plan.sh", &[]).await.0, Some(0));
    let calls = shell.read("gh/calls");
    assert!(calls.contains("--method PATCH repos/acme/audit/issues/comments/42"), "{calls}");

    // What cannot be planned forbids the merge.
    shell.write("manifests/broken.toml", "version = 2\n");
    assert_eq!(script(&shell, "plan.sh", &[]).await.0, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_merged_is_planned_once_and_applied_as_planned() {
    let case = Case::empty().await;
    let shell = Shell::of(&case).await;
    let (summary, outputs) = (shell.path("summary"), shell.path("outputs"));
    let shell = shell
        .set("GITHUB_STEP_SUMMARY", &summary.display().to_string())
        .set("GITHUB_OUTPUT", &outputs.display().to_string());
    std::fs::create_dir(shell.path("bin")).expect("folder");
    let (code, text) = script(&shell, "save-plan.sh", &["plan.json"]).await;
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(shell.read("outputs"), "changes=true\n");
    assert!(shell.read("summary").starts_with("<!-- auditseal:plan -->"));
    shell.ends(&["apply", "plan.json", "--auto-approve", "--lock-timeout", "10m"], 0).await;

    std::fs::remove_file(outputs).expect("file");
    assert_eq!(script(&shell, "save-plan.sh", &["plan.json"]).await.0, Some(0));
    assert_eq!(shell.read("outputs"), "changes=false\n");

    let unread = shell.set("DATABRICKS_CLIENT_SECRET", "a-wrong-secret");
    assert_eq!(script(&unread, "save-plan.sh", &["plan.json"]).await.0, Some(3));
}
