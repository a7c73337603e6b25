//! What the verbs that talk to clouds share: manifests loaded, connections made, codes checked.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use auditseal::finding::Finding;
use auditseal::manifest::{self, Loaded};
use auditseal::model::Desired;
use auditseal::provider::router::Router;
use auditseal::report;
use auditseal::run::clock::SystemClock;
use auditseal::run::connect::{ConnectOptions, connect, connect_store};
use auditseal::run::store::{Store, StoreError, Which};

use super::args::Global;
use super::exit::Exit;
use super::output::Output;

/// Loads the manifests, or says everything that is wrong with them.
pub fn load(global: &Global, output: &Output) -> Result<Vec<Loaded>, Exit> {
    let result = manifest::load(&global.manifest).and_then(|loaded| {
        let problems = manifest::check_directory(&loaded);
        if problems.is_empty() { Ok(loaded) } else { Err(problems) }
    });
    result.map_err(|findings| {
        output.note(&render_problems(&findings, output));
        Exit::Failed
    })
}

pub fn render_problems(findings: &[Finding], output: &Output) -> String {
    let source = |file: &str| std::fs::read_to_string(file).ok();
    report::diagnostic::render(findings, source, output.color_err)
}

pub fn desired(loaded: Vec<Loaded>) -> Vec<Desired> {
    loaded.into_iter().map(|one| one.desired).collect()
}

/// Clients for every account that the manifests name.
pub async fn connections(global: &Global, desired: &[Desired]) -> anyhow::Result<Router> {
    connections_with(global, desired, &connect_options(global)).await
}

/// The same, by options that say more than the command line does.
pub async fn connections_with(
    global: &Global,
    desired: &[Desired],
    options: &ConnectOptions,
) -> anyhow::Result<Router> {
    let aws: BTreeSet<&String> = desired.iter().map(|one| &one.aws.account_id).collect();
    if global.aws_profile.is_some() && aws.len() > 1 {
        bail!("--aws-profile serves one AWS account, the manifests name {}: set `[aws] profile` in each", aws.len());
    }
    let databricks: BTreeSet<&String> = desired.iter().map(|one| &one.databricks.account_id).collect();
    if global.databricks_profile.is_some() && databricks.len() > 1 {
        bail!(
            "--databricks-profile serves one Databricks account, the manifests name {}: set `[databricks] profile` in each",
            databricks.len()
        );
    }
    connect(desired, options).await.context("cannot connect")
}

/// What the command line says about connections.
pub fn connect_options(global: &Global) -> ConnectOptions {
    ConnectOptions {
        aws_profile: global.aws_profile.clone(),
        databricks_profile: global.databricks_profile.clone(),
        endpoint_aws: global.endpoint_aws.clone(),
        endpoint_databricks: global.endpoint_databricks.clone(),
        parallelism: global.parallelism.map(usize::from),
        ..ConnectOptions::default()
    }
}

/// The codes given with `--allow`; an unknown one is wrong usage.
pub fn allowed(codes: &[String], output: &Output) -> Result<BTreeSet<String>, Exit> {
    for code in codes {
        if !super::explain::findings().iter().any(|known| known.code == code) {
            output.note(&format!("error: `{code}` is not a code that --allow knows; `auditseal explain` lists all"));
            return Err(Exit::Usage);
        }
    }
    Ok(codes.iter().cloned().collect())
}

/// `.auditseal` beside the manifests.
pub fn store(global: &Global) -> PathBuf {
    directory(global).join(".auditseal")
}

/// The folder of journals, memory and outbox, with the store that the manifests declare.
pub async fn kept(global: &Global, folder: &Path, desired: &[Desired]) -> anyhow::Result<Store> {
    kept_with(folder, desired, &connect_options(global)).await
}

/// The same, by options that say more than the command line does.
pub async fn kept_with(folder: &Path, desired: &[Desired], options: &ConnectOptions) -> anyhow::Result<Store> {
    connect_store(desired, folder, options).await.context("cannot connect to the store")
}

/// What is wrong with a store, with its code.
pub fn trouble(error: &StoreError) -> String {
    error.code().map_or_else(|| error.to_string(), |code| format!("{code}: {error}"))
}

/// Brings the journals that are asked for into the folder. A run whose past is not known does not begin.
pub async fn journals(store: &Store, which: Which<'_>, output: &Output) -> Result<(), Exit> {
    store.fetch(which).await.map_err(|error| not_begun(&error, output))
}

/// A run that cannot be kept where it is declared to be kept.
pub fn not_begun(error: &StoreError, output: &Output) -> Exit {
    output.note(&format!("refused: {}; nothing was changed", trouble(error)));
    Exit::Refused
}

/// Whether folder and store are the same. A store that cannot be used is said, and work goes on with the folder: something
/// told twice is better than something not told. What is damaged ends it.
pub fn synced(result: Result<(), StoreError>, output: &Output) -> anyhow::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(error) if error.is_unavailable() => {
            let what = "work goes on with the folder; what another machine told may be told again";
            output.note(&format!("warning: {}; {what}", trouble(&error)));
            Ok(false)
        }
        Err(error) => bail!(trouble(&error)),
    }
}

/// Says on a runner, which forgets its disk, that `what` is kept nowhere else.
pub fn warn_without_store(store: &Store, what: &str, output: &Output) {
    let is_set = |name: &str| std::env::var(name).is_ok_and(|value| !["", "0", "false"].contains(&value.as_str()));
    if store.url().is_none() && (is_set("CI") || is_set("GITHUB_ACTIONS")) {
        let folder = store.folder().display();
        output.note(&format!(
            "warning: {what} only in {folder}, which a CI runner forgets: declare a [store], or keep that folder as an artifact"
        ));
    }
}

/// The directory of the manifests.
pub fn directory(global: &Global) -> &Path {
    let directory = if global.manifest.is_dir() { Some(global.manifest.as_path()) } else { global.manifest.parent() };
    directory.unwrap_or(Path::new(""))
}

/// Real time; compressed only when both ends are simulators on this machine.
pub fn clock(global: &Global) -> SystemClock {
    let loopback = |endpoint: &Option<String>| {
        endpoint.as_deref().is_some_and(|url| {
            ["http://127.0.0.1:", "http://localhost:", "http://[::1]:"].iter().any(|prefix| url.starts_with(prefix))
        })
    };
    let speed = std::env::var("AUDITSEAL_SANDBOX_SPEED").ok().and_then(|text| text.parse().ok());
    match speed {
        Some(speed) if loopback(&global.endpoint_aws) && loopback(&global.endpoint_databricks) => {
            SystemClock::compressed(speed)
        }
        _ => SystemClock::real(),
    }
}

/// Asks on the terminal. `None`: there is nobody to ask.
pub fn confirm(output: &Output, question: &str) -> Option<bool> {
    if !std::io::stdin().is_terminal() {
        return None;
    }
    output.note(question);
    let mut answer = String::new();
    // End of input is no approval.
    std::io::stdin().read_line(&mut answer).ok()?;
    Some(answer.trim() == "yes")
}
