//! Faults that pass are survived; faults that last end the run by name, lose nothing, and a later run finishes.

use auditseal::apply::StepState;
use auditseal::plan::Verdict;
use auditseal::run::lock::{Holder, LockStore};

use crate::harness::{Case, changes};
use crate::sandbox::faults::{Failure, Moment, Rule, Trigger};
use crate::struck::{Estate, chosen, delivers, each_fault, exposed_to, lock_of, meets, resume, run, undisturbed};

async fn struck(n: u64, class: (Moment, Failure), keys: usize) -> Vec<String> {
    let case = Case::insecure().await;
    let exposed = exposed_to(&case).await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let mut wrong = meets(&case, &router, &plan, "struck", (n, class)).await;
    if !delivers(&case).await {
        wrong.push("the delivery that worked is lost".to_owned());
    }
    if exposed_to(&case).await.iter().any(|reader| !exposed.contains(reader)) {
        wrong.push("exposed".to_owned());
    }
    wrong.extend(resume(&case, "struck", keys).await);
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_class_of_fault_is_survived_at_any_request() {
    let (requests, keys) = undisturbed(Estate::Insecure).await;
    each_fault(chosen(&requests, 2, 6), |n, class| struck(n, class, keys)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_never_works_fails_by_name_and_stops_only_what_needs_it() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let refused = Trigger::Operation("s3:PutBucketLifecycleConfiguration".to_owned());
    case.sandbox.faults.add(Rule::before(refused, Failure::Denied).always());
    let applied = run(&case, &router, &plan, "struck").await.expect("apply");
    case.sandbox.faults.clear();
    let failed: Vec<_> = applied
        .outcome
        .steps
        .iter()
        .filter_map(|step| match &step.state {
            StepState::Failed(message) => Some((step.address.to_string(), message.clone())),
            _ => None,
        })
        .collect();
    assert!(!failed.is_empty(), "nothing failed");
    for (address, message) in &failed {
        assert!(address.contains("bucket-lifecycle"), "{address}: {message}");
        assert!(message.contains("s3:PutLifecycleConfiguration"), "{message}");
    }
    for step in &applied.outcome.steps {
        let by_lifecycle = match &step.state {
            StepState::Done | StepState::AlreadyThere | StepState::Failed(_) => true,
            StepState::Skipped { because } => because.to_string().contains("bucket-lifecycle"),
            StepState::Undone | StepState::NotStarted => false,
        };
        assert!(by_lifecycle, "{} {}: {:?}", step.address, step.title, step.state);
    }
    let router = case.router().await;
    case.converge(&router).await;
}

/// Twice made is not undone: a key costs money for as long as it is there, and a log delivery can never be deleted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_looked_for_is_not_made_again() {
    let case = Case::empty().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let faults = &case.sandbox.faults;
    let (create, list) = ("kms:CreateKey".to_owned(), "kms:ListKeys".to_owned());
    faults.reset();
    // It is made, the answer is lost, and for a while nobody can see it. One look comes before.
    faults.add(Rule::after(Trigger::Operation(create.clone()), Failure::Status(503)));
    faults.add(Rule::before(Trigger::Operation(list.clone()), Failure::Status(500)).skip(1).times(12));
    let applied = run(&case, &router, &plan, "struck").await.expect("apply");
    assert_eq!(changes(applied.verification.as_ref().expect("verification")), [""; 0]);
    let sent = |name: &str| faults.recorded().iter().filter(|one| one.name == name).count();
    assert!(sent(&list) > 13, "{} looks", sent(&list));
    assert_eq!(sent(&create), 1, "made twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_not_made_before_it_was_looked_for() {
    let case = Case::empty().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let faults = &case.sandbox.faults;
    let create = "kms:CreateKey".to_owned();
    faults.reset();
    faults.add(Rule::before(Trigger::Operation("kms:ListKeys".to_owned()), Failure::Denied).always());
    let applied = run(&case, &router, &plan, "struck").await.expect("apply");
    let failed = applied.outcome.steps.iter().find_map(|step| match &step.state {
        StepState::Failed(message) => Some(message.clone()),
        _ => None,
    });
    assert!(failed.as_ref().is_some_and(|message| message.contains("needs kms:ListKeys")), "{failed:?}");
    assert!(faults.recorded().iter().all(|one| one.name != create), "a refusal is not an absence");
    faults.clear();
    case.converge(&case.router().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_read_is_a_gap_that_names_its_permission() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let refused = Trigger::Operation("s3:GetBucketPolicy".to_owned());
    case.sandbox.faults.add(Rule::before(refused, Failure::Denied).always());
    let plan = case.plan(&router).await;
    assert!(!plan.complete, "a plan that lacks a policy is not complete");
    assert!(plan.gaps.iter().any(|gap| gap.permission.as_deref() == Some("s3:GetBucketPolicy")), "{:?}", plan.gaps);
    let guard = plan.guards.iter().find(|guard| guard.code == "unread-inputs").expect("guard");
    assert_eq!(guard.verdict, Verdict::Refuse);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_lock_refuses_by_the_holders_run_and_an_expired_one_is_taken_over() {
    let case = Case::empty().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let (place, name) = lock_of(&case);
    let now = jiff::Timestamp::now();
    let hour = jiff::SignedDuration::from_hours(1);
    let mut holder =
        Holder { run: "the-other-run".to_owned(), owner: "somebody".to_owned(), since: now, until: now + hour };
    let value = serde_json::to_string(&holder).expect("json");
    router.create(&place, &name, &value).await.expect("create").expect("nobody holds it");
    let writes = case.sandbox.faults.counted().1;
    let refused = run(&case, &router, &plan, "second").await.expect_err("the lock is held").to_string();
    assert!(refused.contains("the-other-run"), "{refused}");
    // The attempt to create the lock is the only write.
    assert_eq!(case.sandbox.faults.counted().1, writes + 1, "written without the lock");
    holder.until = now - hour;
    router.replace(&place, &name, &serde_json::to_string(&holder).expect("json")).await.expect("replace");
    let applied = run(&case, &router, &plan, "third").await.expect("the lease had ended");
    assert_eq!(changes(applied.verification.as_ref().expect("verification")), [""; 0]);
    assert_eq!(router.fetch(&place, &name).await.expect("fetch"), None, "the lock is given back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_about_the_lock_does_not_lock_the_run_out() {
    let case = Case::empty().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let lock = Trigger::Operation("ssm:PutParameter".to_owned());
    case.sandbox.faults.add(Rule::after(lock, Failure::Disconnect));
    let applied = run(&case, &router, &plan, "struck").await.expect("it holds its own lock");
    assert_eq!(changes(applied.verification.as_ref().expect("verification")), [""; 0]);
}
