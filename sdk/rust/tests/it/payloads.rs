//! What is read and written: configurations, messages, states, older states.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;
use troupe_actor::testing::{Harness, Outcome};
use troupe_actor::{Actor, Context, Reason, Sender};

use crate::desk::{Desk, desk};

#[derive(Default, Serialize, Deserialize)]
struct Counter {
    count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    Inc,
    Add(u64),
}

impl Actor for Counter {
    type Message = Message;
    type Reply = ();

    fn handle(&mut self, message: Message, _: &mut Context) -> Result<(), Reason> {
        self.count += match message {
            Message::Inc => 1,
            Message::Add(n) => n,
        };
        Ok(())
    }
}

fn counter() -> Harness<Counter> {
    Harness::new(&()).expect("a counter")
}

#[test]
fn an_actor_without_init_begins_with_its_default_and_takes_no_configuration() {
    assert_eq!(counter().state(), r#"{"count":0}"#);
    let refused = Harness::<Counter>::new(&json!({"count": 5})).err();
    assert_eq!(refused.expect("a refusal"), "this actor takes no configuration");
}

#[test]
fn a_reply_of_nothing_is_none() {
    assert_eq!(counter().tell(&json!("inc")).outcome, Outcome::Accepted(None));
}

#[test]
fn a_refusal_says_what_was_wrong_and_where() {
    let mut counter = counter();
    let refused = counter.tell(&json!({"add": "one"})).refused().to_owned();
    let place = if cfg!(feature = "path") { "add: " } else { "" };
    let reason = r#"invalid type: string "one", expected u64 at line 1 column 12"#;
    assert_eq!(refused, format!("{place}{reason}"));
    let refused = counter.tell(&json!({"reset": 1})).refused().to_owned();
    assert!(refused.starts_with("unknown variant `reset`, expected `inc` or `add`"), "{refused}");
    let refused = counter.tell_bytes(Sender::Http, b"{\"add\":1} x".to_vec()).refused().to_owned();
    assert_eq!(refused, "trailing characters at line 1 column 11");
}

#[test]
fn a_struct_is_an_object_and_no_array() {
    let mut desk = desk();
    assert!(desk.tell(&json!({"hire": ["bert"]})).refused().contains("expected an object"));
    assert!(desk.tell(&json!({"hire": {"name": "bert"}})).reply().contains("seq"));
    let mut counter = counter();
    assert!(counter.migrate(&json!([5])).is_err());
    assert_eq!(counter.migrate(&json!({"count": 5})), Ok(()));
}

#[test]
fn a_state_is_carried_over_as_it_is_or_from_another_type() {
    let mut desk = desk();
    assert_eq!(desk.migrate(&json!({"pending": [{"seq": 3, "n": 1}]})), Ok(()));
    assert_eq!(desk.state(), r#"{"orders":[{"seq":3,"n":1}],"limit":9}"#);
    assert_eq!(desk.migrate(&json!({"orders": [], "limit": 4})), Ok(()));
    assert_eq!(desk.state(), r#"{"orders":[],"limit":4}"#);
    assert_eq!(desk.migrate(&json!({"orders": [], "limit": 0})), Err("no limit".into()));
    assert!(desk.migrate(&json!(7)).is_err());
    assert_eq!(desk.state(), r#"{"orders":[],"limit":4}"#);
}

#[test]
fn a_reply_that_cannot_be_json_is_a_failure() {
    #[derive(Default, Serialize, Deserialize)]
    struct Mapper;

    impl Actor for Mapper {
        type Message = u8;
        type Reply = BTreeMap<Option<u8>, u8>;

        fn handle(&mut self, n: u8, _: &mut Context) -> Result<Self::Reply, Reason> {
            Ok([(None, n)].into())
        }
    }

    let mut mapper = Harness::<Mapper>::new(&()).expect("a mapper");
    assert_eq!(mapper.tell(&7).failed(), "cannot be written as JSON: key must be a string");
}

#[test]
fn a_configuration_may_be_of_any_type() {
    assert_eq!(Harness::<Desk>::new(&7).expect("a desk").state(), r#"{"orders":[],"limit":7}"#);
    let refused = Harness::<Desk>::new(&"seven").err().expect("a refusal");
    assert!(refused.as_str().contains("expected usize"), "{refused:?}");
    assert_eq!(Harness::<Desk>::new(&0).err().expect("a refusal"), "no limit");
}
