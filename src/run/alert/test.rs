//! A test notice to the declared sinks: one attempt each, past the outbox.

use futures::future::join_all;

use super::Alerting;
use super::drain::Sender;
use super::secret::Vault;
use crate::alert::{Answer, Http, Target, check_writable};
use crate::apply::Clock;
use crate::finding::{Finding, Notice, NoticeState, Severity, SinkAnswer, fingerprint};
use crate::model::alert::{FileFormat, Sink};

/// Sends a test to the sink of that name, or to all, whatever severity they ask for. A SARIF document, which holds what is
/// open, is left as it is: it is only seen whether it could be written.
pub async fn test<V: Vault, C: Clock>(
    alerting: &Alerting,
    name: Option<&str>,
    (vault, http, clock): (&V, &Http, &C),
) -> Vec<SinkAnswer> {
    let chosen = alerting.targets().iter().filter(|target| name.is_none_or(|name| name == target.alert.name));
    join_all(chosen.map(|target| async move {
        let (taken, answer) = match one(alerting, target, (vault, http, clock)).await {
            Ok(answer) => (true, answer),
            Err(why) => (false, why),
        };
        SinkAnswer { sink: target.alert.name.clone(), kind: target.alert.sink.kind().to_owned(), taken, answer }
    }))
    .await
}

async fn one<V: Vault, C: Clock>(
    alerting: &Alerting,
    target: &Target,
    (vault, http, clock): (&V, &Http, &C),
) -> Result<String, String> {
    let sink = target.alert.name.as_str();
    if let Sink::File { path, format: FileFormat::Sarif } = &target.alert.sink {
        let failed = |error| format!("`{path}` cannot be written: {error}");
        return check_writable(&alerting.base.join(path)).map(|()| "it can be written".to_owned()).map_err(failed);
    }
    let sender = Sender::prepare(alerting, target, vault).await?;
    match sender.attempt(sink, http, &notice(sink, clock.now()), clock.now()).await {
        Answer::Taken => Ok("it took the test".to_owned()),
        Answer::Refused(why) | Answer::Closed(why) | Answer::Busy { why, .. } => Err(why),
    }
}

fn notice(sink: &str, now: jiff::Timestamp) -> Notice {
    let subject = format!("alerts[{sink}]");
    Notice {
        state: NoticeState::Opened,
        manifest: None,
        fingerprint: fingerprint("alert-test", &subject, &[&now.to_string()]),
        finding: Finding {
            code: "alert-test".to_owned(),
            severity: Severity::Info,
            subject,
            message: "this is a test of the sink; nothing is wrong with the audit logs".to_owned(),
            help: None,
            span: None,
        },
        since: now,
        at: now,
        changed_by: None,
    }
}
