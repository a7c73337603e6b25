use anyhow::Context;
use auditseal::manifest;
use auditseal::report;
use auditseal::run::runs::{journal, journals};
use auditseal::run::store::Which;

use super::args::{Format, Global, Runs};
use super::exit::Exit;
use super::output::Output;
use super::session;

pub async fn run(global: &Global, verb: &Runs, output: &Output) -> anyhow::Result<Exit> {
    if global.format == Format::Markdown {
        output.note("error: runs are printed as text or json, not as markdown");
        return Ok(Exit::Usage);
    }
    let store = session::store(global);
    let unread = !fetched(global, verb, output).await?;
    let mut text = String::new();
    if let Some(asked) = &verb.run {
        let found = journal(&store, asked)?;
        match global.format {
            Format::Json => text = report::run_json(&found)?,
            _ => report::run_text(&found, output.color, &mut text)?,
        }
        output.data(&text)?;
        return Ok(if unread { Exit::Refused } else { Exit::Done });
    }
    let all = journals(&store).with_context(|| format!("`{}` could not be read", store.display()))?;
    match global.format {
        Format::Json => text = report::runs_json(&all)?,
        _ => report::runs_text(&all, output.color, &mut text)?,
    }
    output.data(&text)?;
    // Something was not read: that is said, and is no success.
    Ok(if all.spoiled.is_empty() && !unread { Exit::Done } else { Exit::Refused })
}

/// Brings the journals of a declared store into the folder; whether they could be read. Journals are of use without
/// manifests too, and the folder's are shown whatever the store says.
async fn fetched(global: &Global, verb: &Runs, output: &Output) -> anyhow::Result<bool> {
    if !global.manifest.exists() {
        return Ok(true);
    }
    let loaded = match manifest::load(&global.manifest) {
        Ok(loaded) => loaded,
        Err(findings) if findings.iter().all(|finding| finding.code == manifest::NO_MANIFESTS_CODE) => return Ok(true),
        Err(_) => {
            output
                .note("warning: the manifests are not valid (`auditseal validate`): runs of a [store] are not listed");
            return Ok(false);
        }
    };
    let store = session::kept(global, &session::store(global), &session::desired(loaded)).await?;
    let which = verb.run.as_deref().map_or(Which::All, Which::Run);
    let Err(error) = store.fetch(which).await else { return Ok(true) };
    output.note(&format!("warning: {}; what is in the folder is shown", session::trouble(&error)));
    Ok(false)
}
