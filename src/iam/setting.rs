//! What the evaluation of a request needs besides statements: who asks whom, and which layers reach that.

use crate::model::Arn;

use super::context::Context;
use super::document::Effect;
use super::evaluate::{Layer, Policies, Request};
use super::principal::{Principal, PrincipalFacts};
use super::truth::Truth;

/// Services whose requests resource control policies reach ("Resource control policies", 2026). A Deny of such a policy on
/// another service is not known to act.
const RCP_SERVICES: [&str; 7] = ["s3", "sts", "kms", "sqs", "secretsmanager", "ecr", "aoss"];

/// What the root user can do to a bucket policy of its account whatever that policy denies (S3 API, PutBucketPolicy).
const ROOT_KEEPS: [&str; 3] = ["s3:getbucketpolicy", "s3:putbucketpolicy", "s3:deletebucketpolicy"];

/// Whether the name of an action counts only by the statements that cover it: two such actions that the same statements cover
/// are decided alike. Actions on keys and roles have rules that name them (`formula.rs`), and so has the root user's
/// hold on bucket policies.
#[must_use]
pub fn is_told_by_statements(principal: &Principal, action: &str) -> bool {
    action.starts_with("s3:") && !matches!(principal, Principal::Root { .. })
}

/// What the resource of a request is, where its policy follows rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum ResourceKind {
    /// A KMS key: its policy is the root of authority (K1).
    Key,
    /// A role to be assumed: its policy is a trust policy (A1).
    Role,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Caller {
    Account,
    Root,
    Service,
    Federated,
    Anonymous,
}

/// A request and its surroundings, made ready for matching.
#[derive(Debug)]
pub(super) struct Setting<'a> {
    pub request: &'a Request,
    /// In lower case.
    pub action: String,
    pub kind: ResourceKind,
    pub caller: Caller,
    /// The account that owns the resource, if it is said anywhere.
    pub owner: Option<String>,
    pub same_account: Truth,
    pub facts: PrincipalFacts<'a>,
    pub has_boundary: bool,
    pub has_session: bool,
    pub has_endpoint: bool,
}

impl<'a> Setting<'a> {
    pub fn of(request: &'a Request, policies: &Policies) -> Self {
        let action = request.action.to_ascii_lowercase();
        let arn = request.resource.parse::<Arn>().ok();
        let owner = owner(request, arn.as_ref());
        let kind = match &arn {
            // An alias has no policy of its own, and an action without a resource none to have one; all else, a key that is
            // still to be created included, stands under its key policy.
            _ if request.resource == "*" => ResourceKind::Other,
            Some(arn) if arn.resource.starts_with("alias/") => ResourceKind::Other,
            _ if action.starts_with("kms:") => ResourceKind::Key,
            Some(arn) if action.starts_with("sts:") && arn.role().is_some() => ResourceKind::Role,
            _ => ResourceKind::Other,
        };
        let caller = match &request.principal {
            Principal::Root { .. } => Caller::Root,
            Principal::Service { .. } => Caller::Service,
            Principal::Federated { .. } => Caller::Federated,
            Principal::Anonymous => Caller::Anonymous,
            Principal::RoleSession { .. } | Principal::User { .. } | Principal::FederatedUser { .. } => Caller::Account,
        };
        let same_account = match (request.principal.account(), owner.as_deref()) {
            (Some(caller), Some(owner)) => (caller == owner).into(),
            (Some(_), None) => Truth::Unknown,
            // Services and anonymous callers have no account.
            (None, _) => Truth::No,
        };
        let facts = PrincipalFacts {
            canonical_user: request.canonical_user.as_deref(),
            has_boundary: policies.boundary.is_some(),
        };
        Self {
            request,
            action,
            kind,
            caller,
            owner,
            same_account,
            facts,
            has_boundary: policies.boundary.is_some(),
            has_session: !policies.session.is_empty(),
            has_endpoint: policies.vpc_endpoint.is_some(),
        }
    }

    /// Adds the keys that follow from principal, action and resource.
    pub fn derive(&self, context: &mut Context) {
        self.request.principal.derive(context);
        if let Some(owner) = &self.owner {
            context.derive("aws:ResourceAccount", owner.as_str());
            if self.action.starts_with("s3:") {
                context.derive("s3:ResourceAccount", owner.as_str());
            }
        }
        if let Some(account) = self.request.principal.account().filter(|_| self.action.starts_with("kms:")) {
            context.derive("kms:CallerAccount", account);
        }
        if self.kind == ResourceKind::Key {
            // K7: facts of the key, not of the request.
            for key in ["kms:ResourceAliases", "kms:RequestAlias"] {
                context.derive_unknown(key);
            }
            context.derive_unknown_pattern("aws:ResourceTag/*");
        }
    }

    /// S3 access points take no unsigned requests (B6).
    pub fn on_access_point(&self) -> bool {
        let arn = self.request.resource.parse::<Arn>();
        arn.is_ok_and(|arn| arn.service.starts_with("s3") && arn.resource.starts_with("accesspoint"))
    }

    fn service_linked(&self) -> bool {
        matches!(&self.request.principal, Principal::RoleSession { role, .. } if role.is_service_linked())
    }

    /// Whether service control policies have a say (E4): not over principals outside any account, nor over service-linked
    /// roles.
    pub fn under_scps(&self) -> bool {
        self.request.principal.account().is_some() && !self.service_linked()
    }

    /// The most that a statement of a layer can count for this principal and action.
    pub fn reach(&self, layer: Layer, effect: Effect) -> Truth {
        match layer {
            // E4: service principals and anonymous callers have no identity policies.
            Layer::Identity | Layer::Boundary | Layer::Session if self.request.principal.account().is_none() => {
                Truth::No
            }
            Layer::Identity | Layer::Boundary if self.caller == Caller::Root => Truth::No,
            Layer::ServiceControl => self.under_scps().into(),
            Layer::Resource if self.caller == Caller::Root && effect == Effect::Deny => {
                if ROOT_KEEPS.contains(&self.action.as_str()) { !self.same_account } else { Truth::Yes }
            }
            Layer::ResourceControl if effect == Effect::Deny => {
                let service = self.action.split(':').next().unwrap_or_default();
                match service {
                    _ if self.service_linked() || self.action == "kms:retiregrant" => Truth::No,
                    service if RCP_SERVICES.contains(&service) => Truth::Yes,
                    _ => Truth::Unknown,
                }
            }
            Layer::VpcEndpoint if self.caller == Caller::Service => Truth::No,
            _ => Truth::Yes,
        }
    }
}

fn owner(request: &Request, arn: Option<&Arn>) -> Option<String> {
    let in_arn = || arn.map(|arn| arn.account.clone()).filter(|account| !account.is_empty());
    // An action without a resource acts on the caller's account.
    let own = || if request.resource == "*" { request.principal.account().map(str::to_owned) } else { None };
    request.resource_account.clone().or_else(in_arn).or_else(own)
}
