//! Putting runs back on the wire: whole ones, killed ones, with somebody else's hands in between; and forgetting.

mod struck;

use std::collections::{BTreeMap, BTreeSet};

use auditseal::call::{Query, Read, Write};
use auditseal::journal::{Ending, Record};
use auditseal::model::{Fact, Observed};
use auditseal::plan::guard::Purpose;
use auditseal::plan::{Plan, StepAction, Verdict};
use auditseal::provider::Reader;
use auditseal::provider::router::Router;
use auditseal::run::apply::Applied;
use auditseal::run::forget::{Chosen, plan_forget};
use auditseal::run::lock::unlock;
use auditseal::run::plan::PlanOptions;
use auditseal::run::rollback::plan_rollback;
use auditseal::run::runs::journal;

use crate::harness::{Case, assert_in_sync, assert_not_refused, changes};
use crate::sandbox::faults::{Failure, Moment, Rule, Trigger};
use crate::struck::{delivers, enabled, lock_of, run};

/// What a rollback of the vendor's example has to be allowed: it is insecure, and that is what guards refuse.
const INSECURE: [&str; 2] = ["access-widened", "statements-removed"];

fn record(case: &Case, run: &str) -> Record {
    journal(case.folder.path(), run).expect("the journal of the run").record
}

/// Without the proofs of access, which take longer than everything else and are looked at in one test.
async fn rollback(case: &Case, router: &Router, run: &str, allow: &[&str]) -> Plan {
    let allow: BTreeSet<String> = allow.iter().map(|code| (*code).to_owned()).collect();
    rollback_with(case, router, run, PlanOptions { allow, ..PlanOptions::default() }).await
}

async fn rollback_with(case: &Case, router: &Router, run: &str, options: PlanOptions) -> Plan {
    plan_rollback(router, &record(case, run), &case.desired, &options, Purpose::Apply).await.expect("declared")
}

fn refused(plan: &Plan) -> BTreeSet<&str> {
    plan.guards.iter().filter(|one| one.verdict == Verdict::Refuse).map(|one| one.code.as_str()).collect()
}

/// Every setting of the audit bucket, by name.
async fn settings(case: &Case, router: &Router) -> BTreeMap<String, Observed<Fact>> {
    let bucket = || case.sandbox.aws.bucket.clone();
    let reads = [
        Read::BucketTags { bucket: bucket() },
        Read::BucketPublicAccessBlock { bucket: bucket() },
        Read::BucketOwnership { bucket: bucket() },
        Read::BucketAcl { bucket: bucket() },
        Read::BucketEncryption { bucket: bucket() },
        Read::BucketVersioning { bucket: bucket() },
        Read::BucketLifecycle { bucket: bucket() },
        Read::BucketPolicy { bucket: bucket() },
        Read::BucketLogging { bucket: bucket() },
        Read::BucketNotification { bucket: bucket() },
    ];
    let mut settings = BTreeMap::new();
    for read in reads {
        let query = Query { place: case.aws_place(), read };
        let answer = router.read(&query).await;
        assert!(!answer.is_unknown(), "{answer:?}");
        settings.insert(format!("{:?}", query.read).split(' ').next().expect("name").to_owned(), answer);
    }
    settings
}

fn names_of_enabled(case: &Case) -> Vec<String> {
    let all = case.sandbox.databricks.log_deliveries();
    all.into_iter().filter(|config| config.enabled).map(|config| config.config_name).collect()
}

fn done(applied: &Applied) {
    assert_in_sync(applied);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_put_back_and_its_rollback_too() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let (before, delivering) = (settings(&case, &router).await, names_of_enabled(&case));
    let plan = case.plan(&router).await;
    assert_not_refused(&plan);
    done(&run(&case, &router, &plan, "first").await.expect("apply"));
    let sealed = settings(&case, &router).await;
    assert_eq!(names_of_enabled(&case).len(), 1);

    // An insecure state is what guards refuse, and only a code lets it come back.
    let proved = PlanOptions { access: true, ..PlanOptions::default() };
    let cautious = rollback_with(&case, &router, "first", proved).await;
    assert_eq!(refused(&cautious), BTreeSet::from(INSECURE), "{:#?}", cautious.guards);
    let plan = rollback(&case, &router, "first", &INSECURE).await;
    assert_not_refused(&plan);
    // Make before break, on the way back too.
    let at = |title: &str| plan.steps.iter().position(|step| step.title.starts_with(title)).expect("a step");
    let waits = plan.steps.iter().enumerate().filter(|(_, step)| step.title.starts_with("wait for a delivery"));
    assert!(waits.into_iter().any(|(wait, _)| at("enable log-delivery") < wait && wait < at("disable log-delivery")));
    assert!(at("disable log-delivery") < at("put back the default encryption"));
    done(&run(&case, &router, &plan, "second").await.expect("rollback"));
    let after = settings(&case, &router).await;
    for (name, answer) in &before {
        assert_eq!(after.get(name), Some(answer), "{name} was {:?} in between", sealed.get(name));
    }
    assert_eq!(names_of_enabled(&case), delivering, "the old delivery is back, the new one is off");
    assert!(delivers(&case).await);
    let leaves: BTreeSet<&str> =
        plan.findings.iter().filter(|one| one.code == "rollback-leaves").map(|one| one.subject.as_str()).collect();
    for left in ["acme/bucket[access]", "acme/role[delivery]", "acme/kms-grants[audit]", "acme/log-delivery[primary]"] {
        assert!(leaves.contains(left), "{left} is not told: {leaves:?}");
    }

    // A second one has nothing to do.
    let again = rollback(&case, &router, "first", &INSECURE).await;
    assert_eq!((changes(&again), again.steps.len()), (vec![], 0), "{:#?}", again.steps);

    // A rollback is a run, and is put back like any other.
    let plan = rollback(&case, &router, "second", &[]).await;
    assert_not_refused(&plan);
    done(&run(&case, &router, &plan, "third").await.expect("rollback of the rollback"));
    assert_eq!(settings(&case, &router).await, sealed);
    assert_eq!(enabled(&case), 1);
    assert!(delivers(&case).await);
    assert_eq!(changes(&case.plan(&router).await), [""; 0], "what is declared is there again");
}

/// Killed in the middle of a move, with the answer to the last request lost: what took effect is put back, what did not
/// needs nothing, whatever the journal could not say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_run_is_put_back() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let (before, delivering) = (settings(&case, &router).await, names_of_enabled(&case));
    let plan = case.plan(&router).await;
    case.sandbox.faults.reset();
    let write = Trigger::Operation("s3:PutBucketEncryption".to_owned());
    case.sandbox.faults.add(Rule { moment: Moment::After, ..Rule::before(write, Failure::Kill) });
    tokio::select! {
        () = case.sandbox.faults.killed() => {}
        _ = run(&case, &router, &plan, "killed") => panic!("it was not killed"),
    }
    case.sandbox.faults.clear();
    case.sandbox.faults.revive();
    let router = case.router().await;
    let (place, name) = lock_of(&case);
    unlock(&router, &place, &name, "killed").await.expect("unlock");
    let record = record(&case, "killed");
    assert_eq!(record.ending, Ending::Unfinished);
    assert!(record.writes() > 5, "{} writes", record.writes());
    assert_ne!(settings(&case, &router).await, before);

    let plan = rollback(&case, &router, "killed", &INSECURE).await;
    assert_not_refused(&plan);
    done(&run(&case, &router, &plan, "back").await.expect("rollback"));
    assert_eq!(settings(&case, &router).await, before);
    assert_eq!(names_of_enabled(&case), delivering);
    assert!(delivers(&case).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_changed_since_is_told_and_left_alone() {
    let mut case = Case::insecure().await;
    let router = case.router().await;
    let text = case.sandbox.manifest();
    case.converge(&router).await;
    // A small run: the retention is longer, and rotation is rarer.
    let key = text.replace("[key]\n", "[key]\nrotation_days = 200\n");
    case.declare(&format!("{key}\n[bucket]\nretention_days = 900\n"));
    let plan = case.plan(&router).await;
    assert_not_refused(&plan);
    done(&run(&case, &router, &plan, "small").await.expect("apply"));
    let bucket = case.sandbox.aws.bucket.clone();
    let kms = case.sandbox.aws.world.kms(&case.sandbox.aws.root());
    let key = plan.steps.iter().find_map(|step| match &step.action {
        StepAction::Write { write: Write::EnableKeyRotation { key, .. }, .. } => Some(key.clone()),
        _ => None,
    });
    let key = key.expect("the rotation changes");
    kms.enable_key_rotation().key_id(&key).rotation_period_in_days(100).send().await.expect("somebody");
    let lifecycle = Query { place: case.aws_place(), read: Read::BucketLifecycle { bucket } };
    let rotation = Query { place: case.aws_place(), read: Read::KeyRotation { key } };
    let (long, theirs) = (router.read(&lifecycle).await, router.read(&rotation).await);

    let plan = rollback(&case, &router, "small", &[]).await;
    assert_not_refused(&plan);
    let told: Vec<&str> =
        plan.findings.iter().filter(|one| one.code == "changed-since-run").map(|one| one.subject.as_str()).collect();
    assert_eq!(told, ["acme/kms-rotation[audit]"]);
    assert_eq!(changes(&plan), ["acme/bucket-lifecycle[audit]"]);
    done(&run(&case, &router, &plan, "back").await.expect("rollback"));
    assert_ne!(router.read(&lifecycle).await, long);
    assert_eq!(router.read(&rotation).await, theirs);

    let plan = rollback(&case, &router, "small", &["changed-since-run"]).await;
    assert_eq!(changes(&plan), ["acme/kms-rotation[audit]"]);
    done(&run(&case, &router, &plan, "all").await.expect("rollback"));
    case.declare(&text);
    assert_eq!(changes(&case.plan(&router).await), [""; 0], "as before the run, to the last setting");
}

/// The only delivery that there is would be switched off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollback_that_would_end_the_logs_is_refused() {
    let case = Case::empty().await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    done(&run(&case, &router, &plan, "first").await.expect("apply"));
    let plan = rollback(&case, &router, "first", &[]).await;
    assert_eq!(refused(&plan), BTreeSet::from(["delivery-would-end"]), "{:#?}", plan.guards);
    // What was made stays closed: nothing of bucket, key and role would change.
    assert_eq!(
        changes(&plan),
        ["_/grants[main/system.access]", "_/workspace-conf[production]", "acme/log-delivery[primary]"]
    );
    assert!(enabled(&case) == 1 && delivers(&case).await);
}

/// Names of manifests and readers are labels: nothing in the cloud knows them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renaming_changes_nothing_and_forgetting_only_the_marks() {
    let mut case = Case::insecure().await;
    let router = case.router().await;
    case.converge(&router).await;
    let text = case.sandbox.manifest();
    let renamed = ["readers.", "admins.", "observers.", "scanners."]
        .iter()
        .fold(text.clone(), |text, kind| text.replace(&format!("[{kind}"), &format!("[{kind}renamed-")));
    assert_ne!(renamed, text);
    case.desired = vec![auditseal::manifest::parse("another", "another.toml", &renamed).expect("valid")];
    assert_eq!(changes(&case.plan(&router).await), [""; 0], "a name reached the cloud");

    let options = PlanOptions::default();
    let plan = plan_forget(&router, &Chosen::All, &case.desired, &options, Purpose::Apply).await.expect("marks");
    assert_not_refused(&plan);
    let marked = ["bucket-tags[access]", "bucket-tags[audit]", "kms-tags[audit]", "role[delivery]"];
    assert_eq!(changes(&plan), marked.map(|one| format!("another/{one}")));
    let before = settings(&case, &router).await;
    case.sandbox.faults.reset();
    done(&run(&case, &router, &plan, "forget").await.expect("forget"));
    // The lock is taken and given back; beside it there were these writes and no others.
    let written = case.sandbox.faults.recorded().into_iter().filter(|one| one.is_write && !one.name.starts_with("ssm"));
    assert_eq!(written.count(), 4);
    let mut after = settings(&case, &router).await;
    after.insert("BucketTags".to_owned(), before["BucketTags"].clone());
    assert_eq!(after, before);
    assert!(delivers(&case).await);

    // It has to be adopted: the marks, and nothing else.
    assert_eq!(changes(&case.plan(&router).await), marked.map(|one| format!("another/{one}")));
    let none = plan_forget(&router, &Chosen::All, &case.desired, &options, Purpose::Apply).await.expect("marks");
    assert!(none.steps.is_empty());
    let wrong = Chosen::Addresses(vec!["another/kms-key[nope]".parse().expect("address")]);
    let error = plan_forget(&router, &wrong, &case.desired, &options, Purpose::Apply).await.expect_err("no such key");
    assert!(error.to_string().contains("`another/kms-tags[audit]`"), "{error}");
    // Forgetting is a run too.
    let back = rollback(&case, &router, "forget", &[]).await;
    done(&run(&case, &router, &back, "remember").await.expect("rollback"));
    assert_eq!(changes(&case.plan(&router).await), [""; 0]);
}
