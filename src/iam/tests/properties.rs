//! Properties that hold for every policy, and the policies of the shared corpora.

use proptest::prelude::*;

use super::*;
use crate::iam::{canonical, deleted_principals, diff_statements, equivalent, is_public};

const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/R/s";

fn list(values: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::subsequence(values, 1..=values.len().min(3)).prop_shuffle().prop_map(|items| {
        let items: Vec<String> = items.iter().map(|item| format!("\"{item}\"")).collect();
        if items.len() == 1 { items.concat() } else { format!("[{}]", items.join(",")) }
    })
}

fn element(name: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
    (any::<bool>(), list(values)).prop_map(move |(not, list)| {
        let not = if not { "Not" } else { "" };
        format!("\"{not}{name}\":{list}")
    })
}

fn condition() -> impl Strategy<Value = String> {
    let operator = proptest::sample::select(
        &[
            "StringEquals",
            "StringNotEquals",
            "StringLike",
            "StringEqualsIfExists",
            "ForAllValues:StringLike",
            "ForAnyValue:StringNotEquals",
            "ArnLike",
            "ArnNotEquals",
            "Bool",
            "Null",
            "Nonsense",
        ][..],
    );
    let key =
        proptest::sample::select(&["aws:PrincipalArn", "aws:PrincipalTag/a", "s3:prefix", "aws:SecureTransport"][..]);
    let values = list(&["a", "*", "true", "false", "${aws:PrincipalTag/a}", "arn:aws:iam::111122223333:role/R"]);
    (operator, key, values)
        .prop_map(|(operator, key, values)| format!(r#","Condition":{{"{operator}":{{"{key}":{values}}}}}"#))
}

const PRINCIPALS: &[&str] = &[
    r#""Principal":"*""#,
    r#""Principal":{"AWS":"111122223333"}"#,
    r#""Principal":{"AWS":["arn:aws:iam::111122223333:role/R","AROAEXAMPLEEXAMPLE123"]}"#,
    r#""Principal":{"Service":"logging.s3.amazonaws.com"}"#,
    r#""NotPrincipal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:role/R"]}"#,
];

fn statement(with_principal: bool) -> impl Strategy<Value = String> {
    (
        proptest::sample::select(&["Allow", "Deny"][..]),
        proptest::sample::select(PRINCIPALS),
        element("Action", &["s3:*", "s3:GetObject", "S3:get*", "kms:Decrypt", "*"]),
        element(
            "Resource",
            &["*", "arn:aws:s3:::b/*", "arn:aws:s3:::b/audit/${aws:PrincipalTag/a}*", "arn:aws:s3:::c"],
        ),
        proptest::option::of(condition()),
    )
        .prop_map(move |(effect, principal, action, resource, condition)| {
            let principal = if with_principal { format!("{principal},") } else { String::new() };
            format!(r#"{{"Effect":"{effect}",{principal}{action},{resource}{}}}"#, condition.unwrap_or_default())
        })
}

fn statements(with_principal: bool) -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(statement(with_principal), 0..4)
}

#[derive(Clone, Debug)]
struct Scenario {
    who: &'static str,
    tag: Option<&'static str>,
    identity: Vec<String>,
    boundary: Option<Vec<String>>,
    resource: Option<Vec<String>>,
}

fn scenario() -> impl Strategy<Value = Scenario> {
    (
        proptest::sample::select(
            &[
                SESSION,
                "arn:aws:iam::111122223333:user/u",
                "111122223333",
                "arn:aws:sts::444455556666:assumed-role/R/s",
                "logging.s3.amazonaws.com",
                "anonymous",
            ][..],
        ),
        proptest::option::of(proptest::sample::select(&["a", "x", "*"][..])),
        statements(false),
        proptest::option::of(statements(false)),
        proptest::option::of(statements(true)),
    )
        .prop_map(|(who, tag, identity, boundary, resource)| Scenario { who, tag, identity, boundary, resource })
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
        match self.tag {
            Some(tag) => case.key("aws:PrincipalTag/a", &[tag]),
            None => case,
        }
    }
}

/// Allowed above unknown above not allowed: what an added Allow may only raise and an added Deny only lower.
fn rank(decision: Decision) -> u8 {
    match decision {
        ImplicitDeny | ExplicitDeny => 0,
        Unknown => 1,
        Allowed => 2,
    }
}

/// Whether a less informed decision is consistent with a better informed one.
fn weaker(less: Decision, more: Decision) -> bool {
    less == Unknown || rank(less) == rank(more)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_on_any_text(text in "\\PC{0,80}", json in r#"[\[\]{}",:a-zAS*0-9 ]{0,60}"#) {
        for text in [&text, &json] {
            let _ = parse(text);
            let _ = canonical(text);
            let _ = diff_statements(text, text);
            assert!(equivalent(text, text));
        }
    }

    #[test]
    fn nothing_panics_on_any_strings_in_a_policy(action in "\\PC{0,12}", resource in "\\PC{0,20}", key in "\\PC{0,12}", value in "\\PC{0,12}") {
        let text = serde_json::json!({"Version": "2012-10-17", "Statement": {
            "Effect": "Allow", "Principal": {"AWS": value, "Service": value}, "Action": action, "Resource": resource,
            "Condition": {"StringLike": {(key.clone()): value}, "ArnLike": {(key.clone()): value}, "IpAddress": {(key.clone()): value},
                "NumericLessThan": {(key.clone()): value}, "DateLessThan": {(key.clone()): value}, (value.clone()): {(key.clone()): value}}
        }}).to_string();
        let policy = parse(&text).unwrap();
        let _ = deleted_principals(&policy);
        let _ = is_public(&policy);
        let form = canonical(&text).unwrap();
        prop_assert_eq!(canonical(&form.to_json()).unwrap(), form);
        let mut case = read().key(&key, &[&value]);
        case.policies.resource = Some(NamedPolicy::read("p", &text));
        case.request.action = action;
        case.request.resource = resource;
        let _ = case.run();
    }

    #[test]
    fn canonical_form_is_idempotent_and_ignores_order(statements in statements(true)) {
        let text = document(&refs(&statements));
        let reversed: Vec<String> = statements.iter().rev().cloned().collect();
        let form = canonical(&text).unwrap();
        prop_assert_eq!(&canonical(&form.to_json()).unwrap(), &form);
        prop_assert!(equivalent(&text, &document(&refs(&reversed))));
        prop_assert!(diff_statements(&text, &document(&refs(&reversed))).unwrap().is_empty());
    }

    #[test]
    fn order_and_spelling_do_not_change_the_decision(scenario in scenario()) {
        let before = scenario.case();
        let mut after = before.request.clone();
        after.action = after.action.to_uppercase();
        let mut policies = before.policies.clone();
        for policy in policies.identity.iter_mut().chain(&mut policies.boundary).chain(&mut policies.resource) {
            if let Document::Known(known) = &mut policy.document {
                let form = crate::iam::Canonical::of(known, &crate::iam::Resolver::default());
                *known = parse(&form.to_json()).unwrap().into();
            }
        }
        prop_assert_eq!(evaluate(&after, &policies).decision, before.run());
    }

    #[test]
    fn an_added_deny_never_allows_and_an_added_allow_never_takes_away(scenario in scenario(), extra in statement(true), on_resource in any::<bool>()) {
        let before = rank(scenario.case().run());
        let deny = extra.contains(r#""Effect":"Deny""#);
        let mut more = scenario.clone();
        if on_resource {
            more.resource.get_or_insert_default().push(extra);
        } else {
            let mut bare: serde_json::Value = serde_json::from_str(&extra).unwrap();
            for name in ["Principal", "NotPrincipal"] {
                bare.as_object_mut().unwrap().remove(name);
            }
            more.identity.push(bare.to_string());
        }
        let after = rank(more.case().run());
        if deny {
            prop_assert!(after <= before, "{more:?}");
        } else {
            prop_assert!(after >= before, "{more:?}");
        }
    }

    #[test]
    fn less_knowledge_never_gives_another_decision(scenario in scenario(), which in 0..5) {
        let full = scenario.case();
        let mut less = scenario.case();
        match which {
            0 => { less.request.context.clear(); less.request.unknown_keys.insert("aws:PrincipalTag/*".to_owned()); }
            1 => less.policies.identity = vec![NamedPolicy::unknown("identity", "not read")],
            2 => less.policies.resource = Some(NamedPolicy::unknown("resource", "not read")),
            3 => less.request.resource_account = None,
            _ => { less.policies.boundary = less.policies.boundary.map(|_| NamedPolicy::unknown("boundary", "not read")); }
        }
        prop_assert!(weaker(less.run(), full.run()), "{:?} but {:?}: {scenario:?}", less.run(), full.run());
    }
}

fn json_files(root: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(root).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            json_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "json") {
            found.push(path);
        }
    }
}

/// Folder of the shared corpora, or a visible skip.
fn corpus(name: &str) -> Option<std::path::PathBuf> {
    let path = std::path::Path::new("/work/shared/corpora").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {} is not here", path.display());
    None
}

#[test]
fn corpus_policies_are_read_and_canonical() {
    let Some(root) = corpus("policies") else { return };
    let mut files = Vec::new();
    json_files(&root, &mut files);
    assert!(files.len() > 30, "{}", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let form = canonical(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(canonical(&form.to_json()).unwrap(), form, "{}", file.display());
        assert!(diff_statements(&text, &form.to_json()).unwrap().is_empty(), "{}", file.display());
    }
}

#[test]
fn corpus_access_analyzer_policies_are_read() {
    let Some(root) = corpus("access-analyzer") else { return };
    let text = std::fs::read_to_string(root.join("inclusion-pairs.json")).unwrap();
    let pairs: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(pairs.len(), 106);
    for pair in pairs {
        for side in ["reference", "candidate"] {
            let text = pair[side].to_string();
            let form = canonical(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(canonical(&form.to_json()).unwrap(), form);
        }
    }
}
