//! The kinds of principals that two policies tell apart, each as one principal.

use std::collections::BTreeSet;

use super::super::canonical::is_account_number;
use super::super::context::Context;
use super::super::document::Element;
use super::super::glob::{Resolved, Token, resolve};
use super::super::principal::{Level, Principal, PrincipalFacts, principal_level};
use super::super::region::{Language, combinations};
use super::super::truth::Truth;
use super::{Entry, Pair};

const STATES: usize = 20_000;
const OTHER_SESSION: &str = "another-session";

/// Whether the `Principal` of a statement names a principal, at whatever level; a policy without principals names everybody.
pub(super) fn names(entry: &Entry<'_>, principal: Option<&Principal>) -> Truth {
    let (Some(principal), Some(element)) = (principal, &entry.statement.principal) else {
        return Truth::Yes;
    };
    // AWS stores a `*` for providers and services, and it can mean nothing else than all of them.
    if let Element::Is(spec) = element {
        let all = |list: &[String]| list.iter().any(|text| text == "*");
        match principal {
            Principal::Federated { .. } if all(&spec.federated) => return Truth::Yes,
            Principal::Service { .. } if all(&spec.service) => return Truth::Yes,
            _ => {}
        }
    }
    let levels = principal_level(element, entry.statement.effect, principal, PrincipalFacts::default());
    levels.reaches(Level::Account)
}

/// One principal of every kind.
pub(super) fn classes(pair: &Pair<'_>) -> Result<Vec<Principal>, String> {
    let mut classes = vec![Principal::Anonymous];
    let (mut services, mut providers) = (BTreeSet::new(), BTreeSet::new());
    let (mut partitions, mut sessions) = (BTreeSet::from(["aws".to_owned()]), BTreeSet::new());
    let (mut roles, mut languages) = (BTreeSet::new(), Vec::new());
    let unknown = Context::new(&std::collections::BTreeMap::new(), &BTreeSet::from(["*".to_owned()]));
    for entry in &pair.entries {
        let Some(spec) = entry.statement.principal.as_ref().map(Element::get) else { continue };
        services.extend(spec.service.iter().cloned());
        providers.extend(spec.federated.iter().cloned());
        for text in &spec.aws {
            if is_account_number(text) {
                languages.push(Language::arn(&Token::pattern(&format!("arn:*:*:*:{text}:*"))));
            } else if let Ok(principal) = text.parse::<Principal>() {
                let pattern = match &principal {
                    Principal::Root { account, .. } => format!("arn:*:*:*:{account}:*"),
                    Principal::RoleSession { role, .. } => {
                        partitions.insert(role.partition.clone());
                        roles.insert((role.account.clone(), role.name.clone()));
                        text.clone()
                    }
                    _ => text.clone(),
                };
                languages.push(Language::arn(&Token::pattern(&pattern)));
                sessions.insert(principal);
            }
        }
        for condition in &entry.statement.conditions {
            let arn = condition.key.eq_ignore_ascii_case("aws:PrincipalArn");
            if !arn && !condition.key.eq_ignore_ascii_case("aws:PrincipalAccount") {
                continue;
            }
            for value in &condition.values {
                let (Resolved::Known(tokens) | Resolved::Unknown(tokens)) =
                    resolve(value, entry.version, &unknown, true)
                else {
                    continue;
                };
                if arn {
                    languages.extend([Language::arn(&tokens), Language::flat(&tokens)]);
                } else {
                    let account: Vec<Token> =
                        Token::pattern("*:*:*:*:").into_iter().chain(tokens).chain(Token::pattern(":*")).collect();
                    languages.push(Language::arn(&account));
                }
            }
        }
    }
    for partition in &partitions {
        for form in [
            "iam::????????????:role/?*",
            "iam::????????????:user/?*",
            "iam::????????????:root",
            "sts::????????????:federated-user/?*",
        ] {
            let within = Language::arn(&Token::pattern(&format!("arn:{partition}:{form}")));
            let found = combinations(&languages, &[within], STATES)
                .map_err(|_| "the principals are too many to be told apart".to_owned())?;
            // The name of a role is unique in its account: one that is named has the path that it is named with.
            let second = |principal: &Principal| match principal {
                Principal::RoleSession { role, .. } => roles.contains(&(role.account.clone(), role.name.clone())),
                _ => false,
            };
            classes.extend(found.iter().filter_map(|text| principal(text)).filter(|principal| !second(principal)));
        }
    }
    classes.extend(sessions.into_iter().map(with_session));
    services.insert("another-service.amazonaws.com".to_owned());
    providers.insert("arn:aws:iam::999999999999:saml-provider/another".to_owned());
    classes.extend(services.into_iter().filter(|name| name != "*").map(|name| Principal::Service { name }));
    classes.extend(providers.into_iter().filter(|name| name != "*").map(|provider| Principal::Federated { provider }));
    Ok(classes)
}

fn principal(text: &str) -> Option<Principal> {
    Some(with_session(text.parse().ok()?))
}

/// A session with a name, so that policies that name another session do not name this one.
fn with_session(principal: Principal) -> Principal {
    match principal {
        Principal::RoleSession { role, session } => {
            Principal::RoleSession { role, session: session.or_else(|| Some(OTHER_SESSION.to_owned())) }
        }
        Principal::FederatedUser { partition, account, name, user } => {
            let user = user.or_else(|| Some(format!("arn:{partition}:iam::{account}:user/another-user")));
            Principal::FederatedUser { partition, account, name, user }
        }
        other => other,
    }
}
