//! What planning refuses before anything is written, and what it only warns of.

use futures::{StreamExt, stream};
use serde_json::json;

use super::*;

/// A declared reader that does not exist, or cannot do what is declared.
async fn reader(trust: Option<serde_json::Value>, code: Option<&'static str>) {
    let mut case = Case::empty().await;
    let aws = case.sandbox.aws.clone();
    if let Some(trust) = &trust {
        let policy = json!({ "Version": "2012-10-17", "Statement": [trust] });
        aws.world.make_role(&aws.root(), "Extra", &policy, &[("s3:GetObject", "*")]).await.expect("role");
    }
    let extra = format!("[readers.extra]\nrole = \"{}\"\nmfa = true\n\n{READERS}", aws.role_arn("Extra"));
    case.declare(&manifest(&case, &[(READERS, &extra)]));
    let router = case.router().await;
    let plan = case.plan(&router).await;
    assert_eq!(refusals(&plan), code.into_iter().collect::<Vec<_>>(), "{trust:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_cannot_read_are_refused_while_planning() {
    let allow = |principal: serde_json::Value, action: &str| json!({ "Effect": "Allow", "Principal": principal, "Action": action });
    let cases = vec![
        (None, Some("unknown-principal")),
        (
            Some(allow(
                json!({ "Federated": "arn:aws:iam::111122223333:saml-provider/Okta" }),
                "sts:AssumeRoleWithSAML",
            )),
            Some("mfa-reader-cannot"),
        ),
        (Some(allow(json!({ "Service": "ec2.amazonaws.com" }), "sts:AssumeRole")), Some("mfa-reader-cannot")),
        (Some(allow(json!({ "AWS": "arn:aws:iam::111122223333:root" }), "sts:AssumeRole")), None),
    ];
    stream::iter(cases).map(|(trust, code)| reader(trust, code)).buffer_unordered(4).collect::<Vec<()>>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fewer_than_two_admins_is_a_warning() {
    let mut case = Case::empty().await;
    let second = format!("[admins.second]\nrole = \"{}\"\n", case.sandbox.aws.role_arn("SecondAdmin"));
    let router = case.router().await;
    let both = case.plan(&router).await;
    assert!(!both.findings.iter().any(|finding| finding.code == "single-admin"));
    case.declare(&manifest(&case, &[(&second, "")]));
    let plan = case.plan(&router).await;
    assert_eq!(refusals(&plan), [""; 0]);
    assert!(plan.findings.iter().any(|finding| finding.code == "single-admin"), "{:?}", plan.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_declared_admin_applies() {
    let case = Case::insecure().await;
    let plan = case.plan(&case.router_as("AccountAdmin").await).await;
    assert!(refusals(&plan).contains(&"not-a-declared-admin"), "{:?}", plan.guards);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn object_lock_has_to_be_allowed() {
    let mut case = Case::empty().await;
    settle(&case, &[]).await;
    let lock = |mode: &str| format!("{}[bucket.object_lock]\nmode = \"{mode}\"\ndays = 30\n", case.sandbox.manifest());
    let (governance, compliance) = (lock("governance"), lock("compliance"));
    let router = case.router().await;

    case.declare(&compliance);
    let plan = case.plan(&router).await;
    assert_eq!(refusals(&plan), ["irreversible-compliance-retention", "irreversible-object-lock"]);

    case.declare(&governance);
    let plan = case.plan(&router).await;
    assert_eq!(refusals(&plan), ["irreversible-object-lock"]);
    assert!(plan.changes.iter().any(|change| change.address.kind == Kind::BucketObjectLock && change.irreversible));

    let (plan, _) = settle(&case, &["irreversible-object-lock"]).await;
    let position = |which: &dyn Fn(&auditseal::plan::Step) -> bool| plan.steps.iter().rposition(which);
    let lock = position(&|step| step.address.kind == Kind::BucketObjectLock).expect("a lock step");
    let wait = position(&|step| matches!(step.action, auditseal::plan::StepAction::AwaitDelivery { .. }));
    assert!(wait.is_some_and(|wait| wait > lock), "a success is awaited after the retention");
    assert_eq!(broken_delivery(&case).await, None);
    // What is locked stays locked when the declaration forgets it.
    let text = case.sandbox.manifest();
    case.declare(&text);
    let plan = case.plan(&router).await;
    assert_eq!((refusals(&plan), changes(&plan)), (vec![], vec![]));
    assert!(plan.findings.iter().any(|finding| finding.code == "object-lock-kept"), "{:?}", plan.findings);
}
