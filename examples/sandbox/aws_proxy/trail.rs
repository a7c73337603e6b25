//! CloudTrail's event history (API reference, LookupEvents), which the emulator does not have: every management call that
//! passes the proxy, loud or quiet, is an event with the caller that STS knows. Newest first, by pages, by event name.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use hyper::http::request::Parts;
use hyper::http::{HeaderValue, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::names::Named;

/// Most events of one page.
const PAGE: usize = 50;

#[derive(Default)]
pub struct Trail(Mutex<State>);

#[derive(Default)]
struct State {
    /// Access key id → ARN of the session.
    callers: HashMap<String, String>,
    events: Vec<Event>,
}

struct Event {
    id: String,
    time: Timestamp,
    name: String,
    resource: String,
    record: Value,
}

impl Trail {
    /// Learns who a session is, and notes what changed something or was refused.
    pub fn note(&self, named: &Named, parts: &Parts, answer: &Response<Bytes>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if named.operation == "AssumeRole" && answer.status().is_success() {
            let text = String::from_utf8_lossy(answer.body());
            if let (Some(key), Some(arn)) = (element(&text, "AccessKeyId"), element(&text, "Arn")) {
                state.callers.insert(key, arn);
            }
        }
        let Some(name) = event_name(named) else { return };
        let key = access_key(parts);
        let arn = state.callers.get(&key).cloned().unwrap_or_else(|| format!("arn:aws:iam::{key}:root"));
        let (id, time) = (Uuid::new_v4().to_string(), Timestamp::now());
        let parameter = match named.service.as_str() {
            "s3" => "bucketName",
            "kms" => "keyId",
            "iam" => "roleName",
            _ => "accountId",
        };
        let mut record = json!({
            "eventVersion": "1.11",
            "userIdentity": { "type": "AssumedRole", "arn": arn },
            "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "eventSource": format!("{}.amazonaws.com", named.service.replace("s3control", "s3")),
            "eventName": name,
            "requestParameters": { parameter: named.resource },
            "eventID": id,
            "readOnly": false,
            "managementEvent": true,
        });
        if let (false, Some(fields)) = (answer.status().is_success(), record.as_object_mut()) {
            fields.insert("errorCode".to_owned(), json!("AccessDenied"));
        }
        state.events.push(Event { id, time, name, resource: named.resource.clone(), record });
    }

    /// The answer to LookupEvents.
    pub fn lookup(&self, body: &[u8]) -> Response<Bytes> {
        let input: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        let text = |at: &str| input.pointer(at).and_then(Value::as_str);
        let number = |at: &str| input.pointer(at).and_then(Value::as_i64);
        let (Some("EventName"), Some(wanted)) =
            (text("/LookupAttributes/0/AttributeKey"), text("/LookupAttributes/0/AttributeValue"))
        else {
            return answer(StatusCode::BAD_REQUEST, &json!({ "__type": "InvalidLookupAttributesException" }));
        };
        let size = number("/MaxResults").map_or(PAGE, |size| usize::try_from(size).unwrap_or(0));
        if size == 0 || size > PAGE {
            return answer(StatusCode::BAD_REQUEST, &json!({ "__type": "InvalidMaxResultsException" }));
        }
        let since = number("/StartTime").unwrap_or(0);
        let skip: usize = text("/NextToken").and_then(|token| token.parse().ok()).unwrap_or(0);
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let matching = || state.events.iter().rev().filter(|one| one.name == wanted && one.time.as_second() >= since);
        let shown: Vec<Value> = matching().skip(skip).take(size).map(listed).collect();
        let end = skip + shown.len();
        let mut page = json!({ "Events": shown });
        if let (true, Some(fields)) = (end < matching().count(), page.as_object_mut()) {
            fields.insert("NextToken".to_owned(), json!(end.to_string()));
        }
        answer(StatusCode::OK, &page)
    }
}

fn listed(event: &Event) -> Value {
    json!({
        "EventId": event.id,
        "EventName": event.name,
        "EventTime": event.time.as_second(),
        "ReadOnly": "false",
        "Resources": [{ "ResourceName": event.resource }],
        "CloudTrailEvent": event.record.to_string(),
    })
}

fn answer(status: StatusCode, body: &Value) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from(body.to_string()));
    *answer.status_mut() = status;
    answer.headers_mut().insert("content-type", HeaderValue::from_static("application/x-amz-json-1.1"));
    answer
}

/// CloudTrail's name of a change; none for reads, and for objects, whose events are not in the history.
fn event_name(named: &Named) -> Option<String> {
    let of_object = named.service == "s3" && named.resource.contains('/');
    if !named.is_write || of_object || !matches!(named.service.as_str(), "s3" | "s3control" | "kms" | "iam") {
        return None;
    }
    let name = match (named.service.as_str(), named.operation.as_str()) {
        ("s3control", "PutPublicAccessBlock") => "PutAccountPublicAccessBlock",
        ("s3control", "DeletePublicAccessBlock") => "DeleteAccountPublicAccessBlock",
        (_, "PutPublicAccessBlock") => "PutBucketPublicAccessBlock",
        (_, "DeletePublicAccessBlock") => "DeleteBucketPublicAccessBlock",
        (_, "PutBucketLifecycleConfiguration") => "PutBucketLifecycle",
        (_, "PutBucketNotificationConfiguration") => "PutBucketNotification",
        (_, "PutObjectLockConfiguration") => "PutBucketObjectLockConfiguration",
        (_, other) => other,
    };
    Some(name.to_owned())
}

/// The first part of `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
fn access_key(parts: &Parts) -> String {
    let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let credential = header.split("Credential=").nth(1).unwrap_or_default();
    credential.split('/').next().unwrap_or_default().to_owned()
}

fn element(text: &str, name: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    rest.split_once('<').map(|(value, _)| value.to_owned())
}
