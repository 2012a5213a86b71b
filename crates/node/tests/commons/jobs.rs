//! Jobs as members use them: from the command line, on a node that is killed again and again.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use troupe_commons::Act;
use troupe_commons::jobs::JobSpec;

use crate::executing::{entries, key, ok, start, start_as, start_for, submit_slow};
use crate::executor::ECHO;
use crate::people::{Node, spec, verify};
use crate::random::Random;

/// How often a node with jobs is killed, unless TROUPE_KILLS says otherwise.
const KILLS: u64 = 12;

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
    let (code, out, err) = node.run(&["verify", &at("job.receipt")]);
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
    let shown = ok(&node, &["job", "show", job]);
    assert!(shown.contains("of this node: no bid: its limit `memory`") && shown.contains(says), "{shown}");
    let (code, _, err) = node.run(&["job", "receipt", job]);
    assert!(code == 2 && err.contains("is open and has no receipt"), "{err}");
    let executor = key(folder.path(), 2);
    let (code, _, err) = node.run(&["job", "cancel", job, "--as", &executor]);
    assert!(code == 2 && err.contains("another member"), "{err}");
    ok(&node, &["job", "cancel", job, "--as", &me]);
    let (code, out, _) = node.run(&["job", "watch", job]);
    assert!(code == 1 && out.contains("cancelled"), "{out}");
}

#[test]
fn a_job_that_runs_out_of_time_is_told_to_whoever_submitted_it() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path());
    let at = |name: &str| folder.path().join(name).display().to_string();
    let endless = "(module (memory (export \"memory\") 1)
        (func (export \"run\") (result i64) (loop $again (br $again)) (i64.const 0)))";
    fs::write(at("endless.wasm"), troupe_testing::module_from_wat(endless).unwrap()).unwrap();
    fs::write(at("input"), "{}").unwrap();
    let me = key(folder.path(), 1);
    let limits = ["--limit", "fuel=900000000", "--limit", "time=1", "--price", "900"];
    let submit = ["job", "submit", &at("endless.wasm"), &at("input"), "--as", &me, "--json"];
    let submitted: Value = serde_json::from_str(&ok(&node, &[&submit[..], &limits].concat())).unwrap();
    let job = submitted["reply"]["jobs"][0].as_str().unwrap();
    let begun = Instant::now();
    while node.get(&format!("/commons/jobs/{job}"))["note"] == Value::Null {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(50));
    }
    let shown = ok(&node, &["job", "show", job]);
    assert!(shown.contains("of this node: given back: out of time after 1 ms"), "{shown}");
}

/// Waits until so many inputs of a job were handled; its chain, and the names of the entries that it has.
fn handled(node: &Node, job: &str, least: u64) -> (String, Vec<String>) {
    let begun = Instant::now();
    loop {
        let view = node.get(&format!("/commons/jobs/{job}"));
        let progress = &view["progress"][0];
        if progress["done"].as_u64().is_some_and(|done| done >= least) {
            let chain = progress["chain"].as_str().unwrap().to_owned();
            let names = entries(node, &chain);
            return (chain, names);
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{view}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_job_of_several_messages_goes_on_after_a_kill_where_it_was_and_is_paid_once() {
    const INPUTS: u8 = 12;
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path());
    let job = submit_slow(&node, folder.path(), INPUTS, &[]);
    let (chain, before) = handled(&node, &job, 3);
    node.kill();
    let node = start(folder.path());
    let watched = ok(&node, &["job", "watch", &job]);
    assert!(watched.contains("of 12 inputs") && watched.contains("settled"), "{watched}");
    let after = entries(&node, &chain);
    assert!((5..2 + usize::from(INPUTS)).contains(&before.len()), "it was killed on the way: {before:?}");
    assert_eq!(after.len(), 2 + usize::from(INPUTS), "every input was handled once");
    assert!(after.starts_with(&before), "what was done is as it was");
    let view = node.get(&format!("/commons/jobs/{job}"));
    let settled = &view["phase"]["settled"];
    let result = &settled["slots"][0]["result"];
    assert_eq!(
        (&result["entry"], &result["from"]),
        (&Value::from(after.last().unwrap().as_str()), &Value::Null)
    );
    let output = [&b"null"[..], &[b'+'; INPUTS as usize]].concat();
    assert_eq!(result["output"], troupe_chain::Hash::of(&output).to_string().as_str());
    assert_eq!(view["progress"][0]["done"], INPUTS);
    let id = crate::person::person(2).id;
    let balance = node.get(&format!("/commons/members/{id}"))["balance"].as_u64().unwrap();
    assert_eq!(balance, 1000 + settled["paid"].as_u64().unwrap());
    assert_eq!(node.get("/commons")["escrow"], 0);
    let verified = ok(&node, &["verify", &job]);
    assert!(verified.contains("running the job again leads to what was signed"), "{verified}");
}

#[test]
fn another_executor_goes_on_with_a_job_and_all_of_it_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path());
    let job = submit_slow(&node, folder.path(), 12, &["--term", "5s"]);
    let (first, before) = handled(&node, &job, 3);
    node.kill();
    let node = start_as(folder.path(), 3);
    let watched = ok(&node, &["job", "watch", &job]);
    assert!(watched.contains("settled"), "{watched}");
    // Looking now and then may miss the moment between two executors; the job keeps who tried.
    let shown = ok(&node, &["job", "show", &job]);
    assert!(shown.contains("did not finish it"), "{shown}");
    assert!(shown.contains("of another executor's run") && shown.contains("5s"), "{shown}");
    let all = entries(&node, &first);
    assert!(all.starts_with(&before) && all.len() < 14, "{all:?}");
    let at = folder.path().join("job.receipt").display().to_string();
    ok(&node, &["job", "receipt", &job, "-o", &at]);
    let verified: Value = serde_json::from_str(&ok(&node, &["verify", &at, "--json"])).unwrap();
    assert_eq!((&verified["chains"], &verified["verified"]), (&2.into(), &true.into()), "{verified}");
    assert_eq!(verified["from"], all.last().unwrap().as_str());
    assert!(ok(&node, &["verify", &at]).contains("2 chains were replayed"));
    // What the one before did is part of it: a store without it cannot be believed.
    node.kill();
    verify(folder.path());
}

#[test]
fn a_run_goes_on_at_another_node_from_its_export() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let node = start(here.path());
    let job = submit_slow(&node, here.path(), 3, &[]);
    ok(&node, &["job", "watch", &job]);
    let (chain, names) = handled(&node, &job, 3);
    let car = here.path().join("run.car").display().to_string();
    ok(&node, &["export", &chain, &car]);
    node.kill();
    let node = start_as(there.path(), 3);
    // After the second of three.
    let from = ["--resume", &names[3], "--bundle", &car];
    let job = submit_slow(&node, there.path(), 3, &from);
    ok(&node, &["job", "watch", &job]);
    let view = node.get(&format!("/commons/jobs/{job}"));
    let result = &view["phase"]["settled"]["slots"][0]["result"];
    assert_eq!(result["output"], troupe_chain::Hash::of(b"null+++++").to_string().as_str());
    let (code, _, _) = node.run(&["verify", &chain]);
    assert_eq!(code, 2, "the node did not take on the chain");
    let verified: Value = serde_json::from_str(&ok(&node, &["verify", &job, "--json"])).unwrap();
    assert_eq!((&verified["chains"], &verified["verified"]), (&2.into(), &true.into()), "{verified}");
    // An entry that is not in it, a chain that cost more than the job may, and what is no bundle, are told.
    let told = |from: &[&str], inputs: u8, says: &str| {
        let job = submit_slow(&node, there.path(), inputs, from);
        let begun = Instant::now();
        while !fs::read_to_string(there.path().join("stderr")).unwrap().contains(says) {
            assert!(begun.elapsed() < Duration::from_secs(30), "{says}");
            std::thread::sleep(Duration::from_millis(50));
        }
        ok(&node, &["job", "cancel", &job, "--as", &key(there.path(), 1)]);
    };
    told(&["--resume", &job, "--bundle", &car], 3, "it has no entry");
    told(&["--resume", &names[3], "--bundle", &car], 1, "more than the 45000000 of the job");
    told(
        &["--resume", &names[3], "--bundle", &car, "--limit", "memory=65536"],
        3,
        "its limit `memory` is not",
    );
    let other = here.path().join("charter.json").display().to_string();
    told(&["--resume", &names[3], "--bundle", &other], 1, "no bid: the bundle: ");
}

#[test]
fn what_members_refuse_to_run_is_told_to_whoever_submits_it() {
    use troupe_commons::governance::{Action, Motion};
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path());
    let at = |name: &str| folder.path().join(name).display().to_string();
    fs::write(at("echo.wasm"), troupe_testing::module_from_wat(ECHO).unwrap()).unwrap();
    fs::write(at("input"), "input").unwrap();
    let me = key(folder.path(), 1);
    let submit = |more: &[&str]| {
        let arguments = ["job", "submit", &at("echo.wasm"), &at("input"), "--as", &me];
        node.run(&[&arguments[..], more].concat())
    };
    let refused = |more: &[&str], says: &str| {
        let (code, out, err) = submit(more);
        assert!(code == 2 && err.contains(says), "{says}: {code} {out}{err}");
    };
    let decide = |action: Action| {
        let motion = Motion {
            action,
            duration: 1_000,
            options: Vec::new(),
            quorum: 500_000,
            text: None,
            threshold: 500_000,
        };
        let reply = node.act(2, Act::Propose(motion));
        let proposal = reply["proposal"].as_str().unwrap().parse().unwrap();
        node.act(2, Act::Open { proposal });
        for member in [2, 3] {
            node.act(member, Act::Ballot { choice: vec!["yes".into()], members: Vec::new(), proposal });
        }
        let begun = Instant::now();
        while !node.get(&format!("/commons/proposals/{proposal}"))["stage"]["executed"].is_object() {
            assert!(begun.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let component = troupe_commons::Id(troupe_chain::Hash::of(&fs::read(at("echo.wasm")).unwrap()));
    decide(Action::Ban { component });
    refused(&[], "the members have banned the component");
    decide(Action::Unban { component });
    let parameter = |name: &str, value| Action::Parameter { effective: None, name: name.into(), value };
    decide(parameter("job-fuel-max", 2_000_000));
    refused(&["--limit", "fuel=2000001"], "would be 2000001, and the parameter `job-fuel-max` is 2000000");
    decide(parameter("jobs-open-max", 0));
    refused(&[], "would be 1, and the parameter `jobs-open-max` is 0");
    decide(parameter("jobs-open-max", 10));
    decide(Action::Pause { member: crate::person::person(1).id });
    refused(&[], "the member is not active");
}

#[test]
fn jobs_survive_kills_at_any_time_and_are_paid_once() {
    assert_survive_kills(&[2]);
}

#[test]
fn jobs_that_several_agree_on_survive_kills_at_any_time_and_each_is_paid_once() {
    assert_survive_kills(&[2, 3, 4]);
}

/// Has a node killed now and then while it runs jobs, each for all of these members.
fn assert_survive_kills(executors: &[u8]) {
    let kills = std::env::var("TROUPE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let folder = tempfile::tempdir().unwrap();
    let replicas = executors.len() as u64;
    let start = || start_for(folder.path(), 4, executors, &[]);
    let mut random = Random(Random::seed("TROUPE_SEED"));
    let mut submitted: Vec<String> = Vec::new();
    let mut node = start();
    let put = |node: &Node, bytes: &[u8]| {
        let answer = node.wire().ask("POST", "/dag", "", bytes).unwrap().status(201).json();
        answer["hash"].as_str().unwrap().parse().unwrap()
    };
    let component = put(&node, &troupe_testing::module_from_wat(ECHO).unwrap());
    for round in 0..kills {
        let input = put(&node, format!("input {round}").as_bytes());
        let spec = JobSpec { price: 5, quorum: replicas, replicas, ..spec(component, input) };
        let reply = node.act(1, Act::Submit { jobs: vec![spec] });
        submitted.push(reply["jobs"][0].as_str().unwrap().to_owned());
        std::thread::sleep(Duration::from_millis(random.below(900)));
        node.kill();
        node = start();
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
        let output = troupe_chain::Hash::of(format!("input {round}").as_bytes()).to_string();
        let slots = settled["slots"].as_array().unwrap();
        assert_eq!(slots.len(), executors.len());
        for result in slots.iter().map(|slot| &slot["result"]) {
            assert_eq!(result["output"], output.as_str());
            let run = node.get(&format!("/actors/{}", result["chain"].as_str().unwrap()));
            assert_eq!(run["seq"], 2, "it ran once");
        }
        paid += settled["paid"].as_u64().unwrap();
    }
    let count = submitted.len() as u64;
    assert_eq!(paid, count * replicas);
    let balance = |number: u8| {
        let id = crate::person::person(number).id;
        node.get(&format!("/commons/members/{id}"))["balance"].as_u64().unwrap()
    };
    // Nothing else moved but what was paid and the fees.
    assert!(executors.iter().all(|executor| balance(*executor) == 1000 + count));
    assert_eq!(balance(1), 1000 - paid - count);
    assert_eq!(node.get("/commons")["escrow"], 0);
    node.kill();
    verify(folder.path());
}
