//! Profiles: what each has against a configuration, all of it at once, and a node that starts only when that is nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::node::{Node, Ran, ran};

const PASSPHRASE: &str = "correct horse battery staple";

fn troupe(folder: &Path, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_troupe"));
    command.args(args).current_dir(folder).stdin(Stdio::null()).envs(variables.iter().copied());
    command.env("TROUPE_KEYS", folder.join("keys")).env("XDG_CACHE_HOME", folder.join("cache"));
    ran(command.output().expect("the binary runs"))
}

/// The lines of NDJSON, by their keys.
fn rows(ran: &Ran) -> Vec<(String, Value)> {
    let row = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("JSON");
        (value["key"].as_str().expect("a key").to_owned(), value)
    };
    ran.out.lines().map(row).collect()
}

fn write(folder: &Path, file: &str, text: &str, mode: u32) {
    fs::write(folder.join(file), text).expect("written");
    fs::set_permissions(folder.join(file), fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn all_that_is_against_a_profile_is_said_at_once_with_its_line_and_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "passphrase", PASSPHRASE, 0o644);
    let text = "profile = \"production\"\n[identity]\npassphrase-file = \"passphrase\"\n[storage]\npath = \"memory\"\n\
                [network]\nlisten = \"0.0.0.0:0\"\n[node]\ndeadline = \"none\"\n[parameters]\nveto = 2_000_000\nvote = 1\n";
    write(folder, "troupe.toml", text, 0o644);
    let check = ["config", "check", "--config", "troupe.toml"];
    let found = troupe(folder, &check, &[]).code(1).complains("10 things against the profile production");
    let lines = [
        ("troupe.toml: `identity.key`", "troupe id new NAME"),
        ("troupe.toml:3:19: `identity.passphrase-file`", "chmod 600"),
        ("troupe.toml:5:8: `storage.path`", "path = \"FOLDER\""),
        ("troupe.toml:9:12: `node.deadline`", "deadline = \"10s\""),
        (
            "troupe.toml: `log.key-passphrase-file`: the key that signs",
            "key-passphrase-file = \"FILE\" in [log]",
        ),
        ("troupe.toml:7:10: `network.listen`: other machines reach the node, and not over HTTPS", "tls-cert"),
        (
            "troupe.toml:7:10: `network.listen`: other machines reach the node, and nobody",
            "troupe token create",
        ),
        ("troupe.toml: `node.rate-limit`", "rate-limit = 100"),
        ("troupe.toml:11:8: `parameters.veto`: it is 2000000", "the default is 0"),
        ("troupe.toml:12:8: `parameters.vote`: there is no parameter", "docs/spec/commons.md"),
    ];
    for (what, remedy) in lines {
        assert!(
            found.out.contains(what) && found.out.contains(remedy),
            "no {what:?} or {remedy:?} in\n{}",
            found.out
        );
    }
    // A node does not start, for the same reasons.
    let refused =
        troupe(folder, &["serve", "--config", "troupe.toml"], &[]).code(2).complains("does not start");
    assert!(lines.iter().all(|(what, remedy)| refused.err.contains(what) && refused.err.contains(remedy)));
    let json = troupe(folder, &["--json", "config", "check", "--config", "troupe.toml"], &[]).code(1);
    let levels: Vec<_> = rows(&json).into_iter().map(|(key, row)| (key, row["level"].clone())).collect();
    assert_eq!(levels.iter().filter(|(_, level)| level == "error").count(), lines.len());
    assert_eq!(levels.last(), Some(&("log.witnesses".to_owned(), "warning".into())));
}

#[test]
fn a_production_node_keeps_the_key_of_its_log_under_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // A node without a profile made its key in the open.
    assert_eq!(Node::serve(folder, &["--store", "data"]).stop(), Some(0));
    write(folder, "passphrase", PASSPHRASE, 0o600);
    write(folder, "log-passphrase", PASSPHRASE, 0o644);
    troupe(folder, &["id", "new", "node", "--passphrase-file", "passphrase"], &[]).code(0);
    let text = "profile = \"production\"\n[identity]\nkey = \"node\"\npassphrase-file = \"passphrase\"\n\
                [storage]\npath = \"data\"\n[log]\nkey-passphrase-file = \"log-passphrase\"\n";
    write(folder, "troupe.toml", text, 0o644);
    let check = ["config", "check", "--config", "troupe.toml"];
    let place = "troupe.toml:8:23: `log.key-passphrase-file`: ";
    let found = troupe(folder, &check, &[]).code(1).complains("2 things against");
    found.says(&format!("{place}others than its owner may read")).says("chmod 600");
    write(folder, "log-passphrase", PASSPHRASE, 0o600);
    let found = troupe(folder, &check, &[]).code(1).complains("1 thing against");
    found.says("data/node.key is not encrypted").says("troupe key encrypt");
    let encrypt = ["key", "encrypt", "data", "--key-passphrase-file", "log-passphrase"];
    troupe(folder, &encrypt, &[]).code(0);
    let fit = troupe(folder, &check, &[]).code(0).says("fit for production");
    fit.says("warning: troupe.toml: `log.witnesses`: nobody cosigns").says("troupe witness");
    // A variable has the passphrase as well as a file.
    let text = text.replace("key-passphrase-file = \"log-passphrase\"", "");
    write(folder, "troupe.toml", &text, 0o644);
    troupe(folder, &check, &[]).code(1).says("TROUPE_KEY_PASSPHRASE");
    troupe(folder, &check, &[("TROUPE_KEY_PASSPHRASE", PASSPHRASE)]).code(0);
}

#[test]
fn a_production_node_starts_when_nothing_is_against_it_and_acts_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "passphrase", PASSPHRASE, 0o600);
    let new = ["--json", "id", "new", "node", "--passphrase-file", "passphrase"];
    let did = troupe(folder, &new, &[]).code(0).json()["did"].as_str().unwrap().to_owned();
    let export = ["id", "export", "node", "--secret", "node.age"];
    troupe(folder, &export, &[]).code(0);
    let text = "profile = \"production\"\n[identity]\nkey = \"node.age\"\npassphrase-file = \"passphrase\"\n\
                [storage]\npath = \"data\"\n[log]\nkey-passphrase-file = \"passphrase\"\n";
    write(folder, "troupe.toml", text, 0o644);
    troupe(folder, &["config", "check", "--config", "troupe.toml"], &[]).code(0).says("fit for production");
    let node = Node::serve(folder, &["--config", "troupe.toml"]);
    assert!(node.introduction.contains(&did), "{}", node.introduction);
    assert_eq!(node.stop(), Some(0));
    // The same key for development; none for a test.
    let profile =
        |profile| troupe(folder, &["config", "check", "--config", "troupe.toml", "--profile", profile], &[]);
    profile("development").code(0).says("fit for development");
    profile("testing").code(1).says("a fixed key").says("keeps nothing");
    // Behind a proxy nobody is on this machine.
    let check = ["config", "check", "--config", "troupe.toml"];
    let proxied = troupe(folder, &check, &[("TROUPE_NETWORK_BEHIND_PROXY", "true")]).code(1);
    proxied.says("TROUPE_NETWORK_BEHIND_PROXY: `network.behind-proxy`").says("troupe token create");
    // A wrong passphrase is no signer.
    write(folder, "passphrase", "another passphrase", 0o600);
    troupe(folder, &["serve", "--config", "troupe.toml"], &[]).code(2).complains("the passphrase is wrong");
    assert!(!folder.join("node.age.tmp").exists());
}

#[test]
fn a_key_that_is_not_encrypted_and_one_that_cannot_be_read_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "passphrase", PASSPHRASE, 0o600);
    let new = ["id", "new", "node", "--passphrase-file", "passphrase"];
    troupe(folder, &new, &[]).code(0);
    write(folder, "plain.key", "a key", 0o600);
    let check = |key: &str| {
        let text = format!(
            "profile = \"development\"\n[identity]\nkey = \"{key}\"\npassphrase-file = \"passphrase\"\n"
        );
        write(folder, "troupe.toml", &text, 0o644);
        troupe(folder, &["config", "check", "--config", "troupe.toml"], &[])
    };
    check("node").code(0);
    check("plain.key").code(1).says("plain.key is no encrypted key").says("--secret FILE");
    // The record names a file that is gone.
    let is_key = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "age");
    let mut files = fs::read_dir(folder.join("keys")).unwrap().map(|entry| entry.unwrap().path());
    fs::remove_file(files.find(is_key).unwrap()).unwrap();
    check("node").code(1).says(".age cannot be read: No such file").says("must be able to read its key");
}

#[test]
fn every_setting_says_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "troupe.toml",
        "listen = \"127.0.0.1:1\"\n[node]\nmailbox = 7\nthreads = 2\n",
        0o644,
    );
    let show = ["--json", "config", "show", "--config", "troupe.toml", "--mailbox", "9"];
    let shown = rows(&troupe(folder.path(), &show, &[("TROUPE_NODE_THREADS", "3")]).code(0));
    let of = |key: &str| {
        let (_, row) = shown.iter().find(|(name, _)| name == key).expect("a row");
        (row["value"].as_str().unwrap_or("none").to_owned(), row["from"].as_str().unwrap().to_owned())
    };
    let is = |value: &str, from: &str| (value.to_owned(), from.to_owned());
    assert_eq!(of("network.listen"), is("127.0.0.1:1", "line 1"));
    assert_eq!(of("node.mailbox"), is("9", "--mailbox"));
    assert_eq!(of("node.threads"), is("3", "TROUPE_NODE_THREADS"));
    assert_eq!(of("node.deadline"), is("10s", "default"));
    assert_eq!(of("network.mode"), is("local", "default"));
    assert_eq!(of("storage.path"), is("none", "default"));
    let table = troupe(folder.path(), &["config", "show"], &[]).code(0).says("network.mode").says("local");
    assert!(table.out.contains("FROM"));
    let wrong = troupe(folder.path(), &["config", "show"], &[("TROUPE_NODE_THREADS", "many")]);
    let wrong = wrong.code(2).complains("TROUPE_NODE_THREADS").complains("must be");
    wrong.complains("once all can be read");
}

#[test]
fn the_executor_the_log_and_the_lists_of_a_file_are_shown_with_their_places() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = "[executor]\nas = \"ada\"\nlimits.memory = \"2GiB\"\nlimits.fuel = 7\n[log]\nname = \"node.example\"\n\
                [parameters]\nveto = 3\n[[actor]]\nname = \"counter\"\ncomponent = \"counter.wasm\"\n";
    write(folder, "troupe.toml", text, 0o644);
    fs::copy(crate::node::counter(), folder.join("counter.wasm")).unwrap();
    let witness = "http://127.0.0.1:1=w+f4cb6b6f+BB";
    let show = [
        &["--json", "config", "show", "--config", "troupe.toml", "--can", "gpu", "--ceiling", "fuel=9"][..],
        &["--key-passphrase-file", "p", "--job-price", "4"],
    ];
    let variables = [("TROUPE_EXECUTOR_CAPACITY", "3"), ("TROUPE_LOG_WITNESSES", witness)];
    let shown = rows(&troupe(folder, &show.concat(), &variables).code(0));
    let of = |key: &str| {
        let (_, row) = shown.iter().find(|(name, _)| name == key).expect(key);
        (row["value"].as_str().unwrap_or("none").to_owned(), row["from"].as_str().unwrap().to_owned())
    };
    for (key, value, from) in [
        ("executor.as", "ada", "line 2"),
        ("executor.capabilities", "gpu", "--can"),
        ("executor.capacity", "3", "TROUPE_EXECUTOR_CAPACITY"),
        ("executor.price", "4", "--job-price"),
        ("executor.limits.memory", "2147483648", "line 3"),
        ("executor.limits.fuel", "9", "--ceiling"),
        ("log.name", "node.example", "line 6"),
        ("log.key-passphrase-file", "p", "--key-passphrase-file"),
        ("log.witnesses", witness, "TROUPE_LOG_WITNESSES"),
        ("parameters.veto", "3", "line 8"),
    ] {
        assert_eq!(of(key), (value.to_owned(), from.to_owned()), "{key}");
    }
    let (actor, from) = of("actor.1");
    assert!(actor.starts_with("counter: ") && actor.ends_with("counter.wasm"), "{actor}");
    assert_eq!(from, "line 9");
    // Without an executor its settings are there, and not set.
    let none = rows(&troupe(folder, &["--json", "config", "show"], &[]).code(0));
    let (_, row) = none.iter().find(|(key, _)| key == "executor.capacity").unwrap();
    assert_eq!((&row["value"], &row["from"]), (&Value::Null, &"default".into()));
}

#[test]
fn the_keys_of_every_executor_are_kept_as_the_profile_asks() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "passphrase", PASSPHRASE, 0o600);
    write(folder, "open", PASSPHRASE, 0o644);
    for name in ["node", "ada"] {
        troupe(folder, &["id", "new", name, "--passphrase-file", "passphrase"], &[]).code(0);
    }
    let text = "profile = \"production\"\n[identity]\nkey = \"node\"\npassphrase-file = \"passphrase\"\n\
                [storage]\npath = \"data\"\n[log]\nkey-passphrase-file = \"passphrase\"\n[executor]\n";
    let check = |executor: &str, more: &[&str], variables: &[(&str, &str)]| {
        write(folder, "troupe.toml", &format!("{text}{executor}"), 0o644);
        troupe(folder, &[&["config", "check", "--config", "troupe.toml"], more].concat(), variables)
    };
    let found = check("as = [\"ada\", \"bea\"]\npassphrase-file = \"open\"\n", &[], &[]).code(1);
    let found = found.says("troupe.toml:10:6: `executor.as`: ").says("bea").says("troupe id list");
    found.says("troupe.toml:11:19: `executor.passphrase-file`: others than its owner").says("chmod 600");
    // With nobody there to type it, a passphrase comes from a file or a variable.
    let found = check("as = \"ada\"\n", &[], &[]).code(1).says("`executor.passphrase-file`: nobody is there");
    assert!(!found.out.contains("executor.as"), "{}", found.out);
    check("as = \"ada\"\n", &[], &[("TROUPE_PASSPHRASE", PASSPHRASE)]).code(0);
    check("as = \"ada\"\n", &["--passphrase-file", "passphrase"], &[]).code(0);
    // Nobody is there twice, and there is one file or one for each.
    let twice = ["--execute", "--as", "ada", "--as", "node", "--as", "ada"];
    let files = ["--passphrase-file", "passphrase", "--passphrase-file", "passphrase"];
    let found = troupe(folder, &[&["config", "check"], &twice[..], &files].concat(), &[]).code(1);
    let found = found.says("--as or TROUPE_AS: `executor.as`: `ada` is there twice");
    found.says("--passphrase-file: `executor.passphrase-file`: there are 2 files");
    let many: Vec<_> = (0..17).map(|n| format!("--as=member-{n}")).collect();
    let many: Vec<_> =
        ["config", "check", "--execute"].into_iter().chain(many.iter().map(String::as_str)).collect();
    troupe(folder, &many, &[]).code(1).says("for 17 members, and there may be 16");
    let shown = troupe(folder, &["--json", "config", "show"], &[("TROUPE_EXECUTOR_AS", "ada, bea")]).code(0);
    let shown = rows(&shown);
    let (_, row) = shown.iter().find(|(key, _)| key == "executor.as").unwrap();
    assert_eq!((&row["value"], &row["from"]), (&"ada, bea".into(), &"TROUPE_EXECUTOR_AS".into()));
}

/// Two runs make the same entries: the clock, the keys and the randomness are the test's.
#[test]
fn a_testing_node_is_the_same_each_time_and_leaves_nothing() {
    let heads: Vec<_> = (0..2)
        .map(|_| {
            let folder = tempfile::tempdir().unwrap();
            let node = Node::serve(folder.path(), &["--profile", "testing"]);
            let counter = crate::node::counter();
            node.troupe(&["start", counter.to_str().unwrap(), "--name", "counter"]).code(0);
            node.troupe(&["send", "counter", "{\"add\":1}"]).code(0);
            let head = node.troupe(&["--json", "inspect", "counter"]).code(0).json()["head"].clone();
            assert_eq!(node.stop(), Some(0));
            assert!(!folder.path().join("troupe.store").exists());
            head
        })
        .collect();
    assert!(heads[0].is_string(), "{heads:?}");
    assert_eq!(heads[0], heads[1]);
}
