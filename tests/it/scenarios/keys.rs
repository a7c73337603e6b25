//! Which key encrypts the logs: adopted by ARN, alias or tag, or made; revived when it was to be deleted.

use auditseal::run::lock::{LockError, parameter, unlock};

use super::*;
use crate::sandbox::faults::{Failure, Rule, Trigger};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_its_own_is_made() {
    let case = Case::empty().await;
    make_key(&case, &[]).await;
    settle(&case, &[]).await;
    assert_eq!(count_keys(&case).await, 2, "somebody's key, and one for the logs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_with_our_alias_is_adopted() {
    let case = Case::empty().await;
    let key = make_key(&case, &[("team", "platform")]).await;
    let aws = &case.sandbox.aws;
    let alias = aws.world.kms(&aws.root()).create_alias().target_key_id(&key);
    alias.alias_name(format!("alias/auditseal/{}", aws.bucket)).send().await.expect("CreateAlias");
    settle(&case, &[]).await;
    assert_eq!((bucket_key(&case).await, count_keys(&case).await), (key.clone(), 1));
    let tags = aws.world.kms(&aws.root()).list_resource_tags().key_id(&key).send().await.expect("tags");
    let names: Vec<_> = tags.tags.unwrap_or_default().into_iter().map(|tag| tag.tag_key).collect();
    assert!(names.contains(&"team".to_owned()) && names.contains(&"auditseal:owner".to_owned()), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_with_our_tag_is_adopted() {
    let case = Case::empty().await;
    let key = make_key(&case, &[("auditseal:owner", &case.desired[0].owner())]).await;
    settle(&case, &[]).await;
    assert_eq!((bucket_key(&case).await, count_keys(&case).await), (key, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_killed_before_the_alias_makes_no_second_key() {
    let case = Case::empty().await;
    let faults = &case.sandbox.faults;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    faults.add(Rule::before(Trigger::Operation("kms:CreateAlias".to_owned()), Failure::Kill));
    tokio::select! {
        () = faults.killed() => {}
        ended = case.apply(&router, &plan) => panic!("not killed: {ended:?}"),
    }
    faults.clear();
    faults.revive();
    assert_eq!(count_keys(&case).await, 1);
    // The dead run left its lock, which its lease would end: it is broken, as `auditseal unlock` does.
    let router = case.router().await;
    let name = parameter(&case.sandbox.aws.account, &case.sandbox.aws.bucket);
    match unlock(&router, &case.aws_place(), &name, "").await {
        Err(LockError::Held { holder, .. }) => {
            assert!(unlock(&router, &case.aws_place(), &name, &holder.run).await.expect("unlock"));
        }
        other => panic!("no lock was left: {other:?}"),
    }
    settle(&case, &[]).await;
    assert_eq!(count_keys(&case).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_to_be_deleted_is_revived() {
    let case = Case::empty().await;
    settle(&case, &[]).await;
    let (aws, key) = (&case.sandbox.aws, bucket_key(&case).await);
    let kms = aws.world.kms(&aws.root());
    // The key policy lets nobody schedule a deletion: whoever does has changed the policy first.
    let open = serde_json::json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "kms:*",
        "Principal": { "AWS": format!("arn:aws:iam::{}:root", aws.account) }, "Resource": "*" }] });
    let put = kms.put_key_policy().key_id(&key).policy_name("default").policy(open.to_string());
    put.send().await.expect("PutKeyPolicy");
    kms.schedule_key_deletion().key_id(&key).pending_window_in_days(7).send().await.expect("ScheduleKeyDeletion");
    let (plan, _) = settle(&case, &[]).await;
    assert!(changed(&plan, Kind::KmsKey) && changed(&plan, Kind::KmsKeyPolicy), "{:?}", changes(&plan));
    let state = kms.describe_key().key_id(&key).send().await.expect("DescribeKey").key_metadata.expect("key").key_state;
    assert_eq!(state, Some(aws_sdk_kms::types::KeyState::Enabled));
    assert_eq!(broken_delivery(&case).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_serves_others_is_not_narrowed() {
    let mut case = Case::empty().await;
    let key = make_key(&case, &[]).await;
    let aws = &case.sandbox.aws;
    let shared = serde_json::json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": "kms:*", "Principal": { "AWS": format!("arn:aws:iam::{}:root", aws.account) },
          "Resource": "*" },
        { "Effect": "Allow", "Action": "kms:Decrypt", "Principal": { "AWS": aws.role_arn("AccountAdmin") }, "Resource": "*",
          "Condition": { "StringEquals": { "kms:ViaService": "rds.us-east-1.amazonaws.com" } } }] });
    let put =
        aws.world.kms(&aws.root()).put_key_policy().key_id(&key).policy_name("default").policy(shared.to_string());
    put.send().await.expect("PutKeyPolicy");
    let text = format!("{}[key]\narn = \"{key}\"\n", case.sandbox.manifest());
    case.declare(&text);
    let plan = case.plan(&case.router().await).await;
    assert_eq!(refusals(&plan), ["key-used-elsewhere"]);
}
