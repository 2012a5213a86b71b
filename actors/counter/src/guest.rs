//! The count as an actor: the functions that the world asks for.

use crate::bindings::{
    exports::ntwk::simple_actor::actor::{Guest, Message, State},
    ntwk::simple_actor::runtime::{log, send},
};
use crate::count::{Count, Step};

/// Who hears of the count.
const OBSERVER: &str = "observer";

#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

struct Counter;

impl Guest for Counter {
    fn init() -> State {
        Count::default().encode()
    }

    fn message_contract(message: Message, state: State) -> bool {
        match step(&message, &state) {
            Ok(_) => true,
            Err(reason) => {
                log(&format!("refused: {reason}"));
                false
            }
        }
    }

    fn handle(message: Message, state: State) -> State {
        let Step { count, observed } = step(&message, &state).unwrap_or_else(|reason| {
            // The world's `handle` cannot say no, and the contract already has: whoever calls it all the same is wrong.
            log(&reason);
            panic!("{reason}")
        });
        let state = count.encode();
        log(&format!("now {}", String::from_utf8_lossy(&state)));
        if observed {
            send(OBSERVER, &state);
        }
        state
    }

    fn state_contract(state: State) -> bool {
        Count::decode(&state).is_ok()
    }
}

fn step(message: &[u8], state: &[u8]) -> Result<Step, String> {
    Count::decode(state)?.step(message)
}

crate::bindings::export!(Counter with_types_in crate::bindings);
