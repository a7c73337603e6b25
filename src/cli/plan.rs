use std::io::Write;
use std::path::Path;

use anyhow::Context;
use auditseal::manifest::is_part;
use auditseal::plan::guard::Purpose;
use auditseal::plan::{Explanation, Plan as Document, Selection, Verdict};
use auditseal::report;
use auditseal::run::clock::today;
use auditseal::run::plan::{PlanOptions, Planned, planned};

use super::args::{Format, Global, Plan};
use super::exit::Exit;
use super::output::Output;
use super::session;

pub async fn run(global: &Global, verb: &Plan, output: &Output) -> anyhow::Result<Exit> {
    let loaded = match session::load(global, output) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let allow = match session::allowed(&verb.allow, output) {
        Ok(allow) => allow,
        Err(exit) => return Ok(exit),
    };
    let desired = session::desired(loaded);
    let router = session::connections(global, &desired).await?;
    let selection = Selection::new(&verb.target, &verb.exclude);
    let options = PlanOptions { allow, partial: is_part(&global.manifest), selection, access: true, today: today() };
    let made = planned(&router, &desired, &options, Purpose::Plan).await;
    if let Some(exit) = unknown(&made, output) {
        return Ok(exit);
    }
    let planned = &made.plan;
    match verb.explain.as_deref().map(|address| made.explain(address)) {
        None => print(global, planned, output)?,
        Some(Ok(explanation)) => print_explanation(global, &explanation, output)?,
        Some(Err(error)) => {
            output.note(&format!("error: {error}"));
            return Ok(Exit::Usage);
        }
    }
    if let Some(path) = &verb.out {
        save(path, planned, output)?;
    }
    Ok(exit(planned, verb.detailed_exitcode))
}

/// An address that matches nothing is a slip: better not to go on with another part than was meant.
pub fn unknown(made: &Planned, output: &Output) -> Option<Exit> {
    for one in &made.unknown {
        output.note(&format!("error: {one}"));
    }
    (!made.unknown.is_empty()).then_some(Exit::Usage)
}

/// Refusal beats pending changes; "in sync" is said only when every input was read.
pub fn exit(plan: &Document, detailed: bool) -> Exit {
    let refused = plan.guards.iter().any(|guard| guard.verdict == Verdict::Refuse);
    let unread = !plan.complete && !plan.allowed.iter().any(|code| code == "unread-inputs");
    match (refused || unread, plan.changes.is_empty()) {
        (true, _) => Exit::Refused,
        (false, false) if detailed => Exit::Pending,
        (false, _) => Exit::Done,
    }
}

pub fn print(global: &Global, plan: &Document, output: &Output) -> anyhow::Result<()> {
    let text = match global.format {
        Format::Json => report::plan_json(plan)?,
        Format::Markdown => report::plan_markdown(plan),
        Format::Text => {
            let mut text = String::new();
            let options = report::TextOptions {
                color: output.color,
                concise: global.concise,
                verbose: global.verbose,
                steps: global.verbose,
            };
            report::plan_text(plan, options, &mut text)?;
            text
        }
    };
    output.data(&text)?;
    Ok(())
}

pub fn print_explanation(global: &Global, explanation: &Explanation, output: &Output) -> anyhow::Result<()> {
    let text = match global.format {
        Format::Json => report::explanation_json(explanation)?,
        Format::Markdown => report::explanation_markdown(explanation),
        Format::Text => {
            let mut text = String::new();
            report::explanation_text(explanation, output.color, global.verbose, &mut text)?;
            text
        }
    };
    output.data(&text)?;
    Ok(())
}

/// Saves a plan, and says how it is applied.
pub fn save(path: &Path, plan: &Document, output: &Output) -> anyhow::Result<()> {
    write(path, plan).with_context(|| format!("the plan could not be saved as `{}`", path.display()))?;
    output.note(&format!("Saved as {0}. Apply it with: auditseal apply {0}", path.display()));
    Ok(())
}

/// A saved plan holds policies and account ids: it is for its owner alone.
fn write(path: &Path, plan: &Document) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.write_all(report::plan_json(plan)?.as_bytes())?;
    file.sync_all()?;
    Ok(())
}

/// Reads a saved plan; one of another version, or with unknown fields, is refused.
pub fn read(path: &Path) -> anyhow::Result<Document> {
    let text = std::fs::read_to_string(path).with_context(|| format!("`{}` could not be read", path.display()))?;
    let version = serde_json::from_str::<serde_json::Value>(&text)
        .with_context(|| format!("`{}` is not a saved plan", path.display()))?;
    let version = version.get("format_version").and_then(serde_json::Value::as_str).unwrap_or("none").to_owned();
    if version != auditseal::plan::FORMAT_VERSION {
        anyhow::bail!(
            "`{}` has plan format {version}, this program reads {}: plan again",
            path.display(),
            auditseal::plan::FORMAT_VERSION
        );
    }
    serde_json::from_str(&text).with_context(|| format!("`{}` is not a saved plan", path.display()))
}
