//! Jobs as members use them: from the command line, on a node that is killed again and again.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use troupe_commons::Act;
use troupe_commons::jobs::JobSpec;
use troupe_identity::{FileSigner, Passphrase, SecretKey};

use crate::executor::ECHO;
use crate::people::{Node, cache, verify};
use crate::person::{charter, now};
use crate::random::Random;

const PASSPHRASE: &str = "in a test";
/// How often a node with jobs is killed, unless TROUPE_KILLS says otherwise.
const KILLS: u64 = 12;

fn key(folder: &Path, number: u8) -> String {
    let path = folder.join(format!("person-{number}.age"));
    if !path.exists() {
        let passphrase = Passphrase::new(PASSPHRASE.into());
        FileSigner::create(path.clone(), SecretKey::from_seed(&[number; 32]), &passphrase, 2).unwrap();
    }
    path.display().to_string()
}

/// A node whose second member runs jobs.
fn start(folder: &Path) -> Node {
    let (charter_file, executor) = (folder.join("charter.json"), key(folder, 2));
    let parameters = [("bid-window", 200), ("challenge-window", 0)];
    fs::write(&charter_file, serde_json::to_vec(&charter(3, &parameters)).unwrap()).unwrap();
    fs::write(folder.join("passphrase"), PASSPHRASE).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(folder.join("passphrase"), private).unwrap();
    let passphrase = folder.join("passphrase");
    Node::serve(
        folder,
        &[
            "--charter".as_ref(),
            charter_file.as_os_str(),
            "--execute".as_ref(),
            "--as".as_ref(),
            executor.as_ref(),
            "--passphrase-file".as_ref(),
            passphrase.as_os_str(),
        ],
    )
}

fn run(node: &Node, arguments: &[&str]) -> (i32, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_troupe"));
    command.args(arguments).stdin(std::process::Stdio::null()).env("XDG_CACHE_HOME", cache());
    command.env("TROUPE_NODE", format!("http://{}", node.addr)).env("TROUPE_PASSPHRASE", PASSPHRASE);
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[track_caller]
fn ok(node: &Node, arguments: &[&str]) -> String {
    let (code, out, err) = run(node, arguments);
    assert_eq!(code, 0, "{arguments:?}: {out}{err}");
    out
}

#[test]
fn a_member_submits_jobs_watches_them_and_replays_their_receipts() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path());
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(at("echo.wasm"), troupe_testing::module_from_wat(ECHO).unwrap()).unwrap();
    fs::write(at("a"), "first").unwrap();
    fs::write(at("b"), "second").unwrap();
    let me = key(folder.path(), 1);
    let submitted = ok(
        &node,
        &["job", "submit", &at("echo.wasm"), &at("a"), &at("b"), "--price", "10", "--as", &me, "--json"],
    );
    let submitted: Value = serde_json::from_str(&submitted).unwrap();
    let [first, second] = &submitted["reply"]["jobs"].as_array().unwrap()[..] else { panic!("{submitted}") };
    let (first, second) = (first.as_str().unwrap(), second.as_str().unwrap());
    let watched = ok(&node, &["job", "watch", first]);
    assert!(watched.contains("settled: 1 mana paid") && watched.contains("output"), "{watched}");
    ok(&node, &["job", "watch", second]);
    let shown: Value = serde_json::from_str(&ok(&node, &["job", "show", second, "--json"])).unwrap();
    let output = shown["phase"]["settled"]["slots"][0]["result"]["output"].as_str().unwrap().to_owned();
    assert_eq!(ok(&node, &["dag", "get", &output]), "second");
    let listed = ok(&node, &["job", "list", "--phase", "settled"]);
    assert!(listed.contains(first) && listed.contains(second), "{listed}");
    ok(&node, &["job", "receipt", first, "-o", &at("job.receipt")]);
    for receipt in [at("job.receipt"), first.to_owned()] {
        let verified = ok(&node, &["verify", &receipt]);
        assert!(verified.contains("running the job again leads to what was signed"), "{verified}");
    }
    let changed =
        fs::read_to_string(at("job.receipt")).unwrap().replacen("\"fuel\":1000000", "\"fuel\":2000000", 1);
    fs::write(at("job.receipt"), changed).unwrap();
    let (code, out, err) = run(&node, &["verify", &at("job.receipt")]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.contains("other limits than the job"), "{out}{err}");
}

#[test]
fn what_cannot_be_run_is_refused_cancelled_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path());
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(at("echo.wasm"), troupe_testing::module_from_wat(ECHO).unwrap()).unwrap();
    let me = key(folder.path(), 1);
    let submit = ["job", "submit", &at("echo.wasm"), &at("echo.wasm"), "--limit", "memory=3GiB", "--as", &me];
    let submitted: Value = serde_json::from_str(&ok(&node, &[&submit[..], &["--json"]].concat())).unwrap();
    let job = submitted["reply"]["jobs"][0].as_str().unwrap();
    let begun = Instant::now();
    let says = "this executor goes up to 1073741824";
    while !fs::read_to_string(folder.path().join("stderr")).unwrap().contains(says) {
        assert!(begun.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(50));
    }
    let (code, _, err) = run(&node, &["job", "receipt", job]);
    assert!(code == 2 && err.contains("is open and has no receipt"), "{err}");
    let executor = key(folder.path(), 2);
    let (code, _, err) = run(&node, &["job", "cancel", job, "--as", &executor]);
    assert!(code == 2 && err.contains("another member"), "{err}");
    ok(&node, &["job", "cancel", job, "--as", &me]);
    let (code, out, _) = run(&node, &["job", "watch", job]);
    assert!(code == 1 && out.contains("cancelled"), "{out}");
}

#[test]
fn jobs_survive_kills_at_any_time_and_are_paid_once() {
    let kills = std::env::var("TROUPE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(Random::seed("TROUPE_SEED"));
    let mut submitted: Vec<String> = Vec::new();
    let mut node = start(folder.path());
    let put = |node: &Node, bytes: &[u8]| {
        let answer = node.wire().ask("POST", "/dag", "", bytes).unwrap().status(201).json();
        answer["hash"].as_str().unwrap().parse().unwrap()
    };
    let component = put(&node, &troupe_testing::module_from_wat(ECHO).unwrap());
    for round in 0..kills {
        let input = put(&node, format!("input {round}").as_bytes());
        let spec = JobSpec {
            capabilities: Vec::new(),
            component,
            deadline: now() + 600_000,
            input,
            limits: [("fuel".to_owned(), 1_000_000)].into(),
            price: 5,
            quorum: 1,
            replicas: 1,
            reputation: None,
            resume: None,
            scope: None,
        };
        let reply = node.act(1, Act::Submit { jobs: vec![spec] });
        submitted.push(reply["jobs"][0].as_str().unwrap().to_owned());
        std::thread::sleep(Duration::from_millis(random.below(900)));
        node.kill();
        node = start(folder.path());
    }
    let begun = Instant::now();
    let mut paid = 0;
    for (round, job) in submitted.iter().enumerate() {
        let settled = loop {
            let view = node.get(&format!("/commons/jobs/{job}"));
            if view["phase"]["settled"].is_object() {
                break view["phase"]["settled"].clone();
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "{view}");
            std::thread::sleep(Duration::from_millis(50));
        };
        let result = &settled["slots"][0]["result"];
        let output = troupe_chain::Hash::of(format!("input {round}").as_bytes()).to_string();
        assert_eq!(result["output"], output.as_str());
        let run = node.get(&format!("/actors/{}", result["chain"].as_str().unwrap()));
        assert_eq!(run["seq"], 2, "it ran once");
        paid += settled["paid"].as_u64().unwrap();
    }
    let count = submitted.len() as u64;
    assert_eq!(paid, count);
    let balance = |number: u8| {
        let id = crate::person::person(number).id;
        node.get(&format!("/commons/members/{id}"))["balance"].as_u64().unwrap()
    };
    // Balances of a thousand do not regenerate beyond the cap, so nothing else moved but what was paid and the fees.
    assert!(balance(2) >= 1000 + paid && balance(1) >= 1000 - paid - count);
    assert_eq!(node.get("/commons")["escrow"], 0);
    node.kill();
    verify(folder.path());
}
