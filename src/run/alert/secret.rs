//! URLs and signing keys, looked up where the manifest says when something is to be sent, and kept nowhere.

use std::future::Future;
use std::io::Read;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::model::alert::SecretSource;
use crate::model::{Arn, Desired, Observed, Place};
use crate::run::connect::{ConnectOptions, aws_targets, http};

/// A secret is a line of text.
const LONGEST: u64 = 64 * 1024;

/// Where secrets of AWS are found.
pub trait Vault: Sync {
    /// The secret of that name or ARN, looked for by name in `place`, with the credentials of its account.
    fn aws_secret(&self, place: &Place, name: &str) -> impl Future<Output = Result<SecretString, String>> + Send;
}

/// Secrets Manager, with the credentials that the manifests name. Connects when it is asked, so that sinks without such
/// secrets need no credentials.
#[derive(Clone, Debug)]
pub struct AwsSecrets {
    pub desired: Vec<Desired>,
    pub options: ConnectOptions,
}

impl Vault for AwsSecrets {
    async fn aws_secret(&self, place: &Place, name: &str) -> Result<SecretString, String> {
        let Place::Aws { account, region } = place else { return Err(format!("no secrets are kept in {place}")) };
        let mut targets = aws_targets(&self.desired, &self.options);
        let target = targets
            .remove(&(account.clone(), region.clone()))
            .ok_or_else(|| format!("there is no connection to {place}"))?;
        let http = http(&self.options).map_err(|error| error.to_string())?;
        let client = target.client(account, region, &self.options, &http).await.map_err(|error| error.to_string())?;
        // An ARN says where the secret is; a resource policy may share it with this account.
        let elsewhere = name.parse::<Arn>().map(|arn| arn.region).ok();
        match client.secrets(elsewhere.as_deref().unwrap_or(region)).get(name).await {
            Observed::Present(secret) => Ok(secret),
            Observed::Absent => Err("there is no such secret".to_owned()),
            Observed::Unknown(gap) => Err(gap.to_string()),
        }
    }
}

/// The secret, without white space around it.
pub(super) async fn find<V: Vault>(
    source: &SecretSource,
    base: &Path,
    place: &Place,
    vault: &V,
) -> Result<SecretString, String> {
    let text = match source {
        SecretSource::Env(name) => match std::env::var(name) {
            Ok(text) => SecretString::from(text),
            Err(std::env::VarError::NotPresent) => return Err(format!("{source} is not set")),
            Err(std::env::VarError::NotUnicode(_)) => return Err(format!("{source} is no text")),
        },
        SecretSource::File(path) => {
            read(&base.join(path)).map_err(|error| format!("{source} could not be read: {error}"))?
        }
        SecretSource::AwsSecret(name) => {
            vault.aws_secret(place, name).await.map_err(|why| format!("{source} could not be read: {why}"))?
        }
    };
    let text = text.expose_secret().trim();
    if text.is_empty() {
        return Err(format!("{source} is empty"));
    }
    if text.starts_with('{') {
        return Err(format!("{source} holds JSON; store the text alone"));
    }
    Ok(SecretString::from(text))
}

fn read(path: &Path) -> std::io::Result<SecretString> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(LONGEST).read_to_string(&mut text)?;
    Ok(SecretString::from(text))
}
