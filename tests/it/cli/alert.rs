//! `alert`, with the real program against a receiver on this machine.

use std::time::Duration;

use auditseal::alert::{Outbox, Put};
use auditseal::finding::Severity;

use super::Shell;
use crate::alerts::notice;
use crate::receiver::{Act, KEY, Receiver, assert_signed, say};

const SMALL: &str = include_str!("../../../examples/manifests/minimal.toml");

const SINKS: &str = "
[[alerts]]
name = 'siem'
kind = 'webhook'
format = 'ocsf'
url = { env = 'SIEM_URL' }
secret = { aws_secret = 'auditseal/siem' }

[[alerts]]
name = 'chat'
kind = 'slack'
url = { file = '../secrets/chat' }
min_severity = 'critical'

[[alerts]]
name = 'log'
kind = 'file'
path = '../findings.jsonl'
";

/// A shell whose secrets are in an environment variable, a file, and AWS Secrets Manager, which the receiver plays too.
fn shell(receiver: &Receiver) -> Shell {
    let shell = Shell::bare()
        .set("SIEM_URL", &format!("{}/hush-siem", receiver.url))
        .set("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .set("AWS_SECRET_ACCESS_KEY", "hush-aws")
        .set("AWS_ENDPOINT_URL", &receiver.url);
    shell.write("manifests/acme.toml", format!("{SMALL}\n{SINKS}"));
    shell.write("secrets/chat", format!("{}/hush-chat\n", receiver.url));
    shell
}

fn secret() -> Act {
    let body = format!(r#"{{"Name":"auditseal/siem","SecretString":"{KEY}"}}"#);
    Act::Say(200, Vec::new(), Box::leak(body.into_boxed_str()))
}

/// Messages that wait, as a run leaves them whose sinks were away.
fn waiting(shell: &Shell, sink: &str, count: i64) {
    let outbox = Outbox::at(&shell.path("manifests/.auditseal"));
    // Another test's child holds what it inherits until it has become its program.
    let lock = loop {
        if let Some(lock) = outbox.lock().expect("outbox") {
            break lock;
        }
    };
    for number in 1..=count {
        assert_eq!(outbox.put(&lock, sink, &notice(number, Severity::Critical)).expect("kept"), Put::Kept);
    }
}

#[tokio::test]
async fn a_test_says_what_each_sink_answered() {
    let receiver = Receiver::start().await;
    let shell = shell(&receiver);
    receiver.then("/", &[secret()]);
    receiver.then("/hush-chat", &[Act::Say(404, Vec::new(), "no_service")]);
    let tested = shell.ends(&["alert", "test"], 1).await;
    insta::assert_snapshot!("alert_test", tested.out);
    let asked = receiver.at("/");
    assert_eq!(asked[0].header("x-amz-target"), "secretsmanager.GetSecretValue");
    assert_eq!(asked[0].json()["SecretId"], "auditseal/siem");
    let siem = receiver.at("/hush-siem");
    assert_eq!(siem[0].json()["metadata"]["event_code"], "alert-test");
    siem.iter().for_each(assert_signed);
    assert!(shell.read("findings.jsonl").contains("\"alert-test\""));
    let one = shell.ends(&["alert", "test", "log", "--format", "json", "-v"], 0).await;
    assert_eq!(one.json()["answers"][0]["taken"], true);
    assert_eq!(receiver.at("/hush-chat").len(), 1, "only the sink that is named");
    shell.ends(&["alert", "test", "siemm"], 64).await.says("did you mean `siem`?");
    let verbose = shell.ends(&["alert", "test", "chat", "-v"], 0).await;
    for shown in [&tested, &one, &verbose] {
        assert!(!shown.all().contains("hush") && !shown.all().contains("whsec_"), "{}", shown.all());
    }
    // A secret that is missing, denied, or no key.
    let answers = [
        (Act::Say(400, Vec::new(), r#"{"__type":"ResourceNotFoundException"}"#), "there is no such secret"),
        (Act::Say(400, Vec::new(), r#"{"__type":"AccessDeniedException"}"#), "secretsmanager:GetSecretValue"),
        (Act::Say(200, Vec::new(), r#"{"SecretString":"hush"}"#), "is no signing key"),
    ];
    for (answer, words) in answers {
        receiver.then("/", &[answer]);
        let failed = shell.ends(&["alert", "test", "siem"], 1).await;
        assert!(failed.out.contains(words) && !failed.all().contains("hush"), "{}", failed.all());
    }
    let shell = shell.unset("SIEM_URL");
    shell.ends(&["alert", "test", "siem"], 1).await.says("environment variable `SIEM_URL` is not set");
}

#[tokio::test]
async fn what_waits_is_listed_and_sent() {
    let receiver = Receiver::start().await;
    let shell = shell(&receiver);
    waiting(&shell, "chat", 2);
    waiting(&shell, "old-sink", 1);
    let schema = shell.ends(&["schema", "alert-sinks"], 0).await.json();
    let validator = jsonschema::validator_for(&schema).expect("schema");
    let valid = |document: &serde_json::Value| {
        let errors: Vec<String> = validator.iter_errors(document).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {document:#}");
    };
    let list = shell.ends(&["alert", "list", "--format", "json"], 0).await.json();
    valid(&list);
    assert_eq!((&list["sinks"][0]["sink"], &list["sinks"][0]["waiting"]), (&"chat".into(), &2.into()));
    assert!(receiver.at("/hush-chat").is_empty(), "a list sends nothing");
    receiver.then("/hush-chat", &[Act::Say(400, Vec::new(), "invalid_payload"), say(403)]);
    let sent = shell.ends(&["alert", "send"], 1).await;
    insta::assert_snapshot!("alert_send", format!("{}---\n{}", sent.out, sent.err));
    receiver.then("/hush-chat", &[say(500)]);
    let rest = shell.ends(&["alert", "send", "--refused", "--format", "json"], 0).await.json();
    valid(&rest);
    assert_eq!((&rest["complete"], &rest["sinks"][0]["delivered"]), (&true.into(), &2.into()));
    valid(&shell.ends(&["alert", "test", "log", "--format", "json"], 0).await.json());
    shell.ends(&["alert", "send", "--format", "markdown"], 64).await;
    shell.write("manifests/acme.toml", SMALL);
    shell.ends(&["alert", "send"], 1).await.says("declare no sink");
}

/// A process that is killed while a sink answers sends the message again, under the same id.
#[tokio::test]
async fn a_killed_run_repeats_under_the_same_id() {
    let receiver = Receiver::start().await;
    let shell = shell(&receiver);
    waiting(&shell, "chat", 1);
    waiting(&shell, "siem", 2);
    receiver.then("/", &[secret(), secret()]);
    receiver.then("/hush-siem", &[say(200), Act::Hang]);
    let mut child = shell.command(&["alert", "send"]).spawn().expect("start");
    for _ in 0..200 {
        if receiver.at("/hush-siem").len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    child.kill().await.expect("killed");
    shell.ends(&["alert", "send"], 0).await;
    let siem = receiver.at("/hush-siem");
    siem.iter().for_each(assert_signed);
    let ids: Vec<&str> = siem.iter().map(|seen| seen.header("webhook-id")).collect();
    assert_eq!(
        ids,
        [notice(1, Severity::Critical).id(), notice(2, Severity::Critical).id(), notice(2, Severity::Critical).id()]
    );
    assert!(!shell.files().contains(KEY));
}
