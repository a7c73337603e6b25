//! Readers behind actions and resources that are not spelled as one expects.

use super::super::lab::*;
use super::{check, pair};
use crate::access::Question;

/// A role with one statement, written as `"Action":…,"Resource":…`.
fn jump(elements: &str) -> Lab {
    plain().role("Jump", SAML, &[&format!(r#"{{"Effect":"Allow",{elements}}}"#)])
}

fn on(resource: &str) -> Lab {
    jump(&format!(r#""Action":"s3:GetObject","Resource":"{resource}""#))
}

fn doing(action: &str) -> Lab {
    jump(&format!(r#""Action":"{action}","Resource":"*""#))
}

#[test]
fn actions() {
    let who = format!("arn:aws:iam::{OWN}:role/Jump");
    check(
        Question::Read,
        vec![
            pair(
                "everything but writing",
                jump(r#""NotAction":"s3:Put*","Resource":"*""#),
                &who,
                "Own0",
                jump(r#""NotAction":"s3:*","Resource":"*""#),
            ),
            pair(
                "everything but another service",
                jump(r#""NotAction":["iam:*","kms:*"],"Resource":"*""#),
                &who,
                "Own0",
                jump(r#""NotAction":["iam:*","kms:*","S3:*"],"Resource":"*""#),
            ),
            pair("in any case", doing("S3:gEtObJeCt"), &who, "Own0", doing("s3:GetObjec")),
            pair("a wildcard in the middle", doing("s3:G*Object"), &who, "Own0", doing("s3:G*Objects")),
            pair("a wildcard for one", doing("s3:Get?bject"), &who, "Own0", doing("s3:Get?Object")),
            pair("all services", doing("*"), &who, "Own0", doing("sqs:*")),
            pair("old versions", doing("s3:GetObjectVersion"), &who, "Own0", doing("s3:GetObjectVersionTagging")),
            pair(
                "copies for replication",
                doing("s3:GetObjectVersionForReplication"),
                &who,
                "Own0",
                doing("s3:GetObjectAttributes"),
            ),
            pair("torrents", doing("s3:GetObjectTorrent"), &who, "Own0", doing("s3:GetObjectTagging")),
        ],
    );
}

#[test]
fn resources() {
    let who = format!("arn:aws:iam::{OWN}:role/Jump");
    check(
        Question::Read,
        vec![
            pair(
                "everything but another bucket",
                jump(r#""Action":"s3:GetObject","NotResource":"arn:aws:s3:::other/*""#),
                &who,
                "Own0",
                jump(&format!(r#""Action":"s3:GetObject","NotResource":"{OBJECTS}""#)),
            ),
            pair(
                "everything but a variable that has no value",
                jump(&format!(r#""Action":"s3:GetObject","NotResource":"arn:aws:s3:::{BUCKET}/${{aws:PrincipalTag/team}}*""#)),
                &who,
                "Own0",
                jump(&format!(r#""Action":"s3:GetObject","NotResource":"arn:aws:s3:::{BUCKET}/${{aws:PrincipalTag/team, '*'}}*","Resource2":"x""#).replace(r#","Resource2":"x""#, "").replace("${aws:PrincipalTag/team, '*'}", "")),
            ),
            pair("a wildcard before the name", on("arn:aws:s3:::*-audit/*"), &who, "Own0", on("arn:aws:s3:::logs-*/*")),
            pair("a wildcard for one letter", on("arn:aws:s3:::acme-databricks-audi?/*"), &who, "Own0", on("arn:aws:s3:::acme-databricks-aud?/*")),
            pair("a wildcard across bucket and key", on("arn:aws:s3:::acme*json"), &who, "Own0", on("arn:aws:s3:::acme-data/*json")),
            pair("any partition", on("arn:*:s3:::acme-databricks-audit/*"), &who, "Own0", on("arn:aws-cn:s3:::acme-databricks-audit/*")),
            pair("only some of the objects", on("arn:aws:s3:::acme-databricks-audit/audit/*.json"), &who, "Own0", on("arn:aws:s3:::acme-databricks-audit/other/*.json")),
            pair("one object", on("arn:aws:s3:::acme-databricks-audit/audit/x"), &who, "Own0", on("arn:aws:s3:::acme-databricks-audit/audit")),
            pair("above the prefix", on("arn:aws:s3:::acme-databricks-audit/aud*"), &who, "Own0", on("arn:aws:s3:::acme-databricks-audit/Aud*")),
            pair("the bucket without a slash", on("arn:aws:s3:::acme-databricks-audit*"), &who, "Own0", on("arn:aws:s3:::acme-databricks-audit")),
            pair(
                "a hole in a Deny",
                on("*").on_bucket(&deny("*", "s3:GetObject", "arn:aws:s3:::acme-databricks-audit/audit/*.json", "")).on_bucket(&deny("*", "s3:GetObjectVersion", OBJECTS, "")),
                &who,
                "Own0",
                on("*").on_bucket(&deny("*", "s3:GetObject*", OBJECTS, &when("ArnLike", "aws:PrincipalArn", &who))),
            ),
            pair(
                "a Deny on the bucket only",
                on("*").on_bucket(&deny("*", "s3:*", &format!("arn:aws:s3:::{BUCKET}"), &when("ArnEquals", "aws:PrincipalArn", &who))),
                &who,
                "Own0",
                on("*").on_bucket(&deny("*", "s3:*", &format!("arn:aws:s3:::{BUCKET}*"), &when("ArnEquals", "aws:PrincipalArn", &who))),
            ),
        ],
    );
}
