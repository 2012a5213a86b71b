//! The rules, natively.

use crate::account::{About, Account, EffectId, From, Step};

fn account() -> Account {
    Account::new(Some(br#"{"balance":100}"#)).unwrap()
}

fn transfer(to: &str, amount: i64, id: &str) -> Vec<u8> {
    format!(r#"{{"transfer":{{"to":"{to}","amount":{amount},"id":"{id}"}}}}"#).into_bytes()
}

fn deposit(amount: i64) -> Vec<u8> {
    format!(r#"{{"deposit":{{"amount":{amount},"id":"d"}}}}"#).into_bytes()
}

fn text(account: &Account) -> String {
    account.check().unwrap();
    let state = account.encode().unwrap();
    assert_eq!(Account::decode(&state).as_ref(), Ok(account));
    String::from_utf8(state).unwrap()
}

#[test]
fn a_transfer_leaves_the_account_and_is_requested_of_the_receiver() {
    let mut account = account();
    let step = account.step(From::Outside, 2, &transfer("bert", 30, "x")).unwrap();
    let request = Some(("bert".to_owned(), br#"{"deposit":{"amount":30,"id":"x"}}"#.to_vec()));
    assert_eq!(step, Step { request, reply: Some(br#"{"balance":70,"out":1}"#.to_vec()) });
    let start = r#"{"opening":100,"balance":70,"out":[{"request":[2,0],"amount":30,"id":"x"}],"sent":{"count":1,"sum":30},"#;
    assert!(text(&account).starts_with(start), "{}", text(&account));
    account.step(From::Reply(EffectId(2, 0)), 3, br#"{"taken":"x"}"#).unwrap();
    assert!(
        text(&account).contains(r#""balance":70,"out":[]"#) && text(&account).contains(r#""recent":["x"]"#)
    );
}

#[test]
fn what_was_certainly_not_taken_comes_back_once() {
    let mut account = account();
    account.step(From::Outside, 2, &transfer("bert", 30, "x")).unwrap();
    for seq in 3..5 {
        account.step(From::Notice(EffectId(2, 0), About::NotTaken), seq, b"{}").unwrap();
        assert!(text(&account).contains(r#""balance":100,"out":[]"#));
        assert!(text(&account).contains(r#""returned":{"count":1,"sum":30}"#));
    }
}

#[test]
fn what_may_have_been_taken_does_not_come_back() {
    for (about, doubtful) in [(About::Taken, 0), (About::Unclear, 30)] {
        let mut account = account();
        account.step(From::Outside, 2, &transfer("bert", 30, "x")).unwrap();
        account.step(From::Notice(EffectId(2, 0), about), 3, b"{}").unwrap();
        assert!(text(&account).contains(r#""balance":70,"out":[]"#));
        assert!(text(&account).contains(&format!("\"sum\":{doubtful}}},\"recent\"")), "{}", text(&account));
    }
}

#[test]
fn a_deposit_is_added_and_replied_to() {
    let mut account = account();
    let step = account.step(From::Actor, 2, &deposit(5)).unwrap();
    assert_eq!(step, Step { request: None, reply: Some(br#"{"taken":"d"}"#.to_vec()) });
    assert!(text(&account).contains(r#""balance":105"#));
    assert!(text(&account).contains(r#""received":{"count":1,"sum":5}"#));
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |from, message: &[u8]| account().step(from, 2, message).is_err();
    assert!(refused(From::Outside, &transfer("bert", 101, "x")));
    assert!(refused(From::Outside, &transfer("bert", 0, "x")));
    assert!(refused(From::Outside, &transfer("bert", -1, "x")));
    assert!(refused(From::Outside, &transfer("", 1, "x")));
    assert!(refused(From::Outside, &transfer("bert", 1, "")));
    assert!(refused(From::Outside, &deposit(1)));
    assert!(refused(From::Outside, b"{}"));
    assert!(refused(From::Actor, &transfer("bert", 1, "x")));
    assert!(refused(From::Actor, &deposit(0)));
    assert!(refused(From::Actor, &deposit(1_000_000_000_000)));
    assert!(refused(From::Other, &transfer("bert", 1, "x")));
    assert!(Account::new(None).is_err() && Account::new(Some(br#"{"balance":-1}"#)).is_err());
}

#[test]
fn only_so_many_transfers_are_on_their_way() {
    let mut account = account();
    for seq in 0..64 {
        account.step(From::Outside, seq, &transfer("bert", 1, "x")).unwrap();
    }
    assert!(account.step(From::Outside, 64, &transfer("bert", 1, "x")).is_err());
}

#[test]
fn a_state_whose_history_does_not_come_to_its_balance_is_refused() {
    let mut account = account();
    account.step(From::Outside, 2, &transfer("bert", 30, "x")).unwrap();
    let good = text(&account);
    for (from, to) in [
        (r#""balance":70"#, r#""balance":71"#),
        (r#""opening":100,"balance":70"#, r#""opening":0,"balance":-30"#),
        (r#""amount":30"#, r#""amount":31"#),
        (r#""doubtful":{"count":0"#, r#""doubtful":{"count":1"#),
    ] {
        let bad = good.replacen(from, to, 1);
        assert!(bad != good && Account::decode(bad.as_bytes()).unwrap().check().is_err(), "{bad}");
    }
}
