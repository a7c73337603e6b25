//! Every way in which Databricks does not answer, in one type, and what it means for a write.
//! Shapes: databricks-sdk-py `errors/deserializer.py` and `errors/parser.py`.

use std::fmt;
use std::time::Duration;

use ::http::HeaderMap;
use ::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use serde_json::Value;

use crate::provider::{AuthoritiesError, WriteError};

/// Why a client could not be made. Nothing was sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    #[error("{path} could not be read: {message}; check the file, or point `DATABRICKS_CONFIG_FILE` to another one")]
    File { path: String, message: String },
    #[error("profile `{profile}` is not in {path}, which has {known}; name one of them, or add it")]
    Profile { profile: String, path: String, known: String },
    #[error(
        "more than one authorization method configured: {methods} in {origin}; keep one of them, or set `auth_type` \
         (`DATABRICKS_AUTH_TYPE`)"
    )]
    Ambiguous { methods: String, origin: String },
    #[error("no Databricks credentials in {origin}; set {needs}")]
    Missing { origin: String, needs: String },
    #[error(
        "`auth_type` `{method}` of {origin} is not supported; use a service principal (`oauth-m2m`, `env-oidc`, \
         `file-oidc`, `github-oidc`), or `pat` for workspace calls"
    )]
    Unsupported { method: String, origin: String },
    #[error("{origin} belongs to Databricks account `{found}`, but `{wanted}` is asked for; choose another profile")]
    OtherAccount { origin: String, found: String, wanted: String },
    #[error("`{url}` is not a usable host: {message}")]
    Host { url: String, message: String },
    #[error(transparent)]
    Authorities(#[from] AuthoritiesError),
    #[error("the HTTP client could not be set up: {0}; check the proxy and certificate variables")]
    Client(String),
}

/// A question or a request that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// It cannot work as things are set up; the text says what to do.
    #[error("{0}")]
    Impossible(String),
    /// No answer came. Whether the request took effect is unknown.
    #[error("{0}")]
    NoAnswer(String),
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A success that cannot be understood.
    #[error("the answer is not understood: {0}")]
    Answer(String),
}

/// A refusal, whatever it looked like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub status: u16,
    /// Databricks' error code; the class of the HTTP status when the answer carries none.
    pub code: String,
    pub message: String,
    pub retry_after: Option<Duration>,
}

/// Longest message that is kept, in characters.
const MESSAGE_LIMIT: usize = 500;

/// Wait when 429 or 503 comes without `Retry-After` (databricks-sdk-py `retries.py`).
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

/// What a larger `Retry-After` is cut to: beyond every budget, within what clocks can add.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(60 * 60);

/// Messages that pass by themselves (databricks-sdk-go `apierr/error_overrides.go`, `httpclient/errors.go`).
const PASSING_MESSAGES: &[&str] = &[
    "UnknownWorkerEnvironmentException",
    "does not have any associated worker environments",
    "There is no worker environment with id",
    "Unknown worker environment",
    "ClusterNotReadyException",
    "Timed out after ",
    "deadline exceeded",
];

/// Refusals of a create that pass when IAM has spread the role and its policy: the probe of log-delivery
/// (terraform-provider-databricks issue 4258) and the check of a credential configuration (databricks-sdk-go issue 975).
const PROPAGATION_MESSAGES: &[&str] =
    &["Failed to perform putObject operations", "Failed credential validation checks"];

impl ApiError {
    /// Decodes a reply whose status is not a success.
    pub fn decode(status: u16, headers: &HeaderMap, body: &str) -> Self {
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let (code, message) = if (300..400).contains(&status) {
            redirect(header(LOCATION))
        } else if is_web_page(header(CONTENT_TYPE), body) {
            let words = between(body, "<pre>", "</pre>").or_else(|| between(body, "<title>", "</title>"));
            let words = words.unwrap_or("no text");
            let advice = "check that the host and the account are right, and that the account has this feature";
            (None, format!("a web page instead of an API answer: {words}; {advice}"))
        } else {
            decode_text(body)
        };
        let retry_after = match header(RETRY_AFTER).trim().parse() {
            Ok(seconds) => Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER)),
            Err(_) => matches!(status, 429 | 503).then_some(DEFAULT_RETRY_AFTER),
        };
        Self {
            status,
            // The authentication layer repeats the status as its code, which names nothing.
            code: code
                .filter(|code| !code.is_empty() && *code != status.to_string())
                .unwrap_or_else(|| class(status).to_owned()),
            message: tidy(&message),
            retry_after,
        }
    }

    /// Whether the service says that the thing asked for does not exist: never so for a path that nothing serves.
    pub fn is_absence(&self, codes: &[&str]) -> bool {
        self.status == 404 && codes.contains(&self.code.as_str())
    }

    /// Whether the refusal may be gone with the next try.
    pub fn passes(&self) -> bool {
        matches!(self.status, 408 | 429 | 500 | 502..=599)
            || matches!(self.code.as_str(), "ABORTED" | "REQUEST_LIMIT_EXCEEDED" | "TEMPORARILY_UNAVAILABLE")
            || PASSING_MESSAGES.iter().any(|text| self.message.contains(text))
            || (self.message.contains("worker env") && self.message.contains("not found"))
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.message.as_str() {
            "" => write!(f, "{} (HTTP {})", self.code, self.status),
            message => write!(f, "{}: {message} (HTTP {})", self.code, self.status),
        }
    }
}

impl std::error::Error for ApiError {}

impl Failure {
    /// Whether asking again may help.
    pub fn passes(&self) -> bool {
        match self {
            Failure::NoAnswer(_) => true,
            Failure::Api(error) => error.passes(),
            Failure::Impossible(_) | Failure::Answer(_) => false,
        }
    }

    /// How long the service wants to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Failure::Api(error) => error.retry_after,
            _ => None,
        }
    }

    pub fn status(&self) -> Option<u16> {
        match self {
            Failure::Api(error) => Some(error.status),
            _ => None,
        }
    }

    /// What the applier has to know. `permission` is the one that the request needs.
    pub fn into_write_error(self, permission: Option<&str>) -> WriteError {
        let message = self.to_string();
        let error = match self {
            Failure::Impossible(_) => return WriteError::Rejected { message },
            // An answer of success that names no id may have created something: it is looked for before a second try.
            Failure::NoAnswer(_) | Failure::Answer(_) => return WriteError::Transient { retry_after: None, message },
            Failure::Api(error) => error,
        };
        let spreading = PROPAGATION_MESSAGES.iter().any(|text| error.message.contains(text));
        // 409 with ABORTED is a lost race, not an existing object.
        if spreading || error.passes() {
            WriteError::Transient { retry_after: error.retry_after, message }
        } else if error.status == 409
            || matches!(error.code.as_str(), "ALREADY_EXISTS" | "RESOURCE_ALREADY_EXISTS")
            || error.message.contains("already exists in this account")
        {
            WriteError::Exists { message }
        } else if error.status == 403 {
            WriteError::Denied { permission: permission.map(str::to_owned), message }
        } else {
            WriteError::Rejected { message }
        }
    }
}

/// Whether a reply is for a browser: a wrong host, a login page, a proxy.
pub(super) fn is_web_page(content_type: &str, body: &str) -> bool {
    content_type.starts_with("text/html") || body.trim_start().starts_with('<')
}

/// Text from a cloud as it may be printed: one line, no control characters, bounded.
pub(super) fn tidy(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match plain.char_indices().nth(MESSAGE_LIMIT) {
        None => plain,
        Some(_) => plain.chars().take(MESSAGE_LIMIT).chain(['…']).collect(),
    }
}

fn decode_text(body: &str) -> (Option<String>, String) {
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(fields)) => {
            let text = |name: &str| match fields.get(name) {
                Some(Value::String(text)) => Some(text.clone()),
                Some(Value::Number(number)) => Some(number.to_string()),
                _ => None,
            };
            let scim = || text("detail").map(|detail| (text("scimType"), detail));
            // OAuth (RFC 6749 §5.2) names its code `error`; API 1.2 puts its whole message there.
            let oauth = || text("error_description").map(|description| (text("error"), description));
            let standard = || text("message").map(|message| (text("error_code"), message));
            let old = || text("error").map(|message| (text("error_code"), message));
            standard().or_else(oauth).or_else(scim).or_else(old).unwrap_or_else(|| (text("error_code"), String::new()))
        }
        Ok(Value::String(text)) => split_code(&text),
        Ok(other) => (None, other.to_string()),
        Err(_) => split_code(body),
    }
}

/// `CODE: message`, as `text/plain` answers have it.
fn split_code(text: &str) -> (Option<String>, String) {
    let is_code = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c == '.');
    match text.trim().split_once(": ") {
        Some((code, message)) if is_code(code) => (Some(code.to_owned()), message.to_owned()),
        _ => (None, text.to_owned()),
    }
}

fn redirect(location: &str) -> (Option<String>, String) {
    if location.contains("private-link-validation-error") {
        let message = "the workspace accepts private connections only; run from a network that its private access \
                       settings allow";
        return (Some("PRIVATE_LINK_VALIDATION_ERROR".to_owned()), message.to_owned());
    }
    let place = location.split('?').next().unwrap_or_default();
    (None, format!("a redirect to `{place}`, which is not followed; check that the host is right"))
}

fn between<'a>(text: &'a str, open: &str, close: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(open)?;
    rest.split_once(close).map(|(inside, _)| inside)
}

/// Databricks' class of an HTTP status (databricks-sdk-py `errors/mapper.py`).
fn class(status: u16) -> &'static str {
    match status {
        300..=399 => "REDIRECT",
        400 => "BAD_REQUEST",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        409 => "RESOURCE_CONFLICT",
        429 => "TOO_MANY_REQUESTS",
        500 => "INTERNAL_ERROR",
        501 => "NOT_IMPLEMENTED",
        503 => "TEMPORARILY_UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        _ => "HTTP_ERROR",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(status: u16, headers: &[(&'static str, &str)], body: &str) -> ApiError {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        ApiError::decode(status, &map, body)
    }

    #[test]
    fn every_shape_has_a_code_and_a_message() {
        let html = "<html><head><title>404 Not Found</title></head></html>";
        let pre = "<html><title>Error</title><pre>No such\n  page</pre>";
        let rows: &[(u16, &str, &str, &str)] = &[
            (404, r#"{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"gone"}"#, "RESOURCE_DOES_NOT_EXIST", "gone"),
            (401, r#"{"error_code":401,"message":"no token"}"#, "UNAUTHENTICATED", "no token"),
            (400, r#"{"error_code":5,"message":"odd"}"#, "5", "odd"),
            (400, r#"{"error":"ClusterNotReadyException"}"#, "BAD_REQUEST", "ClusterNotReadyException"),
            (401, r#"{"error":"invalid_client","error_description":"bad"}"#, "invalid_client", "bad"),
            (409, r#"{"detail":"taken","status":"409","scimType":"uniqueness"}"#, "uniqueness", "taken"),
            (403, r#"{"detail":"no","status":403}"#, "PERMISSION_DENIED", "no"),
            (400, "MALFORMED_REQUEST: wrong role", "MALFORMED_REQUEST", "wrong role"),
            (400, "Note: not a code", "BAD_REQUEST", "Note: not a code"),
            (503, "", "TEMPORARILY_UNAVAILABLE", ""),
            (404, html, "NOT_FOUND", "a web page instead of an API answer: 404 Not Found;"),
            (404, pre, "NOT_FOUND", "a web page instead of an API answer: No such page;"),
            (400, "[1]", "BAD_REQUEST", "[1]"),
        ];
        for (status, body, code, message) in rows {
            let error = decode(*status, &[], body);
            assert_eq!(error.code, *code, "{body}");
            assert!(error.message.starts_with(message), "{body}: {}", error.message);
        }
    }

    #[test]
    fn private_link_refusals_are_named() {
        let location = "https://x.cloud.databricks.com/login.html?error=private-link-validation-error:123";
        assert_eq!(decode(302, &[("location", location)], "").code, "PRIVATE_LINK_VALIDATION_ERROR");
        let other = decode(302, &[("location", "https://sso.example/login?state=secret")], "");
        assert_eq!(other.code, "REDIRECT");
        assert!(!other.message.contains("secret"));
    }

    #[test]
    fn retry_after_has_a_default_only_where_throttling_is_meant() {
        assert_eq!(decode(429, &[("retry-after", "7")], "").retry_after, Some(Duration::from_secs(7)));
        assert_eq!(decode(429, &[], "").retry_after, Some(Duration::from_secs(1)));
        assert_eq!(decode(503, &[("retry-after", "soon")], "").retry_after, Some(Duration::from_secs(1)));
        assert_eq!(decode(500, &[], "").retry_after, None);
    }

    #[test]
    fn messages_are_bounded_and_cannot_reach_the_terminal() {
        let error = decode(400, &[], &format!("\u{1b}[31m{}", "ä".repeat(900)));
        assert_eq!(error.message.chars().count(), 501);
        assert!(error.message.chars().all(|c| !c.is_control()));
    }

    #[test]
    fn an_endpoint_that_nothing_serves_is_not_an_absent_object() {
        let codes = &["RESOURCE_DOES_NOT_EXIST", "SCHEMA_DOES_NOT_EXIST"];
        assert!(decode(404, &[], r#"{"error_code":"SCHEMA_DOES_NOT_EXIST","message":""}"#).is_absence(codes));
        assert!(!decode(404, &[], r#"{"error_code":"ENDPOINT_NOT_FOUND","message":""}"#).is_absence(codes));
        assert!(!decode(404, &[], "<html>").is_absence(codes));
        assert!(!decode(403, &[], r#"{"error_code":"SCHEMA_DOES_NOT_EXIST","message":""}"#).is_absence(codes));
    }

    #[test]
    fn writes_tell_failures_apart() {
        let probe = "Failed to perform putObject operations on s3Bucket:b with deliveryPathPrefix:p";
        let check = "MALFORMED_REQUEST: Failed credential validation checks: please use a valid role";
        let rows: &[(u16, &str, &str)] = &[
            (429, "", "transient"),
            (500, "", "transient"),
            (501, "", "rejected"),
            (504, "", "transient"),
            (400, probe, "transient"),
            (403, probe, "transient"),
            (400, check, "transient"),
            (400, "Unknown worker environment 1", "transient"),
            (409, r#"{"error_code":"ABORTED","message":"race"}"#, "transient"),
            (409, "", "exists"),
            (400, r#"{"error_code":"ALREADY_EXISTS","message":"x"}"#, "exists"),
            (400, "name x already exists in this account. Try again with a unique name.", "exists"),
            (403, "", "denied"),
            (401, "", "rejected"),
            (400, r#"{"error_code":"QUOTA_EXCEEDED","message":"two are enabled"}"#, "rejected"),
            (404, "", "rejected"),
        ];
        for (status, body, wanted) in rows {
            let error = Failure::Api(decode(*status, &[], body)).into_write_error(Some("admin"));
            let found = match error {
                WriteError::Denied { permission, .. } => {
                    assert_eq!(permission.as_deref(), Some("admin"));
                    "denied"
                }
                WriteError::Transient { .. } => "transient",
                WriteError::Exists { .. } => "exists",
                WriteError::Rejected { .. } => "rejected",
            };
            assert_eq!(found, *wanted, "{status} {body}");
        }
    }
}
