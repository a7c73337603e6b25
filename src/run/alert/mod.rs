//! Findings on their way out: kept, sent, reported. Every sink is on its own: one that fails stops no other.

mod drain;
mod secret;
mod test;

pub use secret::{AwsSecrets, Vault};
pub use test::test;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::future::join_all;

use crate::alert::{Guard, Http, HttpError, Outbox, OutboxError, Put, Target, Timeouts, replace, targets};
use crate::apply::Clock;
use crate::finding::{Delivered, Finding, Notice, NoticeState, Severity, SinkReport};
use crate::manifest::Loaded;
use crate::model::Desired;
use crate::model::alert::{FileFormat, Sink};
use crate::provider::{Authorities, AuthoritiesError};
use crate::report;

/// How long a run waits to add to an outbox that another process adds to, which takes it milliseconds.
const LOCK_ATTEMPTS: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// The declared sinks of a directory, and where what is for them lies.
#[derive(Clone, Debug)]
pub struct Alerting {
    store: PathBuf,
    /// What relative paths of manifests start from.
    base: PathBuf,
    targets: Vec<Target>,
    /// Whether every manifest of the directory is known: only then is a queue without a sink one that was removed.
    whole: bool,
    /// Paths of the manifests by their names.
    files: BTreeMap<String, String>,
    /// Whether pauses that sinks asked for in earlier runs are kept.
    patient: bool,
}

/// Nothing was kept or sent.
#[derive(Debug, thiserror::Error)]
pub enum AlertError {
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    #[error("another process holds the outbox below `{}`; is it stopped?", .0.display())]
    Held(PathBuf),
}

/// Why no request can be sent to a sink.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error(transparent)]
    Authorities(#[from] AuthoritiesError),
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// What requests to sinks are sent with: proxies and certificate authorities are those of every other request.
///
/// # Errors
/// When the variables that name them cannot be used.
pub fn connect(timeouts: Timeouts) -> Result<Http, ConnectError> {
    Ok(Http::trusting(timeouts, &Authorities::of_environment()?.certificates())?)
}

impl Alerting {
    /// `store` is usually `.auditseal`, `base` the directory of the manifests. `whole` says that `manifests` are all of that directory,
    /// and not the one that `-m FILE` picks.
    #[must_use]
    pub fn of(store: &Path, base: &Path, manifests: &[Loaded], whole: bool) -> Self {
        let desired: Vec<Desired> = manifests.iter().map(|one| one.desired.clone()).collect();
        let path = |one: &Loaded| (one.desired.name.clone(), one.path.display().to_string());
        Self {
            store: store.to_path_buf(),
            base: base.to_path_buf(),
            targets: targets(&desired),
            whole,
            files: manifests.iter().map(path).collect(),
            patient: true,
        }
    }

    /// For a person who asks: sinks are tried although they asked for a pause.
    #[must_use]
    pub fn at_once(self) -> Self {
        Self { patient: false, ..self }
    }

    #[must_use]
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    fn outbox(&self) -> Outbox {
        Outbox::at(&self.store)
    }
}

/// Puts notices into the outbox of every sink that takes them, and removes what waits for sinks that nothing declares any
/// longer.
///
/// When it returns, every notice that is not in [`Delivered::unkept`] is on disk: the caller may now remember it as told, and
/// not before. A notice that is offered again is not sent again while it waits.
///
/// # Errors
/// When the outbox cannot be used; nothing may then be remembered as told.
pub async fn keep<C: Clock>(alerting: &Alerting, notices: &[Notice], clock: &C) -> Result<Delivered, AlertError> {
    let mut delivered = Delivered::default();
    queue(alerting, notices, &mut delivered, clock).await?;
    if alerting.whole {
        remove_undeclared(alerting, &mut delivered, clock).await?;
    }
    Ok(delivered)
}

/// Sends what waits, this run's and earlier ones', and adds to `delivered` (what [`keep`] gave) what came of it.
///
/// `open` is everything that is open in the whole directory, for sinks that hold a document of it (SARIF); `None` leaves
/// their documents as they are, for callers that do not know.
pub async fn send<V: Vault, C: Clock>(
    alerting: &Alerting,
    open: Option<&[Notice]>,
    mut delivered: Delivered,
    (vault, http, clock): (&V, &Http, &C),
) -> Delivered {
    let sent = join_all(alerting.targets.iter().map(|target| async move {
        match &target.alert.sink {
            Sink::File { path, format: FileFormat::Sarif } => document(alerting, target, path, open),
            _ => drain::drain(alerting, target, (vault, http, clock)).await,
        }
    }));
    for (report, findings) in sent.await {
        delivered.sinks.push(report);
        delivered.findings.extend(findings);
    }
    delivered
}

/// [`keep`] and [`send`] in one, for callers that remember nothing between them.
///
/// # Errors
/// When the outbox cannot be used.
pub async fn deliver<V: Vault, C: Clock>(
    alerting: &Alerting,
    notices: &[Notice],
    open: Option<&[Notice]>,
    edge: (&V, &Http, &C),
) -> Result<Delivered, AlertError> {
    let kept = keep(alerting, notices, edge.2).await?;
    Ok(send(alerting, open, kept, edge).await)
}

/// Puts what a sink refused back into its queue, for [`deliver`] to send again; of all sinks when none is named. Gives how
/// many there were.
///
/// # Errors
/// When the outbox cannot be used.
pub async fn retry_refused<C: Clock>(alerting: &Alerting, name: Option<&str>, clock: &C) -> Result<usize, AlertError> {
    let outbox = alerting.outbox();
    let lock = lock(alerting, &outbox, clock).await?;
    let mut count = 0;
    for target in alerting.targets.iter().filter(|target| name.is_none_or(|name| name == target.alert.name)) {
        count += outbox.retry_refused(&lock, &target.alert.name)?;
    }
    Ok(count)
}

/// What waits, without sending it: `delivered` is zero.
///
/// # Errors
/// When the outbox cannot be read.
pub fn queues(alerting: &Alerting) -> Result<Delivered, AlertError> {
    let outbox = alerting.outbox();
    let mut delivered = Delivered::default();
    for target in &alerting.targets {
        let sink = &target.alert.name;
        let (waiting, refused) = (outbox.waiting(sink)?.len(), outbox.refused(sink)?);
        delivered.sinks.push(SinkReport { waiting, refused, ..report(target) });
    }
    Ok(delivered)
}

async fn lock<C: Clock>(alerting: &Alerting, outbox: &Outbox, clock: &C) -> Result<Guard, AlertError> {
    for _ in 0..LOCK_ATTEMPTS {
        if let Some(lock) = outbox.lock()? {
            return Ok(lock);
        }
        clock.sleep(LOCK_PAUSE).await;
    }
    Err(AlertError::Held(alerting.store.clone()))
}

async fn queue<C: Clock>(
    alerting: &Alerting,
    notices: &[Notice],
    delivered: &mut Delivered,
    clock: &C,
) -> Result<(), AlertError> {
    let queued = |target: &&Target| !matches!(&target.alert.sink, Sink::File { format: FileFormat::Sarif, .. });
    let pairs: Vec<(&Target, &Notice)> = notices
        .iter()
        .flat_map(|notice| alerting.targets.iter().filter(queued).map(move |target| (target, notice)))
        .filter(|(target, notice)| target.takes(notice))
        .collect();
    if pairs.is_empty() {
        return Ok(());
    }
    let outbox = alerting.outbox();
    let lock = lock(alerting, &outbox, clock).await?;
    let mut full: BTreeMap<&str, usize> = BTreeMap::new();
    for (target, notice) in pairs {
        let sink = target.alert.name.as_str();
        if outbox.put(&lock, sink, notice)? == Put::Full {
            *full.entry(sink).or_default() += 1;
            delivered.unkept.insert(notice.id());
        }
    }
    delivered.findings.extend(full.into_iter().map(|(sink, count)| {
        let most = crate::alert::MOST_WAITING;
        let message = format!("{most} messages wait for sink `{sink}`, and {count} more were not kept");
        let help =
            format!("make the sink work again: `auditseal alert test {sink}`; what was not kept is offered again");
        finding("alert-outbox-full", Severity::High, sink, message, &help)
    }));
    Ok(())
}

/// Messages for a name that nobody declares can go nowhere.
async fn remove_undeclared<C: Clock>(
    alerting: &Alerting,
    delivered: &mut Delivered,
    clock: &C,
) -> Result<(), AlertError> {
    let outbox = alerting.outbox();
    let declared = |name: &String| alerting.targets.iter().any(|target| target.alert.name == *name);
    let gone: Vec<String> = outbox.sinks()?.into_iter().filter(|name| !declared(name)).collect();
    if gone.is_empty() {
        return Ok(());
    }
    // Nobody adds to a queue while it is removed, and nobody sends from it.
    let _adding = lock(alerting, &outbox, clock).await?;
    for name in gone {
        let Some(sending) = outbox.lock_sink(&name)? else { continue };
        let help = "send what waits before a sink is renamed: `auditseal alert send`";
        let message = match outbox.remove(&sending, &name) {
            Ok(0) => continue,
            Ok(count) => format!("no manifest declares sink `{name}` any more: {} removed", messages(count)),
            // Something else lies there: what is declared is sent all the same.
            Err(error) => format!("no manifest declares sink `{name}` any more, and its queue stays: {error}"),
        };
        delivered.findings.push(finding("alert-sink-removed", Severity::Medium, &name, message, help));
    }
    Ok(())
}

/// Writes the document of what is open.
fn document(alerting: &Alerting, target: &Target, path: &str, open: Option<&[Notice]>) -> (SinkReport, Vec<Finding>) {
    let mut report = report(target);
    let Some(open) = open else { return (report, Vec::new()) };
    let open: Vec<&Notice> =
        open.iter().filter(|notice| notice.state == NoticeState::Opened && target.takes(notice)).collect();
    let text = format!("{:#}\n", report::sarif(&open, &alerting.files));
    match replace(&alerting.base.join(path), &text) {
        Ok(()) => {
            report.delivered = open.len();
            (report, Vec::new())
        }
        Err(error) => {
            report.waiting = open.len();
            report.trouble = Some(format!("`{path}` could not be written: {error}"));
            let findings = vec![waiting(&report)];
            (report, findings)
        }
    }
}

fn report(target: &Target) -> SinkReport {
    SinkReport {
        sink: target.alert.name.clone(),
        kind: target.alert.sink.kind().to_owned(),
        delivered: 0,
        waiting: 0,
        refused: 0,
        trouble: None,
    }
}

fn waiting(report: &SinkReport) -> Finding {
    let why = report.trouble.as_deref().unwrap_or("it did not take what is for it");
    let message = format!("sink `{}`: {why}; {} waiting", report.sink, messages(report.waiting));
    let help = "nothing is lost, the next run tries again; `auditseal alert send` tries now";
    finding("alert-waiting", Severity::Medium, &report.sink, message, help)
}

fn finding(code: &str, severity: Severity, sink: &str, message: String, help: &str) -> Finding {
    let subject = format!("alerts[{sink}]");
    Finding { code: code.to_owned(), severity, subject, message, help: Some(help.to_owned()), span: None }
}

/// `1 message`, `2 messages`.
fn messages(count: usize) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}
