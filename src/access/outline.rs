//! What may be open to a principal on the resources that everybody is asked about, as sets of actions: worked out once for a
//! document, a policy or a principal, and looked up for each action.
//!
//! Denies and conditions are not looked at, and what is not known counts as open: what an outline leaves out is closed
//! whatever the request carries.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::iam::context::Context;
use crate::iam::principal::Level;
use crate::iam::{Document, Principal, Statement};
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
    resources: Vec<Resource>,
    /// How many of them are the bucket and its objects; keys come after them.
    in_bucket: usize,
    places: HashMap<String, usize>,
    nothing_known: Context,
}

struct Resource {
    arn: String,
    /// It is yet to be named, and no pattern tells what it matches by its ends.
    symbolic: bool,
}

impl Common {
    pub fn of(estate: &Estate<'_>, classes: &[Objects]) -> Self {
        let mut resources = vec![estate.bucket_arn()];
        for object in classes.iter().flat_map(|objects| &objects.witnesses) {
            if !resources.contains(object) {
                resources.push(object.clone());
            }
        }
        let in_bucket = resources.len();
        resources.extend(estate.keys.keys().cloned());
        let places = resources.iter().enumerate().rev().map(|(at, name)| (name.clone(), at)).collect();
        let resource = |arn: String| Resource { symbolic: Reference::occurs_in(&arn), arn };
        let resources = resources.into_iter().map(resource).collect();
        Self { resources, in_bucket, places, nothing_known: nothing_known() }
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
        for row in sheet.outlines() {
            for (Resource { arn, symbolic }, open) in self.resources.iter().zip(on.iter_mut()) {
                let adds = *open | row.covers != *open
                    && (*symbolic || sheet.resources.may_match(row.resources.as_ref(), arn));
                let about = |statement: &Statement| is_about(document.version, statement, arn, &self.nothing_known);
                if adds && sheet.statement(row).is_some_and(about) {
                    *open = *open | row.covers;
                }
            }
        }
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
