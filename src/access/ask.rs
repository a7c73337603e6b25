//! One question to the engine: may this principal make these requests, and does its ordinary request pass?

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::iam::symbolic::{self, Answer, Asked, Keys, Limits, Part, World};
use crate::iam::{NamedPolicy, Policies, Request, Truth};
use crate::model::bucket::PublicAccessBlock;

use super::allowed::Sheet;
use super::assessment::Verdict;
use super::estate::{Estate, KeyState};
use super::subject::Subject;
use super::words;
use super::worlds::{ordinary, worlds};

/// A request with everything that has a say in it.
pub(super) struct Ask {
    /// In words, for obstacles: the action.
    pub name: String,
    pub request: Request,
    pub policies: Policies,
    pub own: Keys,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub verdict: Verdict,
    /// A context is known in which it is allowed.
    pub certain: bool,
    /// Deciding statements of each request.
    pub statements: Vec<Vec<String>>,
    pub context: BTreeMap<String, Vec<String>>,
    pub conditions: Vec<String>,
    pub blocked: Vec<String>,
}

impl Outcome {
    pub fn cannot(blocked: Vec<String>) -> Self {
        Self {
            verdict: Verdict::Cannot,
            certain: true,
            statements: Vec::new(),
            context: BTreeMap::new(),
            conditions: Vec::new(),
            blocked,
        }
    }
}

/// A policy of a resource with its public access block.
#[derive(Clone, Copy, Default)]
pub(super) struct Guard<'a> {
    pub policy: Option<&'a NamedPolicy>,
    pub block: Option<&'a PublicAccessBlock>,
}

impl Estate<'_> {
    /// Everything but the resource's own policy that has a say in what a principal asks of the bucket's account.
    /// Documents of the principal that say nothing of the action are left out.
    pub fn policies(&self, subject: &Subject, action: &str, guard: Guard<'_>) -> Policies {
        let mut scps: Vec<Vec<NamedPolicy>> = Vec::new();
        if subject.in_account {
            let levels = &self.limits.service_control;
            scps.extend(levels.iter().map(|level| level.iter().map(|policy| NamedPolicy::clone(policy)).collect()));
        }
        if let Some(class) = &subject.class {
            scps.push(vec![NamedPolicy::clone(&class.members_only)]);
        }
        let speaks = |sheet: &&Arc<Sheet>| self.library.exhaustive || sheet.mentions.has(action) != Some(false);
        let own = subject.identity.policies.iter().filter(speaks);
        Policies {
            identity: own.map(|sheet| NamedPolicy::clone(sheet)).collect(),
            boundary: subject.identity.boundary.as_ref().map(|sheet| NamedPolicy::clone(sheet)),
            session: Vec::new(),
            scps,
            rcps: self.limits.resource_control.iter().map(|policy| NamedPolicy::clone(policy)).collect(),
            resource: guard.policy.cloned(),
            vpc_endpoint: None,
            kms_grants: Vec::new(),
            block_public_access: guard.block.cloned(),
        }
    }

    /// A request to the bucket or one of its objects.
    pub fn to_bucket(&self, subject: &Subject, action: &str, resource: &str, guard: Guard<'_>, own: Keys) -> Ask {
        let mut request = request(subject, action, resource);
        request.resource_account = Some(self.account().to_owned());
        Ask { name: action.to_owned(), request, policies: self.policies(subject, action, guard), own }
    }

    /// A request to a key.
    pub fn to_key(&self, subject: &Subject, action: &str, key: &KeyState, mut own: Keys) -> Ask {
        let mut request = request(subject, action, &key.arn);
        // Names of encryption contexts are data, which grants compare with case: they belong to the request itself.
        let about_context = |name: &String| name.starts_with("kms:EncryptionContext:");
        let fixed = std::mem::take(&mut own.fixed);
        let (context, fixed) = fixed.into_iter().partition(|(name, _)| about_context(name));
        (request.context, own.fixed) = (context, fixed);
        let unknown = std::mem::take(&mut own.unknown);
        (request.unknown_keys, own.unknown) = unknown.into_iter().partition(about_context);
        request.resource_account.clone_from(&key.account);
        let mut policies =
            self.policies(subject, action, Guard { policy: key.policy.as_ref().map(|sheet| &***sheet), block: None });
        policies.kms_grants.clone_from(&key.grants);
        // Resource control policies do not reach keys that AWS manages (E5).
        if key.arn.ends_with(":key/aws/s3") {
            policies.rcps.clear();
        }
        Ask { name: action.to_owned(), request, policies, own }
    }

    /// Prefix that an ordinary listing names.
    fn listed(&self) -> String {
        match self.desired.delivery.prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        }
    }
}

fn request(subject: &Subject, action: &str, resource: &str) -> Request {
    let mut request = Request::new(subject.principal.clone(), action, resource);
    request.canonical_user.clone_from(&subject.canonical_user);
    request
}

/// The worlds of a subject, and its ordinary one.
#[derive(Debug)]
pub(super) struct Worlds {
    pub all: Vec<World>,
    pub ordinary: World,
}

impl Worlds {
    pub fn of(subject: &Subject, estate: &Estate<'_>) -> Self {
        Self { all: worlds(subject, &estate.limits), ordinary: ordinary(subject, &estate.limits, &estate.listed()) }
    }
}

/// The engine's answer for some requests together.
pub(super) fn answer<A: Borrow<Ask>>(worlds: &[World], asks: &[A]) -> Answer {
    symbolic::ask(&parts(asks), worlds, Limits::default())
}

fn parts<A: Borrow<Ask>>(asks: &[A]) -> Vec<Part<'_>> {
    let asks = asks.iter().map(Borrow::borrow);
    asks.map(|Ask { request, policies, own, .. }| Part { request, policies, own }).collect()
}

/// Asks whether all requests may be allowed together.
pub(super) fn ask<A: Borrow<Ask>>(worlds: &Worlds, asks: &[A]) -> Outcome {
    let parts = parts(asks);
    let asked = Asked::new(&parts, Limits::default());
    // Most of those who can can ordinarily, and then no other way has to be looked at.
    let plain = asked.over(std::slice::from_ref(&worlds.ordinary));
    if plain.always == Truth::Yes {
        return found(Verdict::Can, &plain);
    }
    let answer = asked.over(&worlds.all);
    if answer.can == Truth::No {
        let names: Vec<&str> = asks.iter().map(|ask| ask.borrow().name.as_str()).collect();
        return Outcome::cannot(words::obstacles(&answer.blocked, &names));
    }
    found(Verdict::Conditional, &answer)
}

fn found(verdict: Verdict, answer: &Answer) -> Outcome {
    let witness = answer.witness.as_ref();
    let evaluations = witness.map(|witness| witness.evaluations.as_slice()).unwrap_or_default();
    let statements: Vec<Vec<String>> =
        evaluations.iter().map(|evaluation| words::statements(&evaluation.deciding)).collect();
    let mut context = BTreeMap::new();
    for part in witness.map(|witness| witness.contexts.as_slice()).unwrap_or_default() {
        context.extend(part.iter().map(|(key, values)| (key.clone(), values.clone())));
    }
    let mut conditions = Vec::new();
    if verdict == Verdict::Conditional {
        conditions = words::conditions(answer);
        if conditions.is_empty() {
            conditions.push("as far as what is not known allows it".to_owned());
        }
        conditions.extend(answer.gave_up.iter().map(|why| format!("not resolved: {why}")));
    }
    Outcome { verdict, certain: answer.can == Truth::Yes, statements, context, conditions, blocked: Vec::new() }
}
