//! Whether a statement's `Action` and `Resource` cover a request.

use super::context::Context;
use super::document::{Element, Version};
use super::glob::{Short, Token, arn_glob, glob, resolve};
use super::truth::Truth;

/// `Action`/`NotAction` against an action such as `s3:GetObject`, without case (M2). What an empty
/// list covers is not documented.
#[must_use]
pub fn action_matches(element: &Element<Vec<String>>, action: &str) -> Truth {
    if element.get().is_empty() {
        return Truth::Unknown;
    }
    let action = action.to_ascii_lowercase();
    let listed = Truth::any(element.get().iter().map(|pattern| action_pattern(pattern, &action)));
    if element.is_not() { !listed } else { listed }
}

fn action_pattern(pattern: &str, action: &str) -> Truth {
    if pattern.is_empty() || pattern.contains(char::is_whitespace) {
        return Truth::No;
    }
    let matches = match pattern.contains(['*', '?']) {
        true => glob(&Token::pattern(&pattern.to_ascii_lowercase()), action),
        false => pattern.eq_ignore_ascii_case(action),
    };
    // Without a service prefix only `*` is an action; AWS refuses the others, so a stored one is not understood.
    match matches {
        true if pattern != "*" && !pattern.contains(':') => Truth::Unknown,
        matches => matches.into(),
    }
}

/// `Resource`/`NotResource` against an ARN, or `*` for an action that has no resource (M3, M4, M5).
#[must_use]
pub fn resource_matches(
    element: &Element<Vec<String>>,
    resource: &str,
    version: Version,
    context: &Context,
    short: Short,
) -> Truth {
    if element.get().is_empty() {
        return Truth::Unknown;
    }
    let listed = Truth::any(element.get().iter().map(|pattern| {
        let matches = resolve(pattern, version, context, true).test(|tokens| arn_glob(tokens, resource, short));
        if version == Version::V2012 && variable_before_resource(pattern) {
            matches.and(Truth::Unknown)
        } else {
            matches
        }
    }));
    if element.is_not() { !listed } else { listed }
}

/// Variables are documented for the last part of an ARN only (M5).
fn variable_before_resource(pattern: &str) -> bool {
    pattern.splitn(6, ':').take(5).any(|part| part.contains("${"))
}
