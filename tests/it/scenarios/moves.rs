//! Another role, prefix or key is declared for an estate that delivers: the logs keep flowing at every step.

use auditseal::apply::StepState;

use super::*;
use crate::sandbox::aws_seed::FOREIGN_READER_ACCOUNT;
use crate::sandbox::estate::WORKSPACE;

#[derive(Clone, Copy, Debug)]
struct Move {
    role: bool,
    prefix: bool,
    key: bool,
}

async fn moves(what: Move) {
    let mut case = Case::empty().await;
    case.converge(&case.router().await).await;
    case.sandbox.databricks.deliver_now().await;
    let aws = case.sandbox.aws.clone();
    let old_role = case.desired[0].role.arn.to_string();
    let old_key = bucket_key(&case).await;
    let old_objects = aws.world.list_objects(&aws.root(), &aws.bucket, "audit/").await.expect("list");
    let old_object = old_objects.first().expect("something was delivered").clone();

    let mut text = case.sandbox.manifest();
    if what.prefix {
        text = text.replace(PREFIX, "prefix = \"logs\"\nprevious_prefixes = [\"audit\"]");
    }
    if what.role {
        text.push_str(&format!("[role]\narn = \"{}\"\n", aws.role_arn("delivery/Second")));
    }
    let mut new_key = old_key.clone();
    if what.key {
        new_key = make_key(&case, &[]).await;
        text.push_str(&format!("[key]\narn = \"{new_key}\"\nprevious = [\"{old_key}\"]\n"));
    }
    case.declare(&text);
    let plan = settle_watched(&case).await;
    assert!(plan.steps.iter().any(|step| step.title.ends_with("(transition)")), "{what:?}: a move has a transition");

    assert_eq!(bucket_key(&case).await, new_key, "{what:?}");
    let now = enabled(&case);
    assert_eq!(now.len(), 1, "{what:?}: {now:?}");
    assert_eq!(now[0].delivery_path_prefix, if what.prefix { "logs" } else { "audit" });
    let policy = bucket_policy(&case).await;
    assert_eq!(policy.contains(&old_role), !what.role, "{what:?}: {policy}");
    let policy = key_policy(&case, &new_key).await;
    assert_eq!(policy.contains(&old_role), !what.role, "{what:?}: {policy}");
    // What was delivered before stays readable for the declared reader, in its old place and under its old key.
    let analyst = aws.session("SecurityAnalyst", true).await.expect("session");
    let read = aws.world.get_object(&analyst, &aws.bucket, &old_object).await;
    assert!(read.is_ok(), "{what:?}: {old_object}: {:?}", read.err());
    if what.role {
        let old = aws.databricks_session(&old_role).await.expect("the old role is still there");
        let write = aws.world.put_object(&old, &aws.bucket, "audit/late.json", "{}").await;
        assert!(write.is_err_and(|error| error.is_denied()), "{what:?}: the old role writes no more");
        let name = old_role.rsplit('/').next().expect("name");
        let left = aws.world.iam(&aws.root()).list_role_policies().role_name(name).send().await.expect("policies");
        assert!(!left.policy_names.iter().any(|name| name.contains("transition")), "{:?}", left.policy_names);
    }
}

/// Watching a run blocks its thread: each move is a test of its own.
macro_rules! never_stops_the_delivery {
    ($($name:ident: $role:literal $prefix:literal $key:literal;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                moves(Move { role: $role, prefix: $prefix, key: $key }).await;
            }
        )+
    };
}

never_stops_the_delivery! {
    another_role_never_stops_the_delivery: true false false;
    another_prefix_never_stops_the_delivery: false true false;
    another_key_never_stops_the_delivery: false false true;
    another_role_and_prefix_never_stop_the_delivery: true true false;
    another_role_and_key_never_stop_the_delivery: true false true;
    another_prefix_and_key_never_stop_the_delivery: false true true;
    another_role_prefix_and_key_never_stop_the_delivery: true true true;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_delivery_gives_its_slot_to_the_declared_one() {
    let case = Case::insecure().await;
    let insecure = case.sandbox.insecure.clone().expect("insecure");
    settle_watched(&case).await;
    let all = case.sandbox.databricks.log_deliveries();
    let on: Vec<_> = all.iter().filter(|one| one.enabled).collect();
    assert_eq!(on.len(), 1, "{all:?}");
    assert_eq!(on[0].delivery_path_prefix, "audit");
    assert_eq!(bucket_key(&case).await, insecure.key_arn, "the declared key is adopted by its ARN");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forgotten_delivery_that_is_only_reported_keeps_its_slot() {
    let mut case = Case::insecure().await;
    case.declare(&manifest(&case, &[(DISABLE, "undeclared = \"report\"")]));
    let plan = case.plan(&case.router().await).await;
    assert_eq!(refusals(&plan), ["no-free-delivery-slot"]);
    let bucket = &case.sandbox.insecure.as_ref().expect("insecure").second_bucket;
    let message = &plan.guards.iter().find(|guard| guard.code == "no-free-delivery-slot").expect("guard").message;
    assert!(message.contains(bucket.as_str()), "{message}");
    assert!(plan.findings.iter().any(|finding| finding.code == "undeclared-delivery"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_full_of_storage_configurations_is_said_before_and_gone_on_with_after() {
    let case = Case::empty().await;
    let sim = &case.sandbox.databricks;
    for number in 0..50 {
        sim.seed_storage(&format!("root-{number}"), &format!("workspace-root-{number}"));
    }
    let is_said = |plan: &Plan| plan.findings.iter().any(|one| one.code == "storage-configurations-full");
    let router = case.router().await;
    let plan = case.plan(&router).await;
    assert!(is_said(&plan) && refusals(&plan).is_empty(), "{:?} {:?}", plan.findings, plan.guards);
    let applied = case.apply(&router, &plan).await.expect("apply");
    let failed: Vec<_> = applied
        .outcome
        .steps
        .iter()
        .filter_map(|step| match &step.state {
            StepState::Failed(why) => Some((step.address.kind, why.clone())),
            _ => None,
        })
        .collect();
    let [(kind, why)] = failed.as_slice() else { panic!("{failed:?}") };
    assert_eq!(*kind, Kind::StorageConfiguration);
    assert!(why.contains("Storage configuration limit exceeded"), "{why}");
    assert_eq!(enabled(&case), [], "without a storage configuration nothing delivers");
    sim.allow_storage(51);
    case.converge(&router).await;
    assert_eq!(enabled(&case).len(), 1);
    assert!(!is_said(&case.plan(&router).await), "it has one now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_in_another_account_is_not_cut_off() {
    let case = Case::insecure().await;
    let sim = &case.sandbox.databricks;
    let role = format!("arn:aws:iam::{FOREIGN_READER_ACCOUNT}:role/TheirDelivery");
    let (credential, storage) =
        (sim.seed_credential("theirs", &role), sim.seed_storage("ours", &case.sandbox.aws.bucket));
    let mut theirs = LogDelivery::delivered("theirs", &credential, &storage, "theirs");
    theirs.workspace_ids_filter = vec![WORKSPACE];
    sim.seed_log_delivery(theirs);
    // The bucket gets a key, which only the other account can let its role use.
    let plan = case.plan(&case.router().await).await;
    assert_eq!(refusals(&plan), ["delivery-cannot-write", "foreign-live-writer"]);
    let message = &plan.guards.iter().find(|guard| guard.code == "foreign-live-writer").expect("guard").message;
    assert!(message.contains(&role) && message.contains("kms:GenerateDataKey"), "{message}");
}
