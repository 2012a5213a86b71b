//! Effects, replies and notices.

use std::time::Duration;

use serde_json::json;
use troupe_actor::testing::{Effect, Outcome};
use troupe_actor::{About, Child, EffectId, Level, Sender};

use crate::desk::desk;

#[test]
fn each_effect_is_noted_with_its_payload() {
    let mut desk = desk();
    let mut effect = |message| desk.tell(&message).effects;
    assert_eq!(effect(json!({"send": "a"})), [Effect::Send { to: "a".into(), message: "[1,2]".into() }]);
    let request = Effect::Request { to: "a".into(), message: "\"order\"".into(), timeout: 5 };
    assert_eq!(effect(json!({"order": {"of": "a", "within": 5}})), [request]);
    let timer = Effect::Timer { after: 1500, message: "\"wake\"".into() };
    assert_eq!(effect(json!({"wake": {"secs": 1, "nanos": 500_999_999}})), [timer]);
    let cron = Effect::Cron { cron: "0 9 * * 1".into(), message: "\"wake\"".into() };
    assert_eq!(effect(json!({"cron": "0 9 * * 1"})), [cron]);
    assert_eq!(effect(json!({"cancel": {"seq": 4, "n": 0}})), [Effect::Cancel(EffectId { seq: 4, n: 0 })]);
    let child = Child::new().name("bert").config(&2).grant("http:a.example");
    assert_eq!(effect(json!({"hire": {"name": "bert"}})), [Effect::Spawn(child)]);
    assert_eq!(effect(json!({"dismiss": "bert"})), [Effect::Stop { child: "bert".into() }]);
    assert_eq!(effect(json!({"leave": "done"})), [Effect::Exit { reason: "done".into() }]);
}

#[test]
fn init_may_ask_for_something() {
    assert_eq!(desk().first.effects, [Effect::Send { to: "log".into(), message: "\"begun\"".into() }]);
}

#[test]
fn a_request_is_settled_by_its_reply_or_by_a_notice() {
    let mut desk = desk();
    let order = EffectId { seq: desk.seq(), n: 0 };
    let asked = desk.tell(&json!({"order": {"of": "a", "within": 5}}));
    assert_eq!(asked.reply(), r#"{"seq":2,"n":0}"#);
    let reply = Sender::Reply { to: order, chain: "c".into(), entry: "e".into() };
    assert_eq!(desk.tell_from(reply, &7).reply(), "null");
    assert_eq!(desk.state(), r#"{"orders":[],"limit":2}"#);
    let order = EffectId { seq: desk.seq(), n: 0 };
    let _ = desk.tell(&json!({"order": {"of": "a", "within": 5}}));
    let notice = Sender::Notice { of: order, about: About::Late, chain: None, entry: None };
    let noticed = desk.tell_bytes(notice, b"{\"notice\":\"late\"}".to_vec());
    assert_eq!(noticed.outcome, Outcome::Accepted(None));
    assert_eq!(noticed.log, [(Level::Warn, "asked by notice".into()), (Level::Info, "Late".into())]);
    assert_eq!(desk.state(), r#"{"orders":[],"limit":2}"#);
}

#[test]
fn a_failure_leaves_no_effect_and_the_state_as_it_was() {
    let mut desk = desk();
    let failed = desk.tell(&json!({"fail": "asked to"}));
    assert_eq!((failed.failed(), failed.effects.len()), ("asked to", 0));
    assert_eq!(desk.tell(&json!({"overflow": {}})).failed(), "no limit");
    assert_eq!(desk.state(), r#"{"orders":[],"limit":2}"#);
    assert_eq!(desk.seq(), 4);
}

#[test]
fn a_refusal_takes_no_place_in_the_chain() {
    let mut desk = desk();
    assert_eq!(desk.tell(&json!({"order": {"of": "a", "within": 0}})).refused(), "no time for that");
    assert_eq!(desk.seq(), 2);
}

#[test]
fn a_state_contract_holds_what_handle_leads_to() {
    let mut desk = desk();
    let order = json!({"order": {"of": "a", "within": 5}});
    for _ in 0..2 {
        let _ = desk.tell(&order);
    }
    assert_eq!(desk.tell(&order).failed(), "more than 2 orders");
}

#[test]
#[should_panic(expected = "`send`: \"\" is not 1 to 256 printable ASCII characters")]
fn an_address_that_would_trap_panics() {
    let _ = desk().tell(&json!({"send": ""}));
}

#[test]
#[should_panic(expected = "milliseconds are more than 2^53-1")]
fn a_time_that_would_trap_panics() {
    let _ = desk().tell(&json!({"wake": Duration::MAX}));
}
