//! What an author writes: one trait.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Context, Description, Json, Reason, ensure};

/// An actor. The type that has this trait is its state, which is stored as compact JSON after each message.
///
/// Nothing else is kept: each message may be the first of a fresh instance.
pub trait Actor: Default + Serialize + DeserializeOwned + 'static {
    /// What is told to it.
    type Message: DeserializeOwned + 'static;

    /// What it replies. What is written as `null` is no reply, so that `()` and `None` are none.
    type Reply: Serialize;

    /// Makes the first state; unless this is written, it is the default one, and there is no configuration.
    ///
    /// `config.read()` gives a configuration of any type. Where none was given it is `null`, which reads as `None`.
    ///
    /// # Errors
    /// The actor cannot begin like this.
    fn init(config: Json<'_>, context: &mut Context) -> Result<Self, Reason> {
        let _ = context;
        ensure!(config.is_null(), "this actor takes no configuration");
        Ok(Self::default())
    }

    /// Reads a message; unless this is written, as serde does.
    ///
    /// To write it is for replies and notices, which are of another form than messages of this actor
    /// (`context.from` says which it is), and for reasons of one's own.
    ///
    /// # Errors
    /// The message is refused.
    fn read(message: Json<'_>, context: &Context) -> Result<Self::Message, Reason> {
        let _ = context;
        message.read()
    }

    /// The message contract: whether the message may be handled in this state.
    ///
    /// It changes nothing, neither through a `Cell`: `handle` may be given the very values that were looked at here, or
    /// others that were read anew.
    ///
    /// # Errors
    /// The message is refused: nothing is recorded, and the sender is told the reason.
    fn accept(&self, message: &Self::Message, context: &Context) -> Result<(), Reason> {
        let _ = (message, context);
        Ok(())
    }

    /// Takes a message that was accepted.
    ///
    /// # Errors
    /// The actor has failed: the chain records it, the state stays as it was, and no effect is done.
    fn handle(&mut self, message: Self::Message, context: &mut Context) -> Result<Self::Reply, Reason>;

    /// The state contract: whether this is a state that the actor may be in. Asked of each new state, as it is read again.
    ///
    /// # Errors
    /// It is not; then the message that led to it is a failure.
    fn check(&self) -> Result<(), Reason> {
        Ok(())
    }

    /// Carries over a state that other code led to; unless this is written, it is read as one of this actor.
    ///
    /// # Errors
    /// It cannot be carried over, and the code before goes on.
    fn migrate(old: Json<'_>, context: &mut Context) -> Result<Self, Reason> {
        let _ = context;
        old.read()
    }

    /// What the actor takes, for people to read; unless this is written, it says nothing.
    fn describe() -> Description {
        Description::default()
    }
}
