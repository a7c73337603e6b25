//! Bearer tokens: minted per target, kept in memory, renewed early and by one caller at a time.
//! Grants: docs.databricks.com "Authorize service principals with OAuth", "Workload identity federation" (RFC 8693).

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::Env;
use super::auth::{Auth, SERVICE_PRINCIPAL, Subject};
use super::endpoint::{Hosts, Target};
use super::error::Failure;
use super::http::{Body, Http, Login, Request};

/// Lifetime that is assumed when the answer names none, in seconds: short, so that a wrong guess costs little.
const ASSUMED_TTL: u64 = 600;

/// No token is trusted longer, whatever the answer says.
const LONGEST_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// Renewal starts at most this long before the end (databricks-sdk-py `oauth.py`).
const LONGEST_LEAD: Duration = Duration::from_secs(20 * 60);

/// Holds a secret: no `Debug`, no `Serialize`.
struct Token {
    value: SecretString,
    renew_at: Instant,
    expires_at: Instant,
}

impl Token {
    fn new(value: SecretString, minted: Instant, ttl: Duration) -> Self {
        let expires_at = minted + ttl;
        // Less than min(TTL / 2, 20 min) left: renew.
        Self { value, renew_at: expires_at - (ttl / 2).min(LONGEST_LEAD), expires_at }
    }
}

type Slot = Arc<Mutex<Option<Token>>>;

pub(super) struct Tokens {
    auth: Auth,
    /// Where the credentials come from, in words.
    origin: String,
    env: Env,
    slots: Mutex<HashMap<Target, Slot>>,
}

#[derive(Deserialize)]
struct Minted {
    access_token: String,
    expires_in: Option<u64>,
}

#[derive(Deserialize)]
struct GithubToken {
    value: String,
}

impl Tokens {
    pub fn new(auth: Auth, origin: String, env: Env) -> Self {
        Self { auth, origin, env, slots: Mutex::default() }
    }

    /// A token for the target that is good for some time yet.
    pub async fn bearer(&self, http: &Http, hosts: &Hosts, target: &Target) -> Result<SecretString, Failure> {
        if let Auth::Pat { token, host } = &self.auth {
            return self.personal(token, host.as_ref(), hosts, target);
        }
        let slot = self.slot(target).await;
        // Held while minting: whoever comes meanwhile waits for that token instead of minting another one.
        let mut kept = slot.lock().await;
        if let Some(token) = kept.as_ref().filter(|token| Instant::now() < token.renew_at) {
            return Ok(token.value.clone());
        }
        match (self.mint(http, hosts, target).await, kept.as_ref()) {
            (Ok(token), _) => {
                let value = token.value.clone();
                *kept = Some(token);
                Ok(value)
            }
            (Err(failure), Some(old)) if failure.passes() && Instant::now() < old.expires_at => Ok(old.value.clone()),
            (Err(failure), _) => Err(self.explain(failure)),
        }
    }

    /// Drops a token that was refused, which also happens when the machine slept past its end. Says whether another one
    /// can be had.
    pub async fn drop_refused(&self, target: &Target, refused: &SecretString) -> bool {
        if matches!(self.auth, Auth::Pat { .. }) {
            return false;
        }
        let slot = self.slot(target).await;
        let mut kept = slot.lock().await;
        if kept.as_ref().is_some_and(|token| token.value.expose_secret() == refused.expose_secret()) {
            *kept = None;
        }
        true
    }

    async fn slot(&self, target: &Target) -> Slot {
        Arc::clone(self.slots.lock().await.entry(target.clone()).or_default())
    }

    /// A personal access token is never sent to the account API nor to a workspace that did not make it.
    fn personal(
        &self,
        token: &SecretString,
        own: Option<&Url>,
        hosts: &Hosts,
        target: &Target,
    ) -> Result<SecretString, Failure> {
        let origin = &self.origin;
        let advice = format!("configure {SERVICE_PRINCIPAL}");
        if *target == Target::Account {
            return Err(Failure::Impossible(format!(
                "the account API takes no personal access token, which is all that {origin} has; {advice}"
            )));
        }
        let base = hosts.base(target)?;
        match own.and_then(Url::host_str) {
            Some(own) if !hosts.has_endpoint() && Some(own) != base.host_str() => {
                let other = base.host_str().unwrap_or_default();
                Err(Failure::Impossible(format!(
                    "the personal access token of {origin} belongs to `{own}`, not to `{other}`; {advice}"
                )))
            }
            _ => Ok(token.clone()),
        }
    }

    fn explain(&self, failure: Failure) -> Failure {
        let origin = &self.origin;
        match failure {
            Failure::Api(error) if !Failure::Api(error.clone()).passes() => Failure::Impossible(format!(
                "databricks refused the login with {origin}: {error}; check its credentials"
            )),
            Failure::Answer(message) => {
                Failure::Impossible(format!("the login with {origin} failed: {message}; check the endpoint"))
            }
            other => other,
        }
    }

    async fn mint(&self, http: &Http, hosts: &Hosts, target: &Target) -> Result<Token, Failure> {
        let (login, fields) = match &self.auth {
            Auth::Machine { client_id, client_secret } => {
                let login = Login::Basic { user: client_id.clone(), password: client_secret.clone() };
                (login, vec![("grant_type", "client_credentials".into())])
            }
            Auth::Federation { subject, client_id } => {
                let subject_token = self.subject_token(http, subject).await?;
                let mut fields = vec![
                    ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange".into()),
                    ("subject_token", subject_token),
                    ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt".into()),
                ];
                // Without it the account's own federation policy decides who this is.
                fields.extend(client_id.as_ref().map(|id| ("client_id", id.clone().into())));
                (Login::None, fields)
            }
            Auth::Pat { .. } => return Err(Failure::Impossible("a personal access token is not minted".to_owned())),
        };
        let body = Body::Form(fields.into_iter().chain([("scope", "all-apis".into())]).collect());
        let workspace = hosts.workspace_header(target);
        let request = Request { method: Method::POST, url: hosts.token_url(target)?, workspace, login, body };
        // Counted from before the request, so that the token never lives longer here than there.
        let minted = Instant::now();
        let answer = http.repeat(&request).await?.json()?;
        // The decoder's message would quote the answer: it is not shown.
        let answer: Minted = serde_json::from_value(answer)
            .map_err(|_| Failure::Answer("the token endpoint gave no access token".to_owned()))?;
        let ttl = Duration::from_secs(answer.expires_in.unwrap_or(ASSUMED_TTL)).min(LONGEST_TTL);
        Ok(Token::new(answer.access_token.into(), minted, ttl))
    }

    async fn subject_token(&self, http: &Http, subject: &Subject) -> Result<SecretString, Failure> {
        let found = match subject {
            Subject::Env { variable } => (self.env)(variable).ok_or_else(|| format!("`{variable}` is not set")),
            Subject::File { path } => tokio::fs::read_to_string(path)
                .await
                .map_err(|error| format!("`{}` could not be read: {error}", path.display())),
            Subject::Github { url, request_token, audience } => {
                let mut url = url.clone();
                url.query_pairs_mut().append_pair("audience", audience);
                let login = Login::Bearer(request_token.clone());
                let request = Request { method: Method::GET, url, workspace: None, login, body: Body::Empty };
                let answer = http.repeat(&request).await?.json()?;
                let token: GithubToken = serde_json::from_value(answer)
                    .map_err(|_| Failure::Answer("github gave no identity token".to_owned()))?;
                Ok(token.value)
            }
        };
        match found {
            Ok(token) if !token.trim().is_empty() => Ok(token.trim().into()),
            Ok(_) => Err(Failure::Impossible(format!("the identity token of {} is empty; renew it", self.origin))),
            Err(message) => {
                Err(Failure::Impossible(format!("{message}; it has to hold the identity token to exchange")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_renewed_at_half_life_or_twenty_minutes_before_the_end() {
        let rows = [(3600, 2400), (600, 300), (2, 1), (0, 0), (86_400, 85_200)];
        for (ttl, renew) in rows {
            let start = Instant::now();
            let token = Token::new("t".into(), start, Duration::from_secs(ttl));
            assert_eq!(token.renew_at - start, Duration::from_secs(renew), "{ttl}");
            assert_eq!(token.expires_at - start, Duration::from_secs(ttl));
        }
    }
}
