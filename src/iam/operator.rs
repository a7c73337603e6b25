//! Condition operators and their spelling (IAM User Guide, "IAM JSON policy elements: Condition operators").

use std::fmt;

use serde::{Deserialize, Serialize};

/// `ForAllValues:` and `ForAnyValue:` before an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SetQualifier {
    ForAllValues,
    ForAnyValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Comparison {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    NumericEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    /// `ArnLike` is the same operator: both take wildcards, per part of the ARN.
    ArnEquals,
    Null,
}

/// An operator taken apart, or its text when AWS documents no such operator.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operator {
    Known { set: Option<SetQualifier>, comparison: Comparison, negated: bool, if_exists: bool },
    Unknown(String),
}

/// (lower-case spelling, comparison, negated, the spelling of the documentation). The first spelling of a pair is printed.
const SPELLINGS: &[(&str, Comparison, bool, &str)] = &[
    ("stringequals", Comparison::StringEquals, false, "StringEquals"),
    ("stringnotequals", Comparison::StringEquals, true, "StringNotEquals"),
    ("stringequalsignorecase", Comparison::StringEqualsIgnoreCase, false, "StringEqualsIgnoreCase"),
    ("stringnotequalsignorecase", Comparison::StringEqualsIgnoreCase, true, "StringNotEqualsIgnoreCase"),
    ("stringlike", Comparison::StringLike, false, "StringLike"),
    ("stringnotlike", Comparison::StringLike, true, "StringNotLike"),
    ("numericequals", Comparison::NumericEquals, false, "NumericEquals"),
    ("numericnotequals", Comparison::NumericEquals, true, "NumericNotEquals"),
    ("numericlessthan", Comparison::NumericLessThan, false, "NumericLessThan"),
    ("numericlessthanequals", Comparison::NumericLessThanEquals, false, "NumericLessThanEquals"),
    ("numericgreaterthan", Comparison::NumericGreaterThan, false, "NumericGreaterThan"),
    ("numericgreaterthanequals", Comparison::NumericGreaterThanEquals, false, "NumericGreaterThanEquals"),
    ("dateequals", Comparison::DateEquals, false, "DateEquals"),
    ("datenotequals", Comparison::DateEquals, true, "DateNotEquals"),
    ("datelessthan", Comparison::DateLessThan, false, "DateLessThan"),
    ("datelessthanequals", Comparison::DateLessThanEquals, false, "DateLessThanEquals"),
    ("dategreaterthan", Comparison::DateGreaterThan, false, "DateGreaterThan"),
    ("dategreaterthanequals", Comparison::DateGreaterThanEquals, false, "DateGreaterThanEquals"),
    ("bool", Comparison::Bool, false, "Bool"),
    ("binaryequals", Comparison::BinaryEquals, false, "BinaryEquals"),
    ("ipaddress", Comparison::IpAddress, false, "IpAddress"),
    ("notipaddress", Comparison::IpAddress, true, "NotIpAddress"),
    ("arnequals", Comparison::ArnEquals, false, "ArnEquals"),
    ("arnlike", Comparison::ArnEquals, false, "ArnLike"),
    ("arnnotequals", Comparison::ArnEquals, true, "ArnNotEquals"),
    ("arnnotlike", Comparison::ArnEquals, true, "ArnNotLike"),
    ("null", Comparison::Null, false, "Null"),
];

const IF_EXISTS: &str = "IfExists";

impl Operator {
    /// Reads an operator whatever its case: AWS accepts `bool` and the like in stored policies, and refuses what it does not
    /// know, so for a live policy the case cannot carry a meaning.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let unknown = || Operator::Unknown(text.to_ascii_lowercase());
        let (set, rest) = match text.split_once(':') {
            Some((set, rest)) if set.eq_ignore_ascii_case("forallvalues") => (Some(SetQualifier::ForAllValues), rest),
            Some((set, rest)) if set.eq_ignore_ascii_case("foranyvalue") => (Some(SetQualifier::ForAnyValue), rest),
            _ => (None, text),
        };
        let end = rest.len().checked_sub(IF_EXISTS.len()).and_then(|at| rest.split_at_checked(at));
        let (name, if_exists) = match end {
            Some((name, end)) if end.eq_ignore_ascii_case(IF_EXISTS) => (name, true),
            _ => (rest, false),
        };
        match SPELLINGS.iter().find(|(spelling, ..)| spelling.eq_ignore_ascii_case(name)) {
            // `Null` asks about existence itself; no other element may qualify it.
            Some((_, Comparison::Null, ..)) if if_exists || set.is_some() => unknown(),
            Some((_, comparison, negated, _)) => {
                Operator::Known { set, comparison: *comparison, negated: *negated, if_exists }
            }
            None => unknown(),
        }
    }

    #[must_use]
    pub fn comparison(&self) -> Option<Comparison> {
        match self {
            Operator::Known { comparison, .. } => Some(*comparison),
            Operator::Unknown(_) => None,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (set, comparison, negated, if_exists) = match self {
            Operator::Unknown(text) => return f.write_str(text),
            Operator::Known { set, comparison, negated, if_exists } => (set, comparison, negated, if_exists),
        };
        match set {
            Some(SetQualifier::ForAllValues) => f.write_str("ForAllValues:")?,
            Some(SetQualifier::ForAnyValue) => f.write_str("ForAnyValue:")?,
            None => {}
        }
        let name = SPELLINGS.iter().find(|(_, c, n, _)| c == comparison && n == negated).map_or("", |(.., name)| name);
        f.write_str(name)?;
        if *if_exists { f.write_str("IfExists") } else { Ok(()) }
    }
}
