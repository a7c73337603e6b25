//! Readers behind access points, access control lists and copies.

use super::super::lab::*;
use super::{check, pair};
use crate::access::Question;

const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

fn delegating(account: &str) -> Lab {
    plain().on_bucket(&allow(
        "*",
        "s3:*",
        OBJECTS,
        &format!(r#","Sid":"Delegate"{}"#, when("StringEquals", "s3:DataAccessPointAccount", account)),
    ))
}

fn at_point(principal: &str) -> String {
    allow(principal, "s3:GetObject", "arn:aws:s3:us-east-1:111122223333:accesspoint/door/object/*", r#","Sid":"Door""#)
}

#[test]
fn access_points() {
    let foreign = format!("arn:aws:iam::{OTHER}:root");
    check(
        Question::Read,
        vec![
            pair(
                "delegated to an access point that is open to another account",
                delegating(OWN).point("door", Some(&at_point(&foreign))),
                &foreign,
                "`Door`",
                delegating(OWN).point("door", Some(&at_point(READER))),
            ),
            pair(
                "delegated to access points of another account, which nobody listed",
                delegating(OTHER),
                &format!("whoever the access points of account {OTHER} let in"),
                "`Delegate`",
                delegating(OWN),
            ),
            pair(
                "access points of this account that were not listed",
                delegating(OWN).without(crate::model::live::Read::AccessPoints { bucket: BUCKET.to_owned() }),
                &format!("whoever the access points of account {OWN} let in"),
                "`Delegate`",
                delegating(OWN),
            ),
            pair(
                "any access point",
                plain().unblocked().on_bucket(&allow(
                    "*",
                    "s3:GetObject",
                    OBJECTS,
                    &when("StringLike", "s3:DataAccessPointArn", "arn:aws:s3:*:*:accesspoint/*"),
                )),
                "whoever the access points of any account let in",
                "bucket policy",
                plain().on_bucket(&allow(
                    "*",
                    "s3:GetObject",
                    OBJECTS,
                    &when("StringLike", "s3:DataAccessPointArn", "arn:aws:s3:us-east-1:111122223333:accesspoint/door"),
                )),
            ),
        ],
    );
}

#[test]
fn access_control_lists() {
    let listed = |grantee: &str, permission: &str| {
        plain().unblocked().with(|lab| {
            lab.ownership = "ObjectWriter";
            lab.acl.push((grantee.to_owned(), permission.to_owned()));
        })
    };
    let enforced = |lab: Lab| lab.with(|lab| lab.ownership = "BucketOwnerEnforced");
    check(
        Question::Read,
        vec![pair(
            "lists of objects, which nobody sampled",
            plain().with(|lab| lab.ownership = "BucketOwnerPreferred"),
            "*",
            "access control list of an object",
            enforced(plain()),
        )],
    );
    check(
        Question::List,
        vec![
            pair(
                "the bucket's list, to everybody",
                listed(ALL_USERS, "READ"),
                "anonymous",
                "bucket ACL READ",
                enforced(listed(ALL_USERS, "READ")),
            ),
            pair(
                "the bucket's list, to another account",
                listed("partner-id", "FULL_CONTROL"),
                "canonical user partner-id",
                "bucket ACL FULL_CONTROL",
                enforced(listed("partner-id", "FULL_CONTROL")),
            ),
        ],
    );
    check(
        Question::Write,
        vec![pair(
            "the bucket's list, to write",
            listed(ALL_USERS, "WRITE"),
            "anonymous",
            "bucket ACL WRITE",
            listed(ALL_USERS, "READ"),
        )],
    );
}
