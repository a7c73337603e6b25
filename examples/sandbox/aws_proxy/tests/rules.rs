//! Refusals, permissions and paging.

use aws_sdk_s3::error::ProvideErrorMetadata;
use serde_json::{Value, json};

use super::super::super::aws_seed::World;
use super::super::{AwsProxy, Options};
use super::{Bench, DELIVERY};

#[tokio::test(flavor = "multi_thread")]
async fn bucket_policies_are_checked_and_rewritten() {
    let bench = Bench::start(Options::default()).await;
    let objects = format!("arn:aws:s3:::{}/*", bench.estate.bucket);
    let good = json!({ "Effect": "Allow", "Principal": { "AWS": ["999988887777"] }, "Action": ["s3:GetObject"],
        "Resource": [objects] });
    let with = |field: &str, value: Value| {
        let mut statement = good.clone();
        statement[field] = value;
        statement
    };
    let mut anonymous = good.clone();
    anonymous.as_object_mut().expect("object").remove("Principal");
    for (statement, wanted) in [
        (with("Principal", json!({ "AWS": bench.arn("Nobody") })), "MalformedPolicy"),
        (with("Principal", json!({ "AWS": bench.arn("path/PlatformAdmin") })), "MalformedPolicy"),
        (with("Action", json!("kms:Decrypt")), "MalformedPolicy"),
        (with("Action", json!("s3:ListBucket")), "MalformedPolicy"),
        (with("Resource", json!("arn:aws:s3:::another/*")), "MalformedPolicy"),
        (with("Condition", json!({ "ArnNotEqual": { "aws:PrincipalArn": "x" } })), "MalformedPolicy"),
        (with("Condition", json!({ "StringEquals": { "aws:UserAgent": "x".repeat(21_000) } })), "PolicyTooLarge"),
        (anonymous, "MalformedPolicy"),
        (good.clone(), "accepted"),
    ] {
        assert_eq!(bench.policy_code(statement.clone()).await, wanted, "{statement:.300}");
    }
    let stored = bench.s3().get_bucket_policy().bucket(&bench.estate.bucket).send().await.expect("policy");
    let stored: Value = serde_json::from_str(&stored.policy.unwrap_or_default()).expect("json");
    assert_eq!(stored["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::999988887777:root");
    assert_eq!(stored["Statement"][0]["Action"], "s3:GetObject");
    let other = bench.s3().get_bucket_policy().bucket(&bench.estate.bucket).expected_bucket_owner("111122223333");
    assert_eq!(other.send().await.expect_err("owner").code(), Some("AccessDenied"));
    let far = World::new(bench.proxy.quiet_url(), "eu-west-1").s3(&bench.admin);
    let far = far.get_bucket_policy().bucket(&bench.estate.bucket).send().await;
    assert_eq!(far.expect_err("region").code(), Some("PermanentRedirect"));
}

#[tokio::test(flavor = "multi_thread")]
async fn key_policies_are_checked_and_lock_nobody_out() {
    let bench = Bench::start(Options::default()).await;
    let key = bench.key(DELIVERY).await;
    let put = async |policy: String| {
        let put = bench.kms().put_key_policy().key_id(&key).policy(policy).send().await;
        put.map_or_else(|error| error.code().unwrap_or("none").to_owned(), |_| "accepted".to_owned())
    };
    let malformed = "MalformedPolicyDocumentException";
    assert_eq!(put("{".to_owned()).await, malformed);
    assert_eq!(put(bench.key_policy("Nobody")).await, malformed);
    let locked = bench.key_policy(DELIVERY).replace("kms:PutKeyPolicy", "kms:TagResource");
    assert_eq!(put(locked).await, malformed);
    assert_eq!(put(bench.key_policy(DELIVERY)).await, "accepted");

    // IAM is eventually consistent: a new role is unknown at first.
    let options = Options { new_principal_refusals: 1, ..Options::default() };
    let slow = AwsProxy::start(&bench.emulator.url(), options).await.expect("proxy");
    let own = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "AWS": bench.estate.account } }] });
    let world = World::new(slow.url(), "us-east-1");
    world.make_role(&bench.admin, "Fresh", &own, &[("s3:GetObject", "*")]).await.expect("role");
    assert_eq!(put(bench.key_policy("Fresh")).await, malformed);
    assert_eq!(put(bench.key_policy("Fresh")).await, "accepted");
    let iam = world.iam(&bench.admin);
    iam.delete_role_policy().role_name("Fresh").policy_name("inline").send().await.expect("policy");
    iam.delete_role().role_name("Fresh").send().await.expect("delete");
    let stored = bench.kms().get_key_policy().key_id(&key).send().await.expect("policy").policy;
    assert!(stored.is_some_and(|policy| policy.contains("AROA") && !policy.contains("role/Fresh")));
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_need_the_key() {
    let bench = Bench::start(Options::default()).await;
    let (bucket, world) = (&bench.estate.bucket, &bench.estate.world);
    let key = bench.key(DELIVERY).await;
    bench.encrypt_with(&key).await;
    let delivery = bench.estate.databricks_session(&bench.arn(DELIVERY)).await.expect("session");
    world.put_object(&delivery, bucket, "a", "{}").await.expect("allowed");
    assert_eq!(world.get_object(&delivery, bucket, "a").await.expect("allowed"), b"{}");
    let contractor = bench.estate.session("ContractorX", false).await.expect("session");
    assert!(world.get_object(&contractor, bucket, "a").await.expect_err("no key").is_denied());

    bench.kms().disable_key().key_id(&key).send().await.expect("disable");
    let refused = world.put_object(&delivery, bucket, "b", "{}").await.expect_err("disabled");
    assert_eq!(refused.code, "KMS.DisabledException");
    bench.kms().enable_key().key_id(&key).send().await.expect("enable");
    let policy = bench.key_policy("ContractorX");
    bench.kms().put_key_policy().key_id(&key).policy(policy).send().await.expect("policy");
    assert!(world.put_object(&delivery, bucket, "b", "{}").await.expect_err("no key").is_denied());
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_see_roles_mfa_and_tls() {
    let bench = Bench::start(Options::default()).await;
    let (bucket, world) = (&bench.estate.bucket, &bench.estate.world);
    let resources = json!([format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")]);
    let deny = |condition: Value| json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": resources, "Condition": condition });
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        deny(json!({ "Bool": { "aws:SecureTransport": "false" } })),
        deny(json!({ "ArnNotEquals": { "aws:PrincipalArn": [bench.arn("SecurityAnalyst"), bench.arn("PlatformAdmin")] } })),
        deny(json!({ "ArnEquals": { "aws:PrincipalArn": bench.arn("SecurityAnalyst") },
            "BoolIfExists": { "aws:MultiFactorAuthPresent": "false" } })),
    ] });
    let put = bench.s3().put_bucket_policy().bucket(bucket).policy(policy.to_string()).send().await;
    put.expect("policy");
    let analyst = bench.estate.session("SecurityAnalyst", true).await.expect("with a code");
    world.list_objects(&analyst, bucket, "").await.expect("allowed");
    assert!(bench.estate.session("SecurityAnalyst", false).await.expect_err("no code").is_denied());
    let other = bench.estate.session("AccountAdmin", false).await.expect("session");
    assert!(world.list_objects(&other, bucket, "").await.expect_err("not named").is_denied());
    let plain = World::new(bench.emulator.url(), "us-east-1");
    assert!(plain.list_objects(&analyst, bucket, "").await.expect_err("no TLS").is_denied());
    let wrong = world.assume_as_databricks(&bench.arn(DELIVERY), "another-account").await;
    assert!(wrong.expect_err("external id").is_denied());
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_have_pages() {
    let bench = Bench::start(Options { page_size: Some(2), ..Options::default() }).await;
    let iam = World::new(bench.proxy.url(), "us-east-1").iam(&bench.admin);
    let (mut roles, mut marker) = (0, None);
    loop {
        let page = iam.get_account_authorization_details().set_marker(marker).send().await.expect("page");
        roles += page.role_detail_list().len();
        assert!(page.role_detail_list().len() <= 2);
        marker = page.marker;
        if !page.is_truncated {
            break;
        }
    }
    assert_eq!(roles, 7);
    assert_eq!(bench.proxy.recorded().len(), 4);
    let key = bench.key(DELIVERY).await;
    assert_eq!(bench.kms().get_key_rotation_status().key_id(&key).send().await.expect("status").key_id, Some(key));
}
