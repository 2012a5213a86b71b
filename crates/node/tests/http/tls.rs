//! HTTPS: a certificate made here, a client that trusts nothing else.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::extract::Extension;
use axum::routing::get;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tokio::sync::oneshot;
use troupe::http::{Peer, TlsAcceptor};

struct Server {
    addr: SocketAddr,
    trusted: CertificateDer<'static>,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

fn start() -> Server {
    let folder = tempfile::tempdir().expect("a folder");
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a pair");
    std::fs::write(&cert, pair.cert.pem()).expect("written");
    std::fs::write(&key, pair.signing_key.serialize_pem()).expect("written");
    let tls = TlsAcceptor::load(&cert, &key).expect("a pair that fits");
    let router = axum::Router::new()
        .route("/peer", get(|Extension(Peer(peer)): Extension<Peer>| async move { peer.to_string() }));
    let runtime = troupe::http::runtime().expect("a runtime");
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
    let addr = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::spawn(move || {
        let shutdown = async { drop(stopped.await) };
        runtime
            .block_on(troupe::http::serve_router(listener, router, Some(tls), shutdown))
            .expect("the server ends well");
    });
    Server { addr, trusted: pair.cert.der().clone(), stop, thread }
}

impl Server {
    fn connect(&self, protocols: &[&str]) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.trusted.clone()).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from("localhost").expect("a name");
        let client = ClientConnection::new(Arc::new(config), name).expect("a client");
        StreamOwned::new(client, self.tcp())
    }

    fn tcp(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addr).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        stream
    }

    /// Stops it, and says how long that took.
    fn stop(self) -> Duration {
        let begun = Instant::now();
        self.stop.send(()).expect("it runs");
        self.thread.join().expect("it ends well");
        begun.elapsed()
    }
}

/// Everything up to the end, which the server says.
fn ask(stream: &mut (impl Read + Write)) -> String {
    stream.write_all(b"GET /peer HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn an_answer_comes_encrypted_and_knows_who_asked() {
    let server = start();
    let mut stream = server.connect(&["h2", "http/1.1"]);
    let me = stream.sock.local_addr().unwrap();
    let answer = ask(&mut stream);
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with(&format!("\r\n\r\n{me}")),
        "{answer}"
    );
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]));
}

#[test]
fn clients_that_do_not_shake_hands_keep_nobody_waiting() {
    let server = start();
    let silent: Vec<_> = (0..20).map(|_| server.tcp()).collect();
    let mut plain = server.tcp();
    plain.write_all(b"GET /peer HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    // It may come to its end or be reset; there is no answer either way.
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert!(ask(&mut server.connect(&[])).contains("200 OK"));
    // Nor does the end wait for them.
    assert!(server.stop() < Duration::from_secs(5));
    drop(silent);
}

#[test]
fn a_plain_server_knows_who_asked_too() {
    let router = axum::Router::new()
        .route("/peer", get(|Extension(Peer(peer)): Extension<Peer>| async move { peer.to_string() }));
    let runtime = troupe::http::runtime().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let addr = listener.local_addr().unwrap();
    runtime.spawn(troupe::http::serve_router(listener, router, None, std::future::pending()));
    let mut stream = TcpStream::connect(addr).unwrap();
    let me = stream.local_addr().unwrap().to_string();
    assert!(ask(&mut stream).ends_with(&me));
}
