//! What a document says of resources, side by side in little memory: an account has more documents than a processor has
//! near at hand, all of them are looked through for every state, and most turn out to be about something else.

use std::ops::Range;

use crate::iam::matching::{plain_head, plain_tail};
use crate::iam::symbolic::is_object;
use crate::iam::{Element, Policy, Statement};

/// A pattern's place in the text, and that of the parts that have to stand at both ends of whatever it matches.
#[derive(Clone, Copy, Debug)]
struct Pattern {
    start: u32,
    head: u32,
    tail: u32,
    end: u32,
}

/// The patterns of a statement, by their places.
pub(super) type Patterns = Range<u32>;

/// The patterns of resources in a document.
#[derive(Debug, Default)]
pub(super) struct Resources {
    text: Box<str>,
    patterns: Box<[Pattern]>,
    /// Whether something but the plain patterns may be about objects: variables, or the object in a condition.
    pub closely: bool,
}

impl Resources {
    /// Those of a document, and for each statement which are its own; `None` where it is about others than it names, or
    /// about all.
    pub fn of(policy: &Policy) -> (Self, Vec<Option<Patterns>>) {
        let resources = || policy.statements.iter().flat_map(|one| &one.resource).flat_map(Element::get);
        let mut text = String::with_capacity(resources().map(|pattern| pattern.len()).sum());
        let mut patterns = Vec::with_capacity(resources().count());
        let (mut own, mut closely) = (Vec::with_capacity(policy.statements.len()), false);
        let place = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        for statement in &policy.statements {
            let first = patterns.len();
            for pattern in statement.resource.iter().flat_map(Element::get) {
                let start = text.len();
                text.push_str(pattern);
                let head = start + plain_head(pattern).len();
                let tail = text.len() - plain_tail(pattern).len();
                patterns.push(Pattern {
                    start: place(start),
                    head: place(head),
                    tail: place(tail),
                    end: place(text.len()),
                });
                closely |= pattern.contains('$');
            }
            closely |= tells_objects(statement);
            let named = matches!(&statement.resource, Some(Element::Is(list)) if !list.is_empty());
            own.push(named.then(|| place(first)..place(patterns.len())));
        }
        (Self { text: text.into(), patterns: patterns.into(), closely }, own)
    }

    fn part(&self, start: u32, end: u32) -> &[u8] {
        self.text.as_bytes().get(start as usize..end as usize).unwrap_or_default()
    }

    /// Whether a pattern begins as one of these texts does, as far as both go.
    pub fn begin_like(&self, beginnings: &[String]) -> bool {
        self.patterns.iter().any(|pattern| {
            let head = self.part(pattern.start, pattern.head);
            beginnings.iter().any(|text| {
                let both = head.len().min(text.len());
                head.get(..both) == text.as_bytes().get(..both)
            })
        })
    }

    /// Whether a pattern of a statement of an identity policy has the ends of a resource.
    pub fn may_match(&self, own: Option<&Patterns>, resource: &str) -> bool {
        let Some(own) = own else { return true };
        let ends_fit = |pattern: &Pattern| {
            resource.as_bytes().starts_with(self.part(pattern.start, pattern.head))
                && resource.as_bytes().ends_with(self.part(pattern.tail, pattern.end))
        };
        let patterns = self.patterns.get(own.start as usize..own.end as usize);
        patterns.is_none_or(|patterns| patterns.iter().any(ends_fit))
    }
}

/// Whether a condition of a statement may tell objects apart.
fn tells_objects(statement: &Statement) -> bool {
    let mut conditions = statement.conditions.iter();
    conditions.any(|condition| is_object(&condition.key) || condition.values.iter().any(|value| value.contains('$')))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::access::filter::{is_about, nothing_known};
    use crate::iam::parse;

    const PATTERNS: &[&str] = &[
        "*",
        "arn:aws:s3:::b/*",
        "arn:aws:s3:::b/audit/*/x.json",
        "arn:aws:s3:::b/audit/?",
        "arn:aws:s3:::b/other/x.json",
        "arn:aws:s3:::${aws:username}/x.json",
        "arn:aws:s3:::b/audit/${*}",
        "arn:aws:s3",
        "arn:*:x.json",
        "arn:aws:s3:::b/audit/x.json",
        "arn:aws:kms:*:111122223333:key/*",
        "",
    ];
    const RESOURCES: &[&str] =
        &["arn:aws:s3:::b", "arn:aws:s3:::b/audit/x.json", "arn:aws:kms:us-east-1:111122223333:key/1"];

    proptest! {
        /// What the ends of the patterns rule out, the patterns do.
        #[test]
        fn nothing_that_matches_is_ruled_out(
            statements in prop::collection::vec(
                (select(&["", "Not"][..]), prop::collection::vec(select(PATTERNS), 0..4)), 1..4),
        ) {
            let statement = |(not, patterns): &(&str, Vec<&str>)| {
                serde_json::json!({"Effect": "Allow", "Action": "*", format!("{not}Resource"): patterns})
            };
            let all: Vec<_> = statements.iter().map(statement).collect();
            let text = serde_json::json!({"Version": "2012-10-17", "Statement": all}).to_string();
            let policy = parse(&text).unwrap();
            let (resources, own) = Resources::of(&policy);
            for (statement, own) in policy.statements.iter().zip(&own) {
                for resource in RESOURCES {
                    let about = is_about(policy.version, statement, resource, &nothing_known());
                    prop_assert!(!about || resources.may_match(own.as_ref(), resource), "{statement:?} {resource}");
                    let begins = resources.closely || resources.begin_like(&[(*resource).to_owned()]);
                    prop_assert!(!about || own.is_none() || begins, "{statement:?} {resource}");
                }
            }
        }
    }
}
