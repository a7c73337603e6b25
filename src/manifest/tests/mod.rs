//! Whole manifests: what is refused and how it is said, what is accepted, and the way back.

mod accepted;
mod directory;
mod formatting;
mod refusals;
mod roundtrip;

use crate::finding::Finding;

const MINIMAL: &str = include_str!("../../../examples/manifests/minimal.toml");
const FULL: &str = include_str!("../../../examples/manifests/full.toml");

/// `code line:column "marked text" message -> help`, one line each.
fn lines(text: &str, findings: &[Finding]) -> String {
    let mut out = String::new();
    for finding in findings {
        let (place, marked) = finding.span.as_ref().map_or(("-".to_owned(), ""), |span| {
            (format!("{}:{}", span.line, span.column), text.get(span.start..span.end).unwrap_or("<outside>"))
        });
        let help = finding.help.as_deref().unwrap_or("(no help)");
        out.push_str(&format!("{} {place} {marked:?} {} -> {help}\n", finding.code, finding.message));
    }
    out
}
