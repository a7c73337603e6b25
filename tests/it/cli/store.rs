//! `[store]`: machines that forget everything go on where another one stopped.

use std::collections::BTreeMap;
use std::time::Duration;

use auditseal::call::{ActionNeed, Listing};
use auditseal::journal::Entry;
use auditseal::run::permissions::{Command, permissions};
use auditseal::run::store::{Store, Which};
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use serde_json::{Value, json};

use super::Shell;
use super::drift::Watching;
use crate::harness::Case;
use crate::permissions::allow_only;
use crate::receiver::{KEY, Receiver, assert_signed, say};
use crate::sandbox::aws_seed::World;
use crate::sandbox::faults::{Failure, Rule, Trigger};

/// A bucket of the account for the store, and what a manifest says of it.
async fn store(case: &Case) -> (String, String) {
    let bucket = format!("{}-store", case.sandbox.aws.bucket);
    let s3 = case.sandbox.aws.world.s3(&case.sandbox.aws.root());
    s3.create_bucket().bucket(&bucket).send().await.expect("bucket");
    let text = format!("{}\n[store]\ns3 = \"s3://{bucket}/auditseal/acme\"\n", case.sandbox.manifest());
    (bucket, text)
}

/// What a check remembers that found nothing.
const EMPTY: &str = r#"{ "format_version": "1.0", "begun_at": null, "checked_at": null, "open": [] }"#;

/// A fresh machine: the repository, and nothing that earlier runs left.
async fn runner(case: &Case, manifest: &str) -> Shell {
    let shell = Shell::of(case).await;
    shell.write("manifests/acme.toml", manifest);
    shell
}

async fn object(case: &Case, bucket: &str, key: &str) -> Option<String> {
    let s3 = case.sandbox.aws.world.s3(&case.sandbox.aws.root());
    let answer = s3.get_object().bucket(bucket).key(format!("auditseal/acme/{key}")).send().await.ok()?;
    let bytes = answer.body.collect().await.expect("body").to_vec();
    Some(String::from_utf8(bytes).expect("text"))
}

/// Writes of the run that took effect, by operation, less those that a journal announces: what is left was not announced.
fn unannounced(case: &Case, journal: &str) -> Vec<String> {
    let mut left: BTreeMap<String, i64> = BTreeMap::new();
    for line in journal.lines() {
        if let Ok(Entry::WriteStarted { write, .. }) = Entry::parse(line) {
            *left.entry(write.operation().to_owned()).or_default() -= 1;
        }
    }
    for record in case.sandbox.faults.recorded() {
        let counted = ["s3:", "kms:", "iam:"].iter().any(|service| record.name.starts_with(service));
        let is_own = record.name == "s3:PutObject";
        if record.is_write && record.effect.is_some_and(|status| status < 300) && counted && !is_own {
            *left.entry(record.name).or_default() += 1;
        }
    }
    left.into_iter().filter(|(_, left)| *left > 0).map(|(name, _)| name).collect()
}

fn stored(case: &Case) -> usize {
    case.sandbox.faults.recorded().iter().filter(|one| one.name == "s3:PutObject").count()
}

/// An apply on a fresh machine that dies before the bucket policy after `skip` others is written. Gives the run, as another fresh
/// machine finds it.
async fn killed(case: &Case, (bucket, manifest): &(String, String), skip: u32) -> (String, Shell) {
    let (first, faults) = (runner(case, manifest).await, case.sandbox.faults.clone());
    faults.reset();
    faults.add(Rule::before(Trigger::Operation("s3:PutBucketPolicy".to_owned()), Failure::Kill).skip(skip));
    let mut child = first.command(&["apply", "--auto-approve"]).spawn().expect("start");
    tokio::time::timeout(Duration::from_secs(120), faults.killed()).await.expect("it came so far");
    child.kill().await.expect("killed");
    faults.clear();
    faults.revive();
    let second = runner(case, manifest).await;
    let listed = second.ends(&["runs", "--format", "json"], 0).await.json();
    let run = listed["runs"][0]["run"].as_str().expect("a run").to_owned();
    assert_eq!(listed["runs"][0]["outcome"], "unfinished");
    let journal = object(case, bucket, &format!("runs/{run}.jsonl")).await.expect("journal");
    assert_eq!(unannounced(case, &journal), [""; 0], "written before it was kept");
    assert!(journal.contains("write_finished"), "the run came nowhere");
    assert_eq!(journal, second.read(&format!("manifests/.auditseal/runs/{run}.jsonl")));
    // Its lease would end in a quarter of an hour.
    second.ends(&["unlock", &run], 0).await;
    (run, second)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_runs_are_put_back_and_resumed_by_machines_that_forget() {
    let case = Case::insecure().await;
    let store = store(&case).await;
    let (run, second) = killed(&case, &store, 0).await;
    second.ends(&["rollback", "zzz"], 1).await.says(&format!("the last runs are `{run}`"));
    let allow = ["--allow", "access-widened", "--allow", "statements-removed"];
    let back = second.ends(&[&["rollback", &run[..8], "--auto-approve"], &allow[..]].concat(), 0).await;
    back.says("what could be put back is as it was before that run");

    let (_, third) = killed(&case, &store, 1).await;
    case.sandbox.faults.reset();
    third.ends(&["apply", "--auto-approve"], 0).await.says("Verification: the live configuration matches");
    let journals = third.ends(&["runs", "--format", "json"], 0).await.json();
    assert_eq!(journals["runs"].as_array().map(Vec::len), Some(4));
    let writes = journals["runs"][0]["writes"].as_u64().expect("writes");
    // One for each write, one for an id that it gave, one for the beginning and the end.
    let most = usize::try_from(writes).expect("number") * 2 + 2;
    assert!(stored(&case) <= most, "{} journals were sent for {writes} writes", stored(&case));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_cannot_be_kept_does_not_begin_and_does_not_go_on() {
    let case = Case::empty().await;
    let (bucket, manifest) = store(&case).await;
    let shell = runner(&case, &manifest).await;
    let faults = case.sandbox.faults.clone();
    for operation in ["s3:ListObjectsV2", "s3:PutObject"] {
        faults.reset();
        faults.add(Rule::before(Trigger::Operation(operation.to_owned()), Failure::Denied).always());
        let refused = shell.ends(&["apply", "--auto-approve"], 3).await;
        refused.says("refused: store-unavailable: ");
        refused.says(if operation == "s3:PutObject" { "(needs s3:PutObject)" } else { "(needs s3:ListBucket)" });
        let written = |name: &str| !name.starts_with("ssm:") && name != "s3:PutObject";
        let wrote: Vec<String> = faults
            .recorded()
            .into_iter()
            .filter(|one| one.is_write && written(&one.name))
            .map(|one| one.name)
            .collect();
        assert_eq!(wrote, [""; 0], "without {operation}");
        faults.clear();
    }
    assert!(!shell.path("manifests/.auditseal/runs").read_dir().is_ok_and(|mut runs| runs.next().is_some()));

    // In the middle: what is announced nowhere is not sent, and nothing is lost.
    faults.reset();
    faults.add(Rule::before(Trigger::Operation("s3:PutObject".to_owned()), Failure::Denied).skip(6).always());
    let stopped = shell.ends(&["apply", "--auto-approve"], 1).await;
    stopped.says("the journal could not be written: the store");
    let refused = faults.recorded().iter().position(|one| one.name == "s3:PutObject" && one.status == Some(403));
    let later: Vec<String> = faults.recorded()[refused.expect("refused")..]
        .iter()
        .filter(|one| one.is_write && !one.name.starts_with("ssm:") && one.name != "s3:PutObject")
        .map(|one| one.name.clone())
        .collect();
    assert_eq!(later, [""; 0]);
    faults.clear();
    let run =
        shell.ends(&["runs", "--format", "json"], 0).await.json()["runs"][0]["run"].as_str().expect("run").to_owned();
    let kept = object(&case, &bucket, &format!("runs/{run}.jsonl")).await.expect("journal");
    let here = shell.read(&format!("manifests/.auditseal/runs/{run}.jsonl"));
    assert!(here.len() > kept.len() && here.starts_with(&kept));

    // A second writer: the journal is one run's, and the run stops.
    let s3 = case.sandbox.aws.world.s3(&case.sandbox.aws.root());
    let put = |key: String, text: String| {
        s3.put_object().bucket(&bucket).key(format!("auditseal/acme/{key}")).body(text.into_bytes().into()).send()
    };
    put(format!("runs/{run}.jsonl"), "another\n".to_owned()).await.expect("overwritten");
    shell.ends(&["apply", "--auto-approve"], 3).await.says("store-diverged: ");
    put(format!("runs/{run}.jsonl"), kept).await.expect("put back");
    shell.ends(&["apply", "--auto-approve"], 0).await.says("Verification: the live configuration matches");
    // A runner without a store is told what it forgets, once.
    let forgets = Shell::of(&case).await.set("GITHUB_ACTIONS", "true").set("CI", "true");
    let warned = forgets.run(&["drift"]).await;
    assert_eq!(warned.err.matches("which a CI runner forgets: declare a [store]").count(), 1, "{}", warned.err);
    let warned = shell.set("CI", "true").run(&["drift"]).await;
    assert!(!warned.err.contains("warning:"), "{}", warned.err);
    // What the stopped run had left to say is there as well.
    assert_eq!(object(&case, &bucket, &format!("runs/{run}.jsonl")).await.expect("journal"), here);
}

/// How many a check opened and closed.
fn moved(ended: &super::Ended) -> (usize, usize) {
    let document = ended.json();
    let count = |key: &str| document["summary"][key].as_u64().and_then(|count| usize::try_from(count).ok());
    (count("new").expect("new"), count("closed").expect("closed"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checks_of_machines_that_forget_tell_everything_once() {
    let case = Case::insecure().await;
    let (bucket, manifest) = store(&case).await;
    let receiver = Receiver::start().await;
    let sink = "[[alerts]]\nname = 'siem'\nkind = 'webhook'\nurl = { env = 'HOOK' }\nsecret = { env = 'HOOK_KEY' }\n";
    let manifest = format!("{manifest}\n{sink}");
    let fresh = async || {
        let shell = runner(&case, &manifest).await;
        shell.set("HOOK", &format!("{}/siem", receiver.url)).set("HOOK_KEY", KEY)
    };
    let check = async |code: i32| fresh().await.ends(&["drift", "--format", "json"], code).await;

    // The sink is away: its messages wait in the store.
    receiver.then("/siem", &[say(401)]);
    let first = check(2).await;
    let (opened, _) = moved(&first);
    assert!(opened > 3, "{opened}");
    let listed = fresh().await.ends(&["alert", "list", "--format", "json"], 0).await.json();
    assert_eq!(listed["sinks"][0]["waiting"], opened);

    let second = check(2).await;
    assert_eq!(moved(&second), (0, 0), "told again: {}", second.out);
    let arrived = || -> Vec<Value> { receiver.at("/siem").iter().skip(1).map(|seen| seen.json()).collect() };
    receiver.at("/siem").iter().for_each(assert_signed);
    assert_eq!(arrived().len(), opened, "each message once");
    let objects = || async {
        let s3 = case.sandbox.aws.world.s3(&case.sandbox.aws.root());
        let list = s3.list_objects_v2().bucket(&bucket).prefix("auditseal/acme/outbox/").send().await.expect("list");
        list.key_count().unwrap_or_default()
    };
    assert_eq!(objects().await, 0, "what was delivered still waits");

    super::drift::version(&case, aws_sdk_s3::types::BucketVersioningStatus::Enabled).await;
    let (opened_now, closed) = moved(&check(2).await);
    assert!(opened_now == 0 && closed > 0, "{opened_now} opened, {closed} closed");
    assert_eq!(moved(&check(2).await), (0, 0), "closed twice");
    assert_eq!(arrived().len(), opened + closed);

    // Without the store nothing is known, so that it is told again rather than not at all; and that is said.
    case.sandbox.faults.add(Rule::before(Trigger::Operation("s3:GetObject".to_owned()), Failure::Denied).always());
    let blind = check(3).await;
    blind.says("warning: store-unavailable: ");
    assert_eq!(moved(&blind).0, opened - closed);
    case.sandbox.faults.clear();
    assert!(!object(&case, &bucket, "drift.json").await.expect("memory").contains("hush"));
    // Two checks that did not know of each other: what either knows is known, and is not told again.
    assert_eq!(moved(&check(2).await), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_another_account_and_region_is_used_when_its_policy_lets_in() {
    let case = Case::empty().await;
    let aws = &case.sandbox.aws;
    let (bucket, theirs) = (format!("{}-elsewhere", aws.bucket), case.sandbox.emulator.fresh_account());
    let world = World::new(case.sandbox.emulator.url(), "eu-central-1");
    let s3 = world.s3(&World::root(&theirs));
    let there = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::EuCentral1);
    let make = s3.create_bucket().bucket(&bucket).create_bucket_configuration(there.build());
    make.send().await.expect("bucket");
    let store = format!("[store]\ns3 = \"s3://{bucket}/kept\"\naccount_id = \"{theirs}\"\n");
    let manifest = format!("{}\n{store}", case.sandbox.manifest());
    let fresh = async || runner(&case, &manifest).await;

    fresh().await.ends(&["apply", "--auto-approve"], 3).await.says("refused: store-unavailable: ");
    let writes = case.sandbox.faults.recorded().iter().filter(|one| one.is_write && one.effect.is_some()).count();
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": { "AWS": aws.role_arn("PlatformAdmin") },
          "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"],
          "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/kept/*")] },
    ] });
    s3.put_bucket_policy().bucket(&bucket).policy(policy.to_string()).send().await.expect("policy");
    assert_eq!(writes, 0, "written without the store");
    case.sandbox.faults.reset();
    fresh().await.ends(&["apply", "--auto-approve"], 0).await.says("Verification: the live configuration matches");
    let listed = s3.list_objects_v2().bucket(&bucket).prefix("kept/runs/").send().await.expect("list");
    assert_eq!(listed.key_count(), Some(1));
    // The region is found out once, for reads and writes alike.
    let redirected = case.sandbox.faults.recorded().iter().filter(|one| one.status == Some(301)).count();
    assert!((1..=2).contains(&redirected), "{redirected} redirects");
    let runs = fresh().await.ends(&["runs", "--format", "json"], 0).await.json();
    assert_eq!(runs["runs"].as_array().map(Vec::len), Some(1), "{runs}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_monitoring_system_sees_what_waits_and_what_is_not_kept() {
    let case = Case::empty().await;
    let (_, manifest) = store(&case).await;
    let receiver = Receiver::start().await;
    let sink = "[[alerts]]\nname = 'siem'\nkind = 'webhook'\nurl = { env = 'HOOK' }\nsecret = { env = 'HOOK_KEY' }\n";
    let shell = runner(&case, &format!("{manifest}\n{sink}")).await;
    let shell = shell.set("HOOK", &format!("{}/siem", receiver.url)).set("HOOK_KEY", KEY);
    // The key is wrong, for as long as this lasts.
    receiver.then("/siem", &vec![say(401); 1000]);
    let mut watching = Watching::begin(&shell, &[]).await;
    let opened = watching.next().await["summary"]["new"].as_u64().expect("new");
    assert!(opened > 0);
    watching.shows(&format!("auditseal_alerts_waiting{{sink=\"siem\"}} {opened}")).await;
    watching.shows("auditseal_alerts_refused{sink=\"siem\"} 0").await;
    watching.shows("auditseal_kept 1").await;
    case.sandbox.faults.add(Rule::before(Trigger::Operation("s3:GetObject".to_owned()), Failure::Denied).always());
    watching.shows("auditseal_kept 0").await;
    case.sandbox.faults.clear();
    watching.shows("auditseal_kept 1").await;
}

/// What the lists of `permissions` say of the store is enough for it, and nothing of it is idle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_store_needs() {
    let mut case = Case::empty().await;
    let (bucket, manifest) = store(&case).await;
    case.declare(&manifest);
    let root = case.sandbox.aws.world.s3(&case.sandbox.aws.root());
    let clock = crate::harness::clock();
    let message = "outbox/siem/00000000000000000001-a.json";
    for (command, count) in [(Command::Runs, 2), (Command::Apply, 3), (Command::Drift, 4)] {
        let only = |listing: &Listing, without: &str| -> Vec<String> {
            let mut policies: Vec<_> = listing.aws.iter().flat_map(|one| one.policies.clone()).collect();
            for statement in policies.iter_mut().flat_map(|policy| &mut policy.statements) {
                statement.resource.retain(|one| one.contains("-store"));
                statement.action.retain(|one| one != without);
            }
            for policy in &mut policies {
                policy.statements.retain(|one| !one.action.is_empty() && !one.resource.is_empty());
            }
            policies.retain(|policy| !policy.statements.is_empty());
            policies.iter().map(|policy| policy.pretty()).collect()
        };
        let listing = permissions(command, &case.desired);
        let on_store = |need: &&ActionNeed| need.resources.iter().any(|one| one.contains("-store"));
        let needed: Vec<&str> = listing.aws[0].actions.iter().filter(on_store).map(|one| one.action.as_str()).collect();
        assert_eq!(needed.len(), count, "{needed:?}");
        for without in std::iter::once("").chain(needed) {
            // A journal and a message here, and others there.
            let folder = tempfile::tempdir().expect("folder");
            for (name, text) in [("runs/here.jsonl", "x"), ("drift.json", EMPTY), (message, "{}")] {
                let path = folder.path().join(name);
                std::fs::create_dir_all(path.parent().expect("parent")).expect("folder");
                std::fs::write(path, text).expect("file");
            }
            for name in ["runs/here.jsonl", message, "drift.json"] {
                root.delete_object()
                    .bucket(&bucket)
                    .key(format!("auditseal/acme/{name}"))
                    .send()
                    .await
                    .expect("deleted");
            }
            for name in ["runs/there.jsonl", "outbox/siem/00000000000000000002-b.json"] {
                let put = root.put_object().bucket(&bucket).key(format!("auditseal/acme/{name}"));
                put.body(b"y".to_vec().into()).send().await.expect("put");
            }
            allow_only(&case, "PlatformAdmin", &only(&listing, without)).await;
            let router = case.router().await;
            let client = router.aws(&case.sandbox.aws.account, crate::sandbox::estate::REGION).expect("client");
            let store = Store::declared(folder.path(), "s3://x".to_owned(), client.objects(&bucket, "auditseal/acme"));
            let done = match command {
                Command::Runs => store.fetch(Which::All).await,
                Command::Apply => {
                    async {
                        store.settle(&clock).await?;
                        store.fetch(Which::Newest).await
                    }
                    .await
                }
                _ => {
                    async {
                        store.sync_outbox(&clock).await?;
                        store.sync_memory(&clock).await?;
                        std::fs::remove_file(folder.path().join(message)).expect("delivered");
                        store.sync_outbox(&clock).await
                    }
                    .await
                }
            };
            match without {
                "" => done.unwrap_or_else(|error| panic!("{command:?}: {error}")),
                _ => {
                    let error = done.expect_err(without).to_string();
                    assert!(error.contains(without), "{command:?} without {without}: {error}");
                }
            }
        }
    }
}
