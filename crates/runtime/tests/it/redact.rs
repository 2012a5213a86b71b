//! Payloads that are taken back: the actor goes on, and the chain says what it said.

use std::sync::Arc;

use bytes::Bytes;
use troupe_chain::{Hash, RedactionKind, Sender};
use troupe_runtime::{
    Actor, OpenError, RedactError, RedactOrder, RedactWhat, SendError, redaction_of, redactions_of, state_at,
};
use troupe_store::faulty::{Fault, SimDisk, Survivors};
use troupe_store::{DiskOptions, MemoryStore, Store};

use crate::common::{Scripts, Stage, only_chain, send, shut_down, state_after, text, verify};

// What `add` replies with is the state, which would be kept with the reply.
const SECRET: &str = "add the-address-of-somebody & echo ok";
const OPTIONS: DiskOptions = DiskOptions { segment_bytes: 8 << 10, stretch_bytes: 2 << 10 };

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

fn order(what: RedactWhat, from: u64, to: u64, fields: &[&str]) -> RedactOrder {
    let fields = fields.iter().map(|field| (*field).to_owned()).collect();
    RedactOrder { what, from, to, fields, reason: text("on request"), by: "a test".to_owned() }
}

fn erase(actor: &Actor, from: u64, to: u64) -> Result<troupe_runtime::Redacted, RedactError> {
    actor.redact(&order(RedactWhat::Erase, from, to, &["message", "state"]))
}

/// An actor that was told a secret at seq 3 and has forgotten it by seq 5.
fn told(store: &Arc<dyn Store>, stage: &Stage) -> Actor {
    let actor = stage.create(store);
    for message in ["add a & echo ok", SECRET, "add b & echo ok", "time"] {
        send(&actor, message).unwrap();
    }
    actor
}

fn has(store: &dyn Store, text: &str) -> bool {
    store.blob(&store.chains().unwrap()[0].0, &Hash::of(text.as_bytes())).unwrap().is_some()
}

#[test]
fn an_actor_goes_on_after_what_it_was_told_was_erased() {
    let (stage, store) = (Stage::new().snapshot_every(100), memory());
    let actor = told(&store, &stage);
    let state = actor.view().unwrap().state.clone();
    let done = erase(&actor, 3, 4).unwrap();
    // Only messages: no state of these was kept.
    assert_eq!((done.blobs.len(), done.copies, done.snapshot), (2, 2, Some(5)));
    assert!(!has(&*store, SECRET));
    assert_eq!(
        state_after(&actor, "add c & echo ok"),
        format!("{}c", String::from_utf8(state.to_vec()).unwrap())
    );
    shut_down(&actor);
    let resumed = stage.resume(&store).unwrap();
    assert_eq!(resumed.view().unwrap().tip.seq, 6);
    assert_eq!(send(&resumed, SECRET).unwrap().seq, 7);
    assert!(has(&*store, SECRET), "what comes again is kept again");
    shut_down(&resumed);
}

#[test]
fn a_verifier_is_told_what_was_not_replayed_and_replays_the_rest() {
    let (stage, store) = (Stage::new().snapshot_every(100), memory());
    let actor = told(&store, &stage);
    send(&actor, "add c & echo ok").unwrap();
    erase(&actor, 3, 3).unwrap();
    send(&actor, "add d & echo ok").unwrap();
    shut_down(&actor);
    let report = verify(&store, "1").unwrap();
    // From the secret on, up to the state that was stored when it was erased.
    assert_eq!((report.not_replayed, report.messages), (4, 2));
    let gap = &report.gaps[0];
    assert_eq!((gap.first, gap.last, gap.field), (3, 6, "message"));
    assert_eq!((gap.redaction.kind, gap.redaction.reason.as_str()), (RedactionKind::Erased, "on request"));
    let at = |seq| state_at(&*store, only_chain(&store), &Scripts::new("1"), seq);
    assert_eq!(&at(7).unwrap().state[..], b"1000cd");
    assert_eq!(&at(2).unwrap().state[..], b"a");
    assert!(matches!(at(4), Err(OpenError::Redacted { seq: 3, .. })), "{:?}", at(4).err());
}

#[test]
fn where_no_state_is_left_the_first_that_was_erased_is_named() {
    let (stage, store) = (Stage::new().snapshot_every(2), memory());
    let actor = told(&store, &stage);
    erase(&actor, 1, 4).unwrap();
    shut_down(&actor);
    let at = |seq| state_at(&*store, only_chain(&store), &Scripts::new("1"), seq);
    assert!(matches!(at(4), Err(OpenError::Redacted { seq: 1, .. })), "{:?}", at(4).err());
    assert!(at(5).is_ok(), "{:?}", at(5).err());
}

#[test]
fn the_current_state_and_what_is_under_way_are_not_erased() {
    let (stage, store) = (Stage::new(), memory());
    let actor = told(&store, &stage);
    assert!(matches!(erase(&actor, 5, 5), Err(RedactError::CurrentState(5))));
    send(&actor, "timer 60000 add later").unwrap();
    let error = actor.redact(&order(RedactWhat::Erase, 6, 6, &["effects.message"])).unwrap_err();
    assert!(matches!(&error, RedactError::UnderWay(what) if what.contains("timer 0 of entry 6")), "{error}");
    assert_eq!(redactions_of(&*store, &actor.id(), None, 10).unwrap(), [], "nothing was marked");
    for (from, to, fields) in [(3, 99, &[][..]), (4, 3, &[]), (3, 3, &["component-hash"]), (0, 20_000, &[])] {
        let error = actor.redact(&order(RedactWhat::Erase, from, to, fields)).unwrap_err();
        assert!(matches!(error, RedactError::Order(_)), "{error}");
    }
    assert!(matches!(erase(&actor, 0, 0), Err(RedactError::Nothing { .. })));
    shut_down(&actor);
}

#[test]
fn states_that_hold_what_was_said_are_erased_with_it() {
    let (stage, store) = (Stage::new().snapshot_every(1), memory());
    let actor = told(&store, &stage);
    let state = "athe-address-of-somebody";
    assert!(has(&*store, state));
    erase(&actor, 3, 4).unwrap();
    assert!(!has(&*store, state) && !has(&*store, &format!("{state}b")));
    shut_down(&actor);
    assert_eq!(verify(&store, "1").unwrap().not_replayed, 3);
}

#[test]
fn an_answer_that_was_erased_is_not_given_again() {
    let (stage, store) = (Stage::new().snapshot_every(1), memory());
    let actor = stage.create(&store);
    let ask = || {
        let from = Sender::Http { key: Some(Hash::of(b"a key")) };
        actor.send_blocking(from, Bytes::from_static(b"add x & echo a secret"))
    };
    assert_eq!(ask().unwrap().reply.as_deref(), Some(&b"a secret"[..]));
    send(&actor, "add y").unwrap();
    actor.redact(&order(RedactWhat::Erase, 2, 2, &["reply"])).unwrap();
    let again = ask();
    assert!(
        matches!(&again, Err(SendError::Redacted(redaction)) if redaction.kind == RedactionKind::Erased),
        "{again:?}"
    );
    shut_down(&actor);
}

#[test]
fn what_is_withheld_is_kept_and_can_be_released() {
    let (stage, store) = (Stage::new(), memory());
    let actor = told(&store, &stage);
    let name = Hash::of(SECRET.as_bytes());
    actor.redact(&order(RedactWhat::Withhold, 3, 3, &["message"])).unwrap();
    let redaction = redaction_of(&*store, &actor.id(), &name).unwrap().unwrap();
    assert_eq!(redaction.kind, RedactionKind::Withheld);
    assert!(has(&*store, SECRET));
    let listed = redactions_of(&*store, &actor.id(), None, 10).unwrap();
    assert_eq!((listed.len(), listed[0].seq, listed[0].by.as_str()), (1, Some(3), "a test"));
    assert_eq!(redactions_of(&*store, &actor.id(), Some(&name), 10).unwrap(), []);
    assert!(
        actor.redact(&order(RedactWhat::Withhold, 3, 3, &["message"])).is_err(),
        "it is withheld already"
    );
    actor.redact(&order(RedactWhat::Release, 3, 3, &[])).unwrap();
    assert_eq!(redaction_of(&*store, &actor.id(), &name).unwrap(), None);
    actor.redact(&order(RedactWhat::Withhold, 3, 3, &["message"])).unwrap();
    erase(&actor, 3, 3).unwrap();
    assert!(!has(&*store, SECRET), "what is withheld can be erased");
    assert!(
        actor.redact(&order(RedactWhat::Release, 3, 3, &[])).is_err(),
        "what is erased cannot be released"
    );
    shut_down(&actor);
}

#[test]
fn other_actors_with_the_same_bytes_are_told_of() {
    let (stage, store) = (Stage::new(), memory());
    let actors = stage.open(&store).unwrap();
    let [one, other] = [1, 2].map(|nonce| actors.start_blocking(stage.new_actor(nonce, None)).unwrap());
    for actor in [&one, &other] {
        send(actor, SECRET).unwrap();
        send(actor, "time").unwrap();
    }
    let erase = order(RedactWhat::Erase, 2, 2, &["message"]);
    assert_eq!(one.redact(&erase).unwrap().elsewhere, [other.id()]);
    let name = Hash::of(SECRET.as_bytes());
    assert!(store.blob(&other.id(), &name).unwrap().is_some());
    let there = other.redact_by_name(&erase, &[name]).unwrap();
    assert_eq!((there.copies, there.elsewhere), (1, vec![]));
    actors.shutdown();
}

#[test]
fn wherever_it_is_cut_short_the_next_start_has_erased_it_or_has_all_of_it() {
    let stage =
        Stage { options: troupe_runtime::Options { threads: 0, ..Stage::new().options }, ..Stage::new() };
    let run = |fault: Option<u64>| {
        let disk = SimDisk::new();
        let store: Arc<dyn Store> = Arc::new(disk.open_with(OPTIONS).unwrap());
        let actor = stage.create(&store);
        for message in ["add a & echo ok", SECRET, "add b & echo ok", "time"] {
            actor.send_blocking(Sender::Http { key: None }, Bytes::from_static(message.as_bytes())).unwrap();
        }
        let begun = disk.operations();
        fault.into_iter().for_each(|operation| disk.fail_at(begun + operation, Fault::Crash));
        let done = actor.redact(&order(RedactWhat::Erase, 3, 4, &["message", "state"]));
        shut_down(&actor);
        (disk.operations() - begun, disk, done.is_ok())
    };
    let (operations, _, done) = run(None);
    assert!(operations > 8 && done);
    for operation in 0..operations {
        let (_, disk, done) = run(Some(operation));
        for survivors in [Survivors::Lost, Survivors::Kept, Survivors::Some(operation)] {
            let case = format!("{operation} of {operations}, {survivors:?}");
            let disk = disk.after_crash(survivors);
            let store: Arc<dyn Store> = Arc::new(disk.open_with(OPTIONS).unwrap());
            let resumed = stage.resume(&store).unwrap();
            let marked = redaction_of(&*store, &resumed.id(), &Hash::of(SECRET.as_bytes())).unwrap();
            assert_eq!(marked.is_some(), !has(&*store, SECRET), "{case}");
            assert!(marked.is_some() || !done, "{case}: it was said to be done");
            let left = disk.files().iter().any(|(name, _)| {
                disk.read(name).unwrap().windows(20).any(|window| window == &SECRET.as_bytes()[4..24])
            });
            assert_eq!(left, marked.is_none(), "{case}: in the files");
            assert_eq!(&resumed.view().unwrap().state[..], b"1000", "{case}");
            shut_down(&resumed);
            let report = verify(&store, "1").unwrap();
            assert_eq!(report.is_complete(), marked.is_none(), "{case}");
        }
    }
}
