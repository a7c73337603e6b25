//! What a request's context holds (C1–C9). The variables "credential", "channel" and "free" (C6, C7, C9) are the engine's; here
//! is what the concrete evaluator makes of each of their values.

use super::*;
use crate::iam::{Inputs, Simulation};

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
    assert_eq!(arn(ROLE, ROLE), Allowed);
    assert_eq!(arn("arn:aws:iam::111122223333:role/p/R", "arn:aws:iam::111122223333:role/p/R"), Allowed);
    assert_eq!(arn(SESSION, SESSION), ImplicitDeny, "never the session's own ARN");
    // A session's ARN does not say the path of its role.
    assert_eq!(arn(SESSION, ROLE), Unknown);
    for every_path in ["role/*", "role/*R", "role*/R", "*R", "*"] {
        assert_eq!(arn(SESSION, &format!("arn:aws:iam::*:{every_path}")), Allowed, "{every_path}");
    }
    for some_paths in ["role/*/R", "role/?", "role/R*", "role/t*R"] {
        assert_eq!(arn(SESSION, &format!("arn:aws:iam::*:{some_paths}")), Unknown, "{some_paths}");
    }
    assert_eq!(arn(SESSION, "arn:aws:iam::111122223333:role/team/R"), Unknown);
    assert_eq!(arn(SESSION, "arn:aws:iam::*:role/team/*"), Unknown);
    assert_eq!(arn(SESSION, "arn:aws:iam::444455556666:role/team/R"), ImplicitDeny);
    let literal = r#"{"StringEquals":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/team/*"}}"#;
    assert_eq!(under(literal, &[]), ImplicitDeny, "no wildcard here");
    assert_eq!(arn(SESSION, "arn:aws:iam::111122223333:role/team/Q"), ImplicitDeny);
    assert_eq!(arn("arn:aws:iam::111122223333:role/p/R", "arn:aws:iam::111122223333:role/team/R"), ImplicitDeny);
    assert_eq!(
        arn("arn:aws:sts::111122223333:federated-user/f", "arn:aws:sts::111122223333:federated-user/f"),
        Allowed
    );
    assert_eq!(arn("logging.s3.amazonaws.com", "arn:aws:iam::*:role/*"), ImplicitDeny, "a service is no role");
    assert_eq!(arn("arn:aws:iam::111122223333:user/u", "arn:aws:iam::*:user/u"), Allowed);
    assert_eq!(arn("111122223333", "arn:aws:iam::111122223333:root"), Allowed);
    assert_eq!(arn("anonymous", "*"), ImplicitDeny, "absent when anonymous");
}

#[test]
fn rule_c03_derived_keys() {
    let table: [(&str, &str, &str, Decision); 13] = [
        (SESSION, "aws:PrincipalAccount", OWNER, Allowed),
        (SESSION, "aws:PrincipalType", "AssumedRole", Allowed),
        (SESSION, "aws:PrincipalIsAWSService", "false", Allowed),
        (SESSION, "aws:username", "R", ImplicitDeny),
        ("arn:aws:iam::111122223333:user/p/u", "aws:username", "u", Allowed),
        ("anonymous", "aws:PrincipalAccount", "anonymous", Allowed),
        ("anonymous", "aws:PrincipalIsAWSService", "false", ImplicitDeny),
        ("logging.s3.amazonaws.com", "aws:PrincipalIsAWSService", "true", Allowed),
        ("logging.s3.amazonaws.com", "aws:PrincipalServiceName", "logging.s3.amazonaws.com", Allowed),
        ("logging.s3.amazonaws.com", "aws:PrincipalAccount", OWNER, Unknown),
        (SESSION, "aws:PrincipalServiceName", "logging.s3.amazonaws.com", ImplicitDeny),
        (SESSION, "aws:SourceAccount", OWNER, ImplicitDeny),
        (SESSION, "aws:PrincipalOrgID", "o-1", ImplicitDeny),
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
fn rule_c04_user_ids() {
    let id = "AROAEXAMPLEEXAMPLE123";
    let mut session = read();
    if let Principal::RoleSession { role, .. } = &mut session.request.principal {
        role.id = Some(id.to_owned());
    }
    let mut user = case(USER, "s3:GetObject", OBJECT);
    if let Principal::User { id, .. } = &mut user.request.principal {
        *id = Some("AIDAEXAMPLEEXAMPLE123".to_owned());
    }
    let federated = "arn:aws:sts::111122223333:federated-user/f";
    let table = [
        (session, "AROAEXAMPLEEXAMPLE123:s", Allowed),
        (read(), "AROAEXAMPLEEXAMPLE123:s", Unknown),
        (user, "AIDAEXAMPLEEXAMPLE123", Allowed),
        (case(USER, "s3:GetObject", OBJECT), "AIDAEXAMPLEEXAMPLE123", Unknown),
        (case(federated, "s3:GetObject", OBJECT), "111122223333:f", Allowed),
        (case(OWNER, "s3:GetObject", OBJECT), OWNER, Allowed),
        (case("anonymous", "s3:GetObject", OBJECT), "anonymous", Allowed),
        (case("anonymous", "s3:GetObject", OBJECT), OWNER, ImplicitDeny),
    ];
    for (case, expected, decision) in table {
        // The root user needs a Deny to be told apart: it may do everything.
        let deny = format!(
            r#"{{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{{"StringNotEquals":{{"aws:userid":"{expected}"}}}}}}"#
        );
        let allow = granting("Allow", r#""Principal":"*""#);
        let found = case.on(&[&allow, &deny]);
        let wanted = if decision == ImplicitDeny { ExplicitDeny } else { decision };
        assert_eq!(found.run(), wanted, "{:?} {expected}", found.request.principal);
    }
}

/// The input document marks as unknown what every request has.
fn simulated(principal: &str, key: &str, context: &str) -> Decision {
    let input = format!(
        r#"{{"principal":"{principal}","action":"s3:GetObject","resource":"{OBJECT}","resource_account":"{OWNER}","context":{context},
        "resource_policy":{{"Statement":{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{{"Null":{{"{key}":"true"}}}}}}}}}}"#
    );
    match Inputs::<Simulation>::read(&input).unwrap() {
        Inputs::One(one) => one.run().decision,
        Inputs::Many(_) => panic!("one input"),
    }
}

#[test]
fn rule_c05_keys_that_every_request_has_are_never_absent() {
    for key in [
        "aws:SecureTransport",
        "aws:CurrentTime",
        "aws:EpochTime",
        "aws:RequestedRegion",
        "aws:UserAgent",
        "aws:ViaAWSService",
    ] {
        for who in [SESSION, USER, "anonymous", "logging.s3.amazonaws.com"] {
            assert_eq!(simulated(who, key, "{}"), Unknown, "{who} {key}");
        }
        assert_eq!(simulated(USER, key, &format!(r#"{{"{key}":"x"}}"#)), ImplicitDeny, "{key} is there");
    }
    assert_eq!(simulated(USER, "aws:PrincipalTag/team", "{}"), Allowed, "all other keys are absent unless given");
}

#[test]
fn rule_c06_mfa_keys_follow_the_credential() {
    let mfa = "aws:MultiFactorAuthPresent";
    assert_eq!(simulated(SESSION, mfa, "{}"), Unknown, "a temporary credential has the key");
    assert_eq!(simulated(USER, mfa, "{}"), Allowed, "a long-term key has not");
    let deny = |operator: &str, values: &[&str]| {
        let statement = format!(
            r#"{{"Effect":"Deny","Action":"*","Resource":"*","Condition":{{"{operator}":{{"{mfa}":"false"}}}}}}"#
        );
        let case = read().identity(&[ALLOW, &statement]);
        if values.is_empty() { case.run() } else { case.key(mfa, values).run() }
    };
    let table = [
        ("Bool", &[][..], Allowed),
        ("BoolIfExists", &[], ExplicitDeny),
        ("Bool", &["false"], ExplicitDeny),
        ("BoolIfExists", &["true"], Allowed),
    ];
    for (operator, values, expected) in table {
        assert_eq!(deny(operator, values), expected, "{operator} {values:?}");
    }
}

#[test]
fn rule_c07_a_request_comes_from_an_address_or_an_endpoint() {
    let internet: &[(&str, &[&str])] = &[("aws:SourceIp", &["203.0.113.7"])];
    let endpoint: &[(&str, &[&str])] =
        &[("aws:SourceVpce", &["vpce-1"]), ("aws:SourceVpc", &["vpc-1"]), ("aws:VpcSourceIp", &["10.0.0.1"])];
    let table = [
        (r#"{"StringNotEquals":{"aws:SourceVpce":"vpce-1"}}"#, Allowed, ImplicitDeny),
        (r#"{"StringEquals":{"aws:SourceVpc":"vpc-1"}}"#, ImplicitDeny, Allowed),
        (r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, ImplicitDeny, Allowed),
        (r#"{"NotIpAddressIfExists":{"aws:SourceIp":"203.0.113.0/24"}}"#, ImplicitDeny, Allowed),
        (r#"{"IpAddress":{"aws:VpcSourceIp":"10.0.0.0/8"}}"#, ImplicitDeny, Allowed),
    ];
    for (condition, from_internet, from_endpoint) in table {
        assert_eq!(under(condition, internet), from_internet, "{condition}");
        assert_eq!(under(condition, endpoint), from_endpoint, "{condition}");
    }
}

#[test]
fn rule_c08_in_a_forwarded_session_the_address_is_not_known() {
    let forwarded = |condition: &str| {
        let statement = format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}"#);
        case(SESSION, "kms:Decrypt", KEY)
            .on_granting(r#"{"AWS":"111122223333"}"#)
            .identity(&[&statement])
            .key("aws:ViaAWSService", &["true"])
            .unknown("aws:SourceIp")
            .run()
    };
    let table = [
        (r#"{"Bool":{"aws:ViaAWSService":"true"}}"#, Allowed),
        (r#"{"StringEquals":{"aws:SourceVpce":"vpce-1"}}"#, ImplicitDeny),
        (r#"{"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, Unknown),
        (r#"{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#, Unknown),
        (r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*R"}}"#, Allowed),
    ];
    for (condition, expected) in table {
        assert_eq!(forwarded(condition), expected, "{condition}");
    }
}

#[test]
fn rule_c09_what_the_caller_chooses_may_be_anything() {
    let target = "arn:aws:iam::111122223333:role/Target";
    let trust = |key: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":"sts:AssumeRole","Condition":{{"StringEquals":{{"{key}":"x"}}}}}}"#
        )
    };
    for key in ["sts:ExternalId", "sts:RoleSessionName", "sts:SourceIdentity", "aws:RequestTag/a"] {
        let assume = || case(SESSION, "sts:AssumeRole", target).on(&[&trust(key)]);
        assert_eq!(assume().unknown(key).run(), Unknown, "{key}");
        assert_eq!(assume().key(key, &["x"]).run(), Allowed, "{key}");
        assert_eq!(assume().key(key, &["y"]).run(), ImplicitDeny, "{key}");
    }
}
