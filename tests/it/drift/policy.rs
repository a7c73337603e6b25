//! The policies of the audit bucket and of its access-log bucket, statement by statement.

use serde_json::{Value, json};

use super::{Document, Estate, Named};
use crate::harness::{Case, assert_in_sync, changes};

async fn live(estate: &Estate, bucket: &str) -> Document {
    let answer = estate.s3().get_bucket_policy().bucket(bucket).send().await.expect("GetBucketPolicy");
    Document::of(answer.policy().expect("a policy"))
}

async fn put(estate: &Estate, bucket: &str, document: Document) {
    let put = estate.s3().put_bucket_policy().bucket(bucket).policy(document.to_string());
    put.send().await.expect("PutBucketPolicy");
}

/// The smallest widening: an allow gets another action, a deny loses its condition or one of its actions.
pub fn widened(statement: &mut Value) {
    let deny = statement["Effect"] == "Deny";
    if deny && let Some(condition) = statement.get_mut("Condition") {
        *condition = json!({ "StringEquals": { "aws:PrincipalTag/never": "true" } });
    } else if deny {
        statement["Resource"] = json!(first(&statement["Resource"]).replace("/*", "/nothing/*"));
    } else {
        statement["Action"] = json!("s3:GetBucketTagging");
        if statement["Resource"].to_string().contains("/*") {
            statement["Action"] = json!("s3:GetObjectTagging");
        }
    }
}

fn first(resource: &Value) -> &str {
    resource.as_str().or_else(|| resource[0].as_str()).expect("a resource")
}

fn foreign_allow(estate: &Estate, bucket: &str) -> Value {
    json!({
        "Sid": "TemporaryAccess", "Effect": "Allow", "Action": "s3:GetObject",
        "Principal": { "AWS": estate.case.sandbox.aws.role_arn("AccountAdmin") },
        "Resource": format!("arn:aws:s3:::{bucket}/*"),
    })
}

fn foreign_deny(bucket: &str) -> Value {
    json!({
        "Sid": "NotFromOutside", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject",
        "Resource": format!("arn:aws:s3:::{bucket}/*"),
        "Condition": { "StringEquals": { "aws:PrincipalTag/outside": "true" } },
    })
}

/// Every statement removed and changed, an allow and a deny added, the policy deleted.
async fn statements(estate: &Estate, bucket: &str, address: &str, least: usize) {
    let sids = live(estate, bucket).await.sids();
    assert!(sids.len() >= least, "{sids:?}");
    for sid in &sids {
        let path = format!("statement[{sid}]");
        let act = async { put(estate, bucket, live(estate, bucket).await.without(sid)).await };
        estate.drift(&format!("{address} without {sid}"), act, &[(address, &[&path])]).await;
        let act = async { put(estate, bucket, live(estate, bucket).await.changed(sid, widened)).await };
        estate.drift(&format!("{address} with another {sid}"), act, &[(address, &[&path])]).await;
    }
    let act = async { put(estate, bucket, live(estate, bucket).await.with(foreign_allow(estate, bucket))).await };
    estate.drift(&format!("{address} allow"), act, &[(address, &["statement[TemporaryAccess]"])]).await;
    let act = async {
        let mut allow = foreign_allow(estate, bucket);
        allow.as_object_mut().expect("object").remove("Sid");
        put(estate, bucket, live(estate, bucket).await.with(allow)).await;
    };
    let path = format!("statement[#{}]", sids.len());
    estate.drift(&format!("{address} allow without Sid"), act, &[(address, &[&path])]).await;
    let act = async {
        estate.s3().delete_bucket_policy().bucket(bucket).send().await.expect("DeleteBucketPolicy");
    };
    let all: Vec<String> = sids.iter().map(|sid| format!("statement[{sid}]")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    estate.drift(&format!("{address} deleted"), act, &[(address, &all)]).await;
    let act = async { put(estate, bucket, live(estate, bucket).await.with(foreign_deny(bucket))).await };
    estate.kept(&format!("{address} deny"), act, "undeclared-deny-kept", address).await;
    // It survives the repair of a statement of ours.
    let act = async { put(estate, bucket, live(estate, bucket).await.without("TlsOnly")).await };
    estate.drift(&format!("{address} beside a deny"), act, &[(address, &["statement[TlsOnly]"])]).await;
    let now = live(estate, bucket).await.sids();
    estate.holds(now.contains(&"NotFromOutside".to_owned()), "the deny");
    without_deny(estate, address).await;
    let now = live(estate, bucket).await.sids();
    estate.holds(!now.contains(&"NotFromOutside".to_owned()), "no deny");
}

/// The undeclared deny goes when the user says so, and only then.
async fn without_deny(estate: &Estate, address: &str) {
    let plan = estate.case.plan_allowing(&estate.router, &["remove-undeclared-denies"]).await;
    let expected =
        Named::from([(address.to_owned(), std::iter::once("statement[NotFromOutside]".to_owned()).collect())]);
    assert_eq!(estate.named(&plan), expected);
    let applied = estate.case.apply(&estate.router, &plan).await.expect("apply");
    assert_in_sync(&applied);
    assert_eq!(changes(&estate.case.plan(&estate.router).await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_of_the_audit_bucket() {
    let mut case = Case::insecure().await;
    let sandbox = &case.sandbox;
    sandbox
        .aws
        .world
        .make_role(&sandbox.aws.root(), "Observer", &trust(&case), &[("s3:ListAllMyBuckets", "*")])
        .await
        .expect("role");
    let text = format!("{}\n[observers.drift]\nrole = \"{}\"\n", sandbox.manifest(), sandbox.aws.role_arn("Observer"));
    case.declare(&text);
    let estate = Estate::of(case).await;
    let bucket = estate.bucket().to_owned();
    statements(&estate, &bucket, "acme/bucket-policy[audit]", 17).await;
    estate.done();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_of_the_access_log_bucket() {
    let estate = Estate::of(Case::empty().await).await;
    let bucket = estate.log_bucket().to_owned();
    statements(&estate, &bucket, "acme/bucket-policy[access]", 10).await;
    estate.done();
}

/// A trust policy for the account's own sessions.
pub fn trust(case: &Case) -> Value {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": format!("arn:aws:iam::{}:root", case.sandbox.aws.account) },
    }] })
}
