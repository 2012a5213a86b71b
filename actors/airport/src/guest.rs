//! The airport as an actor: the functions that the world asks for.

use crate::airport::{Airport, From, Send};
use crate::bindings::{
    exports::troupe::actor::handler::{Context, Guest, Outcome},
    troupe::actor::runtime::send,
    troupe::actor::types::Sender,
};

#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

struct Actor;

impl Guest for Actor {
    fn init(_: Context, config: Option<Vec<u8>>) -> Result<Vec<u8>, String> {
        Airport::new(config.as_deref())?.encode()
    }

    fn message_contract(context: Context, message: Vec<u8>, state: Vec<u8>) -> Result<(), String> {
        step(&context, &message, &state).map(|_| ())
    }

    fn handle(context: Context, message: Vec<u8>, state: Vec<u8>) -> Result<Outcome, String> {
        let (airport, sends) = step(&context, &message, &state)?;
        if let Some((to, message)) = sends {
            send(&to, &message);
        }
        Ok(Outcome { state: airport.encode()?, reply: None })
    }

    fn state_contract(state: Vec<u8>) -> Result<(), String> {
        Airport::decode(&state)?.check()
    }
}

fn step(context: &Context, message: &[u8], state: &[u8]) -> Result<(Airport, Send), String> {
    let from = match context.from {
        Sender::Actor(_) => From::Actor,
        Sender::Notice(_) => From::Notice,
        _ => From::Feed,
    };
    let mut airport = Airport::decode(state)?;
    let sends = airport.step(from, message)?;
    Ok((airport, sends))
}

crate::bindings::export!(Actor with_types_in crate::bindings);
