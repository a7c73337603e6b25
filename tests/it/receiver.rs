//! A receiver of webhooks that takes everything, fails as it is told, and checks signatures by its own implementation.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The key of the specification's examples.
pub const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What the receiver does with one request.
#[derive(Clone, Debug)]
pub enum Act {
    Say(u16, Vec<(&'static str, String)>, &'static str),
    /// Answers long after anybody waits.
    Hang,
}

pub fn say(status: u16) -> Act {
    Act::Say(status, Vec::new(), "")
}

#[derive(Clone, Debug)]
pub struct Seen {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(each, _)| each == name).map_or("", |(_, value)| value)
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }
}

/// Takes everything, but for what the script says first.
#[derive(Clone, Default)]
pub struct Receiver {
    /// By path.
    script: Arc<Mutex<VecDeque<(String, Act)>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    pub url: String,
}

impl Receiver {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let receiver = Self { url, ..Self::default() };
        let app = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        receiver
    }

    pub fn then(&self, path: &str, acts: &[Act]) {
        let mut script = self.script.lock().expect("script");
        script.extend(acts.iter().map(|act| (path.to_owned(), act.clone())));
    }

    /// What arrived at a path, in order.
    pub fn at(&self, path: &str) -> Vec<Seen> {
        self.seen.lock().expect("seen").iter().filter(|seen| seen.path == path).cloned().collect()
    }
}

async fn take(State(receiver): State<Receiver>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap_or("").to_owned())).collect();
    let body = to_bytes(body, 1 << 20).await.expect("body");
    let path = head.uri.path().to_owned();
    let seen = Seen { path: path.clone(), headers, body: String::from_utf8(body.to_vec()).expect("text") };
    receiver.seen.lock().expect("seen").push(seen);
    let act = {
        let mut script = receiver.script.lock().expect("script");
        let next = script.iter().position(|(of, _)| *of == path);
        next.and_then(|next| script.remove(next)).map_or(say(200), |(_, act)| act)
    };
    match act {
        Act::Say(status, headers, body) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body)).expect("response")
        }
        Act::Hang => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Response::new(Body::empty())
        }
    }
}

/// HMAC-SHA256 as RFC 2104 writes it, independent of the program's.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let padded = |pad: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ pad).collect() };
    let inner = Sha256::digest([padded(0x36), message.to_vec()].concat());
    Sha256::digest([padded(0x5c), inner.to_vec()].concat()).to_vec()
}

/// Base64 (RFC 4648, section 4), both ways.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let word = group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize] as char;
            text.push(if place <= group.len() { letter } else { '=' });
        }
    }
    text
}

fn from_base64(text: &str) -> Vec<u8> {
    let bits: Vec<u8> = text
        .bytes()
        .filter(|letter| *letter != b'=')
        .flat_map(|letter| {
            let value = LETTERS.iter().position(|known| *known == letter).expect("Base64") as u8;
            (0..6).rev().map(move |bit| value >> bit & 1)
        })
        .collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

/// Checks a request as a receiver does, by the text of the specification.
pub fn assert_signed(seen: &Seen) {
    let (id, time) = (seen.header("webhook-id"), seen.header("webhook-timestamp"));
    let now = jiff::Timestamp::now().as_second();
    assert!((now - time.parse::<i64>().expect("seconds")).abs() < 300, "receivers refuse old messages");
    let key = from_base64(KEY.strip_prefix("whsec_").expect("prefix"));
    let expected = base64(&hmac(&key, format!("{id}.{time}.{}", seen.body).as_bytes()));
    assert_eq!(seen.header("webhook-signature"), format!("v1,{expected}"));
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("user-agent"), concat!("auditseal/", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_receiver_checks_signatures_rightly() {
    // The worked example that the libraries of the specification share.
    let key = from_base64("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    let content = b"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{\"test\": 2432232314}";
    assert_eq!(base64(&hmac(&key, content)), "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}
