//! The formula that joins the layers. Inside an account identity and resource policies add up, across accounts both have to
//! allow, and a Deny anywhere wins (E1). KMS keys and role trust have to allow or delegate themselves (K1, A1).

use super::document::Effect;
use super::evaluate::{Decision, Layer};
use super::principal::{Level, Levels, Principal};
use super::setting::{Caller, ResourceKind, Setting};
use super::truth::Truth;

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

/// Where the statements of a request are summed up: a layer, or one level of service control policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Slot {
    Identity,
    Boundary,
    Session,
    /// Level of the organization, from zero.
    ServiceControl(usize),
    ResourceControl,
    Resource,
    VpcEndpoint,
}

impl Slot {
    pub fn layer(self) -> Layer {
        match self {
            Slot::Identity => Layer::Identity,
            Slot::Boundary => Layer::Boundary,
            Slot::Session => Layer::Session,
            Slot::ServiceControl(_) => Layer::ServiceControl,
            Slot::ResourceControl => Layer::ResourceControl,
            Slot::Resource => Layer::Resource,
            Slot::VpcEndpoint => Layer::VpcEndpoint,
        }
    }
}

/// What all statements say together: who may be allowed how closely in each layer, and whether a Deny hits anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sums {
    pub deny: Truth,
    pub identity: Levels,
    pub boundary: Levels,
    pub session: Levels,
    pub scps: Vec<Levels>,
    pub resource: Levels,
    pub vpc_endpoint: Levels,
    /// Whether a KMS grant covers the request.
    pub grant: Truth,
}

impl Sums {
    /// No statement matches. `levels`: of service control policies.
    pub fn new(levels: usize) -> Self {
        Self {
            deny: Truth::No,
            identity: Levels::NONE,
            boundary: Levels::NONE,
            session: Levels::NONE,
            scps: vec![Levels::NONE; levels],
            resource: Levels::NONE,
            vpc_endpoint: Levels::NONE,
            grant: Truth::No,
        }
    }

    /// The sum of the Allow statements of a slot; an Allow of a resource control policy adds nothing (E5).
    pub fn allow_mut(&mut self, slot: Slot) -> Option<&mut Levels> {
        match slot {
            Slot::Identity => Some(&mut self.identity),
            Slot::Boundary => Some(&mut self.boundary),
            Slot::Session => Some(&mut self.session),
            Slot::ServiceControl(level) => self.scps.get_mut(level),
            Slot::ResourceControl => None,
            Slot::Resource => Some(&mut self.resource),
            Slot::VpcEndpoint => Some(&mut self.vpc_endpoint),
        }
    }

    /// Adds a statement that matches its principal at these levels.
    pub fn add(&mut self, slot: Slot, effect: Effect, levels: Levels) {
        match effect {
            Effect::Deny => self.deny = self.deny.or(levels.reaches(Level::Account)),
            Effect::Allow => {
                if let Some(sum) = self.allow_mut(slot) {
                    *sum = sum.union(levels);
                }
            }
        }
    }
}

/// The letters of the formula (facts 3.4).
pub(super) struct Formula<'a> {
    setting: &'a Setting<'a>,
    deny: Truth,
    identity: Truth,
    boundary: Truth,
    session: Truth,
    scps: Truth,
    vpc_endpoint: Truth,
    exact: Truth,
    role: Truth,
    account: Truth,
    grant: Truth,
}

impl<'a> Formula<'a> {
    pub fn of(setting: &'a Setting<'a>, sums: &Sums) -> Self {
        let Sums { deny, identity, boundary, session, scps, resource, vpc_endpoint, grant } = sums;
        let allows = |levels: &Levels| levels.reaches(Level::Account);
        let limited = |exists: bool, levels: &Levels| if exists { allows(levels) } else { Truth::Yes };
        let caller = setting.caller;
        Self {
            setting,
            deny: *deny,
            // E3: the root user has every permission in its account.
            identity: if caller == Caller::Root { Truth::Yes } else { allows(identity) },
            boundary: limited(setting.has_boundary && caller == Caller::Account, boundary),
            session: match &setting.request.principal {
                // A federated user without a session policy has no permissions of its own.
                Principal::FederatedUser { .. } if !setting.has_session => Truth::No,
                _ => limited(setting.has_session, session),
            },
            // E4: every level has to allow.
            scps: Truth::all(scps.iter().map(allows)),
            vpc_endpoint: limited(setting.has_endpoint && caller != Caller::Service, vpc_endpoint),
            exact: resource.reaches(Level::Exact),
            role: resource.reaches(Level::Role),
            account: resource.reaches(Level::Account),
            grant: *grant,
        }
    }

    pub fn decision(&self) -> Decision {
        match (self.deny, self.allow()) {
            (Truth::Yes, _) => Decision::ExplicitDeny,
            // A Deny that may match changes nothing for what nobody allows.
            (_, Truth::No) => Decision::ImplicitDeny,
            (Truth::No, Truth::Yes) => Decision::Allowed,
            _ => Decision::Unknown,
        }
    }

    /// Whether everything but the Deny statements lets the request pass.
    pub fn allow(&self) -> Truth {
        self.scps.and(self.vpc_endpoint).and(self.access())
    }

    fn access(&self) -> Truth {
        match self.setting.same_account {
            Truth::Yes => self.within_account(),
            Truth::No => self.across_accounts(),
            Truth::Unknown => both(self.within_account(), self.across_accounts()),
        }
    }

    fn within_account(&self) -> Truth {
        let kind = self.setting.kind;
        let limits = self.boundary.and(self.session);
        let through_identity = match kind {
            ResourceKind::Other => self.identity.and(limits),
            // K1, A1: the key and the role have to delegate to the account first.
            ResourceKind::Key | ResourceKind::Role => self.identity.and(limits).and(self.account),
        };
        if kind == ResourceKind::Role && self.setting.caller == Caller::Root {
            // The root user cannot assume roles (STS API, AssumeRole).
            return Truth::No;
        }
        // Whether a boundary or session policy limits a grant is not documented.
        let grant = self.grant.and(limits.or(Truth::Unknown));
        self.exact.or(self.role.and(limits)).or(through_identity).or(grant)
    }

    fn across_accounts(&self) -> Truth {
        let (kind, action) = (self.setting.kind, self.setting.action.as_str());
        match self.setting.caller {
            Caller::Service => self.exact.or(self.grant),
            // KMS, STS and access points of S3 (B6) take no unsigned requests, a policy for everybody included.
            Caller::Anonymous if kind == ResourceKind::Other && !self.setting.through_access_point() => self.exact,
            Caller::Anonymous => Truth::No,
            Caller::Federated if action.starts_with("sts:assumerolewith") => self.exact,
            Caller::Federated => Truth::No,
            Caller::Root if kind == ResourceKind::Role => Truth::No,
            Caller::Account | Caller::Root => {
                if kind == ResourceKind::Key && !KMS_CROSS_ACCOUNT.contains(&action) {
                    return Truth::No;
                }
                let limits = self.boundary.and(self.session);
                // K3: whether a grant alone is enough across accounts is not documented.
                let grant = self.grant.and(self.identity.and(limits).or(Truth::Unknown));
                self.account.and(self.identity).and(limits).or(grant)
            }
        }
    }

    /// The layers that do not certainly allow.
    pub fn missing(&self) -> Vec<Layer> {
        self.layers_where(|truth| !truth.certain())
    }

    /// The layers that certainly do not allow.
    pub fn closed(&self) -> Vec<Layer> {
        self.layers_where(|truth| !truth.possible())
    }

    fn layers_where(&self, wanted: impl Fn(Truth) -> bool) -> Vec<Layer> {
        let mut missing = Vec::new();
        let mut note = |layer, truth: Truth| {
            if wanted(truth) {
                missing.push(layer);
            }
        };
        if wanted(self.access()) {
            if self.setting.request.principal.account().is_some() {
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

fn both(a: Truth, b: Truth) -> Truth {
    if a == b { a } else { Truth::Unknown }
}
