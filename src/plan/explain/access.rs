//! What the steps at an address do to access: the proofs of the states before and after, compared.

use crate::access::{Assessment, Compiled, Holder, PrincipalAccess};
use crate::model::{Address, Live};
use crate::plan::shift::{Shifts, shifts};
use crate::plan::walk::{Walk, bears_on_access};
use crate::plan::{Plan, Step};

use super::{AccessReasoning, AccessStep, ProofShift, Reasoning, Shift};

const NOT_PROVED: &str = "this plan was made without the proofs";
const NOT_KEPT: &str = "a saved plan keeps who gains and loses, not the witnesses: `auditseal plan --explain ADDRESS` reads \
                        live state and shows them";

pub(super) fn reasoning(reasoning: &Reasoning<'_>, address: &Address) -> AccessReasoning {
    let Reasoning { plan, seen } = *reasoning;
    if !plan.access.is_proved() {
        return AccessReasoning { missing: Some(NOT_PROVED.to_owned()), ..AccessReasoning::default() };
    }
    let proved = plan.access.complete;
    match seen {
        Some((live, _)) => AccessReasoning { proved, missing: None, steps: compared(plan, live, address) },
        None => AccessReasoning { proved, missing: Some(NOT_KEPT.to_owned()), steps: kept(plan, address) },
    }
}

/// Goes through the plan once more, and looks before and after each step at the address.
fn compared(plan: &Plan, live: &Live, address: &Address) -> Vec<AccessStep> {
    let looks = |step: &Step| step.address == *address && bears_on_access(step, &plan.desired);
    let Some(last) = plan.steps.iter().rposition(looks) else { return Vec::new() };
    let compiled = Compiled::default();
    let mut walk = Walk::new(&compiled, &plan.desired, live);
    let mut all = Vec::new();
    for step in plan.steps.iter().take(last.saturating_add(1)) {
        let before = looks(step).then(|| walk.assess());
        walk.take(step);
        if let Some(before) = before {
            all.push(one(step, &before, &walk.assess()));
        }
    }
    all
}

fn one(step: &Step, before: &Assessment, after: &Assessment) -> AccessStep {
    let Shifts { gained, lost, narrowed } = shifts(before, after);
    let witnessed = |holders: Vec<Holder>| holders.into_iter().map(|holder| shift(holder, before, after)).collect();
    AccessStep {
        step: step.id,
        gained: witnessed(gained),
        lost: witnessed(lost),
        narrowed: witnessed(narrowed),
        proofs: proofs(before, after),
    }
}

fn shift(holder: Holder, before: &Assessment, after: &Assessment) -> Shift {
    let of = |assessment: &Assessment| -> Vec<PrincipalAccess> {
        let same = |one: &&PrincipalAccess| {
            (&one.manifest, one.question, &one.arn, one.replica(), one.declared)
                == (&holder.manifest, holder.question, &holder.arn, holder.replica.as_deref(), holder.declared)
        };
        assessment.principals.iter().filter(same).cloned().collect()
    };
    Shift { before: of(before), after: of(after), holder }
}

fn proofs(before: &Assessment, after: &Assessment) -> Vec<ProofShift> {
    let shifts = after.proofs.iter().map(|proof| ProofShift {
        manifest: proof.manifest.clone(),
        code: proof.code.clone(),
        claim: proof.claim.clone(),
        before: before.proof(&proof.manifest, &proof.code).map(|proof| proof.verdict),
        after: proof.verdict,
        because: proof.because.clone(),
    });
    shifts.filter(|shift| shift.before != Some(shift.after)).collect()
}

/// What a saved plan knows: who, without how.
fn kept(plan: &Plan, address: &Address) -> Vec<AccessStep> {
    let alone = |holders: &[Holder]| {
        holders.iter().map(|holder| Shift { holder: holder.clone(), before: Vec::new(), after: Vec::new() }).collect()
    };
    let effects = plan.access.steps.iter().filter(|effect| effect.address == *address);
    effects
        .map(|effect| AccessStep {
            step: effect.step,
            gained: alone(&effect.gained),
            lost: alone(&effect.lost),
            narrowed: Vec::new(),
            proofs: Vec::new(),
        })
        .collect()
}
