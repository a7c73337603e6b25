//! The delivery role: trust, policies, tags, and its end.

use serde_json::{Value, json};

use super::{Document, Estate};
use crate::harness::Case;

const ROLE: &str = "acme/role[delivery]";
const POLICY: &str = "acme/role-policy[delivery]";
const INLINE: &str = "acme/role-inline-policies[delivery]";
const ATTACHED: &str = "acme/role-attached-policies[delivery]";
const OWN: &str = "auditseal-delivery";
const TRUST: &str = "trust.statement[DatabricksLogDelivery]";

async fn trust(estate: &Estate) -> Document {
    let found = estate.iam().get_role().role_name(estate.role()).send().await.expect("GetRole");
    let text = found.role().and_then(|role| role.assume_role_policy_document()).expect("a trust policy").to_owned();
    Document::of(&decoded(&text))
}

async fn policy(estate: &Estate) -> Document {
    let call = estate.iam().get_role_policy().role_name(estate.role()).policy_name(OWN);
    Document::of(&decoded(call.send().await.expect("GetRolePolicy").policy_document()))
}

/// IAM gives documents URL-encoded.
pub fn decoded(text: &str) -> String {
    let url = reqwest::Url::parse(&format!("http://localhost/?document={text}")).expect("a URL");
    url.query_pairs().next().expect("a parameter").1.into_owned()
}

async fn put_trust(estate: &Estate, document: Document) {
    let call = estate.iam().update_assume_role_policy().role_name(estate.role());
    call.policy_document(document.to_string()).send().await.expect("UpdateAssumeRolePolicy");
}

async fn put_policy(estate: &Estate, name: &str, document: &str) {
    let call = estate.iam().put_role_policy().role_name(estate.role()).policy_name(name);
    call.policy_document(document).send().await.expect("PutRolePolicy");
}

async fn trusts(estate: &Estate) {
    type Alter = fn(&mut Value);
    let alterations: [(&str, Alter); 4] = [
        ("principal", |one| one["Principal"] = json!({ "AWS": "arn:aws:iam::414351767826:root" })),
        ("external id", |one| one["Condition"] = json!({ "StringEquals": { "sts:ExternalId": "somebody-else" } })),
        ("no external id", |one| {
            one.as_object_mut().expect("a statement").remove("Condition");
        }),
        ("action", |one| one["Action"] = json!(["sts:AssumeRole", "sts:TagSession"])),
    ];
    let whole = trust(estate).await;
    for (index, (what, alter)) in alterations.into_iter().enumerate() {
        let act = put_trust(estate, whole.clone().changed("DatabricksLogDelivery", alter));
        if index % 2 == 0 {
            estate.found(&format!("trust, {what}"), act, &[(ROLE, &[TRUST])]).await;
        } else {
            estate.drift(&format!("trust, {what}"), act, &[(ROLE, &[TRUST])]).await;
        }
    }
    let allow = json!({
        "Sid": "Contractor", "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": estate.case.sandbox.aws.role_arn("AccountAdmin") },
    });
    let act = async { put_trust(estate, trust(estate).await.with(allow)).await };
    estate.drift("trust in another", act, &[(ROLE, &["trust.statement[Contractor]"])]).await;
}

async fn tags(estate: &Estate) {
    let role = estate.role();
    let owner = estate.case.desired[0].owner();
    let put =
        async |key: &str, value: &str| estate.case.sandbox.aws.tag_role(&role, key, value).await.expect("TagRole");
    let act = async {
        let call = estate.iam().untag_role().role_name(&role).tag_keys("auditseal:owner");
        call.send().await.expect("UntagRole");
    };
    estate.drift("role tag removed", act, &[(ROLE, &["tags[\"auditseal:owner\"]"])]).await;
    estate.ignored("foreign role tag", put("team", "security")).await;
    estate.refused("role of another owner", put("auditseal:owner", "other/bucket"), "owned-by-another").await;
    put("auditseal:owner", &owner).await;
}

async fn policies(estate: &Estate) {
    let sids = policy(estate).await.sids();
    assert_eq!(sids, ["Objects", "List", "Bucket", "Key"]);
    for sid in &sids {
        let path = format!("statement[{sid}]");
        let widened = |one: &mut Value| one["Resource"] = json!("*");
        let whole = policy(estate).await;
        let wider = whole.clone().changed(sid, widened).to_string();
        let act = put_policy(estate, OWN, &wider);
        estate.found(&format!("inline policy with a wider {sid}"), act, &[(POLICY, &[&path])]).await;
        let less = whole.without(sid).to_string();
        let act = put_policy(estate, OWN, &less);
        estate.drift(&format!("inline policy without {sid}"), act, &[(POLICY, &[&path])]).await;
    }
    let all: Vec<String> = sids.iter().map(|sid| format!("statement[{sid}]")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let own = format!("inline_policies[{OWN}]");
    let act = async {
        let call = estate.iam().delete_role_policy().role_name(estate.role()).policy_name(OWN);
        call.send().await.expect("DeleteRolePolicy");
    };
    let expected: [(&str, &[&str]); 2] = [(POLICY, &all), (INLINE, &[&own])];
    estate.drift("inline policy deleted", act, &expected).await;
    let everything = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "s3:*", "Resource": "*" },
    ] });
    let act = async {
        put_policy(estate, "debugging", &everything.to_string()).await;
        put_policy(estate, "more", &everything.to_string()).await;
    };
    let undeclared: &[&str] = &["inline_policies[debugging]", "inline_policies[more]"];
    estate.drift("undeclared inline policies", act, &[(INLINE, undeclared)]).await;
    let act = async {
        let made = estate.iam().create_policy().policy_name("Everything").policy_document(everything.to_string());
        let made = made.send().await.expect("CreatePolicy");
        let arn = made.policy().and_then(|policy| policy.arn()).expect("an ARN").to_owned();
        let call = estate.iam().attach_role_policy().role_name(estate.role()).policy_arn(arn);
        call.send().await.expect("AttachRolePolicy");
    };
    let path = format!("attached_policies[arn:aws:iam::{}:policy/Everything]", estate.case.sandbox.aws.account);
    estate.drift("attached policy", act, &[(ATTACHED, &[&path])]).await;
}

/// A role that is deleted leaves its unique id in the policies that named it.
async fn deleted(estate: &Estate) {
    let iam = estate.iam();
    let role = estate.role();
    iam.delete_role_policy().role_name(&role).policy_name(OWN).send().await.expect("DeleteRolePolicy");
    iam.delete_role().role_name(&role).send().await.expect("DeleteRole");
    let policy = estate.s3().get_bucket_policy().bucket(estate.bucket()).send().await.expect("GetBucketPolicy");
    assert!(policy.policy().is_some_and(|text| text.contains("AROA")), "the emulator shows unique ids: {policy:?}");
    let own = format!("inline_policies[{OWN}]");
    let expected: [(&str, &[&str]); 5] = [
        (ROLE, &["arn", "max_session_duration", "tags[\"auditseal:owner\"]", TRUST]),
        (POLICY, &["statement[Bucket]", "statement[Key]", "statement[List]", "statement[Objects]"]),
        (INLINE, &[&own]),
        (
            "acme/bucket-policy[audit]",
            &["statement[DeliveryLists]", "statement[DeliveryUploads]", "statement[DeliveryWrites]"],
        ),
        ("acme/kms-key-policy[audit]", &["statement[DeliveryEncrypts]"]),
    ];
    estate.drift("role deleted", async {}, &expected).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_delivery_role() {
    let estate = Estate::of(Case::insecure().await).await;
    trusts(&estate).await;
    tags(&estate).await;
    policies(&estate).await;
    deleted(&estate).await;
    estate.done();
}
