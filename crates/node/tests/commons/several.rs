//! One node that runs jobs for several members, and jobs that several executors must agree on.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use troupe_commons::jobs::{self, JobResult, Offer};
use troupe_commons::{Act, Id};

use crate::executing::{entries, key, key_under, ok, start_for, submit_slow, write_secret};
use crate::executor::ECHO;
use crate::people::{Node, PASSPHRASE, verify};
use crate::person::{charter, person};

/// How long something may take that should happen by itself.
const PATIENCE: Duration = Duration::from_secs(60);

/// Submits a job that echoes; its id, and what the command warned of.
fn submit(node: &Node, folder: &Path, more: &[&str]) -> (String, String) {
    let at = |name: &str| folder.join(name).display().to_string();
    fs::write(at("echo.wasm"), troupe_testing::module_from_wat(ECHO).unwrap()).unwrap();
    fs::write(at("input"), "the same for all").unwrap();
    let (me, code, input) = (key(folder, 1), at("echo.wasm"), at("input"));
    let job = ["job", "submit", &code, &input, "--price", "10", "--as", &me, "--json"];
    let (code, out, err) = node.run(&[&job[..], more].concat());
    assert_eq!(code, 0, "{out}{err}");
    let submitted: Value = serde_json::from_str(&out).unwrap();
    (submitted["reply"]["jobs"][0].as_str().unwrap().to_owned(), err)
}

fn job(node: &Node, job: &str) -> Value {
    node.get(&format!("/commons/jobs/{job}"))
}

/// Asks until something holds.
#[track_caller]
fn until<T>(mut found: impl FnMut() -> Result<T, String>) -> T {
    let begun = Instant::now();
    loop {
        match found() {
            Ok(found) => return found,
            Err(what) => assert!(begun.elapsed() < PATIENCE, "{what}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn balance(node: &Node, number: u8) -> u64 {
    node.get(&format!("/commons/members/{}", person(number).id))["balance"].as_u64().unwrap()
}

/// All the mana that somebody has is what was issued.
#[track_caller]
fn assert_adds_up(node: &Node, members: u8) {
    let overview = node.get("/commons");
    let sum = |names: &[&str]| names.iter().map(|name| overview[*name].as_u64().unwrap()).sum::<u64>();
    let members: u64 = (1..=members).map(|number| balance(node, number)).sum();
    assert_eq!(sum(&["issued"]), sum(&["fees", "escrow"]) + members, "{overview}");
    assert_eq!(overview["escrow"], 0);
}

fn ids(numbers: &[u8]) -> BTreeSet<String> {
    numbers.iter().map(|number| person(*number).id.to_string()).collect()
}

/// The executors of a settled job, all of whom came to the same; the chain of each.
fn agreed(view: &Value) -> Vec<(String, String)> {
    let slots = view["phase"]["settled"]["slots"].as_array().unwrap_or_else(|| panic!("{view}"));
    let result = |slot: &Value| (slot["result"]["output"].clone(), slot["result"]["fuel"].clone());
    assert!(slots.iter().all(|slot| result(slot) == result(&slots[0])), "{view}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    slots.iter().map(|slot| (text(&slot["executor"]), text(&slot["result"]["chain"]))).collect()
}

#[test]
fn three_executors_of_one_node_agree_and_each_is_paid() {
    let folder = tempfile::tempdir().unwrap();
    let node = start_for(folder.path(), 4, &[2, 3, 4], &[]);
    let executors: Vec<String> = serde_json::from_value(node.get("/commons")["executors"].clone()).unwrap();
    assert_eq!(executors.into_iter().collect::<BTreeSet<_>>(), ids(&[2, 3, 4]));
    let (job_id, warned) = submit(&node, folder.path(), &["--replicas", "3", "--quorum", "3"]);
    assert_eq!(warned, "");
    let watched = ok(&node, &["job", "watch", &job_id]);
    assert!(watched.contains("settled: 3 mana paid, 3 of 3 agree"), "{watched}");
    let shown = ok(&node, &["job", "show", &job_id]);
    assert_eq!(shown.matches("  digest ").count(), 3, "{shown}");
    assert!(shown.contains("3 of 3 executors must agree") && !shown.contains("of this node"), "{shown}");
    let agreed = agreed(&job(&node, &job_id));
    let (who, chains): (BTreeSet<_>, BTreeSet<_>) = agreed.into_iter().unzip();
    assert_eq!((&who, chains.len()), (&ids(&[2, 3, 4]), 3), "each has a chain of its own");
    for executor in who {
        let receipt = folder.path().join(&executor).display().to_string();
        ok(&node, &["job", "receipt", &job_id, "--executor", &executor, "-o", &receipt]);
        let verified: Value = serde_json::from_str(&ok(&node, &["verify", &receipt, "--json"])).unwrap();
        assert_eq!((&verified["verified"], &verified["executor"]), (&json!(true), &json!(executor)));
    }
    let verified = ok(&node, &["verify", &job_id]);
    for executor in ids(&[2, 3, 4]) {
        assert!(verified.contains(&format!("verified {job_id} by {executor}")), "{verified}");
    }
    // One mana each, and one for submitting it.
    assert_eq!([1, 2, 3, 4].map(|number| balance(&node, number)), [996, 1001, 1001, 1001]);
    assert_adds_up(&node, 4);
    let metrics = node.wire().get("/metrics").unwrap().status(200).text().to_owned();
    for line in ["{what=\"bid\"} 3", "{what=\"ran\"} 3", "{what=\"receipt\"} 3"] {
        assert!(metrics.contains(&format!("troupe_executor_total{line}\n")), "{metrics}");
    }
    node.kill();
    verify(folder.path());
}

#[test]
fn after_a_kill_every_executor_of_a_node_goes_on_where_it_was_and_is_paid_once() {
    const INPUTS: u8 = 6;
    let folder = tempfile::tempdir().unwrap();
    let start = || start_for(folder.path(), 4, &[2, 3, 4], &[]);
    let node = start();
    let job_id = submit_slow(&node, folder.path(), INPUTS, &["--replicas", "3", "--quorum", "3"]);
    let before: Vec<(String, Vec<String>)> = until(|| {
        let view = job(&node, &job_id);
        let Some(progress) = view["progress"].as_array() else { return Err(view.to_string()) };
        let begun = progress.iter().filter(|one| one["done"].as_u64() >= Some(1)).count();
        let chain = |one: &Value| one["chain"].as_str().unwrap().to_owned();
        if begun < 3 {
            return Err(view.to_string());
        }
        Ok(progress.iter().map(|one| (chain(one), entries(&node, &chain(one)))).collect())
    });
    node.kill();
    let whole = 2 + usize::from(INPUTS);
    assert!(before.iter().any(|(_, names)| names.len() < whole), "it was killed on the way: {before:?}");
    let node = start();
    let watched = ok(&node, &["job", "watch", &job_id]);
    assert!(watched.contains("3 of 3 agree"), "{watched}");
    let view = job(&node, &job_id);
    let chains: BTreeSet<String> = agreed(&view).into_iter().map(|(_, chain)| chain).collect();
    for (chain, names) in &before {
        let after = entries(&node, chain);
        assert!(chains.contains(chain) && after.starts_with(names), "what was done is as it was");
        assert_eq!(after.len(), whole, "every input was handled once");
    }
    let paid = view["phase"]["settled"]["paid"].as_u64().unwrap();
    assert_eq!([2, 3, 4].map(|number| balance(&node, number)), [1000 + paid / 3; 3]);
    assert_eq!(balance(&node, 1), 1000 - 1 - paid);
    assert_adds_up(&node, 4);
    node.kill();
    verify(folder.path());
}

#[test]
fn a_job_for_more_executors_than_there_are_says_so_holds_nobody_up_and_is_run_once_they_come() {
    let folder = tempfile::tempdir().unwrap();
    // What it submits itself, a member does not run.
    let node = start_for(folder.path(), 4, &[1, 2, 3], &["--capacity", "1"]);
    let of_three = ["--replicas", "3"];
    let (waits, warned) = submit(&node, folder.path(), &of_three);
    let missing = "bids of 3 executors are needed, and this node runs jobs for 2 other members";
    assert!(warned.contains(missing) && warned.contains("troupe job cancel JOB"), "{warned}");
    until(|| match ok(&node, &["job", "show", &waits]) {
        shown if shown.contains("open, with 2 bids of the 3 that it needs") => Ok(()),
        shown => Err(shown),
    });
    // One with too little time is refunded; one for those that there are is run meanwhile.
    let before = balance(&node, 1);
    let (late, _) = submit(&node, folder.path(), &["--replicas", "3", "--deadline", "2s"]);
    let (runs, warned) = submit(&node, folder.path(), &["--replicas", "2"]);
    assert_eq!(warned, "");
    let watched = ok(&node, &["job", "watch", &runs]);
    assert!(watched.contains("settled: 2 mana paid, 2 of 2 agree"), "{watched}");
    let (code, watched, _) = node.run(&["job", "watch", &late]);
    assert!(code == 1 && watched.contains("expired"), "{watched}");
    assert_eq!(before - balance(&node, 1), 2 + 2, "two were submitted, and one was paid");
    // Each says for itself why it does not bid.
    let (needs, _) = submit(&node, folder.path(), &["--replicas", "2", "--needs", "gpu"]);
    let why =
        [2, 3].map(|number| format!("{}: no bid: it asks for the capability `gpu`", person(number).did()));
    until(|| match ok(&node, &["job", "show", &needs]) {
        shown if shown.contains(&why.join("; ")) => Ok(()),
        shown => Err(shown),
    });
    node.kill();
    let node = start_for(folder.path(), 4, &[2, 3, 4], &["--capacity", "1"]);
    let watched = ok(&node, &["job", "watch", &waits]);
    assert!(watched.contains("settled: 3 mana paid, 3 of 3 agree"), "{watched}");
    // All of them say the same of it.
    until(|| match job(&node, &needs)["note"].as_str() {
        Some("no bid: it asks for the capability `gpu`") => Ok(()),
        note => Err(format!("{note:?}")),
    });
}

#[test]
fn who_shows_another_result_than_the_others_is_not_paid() {
    let folder = tempfile::tempdir().unwrap();
    let node = start_for(folder.path(), 4, &[2, 3], &[]);
    let (job_id, _) = submit(&node, folder.path(), &["--replicas", "3"]);
    let id: Id = job_id.parse().unwrap();
    // The third executor is at no node: its member signs what they like.
    let offer = Offer { capabilities: Vec::new(), job: id, latency: 0, memory: 1 << 30, price: 1 };
    node.act(4, Act::Bid(offer));
    let made_up = Id(troupe_chain::Hash::of(b"made up"));
    let result = JobResult {
        chain: made_up,
        entry: made_up,
        error: None,
        from: None,
        fuel: 1,
        output: Some(made_up),
        size: 3,
    };
    let slots = |of: &str| job(&node, &job_id)["phase"][of]["slots"].as_array().cloned().unwrap_or_default();
    until(|| if slots("assigned").is_empty() { Err("not awarded".to_owned()) } else { Ok(()) });
    let digest = jobs::commitment(person(4).id, id, &result, made_up);
    node.act(4, Act::Commit { digest, job: id });
    until(|| match slots("assigned") {
        slots if slots.iter().all(|slot| slot["commitment"].is_string()) => Ok(()),
        slots => Err(format!("{slots:?}")),
    });
    node.act(4, Act::Receipt { job: id, result, salt: Some(made_up) });
    let watched = ok(&node, &["job", "watch", &job_id]);
    assert!(watched.contains("settled: 2 mana paid, 2 of 3 agree"), "{watched}");
    let shown = ok(&node, &["job", "show", &job_id]);
    assert_eq!(shown.matches("is not what the others agree on").count(), 1, "{shown}");
    assert_eq!([1, 2, 3, 4].map(|number| balance(&node, number)), [997, 1001, 1001, 1000]);
    assert_adds_up(&node, 4);
    let (receipt, liar) = (folder.path().join("receipt").display().to_string(), person(4).id.to_string());
    ok(&node, &["job", "receipt", &job_id, "--executor", &liar, "-o", &receipt]);
    for lie in [&receipt, &job_id] {
        let (code, out, err) = node.run(&["verify", lie]);
        assert_ne!(code, 0, "{out}{err}");
    }
}

#[test]
fn each_key_has_its_own_passphrase_and_one_that_was_replaced_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (two, three) = (key(folder.path(), 2), key_under(folder.path(), 3, "of the third"));
    write_secret(&at("second"), PASSPHRASE);
    write_secret(&at("third"), "of the third");
    fs::write(at("charter.json"), serde_json::to_vec(&charter(3, &[])).unwrap()).unwrap();
    let file = "[governance]\ncharter = \"charter.json\"\n[executor]\nas = [\"person-2.age\", \"person-3.age\"]\n\
         passphrase-file = [\"second\", \"third\"]\n";
    fs::write(at("troupe.toml"), file).unwrap();
    let config = at("troupe.toml");
    let node = Node::serve(folder.path(), &[OsStr::new("--config"), config.as_os_str()]);
    let said = || fs::read_to_string(at("stderr")).unwrap();
    let both = format!("executor: runs jobs as {}, {}", person(2).did(), person(3).did());
    assert!(said().contains(&both), "{}", said());
    ok(&node, &["member", "rotate", &key(folder.path(), 5), "--as", &two]);
    let replaced = format!(
        "executor {two}: {} was replaced by {}: nothing is executed",
        person(2).did(),
        person(5).did()
    );
    until(|| if said().contains(&replaced) { Ok(()) } else { Err(said()) });
    assert_eq!(node.get("/commons")["executors"], json!([person(3).id.to_string()]));
    node.kill();
    // A key is there once, whatever its file is called.
    let again = at("again.age").display().to_string();
    fs::copy(&three, &again).unwrap();
    let third = at("third").display().to_string();
    let serve =
        ["serve", "--addr", "127.0.0.1:0", "--store", "memory", "--execute", "--passphrase-file", &third];
    let (code, _, err) = crate::people::troupe(&[&serve[..], &["--as", &three, "--as", &again]].concat());
    let twice = format!("{} is there twice, and a member runs a job once", person(3).did());
    assert!(code == 2 && err.contains(&twice) && err.contains("names each member once"), "{err}");
}
