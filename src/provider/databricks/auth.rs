//! Which authorization method the settings mean. Order and names: databricks-sdk-py `credentials_provider.py`.

use std::path::PathBuf;

use reqwest::Url;
use secrecy::SecretString;

use super::Env;
use super::config_file::Settings;
use super::endpoint;
use super::error::ConnectError;

/// A method with everything it needs. Holds secrets: no `Debug`, no `Serialize`.
pub(super) enum Auth {
    /// A personal access token, bound to one workspace: the account API refuses it.
    Pat {
        token: SecretString,
        /// Host of the workspace that made it; `None` only where an endpoint override takes every call anyway.
        host: Option<Url>,
    },
    /// OAuth client credentials of a service principal.
    Machine { client_id: String, client_secret: SecretString },
    /// Exchange of another issuer's token (workload identity federation).
    Federation { subject: Subject, client_id: Option<String> },
}

/// Where the token of the other issuer comes from.
pub(super) enum Subject {
    /// In an environment variable, looked up at every exchange.
    Env { variable: String },
    /// In a file, read at every exchange: its owner renews it.
    File { path: PathBuf },
    /// From GitHub Actions, for an audience.
    Github { url: Url, request_token: SecretString, audience: String },
}

/// What an account call needs, in words.
pub(super) const SERVICE_PRINCIPAL: &str = "`client_id` and `client_secret` of a service principal \
     (`DATABRICKS_CLIENT_ID`, `DATABRICKS_CLIENT_SECRET`), or OIDC federation";

const OIDC_TOKEN: &str = "DATABRICKS_OIDC_TOKEN";
const GITHUB_URL: &str = "ACTIONS_ID_TOKEN_REQUEST_URL";
const GITHUB_TOKEN: &str = "ACTIONS_ID_TOKEN_REQUEST_TOKEN";

impl Auth {
    /// Chooses by `auth_type`, else by what is set; two kinds at once without `auth_type` are refused.
    pub fn choose(settings: &Settings, env: &Env, account_id: &str, has_endpoint: bool) -> Result<Self, ConnectError> {
        let origin = || settings.origin.clone();
        let found = [
            Self::pat(settings, has_endpoint),
            Self::machine(settings),
            Self::env_oidc(settings, env),
            Self::file_oidc(settings),
            Self::github_oidc(settings, env, account_id),
        ];
        if let Some(method) = settings.get("auth_type") {
            let position = METHODS.iter().position(|(name, _)| *name == method);
            let Some((candidate, (_, needs))) = position.and_then(|at| found.into_iter().zip(METHODS).nth(at)) else {
                return Err(ConnectError::Unsupported { method: method.to_owned(), origin: origin() });
            };
            let needs = format!("{needs} for `auth_type` `{method}`");
            return candidate?.ok_or_else(|| ConnectError::Missing { origin: origin(), needs });
        }
        let mut kinds = Vec::new();
        let mut kind = |name, keys: &[&str]| {
            if keys.iter().any(|key| settings.get(key).is_some()) {
                kinds.push(name);
            }
        };
        kind("basic", &["username", "password"]);
        kind("oauth", &["client_id", "client_secret"]);
        kind("pat", &["token"]);
        if kinds.len() > 1 {
            return Err(ConnectError::Ambiguous { methods: kinds.join(" and "), origin: origin() });
        }
        for candidate in found {
            if let Some(auth) = candidate? {
                return Ok(auth);
            }
        }
        if kinds.contains(&"basic") {
            return Err(ConnectError::Unsupported { method: "basic".to_owned(), origin: origin() });
        }
        Err(ConnectError::Missing { origin: origin(), needs: SERVICE_PRINCIPAL.to_owned() })
    }

    fn pat(settings: &Settings, has_endpoint: bool) -> Result<Option<Self>, ConnectError> {
        let Some(token) = settings.secret("token") else { return Ok(None) };
        let host = settings.get("host").map(endpoint::secure_url).transpose()?;
        if host.is_none() && !has_endpoint {
            let needs =
                "`host` (`DATABRICKS_HOST`) to the workspace that the personal access token belongs to".to_owned();
            return Err(ConnectError::Missing { origin: settings.origin.clone(), needs });
        }
        Ok(Some(Auth::Pat { token, host }))
    }

    fn machine(settings: &Settings) -> Result<Option<Self>, ConnectError> {
        match (settings.get("client_id"), settings.secret("client_secret")) {
            (Some(id), Some(client_secret)) => Ok(Some(Auth::Machine { client_id: id.to_owned(), client_secret })),
            (None, Some(_)) => Err(ConnectError::Missing {
                origin: settings.origin.clone(),
                needs: "`client_id` (`DATABRICKS_CLIENT_ID`) beside the client secret".to_owned(),
            }),
            _ => Ok(None),
        }
    }

    fn federation(settings: &Settings, subject: Subject) -> Self {
        Auth::Federation { subject, client_id: settings.get("client_id").map(str::to_owned) }
    }

    fn env_oidc(settings: &Settings, env: &Env) -> Result<Option<Self>, ConnectError> {
        let variable = settings.get("oidc_token_env").unwrap_or(OIDC_TOKEN).to_owned();
        let is_set = env(&variable).is_some_and(|value| !value.trim().is_empty());
        Ok(is_set.then(|| Self::federation(settings, Subject::Env { variable })))
    }

    fn file_oidc(settings: &Settings) -> Result<Option<Self>, ConnectError> {
        let path = settings.get("oidc_token_filepath").map(PathBuf::from);
        Ok(path.map(|path| Self::federation(settings, Subject::File { path })))
    }

    /// The account id is the audience that a federation policy expects unless it names others (docs.databricks.com
    /// "Configure a federation policy").
    fn github_oidc(settings: &Settings, env: &Env, account_id: &str) -> Result<Option<Self>, ConnectError> {
        let variable = |name: &str| env(name).filter(|value| !value.is_empty());
        let (Some(url), Some(token)) = (variable(GITHUB_URL), variable(GITHUB_TOKEN)) else { return Ok(None) };
        let url = endpoint::secure_url(&url)?;
        let audience = settings.get("token_audience").unwrap_or(account_id).to_owned();
        Ok(Some(Self::federation(settings, Subject::Github { url, request_token: token.into(), audience })))
    }
}

/// (`auth_type`, what it needs), in the order in which they are tried.
const METHODS: [(&str, &str); 5] = [
    ("pat", "`token` (`DATABRICKS_TOKEN`)"),
    ("oauth-m2m", "`client_id` and `client_secret` (`DATABRICKS_CLIENT_ID`, `DATABRICKS_CLIENT_SECRET`)"),
    ("env-oidc", "`DATABRICKS_OIDC_TOKEN`, or `oidc_token_env` to the variable that holds the token"),
    ("file-oidc", "`oidc_token_filepath` (`DATABRICKS_OIDC_TOKEN_FILEPATH`)"),
    ("github-oidc", "the workflow's permission `id-token: write`, which sets `ACTIONS_ID_TOKEN_REQUEST_URL`,"),
];

#[cfg(test)]
mod tests {
    use super::super::config_file::Sources;
    use super::super::config_file::tests::env;
    use super::*;

    fn choose(pairs: &[(&str, &str)]) -> Result<Auth, ConnectError> {
        let env = env(pairs);
        let settings = Sources::locate(None, &env).settle(None)?;
        Auth::choose(&settings, &env, "account", false)
    }

    fn name(pairs: &[(&str, &str)]) -> String {
        match choose(pairs) {
            Ok(Auth::Pat { .. }) => "pat".to_owned(),
            Ok(Auth::Machine { .. }) => "oauth-m2m".to_owned(),
            Ok(Auth::Federation { subject, client_id }) => {
                let kind = match subject {
                    Subject::Env { variable } => format!("env {variable}"),
                    Subject::File { path } => format!("file {}", path.display()),
                    Subject::Github { audience, .. } => format!("github for {audience}"),
                };
                format!("{kind} as {}", client_id.unwrap_or_else(|| "anyone".to_owned()))
            }
            Err(error) => error.to_string(),
        }
    }

    const HOST: (&str, &str) = ("DATABRICKS_HOST", "https://x.cloud.databricks.com");
    const ID: (&str, &str) = ("DATABRICKS_CLIENT_ID", "id");
    const SECRET: (&str, &str) = ("DATABRICKS_CLIENT_SECRET", "s3cr3t");
    const TOKEN: (&str, &str) = ("DATABRICKS_TOKEN", "dapi-1");
    const OIDC: (&str, &str) = (OIDC_TOKEN, "jwt");
    const FILE: (&str, &str) = ("DATABRICKS_OIDC_TOKEN_FILEPATH", "/var/run/token");
    const GITHUB: [(&str, &str); 2] = [(GITHUB_URL, "https://gh.example/token?v=1"), (GITHUB_TOKEN, "gh")];

    #[test]
    fn the_first_complete_method_wins() {
        assert_eq!(name(&[HOST, TOKEN, OIDC, FILE]), "pat");
        assert_eq!(name(&[ID, SECRET, OIDC, FILE]), "oauth-m2m");
        assert_eq!(name(&[ID, OIDC, FILE, GITHUB[0], GITHUB[1]]), "env DATABRICKS_OIDC_TOKEN as id");
        assert_eq!(name(&[FILE, GITHUB[0], GITHUB[1]]), "file /var/run/token as anyone");
        assert_eq!(name(&GITHUB), "github for account as anyone");
        let audience = ("DATABRICKS_TOKEN_AUDIENCE", "aud");
        assert_eq!(name(&[GITHUB[0], GITHUB[1], audience]), "github for aud as anyone");
        assert_eq!(name(&[("DATABRICKS_OIDC_TOKEN_ENV", "CI_JWT"), ("CI_JWT", "j"), OIDC]), "env CI_JWT as anyone");
    }

    #[test]
    fn auth_type_decides_between_several() {
        let kind = |value| ("DATABRICKS_AUTH_TYPE", value);
        assert_eq!(name(&[HOST, TOKEN, ID, SECRET, kind("oauth-m2m")]), "oauth-m2m");
        assert_eq!(name(&[HOST, TOKEN, ID, SECRET, kind("pat")]), "pat");
        assert_eq!(name(&[ID, SECRET, FILE, kind("file-oidc")]), "file /var/run/token as id");
        assert!(name(&[ID, SECRET, kind("pat")]).contains("set `token` (`DATABRICKS_TOKEN`)"));
        assert!(name(&[ID, SECRET, kind("databricks-cli")]).contains("`databricks-cli` of the environment is not"));
    }

    #[test]
    fn two_kinds_are_refused_without_showing_them() {
        let message = name(&[HOST, TOKEN, ID, SECRET]);
        assert!(message.starts_with("more than one authorization method configured: oauth and pat in"), "{message}");
        assert!(!message.contains("s3cr3t") && !message.contains("dapi-1"));
        assert!(name(&[HOST, TOKEN, ID]).starts_with("more than one authorization method configured: oauth and pat"));
    }

    #[test]
    fn what_is_missing_is_named() {
        assert!(name(&[]).contains("`DATABRICKS_CLIENT_ID`"));
        assert!(name(&[SECRET]).contains("`client_id`"));
        assert!(name(&[ID]).contains("`client_secret`"));
        assert!(name(&[TOKEN]).contains("`DATABRICKS_HOST`"));
        assert!(name(&[HOST, ("DATABRICKS_USERNAME", "u")]).contains("`basic`"));
        assert!(name(&[(GITHUB_URL, "http://gh.example/"), GITHUB[1]]).contains("https"));
    }
}
