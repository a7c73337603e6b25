//! What S3 calls a public bucket policy (S3 User Guide, "Blocking public access to your Amazon S3 storage", "The meaning of
//! public"): every policy is, unless each Allow grants to fixed values only.

use super::canonical::is_account_number;
use super::condition::Cidr;
use super::document::{Condition, Effect, Element, Policy, PrincipalSpec, Statement};
use super::operator::{Comparison, Operator, SetQualifier};
use super::truth::Truth;

/// Keys whose fixed values make a statement non-public, as the guide lists them.
const FIXING_KEYS: [&str; 8] = [
    "aws:principalorgid",
    "aws:sourcearn",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:sourceowner",
    "aws:sourceaccount",
    "s3:x-amz-server-side-encryption-aws-kms-key-id",
    "s3:dataaccesspointaccount",
];

/// Newer keys that name a principal or a network as narrowly, but that the guide does not list: not known.
const UNDOCUMENTED_KEYS: [&str; 10] = [
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgpaths",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:principalservicenameslist",
    "aws:sourcevpcarn",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "aws:vpceorgpaths",
];

/// Whether `BlockPublicPolicy` would refuse this bucket policy. What is not documented counts as public, so that a policy
/// that this calls non-public is one that S3 takes.
#[must_use]
pub fn is_public(policy: &Policy) -> bool {
    publicness(policy).possible()
}

/// Whether S3 counts a bucket policy as public; unknown where only undocumented keys narrow a statement.
#[must_use]
pub fn publicness(policy: &Policy) -> Truth {
    let allows = policy.statements.iter().filter(|statement| statement.effect == Effect::Allow);
    Truth::any(allows.map(statement_public))
}

/// Whether one Allow statement makes its policy public. One such statement is enough.
#[must_use]
pub fn statement_public(statement: &Statement) -> Truth {
    if let Some(Element::Is(spec)) = &statement.principal
        && is_fixed(spec)
    {
        return Truth::No;
    }
    // Conditions are joined by "and": the one that narrows most decides.
    Truth::all(statement.conditions.iter().map(condition_public))
}

fn is_fixed(spec: &PrincipalSpec) -> bool {
    let PrincipalSpec { aws, service, federated, canonical_user } = spec;
    let saml = |text: &String| text.contains(":saml-provider/") && fixed(text);
    aws.iter().chain(service).chain(canonical_user).all(|text| fixed(text)) && federated.iter().all(saml)
}

fn fixed(text: &str) -> bool {
    !text.is_empty() && !text.contains(['*', '?']) && !text.contains("${")
}

/// Whether a statement with `Principal: "*"` and this one condition is public.
fn condition_public(condition: &Condition) -> Truth {
    let narrowing = match condition.operator {
        // With IfExists or ForAllValues a request without the key passes; a negated operator fixes nothing.
        Operator::Known { set, comparison, negated: false, if_exists: false } => {
            let compares = matches!(
                comparison,
                Comparison::StringEquals
                    | Comparison::StringEqualsIgnoreCase
                    | Comparison::StringLike
                    | Comparison::ArnEquals
                    | Comparison::IpAddress
                    | Comparison::Bool
            );
            compares && set != Some(SetQualifier::ForAllValues)
        }
        _ => false,
    };
    if !narrowing || condition.values.is_empty() {
        return Truth::Yes;
    }
    let key = condition.key.to_ascii_lowercase();
    Truth::any(condition.values.iter().map(|value| !value_fixes(&key, value)))
}

fn value_fixes(key: &str, value: &str) -> Truth {
    match key {
        "aws:sourceip" => narrow_range(value).into(),
        "s3:dataaccesspointarn" => access_point_account_fixed(value).into(),
        // `AROA…:*` is every session of a role under any name, which the guide excepts; a single session is not mentioned.
        "aws:userid" if fixed(value) => {
            if value.contains(':') {
                Truth::Unknown
            } else {
                Truth::Yes
            }
        }
        "aws:principalisawsservice" if !value.eq_ignore_ascii_case("true") => Truth::No,
        _ if !fixed(value) => Truth::No,
        _ if FIXING_KEYS.contains(&key) => Truth::Yes,
        _ if UNDOCUMENTED_KEYS.contains(&key) => Truth::Unknown,
        _ => Truth::No,
    }
}

/// Ranges up to /8 (IPv4) and /32 (IPv6). The guide also excepts the private ranges, none of which is wider than that.
fn narrow_range(value: &str) -> bool {
    match Cidr::parse(value) {
        Some(Cidr { address: std::net::IpAddr::V4(_), prefix }) => prefix >= 8,
        Some(Cidr { address: std::net::IpAddr::V6(_), prefix }) => prefix >= 32,
        None => false,
    }
}

/// The name of the access point may be a wildcard when its account is fixed.
fn access_point_account_fixed(value: &str) -> bool {
    let mut parts = value.splitn(6, ':');
    let (service, account) = (parts.nth(2), parts.nth(1));
    service == Some("s3") && account.is_some_and(is_account_number) && !value.contains("${")
}
