//! Everybody whom a policy of the estate names, so that each can be asked about by name.

use std::collections::BTreeSet;

use crate::iam::canonical::is_account_number;
use crate::iam::{Document, Element, NamedPolicy, PrincipalSpec, Statement};
use crate::model::Arn;

/// Names found in policies, grants, access control lists and in what Databricks assumes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mentioned {
    /// Users, roles, sessions, federated users, by ARN.
    pub arns: BTreeSet<String>,
    /// Accounts, named as such or as the account of a named principal.
    pub accounts: BTreeSet<String>,
    pub services: BTreeSet<String>,
    /// A policy speaks of AWS services as a whole.
    pub any_service: bool,
    pub identity_providers: BTreeSet<String>,
    pub canonical_users: BTreeSet<String>,
    /// Accounts to whose access points a bucket policy delegates; `*` for any.
    pub access_point_accounts: BTreeSet<String>,
}

impl Mentioned {
    /// Adds everybody whom a document names, in `Principal`, `NotPrincipal` or a condition.
    pub fn document(&mut self, policy: &NamedPolicy) {
        if let Document::Known(policy) = &policy.document {
            policy.statements.iter().for_each(|statement| self.statement(statement));
        }
    }

    fn statement(&mut self, statement: &Statement) {
        if let Some(Element::Is(spec) | Element::Not(spec)) = &statement.principal {
            let PrincipalSpec { aws, service, federated, canonical_user } = spec;
            aws.iter().for_each(|text| self.principal(text));
            self.services.extend(service.iter().filter(|text| !text.contains('*')).cloned());
            self.any_service |= service.iter().any(|text| text.contains('*'));
            self.identity_providers.extend(federated.iter().filter(|text| !text.contains('*')).cloned());
            self.canonical_users.extend(canonical_user.iter().cloned());
        }
        for condition in &statement.conditions {
            let values = || condition.values.iter().filter(|value| !value.contains("${"));
            match condition.key.to_ascii_lowercase().as_str() {
                "aws:principalarn" => values().for_each(|text| self.principal(text)),
                "aws:principalaccount" | "kms:calleraccount" => {
                    self.accounts.extend(values().filter(|value| is_account_number(value)).map(String::from));
                }
                "aws:principalservicename" | "aws:principalservicenameslist" => {
                    let services = values().filter(|value| value.contains('.') && !value.contains('*'));
                    self.services.extend(services.map(String::from));
                    self.any_service = true;
                }
                "aws:principalisawsservice" => self.any_service = true,
                "s3:dataaccesspointaccount" => {
                    self.access_point_accounts.extend(condition.values.iter().map(|value| account_or_any(value)));
                }
                "s3:dataaccesspointarn" => {
                    let accounts = condition.values.iter().map(|value| value.split(':').nth(4).unwrap_or("*"));
                    self.access_point_accounts.extend(accounts.map(account_or_any));
                }
                _ => {}
            }
        }
    }

    /// Whether something names a role, by its ARN, by that of a session of it, or in another spelling.
    pub fn names(&self, role: &str) -> bool {
        let name = role.rsplit('/').next().unwrap_or(role);
        self.arns.iter().any(|arn| arn.split(['/', ':']).any(|part| part == name))
    }

    /// One principal, in any of the spellings of a `Principal` element or a grant. Wildcards name a class, which is asked
    /// about apart.
    pub fn principal(&mut self, text: &str) {
        if is_account_number(text) {
            self.accounts.insert(text.to_owned());
            return;
        }
        let Ok(arn) = text.parse::<Arn>() else { return };
        if is_account_number(&arn.account) {
            self.accounts.insert(arn.account.clone());
        }
        if !text.contains(['*', '?']) && arn.resource != "root" {
            self.arns.insert(text.to_owned());
        }
    }
}

/// A value that is no plain account number may stand for any.
fn account_or_any(value: &str) -> String {
    if is_account_number(value) { value.to_owned() } else { "*".to_owned() }
}
