//! When a statement covers a request (M1–M5).

use super::*;

#[test]
fn rule_m01_missing_resource_depends_on_the_policy() {
    let bare = r#"{"Effect":"Allow","Action":"*"}"#;
    assert_eq!(read().identity(&[bare]).run(), Unknown);
    let to_all = r#"{"Effect":"Allow","Principal":"*","Action":"*"}"#;
    let other = "arn:aws:iam::111122223333:user/u";
    assert_eq!(case(other, "sts:AssumeRole", ROLE).on(&[to_all]).run(), Allowed, "a trust policy is about its role");
    assert_eq!(case(other, "kms:Decrypt", KEY).on(&[to_all]).run(), ImplicitDeny, "without effect in a key policy");
    assert_eq!(case(other, "s3:GetObject", OBJECT).on(&[to_all]).run(), Unknown);
}

#[test]
fn rule_m02_actions_have_no_case_and_not_action_is_the_complement() {
    let table = [
        (r#""Action":"S3:getobject","Resource":"*""#, Allowed),
        (r#""Action":"s3:Get*","Resource":"*""#, Allowed),
        (r#""Action":"s3:GetObjec?","Resource":"*""#, Allowed),
        (r#""Action":"s3:GetObject?","Resource":"*""#, ImplicitDeny),
        (r#""Action":"*:*","Resource":"*""#, Allowed),
        (r#""Action":"s3:Get Object","Resource":"*""#, ImplicitDeny),
        (r#""Action":"","Resource":"*""#, ImplicitDeny),
        (r#""Action":"s3*","Resource":"*""#, Unknown),
        (r#""Action":[],"Resource":"*""#, Unknown),
        (r#""NotAction":[],"Resource":"*""#, Unknown),
        (r#""NotAction":"iam:*","Resource":"*""#, Allowed),
        (r#""NotAction":["iam:*","s3:GET*"],"Resource":"*""#, ImplicitDeny),
    ];
    for (elements, expected) in table {
        assert_eq!(with_elements(elements, "s3:GetObject", OBJECT), expected, "{elements}");
    }
}

#[test]
fn rule_m03_resources_match_part_by_part_and_with_case() {
    let stack = "arn:aws:cloudformation:us-east-1:111122223333:stack/A/B/c";
    let table = [
        ("arn:aws:s3:::b/*", OBJECT, Allowed),
        ("arn:aws:s3:::b/audit/?.json", OBJECT, Allowed),
        ("arn:aws:s3:::B/*", OBJECT, ImplicitDeny),
        ("arn:aws:s3:*:*:b/audit/x.json", OBJECT, Allowed),
        ("arn:aws:s3:::b", OBJECT, ImplicitDeny),
        ("arn:*:b/audit/x.json", OBJECT, ImplicitDeny),
        ("arn:aws:*", OBJECT, Allowed),
        ("arn:aws:s3", OBJECT, Allowed),
        ("*", OBJECT, Allowed),
        ("**", OBJECT, Allowed),
        ("arn:aws:*:::b/*", OBJECT, Unknown),
        ("arn:aws:s?:::b/*", OBJECT, Unknown),
        ("arn:aws:*:::c/*", OBJECT, ImplicitDeny),
        ("arn:aws:cloudformation:*:*:stack/*", stack, Allowed),
        ("arn:aws:cloudformation:*:stack/*", stack, ImplicitDeny),
        ("arn:aws:s3:::b/*", "*", ImplicitDeny),
        ("*", "*", Allowed),
    ];
    for (pattern, resource, expected) in table {
        let elements = format!(r#""Action":"*","Resource":"{pattern}""#);
        assert_eq!(with_elements(&elements, "s3:GetObject", resource), expected, "{pattern} on {resource}");
    }
}

#[test]
fn rule_m04_not_resource_with_an_unresolved_variable_excludes_nothing() {
    let elements = r#""Action":"*","NotResource":"arn:aws:s3:::b/${aws:PrincipalTag/team}*""#;
    assert_eq!(with_elements(elements, "s3:GetObject", OBJECT), Allowed);
    assert_eq!(with_elements(r#""Action":"*","NotResource":"arn:aws:s3:::b/*""#, "s3:GetObject", OBJECT), ImplicitDeny);
}

#[test]
fn rule_m05_policy_variables() {
    let object = |pattern: &str, version: &str, tag: Option<&str>| {
        let text = format!(
            r#"{{"Version":"{version}","Statement":{{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/{pattern}"}}}}"#
        );
        let mut case = read();
        case.policies.identity.push(NamedPolicy::read("p", &text));
        case = case.unknown("aws:PrincipalTag/x");
        tag.into_iter().fold(case, |case, tag| case.key("aws:PrincipalTag/team", &[tag])).run()
    };
    let new = "2012-10-17";
    let table = [
        ("${aws:PrincipalTag/team}/*", new, Some("audit"), Allowed),
        ("${aws:principaltag/TEAM}/x.json", new, Some("audit"), Allowed),
        ("${aws:PrincipalTag/team}/*", "2008-10-17", Some("audit"), ImplicitDeny),
        ("${aws:PrincipalTag/team}/*", new, Some("other"), ImplicitDeny),
        ("${aws:PrincipalTag/team}*", new, None, ImplicitDeny),
        ("${aws:PrincipalTag/team, 'audit'}/*", new, None, Allowed),
        ("${aws:PrincipalTag/team, 'audit'}/*", new, Some("other"), ImplicitDeny),
        ("${aws:PrincipalTag/team, audit}/*", new, None, Unknown),
        ("${aws:PrincipalTag/x}/*", new, None, Unknown),
        ("${aws:PrincipalTag/x}/*.txt", new, None, ImplicitDeny),
        ("${aws:PrincipalTag/team}/*", new, Some("*"), Unknown),
        ("audit/${*}", new, None, ImplicitDeny),
        ("audit/x${open", new, None, ImplicitDeny),
    ];
    for (pattern, version, tag, expected) in table {
        assert_eq!(object(pattern, version, tag), expected, "{pattern} {version} {tag:?}");
    }
    let star =
        with_elements(r#""Action":"*","Resource":"arn:aws:s3:::b/${*}${?}${$}""#, "s3:GetObject", "arn:aws:s3:::b/*?$");
    assert_eq!(star, Allowed);
    let parts = r#""Action":"*","Resource":"arn:aws:s3::${aws:PrincipalAccount}:b/*""#;
    let owned = "arn:aws:s3::111122223333:b/x";
    assert_eq!(with_elements(parts, "s3:GetObject", owned), Unknown, "a variable outside of the last part");
    assert_eq!(with_elements(parts, "s3:GetObject", OBJECT), ImplicitDeny);
    let tag = "aws:PrincipalTag/t";
    for (op, absent) in [("StringEquals", ImplicitDeny), ("StringNotEquals", Allowed), ("StringNotLike", Allowed)] {
        let condition = format!(r#"{{"{op}":{{"s3:prefix":"${{{tag}}}"}}}}"#);
        assert_eq!(under(&condition, &[("s3:prefix", &["a"])]), absent, "{op}");
    }
    assert_eq!(
        under(r#"{"Bool":{"aws:SecureTransport":"${aws:ViaAWSService}"}}"#, &[("aws:SecureTransport", &["true"])]),
        Unknown
    );
}

/// M3, M4: where an element is empty, AWS says nothing of what it covers.
#[test]
fn rule_m04_an_empty_list_is_not_documented() {
    assert_eq!(with_elements(r#""Action":"*","Resource":[]"#, "s3:GetObject", OBJECT), Unknown);
    assert_eq!(with_elements(r#""Action":"*","NotResource":[]"#, "s3:GetObject", OBJECT), Unknown);
    for principal in [r#"{}"#, r#"{"AWS":[]}"#] {
        assert_eq!(read().on_granting(principal).run(), Unknown, "{principal}");
    }
}
