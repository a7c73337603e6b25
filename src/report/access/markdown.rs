//! An assessment as a comment on a pull request.

use std::fmt::Write as _;

use crate::access::{Assessment, PrincipalAccess, Verdict};

use super::super::value::{plain, without_tokens};
use super::AccessFilter;
use super::text::verb;

/// First line of the comment, by which it is found again and replaced.
pub const ACCESS_MARKER: &str = "<!-- auditseal:access -->";

/// GitHub refuses comments of more than 65,536 characters.
const LIMIT: usize = 65_000;

/// The comment: proofs first, then who can, the undeclared before the declared.
#[must_use]
pub fn access_markdown(assessment: &Assessment, filter: &AccessFilter) -> String {
    let mut text = format!("{ACCESS_MARKER}\n## auditseal access\n\n| proof | verdict | because |\n|---|---|---|\n");
    for proof in assessment.proofs.iter().filter(|proof| filter.proof(&proof.code)) {
        let because: Vec<String> = proof.because.iter().map(|reason| cell(reason)).collect();
        let _ = writeln!(
            text,
            "| {}: {} | **{}** | {} |",
            cell(&proof.manifest),
            cell(&proof.claim),
            proof.verdict.name(),
            because.join("<br>")
        );
    }
    let mut left_out = 0_usize;
    for question in filter.questions() {
        let all = assessment.principals.iter();
        let mut able: Vec<&PrincipalAccess> = all
            .filter(|one| one.question == question && one.verdict != Verdict::Cannot && filter.covers(one))
            .collect();
        if able.is_empty() {
            continue;
        }
        able.sort_by_key(|one| (one.declared, std::cmp::Reverse(one.verdict)));
        let _ = write!(
            text,
            "\n### Who can {}\n\n| principal | declared | objects | through | rests on | only if |\n|---|---|---|---|---|---|\n",
            verb(question)
        );
        for one in able {
            let row = row(one);
            // Room is kept for the note and for what follows.
            if text.chars().count() + row.chars().count() > LIMIT - 2_000 {
                left_out += 1;
            } else {
                text.push_str(&row);
            }
        }
    }
    if left_out > 0 {
        let _ = writeln!(text, "\n> **Cut.** {left_out} principals are not shown: run `auditseal access` to see all.");
    }
    for gap in assessment.gaps.iter().take(10) {
        let _ = writeln!(text, "\n> **Not read.** {}", cell(&gap.to_string()));
    }
    text
}

fn row(one: &PrincipalAccess) -> String {
    let lines = |texts: &[String]| texts.iter().map(|text| cell(text)).collect::<Vec<_>>().join("<br>");
    let through: Vec<String> = one.via.iter().map(|hop| format!("{} ({})", hop.role, hop.by)).collect();
    let witness = [one.witness.s3.clone(), one.witness.kms.clone(), one.witness.unity_catalog.clone()].concat();
    let declared = if one.declared { cell(&one.declared_as) } else { "**no**".to_owned() };
    format!(
        "| `{}` | {declared} | {} | {} | {} | {} |\n",
        cell(&one.arn).replace('`', "'"),
        cell(&one.object_class),
        lines(&through),
        lines(&witness),
        lines(&one.conditions)
    )
}

fn cell(text: &str) -> String {
    plain(&without_tokens(text)).replace('|', "\\|").replace('<', "&lt;")
}
