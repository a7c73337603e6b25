//! A manifest of what is there: adopted without a change, and a list of things to do.

use serde_json::Value;

use super::{Ended, Shell, redacted};
use crate::harness::Case;
use crate::sandbox::databricks::LogDelivery;
use crate::sandbox::faults::{Failure, Rule, Trigger};

const FILE: &str = "manifests/acme.toml";

/// A user without manifests.
async fn stranger(case: &Case) -> Shell {
    let shell = Shell::of(case).await;
    std::fs::remove_dir_all(shell.path("manifests")).expect("manifests");
    shell
}

/// `init --from-live` for the audit bucket, with more flags.
async fn adopt(case: &Case, shell: &Shell, more: &[&str], code: i32) -> Ended {
    let aws = &case.sandbox.aws;
    let mut all = vec!["init", "--from-live", "--databricks-account-id", &aws.databricks_account, "--name", "acme"];
    all.extend(["--bucket", &aws.bucket, "--owner", "platform-team", "--waive-until", "9999-12-31"]);
    all.extend(more);
    shell.ends(&all, code).await
}

/// The document of a run, which keeps to its schema.
async fn written(shell: &Shell, ended: &Ended) -> Value {
    let document = ended.json();
    let schema = shell.ends(&["schema", "init"], 0).await.json();
    let schema = jsonschema::validator_for(&schema).expect("schema");
    assert!(schema.is_valid(&document), "{document:#}");
    document
}

/// What differs between two runs: accounts, ids and the day.
fn steady(text: &str, case: &Case) -> String {
    let mut text = redacted(text, case).replace(&case.sandbox.aws.databricks_account, "DATABRICKS");
    let ids = case
        .sandbox
        .databricks
        .inspect(|data| data.log_delivery.iter().map(|one| one.config_id.clone()).collect::<Vec<_>>());
    for (number, id) in ids.iter().enumerate() {
        text = text.replace(id, &format!("CONFIG-{number}"));
    }
    let today = auditseal::run::clock::today().to_string();
    text.replace(&format!("on {today}"), "on TODAY")
}

/// The text without the waiver of a control, with its comments.
fn without(text: &str, control: &str) -> String {
    let blocks: Vec<&str> = text.split("\n\n").collect();
    let waives = |block: &&str| block.contains("[[waivers]]") && block.contains(&format!("control = \"{control}\""));
    assert_eq!(blocks.iter().filter(|block| waives(block)).count(), 1, "{control} in\n{text}");
    blocks.into_iter().filter(|block| !waives(block)).collect::<Vec<_>>().join("\n\n")
}

async fn is_settled(shell: &Shell) {
    let plan = shell.ends(&["plan", "--detailed-exitcode"], 0).await;
    plan.says("No changes.");
    shell.ends(&["validate", "--strict"], 0).await;
    shell.ends(&["fmt", "--check", "--diff"], 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_estate_is_adopted_without_a_change_and_each_waiver_brings_back_its_own() {
    let case = Case::insecure().await;
    let shell = stranger(&case).await;
    let writes = case.sandbox.faults.counted().1;
    let said = adopt(&case, &shell, &[], 0).await;
    said.says("Wrote manifests/acme.toml.");
    said.says("Not adopted, and left running: `old audit logs`");
    said.says("auditseal plan -m manifests/acme.toml");
    assert_eq!(case.sandbox.faults.counted().1, writes, "adopting wrote something");
    let text = shell.read(FILE);
    insta::assert_snapshot!("adopted", steady(&text, &case));
    is_settled(&shell).await;

    // Nothing is overwritten, whether the name is known before or after reading.
    let again = adopt(&case, &shell, &[], 1).await;
    again.says("`manifests/acme.toml` is there already, and nothing is overwritten");
    assert_eq!(shell.read(FILE), text);
    // The same can be looked at, byte for byte.
    assert_eq!(adopt(&case, &shell, &["--stdout", "-m", "elsewhere"], 0).await.out, text);

    for (control, change) in [
        ("versioning", "acme/bucket-versioning[audit]"),
        ("tls-only", "acme/bucket-policy[audit]"),
        ("role-policy", "acme/role-policy[delivery]"),
        ("customer-key", "acme/kms-key[audit]"),
    ] {
        shell.write(FILE, without(&text, control));
        let plan = shell.run(&["plan", "--format", "json"]).await.json();
        let changes = plan["changes"].as_array().expect("changes");
        let addresses: Vec<&str> = changes.iter().filter_map(|one| one["address"].as_str()).collect();
        assert!(addresses.contains(&change), "{control}: {addresses:?}");
        let own = ["kms-", "bucket-encryption[audit]", "bucket-policy[audit]", "role-"];
        let fits = |address: &&&str| own.iter().any(|part| address.contains(part));
        match control {
            "customer-key" => assert_eq!(addresses.iter().filter(fits).count(), addresses.len(), "{addresses:?}"),
            "role-policy" => assert_eq!(addresses, [change, "acme/role-inline-policies[delivery]"]),
            _ => assert_eq!(addresses, [change]),
        }
    }

    // What one manifest declares, another one does not take: the second delivery is adopted beside it.
    shell.write(FILE, &text);
    let account = case.sandbox.aws.databricks_account.clone();
    let second = ["init", "--from-live", "--databricks-account-id", &account, "--name", "old"];
    shell.ends(&second, 0).await.says("Adopted the delivery `old audit logs`");
    is_settled(&shell).await;
}

/// A bucket that somebody looked after: a key of the company's own under its alias, a log, a long retention.
async fn with_habits(case: &Case) {
    use aws_sdk_s3::types as s3t;
    let (aws, key) = (&case.sandbox.aws, case.sandbox.insecure.as_ref().expect("insecure").key_arn.clone());
    let (s3, kms) = (aws.world.s3(&aws.root()), aws.world.kms(&aws.root()));
    let default = s3t::ServerSideEncryptionByDefault::builder().sse_algorithm(s3t::ServerSideEncryption::AwsKms);
    let default = default.kms_master_key_id("alias/databricks-audit-old").build().expect("default");
    let rule = s3t::ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default).build();
    let rules = s3t::ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("rules");
    let put = s3.put_bucket_encryption().bucket(&aws.bucket).server_side_encryption_configuration(rules);
    put.send().await.expect("PutBucketEncryption");
    // Others use the key as well, through another service.
    let policy = serde_json::json!({ "Version": "2012-10-17", "Statement": [
        { "Sid": "Root", "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{}:root", aws.account) },
          "Action": "kms:*", "Resource": "*" },
        { "Sid": "Secrets", "Effect": "Allow", "Principal": { "AWS": aws.role_arn("ContractorX") }, "Action": "kms:Decrypt",
          "Resource": "*",
          "Condition": { "StringEquals": { "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com" } } },
    ] });
    let put = kms.put_key_policy().key_id(&key).policy_name("default").policy(policy.to_string());
    put.send().await.expect("PutKeyPolicy");
    // Nobody holds a grant: the policy alone shows that the key is shared.
    let grant = &case.sandbox.insecure.as_ref().expect("insecure").grant_id;
    kms.revoke_grant().key_id(&key).grant_id(grant).send().await.expect("RevokeGrant");
    kms.enable_key_rotation().key_id(&key).send().await.expect("EnableKeyRotation");
    let logs = format!("{}-requests", aws.bucket);
    s3.create_bucket().bucket(&logs).send().await.expect("CreateBucket");
    let delivers = serde_json::json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:PutObject",
        "Principal": { "Service": "logging.s3.amazonaws.com" }, "Resource": format!("arn:aws:s3:::{logs}/*") }] });
    s3.put_bucket_policy().bucket(&logs).policy(delivers.to_string()).send().await.expect("PutBucketPolicy");
    let logging = s3t::LoggingEnabled::builder().target_bucket(&logs).target_prefix("audit/").build().expect("logging");
    let status = s3t::BucketLoggingStatus::builder().logging_enabled(logging).build();
    let put = s3.put_bucket_logging().bucket(&aws.bucket).bucket_logging_status(status);
    put.send().await.expect("PutBucketLogging");
    let rule = s3t::LifecycleRule::builder().id("keep").status(s3t::ExpirationStatus::Enabled);
    let rule = rule.filter(s3t::LifecycleRuleFilter::builder().prefix("").build());
    let rule = rule.expiration(s3t::LifecycleExpiration::builder().days(900).build()).build().expect("rule");
    let rules = s3t::BucketLifecycleConfiguration::builder().rules(rule).build().expect("rules");
    let put = s3.put_bucket_lifecycle_configuration().bucket(&aws.bucket).lifecycle_configuration(rules);
    put.send().await.expect("PutBucketLifecycleConfiguration");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_set_up_is_declared_in_their_words() {
    let case = Case::insecure().await;
    with_habits(&case).await;
    let shell = stranger(&case).await;
    adopt(&case, &shell, &[], 0).await;
    let text = shell.read(FILE);
    let key = &case.sandbox.insecure.as_ref().expect("insecure").key_arn;
    for line in [
        format!("arn           = \"{key}\""),
        "alias         = \"alias/databricks-audit-old\"".to_owned(),
        "rotation_days = 365".to_owned(),
        "retention_days = 900".to_owned(),
        format!("bucket = \"{}-requests\"", case.sandbox.aws.bucket),
        "prefix = \"audit/\"".to_owned(),
    ] {
        assert!(text.lines().any(|known| known == line), "`{line}` is not in\n{text}");
    }
    for absent in ["\"key-alias\"", "\"key-rotation\"", "\"customer-key\"", "\"access-logging\"", "\"early-expiry\""] {
        assert!(!text.contains(&format!("control = {absent}")), "{absent} holds\n{text}");
    }
    // The key is shared: everything about it is waived, or a plan would be refused.
    assert!(text.contains("control = \"key-grants\""));
    is_settled(&shell).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_estate_is_adopted_without_waivers() {
    let mut case = Case::insecure().await;
    let observer = format!(
        "[observers.drift]\nrole = \"{}\"\n\n[bucket]\nretention_days = 800\nevent_bridge = false\n\n[readers.audit-team]",
        case.sandbox.aws.role_arn("ContractorX")
    );
    let text = case.sandbox.manifest().replace("[readers.audit-team]", &observer);
    case.declare(&text);
    case.converge(&case.router().await).await;
    let shell = stranger(&case).await;
    let said = adopt(&case, &shell, &[], 0).await;
    let text = shell.read(FILE);
    insta::assert_snapshot!("adopted_sealed", steady(&text, &case));
    said.says("as it is: 0.");
    is_settled(&shell).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_delivery_it_is_a_new_estate() {
    let case = Case::empty().await;
    let shell = stranger(&case).await;
    let account = case.sandbox.aws.databricks_account.clone();
    let init = ["init", "--from-live", "--databricks-account-id", account.as_str()];
    shell.ends(&init, 64).await.says("pass --bucket");
    shell.ends(&[&init[..], &["--bucket", "new-audit-bucket"]].concat(), 64).await.says("pass --region");
    let named = [&init[..], &["--delivery", "nothing"]].concat();
    shell.ends(&named, 64).await.says("no log-delivery configuration is `nothing`");
    let bucket = case.sandbox.aws.bucket.clone();
    let whole = [&init[..], &["--bucket", &bucket, "--region", "us-east-1"]].concat();
    let said = shell.ends(&whole, 0).await;
    said.says("No delivery of audit logs to adopt was found");
    said.says("log-delivery[primary]");
    shell.ends(&["validate", "--strict"], 0).await;
    shell.ends(&["fmt", "--check"], 0).await;
    shell.ends(&["plan", "--detailed-exitcode"], 2).await;
    assert!(!shell.read(&format!("manifests/{bucket}.toml")).contains("waivers"));

    // What a delivery names may be gone, somebody else's, or of a form that a manifest does not have.
    let here = case.sandbox.aws.role_arn("Gone");
    for (number, (role, prefix, code, said)) in [
        (here.as_str(), "logs", 0, "warning: not everything can be adopted; a plan will show"),
        (here.as_str(), "/logs", 1, "is not a valid prefix"),
        ("arn:aws:iam::999988887777:role/Theirs", "logs", 64, "pass --role-profile"),
    ]
    .into_iter()
    .enumerate()
    {
        let sim = &case.sandbox.databricks;
        let (name, to) = (format!("delivery {number}"), format!("gone-{number}"));
        let (credential, storage) = (sim.seed_credential(&name, role), sim.seed_storage(&name, &to));
        sim.seed_log_delivery(LogDelivery::delivered(&name, &credential, &storage, prefix));
        let adopting = [&init[..], &["--delivery", &name, "--region", "us-east-1"]].concat();
        shell.ends(&adopting, code).await.says(said);
        assert_eq!(shell.path(&format!("manifests/{to}.toml")).exists(), code == 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_read_is_named_and_nothing_is_written() {
    let case = Case::insecure().await;
    let shell = stranger(&case).await;
    let deny = |operation: &str| {
        let trigger = Trigger::Operation(operation.to_owned());
        case.sandbox.faults.clear();
        case.sandbox.faults.add(Rule::before(trigger, Failure::Denied).always());
    };
    for (operation, permission) in [
        ("s3:GetBucketVersioning", "s3:GetBucketVersioning"),
        ("iam:GetAccountAuthorizationDetails", "iam:GetAccountAuthorizationDetails"),
        ("s3:GetBucketLocation", "s3:GetBucketLocation"),
        ("databricks:ListLogDelivery", "log-delivery"),
    ] {
        deny(operation);
        let ended = adopt(&case, &shell, &["--format", "json"], 3).await;
        ended.says("unread");
        let document = written(&shell, &ended).await;
        assert_eq!((&document["written"], &document["complete"]), (&false.into(), &false.into()));
        assert!(document["gaps"].to_string().contains(permission), "{document:#}");
        assert!(!shell.path(FILE).exists(), "{operation}");
    }
    deny("s3:GetBucketVersioning");
    let ended = adopt(&case, &shell, &["--allow", "unread-inputs", "--format", "json"], 0).await;
    let document = written(&shell, &ended).await;
    assert!(document["gaps"].to_string().contains("s3:GetBucketVersioning"), "{document:#}");
    assert_eq!((&document["path"], &document["text"]), (&FILE.into(), &shell.read(FILE).into()));
    assert_eq!(document["adopted"]["name"], "audit logs");
    assert_eq!(document["others"][0]["name"], "old audit logs");
    assert!(document["waivers"].as_u64() > Some(10), "{document:#}");
    assert!(
        shell
            .read(FILE)
            .contains("# Not everything could be read, and what hangs on it is not in here: s3:GetBucketVersioning")
    );
    case.sandbox.faults.clear();
    // What was not read is not waived: it is on the plan, not forgotten.
    shell.ends(&["plan", "--detailed-exitcode"], 2).await.says("acme/bucket-versioning[audit]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_flags_and_a_manifest_for_a_new_estate_without_any_cloud() {
    let shell = Shell::bare();
    let ended = shell.ends(&["init"], 64).await;
    for flag in ["--databricks-account-id", "--aws-account-id", "--region", "--bucket", "--admin-role", "--from-live"] {
        ended.says(flag);
    }
    shell.ends(&["init", "--from-live"], 64).await.says("pass --databricks-account-id");
    shell.ends(&["init", "--delivery", "x"], 64).await.says("--from-live");
    for (flag, value, said) in [
        ("--databricks-account-id", "acme", "is not a Databricks account id"),
        ("--aws-account-id", "1", "is not an AWS account id"),
        ("--region", "Frankfurt", "is not the code of an AWS region"),
        ("--bucket", "A", "is not a valid bucket name"),
        ("--prefix", "/x", "is not a valid prefix"),
        ("--admin-role", "arn:aws:iam::111122223333:user/a", "is a user, not a role"),
        ("--reader-role", "me", "is not an ARN"),
        ("--name", "a/b", "cannot be the name of a manifest"),
        ("--name", "defaults", "holds what manifests share"),
        ("-m", "manifests/_.toml", "cannot be the name of a manifest"),
    ] {
        shell.ends(&["init", flag, value], 64).await.says(said);
    }
    for (flag, value, said) in [
        ("--waive-until", "soon", "is not a date"),
        ("--waive-until", "2020-01-01", "is over"),
        ("--allow", "everything", "is not a code"),
    ] {
        shell.ends(&["init", "--from-live", flag, value], 64).await.says(said);
    }

    let role = |name: &str| format!("arn:aws:iam::111122223333:role/{name}");
    let (admin, second, reader) = (role("PlatformAdmin"), role("ops/PlatformAdmin"), role("SecurityAnalyst"));
    let mut whole = vec!["init", "--databricks-account-id", "0d26daa6-5e44-4c97-a497-ef015f91254a"];
    whole.extend(["--aws-account-id", "111122223333", "--region", "us-east-1", "--bucket", "acme-audit"]);
    whole.extend(["--admin-role", &admin, "--admin-role", &second, "--reader-role", &reader]);
    whole.extend(["--reader-group", "account \"users\""]);
    shell.ends(&whole, 0).await.says("Wrote manifests/acme-audit.toml.");
    insta::assert_snapshot!("fresh", shell.read("manifests/acme-audit.toml"));
    shell.ends(&["validate", "--strict"], 0).await;
    shell.ends(&["fmt", "--check"], 0).await;
    shell.ends(&whole, 1).await.says("is there already");
    let into = [&whole[..], &["-m", "other/acme.toml"]].concat();
    shell.ends(&into, 0).await.says("Wrote other/acme.toml.");
    // A folder that cannot be made.
    shell.write("file", "");
    let below = [&whole[..], &["-m", "file/acme.toml"]].concat();
    shell.ends(&below, 1).await.says("`file/acme.toml` could not be written");
    let printed = shell.ends(&[&whole[..], &["--stdout"]].concat(), 0).await;
    assert_eq!(printed.out, shell.read("other/acme.toml"));

    shell.ends(&[&whole[..], &["--format", "markdown"]].concat(), 64).await.says("as text or json");
    let third = [&whole[..], &["-m", "third/acme.toml", "--format", "json"]].concat();
    let document = written(&shell, &shell.ends(&third, 0).await).await;
    assert_eq!(document["path"], "third/acme.toml");
    assert_eq!(document["text"], Value::from(shell.read("third/acme.toml")));
    assert_eq!((&document["readers"], &document["admins"]), (&Value::from(2), &Value::from(2)));
    assert_eq!(shell.ends(&third, 1).await.out, "", "nothing was written, and nothing is said to be");
}
