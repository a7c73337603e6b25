//! How the layers add up (E1–E6).

use super::*;

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
    let by_arn = format!(
        r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{{"ArnEquals":{{"aws:PrincipalArn":"{ROLE}"}}}}}}"#
    );
    let known = read().key("aws:PrincipalArn", &[ROLE]);
    assert_eq!(known.on(&[&by_arn]).boundary(&nothing).session(&nothing).run(), Allowed, "everybody, by a condition");
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
    let conditional = r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"arn:aws:s3:::b/*","Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}}"#;
    assert_eq!(allowed().scp(&[conditional]).run(), Allowed, "the full policy language, since 2025-09");
    assert_eq!(case(SESSION, "iam:GetRole", ROLE).identity(&[ALLOW]).scp(&[conditional]).run(), ImplicitDeny);
    assert_eq!(read().on_granting(r#""*""#).scp(&[DENY]).run(), ExplicitDeny, "exact grants too");
    assert_eq!(case(OWNER, "s3:GetObject", OBJECT).scp(&nothing).run(), ImplicitDeny, "the root user too");
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
    for who in ["111122223333", FOREIGN, "anonymous", "x.amazonaws.com"] {
        let case = case(who, "s3:GetObject", OBJECT).on_granting(r#"{"AWS":"*","Service":"x.amazonaws.com"}"#);
        assert_eq!(case.rcp(&[&deny_all]).run(), ExplicitDeny, "{who}");
    }
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    assert_eq!(case(linked, "s3:GetObject", OBJECT).identity(&[ALLOW]).rcp(&[&deny_all]).run(), Allowed);
}

#[test]
fn rule_e06_endpoint_policies_have_to_allow() {
    let put_only = r#"{"Effect":"Allow","Principal":"*","Action":"s3:PutObject","Resource":"*"}"#;
    assert_eq!(read().identity(&[ALLOW]).endpoint(&[put_only]).run(), ImplicitDeny);
    let all = granting("Allow", r#""Principal":"*""#);
    assert_eq!(read().identity(&[ALLOW]).endpoint(&[&all]).run(), Allowed);
    let unread = |mut case: Case| {
        case.policies.vpc_endpoint = Some(NamedPolicy::unknown("endpoint", "not read"));
        case.run()
    };
    assert_eq!(unread(read().identity(&[ALLOW])), Unknown);
    assert_eq!(unread(read()), ImplicitDeny);
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
    assert!(evaluation.deciding.iter().any(|reference| *reference.policy == *"broken"));
}

#[test]
fn what_is_missing_is_named() {
    let case = case("arn:aws:sts::444455556666:assumed-role/R/s", "s3:GetObject", OBJECT).scp(&[]);
    let evaluation = evaluate(&case.request, &case.policies);
    assert_eq!(evaluation.missing, [Layer::Identity, Layer::Resource, Layer::ServiceControl]);
    assert!(evaluation.deciding.is_empty());
}
