//! Compiled code on disk: used only if this user alone can have written it, bounded, and never needed.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use troupe_chain::Hash;
use troupe_component::{Allocation, CodeCache, CodeEvent, CodeWatch, Sandbox, SandboxConfig};
use troupe_testing::{World, guests};

use crate::common::{apply_told, small};

const STACK: u64 = 512 << 10;

/// A cache in a folder of its own, with nothing in it yet.
struct Cache {
    cache: CodeCache,
    temporary: tempfile::TempDir,
}

impl Cache {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        Self { cache: CodeCache::new(temporary.path().join("a/b")), temporary }
    }

    fn folder(&self) -> &Path {
        self.cache.folder()
    }

    /// Loads the guest in a sandbox of its own, as a process does, and says what happened.
    fn load(&self, bytes: &[u8]) -> Vec<String> {
        self.load_with(bytes, None, STACK)
    }

    fn load_with(&self, bytes: &[u8], deadline: Option<Duration>, stack: u64) -> Vec<String> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&seen);
        let watch = CodeWatch::new(move |event| {
            let text = match event {
                CodeEvent::Compiling { .. } => "compiling".to_owned(),
                CodeEvent::Compiled { .. } => "compiled".to_owned(),
                CodeEvent::Refused { why, .. } => format!("refused: {why}"),
                CodeEvent::NotKept { .. } => "not kept".to_owned(),
                _ => "else".to_owned(),
            };
            told.lock().unwrap().push(text);
        });
        let config = SandboxConfig {
            allocation: Allocation::OnDemand,
            cache: Some(self.cache.clone()),
            watch,
            deadline,
        };
        let mut limits = small();
        limits.set("stack", stack).unwrap();
        let loaded = Sandbox::new(config).load(bytes, &limits).unwrap();
        assert!(apply_told(&loaded).starts_with("ok "));
        std::mem::take(&mut *seen.lock().unwrap())
    }

    /// The one file with compiled code.
    fn file(&self) -> PathBuf {
        let [file] = self.files().try_into().unwrap();
        file
    }

    fn files(&self) -> Vec<PathBuf> {
        self.cache.list().unwrap().into_iter().map(|code| code.path).collect()
    }
}

fn echo() -> Vec<u8> {
    guests::echo(World::Simple)
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn mode_of(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

const ANEW: [&str; 2] = ["compiling", "compiled"];
const KNOWN: [&str; 0] = [];

#[test]
fn a_component_is_compiled_once_whatever_its_stack_and_deadline() {
    let cache = Cache::new();
    assert_eq!(cache.load(&echo()), ANEW);
    assert_eq!(cache.load(&echo()), KNOWN);
    // The stack limit is not compiled in.
    assert_eq!(cache.load_with(&echo(), None, 64 << 10), KNOWN);
    // Nor is the deadline: a node has one, a verifier none.
    assert_eq!(cache.load_with(&echo(), Some(Duration::from_secs(60)), STACK), KNOWN);
    assert_eq!(cache.files().len(), 1);
}

#[test]
fn what_is_kept_is_for_this_user_alone() {
    let cache = Cache::new();
    cache.load(&echo());
    let key = cache.folder().join("key");
    assert_eq!([mode_of(cache.folder()), mode_of(&cache.file()), mode_of(&key)], [0o700, 0o600, 0o600]);
    assert_eq!(fs::read(&key).unwrap().len(), 32);
    assert_eq!(cache.folder().read_dir().unwrap().count(), 2);
}

#[test]
fn the_list_names_component_engine_and_size() {
    let cache = Cache::new();
    assert_eq!(cache.cache.list().unwrap(), []);
    cache.load(&echo());
    fs::write(cache.folder().join("foreign.cwasm"), "foreign").unwrap();
    let [code] = cache.cache.list().unwrap().try_into().unwrap();
    assert_eq!(code.component, Hash::of(&echo()));
    assert_eq!(code.engine.len(), 16);
    assert_eq!(code.size, fs::metadata(&code.path).unwrap().len());
}

#[test]
fn clearing_removes_compiled_code_and_nothing_else() {
    let cache = Cache::new();
    cache.load(&echo());
    cache.load(&guests::echo(World::Actor));
    let foreign = cache.folder().join("foreign.txt");
    fs::write(&foreign, "foreign").unwrap();
    fs::write(cache.folder().join("x.1-2.tmp"), "left behind").unwrap();
    let cleared = cache.cache.clear().unwrap();
    assert!(cleared.files == 2 && cleared.bytes > 0, "{cleared:?}");
    assert_eq!(cache.files(), [] as [PathBuf; 0]);
    assert!(foreign.exists() && !cache.folder().join("x.1-2.tmp").exists());
    assert_eq!(cache.load(&echo()), ANEW);
}

#[test]
fn a_folder_that_others_may_write_to_is_not_used() {
    let cache = Cache::new();
    fs::create_dir_all(cache.folder()).unwrap();
    for shared in [0o770, 0o702, 0o777] {
        mode(cache.folder(), shared);
        let seen = cache.load(&echo());
        assert_eq!(seen[0], format!("refused: its mode is {shared:o}, so that others may use it"));
        assert_eq!(seen[1..], ANEW);
        assert_eq!(cache.folder().read_dir().unwrap().count(), 0);
    }
    mode(cache.folder(), 0o755);
    assert_eq!(cache.load(&echo()), ANEW);
    assert_eq!(cache.load(&echo()), KNOWN);
}

#[test]
fn a_folder_behind_a_symbolic_link_is_not_used() {
    let mut cache = Cache::new();
    let elsewhere = cache.temporary.path().join("elsewhere");
    let link = cache.temporary.path().join("link");
    fs::create_dir(&elsewhere).unwrap();
    symlink(&elsewhere, &link).unwrap();
    cache.cache = CodeCache::new(link);
    assert_eq!(cache.load(&echo())[0], "refused: it is a symbolic link");
    assert_eq!(elsewhere.read_dir().unwrap().count(), 0);
}

#[test]
fn a_file_that_others_may_write_to_is_replaced_and_not_run() {
    let cache = Cache::new();
    cache.load(&echo());
    mode(&cache.file(), 0o666);
    assert!(cache.load(&echo())[0].contains("so that others may use it"));
    assert_eq!(mode_of(&cache.file()), 0o600);
    assert_eq!(cache.load(&echo()), KNOWN);
}

#[test]
fn a_symbolic_link_to_good_code_is_replaced_and_not_followed() {
    let cache = Cache::new();
    cache.load(&echo());
    let (file, aside) = (cache.file(), cache.temporary.path().join("aside"));
    fs::rename(&file, &aside).unwrap();
    symlink(&aside, &file).unwrap();
    assert_eq!(cache.load(&echo())[0], "refused: it is a symbolic link");
    assert!(!fs::symlink_metadata(&file).unwrap().is_symlink());
    assert_eq!(cache.load(&echo()), KNOWN);
}

#[test]
fn a_pipe_or_a_folder_in_the_place_of_a_file_neither_hangs_nor_is_used() {
    let cache = Cache::new();
    cache.load(&echo());
    let file = cache.file();
    fs::remove_file(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    mode(&file, 0o600);
    assert_eq!(cache.load(&echo())[0], "refused: it is neither a file nor a folder of this cache");
    assert_eq!(cache.load(&echo()), KNOWN);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    let seen = cache.load(&echo());
    assert_eq!(seen[1..], ["compiling", "compiled", "not kept"], "{seen:?}");
}

#[test]
fn no_damage_to_a_file_goes_unseen() {
    let cache = Cache::new();
    cache.load(&echo());
    let file = cache.file();
    let good = fs::read(&file).unwrap();
    let mut damaged = vec![
        Vec::new(),
        b"garbage".to_vec(),
        good[..39].to_vec(),
        good[..40].to_vec(),
        good[..good.len() / 2].to_vec(),
        vec![0; good.len()],
        [&good[..], b"!"].concat(),
        // What an engine would take, without a seal.
        good[40..].to_vec(),
    ];
    for at in [0, 7, 8, 39, 40, good.len() / 2, good.len() - 1] {
        let mut flipped = good.clone();
        flipped[at] ^= 1;
        damaged.push(flipped);
    }
    for bytes in damaged {
        fs::write(&file, &bytes).unwrap();
        let seen = cache.load(&echo());
        let refused = "refused: it is damaged, or was not written by this user's troupe";
        assert_eq!(seen, [refused, "compiling", "compiled"], "{} bytes", bytes.len());
        assert_eq!(cache.load(&echo()), KNOWN);
    }
}

#[test]
fn code_of_another_component_or_another_folder_does_not_pass_for_this_one() {
    let (cache, other) = (Cache::new(), Cache::new());
    cache.load(&echo());
    let file = cache.file();
    let swapped = guests::echo(World::Actor);
    cache.load(&swapped);
    let swapped = cache.files().into_iter().find(|path| *path != file).unwrap();
    fs::copy(&swapped, &file).unwrap();
    assert!(cache.load(&echo())[0].starts_with("refused"));
    other.load(&echo());
    fs::copy(other.file(), &file).unwrap();
    assert!(cache.load(&echo())[0].starts_with("refused"));
    assert_eq!(cache.load(&echo()), KNOWN);
}

#[test]
fn a_key_that_others_may_have_seen_is_replaced_with_all_that_it_sealed() {
    let cache = Cache::new();
    cache.load(&echo());
    let key = cache.folder().join("key");
    let old = fs::read(&key).unwrap();
    mode(&key, 0o640);
    assert!(cache.load(&echo())[0].contains("its mode is"));
    assert!(fs::read(&key).unwrap() != old && mode_of(&key) == 0o600);
    assert_eq!(cache.load(&echo()), KNOWN);
    // A key of no length that a key has.
    fs::write(&key, [1; 31]).unwrap();
    assert_eq!(cache.load(&echo())[0], "refused: it has 31 bytes");
    assert_eq!(cache.load(&echo()), KNOWN);
}

#[test]
fn without_its_key_a_cache_begins_anew() {
    let cache = Cache::new();
    cache.load(&echo());
    fs::remove_file(cache.folder().join("key")).unwrap();
    assert_eq!(cache.load(&echo()), ANEW);
    assert_eq!(cache.load(&echo()), KNOWN);
}

#[test]
fn what_was_used_the_longest_ago_makes_room() {
    let mut cache = Cache::new();
    let guests = [echo(), guests::echo(World::Actor), guests::append(World::Simple)];
    cache.load(&guests[0]);
    let size = cache.cache.list().unwrap()[0].size;
    cache.load(&guests[1]);
    let age = |guest: &[u8], seconds| {
        let code = cache.cache.list().unwrap().into_iter().find(|code| code.component == Hash::of(guest));
        let file = fs::File::options().append(true).open(code.unwrap().path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(seconds)).unwrap();
    };
    age(&guests[0], 200);
    age(&guests[1], 100);
    // Loading it again makes it the last one used.
    assert_eq!(cache.load(&guests[0]), KNOWN);
    cache.cache = cache.cache.with_max_bytes(size * 5 / 2);
    cache.load(&guests[2]);
    let kept: Vec<_> = cache.cache.list().unwrap().into_iter().map(|code| code.component).collect();
    assert!(kept.contains(&Hash::of(&guests[0])) && kept.contains(&Hash::of(&guests[2])), "{kept:?}");
    assert!(!kept.contains(&Hash::of(&guests[1])));
}

#[test]
fn code_that_is_larger_than_the_cache_is_not_kept() {
    let mut cache = Cache::new();
    cache.cache = cache.cache.with_max_bytes(1000);
    assert_eq!(cache.load(&echo()), ANEW);
    assert_eq!(cache.files(), [] as [PathBuf; 0]);
}

#[test]
fn many_who_compile_the_same_at_once_do_not_disturb_each_other() {
    let cache = Cache::new();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let seen = cache.load(&echo());
                assert!(seen.iter().all(|event| ANEW.contains(&event.as_str())), "{seen:?}");
            });
        }
    });
    assert_eq!(cache.folder().read_dir().unwrap().count(), 2);
    assert_eq!(cache.load(&echo()), KNOWN);
}

#[test]
fn a_folder_that_cannot_be_made_costs_time_and_nothing_else() {
    let mut cache = Cache::new();
    let file = cache.temporary.path().join("file");
    fs::write(&file, b"").unwrap();
    cache.cache = CodeCache::new(file.join("cache"));
    assert_eq!(cache.load(&echo()).last().unwrap(), "not kept");
}
