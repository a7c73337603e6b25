//! Representatives against brute force: no text may have an outcome that no representative has.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::iam::condition::holds;
use crate::iam::context::Context;
use crate::iam::document::Condition;
use crate::iam::operator::Operator;
use crate::iam::region::{Bounds, Test, regions};
use crate::iam::{Truth, Version};

const BOUNDS: Bounds = Bounds { automaton: 20_000, regions: 2_000 };

/// All texts over an alphabet up to a length.
fn texts(alphabet: &[char], length: usize) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut last = all.clone();
    for _ in 0..length {
        last = last.iter().flat_map(|text| alphabet.iter().map(move |c| format!("{text}{c}"))).collect();
        all.extend(last.iter().cloned());
    }
    all
}

fn condition(operator: &str, key: &str, values: &[String]) -> Condition {
    Condition {
        operator: Operator::parse(operator),
        operator_text: operator.into(),
        key: key.into(),
        values: values.iter().map(|value| value.as_str().into()).collect(),
    }
}

fn outcomes(conditions: &[Condition], key: &str, values: Option<&[String]>) -> Vec<Truth> {
    let mut context = Context::default();
    context.set(key, values);
    conditions.iter().map(|condition| holds(condition, Version::V2012, &context)).collect()
}

fn represented(key: &str, conditions: &[Condition]) -> BTreeSet<Vec<Truth>> {
    let tests: Vec<Test<'_>> =
        conditions.iter().map(|condition| Test { condition, version: Version::V2012, context: 0 }).collect();
    let regions = regions(&key.to_lowercase(), &tests, &[Context::default()], BOUNDS).unwrap();
    for region in &regions {
        // The representative has the outcome that is said of it.
        assert_eq!(outcomes(conditions, key, region.values.as_deref()), region.outcomes, "{region:?}");
    }
    regions.into_iter().map(|region| region.outcomes).collect()
}

fn pattern() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ab:/*?]{0,6}").unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_text_has_a_representative(
        patterns in proptest::collection::vec((proptest::sample::select(&["StringLike", "StringNotLike", "StringEquals", "StringEqualsIgnoreCase"][..]), proptest::collection::vec(pattern(), 1..3)), 1..5)
    ) {
        let conditions: Vec<Condition> =
            patterns.iter().map(|(operator, values)| condition(operator, "s3:prefix", values)).collect();
        let found = represented("s3:prefix", &conditions);
        for text in texts(&['a', 'b', ':', '/', 'A', 'z'], 5) {
            let outcome = outcomes(&conditions, "s3:prefix", Some(std::slice::from_ref(&text)));
            prop_assert!(found.contains(&outcome), "`{}` has {:?} of {:?}", text, outcome, found);
        }
    }

    #[test]
    fn every_arn_has_a_representative(
        patterns in proptest::collection::vec(proptest::collection::vec(proptest::string::string_regex("(a|\\*|\\?|b|)(:(a|\\*|\\?|b|a\\*|)){4,5}:[ab:*?]{0,3}").unwrap(), 1..3), 1..4)
    ) {
        let conditions: Vec<Condition> =
            patterns.iter().map(|values| condition("ArnLike", "s3:custom", values)).collect();
        let found = represented("s3:custom", &conditions);
        for tail in texts(&['a', 'b', ':'], 3) {
            for head in ["a:a:a:a:a:", "b:a::b:a:", ":::::", "ab:a:b:aa::", "a:b:", "::a:b:zz:"] {
                let outcome = outcomes(&conditions, "s3:custom", Some(&[format!("{head}{tail}")]));
                prop_assert!(found.contains(&outcome), "`{}{}` has {:?}", head, tail, outcome);
            }
        }
    }

    #[test]
    fn every_list_has_a_representative(
        patterns in proptest::collection::vec((proptest::sample::select(&["ForAllValues:StringLike", "ForAnyValue:StringNotLike", "StringEquals", "ForAllValues:StringNotEquals", "StringNotLike"][..]), proptest::collection::vec(pattern(), 1..3)), 1..4),
        lists in proptest::collection::vec(proptest::collection::vec("[ab:/]{0,3}", 1..4), 100)
    ) {
        for key in ["aws:TagKeys", "custom:Key"] {
            let conditions: Vec<Condition> =
                patterns.iter().map(|(operator, values)| condition(operator, key, values)).collect();
            let found = represented(key, &conditions);
            for list in &lists {
                prop_assert!(found.contains(&outcomes(&conditions, key, Some(list))), "{:?}", list);
            }
        }
    }

    #[test]
    fn every_number_address_and_time_has_a_representative(
        limits in proptest::collection::vec((0..6_usize, 0..30_i64), 1..5)
    ) {
        let numeric = ["NumericEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals", "NumericNotEquals"];
        let dated = ["DateEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals", "DateNotEquals"];
        let (mut numbers, mut whole, mut times, mut addresses) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (operator, limit) in &limits {
            numbers.push(condition(numeric[*operator], "custom:Size", &[format!("{}.{}", limit / 4, limit % 4)]));
            whole.push(condition(numeric[*operator], "s3:max-keys", &[limit.to_string()]));
            times.push(condition(dated[*operator], "aws:CurrentTime", &[format!("2026-01-01T00:00:{limit:02}Z")]));
            let range = format!("10.{}.0.0/{}", limit, 8 + limit % 25);
            addresses.push(condition(if operator % 2 == 0 { "IpAddress" } else { "NotIpAddress" }, "aws:SourceIp", &[range]));
        }
        let all = [
            ("custom:Size", numbers, (0..90).map(|n| format!("{}.{}", n / 10, n % 10)).chain(["?".to_owned()]).collect::<Vec<_>>()),
            ("s3:max-keys", whole, (0..35).map(|n: i64| n.to_string()).collect()),
            ("aws:CurrentTime", times, (0..60).map(|n| format!("2026-01-01T00:00:{n:02}Z")).collect()),
            ("aws:SourceIp", addresses, (0..600).map(|n| format!("10.{}.{}.7", n / 16, n % 16 * 16)).chain(["11.0.0.0".to_owned(), "9.1.1.1".to_owned(), "::1".to_owned()]).collect()),
        ];
        for (key, conditions, values) in all {
            let found = represented(key, &conditions);
            for value in values {
                let outcome = outcomes(&conditions, key, Some(std::slice::from_ref(&value)));
                prop_assert!(found.contains(&outcome), "{}={} has {:?}", key, value, outcome);
            }
        }
    }
}

#[test]
fn patterns_built_to_explode_end_soon_and_give_up() {
    // 20 KB of `*a?????*b?????…` whose positions cannot be told apart by few states.
    let values: Vec<String> =
        (0..90).map(|n| format!("*{}*", format!("a?{}b", "?".repeat(n % 23)).repeat(8))).collect();
    assert!(values.iter().map(String::len).sum::<usize>() > 8_000);
    let conditions = [condition("StringLike", "s3:prefix", &values)];
    let tests = [Test { condition: &conditions[0], version: Version::V2012, context: 0 }];
    let start = std::time::Instant::now();
    let found = regions("s3:prefix", &tests, &[Context::default()], BOUNDS);
    assert!(found.is_err());
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}
