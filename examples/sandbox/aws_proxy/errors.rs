//! The error answers of AWS that the fault schedule injects, in each service's protocol.

use hyper::body::Bytes;
use hyper::http::{Response, StatusCode};

use super::super::faults::Failure;

const REQUEST_ID: &str = "4442587FB7D0A2F9";

/// The answer for a failure, or none when the failure has no answer (timeout, disconnect, kill).
pub fn answer(service: &str, failure: Failure) -> Option<Response<Bytes>> {
    let (status, code) = match failure {
        Failure::Throttle => throttle(service),
        Failure::Status(status) => (status, status_code(service, status)),
        Failure::Conflict => conflict(service),
        Failure::Denied => denied(service),
        Failure::Timeout(_) | Failure::Disconnect | Failure::StaleReads(_) | Failure::Kill => {
            return None;
        }
    };
    Some(error(service, status, code, message(code)))
}

/// An error in the service's format: S3 XML, S3 Control XML, Query XML or JSON 1.1.
fn error(service: &str, status: u16, code: &str, message: &str) -> Response<Bytes> {
    let (kind, body) = match service {
        "s3" => ("application/xml", format!("{}{}", XML, s3_error(code, message, "Error"))),
        "s3control" => {
            let inner = s3_error(code, message, "Error");
            ("application/xml", format!("{XML}<ErrorResponse>{inner}</ErrorResponse>"))
        }
        "iam" | "sts" => {
            let fault = if status < 500 { "Sender" } else { "Receiver" };
            let error = format!("<Error><Type>{fault}</Type><Code>{code}</Code><Message>{message}</Message></Error>");
            let space =
                if service == "iam" { "iam.amazonaws.com/doc/2010-05-08" } else { "sts.amazonaws.com/doc/2011-06-15" };
            let body = format!(
                "<ErrorResponse xmlns=\"https://{space}/\">{error}<RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
            );
            ("text/xml", body)
        }
        _ => {
            let body = serde_json::json!({ "__type": code, "message": message });
            ("application/x-amz-json-1.1", body.to_string())
        }
    };
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert("content-type", hyper::http::HeaderValue::from_static(kind));
    headers.insert("x-amz-request-id", hyper::http::HeaderValue::from_static(REQUEST_ID));
    headers.insert("x-amzn-requestid", hyper::http::HeaderValue::from_static(REQUEST_ID));
    response
}

const XML: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

fn s3_error(code: &str, message: &str, root: &str) -> String {
    format!("<{root}><Code>{code}</Code><Message>{message}</Message><RequestId>{REQUEST_ID}</RequestId></{root}>")
}

/// S3: 503 SlowDown (S3 user guide, optimizing-performance). IAM and STS: 400 Throttling (IAM API,
/// CommonErrors). KMS and SSM: 400 ThrottlingException (KMS developer guide, throttling).
fn throttle(service: &str) -> (u16, &'static str) {
    match service {
        "s3" | "s3control" => (503, "SlowDown"),
        "iam" | "sts" => (400, "Throttling"),
        _ => (400, "ThrottlingException"),
    }
}

/// S3: OperationAborted; IAM: ConcurrentModification, both 409. The JSON services use 400.
fn conflict(service: &str) -> (u16, &'static str) {
    match service {
        "s3" | "s3control" => (409, "OperationAborted"),
        "iam" | "sts" => (409, "ConcurrentModification"),
        _ => (400, "ConflictException"),
    }
}

fn denied(service: &str) -> (u16, &'static str) {
    match service {
        "s3" | "s3control" | "iam" | "sts" => (403, "AccessDenied"),
        _ => (400, "AccessDeniedException"),
    }
}

fn status_code(service: &str, status: u16) -> &'static str {
    match (service, status) {
        ("iam" | "sts", 500) => "ServiceFailure",
        ("kms", 500) => "KMSInternalException",
        ("kms", 503) => "DependencyTimeoutException",
        ("ssm", 500) => "InternalServerError",
        (_, 429) => "TooManyRequestsException",
        (_, 502) => "BadGateway",
        (_, 503) => "ServiceUnavailable",
        (_, 504) => "GatewayTimeout",
        _ => "InternalError",
    }
}

fn message(code: &str) -> &'static str {
    match code {
        "SlowDown" => "Please reduce your request rate.",
        "Throttling" | "ThrottlingException" => "Rate exceeded",
        "OperationAborted" => {
            "A conflicting conditional operation is currently in progress against this resource. Please try again."
        }
        "AccessDenied" | "AccessDeniedException" => "Access Denied",
        _ => "We encountered an internal error. Please try again.",
    }
}
