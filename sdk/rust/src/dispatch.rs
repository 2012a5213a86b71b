//! From bytes to an actor and back, the same in a component and in tests.
//!
//! Invariant: what is kept of a message contract for `handle` changes no outcome. It is used only for the same message,
//! state and context, where reading them again would lead to the same values.

use std::any::Any;
use std::cell::Cell;

use crate::{Actor, Context, Json, Reason, Sender, json};

/// A state and a reply as bytes.
pub(crate) struct Handled {
    pub(crate) state: Vec<u8>,
    pub(crate) reply: Option<Vec<u8>>,
}

pub(crate) fn init<A: Actor>(context: &mut Context, config: Option<&[u8]>) -> Result<Vec<u8>, Reason> {
    prepare();
    let config = Json::new(config.unwrap_or(b"null"));
    json::write(&A::init(config, context)?)
}

pub(crate) fn accept<A: Actor>(context: Context, message: Vec<u8>, state: Vec<u8>) -> Result<(), Reason> {
    prepare();
    let read = A::read(Json::new(&message), &context)?;
    let actor: A = Json::new(&state).read()?;
    actor.accept(&read, &context)?;
    let Context { from, at, seq, .. } = context;
    let kept = Kept { message, state, from, at, seq, read: (read, actor) };
    KEPT.set(Some(Box::new(kept)));
    Ok(())
}

pub(crate) fn handle<A: Actor>(
    context: &mut Context,
    message: &[u8],
    state: &[u8],
) -> Result<Handled, Reason> {
    prepare();
    let (message, mut actor): (A::Message, A) = match recall(context, message, state) {
        Some(read) => read,
        None => (A::read(Json::new(message), context)?, Json::new(state).read()?),
    };
    let reply = json::write(&actor.handle(message, context)?)?;
    Ok(Handled { state: json::write(&actor)?, reply: (reply != b"null").then_some(reply) })
}

pub(crate) fn check<A: Actor>(state: &[u8]) -> Result<(), Reason> {
    prepare();
    Json::new(state).read::<A>()?.check()
}

pub(crate) fn migrate<A: Actor>(context: &mut Context, state: &[u8]) -> Result<Vec<u8>, Reason> {
    prepare();
    json::write(&A::migrate(Json::new(state), context)?)
}

fn prepare() {
    #[cfg(all(target_arch = "wasm32", feature = "panics"))]
    crate::logging::panics::install();
    #[cfg(feature = "log")]
    crate::logging::facade::install();
}

/// What the message contract read, with all that it was read from.
struct Kept<R> {
    message: Vec<u8>,
    state: Vec<u8>,
    from: Sender,
    at: u64,
    seq: u64,
    read: R,
}

thread_local! {
    static KEPT: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
}

/// What was read before, if it was read from the same.
fn recall<R: 'static>(context: &Context, message: &[u8], state: &[u8]) -> Option<R> {
    let kept = *KEPT.take()?.downcast::<Kept<R>>().ok()?;
    let same = kept.message == message
        && kept.state == state
        && (kept.at, kept.seq) == (context.at, context.seq)
        && kept.from == context.from;
    same.then_some(kept.read)
}
