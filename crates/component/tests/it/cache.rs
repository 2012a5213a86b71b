//! Compiled code on disk: used only if nobody else can have written it, and never needed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use troupe_component::{Allocation, Sandbox, SandboxConfig};
use troupe_testing::{World, guests};

use crate::common::{apply_told, small};

fn run(folder: &Path, deadline: Option<Duration>, stack: u64) {
    let config = SandboxConfig { allocation: Allocation::OnDemand, cache: Some(folder.into()), deadline };
    let mut limits = small();
    limits.set("stack", stack).unwrap();
    let echo = Sandbox::new(config).load(&guests::echo(World::Simple), &limits).unwrap();
    assert_eq!(apply_told(&echo), "ok m");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(files) = folder.read_dir() else { return Vec::new() };
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

const STACK: u64 = 512 << 10;

#[test]
fn a_component_is_compiled_once_for_each_kind_of_engine() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("a/b");
    run(&folder, None, STACK);
    let first = files(&folder);
    assert_eq!(first.len(), 1);
    let written = |file: &PathBuf| fs::metadata(file).unwrap();
    let (modified, permissions) = (written(&first[0]).modified().unwrap(), written(&first[0]).permissions());
    assert_eq!(
        (permissions.mode() & 0o777, fs::metadata(&folder).unwrap().permissions().mode() & 0o777),
        (0o600, 0o700)
    );
    run(&folder, None, STACK);
    // The stack limit is not compiled in.
    run(&folder, None, 64 << 10);
    assert_eq!(files(&folder), first);
    assert_eq!(written(&first[0]).modified().unwrap(), modified);
    // The check of the deadline is.
    run(&folder, Some(Duration::from_secs(60)), STACK);
    assert_eq!(files(&folder).len(), 2);
}

#[test]
fn a_folder_that_others_may_write_to_is_not_used() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("cache");
    fs::create_dir(&folder).unwrap();
    for shared in [0o770, 0o702, 0o777] {
        mode(&folder, shared);
        run(&folder, None, STACK);
        assert_eq!(files(&folder), [] as [PathBuf; 0]);
    }
    mode(&folder, 0o755);
    run(&folder, None, STACK);
    assert_eq!(files(&folder).len(), 1);
    let link = temporary.path().join("link");
    std::os::unix::fs::symlink(temporary.path().join("elsewhere"), &link).unwrap();
    run(&link, None, STACK);
    assert!(!temporary.path().join("elsewhere").exists());
}

#[test]
fn a_file_that_others_may_write_to_is_replaced_and_not_run() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("cache");
    run(&folder, None, STACK);
    let file = files(&folder).remove(0);
    let good = fs::read(&file).unwrap();
    fs::write(&file, b"planted").unwrap();
    mode(&file, 0o666);
    run(&folder, None, STACK);
    assert_eq!(fs::read(&file).unwrap(), good);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_damaged_file_is_compiled_anew() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("cache");
    run(&folder, None, STACK);
    let file = files(&folder).remove(0);
    let good = fs::read(&file).unwrap();
    let damaged = [
        Vec::new(),
        b"garbage".to_vec(),
        good[..100].to_vec(),
        good[..good.len() / 2].to_vec(),
        vec![0; good.len()],
    ];
    for bytes in damaged {
        fs::remove_file(&file).unwrap();
        fs::write(&file, &bytes).unwrap();
        mode(&file, 0o600);
        run(&folder, None, STACK);
        assert_eq!(fs::read(&file).unwrap(), good, "after {} bytes", bytes.len());
    }
}

#[test]
fn many_who_compile_the_same_at_once_do_not_disturb_each_other() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("cache");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| run(&folder, None, STACK));
        }
    });
    assert_eq!(files(&folder).len(), 1);
}

#[test]
fn a_folder_that_cannot_be_made_costs_time_and_nothing_else() {
    let temporary = tempfile::tempdir().unwrap();
    let file = temporary.path().join("file");
    fs::write(&file, b"").unwrap();
    run(&file.join("cache"), None, STACK);
}
