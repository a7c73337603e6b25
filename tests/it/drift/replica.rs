//! The whole declaration: replica, observers, scanners, earlier prefixes and keys, several workspaces.

use aws_sdk_s3::types as s3;

use super::{Estate, bucket, key, policy, role};
use crate::harness::Case;
use crate::sandbox::estate::REGION;

const WEST: &str = "us-west-2";
const STAGING: i64 = 2_345_678_901;

/// The insecure estate with everything declared that can be declared.
async fn whole() -> Case {
    let mut case = Case::insecure().await;
    let sandbox = &case.sandbox;
    let aws = &sandbox.aws;
    for role in ["Observer", "Scanner", "LogReader"] {
        aws.world
            .make_role(&aws.root(), role, &policy::trust(&case), &[("s3:ListAllMyBuckets", "*")])
            .await
            .expect("role");
    }
    let previous = aws.world.kms(&aws.root()).create_key().send().await.expect("CreateKey");
    let previous = previous.key_metadata.and_then(|key| key.arn).expect("an ARN");
    sandbox.databricks.seed_workspace(STAGING, "staging", WEST, None);
    let account = &aws.account;
    let bucket = &aws.bucket;
    let text = sandbox
        .manifest()
        .replace("prefix     = \"audit\"", "prefix     = \"audit\"\nprevious_prefixes = [\"audit-logs\"]")
        .replace("\n[key]\n", &format!("\n[key]\nprevious = [\"{previous}\"]\nrotation_days = 180\n"));
    let text = format!(
        r#"{text}
[bucket]
retention_days            = 730
noncurrent_retention_days = 400
abort_multipart_days      = 3

[bucket.access_log]
bucket  = "{bucket}-s3log"
prefix  = "log/"
readers = ["arn:aws:iam::{account}:role/LogReader"]

[[bucket.replicas]]
bucket = "{bucket}-west"
region = "{WEST}"

[observers.drift]
role = "arn:aws:iam::{account}:role/Observer"

[scanners.dspm]
role = "arn:aws:iam::{account}:role/Scanner"

[workspaces.{STAGING}]
verbose_audit_logs = false

[account]
public_access_block = true
"#
    );
    case.declare(&text);
    case
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_declared_and_a_replica() {
    let case = whole().await;
    let router = case.router_of_two_regions(WEST).await;
    let estate = Estate::reached(case, router, &[]).await;
    let copy = format!("{}-west", estate.bucket());
    let name = format!("replica-{copy}");
    declared_replication(&estate, &copy).await;

    let estate = estate.moved_to(WEST);
    copied_bucket(&estate, &copy, &name).await;
    let estate = estate.moved_to(REGION);
    replication_role(&estate).await;
    account_block(&estate).await;
    let act =
        async { estate.case.sandbox.databricks.seed_workspace_conf(STAGING, "enableVerboseAuditLogs", Some("true")) };
    estate.drift("verbose logs on", act, &[("_/workspace-conf[staging]", &["enableVerboseAuditLogs"])]).await;
    estate.done();
}

/// A replica is a bucket with the same rules and a key of its own.
async fn copied_bucket(estate: &Estate, copy: &str, name: &str) {
    bucket::public_access(estate, copy, &format!("acme/bucket-public-access-block[{name}]")).await;
    // Public ACLs are refused while the account's block is on.
    let address = format!("acme/bucket-ownership[{name}]");
    let act = bucket::own(estate, copy, s3::ObjectOwnership::ObjectWriter);
    estate.drift("replica ownership", act, &[(&address, &["object_ownership"])]).await;
    bucket::versioning(estate, copy, name).await;
    bucket::tags(estate, copy, name).await;
    bucket::lifecycle(estate, copy, name, "audit").await;
    let client = estate.s3();
    let address = format!("acme/bucket-encryption[{name}]");
    let act = bucket::encrypt(estate, copy, s3::ServerSideEncryption::Aes256, None, false);
    estate.drift("a replica without key", act, &[(&address, &["algorithm", "bucket_key", "key"])]).await;
    let live = async || {
        let policy = client.get_bucket_policy().bucket(copy).send().await.expect("GetBucketPolicy");
        super::Document::of(policy.policy().expect("a policy"))
    };
    let address = format!("acme/bucket-policy[{name}]");
    for sid in live().await.sids() {
        let without = live().await.without(&sid);
        let act = async {
            client.put_bucket_policy().bucket(copy).policy(without.to_string()).send().await.expect("PutBucketPolicy");
        };
        let path = format!("statement[{sid}]");
        estate.drift(&format!("replica policy without {sid}"), act, &[(&address, &[&path])]).await;
    }
    let alias = estate.case.desired[0].bucket.replicas[0].alias();
    let found = estate.kms().describe_key().key_id(&alias).send().await.expect("DescribeKey");
    let key = found.key_metadata.and_then(|key| key.arn).expect("an ARN");
    let site = key::Site { key: &key, name, alias: &alias };
    key::state(estate, &site).await;
    key::names(estate, &site).await;
    key::tags(estate, &site).await;
    key::policy(estate, &site).await;
    key::grants(estate, &site).await;
}

/// The declared configuration changed in each of its fields, with a destination added, and gone.
async fn declared_replication(estate: &Estate, copy: &str) {
    let s3 = estate.s3();
    let address = "acme/bucket-replication[audit]";
    let live = async || {
        let answer = s3.get_bucket_replication().bucket(estate.bucket()).send().await.expect("GetBucketReplication");
        answer.replication_configuration.expect("replication")
    };
    let put = async |configuration: s3::ReplicationConfiguration| {
        let put = s3.put_bucket_replication().bucket(estate.bucket());
        put.replication_configuration(configuration).send().await.expect("PutBucketReplication");
    };
    let rule = format!("rules[auditseal-{copy}]");
    type Alter = fn(&mut s3::ReplicationRule);
    let alterations: [(&str, Alter); 3] = [
        ("enabled", |rule| rule.status = s3::ReplicationRuleStatus::Disabled),
        ("prefix", |rule| rule.filter = Some(s3::ReplicationRuleFilter::builder().prefix("elsewhere/").build())),
        ("delete_markers", |rule| {
            let status = s3::DeleteMarkerReplicationStatus::Enabled;
            rule.delete_marker_replication = Some(s3::DeleteMarkerReplication::builder().status(status).build());
        }),
    ];
    for (field, alter) in alterations {
        let mut altered = live().await;
        let own = altered.rules.iter_mut().find(|one| one.id() == Some(&rule[6..rule.len() - 1])).expect("our rule");
        alter(own);
        let path = format!("{rule}.{field}");
        estate.drift(&format!("replication {field}"), put(altered), &[(address, &[&path])]).await;
    }
    let plan = async {
        s3.delete_bucket_replication().bucket(estate.bucket()).send().await.expect("DeleteBucketReplication");
    };
    plan.await;
    let found = estate.case.plan(&estate.router).await;
    let named = estate.named(&found);
    assert_eq!(named.keys().collect::<Vec<_>>(), [address], "replication deleted");
    let paths: Vec<&str> = named[address].iter().map(String::as_str).collect();
    estate.drift("replication deleted", async {}, &[(address, &paths)]).await;
}

/// The role that copies.
async fn replication_role(estate: &Estate) {
    let role = estate.case.desired[0].replication_role_name();
    let role = role.rsplit('/').next().expect("a name").to_owned();
    let iam = estate.iam();
    let everything = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#;
    let act = async {
        let call = iam.put_role_policy().role_name(&role).policy_name("debugging").policy_document(everything);
        call.send().await.expect("PutRolePolicy");
    };
    let expected: &[&str] = &["inline_policies[debugging]"];
    estate.drift("replication role", act, &[("acme/role-inline-policies[replication]", expected)]).await;
    let own = "auditseal-replication";
    let found = iam.get_role_policy().role_name(&role).policy_name(own).send().await.expect("GetRolePolicy");
    let live = super::Document::of(&role::decoded(found.policy_document()));
    for sid in live.sids() {
        let path = format!("statement[{sid}]");
        let less = live.clone().without(&sid).to_string();
        let act = async {
            let call = iam.put_role_policy().role_name(&role).policy_name(own).policy_document(less);
            call.send().await.expect("PutRolePolicy");
        };
        let what = format!("replication policy without {sid}");
        estate.drift(&what, act, &[("acme/role-policy[replication]", &[&path])]).await;
    }
    let trusting = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"S3Replication","Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{{"AWS":"{}"}}}}]}}"#,
        estate.case.sandbox.aws.role_arn("AccountAdmin")
    );
    let before = estate.case.plan(&estate.router).await;
    assert!(before.changes.is_empty(), "{:?}", crate::harness::changes(&before));
    let call = iam.update_assume_role_policy().role_name(&role).policy_document(trusting);
    call.send().await.expect("UpdateAssumeRolePolicy");
    let found = estate.named(&estate.case.plan(&estate.router).await);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["acme/role[replication]"]);
    let paths: Vec<&str> = found["acme/role[replication]"].iter().map(String::as_str).collect();
    assert!(paths.iter().all(|path| path.starts_with("trust.statement[")), "{paths:?}");
    estate.drift("replication trust", async {}, &[("acme/role[replication]", &paths)]).await;
    let act = async {
        let call = iam.untag_role().role_name(&role).tag_keys("auditseal:owner");
        call.send().await.expect("UntagRole");
    };
    estate.drift("replication role tag", act, &[("acme/role[replication]", &["tags[\"auditseal:owner\"]"])]).await;
}

/// The switches of the account. The call is not in the SDK that the sandbox uses, so that the tool's own client makes it.
async fn account_block(estate: &Estate) {
    use auditseal::call::Write;
    use auditseal::model::bucket::PublicAccessBlock;
    use auditseal::provider::Writer;

    let address = format!("_/account-public-access-block[{}]", estate.case.sandbox.aws.account);
    for (index, switch) in bucket::SWITCHES.iter().enumerate() {
        let block = PublicAccessBlock {
            block_public_acls: index != 0,
            ignore_public_acls: index != 1,
            block_public_policy: index != 2,
            restrict_public_buckets: index != 3,
        };
        let act = async {
            let write = Write::PutAccountPublicAccessBlock { block };
            estate.router.write(&estate.case.aws_place(), &write).await.expect("PutPublicAccessBlock");
        };
        let what = format!("account {switch}");
        if index % 2 == 0 {
            estate.found(&what, act, &[(&address, &[switch])]).await;
        } else {
            estate.drift(&what, act, &[(&address, &[switch])]).await;
        }
    }
}
