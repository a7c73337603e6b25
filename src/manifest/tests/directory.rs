use std::fs;
use std::path::Path;

use super::{FULL, MINIMAL};
use crate::manifest::load;

fn write(directory: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        fs::write(directory.join(name), text).unwrap();
    }
}

fn refused(files: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), files);
    said(&load(directory.path()).unwrap_err(), directory.path())
}

fn said(findings: &[crate::finding::Finding], directory: &Path) -> String {
    let mut out = String::new();
    for finding in findings {
        let place =
            finding.span.as_ref().map_or("-".to_owned(), |span| format!("{}:{}:{}", span.file, span.line, span.column));
        out.push_str(&format!("{} {place} {}\n", finding.code, finding.message));
    }
    out.replace(&format!("{}", directory.display()), "DIR")
}

#[test]
fn a_directory_sorted_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let other = MINIMAL.replace("acme-databricks", "acme-other");
    write(directory.path(), &[("b.toml", &other), ("a.toml", MINIMAL), (".c.toml", "x"), ("notes.md", "x")]);
    fs::create_dir(directory.path().join("sub")).unwrap();
    let loaded = load(directory.path()).unwrap();
    let names: Vec<&str> = loaded.iter().map(|loaded| loaded.desired.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(loaded[0].text, MINIMAL);
}

#[test]
fn one_manifest_means_the_same_alone() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[("a.toml", MINIMAL), ("defaults.toml", "[bucket]\nretention_days = 700\n")]);
    let all = load(directory.path()).unwrap();
    let one = load(&directory.path().join("a.toml")).unwrap();
    assert_eq!(all[0].desired, one[0].desired);
    assert_eq!(one[0].desired.bucket.retention_days, 700);
}

#[test]
fn errors_of_all_files_at_once() {
    let other = MINIMAL.replace("acme-databricks-audit", "ACME");
    insta::assert_snapshot!(refused(&[
        ("a.toml", &MINIMAL.replace("111122223333\"", "1\"")),
        ("b.toml", &other),
        ("c.toml", "version = 1\n[aws\n"),
        ("-d.toml", MINIMAL),
        ("defaults.toml", "x = 1\n"),
    ]), @r###"
    invalid-manifest-name - `-d` cannot be the name of a manifest
    invalid-aws-account DIR/a.toml:8:14 `1` is not an AWS account id
    invalid-bucket-name DIR/b.toml:12:10 `ACME` is not a valid bucket name: only lower-case letters, digits, `-` and `.` are allowed
    toml-syntax DIR/c.toml:2:5 unclosed table, expected `]`
    unknown-key DIR/defaults.toml:1:1 unknown key `x` at the top level
    "###);
}

#[test]
fn claims_contradictions_and_credentials() {
    let second = FULL
        .replace("public_access_block = false", "public_access_block = true")
        .replace("undeclared        = \"report\"", "undeclared = \"disable\"")
        .replace("revoke_undeclared = false", "revoke_undeclared = true")
        .replace("acme-security", "someone-else")
        .replace("acme-vault", "other-vault");
    insta::assert_snapshot!(refused(&[("a.toml", FULL), ("b.toml", &second)]), @r###"
    profile-conflict DIR/b.toml:12:15 AWS account `111122223333` is reached with profile `someone-else` and role `arn:aws:iam::111122223333:role/AuditsealRunner` here, and with profile `acme-security` and role `arn:aws:iam::111122223333:role/AuditsealRunner` in manifest `a` (`aws.profile`)
    claimed-twice DIR/b.toml:16:21 bucket `acme-databricks-audit` is claimed by manifest `a` too, as `delivery.bucket`
    contradiction DIR/b.toml:23:14 `delivery.undeclared` is `disable` here and `report` in manifest `a`, but account `0d26daa6-5e44-4c97-a497-ef015f91254a` has only one
    claimed-twice DIR/b.toml:38:18 bucket `acme-databricks-audit-access` is claimed by manifest `a` too, as `bucket.access_log.bucket`
    claimed-twice DIR/b.toml:45:10 bucket `acme-databricks-audit-west` is claimed by manifest `a` too, as `bucket.replicas[0].bucket`
    claimed-twice DIR/b.toml:49:14 bucket `acme-databricks-audit-vault` is claimed by manifest `a` too, as `bucket.replicas[1].bucket`
    profile-conflict DIR/b.toml:52:14 AWS account `444455556666` is reached with profile `other-vault` here, and with profile `acme-vault` in manifest `a` (`bucket.replicas[1].profile`)
    claimed-twice DIR/b.toml:55:17 key `arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab` is claimed by manifest `a` too, as `key.arn`
    claimed-twice DIR/b.toml:56:17 key alias `alias/auditseal/acme-databricks-audit` is claimed by manifest `a` too, as `key.alias`
    claimed-twice DIR/b.toml:61:11 delivery role `arn:aws:iam::777788889999:role/auditseal/DatabricksAuditDelivery` is claimed by manifest `a` too, as `role.arn`
    contradiction DIR/b.toml:95:21 `unity_catalog.revoke_undeclared` is `true` here and `false` in manifest `a`, but account `0d26daa6-5e44-4c97-a497-ef015f91254a` has only one
    contradiction DIR/b.toml:104:23 `account.public_access_block` is `true` here and `false` in manifest `a`, but account `111122223333` has only one
    "###);
}

#[test]
fn what_is_silent_contradicts_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let other = MINIMAL.replace("acme-databricks", "acme-other");
    let loud = format!("{MINIMAL}\n[account]\npublic_access_block = true\n[unity_catalog]\nrevoke_undeclared = true\n");
    write(directory.path(), &[("a.toml", &loud), ("b.toml", &other)]);
    assert_eq!(load(directory.path()).unwrap().len(), 2);
}

#[test]
fn unreadable_things() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let mut out = String::new();
    out.push_str(&said(&load(root).unwrap_err(), root));
    out.push_str(&said(&load(&root.join("none")).unwrap_err(), root));
    fs::write(root.join("big.toml"), vec![b'#'; 1_000_001]).unwrap();
    fs::write(root.join("latin.toml"), b"version = 1\nx = '\xe9'\n").unwrap();
    fs::create_dir(root.join("folder.toml")).unwrap();
    fs::write(root.join("defaults.toml"), "").unwrap();
    out.push_str(&said(&load(root).unwrap_err(), root));
    out.push_str(&said(&load(&root.join("defaults.toml")).unwrap_err(), root));
    insta::assert_snapshot!(out, @r###"
    no-manifests - no manifest in directory `DIR`
    manifest-not-found - `DIR/none` does not exist
    manifest-too-large - `DIR/big.toml` is larger than 1 MB
    manifest-unreadable - `DIR/folder.toml` is not a regular file
    manifest-not-utf8 DIR/latin.toml:2:6 `DIR/latin.toml` is not UTF-8 text
    no-manifests - `DIR/defaults.toml` holds shared defaults, and is no manifest
    "###);
}

/// Names that are derived are claimed too, and pointed at through the bucket's name that they follow from.
#[test]
fn derived_names_are_claims() {
    let other = MINIMAL.replace("acme-databricks-audit", "acme-databricks-audit-access");
    insta::assert_snapshot!(refused(&[("a.toml", MINIMAL), ("b.toml", MINIMAL), ("c.toml", &other)]), @r###"
    claimed-twice DIR/b.toml:12:10 bucket `acme-databricks-audit-access` is claimed by manifest `a` too, as `bucket.access_log.bucket`
    claimed-twice DIR/b.toml:12:10 bucket `acme-databricks-audit` is claimed by manifest `a` too, as `delivery.bucket`
    claimed-twice DIR/b.toml:12:10 key alias `alias/auditseal/acme-databricks-audit` is claimed by manifest `a` too, as `key.alias`
    claimed-twice DIR/b.toml:12:10 delivery role `arn:aws:iam::111122223333:role/auditseal/AuditDelivery-acme-databricks-audit` is claimed by manifest `a` too, as `role.arn`
    claimed-twice DIR/c.toml:12:10 bucket `acme-databricks-audit-access` is claimed by manifest `a` too, as `bucket.access_log.bucket`
    "###);
}

/// A name is one sink and a file has one sink, in a whole directory; a declaration that is shared is the same sink.
#[test]
fn sinks_of_a_directory() {
    let other = MINIMAL.replace("acme-databricks", "acme-other");
    let log = |name: &str, path: &str| format!("[[alerts]]\nname = '{name}'\nkind = 'file'\npath = '{path}'\n");
    insta::assert_snapshot!(refused(&[
        ("a.toml", &format!("{MINIMAL}\n{}{}", log("soc", "a.jsonl"), log("log", "b.jsonl"))),
        ("b.toml", &format!("{other}\n{}{}", log("soc", "c.jsonl"), log("mine", "b.jsonl"))),
    ]), @r###"
    sink-contradiction DIR/b.toml:21:8 manifest `a` declares another sink `soc`
    sink-contradiction DIR/b.toml:27:8 `b.jsonl` is written by sink `log` of manifest `a` too
    "###);
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[("a.toml", MINIMAL), ("b.toml", &other), ("defaults.toml", &log("soc", "a.jsonl"))]);
    let loaded = load(directory.path()).unwrap();
    assert_eq!(loaded[0].desired.alerts, loaded[1].desired.alerts);
    assert_eq!(loaded[0].desired.alerts.len(), 1);
}

/// A directory has one store, in a bucket that none of its manifests has to do with.
#[test]
fn stores_of_a_directory() {
    let other = MINIMAL.replace("acme-databricks", "acme-other");
    let store = |bucket: &str| format!("[store]\ns3 = 's3://{bucket}/x'\n");
    let with = |text: &str, bucket: &str| format!("{text}\n{}", store(bucket));
    insta::assert_snapshot!(refused(&[
        ("a.toml", &with(MINIMAL, "acme-other-audit")),
        ("b.toml", &with(&other, "acme-store")),
        ("c.toml", &MINIMAL.replace("acme-databricks", "acme-third")),
    ]), @r###"
    duplicate-bucket DIR/a.toml:21:6 bucket `acme-other-audit` of the store is used by manifest `b` too, as `delivery.bucket`
    store-contradiction DIR/b.toml:21:6 the store is `s3://acme-store/x` in account `111122223333` here, and `s3://acme-other-audit/x` in account `111122223333` in manifest `a`
    store-contradiction DIR/c.toml:12:10 the store is not declared here, and `s3://acme-other-audit/x` in account `111122223333` in manifest `a`
    "###);
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), &[("a.toml", MINIMAL), ("b.toml", &other), ("defaults.toml", &store("acme-store"))]);
    let loaded = load(directory.path()).unwrap();
    assert_eq!(loaded[0].desired.store, loaded[1].desired.store);
    let found = loaded[0].desired.store.clone().unwrap();
    assert_eq!((found.url().as_str(), found.account_id.as_str()), ("s3://acme-store/x", "111122223333"));
    // Over two accounts it has to be said whose the bucket is.
    let elsewhere = other.replace("111122223333", "444455556666");
    write(directory.path(), &[("b.toml", &elsewhere)]);
    let said = said(&load(directory.path()).unwrap_err(), directory.path());
    assert!(
        said.contains("in account `444455556666` here, and `s3://acme-store/x` in account `111122223333`"),
        "{said}"
    );
    write(directory.path(), &[("defaults.toml", &format!("{}account_id = '111122223333'\n", store("acme-store")))]);
    load(directory.path()).unwrap();
}
