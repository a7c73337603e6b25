//! `drift`: told once, closed when repaired, never in sync when something was unread, and going on until a signal.

use std::net::SocketAddr;
use std::time::Duration;

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStderr, ChildStdout};

use super::Shell;
use crate::harness::Case;
use crate::sandbox::databricks::{DeliveryState, Options as SimOptions};
use crate::sandbox::faults::{Failure, Rule, Trigger};

pub async fn version(case: &Case, status: BucketVersioningStatus) {
    let aws = &case.sandbox.aws;
    let admin = aws.session("PlatformAdmin", true).await.expect("session");
    let configuration = VersioningConfiguration::builder().status(status).build();
    let request = aws.world.s3(&admin).put_bucket_versioning().bucket(&aws.bucket);
    request.versioning_configuration(configuration).send().await.expect("versioning");
}

/// What a check reads, and not one object.
const READS: &str = "s3:GetBucket*,s3:GetEncryptionConfiguration,s3:GetLifecycleConfiguration,\
                     s3:GetReplicationConfiguration,s3:GetAccountPublicAccessBlock,s3:ListBucket,s3:ListAccessPoints,\
                     kms:Describe*,kms:Get*,kms:List*,iam:Get*,iam:List*";

/// The forgotten delivery of the estate, which the manifest declares to be switched off.
fn forgotten(case: &Case, enabled: bool) {
    case.sandbox.databricks.edit(|data| {
        let mut all = data.log_delivery.iter_mut();
        let config = all.find(|config| config.config_name == "old audit logs").expect("the forgotten delivery");
        (config.enabled, config.delivers) = (enabled, false);
    });
}

/// An estate in sync, and the shell of a declared observer: the role of the scheduled check, which lists and does not read.
async fn observed() -> (Case, Shell) {
    let mut case = Case::insecure().await;
    let aws = &case.sandbox.aws;
    let own = serde_json::json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{}:root", aws.account) }, "Action": "sts:AssumeRole"
    }] });
    aws.world.make_role(&aws.root(), "Observer", &own, &[(READS, "*")]).await.expect("role");
    let observer = format!("\n[observers.drift]\nrole = \"{}\"\n", aws.role_arn("Observer"));
    let manifest = format!("{}{observer}", case.sandbox.manifest());
    case.declare(&manifest);
    case.converge(&case.router().await).await;
    case.sandbox.databricks.deliver_now().await;
    let shell = Shell::with_role(&case, "Observer").await;
    let (id, secret) = SimOptions::READER;
    let shell = shell.set("DATABRICKS_CLIENT_ID", id).set("DATABRICKS_CLIENT_SECRET", secret);
    shell.write("manifests/acme.toml", manifest + SINKS);
    (case, shell.set("HOOK_KEY", "whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="))
}

/// One that takes everything, and one that nobody answers for.
const SINKS: &str = r#"
[[alerts]]
name = "log"
kind = "file"
path = "../findings.jsonl"

[[alerts]]
name   = "siem"
kind   = "webhook"
url    = "http://127.0.0.1:9/"
secret = { env = "HOOK_KEY" }
"#;

/// State and code of what the log was told.
fn told(shell: &Shell) -> Vec<(String, String)> {
    let path = shell.path("findings.jsonl");
    let lines = std::fs::read_to_string(path).unwrap_or_default();
    let notice = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    lines.lines().map(notice).map(|one| (text(&one["type"]), text(&one["code"]))).collect()
}

fn codes(check: &Value, list: &str) -> Vec<String> {
    let codes = check[list].as_array().expect("list").iter();
    codes.map(|one| one["finding"]["code"].as_str().expect("code").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drift_is_told_once_to_an_observer_and_closed_when_it_is_repaired() {
    let (case, shell) = observed().await;
    let first = shell.ends(&["drift", "--format", "json"], 0).await.json();
    let schema = shell.ends(&["schema", "drift"], 0).await.json();
    let schema = jsonschema::validator_for(&schema).expect("schema");
    assert!(schema.is_valid(&first), "{first:#}");
    assert_eq!((first["complete"].as_bool(), first["previous_check"].is_null()), (Some(true), true));
    assert_eq!(first["deliveries"][0]["state"], "delivering", "{first:#}");
    assert!(first["deliveries"][0]["newest_object"].is_string());

    let before = told(&shell);
    version(&case, BucketVersioningStatus::Suspended).await;
    forgotten(&case, true);
    let found = shell.ends(&["drift", "--format", "json", "--fail-on", "low"], 2).await.json();
    assert!(schema.is_valid(&found), "{found:#}");
    let drift: Vec<&Value> =
        found["open"].as_array().expect("open").iter().filter(|one| one["drift"] == true).collect();
    assert_eq!((drift.len(), &found["summary"]["new"]), (2, &Value::from(2)), "{found:#}");
    assert!(drift[0]["finding"]["subject"].as_str().expect("subject").starts_with("_/log-delivery["), "{found:#}");
    assert_eq!(drift[1]["finding"]["subject"], "acme/bucket-versioning[audit]");
    assert_eq!((drift[1]["new"].as_bool(), drift[1]["manifest"].as_str()), (Some(true), Some("acme")));
    let by = &drift[1]["changed_by"];
    assert_eq!(by["event"], "PutBucketVersioning", "{found:#}");
    assert!(by["principal"].as_str().expect("who").contains(":assumed-role/PlatformAdmin/"), "{by}");

    // A manifest of another name is the same declaration.
    std::fs::rename(shell.path("manifests/acme.toml"), shell.path("manifests/renamed.toml")).expect("rename");
    let again = shell.ends(&["drift", "--format", "json"], 2).await.json();
    assert_eq!(
        (again["summary"]["new"].as_u64(), again["summary"]["closed"].as_u64()),
        (Some(0), Some(0)),
        "{again:#}"
    );
    assert_eq!(again["open"].as_array().map(Vec::len), found["open"].as_array().map(Vec::len));
    let text = shell.ends(&["drift"], 2).await;
    text.says("2 resources differ");
    text.says("medium   configuration-drift renamed/bucket-versioning[audit]: `status` is \"Suspended\"");
    text.says("open since ");

    let drifted =
        |state: &str| told(&shell).iter().filter(|(was, code)| was == state && code == "configuration-drift").count();
    assert_eq!((drifted("finding.opened"), drifted("finding.closed"), told(&shell).len()), (2, 0, before.len() + 2));
    // What one sink does not take waits for it, and for no other.
    assert!(text.err.contains("alert-"), "{}", text.err);
    let waiting = shell.ends(&["alert", "list", "--format", "json"], 0).await.json();
    let siem = waiting["sinks"].as_array().expect("sinks").iter().find(|one| one["sink"] == "siem").expect("siem");
    assert!(siem["waiting"].as_u64().is_some_and(|count| count >= 2), "{waiting:#}");

    version(&case, BucketVersioningStatus::Enabled).await;
    forgotten(&case, false);
    let closed = shell.ends(&["drift", "--format", "json"], 0).await.json();
    assert!(schema.is_valid(&closed), "{closed:#}");
    assert_eq!(codes(&closed, "closed"), ["configuration-drift", "configuration-drift"]);
    assert_eq!((drifted("finding.opened"), drifted("finding.closed")), (2, 2));
    shell.ends(&["drift", "--format", "markdown"], 0).await.says("<!-- auditseal:drift -->\n");
    unread_and_silent(&case, &shell).await;
    // A memory that cannot be used is named, and stays.
    shell.write("manifests/.auditseal/drift.json", "{");
    shell.ends(&["drift"], 1).await.says("move it away to begin anew");
    assert_eq!(shell.read("manifests/.auditseal/drift.json"), "{");
}

/// What is unread is never in sync, and closes nothing.
async fn unread_and_silent(case: &Case, shell: &Shell) {
    let deny = |operation: &str| {
        case.sandbox.faults.clear();
        case.sandbox.faults.add(Rule::before(Trigger::Operation(operation.to_owned()), Failure::Denied).always());
    };
    version(case, BucketVersioningStatus::Suspended).await;
    // Who made a change is not needed to see it.
    deny("cloudtrail:LookupEvents");
    shell.ends(&["drift"], 2).await.says("Note: who made the changes is not known: cloudtrail:LookupEvents");
    deny("s3:GetBucketVersioning");
    let unread = shell.ends(&["drift", "--format", "json"], 3).await.json();
    assert_eq!(unread["closed"].as_array().map(Vec::len), Some(0), "{unread:#}");
    let kept = unread["open"].as_array().expect("open").iter().find(|one| one["drift"] == true).expect("still open");
    assert_eq!(kept["seen"], false);
    deny("s3:ListObjectsV2");
    let unlisted = shell.ends(&["drift", "--format", "json"], 3).await.json();
    assert_eq!(unlisted["gaps"][0]["permission"], "s3:ListBucket", "{unlisted:#}");
    assert_eq!(unlisted["deliveries"][0]["state"], "unknown");
    case.sandbox.faults.clear();
    version(case, BucketVersioningStatus::Enabled).await;
    let closed = shell.ends(&["drift", "--format", "json"], 0).await.json();
    assert_eq!(codes(&closed, "closed"), ["configuration-drift", "unread-inputs"], "{closed:#}");

    // It fails, and has not succeeded for longer than declared.
    let old = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(30);
    case.sandbox.databricks.edit(|data| {
        for config in &mut data.log_delivery {
            (config.state, config.last_success, config.delivers) = (DeliveryState::UserFailure, Some(old), false);
            config.creation_time = old.as_millisecond();
        }
    });
    let silent = shell.ends(&["drift", "--format", "json", "--fail-on", "critical"], 4).await.json();
    for code in ["delivery-not-succeeded", "delivery-silent"] {
        assert!(codes(&silent, "open").contains(&code.to_owned()), "{code} is not open: {silent:#}");
    }
    assert_eq!(silent["deliveries"][0]["state"], "failing");
}

/// Started in one moment, as by two schedulers: the second one is a check after the first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_checks_at_once_the_second_sees_what_the_first_remembers() {
    let case = Case::empty().await;
    let shell = Shell::of(&case).await;
    let log = "\n[[alerts]]\nname = \"log\"\nkind = \"file\"\npath = \"../findings.jsonl\"\n";
    shell.write("manifests/acme.toml", shell.read("manifests/acme.toml") + log);
    let check = ["drift", "--format", "json"];
    let (one, two) = tokio::join!(shell.ends(&check, 2), shell.ends(&check, 2));
    let (one, two) = (one.json(), two.json());
    let new = |check: &Value| check["summary"]["new"].as_u64().expect("count");
    let open = one["summary"]["open"].as_u64().expect("count");
    assert!(open > 10, "{one:#}");
    assert_eq!((new(&one) + new(&two), two["summary"]["open"].as_u64()), (open, Some(open)), "{one:#}\n{two:#}");
    let told = told(&shell).into_iter().filter(|(state, _)| state == "finding.opened").count();
    assert_eq!(told as u64, open);

    // One that does not end.
    let lock = std::fs::File::open(shell.path("manifests/.auditseal/drift.lock")).expect("the lock");
    lock.lock().expect("locked");
    shell.ends(&["drift", "--lock-timeout", "1s"], 3).await.says("refused: lock-held: another check is using `");
}

/// `drift --every`, a thousand times faster than said: one check a second.
pub struct Watching {
    pub child: Child,
    address: SocketAddr,
    checks: Lines<BufReader<ChildStdout>>,
    /// What nobody reads would stop it.
    _notes: Lines<BufReader<ChildStderr>>,
}

impl Watching {
    pub async fn begin(shell: &Shell, more: &[&str]) -> Self {
        let every = ["drift", "--every", "1000s", "--listen", "0", "--format", "json"];
        let mut child = shell.command(&[&every, more].concat()).spawn().expect("start");
        let mut notes = BufReader::new(child.stderr.take().expect("stderr")).lines();
        let checks = BufReader::new(child.stdout.take().expect("stdout")).lines();
        let listening = notes.next_line().await.expect("text").expect("a note");
        let address = listening.split("http://").nth(1).and_then(|rest| rest.split(": ").next()).expect("address");
        Self { child, address: address.parse().expect("address"), checks, _notes: notes }
    }

    pub async fn next(&mut self) -> Value {
        let line = tokio::time::timeout(Duration::from_secs(60), self.checks.next_line()).await;
        let line = line.expect("a check in time").expect("text").expect("a line");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON line: {line}"))
    }

    pub async fn metrics(&self) -> String {
        ask(self.address, "/metrics").await
    }

    /// Waits until a line of the metrics is there.
    pub async fn shows(&self, line: &str) {
        for _ in 0..400 {
            if self.metrics().await.lines().any(|one| one == line) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{line} is not in\n{}", self.metrics().await);
    }
}

/// Asks the way a probe does.
async fn ask(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connect");
    stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await.expect("write");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("read");
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_go_on_through_failures_until_a_signal() {
    let case = Case::empty().await;
    let shell = Shell::of(&case).await;
    let mut watching = Watching::begin(&shell, &["--store", "kept/here"]).await;
    let address = watching.address;
    let first = watching.next().await;
    assert!(first["summary"]["new"].as_u64() > Some(0));
    assert_eq!(watching.next().await["summary"]["new"], 0);
    // The manifest is broken for a while.
    let manifest = shell.read("manifests/acme.toml");
    shell.write("manifests/acme.toml", "version = ");
    let failed = async || ask(address, "/metrics").await.contains("auditseal_checks_total{result=\"failed\"}");
    for _ in 0..200 {
        if failed().await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let alive = ask(address, "/healthz").await;
    assert!(alive.starts_with("HTTP/1.1 200 "), "{alive}");
    shell.write("manifests/acme.toml", manifest);
    let before = first["checked_at"].as_str().expect("time").to_owned();
    while watching.next().await["checked_at"].as_str() <= Some(&before) {}
    let metrics = watching.metrics().await;
    for expected in [
        "auditseal_checks_total{result=\"drift\"} ",
        "auditseal_checks_total{result=\"failed\"} ",
        "auditseal_open_findings{manifest=\"acme\",severity=\"high\"} ",
        "auditseal_questions_total ",
        "auditseal_requests_total{provider=\"aws\"} ",
        "auditseal_requests_total{provider=\"databricks\"} ",
        "auditseal_last_success_timestamp_seconds ",
    ] {
        assert!(metrics.contains(expected), "{expected} is not in\n{metrics}");
    }
    let number = |series: &str| -> u64 {
        let value = metrics.lines().find_map(|line| line.strip_prefix(series));
        value.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{series} is not in\n{metrics}"))
    };
    let provider = |name: &str| number(&format!("auditseal_requests_total{{provider=\"{name}\"}} "));
    // Lists have pages of three here, and tokens are fetched.
    let (sent, served) = (provider("aws") + provider("databricks"), case.sandbox.faults.counted().0);
    assert!(number("auditseal_questions_total ") < sent && sent <= served, "{sent} of {served}\n{metrics}");
    assert!(provider("aws") > provider("databricks") && provider("databricks") > 10, "{metrics}");
    for secret in ["sandbox-admin-secret", "AKIA", "ASIA"] {
        assert!(!metrics.contains(secret), "{metrics}");
    }
    assert!(shell.read("kept/here/drift.json").contains("\"checked_at\""));
    assert!(!shell.path("manifests/.auditseal").exists());
    let id = watching.child.id().expect("running").to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill").success());
    assert_eq!(watching.child.wait().await.expect("end").code(), Some(143));
}

#[tokio::test]
async fn a_schedule_that_is_none_is_wrong_usage() {
    let shell = Shell::bare();
    for arguments in [
        ["drift", "--every", "10s"],
        ["drift", "--every", "soon"],
        ["drift", "--listen", "9187"],
        ["drift", "--fail-on", "awful"],
    ] {
        shell.ends(&arguments, 64).await;
    }
    shell.ends(&["drift", "--every", "15m", "--listen", "here"], 64).await.says("127.0.0.1:9187");
}
