//! What is known of each key in one part of a question, in one world.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::super::context::{Context, Lookup};
use super::super::evaluate::Request;
use super::super::glob::{Token, glob};
use super::question::Keys;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Fixed(Vec<String>),
    Absent,
    /// In the request, with any value.
    Present,
    /// Any value, or none.
    Free,
    Unknown,
}

impl Status {
    /// Where two entries name a key equally closely, the weaker claim counts.
    fn strength(&self) -> u8 {
        match self {
            Status::Unknown => 0,
            Status::Free => 1,
            Status::Present => 2,
            Status::Absent => 3,
            Status::Fixed(_) => 4,
        }
    }
}

/// [`Keys`] made ready for looking up.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    exact: HashMap<String, Status>,
    /// Exact names as given.
    names: BTreeSet<String>,
    /// (characters that are no wildcards, pattern, what it says), the most specific first.
    patterns: Vec<(usize, Vec<Token>, Status)>,
}

impl Claims {
    pub fn of(keys: &Keys) -> Self {
        let Keys { fixed, absent, present, free, unknown } = keys;
        let mut claims = Self::default();
        for (name, values) in fixed {
            claims.fix(name, values);
        }
        for (names, status) in
            [(absent, Status::Absent), (present, Status::Present), (free, Status::Free), (unknown, Status::Unknown)]
        {
            names.iter().for_each(|name| claims.say(name, status.clone()));
        }
        claims.sort();
        claims
    }

    /// What a part says of its own keys, the request included.
    pub fn of_part(request: &Request, own: &Keys) -> Self {
        let mut claims = Self::of(own);
        for (name, values) in &request.context {
            claims.fix(name, values);
        }
        request.unknown_keys.iter().for_each(|name| claims.say(name, Status::Unknown));
        claims.sort();
        claims
    }

    fn fix(&mut self, name: &str, values: &[String]) {
        let status = if values.is_empty() { Status::Absent } else { Status::Fixed(values.to_vec()) };
        self.names.insert(name.to_owned());
        self.exactly(name.to_ascii_lowercase(), status);
    }

    fn say(&mut self, name: &str, status: Status) {
        let folded = name.to_ascii_lowercase();
        if folded.contains(['*', '?']) {
            let own = folded.chars().filter(|c| !matches!(c, '*' | '?')).count();
            self.patterns.push((own, Token::pattern(&folded), status));
        } else {
            self.names.insert(name.to_owned());
            self.exactly(folded, status);
        }
    }

    fn exactly(&mut self, name: String, status: Status) {
        let before = self.exact.get(&name);
        let status = match before {
            // One name in two cases with different values: which one AWS compares is not documented (C1).
            Some(Status::Fixed(values)) if matches!(&status, Status::Fixed(new) if new != values) => Status::Unknown,
            Some(before) if before.strength() < status.strength() => return,
            _ => status,
        };
        self.exact.insert(name, status);
    }

    fn sort(&mut self) {
        self.patterns.sort_by_key(|(own, _, status)| (std::cmp::Reverse(*own), status.strength()));
    }

    fn exact(&self, key: &str) -> Option<&Status> {
        self.exact.get(key)
    }

    fn pattern(&self, key: &str) -> Option<&Status> {
        self.patterns.iter().find(|(_, pattern, _)| glob(pattern, key)).map(|(.., status)| status)
    }
}

/// The keys of one part in one world.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub own: &'a Claims,
    pub world: &'a Claims,
    /// Keys that follow from the request.
    pub derived: &'a Context,
}

impl View<'_> {
    /// A context of what is fixed for a request, names in their own case (a grant compares the names of an encryption
    /// context with case).
    pub fn context(&self, request: &Request, unknown: &BTreeSet<String>) -> Context {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut unknown = unknown.clone();
        let claimed = self.own.names.iter().chain(&self.world.names).chain(request.context.keys());
        for name in claimed {
            match self.status(&name.to_ascii_lowercase()).0 {
                Status::Fixed(list) => drop(values.insert(name.clone(), list)),
                Status::Absent => drop(values.insert(name.clone(), Vec::new())),
                Status::Present | Status::Free | Status::Unknown => drop(unknown.insert(name.clone())),
            }
        }
        Context::new(&values, &unknown)
    }

    /// What is known of a key (lower case), and who says it.
    pub fn status(&self, key: &str) -> (Status, Source) {
        let derived = || match self.derived.lookup(key) {
            Lookup::Values(values) => Some((Status::Fixed(values.to_vec()), Source::Derived)),
            Lookup::Unknown => Some((Status::Unknown, Source::Derived)),
            Lookup::Absent if self.derived.names(key) => Some((Status::Absent, Source::Derived)),
            Lookup::Absent => None,
        };
        let own = |status: &Status| (status.clone(), Source::Part);
        if let Some(status) = self.own.exact(key) {
            return own(status);
        }
        if let Some(status) = self.own.pattern(key) {
            return derived().unwrap_or_else(|| own(status));
        }
        let shared = |status: &Status| (status.clone(), Source::World);
        (self.world.exact(key).map(shared))
            .or_else(derived)
            .or_else(|| self.world.pattern(key).map(shared))
            .unwrap_or((Status::Free, Source::World))
    }
}

/// Who says something of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The part, of its own key.
    Part,
    /// The world, or nobody: the same for all parts.
    World,
    /// It follows from the request.
    Derived,
}
