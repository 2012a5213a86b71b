//! Files that a manifest grants: read by the actor, and part of what is exported, checked, forked and upgraded.

use std::fs;
use std::path::Path;

use troupe_api::{Client, ErrorCode, StartActor};
use troupe_chain::Hash;
use troupe_testing::wasi;

use crate::node::{Node, troupe};

/// What the files hold; the actor's state becomes that.
const WORDS: &str = r#"{"words":"some"}"#;
const OTHERS: &str = r#"{"words":"others"}"#;

const MANIFEST: &str = "component = \"reads.wasm\"\nname = \"reader\"\n\
                        [grants]\nfiles = { \"/data/words.txt\" = \"words.txt\" }\n";

/// A folder with an actor that reads `/data/words.txt`, and what it is granted.
fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).expect("a file");
    write("reads.wasm", &wasi::reads("data/words.txt"));
    write("words.txt", WORDS.as_bytes());
    write("others.txt", OTHERS.as_bytes());
    write("actor.toml", MANIFEST.as_bytes());
    write("other.toml", MANIFEST.replace("words.txt\" }", "others.txt\" }").as_bytes());
    folder
}

fn states(folder: &Path, place: &str, seq: &str) -> String {
    troupe(folder, &["state", place, "--at", seq]).code(0).out
}

/// The bytes of a bundle in which a text stands somewhere, with another text of the same length in its place.
fn tampered(folder: &Path, bundle: &str, text: &str, other: &str) {
    let mut bytes = fs::read(folder.join(bundle)).expect("a bundle");
    let places: Vec<_> =
        bytes.windows(text.len()).enumerate().filter(|(_, found)| *found == text.as_bytes()).collect();
    let at = places.first().expect("it is in the bundle").0;
    bytes[at..at + other.len()].copy_from_slice(other.as_bytes());
    fs::write(folder.join("tampered.car"), bytes).expect("a bundle");
}

#[test]
fn a_granted_file_is_read_and_exported_and_verified_by_whoever_has_nothing_else() {
    let folder = project();
    let folder = folder.path();
    troupe(folder, &["check", "actor.toml"]).code(0).says("wasi:filesystem");
    let node = Node::run(folder, &folder.join("actor.toml"), &["--store", "s"]);
    troupe(folder, &["send", &node.url, "{}"]).code(0).says(WORDS);
    troupe(folder, &["verify", &node.url]).code(0).says("verified");
    let inspected = node.troupe(&["inspect", "reader", "--json"]).code(0).json();
    let name = Hash::of(WORDS.as_bytes()).to_string();
    assert_eq!(inspected["grants"][0], format!("file:{name}:/data/words.txt"));
    node.kill();
    // What the machine that ran it has does not matter from here on.
    fs::write(folder.join("words.txt"), "changed").unwrap();
    troupe(folder, &["verify", "s"]).code(0).says("verified");
    troupe(folder, &["export", "s", "reader.car"]).code(0);
    troupe(folder, &["export", "s", "reader/"]).code(0);
    troupe(folder, &["verify", "reader"]).code(0).says("verified");
    troupe(folder, &["import", "reader.car", "t"]).code(0);
    for place in ["reader.car", "t"] {
        troupe(folder, &["verify", place]).code(0).says("verified");
        assert!(states(folder, place, "2").contains(WORDS));
    }
    tampered(folder, "reader.car", WORDS, &WORDS.replace("some", "none"));
    troupe(folder, &["verify", "tampered.car"]).code(1).says("grants.file");
    fs::remove_file(folder.join("reader/blobs").join(&name)).unwrap();
    troupe(folder, &["verify", "reader"]).code(2).complains("grants.file").complains(&name);
}

#[test]
fn an_upgrade_gives_another_file_and_a_fork_keeps_what_it_had() {
    let folder = project();
    let folder = folder.path();
    let node = Node::serve(folder, &["--store", "s"]);
    node.troupe(&["start", "actor.toml"]).code(0).says("begun");
    node.troupe(&["send", "reader", "{}"]).code(0).says(WORDS);
    node.troupe(&["upgrade", "reader", "other.toml", "--dry-run"]).code(0).says("1 difference");
    for (manifest, words) in [("other.toml", OTHERS), ("actor.toml", WORDS)] {
        node.troupe(&["upgrade", "reader", manifest]).code(0).says("upgraded");
        node.troupe(&["send", "reader", "{}"]).code(0).says(words);
    }
    node.troupe(&["fork", "reader", "--at", "4", "--name", "heir"]).code(0);
    node.troupe(&["send", "heir", "{}"]).code(0).says(OTHERS);
    // A file that only the middle of the history has is given out too.
    for name in ["reader", "heir"] {
        node.troupe(&["verify", &format!("{}/actors/{name}", node.url)]).code(0).says("verified");
    }
    node.kill();
    troupe(folder, &["verify", "s"]).code(0);
    let node = Node::serve(folder, &["--store", "s"]);
    node.troupe(&["send", "heir", "{}"]).code(0).says(OTHERS);
}

#[test]
fn a_node_serves_no_file_that_an_actor_does_not_name_and_begins_none_that_it_has_not() {
    let folder = project();
    let folder = folder.path();
    let node = Node::serve(folder, &["--store", "s"]);
    node.troupe(&["start", "actor.toml"]).code(0);
    fs::write(folder.join("bare.toml"), "component = \"reads.wasm\"\nname = \"bare\"\n").unwrap();
    node.troupe(&["start", "bare.toml"]).code(0);
    node.troupe(&["send", "bare", "{}"]).code(0).says("nothing");
    let name = Hash::of(WORDS.as_bytes()).to_string();
    let blob =
        |actor: &str| Client::new(&node.url).unwrap().actor(actor).blob(&name.parse().unwrap()).unwrap();
    assert_eq!(blob("reader").as_deref(), Some(WORDS.as_bytes()));
    assert_eq!(blob("bare"), None);
    let component = Hash::of(&wasi::reads("data/words.txt")).to_string();
    let other = Hash::of(b"nobody has this");
    let grants = vec![format!("file:{other}:/data/words.txt")];
    let start = StartActor { component, grants, ..StartActor::default() };
    let refused = Client::new(&node.url).unwrap().start(&start).unwrap_err();
    let problem = refused.problem().unwrap();
    assert_eq!(problem.code, ErrorCode::CannotBegin);
    assert!(
        problem.detail.contains(&format!("`/data/words.txt` are missing: {other}")),
        "{}",
        problem.detail
    );
}

#[test]
fn a_scenario_sees_the_files_of_the_manifest_or_its_own() {
    let folder = project();
    let folder = folder.path();
    fs::create_dir(folder.join("tests")).unwrap();
    let scenario = |grants: &str, state: &str| {
        format!("[[scenario]]\n{grants}\n[[scenario.step]]\nmessage = {{}}\nstate = '{state}'\n")
    };
    let own = "grants.files = { \"/data/words.txt\" = \"../others.txt\" }";
    let text = [scenario("", WORDS), scenario(own, OTHERS)].concat();
    fs::write(folder.join("tests/words.toml"), text).unwrap();
    troupe(folder, &["test", "."]).code(0).says("2 passed");
}

#[test]
fn a_manifest_that_names_no_file_or_no_path_says_where() {
    let folder = project();
    let folder = folder.path();
    for (files, why) in [
        ("{ \"/data/words.txt\" = \"gone.txt\" }", "gone.txt cannot be read"),
        ("{ \"data/words.txt\" = \"words.txt\" }", "does not begin with `/`"),
        ("{ \"/a/../b\" = \"words.txt\" }", "no part may be empty, `.` or `..`"),
        ("{ \"/a\" = \"words.txt\", \"/a/b\" = \"words.txt\" }", "goes through another file"),
        ("{ \"/é\" = \"words.txt\" }", "printable ASCII"),
        ("[\"words.txt\"]", "`files` must be a table"),
    ] {
        let text = format!("component = \"reads.wasm\"\n[grants]\nfiles = {files}\n");
        fs::write(folder.join("bad.toml"), text).unwrap();
        troupe(folder, &["check", "bad.toml"]).code(2).complains("bad.toml:3:").complains(why);
    }
}
