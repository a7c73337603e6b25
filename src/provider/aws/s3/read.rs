use aws_sdk_s3::config::{Config, Region};
use aws_sdk_s3::types::{
    BlockedEncryptionTypes, DefaultRetention, Grantee, MfaDeleteStatus, ObjectLockEnabled, Permission,
    PublicAccessBlockConfiguration, ServerSideEncryptionRule, TargetGrant, TargetObjectKeyFormat,
};

use super::{S3, lifecycle, notification, replication};
use crate::model::Fact;
use crate::model::bucket::{
    Acl, AclGrant, Encryption, LogKeyFormat, Logging, ObjectLock, Ownership, PublicAccessBlock, Retention, Versioning,
};
use crate::model::fact::{BucketRegion, PolicyText, Tags};
use crate::provider::aws::error::{Answer, Failure};

/// S3 counts a year of retention as 365 days (S3 user guide, "Locking objects with Object Lock").
const DAYS_OF_YEAR: i32 = 365;

impl S3 {
    /// Where a bucket is. A region that is not the bucket's may redirect instead of answering: then its own is asked,
    /// because only there the owner is checked.
    pub(in super::super) async fn location(&self, bucket: &str) -> Answer {
        let request = || self.client.get_bucket_location().bucket(bucket).set_expected_bucket_owner(self.owner());
        let answer = match request().send().await.map_err(Failure::from) {
            Ok(answer) => answer,
            Err(failure) => {
                let Some(region) = failure.redirect().filter(|region| *region != self.region) else {
                    return Err(failure);
                };
                let there = Config::builder().region(Region::new(region.to_owned()));
                request().customize().config_override(there).send().await?
            }
        };
        let constraint = answer.location_constraint.map(|constraint| constraint.as_str().to_owned());
        Ok(Some(Fact::from(BucketRegion(region_of(constraint)))))
    }

    pub(in super::super) async fn tags(&self, bucket: &str) -> Answer {
        let answer =
            self.client.get_bucket_tagging().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        Ok(Some(Fact::from(Tags(answer.tag_set.into_iter().map(|tag| (tag.key, tag.value)).collect()))))
    }

    pub(in super::super) async fn public_access_block(&self, bucket: &str) -> Answer {
        let answer =
            self.client.get_public_access_block().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        Ok(answer.public_access_block_configuration.as_ref().map(|block| Fact::from(block_fact(block))))
    }

    pub(in super::super) async fn ownership(&self, bucket: &str) -> Answer {
        let answer = self
            .client
            .get_bucket_ownership_controls()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .send()
            .await?;
        let rule = answer.ownership_controls.and_then(|controls| controls.rules.into_iter().next());
        Ok(rule.map(|rule| Fact::from(Ownership { object_ownership: rule.object_ownership.as_str().to_owned() })))
    }

    pub(in super::super) async fn acl(&self, bucket: &str) -> Answer {
        let answer = self.client.get_bucket_acl().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        let owner = answer
            .owner
            .and_then(|owner| owner.id)
            .ok_or_else(|| Failure::incomplete("GetBucketAcl answers no owner"))?;
        let grants = answer.grants.unwrap_or_default();
        let mut grants = grants
            .iter()
            .map(|grant| acl_grant(grant.grantee.as_ref(), grant.permission.as_ref().map(Permission::as_str)))
            .collect::<Result<Vec<_>, _>>()?;
        grants.sort();
        Ok(Some(Fact::from(Acl { owner, grants })))
    }

    pub(in super::super) async fn encryption(&self, bucket: &str) -> Answer {
        let answer =
            self.client.get_bucket_encryption().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        let rules = answer.server_side_encryption_configuration.map(|configuration| configuration.rules);
        match rules.unwrap_or_default().as_slice() {
            [] => Ok(None),
            [rule] => Ok(encryption_fact(rule).map(Fact::from)),
            rules => Err(Failure::incomplete(format!("GetBucketEncryption answers {} rules, not one", rules.len()))),
        }
    }

    pub(in super::super) async fn versioning(&self, bucket: &str) -> Answer {
        let answer =
            self.client.get_bucket_versioning().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        Ok(Some(Fact::from(Versioning {
            status: answer.status.map_or_else(|| "Off".to_owned(), |status| status.as_str().to_owned()),
            mfa_delete: answer.mfa_delete == Some(MfaDeleteStatus::Enabled),
        })))
    }

    pub(in super::super) async fn object_lock(&self, bucket: &str) -> Answer {
        let answer = self
            .client
            .get_object_lock_configuration()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .send()
            .await?;
        let Some(configuration) = answer
            .object_lock_configuration
            .filter(|configuration| configuration.object_lock_enabled == Some(ObjectLockEnabled::Enabled))
        else {
            return Ok(None);
        };
        let default = configuration.rule.and_then(|rule| rule.default_retention);
        let retention = default.as_ref().map(retention_fact).transpose()?;
        Ok(Some(Fact::from(ObjectLock { retention })))
    }

    pub(in super::super) async fn lifecycle(&self, bucket: &str) -> Answer {
        let answer = self
            .client
            .get_bucket_lifecycle_configuration()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .send()
            .await?;
        Ok(Some(Fact::from(lifecycle::fact(answer.rules())?)))
    }

    pub(in super::super) async fn policy(&self, bucket: &str) -> Answer {
        let answer =
            self.client.get_bucket_policy().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        let text = answer.policy.ok_or_else(|| Failure::incomplete("GetBucketPolicy answers no policy"))?;
        Ok(Some(Fact::from(PolicyText(text))))
    }

    pub(in super::super) async fn logging(&self, bucket: &str) -> Answer {
        let answer =
            self.client.get_bucket_logging().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        let Some(logging) = answer.logging_enabled else { return Ok(None) };
        let mut target_grants = logging
            .target_grants()
            .iter()
            .map(|grant: &TargetGrant| {
                acl_grant(grant.grantee.as_ref(), grant.permission.as_ref().map(|permission| permission.as_str()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        target_grants.sort();
        let key_format = logging.target_object_key_format.as_ref().map(key_format_fact).transpose()?;
        Ok(Some(Fact::from(Logging {
            target_bucket: logging.target_bucket,
            target_prefix: logging.target_prefix,
            target_grants,
            key_format,
        })))
    }

    /// An empty configuration is how S3 says that there is none: it is present and empty here.
    pub(in super::super) async fn notification(&self, bucket: &str) -> Answer {
        let answer = self
            .client
            .get_bucket_notification_configuration()
            .bucket(bucket)
            .set_expected_bucket_owner(self.owner())
            .send()
            .await?;
        Ok(Some(Fact::from(notification::fact(&answer)?)))
    }

    pub(in super::super) async fn replication(&self, bucket: &str) -> Answer {
        let answer =
            self.client.get_bucket_replication().bucket(bucket).set_expected_bucket_owner(self.owner()).send().await?;
        let fact = answer.replication_configuration.as_ref().map(replication::fact).transpose()?;
        Ok(fact.map(Fact::from))
    }
}

/// `LocationConstraint` as a region: empty is us-east-1, `EU` is eu-west-1 (S3 API reference, GetBucketLocation).
fn region_of(constraint: Option<String>) -> String {
    match constraint.as_deref() {
        None | Some("" | "null" | "US") => "us-east-1".to_owned(),
        Some("EU") => "eu-west-1".to_owned(),
        Some(region) => region.to_owned(),
    }
}

fn block_fact(block: &PublicAccessBlockConfiguration) -> PublicAccessBlock {
    let on = |switch: Option<bool>| switch.unwrap_or(false);
    PublicAccessBlock {
        block_public_acls: on(block.block_public_acls),
        ignore_public_acls: on(block.ignore_public_acls),
        block_public_policy: on(block.block_public_policy),
        restrict_public_buckets: on(block.restrict_public_buckets),
    }
}

fn acl_grant(grantee: Option<&Grantee>, permission: Option<&str>) -> Result<AclGrant, Failure> {
    let grantee = grantee
        .and_then(|grantee| grantee.id.as_ref().or(grantee.uri.as_ref()).or(grantee.email_address.as_ref()))
        .ok_or_else(|| Failure::incomplete("a grant of an ACL names nobody"))?;
    let permission = permission.ok_or_else(|| Failure::incomplete("a grant of an ACL has no permission"))?;
    Ok(AclGrant { grantee: grantee.clone(), permission: permission.to_owned() })
}

fn encryption_fact(rule: &ServerSideEncryptionRule) -> Option<Encryption> {
    let default = rule.apply_server_side_encryption_by_default()?;
    let blocked = rule.blocked_encryption_types().map(BlockedEncryptionTypes::encryption_type).unwrap_or_default();
    let mut blocked_types: Vec<String> = blocked.iter().map(|each| each.as_str().to_owned()).collect();
    blocked_types.sort();
    Some(Encryption {
        algorithm: default.sse_algorithm.as_str().to_owned(),
        key: default.kms_master_key_id().filter(|key| !key.is_empty()).map(str::to_owned),
        bucket_key: rule.bucket_key_enabled.unwrap_or(false),
        blocked_types,
    })
}

fn key_format_fact(format: &TargetObjectKeyFormat) -> Result<LogKeyFormat, Failure> {
    let source = format.partitioned_prefix().and_then(|partitioned| partitioned.partition_date_source());
    match (source, format.simple_prefix()) {
        (Some(source), None) => Ok(LogKeyFormat::Partitioned(source.as_str().to_owned())),
        (None, Some(_)) if format.partitioned_prefix().is_none() => Ok(LogKeyFormat::Simple),
        _ => Err(Failure::incomplete(format!("a key format of access logs that auditseal does not know: {format:?}"))),
    }
}

fn retention_fact(default: &DefaultRetention) -> Result<Retention, Failure> {
    let wrong = || Failure::incomplete(format!("a default retention that auditseal does not know: {default:?}"));
    if default.default_event_hold.is_some() {
        return Err(wrong());
    }
    let days = match (default.days, default.years) {
        (Some(days), _) => Some(days),
        (None, Some(years)) => years.checked_mul(DAYS_OF_YEAR),
        (None, None) => None,
    };
    let days = days.and_then(|days| u32::try_from(days).ok()).ok_or_else(wrong)?;
    let mode = default.mode.as_ref().ok_or_else(wrong)?.as_str().to_owned();
    Ok(Retention { mode, days })
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::types::{ObjectLockRetentionMode, Type};

    use super::*;

    #[test]
    fn constraints_are_regions() {
        for (constraint, region) in [
            (None, "us-east-1"),
            (Some(""), "us-east-1"),
            (Some("EU"), "eu-west-1"),
            (Some("eu-west-1"), "eu-west-1"),
            (Some("ap-southeast-7"), "ap-southeast-7"),
        ] {
            assert_eq!(region_of(constraint.map(str::to_owned)), region);
        }
    }

    #[test]
    fn years_of_retention_are_days() {
        let retention = |days: Option<i32>, years: Option<i32>| {
            let mode = ObjectLockRetentionMode::Compliance;
            retention_fact(&DefaultRetention::builder().mode(mode).set_days(days).set_years(years).build())
        };
        assert_eq!(retention(Some(30), None).unwrap().days, 30);
        assert_eq!(retention(None, Some(7)).unwrap().days, 2555);
        assert!(retention(None, None).is_err());
        assert!(retention(Some(-1), None).is_err());
        assert!(retention_fact(&DefaultRetention::builder().days(1).build()).is_err());
    }

    #[test]
    fn grantees_of_every_type() {
        let group = "http://acs.amazonaws.com/groups/global/AllUsers";
        let grantee = Grantee::builder().r#type(Type::Group).uri(group).build().unwrap();
        assert_eq!(acl_grant(Some(&grantee), Some("READ")).unwrap().grantee, group);
        assert!(acl_grant(None, Some("READ")).is_err());
        assert!(acl_grant(Some(&grantee), None).is_err());
    }
}
