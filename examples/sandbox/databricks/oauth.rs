//! OAuth machine-to-machine login and the check of bearer tokens.
//!
//! Endpoints and fields: SDK `oauth.py` (`get_host_metadata`, `get_account_endpoints`,
//! `get_workspace_endpoints`, `ClientCredentials`) and docs.databricks.com/dev-tools/auth/oauth-m2m.

use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap};
use serde_json::{Value, json};
use uuid::Uuid;

use super::call::{Call, Reply};
use super::errors::ApiError;
use super::options::{Client, Options};
use super::route::Host;
use super::server::Inner;

/// A token that was handed out.
#[derive(Clone, Debug)]
pub struct Issued {
    pub client_id: String,
    /// Minted at the account's token endpoint: good for both kinds of host.
    pub for_account: bool,
    /// Minted at the endpoint of this workspace: good there only.
    pub workspace_id: Option<i64>,
    pub expires: Instant,
}

/// `/.well-known/databricks-config`.
pub fn host_metadata(url: &str, options: &Options) -> Value {
    json!({
        "oidc_endpoint": format!("{url}/oidc/accounts/{{account_id}}"),
        "account_id": options.databricks_account_id,
        "cloud": "AWS",
    })
}

/// The authorization-server metadata below `/oidc` or `/oidc/accounts/{a}`.
pub fn discovery(base: &str) -> Value {
    json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/v1/authorize"),
        "token_endpoint": format!("{base}/v1/token"),
        "jwks_uri": format!("{base}/jwks.json"),
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "response_types_supported": ["code", "id_token"],
        "scopes_supported": ["all-apis", "email", "offline_access", "openid", "profile", "sql"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    })
}

/// The account id in an OIDC path must be this account's.
pub fn check_account(options: &Options, account_id: &str) -> Result<(), ApiError> {
    if account_id == options.databricks_account_id {
        return Ok(());
    }
    let message = format!("Account {account_id} does not exist.");
    Err(ApiError::oauth(StatusCode::BAD_REQUEST, "invalid_request", message))
}

/// `POST …/v1/token`.
pub fn token(call: &Call, inner: &mut Inner, options: &Options, for_account: bool) -> Result<Reply, ApiError> {
    let form = call.form();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if field("grant_type") != "client_credentials" {
        let message = "The grant type is not supported by this endpoint.";
        return Err(ApiError::oauth(StatusCode::BAD_REQUEST, "unsupported_grant_type", message));
    }
    if !field("scope").split(' ').any(|scope| scope == "all-apis") {
        let message = "The requested scope is invalid.";
        return Err(ApiError::oauth(StatusCode::BAD_REQUEST, "invalid_scope", message));
    }
    let given =
        basic(&call.headers).or_else(|| Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone())));
    let known = given.and_then(|(id, secret)| {
        let matches = |client: &&Client| client.client_id == id && client.client_secret == secret;
        options.clients.iter().find(matches)
    });
    let Some(client) = known else {
        let message = "Client authentication failed";
        return Err(ApiError::oauth(StatusCode::UNAUTHORIZED, "invalid_client", message));
    };
    let access_token = format!("sandbox.{}.{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let issued = Issued {
        client_id: client.client_id.clone(),
        for_account,
        workspace_id: if for_account { None } else { call.workspace },
        expires: Instant::now() + options.token_ttl,
    };
    inner.tokens.insert(access_token.clone(), issued);
    Ok(Reply::Json(json!({
        "access_token": access_token,
        "token_type": "Bearer",
        "scope": "all-apis",
        "expires_in": options.token_ttl.max(Duration::from_secs(1)).as_secs(),
    })))
}

/// Id and secret of an HTTP Basic header.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let decoded = aws_smithy_types::base64::decode(value.strip_prefix("Basic ")?).ok()?;
    let pair = String::from_utf8(decoded).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Who calls, or the 401 that the service answers. A personal access token is refused by account
/// APIs (docs: dev-tools/auth/pat, "workspace-level only").
pub fn authenticate(call: &Call, inner: &Inner, options: &Options) -> Result<Client, ApiError> {
    let unsupported = || {
        let message = "Credential was not sent or was of an unsupported type for this API.";
        ApiError::unauthenticated(message)
    };
    let header = call.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer ")).ok_or_else(unsupported)?;
    let other = |workspace: Option<i64>| workspace.is_some() && workspace != call.workspace;
    let client_id = if let Some(personal) = options.personal_tokens.iter().find(|one| one.token == token) {
        if call.route.host == Host::Account {
            return Err(unsupported());
        }
        if other(personal.workspace_id) {
            return Err(ApiError::unauthenticated("Invalid access token."));
        }
        &personal.client_id
    } else {
        let issued = inner.tokens.get(token).ok_or_else(|| ApiError::unauthenticated("Invalid Token"))?;
        if issued.expires <= Instant::now() {
            return Err(ApiError::unauthenticated("Access token expired."));
        }
        if call.route.host == Host::Account && !issued.for_account {
            return Err(unsupported());
        }
        if other(issued.workspace_id) {
            return Err(ApiError::unauthenticated("Invalid Token"));
        }
        &issued.client_id
    };
    let client = options.clients.iter().find(|client| client.client_id == *client_id);
    client.cloned().ok_or_else(|| ApiError::unauthenticated("Invalid Token"))
}
