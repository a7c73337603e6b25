//! One canonical form for all spellings of a policy, so that a live document and a wanted one can be compared plainly.
//!
//! Equal are: a string and a list of one, any order of lists, statements and members, repeated values, any case of actions,
//! operators and condition keys, `"*"` and `{"AWS": "*"}`, an account number and its root ARN, `true` and `"true"`,
//! `ArnEquals` and `ArnLike`, an address and its /32, and a unique id and the ARN that a [`Resolver`] knows for it. A `Sid` is
//! part of the form: it is what people and logs name a statement by. `Id` is not: it decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::document::{Condition, Effect, Element, Policy, PolicyError, PrincipalSpec, Statement, Version, parse};
use super::json::Json;
use super::operator::{Comparison, Operator};

/// What an account number and a unique id stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolver {
    /// `aws`, `aws-us-gov`, `aws-cn`: for account numbers, which name no partition.
    pub partition: String,
    /// Unique id (`AROA…`, `AIDA…`) or canonical user id → ARN.
    pub ids: BTreeMap<String, String>,
}

impl Default for Resolver {
    fn default() -> Self {
        Self { partition: "aws".to_owned(), ids: BTreeMap::new() }
    }
}

impl Resolver {
    /// The ARN of a principal where it is known, otherwise the text itself.
    #[must_use]
    pub fn principal(&self, text: &str) -> String {
        if is_account_number(text) {
            return format!("arn:{}:iam::{text}:root", self.partition);
        }
        self.ids.get(text).cloned().unwrap_or_else(|| text.to_owned())
    }
}

/// Whether a text is a twelve-digit AWS account number.
#[must_use]
pub fn is_account_number(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is the unique id of a role or a user. AWS shows one in a stored policy when the principal was deleted
/// (IAM User Guide, "IAM identifiers" and "Principal").
#[must_use]
pub fn is_unique_id(text: &str) -> bool {
    (text.starts_with("AROA") || text.starts_with("AIDA"))
        && (16..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// A condition line in canonical form.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CanonicalCondition {
    pub operator: String,
    pub key: String,
    pub values: BTreeSet<String>,
}

/// Principals by type: `AWS`, `CanonicalUser`, `Federated`, `Service`.
pub type CanonicalPrincipal = BTreeMap<String, BTreeSet<String>>;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CanonicalStatement {
    pub sid: Option<String>,
    pub effect: Effect,
    pub principal: Option<Element<CanonicalPrincipal>>,
    pub action: Element<BTreeSet<String>>,
    pub resource: Option<Element<BTreeSet<String>>>,
    pub conditions: BTreeSet<CanonicalCondition>,
}

/// The canonical form of a policy. Two policies that mean the same by spelling alone have the same one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Canonical {
    pub version: Version,
    pub statements: BTreeSet<CanonicalStatement>,
}

impl Canonical {
    #[must_use]
    pub fn of(policy: &Policy, resolver: &Resolver) -> Self {
        let statements = policy.statements.iter().map(|statement| CanonicalStatement::of(statement, resolver));
        // Only `${` reads differently in the older version; without it the two versions mean the same, but the text of the
        // version is still what a reviewer sees, so it stays part of the form.
        Self { version: policy.version, statements: statements.collect() }
    }

    /// A policy document of this form, minified. Reading it again gives the same form.
    #[must_use]
    pub fn to_json(&self) -> String {
        let statements = self.statements.iter().map(CanonicalStatement::json).collect();
        let document = Json::Object(vec![
            ("Version".to_owned(), Json::String(self.version.as_str().to_owned())),
            ("Statement".to_owned(), Json::List(statements)),
        ]);
        serde_json::to_string(&document).unwrap_or_default()
    }
}

impl CanonicalStatement {
    #[must_use]
    pub fn of(statement: &Statement, resolver: &Resolver) -> Self {
        // Destructured so that a new element cannot be forgotten here.
        let Statement { sid, effect, principal, action, resource, conditions, json: _ } = statement;
        Self {
            sid: sid.as_ref().map(String::from),
            effect: *effect,
            principal: principal.as_ref().map(|element| element.map(|spec| canonical_principal(spec, resolver))),
            action: action.map(|list| list.iter().map(|action| action.to_ascii_lowercase()).collect()),
            resource: resource.as_ref().map(|element| element.map(|list| list.iter().map(String::from).collect())),
            conditions: conditions.iter().map(canonical_condition).collect(),
        }
    }

    /// The statement as JSON, elements in the usual order.
    #[must_use]
    pub fn json(&self) -> Json {
        let Self { sid, effect, principal, action, resource, conditions } = self;
        let mut members = Vec::new();
        if let Some(sid) = sid {
            members.push(("Sid".to_owned(), Json::String(sid.clone())));
        }
        members.push(("Effect".to_owned(), Json::String(effect.as_str().to_owned())));
        if let Some(element) = principal {
            members.push((element_name("Principal", element), principal_json(element.get())));
        }
        members.push((element_name("Action", action), Json::strings(action.get().iter().cloned())));
        if let Some(element) = resource {
            members.push((element_name("Resource", element), Json::strings(element.get().iter().cloned())));
        }
        if !conditions.is_empty() {
            let lines =
                conditions.iter().map(|c| (c.operator.clone(), c.key.clone(), c.values.iter().cloned().collect()));
            members.push(("Condition".to_owned(), condition_json(lines)));
        }
        Json::Object(members)
    }
}

pub(super) fn element_name<T>(name: &str, element: &Element<T>) -> String {
    if element.is_not() { format!("Not{name}") } else { name.to_owned() }
}

pub(super) fn principal_json(principal: &CanonicalPrincipal) -> Json {
    let only_aws = principal.len() == 1;
    match principal.get("AWS") {
        Some(aws) if only_aws && aws.len() == 1 && aws.contains("*") => Json::String("*".to_owned()),
        _ => {
            let members = principal.iter().map(|(kind, list)| (kind.clone(), Json::strings(list.iter().cloned())));
            Json::Object(members.collect())
        }
    }
}

/// Groups condition lines by operator. Lines whose operator and key are the same without case (a document can hold `Bool` and
/// `bool`) get each a case of their own, since one object cannot hold a name twice.
pub(super) fn condition_json(lines: impl Iterator<Item = (String, String, Vec<String>)>) -> Json {
    let mut seen: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut operators: Vec<(String, Vec<(String, Json)>)> = Vec::new();
    for (operator, key, values) in lines {
        let count = seen.entry((operator.to_ascii_lowercase(), key.to_ascii_lowercase())).or_default();
        let (key, rest) = flip_letters(&key, *count);
        let (operator, _) = flip_letters(&operator, rest);
        *count += 1;
        let line = (key, Json::strings(values));
        match operators.iter_mut().find(|(name, _)| *name == operator) {
            Some((_, keys)) => keys.push(line),
            None => operators.push((operator, vec![line])),
        }
    }
    Json::Object(operators.into_iter().map(|(name, keys)| (name, Json::Object(keys))).collect())
}

/// The text with the case of its letters flipped where `bits` has ones, from the left, and the bits that were left over.
fn flip_letters(text: &str, mut bits: usize) -> (String, usize) {
    let mut flip = |c: char| {
        if !c.is_ascii_alphabetic() {
            return c;
        }
        let flipped = bits & 1 == 1;
        bits >>= 1;
        match (flipped, c.is_ascii_lowercase()) {
            (false, _) => c,
            (true, true) => c.to_ascii_uppercase(),
            (true, false) => c.to_ascii_lowercase(),
        }
    };
    let text = text.chars().map(&mut flip).collect();
    (text, bits)
}

pub(super) fn canonical_principal(spec: &PrincipalSpec, resolver: &Resolver) -> CanonicalPrincipal {
    let PrincipalSpec { aws, service, federated, canonical_user } = spec;
    let mut principal = CanonicalPrincipal::new();
    let mut add = |kind: &str, value: String| {
        principal.entry(kind.to_owned()).or_default().insert(value);
    };
    aws.iter().for_each(|text| add("AWS", resolver.principal(text)));
    service.iter().for_each(|text| add("Service", text.clone()));
    federated.iter().for_each(|text| add("Federated", text.clone()));
    for text in canonical_user {
        // S3 shows a canonical user as an ARN where it can; known ids therefore compare as AWS principals.
        match resolver.ids.get(text) {
            Some(arn) => add("AWS", arn.clone()),
            None => add("CanonicalUser", text.clone()),
        }
    }
    principal
}

fn canonical_condition(condition: &Condition) -> CanonicalCondition {
    let Condition { operator, operator_text: _, key, values } = condition;
    CanonicalCondition {
        operator: operator.to_string(),
        key: key.to_ascii_lowercase(),
        values: values.iter().map(|value| canonical_value(operator, value)).collect(),
    }
}

fn canonical_value(operator: &Operator, value: &str) -> String {
    match operator.comparison() {
        Some(Comparison::Bool | Comparison::Null) => value.to_ascii_lowercase(),
        Some(Comparison::IpAddress) => canonical_cidr(value),
        Some(
            Comparison::NumericEquals
            | Comparison::NumericLessThan
            | Comparison::NumericLessThanEquals
            | Comparison::NumericGreaterThan
            | Comparison::NumericGreaterThanEquals,
        ) => canonical_number(value),
        _ => value.to_owned(),
    }
}

fn canonical_cidr(value: &str) -> String {
    match value.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => format!("{address}/32"),
        Ok(std::net::IpAddr::V6(address)) => format!("{address}/128"),
        Err(_) => value.to_owned(),
    }
}

/// `1.20` is `1.2`, `5.0` is `5`; anything that is no plain decimal stays as it is.
fn canonical_number(value: &str) -> String {
    let plain = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match value.split_once('.') {
        Some((whole, fraction)) if plain && !whole.is_empty() && !fraction.contains('.') => {
            let fraction = fraction.trim_end_matches('0');
            if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
        }
        _ => value.to_owned(),
    }
}

/// The canonical form of a text, account numbers read as of partition `aws` and unique ids kept.
///
/// # Errors
/// When the text is not a policy document.
pub fn canonical(text: &str) -> Result<Canonical, PolicyError> {
    canonical_with(text, &Resolver::default())
}

/// The canonical form of a text with the names that a resolver knows.
///
/// # Errors
/// When the text is not a policy document.
pub fn canonical_with(text: &str, resolver: &Resolver) -> Result<Canonical, PolicyError> {
    Ok(Canonical::of(&parse(text)?, resolver))
}

/// Whether two texts are spellings of one policy. A text that is no policy document equals only itself.
#[must_use]
pub fn equivalent(a: &str, b: &str) -> bool {
    equivalent_with(a, b, &Resolver::default())
}

/// [`equivalent`] with the names that a resolver knows.
#[must_use]
pub fn equivalent_with(a: &str, b: &str, resolver: &Resolver) -> bool {
    match (canonical_with(a, resolver), canonical_with(b, resolver)) {
        (Ok(a), Ok(b)) => a == b,
        _ => a == b,
    }
}

/// Unique ids that stand as principals: roles and users that were deleted (or ids that somebody wrote by hand), sorted.
#[must_use]
pub fn deleted_principals(policy: &Policy) -> Vec<String> {
    deleted_principals_with(policy, &Resolver::default())
}

/// [`deleted_principals`] without those that the resolver knows.
#[must_use]
pub fn deleted_principals_with(policy: &Policy, resolver: &Resolver) -> Vec<String> {
    let elements = policy.statements.iter().filter_map(|statement| statement.principal.as_ref());
    let ids = elements.flat_map(|element| element.get().aws.iter());
    let deleted: BTreeSet<String> =
        ids.filter(|text| is_unique_id(text) && !resolver.ids.contains_key(*text)).cloned().collect();
    deleted.into_iter().collect()
}

/// JSON without white space: what is sent, and what AWS counts.
#[must_use]
pub fn minified(document: &serde_json::Value) -> String {
    document.to_string()
}

/// Size of a document as AWS counts it: bytes of the minified text. Limits: 20480 for a bucket policy, 32768 for a key policy.
#[must_use]
pub fn minified_bytes(document: &serde_json::Value) -> usize {
    minified(document).len()
}

/// A text without the white space between its tokens, members in their order.
///
/// # Errors
/// When the text is not JSON or names a member twice.
pub fn minify(text: &str) -> Result<String, PolicyError> {
    let json: Json = serde_json::from_str(text).map_err(|error| PolicyError::Json(error.to_string()))?;
    serde_json::to_string(&json).map_err(|error| PolicyError::Json(error.to_string()))
}
