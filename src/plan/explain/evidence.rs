//! What was asked, what it answered, and what is wanted for which reason.

use crate::call::{Query, Read, question, read_permission};
use crate::model::{Address, Gap, Kind, Live, Observed, Reference, Wanted};
use crate::plan::{Change, Plan};

use super::{Answer, Evidence, Reason, Reasoning};

const OWN: &str = "its own state";
const DELIVERIES: &str = "which deliveries work today";
const RIGHTS: &str = "what else decides who can, for the proofs";
const PEOPLE: &str = "who there is, for the proofs";
const PURPOSES: [&str; 4] = [OWN, DELIVERIES, RIGHTS, PEOPLE];

/// The questions behind an address, its own first.
pub(super) fn read(reasoning: &Reasoning<'_>, address: &Address) -> Vec<Evidence> {
    let Some((live, wanted)) = reasoning.seen else { return from_steps(reasoning.plan, address) };
    let own = wanted.resources.iter().filter(|one| one.address == *address).map(|one| one.query.clone());
    let mut own: Vec<Query> = own.chain(targets(reasoning.plan, address)).collect();
    own.sort();
    own.dedup();
    let mut all: Vec<Evidence> = own
        .iter()
        .filter(|query| !waits(query) || own.len() == 1)
        .map(|query| evidence(query, answer(live, query), OWN))
        .collect();
    let others = live.iter().filter(|(query, _)| !own.contains(query));
    all.extend(others.filter_map(|(query, _)| {
        let serves = serves(address, &query.read)?;
        relates(reasoning.plan, address, query).then(|| evidence(query, answer(live, query), serves))
    }));
    // By purpose; within one, in the order of the questions.
    all.sort_by_key(|one| PURPOSES.iter().position(|purpose| *purpose == one.serves));
    all
}

fn targets<'a>(plan: &'a Plan, address: &'a Address) -> impl Iterator<Item = Query> + 'a {
    let steps = plan.steps.iter().filter(move |step| step.address == *address);
    steps.filter_map(|step| step.target.as_ref()).map(|target| target.query.clone())
}

/// A saved plan has the before-images of its steps.
fn from_steps(plan: &Plan, address: &Address) -> Vec<Evidence> {
    let mut all: Vec<Evidence> = Vec::new();
    for target in plan.steps.iter().filter(|step| step.address == *address).filter_map(|step| step.target.as_ref()) {
        let answer = match &target.before {
            Some(Observed::Present(_)) => Answer::Present,
            Some(Observed::Absent) => Answer::Absent,
            Some(Observed::Unknown(_)) => Answer::Unknown,
            None => Answer::MadeByThePlan,
        };
        let one = evidence(&target.query, answer, OWN);
        if !all.iter().any(|other| other.question == one.question) {
            all.push(one);
        }
    }
    all
}

fn answer(live: &Live, query: &Query) -> Answer {
    if waits(query) {
        return Answer::MadeByThePlan;
    }
    match live.get(query) {
        Observed::Present(_) => Answer::Present,
        Observed::Absent => Answer::Absent,
        Observed::Unknown(gap) if Gap::is_unasked(&gap) => Answer::NotAsked,
        Observed::Unknown(_) => Answer::Unknown,
    }
}

/// A question about something that a step of the plan makes.
fn waits(query: &Query) -> bool {
    serde_json::to_string(&query.read).is_ok_and(|text| Reference::occurs_in(&text))
}

fn evidence(query: &Query, answer: Answer, serves: &str) -> Evidence {
    Evidence {
        question: question(&query.read),
        place: query.place.to_string(),
        permission: read_permission(&query.read).name().map(str::to_owned),
        answer,
        serves: serves.to_owned(),
    }
}

/// For what a question that is not the address's own serves it.
fn serves(address: &Address, read: &Read) -> Option<&'static str> {
    let policy = matches!(
        address.kind,
        Kind::BucketPolicy
            | Kind::KmsKeyPolicy
            | Kind::RolePolicy
            | Kind::Role
            | Kind::RoleInlinePolicies
            | Kind::RoleAttachedPolicies
            | Kind::KmsGrants
            | Kind::BucketEncryption
    );
    // Grants are of Unity Catalog.
    let in_aws = address.kind.decides_access() && address.kind != Kind::Grants;
    match read {
        Read::Credentials | Read::StorageConfigurations | Read::LogDeliveries
            if policy || address.kind == Kind::LogDelivery =>
        {
            Some(DELIVERIES)
        }
        Read::AccountAuthorization | Read::Organization | Read::OrganizationPolicies if in_aws => Some(PEOPLE),
        Read::BucketPolicy { .. }
        | Read::BucketPublicAccessBlock { .. }
        | Read::AccountPublicAccessBlock
        | Read::BucketOwnership { .. }
        | Read::BucketAcl { .. }
        | Read::BucketEncryption { .. }
        | Read::KeyPolicy { .. }
        | Read::KeyGrants { .. }
        | Read::AccessPoints { .. }
            if in_aws =>
        {
            Some(RIGHTS)
        }
        Read::DatabricksIdentities | Read::DatabricksCaller if address.kind == Kind::Grants => Some(PEOPLE),
        _ => None,
    }
}

/// Whether a question is about the manifest of the address: its accounts and, of buckets, its own.
fn relates(plan: &Plan, address: &Address, query: &Query) -> bool {
    let manifests = plan.desired.iter().filter(|one| one.name == address.manifest || address.manifest == "_");
    manifests.into_iter().any(|one| {
        let place = [one.aws_place(), one.role_place(), one.databricks_place()].contains(&query.place)
            || !matches!(query.place, crate::model::Place::Aws { .. } | crate::model::Place::Databricks { .. });
        let bucket = match &query.read {
            Read::BucketPolicy { bucket }
            | Read::BucketPublicAccessBlock { bucket }
            | Read::BucketOwnership { bucket }
            | Read::BucketAcl { bucket }
            | Read::BucketEncryption { bucket }
            | Read::AccessPoints { bucket } => *bucket == one.delivery.bucket,
            _ => true,
        };
        place && bucket
    })
}

/// Every reason for the address: those that the declaration gives, marked where the plan changes something.
pub(super) fn wanted(change: Option<&Change>, wanted: Option<&Wanted>, address: &Address) -> Vec<Reason> {
    let fields = change.map(|change| change.fields.as_slice()).unwrap_or_default();
    let mut all: Vec<Reason> = fields.iter().map(|field| reason(&field.path, &field.reason, true)).collect();
    if let Some(change) = change {
        all.insert(0, reason("", &change.reason, true));
    }
    let resources = wanted.into_iter().flat_map(|wanted| &wanted.resources);
    for (path, text) in resources.filter(|one| one.address == *address).flat_map(|one| &one.reasons) {
        if !all.iter().any(|known| known.path == *path) {
            all.push(reason(path, text, false));
        }
    }
    all.retain(|one| !one.reason.is_empty());
    all
}

fn reason(path: &str, text: &str, changes: bool) -> Reason {
    Reason { path: path.to_owned(), reason: text.to_owned(), controls: controls(text), changes }
}

/// Codes at the beginning of a reason: `B5, B7: nothing declares this allow`.
fn controls(text: &str) -> Vec<String> {
    let Some((codes, _)) = text.split_once(':') else { return Vec::new() };
    let codes: Vec<&str> = codes.split(',').map(str::trim).collect();
    let is_code = |code: &&str| {
        let digits = code.trim_start_matches(|c: char| c.is_ascii_uppercase());
        digits.len() < code.len() && !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
    };
    if codes.iter().all(is_code) { codes.into_iter().map(str::to_owned).collect() } else { Vec::new() }
}
