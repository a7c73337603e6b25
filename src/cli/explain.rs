use auditseal::report::{Code, code_text};

use super::args::Explain;
use super::exit::Exit;
use super::output::Output;

/// Codes of plans, of manifests, of the controls that can be waived, of what is sent to sinks, and of the store.
fn all() -> Vec<Code> {
    let others =
        auditseal::report::CONTROLS.iter().chain(auditseal::report::ALERTS).chain(auditseal::report::STORE).copied();
    let mut codes: Vec<Code> = findings().into_iter().chain(others).collect();
    codes.sort_by_key(|code| code.code);
    codes
}

/// Codes of plans and of manifests: what a guard can refuse is among them.
pub fn findings() -> Vec<Code> {
    let manifest = auditseal::manifest::CODES.iter().map(|code| Code {
        code: code.code,
        title: "manifest error",
        meaning: code.meaning,
        remedy: code.remedy,
    });
    let mut codes: Vec<Code> = auditseal::report::CODES.iter().copied().chain(manifest).collect();
    codes.sort_by_key(|code| code.code);
    codes
}

pub fn run(verb: &Explain, output: &Output) -> anyhow::Result<Exit> {
    let codes = all();
    let Some(asked) = &verb.code else {
        let lines: Vec<String> = codes.iter().map(|code| format!("{:<36} {}\n", code.code, code.title)).collect();
        output.data(&lines.concat())?;
        return Ok(Exit::Done);
    };
    let Some(code) = codes.iter().find(|code| code.code == asked) else {
        let near = codes
            .iter()
            .map(|code| (strsim::jaro_winkler(code.code, asked), code.code))
            .max_by(|left, right| left.0.total_cmp(&right.0))
            .map(|(_, code)| code);
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        output.note(&format!("error: `{asked}` is not a code{hint} `auditseal explain` lists all"));
        return Ok(Exit::Usage);
    };
    let mut text = String::new();
    code_text(code, output.color, &mut text)?;
    output.data(&text)?;
    Ok(Exit::Done)
}
