//! What the statements of one layer say about a request.

use super::condition::conditions_hold;
use super::context::Context;
use super::document::{Effect, Policy, Statement};
use super::evaluate::{Document, Layer, NamedPolicy, Policies, Request, StatementRef};
use super::glob::Short;
use super::matching::{action_matches, resource_matches};
use super::principal::{Level, Levels, PrincipalFacts, principal_level};
use super::truth::Truth;

/// What the resource of a request is, where its policy follows rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ResourceKind {
    /// A KMS key: its policy is the root of authority (K1).
    Key,
    /// A role to be assumed: its policy is a trust policy (A1).
    Role,
    Other,
}

/// A request made ready for matching.
pub(super) struct Asked<'a> {
    pub request: &'a Request,
    pub context: Context,
    pub kind: ResourceKind,
    pub facts: PrincipalFacts<'a>,
}

/// The sum of one layer: who may be allowed how closely, and whether a Deny hits.
pub(super) struct Tally {
    pub allow: Levels,
    pub deny: Truth,
    /// Statements that match or may match.
    pub hits: Vec<(StatementRef, Effect, Truth)>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { allow: Levels::NONE, deny: Truth::No, hits: Vec::new() }
    }
}

impl Tally {
    /// Whether anything in the layer allows.
    pub fn allows(&self) -> Truth {
        self.allow.reaches(Level::Account)
    }

    pub fn of<'p>(asked: &Asked<'_>, layer: Layer, policies: impl IntoIterator<Item = &'p NamedPolicy>) -> Self {
        let mut tally = Self::default();
        for named in policies {
            match &named.document {
                Document::Known(policy) => tally.add(asked, layer, &named.name, policy),
                // Nothing that it could say may be ruled out.
                Document::Unknown(_) => {
                    let reference = StatementRef { layer, policy: named.name.clone(), sid: None, index: None };
                    tally.allow = tally.allow.union(Levels::up_to(Level::Exact));
                    tally.deny = tally.deny.or(Truth::Unknown);
                    tally.hits.push((reference.clone(), Effect::Allow, Truth::Unknown));
                    tally.hits.push((reference, Effect::Deny, Truth::Unknown));
                }
            }
        }
        tally
    }

    fn add(&mut self, asked: &Asked<'_>, layer: Layer, name: &str, policy: &Policy) {
        for (index, statement) in policy.statements.iter().enumerate() {
            let levels = statement_levels(asked, layer, policy, statement);
            let hit = levels.reaches(Level::Account);
            if !hit.possible() {
                continue;
            }
            match statement.effect {
                Effect::Allow => self.allow = self.allow.union(levels),
                Effect::Deny => self.deny = self.deny.or(hit),
            }
            let reference =
                StatementRef { layer, policy: name.to_owned(), sid: statement.sid.clone(), index: Some(index) };
            self.hits.push((reference, statement.effect, hit));
        }
    }
}

/// M1: a statement applies when principal, action, resource and conditions match.
fn statement_levels(asked: &Asked<'_>, layer: Layer, policy: &Policy, statement: &Statement) -> Levels {
    let action = action_matches(&statement.action, &asked.request.action);
    if action == Truth::No {
        return Levels::NONE;
    }
    let levels = principals(asked, layer, statement);
    if levels == Levels::NONE {
        return Levels::NONE;
    }
    let resource = resource(asked, layer, policy, statement);
    if resource == Truth::No {
        return Levels::NONE;
    }
    let conditions = conditions_hold(&statement.conditions, policy.version, &asked.context);
    levels.given(action.and(resource).and(conditions))
}

fn principals(asked: &Asked<'_>, layer: Layer, statement: &Statement) -> Levels {
    let names_principals = matches!(layer, Layer::Resource | Layer::ResourceControl | Layer::VpcEndpoint);
    match (&statement.principal, names_principals) {
        (Some(element), true) => principal_level(element, statement.effect, &asked.request.principal, asked.facts),
        (None, false) => Levels::exactly(Level::Exact),
        // Ill-formed: AWS would have refused it, so its effect is documented nowhere.
        (Some(_), false) | (None, true) => Levels::up_to(Level::Exact),
    }
}

fn resource(asked: &Asked<'_>, layer: Layer, policy: &Policy, statement: &Statement) -> Truth {
    let short = match layer {
        Layer::Resource | Layer::ResourceControl | Layer::VpcEndpoint => Short::PaddedIfWild,
        _ => Short::Padded,
    };
    match (&statement.resource, layer, asked.kind) {
        (Some(element), ..) => {
            resource_matches(element, &asked.request.resource, policy.version, &asked.context, short)
        }
        // A trust policy has no `Resource`: it is about its role. A key policy statement without one has no effect.
        (None, Layer::Resource, ResourceKind::Role) => Truth::Yes,
        (None, Layer::Resource, ResourceKind::Key) => Truth::No,
        (None, ..) => Truth::Unknown,
    }
}

/// Every layer of a request.
pub(super) struct Tallies {
    pub identity: Tally,
    pub boundary: Tally,
    pub session: Tally,
    pub scps: Vec<Tally>,
    pub rcps: Tally,
    pub resource: Tally,
    pub vpc_endpoint: Tally,
}

impl Tallies {
    pub fn of(asked: &Asked<'_>, policies: &Policies) -> Self {
        // Destructured so that a new kind of policy cannot be forgotten; grants and blocks are no documents.
        let Policies {
            identity,
            boundary,
            session,
            scps,
            rcps,
            resource,
            vpc_endpoint,
            kms_grants: _,
            block_public_access: _,
        } = policies;
        Self {
            identity: Tally::of(asked, Layer::Identity, identity),
            boundary: Tally::of(asked, Layer::Boundary, boundary),
            session: Tally::of(asked, Layer::Session, session),
            scps: scps.iter().map(|level| Tally::of(asked, Layer::ServiceControl, level)).collect(),
            rcps: Tally::of(asked, Layer::ResourceControl, rcps),
            resource: Tally::of(asked, Layer::Resource, resource),
            vpc_endpoint: Tally::of(asked, Layer::VpcEndpoint, vpc_endpoint),
        }
    }
}
