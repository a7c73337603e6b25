//! One debug event per request (method, host, path, status, time; no query, header or body), and the last check before a
//! request leaves the machine.

use std::net::Ipv4Addr;
use std::time::Instant;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};

use super::config::check_endpoint;
use crate::provider::sent::Sent;

/// Attached to every SDK client. Service endpoints can also come from the environment (`AWS_ENDPOINT_URL_S3`), so the
/// refusal of plain text is repeated here, where the final URL is known.
#[derive(Debug)]
pub(super) struct Watch(pub Sent);

/// Whether somebody waits for the answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    Told,
    /// Places of the chain of credentials that do not exist here do not answer, and need not.
    Expected,
}

/// A request on its way.
#[derive(Debug)]
pub(super) struct Started {
    at: Instant,
    method: String,
    url: String,
}

impl Started {
    pub(super) fn now(method: &str, url: &str) -> Self {
        Self { at: Instant::now(), method: method.to_owned(), url: url.to_owned() }
    }

    /// Counts it and says how it went; without an answer the status is 0.
    pub(super) fn ended(&self, service: &str, operation: &str, status: Option<u16>, sent: &Sent, silence: Silence) {
        sent.one();
        let url = reqwest::Url::parse(&self.url).ok();
        let (host, path) = url.as_ref().map_or(("", ""), |url| (url.host_str().unwrap_or_default(), shown_path(url)));
        let milliseconds = u64::try_from(self.at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (method, status) = (self.method.as_str(), status.unwrap_or(0));
        tracing::debug!(method, host, path, service, operation, status, milliseconds, "aws request");
        if status == 0 && silence == Silence::Told {
            sent.unanswered(host);
        }
    }
}

/// The path, except of credential endpoints of containers and instances: there it may itself be what opens the door.
fn shown_path(url: &reqwest::Url) -> &str {
    let local = url.host_str().and_then(|host| host.parse::<Ipv4Addr>().ok()).is_some_and(|ip| ip.is_link_local());
    if local { "" } else { url.path() }
}

impl Storable for Started {
    type Storer = StoreReplace<Self>;
}

#[dyn_dispatch_hint]
impl Intercept for Watch {
    fn name(&self) -> &'static str {
        "auditseal::provider::aws::Watch"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request();
        check_endpoint(request.uri())?;
        cfg.interceptor_state().store_put(Started::now(request.method(), request.uri()));
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        cfg: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // Nothing was sent when the credentials could not be had.
        if let Some(started) = cfg.load::<Started>() {
            let metadata = cfg.load::<Metadata>();
            started.ended(
                metadata.map_or("", Metadata::service),
                metadata.map_or("", Metadata::name),
                context.response().map(|response| response.status().as_u16()),
                &self.0,
                Silence::Told,
            );
        }
        Ok(())
    }
}

/// The client with which credentials are fetched: no interceptor of ours is there to see it.
#[derive(Clone, Debug)]
pub(super) struct Watched(pub SharedHttpClient, pub Sent);

impl HttpClient for Watched {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(WatchedConnector(self.0.http_connector(settings, components), self.1.clone()))
    }
}

#[derive(Clone, Debug)]
struct WatchedConnector(SharedHttpConnector, Sent);

impl HttpConnector for WatchedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let started = Started::now(request.method(), request.uri());
        let (answer, sent) = (self.0.call(request), self.1.clone());
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            let status = answer.as_ref().ok().map(|answer| answer.status().as_u16());
            started.ended("credentials", "", status, &sent, Silence::Expected);
            answer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_credential_endpoint_is_not_shown() {
        for (url, path) in [
            ("https://s3.eu-west-1.amazonaws.com/bucket?policy&token=x", "/bucket"),
            ("http://169.254.170.2/v2/credentials/3f2a", ""),
            ("http://127.0.0.1:4566/", "/"),
        ] {
            assert_eq!(shown_path(&reqwest::Url::parse(url).unwrap()), path);
        }
    }
}
