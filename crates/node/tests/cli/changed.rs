//! Chains that were upgraded, stopped and forked: exported, imported, verified alone and as a whole store.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use troupe::host::{ComponentSource, Host, Settings, Start};
use troupe_chain::{Code, Hash, Sender, Text};
use troupe_runtime::Actor;
use troupe_store::DiskStore;
use troupe_testing::{World, guests};

use crate::node::troupe;

fn text(text: &str) -> Text {
    Text::new(text).expect("it is done")
}

fn send(actor: &Actor, message: &'static str) {
    actor
        .send_blocking(Sender::Http { key: None }, Bytes::from_static(message.as_bytes()))
        .expect("it is done");
}

fn start(host: &Host, component: Vec<u8>, name: &str) -> Actor {
    let component = ComponentSource::Bytes(component.into());
    host.start_blocking(Start { component, name: Some(text(name)), ..Start::default() }).expect("it is done")
}

/// A store with an actor that was upgraded and then stopped, a fork of it, one that was taken back, and two that talk.
fn store(folder: &Path) -> [Hash; 3] {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("it is done");
    let host = Settings::new(Arc::new(DiskStore::open(folder.join("s")).expect("it is done")))
        .open()
        .expect("it is done");
    let first = start(&host, guests::append(World::Actor), "first");
    send(&first, "{\"a\":1}");
    send(&first, "{\"a\":2}");
    let echo = Bytes::from(guests::echo(World::Actor));
    let mut rules = (*first.view().expect("it is done").tip.rules).clone();
    rules.code = Code::Component(Hash::of(&echo));
    runtime.block_on(first.upgrade(rules, echo)).expect("it is done");
    send(&first, "{\"a\":3}");
    let fork = runtime.block_on(first.fork(4, Hash::of(b"any"), Some(text("fork")))).expect("it is done");
    send(&fork, "{\"b\":4}");
    runtime.block_on(first.stop(text("enough"))).expect("it is done");
    let second = start(&host, guests::append(World::Actor), "second");
    send(&second, "{\"c\":1}");
    send(&second, "{\"c\":2}");
    let heir = runtime.block_on(second.rewind(2, text("one too many"))).expect("it is done");
    send(&host.actors.get(heir).expect("it is done"), "{\"c\":3}");
    let relay = start(&host, guests::relay(), "relay");
    send(&relay, "{\"do\":\"Sfork|{}\"}");
    send(&relay, "{\"do\":\"Cchild|\"}");
    // The child has its genesis and its init, and the fork a message more.
    let has_come = || {
        let heads = host.actors.store().chains().expect("it is done");
        heads.len() == 6
            && heads.iter().all(|(_, head)| head.seq > 0)
            && fork.listed().expect("it is done").seq == 3
    };
    let begun = Instant::now();
    while !has_come() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", host.actors.store().chains());
        std::thread::sleep(Duration::from_millis(1));
    }
    host.actors.shutdown();
    let ids = [first.id(), fork.id(), heir];
    drop((first, fork, second, relay, host));
    // A thread of the node may be the last to let go of the store.
    let begun = Instant::now();
    while let Err(error) = DiskStore::open(folder.join("s")) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{error}");
        std::thread::sleep(Duration::from_millis(1));
    }
    ids
}

#[test]
fn a_whole_store_is_verified_with_where_its_entries_come_from() {
    let folder = tempfile::tempdir().unwrap();
    store(folder.path());
    troupe(folder.path(), &["verify", "s"]).code(0).says("verified s: 6 chains").says("origins");
    let report = troupe(folder.path(), &["verify", "s", "--json"]).code(0).json();
    assert_eq!(report["verified"], true);
    assert_eq!(report["chains"].as_array().unwrap().len(), 6);
    // Two forks, a child, its init, and a message of another actor.
    assert!(report["origins"]["resolved"].as_u64().unwrap() >= 4, "{report}");
    assert_eq!(
        (&report["origins"]["not_at_hand"], &report["origins"]["false"]),
        (&0.into(), &serde_json::json!([]))
    );
    troupe(folder.path(), &["verify", "s", "--links-only"]).code(0).says("verified s: 6 chains");
}

#[test]
fn one_actor_of_a_store_is_found_by_its_name_or_the_beginning_of_its_id() {
    let folder = tempfile::tempdir().unwrap();
    let [first, _, heir] = store(folder.path()).map(|id| id.to_string());
    troupe(folder.path(), &["log", "s"]).code(2).complains("holds 6 actors").complains("--actor");
    troupe(folder.path(), &["log", "s", "--actor", "fist"]).code(2).complains("did you mean `first`?");
    troupe(folder.path(), &["verify", "s", "--head", &first]).code(2).complains("--actor");
    troupe(folder.path(), &["verify", "s", "--actor", "first"]).code(0).says(&first);
    troupe(folder.path(), &["verify", "s", "--actor", "second"]).code(0).says(&heir);
    troupe(folder.path(), &["state", "s", "--actor", &heir[..12]]).code(0).says("{\"c\":1}{\"c\":3}");
    troupe(folder.path(), &["log", "s", "--actor", "first"]).code(0).says("upgrade").says("enough");
}

#[test]
fn what_was_upgraded_stopped_or_forked_comes_out_of_an_export_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let [first, fork, heir] = store(folder.path()).map(|id| id.to_string());
    for (actor, id, state) in
        [("first", first, "{\"a\":3}"), ("fork", fork, "{}"), ("second", heir, "{\"c\":1}{\"c\":3}")]
    {
        let (car, new) = (format!("{actor}.car"), format!("{actor}.store"));
        troupe(folder.path(), &["export", "s", &car, "--actor", actor]).code(0).says(&id);
        troupe(folder.path(), &["verify", &car]).code(0).says(&id);
        troupe(folder.path(), &["import", &car, &new]).code(0).says(&id);
        troupe(folder.path(), &["verify", &new]).code(0).says(&id);
        assert_eq!(troupe(folder.path(), &["state", &new]).code(0).out, state, "{actor}");
        assert_eq!(troupe(folder.path(), &["state", &car]).code(0).out, state, "{actor}");
    }
    let at = |seq: &str| troupe(folder.path(), &["state", "first.store", "--at", seq]).code(0).out;
    assert_eq!([at("1"), at("3"), at("4")], ["", "{\"a\":1}{\"a\":2}", "{\"a\":1}{\"a\":2}"]);
    troupe(folder.path(), &["log", "s", "--actor", "first", "--json"]).code(0);
}
