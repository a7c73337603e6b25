//! Key Management Service: keys, their policies, rotation, grants, aliases and tags.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_kms::Client;
use aws_sdk_kms::types::{GrantConstraints, GrantListEntry, GrantOperation, KeyMetadata, Tag};

use crate::call::WriteOutcome;
use crate::model::Fact;
use crate::model::fact::{PolicyText, Tags};
use crate::model::key::{Grant, Key, Rotation};
use crate::model::reference::Output;

use super::error::{Answer, Done, Failure};
use super::iam::{gone, sorted};

/// The only name that a key policy can have.
const POLICY_NAME: &str = "default";

pub(super) async fn keys(client: &Client) -> Answer {
    let entries: Vec<_> = client.list_keys().into_paginator().items().send().try_collect().await?;
    let arns = entries
        .into_iter()
        .map(|entry| entry.key_arn.ok_or_else(|| Failure::incomplete("ListKeys answers a key without ARN")))
        .collect::<Result<_, _>>()?;
    Ok(Some(sorted(arns)))
}

pub(super) async fn key(client: &Client, key: &str) -> Answer {
    let answer = client.describe_key().key_id(key).send().await?;
    let metadata = answer.key_metadata.ok_or_else(|| Failure::incomplete("DescribeKey answers no key"))?;
    Ok(Some(Fact::from(key_fact(metadata)?)))
}

fn key_fact(key: KeyMetadata) -> Result<Key, Failure> {
    let missing = |what: &str| Failure::incomplete(format!("DescribeKey answers no {what}"));
    Ok(Key {
        arn: key.arn.ok_or_else(|| missing("ARN"))?,
        state: key.key_state.ok_or_else(|| missing("state"))?.as_str().to_owned(),
        manager: key.key_manager.ok_or_else(|| missing("manager"))?.as_str().to_owned(),
        spec: key.key_spec.ok_or_else(|| missing("key spec"))?.as_str().to_owned(),
        usage: key.key_usage.ok_or_else(|| missing("usage"))?.as_str().to_owned(),
        origin: key.origin.ok_or_else(|| missing("origin"))?.as_str().to_owned(),
        multi_region: key.multi_region.unwrap_or(false),
        id: key.key_id,
    })
}

pub(super) async fn policy(client: &Client, key: &str) -> Answer {
    let answer = client.get_key_policy().key_id(key).policy_name(POLICY_NAME).send().await?;
    let text = answer.policy.ok_or_else(|| Failure::incomplete("GetKeyPolicy answers no policy"))?;
    Ok(Some(Fact::from(PolicyText(text))))
}

pub(super) async fn rotation(client: &Client, key: &str) -> Answer {
    let answer = client.get_key_rotation_status().key_id(key).send().await?;
    let period_days = answer.rotation_period_in_days;
    Ok(Some(Fact::from(Rotation { enabled: answer.key_rotation_enabled, period_days })))
}

pub(super) async fn grants(client: &Client, key: &str) -> Answer {
    let entries: Vec<_> = client.list_grants().key_id(key).into_paginator().items().send().try_collect().await?;
    let mut grants = entries.into_iter().map(grant_fact).collect::<Result<Vec<_>, _>>()?;
    grants.sort();
    Ok(Some(Fact::from(grants)))
}

fn grant_fact(grant: GrantListEntry) -> Result<Grant, Failure> {
    let missing = |what: &str| Failure::incomplete(format!("ListGrants answers a grant without {what}"));
    let mut operations: Vec<String> =
        grant.operations.unwrap_or_default().iter().map(|operation| operation.as_str().to_owned()).collect();
    operations.sort();
    Ok(Grant {
        id: grant.grant_id.ok_or_else(|| missing("id"))?,
        name: grant.name.unwrap_or_default(),
        grantee: grant.grantee_principal.or(grant.grantee_service_principal).ok_or_else(|| missing("grantee"))?,
        retiring: grant.retiring_principal.or(grant.retiring_service_principal),
        issuing_account: grant.issuing_account,
        operations,
        constraints: grant.constraints.as_ref().map(constraints).transpose()?.flatten(),
    })
}

/// Constraints under the names of the API, as canonical JSON (RFC 8785); none when there are none.
fn constraints(constraints: &GrantConstraints) -> Result<Option<String>, Failure> {
    let mut members = serde_json::Map::new();
    let contexts = [
        ("EncryptionContextEquals", &constraints.encryption_context_equals),
        ("EncryptionContextSubset", &constraints.encryption_context_subset),
    ];
    for (name, context) in contexts {
        if let Some(context) = context.as_ref().filter(|context| !context.is_empty()) {
            let pairs = context.iter().map(|(key, value)| (key.clone(), value.clone().into())).collect();
            members.insert(name.to_owned(), serde_json::Value::Object(pairs));
        }
    }
    if let Some(arn) = &constraints.source_arn {
        members.insert("SourceArn".to_owned(), arn.clone().into());
    }
    if members.is_empty() {
        return Ok(None);
    }
    let text = serde_jcs::to_string(&members)
        .map_err(|error| Failure::incomplete(format!("constraints of a grant cannot be written as JSON: {error}")))?;
    Ok(Some(text))
}

/// ListAliases with `KeyId`: without it, every alias of the account is answered.
pub(super) async fn aliases(client: &Client, key: &str) -> Answer {
    let entries: Vec<_> = client.list_aliases().key_id(key).into_paginator().items().send().try_collect().await?;
    Ok(Some(sorted(entries.into_iter().filter_map(|entry| entry.alias_name).collect())))
}

pub(super) async fn tags(client: &Client, key: &str) -> Answer {
    let entries: Vec<_> = client.list_resource_tags().key_id(key).into_paginator().items().send().try_collect().await?;
    Ok(Some(Fact::from(Tags(entries.into_iter().map(|tag| (tag.tag_key, tag.tag_value)).collect()))))
}

/// Output `KeyArn`. The lock-out safety check is never bypassed, here as in `put_policy`.
pub(super) async fn create_key(
    client: &Client,
    description: &str,
    policy: &str,
    tags: &BTreeMap<String, String>,
) -> Done {
    let answer = client
        .create_key()
        .description(description)
        .policy(policy)
        .set_tags(if tags.is_empty() { None } else { Some(request_tags(tags)?) })
        .send()
        .await?;
    let arn = answer
        .key_metadata
        .and_then(|key| key.arn)
        .ok_or_else(|| Failure::incomplete("CreateKey answers no key ARN"))?;
    Ok(WriteOutcome { outputs: BTreeMap::from([(Output::KeyArn, arn)]) })
}

pub(super) async fn put_policy(client: &Client, key: &str, policy: &str) -> Done {
    client.put_key_policy().key_id(key).policy_name(POLICY_NAME).policy(policy).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn cancel_deletion(client: &Client, key: &str) -> Done {
    client.cancel_key_deletion().key_id(key).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn enable(client: &Client, key: &str) -> Done {
    client.enable_key().key_id(key).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn enable_rotation(client: &Client, key: &str, period_days: i32) -> Done {
    client.enable_key_rotation().key_id(key).rotation_period_in_days(period_days).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn disable_rotation(client: &Client, key: &str) -> Done {
    client.disable_key_rotation().key_id(key).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn create_alias(client: &Client, alias: &str, key: &str) -> Done {
    client.create_alias().alias_name(alias).target_key_id(key).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn update_alias(client: &Client, alias: &str, key: &str) -> Done {
    client.update_alias().alias_name(alias).target_key_id(key).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn tag_key(client: &Client, key: &str, tags: &BTreeMap<String, String>) -> Done {
    client.tag_resource().key_id(key).set_tags(Some(request_tags(tags)?)).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn untag_key(client: &Client, key: &str, names: &[String]) -> Done {
    client.untag_resource().key_id(key).set_tag_keys(Some(names.to_vec())).send().await?;
    Ok(WriteOutcome::default())
}

/// Grants to AWS services have principals of another kind here than in `ListGrants`, which names the service: those are
/// made by the service itself, so that nothing else can make one like it.
pub(super) async fn create_grant(client: &Client, key: &str, grant: &Grant) -> Done {
    let Grant { id: _, name, grantee, retiring, issuing_account: _, operations, constraints } = grant;
    let operations = operations.iter().map(|one| GrantOperation::from(one.as_str())).collect();
    client
        .create_grant()
        .key_id(key)
        .grantee_principal(grantee)
        .set_retiring_principal(retiring.clone())
        .set_operations(Some(operations))
        .set_name((!name.is_empty()).then(|| name.clone()))
        .set_constraints(constraints.as_deref().map(request_constraints).transpose()?)
        .send()
        .await?;
    Ok(WriteOutcome::default())
}

/// The canonical JSON of [`constraints`] back as the API has it.
fn request_constraints(text: &str) -> Result<GrantConstraints, Failure> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "PascalCase", deny_unknown_fields)]
    struct Text {
        encryption_context_equals: Option<HashMap<String, String>>,
        encryption_context_subset: Option<HashMap<String, String>>,
        source_arn: Option<String>,
    }
    let Text { encryption_context_equals, encryption_context_subset, source_arn } = serde_json::from_str(text)
        .map_err(|error| Failure::not_sent(format!("the constraints of the grant are not understood: {error}")))?;
    Ok(GrantConstraints::builder()
        .set_encryption_context_equals(encryption_context_equals)
        .set_encryption_context_subset(encryption_context_subset)
        .set_source_arn(source_arn)
        .build())
}

pub(super) async fn revoke_grant(client: &Client, key: &str, grant: &str) -> Done {
    gone(client.revoke_grant().key_id(key).grant_id(grant).send().await.map(drop).map_err(Failure::from))
}

fn request_tags(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, Failure> {
    tags.iter().map(|(key, value)| Ok(Tag::builder().tag_key(key).tag_value(value).build()?)).collect()
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn grants_keep_every_principal_and_constraint() {
        let entry = GrantListEntry::builder()
            .grant_id("g1")
            .grantee_service_principal("dynamodb.amazonaws.com")
            .retiring_principal("arn:aws:iam::1:role/r")
            .issuing_account("arn:aws:iam::1:root")
            .operations(GrantOperation::GenerateDataKey)
            .operations(GrantOperation::Decrypt)
            .constraints(
                GrantConstraints::builder()
                    .encryption_context_subset("b", "2")
                    .encryption_context_subset("a", "1")
                    .build(),
            )
            .build();
        assert_eq!(
            grant_fact(entry).unwrap(),
            Grant {
                id: "g1".to_owned(),
                name: String::new(),
                grantee: "dynamodb.amazonaws.com".to_owned(),
                retiring: Some("arn:aws:iam::1:role/r".to_owned()),
                issuing_account: Some("arn:aws:iam::1:root".to_owned()),
                operations: vec!["Decrypt".to_owned(), "GenerateDataKey".to_owned()],
                constraints: Some(r#"{"EncryptionContextSubset":{"a":"1","b":"2"}}"#.to_owned()),
            }
        );
        let text = r#"{"EncryptionContextSubset":{"a":"1","b":"2"}}"#;
        assert_eq!(constraints(&request_constraints(text).unwrap()).unwrap().as_deref(), Some(text));
        assert!(request_constraints(r#"{"New":1}"#).is_err());
        assert_eq!(constraints(&GrantConstraints::builder().build()).unwrap(), None);
        assert!(grant_fact(GrantListEntry::builder().grant_id("g").build()).is_err());
    }
}
