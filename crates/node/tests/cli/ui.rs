//! The explorer as one file.

use std::fs;

use crate::node::{Node, counter, troupe};

#[test]
fn the_explorer_is_written_as_one_file_with_a_bundle_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert_eq!(Node::run(at, &counter(), &["--store", "s"]).stop(), Some(0));
    troupe(at, &["export", "s", "c.car"]).code(0);
    troupe(at, &["ui", "plain.html"]).code(0).says("wrote plain.html").says("the explorer, ");
    troupe(at, &["ui", "full.html", "--bundle", "c.car"]).code(0).says("the explorer and c.car, ");
    let (plain, full) =
        (fs::read_to_string(at.join("plain.html")).unwrap(), fs::read(at.join("full.html")).unwrap());
    assert!(plain.contains("default-src 'none'") && plain.contains("\"bundle\":null"));
    assert!(full.len() > plain.len() + fs::read(at.join("c.car")).unwrap().len());
}

#[test]
fn what_cannot_be_written_or_put_into_the_page_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    fs::write(at.join("there.html"), "mine").unwrap();
    troupe(at, &["ui", "there.html"]).code(2).complains("cannot write there.html: File exists");
    assert_eq!(fs::read_to_string(at.join("there.html")).unwrap(), "mine");
    troupe(at, &["ui", "x.html", "--bundle", "there.html"]).code(2).complains("not a bundle");
    troupe(at, &["ui", "x.html", "--bundle", "."])
        .code(2)
        .complains("is a folder, and a page takes one file");
    troupe(at, &["ui", "x.html", "--bundle", "no.car"]).code(2).complains("no.car");
    assert!(!at.join("x.html").exists());
}
