//! Settings that a PUT replaces as a whole. Whatever the model has no place for would be lost by the next write, and the
//! SDK drops elements that it does not know without a word: so an answer that holds an element which is not named here is
//! no answer, and the setting is unknown instead of half known.

use std::error::Error;
use std::fmt;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

use crate::provider::aws::xml;

/// Attached to the S3 client: checks the answers of the operations of [`known`].
#[derive(Debug)]
pub(in super::super) struct Whole;

/// An element that would be lost.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Unkept {
    operation: String,
    path: String,
}

impl fmt::Display for Unkept {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, path } = self;
        write!(
            formatter,
            "{operation} answers the element `{path}`, which this version of auditseal cannot write back: \
             remove it, or use a newer version"
        )
    }
}

impl Error for Unkept {}

#[dyn_dispatch_hint]
impl Intercept for Whole {
    fn name(&self) -> &'static str {
        "auditseal::provider::aws::s3::Whole"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = cfg.load::<Metadata>().map_or("", Metadata::name);
        let answer = context.response();
        if !answer.status().is_success() {
            return Ok(());
        }
        Ok(check(operation, answer.body().bytes().unwrap_or_default())?)
    }
}

/// What the API reference of Amazon S3 names in the answer of an operation, as paths below the root. A path that ends in
/// `/` stands for its whole subtree.
fn known(operation: &str) -> Option<&'static [&'static str]> {
    Some(match operation {
        "GetPublicAccessBlock" => {
            &["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"]
        }
        "GetBucketEncryption" => &[
            "Rule",
            "Rule/ApplyServerSideEncryptionByDefault",
            "Rule/ApplyServerSideEncryptionByDefault/SSEAlgorithm",
            "Rule/ApplyServerSideEncryptionByDefault/KMSMasterKeyID",
            "Rule/BucketKeyEnabled",
            "Rule/BlockedEncryptionTypes",
            "Rule/BlockedEncryptionTypes/EncryptionType",
        ],
        "GetObjectLockConfiguration" => &[
            "ObjectLockEnabled",
            "Rule",
            "Rule/DefaultRetention",
            "Rule/DefaultRetention/Mode",
            "Rule/DefaultRetention/Days",
            "Rule/DefaultRetention/Years",
        ],
        "GetBucketLogging" => &[
            "LoggingEnabled",
            "LoggingEnabled/TargetBucket",
            "LoggingEnabled/TargetPrefix",
            "LoggingEnabled/TargetGrants/",
            "LoggingEnabled/TargetObjectKeyFormat",
            "LoggingEnabled/TargetObjectKeyFormat/SimplePrefix",
            "LoggingEnabled/TargetObjectKeyFormat/PartitionedPrefix",
            "LoggingEnabled/TargetObjectKeyFormat/PartitionedPrefix/PartitionDateSource",
        ],
        "GetBucketNotificationConfiguration" => NOTIFICATION,
        "GetBucketLifecycleConfiguration" => LIFECYCLE,
        "GetBucketReplication" => REPLICATION,
        _ => return None,
    })
}

const NOTIFICATION: &[&str] = &[
    "EventBridgeConfiguration",
    "TopicConfiguration",
    "TopicConfiguration/Id",
    "TopicConfiguration/Topic",
    "TopicConfiguration/Event",
    "TopicConfiguration/Filter",
    "TopicConfiguration/Filter/S3Key",
    "TopicConfiguration/Filter/S3Key/FilterRule",
    "TopicConfiguration/Filter/S3Key/FilterRule/Name",
    "TopicConfiguration/Filter/S3Key/FilterRule/Value",
    "QueueConfiguration",
    "QueueConfiguration/Id",
    "QueueConfiguration/Queue",
    "QueueConfiguration/Event",
    "QueueConfiguration/Filter",
    "QueueConfiguration/Filter/S3Key",
    "QueueConfiguration/Filter/S3Key/FilterRule",
    "QueueConfiguration/Filter/S3Key/FilterRule/Name",
    "QueueConfiguration/Filter/S3Key/FilterRule/Value",
    "CloudFunctionConfiguration",
    "CloudFunctionConfiguration/Id",
    "CloudFunctionConfiguration/CloudFunction",
    "CloudFunctionConfiguration/Event",
    "CloudFunctionConfiguration/Filter",
    "CloudFunctionConfiguration/Filter/S3Key",
    "CloudFunctionConfiguration/Filter/S3Key/FilterRule",
    "CloudFunctionConfiguration/Filter/S3Key/FilterRule/Name",
    "CloudFunctionConfiguration/Filter/S3Key/FilterRule/Value",
];

const LIFECYCLE: &[&str] = &[
    "Rule",
    "Rule/ID",
    "Rule/Prefix",
    "Rule/Status",
    "Rule/Filter",
    "Rule/Filter/Prefix",
    "Rule/Filter/Tag",
    "Rule/Filter/Tag/Key",
    "Rule/Filter/Tag/Value",
    "Rule/Filter/ObjectSizeGreaterThan",
    "Rule/Filter/ObjectSizeLessThan",
    "Rule/Filter/And",
    "Rule/Filter/And/Prefix",
    "Rule/Filter/And/Tag",
    "Rule/Filter/And/Tag/Key",
    "Rule/Filter/And/Tag/Value",
    "Rule/Filter/And/ObjectSizeGreaterThan",
    "Rule/Filter/And/ObjectSizeLessThan",
    "Rule/Expiration",
    "Rule/Expiration/Date",
    "Rule/Expiration/Days",
    "Rule/Expiration/ExpiredObjectDeleteMarker",
    "Rule/Transition",
    "Rule/Transition/Date",
    "Rule/Transition/Days",
    "Rule/Transition/StorageClass",
    "Rule/NoncurrentVersionTransition",
    "Rule/NoncurrentVersionTransition/NoncurrentDays",
    "Rule/NoncurrentVersionTransition/NewerNoncurrentVersions",
    "Rule/NoncurrentVersionTransition/StorageClass",
    "Rule/NoncurrentVersionExpiration",
    "Rule/NoncurrentVersionExpiration/NoncurrentDays",
    "Rule/NoncurrentVersionExpiration/NewerNoncurrentVersions",
    "Rule/AbortIncompleteMultipartUpload",
    "Rule/AbortIncompleteMultipartUpload/DaysAfterInitiation",
];

const REPLICATION: &[&str] = &[
    "Role",
    "Rule",
    "Rule/ID",
    "Rule/Priority",
    "Rule/Prefix",
    "Rule/Status",
    "Rule/Filter",
    "Rule/Filter/Prefix",
    "Rule/Filter/Tag",
    "Rule/Filter/Tag/Key",
    "Rule/Filter/Tag/Value",
    "Rule/Filter/And",
    "Rule/Filter/And/Prefix",
    "Rule/Filter/And/Tag",
    "Rule/Filter/And/Tag/Key",
    "Rule/Filter/And/Tag/Value",
    "Rule/SourceSelectionCriteria",
    "Rule/SourceSelectionCriteria/SseKmsEncryptedObjects",
    "Rule/SourceSelectionCriteria/SseKmsEncryptedObjects/Status",
    "Rule/SourceSelectionCriteria/ReplicaModifications",
    "Rule/SourceSelectionCriteria/ReplicaModifications/Status",
    // Known, so that its refusal can name the rule (`replication`).
    "Rule/ExistingObjectReplication/",
    "Rule/DeleteMarkerReplication",
    "Rule/DeleteMarkerReplication/Status",
    "Rule/Destination",
    "Rule/Destination/Bucket",
    "Rule/Destination/Account",
    "Rule/Destination/StorageClass",
    "Rule/Destination/AccessControlTranslation",
    "Rule/Destination/AccessControlTranslation/Owner",
    "Rule/Destination/EncryptionConfiguration",
    "Rule/Destination/EncryptionConfiguration/ReplicaKmsKeyID",
    "Rule/Destination/ReplicationTime",
    "Rule/Destination/ReplicationTime/Status",
    "Rule/Destination/ReplicationTime/Time",
    "Rule/Destination/ReplicationTime/Time/Minutes",
    "Rule/Destination/Metrics",
    "Rule/Destination/Metrics/Status",
    "Rule/Destination/Metrics/EventThreshold",
    "Rule/Destination/Metrics/EventThreshold/Minutes",
];

fn check(operation: &str, body: &[u8]) -> Result<(), Unkept> {
    let Some(known) = known(operation) else { return Ok(()) };
    // What is no XML is refused by the SDK.
    let paths = std::str::from_utf8(body).ok().and_then(|body| xml::paths(body).ok()).unwrap_or_default();
    for path in paths {
        let below = |known: &&str| known.strip_suffix('/').is_some_and(|tree| in_tree(&path, tree));
        if !known.contains(&path.as_str()) && !known.iter().any(below) {
            return Err(Unkept { operation: operation.to_owned(), path });
        }
    }
    Ok(())
}

fn in_tree(path: &str, tree: &str) -> bool {
    path.strip_prefix(tree).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost(operation: &str, body: &str) -> Option<String> {
        check(operation, body.as_bytes()).err().map(|unkept| unkept.path)
    }

    #[test]
    fn an_element_that_the_model_lacks_is_named() {
        let rule = |inner: &str| {
            format!("<ServerSideEncryptionConfiguration><Rule>{inner}</Rule></ServerSideEncryptionConfiguration>")
        };
        let now = "<BucketKeyEnabled>true</BucketKeyEnabled><BlockedEncryptionTypes><EncryptionType>SSE-C</EncryptionType></BlockedEncryptionTypes>";
        assert_eq!(lost("GetBucketEncryption", &rule(now)), None);
        assert_eq!(lost("GetBucketEncryption", &rule("<Next><A/></Next>")).as_deref(), Some("Rule/Next"));
        assert_eq!(lost("GetBucketEncryption", ""), None);
        // Another operation may answer what it wants.
        assert_eq!(lost("GetBucketTagging", &rule("<Next/>")), None);
    }

    #[test]
    fn a_subtree_is_no_prefix_of_a_name() {
        let logging = |inner: &str| {
            format!("<BucketLoggingStatus><LoggingEnabled>{inner}</LoggingEnabled></BucketLoggingStatus>")
        };
        let grants = "<TargetGrants><Grant><Grantee xsi:type=\"Group\"><URI>u</URI></Grantee></Grant></TargetGrants>";
        assert_eq!(lost("GetBucketLogging", &logging(grants)), None);
        assert_eq!(
            lost("GetBucketLogging", &logging("<TargetGrantsMore/>")).as_deref(),
            Some("LoggingEnabled/TargetGrantsMore")
        );
    }
}
