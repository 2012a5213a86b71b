//! One actor as a library, as the seed has it: start, handle messages, and find it again.

#![allow(clippy::unwrap_used, reason = "tests may; Clippy sees no test in a helper")]

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use troupe::environment::{Development, Environment, Production};
use troupe::host::{Host, Setup, SetupError};
use troupe::manifest::Profile;
use troupe::troupe_chain::{Hash, Sender, verify};
use troupe::troupe_component::{Allocation, CallError, WasmComponent};
use troupe::troupe_identity::{FileSigner, Passphrase, SecretKey, Signer as _};
use troupe::troupe_runtime::{Actor, SendError, StoreHistory};
use troupe::troupe_store::{DiskStore, MemoryStore, Store};
use troupe::{Runtime, RuntimeError};
use troupe_testing::{World, guests};

fn actor(name: &str) -> PathBuf {
    PathBuf::from(format!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../actors/{0}/{0}.wasm"), name))
}

fn memory() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new())
}

fn setup(component: Vec<u8>, store: &Arc<dyn Store>) -> Setup {
    let mut setup = Setup::new(component, Arc::clone(store));
    setup.settings.allocation = Allocation::OnDemand;
    setup
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn handle(runtime: &Runtime, message: &'static str) -> Result<(Hash, Bytes), RuntimeError> {
    block_on(runtime.handle_message(message.as_bytes()))
}

#[test]
fn a_runtime_starts_once_and_then_handles_messages() {
    let mut runtime = Runtime::new(actor("counter")).unwrap();
    assert!(matches!(handle(&runtime, r#"{"add":1}"#), Err(RuntimeError::NotStarted)));
    assert_eq!((runtime.head(), runtime.current_state()), (None, None));
    runtime.start().unwrap();
    assert!(matches!(runtime.start(), Err(RuntimeError::AlreadyStarted)));
    let first = runtime.head().unwrap();

    let (hash, state) = handle(&runtime, r#"{"add":2}"#).unwrap();
    assert_ne!(hash, first);
    assert_eq!(state, r#"{"count":2}"#);
    assert_eq!((runtime.head(), runtime.current_state()), (Some(hash), Some(state)));
    let refused = handle(&runtime, r#"{"add":null}"#).unwrap_err();
    assert!(matches!(refused, RuntimeError::Send(SendError::Rejected(_))), "{refused}");
    assert_eq!(runtime.head(), Some(hash));
    let (_, state) = handle(&runtime, r#"{"add":40}"#).unwrap();
    assert_eq!(state, r#"{"count":42}"#);
}

#[test]
fn a_component_that_is_not_there_or_no_actor_is_told_apart() {
    let missing = Runtime::new("/nowhere/actor.wasm").map(|_| ()).unwrap_err();
    assert!(matches!(missing, RuntimeError::Load(_)), "{missing}");
    let store = memory();
    let not_an_actor = Runtime::with_setup(setup(b"(component)".to_vec(), &store)).start().unwrap_err();
    assert!(matches!(not_an_actor, RuntimeError::Setup(SetupError::Load(_))), "{not_an_actor}");
    assert_eq!(store.chains().unwrap(), []);
}

#[test]
fn a_component_is_called_without_a_chain() {
    let (counter, hash) = WasmComponent::new(actor("counter")).unwrap();
    assert_eq!(hash, Hash::of(&std::fs::read(actor("counter")).unwrap()));
    let (yes, no) = (&br#"{"add":1}"#[..], &b"nonsense"[..]);
    let state = counter.init(None).unwrap();
    assert_eq!(counter.state_contract(&state), Ok(true));
    assert_eq!(counter.state_contract(no), Ok(false));
    assert_eq!(
        (counter.message_contract(yes, &state), counter.message_contract(no, &state)),
        (Ok(true), Ok(false))
    );
    assert_eq!(counter.handle(yes, &state).unwrap(), br#"{"count":1}"#);
    assert!(matches!(counter.handle(no, &state), Err(CallError::Rejected(_))));
}

#[test]
fn a_store_with_another_actor_says_in_what_it_differs() {
    let store = memory();
    let echo = || guests::echo(World::Actor);
    let begin = || {
        let mut setup = setup(echo(), &store);
        setup.config = Some(Bytes::from_static(b"one"));
        setup.limits = vec![("fuel".into(), 1_000_000)];
        setup
    };
    begin().open().unwrap().stop();

    let differs = |setup: Setup| match setup.open() {
        Err(SetupError::Differs { what, stored, given, .. }) => (what, stored, given),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was taken"),
    };
    let other = guests::append(World::Actor);
    let names = (Hash::of(&echo()).to_string(), Hash::of(&other).to_string());
    assert_eq!(differs(setup(other, &store)), ("component".into(), names.0, names.1));
    let mut config = begin();
    config.config = Some(Bytes::from_static(b"two"));
    assert_eq!(differs(config).0, "config");
    let mut limit = begin();
    limit.limits = vec![("fuel".into(), 5)];
    assert_eq!(differs(limit), ("limit `fuel`".into(), "1000000".into(), "5".into()));
    let mut unknown = begin();
    unknown.limits = vec![("patience".into(), 5)];
    assert_eq!(differs(unknown).1, "none");

    // The same, or nothing said, is the same actor.
    for setup in [begin(), setup(echo(), &store)] {
        let running = setup.open().unwrap();
        assert!(running.resumed);
        running.stop();
    }
}

#[test]
fn a_limit_that_cannot_be_is_refused_before_anything_is_stored() {
    let store = memory();
    let mut unknown = setup(guests::echo(World::Actor), &store);
    unknown.limits = vec![("patience".into(), 5)];
    assert!(matches!(unknown.open(), Err(SetupError::Limit(_))));
    assert_eq!(store.chains().unwrap(), []);
}

#[test]
fn an_actor_is_found_again_in_a_store_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let open = || -> Arc<dyn Store> { Arc::new(DiskStore::open(folder.path().join("store")).unwrap()) };
    let counter = std::fs::read(actor("counter")).unwrap();
    let mut heads = Vec::new();
    for count in 1..=3 {
        let store = open();
        let mut setup = setup(counter.clone(), &store);
        setup.settings.options.snapshot_every = 2;
        let mut runtime = Runtime::with_setup(setup);
        runtime.start().unwrap();
        assert_eq!(runtime.head(), heads.last().copied().or(runtime.head()));
        let (head, state) = handle(&runtime, r#"{"add":1}"#).unwrap();
        assert_eq!(state, format!(r#"{{"count":{count}}}"#));
        heads.push(head);
        let running = runtime.into_running().unwrap();
        assert_eq!(running.resumed, count > 1);
        running.stop();
        let history = StoreHistory::new(store, running.actor.id()).unwrap().unwrap();
        assert_eq!(verify(&history, &running.host.sandbox, |_| {}).unwrap().messages, count);
    }
}

#[test]
fn production_and_development_open_with_a_key_in_a_file_and_a_store_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (file, passphrase) = (folder.path().join("node.age"), Passphrase::new("a passphrase".into()));
    let key = SecretKey::from_seed(&[7; 32]);
    let did = key.did().clone();
    // As little work as there can be: the key is worth nothing.
    FileSigner::create(&file, key, &passphrase, 1).unwrap();
    let signer = || FileSigner::open(&file, &passphrase).unwrap();
    let store = || DiskStore::open(folder.path().join("store")).unwrap();
    let open = |mut environment: Environment, profile: Profile| -> Host {
        assert_eq!((environment.profile, environment.identity.did()), (profile, &did));
        environment.settings.allocation = Allocation::OnDemand;
        environment.open().unwrap()
    };
    let add = |actor: Actor| {
        actor.send_blocking(Sender::Http { key: None }, Bytes::from_static(br#"{"add":1}"#)).unwrap();
        actor.view().unwrap().state.clone()
    };

    let host = open(Production::new(signer(), store()).environment(), Profile::Production);
    let counter = std::fs::read(actor("counter")).unwrap();
    assert_eq!(add(block_on(host.start_actor("counter", counter, None)).unwrap()), r#"{"count":1}"#);
    host.actors.shutdown();
    drop(host);

    // A node for trying things, on what the other left.
    let development = Development::new(signer()).with_store(Arc::new(store()));
    let host = open(development.environment(), Profile::Development);
    assert_eq!(add(host.actors.find("counter").unwrap()), r#"{"count":2}"#);
    host.actors.shutdown();

    // And without: it keeps nothing.
    let host = open(Development::new(signer()).environment(), Profile::Development);
    assert!(matches!(host.actors.find("counter"), Err(SendError::Unknown)));
}
