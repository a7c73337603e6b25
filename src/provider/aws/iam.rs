//! Identity and Access Management: roles and their policies. IAM is global; its one endpoint per partition follows from
//! the region.

use std::collections::BTreeMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::types::Tag;

use crate::call::WriteOutcome;
use crate::model::Fact;
use crate::model::fact::{Names, PolicyText};
use crate::model::role::Role;

use super::error::{Answer, Done, Failure};

/// Hours are 3600 seconds: the maximum session of a role that sets none (IAM API reference, `Role`).
const DEFAULT_SESSION: i32 = 3600;

pub(super) async fn role(client: &Client, role: &str) -> Answer {
    let answer = client.get_role().role_name(role).send().await?;
    let role = answer.role.ok_or_else(|| Failure::incomplete("GetRole answers no role"))?;
    let trust =
        role.assume_role_policy_document.ok_or_else(|| Failure::incomplete("GetRole answers no trust policy"))?;
    let boundary = role.permissions_boundary.and_then(|boundary| boundary.permissions_boundary_arn);
    Ok(Some(Fact::from(Role {
        arn: role.arn,
        id: role.role_id,
        trust: document(&trust)?,
        tags: role.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect(),
        max_session_duration: role.max_session_duration.unwrap_or(DEFAULT_SESSION),
        boundary,
    })))
}

pub(super) async fn inline_policies(client: &Client, role: &str) -> Answer {
    let names: Vec<String> =
        client.list_role_policies().role_name(role).into_paginator().items().send().try_collect().await?;
    Ok(Some(sorted(names)))
}

pub(super) async fn attached_policies(client: &Client, role: &str) -> Answer {
    let policies: Vec<_> =
        client.list_attached_role_policies().role_name(role).into_paginator().items().send().try_collect().await?;
    let arns = policies
        .into_iter()
        .map(|policy| policy.policy_arn.ok_or_else(|| Failure::incomplete("an attached policy has no ARN")))
        .collect::<Result<_, _>>()?;
    Ok(Some(sorted(arns)))
}

pub(super) async fn role_policy(client: &Client, role: &str, policy: &str) -> Answer {
    let answer = client.get_role_policy().role_name(role).policy_name(policy).send().await?;
    Ok(Some(Fact::from(PolicyText(document(&answer.policy_document)?))))
}

pub(super) async fn create_role(
    client: &Client,
    path: &str,
    role: &str,
    trust: &str,
    tags: &BTreeMap<String, String>,
) -> Done {
    client
        .create_role()
        .path(path)
        .role_name(role)
        .assume_role_policy_document(trust)
        // An empty list is an error of its own.
        .set_tags(if tags.is_empty() { None } else { Some(request_tags(tags)?) })
        .send()
        .await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn update_trust(client: &Client, role: &str, policy: &str) -> Done {
    client.update_assume_role_policy().role_name(role).policy_document(policy).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn tag_role(client: &Client, role: &str, tags: &BTreeMap<String, String>) -> Done {
    client.tag_role().role_name(role).set_tags(Some(request_tags(tags)?)).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn untag_role(client: &Client, role: &str, names: &[String]) -> Done {
    client.untag_role().role_name(role).set_tag_keys(Some(names.to_vec())).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn put_role_policy(client: &Client, role: &str, name: &str, policy: &str) -> Done {
    client.put_role_policy().role_name(role).policy_name(name).policy_document(policy).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn delete_role_policy(client: &Client, role: &str, name: &str) -> Done {
    gone(client.delete_role_policy().role_name(role).policy_name(name).send().await.map(drop).map_err(Failure::from))
}

pub(super) async fn attach_role_policy(client: &Client, role: &str, arn: &str) -> Done {
    client.attach_role_policy().role_name(role).policy_arn(arn).send().await?;
    Ok(WriteOutcome::default())
}

pub(super) async fn detach_role_policy(client: &Client, role: &str, arn: &str) -> Done {
    gone(client.detach_role_policy().role_name(role).policy_arn(arn).send().await.map(drop).map_err(Failure::from))
}

/// A removal of what is not there has its effect.
pub(super) fn gone(answer: Result<(), Failure>) -> Done {
    match answer {
        Err(failure) if !failure.is_absent() => Err(failure),
        _ => Ok(WriteOutcome::default()),
    }
}

fn request_tags(tags: &BTreeMap<String, String>) -> Result<Vec<Tag>, Failure> {
    tags.iter().map(|(key, value)| Ok(Tag::builder().key(key).value(value).build()?)).collect()
}

pub(super) fn sorted(mut names: Vec<String>) -> Fact {
    names.sort();
    names.dedup();
    Fact::from(Names(names))
}

/// The text of a policy: IAM answers it percent-encoded (RFC 3986), so that it begins with `%7B`. Text that is JSON
/// already is left alone, percent signs included.
pub(super) fn document(text: &str) -> Result<String, Failure> {
    if text.trim_start().starts_with('{') {
        return Ok(text.to_owned());
    }
    let wrong = || Failure::incomplete(format!("a policy document is not percent-encoded UTF-8: `{text}`"));
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit =
            || bytes.next().and_then(|digit| char::from(digit).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match (digit(), digit()) {
            (Some(high), Some(low)) => decoded.push(high * 16 + low),
            _ => return Err(wrong()),
        }
    }
    String::from_utf8(decoded).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_decoded_exactly() {
        let encoded =
            "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%2C%22x%22%3A%22a%2Bb+c%C3%A9%25%22%7D";
        assert_eq!(document(encoded).unwrap(), "{\"Version\":\"2012-10-17\",\"Statement\":[],\"x\":\"a+b+cé%\"}");
        // Already decoded: nothing is decoded twice.
        assert_eq!(document("{\"x\": \"100%25\"}").unwrap(), "{\"x\": \"100%25\"}");
        for bad in ["%7", "%", "%zz", "%FF%FE"] {
            assert!(document(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn removing_what_is_gone_succeeds() {
        let failure = |code: &str| Failure::answered(404, Some(code.to_owned()), String::new(), None, None);
        assert!(gone(Ok(())).is_ok());
        assert!(gone(Err(failure("NoSuchEntity"))).is_ok());
        assert!(gone(Err(failure("AccessDenied"))).is_err());
    }
}
