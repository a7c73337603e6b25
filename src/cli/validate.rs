use serde_json::json;

use super::args::{Format, Global, Validate};
use super::exit::Exit;
use super::output::Output;
use super::session;

pub fn run(global: &Global, _verb: &Validate, output: &Output) -> anyhow::Result<Exit> {
    let result = auditseal::manifest::load(&global.manifest).and_then(|loaded| {
        let problems = auditseal::manifest::check_directory(&loaded);
        if problems.is_empty() { Ok(loaded) } else { Err(problems) }
    });
    match (result, global.format) {
        (result, Format::Json) => {
            let (manifests, findings) = match &result {
                Ok(loaded) => (loaded.iter().map(|one| one.desired.name.clone()).collect(), Vec::new()),
                Err(findings) => (Vec::new(), findings.clone()),
            };
            let document = json!({
                "format_version": auditseal::plan::FORMAT_VERSION,
                "valid": findings.is_empty(),
                "manifests": manifests,
                "findings": findings,
            });
            output.data(&format!("{document:#}\n"))?;
            Ok(if findings.is_empty() { Exit::Done } else { Exit::Failed })
        }
        (Ok(loaded), _) => {
            let plural = if loaded.len() == 1 { "manifest is" } else { "manifests are" };
            output.data(&format!("{} {plural} valid.\n", loaded.len()))?;
            Ok(Exit::Done)
        }
        (Err(findings), _) => {
            output.note(&session::render_problems(&findings, output));
            Ok(Exit::Failed)
        }
    }
}
