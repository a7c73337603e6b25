mod alerts;
mod store;

use std::collections::BTreeSet;

use super::{FULL, MINIMAL, lines};
use crate::manifest::{CODES, codes, parse};

/// `MINIMAL` with one text replaced, or with one appended when the first is empty.
fn edited(find: &str, replace: &str) -> String {
    if find.is_empty() {
        return format!("{MINIMAL}\n{replace}\n");
    }
    assert!(MINIMAL.contains(find), "{find}");
    MINIMAL.replace(find, replace)
}

fn refused(find: &str, replace: &str) -> String {
    let text = edited(find, replace);
    match parse("acme", "acme.toml", &text) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(findings) => lines(&text, &findings),
    }
}

fn table(cases: &[(&str, &str)]) -> String {
    cases.iter().map(|(find, replace)| refused(find, replace)).collect()
}

const BUCKET: &str = "\"acme-databricks-audit\"";
const READER: &str = "\"arn:aws:iam::111122223333:role/SecurityAnalyst\"";
const ACCOUNT: &str = "\"111122223333\"";
const REGION: &str = "\"us-east-1\"";

#[test]
fn shape() {
    insta::assert_snapshot!(table(&[
        ("version = 1", ""),
        ("version = 1", "version = 2"),
        ("version = 1", "version = \"1\""),
        ("version = 1", "version = 99999999999999999999"),
        ("[delivery]\nbucket = \"acme-databricks-audit\"", ""),
        ("region     = \"us-east-1\"", ""),
        ("region     =", "regoin ="),
        ("[delivery]", "[delivrey]"),
        ("", "[trail]\nname = 'x'"),
        ("bucket = ", "region = 'us-east-1'\nbucket = "),
        (ACCOUNT, "111122223333"),
        ("[aws]", "[[aws]]"),
        ("", "[bucket]\nretention_days = '365'"),
        ("", "[bucket]\nretention_days = 1.5"),
        ("", "[bucket]\nevent_bridge = 'yes'"),
        ("", "[bucket]\nretention_days = 0"),
        ("", "[bucket]\nretention_days = -1"),
        ("", "[bucket]\nretention_days = 99999999999999999999"),
        ("", "[bucket]\nretention_days = 4294967297"),
        ("", "[bucket.replicas]\nbucket = 'x'"),
        ("", "[bucket.object_lock]\nmode = 'complianse'\ndays = 1"),
        ("", "[bucket.object_lock]\nmode = 'governance'"),
        ("", "[key]\nrotation_days = 30"),
        ("", "[key]\nprevious = 'x'"),
        ("", "[key]\nalias = 2020-01-01"),
        ("", "[readers]\nx = 1"),
        ("", "[workspaces.x]"),
        ("", "[aws]\nprofile = 'x'"),
        ("version = 1", "version = 1\nversion = 1"),
        ("version = 1", "version = "),
        (BUCKET, "\"acme"),
        ("", "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1"),
        ("", "[delivery.a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p]\nq = 1"),
    ]), @r###"
    missing-key 1:1 "" key `version` is missing -> start the manifest with `version = 1`
    unknown-version 2:11 "2" version 2 of the manifest format is not known -> this program knows `version = 1`; a newer one may be needed
    wrong-type 2:11 "\"1\"" `version` takes an integer, not a string -> write it without quotes
    unknown-version 2:11 "99999999999999999999" this version of the manifest format is not known -> this program knows `version = 1`; a newer one may be needed
    missing-key 1:1 "" section `[delivery]` is missing -> add it: What is delivered, and where to
    missing-key 7:2 "aws" key `region` is missing in `[aws]` -> add it: AWS region of the bucket, for example `us-east-1`
    unknown-key 9:1 "regoin" unknown key `regoin` in `[aws]` -> did you mean `region`?
    unknown-key 11:2 "delivrey" unknown key `delivrey` at the top level -> did you mean `delivery`?
    unknown-key 20:2 "trail" unknown key `trail` at the top level -> known keys here: `account`, `admins`, `alerts`, `aws`, `bucket`, `databricks`, `delivery`, `key`, `observers`, `readers`, `role`, `scanners`, `store`, `unity_catalog`, `version`, `waivers`, `workspaces`
    unknown-key 12:1 "region" unknown key `region` in `[delivery]` -> `region` is a key of `[aws]`, `[bucket.replicas]`
    wrong-type 8:14 "111122223333" `aws.account_id` takes a string, not an integer -> put it in quotes
    wrong-type 7:1 "[[aws]]" `aws` takes a table, not an array -> write a section, `[aws]`
    wrong-type 21:18 "'365'" `bucket.retention_days` takes an integer, not a string -> write it without quotes
    wrong-type 21:18 "1.5" `bucket.retention_days` takes an integer, not a float -> write a whole number
    wrong-type 21:16 "'yes'" `bucket.event_bridge` takes a boolean, not a string -> write `true` or `false`, without quotes
    out-of-range 21:18 "0" `0` is out of range for `bucket.retention_days` -> choose a number from 1 to 36500
    out-of-range 21:18 "-1" `-1` is out of range for `bucket.retention_days` -> choose a number from 1 to 36500
    out-of-range 21:18 "99999999999999999999" the number is out of range for `bucket.retention_days` -> choose a number from 1 to 36500
    out-of-range 21:18 "4294967297" `4294967297` is out of range for `bucket.retention_days` -> choose a number from 1 to 36500
    wrong-type 20:1 "[bucket.replicas]" `bucket.replicas` takes an array, not a table -> write `[[bucket.replicas]]`, with two brackets
    unknown-value 21:8 "'complianse'" `complianse` is none of `governance`, `compliance` -> did you mean `compliance`?
    missing-key 20:9 "object_lock" key `days` is missing in `[bucket.object_lock]` -> add it: Days that every new object is locked
    out-of-range 21:17 "30" `30` is out of range for `key.rotation_days` -> choose a number from 90 to 2560
    wrong-type 21:12 "'x'" `key.previous` takes an array, not a string -> put it in brackets: `[…]`
    wrong-type 21:9 "2020-01-01" `key.alias` takes a string, not a date -> write a text in quotes
    wrong-type 21:5 "1" `readers.x` takes a table, not an integer -> write a section, `[readers.x]`
    missing-key 20:13 "x" key `verbose_audit_logs` is missing in `[workspaces.x]` -> add it: Whether notebook and SQL commands are recorded too
    duplicate-key 20:2 "aws" duplicate key `aws` -> keep one of the two
    duplicate-key 3:1 "version" duplicate key `version` -> keep one of the two
    toml-syntax 2:11 "" string values must be quoted, expected literal string -> write the file as TOML 1.0, see https://toml.io
    toml-syntax 12:15 "" invalid basic string, expected `"` -> write the file as TOML 1.0, see https://toml.io
    nested-too-deeply 20:1 "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a = 1" keys are nested too deeply -> a manifest has at most four levels of tables
    unknown-key 20:11 "a" unknown key `a` in `[delivery]` -> known keys here: `bucket`, `max_silence`, `name`, `prefix`, `previous_prefixes`, `status`, `undeclared`, `workspaces`
    "###);
}

#[test]
fn names() {
    insta::assert_snapshot!(table(&[
        (ACCOUNT, "\"1111-2222-3333\""),
        ("\"0d26daa6-5e44-4c97-a497-ef015f91254a\"", "\"0d26daa6\""),
        ("\"0d26daa6-5e44-4c97-a497-ef015f91254a\"", "\"0D26DAA6-5e44-4c97-a497-ef015f91254a\""),
        (REGION, "\"useast1\""),
        (REGION, "\"cn-north-1\""),
        (REGION, "\"us-east-1\"\npartition = \"aws-us-gov\""),
        (REGION, "\"us-east-1\"\npartition = \"aws-cn\""),
        (REGION, "\"us-east-1\"\nprofile = \"\""),
        (BUCKET, "\"ab\""),
        (BUCKET, "\"Acme\""),
        (BUCKET, "\"acme-\""),
        (BUCKET, "\"acme..audit\""),
        (BUCKET, "\"192.168.5.4\""),
        (BUCKET, "\"xn--acme\""),
        (BUCKET, "\"amzn-s3-demo-acme\""),
        (BUCKET, "\"acme-s3alias\""),
        (BUCKET, "\"acme.mrap\""),
        (BUCKET, "\"acme-an\""),
        (BUCKET, "\"acme-444455556666-us-east-1-an\""),
        (BUCKET, "\"x\\u001b[31m\\u202e\""),
        (BUCKET, "\"acme\"\nprefix = \"/audit\""),
        (BUCKET, "\"acme\"\nprefix = \"audit/\""),
        (BUCKET, "\"acme\"\nprefix = \"a//b\""),
        (BUCKET, "\"acme\"\nprefix = \"a/../b\""),
        (BUCKET, "\"acme\"\nprefix = \"audit*\""),
        (BUCKET, "\"acme\"\nprefix = \"${aws:username}\""),
        (BUCKET, "\"acme\"\nmax_silence = \"5m\""),
        (BUCKET, "\"acme\"\nmax_silence = \"8d\""),
        (BUCKET, "\"acme\"\nmax_silence = \"60\""),
        (BUCKET, "\"acme\"\nmax_silence = \"30m1h\""),
        (BUCKET, "\"acme\"\nname = \" x\""),
        (BUCKET, "\"acme\"\nstatus = \"ENABLED\""),
        (BUCKET, "\"acme\"\nworkspaces = [0]"),
        (READER, "\"SecurityAnalyst\""),
        (READER, "\"arn:aws:iam::111122223333:root\""),
        (READER, "\"arn:aws:iam::111122223333:user/eve\""),
        (READER, "\"arn:aws:iam::111122223333:role/*\""),
        (READER, "\"arn:aws:iam::1111:role/Reader\""),
        (READER, "\"arn:aws:iam::111122223333:role/bad name\""),
        (READER, "\"arn:aws:sts::111122223333:assumed-role/SecurityAnalyst/eve\""),
        (READER, "\"arn:aws-us-gov:iam::111122223333:role/SecurityAnalyst\""),
        (READER, "\"arn:aws:s3:::acme\""),
        ("[readers.security-analysts]", "[readers.\"a/b\"]"),
        ("", "[key]\narn = \"arn:aws:kms:us-east-1:111122223333:alias/x\""),
        ("", "[key]\narn = \"arn:aws:kms:us-east-1:111122223333:key/x\""),
        ("", "[key]\nalias = \"auditseal\""),
        ("", "[key]\nalias = \"alias/aws/s3\""),
        ("", "[key]\nalias = \"alias/a.b\""),
        ("", "[bucket.access_log]\nprefix = \"\""),
        ("", "[bucket.access_log]\nbucket = \"A\""),
        ("", "[readers.x]\ndatabricks_user = \"bob\""),
        ("", "[readers.x]\ndatabricks_service_principal = \"robot\""),
        ("", "[readers.x]\ndatabricks_group = \"\""),
        ("", "[unity_catalog]\nmetastores = [\"\"]"),
    ]), @r###"
    invalid-aws-account 8:14 "\"1111-2222-3333\"" `1111-2222-3333` is not an AWS account id -> write its twelve digits, without hyphens
    invalid-databricks-account 5:14 "\"0d26daa6\"" `0d26daa6` is not a Databricks account id -> copy the UUID from the account console, such as `0d26daa6-5e44-4c97-a497-ef015f91254a`
    invalid-databricks-account 5:14 "\"0D26DAA6-5e44-4c97-a497-ef015f91254a\"" `0D26DAA6-5e44-4c97-a497-ef015f91254a` is not a Databricks account id -> write it in lower case: it is compared letter by letter as the external id of the delivery role
    invalid-region 9:14 "\"useast1\"" `useast1` is not the code of an AWS region -> write a code such as `us-east-1`
    invalid-region 9:14 "\"cn-north-1\"" region `cn-north-1` is in a partition without Databricks on AWS -> use a region of the `aws` or `aws-us-gov` partition
    invalid-region 10:13 "\"aws-us-gov\"" region `us-east-1` is not in partition `aws-us-gov` -> leave `partition` out: it follows from the region
    invalid-arn 16:8 "\"arn:aws:iam::111122223333:role/SecurityAnalyst\"" `arn:aws:iam::111122223333:role/SecurityAnalyst` is an ARN of partition `aws` -> this manifest is in partition `aws-us-gov`
    invalid-arn 19:8 "\"arn:aws:iam::111122223333:role/PlatformAdmin\"" `arn:aws:iam::111122223333:role/PlatformAdmin` is an ARN of partition `aws` -> this manifest is in partition `aws-us-gov`
    unknown-value 10:13 "\"aws-cn\"" `aws-cn` is none of `aws`, `aws-us-gov`, `aws-us-gov-dod` -> choose one of them
    invalid-name 10:11 "\"\"" `` is not a valid name -> use 1 to 255 characters, without control characters and without spaces at the ends
    invalid-bucket-name 12:10 "\"ab\"" `ab` is not a valid bucket name: it needs 3 to 63 characters -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 12:10 "\"Acme\"" `Acme` is not a valid bucket name: only lower-case letters, digits, `-` and `.` are allowed -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 12:10 "\"acme-\"" `acme-` is not a valid bucket name: it has to begin and end with a letter or digit -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 12:10 "\"acme..audit\"" `acme..audit` is not a valid bucket name: it has two adjacent dots -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 12:10 "\"192.168.5.4\"" `192.168.5.4` is not a valid bucket name: it has the form of an IP address -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 12:10 "\"xn--acme\"" `xn--acme` is not a valid bucket name: names that begin with `xn--` are reserved -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 12:10 "\"amzn-s3-demo-acme\"" `amzn-s3-demo-acme` is not a valid bucket name: names that begin with `amzn-s3-demo-` are reserved -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 12:10 "\"acme-s3alias\"" `acme-s3alias` is not a valid bucket name: names that end with `-s3alias` are reserved -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 12:10 "\"acme.mrap\"" `acme.mrap` is not a valid bucket name: names that end with `.mrap` are reserved -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 12:10 "\"acme-an\"" `acme-an` is not a valid bucket name: names that end with `-an` belong to an account and region: `<name>-<account>-<region>-an` -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 12:10 "\"acme-444455556666-us-east-1-an\"" `acme-444455556666-us-east-1-an` is not a valid bucket name: names that end with `-an` belong to an account and region: `<name>-<account>-<region>-an` -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-bucket-name 12:10 "\"x\\u001b[31m\\u202e\"" `x\u{1b}[31m\u{202e}` is not a valid bucket name: only lower-case letters, digits, `-` and `.` are allowed -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-prefix 13:10 "\"/audit\"" `/audit` is not a valid prefix: it begins or ends with `/` -> leave the outer `/` out
    invalid-prefix 13:10 "\"audit/\"" `audit/` is not a valid prefix: it begins or ends with `/` -> leave the outer `/` out
    invalid-prefix 13:10 "\"a//b\"" `a//b` is not a valid prefix: a part between two `/` is empty, `.` or `..` -> name every part
    invalid-prefix 13:10 "\"a/../b\"" `a/../b` is not a valid prefix: a part between two `/` is empty, `.` or `..` -> name every part
    invalid-prefix 13:10 "\"audit*\"" `audit*` is not a valid prefix: it holds `*` -> use letters, digits, `/` and `!-_.'()=`
    invalid-prefix 13:10 "\"${aws:username}\"" `${aws:username}` is not a valid prefix: it holds `$` -> use letters, digits, `/` and `!-_.'()=`
    invalid-duration 13:15 "\"5m\"" `5m` is too short or too long -> choose from `15m` to `7d`; logs arrive about every 15 minutes
    invalid-duration 13:15 "\"8d\"" `8d` is too short or too long -> choose from `15m` to `7d`; logs arrive about every 15 minutes
    invalid-duration 13:15 "\"60\"" `60` is not a duration -> write for example `60m`, `2h`, `1h30m` or `1d`
    invalid-duration 13:15 "\"30m1h\"" `30m1h` is not a duration -> write for example `60m`, `2h`, `1h30m` or `1d`
    invalid-name 13:8 "\" x\"" ` x` is not a valid name -> use 1 to 255 characters, without control characters and without spaces at the ends
    unknown-value 13:10 "\"ENABLED\"" `ENABLED` is none of `enabled`, `disabled` -> did you mean `enabled`?
    out-of-range 13:15 "0" `0` is out of range for `delivery.workspaces[0]` -> choose a number from 1 to 9223372036854775807
    invalid-arn 15:8 "\"SecurityAnalyst\"" `SecurityAnalyst` is not an ARN -> write it in full, such as `arn:aws:iam::111122223333:role/SecurityAnalyst`
    not-a-role 15:8 "\"arn:aws:iam::111122223333:root\"" `arn:aws:iam::111122223333:root` is a whole account, not a role -> name the roles of the account that are meant, one by one
    not-a-role 15:8 "\"arn:aws:iam::111122223333:user/eve\"" `arn:aws:iam::111122223333:user/eve` is a user, not a role -> give the user a role to assume, and declare that
    not-a-role 15:8 "\"arn:aws:iam::111122223333:role/*\"" `arn:aws:iam::111122223333:role/*` is a pattern, not a role -> name every role in full
    not-a-role 15:8 "\"arn:aws:iam::1111:role/Reader\"" `arn:aws:iam::1111:role/Reader` is not a valid role ARN -> a role's ARN has no region, and an account of twelve digits
    not-a-role 15:8 "\"arn:aws:iam::111122223333:role/bad name\"" `arn:aws:iam::111122223333:role/bad name` is not a valid role ARN -> a role's name has up to 64 letters, digits and `+=,.@_-`
    not-a-role 15:8 "\"arn:aws:sts::111122223333:assumed-role/SecurityAnalyst/eve\"" `arn:aws:sts::111122223333:assumed-role/SecurityAnalyst/eve` is a session of a role -> write the role's own ARN, with its path: `arn:aws:iam::111122223333:role/SecurityAnalyst`
    invalid-arn 15:8 "\"arn:aws-us-gov:iam::111122223333:role/SecurityAnalyst\"" `arn:aws-us-gov:iam::111122223333:role/SecurityAnalyst` is an ARN of partition `aws-us-gov` -> this manifest is in partition `aws`
    not-a-role 15:8 "\"arn:aws:s3:::acme\"" `arn:aws:s3:::acme` is not an IAM role -> write the ARN of a role: `arn:aws:iam::<account>:role/<path>/<name>`
    invalid-name 14:10 "\"a/b\"" `a/b` is not a valid name -> use up to 64 letters, digits, `-`, `_` and `.`, starting with a letter or digit
    invalid-arn 21:7 "\"arn:aws:kms:us-east-1:111122223333:alias/x\"" `arn:aws:kms:us-east-1:111122223333:alias/x` is an alias, not a key -> write the ARN of the key that the alias stands for
    invalid-arn 21:7 "\"arn:aws:kms:us-east-1:111122223333:key/x\"" `arn:aws:kms:us-east-1:111122223333:key/x` is not the ARN of a KMS key -> write it in full, such as `arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`
    invalid-key-alias 21:9 "\"auditseal\"" `auditseal` is not a valid key alias: it does not begin with `alias/` -> write `alias/` and then letters, digits, `/`, `_` and `-`
    invalid-key-alias 21:9 "\"alias/aws/s3\"" `alias/aws/s3` is not a valid key alias: `alias/aws/` is for keys that AWS manages -> write `alias/` and then letters, digits, `/`, `_` and `-`
    invalid-key-alias 21:9 "\"alias/a.b\"" `alias/a.b` is not a valid key alias: it holds other characters than letters, digits, `/`, `_` and `-` -> write `alias/` and then letters, digits, `/`, `_` and `-`
    invalid-prefix 21:10 "\"\"" the access-log prefix is empty -> write for example `s3/`
    invalid-bucket-name 21:10 "\"A\"" `A` is not a valid bucket name: it needs 3 to 63 characters -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-principal 21:19 "\"bob\"" `bob` is not a Databricks user -> write the user's e-mail address; for a group use `databricks_group`
    invalid-principal 21:32 "\"robot\"" `robot` is not a service principal's application id -> write its application id, a UUID, not its display name
    invalid-name 21:20 "\"\"" `` is not a valid name -> use 1 to 255 characters, without control characters and without spaces at the ends
    invalid-name 21:15 "\"\"" `` is not a valid name -> use 1 to 255 characters, without control characters and without spaces at the ends
    "###);
}

#[test]
fn against_each_other() {
    insta::assert_snapshot!(table(&[
        ("", "[bucket]\nretention_days = 30\nobject_lock = { mode = 'compliance', days = 60 }"),
        ("", "[bucket.object_lock]\nmode = 'compliance'\ndays = 400"),
        ("", "[bucket.access_log]\nbucket = 'acme-databricks-audit'"),
        ("", "[[bucket.replicas]]\nbucket = 'acme-databricks-audit'\nregion = 'us-west-2'"),
        ("", "[[bucket.replicas]]\nbucket = 'acme-copy'\nregion = 'us-east-1'"),
        ("", "[[bucket.replicas]]\nbucket = 'acme-copy'\nregion = 'us-gov-west-1'"),
        ("", "[[bucket.replicas]]\nbucket = 'acme-copy'\nregion = 'us-west-2'\naccount_id = '444455556666'"),
        ("", "[[bucket.replicas]]\nbucket = 'acme-copy'"),
        ("", "[role]\narn = 'arn:aws:iam::444455556666:role/Delivery'"),
        ("", "[role]\narn = 'arn:aws:iam::111122223333:role/SecurityAnalyst'"),
        ("", "[role]\narn = 'arn:aws:iam::111122223333:role/PlatformAdmin'"),
        (READER, "\"arn:aws:iam::111122223333:role/auditseal/AuditDelivery-acme-databricks-audit\""),
        ("", "[bucket.access_log]\nreaders = ['arn:aws:iam::111122223333:role/auditseal/AuditDelivery-acme-databricks-audit']"),
        ("[admins.platform]\nrole = \"arn:aws:iam::111122223333:role/PlatformAdmin\"", ""),
        ("[admins.platform]\nrole = \"arn:aws:iam::111122223333:role/PlatformAdmin\"", "[admins]"),
        ("", "[observers.x]\nrole = 'arn:aws:iam::111122223333:role/SecurityAnalyst'"),
        ("", "[readers.x]\nrole = 'arn:aws:iam::111122223333:role/SecurityAnalyst'"),
        ("", "[readers.x]\nmfa = true"),
        ("", "[readers.x]\nrole = 'arn:aws:iam::111122223333:role/X'\ndatabricks_group = 'x'"),
        ("", "[readers.x]\ndatabricks_group = 'x'\nmfa = true"),
        ("", "[readers.x]\ndatabricks_group = 'x'\n[unity_catalog]\nenabled = false"),
        ("", "[key]\narn = 'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'"),
        ("", "[key]\nprevious = ['arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab']"),
        (BUCKET, "\"acme\"\nprevious_prefixes = ['audit', 'x', 'x']"),
        (BUCKET, "\"acme\"\nworkspaces = [1, 2, 1]"),
        (REGION, "\"us-east-1\"\nassume_role = 'arn:aws:iam::444455556666:role/X'"),
    ]), @r###"
    retention-below-object-lock 21:18 "30" objects are kept 30 days, but locked for 60 -> keep objects at least as long as they are locked
    retention-below-object-lock 22:8 "400" objects are kept 365 days, but locked for 400 -> keep objects at least as long as they are locked
    duplicate-bucket 21:10 "'acme-databricks-audit'" bucket `acme-databricks-audit` is used twice: as `delivery.bucket` and as `bucket.access_log.bucket` -> give each use its own bucket
    duplicate-bucket 21:10 "'acme-databricks-audit'" bucket `acme-databricks-audit` is used twice: as `delivery.bucket` and as `bucket.replicas[0].bucket` -> give each use its own bucket
    replica-region 22:10 "'us-east-1'" the replica is in `us-east-1`, the region of the audit bucket -> choose another region
    invalid-region 22:10 "'us-gov-west-1'" region `us-gov-west-1` is in partition `aws-us-gov` -> replication stays within a partition: choose a region of `aws`
    profile-missing 23:14 "'444455556666'" the replica is in account `444455556666`, and no profile reaches it -> add `profile` to the replica
    missing-key 20:1 "[[bucket.replicas]]" key `region` is missing in `[[bucket.replicas]]` -> add it: AWS region of the replica, another one than that of the audit bucket
    profile-missing 21:7 "'arn:aws:iam::444455556666:role/Delivery'" the delivery role is in account `444455556666`, and no profile reaches it -> add `profile` to `[role]`
    delivery-role-reused 15:8 "\"arn:aws:iam::111122223333:role/SecurityAnalyst\"" `arn:aws:iam::111122223333:role/SecurityAnalyst` is the delivery role, which only Databricks may use -> use a role of its own
    delivery-role-reused 18:8 "\"arn:aws:iam::111122223333:role/PlatformAdmin\"" `arn:aws:iam::111122223333:role/PlatformAdmin` is the delivery role, which only Databricks may use -> use a role of its own
    delivery-role-reused 15:8 "\"arn:aws:iam::111122223333:role/auditseal/AuditDelivery-acme-databricks-audit\"" `arn:aws:iam::111122223333:role/auditseal/AuditDelivery-acme-databricks-audit` is the delivery role, which only Databricks may use -> use a role of its own
    delivery-role-reused 21:12 "'arn:aws:iam::111122223333:role/auditseal/AuditDelivery-acme-databricks-audit'" `arn:aws:iam::111122223333:role/auditseal/AuditDelivery-acme-databricks-audit` is the delivery role, which only Databricks may use -> use a role of its own
    no-admins 1:1 "" no admin is declared -> declare at least one role under `[admins.NAME]`: once sealed, only admins can change the bucket
    no-admins 17:2 "admins" no admin is declared -> declare at least one role under `[admins.NAME]`: once sealed, only admins can change the bucket
    observer-reads 21:8 "'arn:aws:iam::111122223333:role/SecurityAnalyst'" observer `x` is a reader too -> an observer reads no object: remove it from one of the two
    duplicate-value 21:8 "'arn:aws:iam::111122223333:role/SecurityAnalyst'" readers `security-analysts` and `x` are the same -> keep one of the two
    reader-kind 20:10 "x" reader `x` is nobody -> add `role`, or one of the `databricks_…` keys
    reader-kind 20:10 "x" reader `x` is more than one: `role` and `databricks_group` -> write one section for each reader
    reader-kind 22:7 "true" `mfa` says something about IAM roles only -> remove it
    reader-without-unity-catalog 21:20 "'x'" reader `x` would never get its grant: `unity_catalog.enabled` is false -> enable it, or remove the reader
    wrong-account-or-region 21:7 "'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'" the key is in account `111122223333` and region `us-west-2` -> name a key in the account and region of the audit bucket
    wrong-account-or-region 21:13 "'arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab'" the key is in region `us-west-2` -> objects are only encrypted with keys of their bucket's region
    duplicate-value 13:22 "'audit'" `audit` is the current prefix -> keep only earlier prefixes here
    duplicate-value 13:36 "'x'" `x` is listed twice in `delivery.previous_prefixes` -> keep one of the two
    duplicate-value 13:21 "1" `1` is listed twice in `delivery.workspaces` -> keep one of the two
    wrong-account-or-region 10:15 "'arn:aws:iam::444455556666:role/X'" the role to assume is in account `444455556666` -> name a role of `aws.account_id`
    "###);
}

#[test]
fn secrets() {
    let token = "dapi0123456789abcdef0123456789abcdef";
    let mut out = String::new();
    for (find, replace) in [
        ("", format!("[databricks.auth]\ntoken = '{token}'")),
        ("", "[databricks.auth]\nclient_secret = 'hunter-0123'".to_owned()),
        ("", "[databricks.auth]\npassword = ['hunter-0123']".to_owned()),
        ("", "[x]\naws-secret-access-key = \"\"\"\nhunter-0123\n\"\"\"".to_owned()),
        ("", format!("# {token}")),
        ("", format!("[readers.{token}]\nrole = 'x'")),
        (ACCOUNT, format!("\"{token}\"")),
        (ACCOUNT, "\"AKIAIOSFODNN70123456\"".to_owned()),
        (BUCKET, format!("\"{token}")),
        (REGION, "\"us-east-1\"\nprofile = \"dose0123456789abcdef0123456789abcdef\"".to_owned()),
    ] {
        let text = edited(find, &replace);
        let findings = parse("acme", "acme.toml", &text).unwrap_err();
        assert!(findings.iter().any(|finding| finding.code == codes::SECRET), "{text}\n{findings:#?}");
        let said = serde_json::to_string(&findings).unwrap();
        assert!(!said.contains("0123456") && !said.contains("hunter"), "{said}");
        let shown = crate::report::diagnostic::render(&findings, |_| Some(text.clone()), false);
        assert!(!shown.contains("0123456") && !shown.contains("hunter"), "{shown}");
        for finding in findings {
            let span = finding.span.unwrap();
            out.push_str(&format!("{} {}:{} {}\n", finding.code, span.line, span.column, finding.message));
        }
    }
    insta::assert_snapshot!(out, @r###"
    unknown-key 20:13 unknown key `auth` in `[databricks]`
    secret-in-manifest 21:10 a Databricks personal access token is written in clear text
    unknown-key 20:13 unknown key `auth` in `[databricks]`
    secret-in-manifest 21:17 the value of `client_secret` is written in clear text
    unknown-key 20:13 unknown key `auth` in `[databricks]`
    secret-in-manifest 21:12 the value of `password` is written in clear text
    unknown-key 20:2 unknown key `x` at the top level
    secret-in-manifest 21:25 the value of `aws-secret-access-key` is written in clear text
    secret-in-manifest 20:3 a Databricks personal access token is written in clear text
    secret-in-manifest 20:10 a Databricks personal access token is written in clear text
    secret-in-manifest 8:15 a Databricks personal access token is written in clear text
    secret-in-manifest 8:15 an AWS access key id is written in clear text
    secret-in-manifest 12:11 a Databricks personal access token is written in clear text
    toml-syntax 12:47 invalid basic string, expected `"`
    secret-in-manifest 10:12 a Databricks OAuth secret is written in clear text
    "###);
}

#[test]
fn all_at_once() {
    let text = MINIMAL
        .replace("version = 1", "version = 1\nverison = 2")
        .replace(ACCOUNT, "12")
        .replace(BUCKET, "\"ACME\"\nprefix = \"/x\"\nmax_silence = 5")
        .replace("0d26daa6-", "")
        .replace(READER, "\"nobody\"");
    let text = format!("{text}\n[bucket]\nretention_days = 0\nx = = 1\n");
    let findings = parse("acme", "acme.toml", &text).unwrap_err();
    insta::assert_snapshot!(lines(&text, &findings), @r###"
    unknown-key 3:1 "verison" unknown key `verison` at the top level -> did you mean `version`?
    invalid-databricks-account 6:14 "\"5e44-4c97-a497-ef015f91254a\"" `5e44-4c97-a497-ef015f91254a` is not a Databricks account id -> copy the UUID from the account console, such as `0d26daa6-5e44-4c97-a497-ef015f91254a`
    wrong-type 9:14 "12" `aws.account_id` takes a string, not an integer -> put it in quotes
    invalid-bucket-name 13:10 "\"ACME\"" `ACME` is not a valid bucket name: only lower-case letters, digits, `-` and `.` are allowed -> see "General purpose bucket naming rules" in the S3 User Guide
    invalid-prefix 14:10 "\"/x\"" `/x` is not a valid prefix: it begins or ends with `/` -> leave the outer `/` out
    wrong-type 15:15 "5" `delivery.max_silence` takes a string, not an integer -> put it in quotes
    invalid-arn 18:8 "\"nobody\"" `nobody` is not an ARN -> write it in full, such as `arn:aws:iam::111122223333:role/SecurityAnalyst`
    out-of-range 24:18 "0" `0` is out of range for `bucket.retention_days` -> choose a number from 1 to 36500
    toml-syntax 25:5 "=" extra `=`, expected nothing -> write the file as TOML 1.0, see https://toml.io
    toml-syntax 25:7 "" unexpected key or value, expected newline, `#` -> write the file as TOML 1.0, see https://toml.io
    "###);
}

/// Several syntax errors are reported together, and what they hide is not called missing.
#[test]
fn broken_syntax_hides_nothing_else() {
    let text = MINIMAL.replace("region     = \"us-east-1\"", "region = us-east-1").replace("version = 1", "version 1");
    let text = text.replace(BUCKET, "\"ACME\"");
    let findings = parse("acme", "acme.toml", &text).unwrap_err();
    insta::assert_snapshot!(lines(&text, &findings), @r###"
    toml-syntax 2:9 "" key with no value, expected `=` -> write the file as TOML 1.0, see https://toml.io
    toml-syntax 9:10 "us-east-1" string values must be quoted, expected literal string -> write the file as TOML 1.0, see https://toml.io
    invalid-bucket-name 12:10 "\"ACME\"" `ACME` is not a valid bucket name: only lower-case letters, digits, `-` and `.` are allowed -> see "General purpose bucket naming rules" in the S3 User Guide
    "###);
}

/// Whatever is cut out of or inserted into a manifest: an answer, never a panic, and every position lies in the text.
#[test]
fn damaged_text_never_panics() {
    let pieces = ["", "=", "[", "]]", "\"\"\"", "é", "\0", "{", "[x.y]\n", "a.b = {c = [{}]}\n", "\u{feff}"];
    let mut cut = 0;
    while let Some((before, after)) = FULL.get(..cut).zip(FULL.get((cut + 7).min(FULL.len())..)) {
        let piece = pieces[cut % pieces.len()];
        let text = format!("{before}{piece}{after}");
        if let Err(findings) = parse("acme", "acme.toml", &text) {
            for span in findings.iter().filter_map(|finding| finding.span.as_ref()) {
                assert!(span.start <= span.end && span.end <= text.len(), "{span:?}");
                assert!(span.line <= text.lines().count() + 1, "{span:?}");
            }
            assert!(!crate::report::diagnostic::render(&findings, |_| Some(text.clone()), false).is_empty());
        }
        if cut + 11 > FULL.len() {
            break;
        }
        cut += 11;
    }
    assert!(cut > 1000, "stopped at {cut}");
}

/// A line that is no TOML at all, and a bracket that is never closed, each say one thing and hide nothing above them.
#[test]
fn recovery() {
    let mut out = String::new();
    for (find, replace) in [
        ("version = 1", "version 1"),
        ("version = 1", "version: 1"),
        ("version = 1", "[aws"),
        ("[readers.security-analysts]", "workspaces = [1, 2\n[readers.x]\nmfa = 'x'\n[readers.security-analysts]"),
        ("[readers.security-analysts]", "oops = { a = 1\n[readers.security-analysts]"),
    ] {
        let text = edited(find, replace).replace(ACCOUNT, "12");
        out.push_str(&lines(&text, &parse("acme", "acme.toml", &text).unwrap_err()));
        out.push('\n');
    }
    insta::assert_snapshot!(out, @r###"
    toml-syntax 2:9 "" key with no value, expected `=` -> write the file as TOML 1.0, see https://toml.io
    wrong-type 8:14 "12" `aws.account_id` takes a string, not an integer -> put it in quotes

    toml-syntax 2:8 ":" invalid unquoted key, expected letters, numbers, `-`, `_` -> write the file as TOML 1.0, see https://toml.io
    toml-syntax 2:10 "" key with no value, expected `=` -> write the file as TOML 1.0, see https://toml.io
    wrong-type 8:14 "12" `aws.account_id` takes a string, not an integer -> put it in quotes

    toml-syntax 2:5 "" unclosed table, expected `]` -> write the file as TOML 1.0, see https://toml.io
    wrong-type 8:14 "12" `aws.account_id` takes a string, not an integer -> put it in quotes

    wrong-type 8:14 "12" `aws.account_id` takes a string, not an integer -> put it in quotes
    toml-syntax 15:1 "" missing comma between array elements, expected `,` -> write the file as TOML 1.0, see https://toml.io
    toml-syntax 21:54 "" unclosed array, expected `]` -> write the file as TOML 1.0, see https://toml.io

    wrong-type 8:14 "12" `aws.account_id` takes a string, not an integer -> put it in quotes
    unknown-key 14:1 "oops" unknown key `oops` in `[delivery]` -> known keys here: `bucket`, `max_silence`, `name`, `prefix`, `previous_prefixes`, `status`, `undeclared`, `workspaces`
    toml-syntax 15:1 "" missing key for inline table element, expected `,` -> write the file as TOML 1.0, see https://toml.io
    toml-syntax 19:54 "" unclosed inline table, expected `}` -> write the file as TOML 1.0, see https://toml.io
    "###);
}

/// Large and hostile texts are answered without overflowing the stack.
#[test]
fn hostile_texts() {
    let dots = "a.".repeat(15) + "a";
    let nested: String = (0..70).map(|_| format!("{dots} = {{\n")).collect();
    let texts = [
        "[".repeat(100_000),
        "a = ".to_owned() + &"[".repeat(100_000),
        "a = ".to_owned() + &"{b=".repeat(100_000),
        "a.".repeat(200_000) + "a = 1",
        format!("[{}]", "a.".repeat(200_000) + "a"),
        nested + "x = 1" + &"}".repeat(70),
        format!("{}[readers]\n", "[[bucket.replicas]]\n".repeat(20_000)),
        format!("{} = 1", "k".repeat(900_000)),
        format!("[delivery]\nbucket = \"{}\"", "k".repeat(900_000)),
        "token = 1\n".repeat(50_000),
        "oops\n".repeat(50_000),
        "dapi0123456789abcdef0123456789abcdef\n".repeat(10_000),
        "\"\"\"".repeat(100_000),
    ];
    for text in texts {
        let findings = parse("acme", "acme.toml", &text).unwrap_err();
        assert!(!findings.is_empty());
        assert!(findings.iter().all(|finding| finding.message.len() < 1000 && finding.subject.len() < 1000));
    }
}

#[test]
fn codes_are_distinct_kebab_case() {
    let distinct: BTreeSet<&str> = CODES.iter().map(|code| code.code).collect();
    assert_eq!(distinct.len(), CODES.len());
    for code in CODES {
        assert!(code.code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit()));
        assert_eq!(crate::manifest::explain(code.code), Some(code));
    }
}

#[test]
fn every_code_is_met_in_a_test() {
    let tests =
        [include_str!("mod.rs"), include_str!("alerts.rs"), include_str!("store.rs"), include_str!("../directory.rs")]
            .concat();
    let unmet: Vec<&str> = CODES.iter().map(|code| code.code).filter(|code| !tests.contains(code)).collect();
    assert!(unmet.is_empty(), "{unmet:?}");
}

#[test]
fn waivers() {
    let waiver = |text: &str| format!("[[waivers]]\n{text}");
    let rest = "reason = 'old'\nowner = 'team'\nuntil = 2027-03-31";
    insta::assert_snapshot!(table(&[
        ("", &waiver("control = 'versioning'")),
        ("", &waiver(&format!("control = 'versionning'\n{rest}"))),
        ("", &waiver(&format!("control = 'everything'\n{rest}"))),
        ("", &waiver(&format!("control = 5\n{rest}"))),
        ("", &waiver("control = 'versioning'\nreason = ''\nowner = ' '\nuntil = '2027-3-31'")),
        ("", &waiver("control = 'versioning'\nreason = 'a\\tb'\nowner = 'team'\nuntil = 2027-02-30")),
        ("", &waiver("control = 'versioning'\nreason = 'a'\nowner = 'team'\nuntil = 2027-03-31T00:00:00Z")),
        ("", &waiver("control = 'versioning'\nreason = 'a'\nowner = 'team'\nuntil = 'tomorrow'")),
        ("", &waiver(&format!("control = 'versioning'\naddress = 'audit'\n{rest}"))),
        ("", &waiver(&format!("control = 'versioning'\naddress = 'bucket-policy[audit]'\n{rest}"))),
        ("", &format!("{0}\n{0}", waiver(&format!("control = 'versioning'\n{rest}")))),
        ("", &format!("{}\n[bucket.object_lock]\nmode = 'governance'\ndays = 1", waiver(&format!("control = 'versioning'\n{rest}")))),
        ("", "[waivers]\ncontrol = 'versioning'"),
        ("", &waiver(&format!("control = 'versioning'\nticket = 'X-1'\n{rest}"))),
    ]), @r###"
    missing-key 20:1 "[[waivers]]" key `owner` is missing in `[[waivers]]` -> add it: Person or team that answers for it
    missing-key 20:1 "[[waivers]]" key `reason` is missing in `[[waivers]]` -> add it: Why it is waived, in words for whoever reviews it
    missing-key 20:1 "[[waivers]]" key `until` is missing in `[[waivers]]` -> add it: The last day (UTC) on which the waiver holds, such as `2027-03-31`, with or without quotes
    unknown-value 21:11 "'versionning'" `versionning` is none of the 44 words that `waivers[0].control` takes -> did you mean `versioning`?
    unknown-value 21:11 "'everything'" `everything` is none of the 44 words that `waivers[0].control` takes -> `auditseal schema` lists them
    wrong-type 21:11 "5" `waivers[0].control` takes a string, not an integer -> put it in quotes
    invalid-name 22:10 "''" `` is not a reason -> write one line of 1 to 500 characters, such as "the archive moves in March"
    invalid-name 23:9 "' '" ` ` is not a valid name -> use 1 to 255 characters, without control characters and without spaces at the ends
    invalid-date 24:9 "'2027-3-31'" `2027-3-31` is not a date -> write for example `2027-03-31`
    toml-syntax 24:9 "2027-02-30" invalid date, expected day between 01 and 28 -> write the file as TOML 1.0, see https://toml.io
    wrong-type 24:9 "2027-03-31T00:00:00Z" `waivers[0].until` takes a date, not a time -> write a day such as `2027-03-31`
    invalid-date 24:9 "'tomorrow'" `tomorrow` is not a date -> write for example `2027-03-31`
    waiver-address 22:11 "'audit'" `audit` is not an address within a manifest -> write kind and name, such as `bucket-versioning[access]`
    waiver-address 22:11 "'bucket-policy[audit]'" `versioning` has no say on a `bucket-policy` -> name a resource of kind `bucket-versioning`, or leave `address` out
    duplicate-value 26:11 "'versioning'" `versioning` is waived twice: `waivers[0]` does it already -> keep the one with the right day
    waiver-contradiction 21:11 "'versioning'" `versioning` is waived, and object lock needs versioning -> remove the waiver, or what needs versioning
    wrong-type 20:1 "[waivers]" `waivers` takes an array, not a table -> write `[[waivers]]`, with two brackets
    unknown-key 22:1 "ticket" unknown key `ticket` in `[[waivers]]` -> known keys here: `address`, `control`, `owner`, `reason`, `until`
    "###);
}
