//! Policy documents as typed values (IAM User Guide, "Grammar of the IAM JSON policy language").
//!
//! Tolerant of every spelling that AWS stores (a string or a list, one statement or a list, booleans and numbers as condition
//! values, `"*"` or `{"AWS": "*"}`), strict about everything else: an element that this room does not know could change the
//! meaning, so the document is refused and its owner has to treat it as unknown.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::operator::Operator;
use super::tape::{Items, Members, Shape, Tape, Value};
use super::text::{Text, Texts};
use super::written::Written;

/// Longest document that is read, in bytes. AWS allows at most 32 KiB (key policies); the rest is room for white space.
pub const MAX_BYTES: usize = 256 * 1024;

/// Why a text is not a policy document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("the policy has {bytes} bytes, more than the {MAX_BYTES} that are read; AWS stores at most 32768")]
    TooLong { bytes: usize },
    #[error("the policy is not JSON ({0}); correct the document")]
    Json(String),
    #[error("{place} has the unknown element `{name}`; remove it or correct its spelling (names are case-sensitive)")]
    UnknownElement { place: String, name: String },
    #[error("{place} lacks `{element}`; add it")]
    Missing { place: String, element: &'static str },
    #[error("{place} has both `{first}` and `{second}`; keep one of them")]
    Both { place: String, first: &'static str, second: &'static str },
    #[error("{place} is {found}; expected {expected}")]
    Shape { place: String, expected: &'static str, found: &'static str },
    #[error("{place} has the value `{value}`; expected {expected}")]
    Value { place: String, value: String, expected: &'static str },
}

/// Version of the policy language; it decides whether `${…}` is a variable or plain text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Version {
    /// Also what a document without `Version` is.
    #[serde(rename = "2008-10-17")]
    V2008,
    #[serde(rename = "2012-10-17")]
    V2012,
}

impl Version {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V2008 => "2008-10-17",
            Version::V2012 => "2012-10-17",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Effect {
    Allow,
    Deny,
}

impl Effect {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        }
    }
}

/// An element or its `Not…` form: `Action` and `NotAction`, `Principal` and `NotPrincipal`, `Resource` and `NotResource`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Element<T> {
    Is(T),
    Not(T),
}

impl<T> Element<T> {
    #[must_use]
    pub fn get(&self) -> &T {
        match self {
            Element::Is(value) | Element::Not(value) => value,
        }
    }

    #[must_use]
    pub fn is_not(&self) -> bool {
        matches!(self, Element::Not(_))
    }

    #[must_use]
    pub fn map<U>(&self, change: impl FnOnce(&T) -> U) -> Element<U> {
        match self {
            Element::Is(value) => Element::Is(change(value)),
            Element::Not(value) => Element::Not(change(value)),
        }
    }
}

/// The value of `Principal`. `"*"` is held as `aws: ["*"]`, which AWS documents as the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PrincipalSpec {
    pub aws: Vec<String>,
    pub service: Vec<String>,
    pub federated: Vec<String>,
    pub canonical_user: Vec<String>,
}

/// One line of a `Condition` block: all lines have to hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Condition {
    pub operator: Operator,
    /// As written.
    pub operator_text: Text,
    /// As written; key names compare without case.
    pub key: Text,
    pub values: Texts,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// An empty `Sid` is no `Sid`.
    pub sid: Option<Text>,
    pub effect: Effect,
    pub principal: Option<Element<PrincipalSpec>>,
    pub action: Element<Texts>,
    pub resource: Option<Element<Texts>>,
    pub conditions: Vec<Condition>,
    pub json: Written,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    pub version: Version,
    pub id: Option<String>,
    /// In the order of the document.
    pub statements: Vec<Statement>,
}

/// Reads a policy document.
///
/// # Errors
/// When the text is too long, no JSON (or nested deeper than 128 levels), names a member twice, or holds an element, version,
/// effect or value that the policy grammar does not know.
pub fn parse(text: &str) -> Result<Policy, PolicyError> {
    checked(text)?;
    read(&text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text).into())
}

/// [`parse`] of a text that is shared with whoever keeps it, because statements keep theirs.
///
/// # Errors
/// As [`parse`].
pub fn parse_shared(text: &Arc<str>) -> Result<Policy, PolicyError> {
    if text.starts_with(BYTE_ORDER_MARK) {
        return parse(text);
    }
    checked(text)?;
    read(text)
}

const BYTE_ORDER_MARK: char = '\u{feff}';

fn checked(text: &str) -> Result<(), PolicyError> {
    if text.len() > MAX_BYTES { Err(PolicyError::TooLong { bytes: text.len() }) } else { Ok(()) }
}

fn read(text: &Arc<str>) -> Result<Policy, PolicyError> {
    let tape = Tape::read(text).map_err(|error| PolicyError::Json(error.to_string()))?;
    let (mut version, mut id, mut statements) = (Version::V2008, None, None);
    for (name, value) in members(&Place::Policy, tape.value())? {
        let here = Place::Element(name, &Place::Policy);
        match name.as_ref() {
            "Version" => version = parse_version(&here, value)?,
            "Id" => id = Some(string(&here, value)?.to_string()),
            "Statement" => statements = Some(value),
            _ => return Err(unknown_element(&Place::Policy, name)),
        }
    }
    let Some(statements) = statements else {
        return Err(PolicyError::Missing { place: Place::Policy.to_string(), element: "Statement" });
    };
    let statements = match statements.shape() {
        Shape::List(list) => {
            let mut all = Vec::with_capacity(list.clone().count());
            for (index, value) in list.enumerate() {
                all.push(statement(text, index, value)?);
            }
            all
        }
        _ => vec![statement(text, 0, statements)?],
    };
    Ok(Policy { version, id, statements })
}

/// Where in a document something stands; put into words only for an error.
enum Place<'a> {
    Policy,
    Statement(usize, Option<&'a str>),
    /// An element and what it belongs to.
    Element(&'a str, &'a Place<'a>),
    /// A member of an element, such as an operator of a condition or a key of an operator.
    Member(&'a str, &'a Place<'a>),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Policy => f.write_str("the policy"),
            Place::Statement(_, Some(sid)) => write!(f, "statement `{sid}`"),
            Place::Statement(index, None) => write!(f, "statement #{index}"),
            Place::Element(name, of) => write!(f, "`{name}` of {of}"),
            Place::Member(name, of) => write!(f, "`{name}` in {of}"),
        }
    }
}

fn parse_version(place: &Place<'_>, value: Value<'_, '_>) -> Result<Version, PolicyError> {
    let text = string(place, value)?;
    match text.as_ref() {
        "2012-10-17" => Ok(Version::V2012),
        "2008-10-17" => Ok(Version::V2008),
        _ => Err(value_error(place, text, "`2012-10-17` or `2008-10-17`")),
    }
}

fn statement(text: &Arc<str>, index: usize, value: Value<'_, '_>) -> Result<Statement, PolicyError> {
    let found = members(&Place::Statement(index, None), value)?;
    let sid = found.clone().find_map(|(name, value)| match value.shape() {
        Shape::String(sid) if name == "Sid" && !sid.is_empty() => Some(Text::of(text, sid)),
        _ => None,
    });
    let place = Place::Statement(index, sid.as_deref());
    let (mut effect, mut conditions) = (None, Vec::new());
    let (mut principal, mut action, mut resource) = (None, None, None);
    for (name, value) in found {
        let here = Place::Element(name, &place);
        match name.as_ref() {
            "Sid" => drop(string(&here, value)?),
            "Effect" => effect = Some(parse_effect(&here, value)?),
            "Principal" => set(&mut principal, Element::Is(parse_principal(&here, value)?), &place, PRINCIPAL)?,
            "NotPrincipal" => set(&mut principal, Element::Not(parse_principal(&here, value)?), &place, PRINCIPAL)?,
            "Action" => set(&mut action, Element::Is(texts(text, &here, value)?), &place, ACTION)?,
            "NotAction" => set(&mut action, Element::Not(texts(text, &here, value)?), &place, ACTION)?,
            "Resource" => set(&mut resource, Element::Is(texts(text, &here, value)?), &place, RESOURCE)?,
            "NotResource" => set(&mut resource, Element::Not(texts(text, &here, value)?), &place, RESOURCE)?,
            "Condition" => conditions = parse_conditions(text, &here, value)?,
            _ => return Err(unknown_element(&place, name)),
        }
    }
    let missing = |element| PolicyError::Missing { place: place.to_string(), element };
    Ok(Statement {
        effect: effect.ok_or_else(|| missing("Effect"))?,
        action: action.ok_or_else(|| missing("Action"))?,
        sid,
        principal,
        resource,
        conditions,
        json: Written::new(text, index),
    })
}

const PRINCIPAL: (&str, &str) = ("Principal", "NotPrincipal");
const ACTION: (&str, &str) = ("Action", "NotAction");
const RESOURCE: (&str, &str) = ("Resource", "NotResource");

fn set<T>(
    slot: &mut Option<T>,
    value: T,
    place: &Place<'_>,
    (first, second): (&'static str, &'static str),
) -> Result<(), PolicyError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(PolicyError::Both { place: place.to_string(), first, second }),
    }
}

fn parse_effect(place: &Place<'_>, value: Value<'_, '_>) -> Result<Effect, PolicyError> {
    let text = string(place, value)?;
    match text.as_ref() {
        "Allow" => Ok(Effect::Allow),
        "Deny" => Ok(Effect::Deny),
        _ => Err(value_error(place, text, "`Allow` or `Deny`")),
    }
}

fn parse_principal(place: &Place<'_>, value: Value<'_, '_>) -> Result<PrincipalSpec, PolicyError> {
    let mut spec = PrincipalSpec::default();
    match value.shape() {
        Shape::String(text) if text == "*" => spec.aws.push(text.to_string()),
        Shape::String(text) => return Err(value_error(place, text, "`*` or an object such as `{\"AWS\": …}`")),
        _ => {
            for (name, value) in members(place, value)? {
                let list = strings(&Place::Element(name, place), value, str::to_owned)?;
                match name.as_ref() {
                    "AWS" => spec.aws = list,
                    "Service" => spec.service = list,
                    "Federated" => spec.federated = list,
                    "CanonicalUser" => spec.canonical_user = list,
                    _ => return Err(unknown_element(place, name)),
                }
            }
        }
    }
    Ok(spec)
}

fn parse_conditions(text: &Arc<str>, place: &Place<'_>, value: Value<'_, '_>) -> Result<Vec<Condition>, PolicyError> {
    let operators = members(place, value)?;
    let keys = |value: Value<'_, '_>| match value.shape() {
        Shape::Object(keys) => keys.count(),
        _ => 0,
    };
    let mut conditions = Vec::with_capacity(operators.clone().map(|(_, value)| keys(value)).sum());
    for (operator_text, keys) in operators {
        let operator = Operator::parse(operator_text);
        let here = Place::Member(operator_text, place);
        for (key, values) in members(&here, keys)? {
            let values = scalars(text, &Place::Member(key, &here), values)?;
            let (operator, operator_text) = (operator.clone(), Text::of(text, operator_text));
            conditions.push(Condition { operator, operator_text, key: Text::of(text, key), values });
        }
    }
    Ok(conditions)
}

fn members<'t, 'a>(place: &Place<'_>, value: Value<'t, 'a>) -> Result<Members<'t, 'a>, PolicyError> {
    match value.shape() {
        Shape::Object(members) => Ok(members),
        other => Err(shape(place, "an object", &other)),
    }
}

fn string<'t, 'a>(place: &Place<'_>, value: Value<'t, 'a>) -> Result<&'t Cow<'a, str>, PolicyError> {
    match value.shape() {
        Shape::String(text) => Ok(text),
        other => Err(shape(place, "a string", &other)),
    }
}

fn texts(whole: &Arc<str>, place: &Place<'_>, value: Value<'_, '_>) -> Result<Texts, PolicyError> {
    match value.shape() {
        Shape::String(text) => Ok(Text::of(whole, text).into()),
        _ => strings(place, value, |text| Text::of(whole, text)).map(Texts::from),
    }
}

fn strings<T>(place: &Place<'_>, value: Value<'_, '_>, keep: impl Fn(&str) -> T) -> Result<Vec<T>, PolicyError> {
    match value.shape() {
        Shape::List(items) => each(items, |item| string(place, item).map(|text| keep(text))),
        Shape::String(text) => Ok(vec![keep(text)]),
        other => Err(shape(place, "a string or a list of strings", &other)),
    }
}

fn each<'t, 'a, T>(
    items: Items<'t, 'a>,
    mut keep: impl FnMut(Value<'t, 'a>) -> Result<T, PolicyError>,
) -> Result<Vec<T>, PolicyError> {
    let mut all = Vec::with_capacity(items.clone().count());
    for item in items {
        all.push(keep(item)?);
    }
    Ok(all)
}

/// Condition values: AWS stores `true` and `5` as it stores `"true"` and `"5"`.
fn scalars(whole: &Arc<str>, place: &Place<'_>, value: Value<'_, '_>) -> Result<Texts, PolicyError> {
    let scalar = |value: Value<'_, '_>| match value.shape() {
        Shape::String(text) => Ok(Text::of(whole, text)),
        Shape::Bool(value) => Ok(value.to_string().into()),
        Shape::Number(value) => Ok(value.to_string().into()),
        other => Err(shape(place, "a string, a number, a boolean or a list of them", &other)),
    };
    match value.shape() {
        Shape::List(items) => each(items, scalar).map(Texts::from),
        _ => scalar(value).map(Texts::from),
    }
}

fn shape(place: &Place<'_>, expected: &'static str, found: &Shape<'_, '_>) -> PolicyError {
    PolicyError::Shape { place: place.to_string(), expected, found: found.kind() }
}

fn value_error(place: &Place<'_>, value: &str, expected: &'static str) -> PolicyError {
    PolicyError::Value { place: place.to_string(), value: value.to_owned(), expected }
}

fn unknown_element(place: &Place<'_>, name: &str) -> PolicyError {
    PolicyError::UnknownElement { place: place.to_string(), name: name.to_owned() }
}
