//! Guards that ask the proofs: no step opens the logs to somebody whom the declaration does not name.

use std::collections::BTreeSet;

use super::{Subject, Verdicts};

pub(super) fn check(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    widened(subject, verdicts);
    remains(subject, verdicts);
}

/// A live state that is open already, and that the plan closes, is no reason to refuse: only what a step adds is.
fn widened(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    let mut clean = true;
    for effect in &subject.access.steps {
        for holder in effect.gained.iter().filter(|holder| !holder.declared) {
            clean = false;
            let title = subject.steps.get(effect.step).map_or("", |step| step.title.as_str());
            verdicts.refuse(
                "access-widened",
                format!(
                    "{}: after `{title}` {} could {} the logs, which `{}` does not declare",
                    effect.address,
                    holder.arn,
                    holder.question.name(),
                    holder.manifest
                ),
            );
        }
    }
    if clean {
        verdicts.pass("access-widened", "no step lets anybody in whom the declaration does not name");
    }
}

/// What the plan leaves open is not its doing, and has to be said.
fn remains(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    let mut open: Vec<(&str, BTreeSet<&str>)> = Vec::new();
    for holder in &subject.access.undeclared {
        match open.iter_mut().find(|(arn, _)| *arn == holder.arn) {
            Some((_, questions)) => {
                questions.insert(holder.question.name());
            }
            None => open.push((&holder.arn, BTreeSet::from([holder.question.name()]))),
        }
    }
    if open.is_empty() {
        verdicts.pass("undeclared-access-remains", "after the plan only the declared can do anything to the logs");
        return;
    }
    for (arn, questions) in open {
        let questions: Vec<&str> = questions.into_iter().collect();
        verdicts.warn(
            "undeclared-access-remains",
            format!(
                "{arn} is not declared and can still {} the logs: `auditseal access --principal {arn}` shows how",
                questions.join(", ")
            ),
        );
    }
}
