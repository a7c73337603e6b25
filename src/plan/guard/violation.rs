//! What the proofs say against a step: it lets somebody in, stops the delivery, or takes control from everybody. Asked for
//! every order that is looked at, and by the guards of the last one.

use std::collections::BTreeSet;

use crate::access::{Holder, ProofVerdict};
use crate::call::Write;
use crate::harden::live_writers;
use crate::model::{Arn, Desired, Live};

use super::super::effects::{Effects, ProofEffect};
use super::super::{Step, StepAction, StepId};

/// Something that a step does and that no plan may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub step: StepId,
    pub manifest: String,
    pub code: &'static str,
    pub message: String,
}

pub(super) const WIDENED: &str = "access-widened";
pub(super) const DELIVERY: &str = "delivery-cannot-write";
pub(super) const BUCKET: &str = "self-lockout-bucket";
pub(super) const KEY: &str = "self-lockout-key";

/// Reasons that one message names.
const NAMED: usize = 3;

/// Every violation, in the order of the steps. A live state that is open, broken or out of control already is none: only
/// what a step makes worse is.
#[must_use]
pub fn violations(desired: &[Desired], live: &Live, steps: &[Step], effects: &Effects) -> Vec<Violation> {
    let mut all = widened(desired, live, steps, effects);
    for one in desired {
        all.extend(delivery(one, live, steps, effects));
        all.extend(control(one, steps, effects));
    }
    all.sort_by_key(|one| one.step);
    all
}

/// The words that a message begins with: the address and the step after which it is so.
pub(super) fn after(steps: &[Step], step: StepId) -> String {
    steps.get(step).map(|step| format!("{}: after `{}`", step.address, step.title)).unwrap_or_default()
}

fn widened(desired: &[Desired], live: &Live, steps: &[Step], effects: &Effects) -> Vec<Violation> {
    let mut all = Vec::new();
    let is_meant = |holder: &Holder| {
        holder.declared || is_a_members_matter(desired, holder) || is_the_old_delivery(desired, live, effects, holder)
    };
    for effect in &effects.steps {
        for holder in effect.gained.iter().filter(|holder| !is_meant(holder)) {
            let through = holder.through.as_ref().map(|role| format!(" as {role}")).unwrap_or_default();
            let replica = holder.replica.as_ref().map(|bucket| format!(" in replica `{bucket}`")).unwrap_or_default();
            all.push(Violation {
                step: effect.step,
                manifest: holder.manifest.clone(),
                code: WIDENED,
                message: format!(
                    "{} {}{through} could {} the logs{replica}, which `{}` does not declare",
                    after(steps, effect.step),
                    holder.arn,
                    holder.question.name(),
                    holder.manifest
                ),
            });
        }
    }
    all
}

/// Whoever may take the role of a declared reader reads as that reader. Declaring the role says so, and its trust policy is
/// not what a plan changes: it is told, not refused.
fn is_a_members_matter(desired: &[Desired], holder: &Holder) -> bool {
    let Some(desired) = desired.iter().find(|one| one.name == holder.manifest) else { return false };
    let role = |arn: &Arn| Some(arn.to_string()) == holder.through;
    let observers = desired.observers.values().map(|observer| &observer.role);
    desired.reader_roles().into_iter().chain(desired.admin_roles()).chain(observers).any(role)
}

/// While a delivery moves, policies name both sides: the role that delivers today may do at the new prefix and under the new
/// key what it may do at the old ones. Somebody who could do nothing of the kind before is never meant.
fn is_the_old_delivery(desired: &[Desired], live: &Live, effects: &Effects, holder: &Holder) -> bool {
    let Some(desired) = desired.iter().find(|one| one.name == holder.manifest) else { return false };
    let could = effects.before.of(holder.question).contains(&holder.arn);
    let role = holder.through.as_ref().unwrap_or(&holder.arn);
    could && holder.replica.is_none() && live_writers(desired, live).iter().any(|writer| writer.role_arn == *role)
}

fn turns<'a>(effects: &'a Effects, desired: &'a Desired, code: &'a str) -> impl Iterator<Item = &'a ProofEffect> {
    effects.proofs.iter().filter(move |effect| effect.manifest == desired.name && effect.code == code)
}

fn because(effect: &ProofEffect) -> String {
    let more = effect.because.len().saturating_sub(NAMED);
    let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
    let named: Vec<&str> = effect.because.iter().take(NAMED).map(String::as_str).collect();
    format!("{}{rest}", named.join("; "))
}

/// Delivery that worked before a step works after it, and none begins that a step has broken. What breaks while nothing
/// is delivered with the declared role, and is right again when something is, stops nobody: a new estate, and the new
/// side of a move, are put together in such states.
fn delivery(desired: &Desired, live: &Live, steps: &[Step], effects: &Effects) -> Vec<Violation> {
    let mut all = Vec::new();
    let mut changes = turns(effects, desired, "delivery-works").peekable();
    let holds = |verdict: ProofVerdict| verdict != ProofVerdict::DoesNotHold;
    let mut held = changes.peek().and_then(|first| first.before).is_some_and(holds);
    let mut broken: Option<&ProofEffect> = None;
    let mut active = Active::of(desired, live);
    for step in steps {
        active.take(step, desired);
        while let Some(change) = changes.next_if(|change| change.step <= step.id) {
            broken = (held && !holds(change.after)).then_some(change);
            held |= holds(change.after);
        }
        if active.0.is_empty() {
            continue;
        }
        if let Some(change) = broken.take() {
            all.push(Violation {
                step: change.step,
                manifest: desired.name.clone(),
                code: DELIVERY,
                message: format!(
                    "{} the delivery of `{}`, which worked before, is refused in some context: {}",
                    after(steps, change.step),
                    desired.name,
                    because(change)
                ),
            });
        }
    }
    all
}

/// Configurations that deliver with the declared role at a moment.
struct Active(BTreeSet<String>);

impl Active {
    fn of(desired: &Desired, live: &Live) -> Self {
        let role = desired.role.arn.to_string();
        let writers = live_writers(desired, live).into_iter().filter(|writer| writer.role_arn == role);
        Self(writers.map(|writer| writer.config_id).collect())
    }

    fn take(&mut self, step: &Step, desired: &Desired) {
        let StepAction::Write { write, .. } = &step.action else { return };
        let own = step.address.manifest == desired.name;
        match write {
            Write::CreateLogDelivery { name, .. } if own => {
                self.0.insert(name.clone());
            }
            Write::SetLogDeliveryStatus { config_id, status } if status == "DISABLED" => {
                self.0.remove(config_id);
            }
            Write::SetLogDeliveryStatus { config_id, .. } if own => {
                self.0.insert(config_id.clone());
            }
            _ => {}
        }
    }
}

/// A declared admin who could change the policies of bucket and key before a step can do so after it.
fn control(desired: &Desired, steps: &[Step], effects: &Effects) -> Vec<Violation> {
    let lost = turns(effects, desired, "control-kept").filter(|effect| {
        effect.after == ProofVerdict::DoesNotHold
            && effect.before.is_some_and(|before| before != ProofVerdict::DoesNotHold)
    });
    let of = |effect: &ProofEffect, action: &str, code: &'static str| {
        let about = effect.because.iter().any(|reason| reason.contains(action));
        about.then(|| Violation {
            step: effect.step,
            manifest: desired.name.clone(),
            code,
            message: format!("{} {}", after(steps, effect.step), because(effect)),
        })
    };
    lost.flat_map(|effect| [of(effect, "s3:PutBucketPolicy", BUCKET), of(effect, "kms:PutKeyPolicy", KEY)])
        .flatten()
        .collect()
}
