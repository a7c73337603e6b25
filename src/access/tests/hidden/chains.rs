//! Readers who take a role that reads.

use super::super::lab::*;
use super::{check, pair};
use crate::access::Question;
use crate::model::desired::Reader;

fn bob() -> String {
    format!("arn:aws:iam::{OWN}:user/bob")
}

fn role_arn(name: &str) -> String {
    format!("arn:aws:iam::{OWN}:role/{name}")
}

fn root() -> String {
    trusts(&format!("arn:aws:iam::{OWN}:root"))
}

fn takes(role: &str) -> String {
    may("sts:AssumeRole", &role_arn(role))
}

/// The declared reader with another trust policy.
fn reader_trusts(trust: &str) -> Lab {
    plain().edit_role("SecurityAnalyst", |role| role.trust = document(&[trust]))
}

#[test]
fn assumed() {
    let foreign = format!("arn:aws:iam::{OTHER}:root");
    let four = |last: &str| {
        reader_trusts(&trusts(&role_arn("C")))
            .role("C", &trusts(&role_arn("B")), &[&takes("SecurityAnalyst")])
            .role("B", &trusts(&role_arn("A")), &[&takes("C")])
            .role("A", &root(), &[&takes("B")])
            .user("bob", &[&takes(last)])
    };
    let with_id = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{foreign}"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"secret"}}}}}}"#
    );
    let never = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"{foreign}"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"sts:ExternalId":"a"}},"StringLike":{{"sts:ExternalId":"b*"}}}}}}"#
    );
    let in_org = r#"{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-other"}}}"#;
    let in_org_and_named = format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"*"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"aws:PrincipalOrgID":"o-other"}},"ArnEquals":{{"aws:PrincipalArn":"{ADMIN}"}}}}}}"#
    );
    check(
        Question::Read,
        vec![
            pair("through one role", reader_trusts(&root()).user("bob", &[&takes("SecurityAnalyst")]), &bob(), "assume-role", reader_trusts(&root()).user("bob", &[&takes("Other")])),
            pair("through four", four("A"), &bob(), "role/C", four("A").edit_role("SecurityAnalyst", |role| role.trust = document(&[SAML]))),
            pair(
                "named in the trust, without any policy of its own",
                reader_trusts(&trusts(&bob())).user("bob", &[]),
                &bob(),
                "trust policy",
                reader_trusts(&trusts(&role_arn("Gone"))).user("bob", &[]),
            ),
            pair("the whole of another account", reader_trusts(&trusts(&foreign)), &foreign, "trust policy", reader_trusts(SAML)),
            pair("anybody with an account", reader_trusts(&trusts("*")), "*", "trust policy", reader_trusts(SAML).user("bob", &[&takes("SecurityAnalyst")])),
            pair("an external id is no identity", reader_trusts(&with_id), &foreign, "sts:ExternalId", reader_trusts(&never)),
            pair("an organization", reader_trusts(in_org), "*", "o-other", reader_trusts(&in_org_and_named)),
            pair(
                "only with MFA, which is no obstacle",
                reader_trusts(&format!(
                    r#"{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole","Condition":{{"Bool":{{"aws:MultiFactorAuthPresent":"true"}}}}}}"#,
                    bob()
                ))
                .user("bob", &[]),
                &bob(),
                "MultiFactorAuthPresent",
                reader_trusts(&root()).user("bob", &[&takes("SecurityAnalyst"), &deny("", "sts:*", "*", "")]),
            ),
            pair(
                "a role that nobody declared, which reads",
                plain().role("Jump", &root(), &[&may("s3:GetObject", LOGS)]).user("bob", &[&takes("Jump")]),
                &bob(),
                "role/Jump",
                plain().role("Jump", &root(), &[]).user("bob", &[&takes("Jump")]),
            ),
            pair(
                "by a session name",
                reader_trusts(&format!(
                    r#"{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole","Condition":{{"StringLike":{{"sts:RoleSessionName":"bob-*"}}}}}}"#,
                    bob()
                ))
                .user("bob", &[]),
                &bob(),
                "RoleSessionName",
                reader_trusts(&format!(
                    r#"{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:AssumeRole","Condition":{{"Null":{{"sts:RoleSessionName":"true"}}}}}}"#,
                    bob()
                ))
                .user("bob", &[]),
            ),
        ],
    );
}

#[test]
fn entered() {
    let github = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    let oidc = |condition: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"Federated":"{github}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{condition}}}"#
        )
    };
    let audience = r#"{"StringEquals":{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com"}}"#;
    let subject = |value: &str| format!(r#"{{"StringLike":{{"token.actions.githubusercontent.com:sub":"{value}"}}}}"#);
    let lambda = || reader_trusts(&trusts_service("lambda.amazonaws.com"));
    let passes = |role: &str| may("iam:PassRole", &role_arn(role));
    check(
        Question::Read,
        vec![
            pair(
                "any repository of GitHub",
                reader_trusts(&oidc(audience)),
                github,
                "identity-provider",
                reader_trusts(&oidc(&subject("repo:acme/audit:*"))),
            ),
            pair(
                "any repository, by a wildcard",
                reader_trusts(&oidc(&subject("repo:*"))),
                github,
                "identity-provider",
                reader_trusts(&oidc(&subject("repo:acme/*"))),
            ),
            pair(
                "a function that runs as the reader",
                lambda().user("bob", &[&passes("SecurityAnalyst"), &may("lambda:CreateFunction", "*")]),
                &bob(),
                "lambda:CreateFunction",
                lambda().user("bob", &[&passes("Other"), &may("lambda:CreateFunction", "*")]),
            ),
            pair(
                "a service role that anyone may pass",
                reader_trusts(&trusts_service("ec2.amazonaws.com"))
                    .user("bob", &[&may("iam:PassRole ec2:RunInstances", "*")]),
                &bob(),
                "ec2:RunInstances",
                reader_trusts(&trusts_service("ec2.amazonaws.com"))
                    .user("bob", &[&may("iam:PassRole", "*"), &may("ec2:DescribeInstances", "*")]),
            ),
            pair(
                "passed to one service only",
                lambda().user(
                    "bob",
                    &[&allow(
                        "",
                        "iam:PassRole lambda:CreateFunction",
                        "*",
                        &when("StringEqualsIfExists", "iam:PassedToService", "lambda.amazonaws.com"),
                    )],
                ),
                &bob(),
                "pass-role",
                lambda().user(
                    "bob",
                    &[
                        &allow(
                            "",
                            "iam:PassRole",
                            "*",
                            &when("StringEquals", "iam:PassedToService", "ec2.amazonaws.com"),
                        ),
                        &may("lambda:CreateFunction", "*"),
                    ],
                ),
            ),
            pair(
                "a service that nobody has heard of",
                reader_trusts(&trusts_service("new.amazonaws.com")).user("bob", &[&passes("SecurityAnalyst")]),
                &bob(),
                "new.amazonaws.com",
                reader_trusts(&trusts_service("new.amazonaws.com")).user("bob", &[&may("new:Run", "*")]),
            ),
        ],
    );
}

/// Rule A4: a provider that comes in by two doors is expected at each or not; one narrow door does not excuse an open one.
#[test]
fn entered_by_another_door() {
    let github = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
    let oidc = |subject: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"Federated":"{github}"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringLike":{{"token.actions.githubusercontent.com:sub":"{subject}"}}}}}}"#
        )
    };
    let second = |subject: &str| {
        let reader = Reader::Role { role: role_arn("Auditor").parse().expect("ARN"), mfa: false };
        reader_trusts(&oidc("repo:acme/audit:*"))
            .role("Auditor", &oidc(subject), &[])
            .on_bucket(&allow(&role_arn("Auditor"), "s3:GetObject", LOGS, ""))
            .with(|lab| drop(lab.desired.readers.insert("auditors".to_owned(), reader)))
    };
    check(
        Question::Read,
        vec![pair(
            "any repository, by the second door",
            second("repo:*"),
            github,
            "role/Auditor",
            second("repo:acme/*"),
        )],
    );
}
