//! Readers by doors of several regions, and by what S3 lends (rules B6, B8).

use super::super::lab::*;
use super::{check, pair};
use crate::access::{PrincipalKind, ProofVerdict, Question, Verdict};
use crate::model::Fact;
use crate::model::access_grant::{AccessGrant, Grantee};
use crate::model::access_point::{AccessPoint, MultiRegionAccessPoint};
use crate::model::live::Read;

const ASKS: &str = "s3:GetDataAccess";

fn who() -> String {
    format!("arn:aws:iam::{OWN}:role/Jump")
}

fn delegating() -> Lab {
    plain().on_bucket(&allow(
        "*",
        "s3:GetObject",
        OBJECTS,
        &format!(r#","Sid":"Delegate"{}"#, when("StringEquals", "s3:DataAccessPointAccount", OWN)),
    ))
}

/// A Multi-Region access point of the bucket, with a policy of one statement.
fn world(lab: Lab, policy: Option<&str>) -> Lab {
    let point = AccessPoint {
        name: "world".to_owned(),
        arn: format!("arn:aws:s3::{OWN}:accesspoint/m1.mrap"),
        bucket: BUCKET.to_owned(),
        account: OWN.to_owned(),
        vpc: None,
        block: lab.block.clone(),
    };
    let policy = policy.map(|statement| document(&[statement]));
    asked(
        lab,
        Read::MultiRegionAccessPoints { bucket: BUCKET.to_owned() },
        Fact::MultiRegionAccessPoints(vec![MultiRegionAccessPoint { point, policy }]),
    )
}

fn asked(mut lab: Lab, read: Read, fact: Fact) -> Lab {
    let place = lab.place();
    lab.extra.push((place, read, fact));
    lab
}

#[test]
fn through_a_door_of_several_regions() {
    let foreign = format!("arn:aws:iam::{OTHER}:root");
    let open = |principal: &str, object: &str| {
        let behind = format!("arn:aws:s3::{OWN}:accesspoint/m1.mrap/object/{object}");
        allow(principal, "s3:GetObject", &behind, r#","Sid":"World""#)
    };
    check(
        Question::Read,
        vec![
            pair(
                "delegated to access points, of which one leads to several regions",
                world(delegating(), Some(&open(&foreign, "*"))),
                &foreign,
                "`World`",
                world(delegating(), Some(&open(READER, "*"))),
            ),
            pair(
                "for one object",
                world(delegating(), Some(&open(&foreign, "audit/secret.json"))),
                &foreign,
                "`World`",
                world(delegating(), Some(&open(&foreign, "other/secret.json"))),
            ),
            pair(
                "doors of several regions that could not be listed",
                delegating().without(Read::MultiRegionAccessPoints { bucket: BUCKET.to_owned() }),
                &format!("whoever the access points of account {OWN} let in"),
                "`Delegate`",
                world(plain(), Some(&open(&foreign, "*"))),
            ),
        ],
    );
}

/// The declared reader lends itself.
fn lending(grantee: Grantee, permission: &str, scope: &str, role: Option<&str>) -> Lab {
    let trust = document(&[SAML, &trusts_service("access-grants.s3.amazonaws.com")]);
    let lab = plain().edit_role("SecurityAnalyst", |one| one.trust = trust);
    let grant = AccessGrant {
        id: "g1".to_owned(),
        grantee,
        permission: permission.to_owned(),
        scope: scope.to_owned(),
        role: role.map(str::to_owned),
    };
    asked(lab, Read::AccessGrants, Fact::AccessGrants(vec![grant]))
}

fn to_jump(permission: &str, scope: &str) -> Lab {
    lending(Grantee::Iam(who()), permission, scope, Some(READER)).role("Jump", SAML, &[&may(ASKS, "*")])
}

#[test]
fn lent_by_a_grant() {
    let logs = format!("s3://{BUCKET}/audit/*");
    let group =
        |role: Option<&str>, scope: &str| lending(Grantee::DirectoryGroup("g-1".to_owned()), "READ", scope, role);
    let partner = format!("arn:aws:iam::{OTHER}:role/Partner");
    let to_partner = |scope: &str| lending(Grantee::Iam(partner.clone()), "READ", scope, Some(READER));
    let bob = format!("arn:aws:iam::{OWN}:user/bob");
    let taken = |asks: &str| {
        lending(Grantee::Iam(who()), "READ", &logs, Some(READER))
            .role("Jump", &trusts(&bob), &[&may(asks, "*")])
            .user("bob", &[])
    };
    check(
        Question::Read,
        vec![
            pair(
                "a role to which a grant is made",
                to_jump("READ", &logs),
                &who(),
                "access grant `g1`",
                to_jump("WRITE", &logs),
            ),
            pair(
                "a grant above the prefix",
                to_jump("READWRITE", "s3://acme-*"),
                &who(),
                "access grant `g1`",
                to_jump("READWRITE", &format!("s3://{BUCKET}/other/*")),
            ),
            pair(
                "a grant for one object",
                to_jump("READ", &format!("s3://{BUCKET}/audit/secret.json")),
                &who(),
                "access grant `g1`",
                to_jump("READ", &format!("s3://{BUCKET}/audit")),
            ),
            pair(
                "somebody who takes the role to which a grant is made",
                taken(ASKS),
                &bob,
                "access grant `g1`",
                taken("s3:ListCallerAccessGrants"),
            ),
            pair(
                "a role of another account to which a grant is made",
                to_partner(&logs),
                &partner,
                "access grant `g1`",
                to_partner(&format!("s3://{BUCKET}-other/*")),
            ),
            pair(
                "a group of the directory",
                group(Some(READER), &logs),
                "directory group g-1",
                "access grant `g1`",
                group(Some(ADMIN), &logs),
            ),
            pair(
                "a role that was not listed",
                group(None, &logs),
                "directory group g-1",
                "was not read",
                group(None, &format!("s3://{BUCKET}/other/*")),
            ),
        ],
    );
}

#[test]
fn what_is_lent_is_no_more_than_the_role_and_the_grant() {
    let logs = format!("s3://{BUCKET}/audit/*");
    let delivery = |permission: &str| {
        lending(Grantee::DirectoryUser("u-1".to_owned()), permission, &logs, Some(DELIVERY)).assess()
    };
    let of = |all: &crate::access::Assessment| {
        let own = all.principals.iter().filter(|one| one.kind == PrincipalKind::DirectoryUser);
        own.map(|one| (one.question, one.actions.join(" "), one.verdict)).collect::<Vec<_>>()
    };
    let get = (Question::Read, "s3:GetObject".to_owned(), Verdict::Conditional);
    let put = (Question::Write, "s3:PutObject".to_owned(), Verdict::Conditional);
    assert_eq!(of(&delivery("READ")), std::slice::from_ref(&get));
    let write = of(&delivery("WRITE"));
    assert!(write.contains(&put) && !write.contains(&get), "{write:?}");
    assert!(write.contains(&(Question::Tamper, "s3:DeleteObject".to_owned(), Verdict::Conditional)), "{write:?}");
    let both = of(&delivery("READWRITE"));
    assert!(both.contains(&put) && both.contains(&get), "{both:?}");
}

#[test]
fn grants_that_could_not_be_listed_leave_nothing_proved_and_a_plan_does_not_ask() {
    let unread = plain().without(Read::AccessGrants);
    assert_eq!(unread.assess().proof("acme", "readers-declared").expect("proof").verdict, ProofVerdict::NotProven);
    let said = |lab: &Lab| {
        let all = lab.assess();
        let one = all.assumptions.iter().find(|one| one.code == "other-doors-act-as-their-caller").expect("assumption");
        one.message.clone()
    };
    assert!(said(&plain()).contains("which a plan does not ask for"));
    let none = asked(plain(), Read::AccessGrants, Fact::AccessGrants(Vec::new()));
    assert!(!said(&none).contains("plan"), "{}", said(&none));
    assert_eq!(none.assess().proof("acme", "readers-declared").expect("proof").verdict, ProofVerdict::Holds);
}
