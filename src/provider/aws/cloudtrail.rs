//! CloudTrail's event history (CloudTrail API reference, LookupEvents): management events of the last 90 days, without any
//! trail. Asked only to say who made a change that is seen already.

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::error::{Answer, Failure};
use super::json::{self, text};
use super::signed::{Response, Signer};
use crate::model::Fact;
use crate::model::trail::TrailEvent;

/// "The rate of lookup requests is limited to two per second, per account, per Region" (LookupEvents).
const PER_SECOND: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);
/// Most events of one page (LookupEvents, `MaxResults`).
const PAGE: usize = 50;
/// The newest events come first: whoever made a change that was just seen is not further back than this.
const PAGES: usize = 6;

/// Shared by the clones of a client.
pub(super) type Rate = Arc<DefaultDirectRateLimiter>;

pub(super) fn rate() -> Rate {
    // One at a time: a burst of two and the next two would be four within a second.
    Arc::new(RateLimiter::direct(Quota::per_second(PER_SECOND).allow_burst(NonZeroU32::MIN)))
}

/// Successful calls of one name since a moment, newest first, at most the newest 300.
pub(super) async fn events(signer: &Signer, rate: &Rate, name: &str, global: bool, since: Timestamp) -> Answer {
    let region = if global { home(&signer.region) } else { signer.region.as_str() };
    let url = match &signer.endpoint {
        Some(endpoint) => format!("{endpoint}/"),
        None => format!("https://cloudtrail.{region}.amazonaws.com/"),
    };
    let signer = signer.in_region(region);
    let mut input = json!({
        "LookupAttributes": [{ "AttributeKey": "EventName", "AttributeValue": name }],
        "StartTime": since.as_second(),
        "MaxResults": PAGE,
    });
    let mut found = Vec::new();
    for _ in 0..PAGES {
        rate.until_ready().await;
        let family = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101";
        let call = json::call("cloudtrail", family, "LookupEvents", url.clone(), &input);
        let answer = signer.read(&call, |response: &Response| json::success(response)).await?;
        // The list is left out when there is nothing.
        if let Some(events) = answer.get("Events").and_then(Value::as_array) {
            found.extend(events.iter().filter_map(event));
        }
        let Some(token) = text(&answer, "NextToken").filter(|token| !token.is_empty()) else { break };
        if text(&input, "NextToken") == Some(token) {
            return Err(Failure::incomplete("LookupEvents names the same page as the next"));
        }
        if let Some(input) = input.as_object_mut() {
            input.insert("NextToken".to_owned(), json!(token));
        }
    }
    found.sort_by(|a: &TrailEvent, b| (b.time, &b.id).cmp(&(a.time, &a.id)));
    // Duplicates are possible (CloudTrail user guide, "CloudTrail record contents").
    found.dedup_by(|a, b| a.id == b.id);
    Ok(Some(Fact::from(found)))
}

/// One that changed something: reads and refused calls are none. `CloudTrailEvent` is the whole record, as text.
fn event(event: &Value) -> Option<TrailEvent> {
    let record: Value = serde_json::from_str(text(event, "CloudTrailEvent")?).ok()?;
    let read_only = record.get("readOnly").and_then(Value::as_bool).unwrap_or(false);
    if read_only || record.get("errorCode").is_some_and(|code| !code.is_null()) {
        return None;
    }
    Some(TrailEvent {
        id: text(&record, "eventID").or_else(|| text(event, "EventId"))?.to_owned(),
        name: text(&record, "eventName")?.to_owned(),
        time: text(&record, "eventTime")?.parse().ok()?,
        resources: resources(event, &record),
        principal: principal(record.get("userIdentity").unwrap_or(&Value::Null), text(event, "Username")),
    })
}

/// The index of the event history knows some resources of some services, the parameters of the request know the rest.
fn resources(event: &Value, record: &Value) -> Vec<String> {
    let listed = event.get("Resources").and_then(Value::as_array).into_iter().flatten();
    let parameters = record.get("requestParameters").unwrap_or(&Value::Null);
    let named = ["bucketName", "keyId", "roleName", "targetKeyId", "accountId"];
    let recorded = record.get("resources").and_then(Value::as_array).into_iter().flatten();
    let mut found: Vec<String> = listed
        .filter_map(|one| text(one, "ResourceName"))
        .chain(recorded.filter_map(|one| text(one, "ARN").or_else(|| text(one, "arn"))))
        .chain(named.iter().filter_map(|name| text(parameters, name)))
        .chain(text(record, "recipientAccountId"))
        .map(str::to_owned)
        .collect();
    found.sort();
    found.dedup();
    found
}

/// A caller of another account has no `arn` in the owner's record, a service only `invokedBy` (CloudTrail user guide,
/// "userIdentity element").
fn principal(identity: &Value, user: Option<&str>) -> String {
    let field = |name: &str| text(identity, name).filter(|text| !text.is_empty());
    if let Some(arn) = field("arn") {
        return arn.to_owned();
    }
    match (field("accountId"), field("principalId"), field("invokedBy").or(user)) {
        (Some(account), Some(id), _) => format!("account {account} ({id})"),
        (Some(account), None, _) => format!("account {account}"),
        (None, _, Some(name)) => name.to_owned(),
        (None, Some(id), None) => id.to_owned(),
        (None, None, None) => "unknown".to_owned(),
    }
}

/// Where a partition keeps the events of global services (CloudTrail user guide, "Global service events").
fn home(region: &str) -> &'static str {
    if region.starts_with("us-gov-") { "us-gov-west-1" } else { "us-east-1" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(record: &Value) -> Value {
        json!({ "EventId": "e", "Username": "alice", "CloudTrailEvent": record.to_string() })
    }

    fn record(identity: Value) -> Value {
        json!({
            "eventID": "6f0c", "eventName": "PutBucketPolicy", "eventTime": "2026-11-23T09:01:02Z", "readOnly": false,
            "userIdentity": identity
        })
    }

    #[test]
    fn the_caller_is_named_by_the_best_there_is() {
        for (identity, expected) in [
            (json!({ "arn": "arn:aws:sts::1:assumed-role/A/s", "accountId": "1" }), "arn:aws:sts::1:assumed-role/A/s"),
            (
                json!({ "type": "AWSAccount", "accountId": "999988887777", "principalId": "AROAX:etl" }),
                "account 999988887777 (AROAX:etl)",
            ),
            (json!({ "type": "AWSAccount", "accountId": "anonymous", "principalId": "" }), "account anonymous"),
            (json!({ "type": "AWSService", "invokedBy": "config.amazonaws.com" }), "config.amazonaws.com"),
            (json!({}), "alice"),
        ] {
            assert_eq!(event(&listed(&record(identity))).unwrap().principal, expected);
        }
        assert_eq!(principal(&Value::Null, None), "unknown");
    }

    #[test]
    fn reads_and_refusals_changed_nothing() {
        let identity = json!({ "arn": "a" });
        let mut refused = record(identity.clone());
        refused["errorCode"] = json!("AccessDenied");
        let mut read = record(identity.clone());
        read["readOnly"] = json!(true);
        for no in [refused, read, json!({ "eventName": "x" })] {
            assert_eq!(event(&listed(&no)), None, "{no}");
        }
        assert_eq!(event(&json!({ "CloudTrailEvent": "cut off" })), None);
        assert!(event(&listed(&record(identity))).is_some());
    }

    #[test]
    fn what_was_changed_is_found_in_index_parameters_and_record() {
        let mut record = record(json!({ "arn": "a" }));
        record["requestParameters"] = json!({ "bucketName": "b", "policy": "" });
        record["resources"] = json!([{ "type": "AWS::S3::Bucket", "ARN": "arn:aws:s3:::b" }]);
        record["recipientAccountId"] = json!("111122223333");
        let mut event = listed(&record);
        event["Resources"] = json!([{ "ResourceType": "AWS::S3::Bucket", "ResourceName": "b" }]);
        assert_eq!(super::event(&event).unwrap().resources, ["111122223333", "arn:aws:s3:::b", "b"]);
    }

    #[test]
    fn global_services_are_asked_in_one_region_of_the_partition() {
        assert_eq!((home("eu-west-1"), home("us-gov-east-1")), ("us-east-1", "us-gov-west-1"));
    }
}
