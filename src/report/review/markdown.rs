//! A review as one comment on a pull request, found again by its first line.

use std::fmt::Write as _;

use crate::review::{Direction, More, Review, Strength};

use super::super::markdown::{Page, code, fence, prose};
use super::super::value::{inline, plain};
use super::{fate, held, more, verdict, waiver_fate};

/// First line of the comment, by which it is found again and replaced.
pub const REVIEW_MARKER: &str = "<!-- auditseal:review -->";

/// The comment: verdict, who gains, what cannot be taken back, what gets weaker; the rest folded away. It stays below
/// 65,000 characters, and says when something was left out.
#[must_use]
pub fn review_markdown(review: &Review) -> String {
    let mut page = Page::new(REVIEW_MARKER);
    let sign = if review.widens { "⚠️ " } else { "" };
    page.add(&format!("## auditseal review\n\n{sign}**{}**\n\n", prose(&verdict(review))));
    for change in &review.manifests {
        page.add(&format!("- {}\n", prose(&fate(change))));
    }
    access(review, Direction::Gains, "### Who gains, by declaration", &mut page);
    irreversible(review, &mut page);
    controls(review, Strength::Weakened, "### Weakened", &mut page);
    waivers(review, &mut page);
    access(review, Direction::Loses, "### Who loses, by declaration", &mut page);
    controls(review, Strength::Strengthened, "### Strengthened", &mut page);
    proofs(review, &mut page);
    values(review, &mut page);
    page.end("review", "`auditseal review BASE HEAD`")
}

fn access(review: &Review, direction: Direction, title: &str, page: &mut Page) {
    let changes: Vec<_> = review.access.iter().filter(|one| one.change == direction).collect();
    if changes.is_empty() {
        return;
    }
    page.add(&format!("\n{title}\n\n| can | who | what | manifest |\n|---|---|---|---|\n"));
    for one in changes {
        let (question, who, what) = held(one);
        page.add(&format!("| {question} | {} | {} | {} |\n", code(&who), prose(&what), code(&one.manifest)));
    }
}

fn irreversible(review: &Review, page: &mut Page) {
    if review.irreversible.is_empty() {
        return;
    }
    page.add("\n### What cannot be taken back\n\n");
    for one in &review.irreversible {
        let (head, manifest) = (code(&one.code), code(&one.manifest));
        page.add(&format!("- ❗ {head} {manifest}: {}\n", prose(&one.message)));
    }
}

fn controls(review: &Review, strength: Strength, title: &str, page: &mut Page) {
    let changes: Vec<_> = review.controls.iter().filter(|one| one.change == strength).collect();
    if changes.is_empty() {
        return;
    }
    page.add(&format!("\n{title}\n\n| control | value | before | after | manifest |\n|---|---|---|---|---|\n"));
    for one in changes {
        let (before, after) = (code(&inline(&one.before)), code(&inline(&one.after)));
        let (control, path, manifest) = (code(&one.control), code(&one.path), code(&one.manifest));
        page.add(&format!("| {control} | {path} | {before} | {after} | {manifest} |\n"));
    }
}

fn waivers(review: &Review, page: &mut Page) {
    if review.waivers.is_empty() {
        return;
    }
    page.add("\n### Waivers\n\n| control | what | until | owner | why | manifest |\n|---|---|---|---|---|---|\n");
    for one in &review.waivers {
        let address =
            one.address.as_ref().map(|address| format!(" {}", code(&address.to_string()))).unwrap_or_default();
        let before = one.until_before.filter(|before| *before != one.until);
        let before = before.map(|before| format!(" (was {before})")).unwrap_or_default();
        let sign = if crate::review::widens(one) { "⚠️ " } else { "" };
        page.add(&format!(
            "| {}{address} | {sign}{} | {}{before} | {} | {} | {} |\n",
            code(one.control.name()),
            waiver_fate(one.change),
            one.until,
            prose(&one.owner),
            prose(&one.reason),
            code(&one.manifest),
        ));
    }
}

fn proofs(review: &Review, page: &mut Page) {
    for one in &review.proofs {
        let sign = if one.wider == More::No { "" } else { "⚠️ " };
        let head = format!("{sign}policy {}", plain(&format!("{}/{}", one.manifest, one.policy)));
        let (wider, narrower) = (more(&one.wider, "wider", "wider"), more(&one.narrower, "narrower", "narrower"));
        let body = format!("- {}\n- {}\n", prose(&wider), prose(&narrower));
        page.add(&format!("\n<details><summary>{}</summary>\n\n{body}\n</details>\n", prose(&head)));
    }
}

fn values(review: &Review, page: &mut Page) {
    if review.fields.is_empty() {
        return;
    }
    let mut body = String::new();
    for field in &review.fields {
        let path = plain(&format!("{} {}", field.manifest, field.path));
        if !field.before.is_null() {
            let _ = writeln!(body, "- {path} = {}", inline(&field.before));
        }
        if !field.after.is_null() {
            let _ = writeln!(body, "+ {path} = {}", inline(&field.after));
        }
    }
    let (fence, count) = (fence(&body), review.fields.len());
    page.add(&format!("\n<details><summary>Values ({count})</summary>\n\n{fence}diff\n{body}{fence}\n\n</details>\n"));
}
