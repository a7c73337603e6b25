//! Findings that have a position, in the manner of a compiler: file, line, the text with a mark under it, what to do.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::finding::{Finding, Severity, Span};
use crate::manifest::{SECRET_CODE, mask};

/// Renders findings in the given order, one block each. `source` gives the text of a file by the name in its spans; without
/// it, and for secrets, only the position is shown.
///
/// Only the line of the span is shown, with everything that looks like a secret masked.
#[must_use]
pub fn render(findings: &[Finding], source: impl Fn(&str) -> Option<String>, color: bool) -> String {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() }.decor_style(DecorStyle::Ascii);
    let mut texts = Texts { source, last: None };
    let blocks: Vec<String> = findings.iter().map(|finding| block(&renderer, finding, &mut texts)).collect();
    let mut text = blocks.join("\n\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// The masked text of the file that was asked for last: findings come sorted by file.
struct Texts<F> {
    source: F,
    last: Option<(String, Option<String>)>,
}

impl<F: Fn(&str) -> Option<String>> Texts<F> {
    fn masked(&mut self, file: &str) -> Option<&str> {
        if self.last.as_ref().is_none_or(|(name, _)| name != file) {
            self.last = Some((file.to_owned(), (self.source)(file).map(|text| mask(&text))));
        }
        self.last.as_ref().and_then(|(_, text)| text.as_deref())
    }
}

fn block<F: Fn(&str) -> Option<String>>(renderer: &Renderer, finding: &Finding, texts: &mut Texts<F>) -> String {
    let level = match finding.severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium | Severity::Low => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let mut group = Group::with_title(level.primary_title(finding.message.as_str()).id(finding.code.as_str()));
    if let Some(span) = &finding.span {
        let secret = finding.code == SECRET_CODE;
        let line = if secret { None } else { texts.masked(&span.file).and_then(|text| shown_line(text, span)) };
        group = match line {
            Some((line, marked)) => group.element(
                Snippet::source(line)
                    .path(span.file.as_str())
                    .line_start(span.line)
                    .annotation(AnnotationKind::Primary.span(marked)),
            ),
            None => group.element(Origin::path(span.file.as_str()).line(span.line).char_column(span.column)),
        };
    }
    if let Some(help) = &finding.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// The line that a span begins in, and the part of it to mark. A span over several lines is marked to the end of its first.
fn shown_line(text: &str, span: &Span) -> Option<(String, std::ops::Range<usize>)> {
    let before = text.get(..span.start)?;
    let begin = before.rfind('\n').map_or(0, |at| at + 1);
    let rest = text.get(begin..)?;
    let line = rest.split('\n').next()?.trim_end_matches('\r');
    // A line of a megabyte helps nobody.
    if line.len() > 1000 {
        return None;
    }
    let start = (span.start - begin).min(line.len());
    let end = span.end.saturating_sub(begin).clamp(start, line.len());
    Some((line.to_owned(), start..end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: &str, start: usize, end: usize) -> Finding {
        Finding {
            code: code.to_owned(),
            severity: Severity::High,
            subject: "bucket.retention_days".to_owned(),
            message: "`0` is out of range".to_owned(),
            help: Some("choose a number from 1 to 36500".to_owned()),
            span: Some(Span { file: "a.toml".to_owned(), line: 2, column: 18, start, end }),
        }
    }

    #[test]
    fn shows_the_line() {
        let text = "[bucket]\nretention_days = 0\n";
        insta::assert_snapshot!(render(&[finding("out-of-range", 26, 27)], |_| Some(text.to_owned()), false), @"");
    }

    #[test]
    fn without_source_shows_the_position() {
        insta::assert_snapshot!(render(&[finding("out-of-range", 26, 27)], |_| None, false), @"");
    }

    #[test]
    fn never_shows_a_secret() {
        let token = "dapi0123456789abcdef0123456789abcdef";
        let texts = [
            format!("[bucket]\nretention_days = \"{token}\"\n"),
            "[bucket]\nclient_secret = 'hush-0123' x\n".to_owned(),
        ];
        for text in texts {
            for code in [SECRET_CODE, "toml-syntax"] {
                for end in [26, 40, text.len()] {
                    let shown = render(&[finding(code, 26, end)], |_| Some(text.clone()), false);
                    assert!(!shown.contains("0123"), "{shown}");
                    assert!(shown.contains("a.toml:2"), "{shown}");
                }
            }
        }
    }

    #[test]
    fn survives_spans_that_do_not_fit() {
        let texts = ["", "\n", "é", "x = 1\r\ny = 2"];
        for text in texts {
            for start in 0..8 {
                for end in 0..8 {
                    let _ = render(&[finding("toml-syntax", start, end)], |_| Some(text.to_owned()), true);
                }
            }
        }
    }
}
