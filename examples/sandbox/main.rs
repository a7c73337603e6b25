//! Shows the main job of auditseal on an embedded sandbox: nothing to sign up for, no cloud account, loopback only.
//!
//! `cargo run --example sandbox` seeds an account the way the vendor's documented example does it, plans, applies, plans
//! again, breaks three things by hand, and shows that they are named and repaired.
//!
//! `cargo run --example sandbox -- measure` prints what plan and apply cost, beside Cloud Custodian in the same run;
//! `-- scale [COUNT]` what a plan of so many manifests costs.

// The tests use more of the sandbox than the demonstration does.
#[allow(dead_code, reason = "shared with the integration tests")]
#[path = "mod.rs"]
mod sandbox;

mod measure;
mod scale;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use sandbox::emulator::Emulator;
use sandbox::estate::Sandbox;

#[tokio::main]
async fn main() -> Result<()> {
    let program = build()?;
    match std::env::args().nth(1).as_deref() {
        None => {}
        Some("measure") => return measure::run(&program).await,
        Some("scale") => {
            let most =
                std::env::args().nth(2).map_or(Ok(scale::MOST), |count| count.parse()).context("how many manifests")?;
            return scale::run(&program, most).await;
        }
        Some(other) => {
            bail!("`{other}` is not known: give nothing for the demonstration, `measure` or `scale [COUNT]`")
        }
    }
    say("Starting the AWS emulator (the first time this installs it into a private virtual environment) ...");
    let emulator = tokio::task::spawn_blocking(Emulator::start).await??;
    let sandbox = Sandbox::insecure(Arc::new(emulator)).await?;
    let folder = tempfile::Builder::new().prefix("auditseal-").tempdir()?;
    sandbox.write_manifest(&folder.path().join("manifests"))?;
    let session = sandbox.aws.session("PlatformAdmin", true).await?;
    let tool = Tool { program, folder: folder.path(), environment: sandbox.environment(&session) };

    say(&format!(
        "\nAn account as the vendor's example leaves it: bucket {} with versioning suspended, one public-access flag of\n\
         four, no customer key, no TLS deny, a writer that may read and delete everything, two undeclared readers, a\n\
         second log delivery to another bucket, and a KMS grant nobody declared. The manifest:\n\n{}",
        sandbox.aws.bucket,
        sandbox.manifest()
    ));
    tool.run(&["plan", "--detailed-exitcode"], 2)?;
    tool.run(&["apply", "--auto-approve", "--concise"], 0)?;
    tool.run(&["plan", "--detailed-exitcode"], 0)?;
    say_deliveries(&sandbox);

    say(
        "\nThree things broken by hand: a reader slipped into the bucket policy, versioning suspended, delivery disabled.",
    );
    break_three(&sandbox).await?;
    tool.run(&["plan", "--detailed-exitcode"], 2)?;
    tool.run(&["apply", "--auto-approve", "--concise"], 0)?;
    tool.run(&["plan", "--detailed-exitcode"], 0)?;
    say_deliveries(&sandbox);
    say("\nDone: every step ended as it should.");
    Ok(())
}

/// Builds the program that is shown: an example alone does not bring the binary with it.
fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // Together with the example: alone, the binary would be built anew with other features of its dependencies.
    command.args(["build", "--quiet", "--bin", "auditseal", "--example", "sandbox"]);
    let here = std::env::current_exe()?;
    let profile = here.parent().and_then(Path::parent).context("the example is not in a target directory")?;
    if profile.ends_with("release") {
        command.arg("--release");
    }
    if !command.status()?.success() {
        bail!("the program does not build");
    }
    Ok(profile.join("auditseal"))
}

struct Tool<'a> {
    program: PathBuf,
    folder: &'a Path,
    environment: BTreeMap<&'static str, String>,
}

impl Tool<'_> {
    /// Runs one verb in front of the audience and insists on its exit code.
    fn run(&self, arguments: &[&str], expected: i32) -> Result<()> {
        say(&format!("\n$ auditseal {}", arguments.join(" ")));
        let status = Command::new(&self.program)
            .args(arguments)
            .current_dir(self.folder)
            .env_remove("AWS_PROFILE")
            .env_remove("DATABRICKS_HOST")
            .env_remove("DATABRICKS_TOKEN")
            .env_remove("CI")
            .envs(&self.environment)
            .status()
            .with_context(|| format!("`{}` does not start", self.program.display()))?;
        let code = status.code();
        say(&format!("(exit code {})", code.map_or_else(|| "none".to_owned(), |code| code.to_string())));
        if code != Some(expected) {
            bail!("`auditseal {}` should have ended with {expected}", arguments.join(" "));
        }
        Ok(())
    }
}

/// What somebody with administrator rights might do on a bad day.
async fn break_three(sandbox: &Sandbox) -> Result<()> {
    let admin = sandbox.aws.session("PlatformAdmin", true).await?;
    let s3 = sandbox.aws.world.s3(&admin);
    let bucket = &sandbox.aws.bucket;
    let text = s3.get_bucket_policy().bucket(bucket).send().await?.policy.unwrap_or_default();
    let mut policy: serde_json::Value = serde_json::from_str(&text)?;
    let statements = policy.get_mut("Statement").and_then(|list| list.as_array_mut()).context("no statements")?;
    statements.retain(|statement| statement.get("Sid").and_then(|sid| sid.as_str()) != Some("ObjectsOnlyDeclared"));
    statements.push(serde_json::json!({
        "Sid": "JustForToday",
        "Effect": "Allow",
        "Principal": { "AWS": sandbox.aws.role_arn("ContractorX") },
        "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{bucket}/*"),
    }));
    s3.put_bucket_policy().bucket(bucket).policy(policy.to_string()).send().await?;
    let suspended = aws_sdk_s3::types::VersioningConfiguration::builder()
        .status(aws_sdk_s3::types::BucketVersioningStatus::Suspended)
        .build();
    s3.put_bucket_versioning().bucket(bucket).versioning_configuration(suspended).send().await?;
    sandbox.databricks.edit(|data| {
        for config in &mut data.log_delivery {
            config.enabled = false;
        }
    });
    Ok(())
}

fn say_deliveries(sandbox: &Sandbox) {
    let mut text = String::from("\nLog deliveries as Databricks reports them:");
    for config in sandbox.databricks.log_deliveries() {
        text.push_str(&format!(
            "\n  {:<45} prefix {:<8} {:<9} {}",
            config.config_name,
            format!("`{}`", config.delivery_path_prefix),
            config.status(),
            config.state.as_str()
        ));
    }
    say(&text);
}

fn say(text: &str) {
    // The audience may have left.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}
