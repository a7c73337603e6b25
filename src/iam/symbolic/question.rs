//! What is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::super::evaluate::{Policies, Request};
use super::known::Claims;

/// What is known of the context keys of a request. A name may be a pattern (`aws:PrincipalTag/*`, `*`); the most specific
/// entry decides: an exact name before patterns, a pattern with more characters of its own before one with fewer.
///
/// A key that no entry names, and that does not follow from the principal or the resource, is free: the requester may send
/// any value, or none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Exact names and their values.
    pub fixed: BTreeMap<String, Vec<String>>,
    /// Certainly not in the request.
    pub absent: BTreeSet<String>,
    /// Certainly in the request, with a value that the requester chooses.
    pub present: BTreeSet<String>,
    /// Free: for what an outer [`Keys`] says otherwise of.
    pub free: BTreeSet<String>,
    /// Nothing is known, not even that the requester may choose it: conditions on it stay unknown.
    pub unknown: BTreeSet<String>,
}

/// One way in which the request can be made: through which network, with what kind of credential.
#[derive(Clone, Debug)]
pub struct World {
    pub(super) name: String,
    keys: Keys,
    /// The keys, ready for looking up: many questions are asked about one world.
    pub(super) claims: Claims,
}

impl World {
    #[must_use]
    pub fn new(name: impl Into<String>, keys: Keys) -> Self {
        Self { name: name.into(), claims: Claims::of(&keys), keys }
    }

    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
}

/// One of the requests that have to be allowed together, such as `s3:GetObject` and the `kms:Decrypt` that S3 makes for it.
///
/// Keys are shared between the parts of a question, with one value for all, unless [`Part::own`] or the request itself
/// (`context`, `unknown_keys`) says something of them: then they are keys of this part alone.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// Unlike in a concrete evaluation, a key that is not in `context` is not absent: it is what the world says it is.
    pub request: &'a Request,
    pub policies: &'a Policies,
    pub own: &'a Keys,
}

/// Where the search ends in "unknown".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// States of the automaton that tells the values of one key apart.
    pub automaton: usize,
    /// Kinds of values of one key.
    pub regions: usize,
    /// Different combinations of conditions that hold together, in one world.
    pub states: usize,
    /// Combinations that are looked at to describe the conditions in words.
    pub points: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { automaton: 20_000, regions: 2_000, states: 20_000, points: 2_000 }
    }
}
