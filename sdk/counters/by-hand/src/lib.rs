//! The counter that `troupe new` makes, without the SDK: the generated bindings, serde, and the SDK's allocator.
#![cfg(target_arch = "wasm32")]

#[rustfmt::skip]
#[allow(clippy::all)]
#[path = "../../../rust/src/bindings.rs"]
mod bindings;
#[path = "../../../rust/src/heap.rs"]
mod heap;

use bindings::exports::troupe::actor::handler::{Context, Guest as Handler, Outcome};
use bindings::exports::troupe::actor::{description, migration};
use serde::{Deserialize, Serialize};

#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

#[derive(Default, Serialize, Deserialize)]
struct State {
    count: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Message {
    Add(i64),
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, String> {
    serde_json::to_vec(value).map_err(|error| error.to_string())
}

struct Counter;

impl Handler for Counter {
    fn init(_: Context, _: Option<Vec<u8>>) -> Result<Vec<u8>, String> {
        prepare();
        written(&State::default())
    }

    fn message_contract(_: Context, message: Vec<u8>, state: Vec<u8>) -> Result<(), String> {
        prepare();
        read::<Message>(&message)?;
        read::<State>(&state).map(drop)
    }

    fn handle(_: Context, message: Vec<u8>, state: Vec<u8>) -> Result<Outcome, String> {
        prepare();
        let mut state: State = read(&state)?;
        let Message::Add(n) = read(&message)?;
        state.count += n;
        Ok(Outcome { state: written(&state)?, reply: Some(written(&state.count)?) })
    }

    fn state_contract(state: Vec<u8>) -> Result<(), String> {
        prepare();
        read::<State>(&state).map(drop)
    }
}

impl migration::Guest for Counter {
    fn migrate(_: Context, state: Vec<u8>) -> Result<Vec<u8>, String> {
        prepare();
        read::<State>(&state)?;
        Ok(state)
    }
}

impl description::Guest for Counter {
    fn schema() -> String {
        "{}".to_owned()
    }
}

#[cfg(not(feature = "panics"))]
fn prepare() {}

#[cfg(feature = "panics")]
fn prepare() {
    use bindings::troupe::actor::runtime;
    use std::sync::atomic::{AtomicBool, Ordering};

    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if !INSTALLED.swap(true, Ordering::Relaxed) {
        std::panic::set_hook(Box::new(|panic| runtime::log(runtime::Level::Error, &panic.to_string())));
    }
}

bindings::export!(Counter with_types_in bindings);
