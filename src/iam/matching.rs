//! Whether a statement's `Action` and `Resource` cover a request.

use std::ops::Deref;

use crate::model::Reference;

use super::context::Context;
use super::document::{Element, Version};
use super::glob::{Short, arn_glob, glob_without_case, resolve};
use super::truth::Truth;

/// `Action`/`NotAction` against an action such as `s3:GetObject`, without case (M2). What an empty
/// list covers is not documented.
#[must_use]
pub fn action_matches<L, T>(element: &Element<L>, action: &str) -> Truth
where
    L: Deref<Target = [T]>,
    T: AsRef<str>,
{
    if element.get().is_empty() {
        return Truth::Unknown;
    }
    let listed = Truth::any(element.get().iter().map(|pattern| action_pattern(pattern.as_ref(), action)));
    if element.is_not() { !listed } else { listed }
}

fn action_pattern(pattern: &str, action: &str) -> Truth {
    let wild = |byte: u8| matches!(byte, b'*' | b'?');
    let mut plain = pattern.bytes().zip(action.bytes()).take_while(|(own, _)| !wild(*own));
    let matches = plain.all(|(own, asked)| own.eq_ignore_ascii_case(&asked))
        && if pattern.bytes().any(wild) { glob_without_case(pattern, action) } else { pattern.len() == action.len() };
    // Most patterns are about something else: what follows is looked at last.
    if !matches || pattern.is_empty() || pattern.contains(char::is_whitespace) {
        return Truth::No;
    }
    // Without a service prefix only `*` is an action; AWS refuses the others, so a stored one is not understood.
    if pattern != "*" && !pattern.contains(':') { Truth::Unknown } else { Truth::Yes }
}

/// `Resource`/`NotResource` against an ARN, or `*` for an action that has no resource (M3, M4, M5).
#[must_use]
pub fn resource_matches<L, T>(
    element: &Element<L>,
    resource: &str,
    version: Version,
    context: &Context,
    short: Short,
) -> Truth
where
    L: Deref<Target = [T]>,
    T: AsRef<str>,
{
    if element.get().is_empty() {
        return Truth::Unknown;
    }
    let listed = Truth::any(element.get().iter().map(|pattern| {
        let pattern = pattern.as_ref();
        // However the rest is read, what stands before the first wildcard or variable has to be there.
        if !resource.starts_with(plain_head(pattern)) && !Reference::occurs_in(resource) {
            return Truth::No;
        }
        // So does what stands after the last wildcard, at the end.
        if short != Short::Undocumented && !resource.ends_with(plain_tail(pattern)) && !Reference::occurs_in(resource) {
            return Truth::No;
        }
        if pattern == "*" && short != Short::Undocumented {
            return Truth::Yes;
        }
        let matches = resolve(pattern, version, context, true).test(|tokens| arn_glob(tokens, resource, short));
        if version == Version::V2012 && variable_before_resource(pattern) {
            matches.and(Truth::Unknown)
        } else {
            matches
        }
    }));
    if element.is_not() { !listed } else { listed }
}

/// A pattern up to its first wildcard or variable: whatever it matches begins so.
#[must_use]
pub fn plain_head(pattern: &str) -> &str {
    let plain = pattern.bytes().take_while(|byte| !matches!(byte, b'*' | b'?' | b'$')).count();
    pattern.get(..plain).unwrap_or_default()
}

/// A pattern after its last wildcard: whatever it matches ends so. Empty where it has variables, and where it is a short one,
/// which goes on in ways of its own.
#[must_use]
pub fn plain_tail(pattern: &str) -> &str {
    let whole = pattern.bytes().filter(|byte| *byte == b':').count() >= 5 && !pattern.contains('$');
    let tail = pattern.rsplit(['*', '?']).next().filter(|_| whole);
    tail.unwrap_or_default()
}

/// Variables are documented for the last part of an ARN only (M5).
fn variable_before_resource(pattern: &str) -> bool {
    pattern.splitn(6, ':').take(5).any(|part| part.contains("${"))
}
