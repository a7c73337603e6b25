//! Who gains and loses by the steps at an address, with the witnesses before and after.

use std::fmt::{self, Write};

use crate::access::{Holder, PrincipalAccess, Verdict};
use crate::plan::Explanation;
use crate::plan::explain::{AccessStep, ProofShift, Shift};

use super::super::style::{Role, Style};
use crate::report::access::{grounds, show};

/// Principals of one kind of shift that are shown unless all are asked for.
const SHOWN: usize = 8;

pub(super) fn text(explanation: &Explanation, verbose: bool, style: Style, out: &mut dyn Write) -> fmt::Result {
    let access = &explanation.access;
    writeln!(out, "{}\n", style.paint(Role::Heading, "What it does to access:"))?;
    if !access.proved && access.missing.is_none() {
        writeln!(out, "  Not everything was read that a proof needs: what is not known may be allowed.")?;
    }
    for step in &access.steps {
        one_step(explanation, step, verbose, style, out)?;
    }
    if access.steps.is_empty() && access.missing.is_none() {
        writeln!(out, "  Nothing: no step here bears on who can read, write, tamper with or list the logs.")?;
    }
    if let Some(missing) = &access.missing {
        writeln!(out, "  {}", style.paint(Role::Faint, show(missing)))?;
    }
    Ok(())
}

fn one_step(
    explanation: &Explanation,
    step: &AccessStep,
    verbose: bool,
    style: Style,
    out: &mut dyn Write,
) -> fmt::Result {
    let title = explanation.steps.iter().find(|one| one.step == step.step).map_or("", |one| one.title.as_str());
    writeln!(out, "  {}", style.paint(Role::Heading, format!("{}. {}", step.step.saturating_add(1), show(title))))?;
    let AccessStep { step: _, gained, lost, narrowed, proofs } = step;
    if gained.is_empty() && lost.is_empty() && narrowed.is_empty() && proofs.is_empty() {
        return writeln!(out, "    nobody gains or loses anything by it");
    }
    for (sign, role, word, shifts) in [
        ('+', Role::Create, "gains", gained),
        ('-', Role::Delete, "loses", lost),
        ('~', Role::Update, "keeps, under more conditions,", narrowed),
    ] {
        let limit = if verbose { shifts.len() } else { SHOWN };
        for shift in shifts.iter().take(limit) {
            let head = format!("{sign} {}", sentence(word, &shift.holder));
            writeln!(out, "    {}", style.paint(role, head))?;
            sides(shift, out)?;
        }
        if shifts.len() > limit {
            writeln!(out, "    {sign} {} more, `-v` shows them", shifts.len() - limit)?;
        }
    }
    for ProofShift { manifest: _, code, claim, before, after, because } in proofs {
        let before = before.map_or("nothing to prove", |verdict| verdict.name());
        writeln!(out, "    proof {}: {before} -> {}: {}", show(code), after.name(), show(claim))?;
        for reason in because {
            writeln!(out, "        {}", show(reason))?;
        }
    }
    Ok(())
}

fn sentence(word: &str, holder: &Holder) -> String {
    let through = holder.through.as_ref().map(|role| format!(" as {}", show(role))).unwrap_or_default();
    let replica = holder.replica.as_ref().map(|bucket| format!(" in replica `{}`", show(bucket))).unwrap_or_default();
    let declared = if holder.declared { "declared" } else { "not declared" };
    format!("{}{through} {word} {}{replica} ({declared})", show(&holder.arn), holder.question.name())
}

fn sides(shift: &Shift, out: &mut dyn Write) -> fmt::Result {
    if shift.before.is_empty() && shift.after.is_empty() {
        return Ok(());
    }
    side("before", &shift.before, out)?;
    side("after", &shift.after, out)
}

/// Where something is possible, that is what matters; where nothing is, what stands in the way does.
fn side(word: &str, all: &[PrincipalAccess], out: &mut dyn Write) -> fmt::Result {
    let possible = all.iter().any(|one| one.verdict.possible());
    let mut same: Vec<(&PrincipalAccess, Vec<&str>)> = Vec::new();
    for one in all.iter().filter(|one| one.verdict.possible() == possible) {
        match same.iter_mut().find(|(other, _)| rests_on_the_same(other, one)) {
            Some((_, classes)) => classes.push(&one.object_class),
            None => same.push((one, vec![&one.object_class])),
        }
    }
    if same.is_empty() {
        return writeln!(out, "        {word}: cannot, nothing names it");
    }
    for (one, classes) in same {
        if one.verdict == Verdict::Cannot {
            writeln!(out, "        {word}: cannot: {}", show(&one.blocked_by.join("; ")))?;
            continue;
        }
        write!(out, "        {word}: {}, objects {}", one.verdict.name(), show(&classes.join(", ")))?;
        writeln!(out, ": {}", one.actions.join(", "))?;
        for hop in &one.via {
            let conditions = hop.conditions.iter().map(|text| format!(", only if {}", show(text))).collect::<String>();
            let statements = hop.statements.iter().map(|text| show(text)).collect::<Vec<_>>().join(" + ");
            writeln!(out, "          through: {} ({}: {statements}{conditions})", show(&hop.role), hop.by)?;
        }
        grounds(one, "          ", out)?;
    }
    Ok(())
}

fn rests_on_the_same(a: &PrincipalAccess, b: &PrincipalAccess) -> bool {
    let of = |one: &PrincipalAccess| {
        let witness = (one.witness.s3.clone(), one.witness.kms.clone(), one.witness.unity_catalog.clone());
        (one.verdict, one.actions.clone(), one.via.clone(), witness, one.conditions.clone(), one.blocked_by.clone())
    };
    of(a) == of(b)
}
