//! A cooperative as its members use it: real keys in files, real processes, and a node that is believed in nothing.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;
use troupe_identity::{FileSigner, Passphrase, SecretKey};

use crate::people::{Node, PASSPHRASE};
use crate::person::{charter, person};

/// So little work that tests are quick.
const WORK: u8 = 2;

/// A node with a commons of three, and the key files of persons.
struct Harbour {
    folder: tempfile::TempDir,
    node: Node,
}

impl Harbour {
    fn begin(parameters: &[(&str, u64)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=5 {
            let key = SecretKey::from_seed(&[number; 32]);
            let passphrase = Passphrase::new(PASSPHRASE.into());
            FileSigner::create(Self::key(folder.path(), number), key, &passphrase, WORK).unwrap();
        }
        let node = Node::start(folder.path(), &charter(3, parameters));
        Self { folder, node }
    }

    fn key(folder: &Path, number: u8) -> PathBuf {
        folder.join(format!("person-{number}.age"))
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        self.node.run(arguments)
    }

    /// What a command prints as JSON, which must do what it is asked for.
    #[track_caller]
    fn ask(&self, arguments: &[&str]) -> Value {
        let (code, out, err) = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
        serde_json::from_str(out.lines().next().unwrap_or("null")).unwrap()
    }

    /// As [`ask`](Self::ask), signed by a person.
    #[track_caller]
    fn act(&self, number: u8, arguments: &[&str]) -> Value {
        let key = Self::key(self.folder.path(), number).display().to_string();
        self.ask(&[arguments, &["--as", &key]].concat())
    }

    /// A command of a person that must be refused; what it says.
    #[track_caller]
    fn refused(&self, number: u8, arguments: &[&str]) -> String {
        let key = Self::key(self.folder.path(), number).display().to_string();
        let (code, out, err) = self.run(&[arguments, &["--as", &key]].concat());
        assert_eq!(code, 2, "{arguments:?}: {out}{err}");
        err
    }

    fn balance(&self, number: u8) -> u64 {
        self.ask(&["mana", "balance", &person(number).did()])["balance"].as_u64().unwrap()
    }

    fn wait(&self, proposal: &str, stage: &str) {
        let begun = Instant::now();
        loop {
            let shown = self.ask(&["proposal", "show", proposal]);
            if shown["stage"][stage].is_object() {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(90), "{shown}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// A core module with so many globals, and nothing else.
fn module_with_globals(count: u8) -> Vec<u8> {
    let content = [&[count][..], &[0x7f, 0, 0x41, 0, 0x0b].repeat(count.into())].concat();
    let size = u16::try_from(content.len()).unwrap();
    let section = [6, (size & 0x7f) as u8 | 0x80, (size >> 7) as u8];
    [&b"\0asm\x01\0\0\0"[..], &section, &content].concat()
}

#[test]
fn what_no_executor_could_run_is_refused_before_it_is_submitted() {
    let harbour = Harbour::begin(&[]);
    std::fs::write(harbour.path("a.wasm"), module_with_globals(101)).unwrap();
    std::fs::write(harbour.path("input"), "{}").unwrap();
    let (code, input) = (harbour.path("a.wasm"), harbour.path("input"));
    let job = |limit| ["job", "submit", &code, &input, "--limit", limit];
    let beyond = harbour.refused(1, &job("fuel=1000"));
    assert!(beyond.contains("needs 101 from the start, the limit `globals` is 100"), "{beyond}");
    assert!(beyond.contains("--limit globals=101"), "{beyond}");
    let large = harbour.refused(1, &job("component=100"));
    assert!(
        large.contains("the limit `component` is 100") && large.contains("--limit component="),
        "{large}"
    );
    let unknown = harbour.refused(1, &job("patience=1"));
    assert!(unknown.contains("there is no limit `patience`"), "{unknown}");
    let absurd = harbour.refused(1, &job("stack=1"));
    assert!(absurd.contains("`stack` is 1, but must be from"), "{absurd}");
    // Nothing was given to the node, and nothing was held.
    assert_eq!(harbour.ask(&["dag", "ls"]), Value::Null);
    assert_eq!(harbour.act(1, &job("globals=101"))["reply"]["jobs"].as_array().unwrap().len(), 1);
}

#[test]
fn mana_is_given_held_posted_voided_and_proved() {
    let harbour = Harbour::begin(&[("mana-rate", 0)]);
    let [two, three] = [2, 3].map(|number| person(number).did());
    let given = harbour.act(1, &["mana", "transfer", "20", &two]);
    assert_eq!(given["number"], 1);
    assert_eq!((harbour.balance(1), harbour.balance(2)), (980, 1020));
    let err = harbour.refused(1, &["mana", "transfer", "5000", &two]);
    assert!(err.contains("mana: 5000 mana is needed, and there is 980"), "{err}");
    let err = harbour.refused(5, &["mana", "transfer", "1", &two]);
    assert!(err.contains("no member"), "{err}");

    let hold = |amount: &str| {
        let held = harbour.act(1, &["mana", "hold", amount, &two, "--arbiter", &three, "--lasts", "1h"]);
        held["reply"]["hold"].as_str().unwrap().to_owned()
    };
    let (posted, voided) = (hold("50"), hold("7"));
    assert_eq!(harbour.balance(1), 923);
    let err = harbour.refused(2, &["mana", "post", &posted, "30"]);
    assert!(err.contains("not-allowed"), "{err}");
    harbour.act(3, &["mana", "post", &posted, "30"]);
    harbour.act(3, &["mana", "void", &voided]);
    assert_eq!((harbour.balance(1), harbour.balance(2)), (950, 1050));

    let file = harbour.path("balance.proof");
    let proved = harbour.ask(&["mana", "prove", &two, "--output", &file]);
    assert_eq!(proved["record"]["balance"], 1050);
    let key = proved["key"].as_str().unwrap();
    let verified = harbour.ask(&["verify-proof", &file, "--key", key]);
    assert_eq!((&verified["verified"], &verified["record"]["balance"]), (&true.into(), &1050.into()));
    assert_eq!(harbour.run(&["verify-proof", &file]).0, 2, "nobody said whose key it is");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("\"balance\":1050", "\"balance\":9050")).unwrap();
    let (code, out, _) = harbour.run(&["verify-proof", &file, "--key", key]);
    assert!(code == 1 && out.contains("FALSE"), "{out}");
}

#[test]
fn a_vote_changes_a_parameter_and_anybody_counts_it_again() {
    let harbour = Harbour::begin(&[("mana-rate", 0), ("voting-min", 1000), ("timelock", 0)]);
    let proposed = harbour.act(2, &["propose", "parameter", "mana-cap", "5000", "--lasts", "12s"]);
    let proposal = proposed["reply"]["proposal"].as_str().unwrap().to_owned();
    harbour.act(1, &["vote", &proposal, "yes"]);
    harbour.act(3, &["vote", &proposal, "no"]);
    harbour.act(3, &["vote", &proposal, "yes"]);
    let err = harbour.refused(2, &["vote", &proposal, "perhaps"]);
    assert!(err.contains("bounds"), "{err}");
    let shown = harbour.ask(&["proposal", "show", &proposal]);
    assert_eq!((&shown["tally"]["yes"], &shown["tally"]["no"]), (&2.into(), &Value::Null));
    assert_eq!(shown["ballots"].as_array().unwrap().len(), 2);
    harbour.wait(&proposal, "executed");
    assert_eq!(harbour.ask(&["commons", "parameters", "mana-cap"])["value"], 5000);
    assert_eq!(harbour.act(2, &["execute", &proposal])["now"], "executed");

    let live = harbour.ask(&["tally", &proposal]);
    assert_eq!((&live["same"], &live["tally"]["yes"]), (&true.into(), &2.into()));
    assert_eq!((&live["result"], &live["electorate"]), (&"passes".into(), &3.into()));
    let bundle = harbour.path("commons.car");
    harbour.ask(&["export", "commons", &bundle]);
    let offline = harbour.ask(&["tally", &proposal, "--from", &bundle]);
    assert_eq!((&offline["tally"], &offline["head"]), (&live["tally"], &live["head"]));

    // What is shown of one entry is run again from the beginning.
    let shown = harbour.ask(&["diff", "commons", "4"]);
    assert_eq!((&shown["same"], &shown["run"]), (&true.into(), &true.into()), "{shown}");
    assert_eq!(harbour.ask(&["state", "commons", "--at", "3"])["state"]["v"], 1);

    // A changed ballot is found: nobody signed it.
    let bytes = std::fs::read(&bundle).unwrap();
    let needle = b"\"choice\":[\"yes\"]";
    let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    let mut forged = bytes;
    forged[at..at + needle.len()].copy_from_slice(b"\"choice\":[\"nay\"]");
    std::fs::write(&bundle, forged).unwrap();
    assert_eq!(harbour.run(&["tally", &proposal, "--from", &bundle]).0, 1);
}

#[test]
fn members_are_admitted_join_delegate_change_keys_and_are_recovered() {
    let harbour = Harbour::begin(&[("voting-min", 1000), ("timelock", 0), ("quorum-floor", 1)]);
    let did = |number: u8| person(number).did();
    let proposed = harbour.act(1, &["propose", "admit", &did(4), "--lasts", "6s"]);
    let proposal = proposed["reply"]["proposal"].as_str().unwrap().to_owned();
    harbour.act(1, &["vote", &proposal, "yes"]);
    harbour.wait(&proposal, "executed");
    let err = harbour.refused(4, &["mana", "transfer", "1", &did(1)]);
    assert!(err.contains("not-active") && err.contains("troupe member join"), "{err}");
    harbour.act(4, &["member", "join"]);
    assert_eq!(harbour.ask(&["member", "show", &did(4)])["status"], "active");

    harbour.act(4, &["delegate", &did(1)]);
    let proposed =
        harbour.act(1, &["propose", "text", "--option", "red", "--option", "blue", "--lasts", "1h"]);
    let proposal = proposed["reply"]["proposal"].as_str().unwrap().to_owned();
    harbour.act(1, &["vote", &proposal, "blue", "red", "--for", &did(4)]);
    assert_eq!(harbour.ask(&["proposal", "show", &proposal])["tally"]["blue>red"], 2);

    // The fifth key takes the place of the second; mana and id stay.
    let before = harbour.ask(&["member", "show", &did(2)]);
    let next = Harbour::key(harbour.folder.path(), 5).display().to_string();
    harbour.act(2, &["member", "rotate", &next]);
    let after = harbour.ask(&["member", "show", &did(5)]);
    assert_eq!((&after["id"], after["did"].as_str()), (&before["id"], Some(&*did(5))));
    let err = harbour.refused(2, &["mana", "transfer", "1", &did(1)]);
    assert!(err.contains("unknown-key"), "{err}");

    harbour.act(3, &["member", "recovery", &did(1), &did(5), "--quorum", "2"]);
    let lost = person(9).did();
    harbour.act(1, &["member", "recover", &did(3), &lost]);
    let done = harbour.act(5, &["member", "recover", &did(3), &lost]);
    assert_eq!(done["reply"]["now"], "replaced");
    assert_eq!(harbour.ask(&["member", "show", &did(3)])["did"], lost);
    harbour.act(4, &["trust", "set", &did(1), "full"]);
    let shown = harbour.ask(&["trust", "show", &did(4), &did(1), "--context", "governance"]);
    assert_eq!(shown["level"], "partial");
    harbour.act(4, &["member", "leave"]);
    let members = harbour.run(&["commons", "members"]).1;
    assert!(members.contains("removed") && members.contains(&lost), "{members}");
}

#[test]
fn nothing_is_signed_for_another_commons_or_without_a_key() {
    let harbour = Harbour::begin(&[]);
    let other = "0".repeat(64);
    let key = Harbour::key(harbour.folder.path(), 1).display().to_string();
    let two = person(2).did();
    let (code, _, err) = harbour.run(&["mana", "transfer", "1", &two, "--as", &key, "--chain", &other]);
    assert!(code == 1 && err.contains("nothing was signed"), "{err}");
    let (code, _, err) = harbour.run(&["mana", "transfer", "1", &two]);
    assert!(code == 2 && err.contains("--as"), "{err}");
    let (code, _, err) = harbour.run(&["mana", "transfer", "1", &two, "--as", &key, "--valid", "8days"]);
    assert!(code == 2 && err.contains("7 days"), "{err}");
    assert_eq!(harbour.node.get("/commons")["seq"], 1);
}

#[test]
fn the_demo_of_a_commons_verifies_and_what_it_keeps_can_be_checked() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept").display().to_string();
    let (code, out, err) = crate::people::troupe(&["demo", "commons", "--keep", &kept, "--json"]);
    assert_eq!(code, 0, "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&report["verified"], &report["balance"]), (&true.into(), &610.into()));
    assert_eq!(report["tally"], serde_json::json!({"no":1,"yes":2}));
    let (code, out, _) = crate::people::troupe(&["verify", &format!("{kept}/commons.store"), "--json"]);
    let verified: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    let chains = verified["chains"].as_array().unwrap();
    let heads: Vec<_> =
        chains.iter().filter(|chain| chain["name"] == "commons").map(|chain| &chain["head"]).collect();
    assert_eq!(
        (code, heads, chains.len()),
        (0, vec![&report["head"]], 2),
        "the commons and the job's run: {out}"
    );
    let (code, out, _) = crate::people::troupe(&["verify-proof", &format!("{kept}/balance.proof"), "--json"]);
    assert!(code == 2 && out.contains("\"balance\":610"), "{out}");
}

#[test]
fn an_actor_that_members_govern_is_upgraded_only_as_they_permit() {
    let harbour = Harbour::begin(&[("voting-min", 1000), ("timelock", 0), ("quorum-floor", 1)]);
    let actors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../actors");
    let counter = actors.join("counter/counter.wasm").display().to_string();
    let begun = harbour.ask(&["start", &counter, "--name", "counter", "--governed"]);
    let (id, component) = (begun["actor"].as_str().unwrap(), begun["component"].as_str().unwrap());
    let upgrade = ["upgrade", "counter", "--limit", "fuel=50000000"];
    let (code, _, err) = harbour.run(&upgrade);
    assert!(code == 2 && err.contains(&format!("troupe propose upgrade {id} {component}")), "{err}");
    let proposed = harbour.act(1, &["propose", "upgrade", id, component, "--lasts", "6s"]);
    let proposal = proposed["reply"]["proposal"].as_str().unwrap().to_owned();
    harbour.act(2, &["vote", &proposal, "yes"]);
    harbour.wait(&proposal, "executed");
    harbour.ask(&upgrade);
    let (code, out, _) = harbour.run(&["verify", &harbour.path("store")]);
    assert_ne!(code, 1, "{out}");
    // One whose upgrades nobody decides on is upgraded by whoever manages the node.
    harbour.ask(&["start", &counter, "--name", "free"]);
    harbour.ask(&["upgrade", "free", "--limit", "fuel=50000000"]);
}
