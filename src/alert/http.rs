//! One request to a webhook: over HTTPS, no redirects, bounded in time and in what is read of the answer.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Certificate, Client};
use url::Url;

use super::answer::Answer;
use crate::model::alert::is_loopback;

/// Bytes of an answer that are read, and characters that are shown.
const READ: usize = 2048;
const SHOWN: usize = 120;

/// Bounds of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Duration,
    /// Until the answer is read.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), request: Duration::from_secs(15) }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the HTTP client could not be set up: {0}; check the proxy variables")]
pub struct HttpError(String);

/// Sends requests. Proxies come from the usual variables; requests to this machine go past them.
#[derive(Clone, Debug)]
pub struct Http {
    proxied: Client,
    direct: Client,
}

/// What is sent. The URL may be a secret, so that none of it is printable.
pub struct Post<'a> {
    /// For the log.
    pub sink: &'a str,
    pub url: &'a Url,
    pub headers: Vec<(&'static str, String)>,
    /// JSON.
    pub body: String,
}

impl Http {
    /// # Errors
    /// When the proxy variables cannot be used.
    pub fn new(timeouts: Timeouts) -> Result<Self, HttpError> {
        Self::trusting(timeouts, &[])
    }

    /// With certificate authorities beside the system's.
    ///
    /// # Errors
    /// As [`Http::new`].
    pub fn trusting(timeouts: Timeouts, authorities: &[Certificate]) -> Result<Self, HttpError> {
        // The first provider of a process stays: another client may have installed it already, which is as good.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let builder = || {
            Client::builder()
                .tls_certs_merge(authorities.to_vec())
                .user_agent(concat!("auditseal/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(timeouts.connect)
                .timeout(timeouts.request)
                // A finding and its signature go where they were meant to go.
                .redirect(reqwest::redirect::Policy::none())
        };
        let failed = |error: reqwest::Error| HttpError(error.without_url().to_string());
        Ok(Self { proxied: builder().build().map_err(failed)?, direct: builder().no_proxy().build().map_err(failed)? })
    }

    /// One attempt.
    pub async fn post(&self, post: Post<'_>) -> Answer {
        let client = if is_loopback(post.url) { &self.direct } else { &self.proxied };
        let mut request = client.post(post.url.clone()).header(CONTENT_TYPE, "application/json").body(post.body);
        for (name, value) in post.headers {
            request = request.header(name, value);
        }
        let started = std::time::Instant::now();
        let answer = request.send().await;
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        let ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        // No path: it may be a credential.
        tracing::debug!(method = "POST", sink = post.sink, status, ms, "alert");
        match answer {
            Ok(answer) => read(answer, post.url).await,
            Err(error) => Answer::Busy { why: unreached(error), retry_after: None },
        }
    }
}

async fn read(mut answer: reqwest::Response, url: &Url) -> Answer {
    let status = answer.status().as_u16();
    let header = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = header.and_then(|text| retry_after(text, Timestamp::now()));
    let mut body = Vec::new();
    // A success is one, whatever becomes of its body.
    while !(200..300).contains(&status) && body.len() < READ {
        match answer.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    body.truncate(READ);
    Answer::of_status(status, &said(&String::from_utf8_lossy(&body), url), retry_after)
}

/// Seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text.trim()).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

/// The beginning of an answer on one line. A web page says nothing; an answer that repeats the URL's path is not repeated,
/// since the path may be the credential.
fn said(body: &str, url: &Url) -> String {
    let line = body.split_whitespace().collect::<Vec<_>>().join(" ");
    let secrets = [url.path(), url.query().unwrap_or_default()];
    let repeats = secrets.iter().any(|secret| secret.len() > 1 && line.contains(secret));
    if line.starts_with('<') || repeats || line.chars().any(char::is_control) {
        return String::new();
    }
    line.chars().take(SHOWN).collect()
}

/// Why there is no answer, without the URL.
fn unreached(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "it did not answer in time".to_owned();
    }
    let error = error.without_url();
    let mut causes = Vec::new();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        causes.push(inner.to_string());
        cause = inner.source();
    }
    // The innermost cause says most: "Connection refused", "invalid peer certificate".
    let why = causes.pop().unwrap_or_else(|| error.to_string());
    format!("it could not be reached: {}", why.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_that_receivers_ask_for() {
        let now: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
        for (text, seconds) in [
            ("30", Some(30)),
            (" 0 ", Some(0)),
            ("Mon, 23 Nov 2026 06:01:00 GMT", Some(60)),
            ("Mon, 23 Nov 2026 05:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("1.5", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn answers_are_shown_without_what_may_be_secret() {
        let url = Url::parse("https://hooks.example.com/services/T1/B2/hush?key=hush").unwrap();
        assert_eq!(said("invalid_payload", &url), "invalid_payload");
        assert_eq!(said("{\n  \"error\": \"no\"\n}\n", &url), "{ \"error\": \"no\" }");
        assert_eq!(said("<html><body>no</body></html>", &url), "");
        assert_eq!(said("no route for /services/T1/B2/hush", &url), "");
        assert_eq!(said("bad query key=hush", &url), "");
        assert_eq!(said("a\u{1b}[31mb", &url), "");
        assert_eq!(said(&"x".repeat(5000), &url).len(), SHOWN);
    }
}
