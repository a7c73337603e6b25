//! The principals of the bucket's own account, from `iam:GetAccountAuthorizationDetails`.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::iam::principal::Role;
use crate::iam::{NamedPolicy, Principal};
use crate::model::Arn;
use crate::model::authorization::{Authorization, IamGroup, IamRole, IamUser, InlinePolicy, ManagedPolicy};

use super::allowed::may_allow;
use super::assessment::PrincipalKind;
use super::documents::Library;
use super::subject::{Credential, Identity, Subject, Traits};

/// A role of the account and what its trust policy says.
#[derive(Clone, Debug)]
pub(super) struct OwnRole {
    pub arn: String,
    pub subject: usize,
    pub trust: Arc<NamedPolicy>,
    /// EC2 instances act as it.
    pub instance_profiles: Vec<String>,
}

/// Everybody in the account.
#[derive(Clone, Debug, Default)]
pub(super) struct Inventory {
    pub subjects: Vec<Subject>,
    pub roles: Vec<OwnRole>,
    /// Records whose ARN is none, so that nothing can be asked about them.
    pub unreadable: Vec<String>,
}

impl Inventory {
    pub fn of(authorization: &Authorization, library: &Library) -> Self {
        let books = Books {
            managed: authorization.policies.iter().map(|policy| (policy.arn.as_str(), policy)).collect(),
            groups: authorization.groups.iter().map(|group| (group.name.as_str(), group)).collect(),
            library,
        };
        let mut inventory = Self::default();
        for user in &authorization.users {
            match books.user(user) {
                Some(subject) => inventory.subjects.push(subject),
                None => inventory.unreadable.push(user.arn.clone()),
            }
        }
        for role in &authorization.roles {
            let Some(subject) = books.role(role) else {
                inventory.unreadable.push(role.arn.clone());
                continue;
            };
            inventory.roles.push(OwnRole {
                arn: role.arn.clone(),
                subject: inventory.subjects.len(),
                trust: library.read("trust policy", &role.trust),
                instance_profiles: role.instance_profiles.clone(),
            });
            inventory.subjects.push(subject);
        }
        inventory
    }
}

struct Books<'a> {
    managed: BTreeMap<&'a str, &'a ManagedPolicy>,
    groups: BTreeMap<&'a str, &'a IamGroup>,
    library: &'a Library,
}

impl Books<'_> {
    fn user(&self, user: &IamUser) -> Option<Subject> {
        let mut policies = self.policies(&user.inline, &user.attached, "");
        for name in &user.groups {
            match self.groups.get(name.as_str()) {
                Some(group) => policies.extend(self.policies(&group.inline, &group.attached, &format!("{name}/"))),
                None => policies.push(Arc::new(NamedPolicy::unknown(name, "the group was not read"))),
            }
        }
        let principal = Principal::User { arn: user.arn.parse().ok()?, id: Some(user.id.clone()) };
        let identity = Identity::new(policies, self.boundary(user.boundary.as_deref()), self.library);
        // A federated session of the user may be tagged by whoever asks for it.
        let session_tags = identity.may_allow("sts:TagSession");
        let traits = Traits::Known { tags: user.tags.clone(), session_tags };
        Some(subject(&user.arn, PrincipalKind::User, principal, Credential::User, identity, traits))
    }

    fn role(&self, role: &IamRole) -> Option<Subject> {
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
        let identity = Identity::new(policies, self.boundary(role.boundary.as_deref()), self.library);
        let session_tags = may_allow(&self.library.read("trust policy", &role.trust), "sts:TagSession");
        let traits = Traits::Known { tags: role.tags.clone(), session_tags };
        Some(subject(&role.arn, PrincipalKind::Role, principal, Credential::Role, identity, traits))
    }

    fn policies(&self, inline: &[InlinePolicy], attached: &[String], within: &str) -> Vec<Arc<NamedPolicy>> {
        let inline = inline.iter().map(|policy| self.library.read(&format!("{within}{}", policy.name), &policy.text));
        inline.chain(attached.iter().map(|arn| self.managed(arn))).collect()
    }

    fn managed(&self, arn: &str) -> Arc<NamedPolicy> {
        let name = arn.rsplit('/').next().unwrap_or(arn);
        match self.managed.get(arn) {
            Some(policy) => self.library.read(name, &policy.text),
            None => Arc::new(NamedPolicy::unknown(name, "the managed policy was not read")),
        }
    }

    fn boundary(&self, arn: Option<&str>) -> Option<Arc<NamedPolicy>> {
        arn.map(|arn| self.managed(arn))
    }
}

fn subject(
    arn: &str,
    kind: PrincipalKind,
    principal: Principal,
    credential: Credential,
    identity: Identity,
    traits: Traits,
) -> Subject {
    Subject {
        name: arn.to_owned(),
        kind,
        principal,
        credential,
        identity,
        in_account: true,
        traits,
        canonical_user: None,
        class: None,
    }
}
