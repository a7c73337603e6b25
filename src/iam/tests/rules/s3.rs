//! Buckets (B1, B4, B5, and of B6 that access points know no anonymous callers). The rest of B is the access room's.

use super::*;

#[test]
fn rule_b04_restrict_public_buckets() {
    let block = |case: Case, on: bool| {
        let mut case = case;
        case.policies.block_public_access = Some(PublicAccessBlock {
            block_public_acls: false,
            ignore_public_acls: false,
            block_public_policy: false,
            restrict_public_buckets: on,
        });
        case.run()
    };
    let public = || granting("Allow", r#""Principal":"*""#);
    let anonymous = || case("anonymous", "s3:GetObject", OBJECT).on(&[&public()]);
    assert_eq!(block(anonymous(), false), Allowed);
    assert_eq!(block(anonymous(), true), ExplicitDeny);
    assert_eq!(block(read().on(&[&public()]), true), Allowed, "the owner's account passes");
    let named = granting("Allow", r#""Principal":{"AWS":"444455556666"}"#);
    let foreign = || case("arn:aws:sts::444455556666:assumed-role/R/s", "s3:GetObject", OBJECT).identity(&[ALLOW]);
    assert_eq!(block(foreign().on(&[&named, &public()]), true), ExplicitDeny, "named, yet under a public policy");
    assert_eq!(block(foreign().on(&[&named]), true), Allowed);
}

#[test]
fn rule_b05_public_policies() {
    let table = [
        (r#""Principal":"*""#, Truth::Yes),
        (r#""Principal":{"AWS":"111122223333"}"#, Truth::No),
        (r#""Principal":{"AWS":["111122223333","*"]}"#, Truth::Yes),
        (r#""Principal":{"Service":"logging.s3.amazonaws.com"}"#, Truth::No),
        (r#""Principal":{"Federated":"graph.facebook.com"}"#, Truth::Yes),
        (r#""NotPrincipal":{"AWS":"111122223333"}"#, Truth::Yes),
        (r#""Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}"#, Truth::No),
        (r#""Principal":"*","Condition":{"StringLike":{"aws:PrincipalOrgID":"o-*"}}"#, Truth::Yes),
        (r#""Principal":"*","Condition":{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-1"}}"#, Truth::Yes),
        (r#""Principal":"*","Condition":{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}"#, Truth::Yes),
        (r#""Principal":"*","Condition":{"StringEquals":{"aws:SourceVpce":["vpce-1","vpce-2"]}}"#, Truth::No),
        (r#""Principal":"*","Condition":{"StringEquals":{"aws:SourceVpc":"${aws:PrincipalTag/vpc}"}}"#, Truth::Yes),
        (r#""Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, Truth::No),
        (r#""Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":["203.0.113.0/24","0.0.0.0/1"]}}"#, Truth::Yes),
        (r#""Principal":"*","Condition":{"IpAddress":{"aws:SourceIp":"2000::/16"}}"#, Truth::Yes),
        (r#""Principal":"*","Condition":{"StringLike":{"aws:userid":"AROAEXAMPLE:*"}}"#, Truth::Yes),
        (
            r#""Principal":"*","Condition":{"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-east-1:111122223333:accesspoint/*"}}"#,
            Truth::No,
        ),
        (
            r#""Principal":"*","Condition":{"ArnLike":{"s3:DataAccessPointArn":"arn:aws:s3:us-east-1:*:accesspoint/a"}}"#,
            Truth::Yes,
        ),
        (r#""Principal":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#, Truth::Yes),
        (
            r#""Principal":"*","Condition":{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/R"}}"#,
            Truth::Unknown,
        ),
    ];
    for (elements, expected) in table {
        let policy = |effect| parse(&document(&[&granting(effect, elements)])).unwrap();
        assert_eq!(publicness(&policy("Allow")), expected, "{elements}");
        assert_eq!(is_public(&policy("Allow")), expected != Truth::No);
        assert!(!is_public(&policy("Deny")));
    }
    let one = granting("Allow", r#""Principal":"*""#);
    let two = granting("Allow", r#""Principal":{"AWS":"111122223333"}"#);
    assert!(is_public(&parse(&document(&[&two, &one])).unwrap()), "one public statement is enough");
}

#[test]
fn rule_b01_bucket_and_object_actions_have_different_resources() {
    let on = |resource: &str| format!(r#""Action":"s3:*","Resource":"{resource}""#);
    let bucket = "arn:aws:s3:::b";
    let table = [
        (bucket, "s3:ListBucket", bucket, Allowed),
        (bucket, "s3:GetObject", OBJECT, ImplicitDeny),
        ("arn:aws:s3:::b/*", "s3:GetObject", OBJECT, Allowed),
        ("arn:aws:s3:::b/*", "s3:ListBucket", bucket, ImplicitDeny),
        ("arn:aws:s3:::b*", "s3:GetObject", OBJECT, Allowed),
        ("arn:aws:s3:::b*", "s3:ListBucket", bucket, Allowed),
        ("arn:aws:s3:::b*", "s3:ListBucket", "arn:aws:s3:::b-other", Allowed),
        ("arn:aws:s3:::*/audit/*", "s3:GetObject", OBJECT, Allowed),
        ("arn:aws:s3:::*/x.json", "s3:GetObject", OBJECT, Allowed),
    ];
    for (pattern, action, resource, expected) in table {
        assert_eq!(with_elements(&on(pattern), action, resource), expected, "{action} on {resource} by {pattern}");
    }
}

#[test]
fn rule_b06_access_points_take_no_anonymous_requests() {
    let object = "arn:aws:s3:us-east-1:111122223333:accesspoint/a/object/audit/x.json";
    assert_eq!(case("anonymous", "s3:GetObject", object).on_granting(r#""*""#).run(), ImplicitDeny);
    assert_eq!(case(SESSION, "s3:GetObject", object).on_granting(r#""*""#).run(), Allowed);
}
