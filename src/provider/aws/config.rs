//! From options to clients: credentials, endpoints, timeouts, retries, proxies and certificate authorities.

use std::net::IpAddr;
use std::time::Duration;

use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;

use super::credentials;
use super::failure::chain;
use super::trace::Watched;
use crate::provider::sent::Sent;
use crate::provider::{Authorities, AuthoritiesError, Requests};

/// How often the SDK sends a read in all before its failure counts.
pub(super) const READ_ATTEMPTS: u32 = 3;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Which account, region and credentials a client works with.
#[derive(Clone, Debug, Default)]
pub struct AwsOptions {
    /// Twelve digits: the account that buckets must belong to. Without it nothing is written, and reads of buckets do not
    /// check the owner.
    pub account: Option<String>,
    pub region: String,
    /// A profile of the shared configuration files; `None` leaves the choice to `AWS_PROFILE` and the default chain.
    pub profile: Option<String>,
    /// Credentials that whoever uses the library already holds, instead of the default chain.
    pub credentials: Option<Credentials>,
    /// ARN of a role to assume with the credentials found.
    pub assume_role: Option<String>,
    /// One endpoint for every service. `http://` is accepted for loopback only.
    pub endpoint: Option<String>,
    pub timeouts: Timeouts,
}

/// Bounds of one API operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Duration,
    pub attempt: Duration,
    /// Over all attempts of an operation.
    pub operation: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), attempt: Duration::from_secs(30), operation: Duration::from_secs(60) }
    }
}

/// Why no client could be made. Nothing was sent yet; credentials are first looked for by the first request.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("AWS endpoint `{endpoint}` is not a URL: {reason}; write it as `https://host[:port]`")]
    Endpoint { endpoint: String, reason: String },
    #[error(
        "AWS endpoint `{endpoint}` is not encrypted and not on this machine: use `https://`, or a loopback address for an emulator"
    )]
    PlainText { endpoint: String },
    #[error(transparent)]
    Authorities(#[from] AuthoritiesError),
    #[error("AWS profile `{profile}` is not in the shared configuration files, {known}; name one of them, or add it")]
    Profile { profile: String, known: String },
    #[error("the AWS configuration files cannot be read: {0}; correct them")]
    Files(String),
    #[error("the HTTP client could not be set up: {0}; check the proxy variables")]
    Http(String),
}

/// The HTTP clients that every AWS client of a run shares: one pool of connections, one set of certificate authorities,
/// proxies from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.
#[derive(Clone, Debug)]
pub struct Http {
    pub(super) sdk: SharedHttpClient,
    /// The same, for what fetches credentials.
    pub(super) credentials: SharedHttpClient,
    pub(super) plain: reqwest::Client,
    pub(super) sent: Sent,
}

impl Http {
    /// Trusts the system's certificate authorities and those of `AWS_CA_BUNDLE`.
    ///
    /// # Errors
    /// When the bundle cannot be read or parsed, or the proxy variables are wrong.
    pub fn new(timeouts: &Timeouts) -> Result<Self, ConnectError> {
        Self::counted(timeouts, &Requests::default())
    }

    /// The same; what is sent is counted.
    ///
    /// # Errors
    /// As [`Http::new`].
    pub fn counted(timeouts: &Timeouts, requests: &Requests) -> Result<Self, ConnectError> {
        // Another part of the process may have installed it: both want ring, so the refusal is no failure.
        let _already_installed = rustls::crypto::ring::default_provider().install_default();
        let authorities = Authorities::of_environment()?;
        let (sdk, sent) = (sdk_client(authorities.pem())?, Sent::to_aws(requests));
        let credentials = SharedHttpClient::new(Watched(sdk.clone(), sent.clone()));
        Ok(Self { sdk, credentials, plain: plain_client(authorities.certificates(), timeouts)?, sent })
    }
}

fn sdk_client(pem: Option<&[u8]>) -> Result<SharedHttpClient, ConnectError> {
    let mut trust = TrustStore::default();
    if let Some(pem) = pem {
        trust.add_pem_certificate(pem);
    }
    let tls =
        TlsContext::builder().with_trust_store(trust).build().map_err(|error| ConnectError::Http(error.to_string()))?;
    // As `Builder::build_https`, which knows no proxies; the SDK makes its own default client in this way.
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector =
            Connector::builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(tls.clone());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    }))
}

fn plain_client(certificates: Vec<reqwest::Certificate>, timeouts: &Timeouts) -> Result<reqwest::Client, ConnectError> {
    reqwest::Client::builder()
        .tls_certs_merge(certificates)
        .user_agent(format!("auditseal/{VERSION}"))
        .connect_timeout(timeouts.connect)
        .timeout(timeouts.attempt)
        // A signature is made for one host: following a redirect would send it to another one.
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| ConnectError::Http(error.without_url().to_string()))
}

/// Whether a URL may be spoken to: encrypted, or on this machine.
pub(super) fn check_endpoint(endpoint: &str) -> Result<(), ConnectError> {
    let wrong = |reason: &str| ConnectError::Endpoint { endpoint: endpoint.to_owned(), reason: reason.to_owned() };
    let url = reqwest::Url::parse(endpoint).map_err(|error| wrong(&error.to_string()))?;
    let host = url.host_str().ok_or_else(|| wrong("it names no host"))?;
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(host) => Ok(()),
        "http" => Err(ConnectError::PlainText { endpoint: endpoint.to_owned() }),
        other => Err(wrong(&format!("scheme `{other}`"))),
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The shared configuration of all services: the standard credential chain (environment, profiles, SSO, web identity,
/// containers, instance), with the role assumed on top when one is asked for.
pub(super) async fn load(options: &AwsOptions, http: &Http) -> Result<SdkConfig, ConnectError> {
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(options.region.clone()))
        .http_client(http.credentials.clone())
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(options.timeouts.connect)
                .operation_attempt_timeout(options.timeouts.attempt)
                .operation_timeout(options.timeouts.operation)
                .build(),
        )
        .retry_config(RetryConfig::standard().with_max_attempts(READ_ATTEMPTS));
    // A slash is not allowed in an application name.
    if let Ok(name) = AppName::new(format!("auditseal-{VERSION}")) {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile).credentials_provider(named(profile, options, http).await?);
    }
    if let Some(endpoint) = &options.endpoint {
        loader = loader.endpoint_url(endpoint);
    }
    if let Some(credentials) = &options.credentials {
        loader = loader.credentials_provider(credentials.clone());
    }
    let config = loader.load().await;
    // Also an endpoint that came from AWS_ENDPOINT_URL or the profile.
    if let Some(endpoint) = config.endpoint_url() {
        check_endpoint(endpoint)?;
    }
    let Some(role) = &options.assume_role else { return Ok(config) };
    let provider = AssumeRoleProvider::builder(role)
        .session_name("auditseal")
        .region(Region::new(options.region.clone()))
        .configure(&config)
        .build()
        .await;
    Ok(config.into_builder().credentials_provider(credentials::shared(provider)).build())
}

/// The credentials of a profile that was named. The default chain would prefer those of the environment, which may be of
/// another account, and would fall through a name that does not exist.
async fn named(
    profile: &str,
    options: &AwsOptions,
    http: &Http,
) -> Result<ProfileFileCredentialsProvider, ConnectError> {
    let files = aws_config::profile::load(&Default::default(), &Default::default(), &Default::default(), None)
        .await
        .map_err(|error| ConnectError::Files(chain(&error)))?;
    if files.get_profile(profile).is_none() {
        let mut names: Vec<String> = files.profiles().map(|name| format!("`{name}`")).collect();
        names.sort();
        let known =
            if names.is_empty() { "which have none".to_owned() } else { format!("which have {}", names.join(", ")) };
        return Err(ConnectError::Profile { profile: profile.to_owned(), known });
    }
    let provider = ProviderConfig::without_region()
        .with_region(Some(Region::new(options.region.clone())))
        .with_http_client(http.credentials.clone());
    Ok(ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_on_this_machine() {
        for good in [
            "https://s3.eu-west-1.amazonaws.com",
            "http://127.0.0.1:4566",
            "http://127.8.0.1",
            "http://localhost:4566/",
            "http://[::1]:9000",
            "http://s3.localhost:9000",
        ] {
            assert!(check_endpoint(good).is_ok(), "{good}");
        }
        for bad in [
            "http://10.0.0.1:4566",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@example.com/",
            "http://[::2]",
            "http://169.254.169.254",
        ] {
            assert!(matches!(check_endpoint(bad), Err(ConnectError::PlainText { .. })), "{bad}");
        }
        for bad in ["", "localhost:4566", "ftp://127.0.0.1", "127.0.0.1:80", "file:///tmp/x"] {
            assert!(matches!(check_endpoint(bad), Err(ConnectError::Endpoint { .. })), "{bad}");
        }
    }
}
