//! The input document as it is written.

use std::collections::BTreeSet;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::model::Arn;

use super::super::canonical::is_account_number;
use super::super::evaluate::{NamedPolicy, Policies, Request};
use super::super::principal::Principal;
use super::given::{Block, Context, Given, GivenGrant};
use super::{Simulation, presence};

/// The document as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    #[serde(deserialize_with = "principal")]
    principal: Principal,
    #[serde(deserialize_with = "action")]
    action: String,
    #[serde(deserialize_with = "resource")]
    resource: String,
    #[serde(default, deserialize_with = "account")]
    resource_account: Option<String>,
    #[serde(default)]
    context: Context,
    /// Keys, or patterns of keys, that may have any value or none.
    #[serde(default)]
    unknown_keys: BTreeSet<String>,
    /// Canonical user id of the principal's account.
    #[serde(default)]
    canonical_user: Option<String>,
    #[serde(default)]
    identity_policies: Vec<Given>,
    #[serde(default)]
    permissions_boundary: Option<Given>,
    #[serde(default)]
    session_policy: Option<Given>,
    #[serde(default)]
    service_control_policies: Vec<Vec<Given>>,
    #[serde(default)]
    resource_control_policies: Vec<Vec<Given>>,
    #[serde(default)]
    resource_policy: Option<Given>,
    #[serde(default)]
    vpc_endpoint_policy: Option<Given>,
    #[serde(default)]
    block_public_access: Option<Block>,
    #[serde(default)]
    kms_grants: Vec<GivenGrant>,
}

impl From<Input> for Simulation {
    fn from(input: Input) -> Self {
        let Input {
            principal,
            action,
            resource,
            resource_account,
            context,
            unknown_keys,
            canonical_user,
            identity_policies,
            permissions_boundary,
            session_policy,
            service_control_policies,
            resource_control_policies,
            resource_policy,
            vpc_endpoint_policy,
            block_public_access,
            kms_grants,
        } = input;
        let in_organization = (!service_control_policies.is_empty(), !resource_control_policies.is_empty());
        let mut unread = Vec::new();
        let mut named = |given: Given, place: String| given.named(place, &mut unread);
        let mut levels = |levels: Vec<Vec<Given>>, field: &str| -> Vec<Vec<NamedPolicy>> {
            let level = |(level, list): (usize, Vec<Given>)| {
                let place = |index: usize| format!("{field}[{level}][{index}]");
                list.into_iter().enumerate().map(|(index, given)| named(given, place(index))).collect()
            };
            levels.into_iter().enumerate().map(level).collect()
        };
        let scps = levels(service_control_policies, "service_control_policies");
        // Each of them can only deny, whatever the level.
        let rcps = levels(resource_control_policies, "resource_control_policies").into_iter().flatten().collect();
        let identity = identity_policies.into_iter().enumerate();
        let policies = Policies {
            identity: identity.map(|(index, given)| named(given, format!("identity_policies[{index}]"))).collect(),
            boundary: permissions_boundary.map(|given| named(given, "permissions_boundary".to_owned())),
            session: session_policy.map(|given| named(given, "session_policy".to_owned())).into_iter().collect(),
            scps,
            rcps,
            resource: resource_policy.map(|given| named(given, "resource_policy".to_owned())),
            vpc_endpoint: vpc_endpoint_policy.map(|given| named(given, "vpc_endpoint_policy".to_owned())),
            kms_grants: kms_grants
                .into_iter()
                .enumerate()
                .filter(|(_, grant)| grant.is_of(&resource))
                .map(|(index, grant)| grant.named(index))
                .collect(),
            block_public_access: block_public_access.map(|Block(switches)| switches),
        };
        let mut request = Request {
            context: context.0,
            unknown_keys,
            canonical_user,
            resource_account,
            ..Request::new(principal, &action, &resource)
        };
        presence::learn_unique_id(&mut request);
        presence::mark(&mut request, in_organization);
        Self { request, policies, unread }
    }
}

fn principal<'de, D: Deserializer<'de>>(from: D) -> Result<Principal, D::Error> {
    String::deserialize(from)?.parse().map_err(D::Error::custom)
}

fn action<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    let one = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "*?:".contains(c));
    match text.split_once(':') {
        Some((service, name)) if one(service) && one(name) => Ok(text),
        _ => Err(D::Error::custom(format!("`{text}` is not one action; give `service:Name`, such as `s3:GetObject`"))),
    }
}

fn resource<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let text = String::deserialize(from)?;
    if text == "*" || text.parse::<Arn>().is_ok() {
        return Ok(text);
    }
    Err(D::Error::custom(format!("`{text}` is not an ARN; give one, or `*` for an action that has no resource")))
}

fn account<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    match text {
        Some(text) if !is_account_number(&text) => {
            Err(D::Error::custom(format!("`{text}` is not an account number: expected 12 digits")))
        }
        text => Ok(text),
    }
}
