use std::io::Read;
use std::path::Path;

use auditseal::report;
use auditseal::run::format::{FormatError, Formatted, files, format, format_text, write};

use super::args::{Fmt, Global};
use super::exit::Exit;
use super::output::Output;

pub fn run(global: &Global, verb: &Fmt, output: &Output) -> anyhow::Result<Exit> {
    let paths = if verb.paths.is_empty() { std::slice::from_ref(&global.manifest) } else { verb.paths.as_slice() };
    if paths.iter().any(|path| path == Path::new("-")) {
        if paths.len() > 1 {
            output.note("error: `-` is standard input, and stands alone");
            return Ok(Exit::Usage);
        }
        return standard_input(verb, output);
    }
    let mut exit = Exit::Done;
    for path in paths {
        match files(path) {
            Ok(found) => {
                for file in found {
                    if one(&file, verb, output)? == Exit::Failed {
                        exit = Exit::Failed;
                    }
                }
            }
            Err(error) => exit = failed(&error, output),
        }
    }
    Ok(exit)
}

/// One file that fails does not keep the others from being formatted.
fn one(path: &Path, verb: &Fmt, output: &Output) -> anyhow::Result<Exit> {
    let formatted = match format(path) {
        Ok(formatted) => formatted,
        Err(error) => return Ok(failed(&error, output)),
    };
    if !formatted.changes() {
        return Ok(Exit::Done);
    }
    output.data(&format!("{}\n", formatted.file))?;
    show(&formatted, verb, output)?;
    if verb.check {
        return Ok(Exit::Failed);
    }
    match write(path, &formatted) {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Ok(failed(&error, output)),
    }
}

fn standard_input(verb: &Fmt, output: &Output) -> anyhow::Result<Exit> {
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text)?;
    match format_text("<stdin>".to_owned(), text) {
        Ok(formatted) if verb.check || verb.diff => {
            show(&formatted, verb, output)?;
            Ok(if verb.check && formatted.changes() { Exit::Failed } else { Exit::Done })
        }
        Ok(formatted) => {
            output.data(&formatted.after)?;
            Ok(Exit::Done)
        }
        Err(error) => Ok(failed(&error, output)),
    }
}

fn show(formatted: &Formatted, verb: &Fmt, output: &Output) -> anyhow::Result<()> {
    if verb.diff {
        output.data(&report::text_diff(&formatted.file, &formatted.before, &formatted.after))?;
    }
    Ok(())
}

fn failed(error: &FormatError, output: &Output) -> Exit {
    match error {
        FormatError::Invalid { text, findings, .. } => {
            output.note(&report::diagnostic::render(findings, |_| Some(text.clone()), output.color_err));
        }
        FormatError::Unreadable { .. } | FormatError::Unwritable { .. } => output.note(&format!("error: {error}")),
    }
    Exit::Failed
}
