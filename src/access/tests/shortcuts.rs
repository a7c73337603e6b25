//! What is told without the engine is what the engine says: estates at random, assessed with and without the shortcuts.

use proptest::prelude::*;
use proptest::sample::select;

use super::lab::*;
use crate::access::{Assessment, Compiled, Question, assess_with};

const ACTIONS: &[&str] = &[
    "*",
    "s3:*",
    "s3:Get*",
    "s3:getobject",
    "s3:PutObject s3:DeleteObject",
    "s3:PutBucketPolicy",
    "s3:Put*",
    "s3:PutObjectAcl s3:PutBucketVersioning",
    "s3:DeleteObject* s3:PutLifecycleConfiguration",
    "s3:ListBucket kms:Decrypt",
    "s3:*Object*",
    "kms:*",
    "kms:Decrypt",
    "kms:PutKeyPolicy kms:CreateGrant",
    "iam:* sts:AssumeRole",
    "iam:PutRolePolicy iam:PassRole",
    "ec2:RunInstances",
    "sts:AssumeRole sts:TagSession",
];

const RESOURCES: &[&str] = &[
    "*",
    OBJECTS,
    LOGS,
    KEY,
    "arn:aws:s3:::acme-databricks-audit",
    "arn:aws:s3:::acme-*",
    "arn:aws:s3:::acme-databricks-audit/audit/${aws:username}/*",
    "arn:aws:s3:::${aws:PrincipalTag/team}/*",
    "arn:aws:s3:::other/*",
    "arn:aws:s3:::acme-databricks-audit-2/*",
    "arn:aws:*",
    "arn:aws:kms:*:111122223333:key/*",
    "arn:aws:iam::111122223333:role/*",
    "arn:aws:s3:us-east-1:111122223333:accesspoint/door/object/audit/*",
    "arn:aws:s3",
];

const CONDITIONS: &[&str] = &[
    "",
    "",
    r#","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#,
    r#","Condition":{"StringLike":{"aws:PrincipalTag/team":"data-*"}}"#,
    r#","Condition":{"StringEqualsIfExists":{"aws:SourceVpce":"vpce-1"}}"#,
    r#","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/P0"}}"#,
];

const PRINCIPALS: &[&str] = &[
    "*",
    "arn:aws:iam::111122223333:root",
    "arn:aws:iam::111122223333:role/P0",
    "arn:aws:iam::111122223333:user/u",
    "arn:aws:iam::444455556666:root",
    "arn:aws:sts::111122223333:assumed-role/P1/me",
    r#""Service":"logs.amazonaws.com""#,
    r#""CanonicalUser":"owner-id""#,
];

pub(crate) fn own() -> impl Strategy<Value = String> {
    let effect = select(&["Allow", "Allow", "Allow", "Deny"][..]);
    (effect, select(ACTIONS), select(RESOURCES), select(CONDITIONS), select(&[("", ""), ("Not", ""), ("", "Not")][..]))
        .prop_map(|(effect, actions, resource, condition, (not_action, not_resource))| {
            let actions = serde_json::to_string(&actions.split(' ').collect::<Vec<_>>()).expect("actions");
            format!(
                r#"{{"Effect":"{effect}","{not_action}Action":{actions},"{not_resource}Resource":"{resource}"{condition}}}"#
            )
        })
}

pub(crate) fn of_resource() -> impl Strategy<Value = String> {
    let effect = select(&["Allow", "Allow", "Deny"][..]);
    (effect, select(PRINCIPALS), select(ACTIONS), select(CONDITIONS)).prop_map(
        |(effect, principal, actions, condition)| match effect {
            "Allow" => allow(principal, actions, "*", condition),
            _ => deny(principal, actions, "*", condition),
        },
    )
}

pub(crate) fn some(one: impl Strategy<Value = String>, most: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(one, 0..=most)
}

pub(crate) fn estate() -> impl Strategy<Value = Lab> {
    let roles = prop::collection::vec(some(own(), 3), 1..=3);
    let kinds = (any::<bool>(), any::<bool>(), any::<bool>());
    (roles, some(own(), 2), some(own(), 1), some(of_resource(), 2), some(of_resource(), 1), kinds).prop_map(
        |(roles, user, boundary, bucket, key, (keyed, door, lists))| {
            let mut lab = if keyed { sealed() } else { plain() };
            for (index, policies) in roles.iter().enumerate() {
                let policies: Vec<&str> = policies.iter().map(String::as_str).collect();
                lab = lab.role(&format!("P{index}"), SAML, &policies);
            }
            lab = lab.user("u", &user.iter().map(String::as_str).collect::<Vec<_>>());
            if !boundary.is_empty() {
                lab = lab
                    .managed("arn:aws:iam::111122223333:policy/limit", &[&boundary[0]])
                    .edit_role("P0", |role| role.boundary = Some("arn:aws:iam::111122223333:policy/limit".to_owned()));
            }
            lab = bucket.iter().fold(lab, |lab, statement| lab.on_bucket(statement));
            lab = key.iter().fold(lab, |lab, statement| lab.on_key(KEY, statement));
            if door {
                let delegates = when("StringEquals", "s3:DataAccessPointAccount", OWN);
                lab = lab
                    .on_bucket(&allow("*", "s3:*", "*", &delegates))
                    .point("door", Some(&allow("arn:aws:iam::111122223333:role/P0", "s3:GetObject", "*", "")));
            }
            lab.with(|lab| lab.ownership = if lists { "ObjectWriter" } else { "BucketOwnerEnforced" })
        },
    )
}

/// Without the words of what stands in the way: the engine looks further than the first obstacle.
fn findings(compiled: &Compiled, lab: &Lab) -> Assessment {
    let mut found = assess_with(compiled, std::slice::from_ref(&lab.desired), &lab.live());
    found.principals.iter_mut().for_each(|one| one.blocked_by.clear());
    found
}

/// Which of the actions that tamper a role may do.
fn tampers(lab: &Lab, name: &str) -> Vec<String> {
    let found = findings(&Compiled::default(), lab);
    assert_eq!(found, findings(&Compiled::exhaustive(), lab));
    let own = format!("arn:aws:iam::{OWN}:role/{name}");
    let entries = found.principals.into_iter().filter(|one| one.question == Question::Tamper && one.arn == own);
    entries.flat_map(|one| one.actions).collect()
}

#[test]
fn actions_that_some_statement_tells_apart_are_asked_apart() {
    let own = |policies: &[&str]| plain().role("P0", SAML, policies);
    let everything = may("s3:*", "*");
    let all = tampers(&own(&[&everything]), "P0");
    let without = |gone: &[&str]| -> Vec<String> {
        all.iter().filter(|action| !gone.contains(&action.as_str())).cloned().collect()
    };
    // Each of them is of a kind with others until a statement names it.
    let gone = ["s3:PutObjectAcl", "s3:PutBucketVersioning"];
    let named = "s3:PutObjectAcl s3:PutBucketVersioning";
    let by_itself = own(&[&everything, &deny("", named, "*", "")]);
    assert_eq!(tampers(&by_itself, "P0"), without(&gone));
    let by_bucket = own(&[&everything]).on_bucket(&deny("*", named, "*", ""));
    assert_eq!(tampers(&by_bucket, "P0"), without(&gone));
    let rest = r#"{"Effect":"Allow","NotAction":["s3:PutObjectAcl","s3:PutBucketVersioning"],"Resource":"*"}"#;
    assert_eq!(tampers(&own(&[rest]), "P0"), without(&gone));
    let boundary = own(&[&everything])
        .managed("arn:aws:iam::111122223333:policy/limit", &[rest])
        .edit_role("P0", |role| role.boundary = Some("arn:aws:iam::111122223333:policy/limit".to_owned()));
    assert_eq!(tampers(&boundary, "P0"), without(&gone));
    assert_eq!(tampers(&own(&[&everything]).scp(&[rest]), "P0"), without(&gone));
    assert_eq!(tampers(&own(&[&everything]).rcp(&[&deny("*", named, "*", "")]), "P0"), without(&gone));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn shortcuts_change_no_finding(lab in estate()) {
        let found = findings(&Compiled::default(), &lab);
        prop_assert_eq!(found, findings(&Compiled::exhaustive(), &lab));
    }
}
