use std::collections::BTreeMap;

use aws_sdk_s3::types::{
    AccessControlPolicy, BlockedEncryptionTypes, BucketCannedAcl, BucketLocationConstraint, BucketLoggingStatus,
    BucketLogsPermission, BucketVersioningStatus, CreateBucketConfiguration, DefaultRetention, EncryptionType, Grant,
    Grantee, LoggingEnabled, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule,
    ObjectOwnership, Owner, OwnershipControls, OwnershipControlsRule, PartitionDateSource, PartitionedPrefix,
    Permission, PublicAccessBlockConfiguration, ServerSideEncryption, ServerSideEncryptionByDefault,
    ServerSideEncryptionConfiguration, ServerSideEncryptionRule, SimplePrefix, Tag, Tagging, TargetGrant,
    TargetObjectKeyFormat, TransitionDefaultMinimumObjectSize, Type, VersioningConfiguration,
};

use super::{S3, lifecycle, notification, replication};
use crate::call::WriteOutcome;
use crate::model::bucket::{
    Acl, AclGrant, Encryption, Lifecycle, LogKeyFormat, Logging, Notification, PublicAccessBlock, Replication,
    Retention,
};
use crate::provider::aws::error::{Done, Failure};

/// The region whose buckets have no location constraint.
const UNCONSTRAINED: &str = "us-east-1";

impl S3 {
    /// In us-east-1 S3 answers success for a bucket that the account has already (S3 API reference, CreateBucket); the
    /// reads before and after a write tell the difference.
    pub(in super::super) async fn create(&self, bucket: &str, object_lock: bool) -> Done {
        let constraint = (self.region != UNCONSTRAINED).then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(self.region.as_str()))
                .build()
        });
        self.client
            .create_bucket()
            .bucket(bucket)
            .set_create_bucket_configuration(constraint)
            .set_object_lock_enabled_for_bucket(object_lock.then_some(true))
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn put_tags(&self, bucket: &str, tags: &BTreeMap<String, String>) -> Done {
        let tags = tags
            .iter()
            .map(|(key, value)| Ok(Tag::builder().key(key).value(value).build()?))
            .collect::<Result<Vec<_>, Failure>>()?;
        self.client
            .put_bucket_tagging()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .tagging(Tagging::builder().set_tag_set(Some(tags)).build()?)
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn put_public_access_block(&self, bucket: &str, block: &PublicAccessBlock) -> Done {
        let PublicAccessBlock { block_public_acls, ignore_public_acls, block_public_policy, restrict_public_buckets } =
            *block;
        self.client
            .put_public_access_block()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .public_access_block_configuration(
                PublicAccessBlockConfiguration::builder()
                    .block_public_acls(block_public_acls)
                    .ignore_public_acls(ignore_public_acls)
                    .block_public_policy(block_public_policy)
                    .restrict_public_buckets(restrict_public_buckets)
                    .build(),
            )
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn put_ownership(&self, bucket: &str, object_ownership: &str) -> Done {
        let rule =
            OwnershipControlsRule::builder().object_ownership(ObjectOwnership::from(object_ownership)).build()?;
        self.client
            .put_bucket_ownership_controls()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .ownership_controls(OwnershipControls::builder().rules(rule).build()?)
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn put_acl_private(&self, bucket: &str) -> Done {
        self.client
            .put_bucket_acl()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .acl(BucketCannedAcl::Private)
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn put_encryption(&self, bucket: &str, encryption: &Encryption) -> Done {
        let Encryption { algorithm, key, bucket_key, blocked_types } = encryption;
        let blocked = blocked_types.iter().map(|each| EncryptionType::from(each.as_str())).collect::<Vec<_>>();
        let blocked =
            (!blocked.is_empty()).then(|| BlockedEncryptionTypes::builder().set_encryption_type(Some(blocked)).build());
        let default = ServerSideEncryptionByDefault::builder()
            .sse_algorithm(ServerSideEncryption::from(algorithm.as_str()))
            .set_kms_master_key_id(key.clone())
            .build()?;
        let rule = ServerSideEncryptionRule::builder()
            .apply_server_side_encryption_by_default(default)
            .bucket_key_enabled(*bucket_key)
            .set_blocked_encryption_types(blocked)
            .build();
        self.client
            .put_bucket_encryption()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .server_side_encryption_configuration(ServerSideEncryptionConfiguration::builder().rules(rule).build()?)
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn put_acl(&self, bucket: &str, acl: &Acl) -> Done {
        let Acl { owner, grants } = acl;
        let grants = grants.iter().map(acl_grant).collect::<Result<Vec<_>, _>>()?;
        let policy =
            AccessControlPolicy::builder().owner(Owner::builder().id(owner).build()).set_grants(Some(grants)).build();
        self.client
            .put_bucket_acl()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .access_control_policy(policy)
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    /// MFA delete stays as it is: a request without that element does not change it.
    pub(in super::super) async fn put_versioning(&self, bucket: &str, enabled: bool) -> Done {
        let status = if enabled { BucketVersioningStatus::Enabled } else { BucketVersioningStatus::Suspended };
        self.client
            .put_bucket_versioning()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .versioning_configuration(VersioningConfiguration::builder().status(status).build())
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn put_object_lock(&self, bucket: &str, retention: Option<&Retention>) -> Done {
        let rule = retention
            .map(|Retention { mode, days }| {
                let days = i32::try_from(*days)
                    .map_err(|_| Failure::not_sent(format!("a retention of `{days}` days is too long for S3")))?;
                let mode = ObjectLockRetentionMode::from(mode.as_str());
                let default = DefaultRetention::builder().mode(mode).days(days).build();
                Ok::<_, Failure>(ObjectLockRule::builder().default_retention(default).build())
            })
            .transpose()?;
        self.client
            .put_object_lock_configuration()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .object_lock_configuration(
                ObjectLockConfiguration::builder()
                    .object_lock_enabled(ObjectLockEnabled::Enabled)
                    .set_rule(rule)
                    .build(),
            )
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    /// The minimum size of objects that are moved is a setting of the whole configuration, which nothing declares and a
    /// PUT without it may reset: while rules move objects, what is live is sent back.
    pub(in super::super) async fn put_lifecycle(&self, bucket: &str, lifecycle: &Lifecycle) -> Done {
        let smallest =
            if lifecycle::has_transitions(lifecycle) { self.smallest_transition(bucket).await? } else { None };
        self.client
            .put_bucket_lifecycle_configuration()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .lifecycle_configuration(lifecycle::request(lifecycle)?)
            .set_transition_default_minimum_object_size(smallest)
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    async fn smallest_transition(&self, bucket: &str) -> Result<Option<TransitionDefaultMinimumObjectSize>, Failure> {
        let answer = self
            .client
            .get_bucket_lifecycle_configuration()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .send()
            .await
            .map_err(Failure::from);
        match answer {
            Ok(answer) => Ok(answer.transition_default_minimum_object_size),
            Err(failure) if failure.is_absent() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// `ConfirmRemoveSelfBucketAccess` is never sent: S3 then refuses a policy that locks the caller out.
    pub(in super::super) async fn put_policy(&self, bucket: &str, policy: &str) -> Done {
        self.client
            .put_bucket_policy()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .policy(policy)
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    /// `None` switches it off.
    pub(in super::super) async fn put_logging(&self, bucket: &str, logging: Option<&Logging>) -> Done {
        let enabled = logging.map(logging_enabled).transpose()?;
        self.client
            .put_bucket_logging()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .bucket_logging_status(BucketLoggingStatus::builder().set_logging_enabled(enabled).build())
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn put_notification(&self, bucket: &str, notification: &Notification) -> Done {
        self.client
            .put_bucket_notification_configuration()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .notification_configuration(notification::request(notification)?)
            // Destinations are others', written back as they were: one that is gone must not keep EventBridge off.
            .skip_destination_validation(true)
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn put_replication(&self, bucket: &str, replication: &Replication) -> Done {
        self.client
            .put_bucket_replication()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .replication_configuration(replication::request(replication)?)
            .send()
            .await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn delete_tags(&self, bucket: &str) -> Done {
        self.client.delete_bucket_tagging().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn delete_lifecycle(&self, bucket: &str) -> Done {
        self.client.delete_bucket_lifecycle().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn delete_policy(&self, bucket: &str) -> Done {
        self.client.delete_bucket_policy().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        Ok(WriteOutcome::default())
    }

    pub(in super::super) async fn delete_replication(&self, bucket: &str) -> Done {
        self.client.delete_bucket_replication().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        Ok(WriteOutcome::default())
    }
}

fn logging_enabled(logging: &Logging) -> Result<LoggingEnabled, Failure> {
    let Logging { target_bucket, target_prefix, target_grants, key_format } = logging;
    let grants = target_grants.iter().map(target_grant).collect::<Result<Vec<_>, _>>()?;
    Ok(LoggingEnabled::builder()
        .target_bucket(target_bucket)
        .target_prefix(target_prefix)
        .set_target_grants((!grants.is_empty()).then_some(grants))
        .set_target_object_key_format(key_format.as_ref().map(key_format_request))
        .build()?)
}

fn key_format_request(format: &LogKeyFormat) -> TargetObjectKeyFormat {
    let builder = TargetObjectKeyFormat::builder();
    match format {
        LogKeyFormat::Simple => builder.simple_prefix(SimplePrefix::builder().build()),
        LogKeyFormat::Partitioned(source) => {
            let source = PartitionDateSource::from(source.as_str());
            builder.partitioned_prefix(PartitionedPrefix::builder().partition_date_source(source).build())
        }
    }
    .build()
}

/// The kind of a grantee follows from its text: groups are URIs, e-mail addresses have an at sign, the rest are
/// canonical user ids.
fn grantee(grantee: &str) -> Result<Grantee, Failure> {
    let grantee = if grantee.contains("://") {
        Grantee::builder().r#type(Type::Group).uri(grantee)
    } else if grantee.contains('@') {
        Grantee::builder().r#type(Type::AmazonCustomerByEmail).email_address(grantee)
    } else {
        Grantee::builder().r#type(Type::CanonicalUser).id(grantee)
    };
    Ok(grantee.build()?)
}

fn target_grant(grant: &AclGrant) -> Result<TargetGrant, Failure> {
    let permission = BucketLogsPermission::from(grant.permission.as_str());
    Ok(TargetGrant::builder().grantee(grantee(&grant.grantee)?).permission(permission).build())
}

fn acl_grant(grant: &AclGrant) -> Result<Grant, Failure> {
    let permission = Permission::from(grant.permission.as_str());
    Ok(Grant::builder().grantee(grantee(&grant.grantee)?).permission(permission).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grantees_keep_their_kind() {
        for (grantee, kind) in [
            ("http://acs.amazonaws.com/groups/s3/LogDelivery", Type::Group),
            ("ops@example.com", Type::AmazonCustomerByEmail),
            ("79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be", Type::CanonicalUser),
        ] {
            let grant = AclGrant { grantee: grantee.to_owned(), permission: "READ".to_owned() };
            assert_eq!(target_grant(&grant).unwrap().grantee.unwrap().r#type, kind);
        }
    }
}
