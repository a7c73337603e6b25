//! Statements, conditions and obstacles in words.

use crate::iam::evaluate::{Layer, StatementRef};
use crate::iam::symbolic::{Answer, Blocked, Literal};

use super::outsiders::{ASSUMED, CLASS};

/// More alternatives than these are not spelled out.
const MOST_ALTERNATIVES: usize = 4;

/// A statement as people look it up: "bucket policy statement `SecTeam` (#2)".
pub(super) fn statement(reference: &StatementRef) -> String {
    let StatementRef { layer, policy, sid, index } = reference;
    let name = match layer {
        // Named by what they are already.
        Layer::Resource => policy.to_string(),
        Layer::KmsGrant => return format!("KMS grant `{policy}`"),
        Layer::PublicAccessBlock => return format!("public access block ({policy})"),
        Layer::Identity if **policy == *ASSUMED => return policy.to_string(),
        Layer::ServiceControl | Layer::ResourceControl => policy.to_string(),
        Layer::Identity | Layer::Boundary | Layer::Session | Layer::VpcEndpoint => format!("{layer} `{policy}`"),
    };
    match (sid, index) {
        (Some(sid), Some(index)) => format!("{name} statement `{sid}` (#{index})"),
        (Some(sid), None) => format!("{name} statement `{sid}`"),
        (None, Some(index)) => format!("{name} statement #{index}"),
        (None, None) => format!("{name}, whose content is not known"),
    }
}

/// Statements that matter to a reader: without what only tells classes apart, and without assumptions about others.
pub(super) fn statements(references: &[StatementRef]) -> Vec<String> {
    references.iter().filter(|one| *one.policy != *CLASS).map(statement).collect()
}

fn literal(literal: &Literal) -> String {
    let Literal { key, operator, values, holds, unresolved } = literal;
    let text = format!("{operator} {key} {}", values.join(" | "));
    let text = if *holds { text } else { format!("not ({text})") };
    match unresolved {
        Some(why) => format!("{text} [not resolved: {why}]"),
        None => text,
    }
}

/// The conditions of an answer: each entry has to hold. Alternatives are one entry.
pub(super) fn conditions(answer: &Answer) -> Vec<String> {
    let Some(alternatives) = &answer.conditions else {
        return vec!["under conditions that are too many to be listed".to_owned()];
    };
    let spelled: Vec<Vec<String>> =
        alternatives.iter().map(|all| all.iter().filter(|one| !tells_class(one)).map(literal).collect()).collect();
    match spelled.as_slice() {
        [] => Vec::new(),
        [one] => one.clone(),
        many if many.iter().any(Vec::is_empty) => Vec::new(),
        many => {
            let shown: Vec<String> =
                many.iter().take(MOST_ALTERNATIVES).map(|all| format!("({})", all.join(" and "))).collect();
            let more = many.len().saturating_sub(MOST_ALTERNATIVES);
            let rest = if more > 0 { format!(" or {more} more") } else { String::new() };
            vec![format!("{}{rest}", shown.join(" or "))]
        }
    }
}

/// Conditions of the document that keeps classes apart: only "not" ones with wildcards over whole accounts.
fn tells_class(literal: &Literal) -> bool {
    let whole_account = |value: &String| value.starts_with("arn:*:*::") && value.ends_with(":*");
    literal.key.eq_ignore_ascii_case("aws:PrincipalArn")
        && !literal.values.is_empty()
        && literal.values.iter().all(whole_account)
}

/// Why something is closed.
pub(super) fn obstacles(blocked: &[Blocked], names: &[&str]) -> Vec<String> {
    let mut all = Vec::new();
    for Blocked { part, missing, denies } in blocked {
        let name = names.get(*part).copied().unwrap_or("the request");
        let denies: Vec<String> = statements(denies);
        if !denies.is_empty() {
            all.push(format!("{name}: denied by {}", denies.join(", ")));
        } else if missing.is_empty() {
            all.push(format!("{name}: nothing allows it"));
        } else {
            let layers: Vec<String> = missing.iter().map(ToString::to_string).collect();
            all.push(format!("{name}: no Allow in {}", layers.join(", ")));
        }
    }
    if all.is_empty() {
        all.push("its requests are allowed one by one, never together".to_owned());
    }
    all
}
