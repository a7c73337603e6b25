//! An explanation as text: what was read, what is wanted and why, the steps and their order, the guards, the access.

use std::fmt::{self, Write};

use crate::plan::Explanation;
use crate::plan::explain::{Answer, Evidence, ExplainedStep, Link, Reason};

use super::super::style::{Role, Style};
use super::super::text::{in_full, verdict_name, verdict_role};
use crate::report::access::show;

/// Writes an explanation for people.
///
/// # Errors
/// When the writer fails.
pub fn explanation_text(explanation: &Explanation, color: bool, verbose: bool, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color };
    head(explanation, style, out)?;
    read(explanation, style, out)?;
    wanted(&explanation.wanted, style, out)?;
    if let Some(because) = &explanation.irreversible {
        writeln!(out, "{} {}\n", style.paint(Role::Refusal, "Irreversible:"), show(because))?;
    }
    steps(&explanation.steps, style, out)?;
    guards(explanation, style, out)?;
    super::access::text(explanation, verbose, style, out)
}

/// The same in a block of its own: every line of it is data.
#[must_use]
pub fn explanation_markdown(explanation: &Explanation) -> String {
    let mut body = String::new();
    // A string takes everything.
    let _ = explanation_text(explanation, false, false, &mut body);
    let fence = super::super::markdown::fence(&body);
    format!("{fence}text\n{}\n{fence}\n", body.trim_end())
}

fn head(explanation: &Explanation, style: Style, out: &mut dyn Write) -> fmt::Result {
    match (&explanation.change, &explanation.unchanged) {
        (Some(change), _) => in_full(change, style, out),
        (None, because) => {
            let because = because.as_deref().unwrap_or("nothing is done");
            let address = show(&explanation.address.to_string());
            writeln!(out, "{}: {}\n", style.paint(Role::Heading, address), show(because))
        }
    }
}

fn read(explanation: &Explanation, style: Style, out: &mut dyn Write) -> fmt::Result {
    if !explanation.read.is_empty() {
        writeln!(out, "{}\n", style.paint(Role::Heading, "What was read:"))?;
        let mut serves = "";
        for Evidence { question, place, permission, answer, serves: purpose } in &explanation.read {
            if serves != purpose {
                writeln!(out, "  {}", style.paint(Role::Faint, format!("{}:", show(purpose))))?;
                serves = purpose;
            }
            let answer = match answer {
                Answer::Present => "present".to_owned(),
                Answer::Absent => "absent".to_owned(),
                Answer::NotAsked => "not asked".to_owned(),
                Answer::MadeByThePlan => "made by this plan".to_owned(),
                Answer::Unknown => match permission {
                    Some(permission) => format!("NOT READ, needs {permission}"),
                    None => "NOT READ".to_owned(),
                },
            };
            writeln!(out, "    {}, {}: {answer}", show(question), show(place))?;
        }
        writeln!(out)?;
    }
    if !explanation.not_read.is_empty() {
        writeln!(out, "{}\n", style.paint(Role::Warning, "Not read, so nothing is concluded about it:"))?;
        for gap in &explanation.not_read {
            writeln!(out, "  ? {}", show(&gap.to_string()))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Reasons of what changes stand beside the change already.
fn wanted(reasons: &[Reason], style: Style, out: &mut dyn Write) -> fmt::Result {
    let mut kept = reasons.iter().filter(|reason| !reason.changes).peekable();
    if kept.peek().is_none() {
        return Ok(());
    }
    writeln!(out, "{}\n", style.paint(Role::Heading, "Wanted as it is, and why:"))?;
    for Reason { path, reason, controls: _, changes: _ } in kept {
        let path = if path.is_empty() { "(the whole)".to_owned() } else { show(path) };
        writeln!(out, "  {path}: {}", show(reason))?;
    }
    writeln!(out)
}

fn steps(steps: &[ExplainedStep], style: Style, out: &mut dyn Write) -> fmt::Result {
    if steps.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}\n", style.paint(Role::Heading, "Steps:"))?;
    for step in steps {
        let number = step.step.saturating_add(1);
        writeln!(
            out,
            "  {number}. {} {}",
            show(&step.title),
            style.paint(Role::Faint, format!("({})", show(&step.does)))
        )?;
        if let Some(place) = &step.place {
            writeln!(out, "     where: {}", show(place))?;
        }
        writeln!(out, "     why here: {}", show(&step.order))?;
        links("after", &step.after, out)?;
        links("before", &step.before, out)?;
        if step.precondition {
            writeln!(out, "     checked: live state is read again right before it and has to be as it was")?;
        }
        if let Some(undo) = &step.undo {
            writeln!(out, "     taken back: by {undo}, when no delivery succeeds after it")?;
        }
    }
    writeln!(out)
}

/// Links of one reason are one line.
fn links(word: &str, links: &[Link], out: &mut dyn Write) -> fmt::Result {
    let mut by_reason: Vec<(&str, Vec<String>)> = Vec::new();
    for Link { step, address, because, title: _ } in links {
        let name = format!("{} {}", step.saturating_add(1), show(&address.to_string()));
        match by_reason.iter_mut().find(|(known, _)| known == because) {
            Some((_, names)) => names.push(name),
            None => by_reason.push((because, vec![name])),
        }
    }
    for (because, names) in by_reason {
        writeln!(out, "     {word} {}: {}", names.join(", "), show(because))?;
    }
    Ok(())
}

fn guards(explanation: &Explanation, style: Style, out: &mut dyn Write) -> fmt::Result {
    if explanation.guards.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}\n", style.paint(Role::Heading, "Guards that looked at it:"))?;
    for guard in &explanation.guards {
        let line = format!("{}: {}", show(&guard.code), verdict_name(guard.verdict));
        writeln!(out, "  {}: {}", style.paint(verdict_role(guard.verdict), line), show(&guard.message))?;
    }
    writeln!(out)
}
