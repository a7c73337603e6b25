//! What an assessment rests on. Of the next state of a plan only what a step touches is judged again, and a role that has
//! nothing to do with a bucket may change without a proof of who can reach it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::iam::Document;
use crate::iam::principal::Level;
use crate::iam::symbolic::Objects as Kinds;
use crate::model::authorization::{Authorization, IamRole};
use crate::model::live::{Query, Read};
use crate::model::{Fact, Live, Observed};

use super::allowed::Sheet;
use super::assess::Compiled;
use super::chain::named_as;
use super::declared::Declared;
use super::documents::Library;
use super::estate::{Estate, KeyState};
use super::facts::Asked;
use super::filter::Filter;
use super::inventory::one_role;
use super::mentioned::Mentioned;
use super::objects::{self, Objects};
use super::outline::{Common, Given, Outline};
use super::subject::Subject;

/// What an assessment of one bucket rests on.
pub struct Basis {
    asked: Asked,
    /// `None` where nobody can be told to have nothing to do with the bucket.
    around: Option<Around>,
}

impl Basis {
    pub(super) fn new(asked: Asked, around: Option<Around>) -> Self {
        Self { asked, around }
    }

    /// Whether whoever could still can and nobody else, whatever changed.
    #[must_use]
    pub fn outlasts(&self, changes: &Changes) -> bool {
        changes.queries.iter().all(|query| {
            let people = changes.people.get(query).zip(self.around.as_ref());
            !self.asked.covers(query)
                || people.is_some_and(|(roles, around)| !roles.iter().any(|role| around.feels(role)))
        })
    }
}

/// What changed from one state to another.
#[derive(Default)]
pub struct Changes {
    queries: BTreeSet<Query>,
    /// Accounts in which nothing changed but some roles.
    people: BTreeMap<Query, Vec<Changed>>,
}

impl Changes {
    /// `before`: questions that may have another answer now, with the one that they had.
    #[must_use]
    pub fn since(compiled: &Compiled, before: &[(Query, Option<Observed<Fact>>)], live: &Live) -> Self {
        let mut first: BTreeMap<&Query, Option<&Observed<Fact>>> = BTreeMap::new();
        for (query, answer) in before {
            first.entry(query).or_insert(answer.as_ref());
        }
        let mut changes = Self::default();
        for (query, was) in first {
            let is = live.get(query);
            if was == Some(&is) {
                continue;
            }
            changes.queries.insert(query.clone());
            if let (Read::AccountAuthorization, Some(Observed::Present(Fact::Authorization(was)))) = (&query.read, was)
                && let Observed::Present(Fact::Authorization(is)) = &is
                && let Some(roles) = changed_roles(&compiled.library, was, is)
            {
                changes.people.insert(query.clone(), roles);
            }
        }
        changes
    }
}

/// A role that is new or has other policies than before.
struct Changed {
    arn: String,
    /// Before and after.
    versions: Vec<Subject>,
    /// Whether it may lead to other roles: then it may be a way to whatever they reach.
    leads_on: bool,
}

/// `None` when more than roles changed, or a role is gone: then everything is looked at again.
fn changed_roles(library: &Library, was: &Authorization, is: &Authorization) -> Option<Vec<Changed>> {
    if (&was.users, &was.groups, &was.policies) != (&is.users, &is.groups, &is.policies) {
        return None;
    }
    let old: BTreeMap<&str, &IamRole> = was.roles.iter().map(|role| (role.arn.as_str(), role)).collect();
    let new: BTreeMap<&str, &IamRole> = is.roles.iter().map(|role| (role.arn.as_str(), role)).collect();
    if old.len() != was.roles.len() || new.len() != is.roles.len() || old.keys().any(|arn| !new.contains_key(arn)) {
        return None;
    }
    let differ = || new.iter().filter(|(arn, role)| old.get(*arn) != Some(*role));
    if differ().next().is_none() {
        return Some(Vec::new());
    }
    let former = differ().filter_map(|(arn, _)| old.get(arn));
    let trusts: BTreeMap<usize, Arc<Sheet>> = new
        .values()
        .chain(former)
        .map(|role| library.read("trust policy", &role.trust))
        .map(|trust| (Arc::as_ptr(&trust) as usize, trust))
        .collect();
    let mut mentioned = Mentioned::default();
    trusts.values().for_each(|trust| mentioned.document(trust));
    let changed = |arn: &str, role: &IamRole| -> Option<Changed> {
        let mut versions = vec![one_role(is, role, library)?];
        if let Some(role) = old.get(arn) {
            versions.push(one_role(was, role, library)?);
        }
        let able = |one: &Subject| one.identity.may_allow("sts:AssumeRole") || one.identity.may_allow("iam:PassRole");
        // A trust that names the account only delegates: the role needs an Allow of its own (A1).
        let let_in = |one: &Subject| trusts.values().any(|trust| named_as(trust, one).reaches(Level::Role).possible());
        let leads_on = mentioned.names(arn) || versions.iter().any(|one| able(one) || let_in(one));
        Some(Changed { arn: arn.to_owned(), versions, leads_on })
    };
    differ().map(|(arn, role)| changed(arn, role)).collect()
}

/// What has a say in who reaches a bucket, as far as it takes to tell that a role does not.
pub(super) struct Around {
    common: Common,
    kinds: Vec<Kinds>,
    policy: Option<Arc<Sheet>>,
    keys: Vec<KeyState>,
    mentioned: Mentioned,
    declared: Declared,
}

impl Around {
    /// `None` where there are other ways to the bucket than requests to it and its keys.
    pub fn of(
        estate: &Estate<'_>,
        classes: &[Objects],
        filter: Filter<'_>,
        mentioned: Mentioned,
        declared: Declared,
    ) -> Option<Self> {
        let other_ways = !filter.is_direct()
            || !estate.doors.is_empty()
            || estate.lent.as_ref().is_some_and(|grants| !grants.is_empty())
            || estate.library.exhaustive;
        if other_ways {
            return None;
        }
        let prefixes: BTreeSet<&String> = classes.iter().flat_map(|objects| &objects.class.prefixes).collect();
        Some(Self {
            common: filter.common,
            kinds: prefixes.into_iter().map(|prefix| objects::kinds(estate, prefix)).collect(),
            policy: estate.policy.clone(),
            keys: estate.keys.values().cloned().collect(),
            mentioned,
            declared,
        })
    }

    /// Whether a change of a role may change who reaches the bucket.
    fn feels(&self, role: &Changed) -> bool {
        role.leads_on
            || self.declared.names(&role.arn)
            || self.mentioned.names(&role.arn)
            || role.versions.iter().any(|version| self.is_about(version))
    }

    /// Whether a role may be allowed anything on the bucket or its keys, or its policies tell its objects apart.
    fn is_about(&self, role: &Subject) -> bool {
        let speaks = |sheet: &Arc<Sheet>| match &sheet.document {
            Document::Known(policy) => self.kinds.iter().any(|kinds| kinds.is_told_apart_by(policy)),
            Document::Unknown(_) => true,
        };
        if role.identity.sheets().any(|sheet| sheet.variables || speaks(sheet)) {
            return true;
        }
        let bucket = Given::by(self.policy.as_deref(), &[]);
        let keys: Vec<Given<'_>> = self.keys.iter().map(|key| Given::by(key.policy.as_deref(), &key.grants)).collect();
        !Outline::of(role, &self.common, &bucket, &keys).is_shut()
    }
}
