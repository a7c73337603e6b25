//! Sinks out of a company's network: certificates of its own authority, as `AWS_CA_BUNDLE` names it, and its proxy.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

use super::Shell;
use crate::receiver::KEY;

/// An authority and a certificate of it for this machine, valid for a hundred years. Its key protects nothing.
const AUTHORITY: &str = include_str!("../testdata/tls/ca.pem");
const CERTIFICATE: &str = include_str!("../testdata/tls/server.pem");
const PRIVATE_KEY: &str = include_str!("../testdata/tls/server.key");

/// Answers every request over TLS, and keeps the first line of each.
fn receiver() -> (u16, Arc<Mutex<Vec<String>>>) {
    let chain = CertificateDer::pem_slice_iter(CERTIFICATE.as_bytes()).collect::<Result<_, _>>().expect("certificate");
    let key = PrivateKeyDer::from_pem_slice(PRIVATE_KEY.as_bytes()).expect("key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
    let config = Arc::new(config.with_no_client_auth().with_single_cert(chain, key).expect("config"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let (port, seen) = (listener.local_addr().expect("address").port(), Arc::new(Mutex::new(Vec::new())));
    let lines = Arc::clone(&seen);
    // It ends with the process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, mut tls) =
                (stream.expect("connection"), ServerConnection::new(Arc::clone(&config)).expect("server"));
            let mut both = Stream::new(&mut tls, &mut stream);
            let mut request = [0; 8192];
            // Who does not trust the certificate hangs up here.
            let Ok(read) = both.read(&mut request) else { continue };
            let text = String::from_utf8_lossy(&request[..read]).into_owned();
            lines.lock().expect("lines").push(text.lines().next().unwrap_or_default().to_owned());
            both.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").expect("answer");
            both.conn.send_close_notify();
            both.flush().expect("answer");
        }
    });
    (port, seen)
}

#[tokio::test]
async fn sinks_are_trusted_by_the_companys_own_authority() {
    let (port, seen) = receiver();
    let sink = format!(
        "\n[[alerts]]\nname = 'siem'\nkind = 'webhook'\nurl = 'https://127.0.0.1:{port}/hook'\nsecret = {{ env = 'HOOK_KEY' }}\n"
    );
    let shell = Shell::bare().set("HOOK_KEY", KEY);
    shell.write("manifests/acme.toml", format!("{}{sink}", super::SMALL));
    shell.write("ca.pem", AUTHORITY);
    let test = ["alert", "test", "siem"];
    shell.ends(&test, 1).await.says("invalid peer certificate");
    assert_eq!(seen.lock().expect("lines")[..], [""; 0]);

    let shell = shell.set("AWS_CA_BUNDLE", "ca.pem");
    shell.ends(&test, 0).await;
    assert_eq!(seen.lock().expect("lines")[..], ["POST /hook HTTP/1.1"]);

    shell.write("ca.pem", "nothing of the kind");
    let wrong = shell.ends(&test, 1).await;
    wrong.says("certificate authorities in `ca.pem` (AWS_CA_BUNDLE) cannot be used: it holds no PEM certificate");
}

#[tokio::test]
async fn sinks_are_reached_through_the_companys_proxy() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("port");
    let proxy = format!("http://{}", listener.local_addr().expect("address"));
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("connection");
        let mut request = [0; 1024];
        let read = stream.read(&mut request).expect("request");
        stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n").expect("answer");
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let sink = "\n[[alerts]]\nname = 'siem'\nkind = 'webhook'\nurl = 'https://siem.example.com/hook'\nsecret = { env = 'HOOK_KEY' }\n";
    let shell = Shell::bare().set("HOOK_KEY", KEY).set("HTTPS_PROXY", &proxy);
    shell.write("manifests/acme.toml", format!("{}{sink}", super::SMALL));
    shell.ends(&["alert", "test", "siem"], 1).await;
    let asked = asked.join().expect("a request");
    assert!(asked.starts_with("CONNECT siem.example.com:443 "), "{asked}");
}
