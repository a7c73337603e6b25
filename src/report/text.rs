//! A plan as text, in Terraform's manner.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use crate::finding::{Finding, Severity};
use crate::model::{Gap, Intent};
use crate::plan::{Action, Change, GuardResult, LeftOut, Plan, Step, StepAction, Verdict};

use super::change::{Detail, details, role, sentence, sign, symbol};
use super::codes::Code;
use super::statement::Sign;
use super::style::{Role, Style};
use super::value::{plain, without_tokens};

/// Field names are padded up to this width, longer ones stand out.
const WIDEST_PATH: usize = 44;
/// Reads that are named for one cause, unless all are asked for.
const SHOWN_GAPS: usize = 3;

/// What to show, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextOptions {
    pub color: bool,
    /// One line per change.
    pub concise: bool,
    /// Also guards that pass and resources that stay as they are.
    pub verbose: bool,
    /// Also the ordered steps.
    pub steps: bool,
}

/// Writes the plan for people.
///
/// # Errors
/// When the writer fails.
pub fn plan_text(plan: &Plan, options: TextOptions, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color: options.color };
    // Changes against an account that nobody could look into would only be guesses.
    if blind(plan).is_empty() {
        changes(plan, options, style, out)?;
        if options.steps {
            steps(&plan.steps, style, out)?;
        }
        super::waived::text(plan, options, style, out)?;
        super::effects::text(plan, options, style, out)?;
        left_out(plan, options, style, out)?;
    }
    gaps(plan, options.verbose, style, out)?;
    guards(&plan.guards, options.verbose, style, out)?;
    super::preflight::text(&plan.preflight, options.verbose, style, out)?;
    findings(&plan.findings, style, out)?;
    summary(plan, options, style, out)
}

/// What `--target` and `--exclude` keep from being done.
fn left_out(plan: &Plan, options: TextOptions, style: Style, out: &mut dyn Write) -> fmt::Result {
    let Some(partial) = plan.partial.as_ref().filter(|partial| !partial.left_out.is_empty()) else { return Ok(()) };
    writeln!(out, "{}\n", style.paint(Role::Warning, "Left out of this plan by --target or --exclude:"))?;
    let shown = if options.concise { SHOWN_GAPS } else { partial.left_out.len() };
    for LeftOut { address, action } in partial.left_out.iter().take(shown) {
        writeln!(out, "  {:>3} {}", symbol(*action), plain(&address.to_string()))?;
    }
    if partial.left_out.len() > shown {
        writeln!(out, "      and {} more", partial.left_out.len() - shown)?;
    }
    writeln!(out)
}

/// AWS accounts that did not even say who is calling: no usable credentials, or no way to reach them.
pub(super) fn blind(plan: &Plan) -> Vec<&str> {
    let accounts: BTreeSet<&str> = plan.desired.iter().map(|one| one.aws.account_id.as_str()).collect();
    let unknown = |account: &&str| !plan.complete && !plan.caller.contains_key(*account);
    accounts.into_iter().filter(unknown).collect()
}

fn changes(plan: &Plan, options: TextOptions, style: Style, out: &mut dyn Write) -> fmt::Result {
    let shown = |change: &&Change| options.verbose || change.action != Action::Noop;
    let mut any = false;
    for change in plan.changes.iter().filter(shown) {
        if !any {
            writeln!(out, "{}\n", style.paint(Role::Heading, "auditseal will perform the following actions:"))?;
            any = true;
        }
        if options.concise { one_line(change, style, out)? } else { in_full(change, style, out)? }
    }
    if any && options.concise { writeln!(out) } else { Ok(()) }
}

fn one_line(change: &Change, style: Style, out: &mut dyn Write) -> fmt::Result {
    let head = format!("{:>3} {}", symbol(change.action), plain(&change.address.to_string()));
    write!(out, "{}: {}", style.paint(role(change.action), head), plain(&change.reason))?;
    if change.irreversible {
        write!(out, " {}", style.paint(Role::Refusal, "# irreversible"))?;
    }
    writeln!(out)
}

pub(super) fn in_full(change: &Change, style: Style, out: &mut dyn Write) -> fmt::Result {
    let address = plain(&change.address.to_string());
    let head = format!("# {address} {}", sentence(change.action));
    writeln!(out, "  {}", style.paint(Role::Heading, head))?;
    if !change.reason.is_empty() {
        writeln!(out, "  # {}", plain(&change.reason))?;
    }
    if change.irreversible {
        writeln!(
            out,
            "  {}",
            style.paint(Role::Refusal, "# irreversible: it cannot be undone, by this tool or by AWS")
        )?;
    }
    writeln!(out, "{}", style.paint(role(change.action), format!("{:>3} {address}", symbol(change.action))))?;
    let details = details(change);
    let width = details
        .iter()
        .filter_map(|detail| match detail {
            Detail::Field { path, .. } => Some(path.chars().count()),
            Detail::Statement { .. } => None,
        })
        .filter(|width| *width <= WIDEST_PATH)
        .max()
        .unwrap_or(0);
    for detail in &details {
        one_field(detail, width, style, out)?;
    }
    writeln!(out)
}

fn one_field(detail: &Detail, width: usize, style: Style, out: &mut dyn Write) -> fmt::Result {
    match detail {
        Detail::Field { path, before, after, reason } => {
            let sign = sign(before.is_none(), after.is_none());
            let value = match (before, after) {
                (None, Some(after)) => after.clone(),
                (before, after) => format!("{} -> {}", or_null(before.as_deref()), or_null(after.as_deref())),
            };
            write!(out, "      {} {path:<width$} = {value}", style.paint(sign_role(sign), sign))?;
            with_reason(reason.as_deref(), style, out)
        }
        Detail::Statement { path, sign, reason, lines } => {
            write!(out, "      {} {path}", style.paint(sign_role(*sign), sign))?;
            with_reason(reason.as_deref(), style, out)?;
            for (sign, line) in lines {
                let line = format!("{} {line}", sign.mark());
                match sign {
                    Sign::Same => writeln!(out, "          {line}")?,
                    Sign::Add => writeln!(out, "          {}", style.paint(Role::Create, line))?,
                    Sign::Remove => writeln!(out, "          {}", style.paint(Role::Delete, line))?,
                }
            }
            Ok(())
        }
    }
}

fn or_null(value: Option<&str>) -> &str {
    value.unwrap_or("null")
}

fn with_reason(reason: Option<&str>, style: Style, out: &mut dyn Write) -> fmt::Result {
    match reason {
        Some(reason) => writeln!(out, "  {}", style.paint(Role::Faint, format!("# {reason}"))),
        None => writeln!(out),
    }
}

fn sign_role(sign: char) -> Role {
    match sign {
        '+' => Role::Create,
        '-' => Role::Delete,
        _ => Role::Update,
    }
}

fn steps(steps: &[Step], style: Style, out: &mut dyn Write) -> fmt::Result {
    if steps.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}\n", style.paint(Role::Heading, "Steps, in this order:"))?;
    let width = steps.len().to_string().len();
    for (index, step) in steps.iter().enumerate() {
        let number = index.saturating_add(1);
        let address = plain(&step.address.to_string());
        write!(
            out,
            "  {number:>width$}. {} {}",
            plain(&without_tokens(&step.title)),
            style.paint(Role::Faint, address)
        )?;
        let how = match &step.action {
            StepAction::Write { write, .. } => write.operation().to_owned(),
            StepAction::AwaitDelivery { deadline_seconds, .. } => {
                format!("waits up to {} for a successful delivery", duration(*deadline_seconds))
            }
            StepAction::Pause { seconds, reason } => format!("waits {}: {}", duration(*seconds), plain(reason)),
        };
        writeln!(out, " {}", style.paint(Role::Faint, format!("({how})")))?;
    }
    writeln!(out)
}

/// Seconds in the largest unit that divides them.
fn duration(seconds: u64) -> String {
    let (count, unit) = match seconds {
        s if s > 0 && s.is_multiple_of(3600) => (s / 3600, "hour"),
        s if s > 0 && s.is_multiple_of(60) => (s / 60, "minute"),
        s => (s, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// One cause is said once, however many reads it stopped.
fn gaps(plan: &Plan, verbose: bool, style: Style, out: &mut dyn Write) -> fmt::Result {
    if plan.gaps.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}\n", style.paint(Role::Warning, "Not read, so nothing is concluded about it:"))?;
    let mut causes: BTreeMap<(&str, Option<&str>), Vec<&Gap>> = BTreeMap::new();
    for gap in &plan.gaps {
        causes.entry((&gap.message, gap.permission.as_deref())).or_default().push(gap);
    }
    let (single, many): (Vec<_>, Vec<_>) = causes.into_iter().partition(|(_, gaps)| gaps.len() == 1);
    for gap in single.iter().flat_map(|(_, gaps)| gaps) {
        writeln!(out, "  ? {}", plain(&gap.to_string()))?;
    }
    for ((message, permission), gaps) in &many {
        let needs = permission.map(|permission| format!(" (needs {permission})")).unwrap_or_default();
        writeln!(out, "  ? {} inputs could not be read: {}{}", gaps.len(), plain(message), plain(&needs))?;
        let shown = if verbose { gaps.len() } else { SHOWN_GAPS };
        for gap in gaps.iter().take(shown) {
            writeln!(out, "      {}", plain(&gap.what))?;
        }
        if gaps.len() > shown {
            writeln!(out, "      and {} more, `-v` lists them", gaps.len() - shown)?;
        }
    }
    writeln!(out)
}

fn guards(guards: &[GuardResult], verbose: bool, style: Style, out: &mut dyn Write) -> fmt::Result {
    let shown: Vec<&GuardResult> = guards.iter().filter(|guard| verbose || guard.verdict != Verdict::Pass).collect();
    if shown.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}\n", style.paint(Role::Heading, "Guards:"))?;
    for GuardResult { code, verdict, message } in shown {
        let line = format!("{}: {}", plain(code), verdict_name(*verdict));
        let line = style.paint(verdict_role(*verdict), line);
        writeln!(out, "  {line}: {}", plain(message))?;
    }
    writeln!(out)
}

pub(super) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Warn => "warning",
        Verdict::Allowed => "allowed",
        Verdict::Refuse => "refused",
    }
}

pub(super) fn verdict_role(verdict: Verdict) -> Role {
    match verdict {
        Verdict::Pass => Role::Faint,
        Verdict::Warn | Verdict::Allowed => Role::Warning,
        Verdict::Refuse => Role::Refusal,
    }
}

fn findings(findings: &[Finding], style: Style, out: &mut dyn Write) -> fmt::Result {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}\n", style.paint(Role::Heading, "Findings:"))?;
    for Finding { code, severity, subject, message, help, span: _ } in findings {
        let role = if *severity >= Severity::High { Role::Refusal } else { Role::Warning };
        let head = format!("{} {}", severity_name(*severity), plain(code));
        writeln!(out, "  {} {}: {}", style.paint(role, head), plain(subject), plain(message))?;
        if let Some(help) = help {
            writeln!(out, "    help: {}", plain(help))?;
        }
    }
    writeln!(out)
}

pub(super) fn severity_name(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

fn summary(plan: &Plan, options: TextOptions, style: Style, out: &mut dyn Write) -> fmt::Result {
    writeln!(out, "{}", style.paint(Role::Heading, summary_line(plan)))?;
    if !options.steps && !plan.steps.is_empty() && blind(plan).is_empty() {
        writeln!(out, "{}", style.paint(Role::Faint, steps_line(&plan.steps)))?;
    }
    let refused: Vec<String> =
        plan.guards.iter().filter(|g| g.verdict == Verdict::Refuse).map(|g| format!("`{}`", plain(&g.code))).collect();
    if !refused.is_empty() {
        let line = format!("Refused by {}: `auditseal explain CODE` says why and what to do.", refused.join(", "));
        writeln!(out, "{}", style.paint(Role::Refusal, line))?;
    }
    Ok(())
}

/// How many steps, and how long they may wait: nobody wants to find out after an hour.
fn steps_line(steps: &[Step]) -> String {
    let waits: Vec<u64> = steps
        .iter()
        .filter_map(|step| match &step.action {
            StepAction::Write { .. } => None,
            StepAction::AwaitDelivery { deadline_seconds: seconds, .. } | StepAction::Pause { seconds, .. } => {
                Some(*seconds)
            }
        })
        .collect();
    let count = match steps.len() {
        1 => "1 step".to_owned(),
        many => format!("{many} steps in a safe order"),
    };
    let longest = waits.iter().copied().max().map(duration);
    let waiting = match (waits.len(), longest) {
        (1, Some(longest)) => format!(", 1 of them a wait of up to {longest}"),
        (many, Some(longest)) => format!(", {many} of them waits of up to {longest}"),
        (_, None) => String::new(),
    };
    format!("{count}{waiting}; `-v` lists them.")
}

/// `Plan: …`, or that there is nothing to do: said only when everything was read.
pub(super) fn summary_line(plan: &Plan) -> String {
    let counts = &plan.summary;
    let changing = counts.create + counts.update + counts.replace + counts.delete > 0 || !plan.steps.is_empty();
    let complete = plan.complete && plan.gaps.is_empty();
    let unread = match plan.gaps.len() {
        0 => "not everything could be read".to_owned(),
        1 => "1 input could not be read".to_owned(),
        many => format!("{many} inputs could not be read"),
    };
    let counted = format!(
        "Plan: {} to create, {} to update, {} to replace, {} to delete.",
        counts.create, counts.update, counts.replace, counts.delete
    );
    let blind = blind(plan);
    if !blind.is_empty() {
        let plural = if blind.len() == 1 { "account" } else { "accounts" };
        return format!("No plan: AWS {plural} {} could not be read at all ({unread}).", blind.join(", "));
    }
    match (changing, complete) {
        (true, true) => format!("{counted}{}", part(plan)),
        (true, false) => format!("{counted}{} Incomplete: {unread}.", part(plan)),
        (false, true) if plan.partial.is_some() => {
            format!("No changes in the part that was planned.{}", part(plan))
        }
        (false, true) => match &plan.intent {
            Intent::Apply => {
                format!("No changes. The live configuration matches the declaration{}.", super::waived::summary(plan))
            }
            Intent::Rollback { run } => {
                format!("Nothing to put back: of what run {} changed, nothing is left that could be.", plain(run))
            }
            Intent::Forget => "Nothing to forget: no mark of these manifests is there.".to_owned(),
        },
        (false, false) => {
            format!("No changes found, but {unread}: whether the live configuration matches is not known.")
        }
    }
}

/// That a plan is of a part, as a sentence of its own.
fn part(plan: &Plan) -> String {
    let Some(partial) = &plan.partial else { return String::new() };
    match partial.left_out.len() {
        _ if partial.selection.is_whole() => {
            " Partial: one manifest of several; nothing that manifests share is switched off or revoked.".to_owned()
        }
        0 => " Partial: nothing is left out.".to_owned(),
        1 => " Partial: 1 change is left out.".to_owned(),
        many => format!(" Partial: {many} changes are left out."),
    }
}

/// Writes what `explain` says of a code.
///
/// # Errors
/// When the writer fails.
pub fn code_text(code: &Code, color: bool, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color };
    let Code { code, title, meaning, remedy } = code;
    writeln!(out, "{}: {title}\n", style.paint(Role::Heading, code))?;
    writeln!(out, "{meaning}\n")?;
    writeln!(out, "{} {remedy}", style.paint(Role::Heading, "What to do:"))
}
