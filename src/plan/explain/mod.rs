//! The chain of reasoning behind what a plan does to one address: what was read, what is wanted and why, which steps do it
//! in which order, which guards looked, and what it does to access, with the witnesses of the proofs.
//!
//! Witnesses are worked out here, when they are asked for: a plan keeps who gains and loses, not how.

mod access;
mod evidence;
mod steps;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::access::{Holder, PrincipalAccess, ProofVerdict};
use crate::model::{Address, Gap, Kind, Live, Wanted};

use super::nearest::{UnknownAddress, nearest};
use super::{Change, GuardResult, Plan, StepId};

/// Version of the document that `plan --explain --format json` prints.
pub const FORMAT_VERSION: &str = "1.0";

/// Why a plan does what it does to one address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Explanation {
    pub format_version: String,
    pub address: Address,
    /// `None` when nothing is done.
    pub change: Option<Change>,
    /// Why nothing is done, when nothing is.
    pub unchanged: Option<String>,
    pub read: Vec<Evidence>,
    /// Inputs of the whole plan that could not be read: nothing is concluded about them.
    pub not_read: Vec<Gap>,
    pub wanted: Vec<Reason>,
    /// What cannot be taken back, and why.
    pub irreversible: Option<String>,
    pub steps: Vec<ExplainedStep>,
    /// The guards that looked at it.
    pub guards: Vec<GuardResult>,
    pub access: AccessReasoning,
}

/// One question that was asked of the cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// In words: `bucket policy of acme-databricks-audit`.
    pub question: String,
    /// Where it was asked.
    pub place: String,
    /// The permission that it needs, or the role.
    pub permission: Option<String>,
    pub answer: Answer,
    /// For what it is used.
    pub serves: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    Present,
    Absent,
    /// It was asked and not answered: refused, or failed.
    Unknown,
    NotAsked,
    /// The plan makes it: there was nothing to ask yet.
    MadeByThePlan,
}

/// Why a field is as it is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Path of the field as the change prints it; empty for the whole resource.
    pub path: String,
    pub reason: String,
    /// Controls that the reason names, such as `B9`.
    pub controls: Vec<String>,
    /// Whether the plan changes the field.
    pub changes: bool,
}

/// One step at the address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainedStep {
    pub step: StepId,
    pub title: String,
    /// The operation, or what is waited for.
    pub does: String,
    pub place: Option<String>,
    /// Why it stands where it does.
    pub order: String,
    /// Earlier steps without which it is not taken.
    pub after: Vec<Link>,
    /// Later steps that are not taken without it.
    pub before: Vec<Link>,
    /// The operation that takes it back when the delivery does not survive it.
    pub undo: Option<String>,
    /// Whether live state is read again right before it, and has to be as it was.
    pub precondition: bool,
}

/// A step that another depends on, or the other way round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    pub step: StepId,
    pub address: Address,
    pub title: String,
    pub because: String,
}

/// What the steps at the address do to access.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessReasoning {
    /// Whether everything was read that a proof needs.
    pub proved: bool,
    /// What is not said here, and how to get it; `None` when nothing is missing.
    pub missing: Option<String>,
    /// Only steps that may change something for somebody.
    pub steps: Vec<AccessStep>,
}

/// The state before a step against the state after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessStep {
    pub step: StepId,
    pub gained: Vec<Shift>,
    pub lost: Vec<Shift>,
    /// Who still can, under more conditions than before.
    pub narrowed: Vec<Shift>,
    pub proofs: Vec<ProofShift>,
}

/// Somebody for whom a step changes something, with the witnesses on both sides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    pub holder: Holder,
    /// One entry for each class of objects; none when nothing names the principal.
    pub before: Vec<PrincipalAccess>,
    pub after: Vec<PrincipalAccess>,
}

/// A proof whose verdict a step changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofShift {
    pub manifest: String,
    pub code: String,
    pub claim: String,
    /// `None` where there was nothing to prove anything about.
    pub before: Option<ProofVerdict>,
    pub after: ProofVerdict,
    pub because: Vec<String>,
}

/// What an explanation is made from.
#[derive(Clone, Copy)]
pub struct Reasoning<'a> {
    pub plan: &'a Plan,
    /// What was read and what is wanted; a saved plan holds neither.
    pub seen: Option<(&'a Live, &'a Wanted)>,
}

/// Explains what a plan does to an address.
///
/// # Errors
/// When the plan does not know the address: with the nearest that it knows.
pub fn explain(reasoning: &Reasoning<'_>, asked: &str) -> Result<Explanation, UnknownAddress> {
    let Reasoning { plan, seen } = *reasoning;
    let known = known(reasoning);
    let Some(address) = asked.trim().parse::<Address>().ok().filter(|address| known.contains(address)) else {
        return Err(UnknownAddress {
            asked: asked.to_owned(),
            what: "is not an address of this plan".to_owned(),
            nearest: nearest(asked, &known),
        });
    };
    let change = plan.changes.iter().find(|change| change.address == address).cloned();
    let irreversible = change.as_ref().filter(|one| one.irreversible).map(|one| irreversible(one.address.kind));
    let unchanged = change.is_none().then(|| unchanged(reasoning, &address));
    Ok(Explanation {
        format_version: FORMAT_VERSION.to_owned(),
        wanted: evidence::wanted(change.as_ref(), seen.map(|(_, wanted)| wanted), &address),
        read: evidence::read(reasoning, &address),
        not_read: plan.gaps.clone(),
        irreversible: irreversible.map(str::to_owned),
        steps: steps::explained(plan, &address),
        guards: super::guard::concerning(&plan.guards, &address),
        access: access::reasoning(reasoning, &address),
        change,
        unchanged,
        address,
    })
}

/// Every address that the plan looked at.
fn known(reasoning: &Reasoning<'_>) -> BTreeSet<Address> {
    let plan = reasoning.plan;
    let changed = plan.changes.iter().map(|change| &change.address);
    let stepped = plan.steps.iter().map(|step| &step.address);
    let wanted = reasoning.seen.into_iter().flat_map(|(_, wanted)| {
        let retired = wanted.retire.iter().map(|one| &one.address);
        wanted.resources.iter().map(|one| &one.address).chain(retired)
    });
    let left_out = plan.partial.iter().flat_map(|partial| &partial.left_out).map(|one| &one.address);
    changed.chain(stepped).chain(wanted).chain(left_out).cloned().collect()
}

fn unchanged(reasoning: &Reasoning<'_>, address: &Address) -> String {
    if reasoning.plan.steps.iter().any(|step| step.address == *address) {
        return "it is waited for, not changed".to_owned();
    }
    let left_out = reasoning.plan.partial.iter().flat_map(|partial| &partial.left_out);
    if left_out.into_iter().any(|one| one.address == *address) {
        return "it differs from what is wanted, and is left out of this plan by --target or --exclude".to_owned();
    }
    let query = reasoning.seen.and_then(|(live, wanted)| {
        let resource = wanted.resources.iter().find(|one| one.address == *address)?;
        Some(super::writes::before(live, &resource.query))
    });
    match query {
        Some(answer) if answer.is_unknown() => "it could not be read, so nothing is concluded about it".to_owned(),
        _ => "it is as wanted: live state and declaration agree".to_owned(),
    }
}

/// Why a change of this kind cannot be taken back. The sources are those of `writes::irreversible`.
fn irreversible(kind: Kind) -> &'static str {
    match kind {
        Kind::LogDelivery => {
            "Databricks lets a log-delivery configuration be disabled, never deleted: it stays in the account's list and \
             keeps its name"
        }
        Kind::Credential | Kind::StorageConfiguration => {
            "a log-delivery configuration keeps naming it, and no configuration can be deleted: it stays registered"
        }
        Kind::BucketObjectLock => {
            "S3 lets Object Lock be switched on, never off, and versioning with it; what a retention protects is kept until \
             its day, under COMPLIANCE against everybody"
        }
        _ => "neither this tool nor AWS can undo it",
    }
}
