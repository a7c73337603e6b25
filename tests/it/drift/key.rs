//! The key of the audit bucket: one that was adopted, and one that was made.

use aws_sdk_kms::types as kms;
use serde_json::{Value, json};

use super::{Document, Estate};
use crate::harness::Case;

/// A key, and the name of its resources.
pub struct Site<'a> {
    pub key: &'a str,
    pub name: &'a str,
    pub alias: &'a str,
}

impl Site<'_> {
    fn address(&self, kind: &str) -> String {
        format!("acme/{kind}[{}]", self.name)
    }
}

async fn live(estate: &Estate, key: &str) -> Document {
    let answer = estate.kms().get_key_policy().key_id(key).policy_name("default").send().await.expect("GetKeyPolicy");
    Document::of(answer.policy().expect("a policy"))
}

async fn put(estate: &Estate, key: &str, document: Document) {
    // As a declared admin: KMS takes no policy that its caller could not change again.
    let admin = estate.case.sandbox.aws.session("PlatformAdmin", true).await.expect("session");
    let put =
        estate.world().kms(&admin).put_key_policy().key_id(key).policy_name("default").policy(document.to_string());
    put.send().await.expect("PutKeyPolicy");
}

pub async fn state(estate: &Estate, site: &Site<'_>) {
    let key = site.key;
    let key_address = site.address("kms-key");
    let rotation_address = site.address("kms-rotation");
    let client = estate.kms();
    let act = async {
        client.disable_key().key_id(key).send().await.expect("DisableKey");
    };
    estate.drift("key disabled", act, &[(key_address.as_str(), &["state"])]).await;
    let act = async {
        let call = client.schedule_key_deletion().key_id(key).pending_window_in_days(7);
        call.send().await.expect("ScheduleKeyDeletion");
    };
    // While it waits for its deletion KMS does not rotate it, and says so (KMS API reference, GetKeyRotationStatus).
    let expected: [(&str, &[&str]); 2] =
        [(key_address.as_str(), &["state"]), (rotation_address.as_str(), &["enabled", "period_days"])];
    estate.drift("key to be deleted", act, &expected).await;
    let act = async {
        client.disable_key_rotation().key_id(key).send().await.expect("DisableKeyRotation");
    };
    estate.drift("rotation off", act, &[(rotation_address.as_str(), &["enabled", "period_days"])]).await;
    let act = async {
        let call = client.enable_key_rotation().key_id(key).rotation_period_in_days(2560);
        call.send().await.expect("EnableKeyRotation");
    };
    estate.drift("rotation period", act, &[(rotation_address.as_str(), &["period_days"])]).await;
}

pub async fn names(estate: &Estate, site: &Site<'_>) {
    let key = site.key;
    let alias_address = site.address("kms-alias");
    let client = estate.kms();
    let alias = site.alias;
    let path = format!("aliases[{alias}]");
    let act = async {
        client.delete_alias().alias_name(alias).send().await.expect("DeleteAlias");
    };
    estate.drift("alias removed", act, &[(alias_address.as_str(), &[&path])]).await;
    let other = client.create_key().send().await.expect("CreateKey").key_metadata.expect("a key").key_id;
    let act = async {
        client.update_alias().alias_name(alias).target_key_id(&other).send().await.expect("UpdateAlias");
    };
    estate.drift("alias moved to another key", act, &[(alias_address.as_str(), &[&path])]).await;
    let back = client.describe_key().key_id(alias).send().await.expect("DescribeKey").key_metadata.expect("a key");
    estate.holds(back.arn.as_deref() == Some(key), "the alias names the key again");
    let act = async {
        let call = client.create_alias().alias_name(format!("alias/mine-{other}")).target_key_id(key);
        call.send().await.expect("CreateAlias");
    };
    estate.ignored("a further alias", act).await;
}

pub async fn tags(estate: &Estate, site: &Site<'_>) {
    let key = site.key;
    let tags_address = site.address("kms-tags");
    let client = estate.kms();
    let owner = estate.case.desired[0].owner();
    let put = async |name: &str, value: &str| {
        let tag = kms::Tag::builder().tag_key(name).tag_value(value).build().expect("tag");
        client.tag_resource().key_id(key).tags(tag).send().await.expect("TagResource");
    };
    let act = async {
        client.untag_resource().key_id(key).tag_keys("auditseal:owner").send().await.expect("UntagResource");
    };
    estate.drift("key tag removed", act, &[(tags_address.as_str(), &["tags[\"auditseal:owner\"]"])]).await;
    estate.ignored("foreign key tag", put("team", "security")).await;
    estate.refused("key of another owner", put("auditseal:owner", "other/bucket"), "owned-by-another").await;
    put("auditseal:owner", &owner).await;
}

pub async fn policy(estate: &Estate, site: &Site<'_>) {
    let key = site.key;
    let policy_address = site.address("kms-key-policy");
    let sids = live(estate, key).await.sids();
    assert!(sids.len() >= 8, "{sids:?}");
    let widened = |statement: &mut Value| {
        if statement["Effect"] == "Deny" {
            statement["Condition"] = json!({ "StringEquals": { "aws:PrincipalTag/never": "true" } });
        } else {
            statement["Action"] = json!(["kms:DescribeKey", "kms:ReplicateKey"]);
        }
    };
    for sid in &sids {
        let path = format!("statement[{sid}]");
        // Without this statement nobody but the root user could repair the policy.
        if sid != "AdminsAdminister" {
            let whole = live(estate, key).await;
            let act = put(estate, key, whole.clone().without(sid));
            estate.found(&format!("key policy without {sid}"), act, &[(policy_address.as_str(), &[&path])]).await;
            let act = put(estate, key, whole.changed(sid, widened));
            estate.drift(&format!("key policy with another {sid}"), act, &[(policy_address.as_str(), &[&path])]).await;
        }
    }
    let act = async {
        let decrypting = |statement: &mut Value| {
            let actions = statement["Action"].as_array_mut().expect("actions");
            actions.push(json!("kms:Decrypt"));
        };
        put(estate, key, live(estate, key).await.changed("AdminsAdminister", decrypting)).await;
    };
    estate.drift("administrators decrypt", act, &[(policy_address.as_str(), &["statement[AdminsAdminister]"])]).await;
    let allow = json!({
        "Sid": "Contractor", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*",
        "Principal": { "AWS": estate.case.sandbox.aws.role_arn("AccountAdmin") },
    });
    let act = async { put(estate, key, live(estate, key).await.with(allow)).await };
    estate.drift("key policy allow", act, &[(policy_address.as_str(), &["statement[Contractor]"])]).await;
    let deny = json!({
        "Sid": "NotFromOutside", "Effect": "Deny", "Action": "kms:Decrypt", "Resource": "*", "Principal": "*",
        "Condition": { "StringEquals": { "aws:PrincipalTag/outside": "true" } },
    });
    let act = async { put(estate, key, live(estate, key).await.with(deny)).await };
    estate.kept("key policy deny", act, "undeclared-deny-kept", policy_address.as_str()).await;
    put(estate, key, live(estate, key).await.without("NotFromOutside")).await;
}

pub async fn grants(estate: &Estate, site: &Site<'_>) {
    let key = site.key;
    let grants_address = site.address("kms-grants");
    let call = estate.kms().create_grant().key_id(key).name("temporary");
    let call = call.grantee_principal(estate.case.sandbox.aws.role_arn("AccountAdmin"));
    let granted = call.operations(kms::GrantOperation::Decrypt).send().await.expect("CreateGrant");
    let path = format!("grants[{}]", granted.grant_id().expect("a grant"));
    estate.drift("undeclared grant", async {}, &[(grants_address.as_str(), &[&path])]).await;
    let left = estate.kms().list_grants().key_id(key).send().await.expect("ListGrants");
    estate.holds(left.grants().is_empty(), "no grant is left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_adopted() {
    let estate = Estate::of(Case::insecure().await).await;
    let (key, alias) = (estate.key().await, estate.case.desired[0].key.alias.clone());
    let site = Site { key: &key, name: "audit", alias: &alias };
    state(&estate, &site).await;
    names(&estate, &site).await;
    tags(&estate, &site).await;
    policy(&estate, &site).await;
    grants(&estate, &site).await;
    estate.done();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_was_made() {
    let estate = Estate::of(Case::empty().await).await;
    let (key, alias) = (estate.key().await, estate.case.desired[0].key.alias.clone());
    let site = Site { key: &key, name: "audit", alias: &alias };
    state(&estate, &site).await;
    names(&estate, &site).await;
    tags(&estate, &site).await;
    grants(&estate, &site).await;
    estate.done();
}
