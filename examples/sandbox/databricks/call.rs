//! A request as handlers see it, and the kinds of answers.

use std::collections::HashMap;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::errors::ApiError;
use super::options::{Client, Role};
use super::route::Route;

/// Larger request bodies are refused.
const BODY_LIMIT: usize = 1 << 20;
/// The header by which a unified host knows the workspace (SDK `service/catalog.py`).
const WORKSPACE_HEADER: &str = "x-databricks-workspace-id";

/// One request with everything a handler needs.
pub struct Call {
    pub route: Route,
    pub method: String,
    pub path: String,
    /// The path with its query.
    pub target: String,
    pub workspace: Option<i64>,
    pub headers: HeaderMap,
    pub query: HashMap<String, String>,
    pub body: Bytes,
    /// The caller, once authenticated.
    pub role: Role,
    pub client: Option<Client>,
}

impl Call {
    /// Receives a request. A body that ends early or is too long drops the connection.
    pub async fn read(request: Request<Incoming>) -> Result<Self, Dropped> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let workspace = parts.headers.get(WORKSPACE_HEADER).and_then(|value| value.to_str().ok());
        Ok(Self {
            route: Route::resolve(&parts.method, &path),
            method: parts.method.to_string(),
            target: parts.uri.path_and_query().map_or_else(|| path.clone(), ToString::to_string),
            path,
            workspace: workspace.and_then(|value| value.parse().ok()),
            query: pairs(parts.uri.query().unwrap_or_default()),
            headers: parts.headers,
            body: Limited::new(body, BODY_LIMIT).collect().await.map_err(|_| Dropped)?.to_bytes(),
            role: Role::Unprivileged,
            client: None,
        })
    }

    /// The n-th placeholder of the path.
    pub fn argument(&self, n: usize) -> &str {
        self.route.arguments.get(n).map(String::as_str).unwrap_or_default()
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        let parsed = serde_json::from_slice(&self.body);
        parsed.map_err(|error| ApiError::malformed(format!("Could not parse request object: {error}")))
    }

    pub fn form(&self) -> HashMap<String, String> {
        pairs(&String::from_utf8_lossy(&self.body))
    }
}

/// A successful answer.
pub enum Reply {
    Json(Value),
    /// No body.
    Empty(StatusCode),
    Html(&'static str),
}

/// The connection is to be dropped without an answer.
#[derive(Debug)]
pub struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection was dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

/// Decodes a query or a form.
fn pairs(encoded: &str) -> HashMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://host/?{encoded}")).ok();
    let owned =
        |url: reqwest::Url| url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    url.map(owned).unwrap_or_default()
}
