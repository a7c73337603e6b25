//! The JSON 1.1 protocol of AWS, as far as requests that are signed here need it.

use reqwest::Method;
use serde_json::Value;

use super::error::Failure;
use super::failure::shortened;
use super::signed::{Call, Response};

/// One operation of `family` (`AmazonSSM`, `AWSOrganizationsV20161128`) with its input.
pub(super) fn call(service: &'static str, family: &str, operation: &'static str, url: String, body: &Value) -> Call {
    let headers = vec![
        ("content-type", "application/x-amz-json-1.1".to_owned()),
        ("x-amz-target", format!("{family}.{operation}")),
    ];
    Call { service, operation, method: Method::POST, url, headers, body: body.to_string() }
}

pub(super) fn text<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// The output, or the failure that the answer tells.
pub(super) fn success(response: &Response) -> Result<Value, Failure> {
    let unreadable = || format!("the answer could not be read: {}", shortened(&response.body));
    if response.is_success() {
        return serde_json::from_str(&response.body).map_err(|_| Failure::incomplete(unreadable()));
    }
    let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
    // `com.amazonaws.ssm#ParameterNotFound`, or the name alone.
    let code = text(&body, "__type").and_then(|code| code.rsplit('#').next()).map(str::to_owned);
    let message = match &code {
        Some(_) => text(&body, "message").or_else(|| text(&body, "Message")).unwrap_or_default().to_owned(),
        None => unreadable(),
    };
    Err(Failure::answered(response.status, code, message, response.request_id.clone(), response.retry_after))
}
