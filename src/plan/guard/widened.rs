//! Guards that ask the proofs: no step opens the logs to somebody whom the declaration does not name.

use std::collections::{BTreeMap, BTreeSet};

use crate::access::Holder;
use crate::model::Arn;

use super::{Subject, Verdicts};

pub(super) fn check(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    if !subject.access.is_proved() {
        return;
    }
    widened(subject, verdicts);
    remains(subject, verdicts);
}

/// A live state that is open already, and that the plan closes, is no reason to refuse: only what a step adds is.
fn widened(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    let mut clean = true;
    for effect in &subject.access.steps {
        let gained = effect.gained.iter().filter(|holder| !holder.declared && !is_a_members_matter(subject, holder));
        for holder in gained {
            clean = false;
            let title = subject.steps.get(effect.step).map_or("", |step| step.title.as_str());
            verdicts.refuse(
                "access-widened",
                format!(
                    "{}: after `{title}` {}{} could {} the logs{}, which `{}` does not declare",
                    effect.address,
                    holder.arn,
                    holder.through.as_ref().map(|role| format!(" as {role}")).unwrap_or_default(),
                    holder.question.name(),
                    holder.replica.as_ref().map(|bucket| format!(" in replica `{bucket}`")).unwrap_or_default(),
                    holder.manifest
                ),
            );
        }
    }
    if clean {
        verdicts.pass("access-widened", "no step lets anybody in whom the declaration does not name");
    }
}

/// Whoever may take the role of a declared reader reads as that reader. Declaring the role says so, and its trust policy is
/// not what a plan changes: it is told, not refused.
fn is_a_members_matter(subject: &Subject<'_>, holder: &Holder) -> bool {
    let Some(desired) = subject.desired.iter().find(|one| one.name == holder.manifest) else { return false };
    let role = |arn: &Arn| Some(arn.to_string()) == holder.through;
    let observers = desired.observers.values().map(|observer| &observer.role);
    desired.reader_roles().into_iter().chain(desired.admin_roles()).chain(observers).any(role)
}

/// What the plan leaves open is not its doing, and has to be said.
fn remains(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    let mut open: BTreeMap<(&str, Option<&str>), BTreeSet<&str>> = BTreeMap::new();
    for holder in &subject.access.undeclared {
        open.entry((&holder.arn, holder.through.as_deref())).or_default().insert(holder.question.name());
    }
    if !subject.access.gaps.is_empty() {
        // Of whom nothing is known, nothing is said one by one: `unread-inputs` names what is missing.
        return;
    }
    if open.is_empty() {
        verdicts.pass("undeclared-access-remains", "after the plan only the declared can do anything to the logs");
        return;
    }
    for ((arn, through), questions) in open {
        let through = through.map(|role| format!(" as {role}")).unwrap_or_default();
        let questions: Vec<&str> = questions.into_iter().collect();
        verdicts.warn(
            "undeclared-access-remains",
            format!(
                "{arn} is not declared and can still {} the logs{through}: `auditseal access --principal {arn}` shows how",
                questions.join(", ")
            ),
        );
    }
}
