//! Readers behind the `Principal` element.

use super::super::lab::*;
use super::{check, pair};
use crate::access::Question;

const GET: &str = "s3:GetObject";

fn read(principal: &str, more: &str) -> String {
    allow(principal, GET, LOGS, &format!(r#","Sid":"Open"{more}"#))
}

fn only_reader() -> String {
    when("ArnEquals", "aws:PrincipalArn", READER)
}

#[test]
fn named_and_unnamed() {
    let foreign_role = format!("arn:aws:iam::{OTHER}:role/Partner");
    let foreign_root = format!("arn:aws:iam::{OTHER}:root");
    let jump = format!("arn:aws:iam::{OWN}:role/Jump");
    let bob = format!("arn:aws:iam::{OWN}:user/bob");
    check(
        Question::Read,
        vec![
            pair(
                "everybody",
                plain().unblocked().on_bucket(&read("*", "")),
                "anonymous",
                "bucket policy statement `Open`",
                plain().unblocked().on_bucket(&read("*", &only_reader())),
            ),
            pair(
                "everybody, spelled AWS",
                plain().unblocked().on_bucket(&read(r#""AWS":"*""#, "")),
                "anonymous",
                "`Open`",
                plain().unblocked().on_bucket(&read(r#""AWS":"*""#, &only_reader())),
            ),
            pair(
                "everybody reaches inside although public buckets are restricted",
                plain().on_bucket(&read("*", "")),
                ADMIN,
                "`Open`",
                plain().on_bucket(&read("*", &only_reader())),
            ),
            pair(
                "everybody but one",
                plain().unblocked().on_bucket(&format!(
                    r#"{{"Sid":"Open","Effect":"Allow","NotPrincipal":{{"AWS":"{DELIVERY}"}},"Action":"s3:GetObject","Resource":"{LOGS}"}}"#
                )),
                "anonymous",
                "`Open`",
                plain().unblocked().on_bucket(&format!(
                    r#"{{"Effect":"Allow","NotPrincipal":{{"AWS":"{DELIVERY}"}},"Action":"s3:GetBucketLocation","Resource":"*"}}"#
                )),
            ),
            pair(
                "another account",
                plain().on_bucket(&read(&foreign_root, "")),
                &foreign_root,
                "`Open`",
                plain().on_bucket(&read(&foreign_root, &only_reader())),
            ),
            pair(
                "another account by its number",
                plain().on_bucket(&read(OTHER, "")),
                &foreign_root,
                "`Open`",
                plain().on_bucket(&allow(OTHER, "s3:GetBucketLocation", "*", "")),
            ),
            pair(
                "a role of another account",
                plain().on_bucket(&read(&foreign_role, "")),
                &foreign_role,
                "`Open`",
                plain()
                    .on_bucket(&read(&foreign_role, ""))
                    .on_bucket(&deny("*", "s3:*", OBJECTS, &when("ArnLike", "aws:PrincipalArn", &format!("arn:aws:iam::{OTHER}:*")))),
            ),
            pair(
                "a role of this account, without any policy of its own",
                plain().role("Jump", SAML, &[]).on_bucket(&read(&jump, "")),
                &jump,
                "`Open`",
                plain().on_bucket(&read(&jump, "")),
            ),
            pair(
                "a user, by name",
                plain().user("bob", &[]).on_bucket(&read(&bob, "")),
                &bob,
                "`Open`",
                // A group is no principal.
                plain().user("bob", &[]).on_bucket(&read(&format!("arn:aws:iam::{OWN}:group/all"), "")),
            ),
            pair(
                "a session, by name",
                plain().role("Jump", SAML, &[]).on_bucket(&read(&format!("arn:aws:sts::{OWN}:assumed-role/Jump/alice"), "")),
                &format!("arn:aws:sts::{OWN}:assumed-role/Jump/alice"),
                "`Open`",
                plain().role("Jump", SAML, &[]).on_bucket(&read(&format!("arn:aws:sts::{OWN}:assumed-role/SecurityAnalyst/alice"), "")),
            ),
            pair(
                "a federated user, by name",
                plain().on_bucket(&read(&format!("arn:aws:sts::{OWN}:federated-user/eve"), "")),
                &format!("arn:aws:sts::{OWN}:federated-user/eve"),
                "`Open`",
                plain().user("eve", &[&may("sts:GetFederationToken", "*")]),
            ),
            pair(
                "a service",
                plain().on_bucket(&read(r#""Service":"cloudfront.amazonaws.com""#, "")),
                "cloudfront.amazonaws.com",
                "`Open`",
                plain().on_bucket(&allow(r#""Service":"cloudfront.amazonaws.com""#, "s3:GetBucketAcl", "*", "")),
            ),
            pair(
                "services as a whole",
                plain().unblocked().on_bucket(&read("*", &when("Bool", "aws:PrincipalIsAWSService", "true"))),
                "any AWS service",
                "`Open`",
                plain().unblocked().on_bucket(&read(READER, &when("Bool", "aws:PrincipalIsAWSService", "true"))),
            ),
            pair(
                "an account by its canonical user id",
                plain().on_bucket(&read(r#""CanonicalUser":"79a59df900b949e55d96a1e698fbaced""#, "")),
                "canonical user 79a59df900b949e55d96a1e698fbaced",
                "`Open`",
                plain().on_bucket(&read(r#""CanonicalUser":"owner-id""#, "")).user("bob", &[&may("s3:ListBucket", "*")]),
            ),
        ],
    );
}

#[test]
fn unique_ids() {
    let lab = plain().role("Jump", SAML, &[]).user("bob", &[]);
    let id = |lab: &Lab, name: &str| -> String {
        let roles = lab.people.roles.iter().map(|role| (&role.arn, &role.id));
        let users = lab.people.users.iter().map(|user| (&user.arn, &user.id));
        roles.chain(users).find(|(arn, _)| arn.ends_with(name)).expect("id").1.clone()
    };
    let (role, user) = (id(&lab, "/Jump"), id(&lab, "/bob"));
    check(
        Question::Read,
        vec![
            pair(
                "a role by its id",
                lab.clone().on_bucket(&read(&role, "")),
                &format!("arn:aws:iam::{OWN}:role/Jump"),
                "`Open`",
                lab.clone().on_bucket(&read("AROADELETEDDELETED0001", "")),
            ),
            pair(
                "a user by its id",
                lab.clone().on_bucket(&read(&user, "")),
                &format!("arn:aws:iam::{OWN}:user/bob"),
                "`Open`",
                lab.clone().on_bucket(&read("AIDADELETEDDELETED0001", "")),
            ),
            pair(
                "sessions of a role by its id in a condition",
                lab.clone().on_bucket(&read("*", &when("StringLike", "aws:userid", &format!("{role}:*")))),
                &format!("arn:aws:iam::{OWN}:role/Jump"),
                "`Open`",
                lab.on_bucket(&read(
                    "*",
                    &format!(
                        r#","Condition":{{"StringLike":{{"aws:userid":"AROADELETEDDELETED0001:*"}},"ArnEquals":{{"aws:PrincipalArn":"{READER}"}}}}"#
                    ),
                )),
            ),
        ],
    );
}

/// Rule C2: the ARN of a session does not say the path of its role, and `aws:PrincipalArn` has it.
#[test]
fn sessions_of_roles_whose_path_is_not_known() {
    let session = format!("arn:aws:sts::{OTHER}:assumed-role/Partner/s");
    let but = |pattern: &str| {
        let spared = when("ArnLike", "aws:PrincipalArn", &format!("arn:aws:iam::{OTHER}:{pattern}"));
        plain().on_bucket(&read(&session, "")).on_bucket(&deny("*", "s3:GetObject*", OBJECTS, &spared))
    };
    check(
        Question::Read,
        vec![
            pair("a Deny of the role as if it had no path", but("role/Partner"), &session, "`Open`", but("role/*")),
            pair("a Deny of one path", but("role/team/*"), &session, "`Open`", but("role/*Partner")),
        ],
    );
}
