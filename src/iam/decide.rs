//! The formula that joins the layers. Inside an account identity and resource policies add up, across accounts both have to
//! allow, and a Deny anywhere wins (E1). KMS keys and role trust have to allow or delegate themselves (K1, A1).

use crate::model::Arn;

use super::context::Context;
use super::document::Effect;
use super::evaluate::{Decision, Document, Evaluation, Layer, Policies, Request, StatementRef};
use super::grant::grant_covers;
use super::principal::{Level, Principal, PrincipalFacts};
use super::public::publicness;
use super::tally::{Asked, ResourceKind, Tallies, Tally};
use super::truth::Truth;

/// Services whose requests resource control policies reach ("Resource control policies", 2026). A Deny of such a policy on
/// another service is not known to act.
const RCP_SERVICES: [&str; 7] = ["s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "aoss"];

/// KMS operations that another account can be allowed ("Allowing users in other accounts to use a KMS key").
const KMS_CROSS_ACCOUNT: [&str; 20] = [
    "kms:creategrant",
    "kms:decrypt",
    "kms:derivesharedsecret",
    "kms:describekey",
    "kms:encrypt",
    "kms:generatedatakey",
    "kms:generatedatakeypair",
    "kms:generatedatakeypairwithoutplaintext",
    "kms:generatedatakeywithoutplaintext",
    "kms:generatemac",
    "kms:getkeyrotationstatus",
    "kms:getpublickey",
    "kms:listgrants",
    "kms:reencryptfrom",
    "kms:reencryptto",
    "kms:retiregrant",
    "kms:revokegrant",
    "kms:sign",
    "kms:verify",
    "kms:verifymac",
];

/// What the root user can do to a bucket policy of its account whatever that policy denies (S3 API, PutBucketPolicy).
const ROOT_KEEPS: [&str; 3] = ["s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"];

/// Decides a request.
#[must_use]
pub fn evaluate(request: &Request, policies: &Policies) -> Evaluation {
    let owner = owner(request);
    let asked = ask(request, policies, owner.as_deref());
    let mut tallies = Tallies::of(&asked, policies);
    let same_account = same_account(request, owner.as_deref());
    exempt(request, same_account, &mut tallies);

    let blocked = public_access_block(request, policies, owner.as_deref());
    let deny = layers(&tallies).map(|(_, tally)| tally.deny).fold(blocked, Truth::or);
    let grants: Vec<(Truth, &str)> = match asked.kind {
        ResourceKind::Key => policies
            .kms_grants
            .iter()
            .map(|grant| (grant_covers(grant, request, &asked.context), grant.id.as_str()))
            .collect(),
        _ => Vec::new(),
    };
    let parts = Parts::of(request, policies, &tallies, Truth::any(grants.iter().map(|(covers, _)| *covers)));
    let access = match same_account {
        Truth::Yes => parts.same_account(asked.kind),
        Truth::No => parts.cross_account(request, asked.kind),
        Truth::Unknown => both(parts.same_account(asked.kind), parts.cross_account(request, asked.kind)),
    };
    let allow = parts.scps.and(parts.vpc_endpoint).and(access);
    let decision = match (deny, allow) {
        (Truth::Yes, _) => Decision::ExplicitDeny,
        // A Deny that may match changes nothing for what nobody allows.
        (_, Truth::No) => Decision::ImplicitDeny,
        (Truth::No, Truth::Yes) => Decision::Allowed,
        _ => Decision::Unknown,
    };
    Evaluation {
        decision,
        deciding: deciding(decision, &tallies, blocked, &grants),
        missing: match decision {
            Decision::Allowed | Decision::ExplicitDeny => Vec::new(),
            Decision::ImplicitDeny | Decision::Unknown => parts.missing(request, access),
        },
    }
}

/// S3 access points take no unsigned requests (B6).
fn is_access_point(resource: &str) -> bool {
    resource.parse::<Arn>().is_ok_and(|arn| arn.service.starts_with("s3") && arn.resource.starts_with("accesspoint"))
}

fn both(a: Truth, b: Truth) -> Truth {
    if a == b { a } else { Truth::Unknown }
}

/// The account that owns the resource, if it is said anywhere.
fn owner(request: &Request) -> Option<String> {
    let in_arn = || request.resource.parse::<Arn>().ok().map(|arn| arn.account).filter(|account| !account.is_empty());
    // An action without a resource acts on the caller's account.
    let own = || if request.resource == "*" { request.principal.account().map(str::to_owned) } else { None };
    request.resource_account.clone().or_else(in_arn).or_else(own)
}

fn same_account(request: &Request, owner: Option<&str>) -> Truth {
    match (request.principal.account(), owner) {
        (Some(caller), Some(owner)) => (caller == owner).into(),
        (Some(_), None) => Truth::Unknown,
        // Services and anonymous callers have no account.
        (None, _) => Truth::No,
    }
}

fn ask<'a>(request: &'a Request, policies: &Policies, owner: Option<&str>) -> Asked<'a> {
    let mut context = Context::new(&request.context, &request.unknown_keys);
    request.principal.derive(&mut context);
    let action = request.action.to_ascii_lowercase();
    if let Some(owner) = owner {
        context.derive("aws:ResourceAccount", owner);
        if action.starts_with("s3:") {
            context.derive("s3:ResourceAccount", owner);
        }
    }
    if let Some(account) = request.principal.account().filter(|_| action.starts_with("kms:")) {
        context.derive("kms:CallerAccount", account);
    }
    let arn = request.resource.parse::<Arn>().ok();
    let kind = match arn {
        // An alias has no policy of its own, and an action without a resource none to have one; all else, a key that is
        // still to be created included, stands under its key policy.
        _ if request.resource == "*" => ResourceKind::Other,
        Some(arn) if arn.resource.starts_with("alias/") => ResourceKind::Other,
        _ if action.starts_with("kms:") => ResourceKind::Key,
        Some(arn) if action.starts_with("sts:") && arn.role().is_some() => ResourceKind::Role,
        _ => ResourceKind::Other,
    };
    if kind == ResourceKind::Key {
        // K7: facts of the key, not of the request.
        for key in ["kms:ResourceAliases", "kms:RequestAlias"] {
            context.derive_unknown(key);
        }
        context.derive_unknown_pattern("aws:ResourceTag/*");
    }
    let facts =
        PrincipalFacts { canonical_user: request.canonical_user.as_deref(), has_boundary: policies.boundary.is_some() };
    Asked { request, context, kind, facts }
}

/// Takes away the layers that do not reach this principal.
fn exempt(request: &Request, same_account: Truth, tallies: &mut Tallies) {
    let principal = &request.principal;
    let service_linked = matches!(principal, Principal::RoleSession { role, .. } if role.is_service_linked());
    let action = request.action.to_ascii_lowercase();
    if principal.account().is_none() {
        // E4: service principals and anonymous callers have no identity policies and no organization of ours.
        tallies.identity = Tally::default();
        tallies.boundary = Tally::default();
        tallies.session = Tally::default();
        tallies.scps.clear();
    }
    if matches!(principal, Principal::Root { .. }) {
        tallies.identity = Tally::default();
        tallies.boundary = Tally::default();
        if ROOT_KEEPS.contains(&action.as_str()) {
            cap_deny(&mut tallies.resource, !same_account);
        }
    }
    if service_linked {
        tallies.scps.clear();
    }
    let service = action.split(':').next().unwrap_or_default();
    let reached = match service {
        _ if service_linked || action == "kms:retiregrant" => Truth::No,
        service if RCP_SERVICES.contains(&service) => Truth::Yes,
        _ => Truth::Unknown,
    };
    cap_deny(&mut tallies.rcps, reached);
    if matches!(principal, Principal::Service { .. }) {
        tallies.vpc_endpoint = Tally::default();
    }
}

fn cap_deny(tally: &mut Tally, most: Truth) {
    tally.deny = tally.deny.and(most);
    for (_, effect, hit) in &mut tally.hits {
        if *effect == Effect::Deny {
            *hit = hit.and(most);
        }
    }
}

fn layers(tallies: &Tallies) -> impl Iterator<Item = (Layer, &Tally)> {
    let Tallies { identity, boundary, session, scps, rcps, resource, vpc_endpoint } = tallies;
    [
        (Layer::Identity, identity),
        (Layer::Boundary, boundary),
        (Layer::Session, session),
        (Layer::ResourceControl, rcps),
        (Layer::Resource, resource),
        (Layer::VpcEndpoint, vpc_endpoint),
    ]
    .into_iter()
    .chain(scps.iter().map(|level| (Layer::ServiceControl, level)))
}

/// RestrictPublicBuckets: under a public policy only the owner's account and AWS services pass (B4).
fn public_access_block(request: &Request, policies: &Policies, owner: Option<&str>) -> Truth {
    let restricts = policies.block_public_access.as_ref().is_some_and(|block| block.restrict_public_buckets);
    let Some(policy) = policies.resource.as_ref().filter(|_| restricts) else {
        return Truth::No;
    };
    if !request.action.to_ascii_lowercase().starts_with("s3:") {
        return Truth::No;
    }
    let outside = match (&request.principal, request.principal.account(), owner) {
        (Principal::Service { .. }, ..) => Truth::No,
        (_, Some(caller), Some(owner)) => (caller != owner).into(),
        (_, Some(_), None) => Truth::Unknown,
        (_, None, _) => Truth::Yes,
    };
    let public = match &policy.document {
        Document::Known(policy) => publicness(policy),
        Document::Unknown(_) => Truth::Unknown,
    };
    outside.and(public)
}

/// The letters of the formula (facts 3.4).
struct Parts {
    identity: Truth,
    boundary: Truth,
    session: Truth,
    scps: Truth,
    vpc_endpoint: Truth,
    exact: Truth,
    role: Truth,
    account: Truth,
    grant: Truth,
    caller: Caller,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Account,
    Root,
    Service,
    Federated,
    Anonymous,
}

impl Parts {
    fn of(request: &Request, policies: &Policies, tallies: &Tallies, grant: Truth) -> Self {
        let caller = match &request.principal {
            Principal::Root { .. } => Caller::Root,
            Principal::Service { .. } => Caller::Service,
            Principal::Federated { .. } => Caller::Federated,
            Principal::Anonymous => Caller::Anonymous,
            Principal::RoleSession { .. } | Principal::User { .. } | Principal::FederatedUser { .. } => Caller::Account,
        };
        let limited = |exists: bool, tally: &Tally| if exists { tally.allows() } else { Truth::Yes };
        Self {
            // E3: the root user has every permission in its account.
            identity: if caller == Caller::Root { Truth::Yes } else { tallies.identity.allows() },
            boundary: limited(policies.boundary.is_some() && caller == Caller::Account, &tallies.boundary),
            session: match &request.principal {
                // A federated user without a session policy has no permissions of its own.
                Principal::FederatedUser { .. } if policies.session.is_empty() => Truth::No,
                _ => limited(!policies.session.is_empty(), &tallies.session),
            },
            // E4: every level has to allow.
            scps: Truth::all(tallies.scps.iter().map(Tally::allows)),
            vpc_endpoint: limited(policies.vpc_endpoint.is_some() && caller != Caller::Service, &tallies.vpc_endpoint),
            exact: tallies.resource.allow.reaches(Level::Exact),
            role: tallies.resource.allow.reaches(Level::Role),
            account: tallies.resource.allow.reaches(Level::Account),
            grant,
            caller,
        }
    }

    fn same_account(&self, kind: ResourceKind) -> Truth {
        let limits = self.boundary.and(self.session);
        let through_identity = match kind {
            ResourceKind::Other => self.identity.and(limits),
            // K1, A1: the key and the role have to delegate to the account first.
            ResourceKind::Key | ResourceKind::Role => self.identity.and(limits).and(self.account),
        };
        if kind == ResourceKind::Role && self.caller == Caller::Root {
            // The root user cannot assume roles (STS API, AssumeRole).
            return Truth::No;
        }
        // Whether a boundary or session policy limits a grant is not documented.
        let grant = self.grant.and(limits.or(Truth::Unknown));
        self.exact.or(self.role.and(limits)).or(through_identity).or(grant)
    }

    fn cross_account(&self, request: &Request, kind: ResourceKind) -> Truth {
        let action = request.action.to_ascii_lowercase();
        match self.caller {
            Caller::Service => self.exact.or(self.grant),
            // KMS and STS take no unsigned requests, a policy for everybody included.
            Caller::Anonymous if kind == ResourceKind::Other && !is_access_point(&request.resource) => self.exact,
            Caller::Anonymous => Truth::No,
            Caller::Federated if action.starts_with("sts:assumerolewith") => self.exact,
            Caller::Federated => Truth::No,
            Caller::Root if kind == ResourceKind::Role => Truth::No,
            Caller::Account | Caller::Root => {
                if kind == ResourceKind::Key && !KMS_CROSS_ACCOUNT.contains(&action.as_str()) {
                    return Truth::No;
                }
                let limits = self.boundary.and(self.session);
                // K3: whether a grant alone is enough across accounts is not documented.
                let grant = self.grant.and(self.identity.and(limits).or(Truth::Unknown));
                self.account.and(self.identity).and(limits).or(grant)
            }
        }
    }

    fn missing(&self, request: &Request, access: Truth) -> Vec<Layer> {
        let mut missing = Vec::new();
        let mut note = |layer, truth: Truth| {
            if !truth.certain() {
                missing.push(layer);
            }
        };
        if !access.certain() {
            if request.principal.account().is_some() {
                note(Layer::Identity, self.identity);
                note(Layer::Boundary, self.boundary);
                note(Layer::Session, self.session);
            }
            note(Layer::Resource, self.account);
        }
        note(Layer::ServiceControl, self.scps);
        note(Layer::VpcEndpoint, self.vpc_endpoint);
        missing
    }
}

fn deciding(decision: Decision, tallies: &Tallies, blocked: Truth, grants: &[(Truth, &str)]) -> Vec<StatementRef> {
    let wanted = |effect: Effect, hit: Truth| match decision {
        Decision::Allowed => effect == Effect::Allow && hit.certain(),
        Decision::ExplicitDeny => effect == Effect::Deny && hit.certain(),
        Decision::Unknown => hit.possible(),
        Decision::ImplicitDeny => false,
    };
    let other = |layer, policy: &str| StatementRef { layer, policy: policy.to_owned(), sid: None, index: None };
    let mut deciding: Vec<StatementRef> = layers(tallies)
        .flat_map(|(_, tally)| &tally.hits)
        .filter(|(_, effect, hit)| wanted(*effect, *hit))
        .map(|(reference, ..)| reference.clone())
        .collect();
    if wanted(Effect::Deny, blocked) {
        deciding.push(other(Layer::PublicAccessBlock, "RestrictPublicBuckets"));
    }
    deciding.extend(
        grants.iter().filter(|(covers, _)| wanted(Effect::Allow, *covers)).map(|(_, id)| other(Layer::KmsGrant, id)),
    );
    deciding.sort();
    deciding.dedup();
    deciding
}
