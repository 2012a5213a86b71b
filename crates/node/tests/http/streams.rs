//! Entries as they are committed, over server-sent events and WebSockets, and messages over the latter.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use troupe::http::ServerLimits;
use troupe_chain::Hash;
use troupe_testing::{World, guests};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Message, WebSocket};

use crate::guests::slow;
use crate::server::{Server, counter, setup};
use crate::wire::Wire;

/// Reads events until there are so many.
struct Events {
    wire: Wire,
    text: String,
}

impl Events {
    fn open(server: &Server, path: &str, headers: &str) -> Self {
        let mut wire = server.wire();
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n")).unwrap();
        let head = wire.read(false).unwrap().status(200);
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        assert_eq!(wire.chunk().unwrap().as_deref(), Some(": entries follow\n\n"));
        Self { wire, text: String::new() }
    }

    /// The next event: its id, its name and its data; `None` at the end.
    fn next(&mut self) -> Option<(Option<u64>, String, String)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let found = field("event: ").map(|kind| {
                    let id = field("id: ").map(|id| id.parse().unwrap());
                    (id, kind, field("data: ").unwrap())
                });
                self.text = rest.to_owned();
                match found {
                    Some(found) => return Some(found),
                    None => continue,
                }
            }
            let chunk = self.wire.chunk().unwrap()?;
            self.text.push_str(&chunk);
        }
    }
}

#[test]
fn entries_come_as_events_from_a_position_on_and_as_they_are_committed() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    wire.post("{\"add\":1}").unwrap().status(200);
    let mut events = Events::open(&server, "/events?from=0", "");
    for (seq, kind) in [(0, "genesis"), (1, "init"), (2, "message")] {
        let (id, found, data) = events.next().unwrap();
        assert_eq!((id, &*found), (Some(seq), kind));
        assert_eq!(data, wire.get(&format!("/chain/{seq}")).unwrap().text());
    }
    for seq in 3..100 {
        wire.post("{\"add\":1}").unwrap().status(200);
        assert_eq!(events.next().unwrap().0, Some(seq));
    }
}

#[test]
fn a_reader_that_comes_back_goes_on_where_it_was() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    for _ in 0..5 {
        wire.post("{\"add\":1}").unwrap().status(200);
    }
    let mut events = Events::open(&server, "/events?from=0", "Last-Event-ID: 4\r\n");
    assert_eq!(events.next().unwrap().0, Some(5));
    let mut events = Events::open(&server, "/events", "");
    wire.post("{\"add\":1}").unwrap().status(200);
    assert_eq!(events.next().unwrap().0, Some(7), "from now on");
    for (query, header) in [("?from=x", ""), ("?to=1", ""), ("", "Last-Event-ID: x\r\n")] {
        wire.ask("GET", &format!("/events{query}"), header, b"").unwrap().problem(400, "bad-query");
    }
}

#[test]
fn a_stream_ends_with_its_chain() {
    let server = Server::start(counter());
    let mut wire = server.wire();
    let mut events = Events::open(&server, "/events", "");
    wire.ask("POST", "/stop", "", b"").unwrap().status(200);
    assert_eq!(events.next().unwrap().1, "stop");
    assert!(events.next().is_none());
    assert_eq!(wire.ask("HEAD", "/events", "", b"").unwrap().status, 204);
}

#[test]
fn a_server_that_stops_ends_its_streams_and_says_so() {
    let mut server = Server::start(counter());
    let mut events = Events::open(&server, "/events", "");
    let mut socket = connect(&server, "/socket");
    server.begin_to_stop();
    let (id, kind, data) = events.next().unwrap();
    assert_eq!((id, &*kind), (None, "dropped"));
    assert!(data.contains("stopping"), "{data}");
    assert!(events.next().is_none());
    assert_eq!(closed(&mut socket).0, CloseCode::Away);
    server.wait();
}

#[test]
fn readers_that_take_nothing_are_dropped_and_hold_up_nobody() {
    let limits = ServerLimits { write_timeout: Duration::from_millis(100), ..ServerLimits::default() };
    let mut setup = setup(guests::echo(World::Simple));
    setup.limits = vec![("message".into(), 1 << 20)];
    let server = Server::within(limits, setup.open().unwrap(), |site| site);
    let mut wire = server.wire();
    let streams = |wire: &mut Wire| {
        let text = wire.get("/metrics").unwrap().text();
        let line = text.lines().find_map(|line| line.strip_prefix("troupe_streams ")).unwrap();
        line.parse::<u64>().unwrap()
    };
    // What they are sent is larger than what the kernel keeps for them.
    let _events = Events::open(&server, "/events", "");
    let mut socket = connect(&server, "/socket");
    assert_eq!(streams(&mut wire), 2);
    let body = format!("{{\"a\":\"{}\"}}", "x".repeat(900_000));
    for id in 0..60 {
        socket.send(Message::text(format!("{{\"id\":{id},\"message\":{body}}}"))).unwrap();
    }
    while streams(&mut wire) > 1 {
        std::thread::yield_now();
    }
    wire.post("{}").unwrap().status(200);
}

pub(crate) type Socket = WebSocket<TcpStream>;

pub(crate) fn connect(server: &Server, path: &str) -> Socket {
    let stream = TcpStream::connect(server.addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let url = format!("ws://{}{path}", server.addr);
    tungstenite::client(url, stream).map(|(socket, _)| socket).unwrap_or_else(|error| panic!("{error}"))
}

pub(crate) fn ask(socket: &mut Socket, value: &Value) {
    socket.send(Message::text(value.to_string())).unwrap();
}

pub(crate) fn hear(socket: &mut Socket) -> Value {
    loop {
        match socket.read().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

fn closed(socket: &mut Socket) -> (CloseCode, String) {
    loop {
        if let Message::Close(Some(frame)) = socket.read().unwrap() {
            return (frame.code, frame.reason.to_string());
        }
    }
}

#[test]
fn messages_over_a_socket_are_answered_with_their_ids() {
    let server = Server::start(counter());
    let mut socket = connect(&server, "/socket");
    for id in [json!(1), json!("two"), json!({ "three": [3] }), json!(null)] {
        ask(&mut socket, &json!({ "id": id, "message": { "add": 1 } }));
        let answer = hear(&mut socket);
        assert_eq!(answer["id"], id);
        assert_eq!(answer.as_object().unwrap().len(), 5);
    }
    assert_eq!(server.seq(), 5);
    let once = json!({ "id": 5, "message": { "add": 7 }, "key": "once" });
    ask(&mut socket, &once);
    let first = hear(&mut socket);
    ask(&mut socket, &once);
    assert_eq!((hear(&mut socket), &first["state"]["count"]), (first.clone(), &11.into()));
    assert_eq!(server.seq(), 6);
}

#[test]
fn what_goes_wrong_over_a_socket_is_told_with_its_id_and_the_socket_goes_on() {
    let server = Server::start(counter());
    let mut socket = connect(&server, "/socket");
    for (frame, id, code) in [
        ("", json!(null), "bad-body"),
        ("[]", json!(null), "bad-body"),
        ("{\"id\":1}", json!(null), "bad-body"),
        ("{\"id\":1,\"message\":{},\"kee\":\"x\"}", json!(null), "bad-body"),
        ("{\"id\":1,\"message\":[]}", json!(1), "not-a-json-object"),
        ("{\"id\":1,\"message\":{},\"key\":\"\"}", json!(1), "bad-body"),
        ("{\"id\":1,\"message\":{\"subtract\":1}}", json!(1), "rejected"),
    ] {
        socket.send(Message::text(frame)).unwrap();
        let answer = hear(&mut socket);
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&id, &code.into()), "{frame}");
    }
    ask(&mut socket, &json!({ "id": 2, "message": { "add": 1 } }));
    assert_eq!(hear(&mut socket)["seq"], 2);
    socket.send(Message::binary(vec![1])).unwrap();
    assert_eq!(closed(&mut socket).0, CloseCode::Unsupported);
    let mut socket = connect(&server, "/socket");
    let large = format!("{{\"id\":1,\"message\":{{\"a\":\"{}\"}}}}", "x".repeat(2 << 20));
    // What was not read may reset the connection before the reason is seen.
    let _ = socket.send(Message::text(large));
    loop {
        match socket.read() {
            Ok(Message::Close(Some(frame))) => assert_eq!(frame.code, CloseCode::Size),
            Ok(Message::Ping(_)) => {}
            Ok(other) => panic!("{other:?}"),
            Err(_) => break,
        }
    }
    server.wire().get("/socket").unwrap().problem(426, "not-a-websocket");
    server.wire().get("/socket?from=1").unwrap().problem(400, "bad-query");
}

#[test]
fn a_socket_tells_entries_as_they_are_committed() {
    let server = Server::start(counter());
    let mut socket = connect(&server, "/socket?entries=true&from=1");
    server.wire().post("{\"add\":1}").unwrap().status(200);
    let mut wire = server.wire();
    for seq in 1..=2 {
        let told = hear(&mut socket);
        let entry = wire.get(&format!("/chain/{seq}")).unwrap();
        assert_eq!(told, json!({ "entry": entry.json(), "hash": Hash::of(&entry.body).to_string() }));
    }
}

#[test]
fn a_socket_has_so_many_messages_waiting_and_no_more() {
    let server = Server::start(slow());
    let mut socket = connect(&server, "/socket");
    for id in 0..66 {
        ask(&mut socket, &json!({ "id": id, "message": {} }));
    }
    let busy = loop {
        let answer = hear(&mut socket);
        if answer["error"].is_object() {
            break answer;
        }
    };
    assert_eq!((&busy["error"]["code"], &busy["error"]["status"]), (&"busy".into(), &503.into()));
}
