//! What a caller may do by itself: its own policies, as far as they were read, and what limits it from above.

use std::sync::Arc;

use crate::iam::{NamedPolicy, Policies, Principal};
use crate::model::live::Read;
use crate::model::organization::OrganizationLevel;
use crate::model::{Fact, Live, Observed};

use super::allowed::Sheet;
use super::documents::Library;
use super::inventory::Inventory;

/// A principal with its policies. What was not read is an unknown document, which may allow and may deny everything.
#[derive(Clone, Debug)]
pub struct Caller {
    pub principal: Principal,
    /// Identity policies, boundary, and the policies of the organization; nothing of the resource.
    pub policies: Policies,
    /// Whether its own policies were read.
    pub read: bool,
    /// Whether the policies of the organization were read.
    pub limits_read: bool,
}

/// The caller of an account, by its role's ARN with the path, or by its plain ARN. `None` for what is no principal.
#[must_use]
pub fn caller(live: &Live, account: &str, arn: &str) -> Option<Caller> {
    let principal: Principal = arn.parse().ok()?;
    let own = match (&principal, in_account(live, account, &Read::AccountAuthorization)) {
        // The root user has no policies of its own.
        (Principal::Root { .. }, _) => Some((principal.clone(), Policies::default())),
        (_, Some(Observed::Present(Fact::Authorization(people)))) => {
            let inventory = Inventory::of(&people, None, &Library::default());
            let subject = inventory.subjects.iter().find(|subject| subject.name == arn);
            subject.map(|subject| {
                let own = |sheet: &Arc<Sheet>| NamedPolicy::clone(sheet);
                let policies = Policies {
                    identity: subject.identity.policies.iter().map(own).collect(),
                    boundary: subject.identity.boundary.as_ref().map(own),
                    ..Policies::default()
                };
                (subject.principal.clone(), policies)
            })
        }
        _ => None,
    };
    let read = own.is_some();
    let (principal, mut policies) = own.unwrap_or_else(|| {
        let unknown = NamedPolicy::unknown("policies of the caller", "they were not read");
        (principal, Policies { identity: vec![unknown], ..Policies::default() })
    });
    let limits_read = limit(live, account, &mut policies);
    Some(Caller { principal, policies, read, limits_read })
}

/// Puts the policies of the organization above the caller; says whether they were read.
fn limit(live: &Live, account: &str, policies: &mut Policies) -> bool {
    let organization = in_account(live, account, &Read::Organization);
    if let Some(Observed::Present(Fact::Organization(organization))) = &organization
        // Neither kind of policy acts on the management account.
        && (organization.id.is_none() || organization.management_account.as_deref() == Some(account))
    {
        return true;
    }
    let Some(Observed::Present(Fact::OrganizationLevels(levels))) =
        in_account(live, account, &Read::OrganizationPolicies)
    else {
        let unknown = |what: &str| NamedPolicy::unknown(what, "the policies of the organization were not read");
        policies.scps = vec![vec![unknown("service control policies")]];
        policies.rcps = vec![unknown("resource control policies")];
        return false;
    };
    for OrganizationLevel { target, service_control, resource_control } in levels {
        let read = |kind: &str, arn: &str, text: &str| {
            NamedPolicy::read(&format!("{kind} {} on {target}", arn.rsplit('/').next().unwrap_or(arn)), text)
        };
        if !service_control.is_empty() {
            policies.scps.push(service_control.iter().map(|one| read("SCP", &one.arn, &one.text)).collect());
        }
        policies.rcps.extend(resource_control.iter().map(|one| read("RCP", &one.arn, &one.text)));
    }
    true
}

/// What is asked once per account, in whichever region: the answer that says something.
fn in_account(live: &Live, account: &str, read: &Read) -> Option<Observed<Fact>> {
    let of = live.iter().filter(|(query, _)| query.read == *read && query.place.aws_account() == Some(account));
    let mut answers: Vec<&Observed<Fact>> = of.map(|(_, answer)| answer).collect();
    answers.sort_by_key(|answer| answer.is_unknown());
    answers.first().map(|answer| (*answer).clone())
}
