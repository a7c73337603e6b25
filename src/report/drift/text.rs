//! A check as text.

use std::fmt::{self, Write};

use crate::drift::{Check, DeliveryState, OpenFinding};
use crate::finding::{Finding, Severity};

use super::super::style::{Role, Style};
use super::super::value::plain;
use super::{delivery, history, severity, verdict};

/// How a check is printed.
#[derive(Clone, Copy, Debug, Default)]
pub struct DriftOptions {
    pub color: bool,
    /// One line for each finding.
    pub concise: bool,
}

/// Writes the check for people: what is open, new ones marked `+`; what closed, marked `-`; what could not be read; how
/// the deliveries do.
///
/// # Errors
/// When the writer fails.
pub fn drift_text(check: &Check, options: DriftOptions, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color: options.color };
    let bad = !check.complete || !check.refused.is_empty();
    let role = if bad { Role::Refusal } else { Role::Heading };
    writeln!(out, "{}", style.paint(role, plain(&verdict(check))))?;
    heading(!check.open.is_empty(), "Open:", style, out)?;
    for one in check.open.iter().filter(|one| one.new).chain(check.open.iter().filter(|one| !one.new)) {
        open(one, options, style, out)?;
    }
    heading(!check.closed.is_empty(), "Closed:", style, out)?;
    for one in &check.closed {
        let head = style.paint(Role::Create, "-");
        writeln!(out, "  {head} {}", line(&one.finding))?;
        if !options.concise {
            writeln!(out, "      open since {:.0}", one.since)?;
        }
    }
    heading(!check.deliveries.is_empty(), "Deliveries:", style, out)?;
    for one in &check.deliveries {
        let role = match one.state {
            DeliveryState::Delivering | DeliveryState::New | DeliveryState::Disabled => Role::Faint,
            DeliveryState::Unknown => Role::Warning,
            DeliveryState::Silent | DeliveryState::Failing | DeliveryState::Missing => Role::Refusal,
        };
        writeln!(out, "  {}: {}", plain(&one.manifest), style.paint(role, delivery(one)))?;
    }
    for note in &check.notes {
        writeln!(out, "\nNote: {}", plain(note))?;
    }
    Ok(())
}

/// A line for the log of checks that go on: the time, the verdict, what opened and what closed.
///
/// # Errors
/// When the writer fails.
pub fn drift_news(check: &Check, options: DriftOptions, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color: options.color };
    writeln!(out, "{:.0} {}", check.checked_at, plain(&verdict(check)))?;
    for one in check.open.iter().filter(|one| one.new) {
        open(one, options, style, out)?;
    }
    for one in &check.closed {
        writeln!(out, "  {} {}", style.paint(Role::Create, "-"), line(&one.finding))?;
    }
    Ok(())
}

fn heading(any: bool, text: &str, style: Style, out: &mut dyn Write) -> fmt::Result {
    if any { writeln!(out, "\n{}\n", style.paint(Role::Heading, text)) } else { Ok(()) }
}

fn line(finding: &Finding) -> String {
    format!(
        "{:<8} {} {}: {}",
        severity(finding.severity),
        finding.code,
        plain(&finding.subject),
        plain(&finding.message)
    )
}

fn open(one: &OpenFinding, options: DriftOptions, style: Style, out: &mut dyn Write) -> fmt::Result {
    let sign = if one.new { "+" } else { " " };
    let role = match one.finding.severity {
        Severity::Critical | Severity::High => Role::Refusal,
        Severity::Medium => Role::Warning,
        Severity::Low | Severity::Info => Role::Faint,
    };
    writeln!(out, "  {} {}", style.paint(Role::Update, sign), style.paint(role, line(&one.finding)))?;
    if options.concise {
        return Ok(());
    }
    if let Some(history) = history(one) {
        writeln!(out, "      {history}")?;
    }
    if let Some(help) = &one.finding.help {
        writeln!(out, "      {}", style.paint(Role::Faint, plain(help)))?;
    }
    Ok(())
}
