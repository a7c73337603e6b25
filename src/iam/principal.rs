//! Who makes a request, and how closely a `Principal` element names them.

use serde::{Deserialize, Serialize};

use crate::model::Arn;

use super::canonical::{is_account_number, is_unique_id};
use super::context::Context;
use super::document::{Effect, Element, PrincipalSpec};
use super::truth::Truth;

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

/// How closely a principal is named (P1–P5), from not at all to exactly. Inside an account the closer grants bypass more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    None,
    /// The account is named: it may delegate.
    Account,
    /// The role is named: identity policies are not needed, boundary and session policy still limit.
    Role,
    /// The user, session or everybody is named.
    Exact,
}

/// Bounds of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    pub least: Level,
    pub most: Level,
}

impl Levels {
    pub const NONE: Self = Self { least: Level::None, most: Level::None };

    #[must_use]
    pub fn exactly(level: Level) -> Self {
        Self { least: level, most: level }
    }

    #[must_use]
    pub fn up_to(most: Level) -> Self {
        Self { least: Level::None, most }
    }

    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { least: self.least.max(other.least), most: self.most.max(other.most) }
    }

    /// Whether the level is at least this one.
    #[must_use]
    pub fn reaches(self, level: Level) -> Truth {
        match (self.least >= level, self.most >= level) {
            (true, _) => Truth::Yes,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::No,
        }
    }

    /// The level if something else holds.
    #[must_use]
    pub fn given(self, holds: Truth) -> Self {
        match holds {
            Truth::Yes => self,
            Truth::Unknown => Self::up_to(self.most),
            Truth::No => Self::NONE,
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

    fn partition(&self) -> Option<&str> {
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

/// What else decides whether a `Principal` element names somebody.
#[derive(Clone, Copy, Debug, Default)]
pub struct PrincipalFacts<'a> {
    /// Canonical user id of the principal's account.
    pub canonical_user: Option<&'a str>,
    pub has_boundary: bool,
}

/// The level at which a `Principal` or `NotPrincipal` element names a principal.
#[must_use]
pub fn principal_level(
    element: &Element<PrincipalSpec>,
    effect: Effect,
    principal: &Principal,
    facts: PrincipalFacts<'_>,
) -> Levels {
    match element {
        // Nobody is named, which AWS does not store; what it would mean is not documented.
        _ if *element.get() == PrincipalSpec::default() => Levels::up_to(Level::Exact),
        Element::Is(spec) => named(spec, principal, facts),
        Element::Not(spec) => not_named(spec, effect, principal, facts),
    }
}

fn named(spec: &PrincipalSpec, principal: &Principal, facts: PrincipalFacts<'_>) -> Levels {
    let PrincipalSpec { aws, service, federated, canonical_user } = spec;
    let aws = aws.iter().map(|text| aws_level(text, principal));
    let service = service.iter().map(|text| match principal {
        Principal::Service { name } if name == text => Levels::exactly(Level::Exact),
        Principal::Service { .. } if text.contains('*') => Levels::up_to(Level::Exact),
        _ => Levels::NONE,
    });
    let federated = federated.iter().map(|text| match principal {
        Principal::Federated { provider } if provider == text => Levels::exactly(Level::Exact),
        Principal::Federated { .. } if text.contains('*') => Levels::up_to(Level::Exact),
        _ => Levels::NONE,
    });
    let canonical = canonical_user.iter().map(|text| match (principal.account(), facts.canonical_user) {
        (Some(_), Some(id)) if id == text => Levels::exactly(Level::Account),
        (Some(_), None) => Levels::up_to(Level::Account),
        _ => Levels::NONE,
    });
    aws.chain(service).chain(federated).chain(canonical).fold(Levels::NONE, Levels::union)
}

pub(super) fn aws_level(text: &str, principal: &Principal) -> Levels {
    if text == "*" {
        return Levels::exactly(Level::Exact);
    }
    if is_account_number(text) {
        return if principal.account() == Some(text) { Levels::exactly(Level::Account) } else { Levels::NONE };
    }
    if is_unique_id(text) {
        let (id, level) = match principal {
            Principal::RoleSession { role, .. } if text.starts_with("AROA") => (&role.id, Level::Role),
            Principal::User { id, .. } if text.starts_with("AIDA") => (id, Level::Exact),
            _ => return Levels::NONE,
        };
        return match id {
            Some(id) if id == text => Levels::exactly(level),
            Some(_) => Levels::NONE,
            None => Levels::up_to(level),
        };
    }
    match text.parse::<Arn>() {
        // Partial wildcards are not principals, and partitions do not meet (P1, P7).
        Ok(arn)
            if principal.account() == Some(arn.account.as_str())
                && principal.partition() == Some(arn.partition.as_str()) =>
        {
            arn_level(&arn, text, principal)
        }
        _ => Levels::NONE,
    }
}

/// `arn` has the account and partition of the principal.
fn arn_level(arn: &Arn, text: &str, principal: &Principal) -> Levels {
    if arn.service == "iam" && arn.resource == "root" {
        return Levels::exactly(Level::Account);
    }
    match principal {
        Principal::RoleSession { role, session } => match arn.role() {
            Some((path, name)) if name == role.name => match &role.path {
                // A path that no live role of this name has: AWS refuses to store such a principal.
                Some(known) if *known != path => Levels::up_to(Level::Role),
                _ => Levels::exactly(Level::Role),
            },
            Some(_) => Levels::NONE,
            None => {
                let named = arn.resource.strip_prefix("assumed-role/").and_then(|rest| rest.split_once('/'));
                match (named, session) {
                    (Some((name, _)), _) if arn.service != "sts" || name != role.name => Levels::NONE,
                    (Some((_, named)), Some(session)) if named == session => Levels::exactly(Level::Exact),
                    (Some(_), None) => Levels::up_to(Level::Exact),
                    _ => Levels::NONE,
                }
            }
        },
        Principal::User { arn: user, .. } if user == arn => Levels::exactly(Level::Exact),
        Principal::FederatedUser { name, user, .. } => {
            let is_session =
                arn.service == "sts" && arn.resource.strip_prefix("federated-user/") == Some(name.as_str());
            let is_user = arn.service == "iam" && arn.resource.starts_with("user/");
            match user {
                _ if is_session => Levels::exactly(Level::Exact),
                Some(user) if user == text => Levels::exactly(Level::Role),
                None if is_user => Levels::up_to(Level::Role),
                _ => Levels::NONE,
            }
        }
        _ => Levels::NONE,
    }
}

/// Everybody except those who are listed (P6). AWS may check account, role and session in turn, so a session is certainly
/// excepted only when all of them are listed; it is certainly not when none is.
fn not_named(spec: &PrincipalSpec, effect: Effect, principal: &Principal, facts: PrincipalFacts<'_>) -> Levels {
    let everybody = Levels::exactly(Level::Exact);
    if spec.aws.iter().any(|text| text == "*") {
        return Levels::NONE;
    }
    // Documented for boundaries: NotPrincipal with Deny always hits a principal that has one.
    if effect == Effect::Deny && facts.has_boundary {
        return everybody;
    }
    let one = |text: &String| PrincipalSpec { aws: vec![text.clone()], ..PrincipalSpec::default() };
    let levels: Vec<Levels> = spec.aws.iter().map(|text| named(&one(text), principal, facts)).collect();
    let lists = |level: Level| {
        Truth::any(levels.iter().map(|levels| {
            let reached = levels.reaches(level);
            if levels.most > level { Truth::No } else { reached }
        }))
    };
    let excepted: Vec<Truth> = match principal {
        Principal::RoleSession { .. } => vec![lists(Level::Account), lists(Level::Role), lists(Level::Exact)],
        Principal::FederatedUser { .. } => vec![lists(Level::Account), lists(Level::Role), lists(Level::Exact)],
        Principal::User { .. } => vec![lists(Level::Account), lists(Level::Exact)],
        Principal::Root { .. } => vec![lists(Level::Account)],
        Principal::Service { .. } | Principal::Federated { .. } => {
            let rest = PrincipalSpec { aws: Vec::new(), ..spec.clone() };
            vec![named(&rest, principal, facts).reaches(Level::Exact)]
        }
        Principal::Anonymous => vec![Truth::No],
    };
    // Account and role listed: a session need not be listed as well, but then the documentation does not promise it.
    let all = Truth::all(excepted.iter().copied());
    let any = Truth::any(excepted);
    let canonical_unknown = !spec.canonical_user.is_empty() && principal.account().is_some();
    match (all, any) {
        (Truth::Yes, _) => Levels::NONE,
        (_, Truth::No) if !canonical_unknown => everybody,
        _ => Levels::up_to(Level::Exact),
    }
}
