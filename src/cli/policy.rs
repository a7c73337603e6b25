use auditseal::iam::{Decision, Inclusion};
use auditseal::report;
use auditseal::run::policy::{InputError, compare, compare_pairs, simulate};

use super::args::{Format, Global, Includes, Policy, PolicyVerb, Simulate};
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
        PolicyVerb::Includes(verb) => run_includes(verb, json, output),
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

fn run_includes(verb: &Includes, json: bool, output: &Output) -> anyhow::Result<Exit> {
    let done = match (&verb.reference, &verb.candidate, &verb.pairs) {
        (Some(reference), Some(candidate), _) => compare(reference, candidate),
        (_, _, Some(pairs)) => compare_pairs(pairs),
        _ => {
            output.note("error: name --reference and --candidate, or --pairs");
            return Ok(Exit::Usage);
        }
    };
    let done = match done {
        Ok(done) => done,
        Err(errors) => return Ok(invalid(&errors, output)),
    };
    let text = if json {
        report::compared_json(&done.results, done.list)?
    } else {
        let mut text = String::new();
        report::compared_text(&done.results, done.list, output.color, &mut text)?;
        text
    };
    output.data(&text)?;
    let all = done.results.iter().all(|result| result.inclusion == Inclusion::Included);
    Ok(if all { Exit::Done } else { Exit::Refused })
}

fn invalid(errors: &[InputError], output: &Output) -> Exit {
    for error in errors {
        output.note(&format!("error: {error}"));
    }
    Exit::Failed
}
