//! The AWS endpoint of one estate: a reverse proxy in front of the shared emulator.
//!
//! It names and records every request, keeps CloudTrail's event history, injects the faults of the estate's [`Faults`] schedule, adds
//! `x-forwarded-proto: https` (so that `aws:SecureTransport` is true) and the page size. Host,
//! path and signed headers pass unchanged, so the emulator's signature check still holds.
//!
//! [`AwsProxy::quiet_url`] is the same endpoint without faults, counting and recording: for seeding,
//! for looking at results, and for what others (Databricks) do while the tool runs.

mod errors;
mod memory;
mod names;
#[cfg(test)]
mod tests;
mod trail;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::http::request::Parts;
use hyper::http::{HeaderValue, Request, Response, Uri, header};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use super::faults::{Call, Decision, Failure, Faults, Moment, Recorded};
use memory::{Memory, ReadKey};
use names::Named;
use trail::Trail;

/// How long a connection of a killed process is held when nobody revives it.
const HELD: Duration = Duration::from_secs(30);

/// Settings of one proxy.
#[derive(Clone, Default)]
pub struct Options {
    /// The schedule and record, possibly shared with other simulators of the estate.
    pub faults: Faults,
    /// Upper bound for the pages of IAM and KMS lists.
    pub page_size: Option<u32>,
    /// How often a role made through this proxy is refused as an unknown principal before bucket,
    /// key and trust policies may name it: IAM is eventually consistent.
    pub new_principal_refusals: u32,
}

/// A running proxy; dropping it closes its ports and connections.
pub struct AwsProxy {
    port: u16,
    quiet_port: u16,
    faults: Faults,
    tasks: Vec<JoinHandle<()>>,
}

impl AwsProxy {
    /// Starts a proxy in front of `emulator_url` on two free loopback ports.
    pub async fn start(emulator_url: &str, options: Options) -> Result<Self> {
        let authority = emulator_url.strip_prefix("http://").ok_or_else(|| anyhow!("not http: {emulator_url}"))?;
        let faults = options.faults.clone();
        let shared = Arc::new(Shared {
            authority: authority.trim_end_matches('/').to_owned(),
            client: Client::builder(TokioExecutor::new()).build_http(),
            memory: Memory::default(),
            trail: Trail::default(),
            options,
        });
        let (port, loud) = listen(Arc::clone(&shared), false).await?;
        let (quiet_port, quiet) = listen(shared, true).await?;
        Ok(Self { port, quiet_port, faults, tasks: vec![loud, quiet] })
    }

    /// The endpoint for the tool under test.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The endpoint without faults and records.
    pub fn quiet_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.quiet_port)
    }

    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Every request of the tool so far (shared with other simulators on the same [`Faults`]).
    pub fn recorded(&self) -> Vec<Recorded> {
        self.faults.recorded()
    }
}

impl Drop for AwsProxy {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

struct Shared {
    authority: String,
    client: Client<HttpConnector, Full<Bytes>>,
    memory: Memory,
    trail: Trail,
    options: Options,
}

async fn listen(shared: Arc<Shared>, quiet: bool) -> Result<(u16, JoinHandle<()>)> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let listener = TcpListener::bind(address).await.context("bind the AWS proxy")?;
    let port = listener.local_addr()?.port();
    let task = tokio::spawn(async move {
        // Aborting the accept loop drops the set, which ends its connections.
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => {
                    let Ok((stream, _)) = accepted else { continue };
                    let _ = stream.set_nodelay(true);
                    connections.spawn(connection(stream, Arc::clone(&shared), quiet));
                }
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
            }
        }
    });
    Ok((port, task))
}

async fn connection(stream: tokio::net::TcpStream, shared: Arc<Shared>, quiet: bool) {
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move {
            // An error makes hyper drop the connection without an answer.
            let answer = shared.serve(request, quiet).await.ok_or(Dropped)?;
            Ok::<_, Dropped>(answer.map(Full::new))
        }
    });
    let _ = http1::Builder::new().timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("connection dropped on purpose")]
struct Dropped;

impl Shared {
    async fn serve(&self, request: Request<Incoming>, quiet: bool) -> Option<Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.ok()?.to_bytes();
        if quiet {
            return Some(self.forward(parts, body).await);
        }
        let named = names::name(&parts, &body);
        let faults = &self.options.faults;
        let admission = faults.admit(Call {
            service: &named.service,
            operation: &named.operation,
            is_write: named.is_write,
            resource: &named.resource,
        });
        if !admission.latency.is_zero() {
            tokio::time::sleep(admission.latency).await;
        }
        let (answer, effect) = self.decided(admission.decision, parts, body, &named).await;
        // A request in flight when the process died: nobody is there to see its answer.
        let answer = if faults.is_dead() { self.held().await } else { answer };
        faults.finish(admission.ordinal, answer.as_ref().map(|a| a.status().as_u16()), effect);
        answer
    }

    /// Serves one request as decided. Returns the answer and the status of its effect.
    async fn decided(
        &self,
        decision: Option<Decision>,
        parts: Parts,
        body: Bytes,
        named: &Named,
    ) -> (Option<Response<Bytes>>, Option<u16>) {
        let Some(Decision { moment, failure }) = decision else {
            let answer = self.remembered(parts, body, named).await;
            let effect = answer.status().as_u16();
            return (Some(answer), Some(effect));
        };
        let mut served = None;
        let mut effect = None;
        if moment == Moment::After || matches!(failure, Failure::StaleReads(_)) {
            let answer = self.remembered(parts, body, named).await;
            effect = Some(answer.status().as_u16());
            served = Some(answer);
        }
        let answer = match failure {
            Failure::Timeout(length) => {
                tokio::time::sleep(length).await;
                None
            }
            Failure::Disconnect => None,
            Failure::Kill => {
                self.options.faults.die();
                None
            }
            Failure::StaleReads(reads) => {
                self.memory.freeze(named, reads);
                served
            }
            Failure::Throttle | Failure::Status(_) | Failure::Conflict | Failure::Denied => {
                errors::answer(&named.service, failure)
            }
        };
        (answer, effect)
    }

    /// Keeps a connection of a dead process open, then drops it.
    async fn held(&self) -> Option<Response<Bytes>> {
        let _ = tokio::time::timeout(HELD, self.options.faults.revived()).await;
        None
    }

    /// Forwards a request, minding reads that are to answer as before a write.
    async fn remembered(&self, parts: Parts, body: Bytes, named: &Named) -> Response<Bytes> {
        if named.is_write {
            return self.forward(parts, body).await;
        }
        let key = ReadKey::new(named, &parts.uri.to_string(), &body);
        if let Some(stale) = self.memory.stale(&key) {
            return stale;
        }
        let answer = self.forward(parts, body).await;
        self.memory.remember(key, named, &answer);
        answer
    }

    async fn forward(&self, parts: Parts, body: Bytes) -> Response<Bytes> {
        let named = names::name(&parts, &body);
        if named.operation == "LookupEvents" {
            return self.trail.lookup(&body);
        }
        match self.forwarded(parts.clone(), body).await {
            Ok(answer) => {
                self.trail.note(&named, &parts, &answer);
                answer
            }
            Err(error) => {
                let mut answer = Response::new(Bytes::from(format!("the AWS emulator failed: {error:#}")));
                *answer.status_mut() = hyper::http::StatusCode::BAD_GATEWAY;
                answer
            }
        }
    }

    async fn forwarded(&self, mut parts: Parts, body: Bytes) -> Result<Response<Bytes>> {
        let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
        parts.uri = Uri::builder().scheme("http").authority(self.authority.as_str()).path_and_query(target).build()?;
        for name in [header::CONNECTION, header::EXPECT, header::TRANSFER_ENCODING] {
            parts.headers.remove(name);
        }
        parts.headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        if let Some(size) = self.options.page_size {
            parts.headers.insert("x-sandbox-page-size", HeaderValue::from(size));
        }
        if self.options.new_principal_refusals > 0 {
            let refusals = HeaderValue::from(self.options.new_principal_refusals);
            parts.headers.insert("x-sandbox-new-principal-refusals", refusals);
        }
        let answer = self.client.request(Request::from_parts(parts, Full::new(body))).await?;
        let (mut head, body) = answer.into_parts();
        head.headers.remove(header::CONNECTION);
        head.headers.remove(header::TRANSFER_ENCODING);
        Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
    }
}
