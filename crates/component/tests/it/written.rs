//! Whoever listens to a guest hears what it writes as it is written, and changes nothing.

use std::sync::{Arc, Mutex};

use troupe_chain::{Context, Hash, Level, Machine, Nowhere, Step};
use troupe_component::{Listener, Sandbox, Stream};
use troupe_testing::{World, guests, module_from_wat};

use crate::common::{SANDBOX, context, small, whole};

/// Writes a line, the next in two parts, and between them more than it has.
const WRITES: &str = r#"(module
  (import "icn" "host_take_input" (func $take (param i32 i32) (result i32)))
  (import "icn" "host_put_output" (func $put (param i32 i32) (result i32)))
  (memory (export "memory") 1) (data (i32.const 0) "one\ntwo")
  (func (export "run") (result i64)
    (drop (call $take (i32.const 100) (i32.const 5)))
    (drop (call $put (i32.const 0) (i32.const 6)))
    (drop (call $put (i32.const 6) (i32.const 1)))
    (drop (call $put (i32.const 0) (i32.const 70000)))
    (drop (call $put (i32.const 3) (i32.const 1)))
    (i64.const 0)))"#;

type Heard = Arc<Mutex<Vec<(u64, Stream, String)>>>;

/// A sandbox whose guests are heard on one chain.
fn listening(chain: Hash) -> (Sandbox, Heard) {
    let heard = Heard::default();
    let hears = Arc::clone(&heard);
    let listener = Listener::new(move |context| {
        let (hears, seq) = (Arc::clone(&hears), context.seq);
        let sink = move |stream, line: &str| hears.lock().unwrap().push((seq, stream, line.to_owned()));
        (context.chain == chain).then(|| Box::new(sink) as _)
    });
    (SANDBOX.heard_by(listener), heard)
}

fn apply(sandbox: &Sandbox, code: &[u8], context: &Context, message: &[u8]) -> Step {
    let machine = sandbox.load(code, &small()).unwrap();
    machine.apply(context, &mut Nowhere, message, b"null").unwrap()
}

#[test]
fn what_a_guest_writes_is_heard_in_order_and_its_step_is_the_same() {
    let module = module_from_wat(WRITES).unwrap();
    let logs = guests::logs(World::Actor);
    let (sandbox, heard) = listening(context().chain);
    for code in [&module, &logs] {
        let quiet = apply(&SANDBOX, code, &context(), b"input");
        let listened = apply(&sandbox, code, &context(), b"input");
        assert_eq!(whole(&Ok(quiet)), whole(&Ok(listened)));
    }
    let info = Stream::Log(Level::Info);
    let expected = [
        (2, Stream::Output, "one".to_owned()),
        (2, Stream::Output, "two".to_owned()),
        (2, info, "message-contract".to_owned()),
        (2, info, "handle".to_owned()),
        (2, info, "state-contract".to_owned()),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[test]
fn the_standard_output_of_a_command_is_heard_too() {
    let command =
        crate::wasi::command("(call $print (i32.const 6)) (call $print (i32.const 2)) (i32.const 0)");
    let (sandbox, heard) = listening(context().chain);
    apply(&sandbox, &command, &context(), b"{}");
    // What has no end is in the reply.
    assert_eq!(*heard.lock().unwrap(), [(2, Stream::Output, "hello".to_owned())]);
}

#[test]
fn a_guest_is_heard_where_somebody_listens_and_nowhere_else() {
    let logs = guests::logs(World::Actor);
    let (sandbox, heard) = listening(Hash::of(b"another chain"));
    apply(&sandbox, &logs, &context(), b"input");
    assert!(heard.lock().unwrap().is_empty());
    let there = Context { chain: Hash::of(b"another chain"), ..context() };
    apply(&SANDBOX, &logs, &there, b"input");
    assert!(heard.lock().unwrap().is_empty(), "a clone that nobody listens to");
    apply(&sandbox, &logs, &there, b"input");
    assert_eq!(heard.lock().unwrap().len(), 3);
}

#[test]
fn what_a_guest_wrote_before_it_failed_was_heard() {
    let text = WRITES.replace("(i64.const 0)))", "(unreachable)))");
    let (sandbox, heard) = listening(context().chain);
    let step = apply(&sandbox, &module_from_wat(&text).unwrap(), &context(), b"input");
    assert_eq!(crate::common::told(&step), "failed trap:unreachable");
    assert_eq!(heard.lock().unwrap().len(), 2);
}
