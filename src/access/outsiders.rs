//! Everybody outside the account's own records: named principals of other accounts, classes of principals that nothing
//! names, AWS services, and callers without credentials (facts 4.1, "symbolic outsiders").

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::iam::Principal;
use crate::iam::principal::Role;
use crate::model::Arn;

use super::allowed::Sheet;
use super::assessment::PrincipalKind;
use super::documents::Library;
use super::inventory::Inventory;
use super::mentioned::Mentioned;
use super::subject::{Class, Credential, Identity, Subject, Traits};

/// What another account allows its principals is not known: everything is assumed.
const EVERYTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"Assumed","Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Name of what stands for the identity policies of another account.
pub(super) const ASSUMED: &str = "policies of another account, taken to allow everything";
/// Name of what keeps a class apart from principals that are asked about by name.
pub(super) const CLASS: &str = "others than those named";

/// Policies that allow everything.
pub(super) fn everything(library: &Library) -> Identity {
    Identity::new(vec![library.read(ASSUMED, EVERYTHING)], None)
}

/// A role that no policy names.
const NOBODY: &str = "any-other-principal";

/// Keys that differ between the members of an account.
const WITHIN_ACCOUNT: &[&str] = &["aws:PrincipalArn", "aws:userid"];
/// Keys that differ between accounts.
const ACROSS_ACCOUNTS: &[&str] =
    &["aws:PrincipalArn", "aws:userid", "aws:PrincipalAccount", "aws:PrincipalType", "kms:CallerAccount"];
const ANY_SERVICE: &[&str] = &["aws:PrincipalServiceName"];

/// Where the outsiders are outside of.
pub(super) struct Home<'a> {
    pub account: &'a str,
    pub partition: &'a str,
    pub library: &'a Library,
    /// `None` when the account's own principals were not read.
    pub inventory: Option<&'a Inventory>,
}

impl Home<'_> {
    pub fn outsiders(&self, mentioned: &Mentioned) -> Vec<Subject> {
        let mut subjects = vec![self.anonymous(), self.root()];
        subjects.extend(mentioned.arns.iter().filter_map(|arn| self.named(arn)));
        if self.inventory.is_none() {
            subjects.extend(self.members(self.account, mentioned));
        }
        for account in mentioned.accounts.iter().filter(|account| *account != self.account) {
            subjects.extend(self.members(account, mentioned));
        }
        subjects.push(self.any_aws(mentioned));
        subjects.extend(mentioned.services.iter().map(|name| service(name, name, None)));
        if mentioned.any_service {
            let open = Class { open: ANY_SERVICE, members_only: self.library.read(CLASS, EVERYTHING) };
            subjects.push(service("any AWS service", "any-service.amazonaws.com", Some(open)));
        }
        subjects.extend(mentioned.canonical_users.iter().map(|id| self.canonical(id, mentioned)));
        subjects
    }

    fn identity(&self, account: &str) -> Identity {
        let policy = if account == self.account {
            self.library.unknown("identity policies", "the account's principals were not read")
        } else {
            self.library.read(ASSUMED, EVERYTHING)
        };
        Identity::new(vec![policy], None)
    }

    fn outsider(&self, name: &str, kind: PrincipalKind, principal: Principal, credential: Credential) -> Subject {
        let account = principal.account().unwrap_or_default().to_owned();
        Subject {
            name: name.to_owned(),
            kind,
            identity: self.identity(&account),
            in_account: account == self.account,
            principal,
            credential,
            traits: Traits::Open,
            // The account behind a canonical user id is asked about by that id.
            canonical_user: Some(String::new()),
            class: None,
        }
    }

    fn anonymous(&self) -> Subject {
        let anonymous =
            self.outsider("anonymous", PrincipalKind::Anonymous, Principal::Anonymous, Credential::Anonymous);
        Subject { identity: Identity::default(), ..anonymous }
    }

    /// The root user of the bucket's account.
    fn root(&self) -> Subject {
        let principal = Principal::Root { partition: self.partition.to_owned(), account: self.account.to_owned() };
        let name = format!("arn:{}:iam::{}:root", self.partition, self.account);
        let root = self.outsider(&name, PrincipalKind::Root, principal, Credential::Root);
        Subject { identity: Identity::default(), ..root }
    }

    /// A principal that a policy names by its ARN. One of the own account that its records do not know does not exist.
    fn named(&self, text: &str) -> Option<Subject> {
        let principal: Principal = text.parse().ok()?;
        let own = principal.account() == Some(self.account);
        let (kind, credential) = match &principal {
            Principal::RoleSession { session: None, .. } => (PrincipalKind::Role, Credential::Role),
            Principal::RoleSession { .. } => (PrincipalKind::RoleSession, Credential::Role),
            Principal::User { .. } => (PrincipalKind::User, Credential::User),
            Principal::FederatedUser { .. } => (PrincipalKind::FederatedUser, Credential::Federated),
            Principal::Root { .. } | Principal::Service { .. } | Principal::Federated { .. } | Principal::Anonymous => {
                return None;
            }
        };
        let subject = self.outsider(text, kind, principal, credential);
        let Some(inventory) = self.inventory.filter(|_| own) else { return Some(subject) };
        match &subject.principal {
            Principal::RoleSession { role, session: Some(session) } => {
                let owner = inventory.subjects.iter().find(|one| is_role(&one.principal, &role.name))?;
                let Principal::RoleSession { role, .. } = owner.principal.clone() else { return None };
                let principal = Principal::RoleSession { role, session: Some(session.clone()) };
                // Whose canonical user it shares is left open.
                Some(Subject { name: text.to_owned(), kind, principal, canonical_user: None, ..Subject::clone(owner) })
            }
            // Without a session policy, which nobody can list, a federated user has what is granted to it by name.
            Principal::FederatedUser { .. } => Some(Subject { identity: Identity::default(), ..subject }),
            _ => None,
        }
    }

    /// Principals of an account that nothing names: a role, a user and, of another account, the root user.
    fn members(&self, account: &str, mentioned: &Mentioned) -> Vec<Subject> {
        let partition = self.partition.to_owned();
        let prefix = format!(":{account}:");
        let named: BTreeSet<&str> =
            mentioned.arns.iter().map(String::as_str).filter(|arn| arn.contains(&prefix)).collect();
        let class = Class {
            open: WITHIN_ACCOUNT,
            members_only: self.members_only(&[
                ("ArnNotLike", "aws:PrincipalArn", &[&format!("arn:*:*::{account}:*")]),
                ("ArnEquals", "aws:PrincipalArn", &named.into_iter().collect::<Vec<_>>()),
            ]),
        };
        let role = Principal::RoleSession { role: self.nobody(account), session: None };
        let user = format!("arn:{partition}:iam::{account}:user/{NOBODY}").parse::<Arn>().ok();
        let mut principals = vec![(role, Credential::Role)];
        principals.extend(user.map(|arn| (Principal::User { arn, id: None }, Credential::User)));
        let name = format!("arn:{partition}:iam::{account}:root");
        let mut subjects: Vec<Subject> = principals
            .into_iter()
            .map(|(principal, credential)| Subject {
                class: Some(class.clone()),
                ..self.outsider(&name, PrincipalKind::Account, principal, credential)
            })
            .collect();
        if account != self.account {
            let root = Principal::Root { partition, account: account.to_owned() };
            subjects.push(self.outsider(&name, PrincipalKind::Account, root, Credential::Root));
        }
        subjects
    }

    /// Any principal of any account that nothing names.
    fn any_aws(&self, mentioned: &Mentioned) -> Subject {
        let mut named: Vec<&str> = mentioned.accounts.iter().map(String::as_str).collect();
        named.push(self.account);
        let arns: Vec<String> = named.iter().map(|account| format!("arn:*:*::{account}:*")).collect();
        let arns: Vec<&str> = arns.iter().map(String::as_str).collect();
        let members_only = self
            .members_only(&[("StringEquals", "aws:PrincipalAccount", &named), ("ArnLike", "aws:PrincipalArn", &arns)]);
        let principal = Principal::RoleSession { role: self.nobody(&unnamed(mentioned, self.account)), session: None };
        Subject {
            class: Some(Class { open: ACROSS_ACCOUNTS, members_only }),
            ..self.outsider("*", PrincipalKind::AnyAws, principal, Credential::User)
        }
    }

    /// An account of which only the canonical user id is known.
    fn canonical(&self, id: &str, mentioned: &Mentioned) -> Subject {
        let account = unnamed(mentioned, self.account);
        let principal = Principal::Root { partition: self.partition.to_owned(), account };
        let name = format!("canonical user {id}");
        let subject = self.outsider(&name, PrincipalKind::CanonicalUser, principal, Credential::User);
        let members_only = self.library.read(CLASS, EVERYTHING);
        Subject {
            canonical_user: Some(id.to_owned()),
            class: Some(Class { open: ACROSS_ACCOUNTS, members_only }),
            ..subject
        }
    }

    fn nobody(&self, account: &str) -> Role {
        Role {
            partition: self.partition.to_owned(),
            account: account.to_owned(),
            path: Some("/".to_owned()),
            name: NOBODY.to_owned(),
            id: Some("AROA0000000000000000".to_owned()),
        }
    }

    /// A document that denies everything to non-members, a line per condition.
    fn members_only(&self, conditions: &[(&str, &str, &[&str])]) -> Arc<Sheet> {
        let mut statements = vec![serde_json::json!({"Effect": "Allow", "Action": "*", "Resource": "*"})];
        for (operator, key, values) in conditions.iter().filter(|(_, _, values)| !values.is_empty()) {
            statements.push(serde_json::json!({
                "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {*operator: {*key: values}}
            }));
        }
        let document = serde_json::json!({"Version": "2012-10-17", "Statement": statements});
        self.library.read(CLASS, &document.to_string())
    }
}

fn is_role(principal: &Principal, name: &str) -> bool {
    matches!(principal, Principal::RoleSession { role, session: None } if role.name == name)
}

fn service(name: &str, principal: &str, class: Option<Class>) -> Subject {
    Subject {
        name: name.to_owned(),
        kind: PrincipalKind::Service,
        principal: Principal::Service { name: principal.to_owned() },
        credential: Credential::Service,
        identity: Identity::default(),
        in_account: false,
        traits: Traits::Open,
        canonical_user: None,
        class,
    }
}

/// An account number that no policy names.
fn unnamed(mentioned: &Mentioned, own: &str) -> String {
    (1_u64..)
        .map(|number| format!("{:012}", 1_000_000_000_000 - number))
        .find(|number| number != own && !mentioned.accounts.contains(number))
        .unwrap_or_default()
}
