//! What waits for one sink, sent in its order until the sink takes no more.

use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use secrecy::ExposeSecret;
use serde_json::Value;
use url::Url;

use super::secret::{Vault, find};
use super::{Alerting, finding, report, waiting};
use crate::alert::{Answer, Entry, Guard, Http, Key, Outbox, OutboxError, Post, Target, append, pause};
use crate::apply::Clock;
use crate::finding::{Finding, Notice, Severity, SinkReport};
use crate::model::alert::{BodyFormat, FileFormat, Sink, WebAddress, endpoint};
use crate::report::{notice_json, notice_ocsf, notice_slack};

/// Slack takes one message a second and channel (Slack API, "Rate limits").
const SLACK_PACE: Duration = Duration::from_secs(1);

/// How long one run sends to one sink: a scheduled run has to end before the next one, whatever waits.
const LONGEST: SignedDuration = SignedDuration::from_mins(2);

/// A sink that is ready to be sent to: its secrets were found.
pub(super) enum Sender {
    File { path: PathBuf, format: FileFormat },
    Webhook { url: Url, key: Key, format: BodyFormat },
    Slack { url: Url },
}

impl Sender {
    /// # Errors
    /// When a secret is not found, or is not what it should be. The reason holds nothing of it.
    pub async fn prepare<V: Vault>(alerting: &Alerting, target: &Target, vault: &V) -> Result<Self, String> {
        let secret = |source| find(source, &alerting.base, &target.place, vault);
        let kept = |source: &dyn std::fmt::Display, text: &str| {
            endpoint(text).map_err(|why| format!("nothing is sent to the URL in {source}: {why}"))
        };
        match &target.alert.sink {
            Sink::File { path, format } => Ok(Self::File { path: alerting.base.join(path), format: *format }),
            Sink::Webhook { url, secret: source, format } => {
                let url = match url {
                    WebAddress::Plain(text) => {
                        endpoint(text).map_err(|why| format!("nothing is sent to its URL: {why}"))?
                    }
                    WebAddress::Secret(place) => kept(place, secret(place).await?.expose_secret())?,
                };
                let key = Key::parse(secret(source).await?.expose_secret())
                    .map_err(|why| format!("{source} is no signing key: {why}"))?;
                Ok(Self::Webhook { url, key, format: *format })
            }
            Sink::Slack { url } => Ok(Self::Slack { url: kept(url, secret(url).await?.expose_secret())? }),
        }
    }

    /// One attempt.
    pub async fn attempt(&self, sink: &str, http: &Http, notice: &Notice, now: jiff::Timestamp) -> Answer {
        match self {
            Self::File { path, format } => {
                let line = match format {
                    FileFormat::Jsonl => notice_json(notice),
                    FileFormat::Ocsf => notice_ocsf(notice),
                    // Written as a document by `deliver`, never line by line.
                    FileFormat::Sarif => return Answer::Closed("a SARIF document takes no single finding".to_owned()),
                };
                match append(path, &line.to_string()) {
                    Ok(()) => Answer::Taken,
                    Err(error) => Answer::Closed(format!("`{}` could not be written: {error}", path.display())),
                }
            }
            Self::Webhook { url, key, format } => {
                let body = body(*format, notice).to_string();
                let headers = key.headers(&notice.id(), now, &body);
                http.post(Post { sink, url, headers, body }).await
            }
            Self::Slack { url } => {
                let body = notice_slack(notice).to_string();
                http.post(Post { sink, url, headers: Vec::new(), body }).await
            }
        }
    }
}

fn body(format: BodyFormat, notice: &Notice) -> Value {
    match format {
        BodyFormat::Jsonl => notice_json(notice),
        BodyFormat::Ocsf => notice_ocsf(notice),
    }
}

/// Sends what waits for a sink. What is wrong with this sink is told, and is no error: others go on.
pub(super) async fn drain<V: Vault, C: Clock>(
    alerting: &Alerting,
    target: &Target,
    edge: (&V, &Http, &C),
) -> (SinkReport, Vec<Finding>) {
    let outbox = alerting.outbox();
    let sink = target.alert.name.as_str();
    let mut queue = Queue { outbox: &outbox, report: report(target), findings: Vec::new() };
    if let Err(error) = queue.send(alerting, target, edge).await {
        queue.report.trouble.get_or_insert(error.to_string());
    }
    let Queue { mut report, mut findings, .. } = queue;
    report.waiting = outbox.waiting(sink).map_or(report.waiting, |entries| entries.len());
    report.refused = outbox.refused(sink).unwrap_or(report.refused);
    if report.trouble.is_some() {
        findings.push(waiting(&report));
    }
    (report, findings)
}

struct Queue<'a> {
    outbox: &'a Outbox,
    report: SinkReport,
    findings: Vec<Finding>,
}

impl Queue<'_> {
    async fn send<V: Vault, C: Clock>(
        &mut self,
        alerting: &Alerting,
        target: &Target,
        (vault, http, clock): (&V, &Http, &C),
    ) -> Result<(), OutboxError> {
        let sink = target.alert.name.as_str();
        if self.outbox.waiting(sink)?.is_empty() {
            return Ok(());
        }
        let Some(_sending): Option<Guard> = self.outbox.lock_sink(sink)? else {
            self.report.trouble = Some("another run is sending to it".to_owned());
            return Ok(());
        };
        // Listed again: what waited may have been sent before the lock was had.
        let entries = self.outbox.waiting(sink)?;
        if entries.is_empty() {
            return Ok(());
        }
        self.report.waiting = entries.len();
        if let Some(until) = self.outbox.put_off_until(sink, clock.now()).filter(|_| alerting.patient) {
            self.report.trouble = Some(format!("it asked for a pause until {until}"));
            return Ok(());
        }
        let sender = match Sender::prepare(alerting, target, vault).await {
            Ok(sender) => sender,
            Err(why) => {
                self.report.trouble = Some(why);
                return Ok(());
            }
        };
        let mut waited = Duration::ZERO;
        let started = clock.now();
        for entry in &entries {
            if clock.now().duration_since(started) > LONGEST {
                self.report.trouble = Some("the time of this run for it is over".to_owned());
                return Ok(());
            }
            let Some(notice) = self.outbox.read(entry)? else {
                self.damaged(sink, entry);
                continue;
            };
            if matches!(sender, Sender::Slack { .. }) && self.report.delivered > 0 {
                clock.sleep(SLACK_PACE).await;
            }
            match persist(&sender, sink, &notice, (http, clock), &mut waited).await {
                Answer::Taken => {
                    self.outbox.done(entry)?;
                    self.report.delivered += 1;
                }
                Answer::Refused(why) => {
                    self.outbox.refuse(entry)?;
                    let Finding { code, subject, .. } = &notice.finding;
                    let message = format!("sink `{sink}` refused `{code}` about {subject}: {why}");
                    let help = "`auditseal explain alert-refused` says where it is kept and how it is sent again";
                    self.findings.push(finding("alert-refused", Severity::High, sink, message, help));
                }
                Answer::Busy { why, retry_after } => {
                    self.report.trouble = Some(why);
                    return retry_after.map_or(Ok(()), |pause| self.outbox.put_off(sink, clock.now(), pause));
                }
                Answer::Closed(why) => {
                    self.report.trouble = Some(why);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn damaged(&mut self, sink: &str, entry: &Entry) {
        let path = self.outbox.damaged_path(entry);
        let path = path.display();
        let message = format!("a message for sink `{sink}` could not be read and is not sent; it is now `{path}`");
        let help = "look at the file; `auditseal drift` shows what is open";
        self.findings.push(finding("alert-damaged", Severity::High, sink, message, help));
    }
}

/// Attempts while the failure is one that passes, and the run has patience.
async fn persist<C: Clock>(
    sender: &Sender,
    sink: &str,
    notice: &Notice,
    (http, clock): (&Http, &C),
    waited: &mut Duration,
) -> Answer {
    let mut attempt = 1;
    loop {
        let answer = sender.attempt(sink, http, notice, clock.now()).await;
        let Answer::Busy { why, retry_after } = &answer else { return answer };
        let Some(rest) = pause(attempt, *retry_after, *waited, chance()) else { return answer };
        tracing::debug!(sink, attempt, wait_ms = u64::try_from(rest.as_millis()).unwrap_or(u64::MAX), %why, "again");
        clock.sleep(rest).await;
        *waited = waited.saturating_add(rest);
        attempt += 1;
    }
}

/// Any number: the random bits of a UUID.
fn chance() -> u32 {
    uuid::Uuid::new_v4().as_fields().0
}
