//! The simple half of inclusion: statement by statement. It proves what changes of lists come to (a reader more or less)
//! without looking at requests, also where comparisons stand in the policies that are not worked out.

use std::collections::BTreeSet;

use crate::iam::canonical::{CanonicalCondition, CanonicalPrincipal, CanonicalStatement, Resolver};
use crate::iam::{Effect, Element, Policy};

/// Whether every allow of the candidate lies within one of the reference, and every deny of the reference within one of
/// the candidate. `true` proves inclusion; `false` says nothing.
pub(super) fn proves(reference: &Policy, candidate: &Policy) -> bool {
    // `${` reads differently in the older language version.
    if reference.version != candidate.version {
        return false;
    }
    let resolver = Resolver::default();
    let of = |policy: &Policy, effect: Effect| -> Vec<CanonicalStatement> {
        let all = policy.statements.iter().filter(|statement| statement.effect == effect);
        all.map(|statement| CanonicalStatement::of(statement, &resolver)).collect()
    };
    let within = |inner: Vec<CanonicalStatement>, outer: Vec<CanonicalStatement>| {
        inner.iter().all(|inner| outer.iter().any(|outer| is_within(inner, outer)))
    };
    within(of(candidate, Effect::Allow), of(reference, Effect::Allow))
        && within(of(reference, Effect::Deny), of(candidate, Effect::Deny))
}

/// Whether a statement matches no request that another one does not match. Sets are compared by their texts: equal texts
/// match the same, whatever they hold.
fn is_within(inner: &CanonicalStatement, outer: &CanonicalStatement) -> bool {
    let resource = match (&inner.resource, &outer.resource) {
        (Some(inner), Some(outer)) => element_within(inner, outer),
        (None, None) => true,
        _ => false,
    };
    let principal = match (&inner.principal, &outer.principal) {
        (Some(Element::Is(inner)), Some(Element::Is(outer))) => principal_within(inner, outer),
        (inner, outer) => inner == outer,
    };
    let implied = |outer: &CanonicalCondition| inner.conditions.iter().any(|inner| condition_within(inner, outer));
    resource && principal && element_within(&inner.action, &outer.action) && outer.conditions.iter().all(implied)
}

/// What an empty list matches is not documented, so it lies within nothing.
fn element_within(inner: &Element<BTreeSet<String>>, outer: &Element<BTreeSet<String>>) -> bool {
    if inner.get().is_empty() || outer.get().is_empty() {
        return false;
    }
    match (inner, outer) {
        (Element::Is(inner), Element::Is(outer)) => inner.is_subset(outer),
        (Element::Not(inner), Element::Not(outer)) => outer.is_subset(inner),
        (Element::Is(_), Element::Not(_)) | (Element::Not(_), Element::Is(_)) => false,
    }
}

fn principal_within(inner: &CanonicalPrincipal, outer: &CanonicalPrincipal) -> bool {
    inner.iter().all(|(kind, names)| outer.get(kind).is_some_and(|outer| names.is_subset(outer)))
}

/// Fewer values make a comparison for one of them stricter, and one for none of them looser; with and without set
/// operators and `IfExists` (IAM User Guide, "Conditions with multiple context keys or values").
fn condition_within(inner: &CanonicalCondition, outer: &CanonicalCondition) -> bool {
    let empty = inner.values.is_empty() || outer.values.is_empty();
    if empty || (&inner.operator, &inner.key) != (&outer.operator, &outer.key) {
        return false;
    }
    let comparison = inner.operator.rsplit(':').next().unwrap_or_default().to_ascii_lowercase();
    let lists = comparison.starts_with("string") || comparison.starts_with("arn");
    match (lists, comparison.contains("not")) {
        (true, false) => inner.values.is_subset(&outer.values),
        (true, true) => outer.values.is_subset(&inner.values),
        (false, _) => inner.values == outer.values,
    }
}
