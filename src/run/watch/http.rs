//! `/healthz`, `/readyz` and `/metrics` over plain HTTP, for probes and for Prometheus. It serves nothing else, takes no
//! body, and keeps no connection: a slow client, or many of them, take only from each other.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::{Health, Watch};

/// Connections at one time; further ones wait in the queue of the system.
const CONNECTIONS: usize = 32;
/// The longest that one connection may take from its first byte to its last.
const LONGEST: Duration = Duration::from_secs(10);
/// The longest that a client may take to say what it wants.
const HEADERS: Duration = Duration::from_secs(5);
/// Pause after a connection that could not be taken: the process has no file descriptors left.
const BREATH: Duration = Duration::from_millis(200);

/// What an exposition that Prometheus and OpenMetrics readers take is called.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; charset=utf-8";

#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {error}")]
pub struct ListenError {
    address: SocketAddr,
    error: std::io::Error,
}

/// A running server. Dropping it ends it.
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Server {
    /// Takes the address and serves what `watch` says.
    ///
    /// # Errors
    /// When the address is taken or not allowed.
    pub async fn start(address: SocketAddr, watch: Arc<Watch>) -> Result<Self, ListenError> {
        let failed = |error| ListenError { address, error };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { address, task: tokio::spawn(accept(listener, watch)) })
    }

    /// The address that was taken: the port is chosen by the system when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, watch: Arc<Watch>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    // Never closed, so that there is always a place in the end.
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let watch = Arc::clone(&watch);
                tokio::spawn(async move {
                    serve(stream, watch).await;
                    drop(place);
                });
            }
            Err(_) => tokio::time::sleep(BREATH).await,
        }
    }
}

async fn serve(stream: TcpStream, watch: Arc<Watch>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let answer = answer(request.method(), request.uri().path(), &watch);
        async move { Ok::<_, Infallible>(answer) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // What goes wrong is the client's: it went away, or was too slow.
    let _ = tokio::time::timeout(LONGEST, connection).await;
}

fn answer(method: &Method, path: &str, watch: &Watch) -> Response<Full<Bytes>> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = text(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET\n".to_owned());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match path {
        "/healthz" => health(&watch.alive()),
        "/readyz" => health(&watch.ready()),
        "/metrics" => match watch.metrics() {
            Some(metrics) => text(StatusCode::OK, OPEN_METRICS, metrics),
            None => text(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "the metrics cannot be written\n".to_owned()),
        },
        _ => text(StatusCode::NOT_FOUND, TEXT, "there are /healthz, /readyz and /metrics\n".to_owned()),
    }
}

fn health(health: &Health) -> Response<Full<Bytes>> {
    let status = if health.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    text(status, TEXT, format!("{}\n", health.because))
}

fn text(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn three_pages_and_nothing_else() {
        let watch = Watch::new(Duration::from_secs(60));
        let server = Server::start("127.0.0.1:0".parse().unwrap(), Arc::clone(&watch)).await.unwrap();
        let get = async |path: &str| ask(server.address(), &format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
        assert!(get("/healthz").await.starts_with("HTTP/1.1 200 "));
        assert!(get("/readyz").await.starts_with("HTTP/1.1 503 "));
        watch.failed(Duration::from_secs(1));
        let metrics = get("/metrics").await;
        assert!(metrics.contains("auditseal_checks_total{result=\"failed\"} 1\n"), "{metrics}");
        assert!(metrics.ends_with("# EOF\n"), "{metrics}");
        assert!(get("/").await.starts_with("HTTP/1.1 404 "));
        let posted = ask(server.address(), "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await;
        assert!(posted.starts_with("HTTP/1.1 405 "), "{posted}");
    }

    #[tokio::test]
    async fn silent_clients_keep_nobody_out() {
        let watch = Watch::new(Duration::from_secs(60));
        let server = Server::start("127.0.0.1:0".parse().unwrap(), watch).await.unwrap();
        let mut silent = Vec::new();
        for _ in 0..CONNECTIONS - 1 {
            silent.push(TcpStream::connect(server.address()).await.unwrap());
        }
        let answer = ask(server.address(), "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        let taken = Server::start(server.address(), Watch::new(Duration::from_secs(60))).await;
        assert!(taken.is_err_and(|error| error.to_string().contains("cannot listen on 127.0.0.1")));
    }
}
