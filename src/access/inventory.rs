//! The principals of the bucket's own account, from `iam:GetAccountAuthorizationDetails`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::iam::Principal;
use crate::iam::principal::Role;
use crate::model::Arn;
use crate::model::authorization::{Authorization, IamGroup, IamRole, IamUser, InlinePolicy, ManagedPolicy};

use super::allowed::{Sheet, may_allow};
use super::assessment::PrincipalKind;
use super::documents::Library;
use super::subject::{Credential, Identity, Subject, Traits};

/// A role of the account and what its trust policy says.
#[derive(Clone, Debug)]
pub(super) struct OwnRole {
    pub arn: String,
    pub subject: usize,
    pub trust: Arc<Sheet>,
    /// EC2 instances act as it.
    pub instance_profiles: Vec<String>,
}

/// Everybody in the account.
#[derive(Clone, Debug, Default)]
pub(super) struct Inventory {
    pub subjects: Vec<Arc<Subject>>,
    pub roles: Vec<OwnRole>,
    /// Records whose ARN is none, so that nothing can be asked about them.
    pub unreadable: Vec<String>,
}

impl Inventory {
    /// `owner`: canonical user id of the account, where it was read.
    pub fn of(authorization: &Authorization, owner: Option<&str>, library: &Library) -> Self {
        let books = Books::of(authorization, owner, library);
        let mut inventory = Self::default();
        for user in &authorization.users {
            match books.user(user) {
                Some(subject) => inventory.subjects.push(Arc::new(subject)),
                None => inventory.unreadable.push(user.arn.clone()),
            }
        }
        for role in &authorization.roles {
            let trust = library.read("trust policy", &role.trust);
            let Some(subject) = books.role(role, &trust) else {
                inventory.unreadable.push(role.arn.clone());
                continue;
            };
            inventory.roles.push(OwnRole {
                arn: role.arn.clone(),
                subject: inventory.subjects.len(),
                trust,
                instance_profiles: role.instance_profiles.clone(),
            });
            inventory.subjects.push(Arc::new(subject));
        }
        inventory
    }
}

/// A role as a principal, whatever the account's canonical user is. `None` when its ARN is none.
pub(super) fn one_role(authorization: &Authorization, role: &IamRole, library: &Library) -> Option<Subject> {
    Books::of(authorization, None, library).role(role, &library.read("trust policy", &role.trust))
}

struct Books<'a> {
    managed: BTreeMap<&'a str, &'a ManagedPolicy>,
    groups: BTreeMap<&'a str, &'a IamGroup>,
    owner: Option<&'a str>,
    library: &'a Library,
}

impl<'a> Books<'a> {
    fn of(authorization: &'a Authorization, owner: Option<&'a str>, library: &'a Library) -> Self {
        Self {
            managed: authorization.policies.iter().map(|policy| (policy.arn.as_str(), policy)).collect(),
            groups: authorization.groups.iter().map(|group| (group.name.as_str(), group)).collect(),
            owner,
            library,
        }
    }

    fn user(&self, user: &IamUser) -> Option<Subject> {
        let mut policies = self.policies(&user.inline, &user.attached, "");
        for name in &user.groups {
            match self.groups.get(name.as_str()) {
                Some(group) => policies.extend(self.policies(&group.inline, &group.attached, &format!("{name}/"))),
                None => policies.push(self.library.unknown(name, "the group was not read")),
            }
        }
        let principal = Principal::User { arn: user.arn.parse().ok()?, id: Some(user.id.clone()) };
        let identity = Identity::new(policies, self.boundary(user.boundary.as_deref()));
        // A federated session of the user may be tagged by whoever asks for it.
        let session_tags = identity.may_allow("sts:TagSession");
        let traits = Traits::Known { tags: user.tags.clone(), session_tags };
        Some(self.subject(&user.arn, principal, identity, traits))
    }

    fn role(&self, role: &IamRole, trust: &Sheet) -> Option<Subject> {
        let arn: Arn = role.arn.parse().ok()?;
        let (path, name) = arn.role()?;
        let principal = Principal::RoleSession {
            role: Role {
                partition: arn.partition,
                account: arn.account,
                path: Some(path),
                name,
                id: Some(role.id.clone()),
            },
            session: None,
        };
        let policies = self.policies(&role.inline, &role.attached, "");
        let identity = Identity::new(policies, self.boundary(role.boundary.as_deref()));
        let session_tags = may_allow(trust, "sts:TagSession");
        let traits = Traits::Known { tags: role.tags.clone(), session_tags };
        Some(self.subject(&role.arn, principal, identity, traits))
    }

    fn policies(&self, inline: &[InlinePolicy], attached: &[String], within: &str) -> Vec<Arc<Sheet>> {
        let inline = inline.iter().map(|policy| match within {
            "" => self.library.read(&policy.name, &policy.text),
            _ => self.library.read(&format!("{within}{}", policy.name), &policy.text),
        });
        inline.chain(attached.iter().map(|arn| self.managed(arn))).collect()
    }

    fn managed(&self, arn: &str) -> Arc<Sheet> {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        match self.managed.get(arn) {
            Some(policy) => self.library.read(name, &policy.text),
            None => self.library.unknown(name, "the managed policy was not read"),
        }
    }

    fn boundary(&self, arn: Option<&str>) -> Option<Arc<Sheet>> {
        arn.map(|arn| self.managed(arn))
    }

    fn subject(&self, arn: &str, principal: Principal, identity: Identity, traits: Traits) -> Subject {
        let (kind, credential) = match principal {
            Principal::User { .. } => (PrincipalKind::User, Credential::User),
            _ => (PrincipalKind::Role, Credential::Role),
        };
        Subject {
            name: arn.to_owned(),
            kind,
            principal,
            credential,
            identity,
            in_account: true,
            traits,
            canonical_user: self.owner.map(str::to_owned),
            class: None,
        }
    }
}
