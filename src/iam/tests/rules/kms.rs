//! Keys (K1–K4, K7). What a read or a write needs (K5, K6) is the access room's.

use super::*;

#[test]
fn rule_k01_the_key_policy_is_the_root_of_authority() {
    let decrypt = |who: &str| case(who, "kms:Decrypt", KEY);
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
    assert_eq!(
        decrypt(SESSION).identity(&[ALLOW, DENY]).on_granting(r#""*""#).run(),
        ExplicitDeny,
        "denies still count"
    );
}

#[test]
fn rule_k02_other_accounts_use_a_key_and_never_administer_it() {
    let decrypt = |who: &str| case(who, "kms:Decrypt", KEY);
    let other = FOREIGN;
    let shared = r#"{"AWS":"444455556666"}"#;
    assert_eq!(decrypt(other).identity(&[ALLOW]).on_granting(shared).run(), Allowed);
    assert_eq!(decrypt(other).on_granting(shared).run(), ImplicitDeny);
    let administer = case(other, "kms:PutKeyPolicy", KEY).identity(&[ALLOW]).on_granting(shared);
    assert_eq!(administer.run(), ImplicitDeny, "no other account administers a key");
    assert_eq!(decrypt("anonymous").on_granting(r#""*""#).run(), ImplicitDeny);
    for action in ["kms:ScheduleKeyDeletion", "kms:DisableKey", "kms:EnableKeyRotation"] {
        assert_eq!(case(other, action, KEY).identity(&[ALLOW]).on_granting(shared).run(), ImplicitDeny, "{action}");
    }
    for action in ["kms:DescribeKey", "kms:CreateGrant", "kms:RevokeGrant", "kms:GenerateDataKey"] {
        assert_eq!(case(other, action, KEY).identity(&[ALLOW]).on_granting(shared).run(), Allowed, "{action}");
    }
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
        (SESSION, grant("111122223333", &["Decrypt"], None), Allowed),
        ("x.amazonaws.com", grant("x.amazonaws.com", &["Decrypt"], None), Unknown),
        ("y.amazonaws.com", grant("x.amazonaws.com", &["Decrypt"], None), ImplicitDeny),
        ("anonymous", grant("*", &["Decrypt"], None), ImplicitDeny),
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
    let mut retire = with(SESSION, grant("arn:aws:iam::111122223333:role/Q", &["Decrypt"], None));
    retire.request.action = "kms:RetireGrant".to_owned();
    assert_eq!(retire.run(), ImplicitDeny);
    retire.policies.kms_grants[0].retiring = Some(ROLE.to_owned());
    assert_eq!(retire.run(), Allowed, "the grant names who may retire it");
    let mine = with(other, grant("arn:aws:iam::444455556666:role/R", &["Decrypt"], None)).identity(&[ALLOW]);
    assert_eq!(mine.run(), Allowed);
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

#[test]
fn rule_k04_context_of_calls_that_s3_makes() {
    let statement = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/R"},"Action":"kms:Decrypt","Resource":"*","Condition":{
        "StringEquals":{"kms:ViaService":"s3.us-east-1.amazonaws.com","kms:CallerAccount":"111122223333"},
        "StringLike":{"kms:EncryptionContext:aws:s3:arn":"arn:aws:s3:::b/audit/*"}}}"#;
    let call = |via: &str, arn: &str| {
        case(SESSION, "kms:Decrypt", KEY)
            .on(&[statement])
            .key("kms:ViaService", &[via])
            .key("kms:EncryptionContext:aws:s3:arn", &[arn])
            .run()
    };
    assert_eq!(call("s3.us-east-1.amazonaws.com", OBJECT), Allowed);
    assert_eq!(
        call("s3.us-east-1.amazonaws.com", "arn:aws:s3:::b"),
        ImplicitDeny,
        "with a bucket key it is the bucket"
    );
    assert_eq!(call("s3.eu-west-1.amazonaws.com", OBJECT), ImplicitDeny);
    let direct = case(SESSION, "kms:Decrypt", KEY).on(&[statement]);
    assert_eq!(direct.run(), ImplicitDeny, "a call that does not come through S3");
}

#[test]
fn rule_k07_aliases_and_tags_of_the_key_are_unknown_unless_given() {
    let by = |key: &str, operator: &str| {
        format!(
            r#"{{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{{"{operator}":{{"{key}":"x"}}}}}}"#
        )
    };
    for (key, operator) in [
        ("kms:ResourceAliases", "ForAnyValue:StringEquals"),
        ("kms:RequestAlias", "StringEquals"),
        ("aws:ResourceTag/team", "StringEquals"),
    ] {
        let decrypt = || case(SESSION, "kms:Decrypt", KEY).on(&[&by(key, operator)]);
        assert_eq!(decrypt().run(), Unknown, "{key}");
        assert_eq!(decrypt().key(key, &["x"]).run(), Allowed, "{key}");
        assert_eq!(decrypt().key(key, &["y"]).run(), ImplicitDeny, "{key}");
        assert_eq!(decrypt().key(key, &[]).run(), ImplicitDeny, "{key} is said to be absent");
    }
}
