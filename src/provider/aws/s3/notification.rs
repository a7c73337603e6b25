//! Event notifications, to the model and back. A PUT replaces the whole configuration, so nothing of it may be lost.

use aws_sdk_s3::operation::get_bucket_notification_configuration::GetBucketNotificationConfigurationOutput;
use aws_sdk_s3::types::{
    Event, EventBridgeConfiguration, FilterRule, FilterRuleName, LambdaFunctionConfiguration,
    NotificationConfiguration, NotificationConfigurationFilter, QueueConfiguration, S3KeyFilter, TopicConfiguration,
};

use crate::model::bucket::{Notification, NotificationDestination};
use crate::provider::aws::error::Failure;

const TOPIC: &str = "topic";
const QUEUE: &str = "queue";
const LAMBDA: &str = "lambda";

pub(super) fn fact(answer: &GetBucketNotificationConfigurationOutput) -> Result<Notification, Failure> {
    let mut destinations = Vec::new();
    for each in answer.topic_configurations() {
        destinations.push(destination(each.id(), TOPIC, each.topic_arn(), each.events(), each.filter())?);
    }
    for each in answer.queue_configurations() {
        destinations.push(destination(each.id(), QUEUE, each.queue_arn(), each.events(), each.filter())?);
    }
    for each in answer.lambda_function_configurations() {
        destinations.push(destination(each.id(), LAMBDA, each.lambda_function_arn(), each.events(), each.filter())?);
    }
    destinations.sort();
    Ok(Notification { event_bridge: answer.event_bridge_configuration().is_some(), destinations })
}

fn destination(
    id: Option<&str>,
    service: &str,
    arn: &str,
    events: &[Event],
    filter: Option<&NotificationConfigurationFilter>,
) -> Result<NotificationDestination, Failure> {
    let mut events: Vec<String> = events.iter().map(|event| event.as_str().to_owned()).collect();
    events.sort();
    let rules = filter.and_then(|filter| filter.key()).map(S3KeyFilter::filter_rules).unwrap_or_default();
    let mut filter = rules
        .iter()
        .map(|rule| match (&rule.name, &rule.value) {
            // S3 answers `Prefix` for what it was given as `prefix`.
            (Some(name), Some(value)) => Ok((name.as_str().to_ascii_lowercase(), value.clone())),
            (Some(name), None) => Ok((name.as_str().to_ascii_lowercase(), String::new())),
            _ => Err(Failure::incomplete(format!("a key filter of the notification to `{arn}` has no name"))),
        })
        .collect::<Result<Vec<_>, _>>()?;
    filter.sort();
    Ok(NotificationDestination {
        id: id.unwrap_or_default().to_owned(),
        service: service.to_owned(),
        arn: arn.to_owned(),
        events,
        filter,
    })
}

pub(super) fn request(notification: &Notification) -> Result<NotificationConfiguration, Failure> {
    let Notification { event_bridge, destinations } = notification;
    let mut builder = NotificationConfiguration::builder();
    if *event_bridge {
        builder = builder.event_bridge_configuration(EventBridgeConfiguration::builder().build());
    }
    for each in destinations {
        let NotificationDestination { id, service, arn, events, filter } = each;
        let id = (!id.is_empty()).then(|| id.clone());
        let events = Some(events.iter().map(|event| Event::from(event.as_str())).collect());
        let filter = filter_request(filter);
        builder = match service.as_str() {
            TOPIC => builder.topic_configurations(
                TopicConfiguration::builder()
                    .set_id(id)
                    .topic_arn(arn)
                    .set_events(events)
                    .set_filter(filter)
                    .build()?,
            ),
            QUEUE => builder.queue_configurations(
                QueueConfiguration::builder()
                    .set_id(id)
                    .queue_arn(arn)
                    .set_events(events)
                    .set_filter(filter)
                    .build()?,
            ),
            LAMBDA => builder.lambda_function_configurations(
                LambdaFunctionConfiguration::builder()
                    .set_id(id)
                    .lambda_function_arn(arn)
                    .set_events(events)
                    .set_filter(filter)
                    .build()?,
            ),
            other => {
                return Err(Failure::not_sent(format!(
                    "notification service `{other}` is not one of `{TOPIC}`, `{QUEUE}`, `{LAMBDA}`"
                )));
            }
        };
    }
    Ok(builder.build())
}

fn filter_request(rules: &[(String, String)]) -> Option<NotificationConfigurationFilter> {
    if rules.is_empty() {
        return None;
    }
    let rules = rules
        .iter()
        .map(|(name, value)| FilterRule::builder().name(FilterRuleName::from(name.as_str())).value(value).build())
        .collect();
    let key = S3KeyFilter::builder().set_filter_rules(Some(rules)).build();
    Some(NotificationConfigurationFilter::builder().key(key).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(notification: &Notification) -> Notification {
        let sent = request(notification).unwrap();
        let answer = GetBucketNotificationConfigurationOutput::builder()
            .set_topic_configurations(sent.topic_configurations)
            .set_queue_configurations(sent.queue_configurations)
            .set_lambda_function_configurations(sent.lambda_function_configurations)
            .set_event_bridge_configuration(sent.event_bridge_configuration)
            .build();
        fact(&answer).unwrap()
    }

    fn to(id: &str, service: &str) -> NotificationDestination {
        NotificationDestination {
            id: id.to_owned(),
            service: service.to_owned(),
            arn: format!("arn:aws:x:us-east-1:1:{id}"),
            events: vec!["s3:ObjectCreated:*".to_owned(), "s3:SomethingNew:*".to_owned()],
            filter: vec![("prefix".to_owned(), "a/".to_owned()), ("suffix".to_owned(), ".json".to_owned())],
        }
    }

    #[test]
    fn every_destination_survives() {
        let plain = NotificationDestination { filter: Vec::new(), ..to("d", QUEUE) };
        let destinations = vec![to("a", LAMBDA), to("b", QUEUE), to("c", TOPIC), plain];
        for event_bridge in [false, true] {
            let notification = Notification { event_bridge, destinations: destinations.clone() };
            assert_eq!(read_back(&notification), notification);
        }
        assert_eq!(read_back(&Notification::default()), Notification::default());
    }

    #[test]
    fn an_unknown_service_is_not_dropped() {
        let notification = Notification { event_bridge: false, destinations: vec![to("a", "pager")] };
        assert!(request(&notification).is_err());
    }
}
