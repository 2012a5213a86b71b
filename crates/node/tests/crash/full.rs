//! A disk that is really full: a small tmpfs, for which the test must be root.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::process::{Process, verify};
use crate::wire::Wire;

/// More than one segment of 64 MiB, less than two.
const SIZE: &str = "size=100m";
const MORE: &str = "remount,size=300m";

struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn new(folder: &'a Path) -> Option<Self> {
        mount(&["-t", "tmpfs", "-o", SIZE, "troupe-test"], folder).then_some(Self(folder))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

fn mount(args: &[&str], folder: &Path) -> bool {
    let mut command = Command::new("mount");
    command.args(args).arg(folder).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn body(amount: u64) -> Vec<u8> {
    let mut body = format!("{{\"add\":{amount}}}").into_bytes();
    body.resize(1_000_000, b' ');
    body
}

#[test]
fn a_really_full_disk_loses_nothing_acknowledged_and_goes_on_once_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mounted) = Mounted::new(folder.path()) else {
        eprintln!("SKIPPED: no tmpfs can be mounted here, so no disk was really full");
        return;
    };
    let mut process = Process::start(folder.path());
    let mut wire = Wire::connect(process.address()).unwrap();
    let mut names = Vec::new();
    let full = loop {
        let answer = wire.post(body(names.len() as u64 + 1)).unwrap();
        if answer.status != 200 {
            break answer;
        }
        names.push(answer.json()["hash"].as_str().unwrap().to_owned());
        assert!(names.len() < 200, "the disk does not get full");
    };
    let problem = full.problem(507, "store-full");
    assert!(problem["detail"].as_str().unwrap().contains("the disk is full"), "{problem}");
    assert!(names.len() > 50, "it was full after {} messages", names.len());
    wire.post(body(1000)).unwrap().problem(507, "store-full");
    wire.get("/readyz").unwrap().problem(503, "halted");
    // A blob takes space of its own: there is some, and not so much.
    wire.ask("POST", "/dag", "", &vec![b'x'; 50 << 20]).unwrap().problem(507, "store-full");
    let info = wire.get("/").unwrap().status(200).json();
    assert_eq!(info["head"], *names.last().unwrap());

    // Killed and started again, it is as full as before, and has everything.
    process.kill();
    let mut process = Process::start(folder.path());
    let mut wire = Wire::connect(process.address()).unwrap();
    // Before anybody has tried.
    let unready = wire.get("/readyz").unwrap().problem(503, "halted");
    assert!(unready["detail"].as_str().unwrap().contains("the disk is full"), "{unready}");
    for (seq, name) in (2..).zip(&names) {
        let entry = wire.get(&format!("/chain/{seq}")).unwrap().status(200);
        assert_eq!(troupe_chain::Hash::of(&entry.body).to_string(), *name);
    }
    wire.post(body(1000)).unwrap().problem(507, "store-full");

    assert!(mount(&["-o", MORE], folder.path()), "the disk can be made larger");
    let answer = wire.post(body(1000)).unwrap().status(200).json();
    assert_eq!(answer["seq"], names.len() + 2);
    wire.get("/readyz").unwrap().status(200);
    assert_eq!(process.stop(), Some(0));
    assert_eq!(verify(folder.path())["seq"], names.len() + 2);
    drop(mounted);
}
