//! What kill and fault cases share: a run that a fault strikes, the state it leaves, and a clean run after it.

use std::sync::atomic::AtomicBool;
use std::time::Duration;

use auditseal::apply::{Clock, StepState};
use auditseal::model::Place;
use auditseal::plan::Plan;
use auditseal::provider::router::Router;
use auditseal::run::apply::{Applied, ApplyError, ApplyOptions, apply};
use auditseal::run::lock::{parameter, unlock};
use auditseal::run::store::Store;
use futures::{StreamExt, stream};

use crate::harness::{Case, changes};
use crate::sandbox::databricks::DeliveryState;
use crate::sandbox::estate::SPEED;
use crate::sandbox::faults::{Failure, Moment, Rule, Trigger};

pub const CLASSES: [(Moment, Failure); 9] = [
    (Moment::Before, Failure::Throttle),
    (Moment::Before, Failure::Status(500)),
    (Moment::After, Failure::Status(503)),
    (Moment::After, Failure::Timeout(Duration::from_millis(50))),
    (Moment::Before, Failure::Disconnect),
    (Moment::After, Failure::Disconnect),
    (Moment::Before, Failure::Conflict),
    (Moment::Before, Failure::Denied),
    (Moment::After, Failure::StaleReads(2)),
];

/// Compressed, and never longer than a poll: the hour in which Databricks stops a delivery is nothing to test here.
pub struct Quick;

impl Clock for Quick {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep((duration / SPEED).min(Duration::from_millis(40))).await;
    }
}

/// Whether the whole matrix was asked for.
pub fn all() -> bool {
    std::env::var_os("AUDITSEAL_TEST_ALL").is_some()
}

/// Every request when the whole matrix was asked for, else one write in so many: between two writes the cloud stays as it
/// is, so that reads add little to them.
pub fn chosen(requests: &[(u64, bool)], first: usize, step: usize) -> Vec<(u64, bool)> {
    if all() {
        return requests.to_vec();
    }
    requests.iter().filter(|(_, is_write)| *is_write).skip(first).step_by(step).copied().collect()
}

/// Runs a plan that is to die at a request; whether it did.
pub async fn dies(case: &Case, router: Router, plan: &Plan, name: &str, (n, moment): (u64, Moment)) -> bool {
    let faults = case.sandbox.faults.clone();
    faults.reset();
    faults.add(Rule { moment, ..Rule::before(Trigger::Request(n), Failure::Kill) });
    tokio::select! {
        () = faults.killed() => {}
        _ = run(case, &router, plan, name) => {}
    }
    let dead = faults.is_dead();
    drop(router);
    faults.clear();
    faults.revive();
    dead
}

/// Dies at each of the points in a run of its own. The run says what is wrong after its death, `None` where it ended before
/// that request.
pub async fn each_death<F>(name: &str, points: Vec<(u64, Moment)>, killed: impl Fn((u64, Moment)) -> F)
where
    F: Future<Output = Option<Vec<String>>>,
{
    let results: Vec<_> = stream::iter(points)
        .map(|point| {
            let killed = killed(point);
            async move { (point, killed.await) }
        })
        .buffer_unordered(4)
        .collect()
        .await;
    let died = results.iter().filter(|(_, wrong)| wrong.is_some()).count();
    let wrong: Vec<_> = results.iter().filter(|(_, wrong)| wrong.as_ref().is_some_and(|w| !w.is_empty())).collect();
    assert!(wrong.is_empty(), "{} of {died} kill points: {wrong:#?}", wrong.len());
    // Polls make the length of a run vary a little.
    assert!(died * 10 >= results.len() * 8, "{died} of {} points were reached", results.len());
    if all() {
        let count = format!("{died} deaths at {} points\n", results.len());
        std::fs::write(std::env::temp_dir().join(format!("kill-{name}.txt")), count).expect("count");
    }
}

/// Meets one class of fault at each of the requests in turn, or every class at each when the whole matrix was asked for, in
/// a run of its own that says what is wrong after it.
pub async fn each_fault<F>(requests: Vec<(u64, bool)>, struck: impl Fn(u64, (Moment, Failure)) -> F)
where
    F: Future<Output = Vec<String>>,
{
    let points: Vec<_> = requests
        .into_iter()
        .enumerate()
        .flat_map(|(index, (n, _))| CLASSES.into_iter().enumerate().map(move |(at, class)| (n, class, index % 9 == at)))
        .filter(|(_, _, mine)| all() || *mine)
        .collect();
    let tried = points.len();
    let wrong: Vec<_> = stream::iter(points)
        .map(|(n, class, _)| {
            let struck = struck(n, class);
            async move { (n, class, struck.await) }
        })
        .buffer_unordered(4)
        .filter(|(_, _, wrong)| std::future::ready(!wrong.is_empty()))
        .collect()
        .await;
    assert!(tried >= 3, "{tried} points");
    assert!(wrong.is_empty(), "{} of {tried} fault points: {wrong:#?}", wrong.len());
}

/// Runs a plan that meets a fault at a request. The steps that it left undone, unless the fault is one that cannot pass.
pub async fn meets(
    case: &Case,
    router: &Router,
    plan: &Plan,
    name: &str,
    (n, (moment, failure)): (u64, (Moment, Failure)),
) -> Vec<String> {
    let faults = &case.sandbox.faults;
    faults.reset();
    faults.add(Rule { moment, ..Rule::before(Trigger::Request(n), failure) });
    let result = run(case, router, plan, name).await;
    faults.clear();
    match result {
        Ok(applied) if failure != Failure::Denied => {
            let undone = applied.outcome.steps.iter().filter(|step| !is_done(&step.state));
            undone.map(|step| format!("{} {}: {:?}", step.address, step.title, step.state)).collect()
        }
        _ => Vec::new(),
    }
}

#[derive(Clone, Copy, Debug)]
pub enum Estate {
    Insecure,
    Empty,
}

impl Estate {
    pub async fn case(self) -> Case {
        match self {
            Estate::Insecure => Case::insecure().await,
            Estate::Empty => Case::empty().await,
        }
    }
}

pub async fn run(case: &Case, router: &Router, plan: &Plan, run: &str) -> Result<Applied, ApplyError> {
    let options = ApplyOptions {
        store: &Store::local(case.folder.path()),
        run,
        owner: "a test",
        lock_timeout: Duration::ZERO,
        stop: &AtomicBool::new(false),
    };
    apply(router, &Quick, plan, &options, &mut |_| {}).await
}

pub fn lock_of(case: &Case) -> (Place, String) {
    (case.aws_place(), parameter(&case.sandbox.aws.account, &case.sandbox.aws.bucket))
}

/// Who of the undeclared can read the log that was there at the start.
pub async fn exposed_to(case: &Case) -> Vec<&'static str> {
    let estate = &case.sandbox.aws;
    let key = format!("workspaceId=0/date=2026-11-22/auditlogs_{}.json", estate.account);
    let mut readers = Vec::new();
    for role in ["ContractorX", "AccountAdmin"] {
        let Ok(session) = estate.session(role, false).await else { continue };
        if estate.world.get_object(&session, &estate.bucket, &key).await.is_ok() {
            readers.push(role);
        }
    }
    readers
}

/// Whether an enabled configuration delivers to the audit bucket right now, by a real request.
pub async fn delivers(case: &Case) -> bool {
    case.sandbox.databricks.deliver_now().await;
    let bucket = &case.sandbox.aws.bucket;
    case.sandbox.databricks.inspect(|data| {
        data.log_delivery.iter().any(|one| {
            one.enabled
                && one.state == DeliveryState::Succeeded
                && data.storage(&one.storage_configuration_id).is_some_and(|storage| storage.bucket_name == *bucket)
        })
    })
}

/// Enabled configurations of the audit bucket.
pub fn enabled(case: &Case) -> usize {
    let bucket = &case.sandbox.aws.bucket;
    case.sandbox.databricks.inspect(|data| {
        data.log_delivery
            .iter()
            .filter(|one| {
                one.enabled
                    && data.storage(&one.storage_configuration_id).is_some_and(|storage| storage.bucket_name == *bucket)
            })
            .count()
    })
}

/// Breaks the lock of the struck run, plans and applies without faults, and says what is wrong afterwards.
pub async fn resume(case: &Case, struck: &str, keys: usize) -> Vec<String> {
    let router = case.router().await;
    let (place, name) = lock_of(case);
    unlock(&router, &place, &name, struck).await.expect("the lock is the struck run's or nobody's");
    let mut wrong = Vec::new();
    let plan = case.plan(&router).await;
    if auditseal::run::plan::is_refused(&plan) {
        return vec![format!("the resume is refused: {:?} {:?}", plan.guards, plan.gaps)];
    }
    match run(case, &router, &plan, &uuid::Uuid::new_v4().to_string()).await {
        Ok(applied) => match &applied.verification {
            Some(after) if changes(after).is_empty() && after.complete => {}
            after => wrong.push(format!(
                "the resume leaves {:?}: {:?}",
                after.as_ref().map(changes),
                applied.outcome.steps.iter().filter(|step| !is_done(&step.state)).collect::<Vec<_>>()
            )),
        },
        Err(error) => wrong.push(format!("the resume fails: {error}")),
    }
    let kms = case.sandbox.aws.world.kms(&case.sandbox.aws.root());
    let found = kms.list_keys().send().await.expect("keys").keys.unwrap_or_default().len();
    if found != keys {
        wrong.push(format!("{found} keys instead of {keys}"));
    }
    if enabled(case) != 1 {
        wrong.push(format!("{} enabled configurations of the bucket", enabled(case)));
    }
    if !delivers(case).await {
        wrong.push("nothing delivers after the resume".to_owned());
    }
    if !exposed_to(case).await.is_empty() {
        wrong.push(format!("read after the resume by {:?}", exposed_to(case).await));
    }
    wrong
}

pub fn is_done(state: &StepState) -> bool {
    matches!(state, StepState::Done | StepState::AlreadyThere)
}

/// The requests of an undisturbed apply with whether they write, and the keys that there are after it.
pub async fn undisturbed(estate: Estate) -> (Vec<(u64, bool)>, usize) {
    let case = estate.case().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    case.sandbox.faults.reset();
    run(&case, &router, &plan, "undisturbed").await.expect("apply");
    let requests = case.sandbox.faults.recorded().iter().map(|one| (one.ordinal, one.is_write)).collect();
    let kms = case.sandbox.aws.world.kms(&case.sandbox.aws.root());
    (requests, kms.list_keys().send().await.expect("keys").keys.unwrap_or_default().len())
}
