//! A review as text.

use std::fmt::{self, Write};

use crate::review::{Direction, More, Review, Strength};

use super::super::style::{Role, Style};
use super::super::value::{inline, plain};
use super::{fate, held, more, verdict, waiver_fate};

/// Writes the review for people.
///
/// # Errors
/// When the writer fails.
pub fn review_text(review: &Review, color: bool, out: &mut dyn Write) -> fmt::Result {
    let style = Style { color };
    let headline = if review.widens { Role::Refusal } else { Role::Heading };
    writeln!(out, "{}", style.paint(headline, verdict(review)))?;
    for change in &review.manifests {
        writeln!(out, "  {}", fate(change))?;
    }
    access(review, style, out)?;
    proofs(review, style, out)?;
    heading(!review.irreversible.is_empty(), "What cannot be taken back:", style, out)?;
    for one in &review.irreversible {
        let head = style.paint(Role::Refusal, format!("! {}", one.code));
        writeln!(out, "  {head} {}: {}", plain(&one.manifest), plain(&one.message))?;
    }
    waivers(review, style, out)?;
    controls(review, style, out)?;
    heading(!review.fields.is_empty(), "Values:", style, out)?;
    for field in &review.fields {
        let (path, before, after) = (plain(&field.path), inline(&field.before), inline(&field.after));
        writeln!(out, "  {} {path} = {before} -> {after}", plain(&field.manifest))?;
    }
    Ok(())
}

fn heading(any: bool, text: &str, style: Style, out: &mut dyn Write) -> fmt::Result {
    if any { writeln!(out, "\n{}\n", style.paint(Role::Heading, text)) } else { Ok(()) }
}

fn access(review: &Review, style: Style, out: &mut dyn Write) -> fmt::Result {
    for (direction, title, sign, role) in [
        (Direction::Gains, "Who gains, by declaration:", '+', Role::Create),
        (Direction::Loses, "Who loses, by declaration:", '-', Role::Delete),
    ] {
        let changes: Vec<_> = review.access.iter().filter(|one| one.change == direction).collect();
        heading(!changes.is_empty(), title, style, out)?;
        for one in changes {
            let (question, who, what) = held(one);
            let line = style.paint(role, format!("{sign} {question:<6}"));
            writeln!(out, "  {line} {who}: {what} in {}", plain(&one.manifest))?;
        }
    }
    Ok(())
}

fn proofs(review: &Review, style: Style, out: &mut dyn Write) -> fmt::Result {
    heading(!review.proofs.is_empty(), "Generated policies, on the same things:", style, out)?;
    for one in &review.proofs {
        let role = if one.wider == More::No { Role::Faint } else { Role::Warning };
        writeln!(out, "  {}", style.paint(role, format!("{}/{}", plain(&one.manifest), one.policy)))?;
        writeln!(out, "      {}", more(&one.wider, "wider", "wider"))?;
        writeln!(out, "      {}", more(&one.narrower, "narrower", "narrower"))?;
    }
    Ok(())
}

fn waivers(review: &Review, style: Style, out: &mut dyn Write) -> fmt::Result {
    heading(!review.waivers.is_empty(), "Waivers:", style, out)?;
    for one in &review.waivers {
        let address = one.address.as_ref().map(|address| format!(" for {address}")).unwrap_or_default();
        let before = one.until_before.filter(|before| *before != one.until);
        let before = before.map(|before| format!(" (was {before})")).unwrap_or_default();
        let role = if one.opens { Role::Warning } else { Role::Faint };
        let head = style.paint(role, format!("{}{}", one.control, plain(&address)));
        let (fate, owner, reason) = (waiver_fate(one.change), plain(&one.owner), plain(&one.reason));
        writeln!(out, "  {head} {fate} in {}: until {}{before}, {owner}: {reason}", plain(&one.manifest), one.until)?;
    }
    Ok(())
}

fn controls(review: &Review, style: Style, out: &mut dyn Write) -> fmt::Result {
    heading(!review.controls.is_empty(), "Controls:", style, out)?;
    for one in &review.controls {
        let (role, word) = match one.change {
            Strength::Weakened => (Role::Warning, "weakened"),
            Strength::Strengthened => (Role::Create, "strengthened"),
        };
        let head = style.paint(role, format!("{word:<12} {}", one.control));
        let (path, before, after) = (plain(&one.path), inline(&one.before), inline(&one.after));
        writeln!(out, "  {head} in {}: {path} = {before} -> {after}", plain(&one.manifest))?;
    }
    Ok(())
}
