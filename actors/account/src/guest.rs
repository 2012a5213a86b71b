//! The account as an actor: the functions that the world asks for.

use crate::account::{About, Account, EffectId, From, Step};
use crate::bindings::{
    exports::troupe::actor::handler::{Context, Guest, Outcome},
    troupe::actor::runtime::request,
    troupe::actor::types::{self, Sender},
};

/// How long a transfer waits for the receiver's reply, in milliseconds: a year, so that no notice says `late`, after which
/// nobody knows.
const TIMEOUT: u64 = 365 * 24 * 3_600_000;

#[global_allocator]
static HEAP: heap::Heap = heap::Heap::new();

struct Actor;

impl Guest for Actor {
    fn init(_: Context, config: Option<Vec<u8>>) -> Result<Vec<u8>, String> {
        Account::new(config.as_deref())?.encode()
    }

    fn message_contract(context: Context, message: Vec<u8>, state: Vec<u8>) -> Result<(), String> {
        // All of it, so that a message that cannot be handled is refused and is no failure.
        step(&context, &message, &state)?.0.check()
    }

    fn handle(context: Context, message: Vec<u8>, state: Vec<u8>) -> Result<Outcome, String> {
        let (account, Step { request: ask, reply }) = step(&context, &message, &state)?;
        if let Some((to, message)) = ask {
            request(&to, &message, TIMEOUT);
        }
        Ok(Outcome { state: account.encode()?, reply })
    }

    fn state_contract(state: Vec<u8>) -> Result<(), String> {
        Account::decode(&state)?.check()
    }
}

fn step(context: &Context, message: &[u8], state: &[u8]) -> Result<(Account, Step), String> {
    let mut account = Account::decode(state)?;
    let step = account.step(from(&context.from), context.seq, message)?;
    Ok((account, step))
}

fn from(sender: &Sender) -> From {
    let id = |id: &types::EffectId| EffectId(id.seq, id.n);
    match sender {
        Sender::Http | Sender::Did(_) => From::Outside,
        Sender::Actor(_) => From::Actor,
        Sender::Reply(reply) => From::Reply(id(&reply.to)),
        Sender::Notice(notice) => From::Notice(id(&notice.of), about(notice.about)),
        Sender::Timer(_) | Sender::Parent(_) => From::Other,
    }
}

fn about(about: types::About) -> About {
    use types::About::{
        Busy, Failed, Lapsed, Late, NoReply, OutOfTime, Paused, Refused, Restarted, Started, Stopped, Unknown,
    };
    match about {
        Busy | Failed | OutOfTime | Refused | Stopped | Unknown => About::NotTaken,
        NoReply => About::Taken,
        Lapsed | Late | Paused | Restarted | Started => About::Unclear,
    }
}

crate::bindings::export!(Actor with_types_in crate::bindings);
