//! The roles among each other, with a post office in place of the runtime.

use crate::role::Role;
use crate::wire::{Ask, EffectId, From, Incoming, Step};

/// Actors by address, which is also their id, and the positions of their entries.
#[derive(Default)]
struct Town(Vec<(String, Role, u64)>);

impl Town {
    fn new() -> Self {
        let mut town = Self::default();
        town.start("auditor", r#"{"role":"auditor"}"#);
        town.start("clearing", r#"{"role":"clearing","auditor":"auditor","most":500}"#);
        for (name, limit) in [("anna", 100), ("bert", 0), ("carl", 500)] {
            town.start(
                name,
                &format!(r#"{{"role":"member","name":"{name}","limit":{limit},"clearing":"clearing"}}"#),
            );
        }
        town
    }

    fn start(&mut self, address: &str, config: &str) {
        let (role, step) = Role::new(1, Some(config.as_bytes())).unwrap();
        role.check().unwrap();
        self.0.push((address.to_owned(), role, 1));
        self.perform(address, 1, &step);
    }

    /// Delivers a message as the runtime does, and whatever comes of it.
    fn deliver(&mut self, to: &str, from: From, bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
        let actor = self.0.iter_mut().find(|(address, ..)| address == to).ok_or("unknown")?;
        let seq = actor.2 + 1;
        let mut role = Role::decode(&actor.1.encode().unwrap()).unwrap();
        let step = role.step(&Incoming { from, seq, bytes })?;
        role.check().unwrap();
        (actor.1, actor.2) = (role, seq);
        self.perform(to, seq, &step);
        Ok(step.reply)
    }

    fn perform(&mut self, by: &str, seq: u64, step: &Step) {
        for (n, ask) in (0..).zip(&step.asks) {
            let sent = From::Actor(by.to_owned());
            match ask {
                Ask::Send(to, message) => self.deliver(to, sent, message).map(|_| ()).unwrap(),
                Ask::Request(to, message) => {
                    let id = EffectId(seq, n);
                    let answer = match self.deliver(to, sent, message) {
                        Ok(Some(reply)) => self.deliver(by, From::Reply(id, to.clone()), &reply),
                        Ok(None) => self.deliver(by, From::Notice(id, "no-reply".into()), b""),
                        Err(_) => self.deliver(by, From::Notice(id, "refused".into()), b""),
                    };
                    answer.unwrap();
                }
            }
        }
    }

    fn order(&mut self, by: &str, to: &str, amount: i64, id: &str) -> Result<(), String> {
        let order = format!(r#"{{"order":{{"to":"{to}","amount":{amount},"what":"bread","id":"{id}"}}}}"#);
        self.deliver(by, From::Outside, order.as_bytes()).map(|_| ())
    }

    fn state(&self, address: &str) -> serde_json::Value {
        let (_, role, _) = self.0.iter().find(|(known, ..)| known == address).unwrap();
        let state: serde_json::Value = serde_json::from_slice(&role.encode().unwrap()).unwrap();
        state.as_object().unwrap().values().next().unwrap().clone()
    }

    fn balances(&self) -> [i64; 3] {
        ["anna", "bert", "carl"].map(|name| self.state(name)["standing"]["balance"].as_i64().unwrap())
    }
}

#[test]
fn a_payment_is_known_to_payer_receiver_clearing_house_and_auditor() {
    let mut town = Town::new();
    town.order("anna", "bert", 60, "1").unwrap();
    town.order("bert", "carl", 25, "1").unwrap();
    assert_eq!(town.balances(), [-60, 35, 25]);
    let auditor = town.state("auditor");
    assert_eq!((auditor["count"].as_u64(), auditor["volume"].as_u64()), (Some(2), Some(85)));
    assert_eq!(auditor["balances"]["bert"], 35);
    assert_eq!(town.state("clearing")["members"]["anna"]["balance"], -60);
    let anna = town.state("anna");
    assert_eq!((anna["counts"]["paid"].as_u64(), anna["pending"].as_array().unwrap().len()), (Some(1), 0));
    assert_eq!(town.state("carl")["counts"]["received"], 1);
}

#[test]
fn what_is_beyond_the_limit_or_to_a_stranger_is_declined_and_moves_nothing() {
    let mut town = Town::new();
    town.order("anna", "bert", 101, "1").unwrap();
    town.order("bert", "anna", 1, "2").unwrap();
    town.order("anna", "dora", 1, "3").unwrap();
    assert_eq!(town.balances(), [0, 0, 0]);
    let anna = town.state("anna");
    assert_eq!(anna["counts"]["declined"], 2);
    assert_eq!(anna["declined"][0], serde_json::json!({"id": "1", "why": "refused"}));
    town.order("anna", "bert", 100, "4").unwrap();
    assert_eq!(town.balances(), [-100, 100, 0]);
}

#[test]
fn an_order_that_makes_no_sense_or_came_before_is_refused() {
    let mut town = Town::new();
    town.order("anna", "bert", 1, "1").unwrap();
    for (to, amount, id) in
        [("bert", 1, "1"), ("bert", 0, "2"), ("bert", -1, "2"), ("anna", 1, "2"), ("", 1, "2")]
    {
        assert!(town.order("anna", to, amount, id).is_err(), "{to} {amount} {id}");
    }
    for message in
        ["", "{}", r#"{"transfer":{}}"#, r#"{"order":{"to":"bert","amount":1.5,"what":"","id":"9"}}"#]
    {
        assert!(town.deliver("anna", From::Outside, message.as_bytes()).is_err(), "{message}");
    }
    assert_eq!(town.balances(), [-1, 1, 0]);
}

#[test]
fn nobody_speaks_for_the_clearing_house_or_for_a_member() {
    let mut town = Town::new();
    let credit = br#"{"credit":{"from":"anna","amount":9,"what":"","balance":9,"at":99}}"#;
    assert!(town.deliver("bert", From::Actor("carl".into()), credit).is_err());
    assert!(town.deliver("bert", From::Outside, credit).is_err());
    assert!(
        town.deliver("bert", From::Reply(EffectId(7, 0), "carl".into()), br#"{"balance":9,"at":99}"#)
            .is_err()
    );
    let transfer = br#"{"transfer":{"to":"bert","amount":1,"what":"","id":"1"}}"#;
    assert!(town.deliver("clearing", From::Outside, transfer).is_err());
    assert!(town.deliver("clearing", From::Actor("dora".into()), transfer).is_err());
    town.order("anna", "bert", 1, "1").unwrap();
    let paid = br#"{"paid":{"from":"anna","to":"bert","amount":1,"balances":[-2,2]}}"#;
    assert!(town.deliver("auditor", From::Actor("carl".into()), paid).is_err());
    assert!(town.deliver("auditor", From::Actor("clearing".into()), paid).is_ok());
}

#[test]
fn a_report_that_does_not_add_up_is_refused() {
    let mut town = Town::new();
    let paid = br#"{"paid":{"from":"anna","to":"bert","amount":1,"balances":[-1,2]}}"#;
    assert!(town.deliver("auditor", From::Actor("clearing".into()), paid).is_err());
    let broken = br#"{"auditor":{"clearing":null,"count":1,"volume":1,"balances":{"anna":-1,"bert":2}}}"#;
    assert_eq!(Role::decode(broken).unwrap().check(), Err("the balances add up to 1, not to 0".into()));
}

#[test]
fn a_member_may_ask_again_after_the_clearing_house_was_not_there() {
    let mut town = Town::default();
    let config = r#"{"role":"member","name":"anna","limit":1,"clearing":"clearing"}"#;
    town.start("anna", config);
    assert!(town.order("anna", "bert", 1, "1").is_err(), "not a member yet");
    town.start("clearing", r#"{"role":"clearing","auditor":"auditor","most":500}"#);
    town.deliver("anna", From::Outside, br#"{"join":{"name":"anna","limit":0}}"#).unwrap();
    assert_eq!(town.state("anna")["joining"]["joined"], "clearing");
    // A limit that is too high is refused for good.
    town.start("carl", &config.replace("anna", "carl").replace(":1,", ":501,"));
    assert_eq!(town.state("carl")["joining"]["declined"], "refused");
}

#[test]
fn a_configuration_says_one_role_and_all_that_it_needs() {
    let refused = |config: &str| Role::new(1, Some(config.as_bytes())).is_err();
    assert!(Role::new(1, None).is_err());
    for config in [
        "{}",
        r#"{"role":"judge"}"#,
        r#"{"role":"member","name":"a","limit":-1,"clearing":"c"}"#,
        r#"{"role":"member","name":"a b","limit":1,"clearing":"c"}"#,
        r#"{"role":"clearing","auditor":"a"}"#,
        r#"{"role":"clearing","auditor":"a","most":1,"more":2}"#,
    ] {
        assert!(refused(config), "{config}");
    }
}
