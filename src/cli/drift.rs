//! `drift`, once and again and again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auditseal::alert::Timeouts;
use auditseal::apply::Clock;
use auditseal::drift::Outcome;
use auditseal::finding::{Delivered, Notice, NoticeState, SinkReport};
use auditseal::manifest::is_part;
use auditseal::model::Desired;
use auditseal::report;
use auditseal::run::alert::{Alerting, AwsSecrets, connect, keep, send};
use auditseal::run::connect::ConnectOptions;
use auditseal::run::drift::{Checked, Counted, DriftOptions, check};
use auditseal::run::drift_file;
use auditseal::run::drift_lock::{self, CheckLockError};
use auditseal::run::store::Store;
use auditseal::run::watch::{Server, Watch, pause};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::args::{Drift, Format, Global};
use super::exit::Exit;
use super::output::Output;
use super::session;

pub async fn run(global: &Global, verb: &Drift, output: &Output) -> anyhow::Result<Exit> {
    let Some(every) = verb.every else {
        let made = match once(global, verb, output, None).await? {
            Ok(made) => made,
            Err(exit) => return Ok(exit),
        };
        print(global, &made.checked, output, Form::Whole)?;
        let outcome = outcome(verb, &made.checked);
        let told = made.tell(global, output).await?;
        return Ok(match outcome {
            // What was told before is not known, or what is told now is not kept.
            _ if !told.is_kept => Exit::Refused,
            Outcome::InSync => Exit::Done,
            Outcome::Findings => Exit::Findings,
            Outcome::Drift => Exit::Pending,
            Outcome::Unread => Exit::Refused,
        });
    };
    go_on(global, verb, every, output).await
}

fn outcome(verb: &Drift, made: &Checked) -> Outcome {
    made.check.outcome(verb.fail_on.map(Into::into))
}

/// What became of what a check found.
struct Told {
    sinks: Vec<SinkReport>,
    /// Whether everything is kept where it is declared to be.
    is_kept: bool,
}

/// A check, and what is to be told of it.
struct Made {
    checked: Checked,
    alerting: Alerting,
    kept: Delivered,
    desired: Vec<Desired>,
    connecting: ConnectOptions,
    store: Store,
    /// Whether the store, where one is declared, knows what this check knows.
    is_stored: bool,
}

impl Made {
    /// Sends what waits for the sinks. One that fails is said, and is no failure of the check: what is for it waits.
    async fn tell(self, global: &Global, output: &Output) -> anyhow::Result<Told> {
        let Self { checked, alerting, kept, desired, connecting, store, is_stored } = self;
        let mut delivered = kept;
        if !alerting.targets().is_empty() {
            let at = checked.check.checked_at;
            let open: Vec<Notice> = checked.memory.open.iter().map(|one| one.notice(NoticeState::Opened, at)).collect();
            let vault = AwsSecrets { desired, options: connecting };
            let (http, clock) = (connect(Timeouts::default())?, session::clock(global));
            delivered = send(&alerting, Some(&open), delivered, (&vault, &http, &clock)).await;
        }
        if !delivered.findings.is_empty() {
            output.note(&session::render_problems(&delivered.findings, output));
        }
        // What was delivered waits there no more.
        let is_kept = is_stored && session::synced(store.sync_outbox(&session::clock(global)).await, output)?;
        Ok(Told { sinks: delivered.sinks, is_kept })
    }
}

/// One check, remembered. What is open is on disk before it is printed, and what is to be told lies in the outbox before it
/// is remembered as told: nothing is told again because a terminal went away, and nothing is lost wherever this ends.
async fn once(
    global: &Global,
    verb: &Drift,
    output: &Output,
    watch: Option<&Watch>,
) -> anyhow::Result<Result<Made, Exit>> {
    let loaded = match session::load(global, output) {
        Ok(loaded) => loaded,
        Err(exit) => return Ok(Err(exit)),
    };
    let folder = verb.store.clone().unwrap_or_else(|| session::store(global));
    // Held until this check is remembered, so that the next one is made against it.
    let _lock =
        match drift_lock::lock(&folder, verb.lock_timeout, |held| output.note(&format!("Waiting: {held}."))).await {
            Ok(lock) => lock,
            Err(held @ CheckLockError::Held { .. }) => {
                output.note(&format!("refused: lock-held: {held}"));
                return Ok(Err(Exit::Refused));
            }
            Err(error) => return Err(error.into()),
        };
    let partial = is_part(&global.manifest);
    let alerting = Alerting::of(&folder, session::directory(global), &loaded, !partial);
    let desired = session::desired(loaded);
    let mut connecting = session::connect_options(global);
    if let Some(watch) = watch {
        connecting.requests = watch.requests();
    }
    let (store, clock) = (session::kept_with(&folder, &desired, &connecting).await?, session::clock(global));
    if watch.is_none_or(Watch::is_first) {
        session::warn_without_store(&store, "what this check found is remembered", output);
    }
    // The outbox first: what is missing there says less once the memory is there again.
    let mut is_stored = is_met(&store, &clock, output).await?;
    let memory = drift_file::load(&folder)?;
    let router = session::connections_with(global, &desired, &connecting).await?;
    let now = jiff::Timestamp::now();
    // Finer than a second: a finding that closes and opens again is told by its time from the one before.
    let now = jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now);
    let options = DriftOptions { now, partial };
    let checked = match watch {
        None => check(&router, &desired, &memory, options).await,
        Some(watch) => {
            let counted = Counted { reader: &router, questions: watch.questions() };
            check(&counted, &desired, &memory, options).await
        }
    };
    let kept = keep(&alerting, &checked.check.notices(), &clock).await?;
    let Checked { check, memory: after } = checked;
    let checked = Checked { check, memory: after.untold(&memory, &kept.unkept) };
    drift_file::save(&folder, &checked.memory)?;
    // In this order there too: nothing is remembered as told before it is safe.
    is_stored = is_stored && is_met(&store, &clock, output).await?;
    Ok(Ok(Made { checked, alerting, kept, desired, connecting, store, is_stored }))
}

/// Makes outbox and memory the same in the folder and in the store; whether they are.
async fn is_met<C: Clock>(store: &Store, clock: &C, output: &Output) -> anyhow::Result<bool> {
    Ok(session::synced(store.sync_outbox(clock).await, output)?
        && session::synced(store.sync_memory(clock).await, output)?)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Whole,
    /// A line of a log, and more only where something is different from the last time.
    Line,
}

fn print(global: &Global, made: &Checked, output: &Output, form: Form) -> anyhow::Result<()> {
    let check = &made.check;
    let text = match (global.format, form) {
        (Format::Json, Form::Whole) => report::drift_json(check)?,
        (Format::Json, Form::Line) => report::drift_line(check)?,
        (Format::Markdown, _) => report::drift_markdown(check),
        (Format::Text, form) => {
            let mut text = String::new();
            let options = report::DriftOptions { color: output.color, concise: global.concise };
            if form == Form::Line {
                report::drift_news(check, options, &mut text)?;
            } else {
                report::drift_text(check, options, &mut text)?;
            }
            text
        }
    };
    output.data(&text)?;
    Ok(())
}

/// Checks until a signal comes. A check that fails is said and counted, and the next one is made all the same: manifests
/// are read and connections are made anew each time.
async fn go_on(global: &Global, verb: &Drift, every: Duration, output: &Output) -> anyhow::Result<Exit> {
    let mut signals = Signals::new()?;
    let interval = session::clock(global).scaled(every);
    let watch = Watch::new(interval);
    let server = match verb.listen {
        Some(address) => Some(Server::start(address, Arc::clone(&watch)).await?),
        None => None,
    };
    if let Some(server) = &server {
        let address = server.address();
        output.note(&format!("Listening on http://{address}: /healthz, /readyz, /metrics."));
        if !address.ip().is_loopback() {
            output.note("warning: this address is not only this machine's: anybody who reaches it sees names of manifests and counts");
        }
    }
    let mut form = if global.format == Format::Json { Form::Line } else { Form::Whole };
    loop {
        let began = Instant::now();
        let made = tokio::select! {
            made = once(global, verb, output, Some(&watch)) => made,
            exit = signals.next() => return Ok(exit),
        };
        let took = began.elapsed();
        match made {
            Ok(Ok(made)) => {
                watch.passed(&made.checked.check, outcome(verb, &made.checked), took);
                print(global, &made.checked, output, form)?;
                form = Form::Line;
                tokio::select! {
                    told = made.tell(global, output) => match told {
                        Ok(told) => {
                            watch.told(&told.sinks);
                            watch.kept(told.is_kept);
                        }
                        Err(error) => {
                            output.error(&error.context("what was found could not be told"));
                            watch.kept(false);
                        }
                    },
                    exit = signals.next() => return Ok(exit),
                }
            }
            // The manifests are wrong, or another check goes on for too long, and that was said.
            Ok(Err(_)) => watch.failed(took),
            Err(error) => {
                output.error(&error.context("the check failed"));
                watch.failed(took);
            }
        }
        // Any number will do: a random id has some.
        let random = uuid::Uuid::new_v4().as_fields().0;
        tokio::select! {
            () = tokio::time::sleep(pause(interval, took, random)) => {}
            exit = signals.next() => return Ok(exit),
        }
    }
}

/// Checks only read: a signal may end one at any point.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
        }
    }
}
