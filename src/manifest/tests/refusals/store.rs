//! Stores that are refused.

use super::table;

#[test]
fn stores() {
    let store = |text: &str| format!("[store]\n{text}");
    let at = |url: &str| format!("[store]\ns3 = '{url}'");
    insta::assert_snapshot!(table(&[
        ("", "[store]"),
        ("", &store("s3 = 5")),
        ("", &store("s3 = 's3://acme-store/x'\nregion = 'us-east-1'")),
        ("", &store("s3 = 's3://acme-store/x'\naccount_id = '1'")),
        ("", &store("account_id = '111122223333'")),
        ("", &at("acme-store/x")),
        ("", &at("https://acme-store.s3.amazonaws.com/x")),
        ("", &at("s3://")),
        ("", &at("s3:///x")),
        ("", &at("s3://Acme/x")),
        ("", &at("s3://acme-store/")),
        ("", &at("s3://acme-store/x/")),
        ("", &at("s3://acme-store//x")),
        ("", &at("s3://acme-store/x/../y")),
        ("", &at("s3://acme-store/x*")),
        ("", &at("s3://acme-databricks-audit/x")),
        ("", &at("s3://acme-databricks-audit-access")),
        ("", &format!("{}\n[[bucket.replicas]]\nbucket = 'acme-copy'\nregion = 'us-west-2'", at("s3://acme-copy/x"))),
    ]), @r###"
    missing-key 20:2 "store" key `s3` is missing in `[store]` -> add it: `s3://BUCKET/PREFIX`, one for each directory of manifests
    wrong-type 21:6 "5" `store.s3` takes a string, not an integer -> put it in quotes
    unknown-key 22:1 "region" unknown key `region` in `[store]` -> `region` is a key of `[aws]`, `[bucket.replicas]`
    invalid-aws-account 22:14 "'1'" `1` is not an AWS account id -> write its twelve digits, without hyphens
    missing-key 20:2 "store" key `s3` is missing in `[store]` -> add it: `s3://BUCKET/PREFIX`, one for each directory of manifests
    invalid-store 21:6 "'acme-store/x'" `acme-store/x` is no place for a store: it does not begin with `s3://` -> write `s3://BUCKET/PREFIX`
    invalid-store 21:6 "'https://acme-store.s3.amazonaws.com/x'" `https://acme-store.s3.amazonaws.com/x` is no place for a store: it does not begin with `s3://` -> write `s3://BUCKET/PREFIX`
    invalid-bucket-name 21:6 "'s3://'" `` is not a valid bucket name: it needs 3 to 63 characters -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 21:6 "'s3:///x'" `` is not a valid bucket name: it needs 3 to 63 characters -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 21:6 "'s3://Acme/x'" `Acme` is not a valid bucket name: only lower-case letters, digits, `-` and `.` are allowed -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-store 21:6 "'s3://acme-store/'" `s3://acme-store/` is no place for a store: its prefix begins or ends with `/` -> leave the outer `/` out
    invalid-store 21:6 "'s3://acme-store/x/'" `s3://acme-store/x/` is no place for a store: its prefix begins or ends with `/` -> leave the outer `/` out
    invalid-store 21:6 "'s3://acme-store//x'" `s3://acme-store//x` is no place for a store: its prefix begins or ends with `/` -> leave the outer `/` out
    invalid-store 21:6 "'s3://acme-store/x/../y'" `x/../y` is not a valid prefix: a part between two `/` is empty, `.` or `..` -> name every part
    invalid-store 21:6 "'s3://acme-store/x*'" `x*` is not a valid prefix: it holds `*` -> use letters, digits, `/` and `!-_.'()=`
    duplicate-bucket 21:6 "'s3://acme-databricks-audit/x'" bucket `acme-databricks-audit` is used twice: as `delivery.bucket` and as `store.s3` -> give each use its own bucket
    duplicate-bucket 21:6 "'s3://acme-databricks-audit-access'" bucket `acme-databricks-audit-access` is used twice: as `bucket.access_log.bucket` and as `store.s3` -> give each use its own bucket
    duplicate-bucket 21:6 "'s3://acme-copy/x'" bucket `acme-copy` is used twice: as `bucket.replicas[0].bucket` and as `store.s3` -> give each use its own bucket
    "###);
}
