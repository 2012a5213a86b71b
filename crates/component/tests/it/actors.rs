//! The example actors, as they are committed: what they ask of the runtime, and of whom.

use troupe_chain::{Context, Effect, EffectId, EffectRef, Hash, Machine, Notice, Nowhere, Sender, Step};
use troupe_component::WasmComponent;

use crate::common::{context, effects, load, told};

fn actor(name: &str) -> WasmComponent {
    let path = format!("{}/../../actors/{name}/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    load(&std::fs::read(path).unwrap())
}

fn start(actor: &WasmComponent, config: &str) -> Step {
    let context = Context { seq: 1, ..context() };
    Machine::init(actor, &context, &mut Nowhere, Some(config.as_bytes())).unwrap()
}

fn apply(actor: &WasmComponent, from: Sender, message: &[u8], state: &[u8]) -> Step {
    actor.apply(&Context { from, ..context() }, &mut Nowhere, message, state).unwrap()
}

/// The state of a step that was accepted.
fn state(step: &Step) -> Vec<u8> {
    told(step).strip_prefix("ok ").unwrap().as_bytes().to_vec()
}

fn by(actor: &[u8]) -> Sender {
    Sender::Actor(EffectRef { chain: Hash::of(actor), entry: Hash::of(b"entry"), n: 0 })
}

const PERSON: Sender = Sender::Http { key: None };

#[test]
fn a_member_of_the_cooperative_joins_orders_and_is_declined() {
    let credit = actor("credit");
    let config = r#"{"role":"member","name":"anna","limit":100,"clearing":"house"}"#;
    let first = start(&credit, config);
    let [join] = &effects(&first)[..] else { panic!("{first:?}") };
    assert!(matches!(&join.effect, Effect::Request { to, .. } if to.as_str() == "house"));
    let joined =
        Sender::Reply { to: EffectId { seq: 1, n: 0 }, chain: Hash::of(b"house"), entry: Hash::of(b"entry") };
    let member = apply(&credit, joined, br#"{"balance":0,"at":5}"#, &state(&first));
    let order = br#"{"order":{"to":"bert","amount":25,"what":"bread","id":"1"}}"#;
    let ordered = apply(&credit, PERSON, order, &state(&member));
    let [transfer] = &effects(&ordered)[..] else { panic!("{ordered:?}") };
    let house = Hash::of(b"house").to_string();
    assert!(matches!(&transfer.effect, Effect::Request { to, .. } if to.as_str() == house));
    let notice =
        Sender::Notice { of: EffectId { seq: 2, n: 0 }, about: Notice::Refused, chain: None, entry: None };
    let declined = String::from_utf8(state(&apply(&credit, notice, b"", &state(&ordered)))).unwrap();
    assert!(declined.contains(r#""declined":[{"id":"1","why":"refused"}]"#), "{declined}");
}

#[test]
fn a_clearing_house_pays_within_the_limit_and_tells_both_who_should_know() {
    let credit = actor("credit");
    let mut house = state(&start(&credit, r#"{"role":"clearing","auditor":"auditor","most":500}"#));
    for name in ["anna", "bert"] {
        let join = format!(r#"{{"join":{{"name":"{name}","limit":100}}}}"#);
        house = state(&apply(&credit, by(name.as_bytes()), join.as_bytes(), &house));
    }
    let pay = |amount: u32, from: &[u8]| {
        let transfer = format!(r#"{{"transfer":{{"to":"bert","amount":{amount},"what":"","id":"1"}}}}"#);
        apply(&credit, by(from), transfer.as_bytes(), &house)
    };
    let paid = pay(100, b"anna");
    let told_to: Vec<_> = effects(&paid).iter().map(|asked| asked.effect.to_string()).collect();
    assert!(told_to[0].ends_with(&format!(" to {}", Hash::of(b"bert"))), "{told_to:?}");
    assert!(told_to[1].ends_with(" to auditor"), "{told_to:?}");
    assert_eq!(told(&pay(101, b"anna")), "rejected 101 is beyond the limit, of which 100 is left");
    assert_eq!(told(&pay(1, b"carl")), "rejected the payer is not a member");
    let report = effects(&paid)[1].payload.clone().unwrap();
    let audited = apply(&credit, by(b"house"), &report, &state(&start(&credit, r#"{"role":"auditor"}"#)));
    assert!(told(&audited).contains(r#""count":1,"volume":100"#), "{audited:?}");
}

#[test]
fn an_airport_tells_the_next_which_takes_it_from_actors_alone() {
    let airport = actor("airport");
    let flight =
        br#"{"date":"2001/01/01 00:47","delay":66,"distance":1750,"origin":"DTW","destination":"LAS"}"#;
    let step = apply(&airport, PERSON, flight, &state(&start(&airport, r#"{"code":"DTW"}"#)));
    let [asked] = &effects(&step)[..] else { panic!("{step:?}") };
    assert!(matches!(&asked.effect, Effect::Send { to, .. } if to.as_str() == "las"));
    let arrival = asked.payload.clone().unwrap();
    let las = state(&start(&airport, r#"{"code":"LAS"}"#));
    assert!(told(&apply(&airport, by(b"dtw"), &arrival, &las)).contains(r#""arrivals":1"#));
    assert!(told(&apply(&airport, PERSON, &arrival, &las)).starts_with("rejected"));
}

#[test]
fn the_older_actors_still_fit_their_worlds() {
    assert_eq!(
        told(&apply(&actor("counter"), PERSON, br#"{"add":3}"#, br#"{"count":4}"#)),
        r#"ok {"count":7}"#
    );
    assert!(told(&start(&actor("quakes"), r#"{"alerts":"desk"}"#)).contains(r#""alerts_to":"desk""#));
}
