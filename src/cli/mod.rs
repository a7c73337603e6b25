//! One file per verb. Nothing in the library knows this room.

mod access;
mod alert;
mod apply;
mod args;
mod drift;
mod execute;
mod exit;
mod explain;
mod fmt;
mod forget;
mod init;
mod log;
mod output;
mod permissions;
mod plan;
mod policy;
mod review;
mod rollback;
mod runs;
mod schema;
mod session;
mod show;
mod unlock;
mod validate;

use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::ErrorKind;
use clap::parser::ValueSource;

use args::{Arguments, Verb};
use exit::Exit;
use output::Output;

/// Parses the arguments, runs the verb, and maps its end to an exit code.
pub fn main() -> ExitCode {
    let arguments = match parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let output = Output::new(&arguments.global);
    output.start_log(&arguments.global);
    let result = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime.block_on(dispatch(&arguments, &output)),
        Err(error) => Err(anyhow::Error::new(error).context("the async runtime could not start")),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            output.error(&error);
            Exit::Failed.into()
        }
    }
}

fn parse() -> Result<Arguments, clap::Error> {
    let matches = args::command().try_get_matches()?;
    let mut arguments = Arguments::from_arg_matches(&matches)?;
    arguments.global.format_given = matches.value_source("format") == Some(ValueSource::CommandLine);
    Ok(arguments)
}

async fn dispatch(arguments: &Arguments, output: &Output) -> anyhow::Result<Exit> {
    let global = &arguments.global;
    match &arguments.verb {
        Verb::Init(verb) => init::run(global, verb, output).await,
        Verb::Validate(verb) => validate::run(global, verb, output),
        Verb::Fmt(verb) => fmt::run(global, verb, output),
        Verb::Plan(verb) => plan::run(global, verb, output).await,
        Verb::Show(verb) => show::run(global, verb, output),
        Verb::Apply(verb) => apply::run(global, verb, output).await,
        Verb::Drift(verb) => drift::run(global, verb, output).await,
        Verb::Access(verb) => access::run(global, verb, output).await,
        Verb::Rollback(verb) => rollback::run(global, verb, output).await,
        Verb::Forget(verb) => forget::run(global, verb, output).await,
        Verb::Runs(verb) => runs::run(global, verb, output).await,
        Verb::Unlock(verb) => unlock::run(global, verb, output).await,
        Verb::Alert(verb) => alert::run(global, verb, output).await,
        Verb::Policy(verb) => policy::run(global, verb, output),
        Verb::Review(verb) => review::run(global, verb, output),
        Verb::Permissions(verb) => permissions::run(global, verb, output),
        Verb::Explain(verb) => explain::run(verb, output),
        Verb::Schema(verb) => schema::run(verb, output),
        Verb::Completions(verb) => {
            let mut script = Vec::new();
            clap_complete::generate(verb.shell, &mut args::command(), "auditseal", &mut script);
            output.data(&String::from_utf8_lossy(&script))?;
            Ok(Exit::Done)
        }
        Verb::Man => {
            let mut page = Vec::new();
            clap_mangen::Man::new(args::command()).render(&mut page)?;
            output.data(&String::from_utf8_lossy(&page))?;
            Ok(Exit::Done)
        }
        Verb::Version => {
            output.data(&format!(
                "auditseal {}\nmanifest version 1\nplan format {}\n",
                env!("CARGO_PKG_VERSION"),
                auditseal::plan::FORMAT_VERSION
            ))?;
            Ok(Exit::Done)
        }
    }
}

/// Help and version go to stdout and are no error; clap's own exit code 2 never escapes.
fn usage(error: &clap::Error) -> ExitCode {
    let exit = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Exit::Done,
        _ => Exit::Usage,
    };
    // Nobody is left to tell when the terminal is gone.
    let _ = error.print();
    exit.into()
}
