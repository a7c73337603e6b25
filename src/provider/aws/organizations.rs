//! The organization above an account and its policies (Organizations API reference). A service of the whole partition,
//! with one endpoint. Every account may ask which organization it is in; policies are shown to the management account and
//! to delegated administrators only.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use super::error::{Answer, Failure};
use super::json::{self, text};
use super::signed::{Response, Signer};
use crate::model::Fact;
use crate::model::authorization::ManagedPolicy;
use crate::model::organization::{Organization, OrganizationLevel};

/// Requests at one time: Organizations serves few per second.
const REQUESTS: usize = 4;
/// A root, at most five levels of units and the account (Organizations user guide, quotas), with room.
const DEEPEST: usize = 16;

/// The two types of policy that decide about access.
#[derive(Clone, Copy)]
enum Kind {
    ServiceControl,
    ResourceControl,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::ServiceControl => "SERVICE_CONTROL_POLICY",
            Kind::ResourceControl => "RESOURCE_CONTROL_POLICY",
        }
    }
}

pub(super) async fn organization(signer: &Signer) -> Answer {
    let found = ask(signer, "DescribeOrganization", &json!({})).await;
    let Some(answer) = member(found)? else { return Ok(Some(Fact::from(Organization::default()))) };
    Ok(Some(Fact::from(described(&answer)?)))
}

pub(super) async fn policies(signer: &Signer, account: Option<&str>) -> Answer {
    let account =
        account.ok_or_else(|| Failure::not_sent("the account is not known: declare its twelve-digit id"))?.to_owned();
    let Some(mut targets) = member(ancestors(signer, account).await)? else {
        return Ok(Some(Fact::from(Vec::<OrganizationLevel>::new())));
    };
    targets.reverse();
    let mut asked: Vec<(String, Kind)> = Vec::new();
    for target in &targets {
        asked.extend([(target.clone(), Kind::ServiceControl), (target.clone(), Kind::ResourceControl)]);
    }
    let attached: Vec<Vec<Attached>> = futures::stream::iter(asked)
        .map(|(target, kind)| attached(signer, target, kind))
        .buffered(REQUESTS)
        .try_collect()
        .await?;
    // A policy is attached in many places and read once.
    let wanted: BTreeMap<String, String> =
        attached.iter().flatten().map(|policy| (policy.id.clone(), policy.arn.clone())).collect();
    let texts: BTreeMap<String, ManagedPolicy> = futures::stream::iter(wanted)
        .map(|(id, arn)| content(signer, id, arn))
        .buffered(REQUESTS)
        .try_collect()
        .await?;
    let mut lists = attached.into_iter().map(|policies| {
        let mut found: Vec<ManagedPolicy> =
            policies.iter().filter_map(|policy| texts.get(&policy.id).cloned()).collect();
        found.sort_by(|a, b| a.arn.cmp(&b.arn));
        found
    });
    let levels = targets.into_iter().map(|target| OrganizationLevel {
        target,
        service_control: lists.next().unwrap_or_default(),
        resource_control: lists.next().unwrap_or_default(),
    });
    Ok(Some(Fact::from(levels.collect::<Vec<_>>())))
}

/// None when the account is in no organization, which is an answer and no failure.
fn member<T>(found: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(failure) if failure.is("AWSOrganizationsNotInUseException") => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn described(answer: &Value) -> Result<Organization, Failure> {
    let organization = answer.get("Organization").unwrap_or(&Value::Null);
    let field = |name: &str| text(organization, name).filter(|text| !text.is_empty()).map(str::to_owned);
    match (field("Id"), field("MasterAccountId")) {
        (Some(id), Some(master)) => Ok(Organization { id: Some(id), management_account: Some(master) }),
        _ => Err(Failure::incomplete("DescribeOrganization answers no id or management account")),
    }
}

/// The account and everything above it, up to the root.
async fn ancestors(signer: &Signer, account: String) -> Result<Vec<String>, Failure> {
    let mut targets = vec![account];
    while let Some(child) = targets.last() {
        if targets.len() > DEEPEST {
            return Err(Failure::incomplete("ListParents does not end at a root"));
        }
        let parents = pages(signer, "ListParents", json!({ "ChildId": child }), "Parents").await?;
        // "A child has only one parent" (ListParents); a root has none, and asking for it is refused.
        let [parent] = parents.as_slice() else {
            return Err(Failure::incomplete(format!("ListParents answers {} parents of {child}", parents.len())));
        };
        let (Some(id), Some(kind)) = (text(parent, "Id"), text(parent, "Type")) else {
            return Err(Failure::incomplete("ListParents answers a parent without id or type"));
        };
        targets.push(id.to_owned());
        if kind == "ROOT" {
            break;
        }
    }
    Ok(targets)
}

struct Attached {
    id: String,
    arn: String,
}

async fn attached(signer: &Signer, target: String, kind: Kind) -> Result<Vec<Attached>, Failure> {
    let input = json!({ "TargetId": target, "Filter": kind.name() });
    let found = pages(signer, "ListPoliciesForTarget", input, "Policies").await;
    let found =
        found.map_err(|failure| failure.on_the_way(&format!("organizations:ListPoliciesForTarget of {target}")));
    let policies = found?.into_iter().map(|policy| match (text(&policy, "Id"), text(&policy, "Arn")) {
        (Some(id), Some(arn)) => Ok(Attached { id: id.to_owned(), arn: arn.to_owned() }),
        _ => Err(Failure::incomplete("ListPoliciesForTarget answers a policy without id or ARN")),
    });
    policies.collect()
}

async fn content(signer: &Signer, id: String, arn: String) -> Result<(String, ManagedPolicy), Failure> {
    let found = ask(signer, "DescribePolicy", &json!({ "PolicyId": id })).await;
    let answer = found.map_err(|failure| failure.on_the_way(&format!("organizations:DescribePolicy of {id}")))?;
    let content = answer.get("Policy").and_then(|policy| text(policy, "Content"));
    let text = content.ok_or_else(|| Failure::incomplete("DescribePolicy answers no content"))?.to_owned();
    Ok((id, ManagedPolicy { arn, text }))
}

/// All pages of a list: a page may be empty and still name a next one.
async fn pages(signer: &Signer, operation: &'static str, input: Value, list: &str) -> Result<Vec<Value>, Failure> {
    let mut items = Vec::new();
    let mut input = input;
    loop {
        let mut answer = ask(signer, operation, &input).await?;
        match answer.get_mut(list).map(Value::take) {
            Some(Value::Array(page)) => items.extend(page),
            _ => return Err(Failure::incomplete(format!("{operation} answers no {list}"))),
        }
        let Some(token) = text(&answer, "NextToken").filter(|token| !token.is_empty()) else { return Ok(items) };
        if text(&input, "NextToken") == Some(token) {
            return Err(Failure::incomplete(format!("{operation} names the same page as the next")));
        }
        if let Some(input) = input.as_object_mut() {
            input.insert("NextToken".to_owned(), json!(token));
        }
    }
}

async fn ask(signer: &Signer, operation: &'static str, input: &Value) -> Result<Value, Failure> {
    let region = home(&signer.region);
    let url = match &signer.endpoint {
        Some(endpoint) => format!("{endpoint}/"),
        None => format!("https://organizations.{region}.amazonaws.com/"),
    };
    let call = json::call("organizations", "AWSOrganizationsV20161128", operation, url, input);
    signer.in_region(region).read(&call, |response: &Response| json::success(response)).await
}

/// The one region of a partition that serves Organizations (AWS general reference, "AWS Organizations endpoints").
fn home(region: &str) -> &'static str {
    if region.starts_with("us-gov-") { "us-gov-west-1" } else { "us-east-1" }
}
