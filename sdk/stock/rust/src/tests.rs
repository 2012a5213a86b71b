//! The rules, on this machine.

use serde_json::{Value, json};
use troupe_actor::testing::{Effect, Harness};
use troupe_actor::{EffectId, Level};

use crate::stock::Stock;

fn stock(config: Value) -> Harness<Stock> {
    Harness::new(&config).expect("a configuration")
}

#[test]
fn what_is_taken_is_gone_and_what_runs_low_is_told() {
    let mut stock = stock(json!({"alert": "desk", "low": 3}));
    assert_eq!(stock.tell(&json!({"add": {"item": "nut", "n": 5}})).reply(), r#"{"item":"nut","n":5}"#);
    let taken = stock.tell(&json!({"take": {"item": "nut", "n": 3}}));
    assert_eq!(taken.reply(), r#"{"item":"nut","n":2}"#);
    let alert = Effect::Send { to: "desk".into(), message: r#"{"item":"nut","low":2}"#.into() };
    assert_eq!(taken.effects, [alert]);
    assert_eq!(taken.log, [(Level::Debug, "take".into())]);
    assert_eq!(stock.tell(&json!({"take": {"item": "nut", "n": 3}})).refused(), "only 2 of nut");
    let _ = stock.tell(&json!({"take": {"item": "nut", "n": 2}}));
    assert_eq!(stock.state(), r#"{"alert":"desk","items":{},"low":3,"seen":3}"#);
}

#[test]
fn a_shelf_is_full_at_a_million() {
    let mut stock = stock(Value::Null);
    let _ = stock.tell(&json!({"add": {"item": "nut", "n": 1_000_000}}));
    let more = json!({"add": {"item": "nut", "n": 1}});
    assert_eq!(stock.tell(&more).refused(), "no room for 1 of nut");
}

#[test]
fn a_failure_leaves_the_state_as_it_was() {
    let mut stock = stock(Value::Null);
    assert_eq!(stock.tell(&json!({"fail": {}})).failed(), "asked to fail");
    assert_eq!(stock.state(), r#"{"alert":null,"items":{},"low":0,"seen":0}"#);
}

#[test]
fn a_reminder_names_its_timer() {
    let mut stock = stock(Value::Null);
    let seq = stock.seq();
    let timer = json!({"timer": EffectId { seq, n: 0 }}).to_string();
    let step = stock.tell(&json!({"remind": {"after": 60_000}}));
    assert_eq!(serde_json::from_str::<Value>(step.reply()).expect("JSON").to_string(), timer);
    assert_eq!(step.effects, [Effect::Timer { after: 60_000, message: r#"{"total":{}}"#.into() }]);
}

#[test]
fn an_array_is_no_message_and_no_configuration() {
    for message in [json!(["add"]), json!({"add": ["nut", 1]}), json!({"total": []}), json!("total")] {
        assert_eq!(stock(Value::Null).tell(&message).refused(), "not a message of stock", "{message}");
    }
    let refused = Harness::<Stock>::new(&json!([null, 0])).err();
    assert_eq!(refused.expect("a refusal"), "not a configuration");
}
