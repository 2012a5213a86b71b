//! Components that import WASI 0.2: as actors, as commands and as handlers.

use troupe_chain::{Context, Hash, Machine, Nowhere, Outcome, Step};
use troupe_component::{Import, LoadError, Met, World};
use troupe_testing::wasi::{self, PACKAGES};
use troupe_testing::{Call, Guest, Place, component_from_wat};

use crate::common::{SANDBOX, context, init, load, small, told};

/// A few of the functions, of an older version each, as another toolchain would import them.
const SOME: &str = "
    package wasi:io@0.2.1 {
        interface streams {
            resource output-stream { blocking-write-and-flush: func(contents: list<u8>) -> result<_, stream-error>; }
            variant stream-error { last-operation-failed(error), closed }
            use error.{error};
        }
        interface error { resource error; }
    }
    package wasi:cli@0.2.1 {
        interface stdout { use wasi:io/streams@0.2.1.{output-stream}; get-stdout: func() -> output-stream; }
        interface exit { exit: func(status: result); }
        interface run { run: func() -> result; }
    }
    package wasi:http@0.2.0 {
        interface incoming-handler {
            use types.{incoming-request, response-outparam};
            handle: func(request: incoming-request, response-out: response-outparam);
        }
        interface types { resource incoming-request; resource response-outparam; }
    }";

/// A command with a body, which leaves 0 for success and 1 for an error.
pub(crate) fn command(body: &str) -> Vec<u8> {
    let wit = format!(
        "package test:command;\n{SOME}\nworld command {{ import wasi:cli/stdout@0.2.1; import wasi:cli/exit@0.2.1;
             export wasi:cli/run@0.2.1; }}"
    );
    let module = format!(
        r#"(module
            (import "wasi:cli/stdout@0.2.1" "get-stdout" (func $stdout (result i32)))
            (import "wasi:io/streams@0.2.1" "[method]output-stream.blocking-write-and-flush"
                (func $write (param i32 i32 i32 i32)))
            (import "wasi:cli/exit@0.2.1" "exit" (func $exit (param i32)))
            (memory (export "memory") 1)
            (data (i32.const 16) "hello\n\ff")
            (func $print (param $len i32)
                (call $write (call $stdout) (i32.const 16) (local.get $len) (i32.const 64)))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "wasi:cli/run@0.2.1#run") (result i32) {body}))"#
    );
    component_from_wat(&wit, "command", &module).unwrap()
}

fn with_seed(seed: &[u8]) -> Context {
    Context { seed: Some(Hash::of(seed)), ..context() }
}

fn state(step: Step) -> Vec<u8> {
    match step.outcome {
        Outcome::Accepted(accepted) => accepted.state,
        other => panic!("not accepted: {other:?}"),
    }
}

/// What a message comes to: the reply, or else the outcome in a word.
fn said(component: &[u8], message: &str) -> String {
    let component = load(component);
    let step = component.apply(&context(), &mut Nowhere, message.as_bytes(), b"null").unwrap();
    match &step.outcome {
        Outcome::Accepted(accepted) => {
            assert_eq!(accepted.state, b"null");
            String::from_utf8(accepted.reply.clone().unwrap()).unwrap()
        }
        Outcome::Failed(failed) => format!("failed {failed}"),
        Outcome::Rejected(_) => told(&step),
    }
}

#[test]
fn seed_and_time_of_the_entry_decide_what_a_guest_draws_and_sees() {
    let dice = load(&wasi::dice());
    assert!(dice.draws());
    let roll = |context: &Context| state(dice.apply(context, &mut Nowhere, b"m", b"s").unwrap());
    let first = roll(&with_seed(b"one"));
    let mut keyed = blake3::Hasher::new_keyed(Hash::of(b"one").as_bytes());
    let expect = keyed.update(b"wasi:random/random").finalize();
    assert_eq!(first[..8], expect.as_bytes()[..8]);
    assert_eq!(first[8..], 1_000_000_000_u64.to_le_bytes(), "a second after 1970");
    assert_eq!(roll(&with_seed(b"one")), first);
    assert_ne!(roll(&with_seed(b"two"))[..8], first[..8]);
    assert!(dice.apply(&context(), &mut Nowhere, b"m", b"s").is_err(), "without a seed there is no outcome");
    assert!(!load(&troupe_testing::guests::echo(troupe_testing::World::Actor)).draws());
}

#[test]
fn what_is_imported_is_listed_with_what_it_gets() {
    let dice = load(&wasi::dice());
    let listed: Vec<_> =
        dice.imports().iter().map(|Import { name, met, .. }| (name.as_str(), *met)).collect();
    assert_eq!(
        listed,
        [
            ("troupe:actor/runtime@0.1.0", Met::Given),
            ("wasi:clocks/monotonic-clock@0.2.12", Met::Recorded),
            ("wasi:random/random@0.2.12", Met::Recorded),
        ]
    );
}

#[test]
fn every_function_of_every_interface_is_there() {
    let everything = "package test:everything;
        world everything { include wasi:cli/imports@0.2.12; include wasi:http/imports@0.2.12;
            export wasi:cli/run@0.2.12; }";
    let component = troupe_testing::importing(
        &PACKAGES,
        everything,
        "everything",
        r#"(func (export "wasi:cli/run@0.2.12#run") (result i32) unreachable)"#,
    );
    let component = component.unwrap();
    let loaded = SANDBOX.load(&component, &small()).unwrap();
    assert_eq!(loaded.world(), World::Command);
    let met = |met| loaded.imports().iter().filter(|import| import.met == met).count();
    assert_eq!([met(Met::Given), met(Met::Recorded), met(Met::Refuses)], [16, 5, 7]);
    assert_eq!((met(Met::NeedsGrant), met(Met::Never)), (1, 0));
}

#[test]
fn a_command_is_an_actor_that_replies_with_what_it_printed() {
    let hello = command("(call $print (i32.const 6)) (i32.const 0)");
    let loaded = load(&hello);
    assert_eq!(loaded.world().name(), "wasi:cli/command@0.2");
    assert_eq!(told(&init(&loaded, None)), "ok null");
    assert_eq!(told(&init(&loaded, Some(b"{}"))), "failed refused");
    assert_eq!(said(&hello, r#"{"args":["a"],"stdin":"b"}"#), r#"{"exit":0,"stdout":"hello\n"}"#);
    let binary = command("(call $print (i32.const 7)) (i32.const 1)");
    assert_eq!(said(&binary, "{}"), r#"{"exit":1,"stdout_base64":"aGVsbG8K/w=="}"#);
    let exits = command("(call $print (i32.const 2)) (call $exit (i32.const 1)) unreachable");
    assert_eq!(said(&exits, "{}"), r#"{"exit":1,"stdout":"he"}"#);
    assert!(said(&command("unreachable"), "{}").starts_with("failed trap:unreachable"));
}

#[test]
fn a_message_that_is_no_run_of_a_command_is_rejected_with_its_key() {
    let hello = command("(i32.const 0)");
    assert_eq!(said(&hello, r#"{"args":"a"}"#), "rejected the key `args` is not an array of strings");
    assert_eq!(said(&hello, r#"{"argv":[]}"#), "rejected there is no key `argv` in such a message");
    assert!(said(&hello, "[]").starts_with("rejected the message is not a JSON object"));
}

#[test]
fn exit_in_an_actors_function_is_a_failure_that_says_so() {
    let world = troupe_testing::World::Actor;
    let wit =
        format!("{}\n{SOME}\nworld quitter {{ include actor; import wasi:cli/exit@0.2.1; }}", world.wit());
    let quitter = |place| {
        let guest = Guest::new(world).wit(wit.clone(), "quitter");
        guest
            .import(r#"(import "wasi:cli/exit@0.2.1" "exit" (func $exit (param i32)))"#)
            .at(place, "(call $exit (i32.const 0))")
            .component()
    };
    let step = |place| load(&quitter(place)).apply(&context(), &mut Nowhere, b"m", b"s").unwrap();
    let Outcome::Failed(failed) = step(Place::Call(Call::Handle)).outcome else { panic!("it did not fail") };
    assert_eq!(failed.code.as_str(), "trap:other");
    assert!(failed.detail.contains("in handle: "), "{}", failed.detail);
    assert!(failed.detail.contains("wasi:cli/exit"), "{}", failed.detail);
    assert!(told(&step(Place::Call(Call::MessageContract))).starts_with("rejected "));
    // Before its world's functions run it is the guest's doing too, and no fault of the host.
    assert!(told(&step(Place::Start)).starts_with("rejected trap:other"));
}

#[test]
fn a_handler_that_does_not_answer_has_failed() {
    let wit = format!(
        "package test:handler;\n{SOME}\nworld handler {{ export wasi:http/incoming-handler@0.2.0; }}"
    );
    let module = r#"(module (memory (export "memory") 1)
        (func (export "wasi:http/incoming-handler@0.2.0#handle") (param i32 i32)))"#;
    let handler = component_from_wat(&wit, "handler", module).unwrap();
    assert_eq!(load(&handler).world().name(), "wasi:http/proxy@0.2");
    let request = r#"{"method":"GET","path":"/"}"#;
    assert_eq!(said(&handler, request), "failed refused: the request was not answered");
    assert_eq!(said(&handler, r#"{"method":"GET"}"#), "rejected the key `path` is missing");
}

#[test]
fn what_is_not_given_refuses_the_component_with_the_reason() {
    let refused = |package: &str, interface: &str| {
        let bytes = troupe_testing::misfits::imports(troupe_testing::World::Actor, package, interface, "now");
        match SANDBOX.load(&bytes, &small()).map(|_| ()) {
            Err(error @ LoadError::Interface { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        }
    };
    let text = refused("wasi:keyvalue@0.2.0", "store");
    assert!(
        text.contains("`wasi:keyvalue/store@0.2.0` is not granted: it is not a part of WASI 0.2"),
        "{text}"
    );
    let text = refused("wasi:clocks@0.3.0", "monotonic-clock");
    assert!(text.contains("is not granted: WASI 0.3 is not given"), "{text}");
    let text = refused("wasi:clocks@0.2.0-rc-2023-11-10", "monotonic-clock");
    assert!(text.contains("is not granted: only the versions 0.2.x of it are given"), "{text}");
}

#[test]
fn a_component_of_no_world_is_refused_with_what_it_exports_and_what_no_actor_is_given() {
    let wit = "package test:other;
        package wasi:cli@0.3.0 { interface run { run: func(); } interface stdout { write: func(); } }
        package other:api@1.5.0 { interface host { fork: func(); } }
        world other { import wasi:cli/stdout@0.3.0; import other:api/host@1.5.0; export wasi:cli/run@0.3.0; }";
    let module = r#"(module
        (import "wasi:cli/stdout@0.3.0" "write" (func)) (import "other:api/host@1.5.0" "fork" (func))
        (func (export "wasi:cli/run@0.3.0#run")))"#;
    let error = SANDBOX.load(&component_from_wat(wit, "other", module).unwrap(), &small()).map(|_| ());
    let text = error.unwrap_err().to_string();
    assert!(text.contains("but `wasi:cli/run@0.3.0`;\n"), "{text}");
    assert!(
        text.contains("`wasi:cli/stdout@0.3.0` is not granted: WASI 0.3 is not given; build it for"),
        "{text}"
    );
    assert!(text.contains("`other:api/host@1.5.0` is not granted: no world gives it"), "{text}");
}
