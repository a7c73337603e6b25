//! Documents that nobody writes by accident: no panic, an end in time, and never a "no" that is not certain.

use std::time::{Duration, Instant};

use super::*;
use crate::iam::{Inclusion, Inputs, Pair, Simulation, includes};

/// AWS takes at most 20 KB as a bucket policy.
const LARGEST: usize = 20 * 1024;

fn in_time<T>(what: &str, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = run();
    assert!(start.elapsed() < Duration::from_secs(10), "{what} took {:?}", start.elapsed());
    done
}

/// Texts that are no policy, or no policy that is understood.
fn malformed() -> Vec<String> {
    let statement = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    vec![
        String::new(),
        "null".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        r#"{"Statement":null}"#.to_owned(),
        r#"{"Statement":[{}]}"#.to_owned(),
        r#"{"Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}"#.to_owned(),
        r#"{"Statement":[{"Effect":"Allow","Action":{"a":1},"Resource":"*"}]}"#.to_owned(),
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":[]}]}"#.to_owned(),
        r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"k":{"x":1}}}}]}"#
            .to_owned(),
        r#"{"Version":"2030-01-01","Statement":[]}"#.to_owned(),
        format!(r#"{{"Statement":[{statement}],"Statement":[]}}"#),
        format!(r#"{{"Statement":[{statement}],"Comment":"x"}}"#),
        r#"{"Statement":[{"Effect":"Deny","Effect":"Allow","Action":"*","Resource":"*"}]}"#.to_owned(),
        r#"{"Statement":[{"Effect":"Allow","Action":"*","NotAction":"iam:*","Resource":"*"}]}"#.to_owned(),
        format!(r#"{{"Statement":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000)),
        format!(r#"{{"Statement":[{statement}]"#),
        format!("{{\"Statement\":[{statement}]}}\u{0}"),
        format!(r#"{{"Id":"{}","Statement":[]}}"#, "x".repeat(300_000)),
    ]
}

#[test]
fn what_is_not_understood_is_never_a_no_and_never_takes_a_deny_away() {
    for text in malformed() {
        let unread = NamedPolicy::read("unread", &text);
        assert!(matches!(unread.document, Document::Unknown(_)), "{text:.80}");
        let mut alone = read();
        alone.policies.identity = vec![unread.clone()];
        assert_eq!(alone.run(), Unknown, "it could allow: {text:.80}");
        let mut beside = read().identity(&[ALLOW]);
        beside.policies.resource = Some(unread.clone());
        assert_eq!(beside.run(), Unknown, "it could deny: {text:.80}");
        let mut boundary = read().identity(&[ALLOW]);
        boundary.policies.boundary = Some(unread.clone());
        assert_eq!(boundary.run(), Unknown, "it could limit: {text:.80}");
        let mut denied = read().identity(&[ALLOW, DENY]);
        denied.policies.resource = Some(unread);
        assert_eq!(denied.run(), ExplicitDeny, "whatever it says: {text:.80}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let bytes = b"{\"Statement\":[\"\xff\xfe\"]}";
    let lossy = String::from_utf8_lossy(bytes);
    assert!(matches!(NamedPolicy::read("p", &lossy).document, Document::Unknown(_)));
    // Half a surrogate pair is JSON that no text can hold.
    let half = r#"{"Statement":{"Effect":"Allow","Action":"s3:\ud800","Resource":"*"}}"#;
    assert!(parse(half).is_err());
}

/// Patterns that a matcher with backtracking would not finish with, at the size limit of a policy.
fn exploding() -> Vec<String> {
    let fill = |piece: &str| piece.repeat((LARGEST - 200) / piece.len());
    let many = |pattern: &str| {
        let count = (LARGEST - 200) / (pattern.len() + 3);
        vec![format!("\"{pattern}\""); count].join(",")
    };
    let resource = |list: &str| {
        format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":[{list}]}}}}"#)
    };
    vec![
        resource(&format!("\"arn:aws:s3:::{}b\"", fill("*a"))),
        resource(&format!("\"arn:aws:s3:::{}b\"", fill("*?"))),
        resource(&format!("\"arn:aws:s3:::{}\"", fill("a*b*?"))),
        resource(&many("arn:aws:s3:::*a*a*a*a*a*a*a*a*a*a*a*a*b")),
        resource(&format!("\"arn:aws:s3:::b/{}\"", fill("${aws:PrincipalTag/a}*"))),
        resource(&format!("\"arn:aws:s3:::b/{}\"", fill("${"))),
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"{}","Resource":"*"}}}}"#,
            format!("s3:{}z", fill("*a"))
        ),
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"StringLike":{{"aws:UserAgent":[{}]}}}}}}}}"#,
            (0..400).map(|i| format!("\"*a*{}*a*{i}*\"", "?".repeat(20))).collect::<Vec<_>>().join(",")
        ),
    ]
}

#[test]
fn wildcards_that_are_built_to_explode_end_in_time() {
    let key = "arn:aws:s3:::".to_owned() + &"a".repeat(1024);
    for text in exploding() {
        let what = format!("{text:.100}");
        assert!(text.len() <= LARGEST + 200, "{}", text.len());
        let policy = parse(&text).unwrap();
        let mut case =
            read().key("aws:PrincipalTag/a", &["aaaaaaaaaaaaaaaa"]).key("aws:UserAgent", &[&"a".repeat(2000)]);
        case.request.resource.clone_from(&key);
        case.policies.identity.push(NamedPolicy::read("p", &text));
        in_time(&what, || case.run());
        case.request.unknown_keys.insert("*".to_owned());
        case.request.context.clear();
        in_time(&what, || case.run());
        // Everything includes it; whether it includes everything may be left open, and never answered with yes.
        let everything = parse(&document(&[ALLOW])).unwrap();
        in_time(&what, || assert!(!matches!(includes(&everything, &policy), Inclusion::NotIncluded(_)), "{what}"));
        in_time(&what, || assert_ne!(includes(&policy, &everything), Inclusion::Included, "{what}"));
    }
}

#[test]
fn any_cut_of_an_input_document_ends_without_panic() {
    let statement =
        document(&[r#"{"Effect":"Deny","NotAction":"s3:*","Resource":"*","Condition":{"Null":{"é":"true"}}}"#]);
    let input = format!(
        r#"{{"principal":"anonymous","action":"s3:GetObject","resource":"{OBJECT}","context":{{"k":["é","b"]}},"resource_policy":{statement}}}"#
    );
    let pair = format!(r#"{{"reference":{statement},"candidate":{statement}}}"#);
    for text in [&input, &pair] {
        for cut in (0..text.len()).filter_map(|end| text.get(..end)) {
            assert!(Inputs::<Simulation>::read(cut).is_err());
            assert!(Inputs::<Pair>::read(cut).is_err());
        }
    }
    assert!(Inputs::<Simulation>::read(&input).is_ok() && Inputs::<Pair>::read(&pair).is_ok());
}
