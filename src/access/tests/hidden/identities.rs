//! Readers behind groups, boundaries, organizations, and documents that nobody can read.

use super::super::lab::*;
use super::{check, pair};
use crate::access::Question;
use crate::model::authorization::InlinePolicy;

const ALL: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const NOT_S3: &str = "arn:aws:iam::111122223333:policy/NotS3";

fn reads() -> String {
    may("s3:GetObject", LOGS)
}

#[test]
fn attached_and_inherited() {
    let bob = format!("arn:aws:iam::{OWN}:user/bob");
    let jump = format!("arn:aws:iam::{OWN}:role/Jump");
    let bounded = |on_bucket: &str| {
        plain()
            .managed(NOT_S3, &[&may("ec2:*", "*")])
            .user("bob", &[&reads()])
            .edit_user("bob", |user| user.boundary = Some(NOT_S3.to_owned()))
            .on_bucket(&allow(on_bucket, "s3:GetObject", LOGS, r#","Sid":"Open""#))
    };
    check(
        Question::Read,
        vec![
            pair(
                "an inline policy of a group",
                plain().user("bob", &[]).group("ops", &[&reads()], "bob"),
                &bob,
                "ops/Own0",
                plain().user("bob", &[]).user("eve", &[]).group("ops", &[&may("s3:GetObject", "arn:aws:s3:::other/*")], "bob"),
            ),
            pair(
                "a managed policy",
                plain().managed(ALL, &[&may("*", "*")]).role("Jump", SAML, &[]).edit_role("Jump", |role| role.attached.push(ALL.to_owned())),
                &jump,
                "AdministratorAccess",
                plain().managed(ALL, &[&may("*", "*")]).role("Jump", SAML, &[]),
            ),
            pair(
                "a managed policy whose text is missing",
                plain().role("Jump", SAML, &[]).edit_role("Jump", |role| role.attached.push(ALL.to_owned())),
                &jump,
                "AdministratorAccess",
                plain().managed(ALL, &[&may("ec2:*", "*")]).role("Jump", SAML, &[]).edit_role("Jump", |role| role.attached.push(ALL.to_owned())),
            ),
            pair("a boundary does not stop a grant to the user itself", bounded(&bob), &bob, "`Open`", bounded(&format!("arn:aws:iam::{OWN}:root"))),
            pair(
                "a boundary that allows",
                plain().managed(NOT_S3, &[&may("s3:*", "*")]).role("Jump", SAML, &[&reads()]).edit_role("Jump", |role| role.boundary = Some(NOT_S3.to_owned())),
                &jump,
                "Own0",
                // A grant to a role is limited by its boundary.
                plain()
                    .managed(NOT_S3, &[&may("ec2:*", "*")])
                    .role("Jump", SAML, &[&reads()])
                    .edit_role("Jump", |role| role.boundary = Some(NOT_S3.to_owned()))
                    .on_bucket(&allow(&jump, "s3:GetObject", LOGS, "")),
            ),
            pair(
                "a policy with a repeated member",
                plain().role("Jump", SAML, &[]).edit_role("Jump", |role| {
                    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;
                    role.inline.push(InlinePolicy { name: "Twice".to_owned(), text: text.to_owned() });
                }),
                &jump,
                "Twice",
                plain().role("Jump", SAML, &[]).edit_role("Jump", |role| {
                    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}]}"#;
                    role.inline.push(InlinePolicy { name: "Once".to_owned(), text: text.to_owned() });
                }),
            ),
            pair(
                "a policy with an element that nobody knows",
                plain().role("Jump", SAML, &[]).edit_role("Jump", |role| {
                    let text = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"ec2:*","Resource":"*","Unless":"x"}]}"#;
                    role.inline.push(InlinePolicy { name: "Odd".to_owned(), text: text.to_owned() });
                }),
                &jump,
                "Odd",
                plain().role("Jump", SAML, &[&may("ec2:*", "*")]),
            ),
            pair(
                "the root user",
                plain().with(|lab| lab.bucket.retain(|statement| !statement.contains("NotRoot"))),
                &format!("arn:aws:iam::{OWN}:root"),
                "",
                plain(),
            ),
        ],
    );
}

#[test]
fn organizations() {
    let jump = format!("arn:aws:iam::{OWN}:role/Jump");
    let linked = format!("arn:aws:iam::{OWN}:role/aws-service-role/macie.amazonaws.com/AWSServiceRoleForAmazonMacie");
    let foreign = format!("arn:aws:iam::{OTHER}:role/Partner");
    let (all, no_s3) = (may("*", "*"), deny("", "s3:*", "*", ""));
    let no_outsiders = deny("*", "s3:*", "*", &when("StringNotEqualsIfExists", "aws:PrincipalOrgID", "o-acme"));
    let partner = || plain().on_bucket(&allow(&foreign, "s3:GetObject", LOGS, r#","Sid":"Open""#));
    check(
        Question::Read,
        vec![
            pair(
                "another account is not bound by our service control policy",
                partner().scp(&[&all, &no_s3]),
                &foreign,
                "`Open`",
                plain().role("Jump", SAML, &[&reads()]).scp(&[&all, &no_s3]),
            ),
            pair(
                "nor is a service-linked role",
                plain().role_at(&linked, &trusts_service("macie.amazonaws.com"), &[&reads()]).scp(&[&all, &no_s3]),
                &linked,
                "Own0",
                plain().role("Macie", SAML, &[&reads()]).scp(&[&all, &no_s3]),
            ),
            pair(
                "a service control policy with a hole",
                plain().role("Jump", SAML, &[&reads()]).scp(&[
                    &all,
                    &deny("", "s3:*", "*", &when("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/J*")),
                ]),
                &jump,
                "Own0",
                plain().role("Kump", SAML, &[&reads()]).scp(&[
                    &all,
                    &deny("", "s3:*", "*", &when("ArnNotLike", "aws:PrincipalArn", "arn:aws:iam::*:role/J*")),
                ]),
            ),
            pair(
                "a resource control policy that asks for another organization's members only",
                partner().rcp(&[&deny("*", "s3:*", "*", &when("StringEquals", "aws:PrincipalOrgID", "o-evil"))]),
                &foreign,
                "`Open`",
                partner().rcp(&[&deny("*", "s3:*", "*", &when("StringNotEquals", "aws:PrincipalAccount", OWN))]),
            ),
            pair(
                "a foreign principal may be in our organization",
                partner().rcp(&[&no_outsiders]),
                &foreign,
                "aws:PrincipalOrgID",
                partner().rcp(&[&deny(
                    "*",
                    "s3:*",
                    "*",
                    &when("StringNotEqualsIfExists", "aws:PrincipalAccount", OWN),
                )]),
            ),
            pair(
                "management accounts know no limits",
                plain().role("Jump", SAML, &[&reads()]).scp(&[&all, &no_s3]).with(|lab| {
                    lab.organization.as_mut().expect("organization").management_account = Some(OWN.to_owned());
                }),
                &jump,
                "Own0",
                plain().role("Jump", SAML, &[&reads()]).scp(&[&all, &no_s3]),
            ),
        ],
    );
}
