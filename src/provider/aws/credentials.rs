//! Credentials of requests that are signed here. The SDK caches the ones it uses; a bare provider does not, and would call
//! STS or the SSO portal for every request.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use tokio::sync::Mutex;

/// Time before their expiry at which credentials are fetched again.
const MARGIN: Duration = Duration::from_secs(300);

pub(super) fn shared(provider: impl ProvideCredentials + 'static) -> SharedCredentialsProvider {
    SharedCredentialsProvider::new(provider)
}

#[derive(Clone, Debug)]
pub(super) struct Cached {
    provider: Option<SharedCredentialsProvider>,
    /// `Credentials` keeps its secrets out of `Debug`.
    last: Arc<Mutex<Option<Credentials>>>,
}

impl Cached {
    pub(super) fn new(provider: Option<SharedCredentialsProvider>) -> Self {
        Self { provider, last: Arc::default() }
    }

    pub(super) async fn get(&self) -> Result<Credentials, CredentialsError> {
        let mut last = self.last.lock().await;
        if let Some(credentials) = last.as_ref().filter(|credentials| is_fresh(credentials, SystemTime::now())) {
            return Ok(credentials.clone());
        }
        let provider =
            self.provider.as_ref().ok_or_else(|| CredentialsError::not_loaded("no credentials provider is set up"))?;
        let credentials = provider.provide_credentials().await?;
        *last = Some(credentials.clone());
        Ok(credentials)
    }
}

fn is_fresh(credentials: &Credentials, now: SystemTime) -> bool {
    credentials.expiry().is_none_or(|expiry| now + MARGIN < expiry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_renewed_before_they_expire() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let until = |seconds: u64| {
            let expiry = now + Duration::from_secs(seconds);
            Credentials::new("id", "secret", None, Some(expiry), "test")
        };
        assert!(is_fresh(&Credentials::new("id", "secret", None, None, "test"), now));
        assert!(is_fresh(&until(301), now));
        assert!(!is_fresh(&until(299), now));
        assert!(!format!("{:?}", until(299)).contains("secret\""));
    }
}
