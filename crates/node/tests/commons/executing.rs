//! Nodes whose members run jobs, and jobs for them, as people start and submit them.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use serde_json::Value;
use troupe_identity::{FileSigner, Passphrase, SecretKey};

use crate::executor::{SLOW_FUEL, SLOWLY_COUNTS};
use crate::people::{Node, PASSPHRASE};
use crate::person::charter;

/// The key file of a person.
pub(crate) fn key(folder: &Path, number: u8) -> String {
    key_under(folder, number, PASSPHRASE)
}

/// The key file of a person under a passphrase of its own.
pub(crate) fn key_under(folder: &Path, number: u8, passphrase: &str) -> String {
    let path = folder.join(format!("person-{number}.age"));
    if !path.exists() {
        let passphrase = Passphrase::new(passphrase.into());
        FileSigner::create(path.clone(), SecretKey::from_seed(&[number; 32]), &passphrase, 2).unwrap();
    }
    path.display().to_string()
}

/// A node whose second member runs jobs.
pub(crate) fn start(folder: &Path) -> Node {
    start_as(folder, 2)
}

/// A node of three members, for one of whom it runs jobs.
pub(crate) fn start_as(folder: &Path, executor: u8) -> Node {
    start_for(folder, 3, &[executor], &[])
}

/// A node of so many members, for some of whom it runs jobs. Nothing regenerates there.
pub(crate) fn start_for(folder: &Path, members: u8, executors: &[u8], more: &[&str]) -> Node {
    let (charter_file, passphrase) = (folder.join("charter.json"), folder.join("passphrase"));
    let parameters = [
        ("bid-window", 200),
        ("challenge-window", 0),
        ("mana-rate", 0),
        ("timelock", 0),
        ("voting-min", 1000),
    ];
    fs::write(&charter_file, serde_json::to_vec(&charter(members, &parameters)).unwrap()).unwrap();
    write_secret(&passphrase, PASSPHRASE);
    let mut arguments: Vec<OsString> = vec!["--charter".into(), charter_file.into(), "--execute".into()];
    for executor in executors {
        arguments.extend(["--as".into(), key(folder, *executor).into()]);
    }
    arguments.extend(["--passphrase-file".into(), passphrase.into()]);
    arguments.extend(more.iter().map(Into::into));
    let arguments: Vec<_> = arguments.iter().map(OsString::as_os_str).collect();
    Node::serve(folder, &arguments)
}

/// Writes a file that nobody else may read.
pub(crate) fn write_secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

#[track_caller]
pub(crate) fn ok(node: &Node, arguments: &[&str]) -> String {
    let (code, out, err) = node.run(arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    out
}

/// Submits a job of so many slow inputs from the command line; its id.
pub(crate) fn submit_slow(node: &Node, folder: &Path, inputs: u8, more: &[&str]) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    fs::write(at("slow.wasm"), troupe_testing::module_from_wat(SLOWLY_COUNTS).unwrap()).unwrap();
    let mut arguments = vec!["job".to_owned(), "submit".to_owned(), at("slow.wasm")];
    for n in 0..inputs {
        fs::write(at(&format!("input-{n}")), [n]).unwrap();
        arguments.extend(["--input".to_owned(), at(&format!("input-{n}"))]);
    }
    let (me, fuel) = (key(folder, 1), format!("fuel={SLOW_FUEL}"));
    let price = (u64::from(inputs) * 50).to_string();
    arguments.extend(["--limit", &fuel, "--price", &price, "--as", &me, "--json"].map(str::to_owned));
    arguments.extend(more.iter().map(|more| (*more).to_owned()));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let submitted: Value = serde_json::from_str(&ok(node, &arguments)).unwrap();
    let [job] = &submitted["reply"]["jobs"].as_array().unwrap()[..] else { panic!("{submitted}") };
    job.as_str().unwrap().to_owned()
}

/// The names of a chain's entries, from genesis on.
pub(crate) fn entries(node: &Node, chain: &str) -> Vec<String> {
    let page = node.wire().get(&format!("/actors/{chain}/chain?limit=100")).unwrap().status(200);
    page.text().lines().map(|line| troupe_chain::Hash::of(line.as_bytes()).to_string()).collect()
}
