//! Certificate authorities beside the system's, as a company has them whose proxy opens connections: `AWS_CA_BUNDLE`, the
//! variable of the AWS CLI and SDKs (AWS SDKs and Tools Reference Guide, "General configuration settings"). One file for
//! every host that is talked to: AWS, Databricks and sinks of alerts.

const VARIABLE: &str = "AWS_CA_BUNDLE";

/// What to trust beside the system's authorities; nothing when the variable is not set.
#[derive(Clone, Debug, Default)]
pub struct Authorities {
    pem: Option<Vec<u8>>,
    certificates: Vec<reqwest::Certificate>,
}

/// Never ignored: connections would fail for a reason that nobody sees.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("certificate authorities in `{path}` (AWS_CA_BUNDLE) cannot be used: {reason}; correct or unset the variable")]
pub struct AuthoritiesError {
    path: String,
    reason: String,
}

impl Authorities {
    /// Those that the environment of the process names.
    ///
    /// # Errors
    /// When the file cannot be read, or holds no certificate.
    pub fn of_environment() -> Result<Self, AuthoritiesError> {
        Self::of(|name| std::env::var(name).ok())
    }

    pub(super) fn of(environment: impl Fn(&str) -> Option<String>) -> Result<Self, AuthoritiesError> {
        let Some(path) = environment(VARIABLE).filter(|path| !path.is_empty()) else { return Ok(Self::default()) };
        let wrong = |reason: String| AuthoritiesError { path: path.clone(), reason };
        let pem = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
        if certificates.is_empty() {
            return Err(wrong("it holds no PEM certificate".to_owned()));
        }
        Ok(Self { pem: Some(pem), certificates })
    }

    pub(super) fn pem(&self) -> Option<&[u8]> {
        self.pem.as_deref()
    }

    #[must_use]
    pub fn certificates(&self) -> Vec<reqwest::Certificate> {
        self.certificates.clone()
    }
}
