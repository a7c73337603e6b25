//! A plan as a comment on a pull request, in GitHub's Markdown.

use std::fmt::Write as _;

use crate::plan::{Action, Change, Plan, Verdict};

use super::change::{Detail, details, sentence, symbol, verb};
use super::text::{severity_name, summary_line, verdict_name};
use super::value::plain;

/// First line of the comment, by which it is found again and replaced.
pub const PLAN_MARKER: &str = "<!-- auditseal:plan -->";

/// GitHub refuses comments of more than 65,536 characters; this leaves room for what a workflow adds.
const LIMIT: usize = 65_000;
/// Kept free for the note that says what was left out.
const NOTE: usize = 400;

/// The comment. Changes come by risk: what cannot be undone, then deletions, replacements, access, the rest. When it
/// grows too long, details are left out first, then rows, and it says so.
#[must_use]
pub fn plan_markdown(plan: &Plan) -> String {
    let mut page = Page::new(PLAN_MARKER);
    page.add(&format!("## auditseal plan\n\n**{}**\n\n", summary_line(plan)));
    checks(plan, &mut page);
    page.add(&super::effects::markdown(plan));

    let mut changes: Vec<&Change> = plan.changes.iter().filter(|change| change.action != Action::Noop).collect();
    changes.sort_by(|a, b| risk(a).cmp(&risk(b)).then_with(|| a.address.cmp(&b.address)));
    if !changes.is_empty() {
        page.add("| action | address | why |\n|---|---|---|\n");
        let before = page.left_out;
        for change in &changes {
            page.add(&row(change));
        }
        page.left_out = before;
        page.add("\n");
        for change in &changes {
            page.add(&in_full(change));
        }
    }
    left_out(plan, &mut page);
    for part in super::waived::markdown(plan) {
        page.add(&part);
    }
    page.end(&format!("plan of {} changes", changes.len()), "`auditseal plan` or `auditseal show FILE`")
}

/// A comment that keeps within the limit: what does not fit is counted.
pub(super) struct Page {
    text: String,
    /// Characters.
    left: usize,
    left_out: usize,
}

impl Page {
    /// With the line by which the comment is found again.
    pub(super) fn new(marker: &str) -> Self {
        let text = format!("{marker}\n");
        Self { left: (LIMIT - NOTE).saturating_sub(text.chars().count()), text, left_out: 0 }
    }

    /// Adds a part, or counts it when it does not fit.
    pub(super) fn add(&mut self, part: &str) {
        let length = part.chars().count();
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                self.text.push_str(part);
            }
            None => self.left_out = self.left_out.saturating_add(1),
        }
    }

    /// The text; `whole` is what it is a part of, `how` shows all of it.
    pub(super) fn end(mut self, whole: &str, how: &str) -> String {
        if self.left_out > 0 {
            let _ = write!(
                self.text,
                "\n> **Cut.** {} parts of this {whole} are not shown, since a comment is limited to 65,536 \
                 characters. Run {how} to see all of it.\n",
                self.left_out
            );
        }
        self.text
    }
}

/// Lower is riskier.
fn risk(change: &Change) -> u8 {
    match (change.irreversible, change.action) {
        (true, _) => 0,
        (false, Action::Delete) => 1,
        (false, Action::Replace) => 2,
        (false, Action::Update | Action::Create) if change.address.kind.decides_access() => {
            if change.action == Action::Update { 3 } else { 5 }
        }
        (false, Action::Update) => 4,
        (false, Action::Create) => 6,
        (false, Action::Noop) => 7,
    }
}

/// Guards that do not pass, gaps, findings: before the changes, since they decide whether there will be any.
fn checks(plan: &Plan, page: &mut Page) {
    let guards: Vec<_> = plan.guards.iter().filter(|guard| guard.verdict != Verdict::Pass).collect();
    if !guards.is_empty() {
        page.add("### Guards\n\n");
        for guard in guards {
            let sign = if guard.verdict == Verdict::Refuse { "❌" } else { "⚠️" };
            let (code, message) = (code(&guard.code), prose(&guard.message));
            page.add(&format!("- {sign} {code} **{}**: {message}\n", verdict_name(guard.verdict)));
        }
        page.add("\n");
    }
    for (account, statements) in super::preflight::to_add(&plan.preflight) {
        page.add(&format!("<details><summary>To add for the caller in AWS account {account}</summary>\n\n"));
        page.add(&format!("```json\n{statements}\n```\n\n</details>\n\n"));
    }
    if !plan.gaps.is_empty() {
        page.add("### Not read\n\n");
        for gap in &plan.gaps {
            page.add(&format!("- ❔ {}\n", prose(&gap.to_string())));
        }
        page.add("\n");
    }
    if !plan.findings.is_empty() {
        page.add("### Findings\n\n");
        for finding in &plan.findings {
            let mut line = format!("- **{}** {} ", severity_name(finding.severity), code(&finding.code));
            let _ = write!(line, "{}: {}", code(&finding.subject), prose(&finding.message));
            if let Some(help) = &finding.help {
                let _ = write!(line, " — {}", prose(help));
            }
            page.add(&format!("{line}\n"));
        }
        page.add("\n");
    }
}

fn left_out(plan: &Plan, page: &mut Page) {
    let Some(partial) = plan.partial.as_ref().filter(|partial| !partial.left_out.is_empty()) else { return };
    page.add("\n### Left out by `--target` or `--exclude`\n\n");
    for one in &partial.left_out {
        page.add(&format!("- {} {}\n", verb(one.action), code(&one.address.to_string())));
    }
}

fn row(change: &Change) -> String {
    let warning = if change.irreversible { "⚠️ **irreversible** " } else { "" };
    let address = code(&change.address.to_string());
    format!("| {} | {address} | {warning}{} |\n", verb(change.action), prose(&change.reason))
}

fn in_full(change: &Change) -> String {
    let address = change.address.to_string();
    let mut body = String::new();
    for detail in details(change) {
        match detail {
            Detail::Field { path, before, after, reason } => {
                let reason = reason.map(|reason| format!("  # {reason}")).unwrap_or_default();
                match (before, after) {
                    (Some(before), Some(after)) => {
                        let _ = writeln!(body, "- {path} = {before}\n+ {path} = {after}{reason}");
                    }
                    (Some(before), None) => drop(writeln!(body, "- {path} = {before}{reason}")),
                    (None, after) => drop(writeln!(body, "+ {path} = {}{reason}", after.unwrap_or_default())),
                }
            }
            Detail::Statement { path, sign, reason, lines } => {
                let reason = reason.map(|reason| format!("  # {reason}")).unwrap_or_default();
                let sign = if sign == '~' { '!' } else { sign };
                let _ = writeln!(body, "{sign} {path}{reason}");
                for (sign, line) in lines {
                    let _ = writeln!(body, "{}   {line}", sign.mark());
                }
            }
        }
    }
    // Inside an HTML element Markdown is not read: the address has to be an element too.
    let head = format!("{} {} {}", symbol(change.action), html_code(&address), sentence(change.action));
    let fence = fence(&body);
    format!("<details><summary>{head}</summary>\n\n{fence}diff\n{body}{fence}\n\n</details>\n")
}

/// Longer than any run of backticks inside, so that no value can end the block.
pub(super) fn fence(body: &str) -> String {
    let longest = body.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    "`".repeat(longest.saturating_add(1).max(3))
}

/// Text as code, where GitHub resolves neither mentions nor Markdown. A pipe would end a table cell even there.
pub(super) fn code(text: &str) -> String {
    if text.contains(['`', '|']) || text.trim().is_empty() { html_code(text) } else { format!("`{}`", plain(text)) }
}

pub(super) fn html_code(text: &str) -> String {
    format!("<code>{}</code>", escaped(text))
}

/// Text from a message: its `quoted` values as code, nothing else as markup.
pub(super) fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escaped(text);
    }
    parts
        .into_iter()
        .enumerate()
        .map(|(index, part)| if index.is_multiple_of(2) { escaped(part) } else { code(part) })
        .collect()
}

/// Every character that HTML, Markdown or GitHub's mentions and references could act on, as a character reference.
fn escaped(text: &str) -> String {
    plain(text)
        .chars()
        .map(|c| match c {
            '&' | '<' | '>' | '|' | '`' | '*' | '\\' | '@' | '#' | '~' => format!("&#{};", u32::from(c)),
            other => other.to_string(),
        })
        .collect()
}
