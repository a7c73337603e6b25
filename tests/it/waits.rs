//! What a change may cost the delivery: nothing. Waits, undoing, and stopping between steps.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use auditseal::apply::{Clock, Event, StepState};
use auditseal::call::{Query, Read};
use auditseal::journal::RunResult;
use auditseal::model::{Address, Fact, Kind};
use auditseal::provider::Reader;
use auditseal::run::apply::{Applied, ApplyError, ApplyOptions, apply};
use auditseal::run::lock::{Holder, LockStore, unlock};
use auditseal::run::store::Store;

use crate::harness::{Case, assert_not_refused, clock};
use crate::sandbox::estate::SPEED;
use crate::sandbox::faults::{Failure, Rule, Trigger};
use crate::stores::Bucket;
use crate::struck::{delivers, lock_of};

/// The state of every step of a kind.
fn states(applied: &Applied, kind: Kind) -> Vec<StepState> {
    let of_kind = |address: &Address| address.kind == kind && address.name != "access";
    applied.outcome.steps.iter().filter(|step| of_kind(&step.address)).map(|step| step.state.clone()).collect()
}

async fn algorithm(case: &Case) -> String {
    let query =
        Query { place: case.aws_place(), read: Read::BucketEncryption { bucket: case.sandbox.aws.bucket.clone() } };
    let fact = case.router().await.read(&query).await.present().expect("an encryption");
    Fact::encryption(&fact).expect("encryption").algorithm.clone()
}

/// Configurations that are enabled, by name.
fn enabled(case: &Case) -> Vec<String> {
    let all = case.sandbox.databricks.log_deliveries();
    all.into_iter().filter(|config| config.enabled).map(|config| config.config_name).collect()
}

/// Makes Databricks fail to assume the role of a credential, as a trust policy that somebody broke would.
fn break_credential(case: &Case, role_arn: &str, broken: bool) {
    let suffix = "-gone";
    case.sandbox.databricks.edit(|data| {
        for credential in &mut data.credentials {
            if broken && credential.role_arn == role_arn {
                credential.role_arn.push_str(suffix);
            } else if !broken && credential.role_arn == format!("{role_arn}{suffix}") {
                credential.role_arn = role_arn.to_owned();
            }
        }
    });
}

/// Whether the audit bucket has just got its key.
fn is_encrypted(event: &Event) -> bool {
    matches!(event, Event::Finished { address, .. } if address.kind == Kind::BucketEncryption && address.name == "audit")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_that_delivery_does_not_survive_are_taken_back() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    assert_not_refused(&plan);
    assert_eq!(algorithm(&case).await, "AES256");
    let role = case.sandbox.insecure.as_ref().expect("insecure").role_arn.clone();
    let applied = case
        .apply_watched(&router, &plan, &AtomicBool::new(false), &mut |event| {
            if is_encrypted(&event) {
                break_credential(&case, &role, true);
            }
        })
        .await
        .expect("the run ends by itself");
    assert_eq!(applied.outcome.result, RunResult::Partial);
    assert_eq!(states(&applied, Kind::BucketEncryption), [StepState::Undone]);
    assert_eq!(states(&applied, Kind::BucketOwnership), [StepState::Undone]);
    assert_eq!(algorithm(&case).await, "AES256", "the default that worked is back");
    assert!(enabled(&case).contains(&"audit logs".to_owned()), "the old delivery was not switched off");
    // With the trust repaired the same plan goes through.
    break_credential(&case, &role, false);
    case.sandbox.databricks.deliver_now().await;
    case.converge(&router).await;
    assert_eq!(algorithm(&case).await, "aws:kms");
}

/// A store that is lost meanwhile is no reason to leave the delivery broken: what is taken back stands in the file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_delivery_does_not_survive_is_taken_back_without_the_store_too() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let role = case.sandbox.insecure.as_ref().expect("insecure").role_arn.clone();
    let bucket = Bucket::make(&case).await;
    let options = ApplyOptions {
        store: &bucket.store(&case, &router, case.folder.path()),
        run: "mine",
        owner: "a test",
        lock_timeout: Duration::ZERO,
        stop: &AtomicBool::new(false),
    };
    let (mut encrypted, mut lost) = (false, false);
    let ended = apply(&router, &clock(), &plan, &options, &mut |event| {
        if is_encrypted(&event) {
            break_credential(&case, &role, true);
            encrypted = true;
        } else if encrypted && matches!(event, Event::Waiting { .. }) && !lost {
            lost = true;
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(bucket.put("runs/mine.jsonl", "somebody else's"));
            });
        }
    })
    .await;
    assert!(lost, "nothing was waited for");
    assert!(matches!(ended, Err(ApplyError::Record(_))), "the next write is not sent without the store: {ended:?}");
    assert_eq!(algorithm(&case).await, "AES256", "the default that worked is back");
    break_credential(&case, &role, false);
    case.sandbox.databricks.deliver_now().await;
    case.converge(&router).await;
}

/// Half of it taken back would be worse than nothing: the key without the role's permission for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_taken_back_keeps_what_it_rests_on() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let role = case.sandbox.insecure.as_ref().expect("insecure").role_arn.clone();
    let applied = case
        .apply_watched(&router, &plan, &AtomicBool::new(false), &mut |event| {
            if is_encrypted(&event) {
                break_credential(&case, &role, true);
                let write = Trigger::Operation("s3:PutBucketEncryption".to_owned());
                case.sandbox.faults.add(Rule { times: u32::MAX, ..Rule::before(write, Failure::Denied) });
            }
        })
        .await
        .expect("the run ends by itself");
    case.sandbox.faults.clear();
    assert_eq!(algorithm(&case).await, "aws:kms", "it could not be taken back");
    assert!(!states(&applied, Kind::BucketEncryption).contains(&StepState::Undone));
    break_credential(&case, &role, false);
    assert!(delivers(&case).await, "what delivers may use the key: {:#?}", case.sandbox.databricks.log_deliveries());
    case.converge(&router).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_being_taken_back_is_taken_back_whatever_signal_comes() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let role = case.sandbox.insecure.as_ref().expect("insecure").role_arn.clone();
    let (stop, breaks) = (AtomicBool::new(false), AtomicBool::new(false));
    let applied = case
        .apply_watched(&router, &plan, &stop, &mut |event| match &event {
            event if is_encrypted(event) && !breaks.load(Ordering::SeqCst) => {
                break_credential(&case, &role, true);
                breaks.store(true, Ordering::SeqCst);
                // The first request that takes something back is throttled, and the user presses Ctrl-C then.
                let write = Trigger::Operation("s3:PutBucketEncryption".to_owned());
                case.sandbox.faults.add(Rule::before(write, Failure::Throttle));
            }
            Event::Retrying { .. } if breaks.load(Ordering::SeqCst) => stop.store(true, Ordering::SeqCst),
            _ => {}
        })
        .await
        .expect("the run ends by itself");
    assert!(stop.load(Ordering::SeqCst), "the stop came while changes were taken back");
    assert_eq!(applied.outcome.result, RunResult::Interrupted);
    assert_eq!(states(&applied, Kind::BucketEncryption), [StepState::Undone]);
    assert_eq!(states(&applied, Kind::BucketOwnership), [StepState::Undone]);
    assert_eq!(algorithm(&case).await, "AES256", "the default that worked is back");
}

/// Real time that a test may push forward.
struct Pushed(std::sync::atomic::AtomicI64);

impl Clock for Pushed {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now() + jiff::SignedDuration::from_secs(self.0.load(Ordering::SeqCst))
    }

    async fn sleep(&self, duration: std::time::Duration) {
        tokio::time::sleep(duration / SPEED).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_whose_lock_was_broken_writes_nothing_more() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let (place, name) = lock_of(&case);
    let clock = Pushed(std::sync::atomic::AtomicI64::new(0));
    let options = ApplyOptions {
        store: &Store::local(case.folder.path()),
        run: "first",
        owner: "a test",
        lock_timeout: std::time::Duration::ZERO,
        stop: &AtomicBool::new(false),
    };
    let mut writes = None;
    let applied = apply(&router, &clock, &plan, &options, &mut |event| {
        if matches!(event, Event::Started { step: 4, .. }) {
            // Somebody breaks the lock, takes it, and half a minute passes.
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(async {
                    assert!(unlock(&router, &place, &name, "first").await.expect("unlock"));
                    let now = jiff::Timestamp::now();
                    let until = now + jiff::SignedDuration::from_hours(1);
                    let other = Holder { run: "second".to_owned(), owner: "another".to_owned(), since: now, until };
                    let value = serde_json::to_string(&other).expect("json");
                    router.create(&place, &name, &value).await.expect("create").expect("free");
                });
            });
            clock.0.store(30, Ordering::SeqCst);
            writes = Some(case.sandbox.faults.counted().1);
        }
    })
    .await
    .expect("the run ends by itself");
    assert_eq!(applied.outcome.result, RunResult::Partial);
    assert_eq!(writes, Some(case.sandbox.faults.counted().1), "written after the lock was lost");
    let failed: Vec<&StepState> =
        applied.outcome.steps.iter().map(|step| &step.state).filter(|s| matches!(s, StepState::Failed(_))).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(matches!(failed[0], StepState::Failed(message) if message.contains("lost to another run")), "{failed:?}");
    let stored = router.fetch(&place, &name).await.expect("fetch").expect("the other's lock is left alone");
    assert!(stored.value.contains("second"), "{}", stored.value);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_delivery_stays_until_the_new_one_has_succeeded() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    assert_not_refused(&plan);
    let role = case.desired[0].role.arn.to_string();
    let applied = case
        .apply_watched(&router, &plan, &AtomicBool::new(false), &mut |event| {
            // Created with a probe that passed; broken before its first delivery is awaited.
            if let Event::Started { address, title, .. } = &event
                && address.kind == Kind::LogDelivery
                && title.starts_with("wait for")
            {
                break_credential(&case, &role, true);
            }
        })
        .await
        .expect("the run ends by itself");
    assert_eq!(applied.outcome.result, RunResult::Partial);
    let finals: Vec<&StepState> =
        applied.outcome.steps.iter().filter(|step| step.title.contains("(final)")).map(|step| &step.state).collect();
    assert!(!finals.is_empty());
    assert!(finals.iter().all(|state| matches!(state, StepState::Skipped { .. })), "{finals:?}");
    assert!(enabled(&case).contains(&"audit logs".to_owned()), "{:?}", enabled(&case));
    break_credential(&case, &role, false);
    case.sandbox.databricks.deliver_now().await;
    case.converge(&router).await;
    assert!(!enabled(&case).contains(&"audit logs".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_is_stopped_between_steps_goes_on_later() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let mut rounds = 0;
    loop {
        let plan = case.plan(&router).await;
        assert_not_refused(&plan);
        if plan.steps.is_empty() {
            break;
        }
        rounds += 1;
        assert!(rounds < 12, "no progress");
        let stop = AtomicBool::new(false);
        let applied = case
            .apply_watched(&router, &plan, &stop, &mut |event| {
                // Seven steps a round: every round stops somewhere else.
                if matches!(event, Event::Started { step: 6, .. }) {
                    stop.store(true, Ordering::SeqCst);
                }
            })
            .await
            .expect("the run ends by itself");
        let failed: Vec<_> =
            applied.outcome.steps.iter().filter(|step| matches!(step.state, StepState::Failed(_))).collect();
        assert!(failed.is_empty(), "{failed:?}");
        if plan.steps.len() > 7 {
            assert_eq!(applied.outcome.result, RunResult::Interrupted);
        }
        assert!(!enabled(&case).is_empty(), "there is a delivery at every stop");
    }
    assert!(rounds > 3, "{rounds} rounds");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_follows_a_killed_one_sees_a_delivery_before_it_says_done() {
    let case = Case::insecure().await;
    let router = case.router().await;
    case.converge(&router).await;
    // A run was killed: its journal has no end. Databricks says SUCCEEDED, but of a time before that run.
    let journal = case.folder.path().join("runs").join("0-killed.jsonl");
    std::fs::write(&journal, "{\"entry\":\"wr").expect("journal");
    case.sandbox.databricks.edit(|data| {
        for config in &mut data.log_delivery {
            config.delivers = false;
        }
    });
    let plan = case.plan(&router).await;
    assert!(plan.steps.is_empty(), "{:?}", crate::harness::changes(&plan));
    let applied = case.apply(&router, &plan).await.expect("apply");
    assert_eq!(applied.unconfirmed.len(), 1, "{:?}", applied.unconfirmed);
    assert!(applied.unconfirmed[0].contains("0-killed"), "{:?}", applied.unconfirmed);
    // The run before has an end now: nothing is awaited any more.
    let applied = case.apply(&router, &case.plan(&router).await).await.expect("apply");
    assert_eq!(applied.unconfirmed, [""; 0]);
}
