//! Who acts as a reader by what runs as it already (rules A4, A5): in the second tier, because what runs was not read.

use super::super::lab::*;
use crate::access::compute::RUNNING;
use crate::access::{ProofVerdict, Question};

const OPS: &str = "arn:aws:iam::111122223333:role/Ops";

/// A reader that some service runs as, and somebody with own statements.
fn running(service: &str, statements: &[&str]) -> Lab {
    let trust = format!("{SAML},{}", trusts_service(service));
    plain().edit_role("SecurityAnalyst", |role| role.trust = document(&[trust])).role("Ops", SAML, statements)
}

/// What could make somebody a reader, as far as it is about what runs as a role.
fn means(lab: &Lab) -> Vec<String> {
    let all = lab.assess();
    let ops = all.second_tier.iter().find(|one| one.arn == OPS);
    let means = ops.map(|one| one.means.clone()).unwrap_or_default();
    means.into_iter().filter(|text| text.contains("runs as")).collect()
}

/// The ARN of one resource of the kind that an action acts on.
fn some(on: &str, account: &str) -> String {
    match on.split_once(' ') {
        None => "*".to_owned(),
        Some((service, resource)) => format!("arn:aws:{service}:eu-west-1:{account}:{}", resource.replace("?*", "a/b")),
    }
}

#[test]
fn every_action_on_what_runs_as_a_reader() {
    for (service, actions) in RUNNING {
        for (action, on) in actions.iter() {
            let found = format!("{action} on what runs as {READER} ({service})");
            let one = running(service, &[&may(action, &some(on, OWN))]);
            assert_eq!(means(&one), [found], "{service} {action}");
            assert_eq!(one.assess().proof("acme", "readers-declared").expect("proof").verdict, ProofVerdict::Holds);
        }
    }
}

#[test]
fn look_alikes_that_change_nothing_of_a_reader() {
    let update = |resource: &str| may("lambda:UpdateFunctionCode", resource);
    let function = "arn:aws:lambda:us-east-1:111122223333:function:etl";
    let lambda = |statements: &[&str]| running("lambda.amazonaws.com", statements);
    let all = update("*");
    assert_eq!(means(&lambda(&[&all])).len(), 1);
    let denied = |resource: &str| deny("", "lambda:*", resource, "");
    let bounded = |statement: &str| {
        lambda(&[&all])
            .managed("arn:aws:iam::111122223333:policy/Edge", &[statement])
            .edit_role("Ops", |role| role.boundary = Some("arn:aws:iam::111122223333:policy/Edge".to_owned()))
    };
    for (name, lab) in [
        ("no reader runs there", running("ec2.amazonaws.com", &[&all])),
        ("another action", lambda(&[&may("lambda:InvokeFunction lambda:GetFunction", "*")])),
        ("functions of another account", lambda(&[&update("arn:aws:lambda:*:444455556666:function:*")])),
        ("layers", lambda(&[&update("arn:aws:lambda:*:*:layer:*")])),
        ("denied", lambda(&[&all, &denied("*")])),
        ("every function is denied", lambda(&[&all, &denied("arn:aws:lambda:*:*:function:*")])),
        ("the one function is denied", lambda(&[&update(function), &denied("arn:aws:lambda:*:*:function:e?l")])),
        ("outside the boundary", bounded(&may("s3:*", "*"))),
        ("under a service control policy", lambda(&[&all]).scp(&[&may("s3:* iam:*", "*")])),
    ] {
        assert_eq!(means(&lab), Vec::<String>::new(), "{name}");
    }
    for (name, lab) in [
        ("a hole in a Deny", lambda(&[&all, &denied("arn:aws:lambda:us-*:*:function:*")])),
        ("all but one function", lambda(&[&all, &denied(function)])),
        ("within the boundary", bounded(&update(function))),
        ("under a condition", lambda(&[&allow("", "lambda:*", "*", &when("StringEquals", "aws:ResourceTag/a", "b"))])),
        ("everything but", lambda(&[r#"{"Effect":"Allow","NotAction":"s3:*","NotResource":"arn:aws:s3:::x"}"#])),
    ] {
        assert!(means(&lab).iter().any(|text| text.starts_with("lambda:UpdateFunctionCode on ")), "{name}");
    }
}

#[test]
fn what_runs_as_a_role_on_the_way_counts_too() {
    let lab = plain()
        .edit_role("SecurityAnalyst", |role| role.trust = document(&[trusts(&format!("arn:aws:iam::{OWN}:role/Etl"))]))
        .role("Etl", &trusts_service("lambda.amazonaws.com"), &[])
        .role("Ops", SAML, &[&may("lambda:UpdateFunctionCode iam:PutRolePolicy", "*")]);
    let all = lab.assess();
    let ops = all.second_tier.iter().find(|one| one.arn == OPS).expect("second tier");
    let etl = format!("arn:aws:iam::{OWN}:role/Etl");
    for means in [
        format!("lambda:UpdateFunctionCode on what runs as {etl} (lambda.amazonaws.com)"),
        format!("iam:PutRolePolicy on {etl}"),
    ] {
        assert!(ops.means.contains(&means), "{means}: {:?}", ops.means);
    }
    assert!(!ops.declared && all.assumptions.iter().any(|one| one.code == "compute-not-listed"));
    assert!(!plain().assess().assumptions.iter().any(|one| one.code == "compute-not-listed"));
    assert!(lab.undeclared(Question::Read).iter().all(|one| one.arn != OPS));
}

#[test]
fn a_trust_that_cannot_be_read_may_trust_every_service() {
    let lab = running("x.amazonaws.com", &[&may("ssm:StartSession", "*")]);
    assert_eq!(means(&lab), Vec::<String>::new());
    let unread = lab.edit_role("SecurityAnalyst", |role| role.trust = "{".to_owned());
    assert!(means(&unread).contains(&format!("ssm:StartSession on what runs as {READER} (ec2.amazonaws.com)")));
}
