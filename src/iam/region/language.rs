//! The texts that a pattern matches.

use std::collections::BTreeSet;

use super::super::glob::Token;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Char(char),
    /// `?`; `colon`: whether it may be one.
    One {
        colon: bool,
    },
    /// Takes no character: what stands here cannot be matched.
    Never,
}

/// A pattern as single steps with `*` between them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Language {
    pub(super) steps: Vec<Step>,
    /// (number of steps before the `*`, whether it runs across colons), in order.
    pub(super) stars: Vec<(usize, bool)>,
    /// Compares without case.
    fold: bool,
}

impl Language {
    /// Wildcards match everything.
    #[must_use]
    pub fn flat(tokens: &[Token]) -> Self {
        let mut language = Self { steps: Vec::new(), stars: Vec::new(), fold: false };
        tokens.iter().for_each(|token| language.push(token, true));
        language
    }

    /// A pattern whose characters are lower case, for texts in any case.
    #[must_use]
    pub fn without_case(tokens: &[Token]) -> Self {
        Self { fold: true, ..Self::flat(tokens) }
    }

    /// Wildcards do not match a colon before the fifth colon; missing parts are `*` (M3).
    #[must_use]
    pub fn arn(tokens: &[Token]) -> Self {
        let mut language = Self { steps: Vec::new(), stars: Vec::new(), fold: false };
        let mut part = 0;
        for token in tokens {
            match token {
                Token::Char(':') if part < 5 => {
                    part += 1;
                    language.steps.push(Step::Char(':'));
                }
                // A variable's text is no separator, and a part holds no colon.
                Token::Text(':') if part < 5 => language.steps.push(Step::Never),
                token => language.push(token, part >= 5),
            }
        }
        while part < 5 {
            part += 1;
            language.steps.push(Step::Char(':'));
            language.push(&Token::Any, part >= 5);
        }
        language
    }

    fn push(&mut self, token: &Token, colon: bool) {
        match token {
            Token::Any if self.stars.last().is_some_and(|(at, _)| *at == self.steps.len()) => {}
            Token::Any => self.stars.push((self.steps.len(), colon)),
            Token::One => self.steps.push(Step::One { colon }),
            Token::Char(c) | Token::Text(c) => self.steps.push(Step::Char(*c)),
        }
    }

    /// The only text of the language, where the pattern has no wildcards.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        if self.fold || !self.stars.is_empty() {
            return None;
        }
        let chars = self.steps.iter().map(|step| match step {
            Step::Char(c) => Some(*c),
            Step::One { .. } | Step::Never => None,
        });
        chars.collect()
    }

    /// Whether a text is in the language.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        let mut active = vec![false; self.steps.len() + 1];
        if let Some(first) = active.first_mut() {
            *first = true;
        }
        for c in text.chars() {
            let moves = self.steps.iter().map(|step| match step {
                Step::Char(wanted) => self.equal(*wanted, c),
                Step::One { colon } => *colon || c != ':',
                Step::Never => false,
            });
            let moved = std::iter::once(false).chain(active.iter().zip(moves).map(|(from, takes)| *from && takes));
            let mut next: Vec<bool> = moved.collect();
            for (at, _) in self.stars.iter().filter(|(_, colon)| *colon || c != ':') {
                if let (Some(before), Some(after)) = (active.get(*at), next.get_mut(*at)) {
                    *after |= *before;
                }
            }
            active = next;
        }
        active.last().copied().unwrap_or(false)
    }

    pub(super) fn equal(&self, wanted: char, c: char) -> bool {
        if self.fold { c.to_lowercase().eq([wanted]) } else { wanted == c }
    }

    pub(super) fn has_segments(&self) -> bool {
        let bounded = self.steps.iter().any(|step| matches!(step, Step::One { colon: false }));
        bounded || self.stars.iter().any(|(_, colon)| !colon)
    }

    /// Adds every character that the pattern tells from the rest.
    pub(super) fn alphabet(&self, alphabet: &mut BTreeSet<char>) {
        for step in &self.steps {
            let Step::Char(c) = step else { continue };
            alphabet.insert(*c);
            if self.fold {
                alphabet.extend(c.to_uppercase());
                // The Kelvin sign is the one character with an ASCII lower case that is not its upper case.
                if *c == 'k' {
                    alphabet.insert('\u{212a}');
                }
            }
        }
    }
}
