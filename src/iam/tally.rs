//! What the statements of each layer say about a request.

use super::condition::conditions_hold;
use super::context::Context;
use super::document::{Effect, Policy, Statement};
use super::evaluate::{Document, Layer, NamedPolicy, Policies, StatementRef};
use super::formula::{Slot, Sums};
use super::glob::Short;
use super::matching::{action_matches, resource_matches};
use super::principal::{Level, Levels, principal_level};
use super::setting::{ResourceKind, Setting};
use super::text::Text;
use super::truth::Truth;

/// Every document of a request, with the layer where it has its say.
pub(super) fn documents<'p>(
    setting: &Setting<'_>,
    policies: &'p Policies,
) -> impl Iterator<Item = (Slot, &'p NamedPolicy)> {
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
    let under_scps = setting.under_scps();
    let scps = scps.iter().enumerate().filter(move |_| under_scps);
    let scps = scps.flat_map(|(level, list)| list.iter().map(move |named| (Slot::ServiceControl(level), named)));
    let of = |slot: Slot| move |named| (slot, named);
    (identity.iter().map(of(Slot::Identity)))
        .chain(boundary.iter().map(of(Slot::Boundary)))
        .chain(session.iter().map(of(Slot::Session)))
        .chain(scps)
        .chain(rcps.iter().map(of(Slot::ResourceControl)))
        .chain(resource.iter().map(of(Slot::Resource)))
        .chain(vpc_endpoint.iter().map(of(Slot::VpcEndpoint)))
}

/// Levels of service control policies that have a say.
pub(super) fn scp_levels(setting: &Setting<'_>, policies: &Policies) -> usize {
    if setting.under_scps() { policies.scps.len() } else { 0 }
}

/// A statement that matches or may match: where, and how certainly.
pub(super) struct Hit {
    pub reference: StatementRef,
    pub effect: Effect,
    pub truth: Truth,
}

/// The sums of all layers, and the statements that are in them.
pub(super) fn tally(setting: &Setting<'_>, policies: &Policies, context: &Context) -> (Sums, Vec<Hit>) {
    let mut sums = Sums::new(scp_levels(setting, policies));
    let mut hits = Vec::new();
    let mut add = |slot: Slot, named: &NamedPolicy, sid: Option<&Text>, index, effect, levels: Levels| {
        let truth = levels.reaches(Level::Account);
        if truth.possible() {
            sums.add(slot, effect, levels);
            let (policy, sid) = (named.name.clone(), sid.cloned());
            let reference = StatementRef { layer: slot.layer(), policy, sid, index };
            hits.push(Hit { reference, effect, truth });
        }
    };
    for (slot, named) in documents(setting, policies) {
        match &named.document {
            Document::Known(policy) => {
                for (index, statement) in policy.statements.iter().enumerate() {
                    let levels = unconditional(setting, slot.layer(), policy, statement, context, false);
                    let levels = match levels {
                        Levels::NONE => continue,
                        levels => levels.given(conditions_hold(&statement.conditions, policy.version, context)),
                    };
                    add(slot, named, statement.sid.as_ref(), Some(index), statement.effect, levels);
                }
            }
            Document::Unknown(_) => {
                for effect in [Effect::Allow, Effect::Deny] {
                    add(slot, named, None, None, effect, unread(setting, slot.layer(), effect));
                }
            }
        }
    }
    (sums, hits)
}

/// What a document whose content is not known may say: nothing may be ruled out.
pub(super) fn unread(setting: &Setting<'_>, layer: Layer, effect: Effect) -> Levels {
    Levels::up_to(Level::Exact).given(setting.reach(layer, effect))
}

/// M1: a statement applies when principal, action, resource and conditions match. This is the level at which it does if its
/// conditions hold, and, with `any_resource`, if the resource matches.
pub(super) fn unconditional(
    setting: &Setting<'_>,
    layer: Layer,
    policy: &Policy,
    statement: &Statement,
    context: &Context,
    any_resource: bool,
) -> Levels {
    let action = action_matches(&statement.action, &setting.request.action);
    if action == Truth::No {
        return Levels::NONE;
    }
    let levels = principals(setting, layer, statement);
    if levels == Levels::NONE {
        return Levels::NONE;
    }
    let resource = if any_resource { Truth::Yes } else { resource(setting, layer, policy, statement, context) };
    levels.given(action.and(resource).and(setting.reach(layer, statement.effect)))
}

pub(super) fn principals(setting: &Setting<'_>, layer: Layer, statement: &Statement) -> Levels {
    let names_principals = matches!(layer, Layer::Resource | Layer::ResourceControl | Layer::VpcEndpoint);
    match (&statement.principal, names_principals) {
        (Some(element), true) => principal_level(element, statement.effect, &setting.request.principal, setting.facts),
        (None, false) => Levels::exactly(Level::Exact),
        // Ill-formed: AWS would have refused it, so its effect is documented nowhere.
        (Some(_), false) | (None, true) => Levels::up_to(Level::Exact),
    }
}

/// How a resource pattern with fewer than six parts is read in a layer (M3).
pub(super) fn short(layer: Layer) -> Short {
    match layer {
        Layer::Resource | Layer::ResourceControl | Layer::VpcEndpoint => Short::PaddedIfWild,
        _ => Short::Padded,
    }
}

pub(super) fn resource(
    setting: &Setting<'_>,
    layer: Layer,
    policy: &Policy,
    statement: &Statement,
    context: &Context,
) -> Truth {
    match (&statement.resource, layer, setting.kind) {
        (Some(element), ..) => {
            resource_matches(element, &setting.request.resource, policy.version, context, short(layer))
        }
        // A trust policy has no `Resource`: it is about its role. A key policy statement without one has no effect.
        (None, Layer::Resource, ResourceKind::Role) => Truth::Yes,
        (None, Layer::Resource, ResourceKind::Key) => Truth::No,
        (None, ..) => Truth::Unknown,
    }
}
