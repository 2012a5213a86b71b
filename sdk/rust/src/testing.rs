//! An actor in a test, on this machine and without WebAssembly.
//!
//! A [`Harness`] treats an actor as the runtime does: it checks the message contract, handles, checks the state contract,
//! and goes on from the bytes of the new state. Fuel and limits on sizes are not held.
//!
//! ```
//! # use serde::{Deserialize, Serialize};
//! # use troupe_actor::{Actor, Context, Reason};
//! # #[derive(Default, Serialize, Deserialize)]
//! # struct Counter { count: u64 }
//! # #[derive(Deserialize)]
//! # #[serde(rename_all = "lowercase")]
//! # enum Message { Inc, Add(u64) }
//! # impl Actor for Counter {
//! #     type Message = Message;
//! #     type Reply = u64;
//! #     fn handle(&mut self, message: Message, _: &mut Context) -> Result<u64, Reason> {
//! #         self.count += match message { Message::Inc => 1, Message::Add(n) => n };
//! #         Ok(self.count)
//! #     }
//! # }
//! use serde_json::json;
//! use troupe_actor::testing::Harness;
//!
//! let mut counter = Harness::<Counter>::new(&())?;
//! assert_eq!(counter.tell(&json!({"add": 2})).reply(), "2");
//! assert!(counter.tell(&json!({"add": "one"})).refused().contains("expected u64"));
//! assert_eq!(counter.state(), r#"{"count":2}"#);
//! # Ok::<(), troupe_actor::Reason>(())
//! ```

use std::marker::PhantomData;
use std::time::Duration;

use serde::Serialize;

use crate::dispatch::{self, Handled};
use crate::host::native;
use crate::{Actor, Child, Context, EffectId, Level, Reason, Sender, json};

/// The time that a test begins at, in milliseconds since 1970.
const START: u64 = 1_700_000_000_000;

/// Something that an actor asked for, with its payload as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// [`Context::send`].
    Send {
        /// The receiver.
        to: String,
        /// The message.
        message: String,
    },
    /// [`Context::request`].
    Request {
        /// The receiver.
        to: String,
        /// The message.
        message: String,
        /// How long to wait, in milliseconds.
        timeout: u64,
    },
    /// [`Context::set_timer`].
    Timer {
        /// How much later, in milliseconds.
        after: u64,
        /// The message.
        message: String,
    },
    /// [`Context::set_cron`].
    Cron {
        /// When.
        cron: String,
        /// The message.
        message: String,
    },
    /// [`Context::cancel`].
    Cancel(EffectId),
    /// [`Context::spawn`].
    Spawn(Child),
    /// [`Context::stop`].
    Stop {
        /// The child.
        child: String,
    },
    /// [`Context::exit`].
    Exit {
        /// Why.
        reason: String,
    },
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is a new state; the reply as JSON.
    Accepted(Option<String>),
    /// The message contract says no.
    Refused(Reason),
    /// The actor failed, or the new state breaks its contract; the state is as it was.
    Failed(Reason),
}

/// A message taken.
#[derive(Clone, Debug)]
#[must_use = "a step may be a refusal"]
pub struct Step {
    /// What became of it.
    pub outcome: Outcome,
    /// What the actor asked for, in order; nothing unless the message was accepted.
    pub effects: Vec<Effect>,
    /// What the actor logged, in order.
    pub log: Vec<(Level, String)>,
}

impl Step {
    /// The reply as JSON; `null` if there is none.
    ///
    /// # Panics
    /// If the message was not accepted.
    #[track_caller]
    pub fn reply(&self) -> &str {
        match &self.outcome {
            Outcome::Accepted(reply) => reply.as_deref().unwrap_or("null"),
            outcome => panic!("not accepted: {outcome:?}"),
        }
    }

    /// Why the message was refused.
    ///
    /// # Panics
    /// If it was not.
    #[track_caller]
    pub fn refused(&self) -> &str {
        match &self.outcome {
            Outcome::Refused(reason) => reason.as_str(),
            outcome => panic!("not refused: {outcome:?}"),
        }
    }

    /// Why the actor failed.
    ///
    /// # Panics
    /// If it did not.
    #[track_caller]
    pub fn failed(&self) -> &str {
        match &self.outcome {
            Outcome::Failed(reason) => reason.as_str(),
            outcome => panic!("not failed: {outcome:?}"),
        }
    }
}

/// An actor that a test sends messages to.
///
/// Where the runtime would trap, a method of [`Context`] panics.
pub struct Harness<A> {
    state: Vec<u8>,
    at: u64,
    seq: u64,
    #[cfg(feature = "web")]
    web: Option<native::Web>,
    /// What `init` asked for and logged.
    pub first: Step,
    actor: PhantomData<A>,
}

impl<A: Actor> Harness<A> {
    /// Begins an actor; `&()` is no configuration.
    ///
    /// # Errors
    /// `init` failed, or the first state breaks its contract.
    pub fn new(config: &impl Serialize) -> Result<Self, Reason> {
        let mut context = Context::new(Sender::Http, START, 1);
        native::take_log();
        let state = dispatch::init::<A>(&mut context, Some(&json::payload(config)))?;
        dispatch::check::<A>(&state)?;
        let first =
            Step { outcome: Outcome::Accepted(None), effects: context.host.effects, log: native::take_log() };
        Ok(Self {
            state,
            at: START,
            seq: 2,
            #[cfg(feature = "web")]
            web: None,
            first,
            actor: PhantomData,
        })
    }

    /// Answers what the actor asks of the web.
    #[cfg(feature = "web")]
    #[must_use]
    pub fn web(
        mut self,
        answer: impl FnMut(&crate::web::Request) -> Result<crate::web::Response, Reason> + 'static,
    ) -> Self {
        self.web = Some(Box::new(answer));
        self
    }

    /// Sends a message as an HTTP client does.
    pub fn tell(&mut self, message: &impl Serialize) -> Step {
        self.tell_from(Sender::Http, message)
    }

    /// Sends a message as somebody else.
    pub fn tell_from(&mut self, from: Sender, message: &impl Serialize) -> Step {
        self.tell_bytes(from, json::payload(message))
    }

    /// Sends a message that may not be JSON.
    pub fn tell_bytes(&mut self, from: Sender, message: Vec<u8>) -> Step {
        native::take_log();
        let contract = Context::new(from.clone(), self.at, self.seq);
        let accepted = dispatch::accept::<A>(contract, message.clone(), self.state.clone());
        let (outcome, effects) = match accepted {
            Err(reason) => (Outcome::Refused(reason), Vec::new()),
            Ok(()) => self.handle(from, &message),
        };
        Step { outcome, effects, log: native::take_log() }
    }

    fn handle(&mut self, from: Sender, message: &[u8]) -> (Outcome, Vec<Effect>) {
        let mut context = Context::new(from, self.at, self.seq);
        #[cfg(feature = "web")]
        {
            context.host.web = self.web.take();
        }
        self.seq += 1;
        let handled = dispatch::handle::<A>(&mut context, message, &self.state)
            .and_then(|handled| dispatch::check::<A>(&handled.state).map(|()| handled));
        #[cfg(feature = "web")]
        {
            self.web = context.host.web.take();
        }
        match handled {
            Err(reason) => (Outcome::Failed(reason), Vec::new()),
            Ok(Handled { state, reply }) => {
                self.state = state;
                let reply = reply.map(|reply| String::from_utf8_lossy(&reply).into_owned());
                (Outcome::Accepted(reply), context.host.effects)
            }
        }
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: Duration) {
        self.at = self.at.saturating_add(crate::effects::milliseconds(time));
    }

    /// The position that the next entry has.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The state as JSON.
    ///
    /// # Panics
    /// If it is not text, which compact JSON always is.
    pub fn state(&self) -> &str {
        std::str::from_utf8(&self.state).expect("JSON is UTF-8")
    }

    /// Carries over a state that other code led to, and goes on from it.
    ///
    /// # Errors
    /// `migrate` failed, or the state breaks its contract; the state is as it was.
    pub fn migrate(&mut self, old: &impl Serialize) -> Result<(), Reason> {
        let mut context = Context::new(Sender::Http, self.at, self.seq);
        let state = dispatch::migrate::<A>(&mut context, &json::payload(old))?;
        dispatch::check::<A>(&state)?;
        self.state = state;
        self.seq += 1;
        Ok(())
    }
}
