//! Two people at once: applies to one location do not interleave, whoever was killed blocks nobody for ever.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use auditseal::journal::{Entry, RunResult};
use auditseal::plan::Plan;
use auditseal::provider::router::Router;
use auditseal::run::apply::{Applied, ApplyError, ApplyOptions, apply};
use auditseal::run::lock::{Holder, LockError, LockStore};
use auditseal::run::store::Store;

use crate::harness::{Case, assert_in_sync, changes};
use crate::struck::{Quick, lock_of};

async fn run(
    case: &Case,
    router: &Router,
    plan: &Plan,
    run: &str,
    lock_timeout: Duration,
) -> Result<Applied, ApplyError> {
    let options = ApplyOptions {
        store: &Store::local(case.folder.path()),
        run,
        owner: "a test",
        lock_timeout,
        stop: &AtomicBool::new(false),
    };
    apply(router, &Quick, plan, &options, &mut |_| {}).await
}

/// Times of the announced writes of a run.
fn writes(case: &Case, run: &str) -> Vec<jiff::Timestamp> {
    let text = std::fs::read_to_string(case.folder.path().join(format!("runs/{run}.jsonl"))).expect("journal");
    text.lines()
        .filter_map(|line| match Entry::parse(line).expect("entry") {
            Entry::WriteStarted { at, .. } => Some(at.parse().expect("time")),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_applies_do_not_interleave_and_the_second_finds_everything_done() {
    let case = Case::insecure().await;
    let (one, two) = (case.router().await, case.router().await);
    let plan = case.plan(&one).await;
    let hours = Duration::from_secs(100 * 3600);
    let (first, second) = tokio::join!(run(&case, &one, &plan, "one", hours), run(&case, &two, &plan, "two", hours));
    let (first, second) = (first.expect("waits"), second.expect("waits"));
    let (mut one, mut two) = (writes(&case, "one"), writes(&case, "two"));
    let (winner, loser) = if one.len() > two.len() {
        (first, second)
    } else {
        std::mem::swap(&mut one, &mut two);
        (second, first)
    };
    assert_in_sync(&winner);
    assert!(one.iter().max() < two.iter().min() || two.is_empty(), "interleaved: {one:?} {two:?}");
    // What it planned was done when its turn came, or is refused step by step because it is not what it saw.
    assert!(two.len() < 4, "the second wrote {} times", two.len());
    assert!(matches!(loser.outcome.result, RunResult::Applied | RunResult::Partial));
    assert_eq!(changes(&case.plan(&case.router().await).await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_lock_refuses_and_an_ended_lease_does_not() {
    let case = Case::empty().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let (place, name) = lock_of(&case);
    let now = jiff::Timestamp::now();
    let hold = |until: jiff::Timestamp| {
        let holder = Holder { run: "killed".to_owned(), owner: "another".to_owned(), since: now, until };
        serde_json::to_string(&holder).expect("json")
    };
    let later = hold(now + jiff::SignedDuration::from_hours(1));
    router.create(&place, &name, &later).await.expect("create").expect("free");
    let before = case.sandbox.faults.counted().1;
    let refused = run(&case, &router, &plan, "patient", Duration::from_secs(20)).await;
    let Err(ApplyError::Lock(LockError::Held { holder, .. })) = refused else { panic!("{refused:?}") };
    assert_eq!((holder.run.as_str(), holder.owner.as_str()), ("killed", "another"));
    // Nothing but attempts to take the lock.
    let attempts = case.sandbox.faults.recorded().into_iter().filter(|one| one.is_write).skip(before as usize);
    assert!(attempts.clone().count() >= 4, "it waited");
    assert!(attempts.into_iter().all(|one| one.name.starts_with("ssm:")));

    router.replace(&place, &name, &hold(now - jiff::SignedDuration::from_secs(1))).await.expect("replace");
    assert_in_sync(&run(&case, &router, &plan, "next", Duration::ZERO).await.expect("the lease has ended"));
    assert_eq!(router.fetch(&place, &name).await.expect("fetch"), None, "given back");
}
