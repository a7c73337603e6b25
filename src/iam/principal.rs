//! Who makes a request.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Arn;

use super::canonical::is_account_number;
use super::context::Context;
pub(super) use super::named::aws_level;
pub use super::named::{Level, Levels, PrincipalFacts, principal_level};

/// An IAM role. A session's ARN does not say the role's path, so it may be not known; the name is unique in its account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Role {
    pub partition: String,
    pub account: String,
    /// `/` or `/a/b/`.
    pub path: Option<String>,
    pub name: String,
    /// `AROA…`.
    pub id: Option<String>,
}

impl Role {
    /// ARN with the path; a path that is not known is taken to be `/`.
    #[must_use]
    pub fn arn(&self) -> String {
        let path = self.path.as_deref().unwrap_or("/");
        format!("arn:{}:iam::{}:role{path}{}", self.partition, self.account, self.name)
    }

    #[must_use]
    pub fn is_service_linked(&self) -> bool {
        match &self.path {
            Some(path) => path.starts_with("/aws-service-role/"),
            // IAM reserves this prefix of names for service-linked roles.
            None => self.name.starts_with("AWSServiceRoleFor"),
        }
    }
}

/// The one who makes a request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Principal {
    /// A session of a role; without a name it stands for every session.
    RoleSession {
        role: Role,
        session: Option<String>,
    },
    /// `id` is `AIDA…`.
    User {
        arn: Arn,
        id: Option<String>,
    },
    /// A session from GetFederationToken; `user` is the ARN of the user who asked for it.
    FederatedUser {
        partition: String,
        account: String,
        name: String,
        user: Option<String>,
    },
    Root {
        partition: String,
        account: String,
    },
    /// An AWS service calling by itself, `logging.s3.amazonaws.com`.
    Service {
        name: String,
    },
    /// A SAML or OIDC provider, in AssumeRoleWith… only.
    Federated {
        provider: String,
    },
    Anonymous,
}

/// Keys about the caller that every request has (C3).
const PRESENT: [&str; 3] = ["aws:PrincipalAccount", "aws:PrincipalType", "aws:userid"];

const WEB_IDENTITY: [&str; 4] =
    ["accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"];

/// Text that names no principal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no principal; give the ARN of a role, role session, user, federated user or root, a service such as \
     `logging.s3.amazonaws.com`, an account number, or `anonymous`"
)]
pub struct PrincipalError(pub String);

impl std::str::FromStr for Principal {
    type Err = PrincipalError;

    /// A role ARN stands for every session of the role; an account number for its root user.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || PrincipalError(text.to_owned());
        if text == "*" || text.eq_ignore_ascii_case("anonymous") {
            return Ok(Principal::Anonymous);
        }
        if is_account_number(text) {
            return Ok(Principal::Root { partition: "aws".to_owned(), account: text.to_owned() });
        }
        let Ok(arn) = text.parse::<Arn>() else {
            let service = text.contains('.') && !text.contains([':', '/', '*']);
            return match text {
                _ if WEB_IDENTITY.contains(&text) => Ok(Principal::Federated { provider: text.to_owned() }),
                _ if service => Ok(Principal::Service { name: text.to_owned() }),
                _ => Err(wrong()),
            };
        };
        let Arn { partition, account, .. } = arn.clone();
        let (kind, rest) = arn.resource.split_once('/').unwrap_or((&arn.resource, ""));
        match (arn.service.as_str(), kind) {
            ("iam", "root") if rest.is_empty() => Ok(Principal::Root { partition, account }),
            ("iam", "user") if !rest.is_empty() => Ok(Principal::User { arn, id: None }),
            ("iam", "role") => {
                let (path, name) = arn.role().ok_or_else(wrong)?;
                let role = Role { partition, account, path: Some(path), name, id: None };
                Ok(Principal::RoleSession { role, session: None })
            }
            ("iam", "saml-provider" | "oidc-provider") => Ok(Principal::Federated { provider: text.to_owned() }),
            ("sts", "assumed-role") => {
                let (name, session) = rest.split_once('/').ok_or_else(wrong)?;
                let role = Role { partition, account, path: None, name: name.to_owned(), id: None };
                Ok(Principal::RoleSession { role, session: Some(session.to_owned()) })
            }
            ("sts", "federated-user") if !rest.is_empty() => {
                Ok(Principal::FederatedUser { partition, account, name: rest.to_owned(), user: None })
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Principal {
    /// What [`FromStr`] reads; a path that is not known is taken to be `/`.
    ///
    /// [`FromStr`]: std::str::FromStr
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Principal::RoleSession { role, session: None } => f.write_str(&role.arn()),
            Principal::RoleSession { role, session: Some(session) } => {
                write!(f, "arn:{}:sts::{}:assumed-role/{}/{session}", role.partition, role.account, role.name)
            }
            Principal::User { arn, .. } => arn.fmt(f),
            Principal::FederatedUser { partition, account, name, .. } => {
                write!(f, "arn:{partition}:sts::{account}:federated-user/{name}")
            }
            Principal::Root { partition, account } => write!(f, "arn:{partition}:iam::{account}:root"),
            Principal::Service { name } => f.write_str(name),
            Principal::Federated { provider } => f.write_str(provider),
            Principal::Anonymous => f.write_str("anonymous"),
        }
    }
}

impl Principal {
    /// Account number, where the principal belongs to one that is known.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        match self {
            Principal::RoleSession { role, .. } => Some(&role.account),
            Principal::User { arn, .. } => Some(&arn.account),
            Principal::FederatedUser { account, .. } | Principal::Root { account, .. } => Some(account),
            Principal::Service { .. } | Principal::Federated { .. } | Principal::Anonymous => None,
        }
    }

    pub(super) fn partition(&self) -> Option<&str> {
        match self {
            Principal::RoleSession { role, .. } => Some(&role.partition),
            Principal::User { arn, .. } => Some(&arn.partition),
            Principal::FederatedUser { partition, .. } | Principal::Root { partition, .. } => Some(partition),
            Principal::Service { .. } | Principal::Federated { .. } | Principal::Anonymous => None,
        }
    }

    /// Fills in the keys that follow from who is calling (C2, C3, C4), where the request does not say them itself.
    pub fn derive(&self, context: &mut Context) {
        if let Some(account) = self.account() {
            context.derive("aws:PrincipalAccount", account);
            context.derive("aws:PrincipalIsAWSService", "false");
        }
        if !matches!(self, Principal::User { .. }) {
            context.derive_absent("aws:username");
        }
        if !matches!(self, Principal::Service { .. }) {
            context.derive_absent("aws:PrincipalServiceName");
            context.derive_absent("aws:PrincipalServiceNamesList");
        }
        match self {
            Principal::RoleSession { role, session } => {
                match role.path {
                    Some(_) => context.derive("aws:PrincipalArn", role.arn()),
                    None => {
                        let before = format!("arn:{}:iam::{}:role/", role.partition, role.account);
                        context.derive_role(role.arn(), before, &role.name);
                    }
                }
                context.derive("aws:PrincipalType", "AssumedRole");
                match (&role.id, session) {
                    (Some(id), Some(session)) => context.derive("aws:userid", format!("{id}:{session}")),
                    _ => context.derive_unknown("aws:userid"),
                }
            }
            Principal::User { arn, id } => {
                context.derive("aws:PrincipalArn", arn.to_string());
                context.derive("aws:PrincipalType", "User");
                let name = arn.resource.rsplit('/').next().unwrap_or_default();
                context.derive("aws:username", name);
                match id {
                    Some(id) => context.derive("aws:userid", id.as_str()),
                    None => context.derive_unknown("aws:userid"),
                }
            }
            Principal::FederatedUser { partition, account, name, user: _ } => {
                context.derive("aws:PrincipalArn", format!("arn:{partition}:sts::{account}:federated-user/{name}"));
                context.derive("aws:PrincipalType", "FederatedUser");
                context.derive("aws:userid", format!("{account}:{name}"));
            }
            Principal::Root { partition, account } => {
                context.derive("aws:PrincipalArn", format!("arn:{partition}:iam::{account}:root"));
                context.derive("aws:PrincipalType", "Account");
                context.derive("aws:userid", account.as_str());
            }
            Principal::Service { name } => {
                context.derive("aws:PrincipalServiceName", name.as_str());
                context.derive("aws:PrincipalIsAWSService", "true");
                // Present, but what a service shows there is not documented.
                for key in PRESENT.into_iter().chain(["aws:PrincipalServiceNamesList"]) {
                    context.derive_unknown(key);
                }
            }
            Principal::Federated { .. } => {
                for key in PRESENT {
                    context.derive_unknown(key);
                }
            }
            Principal::Anonymous => {
                context.derive_absent("aws:PrincipalArn");
                for key in ["aws:PrincipalAccount", "aws:PrincipalType", "aws:userid"] {
                    context.derive(key, "anonymous");
                }
            }
        }
    }
}
