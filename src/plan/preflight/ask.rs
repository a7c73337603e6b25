//! One permission of one caller in one state.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use crate::access::{Caller, caller};
use crate::call::{Permission, Query, Read, Requirement, Resource, partition};
use crate::iam::{Decision, NamedPolicy, Policies, Request, evaluate};
use crate::model::{Arn, Desired, Fact, Live, Observed, Place, Reference};

use super::Subject;

/// Whether the caller may, on what, and why or why not.
pub(super) struct Asked {
    pub resource: String,
    pub decision: Decision,
    pub because: String,
    /// Whether a statement in the caller's own policies would change it.
    pub addable: bool,
}

/// Allows whatever can be allowed by a statement that is added.
const EVERYTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#;

/// Denies everything.
const NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// Why nothing is said of a caller: IAM's simulator may know.
pub const UNREAD: &str = "the caller's own policies were not read";

/// Stands for the id of a key that is still to be made.
const NEW_KEY: &str = "00000000-0000-0000-0000-000000000000";

/// The callers of every account, with what was read of them.
pub(super) struct Judge<'a> {
    desired: &'a [Desired],
    /// As it was read.
    live: &'a Live,
    callers: BTreeMap<&'a str, (&'a str, Option<Caller>)>,
    /// Resource policies by their texts: most are asked about often.
    read: RefCell<HashMap<String, NamedPolicy>>,
}

/// A resource as the evaluator is asked about it.
struct Named {
    arn: String,
    /// Policy of the resource; `None` where it has none.
    policy: Option<NamedPolicy>,
}

impl<'a> Judge<'a> {
    pub fn new(subject: &Subject<'a>) -> Self {
        let known = subject
            .caller
            .iter()
            .map(|(account, arn)| (account.as_str(), (arn.as_str(), caller(subject.live, account, arn))));
        Self { desired: subject.desired, live: subject.live, callers: known.collect(), read: RefCell::default() }
    }

    /// ARN of the caller in an account.
    pub fn caller(&self, account: &str) -> String {
        self.callers.get(account).map(|(arn, _)| (*arn).to_owned()).unwrap_or_default()
    }

    pub fn ask(&self, state: &Live, one: &Requirement) -> Asked {
        match (&one.place, one.permission) {
            (Place::Aws { account, region }, Permission::Aws(action)) => {
                self.aws(state, one, (account, region), action)
            }
            (place, permission) => databricks(state, place, permission),
        }
    }

    fn aws(&self, state: &Live, one: &Requirement, (account, region): (&str, &str), action: &str) -> Asked {
        let patterns = one.resource.patterns(&one.place).join(", ");
        let untold = |because: &str| Asked {
            resource: patterns.clone(),
            decision: Decision::Unknown,
            because: because.to_owned(),
            addable: false,
        };
        let Some((_, Some(caller))) = self.callers.get(account) else {
            return untold("who is calling is not known");
        };
        let Some(named) = self.resource(state, one) else {
            return untold("which resource it is on is known only after apply");
        };
        let mut request = request(caller, action, &named.arn, (account, region));
        if let Some(aliases) = self.aliases(&one.place, &named.arn) {
            request.context.insert("kms:ResourceAliases".to_owned(), aliases);
        }
        let own = self.simulated(caller, account, &named.arn, action).unwrap_or_else(|| caller.policies.clone());
        let policies = Policies { resource: named.policy, ..own };
        let evaluation = evaluate(&request, &policies);
        let because = match evaluation.decision {
            Decision::Allowed => String::new(),
            Decision::ImplicitDeny => {
                let missing: Vec<String> = evaluation.missing.iter().map(ToString::to_string).collect();
                format!("no {} allows it", missing.join(" and no "))
            }
            Decision::ExplicitDeny => {
                let deciding: Vec<String> = evaluation.deciding.iter().map(ToString::to_string).collect();
                format!("denied by {}", deciding.join(", "))
            }
            Decision::Unknown => why_unknown(caller, &request, &policies),
        };
        let mut added = policies.clone();
        added.identity.push(self.read("added", EVERYTHING));
        let denied = |decision| matches!(decision, Decision::ImplicitDeny | Decision::ExplicitDeny);
        let addable = denied(evaluation.decision) && !denied(evaluate(&request, &added).decision);
        Asked { resource: named.arn, decision: evaluation.decision, because, addable }
    }

    /// What IAM said of a caller whose policies were not read, in the form of a policy that says the same. It weighs the
    /// organization's policies too; what depends on the context of the request stays unknown.
    fn simulated(&self, caller: &Caller, account: &str, resource: &str, action: &str) -> Option<Policies> {
        let arn = self.callers.get(account).map(|(arn, _)| *arn).filter(|_| !caller.read)?;
        let answers = self.live.iter().filter(|(query, _)| query.place.aws_account() == Some(account));
        let found = answers.filter_map(|(query, answer)| match (&query.read, answer) {
            (Read::Simulation { principal, resource: on, .. }, Observed::Present(Fact::Simulated(all)))
                if principal == arn && on == resource =>
            {
                all.get(action)
            }
            _ => None,
        });
        let one = found.into_iter().next().filter(|one| one.missing_keys.is_empty())?;
        let identity = match one.decision.as_str() {
            "allowed" => vec![self.read("IAM's simulator", EVERYTHING)],
            "explicitDeny" => vec![self.read("IAM's simulator", NOTHING)],
            "implicitDeny" => Vec::new(),
            _ => return None,
        };
        Some(Policies { identity, ..Policies::default() })
    }

    /// `None` where even the ARN is not known.
    fn resource(&self, state: &Live, one: &Requirement) -> Option<Named> {
        let Place::Aws { account, region } = &one.place else { return None };
        let first = || one.resource.patterns(&one.place).into_iter().next();
        let plain = |arn: String| Named { arn, policy: None };
        match &one.resource {
            Resource::Bucket(bucket) => {
                let answer =
                    state.get(&Query { place: one.place.clone(), read: Read::BucketPolicy { bucket: bucket.clone() } });
                Some(Named { arn: first()?, policy: self.policy("bucket policy", answer) })
            }
            // Nobody but the store's own requests has to do with it: its bucket is not one of those that are read.
            Resource::Objects(_) => {
                Some(Named { arn: first()?, policy: Some(NamedPolicy::unknown("bucket policy", "it is not read")) })
            }
            // A key that is being made has no policy yet: tags at its birth are left to IAM.
            Resource::Key(key) if key == "*" => {
                let text = delegating(account, region);
                Some(Named { arn: new_key(account, region), policy: Some(self.read("key policy", &text)) })
            }
            Resource::Key(key) | Resource::KeyNamed(key) => {
                let arn = key_arn(state, &one.place, key)?;
                let read = Read::KeyPolicy { key: arn.clone() };
                let policy = self.policy("key policy", state.get(&Query { place: one.place.clone(), read }));
                let arn = if Reference::occurs_in(&arn) { new_key(account, region) } else { arn };
                // A key that has no policy allows nobody anything, and a policy that was not read may.
                Some(Named { arn, policy })
            }
            Resource::Role(name) => Some(plain(self.role(state, account, region, name))),
            _ => first().map(plain),
        }
    }

    /// The aliases of a key as they were read: those that earlier steps give are minutes away from counting (KMS Developer
    /// Guide, "Use aliases to control access to KMS keys"). `None` where they are not known, as of a key yet to be made.
    fn aliases(&self, place: &Place, arn: &str) -> Option<Vec<String>> {
        let read = Read::KeyAliases { key: arn.to_owned() };
        self.live.view(place, read, Fact::names).present().map(|names| names.0)
    }

    fn policy(&self, name: &str, answer: Observed<Fact>) -> Option<NamedPolicy> {
        match answer {
            Observed::Present(Fact::Policy(text)) => Some(self.read(name, &text.0)),
            Observed::Absent => None,
            Observed::Present(_) => Some(NamedPolicy::unknown(name, "it has another shape than asked")),
            Observed::Unknown(gap) => Some(NamedPolicy::unknown(name, &gap.message)),
        }
    }

    fn read(&self, name: &str, text: &str) -> NamedPolicy {
        let mut read = self.read.borrow_mut();
        read.entry(text.to_owned()).or_insert_with(|| NamedPolicy::read(name, text)).clone()
    }

    /// A role with its path, as IAM or the manifest has it; one that neither knows is made by the plan, without a path.
    fn role(&self, state: &Live, account: &str, region: &str, name: &str) -> String {
        let is = |arn: &str| arn.parse::<Arn>().ok().and_then(|arn| arn.role()).is_some_and(|(_, own)| own == name);
        let live = state.iter().filter(|(query, _)| query.place.aws_account() == Some(account));
        let read = live.filter_map(|(_, answer)| match answer {
            Observed::Present(Fact::Role(role)) => Some(role.arn.clone()),
            _ => None,
        });
        let declared = self.desired.iter().map(|one| &one.role.arn).filter(|arn| arn.account == account);
        read.chain(declared.map(ToString::to_string))
            .find(|arn| is(arn))
            .unwrap_or_else(|| format!("arn:{}:iam::{account}:role/{name}", partition(region)))
    }
}

/// A request of the caller. TLS is what the clients speak; of everything else that a condition may ask, nothing is known.
fn request(caller: &Caller, action: &str, resource: &str, (account, region): (&str, &str)) -> Request {
    let mut request = Request::new(caller.principal.clone(), action, resource);
    request.resource_account = Some(account.to_owned());
    let mut known = vec![("aws:SecureTransport", "true"), ("s3:TlsVersion", "1.3"), ("aws:ViaAWSService", "false")];
    // IAM and Organizations are global: their region is that of the endpoint.
    if ["s3:", "kms:", "ssm:"].iter().any(|service| action.starts_with(service)) {
        known.push(("aws:RequestedRegion", region));
    }
    for (key, value) in known {
        request.context.insert(key.to_owned(), vec![value.to_owned()]);
    }
    request.unknown_keys.insert("*".to_owned());
    request
}

fn why_unknown(caller: &Caller, request: &Request, policies: &Policies) -> String {
    if !caller.read {
        return UNREAD.to_owned();
    }
    let without = Policies { scps: Vec::new(), rcps: Vec::new(), ..policies.clone() };
    if !caller.limits_read && evaluate(request, &without).decision == Decision::Allowed {
        return "what was read allows it; the policies of the organization were not read".to_owned();
    }
    let deciding: Vec<String> = evaluate(request, &without).deciding.iter().map(ToString::to_string).collect();
    match deciding.is_empty() {
        true => "it depends on what was not read".to_owned(),
        false => format!("it depends on conditions of {}", deciding.join(", ")),
    }
}

/// The ARN of a key, or the token of one that the plan makes.
fn key_arn(state: &Live, place: &Place, key: &str) -> Option<String> {
    if Reference::occurs_in(key) || key.parse::<Arn>().is_ok_and(|arn| arn.resource.starts_with("key/")) {
        return Some(key.to_owned());
    }
    state.view(place, Read::Key { key: key.to_owned() }, Fact::key).present().map(|key| key.arn)
}

fn new_key(account: &str, region: &str) -> String {
    format!("arn:{}:kms:{region}:{account}:key/{NEW_KEY}", partition(region))
}

/// What KMS gives a key without a policy: everything is left to IAM (KMS Developer Guide, "Default key policy").
fn delegating(account: &str, region: &str) -> String {
    let partition = partition(region);
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"arn:{partition}:iam::{account}:root"}},"Action":"kms:*","Resource":"*"}}]}}"#
    )
}

/// Databricks shows the lists of an account to its admins only: who has read one is an admin.
fn databricks(state: &Live, place: &Place, permission: Permission) -> Asked {
    let role = permission.name().unwrap_or_default();
    let account = match place {
        Place::Databricks { account } | Place::Workspace { account, .. } => account.clone(),
        Place::Aws { .. } => String::new(),
    };
    let query = Query { place: Place::Databricks { account }, read: Read::Credentials };
    let is_admin = matches!(state.get(&query), Observed::Present(_));
    let enough = is_admin && role.starts_with("Databricks account admin");
    let (decision, because) = match enough {
        true => (Decision::Allowed, String::new()),
        false => (Decision::Unknown, "Databricks does not say beforehand".to_owned()),
    };
    Asked { resource: place.to_string(), decision, because, addable: false }
}
