use anyhow::Context;
use auditseal::report;
use auditseal::run::runs::{journal, journals};

use super::args::{Format, Global, Runs};
use super::exit::Exit;
use super::output::Output;
use super::session;

pub fn run(global: &Global, verb: &Runs, output: &Output) -> anyhow::Result<Exit> {
    if global.format == Format::Markdown {
        output.note("error: runs are printed as text or json, not as markdown");
        return Ok(Exit::Usage);
    }
    let store = session::store(global);
    let mut text = String::new();
    if let Some(asked) = &verb.run {
        let found = journal(&store, asked)?;
        match global.format {
            Format::Json => text = report::run_json(&found)?,
            _ => report::run_text(&found, output.color, &mut text)?,
        }
        output.data(&text)?;
        return Ok(Exit::Done);
    }
    let all = journals(&store).with_context(|| format!("`{}` could not be read", store.display()))?;
    match global.format {
        Format::Json => text = report::runs_json(&all)?,
        _ => report::runs_text(&all, output.color, &mut text)?,
    }
    output.data(&text)?;
    // Something was not read: that is said, and is no success.
    Ok(if all.spoiled.is_empty() { Exit::Done } else { Exit::Refused })
}
