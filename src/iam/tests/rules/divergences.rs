//! Where a well-known simulator and AWS's documentation part (facts sheet, section 1.1, a–k): ours follows the documentation.

use super::*;

const NOTHING: [&str; 0] = [];

#[test]
fn divergence_a_a_session_policy_does_not_limit_a_grant_to_its_session() {
    assert_eq!(read().session(&NOTHING).on_granting(&format!(r#"{{"AWS":"{SESSION}"}}"#)).run(), Allowed);
}

#[test]
fn divergence_b_a_unique_id_is_the_role() {
    let mut case = read().on_granting(r#"{"AWS":"AROAEXAMPLEEXAMPLE123"}"#);
    if let Principal::RoleSession { role, .. } = &mut case.request.principal {
        role.id = Some("AROAEXAMPLEEXAMPLE123".to_owned());
    }
    assert_eq!(case.run(), Allowed);
}

#[test]
fn divergence_c_the_root_user_needs_no_policy() {
    assert_eq!(case(OWNER, "s3:GetObject", OBJECT).run(), Allowed);
}

#[test]
fn divergence_d_scps_reach_neither_services_nor_their_roles() {
    let service = case("logging.s3.amazonaws.com", "s3:PutObject", OBJECT);
    let granted = service.on_granting(r#"{"Service":"logging.s3.amazonaws.com"}"#);
    assert_eq!(granted.scp(&[DENY]).run(), Allowed);
    let linked = "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX";
    assert_eq!(case(linked, "s3:GetObject", OBJECT).identity(&[ALLOW]).scp(&[DENY]).run(), Allowed);
}

#[test]
fn divergence_e_a_negated_operator_matches_a_variable_without_value() {
    let deny = r#"{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalTag/team":"${aws:PrincipalTag/dept}"}}}"#;
    assert_eq!(read().identity(&[ALLOW, deny]).key("aws:PrincipalTag/team", &["a"]).run(), ExplicitDeny);
}

#[test]
fn divergence_f_variables_are_text_in_the_old_version() {
    for version in [r#""Version":"2008-10-17","#, ""] {
        let text = format!(
            r#"{{{version}"Statement":{{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/${{aws:PrincipalTag/team}}/*"}}}}"#
        );
        let mut case = read().key("aws:PrincipalTag/team", &["audit"]);
        case.policies.identity.push(NamedPolicy::read("p", &text));
        assert_eq!(case.run(), ImplicitDeny, "{text}");
        case.request.resource = "arn:aws:s3:::b/${aws:PrincipalTag/team}/x".to_owned();
        assert_eq!(case.run(), Allowed, "{text}");
    }
}

#[test]
fn divergence_g_a_key_policy_statement_without_resource_has_no_effect() {
    let bare = format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":"kms:*"}}"#);
    assert_eq!(case(SESSION, "kms:Decrypt", KEY).on(&[&bare]).run(), ImplicitDeny);
    let full = format!(r#"{{"Effect":"Allow","Principal":{{"AWS":"{ROLE}"}},"Action":"kms:*","Resource":"*"}}"#);
    assert_eq!(case(SESSION, "kms:Decrypt", KEY).on(&[&full]).run(), Allowed);
}

#[test]
fn divergence_h_what_is_public() {
    let public = |elements: &str| publicness(&parse(&document(&[&granting("Allow", elements)])).unwrap());
    assert_eq!(public(r#""Principal":{"Federated":"graph.facebook.com"}"#), Truth::Yes);
    let point = r#""Principal":"*","Condition":{"StringEquals":{"s3:DataAccessPointAccount":"111122223333"}}"#;
    assert_eq!(public(point), Truth::No);
}

#[test]
fn divergence_i_sessions_of_a_role_that_not_principal_names_may_be_denied() {
    let deny = granting("Deny", &format!(r#""NotPrincipal":{{"AWS":"{ROLE}"}}"#));
    assert_eq!(read().identity(&[ALLOW]).on(&[&deny]).run(), Unknown);
}

#[test]
fn divergence_j_the_context_is_derived() {
    for condition in [
        r#"{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}"#,
        r#"{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/*R"}}"#,
        r#"{"StringEquals":{"aws:ResourceAccount":"111122223333"}}"#,
    ] {
        assert_eq!(under(condition, &[]), Allowed, "{condition}");
    }
}

#[test]
fn divergence_k_no_key_of_the_request_is_dropped() {
    let condition = r#"{"StringEquals":{"s3:DataAccessPointAccount":"111122223333"}}"#;
    assert_eq!(under(condition, &[("s3:DataAccessPointAccount", &[OWNER])]), Allowed);
    assert_eq!(under(r#"{"StringEquals":{"nobody:Knows":"x"}}"#, &[("nobody:Knows", &["x"])]), Allowed);
}
