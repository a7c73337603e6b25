//! The library with a store: two that write at one time, and what is missing on one side.

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use auditseal::apply::{Event, Recorder};
use auditseal::drift::{Memory, Open};
use auditseal::finding::{Finding, Severity};
use auditseal::journal::{Entry, RunResult};
use auditseal::provider::router::Router;
use auditseal::run::apply::{ApplyError, ApplyOptions, apply};
use auditseal::run::store::{Store, StoreError};

use crate::harness::{Case, assert_not_refused, clock};
use crate::sandbox::estate::REGION;
use crate::struck::Quick;

/// The bucket of a store, seen past the faults and records of the estate.
pub struct Bucket {
    s3: aws_sdk_s3::Client,
    name: String,
}

impl Bucket {
    pub async fn make(case: &Case) -> Self {
        let s3 = case.sandbox.aws.world.s3(&case.sandbox.aws.root());
        let name = format!("{}-store", case.sandbox.aws.bucket);
        s3.create_bucket().bucket(&name).send().await.expect("bucket");
        Self { s3, name }
    }

    pub async fn put(&self, key: &str, text: &str) {
        let put = self.s3.put_object().bucket(&self.name).key(key);
        put.body(text.as_bytes().to_vec().into()).send().await.expect("put");
    }

    async fn remove(&self, key: &str) {
        self.s3.delete_object().bucket(&self.name).key(key).send().await.expect("removed");
    }

    async fn get(&self, key: &str) -> Option<String> {
        let answer = self.s3.get_object().bucket(&self.name).key(key).send().await.ok()?;
        Some(String::from_utf8(answer.body.collect().await.expect("body").to_vec()).expect("text"))
    }

    pub fn store(&self, case: &Case, router: &Router, folder: &Path) -> Store {
        let client = router.aws(&case.sandbox.aws.account, REGION).expect("client");
        Store::declared(folder, format!("s3://{}", self.name), client.objects(&self.name, ""))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_writer_of_a_journal_stops_the_run_before_its_next_write() {
    let case = Case::empty().await;
    let (bucket, router) = (Bucket::make(&case).await, case.router().await);
    let plan = case.plan(&router).await;
    assert_not_refused(&plan);
    let store = bucket.store(&case, &router, case.folder.path());
    let options = ApplyOptions {
        store: &store,
        run: "mine",
        owner: "a test",
        lock_timeout: Duration::ZERO,
        stop: &AtomicBool::new(false),
    };
    let mut written = 0;
    let ended = apply(&router, &Quick, &plan, &options, &mut |event| {
        if matches!(event, Event::Started { step: 3, .. }) {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(bucket.put("runs/mine.jsonl", "somebody else's"));
            });
            written = case.sandbox.faults.recorded().len();
        }
    })
    .await;
    let Err(ApplyError::Record(error)) = ended else { panic!("{ended:?}") };
    assert!(error.to_string().contains("are not of one run"), "{error}");
    let later: Vec<String> = case.sandbox.faults.recorded()[written..]
        .iter()
        .filter(|one| one.is_write && one.effect.is_some_and(|status| status < 300) && !one.name.starts_with("ssm:"))
        .map(|one| one.name.clone())
        .collect();
    assert_eq!(later, [""; 0], "written although the journal was not kept");
    assert_eq!(bucket.get("runs/mine.jsonl").await.as_deref(), Some("somebody else's"), "it is not overwritten");
}

fn open(code: &str) -> Open {
    Open {
        fingerprint: code.to_owned(),
        manifest: None,
        owner: None,
        seen_by: None,
        after: None,
        basis: "address:x".to_owned(),
        drift: false,
        since: "2026-11-23T06:00:00Z".parse().expect("time"),
        finding: Finding {
            code: code.to_owned(),
            severity: Severity::High,
            subject: "x".to_owned(),
            message: String::new(),
            help: None,
            span: None,
        },
        changed_by: None,
    }
}

fn remember(folder: &Path, codes: &[&str]) {
    let memory = Memory { open: codes.iter().map(|code| open(code)).collect(), ..Memory::empty() };
    std::fs::write(folder.join("drift.json"), memory.text().expect("text")).expect("file");
}

fn remembered(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(folder.join("drift.json")).expect("file");
    Memory::parse(&text).expect("memory").open.into_iter().map(|one| one.fingerprint).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn folders_meet_in_the_store_and_nothing_is_lost() {
    let case = Case::empty().await;
    let (bucket, router, clock) = (Bucket::make(&case).await, case.router().await, clock());
    let (one, two) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    let (first, second) = (bucket.store(&case, &router, one.path()), bucket.store(&case, &router, two.path()));

    // Two checks at one time.
    remember(one.path(), &["a"]);
    first.sync_memory(&clock).await.expect("first");
    second.sync_memory(&clock).await.expect("fetched");
    assert_eq!(remembered(two.path()), ["a"]);
    remember(one.path(), &["a", "b"]);
    remember(two.path(), &["a", "c"]);
    first.sync_memory(&clock).await.expect("first");
    second.sync_memory(&clock).await.expect("merged");
    first.sync_memory(&clock).await.expect("first");
    assert_eq!(
        (remembered(one.path()), remembered(two.path())),
        (remembered(two.path()), ["a", "b", "c"].map(String::from).to_vec())
    );
    // What is damaged is neither taken nor overwritten.
    let good = bucket.get("drift.json").await.expect("memory");
    bucket.put("drift.json", "{").await;
    assert!(matches!(first.sync_memory(&clock).await, Err(StoreError::Unusable { .. })));
    assert_eq!((bucket.get("drift.json").await.as_deref(), remembered(one.path()).len()), (Some("{"), 3));
    bucket.put("drift.json", &good).await;
    std::fs::write(one.path().join("drift.json"), "{").expect("file");
    first.sync_memory(&clock).await.expect("left to whoever reads the file");
    assert_eq!(bucket.get("drift.json").await, Some(good));
    std::fs::remove_file(one.path().join("drift.json")).expect("file");
    first.sync_memory(&clock).await.expect("fetched");

    // A message that one machine delivers is gone everywhere; one in a store that was emptied is not.
    let message = |folder: &Path, name: &str| folder.join("outbox/siem").join(name);
    std::fs::create_dir_all(one.path().join("outbox/siem")).expect("folder");
    for name in ["1-a.json", "2-b.json", ".lock", ".later"] {
        std::fs::write(message(one.path(), name), "{}").expect("file");
    }
    first.sync_outbox(&clock).await.expect("kept");
    assert!(bucket.get("outbox/siem/.later").await.is_none(), "what is about this machine stays here");
    second.sync_outbox(&clock).await.expect("fetched");
    std::fs::remove_file(message(two.path(), "1-a.json")).expect("delivered");
    std::fs::create_dir_all(two.path().join("outbox/siem/refused")).expect("folder");
    std::fs::rename(message(two.path(), "2-b.json"), message(two.path(), "refused/2-b.json")).expect("refused");
    second.sync_outbox(&clock).await.expect("delivered");
    first.sync_outbox(&clock).await.expect("told");
    assert!(!message(one.path(), "1-a.json").exists() && !message(one.path(), "2-b.json").exists());
    assert!(message(one.path(), "refused/2-b.json").exists());
    for key in ["drift.json", "outbox/siem/refused/2-b.json"] {
        bucket.remove(key).await;
    }
    first.sync_outbox(&clock).await.expect("kept again");
    assert!(message(one.path(), "refused/2-b.json").exists());
    assert!(bucket.get("outbox/siem/refused/2-b.json").await.is_some());
    // Names that lead elsewhere are nobody's messages.
    bucket.put("outbox/../../evil.json", "x").await;
    bucket.put("runs/../../evil.jsonl", "x").await;
    first.sync_outbox(&clock).await.expect("ignored");
    assert!(!one.path().join("../evil.json").exists());

    // The journal of a run that goes on is that run's alone.
    let end = Entry::RunFinished { at: "2026-11-23T06:00:00Z".to_owned(), result: RunResult::Applied };
    let alone = Store::local(one.path());
    let mut journal = alone.journal("live", &clock).expect("journal");
    journal.record(&end).await.expect("written");
    first.settle(&clock).await.expect("nothing to do");
    assert!(bucket.get("runs/live.jsonl").await.is_none());
    drop(journal);
    first.settle(&clock).await.expect("kept");
    let kept = bucket.get("runs/live.jsonl").await.expect("journal");
    assert_eq!(kept, end.line().expect("line") + "\n");
    // One that somebody removed there is not brought back.
    bucket.remove("runs/live.jsonl").await;
    first.settle(&clock).await.expect("left");
    assert!(bucket.get("runs/live.jsonl").await.is_none());
}
