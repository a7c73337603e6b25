//! The generated policies against the result matrix that was settled for them.

use super::*;

const BUCKET: &str = include_str!("../testdata/bucket-policy.json");
const ACCESS_LOG: &str = include_str!("../testdata/access-log-policy.json");
const KEY_POLICY: &str = include_str!("../testdata/key-policy.json");
const TRUST: &str = include_str!("../testdata/delivery-trust.json");
const INLINE: &str = include_str!("../testdata/delivery-inline.json");

const B: &str = "arn:aws:s3:::acme-databricks-audit";
const IN_PREFIX: &str = "arn:aws:s3:::acme-databricks-audit/audit/workspaceId=0/x.json";
const OUTSIDE: &str = "arn:aws:s3:::acme-databricks-audit/other/x.json";

const DELIVERY: &str = "arn:aws:iam::111122223333:role/auditseal/DatabricksAuditDelivery";
const ANALYST: &str = "arn:aws:iam::111122223333:role/SecurityAnalyst";
const SIEM: &str = "arn:aws:iam::444455556666:role/SiemReader";
const COLLEAGUE: &str = "arn:aws:iam::444455556666:role/Colleague";
const UC: &str = "arn:aws:iam::111122223333:role/UcAuditReader";
const SCANNER: &str = "arn:aws:iam::111122223333:role/DspmScanner";
const ADMIN: &str = "arn:aws:iam::111122223333:role/PlatformAdmin";
const ACCOUNT_ADMIN: &str = "arn:aws:iam::111122223333:role/AccountAdmin";
const USER: &str = "arn:aws:iam::111122223333:user/bob";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const CONFIG: &str = "arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig";
const STRANGER: &str = "arn:aws:iam::999900001111:role/Stranger";
const LOGGING: &str = "logging.s3.amazonaws.com";
const CLOUDFRONT: &str = "cloudfront.amazonaws.com";
const ANONYMOUS: &str = "anonymous";

/// What a principal does in the matrix. Every principal with an account has full permissions in its own account unless the
/// case says otherwise: the bucket and key policies have to hold on their own.
fn ask(principal: &str, action: &str, resource: &str, policy: &str) -> Case {
    let mut case =
        case(principal, action, resource).key("aws:SecureTransport", &["true"]).key("s3:TlsVersion", &["1.3"]);
    case.policies.resource = Some(NamedPolicy::read("resource", policy));
    if principal == DELIVERY {
        case.policies.identity.push(NamedPolicy::read("inline", INLINE));
        case
    } else if case.request.principal.account().is_some() {
        case.identity(&[ALLOW])
    } else {
        case
    }
}

fn read_b(principal: &str) -> Case {
    ask(principal, "s3:GetObject", IN_PREFIX, BUCKET)
}

fn list_b(principal: &str, prefix: &str) -> Case {
    ask(principal, "s3:ListBucket", B, BUCKET).key("s3:prefix", &[prefix])
}

fn decrypt(principal: &str) -> Case {
    ask(principal, "kms:Decrypt", KEY, KEY_POLICY)
        .key("kms:ViaService", &["s3.us-east-1.amazonaws.com"])
        .key("kms:EncryptionContext:aws:s3:arn", &[B])
}

fn yes(case: &Case) -> bool {
    match case.run() {
        Allowed => true,
        ImplicitDeny | ExplicitDeny => false,
        Unknown => panic!("unknown: {:?} {:?}", case.request, evaluate(&case.request, &case.policies)),
    }
}

#[test]
fn matrix_read_list_write_delete_configure_decrypt() {
    // (principal, read, list in the prefix, write, delete version, change the configuration, decrypt)
    let rows = [
        (DELIVERY, [true, true, true, false, false, true]),
        (UC, [true, true, false, false, false, true]),
        (SCANNER, [true, true, false, false, false, true]),
        (ADMIN, [false, true, false, false, true, false]),
        (ACCOUNT_ADMIN, [false; 6]),
        (USER, [false; 6]),
        (CONFIG, [false; 6]),
        (ROOT, [false, false, false, false, true, false]),
        (STRANGER, [false; 6]),
        (COLLEAGUE, [false; 6]),
        (ANONYMOUS, [false; 6]),
        (CLOUDFRONT, [false; 6]),
        (LOGGING, [false; 6]),
        (SIEM, [true, true, false, false, false, true]),
    ];
    for (who, expected) in rows {
        let found = [
            yes(&read_b(who)),
            yes(&list_b(who, "audit/")),
            yes(&ask(who, "s3:PutObject", IN_PREFIX, BUCKET)),
            yes(&ask(who, "s3:DeleteObjectVersion", IN_PREFIX, BUCKET)),
            yes(&ask(who, "s3:PutLifecycleConfiguration", B, BUCKET)),
            yes(&decrypt(who)),
        ];
        assert_eq!(found, expected, "{who}");
    }
}

#[test]
fn matrix_mfa_of_the_analyst() {
    for (mfa, expected) in [(Some("true"), true), (Some("false"), false), (None, false)] {
        let set = |case: Case| match mfa {
            Some(value) => case.key("aws:MultiFactorAuthPresent", &[value]),
            None => case,
        };
        assert_eq!(yes(&set(read_b(ANALYST))), expected, "{mfa:?}");
        assert_eq!(yes(&set(list_b(ANALYST, "audit/"))), expected, "{mfa:?}");
        assert!(yes(&decrypt(ANALYST)), "the key policy has no MFA condition");
    }
    assert_eq!(read_b(ANALYST).unknown("aws:MultiFactorAuthPresent").run(), Unknown);
}

#[test]
fn matrix_siem_needs_its_own_permissions() {
    for mut case in [read_b(SIEM), list_b(SIEM, "audit/"), decrypt(SIEM)] {
        assert!(yes(&case));
        case.policies.identity.clear();
        assert_eq!(case.run(), ImplicitDeny);
        case.policies.identity.push(NamedPolicy::unknown("SiemReader", "not readable from here"));
        assert_eq!(case.run(), Unknown);
    }
}

#[test]
fn matrix_delivery_stays_in_its_prefix() {
    for action in ["s3:PutObject", "s3:GetObject", "s3:DeleteObject"] {
        assert!(yes(&ask(DELIVERY, action, IN_PREFIX, BUCKET)), "{action}");
        assert_eq!(ask(DELIVERY, action, OUTSIDE, BUCKET).run(), ImplicitDeny, "{action}");
    }
    for prefix in ["audit", "audit/", "audit/2026"] {
        assert!(yes(&list_b(DELIVERY, prefix)), "{prefix}");
    }
    assert!(!yes(&list_b(DELIVERY, "other/")));
    assert!(yes(&ask(DELIVERY, "s3:ListBucketMultipartUploads", B, BUCKET)));
    let foreign_key = |key: &str| {
        ask(DELIVERY, "s3:PutObject", IN_PREFIX, BUCKET).key("s3:x-amz-server-side-encryption-aws-kms-key-id", &[key])
    };
    assert!(yes(&foreign_key(KEY)));
    assert_eq!(foreign_key("arn:aws:kms:us-east-1:999900001111:key/9").run(), ExplicitDeny);
    let own = ask(DELIVERY, "s3:PutObject", IN_PREFIX, BUCKET);
    assert_eq!(own.key("s3:x-amz-server-side-encryption-customer-algorithm", &["AES256"]).run(), ExplicitDeny);
}

#[test]
fn matrix_transport() {
    let plain = read_b(UC).key("aws:SecureTransport", &["false"]);
    assert_eq!(plain.run(), ExplicitDeny);
    assert_eq!(read_b(UC).key("s3:TlsVersion", &["1.1"]).run(), ExplicitDeny);
    let evaluation = evaluate(&plain.request, &plain.policies);
    assert_eq!(
        evaluation.deciding.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["resource policy `resource` statement `TlsOnly`"]
    );
}

#[test]
fn matrix_key_use() {
    let elsewhere = decrypt(UC).key("kms:EncryptionContext:aws:s3:arn", &["arn:aws:s3:::other"]);
    assert_eq!(elsewhere.run(), ImplicitDeny);
    assert_eq!(decrypt(UC).key("kms:ViaService", &["ebs.us-east-1.amazonaws.com"]).run(), ExplicitDeny);
    let with = |who, action| ask(who, action, KEY, KEY_POLICY);
    for who in [ADMIN, ROOT] {
        assert!(yes(&with(who, "kms:PutKeyPolicy")), "{who}");
    }
    for who in [ACCOUNT_ADMIN, USER, DELIVERY, SIEM, ANONYMOUS] {
        assert!(!yes(&with(who, "kms:PutKeyPolicy")), "{who}");
    }
    assert!(yes(&with(ACCOUNT_ADMIN, "kms:DescribeKey")));
    assert!(!yes(&with(ADMIN, "kms:ScheduleKeyDeletion")));
    let mut granted = decrypt(COLLEAGUE);
    granted.policies.kms_grants.push(Grant {
        id: "g".to_owned(),
        name: String::new(),
        grantee: COLLEAGUE.to_owned(),
        retiring: None,
        issuing_account: None,
        operations: vec!["Decrypt".to_owned()],
        constraints: None,
    });
    assert_eq!(granted.run(), ExplicitDeny, "denies act on grants");
}

#[test]
fn matrix_access_log_bucket() {
    let object = "arn:aws:s3:::acme-databricks-audit-access/s3/x";
    let put = |who, source: &str, account: &str| {
        yes(&ask(who, "s3:PutObject", object, ACCESS_LOG)
            .key("aws:SourceArn", &[source])
            .key("aws:SourceAccount", &[account]))
    };
    assert!(put(LOGGING, B, OWNER));
    assert!(!put(LOGGING, B, OTHER));
    assert!(!put(LOGGING, "arn:aws:s3:::other", OWNER));
    assert!(!put(CLOUDFRONT, B, OWNER));
    assert!(!put(ADMIN, B, OWNER));
    assert!(yes(&ask(ANALYST, "s3:GetObject", object, ACCESS_LOG)));
    for who in [ADMIN, ROOT, ACCOUNT_ADMIN, DELIVERY, LOGGING, ANONYMOUS, STRANGER] {
        assert!(!yes(&ask(who, "s3:GetObject", object, ACCESS_LOG)), "{who}");
    }
    assert!(yes(&ask(ADMIN, "s3:PutBucketPolicy", "arn:aws:s3:::acme-databricks-audit-access", ACCESS_LOG)));
}

#[test]
fn matrix_assuming_the_delivery_role() {
    let databricks = "arn:aws:iam::414351767826:role/SaasUsageDeliveryRole-prod-IAMRole-3PLHICCRR1TK";
    let right = "0d26daa6-5e44-4c97-a497-ef015f91254a";
    let assume = |who, external: Option<&str>| {
        let case = ask(who, "sts:AssumeRole", DELIVERY, TRUST);
        yes(&match external {
            Some(id) => case.key("sts:ExternalId", &[id]),
            None => case,
        })
    };
    assert!(assume(databricks, Some(right)));
    assert!(!assume(databricks, Some("wrong")));
    assert!(!assume(databricks, None));
    assert!(!assume("arn:aws:iam::414351767826:role/Other", Some(right)));
    assert!(!assume(ACCOUNT_ADMIN, Some(right)));
    assert!(!assume(ROOT, Some(right)));
}

#[test]
fn the_generated_policies_are_not_public() {
    for text in [BUCKET, ACCESS_LOG] {
        assert!(!crate::iam::is_public(&parse(text).unwrap()));
    }
}

#[test]
fn every_statement_of_the_matrix_is_read() {
    let count: usize = [BUCKET, ACCESS_LOG, KEY_POLICY].iter().map(|text| parse(text).unwrap().statements.len()).sum();
    assert_eq!(count, 34);
}
