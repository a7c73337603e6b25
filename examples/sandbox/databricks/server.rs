//! The HTTP side: one listener, faults, authentication and dispatch.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::faults::{self, Decision, Failure, Moment};
use super::errors::ApiError;
use super::oauth::{self, Issued};
use super::options::{Client, Options, Role};
use super::probe::Probe;
use super::route::{Host, Operation, Route};
use super::state::Data;
use super::{account, grants, log_delivery, scim, unity_catalog, workspace};

/// Larger request bodies are refused.
const BODY_LIMIT: usize = 1 << 20;
/// The header by which a unified host knows the workspace (SDK `service/catalog.py`).
const WORKSPACE_HEADER: &str = "x-databricks-workspace-id";
/// What the account host shows for a workspace path (databricks/terraform-provider-databricks#752).
const SIGN_IN: &str = "<!doctype html><html><head><meta charset=\"utf-8\"/><title>Databricks - Sign In</title>\
    </head><body class=\"light-mode\"><uses-legacy-bootstrap><div id=\"login-page\"></div>\
    </uses-legacy-bootstrap></body></html>";

/// A request that was served.
#[derive(Clone, Debug)]
pub struct Served {
    /// Counted over the AWS side too, see [`faults::Faults`].
    pub ordinal: u64,
    pub operation: Operation,
    pub method: String,
    /// With the query.
    pub path: String,
    pub workspace: Option<i64>,
    pub is_write: bool,
    /// What the client saw; none when the connection was dropped or the request still runs.
    pub status: Option<u16>,
    pub started: SystemTime,
}

/// A write that reads do not show yet.
struct Stale {
    family: &'static str,
    before: Data,
    reads: u32,
    used: HashMap<Operation, u32>,
}

#[derive(Default)]
pub struct Inner {
    pub data: Data,
    pub tokens: HashMap<String, Issued>,
    /// Operations that answer 403 to everybody.
    pub denied: HashSet<Operation>,
    pub served: Vec<Served>,
    stale: Vec<Stale>,
}

impl Inner {
    /// The state before a write that this read must not show yet.
    fn stale(&mut self, operation: Operation) -> Option<Data> {
        for stale in &mut self.stale {
            let used = stale.used.entry(operation).or_default();
            if stale.family == operation.family() && *used < stale.reads {
                *used += 1;
                return Some(stale.before.clone());
            }
        }
        None
    }
}

/// What connections share.
pub struct Shared {
    pub options: Options,
    pub url: String,
    pub probe: Probe,
    inner: Mutex<Inner>,
    /// Delivery attempts run one at a time.
    pub attempts: tokio::sync::Mutex<()>,
}

impl Shared {
    pub fn new(options: Options, url: String, probe: Probe) -> Self {
        let attempts = tokio::sync::Mutex::new(());
        Self { options, url, probe, inner: Mutex::new(Inner::default()), attempts }
    }

    pub fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request with everything a handler needs.
pub struct Call {
    pub route: Route,
    pub method: String,
    pub path: String,
    pub workspace: Option<i64>,
    pub headers: HeaderMap,
    pub query: HashMap<String, String>,
    pub body: Bytes,
    /// The caller, once authenticated.
    pub role: Role,
    pub client: Option<Client>,
}

impl Call {
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
struct Dropped;

impl std::fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection was dropped on purpose")
    }
}

impl std::error::Error for Dropped {}

/// Accepts connections until it is dropped; then all connections end.
pub async fn serve(listener: TcpListener, shared: Arc<Shared>) -> Infallible {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&shared), request));
            // A dropped connection is an error here and wanted.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Dropped> {
    let (parts, body) = request.into_parts();
    let route = Route::resolve(&parts.method, parts.uri.path());
    let path = parts.uri.path_and_query().map_or_else(|| parts.uri.path().to_owned(), ToString::to_string);
    let header = parts.headers.get(WORKSPACE_HEADER).and_then(|value| value.to_str().ok());
    let call = Call {
        workspace: header.and_then(|value| value.parse().ok()),
        query: pairs(parts.uri.query().unwrap_or_default()),
        headers: parts.headers,
        body: Limited::new(body, BODY_LIMIT).collect().await.map_err(|_| Dropped)?.to_bytes(),
        role: Role::Unprivileged,
        client: None,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        route,
    };
    let (operation, is_write) = (call.route.operation, call.route.is_write);
    let faults = &shared.options.faults;
    let name = format!("{operation:?}");
    let admission =
        faults.admit(faults::Call { service: "databricks", operation: &name, is_write, resource: &path });
    record(&shared, &call, admission.ordinal, path);
    tokio::time::sleep(admission.latency).await;

    let fault = admission.decision;
    let (effect, result) = match fault {
        Some(Decision { moment: Moment::Before, failure }) if !matches!(failure, Failure::StaleReads(_)) => {
            (None, Err(failure))
        }
        _ => {
            let before = fault.and_then(|decision| match decision.failure {
                Failure::StaleReads(reads) => Some((shared.inner().data.clone(), reads)),
                _ => None,
            });
            let response = respond(run(&shared, call).await, &shared);
            let effect = Some(response.status().as_u16());
            if let (Some((before, reads)), true) = (before, response.status().is_success()) {
                let stale = Stale { family: operation.family(), before, reads, used: HashMap::new() };
                shared.inner().stale.push(stale);
            }
            match fault {
                Some(Decision { failure, .. }) if !matches!(failure, Failure::StaleReads(_)) => (effect, Err(failure)),
                _ => (effect, Ok(response)),
            }
        }
    };
    let result = match result {
        Ok(response) => Ok(response),
        Err(failure) => strike(&shared, failure).await,
    };
    let status = result.as_ref().ok().map(|response| response.status().as_u16());
    faults.finish(admission.ordinal, status, effect);
    let mut inner = shared.inner();
    if let Some(served) = inner.served.iter_mut().rfind(|served| served.ordinal == admission.ordinal) {
        served.status = status;
    }
    result
}

fn record(shared: &Shared, call: &Call, ordinal: u64, path: String) {
    shared.inner().served.push(Served {
        ordinal,
        operation: call.route.operation,
        method: call.method.clone(),
        path,
        workspace: call.workspace,
        is_write: call.route.is_write,
        status: None,
        started: SystemTime::now(),
    });
}

/// Does what a fault demands instead of answering.
async fn strike(shared: &Shared, failure: Failure) -> Result<Response<Full<Bytes>>, Dropped> {
    let faults = &shared.options.faults;
    let status = match failure {
        Failure::Throttle => StatusCode::TOO_MANY_REQUESTS,
        Failure::Status(status) => StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        Failure::Conflict => StatusCode::CONFLICT,
        Failure::Denied => StatusCode::FORBIDDEN,
        Failure::Timeout(time) => {
            tokio::time::sleep(time).await;
            return Err(Dropped);
        }
        Failure::Disconnect | Failure::StaleReads(_) => return Err(Dropped),
        Failure::Kill => {
            faults.die();
            faults.revived().await;
            return Err(Dropped);
        }
    };
    Ok(respond(Err(ApiError::of_status(status, shared.options.retry_after)), shared))
}

fn respond(result: Result<Reply, ApiError>, shared: &Shared) -> Response<Full<Bytes>> {
    let (status, kind, body, retry_after) = match result {
        Ok(Reply::Json(value)) => (StatusCode::OK, "application/json", value.to_string(), None),
        Ok(Reply::Empty(status)) => (status, "", String::new(), None),
        Ok(Reply::Html(page)) => (StatusCode::OK, "text/html; charset=utf-8", page.to_owned(), None),
        Err(error) => (error.status, "application/json", error.body().to_string(), error.retry_after),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert("x-databricks-account", header(&shared.options.databricks_account_id));
    if !kind.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn header(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Decodes a query or a form.
fn pairs(encoded: &str) -> HashMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://host/?{encoded}")).ok();
    let owned = |url: reqwest::Url| {
        url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
    };
    url.map(owned).unwrap_or_default()
}

async fn run(shared: &Shared, mut call: Call) -> Result<Reply, ApiError> {
    if call.route.host == Host::Open {
        return open(shared, &call);
    }
    if call.route.host == Host::Workspace && call.workspace.is_none() {
        return Ok(Reply::Html(SIGN_IN));
    }
    admit(shared, &mut call)?;
    let operation = call.route.operation;
    if !call.route.is_write {
        let stale = shared.inner().stale(operation);
        if let Some(mut before) = stale {
            return handle(&call, &shared.options, &mut before);
        }
    }
    match operation {
        Operation::CreateLogDelivery => return log_delivery::create(&call, shared).await,
        Operation::GetLogDelivery | Operation::ListLogDelivery => log_delivery::attempt_due(shared, false).await,
        _ => {}
    }
    handle(&call, &shared.options, &mut shared.inner().data)
}

fn open(shared: &Shared, call: &Call) -> Result<Reply, ApiError> {
    let (options, url) = (&shared.options, &shared.url);
    let account = call.argument(0);
    match call.route.operation {
        Operation::HostMetadata => Ok(Reply::Json(oauth::host_metadata(url, options))),
        Operation::WorkspaceDiscovery => Ok(Reply::Json(oauth::discovery(&format!("{url}/oidc")))),
        Operation::AccountDiscovery => {
            oauth::check_account(options, account)?;
            Ok(Reply::Json(oauth::discovery(&format!("{url}/oidc/accounts/{account}"))))
        }
        Operation::AccountToken => {
            oauth::check_account(options, account)?;
            oauth::token(call, &mut shared.inner(), options, true)
        }
        Operation::WorkspaceToken => oauth::token(call, &mut shared.inner(), options, false),
        _ => Ok(Reply::Html(SIGN_IN)),
    }
}

/// Authentication, the existence of account and workspace, and permission.
fn admit(shared: &Shared, call: &mut Call) -> Result<(), ApiError> {
    let inner = shared.inner();
    let client = oauth::authenticate(call, &inner, &shared.options)?;
    let (route, options) = (&call.route, &shared.options);
    if route.account_id.as_ref().is_some_and(|account| *account != options.databricks_account_id) {
        return Err(ApiError::denied("The caller does not belong to the requested account."));
    }
    if route.host == Host::Workspace
        && let Some(id) = call.workspace
        && inner.data.workspace(id).is_none()
    {
        return Err(ApiError::not_found(format!("Workspace {id} does not exist.")));
    }
    let refused = inner.denied.contains(&route.operation)
        || match client.role {
            Role::Admin => false,
            Role::Reader => route.is_write,
            Role::Unprivileged => !route.operation.open_to_everyone(),
        };
    if refused {
        return Err(ApiError::denied(match route.host {
            Host::Account => {
                "This API is disabled for users without account admin status. Contact your Databricks \
                 representative for more information."
                    .to_owned()
            }
            _ => format!("User '{}' does not have the required permission on this resource.", client.client_id),
        }));
    }
    call.role = client.role;
    call.client = Some(client);
    Ok(())
}

/// Everything that only reads or writes the state.
fn handle(call: &Call, options: &Options, data: &mut Data) -> Result<Reply, ApiError> {
    use Operation as Op;
    match call.route.operation {
        Op::CreateCredentials => account::create_credentials(call, options, data),
        Op::ListCredentials => account::list_credentials(options, data),
        Op::GetCredentials => account::get_credentials(call, options, data),
        Op::DeleteCredentials => account::delete_credentials(call, options, data),
        Op::CreateStorage => account::create_storage(call, options, data),
        Op::ListStorage => account::list_storage(options, data),
        Op::GetStorage => account::get_storage(call, options, data),
        Op::DeleteStorage => account::delete_storage(call, options, data),
        Op::ListLogDelivery => log_delivery::list(call, options, data),
        Op::GetLogDelivery => log_delivery::get(call, options, data),
        Op::PatchLogDelivery => log_delivery::patch(call, options, data),
        Op::ListWorkspaces => account::list_workspaces(options, data),
        Op::GetWorkspace => account::get_workspace(call, options, data),
        Op::ListAccountMetastores => account::list_metastores(data),
        Op::GetAccountMetastore => account::get_metastore(call, data),
        Op::ListMetastoreWorkspaces => account::metastore_workspaces(call, data),
        Op::GetWorkspaceMetastore => account::workspace_metastore(call, data),
        Op::ListUsers | Op::ListGroups | Op::ListServicePrincipals => scim::list(call, options, data),
        Op::GetUser | Op::GetGroup | Op::GetServicePrincipal => scim::get(call, data),
        Op::ListSystemSchemas => unity_catalog::list_schemas(call, options, data),
        Op::EnableSystemSchema => unity_catalog::enable_schema(call, options, data),
        Op::DisableSystemSchema => unity_catalog::disable_schema(call, data),
        Op::ListTables => unity_catalog::list_tables(call, options, data),
        Op::ListExternalLocations | Op::ListStorageCredentials => unity_catalog::list_storage(call, options, data),
        Op::MetastoreSummary => unity_catalog::summary(call, data),
        Op::CurrentMetastoreAssignment => unity_catalog::assignment(call, data),
        Op::GetPermissions | Op::ListPrivilegeAssignments => grants::get(call, options, data),
        Op::GetEffectivePermissions | Op::ListEffectivePrivilegeAssignments => grants::effective(call, options, data),
        Op::UpdatePermissions => grants::update(call, data),
        Op::GetWorkspaceConf => workspace::get_conf(call, data),
        Op::SetWorkspaceConf => workspace::set_conf(call, data),
        Op::GetMe => workspace::me(call, data),
        _ => Err(ApiError::no_endpoint(&call.method, &call.path)),
    }
}
