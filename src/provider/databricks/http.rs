//! Sends one request, bounded and traced, and repeats those that may be repeated. Limits: databricks-sdk-go sends at most
//! 15 requests per second.

use std::num::NonZeroU32;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, Method, RequestBuilder, Url};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::DatabricksOptions;
use super::error::{ApiError, ConnectError, Failure, is_web_page, tidy};
use crate::provider::Authorities;
use crate::provider::sent::Sent;

/// Requests per second and client.
const RATE: NonZeroU32 = NonZeroU32::MIN.saturating_add(14);

const WORKSPACE_HEADER: &str = "X-Databricks-Workspace-Id";

/// As whom a request is sent.
pub(super) enum Login {
    Bearer(SecretString),
    Basic {
        user: String,
        password: SecretString,
    },
    /// The body identifies the sender.
    None,
}

pub(super) enum Body {
    Empty,
    Json(Value),
    Form(Vec<(&'static str, SecretString)>),
}

pub(super) struct Request {
    pub method: Method,
    pub url: Url,
    /// Value of the workspace-id header.
    pub workspace: Option<i64>,
    pub login: Login,
    pub body: Body,
}

/// A success.
#[derive(Debug)]
pub(super) struct Reply {
    text: String,
}

impl Reply {
    /// The answer to a read. An empty body says nothing, so it is no answer.
    pub fn json(self) -> Result<Value, Failure> {
        if self.text.trim().is_empty() {
            return Err(Failure::Answer("it is empty".to_owned()));
        }
        serde_json::from_str(&self.text).map_err(|error| Failure::Answer(error.to_string()))
    }
}

pub(super) struct Http {
    client: Client,
    limiter: DefaultDirectRateLimiter,
    permits: Semaphore,
    budget: Duration,
    timeout: Duration,
    sent: Sent,
}

impl Http {
    /// `direct` bypasses proxies: calls to this machine are nobody else's.
    pub fn new(options: &DatabricksOptions, direct: bool) -> Result<Self, ConnectError> {
        // The first provider of a process stays: another client may have installed it already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authorities = Authorities::of(|name| (options.env)(name))?;
        let builder = Client::builder()
            .tls_certs_merge(authorities.certificates())
            .user_agent(options.user_agent.as_str())
            .connect_timeout(options.connect_timeout)
            .timeout(options.request_timeout)
            // The API does not redirect, and a token goes only where it was meant to go.
            .redirect(reqwest::redirect::Policy::none());
        let builder = if direct { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|error| ConnectError::Client(words(error)))?;
        Ok(Self {
            client,
            limiter: RateLimiter::direct(Quota::per_second(RATE)),
            permits: Semaphore::new(options.parallelism.max(1)),
            budget: options.retry_budget,
            timeout: options.request_timeout,
            sent: Sent::to_databricks(&options.requests),
        })
    }

    /// Sends until there is an answer that will not pass, or the budget is spent. For requests that change nothing.
    pub async fn repeat(&self, request: &Request) -> Result<Reply, Failure> {
        let deadline = Instant::now() + self.budget;
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(10))
            .without_max_times()
            .with_jitter()
            .build();
        loop {
            let failure = match self.once(request).await {
                Err(failure) if failure.passes() => failure,
                other => return other,
            };
            let delay = delays.next().unwrap_or_default().max(failure.retry_after().unwrap_or_default());
            if Instant::now() + delay > deadline {
                return Err(failure);
            }
            tracing::debug!(path = request.url.path(), wait_ms = millis(delay), %failure, "repeating");
            tokio::time::sleep(delay).await;
        }
    }

    /// Sends once.
    pub async fn once(&self, request: &Request) -> Result<Reply, Failure> {
        // Never closed, so the permit is always there; the rate counts what is really sent.
        let _permit = self.permits.acquire().await.ok();
        self.limiter.until_ready().await;
        let start = Instant::now();
        let result = self.exchange(request).await;
        let status = result.as_ref().map_or(0, |(status, ..)| *status);
        tracing::debug!(
            method = %request.method,
            host = request.url.host_str().unwrap_or_default(),
            path = request.url.path(),
            status,
            ms = millis(start.elapsed()),
            "databricks"
        );
        self.sent.one();
        if status == 0 {
            self.sent.unanswered(request.url.host_str().unwrap_or_default());
        }
        let (status, headers, text) = result?;
        if !(200..300).contains(&status) {
            return Err(Failure::Api(ApiError::decode(status, &headers, &text)));
        }
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if is_web_page(content_type, &text) {
            // Unity Catalog paths at the account host answer so (terraform-provider-databricks issue 752).
            let host = request.url.host_str().unwrap_or_default();
            return Err(Failure::Impossible(format!(
                "`{host}` answers with a web page, so it does not serve this API; check the endpoint"
            )));
        }
        Ok(Reply { text })
    }

    async fn exchange(&self, request: &Request) -> Result<(u16, HeaderMap, String), Failure> {
        let host = request.url.host_str().unwrap_or_default();
        let lost = |error: reqwest::Error| {
            let seconds = self.timeout.as_secs();
            Failure::NoAnswer(match error.is_timeout() {
                true => format!("no answer from `{host}` within {seconds} s"),
                false => format!("no answer from `{host}`: {}; check network and proxy", words(error)),
            })
        };
        let reply = self.build(request).send().await.map_err(lost)?;
        let (status, headers) = (reply.status().as_u16(), reply.headers().clone());
        let body = reply.bytes().await.map_err(lost)?;
        Ok((status, headers, String::from_utf8_lossy(&body).into_owned()))
    }

    fn build(&self, request: &Request) -> RequestBuilder {
        let mut builder = self.client.request(request.method.clone(), request.url.clone());
        if let Some(workspace) = request.workspace {
            builder = builder.header(WORKSPACE_HEADER, workspace);
        }
        builder = match &request.login {
            Login::Bearer(token) => builder.bearer_auth(token.expose_secret()),
            Login::Basic { user, password } => builder.basic_auth(user, Some(password.expose_secret())),
            Login::None => builder,
        };
        match &request.body {
            Body::Empty => builder,
            Body::Json(value) => builder.json(value),
            Body::Form(fields) => {
                let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.expose_secret())).collect();
                builder.form(&fields)
            }
        }
    }
}

/// An error with its causes and without the URL, which the trace has.
fn words(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    tidy(&text)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Result<Value, Failure> {
        Reply { text: text.to_owned() }.json()
    }

    #[test]
    fn an_empty_answer_is_not_an_empty_list() {
        assert!(reply(" \n").is_err());
        assert!(reply("{").is_err());
        assert_eq!(reply("{}").unwrap(), serde_json::json!({}));
    }
}
