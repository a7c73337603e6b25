use auditseal::finding::{Finding, Severity};
use auditseal::manifest;
use auditseal::run::clock::today;
use serde_json::json;

use super::args::{Format, Global, Validate};
use super::exit::Exit;
use super::output::Output;
use super::session;

pub fn run(global: &Global, verb: &Validate, output: &Output) -> anyhow::Result<Exit> {
    // What is wrong with a manifest has no severity below high; a waiver's end has.
    let (manifests, findings): (Vec<String>, Vec<Finding>) = match manifest::load(&global.manifest) {
        Ok(loaded) => {
            let names = loaded.iter().map(|one| one.desired.name.clone()).collect();
            (names, manifest::check_waivers(&loaded, today()))
        }
        Err(findings) => (Vec::new(), findings),
    };
    let fails = |finding: &Finding| finding.severity >= if verb.strict { Severity::Medium } else { Severity::High };
    let valid = !findings.iter().any(fails);
    match global.format {
        Format::Json => {
            let document = json!({
                "format_version": auditseal::plan::FORMAT_VERSION,
                "valid": valid,
                "manifests": manifests,
                "findings": findings,
            });
            output.data(&format!("{document:#}\n"))?;
        }
        Format::Text | Format::Markdown => {
            if !findings.is_empty() {
                output.note(&session::render_problems(&findings, output));
            }
            if valid {
                let plural = if manifests.len() == 1 { "manifest is" } else { "manifests are" };
                output.data(&format!("{} {plural} valid.\n", manifests.len()))?;
            }
        }
    }
    Ok(if valid { Exit::Done } else { Exit::Failed })
}
