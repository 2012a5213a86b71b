//! Blobs by CID over HTTP.

use troupe_chain::{Cid, Hash};

use crate::server::{Server, counter};

fn put(server: &Server, bytes: &str) -> serde_json::Value {
    let mut wire = server.wire();
    wire.send(format!("POST /dag HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n{bytes}", bytes.len()))
        .unwrap();
    wire.read(true).unwrap().status(201).json()
}

#[test]
fn a_blob_is_put_once_and_had_by_its_cid_and_by_its_hash() {
    let server = Server::start(counter());
    let (first, again) = (put(&server, "some bytes"), put(&server, "some bytes"));
    assert_eq!(first, again);
    let name = Hash::of(b"some bytes");
    assert_eq!((&first["cid"], &first["hash"]), (&Cid(name).to_string().into(), &name.to_string().into()));
    let mut wire = server.wire();
    for path in [format!("/dag/{}", Cid(name)), format!("/dag/{name}")] {
        let answer = wire.get(&path).unwrap().status(200);
        assert_eq!(answer.body, b"some bytes", "{path}");
    }
    wire.get(&format!("/dag/{}", Cid(Hash::of(b"other")))).unwrap().problem(404, "not-found");
    wire.get("/dag/bafy").unwrap().problem(400, "bad-query");
    // What the node keeps for other reasons is not to be had here.
    let component = Hash::of(&server.running.component);
    wire.get(&format!("/dag/{component}")).unwrap().problem(404, "not-found");
}

#[test]
fn blobs_are_listed_page_by_page() {
    let server = Server::start(counter());
    for n in 0..5 {
        put(&server, &format!("blob {n}"));
    }
    let mut wire = server.wire();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = wire.get(&format!("/dag?limit=2{after}")).unwrap().status(200).json();
        seen.extend(
            page["blobs"].as_array().unwrap().iter().map(|blob| blob["hash"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => break,
        }
    }
    assert!(seen.len() == 5 && seen.is_sorted(), "{seen:?}");
}
