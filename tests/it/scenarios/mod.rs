//! What happens to an estate over time: moves, adoption, retirement, refusals, and what a plan costs.

mod access;
mod keys;
mod moves;
mod options;
mod plans;
mod refusals;
mod waivers;

use auditseal::model::Kind;
use auditseal::plan::{GuardResult, Plan, Verdict};
use auditseal::run::apply::Applied;

use crate::harness::{Case, assert_in_sync, assert_not_refused, changes};
use crate::sandbox::databricks::{DeliveryState, LogDelivery};

/// The sandbox's manifest with pieces of its text replaced; each piece has to be there.
fn manifest(case: &Case, edits: &[(&str, &str)]) -> String {
    let mut text = case.sandbox.manifest();
    for (old, new) in edits {
        assert!(text.contains(old), "`{old}` is not in the manifest");
        text = text.replace(old, new);
    }
    text
}

const PREFIX: &str = "prefix     = \"audit\"";
const DISABLE: &str = "undeclared = \"disable\"";
const READERS: &str = "[readers.audit-team]";

/// Codes of the guards that refuse.
fn refusals(plan: &Plan) -> Vec<&str> {
    let refusing = |guard: &&GuardResult| guard.verdict == Verdict::Refuse;
    plan.guards.iter().filter(refusing).map(|guard| guard.code.as_str()).collect()
}

/// Plans what is declared now, applies it, and insists that the next plan is empty.
async fn settle(case: &Case, allow: &[&str]) -> (Plan, Applied) {
    let router = case.router().await;
    let plan = case.plan_allowing(&router, allow).await;
    assert_not_refused(&plan);
    let applied = case.apply(&router, &plan).await.expect("apply runs");
    assert_in_sync(&applied);
    assert_eq!(changes(&case.plan_allowing(&router, allow).await), [""; 0], "the second plan");
    (plan, applied)
}

/// Enabled deliveries to the audit bucket.
fn enabled(case: &Case) -> Vec<LogDelivery> {
    case.sandbox.databricks.inspect(|data| {
        let to_us = |one: &&LogDelivery| {
            let storage = data.storage(&one.storage_configuration_id);
            one.enabled && storage.is_some_and(|storage| storage.bucket_name == case.sandbox.aws.bucket)
        };
        data.log_delivery.iter().filter(to_us).cloned().collect()
    })
}

/// Attempts every delivery now, and says which of those to the audit bucket do not work, or nothing while one does.
async fn broken_delivery(case: &Case) -> Option<String> {
    case.sandbox.databricks.deliver_now().await;
    let all = enabled(case);
    if all.iter().any(|one| one.state == DeliveryState::Succeeded) {
        return None;
    }
    Some(all.iter().map(|one| format!("`{}`: {}", one.config_name, one.message)).collect::<Vec<_>>().join("; "))
}

/// Applies, and tries the delivery after every event of the run.
async fn settle_watched(case: &Case) -> Plan {
    let router = case.router().await;
    let plan = case.plan(&router).await;
    assert_not_refused(&plan);
    assert_eq!(broken_delivery(case).await, None, "before the run");
    let mut broken = Vec::new();
    let mut watched = 0_usize;
    let applied = {
        let mut on_event = |event| {
            let now = tokio::runtime::Handle::current();
            let found = tokio::task::block_in_place(|| now.block_on(broken_delivery(case)));
            watched += 1;
            broken.extend(found.map(|message| format!("after {event:?}: {message}")));
        };
        let stop = std::sync::atomic::AtomicBool::new(false);
        case.apply_watched(&router, &plan, &stop, &mut on_event).await.expect("apply runs")
    };
    assert!(watched >= plan.steps.len(), "{watched} events");
    assert_eq!(broken, [""; 0], "the delivery stopped");
    assert_in_sync(&applied);
    assert_eq!(changes(&case.plan(&router).await), [""; 0], "the second plan");
    plan
}

async fn bucket_policy(case: &Case) -> String {
    let aws = &case.sandbox.aws;
    let get = aws.world.s3(&aws.root()).get_bucket_policy().bucket(&aws.bucket);
    get.send().await.expect("bucket policy").policy.expect("a policy")
}

async fn key_policy(case: &Case, key: &str) -> String {
    let aws = &case.sandbox.aws;
    let get = aws.world.kms(&aws.root()).get_key_policy().key_id(key).policy_name("default");
    get.send().await.expect("key policy").policy.expect("a policy")
}

/// The key that the audit bucket encrypts with.
async fn bucket_key(case: &Case) -> String {
    let aws = &case.sandbox.aws;
    let answer =
        aws.world.s3(&aws.root()).get_bucket_encryption().bucket(&aws.bucket).send().await.expect("encryption");
    let rules = answer.server_side_encryption_configuration.expect("a configuration").rules;
    let default =
        rules.first().and_then(|rule| rule.apply_server_side_encryption_by_default.clone()).expect("a default");
    default.kms_master_key_id.expect("a key")
}

/// A key of the account with the default policy.
async fn make_key(case: &Case, tags: &[(&str, &str)]) -> String {
    let aws = &case.sandbox.aws;
    let tag = |(key, value): &(&str, &str)| {
        aws_sdk_kms::types::Tag::builder().tag_key(*key).tag_value(*value).build().expect("a tag")
    };
    let create = aws.world.kms(&aws.root()).create_key().set_tags(Some(tags.iter().map(tag).collect()));
    create.send().await.expect("CreateKey").key_metadata.and_then(|key| key.arn).expect("an ARN")
}

async fn count_keys(case: &Case) -> usize {
    let aws = &case.sandbox.aws;
    aws.world.kms(&aws.root()).list_keys().send().await.expect("ListKeys").keys.unwrap_or_default().len()
}

fn changed(plan: &Plan, kind: Kind) -> bool {
    plan.changes.iter().any(|change| change.address.kind == kind)
}
