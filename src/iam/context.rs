//! The request context: what a condition key is worth. Key names compare without case; so do the tag keys inside them
//! (IAM User Guide, "Condition": key names are not case-sensitive).

use std::collections::{BTreeMap, BTreeSet};

use super::glob::{Token, glob};

/// What is known of a key in one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// The request certainly does not have it. An empty list of values counts as absent.
    Absent,
    /// It may be absent or have any value.
    Unknown,
    Values(&'a [String]),
}

#[derive(Clone, Debug, Default)]
pub struct Context {
    /// By folded name.
    values: BTreeMap<String, Vec<String>>,
    /// Folded names that are certainly not known.
    unknown: BTreeSet<String>,
    /// Patterns of names that are not known unless a value is given.
    unknown_patterns: Vec<Vec<Token>>,
    /// `aws:PrincipalArn` was made up for a role whose path is not known: what stands before and after the path.
    role_without_path: Option<(String, String)>,
    /// Names as given, for keys whose names are data themselves (encryption contexts).
    names: Vec<String>,
}

impl Context {
    /// A context of given values. `unknown_keys` are key names or patterns of them (`aws:PrincipalTag/*`, `*`).
    #[must_use]
    pub fn new(values: &BTreeMap<String, Vec<String>>, unknown_keys: &BTreeSet<String>) -> Self {
        let mut context = Self { names: values.keys().cloned().collect(), ..Self::default() };
        for (name, list) in values {
            let folded = name.to_ascii_lowercase();
            // Two keys that differ only in case: which one AWS compares is not documented (C1).
            if context.values.insert(folded.clone(), list.clone()).is_some_and(|before| before != *list) {
                context.unknown.insert(folded);
            }
        }
        for name in unknown_keys {
            let folded = name.to_ascii_lowercase();
            if folded.contains(['*', '?']) {
                context.unknown_patterns.push(Token::pattern(&folded));
            } else if !context.values.contains_key(&folded) {
                context.unknown.insert(folded);
            }
        }
        context
    }

    #[must_use]
    pub fn lookup(&self, key: &str) -> Lookup<'_> {
        let folded = key.to_ascii_lowercase();
        if self.unknown.contains(&folded) {
            return Lookup::Unknown;
        }
        match self.values.get(&folded) {
            Some(list) if !list.is_empty() => Lookup::Values(list),
            Some(_) => Lookup::Absent,
            None if self.unknown_patterns.iter().any(|pattern| glob(pattern, &folded)) => Lookup::Unknown,
            None => Lookup::Absent,
        }
    }

    /// Takes over what another context knows of a role's path.
    pub(super) fn same_role(&mut self, other: &Context) {
        self.role_without_path.clone_from(&other.role_without_path);
    }

    /// Gives a key these values, or makes it absent, whatever was known of it.
    pub(super) fn set(&mut self, key: &str, values: Option<&[String]>) {
        let folded = key.to_ascii_lowercase();
        self.unknown.remove(&folded);
        self.values.insert(folded, values.map(<[String]>::to_vec).unwrap_or_default());
    }

    /// Gives a key a value that follows from the request, unless the request says something of it itself.
    pub fn derive(&mut self, key: &str, value: impl Into<String>) {
        let folded = key.to_ascii_lowercase();
        if !self.unknown.contains(&folded) {
            self.values.entry(folded).or_insert_with(|| vec![value.into()]);
        }
    }

    /// Marks a key that the request cannot have.
    pub fn derive_absent(&mut self, key: &str) {
        let folded = key.to_ascii_lowercase();
        if !self.unknown.contains(&folded) {
            self.values.entry(folded).or_default();
        }
    }

    /// Whether anything was said of a key (lower case) by name.
    pub(super) fn names(&self, key: &str) -> bool {
        self.values.contains_key(key) || self.unknown.contains(key)
    }

    /// [`Context::derive`] of `aws:PrincipalArn`, for a role whose path is not known.
    pub fn derive_role(&mut self, arn: String, before: String, name: &str) {
        const KEY: &str = "aws:principalarn";
        if !self.values.contains_key(KEY) && !self.unknown.contains(KEY) {
            self.derive(KEY, arn);
            self.role_without_path = Some((before, name.to_owned()));
        }
    }

    /// For a role whose path is not known: what stands before and after the path in the ARN that a key holds (C2).
    #[must_use]
    pub fn around_path(&self, key: &str) -> Option<(&str, &str)> {
        let (before, name) = self.role_without_path.as_ref()?;
        key.eq_ignore_ascii_case("aws:PrincipalArn").then_some((before, name))
    }

    /// Marks keys that have a common pattern of names as [`Context::derive_unknown`] does.
    pub fn derive_unknown_pattern(&mut self, pattern: &str) {
        self.unknown_patterns.push(Token::pattern(&pattern.to_ascii_lowercase()));
    }

    /// Marks a key that the request has, with a value that does not follow from what is known.
    pub fn derive_unknown(&mut self, key: &str) {
        let folded = key.to_ascii_lowercase();
        if !self.values.contains_key(&folded) {
            self.unknown.insert(folded);
        }
    }

    /// The rest of the names of given keys that begin with a prefix (in any case), with their values.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a [String])> {
        self.names.iter().filter_map(move |name| {
            let (head, rest) = name.split_at_checked(prefix.len())?;
            let list = self.values.get(&name.to_ascii_lowercase())?;
            head.eq_ignore_ascii_case(prefix).then_some((rest, list.as_slice()))
        })
    }

    /// Whether a key that begins with a prefix may be in the request without being given.
    #[must_use]
    pub fn may_have_more(&self, prefix: &str) -> bool {
        let prefix = prefix.to_ascii_lowercase();
        // A pattern is judged by what stands before its first wildcard.
        let covers = |pattern: &Vec<Token>| {
            let fixed = pattern.iter().map_while(|token| match token {
                Token::Char(c) => Some(*c),
                _ => None,
            });
            fixed.zip(prefix.chars()).all(|(a, b)| a == b)
        };
        self.unknown_patterns.iter().any(covers) || self.unknown.iter().any(|name| name.starts_with(&prefix))
    }
}
