//! Patterns with `*` and `?`, ARN patterns, and policy variables (IAM User Guide, "IAM policy elements: Variables and tags"
//! and "Resource").

use crate::model::Reference;

use super::context::{Context, Lookup};
use super::document::Version;
use super::truth::Truth;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Token {
    /// `*`
    Any,
    /// `?`
    One,
    /// A character of the policy's own text.
    Char(char),
    /// A character that a variable brought in: never a wildcard, never a separator.
    Text(char),
}

impl Token {
    /// Reads `*` and `?`, no variables.
    #[must_use]
    pub fn pattern(text: &str) -> Vec<Token> {
        text.chars().map(Token::wild).collect()
    }

    fn wild(c: char) -> Token {
        match c {
            '*' => Token::Any,
            '?' => Token::One,
            c => Token::Char(c),
        }
    }
}

/// A text of a policy after its variables were filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    Known(Vec<Token>),
    /// A variable has no value: the text matches nothing.
    Missing,
    /// A variable's value is not known, or it holds wildcards whose reading is not documented. The tokens have `*` in its
    /// place: what they do not match is certainly not matched.
    Unknown(Vec<Token>),
}

impl Resolved {
    /// Applies a matcher to what is known.
    #[must_use]
    pub fn test(&self, matcher: impl FnOnce(&[Token]) -> Truth) -> Truth {
        match self {
            Resolved::Known(tokens) => matcher(tokens),
            Resolved::Missing => Truth::No,
            Resolved::Unknown(tokens) => matcher(tokens).and(Truth::Unknown),
        }
    }
}

/// Fills in the variables of a text. `wildcards` says whether `*` and `?` of the text itself are wildcards.
#[must_use]
pub fn resolve(text: &str, version: Version, context: &Context, wildcards: bool) -> Resolved {
    let (mut tokens, mut unknown, mut rest) = (Vec::new(), false, text);
    let plain = |c: char| if wildcards { Token::wild(c) } else { Token::Char(c) };
    while let Some((before, name, after)) = next_variable(rest).filter(|_| version == Version::V2012) {
        tokens.extend(before.chars().map(plain));
        rest = after;
        match name {
            "*" | "?" | "$" => tokens.extend(name.chars().map(Token::Text)),
            _ => match variable(name, context) {
                Variable::Text(value) if wildcards && value.contains(['*', '?']) => {
                    tokens.push(Token::Any);
                    unknown = true;
                }
                Variable::Text(value) => tokens.extend(value.chars().map(Token::Text)),
                Variable::Missing => return Resolved::Missing,
                Variable::Unknown => {
                    tokens.push(Token::Any);
                    unknown = true;
                }
            },
        }
    }
    tokens.extend(rest.chars().map(plain));
    if unknown { Resolved::Unknown(tokens) } else { Resolved::Known(tokens) }
}

enum Variable<'a> {
    Text(&'a str),
    Missing,
    Unknown,
}

/// (text before, what stands between `${` and `}`, text after).
fn next_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

/// Names of the keys that a text uses as variables.
pub(super) fn variables(text: &str, version: Version) -> impl Iterator<Item = &str> {
    let mut rest = Some(text).filter(|_| version == Version::V2012);
    let names = std::iter::from_fn(move || {
        let (_, name, after) = next_variable(rest?)?;
        rest = Some(after);
        Some(name)
    });
    names.filter(|name| !matches!(*name, "*" | "?" | "$")).map(|name| name.split(',').next().unwrap_or(name).trim())
}

fn variable<'a>(name: &'a str, context: &'a Context) -> Variable<'a> {
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (key.trim(), quoted(default.trim())),
        None => (name.trim(), Ok(None)),
    };
    match (context.lookup(key), default) {
        // The path in it was made up (C2).
        (Lookup::Values(_), _) if context.around_path(key).is_some() => Variable::Unknown,
        (Lookup::Values([value]), _) => Variable::Text(value),
        // A key with several values cannot be used as a variable; what AWS does with it is not documented (M5).
        (Lookup::Values(_) | Lookup::Unknown, _) => Variable::Unknown,
        (Lookup::Absent, Ok(Some(default))) => Variable::Text(default),
        (Lookup::Absent, Ok(None)) => Variable::Missing,
        (Lookup::Absent, Err(())) => Variable::Unknown,
    }
}

fn quoted(text: &str) -> Result<Option<&str>, ()> {
    text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).map(Some).ok_or(())
}

/// Whether a pattern matches a whole text. Time is at most the product of the lengths; no recursion.
#[must_use]
pub fn glob(pattern: &[Token], text: &str) -> bool {
    walk(pattern.iter().copied(), text.chars())
}

/// [`glob`] of a text's own `*` and `?`, without regard to the case of ASCII letters.
#[must_use]
pub fn glob_without_case(pattern: &str, text: &str) -> bool {
    walk(pattern.chars().map(|c| Token::wild(c.to_ascii_lowercase())), text.chars().map(|c| c.to_ascii_lowercase()))
}

fn walk<P, T>(mut pattern: P, mut rest: T) -> bool
where
    P: Iterator<Item = Token> + Clone,
    T: Iterator<Item = char> + Clone,
{
    // The tokens after the last `*`, and the text that this `*` has not eaten.
    let mut star: Option<(P, T)> = None;
    loop {
        let (mut further, mut ahead) = (pattern.clone(), rest.clone());
        match (further.next(), ahead.next()) {
            (Some(Token::Any), _) => {
                pattern = further;
                star = Some((pattern.clone(), rest.clone()));
                continue;
            }
            (Some(Token::One), Some(_)) => {
                (pattern, rest) = (further, ahead);
                continue;
            }
            (Some(Token::Char(wanted) | Token::Text(wanted)), Some(found)) if wanted == found => {
                (pattern, rest) = (further, ahead);
                continue;
            }
            (None, None) => return true,
            _ => {}
        }
        let Some((after, left)) = &mut star else { return false };
        if left.next().is_none() {
            return false;
        }
        (pattern, rest) = (after.clone(), left.clone());
    }
}

/// [`glob`], with a value that may stand for one that only the cloud can choose.
#[must_use]
pub fn glob_or_symbol(pattern: &[Token], text: &str) -> Truth {
    if Reference::occurs_in(text) { symbol(pattern, text) } else { glob(pattern, text).into() }
}

/// A reference names something that does not exist yet: it equals itself and no existing name, and what a wildcard makes of
/// it is not known.
fn symbol(pattern: &[Token], text: &str) -> Truth {
    let wild = |token: &Token| matches!(token, Token::Any | Token::One);
    match pattern.iter().any(wild) {
        true if pattern.iter().all(|token| *token == Token::Any) => Truth::Yes,
        true => Truth::Unknown,
        false => glob(pattern, text).into(),
    }
}

/// How a pattern with fewer than six parts is read (M3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Short {
    /// Identity-based policies: the missing parts are `*`.
    Padded,
    /// Resource-based policies: padded when a wildcard is present, otherwise not documented.
    PaddedIfWild,
    /// Values of `Arn…` operators: not documented, as little as a bare `*` there or a request value that is no ARN.
    Undocumented,
}

/// Whether an ARN pattern matches an ARN, part by part: wildcards do not cross the first five colons. A bare `*`
/// stands for every resource.
#[must_use]
pub fn arn_glob(pattern: &[Token], arn: &str, short: Short) -> Truth {
    if !pattern.is_empty() && pattern.iter().all(|token| *token == Token::Any) {
        return if short == Short::Undocumented { Truth::Unknown } else { Truth::Yes };
    }
    if Reference::occurs_in(arn) {
        return symbol(pattern, arn);
    }
    let parts: Vec<&[Token]> = pattern.splitn(6, |token| *token == Token::Char(':')).collect();
    let values: Vec<&str> = arn.splitn(6, ':').collect();
    if short == Short::Undocumented && (values.len() < 6 || parts.len() < 6) {
        return Truth::Unknown;
    }
    if values.len() < 6 {
        return Truth::No;
    }
    let matches = parts.iter().zip(&values).all(|(part, value)| glob(part, value));
    if !matches {
        // A short pattern whose last part has a wildcard could be meant to span the rest as one text.
        let may_span = parts.len() < 6 && short != Short::Padded && glob(pattern, arn);
        return if may_span { Truth::Unknown } else { Truth::No };
    }
    let is_wild = |tokens: &[Token]| tokens.iter().any(|token| matches!(token, Token::Any | Token::One));
    let wild = is_wild(pattern);
    match (parts.len() < 6, short) {
        // AWS does not take a wildcard in place of the service.
        (false, Short::Padded | Short::PaddedIfWild) if parts.get(2).is_some_and(|service| is_wild(service)) => {
            Truth::Unknown
        }
        (false, _) | (true, Short::Padded) => Truth::Yes,
        (true, Short::PaddedIfWild) if wild => Truth::Yes,
        (true, _) => Truth::Unknown,
    }
}
