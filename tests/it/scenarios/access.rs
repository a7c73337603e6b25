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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_between_the_two_sides_of_a_move_are_no_reason_to_refuse() {
    let mut case = Case::empty().await;
    case.converge(&case.router().await).await;
    case.sandbox.databricks.deliver_now().await;
    let old_key = bucket_key(&case).await;
    let new_key = make_key(&case, &[]).await;
    let mut text = manifest(&case, &[(PREFIX, "prefix = \"logs\"\nprevious_prefixes = [\"audit\"]")]);
    text.push_str(&format!("[role]\narn = \"{}\"\n", case.sandbox.aws.role_arn("delivery/Second")));
    text.push_str(&format!("[key]\narn = \"{new_key}\"\nprevious = [\"{old_key}\"]\n"));
    case.declare(&text);
    let plan = case.plan_proved(&case.router().await).await;
    assert_not_refused(&plan);
    assert!(plan.steps.iter().any(|step| step.title.ends_with("(transition)")), "a move");
    let passed = codes(&plan, Verdict::Pass);
    for code in ["access-widened", "delivery-cannot-write", "self-lockout-bucket", "self-lockout-key"] {
        assert!(passed.contains(code), "{code}: {:?}", plan.guards);
    }
    assert!(!plan.guards.iter().any(|guard| guard.code == "safe-order"), "the usual order is safe");
    // The new side works before anything is delivered to it.
    let made = plan.steps.iter().find(|step| step.title.contains("create the log-delivery")).expect("a new delivery");
    let works = plan.access.proofs.iter().rfind(|one| one.code == "delivery-works").expect("the proof turns");
    // A plan does not ask for the organization's policies, so that nothing is proved; nothing is broken either.
    assert_eq!(works.after, auditseal::access::ProofVerdict::NotProven, "{:#?}", plan.access.proofs);
    assert!(works.step < made.id, "{works:?}");
}
