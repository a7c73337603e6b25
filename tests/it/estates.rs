//! Random estates: whatever is there and whatever is declared, one apply brings them together, and a delivery that worked
//! still works.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

use crate::harness::{Case, assert_in_sync, changes};
use crate::sandbox::databricks::{DeliveryState, LogDelivery};
use crate::sandbox::estate::WORKSPACE;
use auditseal::adopt::Choice;
use auditseal::harden::{control_of, wider_control_of};
use auditseal::model::{Control, Desired, Waiver};
use auditseal::observe::observe;
use auditseal::plan::guard::Purpose;
use auditseal::plan::{Plan, Verdict};
use auditseal::run::adopt::{AdoptOptions, Beside, adopt};
use auditseal::run::plan::{PlanOptions, plan, plan_from};

/// What is there before, beside the vendor's example.
#[derive(Clone, Debug)]
struct Mess {
    /// Nothing but people, or the vendor's example.
    empty: bool,
    block: [bool; 4],
    versioned: bool,
    /// No default, SSE-S3, or the existing key.
    encryption: u8,
    owner_enforced: bool,
    statements: Vec<usize>,
    lifecycle: Vec<usize>,
    tagged: bool,
    filtered_delivery: bool,
    grants: usize,
    inline: bool,
    attached: bool,
}

/// What is declared.
#[derive(Clone, Debug)]
struct Wish {
    prefix: &'static str,
    mfa: bool,
    databricks_reader: bool,
    observer: bool,
    adopt: bool,
    role: u8,
    retention: u32,
    event_bridge: bool,
    filtered: bool,
}

fn mess() -> impl Strategy<Value = Mess> {
    let bucket = (any::<[bool; 4]>(), any::<bool>(), 0..3_u8, any::<bool>());
    let more = (
        proptest::collection::vec(0..6_usize, 0..4),
        proptest::sample::subsequence(vec![0, 1, 2], 0..=3),
        any::<bool>(),
        any::<bool>(),
    );
    let access = (0..3_usize, any::<bool>(), any::<bool>());
    (proptest::bool::weighted(0.2), bucket, more, access).prop_map(
        |(
            empty,
            (block, versioned, encryption, owner_enforced),
            (statements, lifecycle, tagged, filtered_delivery),
            (grants, inline, attached),
        )| Mess {
            empty,
            block,
            versioned,
            encryption,
            owner_enforced,
            statements,
            lifecycle,
            tagged,
            filtered_delivery,
            grants,
            inline,
            attached,
        },
    )
}

fn wish() -> impl Strategy<Value = Wish> {
    let prefix = proptest::sample::select(vec!["audit", "logs/databricks", "a"]);
    let who = (any::<bool>(), any::<bool>(), any::<bool>());
    (prefix, who, any::<bool>(), 0..3_u8, 30..900_u32, any::<bool>(), proptest::bool::weighted(0.2)).prop_map(
        |(prefix, (mfa, databricks_reader, observer), adopt, role, retention, event_bridge, filtered)| Wish {
            prefix,
            mfa,
            databricks_reader,
            observer,
            adopt,
            role,
            retention,
            event_bridge,
            filtered,
        },
    )
}

/// Statements that somebody might have written.
fn foreign_statement(case: &Case, which: usize) -> Value {
    let aws = &case.sandbox.aws;
    let (bucket, objects) = (format!("arn:aws:s3:::{}", aws.bucket), format!("arn:aws:s3:::{}/*", aws.bucket));
    match which {
        0 => json!({ "Sid": "Old", "Effect": "Allow", "Principal": { "AWS": aws.role_arn("ContractorX") },
            "Action": "s3:GetObject", "Resource": objects }),
        1 => json!({ "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::999988887777:root" },
            "Action": ["s3:List*", "s3:GetObject"], "Resource": [bucket, objects] }),
        // A deny that hurts nobody: it stays, and is shown.
        2 => json!({ "Sid": "NoInterns", "Effect": "Deny", "Principal": { "AWS": aws.role_arn("ContractorX") },
            "Action": "s3:*", "Resource": [bucket, objects] }),
        3 => json!({ "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
            "Resource": [bucket, objects], "Condition": { "Bool": { "aws:SecureTransport": "false" } } }),
        4 => json!({ "Effect": "Allow", "Principal": { "Service": "cloudtrail.amazonaws.com" },
            "Action": "s3:PutObject", "Resource": objects }),
        _ => json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": bucket }),
    }
}

fn lifecycle_rule(which: usize) -> aws_sdk_s3::types::LifecycleRule {
    use aws_sdk_s3::types::{
        AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRuleFilter,
    };
    let rule = aws_sdk_s3::types::LifecycleRule::builder().status(ExpirationStatus::Enabled);
    let days = |days| LifecycleExpiration::builder().days(days).build();
    let under = |prefix: &str| LifecycleRuleFilter::builder().prefix(prefix).build();
    match which {
        0 => rule.id("early").filter(under("")).expiration(days(3)),
        1 => rule.id("elsewhere").filter(under("tmp/")).expiration(days(1)),
        _ => rule.id("uploads").filter(under("")).abort_incomplete_multipart_upload(
            AbortIncompleteMultipartUpload::builder().days_after_initiation(3).build(),
        ),
    }
    .build()
    .expect("a rule")
}

impl Mess {
    async fn make(&self) -> Case {
        if self.empty {
            return Case::empty().await;
        }
        let case = Case::insecure().await;
        let aws = case.sandbox.aws.clone();
        let insecure = case.sandbox.insecure.clone().expect("insecure");
        let (s3, kms, iam) = (aws.world.s3(&aws.root()), aws.world.kms(&aws.root()), aws.world.iam(&aws.root()));
        self.make_bucket(&s3, &aws.bucket, &insecure.key_arn).await;
        if !self.statements.is_empty() {
            let live = s3.get_bucket_policy().bucket(&aws.bucket).send().await.expect("policy").policy.expect("policy");
            let mut policy: Value = serde_json::from_str(&live).expect("json");
            let statements = policy["Statement"].as_array_mut().expect("statements");
            statements.extend(self.statements.iter().map(|which| foreign_statement(&case, *which)));
            let mut seen = std::collections::BTreeSet::new();
            statements.retain(|one| seen.insert(one.to_string()));
            let put = s3.put_bucket_policy().bucket(&aws.bucket).policy(policy.to_string());
            put.send().await.expect("PutBucketPolicy");
        }
        for number in 0..self.grants {
            let grant = kms.create_grant().key_id(&insecure.key_arn).name(format!("g{number}"));
            let grant = grant.grantee_principal(aws.role_arn("ContractorX"));
            grant.operations(aws_sdk_kms::types::GrantOperation::Decrypt).send().await.expect("CreateGrant");
        }
        let all =
            json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:*", "Resource": "*" }] });
        if self.inline {
            let put = iam.put_role_policy().role_name("DatabricksAuditDelivery").policy_name("more");
            put.policy_document(all.to_string()).send().await.expect("PutRolePolicy");
        }
        if self.attached {
            let policy = iam.create_policy().policy_name("Everything").policy_document(all.to_string()).send().await;
            let arn = policy.expect("CreatePolicy").policy.and_then(|policy| policy.arn).expect("ARN");
            let attach = iam.attach_role_policy().role_name("DatabricksAuditDelivery").policy_arn(arn);
            attach.send().await.expect("AttachRolePolicy");
        }
        if self.filtered_delivery {
            let sim = &case.sandbox.databricks;
            let (credential, storage) = sim.inspect(|data| {
                let one = data.log_delivery.first().expect("a delivery");
                (one.credentials_id.clone(), one.storage_configuration_id.clone())
            });
            let mut config = LogDelivery::delivered("of a workspace", &credential, &storage, "ws");
            config.workspace_ids_filter = vec![WORKSPACE];
            config.delivers = true;
            sim.seed_log_delivery(config);
        }
        case
    }

    async fn make_bucket(&self, s3: &aws_sdk_s3::Client, bucket: &str, key: &str) {
        use aws_sdk_s3::types as s3t;
        let [acls, ignore, policy, restrict] = self.block;
        let block = s3t::PublicAccessBlockConfiguration::builder()
            .block_public_acls(acls)
            .ignore_public_acls(ignore)
            .block_public_policy(policy)
            .restrict_public_buckets(restrict)
            .build();
        let put = s3.put_public_access_block().bucket(bucket).public_access_block_configuration(block);
        put.send().await.expect("PutPublicAccessBlock");
        if self.versioned {
            let on = s3t::VersioningConfiguration::builder().status(s3t::BucketVersioningStatus::Enabled).build();
            let put = s3.put_bucket_versioning().bucket(bucket).versioning_configuration(on);
            put.send().await.expect("PutBucketVersioning");
        }
        if self.encryption > 0 {
            let default = s3t::ServerSideEncryptionByDefault::builder();
            let default = match self.encryption {
                1 => default.sse_algorithm(s3t::ServerSideEncryption::Aes256),
                _ => default.sse_algorithm(s3t::ServerSideEncryption::AwsKms).kms_master_key_id(key),
            };
            let rule = s3t::ServerSideEncryptionRule::builder();
            let rule = rule.apply_server_side_encryption_by_default(default.build().expect("default")).build();
            let rules = s3t::ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("rules");
            let put = s3.put_bucket_encryption().bucket(bucket).server_side_encryption_configuration(rules);
            put.send().await.expect("PutBucketEncryption");
        }
        if self.owner_enforced {
            let rule = s3t::OwnershipControlsRule::builder();
            let rule = rule.object_ownership(s3t::ObjectOwnership::BucketOwnerEnforced).build().expect("rule");
            let rules = s3t::OwnershipControls::builder().rules(rule).build().expect("controls");
            let put = s3.put_bucket_ownership_controls().bucket(bucket).ownership_controls(rules);
            put.send().await.expect("PutBucketOwnershipControls");
        }
        if !self.lifecycle.is_empty() {
            let rules = self.lifecycle.iter().map(|which| lifecycle_rule(*which)).collect();
            let rules = s3t::BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().expect("rules");
            let put = s3.put_bucket_lifecycle_configuration().bucket(bucket).lifecycle_configuration(rules);
            put.send().await.expect("PutBucketLifecycleConfiguration");
        }
        if self.tagged {
            let tag = s3t::Tag::builder().key("team").value("platform").build().expect("tag");
            let tags = s3t::Tagging::builder().tag_set(tag).build().expect("tags");
            s3.put_bucket_tagging().bucket(bucket).tagging(tags).send().await.expect("PutBucketTagging");
        }
    }
}

impl Wish {
    fn manifest(&self, case: &Case) -> String {
        let aws = &case.sandbox.aws;
        let (account, region) = (&aws.account, &aws.region);
        let mut text = format!(
            "version = 1\n[databricks]\naccount_id = \"{}\"\n[aws]\naccount_id = \"{account}\"\nregion = \"{region}\"\n\
             [delivery]\nbucket = \"{}\"\nprefix = \"{}\"\nundeclared = \"disable\"\n",
            aws.databricks_account, aws.bucket, self.prefix
        );
        if self.filtered {
            text.push_str(&format!("workspaces = [{WORKSPACE}]\n"));
        }
        let (days, events) = (self.retention, self.event_bridge);
        text.push_str(&format!("[bucket]\nretention_days = {days}\nevent_bridge = {events}\n"));
        if let Some(insecure) = case.sandbox.insecure.as_ref().filter(|_| self.adopt) {
            text.push_str(&format!("[key]\narn = \"{}\"\n", insecure.key_arn));
        }
        match self.role {
            0 => {}
            1 => text.push_str(&format!("[role]\narn = \"{}\"\n", aws.role_arn("DatabricksAuditDelivery"))),
            _ => text.push_str(&format!("[role]\narn = \"{}\"\n", aws.role_arn("log/delivery/Fresh"))),
        }
        let analyst = aws.role_arn("SecurityAnalyst");
        text.push_str(&format!("[readers.analysts]\nrole = \"{analyst}\"\nmfa = {}\n", self.mfa));
        if self.databricks_reader {
            text.push_str("[readers.group]\ndatabricks_group = \"audit-readers\"\n");
        }
        if self.observer {
            text.push_str(&format!("[observers.drift]\nrole = \"{}\"\n", aws.role_arn("AccountAdmin")));
        }
        for admin in ["PlatformAdmin", "SecondAdmin"] {
            text.push_str(&format!("[admins.{admin}]\nrole = \"{}\"\n", aws.role_arn(admin)));
        }
        text
    }
}

/// Whether some enabled delivery to the audit bucket succeeds now.
async fn delivers(case: &Case) -> bool {
    case.sandbox.databricks.deliver_now().await;
    case.sandbox.databricks.inspect(|data| {
        data.log_delivery.iter().any(|one| {
            let storage = data.storage(&one.storage_configuration_id);
            let ours = storage.is_some_and(|storage| storage.bucket_name == case.sandbox.aws.bucket);
            one.enabled && ours && one.state == DeliveryState::Succeeded
        })
    })
}

async fn comes_together(mess: Mess, wish: Wish) -> Result<(), String> {
    let mut case = mess.make().await;
    let text = wish.manifest(&case);
    case.declare(&text);
    let worked = mess.empty || delivers(&case).await;
    let router = case.router().await;
    let plan = case.plan(&router).await;
    let refused: Vec<_> = plan.guards.iter().filter(|guard| guard.verdict == Verdict::Refuse).collect();
    if !refused.is_empty() || !plan.complete {
        return Err(format!("refused {refused:?}, gaps {:?}", plan.gaps));
    }
    let applied = case.apply(&router, &plan).await.map_err(|error| error.to_string())?;
    assert_in_sync(&applied);
    let again = case.plan(&router).await;
    if !changes(&again).is_empty() {
        return Err(format!("the second plan changes {:?}", changes(&again)));
    }
    if worked && !delivers(&case).await {
        return Err("nothing is delivered any more".to_owned());
    }
    Ok(())
}

/// What `init --from-live` is asked for the audit bucket.
pub fn adoption(case: &Case) -> AdoptOptions {
    let today = auditseal::run::clock::today();
    AdoptOptions {
        databricks_account: case.sandbox.aws.databricks_account.clone(),
        aws_account: None,
        region: None,
        partition: None,
        choice: Choice { bucket: Some(case.sandbox.aws.bucket.clone()), ..Choice::default() },
        name: Some("acme".to_owned()),
        role: None,
        role_profile: None,
        admins: Vec::new(),
        readers: Vec::new(),
        owner: None,
        today,
        until: today,
        allow: std::collections::BTreeSet::new(),
        beside: Beside::default(),
    }
}

/// Whatever is there is declared as it is: nothing is planned, and each waiver brings back its own change.
async fn is_adopted(mess: Mess) -> Result<(), String> {
    let mut case = mess.make().await;
    let today = auditseal::run::clock::today();
    let options = adoption(&case);
    let account = case.sandbox.aws.account.clone();
    let adopted = {
        // Before the account is known, the credentials tell it.
        let connect = |desired: Desired| {
            let case = &case;
            async move { Ok::<_, String>(case.router_for(&desired.aws.account_id).await) }
        };
        adopt(&options, connect, |_| 0).await.map_err(|error| error.to_string())?
    };
    if !adopted.refusals().is_empty() || !adopted.plan.complete {
        return Err(format!("refused {:?}, gaps {:?}", adopted.refusals(), adopted.plan.gaps));
    }
    case.declare(&adopted.text);
    assert_eq!(case.desired[0].aws.account_id, account);
    let router = case.router().await;
    let options = PlanOptions { today, access: true, ..PlanOptions::default() };
    let plan = plan(&router, &case.desired, &options, Purpose::Plan).await;
    if !changes(&plan).is_empty() {
        return Err(format!("the plan changes {:?}\n{}", changes(&plan), adopted.text));
    }
    let unneeded: Vec<_> = plan.findings.iter().filter(|one| one.code == "waiver-unneeded").collect();
    if !unneeded.is_empty() {
        return Err(format!("{unneeded:?}\n{}", adopted.text));
    }
    let live = observe(&router, &case.desired).await;
    let estate = &case.desired[0];
    for (index, waiver) in estate.waivers.iter().enumerate() {
        let mut without = estate.clone();
        without.waivers.remove(index);
        let options = PlanOptions { today, ..PlanOptions::default() };
        brings_back(waiver, &plan_from(&live, &[without], &options, Purpose::Plan))?;
    }
    Ok(())
}

/// Without a waiver, a plan changes what it was about, and nothing else.
fn brings_back(waiver: &Waiver, plan: &Plan) -> Result<(), String> {
    let control = waiver.control;
    let address = waiver.address.as_ref().ok_or("a waiver of an estate names its resource")?;
    if plan.guards.iter().any(|guard| guard.code == "waivers-leave-nothing" && guard.verdict == Verdict::Refuse) {
        // It ends together with the one that allows the declared, or that keeps the logs.
        let together = [Control::UndeclaredStatements, Control::EarlyExpiry].contains(&control);
        return if together { Ok(()) } else { Err(format!("{control} leaves nothing")) };
    }
    if plan.changes.is_empty() {
        return Err(format!("without the waiver of {control} at {address}, nothing changes"));
    }
    for change in &plan.changes {
        let (kind, name) = (change.address.kind, change.address.name.as_str());
        for field in change.fields.iter().filter(|field| field.path != "version") {
            let own = control_of(kind, name, &field.path) == Some(control) && waiver.is_about(kind, name);
            // A key of its own comes with its switch.
            let switch = control == Control::CustomerKey && field.path == "bucket_key";
            let wider = switch || wider_control_of(kind, name, &field.path) == Some(control);
            if !own && !wider {
                return Err(format!("without the waiver of {control} at {address}: {} {}", change.address, field.path));
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_estates_are_adopted_as_they_are() {
    let mut failed = Vec::new();
    let messes = drawn().into_iter().map(|(mess, _)| mess).filter(|mess| !mess.empty).enumerate();
    let mut tried = 0;
    for (index, mess) in messes.step_by(2) {
        tried += 1;
        if let Err(message) = is_adopted(mess.clone()).await {
            failed.push(format!("estate {index}: {message}\n{mess:?}"));
        }
    }
    assert!(tried >= 2);
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// The same estates on every run: more of them on request.
fn drawn() -> Vec<(Mess, Wish)> {
    let count = if std::env::var_os("AUDITSEAL_TEST_ALL").is_some() { 60 } else { 8 };
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, b"auditseal: random estates, fixed");
    let mut runner = TestRunner::new_with_rng(Config::default(), seed);
    (0..count).map(|_| (mess(), wish()).new_tree(&mut runner).expect("a case").current()).collect()
}

/// Estates in four lines, so that a failure of one does not hide the others.
async fn line(number: usize) {
    let mut failed = Vec::new();
    let mine = drawn().into_iter().enumerate().filter(|(index, _)| index % 4 == number);
    let mut tried = 0;
    for (index, (mess, wish)) in mine {
        tried += 1;
        if let Err(message) = comes_together(mess.clone(), wish.clone()).await {
            failed.push(format!("estate {index}: {message}\n{mess:?}\n{wish:?}"));
        }
    }
    assert!(tried >= 2);
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_estates_come_together_first_line() {
    line(0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_estates_come_together_second_line() {
    line(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_estates_come_together_third_line() {
    line(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_estates_come_together_fourth_line() {
    line(3).await;
}
