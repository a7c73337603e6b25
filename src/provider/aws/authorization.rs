//! Everybody in an account and every policy that speaks about them, in one operation (IAM API reference,
//! GetAccountAuthorizationDetails). It leaves out no entity, but it may leave out the text of a policy that AWS manages:
//! such a text is fetched by itself, so that a policy that acts is never missing.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput as Page;
use aws_sdk_iam::types::{
    AttachedPermissionsBoundary, AttachedPolicy, GroupDetail, ManagedPolicyDetail, PolicyDetail, RoleDetail, Tag,
    UserDetail,
};
use futures::{StreamExt, TryStreamExt};

use super::error::{Answer, Failure};
use super::iam::document;
use crate::model::Fact;
use crate::model::authorization::{Authorization, IamGroup, IamRole, IamUser, InlinePolicy, ManagedPolicy};

/// The most that IAM answers in one page.
const PAGE: i32 = 1000;
/// Policies fetched at one time.
const FETCHES: usize = 4;

pub(super) async fn account_authorization(client: &Client) -> Answer {
    let mut pages = client.get_account_authorization_details().into_paginator().page_size(PAGE).send();
    let mut found = Found::default();
    while let Some(page) = pages.try_next().await? {
        found.add(page)?;
    }
    let missing = found.missing()?;
    let texts: Vec<ManagedPolicy> =
        futures::stream::iter(missing).map(|arn| managed_policy(client, arn)).buffered(FETCHES).try_collect().await?;
    Ok(Some(Fact::from(found.whole(texts))))
}

/// One managed policy by its default version.
async fn managed_policy(client: &Client, arn: String) -> Result<ManagedPolicy, Failure> {
    let of = |what: &str| format!("{what} of {arn}");
    let failed = |failure: Failure, what: &str| failure.on_the_way(&of(what));
    let policy = client.get_policy().policy_arn(&arn).send().await;
    let policy = policy.map_err(|error| failed(Failure::from(error), "iam:GetPolicy"))?;
    let version = policy
        .policy
        .and_then(|policy| policy.default_version_id)
        .ok_or_else(|| Failure::incomplete(of("GetPolicy answers no default version")))?;
    let answer = client.get_policy_version().policy_arn(&arn).version_id(version).send().await;
    let answer = answer.map_err(|error| failed(Failure::from(error), "iam:GetPolicyVersion"))?;
    let text = answer
        .policy_version
        .and_then(|version| version.document)
        .ok_or_else(|| Failure::incomplete(of("GetPolicyVersion answers no document")))?;
    Ok(ManagedPolicy { text: document(&text)?, arn })
}

/// What the pages so far said.
#[derive(Default)]
struct Found {
    whole: Authorization,
    /// Whether the last page said that more follows.
    truncated: bool,
}

impl Found {
    fn add(&mut self, page: Page) -> Result<(), Failure> {
        self.truncated = page.is_truncated;
        for detail in page.user_detail_list.unwrap_or_default() {
            self.whole.users.push(user(detail)?);
        }
        for detail in page.group_detail_list.unwrap_or_default() {
            self.whole.groups.push(group(detail)?);
        }
        for detail in page.role_detail_list.unwrap_or_default() {
            self.whole.roles.push(role(detail)?);
        }
        for detail in page.policies.unwrap_or_default() {
            self.whole.policies.extend(policy(detail)?);
        }
        Ok(())
    }

    /// Policies that act on somebody and whose text was not answered.
    fn missing(&self) -> Result<BTreeSet<String>, Failure> {
        if self.truncated {
            return Err(Failure::incomplete("GetAccountAuthorizationDetails says that more follows and not where"));
        }
        let Authorization { users, groups, roles, policies } = &self.whole;
        let users = users.iter().flat_map(|user| user.attached.iter().chain(&user.boundary));
        let roles = roles.iter().flat_map(|role| role.attached.iter().chain(&role.boundary));
        let acting = users.chain(roles).chain(groups.iter().flat_map(|group| &group.attached));
        let known: BTreeSet<&String> = policies.iter().map(|policy| &policy.arn).collect();
        Ok(acting.filter(|arn| !known.contains(arn)).cloned().collect())
    }

    fn whole(self, fetched: Vec<ManagedPolicy>) -> Authorization {
        let Authorization { mut users, mut groups, mut roles, mut policies } = self.whole;
        policies.extend(fetched);
        users.sort_by(|a, b| a.arn.cmp(&b.arn));
        groups.sort_by(|a, b| a.arn.cmp(&b.arn));
        roles.sort_by(|a, b| a.arn.cmp(&b.arn));
        policies.sort_by(|a, b| a.arn.cmp(&b.arn));
        Authorization { users, groups, roles, policies }
    }
}

fn user(detail: UserDetail) -> Result<IamUser, Failure> {
    let arn = present(detail.arn, "a user", "ARN")?;
    let mut groups = detail.group_list.unwrap_or_default();
    groups.sort();
    Ok(IamUser {
        id: present(detail.user_id, &arn, "id")?,
        inline: inline(detail.user_policy_list, &arn)?,
        attached: attached(detail.attached_managed_policies, &arn)?,
        boundary: boundary(detail.permissions_boundary, &arn)?,
        groups,
        tags: tags(detail.tags),
        arn,
    })
}

fn group(detail: GroupDetail) -> Result<IamGroup, Failure> {
    let arn = present(detail.arn, "a group", "ARN")?;
    Ok(IamGroup {
        name: present(detail.group_name, &arn, "name")?,
        inline: inline(detail.group_policy_list, &arn)?,
        attached: attached(detail.attached_managed_policies, &arn)?,
        arn,
    })
}

fn role(detail: RoleDetail) -> Result<IamRole, Failure> {
    let arn = present(detail.arn, "a role", "ARN")?;
    let profiles = detail.instance_profile_list.unwrap_or_default();
    let mut instance_profiles: Vec<String> = profiles.into_iter().map(|profile| profile.arn).collect();
    instance_profiles.sort();
    Ok(IamRole {
        id: present(detail.role_id, &arn, "id")?,
        trust: document(&present(detail.assume_role_policy_document, &arn, "trust policy")?)?,
        inline: inline(detail.role_policy_list, &arn)?,
        attached: attached(detail.attached_managed_policies, &arn)?,
        boundary: boundary(detail.permissions_boundary, &arn)?,
        tags: tags(detail.tags),
        instance_profiles,
        arn,
    })
}

/// A managed policy with the text in force; none when this answer does not hold it.
fn policy(detail: ManagedPolicyDetail) -> Result<Option<ManagedPolicy>, Failure> {
    let arn = present(detail.arn, "a managed policy", "ARN")?;
    let versions = detail.policy_version_list.unwrap_or_default();
    let in_force = versions.into_iter().find(|version| match &detail.default_version_id {
        Some(default) => version.version_id.as_ref() == Some(default),
        None => version.is_default_version,
    });
    let text = in_force.and_then(|version| version.document);
    text.map(|text| Ok(ManagedPolicy { arn, text: document(&text)? })).transpose()
}

fn inline(list: Option<Vec<PolicyDetail>>, of: &str) -> Result<Vec<InlinePolicy>, Failure> {
    let policies = list.unwrap_or_default().into_iter().map(|detail| {
        Ok(InlinePolicy {
            name: present(detail.policy_name, of, "name of an inline policy")?,
            text: document(&present(detail.policy_document, of, "inline policy document")?)?,
        })
    });
    let mut policies = policies.collect::<Result<Vec<_>, Failure>>()?;
    policies.sort();
    Ok(policies)
}

fn attached(list: Option<Vec<AttachedPolicy>>, of: &str) -> Result<Vec<String>, Failure> {
    let arns = list.unwrap_or_default().into_iter();
    let mut arns = arns
        .map(|policy| present(policy.policy_arn, of, "ARN of an attached policy"))
        .collect::<Result<Vec<_>, Failure>>()?;
    arns.sort();
    Ok(arns)
}

/// A boundary that is there but not named would be none: it limits, so nothing is known without it.
fn boundary(boundary: Option<AttachedPermissionsBoundary>, of: &str) -> Result<Option<String>, Failure> {
    boundary.map(|boundary| present(boundary.permissions_boundary_arn, of, "ARN of its boundary")).transpose()
}

fn tags(list: Option<Vec<Tag>>) -> BTreeMap<String, String> {
    list.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn present(value: Option<String>, of: &str, what: &str) -> Result<String, Failure> {
    let value = value.filter(|value| !value.is_empty());
    value.ok_or_else(|| Failure::incomplete(format!("GetAccountAuthorizationDetails answers {of} without {what}")))
}
