//! Verifying a node by its DID.

use crate::node::{Node, counter, troupe};
use crate::proofs::checkpoint;

/// A DID of somebody else.
const OTHER: &str = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";

#[test]
fn a_node_is_verified_by_the_did_of_its_key_and_by_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::run(folder.path(), &counter(), &["--name", "counter", "--store", "s"]);
    let did = troupe(folder.path(), &["key", "show", "s", "--json"]).code(0).json()["did"].clone();
    let did = did.as_str().unwrap();
    node.troupe(&["send", "counter", "{\"add\":2}"]).code(0);
    checkpoint(&node, 1, None);
    let said = node.troupe(&["checkpoint", "counter", "--json"]).code(0).json();
    assert_eq!(said["did"], did);

    let url = format!("{}/actors/counter", node.url);
    node.troupe(&["verify", did, "--url", &url]).code(0).says("verified").says(&format!("a key of {did}"));
    let said = node.troupe(&["verify", did, "--url", &node.url, "--json"]).code(0).json();
    assert_eq!((&said["verified"], &said["signed"]["did"]), (&true.into(), &did.into()));
    let why = format!("the node signs as {did}, which is no key of {OTHER}");
    node.troupe(&["verify", OTHER, "--url", &url]).code(1).says("FALSE").says(&why);
    node.troupe(&["follow", OTHER, "--url", &url]).code(1).says("FALSE").says(&why);
}

#[test]
fn a_did_that_cannot_be_used_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let fails = |args: &[&str], what: &str| {
        troupe(folder.path(), &[&["verify"], args].concat()).code(2).complains(what);
    };
    fails(&[OTHER], &format!("troupe verify {OTHER} --url URL"));
    fails(&["counter", "--url", "http://127.0.0.1:1"], "no DID is given");
    fails(&[OTHER, "--url", "counter"], "`counter` is no URL");
    fails(&["did:key:z6Mk", "--url", "http://127.0.0.1:1"], "is of no method that is resolved here");
    fails(&["did:plc:abc", "--url", "http://127.0.0.1:1"], "is of no method that is resolved here");
}
