//! Colours, as the terminal has them: only when asked for.

use std::fmt;

/// What a piece of text is, for colouring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Create,
    Update,
    Replace,
    Delete,
    Heading,
    Faint,
    Warning,
    Refusal,
}

impl Role {
    /// Select Graphic Rendition parameters (ECMA-48).
    fn sgr(self) -> &'static str {
        match self {
            Role::Create => "32",
            Role::Update => "33",
            Role::Replace => "35",
            Role::Delete | Role::Refusal => "31",
            Role::Heading => "1",
            Role::Faint => "2",
            Role::Warning => "1;33",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) color: bool,
}

impl Style {
    pub(super) fn paint<T: fmt::Display>(self, role: Role, text: T) -> Painted<T> {
        Painted { style: self, role, text }
    }
}

/// A text in its colour.
pub(super) struct Painted<T> {
    style: Style,
    role: Role,
    text: T,
}

impl<T: fmt::Display> fmt::Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.style.color {
            write!(f, "\u{1b}[{}m{}\u{1b}[0m", self.role.sgr(), self.text)
        } else {
            write!(f, "{}", self.text)
        }
    }
}
