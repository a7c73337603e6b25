//! Settings of the audit bucket.

use aws_sdk_s3::types as s3;
use serde_json::json;

use super::Estate;
use crate::harness::Case;

const OURS: &str = "auditseal-retention";

/// A public access block with one switch off.
pub fn block_without(index: usize) -> s3::PublicAccessBlockConfiguration {
    s3::PublicAccessBlockConfiguration::builder()
        .block_public_acls(index != 0)
        .ignore_public_acls(index != 1)
        .block_public_policy(index != 2)
        .restrict_public_buckets(index != 3)
        .build()
}

pub const SWITCHES: [&str; 4] =
    ["block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets"];

/// The four switches one by one, then the block as a whole.
pub async fn public_access(estate: &Estate, bucket: &str, address: &str) {
    let s3 = estate.s3();
    for (index, switch) in SWITCHES.iter().enumerate() {
        let act = async {
            let put = s3.put_public_access_block().bucket(bucket);
            put.public_access_block_configuration(block_without(index)).send().await.expect("PutPublicAccessBlock");
        };
        let what = format!("{address} {switch}");
        if index % 2 == 0 {
            estate.found(&what, act, &[(address, &[switch])]).await;
        } else {
            estate.drift(&what, act, &[(address, &[switch])]).await;
        }
    }
    let act = async {
        s3.delete_public_access_block().bucket(bucket).send().await.expect("DeletePublicAccessBlock");
    };
    estate.drift(&format!("{address} deleted"), act, &[(address, &SWITCHES)]).await;
}

pub async fn own(estate: &Estate, bucket: &str, ownership: s3::ObjectOwnership) {
    let rule = s3::OwnershipControlsRule::builder().object_ownership(ownership).build().expect("rule");
    let controls = s3::OwnershipControls::builder().rules(rule).build().expect("controls");
    let put = estate.s3().put_bucket_ownership_controls().bucket(bucket).ownership_controls(controls);
    put.send().await.expect("PutBucketOwnershipControls");
}

/// Ownership that lets ACLs count, then a grant to everybody under it.
pub async fn ownership(estate: &Estate, bucket: &str, name: &str) {
    let s3 = estate.s3();
    let owner = format!("acme/bucket-ownership[{name}]");
    for value in [s3::ObjectOwnership::BucketOwnerPreferred, s3::ObjectOwnership::ObjectWriter] {
        let act = own(estate, bucket, value);
        estate.drift(&format!("{name} ownership"), act, &[(&owner, &["object_ownership"])]).await;
    }
    let act = async {
        s3.delete_bucket_ownership_controls().bucket(bucket).send().await.expect("DeleteBucketOwnershipControls");
    };
    estate.drift(&format!("{name} ownership deleted"), act, &[(&owner, &["object_ownership"])]).await;
    let acl = format!("acme/bucket-acl[{name}]");
    let block = format!("acme/bucket-public-access-block[{name}]");
    let act = async {
        own(estate, bucket, s3::ObjectOwnership::ObjectWriter).await;
        // With the block on, S3 refuses a public ACL.
        s3.delete_public_access_block().bucket(bucket).send().await.expect("DeletePublicAccessBlock");
        let put = s3.put_bucket_acl().bucket(bucket).acl(s3::BucketCannedAcl::PublicRead);
        put.send().await.expect("PutBucketAcl");
    };
    let everyone = "grants[http://acs.amazonaws.com/groups/global/AllUsers]";
    let expected: [(&str, &[&str]); 3] = [(&acl, &[everyone]), (&owner, &["object_ownership"]), (&block, &SWITCHES)];
    estate.drift(&format!("{name} ACL"), act, &expected).await;
}

pub async fn tags(estate: &Estate, bucket: &str, name: &str) {
    let s3 = estate.s3();
    let owner = estate.case.desired[0].owner();
    let put = async |pairs: &[(&str, &str)]| {
        let set = pairs.iter().map(|(key, value)| s3::Tag::builder().key(*key).value(*value).build().expect("tag"));
        let tagging = s3::Tagging::builder().set_tag_set(Some(set.collect())).build().expect("tags");
        s3.put_bucket_tagging().bucket(bucket).tagging(tagging).send().await.expect("PutBucketTagging");
    };
    let address = format!("acme/bucket-tags[{name}]");
    let path: &[&str] = &["tags[\"auditseal:owner\"]"];
    let act = async {
        s3.delete_bucket_tagging().bucket(bucket).send().await.expect("DeleteBucketTagging");
    };
    estate.drift(&format!("{name} tags removed"), act, &[(&address, path)]).await;
    estate.ignored(&format!("{name} foreign tag"), put(&[("auditseal:owner", &owner), ("team", "security")])).await;
    // The foreign tag survives the repair of ours.
    estate.drift(&format!("{name} only our tag removed"), put(&[("team", "security")]), &[(&address, path)]).await;
    let now = s3.get_bucket_tagging().bucket(bucket).send().await.expect("GetBucketTagging");
    estate.holds(now.tag_set().iter().any(|tag| tag.key() == "team" && tag.value() == "security"), "the foreign tag");
    estate
        .refused(&format!("{name} of another owner"), put(&[("auditseal:owner", "other/bucket")]), "owned-by-another")
        .await;
    put(&[("auditseal:owner", &owner)]).await;
}

pub async fn versioning(estate: &Estate, bucket: &str, name: &str) {
    let act = async {
        let status = s3::BucketVersioningStatus::Suspended;
        let configuration = s3::VersioningConfiguration::builder().status(status).build();
        let put = estate.s3().put_bucket_versioning().bucket(bucket).versioning_configuration(configuration);
        put.send().await.expect("PutBucketVersioning");
    };
    let address = format!("acme/bucket-versioning[{name}]");
    estate.drift(&format!("{name} versioning"), act, &[(&address, &["status"])]).await;
}

pub async fn encrypt(
    estate: &Estate,
    bucket: &str,
    algorithm: s3::ServerSideEncryption,
    key: Option<&str>,
    cheap: bool,
) {
    let default = s3::ServerSideEncryptionByDefault::builder()
        .sse_algorithm(algorithm)
        .set_kms_master_key_id(key.map(str::to_owned))
        .build()
        .expect("default");
    let rule = s3::ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .bucket_key_enabled(cheap)
        .build();
    let configuration = s3::ServerSideEncryptionConfiguration::builder().rules(rule).build().expect("configuration");
    let put = estate.s3().put_bucket_encryption().bucket(bucket).server_side_encryption_configuration(configuration);
    put.send().await.expect("PutBucketEncryption");
}

/// The rules that this tool wrote: the one to be changed in one place, and those of earlier prefixes.
async fn own_rules(estate: &Estate, bucket: &str) -> (s3::LifecycleRule, Vec<s3::LifecycleRule>) {
    let live = estate.s3().get_bucket_lifecycle_configuration().bucket(bucket).send().await.expect("lifecycle");
    let (own, rest): (Vec<_>, Vec<_>) =
        live.rules.unwrap_or_default().into_iter().partition(|rule| rule.id() == Some(OURS));
    (own.into_iter().next().expect("our rule"), rest)
}

async fn rules(estate: &Estate, bucket: &str, rules: Vec<s3::LifecycleRule>) {
    let configuration = s3::BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build().expect("rules");
    let put = estate.s3().put_bucket_lifecycle_configuration().bucket(bucket);
    put.lifecycle_configuration(configuration).send().await.expect("PutBucketLifecycleConfiguration");
}

/// A rule of somebody else.
fn foreign(id: &str, prefix: &str, days: i32) -> s3::LifecycleRule {
    s3::LifecycleRule::builder()
        .id(id)
        .status(s3::ExpirationStatus::Enabled)
        .filter(s3::LifecycleRuleFilter::builder().prefix(prefix).build())
        .expiration(s3::LifecycleExpiration::builder().days(days).build())
        .build()
        .expect("rule")
}

/// Every field of our rule, and rules of others.
pub async fn lifecycle(estate: &Estate, bucket: &str, name: &str, prefix: &str) {
    type Alter = fn(&mut s3::LifecycleRule);
    let address = format!("acme/bucket-lifecycle[{name}]");
    let (own, rest) = own_rules(estate, bucket).await;
    let beside = |rules: &[s3::LifecycleRule]| rules.iter().chain(&rest).cloned().collect::<Vec<_>>();
    let alterations: [(&str, Alter); 5] = [
        ("expiration.days", |rule| {
            rule.expiration = Some(s3::LifecycleExpiration::builder().days(30).build());
        }),
        ("noncurrent_expiration.days", |rule| {
            let days = s3::NoncurrentVersionExpiration::builder().noncurrent_days(1).build();
            rule.noncurrent_version_expiration = Some(days);
        }),
        ("abort_multipart_days", |rule| {
            let days = s3::AbortIncompleteMultipartUpload::builder().days_after_initiation(30).build();
            rule.abort_incomplete_multipart_upload = Some(days);
        }),
        ("filter.prefix", |rule| {
            rule.filter = Some(s3::LifecycleRuleFilter::builder().prefix("elsewhere/").build());
        }),
        ("enabled", |rule| rule.status = s3::ExpirationStatus::Disabled),
    ];
    for (index, (field, alter)) in alterations.into_iter().enumerate() {
        let mut altered = own.clone();
        alter(&mut altered);
        let path = format!("rules[{OURS}].{field}");
        let act = rules(estate, bucket, beside(&[altered]));
        let what = format!("{name} lifecycle {field}");
        if index % 2 == 0 {
            estate.found(&what, act, &[(&address, &[&path])]).await;
        } else {
            estate.drift(&what, act, &[(&address, &[&path])]).await;
        }
    }
    let fields = ["abort_multipart_days", "enabled", "expiration.days", "filter.prefix", "noncurrent_expiration.days"];
    let ids: Vec<&str> = [&own].into_iter().chain(&rest).filter_map(|rule| rule.id()).collect();
    let all: Vec<String> = ids.iter().flat_map(|id| fields.map(|field| format!("rules[{id}].{field}"))).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let act = async {
        estate.s3().delete_bucket_lifecycle().bucket(bucket).send().await.expect("DeleteBucketLifecycle");
    };
    estate.drift(&format!("{name} lifecycle deleted"), act, &[(&address, &all)]).await;
    let early = ["rules[early].enabled", "rules[early].expiration.days", "rules[early].filter.prefix"];
    let act = rules(estate, bucket, beside(&[own.clone(), foreign("early", prefix, 30)]));
    estate.drift(&format!("{name} lifecycle of others, early"), act, &[(&address, &early)]).await;
    let whole = ["rules[early].enabled", "rules[early].expiration.days"];
    let act = rules(estate, bucket, beside(&[own.clone(), foreign("early", "", 1)]));
    estate.drift(&format!("{name} lifecycle of others, whole bucket"), act, &[(&address, &whole)]).await;
    let act = rules(estate, bucket, beside(&[own.clone(), foreign("harmless", "tmp/", 1)]));
    let code = "undeclared-lifecycle-rule-kept";
    estate.kept(&format!("{name} lifecycle of others, harmless"), act, code, &address).await;
    // It survives the repair of ours.
    let mut altered = own.clone();
    altered.status = s3::ExpirationStatus::Disabled;
    let act = rules(estate, bucket, beside(&[altered, foreign("harmless", "tmp/", 1)]));
    let path = format!("rules[{OURS}].enabled");
    estate.drift(&format!("{name} lifecycle beside another"), act, &[(&address, &[&path])]).await;
    let now = estate.s3().get_bucket_lifecycle_configuration().bucket(bucket).send().await.expect("lifecycle");
    estate.holds(now.rules().iter().any(|rule| rule.id() == Some("harmless")), "the foreign rule");
    rules(estate, bucket, beside(&[own])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_of_the_audit_bucket() {
    let estate = Estate::of(Case::insecure().await).await;
    let bucket = estate.bucket().to_owned();
    let s3 = estate.s3();
    public_access(&estate, &bucket, "acme/bucket-public-access-block[audit]").await;
    ownership(&estate, &bucket, "audit").await;
    versioning(&estate, &bucket, "audit").await;
    tags(&estate, &bucket, "audit").await;

    let key = estate.key().await;
    let address = "acme/bucket-encryption[audit]";
    let act = encrypt(&estate, &bucket, s3::ServerSideEncryption::Aes256, None, false);
    estate.drift("encryption algorithm", act, &[(address, &["algorithm", "bucket_key", "key"])]).await;
    let act = encrypt(&estate, &bucket, s3::ServerSideEncryption::AwsKms, None, true);
    estate.drift("encryption with the key of AWS", act, &[(address, &["key"])]).await;
    let act = encrypt(&estate, &bucket, s3::ServerSideEncryption::AwsKms, Some(&key), false);
    estate.drift("bucket key off", act, &[(address, &["bucket_key"])]).await;
    // The bare id of the same key is no drift.
    let id = key.rsplit('/').next().expect("an id").to_owned();
    let act = encrypt(&estate, &bucket, s3::ServerSideEncryption::AwsKms, Some(&id), true);
    estate.ignored("the key by its id", act).await;
    let other = estate.kms().create_key().send().await.expect("CreateKey").key_metadata.expect("a key");
    let other = other.arn.expect("an ARN");
    let act = encrypt(&estate, &bucket, s3::ServerSideEncryption::AwsKms, Some(&other), true);
    estate.drift("another key", act, &[(address, &["key"])]).await;
    let act = async {
        s3.delete_bucket_encryption().bucket(&bucket).send().await.expect("DeleteBucketEncryption");
    };
    estate.drift("encryption deleted", act, &[(address, &["algorithm", "bucket_key", "key"])]).await;
    estate.done();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lifecycle_logging_and_events_of_the_audit_bucket() {
    let estate = Estate::of(Case::empty().await).await;
    let bucket = estate.bucket().to_owned();
    lifecycle(&estate, &bucket, "audit", "audit/").await;
    logging(&estate, &bucket).await;
    notification(&estate, &bucket).await;
    replication(&estate, &bucket).await;
    estate.done();
}

async fn logging(estate: &Estate, bucket: &str) {
    let s3 = estate.s3();
    let log = estate.log_bucket().to_owned();
    let address = "acme/bucket-logging[audit]";
    let put = async |target: Option<(&str, &str)>| {
        let enabled = target.map(|(bucket, prefix)| {
            s3::LoggingEnabled::builder().target_bucket(bucket).target_prefix(prefix).build().expect("logging")
        });
        let status = s3::BucketLoggingStatus::builder().set_logging_enabled(enabled).build();
        s3.put_bucket_logging().bucket(bucket).bucket_logging_status(status).send().await.expect("PutBucketLogging");
    };
    estate.drift("log prefix", put(Some((&log, "s3/elsewhere/"))), &[(address, &["target_prefix"])]).await;
    let other = format!("{bucket}-elsewhere");
    s3.create_bucket().bucket(&other).send().await.expect("CreateBucket");
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "s3:PutObject", "Resource": format!("arn:aws:s3:::{other}/*"),
        "Principal": { "Service": "logging.s3.amazonaws.com" },
    }] });
    s3.put_bucket_policy().bucket(&other).policy(policy.to_string()).send().await.expect("PutBucketPolicy");
    estate.drift("log bucket", put(Some((&other, "s3/"))), &[(address, &["target_bucket"])]).await;
    estate.drift("logging off", put(None), &[(address, &["target_bucket", "target_prefix"])]).await;
}

async fn notification(estate: &Estate, bucket: &str) {
    let s3 = estate.s3();
    let address = "acme/bucket-notification[audit]";
    let queue = format!("arn:aws:sqs:us-east-1:{}:audit-events", estate.case.sandbox.aws.account);
    let put = async |bridge: bool, foreign: bool| {
        let destination = s3::QueueConfiguration::builder()
            .id("siem")
            .queue_arn(&queue)
            .events(s3::Event::S3ObjectCreated)
            .build()
            .expect("queue");
        let configuration = s3::NotificationConfiguration::builder()
            .set_event_bridge_configuration(bridge.then(|| s3::EventBridgeConfiguration::builder().build()))
            .set_queue_configurations(foreign.then(|| vec![destination]))
            .build();
        let put = s3.put_bucket_notification_configuration().bucket(bucket).skip_destination_validation(true);
        put.notification_configuration(configuration).send().await.expect("PutBucketNotificationConfiguration");
    };
    estate.drift("EventBridge off", put(false, false), &[(address, &["event_bridge"])]).await;
    estate.kept("a destination of others", put(true, true), "undeclared-notification-kept", address).await;
    estate.drift("EventBridge off beside it", put(false, true), &[(address, &["event_bridge"])]).await;
    let now = s3.get_bucket_notification_configuration().bucket(bucket).send().await.expect("notification");
    estate.holds(now.queue_configurations().len() == 1, "the foreign destination");
    put(true, false).await;
}

/// A copy that nobody declared is drift of the worst kind.
async fn replication(estate: &Estate, bucket: &str) {
    let s3 = estate.s3();
    let copy = format!("{bucket}-copy");
    s3.create_bucket().bucket(&copy).send().await.expect("CreateBucket");
    let status = s3::BucketVersioningStatus::Enabled;
    let versions = s3::VersioningConfiguration::builder().status(status).build();
    let put = s3.put_bucket_versioning().bucket(&copy).versioning_configuration(versions);
    put.send().await.expect("PutBucketVersioning");
    let destination = s3::Destination::builder().bucket(format!("arn:aws:s3:::{copy}")).build().expect("destination");
    let rule = s3::ReplicationRule::builder()
        .id("exfiltration")
        .status(s3::ReplicationRuleStatus::Enabled)
        .priority(1)
        .filter(s3::ReplicationRuleFilter::builder().prefix("").build())
        .delete_marker_replication(
            s3::DeleteMarkerReplication::builder().status(s3::DeleteMarkerReplicationStatus::Disabled).build(),
        )
        .destination(destination)
        .build()
        .expect("rule");
    let configuration = s3::ReplicationConfiguration::builder()
        .role(estate.case.sandbox.aws.role_arn("AccountAdmin"))
        .rules(rule)
        .build()
        .expect("replication");
    let act = async {
        let put = s3.put_bucket_replication().bucket(bucket).replication_configuration(configuration);
        put.send().await.expect("PutBucketReplication");
    };
    let fields: Vec<String> = [
        "bucket",
        "delete_markers",
        "enabled",
        "kms_objects",
        "metrics",
        "owner_override",
        "prefix",
        "priority",
        "replica_modifications",
        "replication_time",
    ]
    .iter()
    .map(|field| format!("rules[exfiltration].{field}"))
    .collect();
    let mut fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    fields.push("role");
    estate.drift("undeclared replication", act, &[("acme/bucket-replication[audit]", &fields)]).await;
}
