//! Who is let in, and mistakes about nodes and actors.

use std::fs;

use troupe_testing::{World, guests};

use crate::node::{Node, counter, troupe};

#[test]
fn an_address_that_others_can_reach_needs_tokens_or_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = counter();
    for args in [&["serve"][..], &["run", path.to_str().unwrap()]] {
        let args = [args, &["--addr", "0.0.0.0:0", "--store", "s"]].concat();
        let ran = troupe(folder.path(), &args).code(2);
        ran.complains("other machines").complains("troupe token create").complains("--public-read");
    }
    assert!(!folder.path().join("s").exists());
    let node = Node::serve(folder.path(), &["--addr", "0.0.0.0:0", "--public-read", "--store", "memory"]);
    assert!(node.errors().contains("without TLS"), "{}", node.errors());
    troupe(folder.path(), &["serve", "--tls-cert", "cert.pem"]).code(2).complains("--tls-key");
    troupe(folder.path(), &["serve", "--tokens", "no.json"]).code(2).complains("troupe token create");
}

#[test]
fn a_node_behind_a_proxy_asks_everybody_for_a_token() {
    let folder = tempfile::tempdir().unwrap();
    let made = ["token", "create", "--name", "me", "--scope", "manage", "--json"];
    let token = troupe(folder.path(), &made).code(0).json()["token"].as_str().unwrap().to_owned();
    let more = ["--tokens", "tokens.json", "--behind-proxy", "--store", "memory"];
    let node = Node::serve(folder.path(), &more);
    node.troupe(&["ps"]).code(2).complains("--token-file").complains("TROUPE_TOKEN");
    node.troupe(&["send", "x", "{}"]).code(2).complains("--token-file");
    fs::write(folder.path().join("token"), format!("{token}\n")).unwrap();
    node.troupe(&["ps", "--token-file", "token"]).code(0);
    let path = counter();
    let start = ["start", path.to_str().unwrap(), "--name", "c", "--token-file", "token"];
    node.troupe(&start).code(0);
    for args in [&["send", "c", "{\"add\":1}"][..], &["state", "c"], &["log", "c"], &["verify", "c"]] {
        node.troupe(&[args, &["--token-file", "token"]].concat()).code(0);
    }
    fs::write(folder.path().join("token"), "two words").unwrap();
    node.troupe(&["ps", "--token-file", "token"]).code(2).complains("one word");
    node.troupe(&["ps", "--token-file", "no"]).code(2).complains("cannot read no");
}

#[test]
fn a_node_with_a_certificate_is_used_over_https() {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.path().join("cert.pem"), certified.cert.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), certified.signing_key.serialize_pem()).unwrap();
    let more = ["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--store", "memory"];
    let node = Node::serve(folder.path(), &more);
    assert!(node.url.starts_with("https://"), "{}", node.url);
    node.troupe(&["ps"]).code(2).complains("--ca");
    let path = counter();
    let start = ["start", path.to_str().unwrap(), "--name", "c", "--ca", "cert.pem"];
    node.troupe(&start).code(0);
    node.troupe(&["send", "c", "{\"add\":1}", "--ca", "cert.pem"]).code(0);
    node.troupe(&["verify", "c", "--ca", "cert.pem"]).code(0).says("1 message");
    node.troupe(&["ps", "--ca", "key.pem"]).code(2).complains("no certificate");
}

#[test]
fn an_actor_that_is_not_there_is_said_with_the_one_that_is_near() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::serve(folder.path(), &["--store", "memory"]);
    let path = counter();
    node.troupe(&["start", path.to_str().unwrap(), "--name", "counter"]).code(0);
    for args in [
        &["send", "countr", "{}"][..],
        &["inspect", "countr"],
        &["state", "countr"],
        &["log", "countr"],
        &["verify", "countr"],
        &["stop", "countr"],
        &["logs", "countr"],
        &["watch", "countr"],
        &["fork", "countr", "--at", "1"],
        &["upgrade", "countr", "--limit", "fuel=1"],
    ] {
        let ran = node.troupe(args).code(2);
        ran.complains("no actor `countr`").complains("did you mean `counter`?").complains("troupe ps");
    }
    node.troupe(&["send", &node.url, "{}"]).code(2).complains("/actors/NAME");
    node.troupe(&["state", &node.url]).code(2).complains("--actor NAME");
}

#[test]
fn what_cannot_begin_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::serve(folder.path(), &["--store", "memory"]);
    fs::write(folder.path().join("x.wasm"), "hello").unwrap();
    fs::write(folder.path().join("f.wasm"), guests::first_state_breaks_contract(World::Actor)).unwrap();
    fs::write(folder.path().join("bad.toml"), "component = \"x.wasm\"\n[limts]\n").unwrap();
    for (args, said) in [
        (&["start", "x.wasm"][..], "troupe check x.wasm"),
        (&["start", "no.wasm"], "cannot read no.wasm"),
        (&["start", "f.wasm"], "troupe check"),
        (&["start", "bad.toml"], "did you mean `limits`?"),
        (&["start", "f.wasm", "--name", "Big"], "a name has only"),
        (&["start", "f.wasm", "--grant", "a.org"], "http:HOST"),
        (&["start", "f.wasm", "--grant", "http:10.0.0.1"], "private:10.0.0.1:PORT"),
        (&["start", "f.wasm", "--limit", "speed=1"], "speed"),
        (&["start", "f.wasm", "--config", "{a"], "not JSON"),
        (&["start", "f.wasm", "--on-failure", "again"], "escalate"),
        (&["start", &"0".repeat(64)], "no component"),
    ] {
        node.troupe(args).code(2).complains(said);
    }
    node.troupe(&["ps"]).code(0).complains("no actors");
}

#[test]
fn a_node_that_is_not_there_is_said_by_every_command() {
    let folder = tempfile::tempdir().unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let path = counter();
    for args in [
        &["ps"][..],
        &["top"],
        &["inspect", "a"],
        &["start", path.to_str().unwrap()],
        &["send", "a", "{}"],
        &["pause", "a"],
        &["remove", "a"],
        &["rewind", "a", "--to", "1"],
        &["logs", "a"],
        &["watch", "a"],
    ] {
        let ran = troupe(folder.path(), &[args, &["--node", &free]].concat()).code(2);
        ran.complains("nothing listens").complains("troupe serve").complains("TROUPE_NODE");
    }
}
