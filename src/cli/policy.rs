use auditseal::iam::Decision;
use auditseal::report;
use auditseal::run::policy::{InputError, simulate};

use super::args::{Format, Global, Policy, PolicyVerb, Simulate};
use super::exit::Exit;
use super::output::Output;

pub fn run(global: &Global, verb: &Policy, output: &Output) -> anyhow::Result<Exit> {
    // These verbs are made for other programs: JSON in, JSON out, text when asked for.
    let json = match (global.format_given, global.format) {
        (false, _) | (true, Format::Json) => true,
        (true, Format::Text) => false,
        (true, Format::Markdown) => {
            output.note("error: `policy` prints JSON or text");
            return Ok(Exit::Usage);
        }
    };
    match &verb.verb {
        PolicyVerb::Simulate(verb) => run_simulate(verb, json, output),
    }
}

fn run_simulate(verb: &Simulate, json: bool, output: &Output) -> anyhow::Result<Exit> {
    let done = match simulate(&verb.files) {
        Ok(done) => done,
        Err(errors) => return Ok(invalid(&errors, output)),
    };
    let text = if json {
        report::simulated_json(&done.results, done.list)?
    } else {
        let mut text = String::new();
        report::simulated_text(&done.results, done.list, output.color, &mut text)?;
        text
    };
    output.data(&text)?;
    let unknown = done.results.iter().any(|result| result.decision == Decision::Unknown);
    Ok(if unknown { Exit::Refused } else { Exit::Done })
}

fn invalid(errors: &[InputError], output: &Output) -> Exit {
    for error in errors {
        output.note(&format!("error: {error}"));
    }
    Exit::Failed
}
