//! `fmt` as editors and pipelines use it.

use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;

use super::{SMALL, Shell, mode};

#[tokio::test]
async fn files_are_formatted_in_place_and_checked() {
    let shell = Shell::bare();
    let wild = SMALL.replace("version = 1", "version=1   # one");
    shell.write("manifests/acme.toml", &wild);
    shell.write("manifests/defaults.toml", "[bucket]\nevent_bridge=true\nretention_days =7\n");
    shell.write("manifests/other.toml", SMALL.replace("acme-databricks", "other-databricks"));
    shell.write("manifests/sub/left.toml", &wild);
    std::fs::set_permissions(shell.path("manifests/acme.toml"), std::fs::Permissions::from_mode(0o640)).expect("mode");
    let names = "manifests/acme.toml\nmanifests/defaults.toml\n";

    let checked = shell.ends(&["fmt", "--check"], 1).await;
    assert_eq!(checked.out, names);
    assert_eq!(shell.read("manifests/acme.toml"), wild, "--check writes nothing");
    let shown = shell.ends(&["fmt", "--check", "--diff"], 1).await;
    shown.says("-version=1   # one\n+version = 1 # one\n");

    assert_eq!(shell.ends(&["fmt"], 0).await.out, names);
    assert_eq!(shell.read("manifests/acme.toml"), SMALL.replace("version = 1", "version = 1 # one"));
    assert_eq!(shell.read("manifests/defaults.toml"), "[bucket]\nretention_days = 7\nevent_bridge   = true\n");
    assert_eq!(mode(&shell.path("manifests/acme.toml")), 0o640);
    assert_eq!(shell.read("manifests/sub/left.toml"), wild, "directories are not descended into");
    assert_eq!(shell.ends(&["fmt", "--check"], 0).await.out, "");
    shell.ends(&["validate"], 0).await;

    // A broken file is named with its place, and does not keep the others from being formatted.
    shell.write("manifests/acme.toml", "version = 1\n[aws\n");
    shell.write("manifests/other.toml", &wild);
    shell.ends(&["fmt"], 1).await.says("manifests/acme.toml:2:");
    assert_eq!(shell.read("manifests/acme.toml"), "version = 1\n[aws\n");
    assert_ne!(shell.read("manifests/other.toml"), wild);
    shell.ends(&["fmt", "nowhere.toml"], 1).await.says("`nowhere.toml` could not be read");
    shell.ends(&["fmt", "-", "manifests"], 64).await;
    let left: Vec<_> = std::fs::read_dir(shell.path("manifests")).expect("folder").collect();
    assert_eq!(left.len(), 4, "nothing is left beside the manifests: {left:?}");
}

#[tokio::test]
async fn standard_input_goes_to_standard_output() {
    let shell = Shell::bare();
    for (arguments, code, out) in [
        (&["fmt", "-"][..], 0, "version = 1\n"),
        (&["fmt", "--check", "-"], 1, ""),
        (&["fmt", "--diff", "-"], 0, "--- a/<stdin>\n+++ b/<stdin>\n@@ -1 +1 @@\n-version=1\n+version = 1\n"),
    ] {
        let mut child = shell.command(arguments).stdin(Stdio::piped()).spawn().expect("starts");
        child.stdin.take().expect("stdin").write_all(b"version=1\n").await.expect("written");
        let ended = child.wait_with_output().await.expect("ends");
        assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stdout).as_ref()), (Some(code), out));
    }
}
