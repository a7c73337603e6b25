//! Guards that ask the proofs: no step opens the logs to somebody whom the declaration does not name.

use std::collections::{BTreeMap, BTreeSet};

use super::super::{GuardResult, Order, Verdict, Waits};
use super::violation::{DELIVERY, Violation, WIDENED, after, violations};
use super::{Subject, Verdicts};

pub(super) fn check(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    if !subject.access.is_proved() {
        return;
    }
    proved(subject, verdicts);
    reordered(subject, verdicts);
    remains(subject, verdicts);
}

/// What the proofs say of every state, beside what the guards of one context have said.
fn proved(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    let found = violations(subject.desired, subject.live, subject.steps, subject.access);
    let searched = match subject.order {
        Order::NoneFound { tried: 0, bounded: false } => "; what depends on what allows no other order".to_owned(),
        Order::NoneFound { tried, bounded: false } => format!("; none of {tried} other orders of the steps avoids it"),
        Order::NoneFound { tried, bounded: true } => {
            format!("; no order that avoids it was found before the search ended, after {tried} others")
        }
        Order::Usual | Order::Other(_) => String::new(),
    };
    for Violation { step, manifest, code, message } in &found {
        let of_manifest =
            |result: &GuardResult| *code != DELIVERY || result.message.starts_with(&format!("`{manifest}`:"));
        let passed = |result: &GuardResult| result.verdict == Verdict::Pass && result.code == *code;
        verdicts.results.retain(|result| !(passed(result) && of_manifest(result)));
        // The same step, refused for the same by one context already.
        let same =
            |result: &GuardResult| result.code == *code && result.message.starts_with(&after(subject.steps, *step));
        if *code == WIDENED || !verdicts.results.iter().any(same) {
            verdicts.refuse(code, format!("{message}{searched}"));
        }
    }
    if !found.iter().any(|one| one.code == WIDENED) {
        verdicts.pass(WIDENED, "no step lets anybody in whom the declaration does not name");
    }
}

/// Another order than the usual one is said, with its reason.
fn reordered(subject: &Subject<'_>, verdicts: &mut Verdicts<'_>) {
    let Order::Other(waits) = subject.order else { return };
    for Waits { step, title, behind, because } in waits {
        verdicts.warn(
            "safe-order",
            format!("{step}: `{title}` waits for {behind}, against the usual order, in which: {because}"),
        );
    }
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
