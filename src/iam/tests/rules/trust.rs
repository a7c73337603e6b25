//! Assuming roles (A1, A2). Chains, passed roles and the second tier (A3–A5) are the access room's.

use super::*;

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
