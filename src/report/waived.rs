//! Differences that waivers leave as they are: never changes, and never left out.

use std::fmt::{self, Write};

use crate::plan::{Plan, Waived};

use super::change::sign;
use super::markdown::{code, fence, html_code, prose};
use super::statement::is_statement;
use super::style::{Role, Style};
use super::text::TextOptions;
use super::value::{inline, plain};

/// The part of a plan for people; nothing without waivers that leave something.
pub(super) fn text(plan: &Plan, options: TextOptions, style: Style, out: &mut dyn Write) -> fmt::Result {
    if plan.waived.is_empty() {
        return Ok(());
    }
    writeln!(out, "{}\n", style.paint(Role::Heading, "Waived, and left as it is:"))?;
    for waived in &plan.waived {
        let head = format!("  = {} {}", plain(&waived.address.to_string()), waived.control);
        write!(out, "{}: {}", style.paint(Role::Warning, head), plain(&waived.reason))?;
        writeln!(out, " {}", style.paint(Role::Faint, format!("({}, until {})", plain(&waived.owner), waived.until)))?;
        if !options.concise {
            for line in fields(waived) {
                writeln!(out, "      {line}")?;
            }
        }
    }
    writeln!(out)
}

/// One line a field: what is there, and what the control would make of it.
fn fields(waived: &Waived) -> Vec<String> {
    let shown = |value: &serde_json::Value| if is_statement(value) { "{…}".to_owned() } else { inline(value) };
    waived
        .fields
        .iter()
        .map(|field| {
            let path = plain(&field.path);
            let would = match sign(field.before.is_null(), field.after.is_null()) {
                '+' => format!("{path} is missing; wanted {}", shown(&field.after)),
                '-' => format!("{path} = {}; would be removed", shown(&field.before)),
                _ => format!("{path} = {}; wanted {}", shown(&field.before), shown(&field.after)),
            };
            format!("{would}  # {}", plain(&field.reason))
        })
        .collect()
}

/// `, 3 differences waived`, for the line that sums a plan up.
pub(super) fn summary(plan: &Plan) -> String {
    match plan.waived.iter().map(|waived| waived.fields.len()).sum() {
        0_usize => String::new(),
        1 => ", but for 1 difference that is waived".to_owned(),
        many => format!(", but for {many} differences that are waived"),
    }
}

/// The same for a comment: a table, with the fields folded away.
pub(super) fn markdown(plan: &Plan) -> Vec<String> {
    if plan.waived.is_empty() {
        return Vec::new();
    }
    let mut parts =
        vec!["### Waived\n\n| control | address | until | owner | why |\n|---|---|---|---|---|\n".to_owned()];
    for Waived { address, control, reason, owner, until, fields: _ } in &plan.waived {
        let (control, address) = (code(control.name()), code(&address.to_string()));
        parts.push(format!("| {control} | {address} | {until} | {} | {} |\n", prose(owner), prose(reason)));
    }
    parts.push("\n".to_owned());
    for waived in &plan.waived {
        let body: String = fields(waived).iter().map(|line| format!("{line}\n")).collect();
        let head = format!("{} {}", html_code(&waived.address.to_string()), waived.control);
        let fence = fence(&body);
        parts.push(format!("<details><summary>{head}</summary>\n\n{fence}\n{body}{fence}\n\n</details>\n"));
    }
    parts
}
