//! `review` in a real git repository.

use std::path::Path;

use super::{SMALL, Shell};

const READER: &str = "\n[readers.siem]\nrole = \"arn:aws:iam::111122223333:role/Siem\"\n";

impl Shell {
    /// Runs git in the folder, as a user with no configuration.
    fn git(&self, arguments: &[&str]) {
        let done = std::process::Command::new("git")
            .args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"])
            .args(arguments)
            .current_dir(self.path(""))
            .env("HOME", self.path(""))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("git");
        assert!(done.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }
}

fn repository() -> Shell {
    let shell = Shell::bare();
    shell.git(&["init", "-q", "-b", "main"]);
    shell.write("README.md", "no manifest yet");
    shell.commit("empty");
    shell.write("manifests/acme.toml", SMALL);
    shell.write("manifests/.hidden.toml", "x");
    shell.write("manifests/sub/deeper.toml", "x");
    shell.commit("first");
    shell
}

#[tokio::test]
async fn revisions_are_compared_and_widening_is_4() {
    let shell = repository();
    shell.write("manifests/acme.toml", format!("{SMALL}{READER}"));
    shell.commit("a reader");
    let wide = shell.ends(&["review", "HEAD~1", "HEAD"], 0).await;
    wide.says("1 manifest changes; access widens");
    wide.says("+ read   arn:aws:iam::111122223333:role/Siem: the delivered logs (readers.siem) in acme");
    shell.ends(&["review", "HEAD~1", "HEAD", "--fail-on", "widening"], 4).await;
    shell.ends(&["review", "HEAD", "HEAD~1", "--fail-on", "widening"], 0).await.says("access narrows");
    shell.ends(&["review", "HEAD", "HEAD", "--fail-on", "widening"], 0).await.says("No changes");
    let json = shell.ends(&["review", "HEAD~1", "main", "--format", "json"], 0).await.json();
    assert_eq!((json["format_version"].as_str(), json["widens"].as_bool()), (Some("1.0"), Some(true)));
    let schema = shell.ends(&["schema", "review"], 0).await.json();
    assert!(jsonschema::validator_for(&schema).expect("schema").is_valid(&json));
    let comment = shell.ends(&["review", "HEAD~1", "HEAD", "--format", "markdown"], 0).await;
    assert!(comment.out.starts_with("<!-- auditseal:review -->\n"));
    // The path was not there: the manifest is new.
    shell.ends(&["review", "HEAD~2", "HEAD"], 0).await.says("`acme` is new");
    shell.ends(&["review", "HEAD", "HEAD~2"], 0).await.says("is no longer declared");

    // What is not committed is a path; what is not checked out is still in the repository.
    shell.write("manifests/acme.toml", SMALL);
    shell.ends(&["review", "HEAD", "manifests"], 0).await.says("access narrows");
    std::fs::remove_dir_all(shell.path("manifests")).expect("removed");
    shell.ends(&["review", "HEAD~1", "HEAD"], 0).await.says("access widens");
    shell.ends(&["review", "HEAD~1", "HEAD", "-m", "manifests/acme.toml"], 0).await.says("access widens");
    shell.ends(&["review", "HEAD~1", "HEAD", "-m", "./manifests/"], 0).await.says("access widens");
    shell.ends(&["review", "HEAD~2", "HEAD~2"], 1).await.says("neither side has a manifest");
}

#[tokio::test]
async fn defaults_and_renames_are_followed() {
    let shell = repository();
    shell.git(&["mv", "manifests/acme.toml", "manifests/other.toml"]);
    shell.write("manifests/defaults.toml", "[bucket]\nretention_days = 30\n");
    shell.commit("renamed, with defaults");
    let ended = shell.ends(&["review", "HEAD~1", "HEAD", "--fail-on", "widening"], 0).await;
    ended.says("`other` (was `acme`: its name is in addresses only) changes");
    ended.says("weakened     retention in other: bucket.retention_days = 365 -> 30");
    // Asked for by its file, it was not there before; the defaults beside it count all the same.
    shell.ends(&["review", "HEAD~1", "HEAD", "-m", "manifests/other.toml"], 0).await.says("`other` is new");
    shell.ends(&["review", "HEAD", "manifests/other.toml", "-m", "manifests/other.toml"], 0).await.says("No changes");
}

#[tokio::test]
async fn wrong_input_says_which_side_and_where() {
    let shell = repository();
    shell.write("manifests/acme.toml", SMALL.replace("version = 1", "version = 1\nodd = 1"));
    shell.commit("broken");
    let ended = shell.ends(&["review", "HEAD~1", "main"], 1).await;
    ended.says("main:manifests/acme.toml:");
    ended.says("odd = 1");
    assert_eq!(ended.out, "");
    shell
        .ends(&["review", "no-such-branch", "HEAD"], 1)
        .await
        .says("`no-such-branch` is neither a path nor a revision");
    shell.ends(&["review", "--fail-on", "widening", "HEAD"], 64).await;
    shell.ends(&["review", "HEAD", "HEAD", "--fail-on", "anything"], 64).await;
    shell.ends(&["review", "--", "--upload-pack=x", "HEAD"], 1).await.says("neither a path nor a revision");
    // Secrets of either side are never shown.
    let secret = "dapi0123456789abcdef0123456789abcdef";
    shell.write("manifests/acme.toml", format!("{SMALL}\n# {secret}\n"));
    shell.commit("secret");
    let ended = shell.ends(&["review", "HEAD~2", "HEAD"], 1).await;
    assert!(ended.err.contains("secret-in-manifest") && !ended.all().contains("0123456789"), "{}", ended.all());
    // Two paths need no repository.
    let bare = Shell::bare();
    bare.write("a/acme.toml", SMALL);
    bare.write("b/acme.toml", format!("{SMALL}{READER}"));
    bare.ends(&["review", "a", "b", "--fail-on", "widening"], 4).await;
    bare.ends(&["review", "a", "HEAD"], 1).await.says("neither a path nor a revision");
    assert!(!Path::new(&bare.path(".git")).exists());
}
