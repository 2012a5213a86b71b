//! The vectors of `docs/spec/commons.md` are what this crate makes. `TROUPE_BLESS` writes them.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use troupe_commons::governance::{Tally, instant_runoff};
use troupe_commons::jobs::commitment;
use troupe_commons::mana::{Account, Owner, Rates, Segment, price_by_reputation, regenerate};
use troupe_commons::map::{Found, Map};
use troupe_commons::{Act, Id, reputation};

use crate::cooperative::{Cooperative, person, result};
use crate::machine::Live;
use crate::record_proofs::file;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/spec/vectors/commons").join(name)
}

fn check(name: &str, made: &str) {
    if std::env::var_os("TROUPE_BLESS").is_some() {
        fs::create_dir_all(path("")).unwrap();
        fs::write(path(name), made).unwrap();
    }
    assert!(fs::read_to_string(path(name)).unwrap() == made, "{name} is another: see the page and this test");
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn maps() -> Value {
    let mut map = Map::default();
    let of = |map: &Map, key: &str| {
        let proof = map.prove(key.as_bytes());
        let found = match proof.found {
            Found::Value(value) => json!({ "value": String::from_utf8(value).unwrap() }),
            Found::Nothing => json!("nothing"),
            Found::Other { path, value } => json!({ "path": path.to_string(), "value": value.to_string() }),
        };
        let siblings: Vec<String> = proof.siblings.iter().map(ToString::to_string).collect();
        json!({ "found": found, "key": key, "siblings": siblings })
    };
    let mut maps = vec![json!({ "entries": [], "proofs": [of(&map, "a")], "root": map.root().to_string() })];
    let mut entries = Vec::new();
    for size in [1, 2, 3, 20] {
        while entries.len() < size {
            let (key, value) = (format!("key/{}", entries.len()), format!("value {}", entries.len()));
            map.insert(key.as_bytes(), value.clone().into_bytes());
            entries.push(json!({ "key": key, "value": value }));
        }
        let proofs = ["key/0", "key/1", "nowhere", "somewhere", "a", "b", "c", "d"].map(|key| of(&map, key));
        maps.push(json!({ "entries": entries, "proofs": proofs, "root": map.root().to_string() }));
    }
    maps.into()
}

fn signed() -> Value {
    let coop = Cooperative::new(2, &[]);
    let sender = person(1);
    let command = coop.command(&sender, Act::Transfer { amount: 7, to: person(2).id });
    let message = coop.message(&sender, Act::Transfer { amount: 7, to: person(2).id });
    let rotation = troupe_commons::members::rotation_text(coop.chain, sender.id, &person(2).did);
    json!({
        "command": String::from_utf8(troupe_commons::to_bytes(&command)).unwrap(),
        "did": sender.did.to_string(),
        "member": sender.id,
        "message": String::from_utf8(message.to_bytes()).unwrap(),
        "name": Id::of(&command),
        "public": hex(sender.did.as_bytes()),
        "rotation": rotation,
    })
}

fn numbers() -> Value {
    let rates = Rates(vec![
        Segment { from: 0, rate: 100, cap: 1_000 },
        Segment { from: 5_000_000, rate: 7, cap: 12 },
    ]);
    let account = Account { balance: 3, rest: 86_399_000, since: Some(1_000) };
    let regeneration = [1_000, 1_010, 4_999_999, 5_000_001, 86_401_000, 10_000_000_000].map(|at| {
        let now = regenerate(account, at, &rates);
        json!({ "at": at, "balance": now.balance, "rest": now.rest })
    });
    let decay = [0, 1, 7, 44, 365, 1_000]
        .map(|days| json!({ "days": days, "score": reputation::decayed(1_000, days) }));
    let price = [(0, 0, 0), (10, 0, 1_000), (10, 100, 1_000), (10, 9_999, 1_000), (1, 500, 1_000)];
    let price = price.map(|(cost, reputation, each)| {
        json!({ "cost": cost, "each": each, "price": price_by_reputation(cost, reputation, each), "reputation": reputation })
    });
    let options = ["a", "b", "c"].map(String::from);
    let runoff =
        [vec![("a", 2), ("b>c", 2), ("c>b", 1)], vec![("a>b", 1), ("b>a", 1)], vec![("c", 1), ("a>c", 1)]];
    let runoff = runoff.map(|tally| {
        let tally: Tally = tally.into_iter().map(|(choice, count)| (choice.to_owned(), count)).collect();
        json!({ "tally": tally, "winner": instant_runoff(&options, &tally) })
    });
    let salt = Id(troupe_chain::Hash::of(b"salt"));
    let (executor, job) = (person(1).id, person(2).id);
    json!({
        "commitment": {
            "digest": result(5).digest(),
            "executor": executor,
            "is": commitment(executor, job, &result(5), salt),
            "job": job,
            "result": result(5),
            "salt": salt,
        },
        "decay": decay,
        "price": price,
        "regeneration": regeneration,
        "runoff": runoff,
    })
}

#[test]
fn the_vectors_are_what_is_made() {
    let all = json!({ "maps": maps(), "numbers": numbers(), "signed": signed() });
    check("vectors.json", &format!("{}\n", serde_json::to_string_pretty(&all).unwrap()));
}

#[test]
fn the_proofs_are_what_is_made() {
    let live = Live::history();
    check("balance.proof", &file(&live, &Account::key(Owner::Member(person(2).id))).0.to_string());
    check("absent.proof", &file(&live, "account/nobody").0.to_string());
    check("genesis.json", &format!("{}\n", String::from_utf8_lossy(&live.chain.entries[0])));
}

const PAGE: &str = include_str!("../../../../docs/spec/commons.md");

#[test]
fn the_page_has_every_parameter_as_it_is() {
    for row in troupe_commons::parameters::PARAMETERS {
        let bounds = format!("{} to {}", grouped(row.min), grouped(row.max));
        let line = format!(
            "| `{}` | {} | {bounds} | {} | {} |",
            row.name,
            row.unit,
            grouped(row.default),
            row.effect
        );
        assert!(PAGE.contains(&line), "the page lacks {line}");
    }
}

#[test]
fn the_page_has_every_attack_and_every_code() {
    let attacks = include_str!("attacks.rs").split("#[test]\nfn ").skip(1);
    for name in attacks.filter_map(|test| test.split('(').next()) {
        assert!(PAGE.contains(&format!("`{name}`")), "the page lacks {name}");
    }
    for code in troupe_commons::Code::ALL {
        assert!(PAGE.contains(&format!("`{}`", code.as_str())), "the page lacks {}", code.as_str());
    }
}

/// A number with a comma before each three digits.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
