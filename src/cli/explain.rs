use anyhow::bail;

use super::args::Explain;
use super::exit::Exit;
use super::output::Output;

pub fn run(verb: &Explain, output: &Output) -> anyhow::Result<Exit> {
    let codes = auditseal::report::codes::all();
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
        match near {
            Some(near) => bail!("`{asked}` is not a code; did you mean `{near}`? `auditseal explain` lists all"),
            None => bail!("`{asked}` is not a code"),
        }
    };
    output.data(&format!("{}: {}\n\n{}\n\nWhat to do: {}\n", code.code, code.title, code.meaning, code.remedy))?;
    Ok(Exit::Done)
}
