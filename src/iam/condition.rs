//! Condition blocks (IAM User Guide, "Condition operators" and "Conditions with multiple context keys or values").

use std::net::IpAddr;

use super::context::{Context, Lookup};
use super::document::{Condition, Version};
use super::glob::{Resolved, Short, Token, arn_glob, glob_or_symbol, resolve};
use super::operator::{Comparison, Operator, SetQualifier};
use super::role_path;
use super::text::Text;
use super::truth::Truth;

/// Global keys that hold a list of values ("AWS global condition context keys", 2026): without a set operator they match
/// nothing (M8).
const MULTIVALUED: [&str; 7] = [
    "aws:calledvia",
    "aws:principalorgpaths",
    "aws:principalservicenameslist",
    "aws:resourceorgpaths",
    "aws:sourceorgpaths",
    "aws:tagkeys",
    "aws:vpceorgpaths",
];

/// Keys of services that hold a list of values: what they match without a set operator is not documented (M8).
const MULTIVALUED_OF_SERVICES: [&str; 7] = [
    "kms:encryptioncontextkeys",
    "kms:grantoperations",
    "kms:resourcealiases",
    "s3:inventoryaccessibleoptionalfields",
    "s3:requestobjecttagkeys",
    "sts:identitytokenaudience",
    "sts:transitivetagkeys",
];

/// Whether all lines of a condition block hold (M6).
#[must_use]
pub fn conditions_hold(conditions: &[Condition], version: Version, context: &Context) -> Truth {
    Truth::all(conditions.iter().map(|condition| holds(condition, version, context)))
}

/// Whether one line holds.
#[must_use]
pub fn holds(condition: &Condition, version: Version, context: &Context) -> Truth {
    let Operator::Known { set, comparison, negated, if_exists } = condition.operator else {
        return Truth::Unknown;
    };
    // What a line without values asks is not documented.
    if condition.values.is_empty() {
        return Truth::Unknown;
    }
    let found = context.lookup(&condition.key);
    if comparison == Comparison::Null {
        return null(&condition.values, found);
    }
    let listed = |value: &String| {
        let test = |wanted: &Text| {
            let matched = compare(comparison, wanted, value, version, context);
            match context.around_path(&condition.key) {
                None => matched,
                Some(around) => role_path::whatever_it_is(
                    matched,
                    comparison,
                    &wanted_as(comparison, wanted, version, context),
                    around,
                ),
            }
        };
        let matched = Truth::any(condition.values.iter().map(test));
        if negated { !matched } else { matched }
    };
    match (found, set) {
        (Lookup::Unknown, _) => Truth::Unknown,
        // M7, M8: a missing key fails a positive operator and satisfies a negated one.
        // IfExists says true, ForAnyValue says false; which of them wins is not documented.
        (Lookup::Absent, Some(SetQualifier::ForAnyValue)) if if_exists => Truth::Unknown,
        (Lookup::Absent, _) if if_exists => Truth::Yes,
        (Lookup::Absent, Some(SetQualifier::ForAllValues)) => Truth::Yes,
        (Lookup::Absent, Some(SetQualifier::ForAnyValue)) => Truth::No,
        (Lookup::Absent, None) => negated.into(),
        (Lookup::Values(values), Some(SetQualifier::ForAllValues)) => Truth::all(values.iter().map(listed)),
        (Lookup::Values(values), Some(SetQualifier::ForAnyValue)) => Truth::any(values.iter().map(listed)),
        (Lookup::Values([value]), None) if !is_list(&condition.key) => listed(value),
        (Lookup::Values(values), None) => without_set_operator(&condition.key, negated, values.iter().map(listed)),
    }
}

fn takes_wildcards(comparison: Comparison) -> bool {
    matches!(comparison, Comparison::StringLike | Comparison::ArnEquals)
}

fn is_multivalued(key: &str) -> bool {
    MULTIVALUED.iter().any(|name| name.eq_ignore_ascii_case(key))
}

pub(super) fn is_list(key: &str) -> bool {
    is_multivalued(key) || MULTIVALUED_OF_SERVICES.iter().any(|name| name.eq_ignore_ascii_case(key))
}

/// A list compared as if it were one value (M8): a positive operator on a key that is documented as a list never matches;
/// the rest is not documented, so only what holds under every reading is said.
fn without_set_operator(key: &str, negated: bool, tests: impl Iterator<Item = Truth>) -> Truth {
    let tests: Vec<Truth> = tests.collect();
    if !negated && is_multivalued(key) {
        return Truth::No;
    }
    match Truth::any(tests.iter().copied()) {
        Truth::No => Truth::No,
        Truth::Unknown | Truth::Yes => Truth::Unknown,
    }
}

fn null(values: &[Text], found: Lookup<'_>) -> Truth {
    let absent = match found {
        Lookup::Absent => Truth::Yes,
        Lookup::Unknown => Truth::Unknown,
        Lookup::Values(_) => Truth::No,
    };
    Truth::any(values.iter().map(|value| match value.to_ascii_lowercase().as_str() {
        "true" => absent,
        "false" => !absent,
        _ => Truth::Unknown,
    }))
}

/// A value of the policy with its variables filled in, as text is compared with it.
fn wanted_as(comparison: Comparison, wanted: &str, version: Version, context: &Context) -> Resolved {
    let resolved = resolve(wanted, version, context, takes_wildcards(comparison));
    match (comparison, resolved) {
        (Comparison::StringEqualsIgnoreCase, Resolved::Known(tokens)) => Resolved::Known(fold(&tokens)),
        (Comparison::StringEqualsIgnoreCase, Resolved::Unknown(tokens)) => Resolved::Unknown(fold(&tokens)),
        (_, resolved) => resolved,
    }
}

/// One value of the policy against one of the request, without negation (M9).
fn compare(comparison: Comparison, wanted: &str, value: &str, version: Version, context: &Context) -> Truth {
    let has_variable = || version == Version::V2012 && wanted.contains("${");
    match comparison {
        Comparison::StringEquals | Comparison::StringLike => {
            text(&wanted_as(comparison, wanted, version, context), value)
        }
        Comparison::StringEqualsIgnoreCase => {
            text(&wanted_as(comparison, wanted, version, context), &value.to_lowercase())
        }
        Comparison::ArnEquals => {
            let wanted = wanted_as(comparison, wanted, version, context);
            wanted.test(|tokens| arn_glob(tokens, value, Short::Undocumented))
        }
        Comparison::Bool if has_variable() => Truth::Unknown,
        Comparison::Bool => match wanted.to_ascii_lowercase().as_str() {
            wanted @ ("true" | "false") => value.eq_ignore_ascii_case(wanted).into(),
            _ => Truth::Unknown,
        },
        Comparison::BinaryEquals => match (base64(wanted), base64(value)) {
            (Some(wanted), Some(value)) => (wanted == value).into(),
            _ => Truth::Unknown,
        },
        Comparison::IpAddress => match (Cidr::parse(wanted), value.parse::<IpAddr>()) {
            (Some(range), Ok(address)) => range.contains(address).into(),
            _ => Truth::Unknown,
        },
        Comparison::NumericEquals => ordered(number, wanted, value, std::cmp::Ordering::is_eq),
        Comparison::NumericLessThan => ordered(number, wanted, value, std::cmp::Ordering::is_lt),
        Comparison::NumericLessThanEquals => ordered(number, wanted, value, std::cmp::Ordering::is_le),
        Comparison::NumericGreaterThan => ordered(number, wanted, value, std::cmp::Ordering::is_gt),
        Comparison::NumericGreaterThanEquals => ordered(number, wanted, value, std::cmp::Ordering::is_ge),
        Comparison::DateEquals => ordered(date, wanted, value, std::cmp::Ordering::is_eq),
        Comparison::DateLessThan => ordered(date, wanted, value, std::cmp::Ordering::is_lt),
        Comparison::DateLessThanEquals => ordered(date, wanted, value, std::cmp::Ordering::is_le),
        Comparison::DateGreaterThan => ordered(date, wanted, value, std::cmp::Ordering::is_gt),
        Comparison::DateGreaterThanEquals => ordered(date, wanted, value, std::cmp::Ordering::is_ge),
        // Asked about before: it compares no values.
        Comparison::Null => Truth::Unknown,
    }
}

fn text(pattern: &Resolved, value: &str) -> Truth {
    pattern.test(|tokens| glob_or_symbol(tokens, value))
}

fn fold(tokens: &[Token]) -> Vec<Token> {
    let mut folded = Vec::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::Char(c) | Token::Text(c) => folded.extend(c.to_lowercase().map(Token::Text)),
            wild => folded.push(*wild),
        }
    }
    folded
}

/// A pattern in lower case.
pub(super) enum Lowered {
    Ascii(Vec<Token>),
    /// Beyond ASCII one character may become several.
    Other,
}

pub(super) fn lowered(tokens: &[Token]) -> Lowered {
    let ascii = |token: &Token| !matches!(token, Token::Char(c) | Token::Text(c) if !c.is_ascii());
    if tokens.iter().all(ascii) { Lowered::Ascii(fold(tokens)) } else { Lowered::Other }
}

/// `value OP wanted`; values that cannot be read as this type are not documented, so not known.
fn ordered<T: PartialOrd>(
    read: fn(&str) -> Option<T>,
    wanted: &str,
    value: &str,
    test: fn(std::cmp::Ordering) -> bool,
) -> Truth {
    match (read(value), read(wanted)) {
        (Some(value), Some(wanted)) => value.partial_cmp(&wanted).map_or(Truth::Unknown, |order| test(order).into()),
        _ => Truth::Unknown,
    }
}

/// A decimal as (whole part, billionths), which compares exactly where a float would round.
pub(super) fn number(text: &str) -> Option<i128> {
    const DIGITS: usize = 9;
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 20 || fraction.len() > DIGITS || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let scaled: i128 = format!("{whole}{fraction:0<DIGITS$}").parse().ok()?;
    Some(if negative { -scaled } else { scaled })
}

/// ISO 8601 date or time with offset, or seconds since 1970.
pub(super) fn date(text: &str) -> Option<jiff::Timestamp> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time);
    }
    // Four digits are a year or seconds.
    if text.len() == 4 {
        return None;
    }
    if let Ok(seconds) = text.parse::<i64>() {
        return jiff::Timestamp::from_second(seconds).ok();
    }
    let day = text.parse::<jiff::civil::Date>().ok()?;
    day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|time| time.timestamp())
}

/// Base64 text without its padding, if it is base64.
fn base64(text: &str) -> Option<&str> {
    let bare = text.trim_end_matches('=');
    bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/').then_some(bare)
}

/// A range of IP addresses. A bare address is the range of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    pub address: IpAddr,
    /// Bits, at most 32 or 128.
    pub prefix: u32,
}

impl Cidr {
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(bits);
        (prefix <= bits).then_some(Self { address, prefix })
    }

    /// An address of the other family is never in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(range), IpAddr::V4(address)) => {
                let differing = range.to_bits() ^ address.to_bits();
                differing.checked_shr(32 - self.prefix).unwrap_or(0) == 0
            }
            (IpAddr::V6(range), IpAddr::V6(address)) => {
                let differing = range.to_bits() ^ address.to_bits();
                differing.checked_shr(128 - self.prefix).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}
