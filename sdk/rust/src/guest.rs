//! An actor as the functions that the world asks for.

use std::marker::PhantomData;

use crate::bindings::exports::troupe::actor::{description, handler, migration};
use crate::bindings::troupe::actor::types;
use crate::{About, Actor, Context, EffectId, EffectRef, Sender, dispatch};

/// What `export!` exports.
pub struct Exported<A>(PhantomData<A>);

impl<A: Actor> handler::Guest for Exported<A> {
    fn init(context: types::Context, config: Option<Vec<u8>>) -> Result<Vec<u8>, String> {
        dispatch::init::<A>(&mut context.into(), config.as_deref()).map_err(Into::into)
    }

    fn message_contract(context: types::Context, message: Vec<u8>, state: Vec<u8>) -> Result<(), String> {
        dispatch::accept::<A>(context.into(), message, state).map_err(Into::into)
    }

    fn handle(context: types::Context, message: Vec<u8>, state: Vec<u8>) -> Result<types::Outcome, String> {
        let handled = dispatch::handle::<A>(&mut context.into(), &message, &state)?;
        Ok(types::Outcome { state: handled.state, reply: handled.reply })
    }

    fn state_contract(state: Vec<u8>) -> Result<(), String> {
        dispatch::check::<A>(&state).map_err(Into::into)
    }
}

impl<A: Actor> migration::Guest for Exported<A> {
    fn migrate(context: types::Context, state: Vec<u8>) -> Result<Vec<u8>, String> {
        dispatch::migrate::<A>(&mut context.into(), &state).map_err(Into::into)
    }
}

impl<A: Actor> description::Guest for Exported<A> {
    fn schema() -> String {
        A::describe().to_json()
    }
}

impl From<crate::Reason> for String {
    fn from(reason: crate::Reason) -> Self {
        reason.into_string()
    }
}

impl From<types::Context> for Context {
    fn from(context: types::Context) -> Self {
        Self::new(context.from.into(), context.at, context.seq)
    }
}

impl From<types::Sender> for Sender {
    fn from(sender: types::Sender) -> Self {
        match sender {
            types::Sender::Http => Self::Http,
            types::Sender::Did(did) => Self::Did(did),
            types::Sender::Actor(effect) => Self::Actor(effect.into()),
            types::Sender::Timer(timer) => Self::Timer { set: timer.set.into(), due: timer.due },
            types::Sender::Reply(reply) => {
                Self::Reply { to: reply.to.into(), chain: reply.chain, entry: reply.entry }
            }
            types::Sender::Notice(notice) => Self::Notice {
                of: EffectId::from(notice.of),
                about: notice.about.into(),
                chain: notice.chain,
                entry: notice.entry,
            },
            types::Sender::Parent(effect) => Self::Parent(effect.into()),
        }
    }
}

impl From<types::EffectRef> for EffectRef {
    fn from(effect: types::EffectRef) -> Self {
        Self { chain: effect.chain, entry: effect.entry, n: effect.n }
    }
}

impl From<types::About> for About {
    fn from(about: types::About) -> Self {
        match about {
            types::About::Busy => Self::Busy,
            types::About::Failed => Self::Failed,
            types::About::Lapsed => Self::Lapsed,
            types::About::Late => Self::Late,
            types::About::NoReply => Self::NoReply,
            types::About::OutOfTime => Self::OutOfTime,
            types::About::Paused => Self::Paused,
            types::About::Refused => Self::Refused,
            types::About::Restarted => Self::Restarted,
            types::About::Started => Self::Started,
            types::About::Stopped => Self::Stopped,
            types::About::Unknown => Self::Unknown,
        }
    }
}
