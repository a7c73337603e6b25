//! Replication rules, to the model and back, in the second version of the schema (`Filter`, `Priority`,
//! `DeleteMarkerReplication`; S3 user guide, "Replication configuration file elements").

use std::collections::BTreeMap;

use aws_sdk_s3::types::{
    AccessControlTranslation, DeleteMarkerReplication, DeleteMarkerReplicationStatus, Destination,
    EncryptionConfiguration, Metrics, MetricsStatus, OwnerOverride, ReplicaModifications, ReplicaModificationsStatus,
    ReplicationConfiguration, ReplicationRule as SdkRule, ReplicationRuleAndOperator, ReplicationRuleFilter,
    ReplicationRuleStatus, ReplicationTime, ReplicationTimeStatus, ReplicationTimeValue, SourceSelectionCriteria,
    SseKmsEncryptedObjects, SseKmsEncryptedObjectsStatus, StorageClass, Tag,
};

use crate::model::bucket::{Replication, ReplicationRule};
use crate::provider::aws::error::Failure;

/// The only threshold that S3 Replication Time Control has.
const MINUTES: i32 = 15;

pub(super) fn fact(configuration: &ReplicationConfiguration) -> Result<Replication, Failure> {
    let mut rules = configuration.rules().iter().map(rule_fact).collect::<Result<Vec<_>, _>>()?;
    rules.sort();
    Ok(Replication { role: configuration.role.clone(), rules })
}

fn rule_fact(rule: &SdkRule) -> Result<ReplicationRule, Failure> {
    let destination = rule.destination().ok_or_else(|| unknown(rule, "no destination"))?;
    let criteria = rule.source_selection_criteria();
    let markers = match rule.delete_marker_replication() {
        Some(markers) => markers.status == Some(DeleteMarkerReplicationStatus::Enabled),
        // The first version of the schema has no such switch: it replicates delete markers.
        None => rule.filter().is_none(),
    };
    if rule.existing_object_replication().is_some() {
        return Err(unknown(rule, "`ExistingObjectReplication`"));
    }
    let (prefix, tags) = objects(rule);
    Ok(ReplicationRule {
        id: rule.id().unwrap_or_default().to_owned(),
        enabled: rule.status == ReplicationRuleStatus::Enabled,
        priority: rule.priority.unwrap_or(0),
        prefix,
        tags,
        bucket: destination.bucket.clone(),
        account: destination.account.clone(),
        storage_class: destination.storage_class().map(|class| class.as_str().to_owned()),
        replica_key: destination.encryption_configuration().and_then(|key| key.replica_kms_key_id.clone()),
        owner_override: destination
            .access_control_translation()
            .is_some_and(|translation| translation.owner == OwnerOverride::Destination),
        kms_objects: criteria
            .and_then(|criteria| criteria.sse_kms_encrypted_objects())
            .is_some_and(|objects| objects.status == SseKmsEncryptedObjectsStatus::Enabled),
        delete_markers: markers,
        replica_modifications: criteria
            .and_then(|criteria| criteria.replica_modifications())
            .is_some_and(|changes| changes.status == ReplicaModificationsStatus::Enabled),
        replication_time: destination
            .replication_time()
            .is_some_and(|time| time.status == ReplicationTimeStatus::Enabled),
        // Replication time always has metrics, which therefore say nothing there.
        metrics: destination.replication_time().is_none_or(|time| time.status != ReplicationTimeStatus::Enabled)
            && destination.metrics().is_some_and(|metrics| metrics.status == MetricsStatus::Enabled),
    })
}

fn unknown(rule: &SdkRule, what: &str) -> Failure {
    let id = rule.id().unwrap_or_default();
    let bucket = rule.destination().map(Destination::bucket).unwrap_or_default();
    Failure::incomplete(format!(
        "replication rule `{id}` to `{bucket}` has {what}, which auditseal cannot keep: remove or rewrite it first"
    ))
}

/// Prefix and tags of the objects that a rule copies.
#[expect(deprecated, reason = "`Prefix` of a rule is deprecated and still answered for old rules")]
fn objects(rule: &SdkRule) -> (String, BTreeMap<String, String>) {
    let Some(filter) = rule.filter() else { return (rule.prefix().unwrap_or_default().to_owned(), BTreeMap::new()) };
    let several = filter.and();
    let prefix = filter.prefix().or_else(|| several.and_then(|and| and.prefix()));
    let tags = filter.tag().into_iter().chain(several.map(|and| and.tags()).unwrap_or_default());
    let tags = tags.map(|tag| (tag.key.clone(), tag.value.clone())).collect();
    (prefix.unwrap_or_default().to_owned(), tags)
}

pub(super) fn request(replication: &Replication) -> Result<ReplicationConfiguration, Failure> {
    let Replication { role, rules } = replication;
    let rules = rules.iter().map(rule_request).collect::<Result<_, _>>()?;
    Ok(ReplicationConfiguration::builder().role(role).set_rules(Some(rules)).build()?)
}

fn rule_request(rule: &ReplicationRule) -> Result<SdkRule, Failure> {
    let markers = if rule.delete_markers {
        DeleteMarkerReplicationStatus::Enabled
    } else {
        DeleteMarkerReplicationStatus::Disabled
    };
    let status = if rule.enabled { ReplicationRuleStatus::Enabled } else { ReplicationRuleStatus::Disabled };
    let builder = SdkRule::builder()
        .set_id((!rule.id.is_empty()).then(|| rule.id.clone()))
        .priority(rule.priority)
        .status(status)
        .filter(filter(rule)?)
        .delete_marker_replication(DeleteMarkerReplication::builder().status(markers).build())
        .set_source_selection_criteria(criteria(rule)?)
        .destination(destination(rule)?);
    Ok(builder.build()?)
}

/// One condition stands alone, several go into `And`; a prefix alone may be empty.
fn filter(rule: &ReplicationRule) -> Result<ReplicationRuleFilter, Failure> {
    let tags = rule
        .tags
        .iter()
        .map(|(key, value)| Ok(Tag::builder().key(key).value(value).build()?))
        .collect::<Result<Vec<_>, Failure>>()?;
    let builder = ReplicationRuleFilter::builder();
    Ok(match (rule.prefix.is_empty(), tags.as_slice()) {
        (_, []) => builder.prefix(&rule.prefix).build(),
        (true, [tag]) => builder.tag(tag.clone()).build(),
        (empty, _) => {
            let and = ReplicationRuleAndOperator::builder()
                .set_prefix((!empty).then(|| rule.prefix.clone()))
                .set_tags(Some(tags))
                .build();
            builder.and(and).build()
        }
    })
}

fn criteria(rule: &ReplicationRule) -> Result<Option<SourceSelectionCriteria>, Failure> {
    if !rule.kms_objects && !rule.replica_modifications {
        return Ok(None);
    }
    let mut builder = SourceSelectionCriteria::builder();
    if rule.kms_objects {
        let status = SseKmsEncryptedObjectsStatus::Enabled;
        builder = builder.sse_kms_encrypted_objects(SseKmsEncryptedObjects::builder().status(status).build()?);
    }
    if rule.replica_modifications {
        let status = ReplicaModificationsStatus::Enabled;
        builder = builder.replica_modifications(ReplicaModifications::builder().status(status).build()?);
    }
    Ok(Some(builder.build()))
}

/// Replication Time Control is only taken together with metrics.
fn destination(rule: &ReplicationRule) -> Result<Destination, Failure> {
    let mut builder = Destination::builder()
        .bucket(&rule.bucket)
        .set_account(rule.account.clone())
        .set_storage_class(rule.storage_class.as_deref().map(StorageClass::from));
    if rule.owner_override {
        let owner = OwnerOverride::Destination;
        builder = builder.access_control_translation(AccessControlTranslation::builder().owner(owner).build()?);
    }
    if let Some(key) = &rule.replica_key {
        builder = builder.encryption_configuration(EncryptionConfiguration::builder().replica_kms_key_id(key).build());
    }
    if rule.replication_time {
        let limit = ReplicationTimeValue::builder().minutes(MINUTES).build();
        let time = ReplicationTime::builder().status(ReplicationTimeStatus::Enabled).time(limit.clone()).build()?;
        let metrics = Metrics::builder().status(MetricsStatus::Enabled).event_threshold(limit).build()?;
        builder = builder.replication_time(time).metrics(metrics);
    } else if rule.metrics {
        builder = builder.metrics(Metrics::builder().status(MetricsStatus::Enabled).build()?);
    }
    Ok(builder.build()?)
}

#[cfg(test)]
mod tests {
    use proptest::collection::btree_map;
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    fn rules() -> impl Strategy<Value = ReplicationRule> {
        (
            ("[a-z]{1,5}", any::<bool>(), 0..9, ("[a-z/]{0,5}", btree_map("[a-z]{1,3}", "[a-z]{0,3}", 0..3)), "arn:aws:s3:::[a-z]{3,5}", of("[0-9]{12}")),
            (of("STANDARD|GLACIER|NEW_CLASS"), of("arn:aws:kms:[a-z]{3}:1:key/a")),
            proptest::array::uniform6(any::<bool>()),
        )
            .prop_map(
                |((id, enabled, priority, (prefix, tags), bucket, account), (storage_class, replica_key), switches)| {
                    let [owner_override, kms_objects, delete_markers, replica_modifications, replication_time, metrics] =
                        switches;
                    ReplicationRule {
                        id,
                        enabled,
                        priority,
                        prefix,
                        tags,
                        bucket,
                        account,
                        storage_class,
                        replica_key,
                        owner_override,
                        kms_objects,
                        delete_markers,
                        replica_modifications,
                        replication_time,
                        metrics: metrics && !replication_time,
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_was_read(mut rules in proptest::collection::vec(rules(), 0..4)) {
            rules.sort();
            let replication = Replication { role: "arn:aws:iam::1:role/r".to_owned(), rules };
            prop_assert_eq!(fact(&request(&replication).unwrap()).unwrap(), replication);
        }
    }

    fn rule() -> aws_sdk_s3::types::builders::ReplicationRuleBuilder {
        let destination = Destination::builder().bucket("arn:aws:s3:::b").build().unwrap();
        SdkRule::builder().id("r").status(ReplicationRuleStatus::Enabled).destination(destination)
    }

    #[test]
    #[expect(deprecated, reason = "the old form is what is tested")]
    fn the_first_version_replicates_delete_markers() {
        let old = rule_fact(&rule().prefix("logs/").build().unwrap()).unwrap();
        assert_eq!((old.prefix.as_str(), old.delete_markers), ("logs/", true));
        let new = rule().filter(ReplicationRuleFilter::builder().prefix("logs/").build()).build().unwrap();
        assert!(!rule_fact(&new).unwrap().delete_markers);
    }

    #[test]
    #[expect(deprecated, reason = "the shortest way to a rule")]
    fn several_conditions_need_and() {
        let tagged = |prefix: &str, tags: &[&str]| {
            let mut rule = rule_fact(&rule().prefix(prefix).build().unwrap()).unwrap();
            rule.tags = tags.iter().map(|key| ((*key).to_owned(), "v".to_owned())).collect();
            filter(&rule).unwrap()
        };
        let one = tagged("", &["k"]);
        assert_eq!((one.prefix(), one.tag().is_some(), one.and()), (None, true, None));
        let both = tagged("a/", &["k"]);
        assert_eq!((both.prefix(), both.tag()), (None, None));
        assert_eq!(both.and().and_then(|and| and.prefix()), Some("a/"));
        assert_eq!(tagged("", &["k", "l"]).and().map(|and| (and.prefix(), and.tags().len())), Some((None, 2)));
    }
}
