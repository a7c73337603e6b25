use auditseal::alert::Timeouts;
use auditseal::finding::Delivered;
use auditseal::manifest::is_part;
use auditseal::report;
use auditseal::run::alert::{Alerting, AwsSecrets, connect, deliver, queues, retry_refused, test};
use clap::{Args, Subcommand};

use super::args::{Format, Global};
use super::exit::Exit;
use super::output::Output;
use super::session;

const ALERT: &str = "\
Sinks are declared in the manifests, as [[alerts]]. What `auditseal drift` finds is kept in \
.auditseal/outbox beside them, and in a declared [store], until a sink has taken it: in order, at least \
once, with the same webhook-id when it is sent again. URLs and keys are looked up when something is sent.

Examples:
  auditseal alert test                send a test to every sink, and say what each answered
  auditseal alert test chat           to one
  auditseal alert send                send what waits, now
  auditseal alert send --refused      also what sinks have refused before

Exit codes: 0 every sink took everything, 1 one did not, 64 wrong usage.";

#[derive(Debug, Args)]
#[command(after_help = ALERT)]
pub struct Alert {
    #[command(subcommand)]
    verb: AlertVerb,
    /// Local folder of the outbox, where `drift --store` has one; a declared [store] is kept in step with it all the same
    /// [default: .auditseal beside the manifests]
    #[arg(long, global = true, value_name = "DIR")]
    store: Option<std::path::PathBuf>,
}

#[derive(Debug, Subcommand)]
enum AlertVerb {
    /// List the declared sinks and what waits for them
    List,
    /// Send a test to the declared sinks, once and past the outbox
    Test {
        /// Only this sink
        name: Option<String>,
    },
    /// Send what waits in the outbox
    Send {
        /// Also what sinks have refused
        #[arg(long)]
        refused: bool,
    },
}

pub async fn run(global: &Global, verb: &Alert, output: &Output) -> anyhow::Result<Exit> {
    if global.format == Format::Markdown {
        output.note("error: sinks are printed as text or json, not as markdown");
        return Ok(Exit::Usage);
    }
    let loaded = match session::load(global, output) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(exit),
    };
    let folder = verb.store.clone().unwrap_or_else(|| session::store(global));
    let alerting = Alerting::of(&folder, session::directory(global), &loaded, !is_part(&global.manifest));
    if alerting.targets().is_empty() {
        output.note("error: the manifests declare no sink: add [[alerts]], see `auditseal schema`");
        return Ok(Exit::Failed);
    }
    let desired = session::desired(loaded);
    let store = session::kept(global, &folder, &desired).await?;
    let vault = AwsSecrets { desired, options: session::connect_options(global) };
    let (http, clock) = (connect(Timeouts::default())?, session::clock(global));
    let edge = (&vault, &http, &clock);
    match &verb.verb {
        AlertVerb::List => {
            let is_whole = session::synced(store.fetch_outbox(&clock).await, output)?;
            print(global, &queues(&alerting)?, output)?;
            Ok(if is_whole { Exit::Done } else { Exit::Failed })
        }
        AlertVerb::Send { refused } => {
            let mut is_kept = session::synced(store.sync_outbox(&clock).await, output)?;
            if *refused {
                retry_refused(&alerting, None, &clock).await?;
            }
            let delivered = deliver(&alerting.at_once(), &[], None, edge).await?;
            print(global, &delivered, output)?;
            is_kept = is_kept && session::synced(store.sync_outbox(&clock).await, output)?;
            Ok(if delivered.is_complete() && is_kept { Exit::Done } else { Exit::Failed })
        }
        AlertVerb::Test { name } => {
            if let Some(name) = name
                && let Some(exit) = unknown(name, &alerting, output)
            {
                return Ok(exit);
            }
            let answers = test(&alerting, name.as_deref(), edge).await;
            let mut text = String::new();
            match global.format {
                Format::Json => text = report::answers_json(&answers)?,
                _ => report::answers_text(&answers, output.color, &mut text)?,
            }
            output.data(&text)?;
            Ok(if answers.iter().all(|answer| answer.taken) { Exit::Done } else { Exit::Failed })
        }
    }
}

fn print(global: &Global, delivered: &Delivered, output: &Output) -> anyhow::Result<()> {
    let mut text = String::new();
    if global.format == Format::Json {
        text = report::sinks_json(delivered)?;
    } else {
        if !delivered.findings.is_empty() {
            output.note(&session::render_problems(&delivered.findings, output));
        }
        report::sinks_text(delivered, output.color, &mut text)?;
    }
    output.data(&text)?;
    Ok(())
}

fn unknown(name: &str, alerting: &Alerting, output: &Output) -> Option<Exit> {
    let names: Vec<&str> = alerting.targets().iter().map(|target| target.alert.name.as_str()).collect();
    if names.contains(&name) {
        return None;
    }
    let near = names.iter().max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
    let hint = near.filter(|near| strsim::jaro_winkler(near, name) > 0.7);
    let hint = hint.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    output.note(&format!("error: no sink is named `{name}`; {hint}declared are {}", names.join(", ")));
    Some(Exit::Usage)
}
