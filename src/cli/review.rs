use auditseal::report;
use auditseal::run::review::{ReviewError, compare};

use super::args::{FailOn, Format, Global, Review};
use super::exit::Exit;
use super::output::Output;

pub fn run(global: &Global, verb: &Review, output: &Output) -> anyhow::Result<Exit> {
    let review = match compare(&verb.base, &verb.head, &global.manifest) {
        Ok(review) => review,
        Err(ReviewError::Revision(error)) => {
            output.note(&format!("error: {error}"));
            return Ok(Exit::Failed);
        }
        Err(ReviewError::Nothing) => {
            let path = global.manifest.display();
            output.note(&format!("error: neither side has a manifest at `{path}`: give their path with -m"));
            return Ok(Exit::Failed);
        }
        Err(ReviewError::Invalid(invalid)) => {
            let source = |file: &str| invalid.texts.get(file).cloned().or_else(|| std::fs::read_to_string(file).ok());
            output.note(&report::diagnostic::render(&invalid.findings, source, output.color_err));
            return Ok(Exit::Failed);
        }
    };
    let text = match global.format {
        Format::Json => report::review_json(&review)?,
        Format::Markdown => report::review_markdown(&review),
        Format::Text => {
            let mut text = String::new();
            report::review_text(&review, output.color, &mut text)?;
            text
        }
    };
    output.data(&text)?;
    Ok(match verb.fail_on {
        Some(FailOn::Widening) if review.widens => Exit::Findings,
        _ => Exit::Done,
    })
}
