//! Inclusion between policies: AWS's own verdicts, the rules of the facts, and the concrete evaluator.

use std::time::Instant;

use super::*;
use crate::iam::{Inclusion, Policy, includes};

const PAIRS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpora/access-analyzer/inclusion-pairs.json");

fn policy(statements: &[&str]) -> Policy {
    parse(&document(statements)).unwrap()
}

fn verdict(reference: &[&str], candidate: &[&str]) -> Inclusion {
    includes(&policy(reference), &policy(candidate))
}

#[test]
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
fn agrees_with_access_analyzer() {
    let pairs = ["/work/shared/corpora/access-analyzer/inclusion-pairs.json", PAIRS].into_iter();
    let Some(text) = pairs.filter_map(|path| std::fs::read_to_string(path).ok()).next() else {
        eprintln!("skipped: {PAIRS} is not here");
        return;
    };
    let pairs: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let start = Instant::now();
    let mut wrong = Vec::new();
    for pair in &pairs {
        let (file, n) = (pair["file"].as_str().unwrap(), pair["n"].as_str().unwrap());
        let read = |name: &str| parse(&pair[name].to_string()).unwrap();
        let found = includes(&read("reference"), &read("candidate"));
        // The one label that contradicts AWS's own text (facts, section 2).
        let label = match (file.rsplit('/').next(), n) {
            (Some("ec2-network-acl.md"), "3") => continue,
            _ => pair["label"].as_str().unwrap(),
        };
        let agrees = match &found {
            Inclusion::Included => label == "PASS",
            Inclusion::NotIncluded(_) => label == "FAIL",
            Inclusion::Unknown(_) => false,
        };
        if !agrees {
            wrong.push(format!("{file} #{n}: {label}, found {found:?}"));
        }
    }
    eprintln!("{} labelled pairs, {} disagree, {:?}", pairs.len(), wrong.len(), start.elapsed());
    assert!(pairs.len() > 100);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rule_m02_to_m04_actions_and_resources() {
    let allow =
        |action: &str, resource: &str| format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"}}"#);
    let included = |a: &str, b: &str, c: &str, d: &str| verdict(&[&allow(a, b)], &[&allow(c, d)]);
    assert_eq!(included("s3:*", "*", "S3:getobject", "arn:aws:s3:::b/*"), Inclusion::Included);
    assert_eq!(included("s3:Get*", "arn:aws:s3:::b/*", "s3:GetObject", "arn:aws:s3:::b/a*c"), Inclusion::Included);
    assert_eq!(included("s3:*", "arn:aws:s3:::b*", "s3:*", "arn:aws:s3:::b?d"), Inclusion::Included);
    // Wildcards do not cross the parts of an ARN, so this reference does not hold the candidate.
    let spanning = included("*", "arn:aws:x:*:stack/*", "x:Y", "arn:aws:x:a:b:stack/c");
    assert!(matches!(spanning, Inclusion::NotIncluded(_)), "{spanning:?}");
    let Inclusion::NotIncluded(excess) = included("s3:Get*", "*", "s3:*", "*") else { panic!() };
    assert!(excess.action.to_lowercase().starts_with("s3:") && !excess.action.to_lowercase().starts_with("s3:get"));
    let Inclusion::NotIncluded(excess) = included("*", "arn:aws:s3:::b/x*", "s3:GetObject", "arn:aws:s3:::b/*") else {
        panic!()
    };
    assert!(excess.resource.starts_with("arn:aws:s3:::b/") && !excess.resource.starts_with("arn:aws:s3:::b/x"));
    let not = r#"{"Effect":"Allow","NotAction":"iam:*","NotResource":"arn:aws:s3:::secret*"}"#;
    assert_eq!(verdict(&[not], &[&allow("s3:*", "arn:aws:s3:::open/*")]), Inclusion::Included);
    assert!(matches!(verdict(&[not], &[&allow("s3:*", "arn:aws:s3:::s*")]), Inclusion::NotIncluded(_)));
    assert!(matches!(verdict(&[not], &[&allow("i*:*", "arn:aws:s3:::open")]), Inclusion::NotIncluded(_)));
}

#[test]
fn rule_m06_to_m09_conditions() {
    let with =
        |condition: &str| format!(r#"{{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{condition}}}"#);
    let cases = [
        (r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, r#"{"IpAddress":{"aws:SourceIp":"10.1.0.0/16"}}"#, true),
        (r#"{"IpAddress":{"aws:SourceIp":"10.1.0.0/16"}}"#, r#"{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#, false),
        (r#"{"NumericLessThan":{"s3:max-keys":"10"}}"#, r#"{"NumericLessThanEquals":{"s3:max-keys":"9"}}"#, true),
        (r#"{"NumericLessThan":{"s3:max-keys":"10"}}"#, r#"{"NumericLessThanEquals":{"s3:max-keys":"10"}}"#, false),
        (r#"{"StringLike":{"s3:prefix":"a*"}}"#, r#"{"StringEquals":{"s3:prefix":["a","ab"]}}"#, true),
        (r#"{"StringLike":{"s3:prefix":"a*"}}"#, r#"{"StringLikeIfExists":{"s3:prefix":"a*"}}"#, false),
        (r#"{"StringEquals":{"s3:prefix":"a"}}"#, r#"{"StringEqualsIgnoreCase":{"s3:prefix":"a"}}"#, false),
        (r#"{"Null":{"aws:SourceVpce":"false"}}"#, r#"{"StringEquals":{"aws:SourceVpce":"v"}}"#, true),
        (r#"{"StringEquals":{"aws:PrincipalTag/A":"x"}}"#, r#"{"StringEquals":{"AWS:principaltag/a":"x"}}"#, true),
        (r#"{"Nonsense":{"k":"v"}}"#, r#"{"Nonsense":{"k":"v"}}"#, true),
        (
            r#"{"StringEquals":{"aws:ResourceTag/t":"${aws:PrincipalTag/t}"}}"#,
            r#"{"StringEquals":{"aws:ResourceTag/t":"${aws:PrincipalTag/t}"},"Bool":{"aws:SecureTransport":"true"}}"#,
            true,
        ),
    ];
    for (reference, candidate, included) in cases {
        let found = verdict(&[&with(reference)], &[&with(candidate)]);
        assert_eq!(found == Inclusion::Included, included, "{reference} {candidate} {found:?}");
        assert!(!matches!(found, Inclusion::Unknown(_)), "{reference} {candidate} {found:?}");
    }
    // Two halves that make a whole only together.
    let (yes, no) = (r#"{"Bool":{"aws:SecureTransport":"true"}}"#, r#"{"Bool":{"aws:SecureTransport":"false"}}"#);
    let null = r#"{"Null":{"aws:SecureTransport":"true"}}"#;
    assert_eq!(verdict(&[&with(yes), &with(no), &with(null)], &[&with("{}")]), Inclusion::Included);
    assert!(matches!(verdict(&[&with(yes), &with(no)], &[&with("{}")]), Inclusion::NotIncluded(_)));
    // What is not documented is never called included, nor excluded.
    assert!(matches!(verdict(&[&with(r#"{"Nonsense":{"k":"v"}}"#)], &[&with("{}")]), Inclusion::Unknown(_)));
}

#[test]
fn rule_p01_to_p07_an_account_includes_its_principals() {
    let to =
        |principal: &str| format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"*"}}"#);
    let (account, role) = (r#"{"AWS":"111122223333"}"#, r#"{"AWS":"arn:aws:iam::111122223333:role/R"}"#);
    let session = r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/R/s"}"#;
    let cases = [
        (r#""*""#, account, true),
        (account, role, true),
        (account, session, true),
        (role, session, true),
        (session, role, false),
        (role, account, false),
        (account, r#"{"AWS":"arn:aws:iam::444455556666:role/R"}"#, false),
        (account, r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, true),
        (account, r#""*""#, false),
        (r#""*""#, r#"{"Service":"ec2.amazonaws.com"}"#, true),
        (r#"{"Service":"ec2.amazonaws.com"}"#, r#"{"Service":["ec2.amazonaws.com","glue.amazonaws.com"]}"#, false),
        (r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/P"}"#, r#"{"Federated":"*"}"#, false),
    ];
    for (reference, candidate, included) in cases {
        let found = verdict(&[&to(reference)], &[&to(candidate)]);
        assert_eq!(found == Inclusion::Included, included, "{reference} {candidate} {found:?}");
        assert!(!matches!(found, Inclusion::Unknown(_)), "{reference} {candidate} {found:?}");
    }
    // `aws:PrincipalArn` narrows like the element itself.
    let anyone = r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/R"}}}"#;
    assert_eq!(verdict(&[&to(role)], &[anyone]), Inclusion::Included);
    assert_eq!(verdict(&[&to(account)], &[anyone]), Inclusion::Included);
    assert!(matches!(verdict(&[anyone], &[&to(account)]), Inclusion::NotIncluded(_)));
    let mixed = [r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#];
    assert!(matches!(verdict(&mixed, &[&to(account)]), Inclusion::Unknown(_)));
}
