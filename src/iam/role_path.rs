//! Comparisons with the ARN of a role whose path is not known (C2): a session's ARN does not show it, `aws:PrincipalArn`
//! does. What holds for some paths only is not known.

use super::glob::{Resolved, Token};
use super::operator::Comparison;
use super::truth::Truth;

/// What a comparison says that came out as `matched` for the path `/`. `around`: what stands before and behind the path,
/// the slash before it included.
pub(super) fn whatever_it_is(matched: Truth, comparison: Comparison, wanted: &Resolved, around: (&str, &str)) -> Truth {
    let fold = comparison == Comparison::StringEqualsIgnoreCase;
    let (before, name) = match fold {
        true => (around.0.to_lowercase(), around.1.to_lowercase()),
        false => (around.0.to_owned(), around.1.to_owned()),
    };
    let tokens = match wanted {
        Resolved::Known(tokens) | Resolved::Unknown(tokens) => tokens,
        Resolved::Missing => return matched,
    };
    match comparison {
        Comparison::StringEquals
        | Comparison::StringLike
        | Comparison::StringEqualsIgnoreCase
        | Comparison::ArnEquals => {}
        _ => return matched,
    }
    let bare = matches!(comparison, Comparison::ArnEquals) && tokens.iter().all(|token| *token == Token::Any);
    if !bare && !for_some(tokens, &before, &name) {
        return Truth::No;
    }
    let all = match comparison {
        Comparison::ArnEquals => {
            let last = tokens.splitn(6, |token| *token == Token::Char(':')).nth(5);
            let own = before.rsplit(':').next().unwrap_or_default();
            last.is_some_and(|last| for_all(last, own, &name))
        }
        _ => for_all(tokens, &before, &name),
    };
    if all { matched } else { Truth::Unknown }
}

/// Whether a pattern may match `before`, some path and `name`: the text up to its first wildcard has to agree with the
/// beginning, and without any the end as well. Says yes too often rather than too seldom.
fn for_some(tokens: &[Token], before: &str, name: &str) -> bool {
    let head: String = tokens.iter().map_while(plain).collect();
    if head.chars().count() < tokens.len() {
        return before.starts_with(&head) || head.starts_with(before);
    }
    let path = head.strip_prefix(before).and_then(|rest| rest.strip_suffix(name));
    path.is_some_and(|path| path.is_empty() || path.ends_with('/'))
}

/// Whether a pattern matches `before`, any path and `name`: one of its `*` takes the path, what is left of it the rest.
/// Says yes too seldom rather than too often.
fn for_all(tokens: &[Token], before: &str, name: &str) -> bool {
    let backwards: Vec<Token> = tokens.iter().rev().copied().collect();
    let from_end = |text: &str| {
        let mut reached = reached(&backwards, text.chars().rev());
        reached.reverse();
        reached
    };
    // The path ends with a slash, or there is none and `before` ends with one: either side may have it.
    let ways = [(before.strip_suffix('/').unwrap_or(before), format!("/{name}")), (before, name.to_owned())];
    ways.iter().any(|(before, behind)| {
        let (begins, ends) = (reached(tokens, before.chars()), from_end(behind));
        let stars = tokens.iter().zip(begins).zip(ends.into_iter().skip(1));
        stars.into_iter().any(|((token, begins), ends)| *token == Token::Any && begins && ends)
    })
}

/// Of each place in a pattern, whether what stands before it matches some beginning of a text.
fn reached(pattern: &[Token], text: impl Iterator<Item = char>) -> Vec<bool> {
    let start = std::iter::once(true).chain(std::iter::repeat_n(false, pattern.len()));
    let mut active: Vec<bool> = closed(pattern, start.collect());
    let mut reached = active.clone();
    for c in text {
        let takes = |token: &Token| match token {
            Token::Any => false,
            Token::One => true,
            Token::Char(wanted) | Token::Text(wanted) => *wanted == c,
        };
        let moved = pattern.iter().zip(&active).map(|(token, from)| *from && takes(token));
        let stayed = pattern.iter().map(|token| *token == Token::Any).chain([false]);
        let next = std::iter::once(false).chain(moved).zip(stayed.zip(&active));
        let next: Vec<bool> = next.map(|(moved, (star, was))| moved || star && *was).collect();
        active = closed(pattern, next);
        reached.iter_mut().zip(&active).for_each(|(ever, now)| *ever |= *now);
    }
    reached
}

/// A `*` takes nothing as well.
fn closed(pattern: &[Token], active: Vec<bool>) -> Vec<bool> {
    let mut before = false;
    let stars = std::iter::once(false).chain(pattern.iter().map(|token| *token == Token::Any));
    let through = |(now, star): (bool, bool)| {
        before = now || star && before;
        before
    };
    active.into_iter().zip(stars).map(through).collect()
}

fn plain(token: &Token) -> Option<char> {
    match token {
        Token::Char(c) | Token::Text(c) => Some(*c),
        Token::Any | Token::One => None,
    }
}
