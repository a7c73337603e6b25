//! The decision about one request, in one context.

use super::context::Context;
use super::document::Effect;
use super::evaluate::{Decision, Document, Evaluation, Layer, Policies, Request, StatementRef};
use super::formula::Formula;
use super::grant::grant_covers;
use super::public::publicness;
use super::setting::{Caller, ResourceKind, Setting};
use super::tally::{Hit, tally};
use super::truth::Truth;

/// Decides a request.
#[must_use]
pub fn evaluate(request: &Request, policies: &Policies) -> Evaluation {
    let setting = Setting::of(request, policies);
    let mut context = Context::new(&request.context, &request.unknown_keys);
    setting.derive(&mut context);
    let (mut sums, mut hits) = tally(&setting, policies, &context);

    let blocked = public_access_block(&setting, policies);
    sums.deny = sums.deny.or(blocked);
    let mut note = |layer, policy: &str, effect, truth| {
        let reference = StatementRef { layer, policy: policy.into(), sid: None, index: None };
        hits.push(Hit { reference, effect, truth });
    };
    note(Layer::PublicAccessBlock, "RestrictPublicBuckets", Effect::Deny, blocked);
    for (grant, covers) in grants(&setting, policies, &context) {
        sums.grant = sums.grant.or(covers);
        note(Layer::KmsGrant, grant, Effect::Allow, covers);
    }

    let formula = Formula::of(&setting, &sums);
    let decision = formula.decision();
    Evaluation {
        decision,
        deciding: deciding(decision, hits),
        missing: match decision {
            Decision::Allowed | Decision::ExplicitDeny => Vec::new(),
            Decision::ImplicitDeny | Decision::Unknown => formula.missing(),
        },
    }
}

/// The grants on the key by their ids, and whether they cover the request.
pub(super) fn grants<'p>(
    setting: &Setting<'_>,
    policies: &'p Policies,
    context: &Context,
) -> impl Iterator<Item = (&'p str, Truth)> {
    let grants = if setting.kind == ResourceKind::Key { policies.kms_grants.as_slice() } else { &[] };
    grants.iter().map(|grant| (grant.id.as_str(), grant_covers(grant, setting.request, context)))
}

/// RestrictPublicBuckets: under a public policy only the owner's account and AWS services pass (B4).
pub(super) fn public_access_block(setting: &Setting<'_>, policies: &Policies) -> Truth {
    let restricts = policies.block_public_access.as_ref().is_some_and(|block| block.restrict_public_buckets);
    let Some(policy) = policies.resource.as_ref().filter(|_| restricts) else {
        return Truth::No;
    };
    if !setting.action.starts_with("s3:") {
        return Truth::No;
    }
    let outside = match (setting.caller, setting.request.principal.account()) {
        (Caller::Service, _) => Truth::No,
        (_, Some(_)) => !setting.same_account,
        (_, None) => Truth::Yes,
    };
    let public = match &policy.document {
        Document::Known(policy) => publicness(policy),
        Document::Unknown(_) => Truth::Unknown,
    };
    outside.and(public)
}

fn deciding(decision: Decision, hits: Vec<Hit>) -> Vec<StatementRef> {
    let wanted = |hit: &Hit| match decision {
        Decision::Allowed => hit.effect == Effect::Allow && hit.truth.certain(),
        Decision::ExplicitDeny => hit.effect == Effect::Deny && hit.truth.certain(),
        Decision::Unknown => hit.truth.possible(),
        Decision::ImplicitDeny => false,
    };
    let mut deciding: Vec<StatementRef> = hits.into_iter().filter(wanted).map(|hit| hit.reference).collect();
    deciding.sort();
    deciding.dedup();
    deciding
}
