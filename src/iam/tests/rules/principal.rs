//! How closely a `Principal` element names somebody (P1–P7).

use super::*;

/// What a role, user or other principal of the owner's account gets from the resource policy alone.
fn from_policy(table: &[(&str, &str, Decision)]) {
    for (principal, who, expected) in table {
        assert_eq!(case(who, "s3:GetObject", OBJECT).on_granting(principal).run(), *expected, "{principal} for {who}");
    }
}

#[test]
fn rule_p01_everybody() {
    from_policy(&[
        (r#""*""#, SESSION, Allowed),
        (r#"{"AWS":"*"}"#, SESSION, Allowed),
        (r#""*""#, "anonymous", Allowed),
        (r#"{"AWS":"*"}"#, "anonymous", Allowed),
        (r#""*""#, FOREIGN, ImplicitDeny),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/*"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws:iam::*:root"}"#, SESSION, ImplicitDeny),
    ]);
    assert_eq!(case(FOREIGN, "s3:GetObject", OBJECT).identity(&[ALLOW]).on_granting(r#""*""#).run(), Allowed);
}

#[test]
fn rule_p02_the_account_delegates() {
    from_policy(&[
        (r#"{"AWS":"111122223333"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws:iam::111122223333:root"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"111122223333"}"#, "anonymous", ImplicitDeny),
        (r#"{"AWS":"444455556666"}"#, FOREIGN, ImplicitDeny),
    ]);
    for account in ["444455556666", "arn:aws:iam::444455556666:root"] {
        let delegated = case(FOREIGN, "s3:GetObject", OBJECT).identity(&[ALLOW]);
        assert_eq!(delegated.on_granting(&format!(r#"{{"AWS":"{account}"}}"#)).run(), Allowed, "{account}");
    }
    let mut canonical = read().identity(&[ALLOW]).on(&[&granting("Deny", r#""Principal":{"CanonicalUser":"abc"}"#)]);
    assert_eq!(canonical.run(), Unknown);
    canonical.request.canonical_user = Some("abc".to_owned());
    assert_eq!(canonical.run(), ExplicitDeny);
    canonical.request.canonical_user = Some("abd".to_owned());
    assert_eq!(canonical.run(), Allowed);
}

#[test]
fn rule_p03_roles_and_their_unique_ids() {
    from_policy(&[
        (r#"{"AWS":"arn:aws:iam::111122223333:role/R"}"#, SESSION, Allowed),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/p/R"}"#, SESSION, Allowed),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/p/R"}"#, "arn:aws:iam::111122223333:role/q/R", Unknown),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/r"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws:iam::444455556666:role/R"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"AROAEXAMPLEEXAMPLE123"}"#, SESSION, Unknown),
        (r#"{"AWS":"AIDAEXAMPLEEXAMPLE123"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"AIDAEXAMPLEEXAMPLE123"}"#, USER, Unknown),
    ]);
    let mut with_id = read().on_granting(r#"{"AWS":"AROAEXAMPLEEXAMPLE123"}"#);
    for (id, expected) in [("AROAEXAMPLEEXAMPLE123", Allowed), ("AROAEXAMPLEEXAMPLE124", ImplicitDeny)] {
        if let Principal::RoleSession { role, .. } = &mut with_id.request.principal {
            role.id = Some(id.to_owned());
        }
        assert_eq!(with_id.run(), expected, "the role of the policy was deleted, another has its name");
    }
}

#[test]
fn rule_p04_sessions_and_users() {
    let federated = "arn:aws:sts::111122223333:federated-user/f";
    from_policy(&[
        (r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/R/s"}"#, SESSION, Allowed),
        (r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/R/t"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws:sts::111122223333:assumed-role/R/t"}"#, ROLE, Unknown),
        (r#"{"AWS":"arn:aws:iam::111122223333:user/u"}"#, USER, Allowed),
        (r#"{"AWS":"arn:aws:iam::111122223333:user/U"}"#, USER, ImplicitDeny),
        (r#"{"AWS":"arn:aws:sts::111122223333:federated-user/f"}"#, federated, Allowed),
        (r#"{"AWS":"arn:aws:sts::111122223333:federated-user/g"}"#, federated, ImplicitDeny),
    ]);
    // The user who asked for the federated session: like a role, its session policy still limits.
    let mut session = case(federated, "s3:GetObject", OBJECT).on_granting(&format!(r#"{{"AWS":"{USER}"}}"#));
    if let Principal::FederatedUser { user, .. } = &mut session.request.principal {
        *user = Some(USER.to_owned());
    }
    assert_eq!(session.run(), ImplicitDeny, "no session policy");
    assert_eq!(session.session(&[ALLOW]).run(), Allowed);
}

#[test]
fn rule_p05_services_and_providers() {
    let provider = "arn:aws:iam::111122223333:saml-provider/P";
    from_policy(&[
        (r#"{"Service":"x.amazonaws.com"}"#, "x.amazonaws.com", Allowed),
        (r#"{"Service":"x.amazonaws.com"}"#, "y.amazonaws.com", ImplicitDeny),
        (r#"{"Service":"X.amazonaws.com"}"#, "x.amazonaws.com", ImplicitDeny),
        (r#"{"Service":"x.amazonaws.com"}"#, SESSION, ImplicitDeny),
        (r#"{"Service":["y.amazonaws.com","x.amazonaws.com"]}"#, "x.amazonaws.com", Allowed),
        (r#"{"Federated":"arn:aws:iam::111122223333:saml-provider/P"}"#, provider, ImplicitDeny),
    ]);
}

#[test]
fn rule_p07_partitions_do_not_meet() {
    from_policy(&[
        (r#"{"AWS":"arn:aws-cn:iam::111122223333:role/R"}"#, SESSION, ImplicitDeny),
        (r#"{"AWS":"arn:aws:iam::111122223333:role/R"}"#, "arn:aws-us-gov:iam::111122223333:role/R", ImplicitDeny),
        (r#"{"AWS":"arn:aws-us-gov:iam::111122223333:role/R"}"#, "arn:aws-us-gov:iam::111122223333:role/R", Allowed),
    ]);
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
