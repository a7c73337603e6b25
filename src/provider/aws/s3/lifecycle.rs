//! Lifecycle rules, to the model and back. Rules in the old form (`Prefix` beside no `Filter`) are read as the new form,
//! which is also the one that is written: S3 takes no mixture (S3 API reference, `LifecycleRule`).

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration,
    LifecycleRule as SdkRule, LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration,
    NoncurrentVersionTransition, Tag, Transition as SdkTransition, TransitionStorageClass,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::model::bucket::{
    Expiration, Lifecycle, LifecycleFilter, LifecycleRule, NoncurrentExpiration, NoncurrentTransition, Transition,
};
use crate::provider::aws::error::Failure;

/// Sorted by id; the lists of a rule are sorted too, their order means nothing.
pub(super) fn fact(rules: &[SdkRule]) -> Result<Lifecycle, Failure> {
    let mut rules = rules.iter().map(rule_fact).collect::<Result<Vec<_>, _>>()?;
    rules.sort();
    Ok(Lifecycle { rules })
}

fn unknown(rule: &SdkRule, what: &str) -> Failure {
    let id = rule.id().unwrap_or_default();
    Failure::incomplete(format!("lifecycle rule `{id}` has {what}, which auditseal cannot keep"))
}

fn rule_fact(rule: &SdkRule) -> Result<LifecycleRule, Failure> {
    let mut transitions =
        rule.transitions().iter().map(|each| transition_fact(rule, each)).collect::<Result<Vec<_>, _>>()?;
    transitions.sort();
    let mut noncurrent_transitions = rule
        .noncurrent_version_transitions()
        .iter()
        .map(|each| noncurrent_transition_fact(rule, each))
        .collect::<Result<Vec<_>, _>>()?;
    noncurrent_transitions.sort();
    let noncurrent_expiration = match rule.noncurrent_version_expiration() {
        Some(expiration) => Some(NoncurrentExpiration {
            days: expiration.noncurrent_days.ok_or_else(|| unknown(rule, "a noncurrent expiration without days"))?,
            newer_versions: expiration.newer_noncurrent_versions,
        }),
        None => None,
    };
    Ok(LifecycleRule {
        id: rule.id().unwrap_or_default().to_owned(),
        enabled: rule.status == ExpirationStatus::Enabled,
        filter: filter_fact(rule),
        expiration: expiration_fact(rule)?,
        noncurrent_expiration,
        transitions,
        noncurrent_transitions,
        abort_multipart_days: rule.abort_incomplete_multipart_upload().and_then(|abort| abort.days_after_initiation),
    })
}

/// An empty prefix is no prefix: both mean the whole bucket.
#[expect(deprecated, reason = "`Prefix` of a rule is deprecated and still answered for old rules")]
fn filter_fact(rule: &SdkRule) -> LifecycleFilter {
    let prefix = |prefix: Option<&str>| prefix.filter(|prefix| !prefix.is_empty()).map(str::to_owned);
    let pair = |tag: &Tag| (tag.key.clone(), tag.value.clone());
    let Some(filter) = rule.filter() else {
        return LifecycleFilter { prefix: prefix(rule.prefix()), ..LifecycleFilter::default() };
    };
    match filter.and() {
        Some(and) => LifecycleFilter {
            prefix: prefix(and.prefix()),
            tags: and.tags().iter().map(pair).collect(),
            size_greater_than: and.object_size_greater_than,
            size_less_than: and.object_size_less_than,
        },
        None => LifecycleFilter {
            prefix: prefix(filter.prefix()),
            tags: filter.tag().map(pair).into_iter().collect(),
            size_greater_than: filter.object_size_greater_than,
            size_less_than: filter.object_size_less_than,
        },
    }
}

fn expiration_fact(rule: &SdkRule) -> Result<Option<Expiration>, Failure> {
    let Some(expiration) = rule.expiration() else { return Ok(None) };
    let marker = expiration.expired_object_delete_marker == Some(true);
    match (expiration.days, &expiration.date, marker) {
        (Some(days), None, false) => Ok(Some(Expiration::Days(days))),
        (None, Some(date), false) => Ok(Some(Expiration::Date(date_text(rule, date)?))),
        (None, None, true) => Ok(Some(Expiration::ExpiredObjectDeleteMarker)),
        (None, None, false) => Ok(None),
        _ => Err(unknown(rule, "more than one kind of expiration")),
    }
}

fn transition_fact(rule: &SdkRule, transition: &SdkTransition) -> Result<Transition, Failure> {
    Ok(Transition {
        days: transition.days,
        date: transition.date().map(|date| date_text(rule, date)).transpose()?,
        storage_class: class_text(rule, transition.storage_class())?,
    })
}

fn noncurrent_transition_fact(
    rule: &SdkRule,
    transition: &NoncurrentVersionTransition,
) -> Result<NoncurrentTransition, Failure> {
    Ok(NoncurrentTransition {
        days: transition.noncurrent_days.ok_or_else(|| unknown(rule, "a noncurrent transition without days"))?,
        newer_versions: transition.newer_noncurrent_versions,
        storage_class: class_text(rule, transition.storage_class())?,
    })
}

fn class_text(rule: &SdkRule, class: Option<&TransitionStorageClass>) -> Result<String, Failure> {
    class.map(|class| class.as_str().to_owned()).ok_or_else(|| unknown(rule, "a transition without storage class"))
}

fn date_text(rule: &SdkRule, date: &DateTime) -> Result<String, Failure> {
    date.fmt(Format::DateTime).map_err(|_| unknown(rule, "a date that RFC 3339 cannot express"))
}

/// Whether any rule moves objects: only then the minimum object size of the configuration means anything.
pub(super) fn has_transitions(lifecycle: &Lifecycle) -> bool {
    lifecycle.rules.iter().any(|rule| !rule.transitions.is_empty() || !rule.noncurrent_transitions.is_empty())
}

pub(super) fn request(lifecycle: &Lifecycle) -> Result<BucketLifecycleConfiguration, Failure> {
    let rules = lifecycle.rules.iter().map(rule_request).collect::<Result<_, _>>()?;
    Ok(BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build()?)
}

fn rule_request(rule: &LifecycleRule) -> Result<SdkRule, Failure> {
    let LifecycleRule {
        id,
        enabled,
        filter,
        expiration,
        noncurrent_expiration,
        transitions,
        noncurrent_transitions,
        abort_multipart_days,
    } = rule;
    let status = if *enabled { ExpirationStatus::Enabled } else { ExpirationStatus::Disabled };
    let abort =
        abort_multipart_days.map(|days| AbortIncompleteMultipartUpload::builder().days_after_initiation(days).build());
    let noncurrent = noncurrent_expiration.as_ref().map(|expiration| {
        NoncurrentVersionExpiration::builder()
            .noncurrent_days(expiration.days)
            .set_newer_noncurrent_versions(expiration.newer_versions)
            .build()
    });
    let mut builder = SdkRule::builder()
        .set_id((!id.is_empty()).then(|| id.clone()))
        .status(status)
        .filter(filter_request(filter)?)
        .set_expiration(expiration.as_ref().map(expiration_request).transpose()?)
        .set_noncurrent_version_expiration(noncurrent)
        .set_abort_incomplete_multipart_upload(abort);
    for transition in transitions {
        builder = builder.transitions(
            SdkTransition::builder()
                .set_days(transition.days)
                .set_date(transition.date.as_deref().map(date).transpose()?)
                .storage_class(TransitionStorageClass::from(transition.storage_class.as_str()))
                .build(),
        );
    }
    for transition in noncurrent_transitions {
        builder = builder.noncurrent_version_transitions(
            NoncurrentVersionTransition::builder()
                .noncurrent_days(transition.days)
                .set_newer_noncurrent_versions(transition.newer_versions)
                .storage_class(TransitionStorageClass::from(transition.storage_class.as_str()))
                .build(),
        );
    }
    Ok(builder.build()?)
}

/// One condition stands alone, several go into `And`, none is an empty prefix.
fn filter_request(filter: &LifecycleFilter) -> Result<LifecycleRuleFilter, Failure> {
    let LifecycleFilter { prefix, tags, size_greater_than, size_less_than } = filter;
    let tags = tags
        .iter()
        .map(|(key, value)| Ok(Tag::builder().key(key).value(value).build()?))
        .collect::<Result<Vec<_>, Failure>>()?;
    let prefix = prefix.as_ref().filter(|prefix| !prefix.is_empty());
    let conditions = usize::from(prefix.is_some())
        + tags.len()
        + usize::from(size_greater_than.is_some())
        + usize::from(size_less_than.is_some());
    let builder = LifecycleRuleFilter::builder();
    Ok(match conditions {
        0 => builder.prefix("").build(),
        1 => builder
            .set_prefix(prefix.cloned())
            .set_tag(tags.into_iter().next())
            .set_object_size_greater_than(*size_greater_than)
            .set_object_size_less_than(*size_less_than)
            .build(),
        _ => builder
            .and(
                LifecycleRuleAndOperator::builder()
                    .set_prefix(prefix.cloned())
                    .set_tags((!tags.is_empty()).then_some(tags))
                    .set_object_size_greater_than(*size_greater_than)
                    .set_object_size_less_than(*size_less_than)
                    .build(),
            )
            .build(),
    })
}

fn expiration_request(expiration: &Expiration) -> Result<LifecycleExpiration, Failure> {
    let builder = LifecycleExpiration::builder();
    Ok(match expiration {
        Expiration::Days(days) => builder.days(*days),
        Expiration::Date(text) => builder.date(date(text)?),
        Expiration::ExpiredObjectDeleteMarker => builder.expired_object_delete_marker(true),
    }
    .build())
}

fn date(text: &str) -> Result<DateTime, Failure> {
    DateTime::from_str(text, Format::DateTime)
        .map_err(|error| Failure::not_sent(format!("`{text}` is not an RFC 3339 date-time: {error}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::collection::{btree_map, vec};
    use proptest::option::of;
    use proptest::prelude::*;

    use super::*;

    fn filters() -> impl Strategy<Value = LifecycleFilter> {
        (of("[a-z/]{1,6}"), btree_map("[a-z]{1,3}", "[a-z]{0,3}", 0..3), of(0..9_i64), of(10..99_i64)).prop_map(
            |(prefix, tags, size_greater_than, size_less_than)| LifecycleFilter {
                prefix,
                tags,
                size_greater_than,
                size_less_than,
            },
        )
    }

    fn expirations() -> impl Strategy<Value = Option<Expiration>> {
        of(prop_oneof![
            (1..9999).prop_map(Expiration::Days),
            (1..9_i32).prop_map(|n| Expiration::Date(format!("203{n}-01-01T00:00:00Z"))),
            Just(Expiration::ExpiredObjectDeleteMarker),
        ])
    }

    fn rules() -> impl Strategy<Value = LifecycleRule> {
        let transition = (of(0..99), of(Just("2031-01-01T00:00:00Z".to_owned())), "GLACIER|DEEP_ARCHIVE|NEW_CLASS")
            .prop_map(|(days, date, storage_class)| Transition { days, date, storage_class });
        let noncurrent = (1..99, of(1..9), "GLACIER|GLACIER_IR").prop_map(|(days, newer_versions, storage_class)| {
            NoncurrentTransition { days, newer_versions, storage_class }
        });
        (
            "[a-z]{1,5}",
            any::<bool>(),
            filters(),
            expirations(),
            of((1..999, of(1..9)).prop_map(|(days, newer_versions)| NoncurrentExpiration { days, newer_versions })),
            vec(transition, 0..3),
            vec(noncurrent, 0..3),
            of(1..30),
        )
            .prop_map(
                |(id, enabled, filter, expiration, noncurrent_expiration, mut transitions, mut moved, abort)| {
                    transitions.sort();
                    moved.sort();
                    LifecycleRule {
                        id,
                        enabled,
                        filter,
                        expiration,
                        noncurrent_expiration,
                        transitions,
                        noncurrent_transitions: moved,
                        abort_multipart_days: abort,
                    }
                },
            )
    }

    proptest! {
        /// A foreign rule survives being read and written back.
        #[test]
        fn what_is_written_is_what_was_read(mut rules in vec(rules(), 0..4)) {
            rules.sort();
            let lifecycle = Lifecycle { rules };
            let sent = request(&lifecycle).unwrap();
            prop_assert_eq!(fact(sent.rules()).unwrap(), lifecycle);
        }
    }

    #[test]
    #[expect(deprecated, reason = "the old form is what is tested")]
    fn the_old_form_is_read_as_the_new_one() {
        let rule = |prefix: &str| {
            let builder = SdkRule::builder().id("old").status(ExpirationStatus::Enabled).prefix(prefix);
            fact(&[builder.expiration(LifecycleExpiration::builder().days(5).build()).build().unwrap()]).unwrap()
        };
        assert_eq!(rule("logs/").rules[0].filter.prefix.as_deref(), Some("logs/"));
        assert_eq!(rule("").rules[0].filter, LifecycleFilter::default());
    }

    #[test]
    fn several_conditions_need_and() {
        let mut filter = LifecycleFilter { prefix: Some("a/".to_owned()), ..LifecycleFilter::default() };
        assert_eq!(filter_request(&filter).unwrap().prefix(), Some("a/"));
        filter.tags = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        let sent = filter_request(&filter).unwrap();
        assert_eq!((sent.prefix(), sent.tag()), (None, None));
        assert_eq!(sent.and().unwrap().prefix(), Some("a/"));
        assert_eq!(filter_request(&LifecycleFilter::default()).unwrap().prefix(), Some(""));
    }

    #[test]
    fn what_cannot_be_kept_is_not_read() {
        let expiration = LifecycleExpiration::builder().days(5).expired_object_delete_marker(true).build();
        let rule = SdkRule::builder().id("r").status(ExpirationStatus::Enabled).expiration(expiration).build().unwrap();
        assert!(fact(&[rule]).is_err());
        assert!(date("tomorrow").is_err());
    }
}
