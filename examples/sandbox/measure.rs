//! What plan and apply cost: requests, dependent round trips, wall time, beside Cloud Custodian on the same estate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use crate::sandbox::aws_proxy::{AwsProxy, Options as ProxyOptions};
use crate::sandbox::emulator::{self, Emulator};
use crate::sandbox::estate::{REGION, Sandbox};
use crate::sandbox::faults::Recorded;
use crate::say;

const LATENCY: Duration = Duration::from_millis(50);
/// So long that requests which do not wait for each other overlap, however busy this machine is.
const LONG: Duration = Duration::from_secs(1);
/// Of so many runs the median counts.
const RUNS: usize = 5;

/// Prints the table.
pub async fn run(program: &Path) -> Result<()> {
    let emulator = tokio::task::spawn_blocking(Emulator::start).await??;
    let sandbox = Sandbox::insecure(Arc::new(emulator)).await?;
    let folder = tempfile::Builder::new().prefix("auditseal-").tempdir()?;
    sandbox.write_manifest(&folder.path().join("manifests"))?;
    // IAM and KMS lists have pages of three in the sandbox: without those and without a queue for connections the chain is
    // what depends on each other.
    let options = ProxyOptions { faults: sandbox.faults.clone(), ..ProxyOptions::default() };
    let whole_pages = AwsProxy::start(&sandbox.emulator.url(), options).await?;
    let bench = Bench { program, folder: folder.path(), sandbox: &sandbox, aws: sandbox.proxy.url() };
    let unbounded = Bench { aws: whole_pages.url(), ..bench.clone() };

    row("", "requests", "chain", "AWS", "Databricks", "seconds");
    bench.tool("plan, insecure estate", &["plan"], Duration::ZERO, 1).await?;
    bench.tool("apply, insecure estate", &["apply", "--auto-approve"], Duration::ZERO, 1).await?;
    let near = bench.tool("plan, applied estate", &["plan", "--detailed-exitcode"], Duration::ZERO, RUNS).await?;
    let far = bench.tool("plan, 50 ms a request", &["plan", "--detailed-exitcode"], LATENCY, RUNS).await?;
    let wide = ["plan", "--detailed-exitcode", "--parallelism", "100"];
    unbounded.tool("plan, dependent requests", &wide, LONG, 1).await?;
    match bench.custodian().await {
        Ok((custodian_near, custodian_far)) => {
            say(&format!(
                "Cloud Custodian takes {:.1} times as long as auditseal at 0 ms, {:.1} times at 50 ms.",
                custodian_near.as_secs_f64() / near.as_secs_f64(),
                custodian_far.as_secs_f64() / far.as_secs_f64()
            ));
        }
        Err(error) => say(&format!("SKIPPED Cloud Custodian: {error:#}")),
    }
    binaries(program).await
}

#[derive(Clone)]
struct Bench<'a> {
    program: &'a Path,
    folder: &'a Path,
    sandbox: &'a Sandbox,
    /// Where the program finds AWS.
    aws: String,
}

impl Bench<'_> {
    async fn tool(&self, name: &str, arguments: &[&str], latency: Duration, runs: usize) -> Result<Duration> {
        let session = self.sandbox.aws.session("PlatformAdmin", true).await?;
        let command = || {
            let mut command = Command::new(self.program);
            command.args(arguments).current_dir(self.folder).env_clear();
            command.env("HOME", self.folder).env("AWS_EC2_METADATA_DISABLED", "true");
            command.envs(self.sandbox.environment(&session)).env("AWS_ENDPOINT_URL", &self.aws);
            command
        };
        self.measure(name, command, latency, runs).await
    }

    /// Runs it, prints its row (requests of the last run, median time), and gives the median.
    async fn measure(
        &self,
        name: &str,
        command: impl Fn() -> Command,
        latency: Duration,
        runs: usize,
    ) -> Result<Duration> {
        let faults = &self.sandbox.faults;
        let mut times = Vec::new();
        for _ in 0..runs {
            faults.reset();
            faults.set_latency(latency);
            let started = Instant::now();
            let output = command().output().await;
            times.push(started.elapsed());
            faults.set_latency(Duration::ZERO);
            let output = output.with_context(|| format!("{name} does not start"))?;
            if !output.status.success() {
                bail!("{name} ended with {}: {}", output.status, tail(&output.stderr));
            }
        }
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let all = faults.recorded();
        let (databricks, aws): (Vec<_>, Vec<_>) =
            all.iter().cloned().partition(|one: &Recorded| one.name.starts_with("databricks:"));
        row(
            name,
            &format!("{} ({} writes)", all.len(), all.iter().filter(|one| one.is_write).count()),
            &chain(&all).len().to_string(),
            &format!("{} / {}", aws.len(), chain(&aws).len()),
            &format!("{} / {}", databricks.len(), chain(&databricks).len()),
            &format!("{:.2}", median.as_secs_f64()),
        );
        if !latency.is_zero() && all.len() < 100 {
            say(&format!("  AWS: {}", chain(&aws).join(" > ")));
            say(&format!("  Databricks: {}", chain(&databricks).join(" > ")));
        }
        Ok(median)
    }

    /// The same estate through Cloud Custodian, with the rights of root; without and with latency.
    async fn custodian(&self) -> Result<(Duration, Duration)> {
        let python = tokio::task::spawn_blocking(|| emulator::python("requirements-c7n.txt")).await??;
        let policies = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/sandbox/python/c7n_policies.yml");
        let root = self.sandbox.aws.root();
        let command = || {
            let mut command = Command::new(python.get_program());
            command.args(python.get_args());
            command.args(["-c", "from c7n.cli import main; main()", "run", "--dryrun", "--region", REGION]);
            command.args(["--cache-period", "0", "--output-dir"]).arg(self.folder.join("c7n")).arg(&policies);
            command.current_dir(self.folder).env_clear().env("HOME", self.folder);
            if let Some(path) = std::env::var_os("PATH") {
                command.env("PATH", path);
            }
            for (name, value) in python.get_envs() {
                if let Some(value) = value {
                    command.env(name, value);
                }
            }
            command
                .env("AWS_ENDPOINT_URL", self.sandbox.proxy.url())
                .env("AWS_ACCESS_KEY_ID", root.access_key_id())
                .env("AWS_SECRET_ACCESS_KEY", root.secret_access_key())
                .env("AWS_EC2_METADATA_DISABLED", "true")
                .env("AWS_DEFAULT_REGION", REGION);
            command
        };
        let near = self.measure("Cloud Custodian", command, Duration::ZERO, RUNS).await?;
        let far = self.measure("Cloud Custodian, 50 ms", command, LATENCY, RUNS).await?;
        Ok((near, far))
    }
}

/// The longest chain of requests that each started after the one before had ended. It also counts turns in the queue of
/// bounded connections, so it is an upper bound of what depends on each other.
fn chain(records: &[Recorded]) -> Vec<&str> {
    let mut spans: Vec<(Instant, &Recorded)> =
        records.iter().filter_map(|record| Some((record.finished?, record))).collect();
    spans.sort_by_key(|(finished, _)| *finished);
    let mut last = None;
    let mut names = Vec::new();
    for (finished, record) in spans {
        if last.is_none_or(|end| record.started >= end) {
            last = Some(finished);
            names.push(record.name.as_str());
        }
    }
    names
}

async fn binaries(program: &Path) -> Result<()> {
    let profile = program.parent().context("no directory")?;
    let target = profile.parent().context("no target directory")?;
    for name in ["debug", "release"] {
        let path: PathBuf = target.join(name).join("auditseal");
        let Ok(data) = std::fs::metadata(&path) else {
            say(&format!("{name} binary: not built"));
            continue;
        };
        let mut times = Vec::new();
        for _ in 0..20 {
            let started = Instant::now();
            Command::new(&path).arg("--help").output().await?;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        say(&format!(
            "{name} binary: {:.1} MB, --help in {:.1} ms",
            data.len() as f64 / 1e6,
            median.as_secs_f64() * 1e3
        ));
    }
    Ok(())
}

fn row(name: &str, requests: &str, chain: &str, aws: &str, databricks: &str, seconds: &str) {
    say(&format!("{name:<28} {requests:>17} {chain:>6} {aws:>11} {databricks:>11} {seconds:>8}"));
}

fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().rev().take(8).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
