//! The input document of `policy simulate`.

use serde_json::{Value, json};

use super::*;
use crate::iam::{Inputs, Simulation};

fn input() -> Value {
    json!({
        "principal": "arn:aws:sts::111122223333:assumed-role/R/s",
        "action": "s3:GetObject",
        "resource": OBJECT,
        "resource_account": OWNER,
        "identity_policies": [{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}],
    })
}

fn with(changes: Value) -> Value {
    let mut input = input();
    for (name, value) in changes.as_object().unwrap() {
        input[name] = value.clone();
    }
    input
}

fn run(input: &Value) -> crate::iam::Simulated {
    match Inputs::<Simulation>::read(&input.to_string()).unwrap_or_else(|error| panic!("{error}: {input}")) {
        Inputs::One(one) => one.run(),
        Inputs::Many(_) => panic!("a list"),
    }
}

fn decide(changes: Value) -> Decision {
    run(&with(changes)).decision
}

fn allow_if(condition: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}})
}

#[test]
fn every_member_reaches_the_evaluator() {
    let all = |effect: &str| json!({"Statement": {"Effect": effect, "Action": "*", "Resource": "*"}});
    let on = |effect: &str| json!({"Statement": {"Effect": effect, "Principal": "*", "Action": "*", "Resource": "*"}});
    let nothing = json!({"Statement": []});
    let table = [
        (json!({}), Allowed),
        (json!({"identity_policies": []}), ImplicitDeny),
        (json!({"identity_policies": [all("Allow"), all("Deny")]}), ExplicitDeny),
        (json!({"permissions_boundary": nothing}), ImplicitDeny),
        (json!({"session_policy": nothing}), ImplicitDeny),
        (json!({"service_control_policies": [[all("Allow")], [nothing]]}), ImplicitDeny),
        (json!({"service_control_policies": [[all("Allow"), nothing]]}), Allowed),
        (json!({"resource_control_policies": [[], [on("Deny")]]}), ExplicitDeny),
        (json!({"resource_policy": on("Deny")}), ExplicitDeny),
        (json!({"vpc_endpoint_policy": nothing}), ImplicitDeny),
        (json!({"resource_account": OTHER}), ImplicitDeny),
        (json!({"resource_account": null}), Unknown),
        (json!({"permissions_boundary": null, "session_policy": null, "resource_policy": null}), Allowed),
        (json!({"principal": "anonymous", "resource_policy": on("Allow")}), Allowed),
        (json!({"principal": "anonymous", "resource_policy": on("Allow"), "block_public_access": true}), ExplicitDeny),
        (
            json!({"principal": "anonymous", "resource_policy": on("Allow"),
                "block_public_access": {"RestrictPublicBuckets": true}}),
            ExplicitDeny,
        ),
        (
            json!({"principal": "anonymous", "resource_policy": on("Allow"),
                "block_public_access": {"block_public_acls": true, "restrict_public_buckets": false}}),
            Allowed,
        ),
    ];
    for (changes, expected) in table {
        assert_eq!(decide(changes.clone()), expected, "{changes}");
    }
}

#[test]
fn grants_are_taken_as_the_command_line_prints_them() {
    let key = |grant: Value| {
        decide(json!({
            "action": "kms:Decrypt", "resource": KEY, "identity_policies": [], "resource_policy": {"Statement": []},
            "context": {"kms:EncryptionContext:a": "b"}, "kms_grants": [grant]
        }))
    };
    let role = "arn:aws:iam::111122223333:role/R";
    assert_eq!(key(json!({"grantee": role, "operations": ["Decrypt"]})), Allowed);
    assert_eq!(
        key(json!({"KeyId": KEY, "GrantId": "g", "GranteePrincipal": role, "Operations": ["Decrypt"], "Name": "",
            "IssuingAccount": "arn:aws:iam::111122223333:root", "CreationDate": 1.5,
            "Constraints": {"EncryptionContextSubset": {"a": "b"}}})),
        Allowed
    );
    let constrained =
        json!({"grantee": role, "operations": ["Decrypt"], "constraints": {"EncryptionContextEquals": {}}});
    assert_eq!(key(constrained), ImplicitDeny);
    let elsewhere =
        json!({"grantee": role, "operations": ["Decrypt"], "key_id": "22222222-2222-3333-4444-555555555555"});
    assert_eq!(key(elsewhere), ImplicitDeny, "a grant on another key");
}

#[test]
fn what_follows_from_the_principal_is_derived_when_absent() {
    let table = [
        // A session's ARN does not say the path of its role; the context may.
        (json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/R"}}), json!({}), Unknown),
        (
            json!({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/R"}}),
            json!({"aws:PrincipalArn": "arn:aws:iam::111122223333:role/R"}),
            Allowed,
        ),
        (json!({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*R"}}), json!({}), Allowed),
        (json!({"StringEquals": {"aws:PrincipalAccount": OWNER}}), json!({}), Allowed),
        (json!({"StringEquals": {"aws:ResourceAccount": OWNER}}), json!({}), Allowed),
        (json!({"StringEquals": {"aws:PrincipalAccount": OWNER}}), json!({"AWS:principalaccount": "9"}), ImplicitDeny),
        (json!({"StringEquals": {"aws:userid": "AROAEXAMPLEEXAMPLE123:s"}}), json!({}), Unknown),
    ];
    for (condition, context, expected) in table {
        let changes = json!({"identity_policies": [allow_if(condition)], "context": context});
        assert_eq!(decide(changes.clone()), expected, "{changes}");
    }
    let by_id = |userid: &str| {
        decide(json!({
            "identity_policies": [], "context": {"aws:userid": userid},
            "resource_policy": {"Statement": {"Effect": "Allow", "Principal": {"AWS": "AROAEXAMPLEEXAMPLE123"}, "Action": "*", "Resource": "*"}}
        }))
    };
    assert_eq!(by_id("AROAEXAMPLEEXAMPLE123:s"), Allowed, "the user id says the unique id of the role");
    assert_eq!(by_id("AROAEXAMPLEEXAMPLE124:s"), ImplicitDeny);
}

/// C3, C5, C6: keys that the request certainly has are unknown, not absent; all others are absent.
#[test]
fn keys_that_every_request_has_are_unknown_unless_given() {
    let user = "arn:aws:iam::111122223333:user/u";
    let tls = json!({"Bool": {"aws:SecureTransport": "true"}});
    let mfa = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    let org = json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}});
    let full = json!([[{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}]]);
    let table = [
        (&tls, json!({}), Unknown),
        (&tls, json!({"context": {"aws:securetransport": "true"}}), Allowed),
        (&tls, json!({"context": {"aws:SecureTransport": false}}), ImplicitDeny),
        (&mfa, json!({}), Unknown),
        (&mfa, json!({"context": {"aws:MultiFactorAuthPresent": []}}), ImplicitDeny),
        (&mfa, json!({"principal": user}), ImplicitDeny),
        (&mfa, json!({"principal": user, "unknown_keys": ["aws:MultiFactorAuthPresent"]}), Unknown),
        (&org, json!({}), ImplicitDeny),
        (&org, json!({"service_control_policies": full}), Unknown),
    ];
    for (condition, mut changes, expected) in table {
        changes["identity_policies"] = json!([allow_if(condition.clone())]);
        assert_eq!(decide(changes.clone()), expected, "{changes}");
    }
}

#[test]
fn policies_are_documents_texts_or_named() {
    let document = json!({"Statement": {"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}});
    for (policy, name) in [
        (document.clone(), "identity_policies[0]"),
        (json!(document.to_string()), "identity_policies[0]"),
        (json!({"name": "S3Read", "policy": document}), "S3Read"),
        (json!({"policy": document.to_string(), "name": "S3Read"}), "S3Read"),
    ] {
        let result = run(&with(json!({"identity_policies": [policy]})));
        assert_eq!(result.decision, Allowed);
        assert_eq!((result.deciding[0].policy.as_ref(), result.deciding[0].sid.as_deref()), (name, Some("A")));
    }
}

#[test]
fn a_policy_that_is_not_understood_is_unknown_and_named() {
    let odd = json!({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Scope": "all"}});
    let result = run(&with(json!({"resource_policy": odd})));
    assert_eq!(result.decision, Unknown, "it could deny");
    assert_eq!(result.unread.len(), 1);
    assert_eq!(result.unread[0].policy, "resource_policy");
    assert!(result.unread[0].reason.contains("`Scope`"), "{:?}", result.unread);
    let twice = r#"{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"s3:*","Resource":"*"}}"#;
    assert_eq!(decide(json!({"identity_policies": [twice]})), Unknown, "could allow, could deny");
    let deny = json!({"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}});
    assert_eq!(decide(json!({"identity_policies": [twice, deny]})), ExplicitDeny, "which decides without it");
}

#[test]
fn wrong_input_is_refused_with_its_place() {
    let table = [
        (with(json!({"principal": "bob"})), "`bob` is no principal"),
        (with(json!({"principal": 5})), "expected a string"),
        (with(json!({"action": "GetObject"})), "is not one action"),
        (with(json!({"action": "s3:*"})), "is not one action"),
        (with(json!({"resource": "bucket/key"})), "is not an ARN"),
        (with(json!({"resource_account": "1"})), "is not an account number"),
        (with(json!({"ressource": "x"})), "unknown field `ressource`"),
        (with(json!({"context": {"a": {"b": 1}}})), "`a` of `context` is an object"),
        (with(json!({"context": {"a": [null]}})), "`a` of `context` is null"),
        (with(json!({"context": ["a"]})), "`context` is no object"),
        (with(json!({"identity_policies": {"Statement": []}})), "expected a sequence"),
        (with(json!({"identity_policies": [7]})), "a policy is a number"),
        (
            with(json!({"identity_policies": [{"policy": {"Statement": []}, "nam": "x"}]})),
            "`nam` is a string in a named policy",
        ),
        (with(json!({"service_control_policies": [{"Statement": []}]})), "expected a sequence"),
        (with(json!({"block_public_access": {"all": true}})), "`all` is no switch"),
        (with(json!({"block_public_access": {"block_public_acls": "yes"}})), "expected true or false"),
        (with(json!({"kms_grants": [{"operations": []}]})), "missing field `grantee`"),
        (json!({"principal": "anonymous"}), "missing field `action`"),
        (json!("s3:GetObject"), "expected struct"),
    ];
    for (input, expected) in table {
        let error = Inputs::<Simulation>::read(&input.to_string()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error} is not `{expected}`");
        assert_eq!(error.line(), 1);
        let list = format!("[\n{},\n\n{input}\n]", self::input());
        assert_eq!(Inputs::<Simulation>::read(&list).unwrap_err().line(), 4, "{expected}");
    }
    let twice = r#"{"principal":"anonymous","action":"s3:GetObject","resource":"*","context":{"a":"1","a":"2"}}"#;
    assert!(Inputs::<Simulation>::read(twice).unwrap_err().to_string().contains("`a` occurs twice"));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for text in ["", "nul", "{", "[{}", "[] []", "\u{feff}{}", deep.as_str()] {
        assert!(Inputs::<Simulation>::read(text).is_err(), "{text:.20}");
    }
    assert_eq!(Inputs::<Simulation>::read("[]").unwrap(), Inputs::Many(Vec::new()));
}

#[test]
fn a_principal_is_written_as_it_is_read() {
    for text in [
        "arn:aws:iam::111122223333:role/p/R",
        "arn:aws:sts::111122223333:assumed-role/R/s",
        "arn:aws-cn:iam::111122223333:user/p/u",
        "arn:aws:sts::111122223333:federated-user/f",
        "arn:aws:iam::111122223333:root",
        "logging.s3.amazonaws.com",
        "arn:aws:iam::111122223333:saml-provider/P",
        "anonymous",
    ] {
        assert_eq!(text.parse::<Principal>().unwrap().to_string(), text);
    }
}
