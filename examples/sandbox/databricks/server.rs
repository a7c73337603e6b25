//! The HTTP side: one listener, faults and the record of requests.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::super::faults::{self, Failure, Moment};
use super::call::{Call, Dropped, Reply};
use super::dispatch::run;
use super::errors::ApiError;
use super::oauth::Issued;
use super::options::Options;
use super::probe::Probe;
use super::route::{Host, Operation};
use super::state::Data;

/// How long a connection of a killed process is held when nobody revives it.
const HELD: Duration = Duration::from_secs(30);

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
    pub fn stale(&mut self, operation: Operation) -> Option<Data> {
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
    let call = Call::read(request).await?;
    let (operation, is_write) = (call.route.operation, call.route.is_write);
    let faults = shared.options.faults.clone();
    let was_dead = faults.is_dead();
    let name = format!("{operation:?}");
    let admission =
        faults.admit(faults::Call { service: "databricks", operation: &name, is_write, resource: &call.target });
    let ordinal = admission.ordinal;
    record(&shared, &call, ordinal);
    tokio::time::sleep(admission.latency).await;

    let failure = admission.decision.map(|decision| decision.failure);
    let stale_reads = failure.and_then(|failure| match failure {
        Failure::StaleReads(reads) => Some(reads),
        _ => None,
    });
    let strikes = failure.filter(|_| stale_reads.is_none());
    let runs = stale_reads.is_some() || admission.decision.is_none_or(|decision| decision.moment == Moment::After);
    let (effect, response) = if runs {
        // In its own task: a request takes effect even when its client goes away meanwhile.
        let task = tokio::spawn(effect(Arc::clone(&shared), call, ordinal, stale_reads));
        let response = task.await.map_err(|_| Dropped)?;
        (Some(response.status().as_u16()), Some(response))
    } else {
        (None, None)
    };
    let result = match (strikes, response) {
        (None, Some(response)) => Ok(response),
        (Some(failure), _) => strike(&shared, failure, was_dead).await,
        (None, None) => Err(Dropped),
    };
    let status = result.as_ref().ok().map(|response| response.status().as_u16());
    faults.finish(ordinal, status, effect);
    let mut inner = shared.inner();
    if let Some(served) = inner.served.iter_mut().rfind(|served| served.ordinal == ordinal) {
        served.status = status;
    }
    result
}

/// Runs a request and remembers what later reads must not show yet.
async fn effect(shared: Arc<Shared>, call: Call, ordinal: u64, stale_reads: Option<u32>) -> Response<Full<Bytes>> {
    let family = call.route.operation.family();
    let workspace = call.workspace.filter(|_| call.route.host == Host::Workspace);
    let before = stale_reads.map(|reads| (shared.inner().data.clone(), reads));
    let mut response = respond(run(&shared, call).await, &shared);
    if let Some(id) = workspace {
        response.headers_mut().insert("x-databricks-org-id", HeaderValue::from(id));
    }
    if let (Some((before, reads)), true) = (before, response.status().is_success()) {
        shared.inner().stale.push(Stale { family, before, reads, used: HashMap::new() });
    }
    shared.options.faults.finish(ordinal, None, Some(response.status().as_u16()));
    response
}

fn record(shared: &Shared, call: &Call, ordinal: u64) {
    shared.inner().served.push(Served {
        ordinal,
        operation: call.route.operation,
        method: call.method.clone(),
        path: call.target.clone(),
        workspace: call.workspace,
        is_write: call.route.is_write,
        status: None,
        started: SystemTime::now(),
    });
}

/// Does what a fault demands instead of answering.
async fn strike(shared: &Shared, failure: Failure, was_dead: bool) -> Result<Response<Full<Bytes>>, Dropped> {
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
            // A request of a process that is dead already must not kill its successor.
            if !was_dead {
                faults.die();
            }
            let _ = tokio::time::timeout(HELD, faults.revived()).await;
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
