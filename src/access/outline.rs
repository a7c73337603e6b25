//! What may be open to a principal on the resources that everybody is asked about, as sets of actions: worked out once for a
//! document, a policy or a principal, and looked up for each action.
//!
//! Denies and conditions are not looked at, and what is not known counts as open: what an outline leaves out is closed
//! whatever the request carries.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::iam::context::Context;
use crate::iam::matching::plain_head;
use crate::iam::principal::Level;
use crate::iam::{Document, Element, Principal, Statement};
use crate::model::Reference;
use crate::model::key::Grant;

use super::allowed::{Actions, Sheet};
use super::estate::Estate;
use super::filter::{is_about, named_by, nothing_known};
use super::objects::Objects;
use super::subject::Subject;

/// Place of the bucket.
pub(super) const BUCKET: usize = 0;

/// What the root user needs no policy for: everything but keys.
static ROOT: LazyLock<Actions> = LazyLock::new(|| Actions::named(|name| !name.starts_with("kms:")));

/// The resources that everybody is asked about: the bucket, an object of every kind, and the keys.
pub(super) struct Common {
    resources: Vec<String>,
    /// How many of them are the bucket and its objects; keys come after them.
    in_bucket: usize,
    places: HashMap<String, usize>,
    /// ARN of the bucket, with which those of its objects begin; none where one of them is yet to be named.
    bucket: Option<String>,
    nothing_known: Context,
}

impl Common {
    pub fn of(estate: &Estate<'_>, classes: &[Objects]) -> Self {
        let bucket = estate.bucket_arn();
        let mut resources = vec![bucket.clone()];
        for object in classes.iter().flat_map(|objects| &objects.witnesses) {
            if !resources.contains(object) {
                resources.push(object.clone());
            }
        }
        let in_bucket = resources.len();
        let plain = resources.iter().all(|one| one.starts_with(&bucket) && !Reference::occurs_in(one));
        resources.extend(estate.keys.keys().cloned());
        let places = resources.iter().enumerate().rev().map(|(at, name)| (name.clone(), at)).collect();
        Self { resources, in_bucket, places, bucket: plain.then_some(bucket), nothing_known: nothing_known() }
    }

    /// Place of the bucket or an object of it.
    pub fn in_bucket(&self, resource: &str) -> Option<usize> {
        self.places.get(resource).copied().filter(|at| *at < self.in_bucket)
    }

    /// Place of a key.
    pub fn key(&self, arn: &str) -> Option<usize> {
        self.places.get(arn).copied().filter(|at| *at >= self.in_bucket)
    }

    /// Adds what a document may allow on each of the resources.
    fn add(&self, sheet: &Sheet, on: &mut [Actions]) {
        let Document::Known(document) = &sheet.document else {
            on.iter_mut().for_each(|open| *open = Actions::ALL);
            return;
        };
        for (statement, covers) in sheet.rows() {
            let [in_bucket, keys] = [true, false].map(|in_bucket| self.may_be_about(statement, in_bucket));
            let resources = self.resources.iter().zip(on.iter_mut()).enumerate();
            for (_, (resource, open)) in resources.filter(|(at, _)| if *at < self.in_bucket { in_bucket } else { keys })
            {
                if *open | covers != *open && is_about(document.version, statement, resource, &self.nothing_known) {
                    *open = *open | covers;
                }
            }
        }
    }

    /// Whether a statement may be about anything in the bucket, or about any key, by how its patterns begin.
    fn may_be_about(&self, statement: &Statement, in_bucket: bool) -> bool {
        let Some(Element::Is(patterns)) = &statement.resource else { return true };
        let begins = |pattern: &String| {
            let head = plain_head(pattern);
            let meets = |resource: &str| head.bytes().zip(resource.bytes()).all(|(a, b)| a == b);
            match &self.bucket {
                Some(bucket) if in_bucket => meets(bucket),
                _ if in_bucket => true,
                _ => self.keys().any(|key| Reference::occurs_in(key) || meets(key)),
            }
        };
        // What an empty list covers is not documented.
        patterns.is_empty() || patterns.iter().any(begins)
    }

    fn keys(&self) -> impl Iterator<Item = &str> {
        self.resources.iter().skip(self.in_bucket).map(String::as_str)
    }
}

/// What a resource's policy, or grants, may give to whom.
pub(super) struct Given<'a> {
    everybody: Actions,
    statements: Vec<(&'a Statement, Actions)>,
}

impl<'a> Given<'a> {
    pub fn by(policy: Option<&'a Sheet>, grants: &[Grant]) -> Self {
        let operations = || grants.iter().flat_map(|grant| &grant.operations);
        let granted = |action: &str| {
            let operation = action.split(':').nth(1).unwrap_or_default();
            operations().any(|one| one.eq_ignore_ascii_case(operation))
        };
        let everybody = match policy.map(|sheet| &sheet.document) {
            Some(Document::Unknown(_)) => Actions::ALL,
            Some(Document::Known(_)) | None => Actions::named(granted),
        };
        Self { everybody, statements: policy.into_iter().flat_map(Sheet::rows).collect() }
    }

    /// A policy that names the account only delegates to it: a principal of the account then needs an Allow of its own
    /// (E1, K1).
    fn to(&self, subject: &Subject) -> Actions {
        let delegates = subject.in_account && !matches!(subject.principal, Principal::Root { .. });
        let own = if delegates { subject.identity.actions } else { Actions::ALL };
        self.statements.iter().fold(self.everybody, |all, (statement, covers)| {
            if all | *covers == all {
                return all;
            }
            let levels = named_by(statement, subject);
            match (levels.reaches(Level::Role).possible(), levels.reaches(Level::Account).possible()) {
                (true, _) => all | *covers,
                (false, true) => all | *covers & own,
                (false, false) => all,
            }
        })
    }
}

/// What may be open to one principal.
pub(super) struct Outline {
    on: Vec<Actions>,
    /// On some resource or other, of whatever kind but keys.
    pub anywhere: Actions,
}

impl Outline {
    pub fn of(subject: &Subject, common: &Common, bucket: &Given<'_>, keys: &[Given<'_>]) -> Self {
        let mut on = vec![Actions::NONE; common.resources.len()];
        let mut anywhere = Actions::NONE;
        // Across accounts, and without an account, the resource's own policy has to allow.
        if subject.in_account {
            match subject.principal {
                Principal::Root { .. } => {
                    on.iter_mut().for_each(|open| *open = *ROOT);
                    anywhere = *ROOT;
                }
                _ => {
                    subject.identity.policies.iter().for_each(|sheet| common.add(sheet, &mut on));
                    anywhere = subject.identity.actions;
                }
            }
        }
        let given = bucket.to(subject);
        on.iter_mut().take(common.in_bucket).for_each(|open| *open = *open | given);
        for (open, key) in on.iter_mut().skip(common.in_bucket).zip(keys) {
            *open = *open | key.to(subject);
        }
        Self { on, anywhere: anywhere | given }
    }

    /// Whether nothing is open on any of the resources.
    pub fn is_shut(&self) -> bool {
        self.on.iter().all(|open| open.is_empty())
    }

    /// That of somebody of whom nothing is ruled out.
    pub fn open() -> Self {
        Self { on: Vec::new(), anywhere: Actions::ALL }
    }

    /// What may be open on a resource, by its place.
    pub fn on(&self, place: usize) -> Actions {
        self.on.get(place).copied().unwrap_or(Actions::ALL)
    }
}
