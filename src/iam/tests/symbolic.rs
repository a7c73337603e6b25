//! The symbolic engine against the concrete evaluator: what it says of every context has to hold in each.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::iam::Truth;
use crate::iam::symbolic::{self, Answer, Keys, Limits, Part, World};

const KEYS: &[&str] = &[
    "aws:SourceIp",
    "aws:SecureTransport",
    "aws:PrincipalOrgID",
    "aws:PrincipalTag/a",
    "aws:MultiFactorAuthAge",
    "aws:CurrentTime",
    "aws:SourceVpce",
    "aws:TagKeys",
    "aws:SourceArn",
    "s3:prefix",
    "custom:Data",
];

const VALUES: &[&str] = &[
    "10.0.0.0/8",
    "10.1.0.0/16",
    "2001:db8::/32",
    "true",
    "false",
    "True",
    "o-1",
    "o-*",
    "*",
    "o-?",
    "a",
    "A",
    "ab",
    "a*b",
    "300",
    "300.5",
    "-1",
    "2026-01-01T00:00:00Z",
    "2027-01-01",
    "vpce-1",
    "vpce-*",
    "arn:aws:s3:::b",
    "arn:aws:s3:*:*:b*",
    "${aws:PrincipalTag/a}",
    "x${s3:prefix}y",
    "QUI=",
    "QUJD",
];

const OPERATORS: &[&str] = &[
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "StringLikeIfExists",
    "ForAllValues:StringLike",
    "ForAnyValue:StringEquals",
    "ForAnyValue:StringNotLike",
    "ForAllValues:StringNotEquals",
    "NumericLessThan",
    "NumericGreaterThanEquals",
    "NumericEquals",
    "DateLessThan",
    "DateGreaterThanEqualsIfExists",
    "Bool",
    "BoolIfExists",
    "BinaryEquals",
    "IpAddress",
    "NotIpAddress",
    "NotIpAddressIfExists",
    "ArnLike",
    "ArnNotEquals",
    "Null",
    "Nonsense",
];

/// What requests hold: values that the conditions meet, nearly meet and do not meet.
const GIVEN: &[&str] = &[
    "10.1.2.3",
    "10.2.0.1",
    "11.0.0.0",
    "9.255.255.255",
    "2001:db8::7",
    "true",
    "false",
    "o-1",
    "o-12",
    "a",
    "A",
    "ab",
    "aXb",
    "xay",
    "",
    "300",
    "299",
    "301",
    "2026-06-01T00:00:00Z",
    "2025-12-31T23:59:59Z",
    "2028-01-01T00:00:00Z",
    "vpce-1",
    "vpce-2",
    "arn:aws:s3:::b",
    "arn:aws:s3:eu:1:bb",
    "QUI=",
    "x",
];

fn condition() -> impl Strategy<Value = String> {
    let values = proptest::sample::subsequence(VALUES, 1..=3);
    (proptest::sample::select(OPERATORS), proptest::sample::select(KEYS), values).prop_map(|(operator, key, values)| {
        let values: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
        format!(r#"{{"{operator}":{{"{key}":[{}]}}}}"#, values.join(","))
    })
}

const RESOURCES: &[&str] = &["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/${aws:PrincipalTag/a}*", "arn:aws:s3:::c/*"];
const PRINCIPALS: &[&str] = &[
    r#""*""#,
    r#"{"AWS":"111122223333"}"#,
    r#"{"AWS":"arn:aws:iam::111122223333:role/R"}"#,
    r#"{"Service":"logging.s3.amazonaws.com"}"#,
];

fn statement(with_principal: bool) -> impl Strategy<Value = String> {
    (
        proptest::sample::select(&["Allow", "Allow", "Deny"][..]),
        proptest::sample::select(PRINCIPALS),
        proptest::sample::select(RESOURCES),
        proptest::option::of(condition()),
    )
        .prop_map(move |(effect, principal, resource, condition)| {
            let principal = if with_principal { format!(r#""Principal":{principal},"#) } else { String::new() };
            let condition = condition.map(|text| format!(r#","Condition":{text}"#)).unwrap_or_default();
            format!(r#"{{"Effect":"{effect}",{principal}"Action":"s3:*","Resource":"{resource}"{condition}}}"#)
        })
}

#[derive(Clone, Debug)]
struct Scenario {
    who: &'static str,
    identity: Vec<String>,
    boundary: Option<Vec<String>>,
    resource: Option<Vec<String>>,
}

fn scenario() -> impl Strategy<Value = Scenario> {
    let who = &[
        "arn:aws:sts::111122223333:assumed-role/R/s",
        "arn:aws:iam::111122223333:user/u",
        "arn:aws:sts::444455556666:assumed-role/R/s",
        "anonymous",
        "logging.s3.amazonaws.com",
    ][..];
    let list = |with| proptest::collection::vec(statement(with), 0..4);
    (proptest::sample::select(who), list(false), proptest::option::of(list(false)), proptest::option::of(list(true)))
        .prop_map(|(who, identity, boundary, resource)| Scenario { who, identity, boundary, resource })
}

fn refs(statements: &[String]) -> Vec<&str> {
    statements.iter().map(String::as_str).collect()
}

impl Scenario {
    fn case(&self) -> Case {
        let mut case = case(self.who, "s3:GetObject", OBJECT).identity(&refs(&self.identity));
        if let Some(statements) = &self.boundary {
            case = case.boundary(&refs(statements));
        }
        if let Some(statements) = &self.resource {
            case = case.on(&refs(statements));
        }
        case
    }
}

/// One key of a context: absent, one value, or two.
fn given() -> impl Strategy<Value = BTreeMap<String, Vec<String>>> {
    let values = proptest::sample::subsequence(GIVEN, 1..=2);
    proptest::collection::btree_map(proptest::sample::select(KEYS), values, 0..=KEYS.len()).prop_map(|map| {
        map.into_iter()
            .map(|(key, mut values)| {
                // Keys of AWS that are documented to have one value have one of the documented type.
                let first = match key {
                    "aws:SecureTransport" => (values[0].len() % 2 == 0).to_string(),
                    "aws:SourceIp" if values[0].parse::<std::net::IpAddr>().is_err() => "10.1.2.3".to_owned(),
                    "aws:MultiFactorAuthAge" if values[0].parse::<u32>().is_err() => "300".to_owned(),
                    "aws:CurrentTime"
                        if !values[0].contains("-") || !values[0].starts_with('2') || values[0].contains("::") =>
                    {
                        "2026-06-01T00:00:00Z".to_owned()
                    }
                    "aws:SourceArn" if !values[0].starts_with("arn:") => "arn:aws:s3:::b".to_owned(),
                    _ => values[0].to_owned(),
                };
                if matches!(key, "aws:TagKeys" | "custom:Data") {
                    values[0] = first.leak();
                    return (key.to_owned(), values.iter().map(|value| (*value).to_owned()).collect());
                }
                (key.to_owned(), vec![first])
            })
            .collect()
    })
}

fn anything() -> Vec<World> {
    vec![World::new("any", Keys::default())]
}

fn ask(case: &Case, worlds: &[World]) -> Answer {
    let part = Part { request: &case.request, policies: &case.policies, own: &Keys::default() };
    symbolic::ask(&[part], worlds, Limits::default())
}

fn truth(decision: Decision) -> Truth {
    match decision {
        Allowed => Truth::Yes,
        Unknown => Truth::Unknown,
        ImplicitDeny | ExplicitDeny => Truth::No,
    }
}

/// A bound of what is said about every context, and what is said of one.
fn consistent(answer: &Answer, one: Truth) -> bool {
    answer.can >= one.min(Truth::Unknown) && !(answer.always == Truth::Yes && one != Truth::Yes)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_context_is_within_the_answer(scenario in scenario(), contexts in proptest::collection::vec(given(), 12)) {
        let mut case = scenario.case();
        let answer = ask(&case, &anything());
        for context in contexts {
            case.request.context = context;
            let one = truth(case.run());
            prop_assert!(consistent(&answer, one), "{one:?} in {:?}\n{answer:#?}", case.request.context);
            if one == Truth::Yes {
                let conditions = answer.conditions.as_ref();
                let met = conditions.is_none_or(|lists| lists.iter().any(|list| may_hold(list, &case)));
                prop_assert!(met, "not described: {:?}\n{answer:#?}", case.request.context);
            }
        }
        if answer.can == Truth::Yes {
            let witness = answer.witness.clone().unwrap();
            case.request.context = witness.contexts[0].clone();
            prop_assert_eq!(witness.evaluations[0].decision, Allowed);
            prop_assert_eq!(truth(case.run()), Truth::Yes, "{:?}", answer);
            prop_assert!(answer.blocked.is_empty());
        }
        if answer.can == Truth::No {
            let [blocked] = answer.blocked.as_slice() else { panic!("{answer:?}") };
            prop_assert!(!blocked.missing.is_empty() || !blocked.denies.is_empty(), "{:?}", answer);
        }
    }

    #[test]
    fn what_a_world_fixes_is_what_a_request_says(scenario in scenario(), context in given()) {
        let mut case = scenario.case();
        let keys = Keys { fixed: context.clone(), absent: BTreeSet::from(["*".to_owned()]), ..Keys::default() };
        let answer = ask(&case, &[World::new("one", keys)]);
        case.request.context = context;
        let one = truth(case.run());
        prop_assert_eq!(answer.can, one, "{:?}", answer);
        prop_assert_eq!(answer.always, one, "{:?}", answer);
    }

    #[test]
    fn what_becomes_unknown_only_weakens(scenario in scenario(), key in proptest::sample::select(KEYS), layer in 0..3_usize) {
        let case = scenario.case();
        let before = ask(&case, &anything());
        let mut keys = Keys::default();
        keys.unknown.insert(key.to_owned());
        let after = ask(&case, &[World::new("any", keys)]);
        prop_assert!(after.can >= before.can.min(Truth::Unknown), "{:?}\n{:?}", before, after);
        prop_assert!(after.always == Truth::No || after.always == Truth::Unknown || before.always == Truth::Yes);

        let mut less = scenario.case();
        let unread = NamedPolicy::unknown("p", "not read");
        match layer {
            0 => less.policies.identity = vec![unread],
            1 if less.policies.boundary.is_some() => less.policies.boundary = Some(unread),
            _ => less.policies.resource = less.policies.resource.map(|_| unread),
        }
        let after = ask(&less, &anything());
        // Where a limit left a key unknown before, taking its conditions away can tell more.
        let exact = before.gave_up.is_none();
        prop_assert!(!exact || after.can >= before.can.min(Truth::Unknown), "{:?}\n{:?}", before, after);
        prop_assert!(after.always != Truth::Yes || before.always == Truth::Yes);
    }

    #[test]
    fn an_added_allow_never_removes_and_an_added_deny_never_adds(scenario in scenario(), extra in statement(false)) {
        let before = ask(&scenario.case(), &anything());
        let mut more = scenario.clone();
        more.identity.push(extra.clone());
        let after = ask(&more.case(), &anything());
        if extra.contains(r#""Effect":"Deny""#) {
            // A key that is given up with the new condition turns a "no" into a "may", never into a "yes".
            prop_assert!(after.can < Truth::Yes || before.can != Truth::No, "{:?}\n{:?}", before, after);
            prop_assert!(before.can != Truth::No || after.can == Truth::No || after.gave_up.is_some(), "{:?}\n{:?}", before, after);
            prop_assert!(after.always < Truth::Yes || before.always == Truth::Yes, "{:?}\n{:?}", before, after);
        } else {
            prop_assert!(after.can != Truth::No || before.can == Truth::No, "{:?}\n{:?}", before, after);
            prop_assert!(before.always < Truth::Yes || after.always != Truth::No, "{:?}\n{:?}", before, after);
        }
    }

    #[test]
    fn order_sid_lists_and_case_do_not_matter(scenario in scenario()) {
        let before = ask(&scenario.case(), &anything());
        let mut turned = scenario.clone();
        for list in [Some(&mut turned.identity), turned.boundary.as_mut(), turned.resource.as_mut()].into_iter().flatten() {
            list.reverse();
            for (at, text) in list.iter_mut().enumerate() {
                *text = text.replace(r#""Action":"s3:*""#, &format!(r#""Action":["S3:*"],"Sid":"s{at}""#));
            }
        }
        let after = ask(&turned.case(), &anything());
        prop_assert_eq!((before.can, before.always), (after.can, after.always));
    }
}

/// Whether every literal of a list holds, or may, in the context of a case.
fn may_hold(list: &[crate::iam::symbolic::Literal], case: &Case) -> bool {
    let context = crate::iam::context::Context::new(&case.request.context, &BTreeSet::new());
    list.iter().all(|literal| {
        if literal.key == "resource" || literal.values.iter().any(|value| value.contains("${")) {
            return true;
        }
        let condition = crate::iam::document::Condition {
            operator: crate::iam::operator::Operator::parse(&literal.operator),
            operator_text: literal.operator.as_str().into(),
            key: literal.key.as_str().into(),
            values: literal.values.iter().map(|value| value.as_str().into()).collect(),
        };
        let holds = crate::iam::condition::holds(&condition, crate::iam::Version::V2012, &context);
        holds == Truth::Unknown || (holds == Truth::Yes) == literal.holds
    })
}
