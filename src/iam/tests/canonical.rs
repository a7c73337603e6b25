use crate::iam::canonical::*;
use crate::iam::{PolicyError, diff_statements, parse};

const ROLE: &str = "arn:aws:iam::111122223333:role/SecurityAnalyst";

fn policy(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

#[test]
fn spellings_of_one_policy_are_equivalent() {
    let table = [
        (
            r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"*"}"#,
            r#"{"Resource":["*"],"Action":["S3:getobject"],"Principal":{"AWS":["arn:aws:iam::111122223333:root"]},"Effect":"Allow"}"#,
        ),
        (
            r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":false}}}"#,
            r#"{"Sid":"","Effect":"Deny","Principal":{"AWS":"*"},"Action":"s3:*","Resource":"*","Condition":{"bool":{"aws:securetransport":["False"]}}}"#,
        ),
        (
            r#"{"Effect":"Deny","Principal":"*","Action":["s3:A","s3:B","s3:a"],"Resource":["x","y"],"Condition":{"NumericLessThan":{"s3:TlsVersion":1.2},"IpAddress":{"aws:SourceIp":["10.1.1.1","10.0.0.0/8"]}}}"#,
            r#"{"Effect":"Deny","Principal":"*","Action":["s3:B","s3:A"],"Resource":["y","x","x"],"Condition":{"IpAddress":{"aws:SourceIp":["10.0.0.0/8","10.1.1.1/32"]},"NumericLessThan":{"s3:TlsVersion":"1.20"}}}"#,
        ),
        (
            r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"ArnNotLike":{"aws:PrincipalArn":"x"}}}"#,
            r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"ArnNotEquals":{"aws:PrincipalArn":"x"}}}"#,
        ),
    ];
    for (a, b) in table {
        assert!(equivalent(&policy(a), &policy(b)), "{a}\n{b}");
    }
    let (a, b) = (table[0].0, table[1].0);
    assert!(equivalent(&policy(&format!("{a},{b}")), &policy(&format!("{b},{a},{b}"))), "order and repetition");
    assert!(equivalent(&policy(a), &format!("\u{feff}{}", policy(a))), "byte order mark");
    let alone = format!(r#"{{"Id":"x","Version":"2012-10-17","Statement":{a}}}"#);
    assert!(equivalent(&policy(a), &alone), "one statement without a list");
}

#[test]
fn differences_in_meaning_are_not_equivalent() {
    let base =
        r#"{"Sid":"A","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"a/B"}"#;
    let table = [
        ("\"A\"", "\"B\""),
        ("Allow", "Deny"),
        ("\"Principal\"", "\"NotPrincipal\""),
        ("111122223333", "111122223334"),
        ("\"AWS\"", "\"CanonicalUser\""),
        ("s3:GetObject", "s3:GetObjectVersion"),
        ("\"Action\"", "\"NotAction\""),
        ("a/B", "a/b"),
        ("\"Resource\"", "\"NotResource\""),
        ("a/B\"", "a/B\",\"Condition\":{\"Null\":{\"aws:PrincipalArn\":\"true\"}}"),
    ];
    for (from, to) in table {
        let other = base.replace(from, to);
        assert_ne!(base, other);
        assert!(!equivalent(&policy(base), &policy(&other)), "{other}");
    }
    assert!(!equivalent(&policy(base), &policy(base).replace("2012", "2008")));
    let if_exists = |op: &str| {
        policy(&base.replace("a/B\"", &format!("a/B\",\"Condition\":{{\"{op}\":{{\"aws:userid\":\"x\"}}}}")))
    };
    for op in ["StringNotEquals", "StringEqualsIfExists", "ForAnyValue:StringEquals", "StringLike"] {
        assert!(!equivalent(&if_exists("StringEquals"), &if_exists(op)), "{op}");
    }
}

#[test]
fn a_text_that_is_no_policy_equals_only_itself() {
    assert!(equivalent("{", "{"));
    assert!(!equivalent("{", "["));
    assert!(!equivalent("{", &policy("")));
}

#[test]
fn refused_documents_say_why() {
    let table = [
        ("", "the policy is not JSON"),
        (r#"{"Version":"2012-10-17"}"#, "lacks `Statement`"),
        (r#"{"Version":"2012","Statement":[]}"#, "`2012`; expected"),
        (r#"{"Statement":[],"Statement":[]}"#, "`Statement` occurs twice"),
        (r#"{"Statement":[],"Extra":1}"#, "unknown element `Extra`"),
        (r#"{"Statement":{"Effect":"Allow"}}"#, "statement #0 lacks `Action`"),
        (r#"{"Statement":{"Action":"*"}}"#, "lacks `Effect`"),
        (r#"{"Statement":{"Effect":"allow","Action":"*"}}"#, "`allow`; expected `Allow` or `Deny`"),
        (r#"{"Statement":{"Effect":"Allow","Action":"*","NotAction":"a"}}"#, "both `Action` and `NotAction`"),
        (r#"{"Statement":{"Sid":"X","Effect":"Allow","Action":"*","Principle":"*"}}"#, "`X` has the unknown element"),
        (r#"{"Statement":{"Effect":"Allow","Action":"*","Principal":"arn:x"}}"#, "`arn:x`"),
        (r#"{"Statement":{"Effect":"Allow","Action":"*","Principal":{"Aws":"*"}}}"#, "unknown element `Aws`"),
        (r#"{"Statement":{"Effect":"Allow","Action":7}}"#, "is a number; expected a string or a list"),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"*","Condition":{"Bool":{"k":null}}}}"#,
            "is null; expected a string",
        ),
        (r#"{"Statement":{"Effect":"Deny","Action":"*","Condition":{"Bool":{"k":"a","k":"b"}}}}"#, "`k` occurs twice"),
    ];
    for (text, message) in table {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
    assert!(parse(&"[".repeat(100_000)).is_err(), "depth");
    assert!(matches!(parse(&" ".repeat(MAX_PLUS_ONE)), Err(PolicyError::TooLong { .. })));
}

const MAX_PLUS_ONE: usize = crate::iam::document::MAX_BYTES + 1;

#[test]
fn deleted_principals_are_found_and_known_ids_resolve() {
    let id = "AROAEXAMPLEEXAMPLE123";
    let with = |principal: &str| {
        policy(&format!(r#"{{"Effect":"Allow","Principal":{{"AWS":["{principal}"]}},"Action":"*"}}"#))
    };
    let parsed = parse(&with(id)).unwrap();
    assert_eq!(deleted_principals(&parsed), [id]);
    assert!(deleted_principals(&parse(&with(ROLE)).unwrap()).is_empty());
    assert!(!equivalent(&with(id), &with(ROLE)));
    let resolver = Resolver { ids: [(id.to_owned(), ROLE.to_owned())].into(), ..Resolver::default() };
    assert!(equivalent_with(&with(id), &with(ROLE), &resolver));
    assert!(deleted_principals_with(&parsed, &resolver).is_empty());
    let china = Resolver { partition: "aws-cn".to_owned(), ..Resolver::default() };
    assert!(equivalent_with(&with("111122223333"), &with("arn:aws-cn:iam::111122223333:root"), &china));
}

#[test]
fn conditions_whose_names_differ_only_in_case_survive() {
    let text = policy(
        r#"{"Effect":"Deny","Action":"*","Condition":{"Bool":{"k":"a","K":"b"},"bool":{"k":"c"},"1":{"2":"x"},"ArnLike":{"k":"e"},"ArnEquals":{"k":"f"}}}"#,
    );
    let form = canonical(&text).unwrap();
    assert_eq!(form.statements.first().unwrap().conditions.len(), 6);
    assert_eq!(canonical(&form.to_json()).unwrap(), form);
}

#[test]
fn statements_are_compared_by_meaning_and_named() {
    let before = policy(concat!(
        r#"{"Sid":"Keep","Effect":"Deny","Principal":"*","Action":["s3:B","s3:A"],"Resource":"*"},"#,
        r#"{"Sid":"Change","Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:GetObject","Resource":"*"},"#,
        r#"{"Effect":"Allow","Principal":{"Service":"x.amazonaws.com"},"Action":"s3:GetObject","Resource":"*"}"#
    ));
    let after = policy(concat!(
        r#"{"Sid":"Added","Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"*"},"#,
        r#"{"Sid":"Change","Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"s3:GetObject","Resource":"*"},"#,
        r#"{"Sid":"Keep","Effect":"Deny","Principal":{"AWS":["*"]},"Action":["s3:a","s3:b"],"Resource":["*"]}"#
    ));
    let diff = diff_statements(&before, &after).unwrap();
    assert_eq!(diff.kept, 1);
    assert_eq!(diff.added.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["Added"]);
    assert_eq!(diff.removed.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["#2"]);
    let [changed] = diff.changed.as_slice() else { panic!("{diff:?}") };
    assert_eq!(changed.before.replace("111122223333", "444455556666"), changed.after);
    insta::assert_snapshot!(changed.after, @r#"
    {
      "Sid": "Change",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::444455556666:root"
      },
      "Action": "s3:GetObject",
      "Resource": "*"
    }
    "#);
    assert!(diff_statements(&before, &before).unwrap().is_empty());
    assert_eq!(diff_statements("", &after).unwrap().added.len(), 3);
    assert!(diff_statements("", "").unwrap().is_empty());
    let renamed = before.replace("Keep", "Kept");
    assert_eq!(diff_statements(&before, &renamed).unwrap().changed.len(), 1, "a new Sid is a change, not a pair");
}

#[test]
fn minified_counts_bytes() {
    let value = serde_json::json!({"a": ["é", 1]});
    assert_eq!(minified(&value), r#"{"a":["é",1]}"#);
    assert_eq!(minified_bytes(&value), 14);
    assert_eq!(minify("{ \"b\": 1,\n \"a\": 2 }").unwrap(), r#"{"b":1,"a":2}"#);
}
