//! Commands: one spelling each, and a mistake is told.

use serde_json::Value;
use troupe_commons::governance::{Action, Motion};
use troupe_commons::jobs::{Fault, JobResult, Offer};
use troupe_commons::trust::{Context, Level};
use troupe_commons::{Act, Due, Id, MAX_MESSAGE, Message, SignatureBytes, Tick, from_bytes, to_bytes};

use crate::cooperative::{Cooperative, charter, motion, person, result};

fn id() -> Id {
    person(2).id
}

/// One of each.
fn acts(coop: &Cooperative) -> Vec<Act> {
    let (job, proposal, hold, to, amount) = (id(), id(), id(), id(), 5);
    let did = person(7).did.to_string();
    let actions = vec![
        Action::Admit { did: did.clone() },
        Action::Ban { component: job },
        Action::Bridge { context: Context::General, from: "a".into(), level: Level::Basic, to: "b".into() },
        Action::Budget { amount, to },
        Action::Federate { federation: "a".into(), member: to },
        Action::Federation { context: Context::ResourceSharing, federation: "a".into(), level: Level::Full },
        Action::Freeze {},
        Action::Parameter { effective: Some(9), name: "mana-cap".into(), value: 1 },
        Action::Pause { member: to },
        Action::Remove { member: to },
        Action::Resume { member: to },
        Action::Ruling { job, result: Some(job) },
        Action::Text {},
        Action::Thaw {},
        Action::Unban { component: job },
        Action::Unfederate { federation: "a".into(), member: to },
        Action::Upgrade { code: "commons@2".into(), target: job },
    ];
    let mut acts: Vec<Act> = actions.into_iter().map(|action| Act::Propose(motion(action))).collect();
    let options = vec!["a \"quoted\" one".into(), "b\\c".into()];
    acts.push(Act::Propose(Motion { options, text: Some(job), ..motion(Action::Text {}) }));
    let spec = troupe_commons::jobs::JobSpec {
        bundle: Some(job),
        capabilities: vec!["gpu".into()],
        reputation: Some(3),
        resume: Some(job),
        term: Some(5),
        scope: Some(troupe_commons::trust::Scope { context: Context::Governance, level: Level::Partial }),
        ..coop.spec(7, 3)
    };
    acts.extend([
        Act::Abandon { fault: Fault::Executor, job },
        Act::Abandon { fault: Fault::Job, job },
        Act::Accept { job },
        Act::Ballot { choice: vec!["yes".into()], members: vec![to], proposal },
        Act::Bid(Offer { capabilities: vec!["gpu".into()], job, latency: 1, memory: 2, price: 3 }),
        Act::Cancel { job },
        Act::Commit { digest: job, job },
        Act::Credit { amount, to },
        Act::Delegate { to: Some(to) },
        Act::Delegate { to: None },
        Act::Dispute { job },
        Act::Hold { amount, arbiter: to, to, until: 1 },
        Act::Join {},
        Act::Leave {},
        Act::Open { proposal },
        Act::Post { amount, hold },
        Act::Receipt { job, result: result(1), salt: Some(job) },
        Act::Receipt { job, result: JobResult { from: Some(job), ..result(1) }, salt: None },
        Act::Recover { did: did.clone(), member: to },
        Act::Recovery { members: vec![to], quorum: 1 },
        Act::Rotate { did, proof: SignatureBytes([7; 64]) },
        Act::Sponsor { proposal },
        Act::Submit { jobs: vec![spec] },
        Act::Transfer { amount, to },
        Act::Trust { context: Context::Infrastructure, level: Level::None, to },
        Act::Veto { proposal },
        Act::Void { hold },
    ]);
    acts
}

/// Whether an object's members are in order, at every depth, and nothing in it is empty but objects.
fn is_canonical(text: &[u8]) -> bool {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Object(members) => {
                let mut members: Vec<_> =
                    members.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
                members.sort_by(|(a, _), (b, _)| a.cmp(b));
                Value::Object(members.into_iter().collect())
            }
            Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
            other => other.clone(),
        }
    }
    let value: Value = serde_json::from_slice(text).unwrap();
    serde_json::to_vec(&sorted(&value)).unwrap() == text
}

#[test]
fn every_command_is_written_in_its_one_spelling_and_read_again() {
    let coop = Cooperative::new(2, &[]);
    for act in acts(&coop) {
        let message = coop.message(&person(1), act);
        let bytes = message.to_bytes();
        assert!(is_canonical(&bytes), "{}", String::from_utf8_lossy(&bytes));
        assert_eq!(Message::read(&bytes), Ok(message));
    }
    let charter = to_bytes(&charter(2, &[("mana-cap", 5), ("mana-rate", 7)]));
    assert!(is_canonical(&charter));
}

#[test]
fn records_are_written_in_their_one_spelling() {
    let mut coop = Cooperative::new(3, &[]);
    let job = coop.assigned(&person(1), &person(2));
    coop.receipt(&person(2), job, result(3)).unwrap();
    coop.decide(&[person(1), person(2), person(3)], Action::Text {});
    for (key, value) in coop.state.map().iter() {
        assert!(is_canonical(value), "{}", String::from_utf8_lossy(key));
    }
    assert!(is_canonical(&coop.state.record()));
}

#[test]
fn another_spelling_of_a_command_is_no_command() {
    let coop = Cooperative::new(2, &[]);
    let text = String::from_utf8(coop.message(&person(1), Act::Delegate { to: None }).to_bytes()).unwrap();
    assert!(Message::read(text.as_bytes()).is_ok());
    for (from, to) in [
        ("{\"command\"", "{ \"command\""),
        ("\"v\":1", "\"v\":1,\"w\":1"),
        ("\"number\":1,", ""),
        ("\"number\":1,\"v\":1", "\"v\":1,\"number\":1"),
        ("\"number\":1", "\"number\":01"),
        ("\"number\":1", "\"number\":1.0"),
        ("\"delegate\":{}", "\"delegate\":{\"to\":null}"),
        ("\"delegate\"", "\"d\\u0065legate\""),
        ("\"delegate\"", "\"del\u{e9}gate\""),
        ("\"delegate\"", "\"fly\""),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        assert!(Message::read(changed.as_bytes()).is_err(), "{changed}");
    }
}

#[test]
fn a_tick_is_read_and_a_message_that_is_too_long_is_not() {
    let due = Message::Due(Due { tick: Tick::Close(id()) });
    assert_eq!(Message::read(&due.to_bytes()), Ok(due));
    assert!(Message::read(&vec![b' '; MAX_MESSAGE + 1]).unwrap_err().to_string().contains("65536"));
    assert!(from_bytes::<Value>(format!("\"{}\"", "x".repeat(257)).as_bytes()).is_err());
    assert!(from_bytes::<Value>(format!("\"{}\"", "x".repeat(256)).as_bytes()).is_ok());
}
