//! Error answers, in the shapes that the SDK's `errors/deserializer.py` decodes.

use hyper::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

/// How an error is written into the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `{"error_code", "message", "details"}` with a string code.
    Standard,
    /// The same with the HTTP status as an integer code, as the authentication layer writes it.
    Numeric,
    /// RFC 7644 section 3.12.
    Scim,
    /// RFC 6749 section 5.2.
    OAuth,
}

/// A refused request.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    shape: Shape,
    /// Seconds for the `Retry-After` header.
    pub retry_after: Option<u64>,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), shape: Shape::Standard, retry_after: None }
    }

    /// 400 `INVALID_PARAMETER_VALUE`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)
    }

    /// 400 `MALFORMED_REQUEST`.
    pub fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "MALFORMED_REQUEST", message)
    }

    /// 400 `INVALID_STATE`.
    pub fn invalid_state(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_STATE", message)
    }

    /// 404 `RESOURCE_DOES_NOT_EXIST`.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "RESOURCE_DOES_NOT_EXIST", message)
    }

    /// 403 `PERMISSION_DENIED`.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "PERMISSION_DENIED", message)
    }

    /// 404 for a method or path that no API serves.
    pub fn no_endpoint(method: &str, path: &str) -> Self {
        let path = path.strip_prefix("/api/2.0").unwrap_or(path);
        Self::new(StatusCode::NOT_FOUND, "ENDPOINT_NOT_FOUND", format!("No API found for '{method} {path}'"))
    }

    /// 401 of the authentication layer, whose `error_code` is an integer.
    pub fn unauthenticated(message: impl Into<String>) -> Self {
        let shape = Shape::Numeric;
        Self { shape, ..Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message) }
    }

    /// A SCIM error.
    pub fn scim(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { shape: Shape::Scim, ..Self::new(status, "", detail) }
    }

    /// An OAuth token endpoint error.
    pub fn oauth(status: StatusCode, code: &'static str, description: impl Into<String>) -> Self {
        Self { shape: Shape::OAuth, ..Self::new(status, code, description) }
    }

    /// The error of an injected HTTP status.
    pub fn of_status(status: StatusCode, retry_after: u64) -> Self {
        let (code, message) = match status.as_u16() {
            403 => ("PERMISSION_DENIED", "User does not have permission for this operation."),
            409 => ("ABORTED", "The operation was aborted because of a concurrent modification."),
            429 => ("REQUEST_LIMIT_EXCEEDED", "Too many requests. Please wait a moment and try again."),
            503 => ("TEMPORARILY_UNAVAILABLE", "The service is temporarily unavailable."),
            504 => ("DEADLINE_EXCEEDED", "The deadline expired before the operation could complete."),
            _ => ("INTERNAL_ERROR", "An internal error occurred."),
        };
        let error = Self::new(status, code, message);
        let waits = matches!(status.as_u16(), 429 | 503);
        Self { retry_after: waits.then_some(retry_after), ..error }
    }

    pub fn body(&self) -> Value {
        match self.shape {
            Shape::Standard => json!({
                "error_code": self.code,
                "message": self.message,
                "details": [{
                    "@type": "type.googleapis.com/google.rpc.RequestInfo",
                    "request_id": Uuid::new_v4().to_string(),
                    "serving_data": "",
                }],
            }),
            Shape::Numeric => json!({ "error_code": self.status.as_u16(), "message": self.message }),
            Shape::Scim => json!({
                "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
                "detail": self.message,
                "status": self.status.as_u16().to_string(),
            }),
            Shape::OAuth => json!({
                "error": self.code,
                "error_description": self.message,
                "error_id": Uuid::new_v4().to_string(),
            }),
        }
    }
}
