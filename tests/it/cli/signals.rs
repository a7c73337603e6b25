//! Ctrl-C and SIGTERM between two steps, and going on afterwards.

use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use super::Shell;
use crate::harness::Case;

/// Starts an apply, sends the signal when the step begins, and gives exit code and the rest of stderr.
async fn interrupted(shell: &Shell, signal: &str, step: &str) -> (Option<i32>, String) {
    let mut child = shell.command(&["apply", "--auto-approve", "--concise"]).spawn().expect("start");
    let mut lines = BufReader::new(child.stderr.take().expect("stderr")).lines();
    let mut out = child.stdout.take().expect("stdout");
    // Read away, or the program waits for the pipe.
    let drain = tokio::spawn(async move {
        let mut all = Vec::new();
        out.read_to_end(&mut all).await
    });
    let mut seen = String::new();
    while let Some(line) = lines.next_line().await.expect("text") {
        let now = line.starts_with(step);
        seen.push_str(&line);
        seen.push('\n');
        if now {
            let id = child.id().expect("running").to_string();
            let sent = std::process::Command::new("kill").args([signal, &id]).status().expect("kill");
            assert!(sent.success());
        }
    }
    drain.await.expect("join").expect("stdout");
    (child.wait().await.expect("end").code(), seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_stop_between_two_steps_and_the_next_apply_goes_on() {
    let case = Case::insecure().await;
    let shell = Shell::of(&case).await;
    case.sandbox.faults.set_latency(Duration::from_millis(20));
    for (signal, step, code) in [("-TERM", "[3/", 143), ("-INT", "[2/", 130)] {
        let (ended, said) = interrupted(&shell, signal, step).await;
        assert_eq!(ended, Some(code), "{said}");
        assert!(said.contains("Run `auditseal apply` again to go on"), "{said}");
        assert!(!said.contains("[9/"), "it went on: {said}");
    }
    case.sandbox.faults.set_latency(Duration::ZERO);
    // The lock was given back: nobody has to wait for a lease or break it.
    shell.ends(&["apply", "--auto-approve"], 0).await.says("Verification: the live configuration matches");
    shell.ends(&["plan", "--detailed-exitcode"], 0).await;
}
