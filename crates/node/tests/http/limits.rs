//! What clients may take of a server: time, connections and bytes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use troupe::http::ServerLimits;
use troupe_testing::{World, guests};

use crate::server::{Server, counter, setup};

fn within(limits: ServerLimits) -> Server {
    Server::within(limits, setup(counter()).open().unwrap(), |site| site)
}

fn short() -> Duration {
    Duration::from_millis(50)
}

#[test]
fn a_head_that_does_not_come_ends_the_connection() {
    let server = within(ServerLimits { head_timeout: short(), ..ServerLimits::default() });
    for part in ["G", "GET / HTTP/1.1\r\nHost: te", "POST / HTTP/1.1\r\nX: y\r\n"] {
        let mut wire = server.wire();
        wire.send(part).unwrap();
        assert!(wire.is_closed(), "{part:?}");
    }
    server.wire().get("/healthz").unwrap().status(200);
}

#[test]
fn a_body_that_does_not_come_is_408_and_leaves_no_entry() {
    let server = within(ServerLimits { body_timeout: short(), ..ServerLimits::default() });
    for path in ["/", "/actors", "/components", "/stop"] {
        for part in ["", "{\"add\":"] {
            let mut wire = server.wire();
            wire.send(format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n{part}"))
                .unwrap();
            let answer = wire.read(true).unwrap();
            assert_eq!(answer.header("connection"), Some("close"));
            answer.problem(408, "slow-body");
            assert!(wire.is_closed());
        }
    }
    assert_eq!(server.seq(), 1);
    server.wire().post("{\"add\":1}").unwrap().status(200);
}

#[test]
fn more_connections_than_there_may_be_wait_until_one_ends() {
    let server = within(ServerLimits { connections: 2, ..ServerLimits::default() });
    let (mut first, mut second) = (server.wire(), server.wire());
    first.get("/healthz").unwrap().status(200);
    second.get("/healthz").unwrap().status(200);
    let mut third = server.wire();
    third.request("GET", "/healthz", "", b"").unwrap();
    for _ in 0..20 {
        first.get("/healthz").unwrap().status(200);
    }
    drop(first);
    third.read(true).unwrap().status(200);
}

#[test]
fn a_client_that_takes_nothing_of_its_answer_is_dropped() {
    let limits = ServerLimits { write_timeout: short(), ..ServerLimits::default() };
    let mut setup = setup(guests::huge_state(World::Simple, 8 << 20));
    setup.limits = vec![("state".into(), 16 << 20)];
    let server = Server::within(limits, setup.open().unwrap(), |site| site);
    server.wire().ask("POST", "/", "Prefer: return=minimal\r\n", b"{}").unwrap().status(200);
    let mut stream = TcpStream::connect(server.addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    for _ in 0..4 {
        stream.write_all(b"GET /state HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    }
    // Nobody reads until the server has given the connection up, and it is another's.
    let drained = ServerLimits::default().drain_timeout;
    let mut server = server;
    server.begin_to_stop();
    server.wait();
    let mut read = 0;
    let mut buffer = vec![0; 1 << 20];
    while let Ok(more @ 1..) = stream.read(&mut buffer) {
        read += more;
    }
    assert!(read < 4 * (8 << 20), "all of it came, in spite of {drained:?}");
}

#[test]
fn half_closed_and_broken_connections_concern_nobody_else() {
    let server = within(ServerLimits::default());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for part in ["", "GET /", "POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\n{", "\r\n\r\n\r\n"] {
                    let mut stream = TcpStream::connect(server.addr).unwrap();
                    stream.write_all(part.as_bytes()).unwrap();
                    stream.shutdown(std::net::Shutdown::Write).unwrap();
                    let _ = stream.read_to_end(&mut Vec::new());
                }
            });
        }
        for _ in 0..50 {
            server.wire().post("{\"add\":1}").unwrap().status(200);
        }
    });
    assert_eq!(server.seq(), 51);
}

#[test]
fn a_component_above_the_limit_is_413_before_it_has_come() {
    let server = within(ServerLimits::default());
    let mut wire = server.wire();
    let length = (64 << 20) + 1;
    wire.send(format!("POST /components HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n"))
        .unwrap();
    wire.read(true).unwrap().problem(413, "too-large");
    let mut wire = server.wire();
    wire.send("POST /actors HTTP/1.1\r\nHost: test\r\nContent-Length: 100000000\r\n\r\n").unwrap();
    wire.read(true).unwrap().problem(413, "too-large");
}
