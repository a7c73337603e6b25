//! Sinks on the wire: signed, in order, at least once, whatever they answer.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use auditseal::alert::{Http, Timeouts};
use auditseal::apply::Clock;
use auditseal::finding::{Delivered, Finding, Notice, NoticeState, Severity};
use auditseal::manifest::load;
use auditseal::model::Place;
use auditseal::run::alert::{Alerting, Vault, deliver, retry_refused};
use auditseal::run::clock::SystemClock;
use secrecy::SecretString;
use serde_json::Value;

use crate::receiver::{Act, KEY, Receiver, assert_signed, say};

const MINIMAL: &str = include_str!("../../examples/manifests/minimal.toml");
pub fn notice(number: i64, severity: Severity) -> Notice {
    let time = jiff::Timestamp::from_second(1_795_000_000 + number).expect("time");
    let finding = Finding {
        code: "public-policy".to_owned(),
        severity,
        subject: format!("acme/bucket-policy[{number}]"),
        message: format!("finding {number}"),
        help: None,
        span: None,
    };
    Notice {
        state: NoticeState::Opened,
        manifest: Some("acme".to_owned()),
        fingerprint: format!("f{number}"),
        finding,
        since: time,
        at: time,
        changed_by: None,
    }
}

/// No sink here asks AWS.
struct NoVault;

impl Vault for NoVault {
    async fn aws_secret(&self, _place: &Place, name: &str) -> Result<SecretString, String> {
        Err(format!("{name} was asked for"))
    }
}

struct Desk {
    folder: tempfile::TempDir,
    receiver: Receiver,
}

impl Desk {
    async fn new(alerts: &str) -> Self {
        let desk = Self { folder: tempfile::tempdir().expect("folder"), receiver: Receiver::start().await };
        desk.file("key", KEY);
        desk.file("chat-url", &format!("{}/chat", desk.receiver.url));
        desk.declare(alerts);
        desk
    }

    fn declare(&self, alerts: &str) {
        let alerts = alerts.replace("URL", &self.receiver.url);
        self.file("acme.toml", &format!("{MINIMAL}\n{alerts}"));
    }

    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("file");
    }

    fn store(&self) -> PathBuf {
        self.folder.path().join(".auditseal")
    }

    fn alerting(&self, whole: bool) -> Alerting {
        Alerting::of(&self.store(), self.folder.path(), &load(self.folder.path()).expect("manifests"), whole)
    }

    async fn deliver(&self, notices: &[Notice], open: Option<&[Notice]>) -> Delivered {
        let timeouts = Timeouts { connect: Duration::from_millis(500), request: Duration::from_millis(500) };
        let http = Http::new(timeouts).expect("client");
        let clock = SystemClock::compressed(1000);
        deliver(&self.alerting(true), notices, open, (&NoVault, &http, &clock)).await.expect("delivered")
    }

    fn lines(&self, file: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default();
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

const HOOK: &str = "[[alerts]]\nname = 'siem'\nkind = 'webhook'\nurl = 'URL/siem'\nsecret = { file = 'key' }\n";
const CHAT: &str = "[[alerts]]\nname = 'chat'\nkind = 'slack'\nurl = { file = 'chat-url' }\nmin_severity = 'high'\n";
const LOG: &str = "[[alerts]]\nname = 'log'\nkind = 'file'\npath = 'findings.jsonl'\n";

fn summary(delivered: &Delivered) -> Vec<String> {
    let one = |sink: &auditseal::finding::SinkReport| {
        format!("{} {}/{}/{}", sink.sink, sink.delivered, sink.waiting, sink.refused)
    };
    delivered.sinks.iter().map(one).collect()
}

fn codes(delivered: &Delivered) -> Vec<(&str, &str)> {
    delivered.findings.iter().map(|finding| (finding.code.as_str(), finding.subject.as_str())).collect()
}

#[tokio::test]
async fn every_kind_of_sink_takes_what_is_for_it() {
    let ocsf = "[[alerts]]\nname = 'lake'\nkind = 'file'\npath = 'ocsf.jsonl'\nformat = 'ocsf'\n";
    let sarif = "[[alerts]]\nname = 'scan'\nkind = 'file'\npath = 'open.sarif'\nformat = 'sarif'\n";
    let desk = Desk::new(&[HOOK, CHAT, LOG, ocsf, sarif].concat()).await;
    let notices = [notice(1, Severity::Low), notice(2, Severity::Critical), notice(3, Severity::Info)];
    let delivered = desk.deliver(&notices, Some(&notices[..2])).await;
    assert!(delivered.is_complete(), "{delivered:?}");
    assert_eq!(summary(&delivered), ["chat 1/0/0", "lake 2/0/0", "log 2/0/0", "scan 2/0/0", "siem 2/0/0"]);
    let siem = desk.receiver.at("/siem");
    siem.iter().for_each(assert_signed);
    let ids: Vec<&str> = siem.iter().map(|seen| seen.header("webhook-id")).collect();
    assert_eq!(ids, [notices[0].id(), notices[1].id()]);
    assert_eq!(siem[1].json()["severity"], "critical");
    let chat = desk.receiver.at("/chat");
    assert_eq!(chat.len(), 1);
    assert!(chat[0].json()["text"].as_str().is_some_and(|text| text.contains("finding 2")));
    assert_eq!(chat[0].header("webhook-id"), "", "Slack gets no signature");
    assert_eq!(desk.lines("findings.jsonl")[0], siem[0].json(), "a line is what a webhook receives");
    assert_eq!(desk.lines("ocsf.jsonl")[1]["class_uid"], 2003);
    let document = || desk.lines_of_document("open.sarif");
    assert_eq!(document()["runs"][0]["results"].as_array().map(Vec::len), Some(2));
    // Everything closed: the document is empty, and a run that does not know what is open leaves it.
    desk.deliver(&[], Some(&[])).await;
    assert_eq!(document()["runs"][0]["results"].as_array().map(Vec::len), Some(0));
    desk.deliver(&notices, None).await;
    assert_eq!(document()["runs"][0]["results"].as_array().map(Vec::len), Some(0));
}

impl Desk {
    fn lines_of_document(&self, file: &str) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.folder.path().join(file)).expect("file")).expect("JSON")
    }
}

/// Failures that pass are waited out within the run, others leave the message where it is; no other sink is held up, and the
/// next run goes on where this one stopped.
#[tokio::test]
async fn a_failing_sink_loses_nothing_and_stops_nobody() {
    let retry = |seconds: &str| Act::Say(429, vec![("retry-after", seconds.to_owned())], "slow down");
    let redirect = Act::Say(307, vec![("location", "/elsewhere".to_owned())], "");
    // What the receiver does first, how many requests the first run makes, and what is said.
    let cases: Vec<(Vec<Act>, usize, Option<&str>)> = vec![
        (vec![retry("30")], 3, None),
        (vec![say(500), say(503), say(502)], 5, None),
        (vec![Act::Hang], 3, None),
        (vec![say(500); 4], 4, Some("it answered 500")),
        (vec![say(401)], 1, Some("it answered 401")),
        (vec![Act::Say(403, Vec::new(), "action_prohibited")], 1, Some("it answered 403: action_prohibited")),
        (vec![Act::Say(404, Vec::new(), "no such /siem")], 1, Some("it answered 404")),
        (vec![redirect], 1, Some("redirects are not followed")),
        (vec![say(200), say(410)], 2, Some("it answered 410")),
    ];
    for (acts, requests, trouble) in cases {
        let desk = Desk::new(&[HOOK, LOG].concat()).await;
        let name = format!("{acts:?}");
        desk.receiver.then("/siem", &acts);
        let notices = [notice(1, Severity::High), notice(2, Severity::High)];
        let first = desk.deliver(&notices, None).await;
        assert_eq!(desk.receiver.at("/siem").len(), requests, "{name}");
        assert_eq!(desk.lines("findings.jsonl").len(), 2, "{name}: the other sink has everything");
        let siem = &first.sinks[1];
        match trouble {
            None => assert!(first.is_complete(), "{name}: {first:?}"),
            Some(words) => {
                let said = siem.trouble.clone().unwrap_or_default();
                assert!(said.contains(words) && !said.contains("/siem"), "{name}: {said}");
                assert_eq!(siem.delivered + siem.waiting, 2, "{name}");
                assert_eq!(codes(&first), [("alert-waiting", "alerts[siem]")], "{name}");
                // Offered again, as by a run that was killed before it remembered: each is sent once more at most.
                let second = desk.deliver(&notices[..siem.delivered.min(1)], None).await;
                assert!(second.is_complete(), "{name}: {second:?}");
            }
        }
        let taken = desk.receiver.at("/siem");
        taken.iter().for_each(assert_signed);
        let last: Vec<&str> = taken.iter().map(|seen| seen.header("webhook-id")).collect();
        for notice in &notices {
            assert!(last.contains(&notice.id().as_str()), "{name}: lost {}", notice.finding.message);
        }
        assert!(desk.receiver.at("/elsewhere").is_empty(), "{name}: a redirect was followed");
    }
}

#[tokio::test]
async fn what_a_sink_refuses_is_kept_and_what_it_can_not_be_asked_waits() {
    let desk = Desk::new(&[HOOK, CHAT].concat()).await;
    desk.receiver.then("/siem", &[say(413)]);
    desk.file("chat-url", "http://chat.example.com/hush-hush");
    let notices = [notice(1, Severity::High), notice(2, Severity::High)];
    let first = desk.deliver(&notices, None).await;
    assert_eq!(summary(&first), ["chat 0/2/0", "siem 1/0/1"]);
    assert_eq!(codes(&first), [("alert-waiting", "alerts[chat]"), ("alert-refused", "alerts[siem]")]);
    let said = format!("{first:?}");
    assert!(said.contains("plain `http://` is for this machine only") && !said.contains("hush"), "{said}");
    // Refused ones stay until somebody asks; a secret that is put right is enough for the rest.
    desk.file("chat-url", &format!("{}/chat\n", desk.receiver.url));
    assert_eq!(summary(&desk.deliver(&[], None).await), ["chat 2/0/0", "siem 0/0/1"]);
    let clock = SystemClock::compressed(1000);
    assert_eq!(retry_refused(&desk.alerting(true), Some("siem"), &clock).await.expect("moved"), 1);
    assert!(desk.deliver(&[], None).await.is_complete());
    let ids: Vec<String> = desk.receiver.at("/siem").iter().map(|seen| seen.header("webhook-id").to_owned()).collect();
    assert_eq!(ids, [notices[0].id(), notices[1].id(), notices[0].id()]);
    // A key that is none is said without being shown.
    desk.file("key", "whsec_hush");
    let third = desk.deliver(&[notice(3, Severity::High)], None).await;
    let said = format!("{third:?}");
    assert!(said.contains("is no signing key") && !said.contains("hush"), "{said}");
    assert_eq!(summary(&third), ["chat 1/0/0", "siem 0/1/0"]);
    // Nothing of what is secret is in the outbox.
    let stored = all_text(&desk.store());
    assert!(stored.contains("finding 3"));
    for secret in ["whsec_", "hush", "http", &desk.receiver.url] {
        assert!(!stored.contains(secret), "{secret} in {stored}");
    }
}

fn all_text(folder: &Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        text += &if path.is_dir() { all_text(&path) } else { std::fs::read_to_string(&path).expect("file") };
    }
    text
}

#[tokio::test]
async fn a_removed_sink_is_told_once_and_only_when_the_whole_directory_is_known() {
    let desk = Desk::new(&[HOOK, LOG].concat()).await;
    desk.receiver.then("/siem", &[say(401)]);
    desk.deliver(&[notice(1, Severity::High)], None).await;
    desk.declare(LOG);
    let (http, clock) = (Http::new(Timeouts::default()).expect("client"), SystemClock::compressed(1000));
    let part = deliver(&desk.alerting(false), &[], None, (&NoVault, &http, &clock)).await.expect("delivered");
    assert!(part.findings.is_empty(), "another manifest may declare it");
    let whole = desk.deliver(&[], None).await;
    assert_eq!(codes(&whole), [("alert-sink-removed", "alerts[siem]")]);
    assert!(desk.deliver(&[], None).await.findings.is_empty());
    assert_eq!(desk.receiver.at("/siem").len(), 1);
}

/// Runs at the same time: each message is taken once, and what they add is added once.
#[tokio::test]
async fn runs_at_one_time_send_nothing_twice() {
    let desk = Desk::new(HOOK).await;
    let notices: Vec<Notice> = (1..=6).map(|number| notice(number, Severity::High)).collect();
    let (one, two, three) =
        tokio::join!(desk.deliver(&notices, None), desk.deliver(&notices, None), desk.deliver(&notices, None));
    let sum: usize = [&one, &two, &three].iter().map(|run| run.sinks[0].delivered).sum();
    desk.deliver(&[], None).await;
    let mut ids: Vec<String> =
        desk.receiver.at("/siem").iter().map(|seen| seen.header("webhook-id").to_owned()).collect();
    assert!(sum >= 1 && ids.len() >= 6);
    let in_order: Vec<String> = notices.iter().map(Notice::id).collect();
    assert_eq!(ids[..6], in_order);
    // A run that offers a notice after another one has sent it cannot know that: the id tells the receiver.
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

/// A clock that runs a minute ahead whenever somebody looks at it.
struct Hasty(AtomicI64);

impl Clock for Hasty {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_second(1_795_000_000 + 60 * self.0.fetch_add(1, Ordering::SeqCst)).expect("time")
    }

    async fn sleep(&self, _duration: Duration) {}
}

#[tokio::test]
async fn a_run_ends_however_much_waits_and_strangers_in_the_outbox_stop_nothing() {
    let desk = Desk::new(HOOK).await;
    let notices: Vec<Notice> = (1..=5).map(|number| notice(number, Severity::High)).collect();
    let stranger = desk.store().join("outbox/gone");
    std::fs::create_dir_all(stranger.join("sub")).expect("folder");
    std::fs::write(stranger.join("notes.txt"), "mine").expect("file");
    let http = Http::new(Timeouts::default()).expect("client");
    let clock = Hasty(AtomicI64::new(0));
    let first = deliver(&desk.alerting(true), &notices, None, (&NoVault, &http, &clock)).await.expect("delivered");
    let siem = &first.sinks[0];
    assert!(siem.delivered > 0 && siem.delivered < 5 && siem.delivered + siem.waiting == 5, "{siem:?}");
    assert_eq!(codes(&first), [("alert-sink-removed", "alerts[gone]"), ("alert-waiting", "alerts[siem]")]);
    assert!(stranger.join("notes.txt").exists());
    desk.deliver(&[], None).await;
    let ids: Vec<String> = desk.receiver.at("/siem").iter().map(|seen| seen.header("webhook-id").to_owned()).collect();
    assert_eq!(ids, notices.iter().map(Notice::id).collect::<Vec<_>>(), "in order, each once");
}

#[tokio::test]
async fn a_pause_that_a_sink_asks_for_outlives_the_run() {
    let desk = Desk::new(HOOK).await;
    desk.receiver.then("/siem", &[Act::Say(429, vec![("retry-after", "86400".to_owned())], "")]);
    desk.deliver(&[notice(1, Severity::High)], None).await;
    let second = desk.deliver(&[notice(2, Severity::High)], None).await;
    assert!(second.sinks[0].trouble.as_deref().is_some_and(|said| said.starts_with("it asked for a pause until ")));
    assert_eq!((desk.receiver.at("/siem").len(), second.sinks[0].waiting), (1, 2));
    let (http, clock) = (Http::new(Timeouts::default()).expect("client"), SystemClock::compressed(1000));
    // An hour at most, whatever it asked for.
    let later = desk.store().join("outbox/siem/.later");
    let until: jiff::Timestamp = std::fs::read_to_string(&later).expect("file").parse().expect("time");
    assert!(until <= jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1));
    let asked = desk.alerting(true).at_once();
    let third = deliver(&asked, &[], None, (&NoVault, &http, &clock)).await.expect("delivered");
    assert_eq!(summary(&third), ["siem 2/0/0"], "a person who asks does not wait");
    std::fs::write(&later, "2999-01-01T00:00:00Z").expect("file");
    assert!(desk.deliver(&[notice(3, Severity::High)], None).await.is_complete(), "no pause is that long");
}
