//! Requests that are signed here (AWS Signature Version 4) instead of by a generated client.

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use backon::{ExponentialBuilder, Retryable};

use super::config::READ_ATTEMPTS;
use super::credentials::Cached;
use super::error::{Failure, retry_after};
use super::failure::chain;
use super::trace::{Silence, Started};
use crate::provider::sent::Sent;

/// Pause before the second attempt of a read.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// What every signed request shares.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    pub(super) http: reqwest::Client,
    pub(super) sent: Sent,
    pub(super) credentials: Cached,
    pub(super) region: String,
    /// Override of every service's endpoint, without trailing slash.
    pub(super) endpoint: Option<String>,
}

pub(super) struct Call {
    /// The name that the signature is made for.
    pub(super) service: &'static str,
    /// For the log.
    pub(super) operation: &'static str,
    pub(super) method: reqwest::Method,
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

/// A success, or an error answer whose body the service's own file reads.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) request_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: String,
}

impl Response {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl Signer {
    /// The same credentials for a service that lives in one region of the partition.
    pub(super) fn in_region(&self, region: &str) -> Self {
        Self { region: region.to_owned(), ..self.clone() }
    }

    /// Sends a write: once.
    pub(super) async fn once<T>(
        &self,
        call: &Call,
        read: impl Fn(&Response) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        read(&self.send(call).await?)
    }

    /// Sends a read: again while the failure passes, as often as the SDK would.
    pub(super) async fn read<T>(
        &self,
        call: &Call,
        read: impl Fn(&Response) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let attempt = || self.once(call, &read);
        let pauses = ExponentialBuilder::default()
            .with_min_delay(FIRST_PAUSE)
            .with_jitter()
            .with_max_times(READ_ATTEMPTS.saturating_sub(1) as usize);
        attempt.retry(pauses).when(Failure::is_passing).await
    }

    async fn send(&self, call: &Call) -> Result<Response, Failure> {
        let request = self.request(call).await?;
        let started = Started::now(call.method.as_str(), &call.url);
        let answer = self.http.execute(request).await;
        let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
        started.ended(call.service, call.operation, status, &self.sent, Silence::Told);
        let answer = answer.map_err(transport)?;
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok());
        let request_id = header("x-amzn-requestid").or_else(|| header("x-amz-request-id")).map(str::to_owned);
        let retry_after = retry_after(header("x-amz-retry-after"), header("retry-after"));
        let body = answer.text().await.map_err(transport)?;
        Ok(Response { status, request_id, retry_after, body })
    }

    async fn request(&self, call: &Call) -> Result<reqwest::Request, Failure> {
        let credentials = self.credentials.get().await.map_err(|error| Failure::credentials(&error))?;
        let identity: Identity = credentials.into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        if call.service == "s3" {
            // S3 alone signs paths as they are sent (IAM user guide, "Create a signed AWS API request").
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let wrong = |error: &dyn std::error::Error| {
            Failure::not_sent(format!("the request cannot be signed: {}", chain(error)))
        };
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(call.service)
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .map_err(|error| wrong(&error))?
            .into();
        let signable = SignableRequest::new(
            call.method.as_str(),
            call.url.as_str(),
            call.headers.iter().map(|(name, value)| (*name, value.as_str())),
            SignableBody::Bytes(call.body.as_bytes()),
        )
        .map_err(|error| wrong(&error))?;
        let (instructions, _signature) = sign(signable, &parameters).map_err(|error| wrong(&error))?.into_parts();
        let mut builder = self.http.request(call.method.clone(), call.url.as_str());
        for (name, value) in &call.headers {
            builder = builder.header(*name, value);
        }
        for (name, value) in instructions.headers() {
            let mut value = reqwest::header::HeaderValue::from_str(value).map_err(|error| wrong(&error))?;
            // Authorization and the session token stay out of `Debug`.
            value.set_sensitive(true);
            builder = builder.header(name, value);
        }
        builder.body(call.body.clone()).build().map_err(|error| wrong(&error.without_url()))
    }
}

fn transport(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    if error.is_builder() { Failure::not_sent(chain(&error)) } else { Failure::lost(chain(&error)) }
}
