//! What a plan does to access, on a real wire: who loses and gains it, at which step, and what it leaves.

use std::collections::BTreeSet;

use auditseal::access::Question;

use super::*;
use crate::sandbox::aws_seed::FOREIGN_READER_ACCOUNT;
use crate::sandbox::faults::{Failure, Rule, Trigger};

fn names(arns: &[String]) -> BTreeSet<&str> {
    arns.iter().map(|arn| arn.rsplit('/').next().expect("a name")).collect()
}

/// Codes of the guards that ask the proofs.
fn codes(plan: &Plan, verdict: Verdict) -> BTreeSet<&str> {
    plan.guards.iter().filter(|guard| guard.verdict == verdict).map(|guard| guard.code.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_shows_who_loses_and_gains_access_and_apply_makes_it_so() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let plan = case.plan_proved(&router).await;
    assert_not_refused(&plan);
    let foreign = format!("arn:aws:iam::{FOREIGN_READER_ACCOUNT}:root");
    let (before, after) = (&plan.access.before, &plan.access.after);
    for reader in ["ContractorX", "DatabricksAuditDelivery", "SecurityAnalyst"] {
        assert!(names(&before.read).contains(reader), "{before:?}");
    }
    assert!(before.read.contains(&foreign), "{before:?}");
    for reader in ["ContractorX", "DatabricksAuditDelivery"] {
        assert!(!names(&after.read).contains(reader), "{after:?}");
    }
    assert!(!after.read.contains(&foreign), "{after:?}");
    assert!(names(&after.read).contains("SecurityAnalyst"));
    // Databricks itself is a writer through its role; nobody else is.
    assert_eq!(after.write.len(), 2, "{after:?}");
    // No step opens anything; the policy of the bucket is what closes it.
    let undeclared: Vec<_> =
        plan.access.steps.iter().flat_map(|step| &step.gained).filter(|one| !one.declared).collect();
    assert!(undeclared.is_empty(), "{undeclared:?}");
    let closes = plan.access.steps.iter().find(|step| {
        step.lost.iter().any(|one| one.question == Question::Read && one.arn.ends_with("role/ContractorX"))
    });
    assert_eq!(closes.expect("a step").address.kind, Kind::BucketPolicy);
    assert!(codes(&plan, Verdict::Pass).contains("access-widened"));
    // The analyst's trust policy lets the account's own people in: told, not refused.
    assert!(codes(&plan, Verdict::Warn).contains("undeclared-access-remains"));

    let applied = case.apply(&router, &plan).await.expect("apply");
    assert_in_sync(&applied);
    let now = case.plan_proved(&router).await;
    assert_eq!((&now.access.before, &now.access.after), (after, after), "what was predicted is what is proved now");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_estate_opens_to_the_declared_only() {
    let case = Case::empty().await;
    let router = case.router().await;
    let plan = case.plan_proved(&router).await;
    assert_not_refused(&plan);
    assert_eq!(plan.access.before.read, [""; 0]);
    assert!(names(&plan.access.after.read).contains("SecurityAnalyst"), "{:?}", plan.access.after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unread_identity_is_a_gap_of_the_proof() {
    let case = Case::insecure().await;
    let router = case.router().await;
    let refused = Trigger::Operation("iam:GetAccountAuthorizationDetails".to_owned());
    case.sandbox.faults.add(Rule::before(refused, Failure::Denied).always());
    let plan = case.plan_proved(&router).await;
    assert!(!plan.access.complete && !plan.complete);
    let permissions: Vec<_> = plan.access.gaps.iter().filter_map(|gap| gap.permission.as_deref()).collect();
    assert_eq!(permissions, ["iam:GetAccountAuthorizationDetails"]);
    assert!(codes(&plan, Verdict::Refuse).contains("unread-inputs"));
}
