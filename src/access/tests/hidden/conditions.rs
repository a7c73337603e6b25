//! Readers behind a condition that does not say what it seems to say.

use super::super::lab::*;
use super::{check, pair};
use crate::access::Question;

fn everybody(more: &str) -> Lab {
    plain().unblocked().on_bucket(&allow("*", "s3:GetObject", LOGS, &format!(r#","Sid":"Open"{more}"#)))
}

fn both(first: (&str, &str, &str), second: (&str, &str, &str)) -> String {
    format!(
        r#","Condition":{{"{}":{{"{}":"{}"}},"{}":{{"{}":"{}"}}}}"#,
        first.0, first.1, first.2, second.0, second.1, second.2
    )
}

/// A user whose own policy allows everything, against some Denies.
fn bob(denies: &[String]) -> Lab {
    let lab = plain().user("bob", &[&may("s3:*", "*")]);
    denies.iter().fold(lab, |lab, deny| lab.on_bucket(deny))
}

fn no(more: &str) -> String {
    deny("*", "s3:*", OBJECTS, more)
}

#[test]
fn keys_that_are_missing() {
    let bob_arn = format!("arn:aws:iam::{OWN}:user/bob");
    let reader = ("ArnEquals", "aws:PrincipalArn", READER);
    check(
        Question::Read,
        vec![
            pair(
                "IfExists on a key that is not there",
                everybody(&when("StringEqualsIfExists", "aws:PrincipalOrgID", "o-acme")),
                "anonymous",
                "`Open`",
                everybody(&both(("StringEqualsIfExists", "aws:PrincipalOrgID", "o-acme"), reader)),
            ),
            pair(
                "ForAllValues on an empty set",
                everybody(&when("ForAllValues:StringEquals", "aws:PrincipalOrgPaths", "o-acme/*")),
                "anonymous",
                "`Open`",
                everybody(&both(("ForAllValues:StringEquals", "aws:PrincipalOrgPaths", "o-acme/*"), reader)),
            ),
            pair(
                "a negated operator on a key that is not there",
                everybody(&when("StringNotEquals", "aws:PrincipalAccount", OTHER)),
                "anonymous",
                "`Open`",
                everybody(&both(("StringNotEquals", "aws:PrincipalAccount", OTHER), reader)),
            ),
            pair(
                "MFA asked of long-term keys, which have no such key",
                bob(&[no(&when("Bool", "aws:MultiFactorAuthPresent", "false"))]),
                &bob_arn,
                "Own0",
                bob(&[
                    no(&when("BoolIfExists", "aws:MultiFactorAuthPresent", "false")),
                    no(&when("Bool", "aws:MultiFactorAuthPresent", "true")),
                ]),
            ),
            pair(
                "a Deny by address does not see an endpoint",
                bob(&[
                    no(&when("IpAddress", "aws:SourceIp", "0.0.0.0/0")),
                    no(&when("IpAddress", "aws:SourceIp", "::/0")),
                ]),
                &bob_arn,
                "Own0",
                bob(&[
                    no(&when("IpAddress", "aws:SourceIp", "0.0.0.0/0")),
                    no(&when("IpAddress", "aws:SourceIp", "::/0")),
                    no(&when("Null", "aws:SourceIp", "true")),
                    // Whose address another service shows is not documented.
                    no(&when("Bool", "aws:ViaAWSService", "true")),
                ]),
            ),
            pair(
                "a Deny of one endpoint leaves the others",
                bob(&[
                    no(&when("StringEquals", "aws:SourceVpce", "vpce-1")),
                    no(&when("Null", "aws:SourceVpce", "true")),
                ]),
                &bob_arn,
                "Own0",
                bob(&[no(&when("Null", "aws:SourceVpce", "false")), no(&when("Null", "aws:SourceVpce", "true"))]),
            ),
        ],
    );
}

#[test]
fn keys_that_say_little() {
    let bob_arn = format!("arn:aws:iam::{OWN}:user/bob");
    let reader = ("ArnEquals", "aws:PrincipalArn", READER);
    check(
        Question::Read,
        vec![
            pair(
                "any organization",
                everybody(&when("StringLike", "aws:PrincipalOrgID", "o-*")),
                "*",
                "`Open`",
                everybody(&both(("StringLike", "aws:PrincipalOrgID", "o-*"), reader)),
            ),
            pair(
                "another organization",
                everybody(&when("StringEquals", "aws:PrincipalOrgID", "o-other")),
                "*",
                "o-other",
                everybody(&both(("StringEquals", "aws:PrincipalOrgID", "o-other"), reader)),
            ),
            pair(
                "a role name in any account",
                everybody(&when("ArnLike", "aws:PrincipalArn", "arn:aws:iam::*:role/SecurityAnalyst")),
                "*",
                "`Open`",
                everybody(&when("ArnLike", "aws:PrincipalArn", READER)),
            ),
            pair(
                "every role with a suffix",
                everybody(&when("StringLike", "aws:PrincipalArn", "*Analyst")),
                "*",
                "`Open`",
                everybody(&when("StringLike", "aws:PrincipalArn", &READER.replace("Analyst", "Analys?"))),
            ),
            pair(
                "the whole internet, as a range",
                everybody(&when("IpAddress", "aws:SourceIp", "0.0.0.0/0")),
                "anonymous",
                "`Open`",
                // No request has both.
                everybody(&both(
                    ("IpAddress", "aws:SourceIp", "0.0.0.0/0"),
                    ("StringEquals", "aws:SourceVpce", "vpce-1"),
                )),
            ),
            pair(
                "an endpoint is no identity",
                everybody(&when("StringEquals", "aws:SourceVpce", "vpce-1")),
                "anonymous",
                "vpce-1",
                everybody(&both(("StringEquals", "aws:SourceVpce", "vpce-1"), reader)),
            ),
            pair(
                "a referer is what the caller says",
                everybody(&when("StringLike", "aws:Referer", "https://intranet/*")),
                "anonymous",
                "`Open`",
                everybody(&both(("StringLike", "aws:Referer", "https://intranet/*"), reader)),
            ),
            pair(
                "one day in the future",
                plain().user(
                    "bob",
                    &[&allow(
                        "",
                        "s3:GetObject",
                        LOGS,
                        &when("DateGreaterThan", "aws:CurrentTime", "2099-01-01T00:00:00Z"),
                    )],
                ),
                &bob_arn,
                "2099",
                plain().user(
                    "bob",
                    &[&allow(
                        "",
                        "s3:GetObject",
                        LOGS,
                        &both(
                            ("DateGreaterThan", "aws:CurrentTime", "2099-01-01T00:00:00Z"),
                            ("DateLessThan", "aws:CurrentTime", "2000-01-01T00:00:00Z"),
                        ),
                    )],
                ),
            ),
            pair(
                "in clear text only",
                plain().user("bob", &[&allow("", "s3:GetObject", LOGS, &when("Bool", "aws:SecureTransport", "false"))]),
                &bob_arn,
                "SecureTransport",
                plain()
                    .user("bob", &[&allow("", "s3:GetObject", LOGS, &when("Bool", "aws:SecureTransport", "false"))])
                    .on_bucket(&no(&when("Bool", "aws:SecureTransport", "false"))),
            ),
            pair(
                "by a tag of the object, which was not sampled",
                plain().user(
                    "bob",
                    &[&allow("", "s3:GetObject", LOGS, &when("StringEquals", "s3:ExistingObjectTag/open", "yes"))],
                ),
                &bob_arn,
                "ExistingObjectTag",
                plain()
                    .user(
                        "bob",
                        &[&allow("", "s3:GetObject", LOGS, &when("StringEquals", "s3:ExistingObjectTag/open", "yes"))],
                    )
                    .on_bucket(&no(&when("ArnEquals", "aws:PrincipalArn", &bob_arn))),
            ),
            pair(
                "an operator that nobody knows",
                plain()
                    .user("bob", &[&allow("", "s3:GetObject", LOGS, &when("StringMatches", "aws:username", "alice"))]),
                &bob_arn,
                "Own0",
                plain()
                    .user("bob", &[&allow("", "s3:GetObject", LOGS, &when("StringEquals", "aws:username", "alice"))]),
            ),
        ],
    );
}

#[test]
fn tags_and_variables() {
    let jump = format!("arn:aws:iam::{OWN}:role/Jump");
    let tagged = when("StringEquals", "aws:PrincipalTag/team", "audit");
    let tag_session = r#"{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:saml-provider/corp"},"Action":["sts:AssumeRoleWithSAML","sts:TagSession"]}"#;
    let reads = may("s3:GetObject", LOGS);
    check(
        Question::Read,
        vec![
            pair(
                "a tag of the role",
                plain().role("Jump", SAML, &[&allow("", "s3:GetObject", LOGS, &tagged)]).edit_role("Jump", |role| {
                    role.tags.insert("team".to_owned(), "audit".to_owned());
                }),
                &jump,
                "Own0",
                plain().role("Jump", SAML, &[&allow("", "s3:GetObject", LOGS, &tagged)]).edit_role("Jump", |role| {
                    role.tags.insert("team".to_owned(), "sales".to_owned());
                }),
            ),
            pair(
                "a tag that the session brings along",
                plain().role("Jump", tag_session, &[&allow("", "s3:GetObject", LOGS, &tagged)]),
                &jump,
                "Own0",
                plain().role("Jump", SAML, &[&allow("", "s3:GetObject", LOGS, &tagged)]),
            ),
            pair(
                "a Deny whose variable has no value",
                plain().role("Jump", SAML, &[&reads]).on_bucket(&deny(
                    "*",
                    "s3:GetObject*",
                    &format!("arn:aws:s3:::{BUCKET}/audit/${{aws:PrincipalTag/team}}*"),
                    "",
                )),
                &jump,
                "Own0",
                plain().role("Jump", SAML, &[&reads]).on_bucket(&deny(
                    "*",
                    "s3:GetObject*",
                    LOGS,
                    &when("ArnEquals", "aws:PrincipalArn", &jump),
                )),
            ),
            pair(
                "a folder by the user's name",
                plain()
                    .user("bob", &[&may("s3:GetObject", &format!("arn:aws:s3:::{BUCKET}/audit/${{aws:username}}/*"))]),
                &format!("arn:aws:iam::{OWN}:user/bob"),
                "Own0",
                plain()
                    .user("bob", &[&may("s3:GetObject", &format!("arn:aws:s3:::{BUCKET}/home/${{aws:username}}/*"))]),
            ),
            pair(
                "a user whose name is the prefix",
                plain().user("audit", &[&may("s3:GetObject", &format!("arn:aws:s3:::{BUCKET}/${{aws:username}}/*"))]),
                &format!("arn:aws:iam::{OWN}:user/audit"),
                "Own0",
                plain().user("bob", &[&may("s3:GetObject", &format!("arn:aws:s3:::{BUCKET}/${{aws:username}}/*"))]),
            ),
        ],
    );
}
