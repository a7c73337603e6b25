//! How closely a `Principal` element names somebody.

use serde::{Deserialize, Serialize};

use crate::model::Arn;

use super::canonical::{is_account_number, is_unique_id};
use super::document::{Effect, Element, PrincipalSpec};
use super::principal::Principal;
use super::truth::Truth;

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
    // Most ARNs name somebody else.
    let names_other = match principal {
        Principal::RoleSession { role, .. } => !text.contains(role.name.as_str()),
        Principal::User { arn, .. } => !text.ends_with(arn.resource.as_str()),
        _ => false,
    };
    if names_other && !text.ends_with(":root") {
        return Levels::NONE;
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
