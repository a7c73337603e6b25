use auditseal::plan::{Reasoning, explain};

use super::args::{Global, Show};
use super::exit::Exit;
use super::output::Output;
use super::{plan, session};

pub fn run(global: &Global, verb: &Show, output: &Output) -> anyhow::Result<Exit> {
    if let Some(file) = &verb.file {
        let saved = plan::read(file)?;
        let Some(address) = &verb.explain else {
            plan::print(global, &saved, output)?;
            return Ok(Exit::Done);
        };
        return match explain(&Reasoning { plan: &saved, seen: None }, address) {
            Ok(explanation) => plan::print_explanation(global, &explanation, output).map(|()| Exit::Done),
            Err(error) => {
                output.note(&format!("error: {error}"));
                Ok(Exit::Usage)
            }
        };
    }
    if !verb.expanded {
        output.note("error: name a saved plan, or ask for the manifests with --expanded");
        return Ok(Exit::Usage);
    }
    let loaded = match session::load(global, output) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let several = loaded.len() > 1;
    for one in &loaded {
        if several {
            output.data(&format!("# {}\n", one.path.display()))?;
        }
        output.data(&auditseal::manifest::expand(&one.desired))?;
    }
    Ok(Exit::Done)
}
