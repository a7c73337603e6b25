//! What a plan of many manifests of one account costs: requests, wall time, memory.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::sandbox::aws_proxy::{AwsProxy, Options as ProxyOptions};
use crate::sandbox::emulator::Emulator;
use crate::sandbox::estate::{REGION, Sandbox};
use crate::say;

/// The first workspace that a manifest delivers for; an account delivers for itself twice at most.
const FIRST: i64 = 5_000_000_000;

/// Buckets that a Databricks account can deliver to (databricks/terraform-provider-databricks#1586), unless Databricks raised
/// that for it.
pub const MOST: usize = 50;

/// Makes `most` estates, each with a bucket and a workspace of its own, and plans the first 1, 10,
/// 50 and all of them together, with 50 ms added to each request.
pub async fn run(program: &Path, most: usize) -> Result<()> {
    let emulator = tokio::task::spawn_blocking(Emulator::start).await??;
    let sandbox = Sandbox::empty(Arc::new(emulator)).await?;
    let options = ProxyOptions { faults: sandbox.faults.clone(), ..ProxyOptions::default() };
    let proxy = AwsProxy::start(&sandbox.emulator.url(), options).await?;
    if most > MOST {
        say(&format!("Databricks takes {MOST} storage configurations an account: here this limit was raised.\n"));
        sandbox.databricks.allow_storage(most);
    }
    // Databricks delivers every hour, whoever asks.
    sandbox.databricks.attempt_every(Duration::from_secs(3600));
    for id in (FIRST..).take(most) {
        sandbox.databricks.seed_workspace(id, &format!("workspace-{id}"), REGION, Some(&sandbox.metastore));
    }
    say(&format!(
        "{:>9} {:>8} {:>8} {:>11} {:>8} {:>9}",
        "manifests", "requests", "AWS", "Databricks", "seconds", "peak MiB"
    ));
    let folder = tempfile::Builder::new().prefix("auditseal-").tempdir()?;
    let bench = Bench { program, sandbox: &sandbox, aws: proxy.url(), folder: folder.path() };
    bench.write(most)?;
    let counts: Vec<usize> = [1, 10, MOST].into_iter().filter(|count| *count < most).chain([most]).collect();
    let mut made = 0;
    for count in counts {
        bench.apply(made..count).await?;
        bench.plan(count).await?;
        made = count;
    }
    Ok(())
}

struct Bench<'a> {
    program: &'a Path,
    sandbox: &'a Sandbox,
    aws: String,
    folder: &'a Path,
}

impl Bench<'_> {
    /// Manifests wait in `all/` until they are applied.
    fn write(&self, count: usize) -> Result<()> {
        std::fs::create_dir_all(self.folder.join("all"))?;
        std::fs::create_dir_all(self.folder.join("manifests"))?;
        let one = self.sandbox.manifest();
        let (one, _) = one.split_once("[workspaces.production]").context("the manifest of the sandbox")?;
        let bucket = format!("bucket     = \"{}", self.sandbox.aws.bucket);
        for (number, id) in (FIRST..).take(count).enumerate() {
            let text = one
                .replace(&format!("{bucket}\""), &format!("{bucket}-{number}\"\nworkspaces = [{id}]"))
                .replace("undeclared = \"disable\"", "#");
            std::fs::write(self.folder.join("all").join(file(number)), text)?;
        }
        Ok(())
    }

    /// What it prints goes to files that begin with `name`.
    async fn command(&self, name: &str, arguments: &[&str]) -> Result<Command> {
        let session = self.sandbox.aws.session("PlatformAdmin", true).await?;
        let mut command = Command::new(self.program);
        command.args(arguments).current_dir(self.folder).env_clear();
        command.env("HOME", self.folder).envs(self.sandbox.environment(&session)).env("AWS_ENDPOINT_URL", &self.aws);
        let at = |end: &str| std::fs::File::create(self.folder.join(format!("{name}.{end}")));
        command.stdout(at("out")?).stderr(at("err")?);
        Ok(command)
    }

    /// Makes more estates, in one run.
    async fn apply(&self, numbers: Range<usize>) -> Result<()> {
        for name in numbers.map(file) {
            std::fs::rename(self.folder.join("all").join(&name), self.folder.join("manifests").join(&name))?;
        }
        let mut command = self.command("apply", &["apply", "--auto-approve", "--concise"]).await?;
        let status = command.status().await?;
        if status.success() { Ok(()) } else { bail!("apply ended with {status}: {}", self.said("apply")?) }
    }

    async fn plan(&self, count: usize) -> Result<()> {
        let faults = &self.sandbox.faults;
        let mut command = self.command("plan", &["plan", "--detailed-exitcode", "--concise"]).await?;
        faults.reset();
        faults.set_latency(Duration::from_millis(50));
        let started = Instant::now();
        let mut child = command.spawn()?;
        let mut peak = 0;
        let status = loop {
            peak = peak.max(child.id().and_then(resident).unwrap_or(0));
            if let Some(status) = child.try_wait()? {
                break status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        let seconds = started.elapsed().as_secs_f64();
        faults.set_latency(Duration::ZERO);
        if !status.success() {
            bail!("plan of {count} manifests ended with {status}: {}", self.said("plan")?);
        }
        let all = faults.recorded();
        let databricks = all.iter().filter(|one| one.name.starts_with("databricks:")).count();
        let (requests, aws, memory) = (all.len(), all.len() - databricks, peak / 1024);
        say(&format!("{count:>9} {requests:>8} {aws:>8} {databricks:>11} {seconds:>8.2} {memory:>9}"));
        Ok(())
    }

    /// The ends of what the last command printed, and of why it failed.
    fn said(&self, name: &str) -> Result<String> {
        let end = |end: &str| -> Result<String> {
            let text = std::fs::read_to_string(self.folder.join(format!("{name}.{end}")))?;
            let end: Vec<&str> = text.lines().rev().take(15).collect();
            Ok(end.into_iter().rev().collect::<Vec<_>>().join("\n"))
        };
        Ok(format!("{}\n{}", end("out")?, end("err")?))
    }
}

fn file(number: usize) -> String {
    format!("estate-{number:03}.toml")
}

/// Peak of the resident memory in KiB, where the system tells it (Linux).
fn resident(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
