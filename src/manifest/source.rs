//! The text of a manifest as a place to point at.

use std::ops::Range;

use crate::finding::{Finding, Severity, Span};

/// Values longer than this are cut when shown.
const SHOWN: usize = 80;

/// One file: its name as shown, its text, and where its lines begin.
#[derive(Clone, Debug)]
pub(super) struct Source<'a> {
    pub file: &'a str,
    pub text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Source<'a> {
    pub fn new(file: &'a str, text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file, text, starts }
    }

    /// Line and column, both from one; the column counts characters.
    pub fn span(&self, range: &Range<usize>) -> Span {
        let start = range.start.min(self.text.len());
        let line = self.starts.partition_point(|begin| *begin <= start).max(1);
        let begin = self.starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(begin..start).map_or(start - begin, |text| text.chars().count()) + 1;
        Span { file: self.file.to_owned(), line, column, start, end: range.end.clamp(start, self.text.len()) }
    }
}

/// An error that stands in a file.
pub(super) fn error(code: &str, subject: &str, message: String, help: Option<String>, span: Option<Span>) -> Finding {
    Finding { code: code.to_owned(), severity: Severity::High, subject: subject.to_owned(), message, help, span }
}

/// A user's value in backticks: control characters escaped, so that it cannot steer a terminal, and cut when long.
pub(super) fn quote(value: &str) -> String {
    let mut shown = String::new();
    for (count, letter) in value.chars().enumerate() {
        if count == SHOWN {
            shown.push('…');
            break;
        }
        if letter.is_control() || is_invisible(letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    format!("`{shown}`")
}

/// Characters that reorder or hide text (Unicode bidirectional controls, zero-width characters, byte order mark).
pub(super) fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}
