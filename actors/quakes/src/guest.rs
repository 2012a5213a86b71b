//! The summary as an actor: the functions that the world asks for.

use crate::bindings::{
    exports::troupe::actor::handler::{Context, Guest, Outcome},
    troupe::actor::runtime::{Level, log, send},
};
use crate::check::check;
use crate::decimal::thousandths;
use crate::event::Event;
use crate::summary::{Known, Summary, alert, encode};

#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

struct Quakes;

impl Guest for Quakes {
    fn init(_: Context, config: Option<Vec<u8>>) -> Result<Vec<u8>, String> {
        encode(&Summary::new(config.as_deref())?)
    }

    fn message_contract(_: Context, message: Vec<u8>, state: Vec<u8>) -> Result<(), String> {
        let event = decode(&message)?;
        Known::decode(&state)?.refuse_again(&event).map_err(|refusal| refusal.to_string())
    }

    /// Takes what the contract let through.
    fn handle(_: Context, message: Vec<u8>, state: Vec<u8>) -> Result<Outcome, String> {
        let event = decode(&message)?;
        let mut summary = Summary::decode(&state)?;
        let reply = summary.count(&event);
        if reply.alert {
            let magnitude = thousandths(event.magnitude);
            log(Level::Warn, &format!("alert: magnitude {magnitude}, {}", event.place));
            send(&summary.alerts_to, &alert(&event)?);
        }
        Ok(Outcome { state: encode(&summary)?, reply: Some(encode(&reply)?) })
    }

    fn state_contract(state: Vec<u8>) -> Result<(), String> {
        check(&Summary::decode(&state)?)
    }
}

fn decode(message: &[u8]) -> Result<Event<'_>, String> {
    Event::decode(message).map_err(|refusal| refusal.to_string())
}

crate::bindings::export!(Quakes with_types_in crate::bindings);
