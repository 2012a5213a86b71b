//! The roles as an actor: the functions that the world asks for.

use crate::bindings::{
    exports::troupe::actor::handler::{Context, Guest, Outcome},
    troupe::actor::runtime::{request, send},
    troupe::actor::types::{self, About, Sender},
};
use crate::role::Role;
use crate::wire::{Ask, EffectId, From, Incoming, Step};

/// How long a member waits for the clearing house, in milliseconds.
const TIMEOUT: u64 = 60_000;

#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

struct Credit;

impl Guest for Credit {
    fn init(context: Context, config: Option<Vec<u8>>) -> Result<Vec<u8>, String> {
        let (role, Step { asks, .. }) = Role::new(context.seq, config.as_deref())?;
        ask(asks);
        role.encode()
    }

    fn message_contract(context: Context, message: Vec<u8>, state: Vec<u8>) -> Result<(), String> {
        step(context, &message, &state).map(|_| ())
    }

    fn handle(context: Context, message: Vec<u8>, state: Vec<u8>) -> Result<Outcome, String> {
        let (role, Step { asks, reply }) = step(context, &message, &state)?;
        ask(asks);
        Ok(Outcome { state: role.encode()?, reply })
    }

    fn state_contract(state: Vec<u8>) -> Result<(), String> {
        Role::decode(&state)?.check()
    }
}

fn step(context: Context, bytes: &[u8], state: &[u8]) -> Result<(Role, Step), String> {
    let mut role = Role::decode(state)?;
    let step = role.step(&Incoming { from: from(context.from), seq: context.seq, bytes })?;
    Ok((role, step))
}

/// The rules count on effects being numbered in this order, from 0.
fn ask(asks: Vec<Ask>) {
    for ask in asks {
        match ask {
            Ask::Send(to, message) => send(&to, &message),
            Ask::Request(to, message) => {
                request(&to, &message, TIMEOUT);
            }
        }
    }
}

fn from(sender: Sender) -> From {
    let id = |id: types::EffectId| EffectId(id.seq, id.n);
    match sender {
        Sender::Http | Sender::Did(_) => From::Outside,
        Sender::Actor(by) => From::Actor(by.chain),
        Sender::Reply(reply) => From::Reply(id(reply.to), reply.chain),
        Sender::Notice(notice) => From::Notice(id(notice.of), about(notice.about).to_owned()),
        Sender::Timer(_) | Sender::Parent(_) => From::Other,
    }
}

fn about(about: About) -> &'static str {
    match about {
        About::Busy => "busy",
        About::Failed => "failed",
        About::Lapsed => "lapsed",
        About::Late => "late",
        About::NoReply => "no-reply",
        About::OutOfTime => "out-of-time",
        About::Paused => "paused",
        About::Refused => "refused",
        About::Restarted => "restarted",
        About::Started => "started",
        About::Stopped => "stopped",
        About::Unknown => "unknown",
    }
}

crate::bindings::export!(Credit with_types_in crate::bindings);
