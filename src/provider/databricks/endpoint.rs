//! Which host answers what. Hosts: terraform-provider-databricks `docs/index.md`, databricks-sdk-py `environments.py`.

use std::net::IpAddr;

use reqwest::Url;

use super::error::{ConnectError, Failure};
use crate::model::place::Partition;

/// Whom a call is for; tokens are kept per target.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    Account,
    Workspace { id: i64, deployment: String },
}

/// The hosts of one Databricks account.
#[derive(Clone, Debug)]
pub(super) struct Hosts {
    account_id: String,
    partition: Partition,
    account: Url,
    endpoint: Option<Url>,
}

impl Hosts {
    pub fn new(account_id: &str, partition: Partition, endpoint: Option<&str>) -> Result<Self, ConnectError> {
        let endpoint = endpoint.map(secure_url).transpose()?;
        let account = match &endpoint {
            Some(url) => url.clone(),
            None => secure_url(partition.account_host())?,
        };
        Ok(Self { account_id: account_id.to_owned(), partition, account, endpoint })
    }

    pub fn has_endpoint(&self) -> bool {
        self.endpoint.is_some()
    }

    /// Whether all calls stay on this machine, so that no proxy may see them.
    pub fn is_loopback(&self) -> bool {
        self.endpoint.as_ref().is_some_and(is_loopback)
    }

    /// Refuses settings that name a host of another cloud: their author means other data than this client would touch.
    pub fn check(&self, host: &str, origin: &str) -> Result<(), ConnectError> {
        if self.has_endpoint() {
            return Ok(());
        }
        let url = secure_url(host)?;
        let suffix = format!(".{}", self.partition.workspace_suffix());
        let name = url.host_str().unwrap_or_default();
        let is_account = name.starts_with("accounts.") || name.starts_with("accounts-");
        let fits = match is_account {
            true => url.host_str() == self.account.host_str(),
            false => name.ends_with(&suffix),
        };
        if fits {
            return Ok(());
        }
        let wanted = self.account.host_str().unwrap_or_default();
        let message = format!(
            "{origin} names it, but the partition's hosts are `{wanted}` and `*{suffix}`; correct `[aws] partition` or \
             the profile, or pass the host as `--endpoint-databricks`"
        );
        Err(ConnectError::Host { url: host.to_owned(), message })
    }

    /// Base URL of a target.
    pub fn base(&self, target: &Target) -> Result<Url, Failure> {
        match (target, &self.endpoint) {
            (Target::Account, _) => Ok(self.account.clone()),
            (Target::Workspace { .. }, Some(endpoint)) => Ok(endpoint.clone()),
            (Target::Workspace { id, deployment }, None) => {
                // The name comes from an answer and becomes part of the host that the token is sent to.
                let label = |c: char| c.is_ascii_alphanumeric() || c == '-';
                if deployment.is_empty() || !deployment.chars().all(label) {
                    let name = super::error::tidy(deployment);
                    return Err(Failure::Impossible(format!(
                        "workspace {id} has the deployment name `{name}`, which is no host name; \
                         pass `--endpoint-databricks` to reach it"
                    )));
                }
                let text = format!("https://{deployment}.{}", self.partition.workspace_suffix());
                Url::parse(&text).map_err(|error| Failure::Impossible(format!("`{text}` is no URL: {error}")))
            }
        }
    }

    /// A URL with its path segments and query encoded.
    pub fn url(&self, target: &Target, segments: &[&str], query: &[(&str, &str)]) -> Result<Url, Failure> {
        let mut url = self.base(target)?;
        if let Ok(mut path) = url.path_segments_mut() {
            // http and https URLs always have a path.
            path.pop_if_empty().extend(segments);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// Below `/api/2.0/accounts/{account}`.
    pub fn account_url(&self, segments: &[&str]) -> Result<Url, Failure> {
        let mut path = vec!["api", "2.0", "accounts", self.account_id.as_str()];
        path.extend(segments);
        self.url(&Target::Account, &path, &[])
    }

    /// The OAuth token endpoints are fixed paths (docs.databricks.com "Authorize service principals with OAuth").
    pub fn token_url(&self, target: &Target) -> Result<Url, Failure> {
        match target {
            Target::Account => self.url(target, &["oidc", "accounts", &self.account_id, "v1", "token"], &[]),
            Target::Workspace { .. } => self.url(target, &["oidc", "v1", "token"], &[]),
        }
    }

    /// Value of `X-Databricks-Workspace-Id`: only where one host serves every workspace.
    pub fn workspace_header(&self, target: &Target) -> Option<i64> {
        match (target, &self.endpoint) {
            (Target::Workspace { id, .. }, Some(_)) => Some(*id),
            _ => None,
        }
    }
}

/// A URL that a credential may be sent to: `https`, or `http` to this machine. A missing scheme means `https`, as in
/// the SDKs.
pub(super) fn secure_url(text: &str) -> Result<Url, ConnectError> {
    let text = text.trim();
    let refuse = |message: &str| ConnectError::Host { url: text.to_owned(), message: message.to_owned() };
    let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let url = Url::parse(&full).map_err(|error| refuse(&error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        let url = url.host_str().unwrap_or_default().to_owned();
        let message = "it carries a user name or password; remove them".to_owned();
        return Err(ConnectError::Host { url, message });
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(refuse("credentials are sent over https only; plain http is for loopback addresses")),
        _ => Err(refuse("expected a URL that starts with `https://`")),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn workspace(deployment: &str) -> Target {
        Target::Workspace { id: 7, deployment: deployment.to_owned() }
    }

    #[test]
    fn hosts_follow_from_the_partition() {
        let rows = [
            (Partition::Aws, "https://accounts.cloud.databricks.com/oidc/accounts/a/v1/token", "com"),
            (Partition::AwsUsGov, "https://accounts.cloud.databricks.us/oidc/accounts/a/v1/token", "us"),
            (Partition::AwsUsGovDod, "https://accounts-dod.cloud.databricks.mil/oidc/accounts/a/v1/token", "mil"),
        ];
        for (partition, account, end) in rows {
            let hosts = Hosts::new("a", partition, None).unwrap();
            assert_eq!(hosts.token_url(&Target::Account).unwrap().as_str(), account);
            let wanted = format!("https://dbc-1.cloud.databricks.{end}/oidc/v1/token");
            assert_eq!(hosts.token_url(&workspace("dbc-1")).unwrap().as_str(), wanted);
            assert_eq!(hosts.workspace_header(&workspace("dbc-1")), None);
        }
    }

    #[test]
    fn one_endpoint_serves_all_and_keeps_its_path() {
        let hosts = Hosts::new("a", Partition::Aws, Some("http://127.0.0.1:9/base/")).unwrap();
        assert_eq!(hosts.account_url(&["x"]).unwrap().as_str(), "http://127.0.0.1:9/base/api/2.0/accounts/a/x");
        let url = hosts.url(&workspace("../evil"), &["p", "a/b c"], &[("k", "v&w")]).unwrap();
        assert_eq!(url.as_str(), "http://127.0.0.1:9/base/p/a%2Fb%20c?k=v%26w");
        assert_eq!(hosts.workspace_header(&workspace("w")), Some(7));
        assert_eq!(hosts.workspace_header(&Target::Account), None);
    }

    #[test]
    fn a_deployment_name_cannot_choose_the_host() {
        let hosts = Hosts::new("a", Partition::Aws, None).unwrap();
        for name in ["", "evil.example/", "evil.example#", "x@evil.example", "a.b", "x:1", "x\\y", "é"] {
            assert!(hosts.base(&workspace(name)).is_err(), "{name}");
        }
    }

    #[test]
    fn credentials_travel_encrypted_or_not_at_all() {
        for good in ["https://x.example", "x.example", "http://localhost:1", "http://127.9.9.9", "http://[::1]:80"] {
            assert!(secure_url(good).is_ok(), "{good}");
        }
        let bad =
            ["http://x.example", "http://localhost.evil.example", "ftp://x", "https://u:p@x.example", "http://0.0.0.0"];
        for bad in bad {
            let error = secure_url(bad).unwrap_err().to_string();
            assert!(!error.contains("u:p"), "{error}");
        }
    }

    #[test]
    fn settings_for_another_cloud_are_refused() {
        let hosts = Hosts::new("a", Partition::Aws, None).unwrap();
        assert!(hosts.check("https://accounts.cloud.databricks.com", "it").is_ok());
        assert!(hosts.check("dbc-1.cloud.databricks.com", "it").is_ok());
        for other in ["https://accounts.cloud.databricks.us", "adb-1.azuredatabricks.net", "http://127.0.0.1:1"] {
            assert!(hosts.check(other, "it").is_err(), "{other}");
        }
        let hosts = Hosts::new("a", Partition::Aws, Some("http://localhost:1")).unwrap();
        assert!(hosts.check("https://accounts.cloud.databricks.us", "it").is_ok());
    }
}
