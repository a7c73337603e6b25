//! Where findings are sent: `[[alerts]]`. Where a secret is found is known here, never the secret itself.

use std::fmt;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::severity::Severity;

/// One declared sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// A label. One name is one sink in a whole directory of manifests.
    pub name: String,
    /// Findings below it are not sent.
    pub min_severity: Severity,
    #[serde(flatten)]
    pub sink: Sink,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Sink {
    /// Relative paths are those of the manifest's directory.
    File { path: String, format: FileFormat },
    /// A request for each notice, signed as Standard Webhooks has it (standardwebhooks.com, "Verifying webhook
    /// authenticity").
    Webhook { url: WebAddress, secret: SecretSource, format: BodyFormat },
    /// An incoming webhook of Slack. Its URL is the only credential.
    Slack { url: SecretSource },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFormat {
    /// A JSON object on each line, appended.
    Jsonl,
    /// An OCSF Compliance Finding on each line, appended.
    Ocsf,
    /// One SARIF document of what is open, replaced.
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyFormat {
    /// The object of a line of JSON Lines.
    Jsonl,
    /// An OCSF Compliance Finding.
    Ocsf,
}

/// A URL, written out or kept elsewhere because it is a secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WebAddress {
    Plain(String),
    Secret(SecretSource),
}

/// Where to find a secret when it is needed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// Name of an environment variable.
    Env(String),
    /// Path of a file that holds nothing else; relative to the manifest's directory.
    File(String),
    /// Name or ARN of a secret in AWS Secrets Manager.
    AwsSecret(String),
}

impl Sink {
    /// The word that manifests use.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::File { .. } => "file",
            Self::Webhook { .. } => "webhook",
            Self::Slack { .. } => "slack",
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable `{name}`"),
            Self::File(path) => write!(f, "file `{path}`"),
            Self::AwsSecret(name) => write!(f, "AWS secret `{name}`"),
        }
    }
}

/// Why nothing is sent to a URL. Holds nothing of the URL, which may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("it is no URL such as `https://alerts.example.com/hook`")]
    Form,
    #[error("it is neither `https://` nor, to this machine, `http://`")]
    Scheme,
    #[error("it is not encrypted: plain `http://` is for this machine only")]
    PlainText,
    #[error("it holds a user name or password")]
    UserInfo,
}

/// A URL that findings may be sent to: encrypted, or on this machine.
///
/// # Errors
/// When it is anything else.
pub fn endpoint(text: &str) -> Result<Url, UrlError> {
    // The parser would leave blanks and line breaks out in silence.
    if text.chars().any(|letter| letter.is_whitespace() || letter.is_control()) {
        return Err(UrlError::Form);
    }
    let url = Url::parse(text).map_err(|_| UrlError::Form)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(UrlError::Scheme);
    }
    if url.host().is_none() {
        return Err(UrlError::Form);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(UrlError::UserInfo);
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(UrlError::PlainText);
    }
    Ok(url)
}

/// Whether a URL leads to this machine.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints() {
        for good in ["https://example.com/a?b=c", "http://127.0.0.1:8080/x", "http://[::1]/", "http://localhost/x"] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        let wrong = [
            ("example.com", UrlError::Form),
            ("", UrlError::Form),
            ("https://", UrlError::Form),
            ("https://exa mple.com", UrlError::Form),
            ("https://example.com/\n", UrlError::Form),
            ("ftp://example.com", UrlError::Scheme),
            ("file:///etc/passwd", UrlError::Scheme),
            ("http://example.com", UrlError::PlainText),
            ("http://localhost.example.com", UrlError::PlainText),
            ("http://127.0.0.1.example.com", UrlError::PlainText),
            ("http://10.0.0.1/", UrlError::PlainText),
            ("https://user:hush@example.com", UrlError::UserInfo),
            ("https://user@example.com", UrlError::UserInfo),
        ];
        for (text, why) in wrong {
            assert_eq!(endpoint(text), Err(why), "{text}");
        }
    }
}
