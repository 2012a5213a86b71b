//! The first command that anybody types.

use crate::node::{Node, troupe};

#[test]
fn the_demo_verifies_and_notices_a_changed_byte() {
    let folder = tempfile::tempdir().unwrap();
    let report = troupe(folder.path(), &["demo", "--json"]).code(0).json();
    assert_eq!(
        (&report["sent"], &report["accepted"], &report["alerts"]),
        (&1707.into(), &1679.into(), &39.into())
    );
    assert_eq!(report["rejected"]["not an earthquake: explosion"], 15);
    assert_eq!(report["rejected"]["not an earthquake: quarry blast"], 13);
    assert_eq!((&report["verified"], &report["seq"]), (&true.into(), &1680.into()));
    let tampered = &report["tampered"];
    assert_eq!(tampered["seq"], tampered["relinked"]["seq"]);
    assert!(tampered["in_file"].as_str().unwrap().starts_with("blobs: "), "{tampered}");
    assert!(tampered["relinked"]["reason"].as_str().unwrap().starts_with("replay: "), "{tampered}");
}

#[test]
fn what_the_demo_keeps_can_be_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    troupe(folder, &["demo", "--keep", "kept"])
        .code(0)
        .says("1,679")
        .says("verified")
        .says("FALSE")
        .says("Try next");
    troupe(folder, &["verify", "kept/quakes.car"]).code(0);
    troupe(folder, &["verify", "kept/tampered.car"]).code(1);
    troupe(folder, &["log", "kept/quakes.store", "--reverse", "--limit", "50"]).code(0).says("send → alerts");
    let node = Node::run(folder, &folder.join("kept/quakes.wasm"), &["--store", "kept/quakes.store"]);
    assert!(node.introduction.contains("resumed at seq 1680"), "{}", node.introduction);
    troupe(folder, &["demo", "--keep", "kept"]).code(2).complains("not empty");
}
