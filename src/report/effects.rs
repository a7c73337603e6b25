//! What a plan does to access, as text and as Markdown.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use crate::access::{Holder, Question};
use crate::plan::{Effects, Plan};

use super::style::{Role, Style};
use super::text::TextOptions;
use super::value::plain;

/// Principals of one kind of change that are named unless all are asked for.
const SHOWN: usize = 12;

/// One question: how many can before and after, and who of them is worth a line.
struct Row<'a> {
    question: Question,
    before: usize,
    after: usize,
    gained: Vec<&'a str>,
    lost: Vec<&'a str>,
    /// Undeclared before and after.
    stays: Vec<&'a str>,
}

impl Row<'_> {
    fn is_quiet(&self) -> bool {
        self.gained.is_empty() && self.lost.is_empty() && self.stays.is_empty()
    }

    fn counts(&self) -> String {
        match self.before == self.after && self.gained.is_empty() {
            true => self.after.to_string(),
            false => format!("{} -> {}", self.before, self.after),
        }
    }
}

fn rows(effects: &Effects) -> Vec<Row<'_>> {
    let row = |question| {
        let before: BTreeSet<&str> = effects.before.of(question).iter().map(String::as_str).collect();
        let after: BTreeSet<&str> = effects.after.of(question).iter().map(String::as_str).collect();
        let undeclared: BTreeSet<&str> =
            effects.undeclared.iter().filter(|one| one.question == question).map(|one| one.arn.as_str()).collect();
        Row {
            question,
            before: before.len(),
            after: after.len(),
            gained: after.difference(&before).copied().collect(),
            lost: before.difference(&after).copied().collect(),
            stays: undeclared.iter().copied().filter(|arn| before.contains(arn)).collect(),
        }
    };
    Question::ALL.into_iter().map(row).collect()
}

fn is_undeclared(effects: &Effects, question: Question, arn: &str) -> bool {
    let same = |one: &Holder| one.question == question && one.arn == arn;
    effects.undeclared.iter().any(same)
}

pub(super) fn text(plan: &Plan, options: TextOptions, style: Style, out: &mut dyn Write) -> fmt::Result {
    let effects = &plan.access;
    let rows = rows(effects);
    if rows.iter().all(Row::is_quiet) {
        return Ok(());
    }
    writeln!(out, "{}\n", style.paint(Role::Heading, "Who can do what to the logs, before -> after:"))?;
    for row in &rows {
        writeln!(out, "  {:<6} {}", row.question.name(), row.counts())?;
        if options.concise {
            continue;
        }
        for (sign, role, note, all) in [
            ("-", Role::Delete, "", &row.lost),
            ("+", Role::Create, "", &row.gained),
            ("!", Role::Warning, "  # not declared", &row.stays),
        ] {
            let shown = if options.verbose { all.len() } else { SHOWN };
            for arn in all.iter().take(shown) {
                let note =
                    if sign == "+" && is_undeclared(effects, row.question, arn) { "  # not declared" } else { note };
                write!(out, "      {}", style.paint(role, format!("{sign} {}", plain(arn))))?;
                writeln!(out, "{}", style.paint(Role::Faint, note))?;
            }
            if all.len() > shown {
                writeln!(out, "      {sign} {} more, `-v` lists them", all.len() - shown)?;
            }
        }
    }
    writeln!(out)
}

/// A table of the questions for which something changes or stays open.
pub(super) fn markdown(plan: &Plan) -> String {
    let effects = &plan.access;
    let list = |arns: &[&str]| arns.iter().map(|arn| format!("`{}`", plain(arn))).collect::<Vec<_>>().join("<br>");
    let rows: Vec<String> = rows(effects)
        .iter()
        .filter(|row| !row.is_quiet())
        .map(|row| {
            let (gained, lost, stays) = (list(&row.gained), list(&row.lost), list(&row.stays));
            format!("| {} | {} | {gained} | {lost} | {stays} |\n", row.question.name(), row.counts())
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!("| who can | count | gain it | lose it | not declared |\n|---|---|---|---|---|\n{}\n", rows.concat())
}
