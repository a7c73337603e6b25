//! One test per rule of the facts sheet `aws-access-evaluation.md`, section 3, named by its id.

use super::*;
use crate::iam::{Truth, is_public, public::publicness};

const ROLE: &str = "arn:aws:iam::111122223333:role/R";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/R/s";

#[test]
fn rule_c01_key_names_have_no_case_and_two_cases_are_unknown() {
    let condition = r#"{"StringEquals":{"AWS:PrincipalTag/Team":"a"}}"#;
    assert_eq!(under(condition, &[("aws:principaltag/TEAM", &["a"])]), Allowed);
    assert_eq!(under(condition, &[("aws:PrincipalTag/team", &["a"]), ("aws:PrincipalTag/TEAM", &["b"])]), Unknown);
}

#[test]
fn rule_c02_principal_arn_is_the_role_the_user_or_root() {
    let arn = |who: &str, expected: &str| {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{expected}"}}}}}}"#
        );
        case(who, "s3:GetObject", OBJECT).on(&[&statement]).run()
    };
    assert_eq!(arn(SESSION, ROLE), Allowed);
    assert_eq!(arn("arn:aws:iam::111122223333:role/p/R", "arn:aws:iam::111122223333:role/p/R"), Allowed);
    assert_eq!(arn(SESSION, SESSION), ImplicitDeny, "never the session's own ARN");
    assert_eq!(arn("arn:aws:iam::111122223333:user/u", "arn:aws:iam::*:user/u"), Allowed);
    assert_eq!(arn("111122223333", "arn:aws:iam::111122223333:root"), Allowed);
    assert_eq!(arn("anonymous", "*"), ImplicitDeny, "absent when anonymous");
}

#[test]
fn rule_c03_c04_derived_keys() {
    let table: [(&str, &str, &str, Decision); 9] = [
        (SESSION, "aws:PrincipalAccount", OWNER, Allowed),
        (SESSION, "aws:PrincipalType", "AssumedRole", Allowed),
        (SESSION, "aws:PrincipalIsAWSService", "false", Allowed),
        (SESSION, "aws:username", "R", ImplicitDeny),
        (SESSION, "aws:userid", "AROA:s", Unknown),
        ("arn:aws:iam::111122223333:user/p/u", "aws:username", "u", Allowed),
        ("111122223333", "aws:userid", OWNER, Allowed),
        ("anonymous", "aws:userid", "anonymous", Allowed),
        ("anonymous", "aws:PrincipalIsAWSService", "false", ImplicitDeny),
    ];
    for (who, key, value, expected) in table {
        let statement = format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{{"StringEquals":{{"{key}":"{value}"}}}}}}"#
        );
        assert_eq!(case(who, "s3:GetObject", OBJECT).on(&[&statement]).run(), expected, "{who} {key}");
    }
    let given = under(r#"{"StringEquals":{"aws:PrincipalType":"X"}}"#, &[("AWS:principaltype", &["X"])]);
    assert_eq!(given, Allowed, "what the request says stays");
}

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

#[test]
fn rule_m06_and_over_lines_or_over_values() {
    let both = r#"{"StringEquals":{"a":["1","2"],"b":"3"}}"#;
    assert_eq!(under(both, &[("a", &["2"]), ("b", &["3"])]), Allowed);
    assert_eq!(under(both, &[("a", &["2"])]), ImplicitDeny);
    let none_of = r#"{"StringNotEquals":{"a":["1","2"]}}"#;
    assert_eq!(under(none_of, &[("a", &["3"])]), Allowed);
    assert_eq!(under(none_of, &[("a", &["2"])]), ImplicitDeny);
}

#[test]
fn rule_m07_missing_keys() {
    let table = [
        (r#"{"StringEquals":{"k":"v"}}"#, ImplicitDeny),
        (r#"{"StringEqualsIfExists":{"k":"v"}}"#, Allowed),
        (r#"{"StringNotEquals":{"k":"v"}}"#, Allowed),
        (r#"{"ArnNotLike":{"k":"*"}}"#, Allowed),
        (r#"{"NotIpAddress":{"k":"10.0.0.0/8"}}"#, Allowed),
        (r#"{"NumericLessThan":{"k":"1"}}"#, ImplicitDeny),
        (r#"{"Bool":{"k":"false"}}"#, ImplicitDeny),
        (r#"{"BoolIfExists":{"k":"false"}}"#, Allowed),
        (r#"{"Null":{"k":"true"}}"#, Allowed),
        (r#"{"Null":{"k":false}}"#, ImplicitDeny),
        (r#"{"NullIfExists":{"k":"true"}}"#, Unknown),
    ];
    for (condition, expected) in table {
        assert_eq!(under(condition, &[]), expected, "{condition}");
        assert_eq!(under(condition, &[("k", &[])]), expected, "an empty list is no value: {condition}");
    }
    assert_eq!(under(r#"{"Null":{"k":"false"}}"#, &[("k", &["x"])]), Allowed);
}

#[test]
fn rule_m08_set_operators_and_lists_without_them() {
    let table: [(&str, &[&str], Decision); 12] = [
        (r#"{"ForAllValues:StringEquals":{"k":["a","b"]}}"#, &["a", "b"], Allowed),
        (r#"{"ForAllValues:StringEquals":{"k":["a","b"]}}"#, &["a", "c"], ImplicitDeny),
        (r#"{"ForAllValues:StringEquals":{"k":["a","b"]}}"#, &[], Allowed),
        (r#"{"ForAllValues:StringNotEquals":{"k":["a"]}}"#, &["b", "a"], ImplicitDeny),
        (r#"{"ForAnyValue:StringEquals":{"k":["a"]}}"#, &["c", "a"], Allowed),
        (r#"{"ForAnyValue:StringEquals":{"k":["a"]}}"#, &[], ImplicitDeny),
        (r#"{"ForAnyValue:StringNotEquals":{"k":["a"]}}"#, &[], ImplicitDeny),
        (r#"{"ForAnyValue:StringNotEquals":{"k":["a"]}}"#, &["a", "b"], Allowed),
        (r#"{"StringEquals":{"k":"a"}}"#, &["a", "b"], Unknown),
        (r#"{"StringEquals":{"k":"a"}}"#, &["c", "b"], ImplicitDeny),
        (r#"{"StringNotEquals":{"k":"a"}}"#, &["c", "b"], Unknown),
        (r#"{"StringNotEquals":{"k":"a"}}"#, &["a", "a"], ImplicitDeny),
    ];
    for (condition, values, expected) in table {
        assert_eq!(under(condition, &[("k", values)]), expected, "{condition} {values:?}");
    }
    let paths = r#"{"StringLike":{"aws:VpceOrgPaths":"o-1/*"}}"#;
    assert_eq!(under(paths, &[("aws:VpceOrgPaths", &["o-1/r/"])]), ImplicitDeny, "a list key without set operator");
}

#[test]
fn rule_m09_operators() {
    let table = [
        ("StringEquals", r#""a*""#, "ab", ImplicitDeny),
        ("StringEquals", r#""A""#, "a", ImplicitDeny),
        ("StringEqualsIgnoreCase", r#""A""#, "a", Allowed),
        ("StringNotEqualsIgnoreCase", r#""A""#, "a", ImplicitDeny),
        ("StringLike", r#""a*:/?""#, "axx:/y", Allowed),
        ("StringNotLike", r#""a*""#, "ab", ImplicitDeny),
        ("NumericLessThan", "1.2", "1.10", Allowed),
        ("NumericLessThan", r#""1.2""#, "1.2", ImplicitDeny),
        ("NumericLessThanEquals", "1.2", "1.20", Allowed),
        ("NumericGreaterThan", "10", "9", ImplicitDeny),
        ("NumericGreaterThanEquals", "-1", "0", Allowed),
        ("NumericEquals", "9007199254740993", "9007199254740992", ImplicitDeny),
        ("NumericNotEquals", "5", "5.0", ImplicitDeny),
        ("NumericEquals", "5", "five", Unknown),
        ("DateLessThan", r#""2026-01-01T00:00:00Z""#, "2025-12-31T23:59:59Z", Allowed),
        ("DateGreaterThan", r#""2026-01-01""#, "1767225601", Allowed),
        ("DateEquals", "1767225600", "2026-01-01T01:00:00+01:00", Allowed),
        ("DateNotEquals", r#""<date>""#, "2026-01-01", Unknown),
        ("Bool", "true", "True", Allowed),
        ("bool", r#""false""#, "true", ImplicitDeny),
        ("BinaryEquals", r#""QmluYXJ5""#, "QmluYXJ5", Allowed),
        ("IpAddress", r#""10.0.0.0/8""#, "10.255.0.1", Allowed),
        ("IpAddress", r#""0.0.0.0/0""#, "::1", ImplicitDeny),
        ("IpAddress", r#""203.0.113.7""#, "203.0.113.8", ImplicitDeny),
        ("IpAddress", r#""2001:db8::/32""#, "2001:db8:1::", Allowed),
        ("NotIpAddress", r#"["10.0.0.0/8","192.0.2.0/24"]"#, "192.0.2.9", ImplicitDeny),
        ("NotIpAddress", r#""10.0.0.0/33""#, "1.1.1.1", Unknown),
        ("ArnLike", r#""arn:aws:s3:::b*""#, "arn:aws:s3:::bucket", Allowed),
        ("ArnEquals", r#""arn:aws:s3:::b*""#, "arn:aws:s3:::bucket", Allowed),
        ("ArnEquals", r#""arn:aws:*:b""#, "arn:aws:s3:::b", Unknown),
        ("ArnLike", r#""arn:aws:iam::*:role/x""#, "arn:aws:iam::1:role/y:role/x", ImplicitDeny),
        ("ArnNotEquals", r#""arn:aws:iam::1:role/*""#, "arn:aws:iam::1:role/a/b", ImplicitDeny),
        ("ArnLike", r#""*""#, "arn:aws:s3:::b", Unknown),
        ("ArnNotLike", r#""arn:aws:s3:::b""#, "b", Unknown),
        ("ArnNotEquals", r#""<role>""#, "arn:aws:s3:::b", Unknown),
        ("StringResembles", r#""a""#, "a", Unknown),
    ];
    for (operator, wanted, value, expected) in table {
        let condition = format!(r#"{{"{operator}":{{"k":{wanted}}}}}"#);
        assert_eq!(under(&condition, &[("k", &[value])]), expected, "{condition} of {value}");
    }
}

#[test]
fn rule_p01_to_p05_p07_levels_of_principals() {
    // Same account, nothing but the resource policy: the account level delegates only.
    let table = [
        (r#""*""#, SESSION, Allowed),
        (r#"{"AWS":"*"}"#, SESSION, Allowed),
        (r#"{"AWS":"111122223333"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/R"}"#, SESSION, Allowed),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/p/R"}"#, SESSION, Allowed),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/p/R"}"#, "arn:aws:iam::111122223333:role/q/R", Unknown),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/r"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/*"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws-cn:iam::111122223333:role/R"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/R/s"}"#, SESSION, Allowed),
        (r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/R/t"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/R/t"}"#, ROLE, Unknown),
        (r#"{"AWS":"AROAEXAMPLEEXAMPLE123"}"#, SESSION, Unknown),
        (r#"{"AWS":"AIDAEXAMPLEEXAMPLE123"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws:iam::111122223333:user/u"}"#, "arn:aws:iam::111122223333:user/u", Allowed),
        (r#"{"Service":"x.amazonaws.com"}"#, "x.amazonaws.com", Allowed),
        (r#"{"Service":"x.amazonaws.com"}"#, "y.amazonaws.com", ImplicitDeny),
        (r#"{"Service":"x.amazonaws.com"}"#, SESSION, ImplicitDeny),
        (r#""*""#, "anonymous", Allowed),
        (r#"{"AWS":"111122223333"}"#, "anonymous", ImplicitDeny),
    ];
    for (principal, who, expected) in table {
        assert_eq!(case(who, "s3:GetObject", OBJECT).on_granting(principal).run(), expected, "{principal} for {who}");
    }
    let mut with_id = read().on_granting(r#"{"AWS":"AROAEXAMPLEEXAMPLE123"}"#);
    for (id, expected) in [("AROAEXAMPLEEXAMPLE123", Allowed), ("AROAEXAMPLEEXAMPLE124", ImplicitDeny)] {
        if let Principal::RoleSession { role, .. } = &mut with_id.request.principal {
            role.id = Some(id.to_owned());
        }
        assert_eq!(with_id.run(), expected);
    }
    let mut canonical = read().identity(&[ALLOW]).on(&[&granting("Deny", r#""Principal":{"CanonicalUser":"abc"}"#)]);
    assert_eq!(canonical.run(), Unknown);
    canonical.request.canonical_user = Some("abc".to_owned());
    assert_eq!(canonical.run(), ExplicitDeny);
    canonical.request.canonical_user = Some("abd".to_owned());
    assert_eq!(canonical.run(), Allowed);
}

#[test]
fn rule_p06_not_principal() {
    let deny = |listed: &str| granting("Deny", &format!(r#""NotPrincipal":{{"AWS":[{listed}]}}"#));
    let root = r#""arn:aws:iam::111122223333:root""#;
    let (role, session) = (format!("\"{ROLE}\""), format!("\"{SESSION}\""));
    let table = [
        (format!("{root},{role},{session}"), Allowed),
        (format!("{root},{role}"), Unknown),
        (role.clone(), Unknown),
        (r#""arn:aws:iam::111122223333:role/Q""#.to_owned(), ExplicitDeny),
        (r#""arn:aws:iam::444455556666:root""#.to_owned(), ExplicitDeny),
    ];
    for (listed, expected) in &table {
        let case = read().identity(&[ALLOW]).on(&[&deny(listed)]);
        assert_eq!(case.run(), *expected, "{listed}");
        assert_eq!(case.boundary(&[ALLOW]).run(), ExplicitDeny, "a principal with a boundary is always hit");
    }
    let user = "arn:aws:iam::111122223333:user/u";
    let spared = case(user, "s3:GetObject", OBJECT).identity(&[ALLOW]).on(&[&deny(&format!("{root},\"{user}\""))]);
    assert_eq!(spared.run(), Allowed);
    let allow = granting("Allow", &format!(r#""NotPrincipal":{{"AWS":{root}}}"#));
    assert_eq!(case("anonymous", "s3:GetObject", OBJECT).on(&[&allow]).run(), Allowed);
}

#[test]
fn rule_e01_same_account_adds_up_cross_account_needs_both() {
    let to_other = r#"{"AWS":"arn:aws:iam::444455556666:root"}"#;
    let foreign = || case("arn:aws:sts::444455556666:assumed-role/R/s", "s3:GetObject", OBJECT);
    assert_eq!(read().identity(&[ALLOW]).run(), Allowed);
    assert_eq!(foreign().identity(&[ALLOW]).run(), ImplicitDeny);
    assert_eq!(foreign().on_granting(to_other).run(), ImplicitDeny);
    assert_eq!(foreign().identity(&[ALLOW]).on_granting(to_other).run(), Allowed);
    assert_eq!(foreign().on_granting(r#""*""#).run(), ImplicitDeny, "everybody still needs its own account");
    let mut ownerless = foreign().identity(&[ALLOW]);
    ownerless.request.resource_account = None;
    assert_eq!(ownerless.run(), Unknown, "whose bucket it is was not said");
}

#[test]
fn rule_e01_an_explicit_deny_wins_in_every_layer() {
    let deny_all = granting("Deny", r#""Principal":"*""#);
    let allow_all = granting("Allow", r#""Principal":"*""#);
    let allowed = || read().identity(&[ALLOW]).on(&[&allow_all]);
    assert_eq!(allowed().run(), Allowed);
    let denied = [
        allowed().identity(&[DENY]),
        allowed().boundary(&[ALLOW, DENY]),
        allowed().session(&[ALLOW, DENY]),
        allowed().scp(&[ALLOW, DENY]),
        allowed().rcp(&[&deny_all]),
        allowed().on(&[&allow_all, &deny_all]),
        allowed().endpoint(&[&allow_all, &deny_all]),
    ];
    for (index, case) in denied.iter().enumerate() {
        let evaluation = evaluate(&case.request, &case.policies);
        assert_eq!((evaluation.decision, evaluation.deciding.len()), (ExplicitDeny, 1), "{index}");
    }
}

#[test]
fn rule_e02_exact_grants_pass_boundary_and_session_role_grants_do_not() {
    let nothing: [&str; 0] = [];
    for (principal, expected) in [
        (r#""*""#.to_owned(), Allowed),
        (format!(r#"{{"AWS":"{SESSION}"}}"#), Allowed),
        (format!(r#"{{"AWS":"{ROLE}"}}"#), ImplicitDeny),
    ] {
        assert_eq!(read().on_granting(&principal).boundary(&nothing).run(), expected, "{principal}");
        assert_eq!(read().on_granting(&principal).session(&nothing).run(), expected, "{principal}");
    }
    assert_eq!(read().identity(&[ALLOW]).boundary(&nothing).run(), ImplicitDeny);
    assert_eq!(read().identity(&[ALLOW]).session(&nothing).run(), ImplicitDeny);
    let federated = || case("arn:aws:sts::111122223333:federated-user/f", "s3:GetObject", OBJECT).identity(&[ALLOW]);
    assert_eq!(federated().run(), ImplicitDeny, "no session policy, no permissions");
    assert_eq!(federated().session(&[ALLOW]).run(), Allowed);
}

#[test]
fn rule_e03_root_user() {
    let root = |action: &str, resource: &str| case("111122223333", action, resource);
    assert_eq!(root("s3:GetObject", OBJECT).run(), Allowed);
    let deny_all = granting("Deny", r#""Principal":"*""#);
    assert_eq!(root("s3:GetObject", OBJECT).on(&[&deny_all]).run(), ExplicitDeny);
    for action in ["s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucketPolicy"] {
        assert_eq!(root(action, "arn:aws:s3:::b").on(&[&deny_all]).run(), Allowed, "{action}");
        assert_eq!(root(action, "arn:aws:s3:::b").scp(&[ALLOW, DENY]).run(), ExplicitDeny, "{action}");
    }
    assert_eq!(root("kms:PutKeyPolicy", KEY).on(&[]).run(), ImplicitDeny, "the key policy has to name the account");
    assert_eq!(root("kms:PutKeyPolicy", KEY).on_granting(r#"{"AWS":"111122223333"}"#).run(), Allowed);
}

#[test]
fn rule_e04_scps_allow_on_every_level_and_spare_service_linked_roles() {
    let nothing: [&str; 0] = [];
    let allowed = || read().identity(&[ALLOW]);
    assert_eq!(allowed().scp(&[ALLOW]).scp(&[ALLOW]).run(), Allowed);
    assert_eq!(allowed().scp(&[ALLOW]).scp(&nothing).run(), ImplicitDeny);
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    assert_eq!(case(linked, "s3:GetObject", OBJECT).identity(&[ALLOW]).scp(&[DENY]).run(), Allowed);
    let service = case("x.amazonaws.com", "s3:GetObject", OBJECT).on_granting(r#"{"Service":"x.amazonaws.com"}"#);
    assert_eq!(service.scp(&[DENY]).run(), Allowed);
}

#[test]
fn rule_e05_rcps() {
    let deny_all = granting("Deny", r#""Principal":"*""#);
    let with = |action: &str, resource: &str| {
        case(SESSION, action, resource).identity(&[ALLOW]).on_granting(r#""*""#).rcp(&[&deny_all]).run()
    };
    assert_eq!(with("s3:GetObject", OBJECT), ExplicitDeny);
    assert_eq!(with("kms:Decrypt", KEY), ExplicitDeny);
    assert_eq!(with("kms:RetireGrant", KEY), Allowed);
    assert_eq!(with("sns:Publish", "arn:aws:sns:us-east-1:111122223333:t"), Unknown, "the list of services grows");
    let root = case("111122223333", "s3:GetObject", OBJECT).rcp(&[&deny_all]);
    assert_eq!(root.run(), ExplicitDeny);
}

#[test]
fn rule_e06_endpoint_policies_have_to_allow() {
    let put_only = r#"{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"*"}"#;
    assert_eq!(read().identity(&[ALLOW]).endpoint(&[put_only]).run(), ImplicitDeny);
    let all = granting("Allow", r#""Principal":"*""#);
    assert_eq!(read().identity(&[ALLOW]).endpoint(&[&all]).run(), Allowed);
}

#[test]
fn rule_a01_a02_trust() {
    let target = "arn:aws:iam::111122223333:role/Target";
    let assume = |who: &str, action: &str| case(who, action, target);
    let root = r#"{"AWS":"111122223333"}"#;
    assert_eq!(assume(SESSION, "sts:AssumeRole").on_granting(&format!(r#"{{"AWS":"{ROLE}"}}"#)).run(), Allowed);
    assert_eq!(assume(SESSION, "sts:AssumeRole").on_granting(root).run(), ImplicitDeny);
    assert_eq!(assume(SESSION, "sts:AssumeRole").on_granting(root).identity(&[ALLOW]).run(), Allowed);
    assert_eq!(assume(SESSION, "sts:AssumeRole").on(&[]).identity(&[ALLOW]).run(), ImplicitDeny, "trust has to say so");
    assert_eq!(
        assume(target, "sts:AssumeRole").on(&[]).identity(&[ALLOW]).run(),
        ImplicitDeny,
        "no role trusts itself"
    );
    assert_eq!(assume("111122223333", "sts:AssumeRole").on_granting(root).run(), ImplicitDeny);
    assert_eq!(
        assume("ec2.amazonaws.com", "sts:AssumeRole").on_granting(r#"{"Service":"ec2.amazonaws.com"}"#).run(),
        Allowed
    );
    let provider = "arn:aws:iam::111122223333:saml-provider/P";
    let trusts = format!(r#"{{"Federated":"{provider}"}}"#);
    assert_eq!(assume(provider, "sts:AssumeRoleWithSAML").on_granting(&trusts).run(), Allowed);
    assert_eq!(assume(provider, "sts:AssumeRole").on_granting(&trusts).run(), ImplicitDeny);
}

#[test]
fn rule_k01_k02_the_key_policy_is_the_root_of_authority() {
    let decrypt = |who: &str| case(who, "kms:Decrypt", KEY);
    let other = "arn:aws:sts::444455556666:assumed-role/R/s";
    assert_eq!(decrypt(SESSION).identity(&[ALLOW]).on(&[]).run(), ImplicitDeny);
    let mut unread = decrypt(SESSION).identity(&[ALLOW]);
    unread.policies.resource = Some(NamedPolicy::unknown("key policy", "access denied"));
    assert_eq!(unread.run(), Unknown);
    assert_eq!(decrypt(SESSION).identity(&[ALLOW]).on_granting(r#"{"AWS":"111122223333"}"#).run(), Allowed);
    assert_eq!(decrypt(SESSION).on_granting(r#"{"AWS":"111122223333"}"#).run(), ImplicitDeny);
    assert_eq!(decrypt(SESSION).on_granting(&format!(r#"{{"AWS":"{ROLE}"}}"#)).run(), Allowed);
    let only_describe =
        r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:DescribeKey","Resource":"*"}"#;
    assert_eq!(decrypt(SESSION).identity(&[ALLOW]).on(&[only_describe]).run(), ImplicitDeny, "delegates what it lists");
    let shared = r#"{"AWS":"444455556666"}"#;
    assert_eq!(decrypt(other).identity(&[ALLOW]).on_granting(shared).run(), Allowed);
    assert_eq!(decrypt(other).on_granting(shared).run(), ImplicitDeny);
    let administer = case(other, "kms:PutKeyPolicy", KEY).identity(&[ALLOW]).on_granting(shared);
    assert_eq!(administer.run(), ImplicitDeny, "no other account administers a key");
    assert_eq!(decrypt("anonymous").on_granting(r#""*""#).run(), ImplicitDeny);
}

#[test]
fn rule_k03_grants() {
    let grant = |grantee: &str, operations: &[&str], constraints: Option<&str>| Grant {
        id: "g1".to_owned(),
        name: String::new(),
        grantee: grantee.to_owned(),
        retiring: None,
        issuing_account: None,
        operations: operations.iter().map(|o| (*o).to_owned()).collect(),
        constraints: constraints.map(str::to_owned),
    };
    let with = |who: &str, grant: Grant| {
        let mut case = case(who, "kms:Decrypt", KEY).on(&[]).key("kms:EncryptionContext:aws:s3:arn", &["x"]);
        case.policies.kms_grants.push(grant);
        case
    };
    let other = "arn:aws:sts::444455556666:assumed-role/R/s";
    let equals = r#"{"EncryptionContextEquals":{"aws:s3:arn":"x"}}"#;
    let table = [
        (SESSION, grant(ROLE, &["Decrypt"], None), Allowed),
        (SESSION, grant(SESSION, &["Decrypt"], None), Allowed),
        (SESSION, grant(ROLE, &["Encrypt"], None), ImplicitDeny),
        (SESSION, grant("arn:aws:iam::111122223333:role/Q", &["Decrypt"], None), ImplicitDeny),
        (SESSION, grant(ROLE, &["Decrypt"], Some(equals)), Allowed),
        (SESSION, grant(ROLE, &["Decrypt"], Some(r#"{"EncryptionContextSubset":{"aws:s3:arn":"x"}}"#)), Allowed),
        (SESSION, grant(ROLE, &["Decrypt"], Some(r#"{"EncryptionContextEquals":{"aws:s3:arn":"X"}}"#)), ImplicitDeny),
        (SESSION, grant(ROLE, &["Decrypt"], Some(r#"{"EncryptionContextEquals":{}}"#)), ImplicitDeny),
        (SESSION, grant(ROLE, &["Decrypt"], Some("{")), Unknown),
        (other, grant("arn:aws:iam::444455556666:role/R", &["Decrypt"], None), Unknown),
    ];
    for (who, grant, expected) in table {
        let case = with(who, grant);
        assert_eq!(case.run(), expected, "{who} {:?}", case.policies.kms_grants);
    }
    let deny = granting("Deny", r#""Principal":"*""#);
    assert_eq!(with(SESSION, grant(ROLE, &["Decrypt"], None)).on(&[&deny]).run(), ExplicitDeny);
    assert_eq!(
        with(SESSION, grant(ROLE, &["Decrypt"], Some(equals))).unknown("kms:EncryptionContext:*").run(),
        Unknown
    );
    let mine = with(other, grant("arn:aws:iam::444455556666:role/R", &["Decrypt"], None)).identity(&[ALLOW]);
    assert_eq!(mine.run(), Allowed);
}

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
fn unknown_never_vanishes_and_never_overrides_what_is_certain() {
    let if_tag =
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/a":"1"}}}"#;
    assert_eq!(read().identity(&[if_tag]).unknown("AWS:PrincipalTag/A").run(), Unknown);
    assert_eq!(read().identity(&[if_tag]).unknown("aws:PrincipalTag/*").run(), Unknown);
    assert_eq!(read().identity(&[if_tag, ALLOW]).unknown("*").run(), Allowed);
    assert_eq!(read().identity(&[if_tag, DENY]).unknown("*").run(), ExplicitDeny);
    let deny_if_tag = if_tag.replace("Allow", "Deny");
    assert_eq!(read().identity(&[&deny_if_tag]).unknown("*").run(), ImplicitDeny, "a Deny cannot allow");
    let mut broken = read().identity(&[ALLOW]);
    broken.policies.identity.push(NamedPolicy::read("broken", r#"{"Statement":[],"Statment":[]}"#));
    let evaluation = evaluate(&broken.request, &broken.policies);
    assert_eq!(evaluation.decision, Unknown);
    assert!(evaluation.deciding.iter().any(|reference| reference.policy == "broken"));
}

#[test]
fn what_is_missing_is_named() {
    let case = case("arn:aws:sts::444455556666:assumed-role/R/s", "s3:GetObject", OBJECT).scp(&[]);
    let evaluation = evaluate(&case.request, &case.policies);
    assert_eq!(evaluation.missing, [Layer::Identity, Layer::Resource, Layer::ServiceControl]);
    assert!(evaluation.deciding.is_empty());
}

#[test]
fn a_key_that_is_still_to_be_created_is_a_symbol() {
    let token = "(known-after-apply:acme/kms-key[audit]#key-arn)";
    let allow = |resource: &str| format!(r#"{{"Effect":"Allow","Action":"kms:*","Resource":"{resource}"}}"#);
    let delegates = r#"{"AWS":"111122223333"}"#;
    let table = [
        (token, Allowed),
        ("*", Allowed),
        ("arn:aws:kms:*:111122223333:key/*", Unknown),
        (KEY, ImplicitDeny),
        ("(known-after-apply:other/kms-key[audit]#key-arn)", ImplicitDeny),
    ];
    for (resource, expected) in table {
        let case = || case(SESSION, "kms:Decrypt", token).identity(&[&allow(resource)]);
        assert_eq!(case().on_granting(delegates).run(), expected, "{resource}");
        assert_eq!(case().on(&[]).run(), ImplicitDeny, "{resource}");
    }
    let other_key = format!(r#"{{"StringNotEquals":{{"k":"{token}"}}}}"#);
    assert_eq!(under(&other_key, &[("k", &[token])]), ImplicitDeny);
    assert_eq!(under(&other_key, &[("k", &[KEY])]), Allowed);
    assert_eq!(under(r#"{"StringLike":{"k":"arn:aws:kms:*"}}"#, &[("k", &[token])]), Unknown);
}
