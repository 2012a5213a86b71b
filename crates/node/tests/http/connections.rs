//! Connections that are slow, broken, many, or about to end.

use std::future::Future;
use std::task::{Context, Waker};
use std::thread;

use troupe::troupe_chain::Sender;
use troupe_testing::{World, guests};

use crate::guests::slow;
use crate::server::{Server, counter};
use crate::wire::Wire;

#[test]
fn a_connection_takes_one_request_after_the_other() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    for seq in 2..50 {
        assert_eq!(wire.post("{\"add\":1}").unwrap().status(200).json()["seq"], seq);
        wire.get("/nothing").unwrap().status(404);
        wire.post("[]").unwrap().status(400);
    }
    let last = wire.ask("GET", "/", "Connection: close\r\n", b"").unwrap().status(200);
    assert_eq!(last.header("connection"), Some("close"));
    assert!(wire.is_closed());
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    let post = "POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n{\"add\":1}";
    let get = "GET /state HTTP/1.1\r\nHost: test\r\n\r\n";
    wire.send([post, get, post, post, get].concat()).unwrap();
    let answers: Vec<_> = (0..5).map(|_| wire.read(true).unwrap().status(200).json()).collect();
    let counts: Vec<_> = answers.iter().map(|answer| &answer["count"]).collect();
    assert_eq!((counts[1], counts[4]), (&1.into(), &3.into()));
    assert_eq!([&answers[0]["seq"], &answers[2]["seq"], &answers[3]["seq"]], [2, 3, 4]);
}

#[test]
fn what_is_not_http_is_refused_and_concerns_nobody_else() {
    let server = Server::start(counter());
    let long_header = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many_headers = format!("GET / HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(500));
    let long_path = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000));
    for request in [
        &b"GARBAGE\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET  / HTTP/1.1\r\n\r\n",
        b"G\0T / HTTP/1.1\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\0b\r\n\r\n",
        b"GET / HTTP/1.1\r\n: empty\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: ten\r\n\r\n{\"add\":1}",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n{\"add\":1}",
        b"POST / HTTP/1.1\r\nContent-Length: 9\r\nContent-Length: 8\r\n\r\n{\"add\":1}",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n{\"add\":1}",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n{\"add\":1}\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{\"add\":1}\r\n0\r\n\r\n",
        long_header.as_bytes(),
        many_headers.as_bytes(),
        long_path.as_bytes(),
    ] {
        let name = String::from_utf8_lossy(&request[..request.len().min(60)]).into_owned();
        let mut wire = server.wire();
        // It may be refused, and the connection closed, before all of it is sent.
        let sent = wire.send(request);
        match wire.read(true) {
            Ok(answer) => assert!((400..500).contains(&answer.status), "{} for {name:?}", answer.status),
            Err(error) => assert!(
                sent.is_err() || matches!(error.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::ConnectionReset),
                "{error} for {name:?}"
            ),
        }
        server.wire().get("/healthz").unwrap().status(200);
    }
    for request in
        ["OPTIONS * HTTP/1.1\r\nHost: test\r\n\r\n", "GET http://test/state HTTP/1.1\r\nHost: test\r\n\r\n"]
    {
        let mut wire = server.wire();
        wire.send(request).unwrap();
        let answer = wire.read(true).unwrap();
        assert!(answer.status < 500, "{} for {request:?}", answer.status);
    }
    assert_eq!(server.seq(), 1, "none of it was a message");
}

#[test]
fn a_client_that_goes_away_before_its_body_is_whole_leaves_no_entry() {
    let server = Server::start(guests::echo(World::Simple));
    for part in ["", "{\"a\":", "{\"a\":1}"] {
        let mut wire = server.wire();
        wire.send(format!("POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 8\r\n\r\n{part}")).unwrap();
        drop(wire);
        let mut wire = server.wire();
        wire.send(format!("POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{part}"))
            .unwrap();
        drop(wire);
    }
    assert_eq!(server.wire().post("{}").unwrap().status(200).json()["seq"], 2);
    assert_eq!(server.seq(), 2);
}

#[test]
fn a_client_that_does_not_wait_for_its_answer_is_recorded_all_the_same() {
    let server = Server::start(slow());
    let mut wire = server.wire();
    wire.request("POST", "/", "", b"{\"gone\":1}").unwrap();
    // The message is with the actor once the next connection's waits behind it.
    while server.running.host.actors.metrics().accepted.load(std::sync::atomic::Ordering::Relaxed) == 0
        && server.running.actor.waiting() == 0
        && server.seq() == 1
    {
        thread::yield_now();
    }
    drop(wire);
    let answer = server.wire().post("{\"here\":1}").unwrap().status(200).json();
    assert_eq!(answer["seq"], 3, "both are recorded");
}

#[test]
fn slow_clients_and_idle_connections_hold_up_nobody() {
    let server = Server::start(counter());
    let idle: Vec<Wire> = (0..100).map(|_| server.wire()).collect();
    let mut slow: Vec<Wire> =
        ["GE", "GET / HTTP/1.1\r\nHost: te", "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n{\"ad"]
            .iter()
            .flat_map(|part| std::iter::repeat_n(part, 20))
            .map(|part| {
                let mut wire = server.wire();
                wire.send(part).unwrap();
                wire
            })
            .collect();
    let mut wire = server.wire();
    for seq in 2..20 {
        assert_eq!(wire.post("{\"add\":1}").unwrap().status(200).json()["seq"], seq);
    }
    // An idle connection can still be used, and a slow client can still finish.
    for mut wire in idle {
        wire.get("/healthz").unwrap().status(200);
    }
    let (head, body) = (20, 40);
    slow[body].send("d\":1}").unwrap();
    assert_eq!(slow[body].read(true).unwrap().status(200).json()["seq"], 20);
    slow[head].send("st\r\n\r\n").unwrap();
    slow[head].read(true).unwrap().status(200);
}

#[test]
fn a_body_that_comes_byte_by_byte_is_one_message() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    for byte in b"POST / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n" {
        wire.send([*byte]).unwrap();
    }
    for byte in b"{\"add\":3}" {
        wire.send([b"1\r\n", &[*byte][..], b"\r\n"].concat()).unwrap();
    }
    wire.send("0\r\n\r\n").unwrap();
    assert_eq!(wire.read(true).unwrap().status(200).json()["state"]["count"], 3);
}

#[test]
fn a_server_that_stops_finishes_what_began() {
    let mut server = Server::start(slow());
    let mut idle = server.wire();
    idle.get("/healthz").unwrap().status(200);
    // The actor is busy with another message, so that this one waits where it can be seen.
    let actor = server.running.actor.clone();
    let mut first = Box::pin(actor.send(Sender::Http { key: None }, b"{\"first\":1}".as_slice().into()));
    assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    while actor.waiting() > 0 {
        thread::yield_now();
    }
    let mut wire = server.wire();
    wire.get("/healthz").unwrap().status(200);
    wire.request("POST", "/", "", b"{\"last\":1}").unwrap();
    while actor.waiting() == 0 && server.seq() < 3 {
        thread::yield_now();
    }
    let addr = server.addr;
    server.begin_to_stop();
    assert_eq!(wire.read(true).unwrap().status(200).json()["hash"].as_str().unwrap().len(), 64);
    assert!(idle.is_closed());
    assert!(wire.is_closed());
    server.wait();
    assert!(Wire::connect(addr).is_err());
    assert_eq!(server.seq(), 3);
}
