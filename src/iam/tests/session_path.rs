//! A session's ARN does not say the path of its role (C2): what is said of such a session has to hold whatever the path is,
//! in the concrete evaluator and in the symbolic engine alike.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::iam::Truth;
use crate::iam::symbolic::{self, Answer, Keys, Limits, Part, World};

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/R/s";
const PATHS: &[&str] = &["/", "/p/", "/p/q/", "/R/"];

const VALUES: &[&str] = &[
    "arn:aws:iam::111122223333:role/R",
    "arn:aws:iam::111122223333:role/p/R",
    "arn:aws:iam::111122223333:role/p/q/R",
    "arn:aws:iam::111122223333:role/?/R",
    "arn:aws:iam::111122223333:role/*/R",
    "arn:aws:iam::111122223333:role/p/*",
    "arn:aws:iam::111122223333:role/*",
    "arn:aws:iam::*:role/q*R",
    "arn:aws:iam::111122223333:user/R",
    "*/q/R",
    "*R",
    "ARN:AWS:IAM::111122223333:ROLE/P/R",
    "arn:aws:iam::111122223333:role/${aws:PrincipalTag/a}/R",
    "arn:aws:iam::111122223333:role${aws:PrincipalTag/a}",
];

const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "ArnEquals",
    "ArnNotLike",
    "ArnLikeIfExists",
    "ForAnyValue:StringLike",
    "ForAllValues:StringNotEquals",
    "Null",
];

fn condition() -> impl Strategy<Value = String> {
    let about_arn = (proptest::sample::select(OPERATORS), proptest::sample::subsequence(VALUES, 1..=2)).prop_map(
        |(operator, values)| {
            let values = if operator == "Null" { vec!["false"] } else { values };
            let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            format!(r#"{{"{operator}":{{"aws:PrincipalArn":[{}]}}}}"#, values.join(","))
        },
    );
    // The ARN as a variable, compared with something else.
    let with_arn = proptest::sample::select(&OPERATORS[..8]).prop_map(|operator| {
        format!(r#"{{"{operator}":{{"aws:SourceArn":["${{aws:PrincipalArn}}","${{aws:PrincipalArn, 'x'}}"]}}}}"#)
    });
    prop_oneof![4 => about_arn, 1 => with_arn]
}

const RESOURCES: &[&str] =
    &["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/${aws:PrincipalArn}/*", "arn:aws:s3:::b/audit/x.json"];
/// None that names the role: a policy that was accepted with `role/R` says that there is no path (P3).
const PRINCIPALS: &[&str] = &[
    r#""Principal":"*""#,
    r#""Principal":{"AWS":"111122223333"}"#,
    r#""Principal":{"AWS":"arn:aws:sts::111122223333:assumed-role/R/s"}"#,
];

fn statement(with_principal: bool) -> impl Strategy<Value = String> {
    (
        proptest::sample::select(&["Allow", "Allow", "Deny"][..]),
        proptest::sample::select(PRINCIPALS),
        proptest::sample::select(RESOURCES),
        proptest::option::weighted(0.8, condition()),
    )
        .prop_map(move |(effect, principal, resource, condition)| {
            let principal = if with_principal { format!("{principal},") } else { String::new() };
            let condition = condition.map(|text| format!(r#","Condition":{text}"#)).unwrap_or_default();
            format!(r#"{{"Effect":"{effect}",{principal}"Action":"s3:*","Resource":"{resource}"{condition}}}"#)
        })
}

/// A request of a session whose role has a path, or of which nobody knows it.
fn session(path: Option<&str>, object: &str, identity: &[String], resource: &[String]) -> Case {
    let identity: Vec<&str> = identity.iter().map(String::as_str).collect();
    let resource: Vec<&str> = resource.iter().map(String::as_str).collect();
    let mut case = case(SESSION, "s3:GetObject", object).identity(&identity);
    if !resource.is_empty() {
        case = case.on(&resource);
    }
    if let Principal::RoleSession { role, .. } = &mut case.request.principal {
        role.path = path.map(str::to_owned);
    }
    case
}

fn ask(case: &Case) -> Answer {
    let part = Part { request: &case.request, policies: &case.policies, own: &Keys::default() };
    symbolic::ask(&[part], &[World::new("any", Keys::default())], Limits::default())
}

fn truth(decision: Decision) -> Truth {
    match decision {
        Allowed => Truth::Yes,
        Unknown => Truth::Unknown,
        ImplicitDeny | ExplicitDeny => Truth::No,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_said_without_the_path_holds_for_every_path(
        identity in proptest::collection::vec(statement(false), 1..4),
        resource in proptest::collection::vec(statement(true), 0..3),
        object in proptest::sample::select(&[
            OBJECT, "arn:aws:s3:::b/arn:aws:iam::111122223333:role/p/R/x", "arn:aws:s3:::b/arn:aws:iam::111122223333:role/R/x",
        ][..]),
        tag in proptest::sample::select(&["p", "/p/R", "*", ""][..]),
        source in proptest::option::of(proptest::sample::select(&VALUES[..3])),
    ) {
        let mut context = BTreeMap::from([("aws:PrincipalTag/a".to_owned(), vec![tag.to_owned()])]);
        context.extend(source.map(|arn| ("aws:SourceArn".to_owned(), vec![arn.to_owned()])));
        let mut unsaid = session(None, object, &identity, &resource);
        let any = ask(&unsaid);
        unsaid.request.context = context.clone();
        let open = truth(unsaid.run());
        for path in PATHS {
            let mut one = session(Some(path), object, &identity, &resource);
            let answer = ask(&one);
            one.request.context = context.clone();
            let found = truth(one.run());
            for answer in [&answer, &any] {
                prop_assert!(answer.can >= found.min(Truth::Unknown), "{path}: {found:?} in {context:?}\n{answer:#?}");
                prop_assert!(answer.always != Truth::Yes || found == Truth::Yes, "{path}: {found:?} in {context:?}");
            }
            prop_assert!(open == Truth::Unknown || open == found, "{path}: {found:?}, without the path {open:?}");
        }
        if any.can == Truth::Yes {
            unsaid.request.context = any.witness.as_ref().unwrap().contexts[0].clone();
            prop_assert_eq!(truth(unsaid.run()), Truth::Yes, "{:?}", any);
        }
    }
}
