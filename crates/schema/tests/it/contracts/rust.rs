//! What is generated is committed here and compiled with these tests, over the parts of the SDK that it uses.
//!
//! `TROUPE_ACCEPT=1 cargo nextest run -p troupe-schema contracts` writes it anew.

use serde::de::DeserializeOwned;
use serde_json::Value;
use troupe_schema::contracts::Language;

use super::{Case, MIXED, NUMBERS, STOCK, Sample};
use crate::troupe_actor::Reason;

#[allow(dead_code, unreachable_pub, reason = "an actor uses what it needs")]
mod stock {
    use crate::troupe_actor;
    include!("stock.rs.generated");
}

#[allow(dead_code, unreachable_pub, reason = "an actor uses what it needs")]
mod mixed {
    use crate::troupe_actor;
    include!("mixed.rs.generated");
}

#[allow(dead_code, unreachable_pub, reason = "an actor uses what it needs")]
mod numbers {
    use crate::troupe_actor;
    include!("numbers.rs.generated");
}

#[test]
fn what_is_committed_is_what_is_generated() {
    for sample in [STOCK, MIXED, NUMBERS] {
        let name = format!("tests/it/contracts/{}.rs.generated", sample.name);
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(&name);
        let code = sample.code(Language::Rust, "rust");
        if std::env::var_os("TROUPE_ACCEPT").is_some() {
            std::fs::write(&path, &code).unwrap();
        }
        assert!(std::fs::read_to_string(&path).unwrap() == code, "{name} is not what is generated");
    }
}

#[test]
fn rust_decides_as_the_schema_does() {
    decides(&STOCK, |case| match case.part {
        "message" => read(case, stock::check_message),
        "state" => read(case, stock::check_state),
        _ => read(case, stock::check_config),
    });
    decides(&MIXED, |case| match case.part {
        "message" => read(case, mixed::check_message),
        "state" => read(case, mixed::check_state),
        "reply" => read(case, mixed::check_reply),
        _ => read(case, mixed::check_config),
    });
    decides(&NUMBERS, |case| match case.part {
        "message" => read(case, numbers::check_message),
        "state" => read(case, numbers::check_state),
        _ => read(case, numbers::check_config),
    });
}

#[test]
fn what_is_read_is_written_again() {
    let mut seen = 0;
    for case in STOCK.cases().iter().filter(|case| case.fits && case.part == "state") {
        let state: stock::State = serde_json::from_value(case.value.clone()).unwrap();
        assert_eq!(serde_json::to_value(&state).unwrap(), case.value);
        seen += 1;
    }
    assert!(seen > 100);
}

#[test]
fn a_refusal_names_the_path() {
    let message = serde_json::json!({"add": {"item": "nut", "n": 0}});
    let read = serde_json::from_value(message).unwrap();
    let refused = stock::check_message(&read).unwrap_err();
    assert_eq!(refused.as_str(), "add.n: is less than 1");
}

#[test]
fn the_description_is_that_of_the_file() {
    let said: Value = serde_json::from_str(&stock::describe().to_json()).unwrap();
    assert_eq!(said, serde_json::from_str::<Value>(STOCK.text).unwrap());
}

fn decides(sample: &Sample, decide: impl Fn(&Case) -> Result<(), Reason>) {
    let cases = sample.cases();
    let decided: Vec<_> =
        cases.iter().map(|case| decide(case).map_err(|reason| reason.as_str().to_owned())).collect();
    sample.compare(&cases, decided.into_iter());
}

/// Reads a value as the SDK does, and checks it.
fn read<T: DeserializeOwned>(case: &Case, check: fn(&T) -> Result<(), Reason>) -> Result<(), Reason> {
    check(&serde_json::from_str(&case.value.to_string())?)
}
