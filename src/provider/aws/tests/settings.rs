//! Settings that one PUT replaces: nothing that S3 answered is lost on the way through the model.

use std::collections::BTreeSet;

use super::*;
use crate::provider::aws::xml;

/// One setting, as the S3 API reference shows its answer.
struct Setting {
    operation: &'static str,
    root: &'static str,
    inner: &'static str,
    read: Read,
    write: fn(Fact) -> Write,
}

fn settings() -> Vec<Setting> {
    vec![
        Setting {
            operation: "GetPublicAccessBlock",
            root: "PublicAccessBlockConfiguration",
            inner: "<BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls>\
                    <BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>",
            read: Read::BucketPublicAccessBlock { bucket: bucket() },
            write: |fact| Write::PutBucketPublicAccessBlock {
                bucket: bucket(),
                block: fact.public_access_block().unwrap().clone(),
            },
        },
        Setting {
            operation: "GetBucketEncryption",
            root: "ServerSideEncryptionConfiguration",
            inner: ENCRYPTION,
            read: Read::BucketEncryption { bucket: bucket() },
            write: |fact| Write::PutBucketEncryption {
                bucket: bucket(),
                encryption: fact.encryption().unwrap().clone(),
            },
        },
        logging("<PartitionedPrefix><PartitionDateSource>EventTime</PartitionDateSource></PartitionedPrefix>"),
        logging("<SimplePrefix/>"),
        Setting {
            operation: "GetBucketNotificationConfiguration",
            root: "NotificationConfiguration",
            inner: NOTIFICATION,
            read: Read::BucketNotification { bucket: bucket() },
            write: |fact| Write::PutBucketNotification {
                bucket: bucket(),
                notification: fact.notification().unwrap().clone(),
            },
        },
        Setting {
            operation: "GetBucketLifecycleConfiguration",
            root: "LifecycleConfiguration",
            inner: LIFECYCLE,
            read: Read::BucketLifecycle { bucket: bucket() },
            write: |fact| Write::PutBucketLifecycle { bucket: bucket(), lifecycle: fact.lifecycle().unwrap().clone() },
        },
        Setting {
            operation: "GetBucketReplication",
            root: "ReplicationConfiguration",
            inner: REPLICATION,
            read: Read::BucketReplication { bucket: bucket() },
            write: |fact| Write::PutBucketReplication {
                bucket: bucket(),
                replication: fact.replication().unwrap().clone(),
            },
        },
    ]
}

fn logging(format: &str) -> Setting {
    let text = format!(
        "<LoggingEnabled><TargetBucket>l</TargetBucket><TargetPrefix>p/</TargetPrefix>\
         <TargetGrants><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">\
         <URI>http://acs.amazonaws.com/groups/s3/LogDelivery</URI></Grantee><Permission>READ</Permission></Grant>\
         </TargetGrants><TargetObjectKeyFormat>{format}</TargetObjectKeyFormat></LoggingEnabled>"
    );
    Setting {
        operation: "GetBucketLogging",
        root: "BucketLoggingStatus",
        inner: text.leak(),
        read: Read::BucketLogging { bucket: bucket() },
        write: |fact| Write::PutBucketLogging { bucket: bucket(), logging: fact.logging().unwrap().clone() },
    }
}

const ENCRYPTION: &str = "<Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>\
    <KMSMasterKeyID>arn:aws:kms:eu-west-1:111122223333:key/a</KMSMasterKeyID></ApplyServerSideEncryptionByDefault>\
    <BucketKeyEnabled>true</BucketKeyEnabled>\
    <BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes></Rule>";

const NOTIFICATION: &str = "<TopicConfiguration><Id>t</Id><Topic>arn:aws:sns:eu-west-1:1:t</Topic>\
    <Event>s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>a/</Value></FilterRule></S3Key>\
    </Filter></TopicConfiguration>\
    <QueueConfiguration><Id>q</Id><Queue>arn:aws:sqs:eu-west-1:1:q</Queue><Event>s3:ObjectRemoved:*</Event>\
    </QueueConfiguration>\
    <CloudFunctionConfiguration><Id>f</Id><CloudFunction>arn:aws:lambda:eu-west-1:1:function:f</CloudFunction>\
    <Event>s3:ObjectCreated:Put</Event></CloudFunctionConfiguration>\
    <EventBridgeConfiguration/>";

const LIFECYCLE: &str = "<Rule><ID>all</ID><Status>Enabled</Status><Filter><And><Prefix>a/</Prefix>\
    <Tag><Key>k</Key><Value>v</Value></Tag><ObjectSizeGreaterThan>1</ObjectSizeGreaterThan>\
    <ObjectSizeLessThan>9</ObjectSizeLessThan></And></Filter><Expiration><Days>400</Days></Expiration>\
    <Transition><Days>30</Days><StorageClass>GLACIER</StorageClass></Transition>\
    <NoncurrentVersionTransition><NoncurrentDays>3</NoncurrentDays><NewerNoncurrentVersions>2</NewerNoncurrentVersions>\
    <StorageClass>GLACIER_IR</StorageClass></NoncurrentVersionTransition>\
    <NoncurrentVersionExpiration><NoncurrentDays>90</NoncurrentDays>\
    <NewerNoncurrentVersions>5</NewerNoncurrentVersions></NoncurrentVersionExpiration>\
    <AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload></Rule>\
    <Rule><ID>markers</ID><Status>Disabled</Status><Filter><Prefix/></Filter>\
    <Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration></Rule>\
    <Rule><ID>until</ID><Status>Enabled</Status><Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>\
    <Expiration><Date>2031-01-01T00:00:00Z</Date></Expiration>\
    <Transition><Date>2030-01-01T00:00:00Z</Date><StorageClass>GLACIER</StorageClass></Transition></Rule>";

const REPLICATION: &str = "<Role>arn:aws:iam::111122223333:role/r</Role>\
    <Rule><ID>copy</ID><Priority>1</Priority><Status>Enabled</Status><Filter><And><Prefix>a/</Prefix>\
    <Tag><Key>k</Key><Value>v</Value></Tag></And></Filter><SourceSelectionCriteria>\
    <SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects>\
    <ReplicaModifications><Status>Enabled</Status></ReplicaModifications></SourceSelectionCriteria>\
    <DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication><Destination>\
    <Bucket>arn:aws:s3:::b</Bucket><Account>444455556666</Account><StorageClass>STANDARD_IA</StorageClass>\
    <AccessControlTranslation><Owner>Destination</Owner></AccessControlTranslation>\
    <EncryptionConfiguration><ReplicaKmsKeyID>arn:aws:kms:eu-west-1:444455556666:key/b</ReplicaKmsKeyID>\
    </EncryptionConfiguration><ReplicationTime><Status>Enabled</Status><Time><Minutes>15</Minutes></Time>\
    </ReplicationTime><Metrics><Status>Enabled</Status><EventThreshold><Minutes>15</Minutes></EventThreshold></Metrics>\
    </Destination></Rule>\
    <Rule><ID>metered</ID><Priority>2</Priority><Status>Enabled</Status><Filter><Tag><Key>k</Key><Value>v</Value></Tag>\
    </Filter><DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication><Destination>\
    <Bucket>arn:aws:s3:::b</Bucket><Metrics><Status>Enabled</Status></Metrics></Destination></Rule>";

fn document(root: &str, inner: &str) -> String {
    format!("<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{inner}</{root}>")
}

fn elements(body: &str) -> BTreeSet<String> {
    xml::paths(body).unwrap().into_iter().collect()
}

#[tokio::test]
async fn what_was_read_is_written_back_element_for_element() {
    for Setting { operation, root, inner, read, write } in settings() {
        let answer = document(root, inner);
        let (server, aws) = Server::start(vec![say(200, &answer)]).await;
        let Observed::Present(fact) = aws.read(&read).await else { panic!("{operation} was not read") };
        aws.write(&write(fact)).await.unwrap();
        let seen = server.seen();
        let put = seen.iter().find(|each| each.method == "PUT").unwrap();
        assert_eq!(elements(&put.body), elements(&answer), "{operation}");
    }
}

#[tokio::test]
async fn an_element_without_a_place_in_the_model_makes_the_setting_unknown() {
    for Setting { operation, root, inner, read, .. } in settings() {
        // Beside what is known, and below the first element that has elements.
        let below = inner.replacen("><", "><New>x</New><", 1);
        for (inner, path) in [(format!("{inner}<New>x</New>"), "`New`"), (below, "New`")] {
            let (_, aws) = Server::start(vec![say(200, &document(root, &inner))]).await;
            let gap = gap(aws.read(&read).await);
            assert!(gap.message.contains(operation) && gap.message.contains(path), "{operation}: {}", gap.message);
        }
    }
}

#[tokio::test]
async fn a_default_retention_is_read_whole() {
    let lock = |rule: &str| {
        let enabled = "<ObjectLockEnabled>Enabled</ObjectLockEnabled>";
        say(200, &document("ObjectLockConfiguration", &format!("{enabled}{rule}")))
    };
    let read = Read::BucketObjectLock { bucket: bucket() };
    let rule = |inner: &str| lock(&format!("<Rule><DefaultRetention>{inner}</DefaultRetention></Rule>"));
    let (_, aws) = Server::start(vec![rule("<Mode>GOVERNANCE</Mode><Years>1</Years>")]).await;
    let Observed::Present(fact) = aws.read(&read).await else { panic!("not read") };
    let retention = fact.object_lock().unwrap().retention.as_ref().unwrap();
    assert_eq!((retention.mode.as_str(), retention.days), ("GOVERNANCE", 365));
    let (_, aws) = Server::start(vec![rule("<Mode>GOVERNANCE</Mode><Days>1</Days><Hold>On</Hold>")]).await;
    assert!(gap(aws.read(&read).await).message.contains("Rule/DefaultRetention/Hold"));
}
