//! What an actor may ask of the runtime.
//!
//! Effects are noted down in the entry being made, and done once it is committed.

use std::time::Duration;

use serde::Serialize;

use crate::{Context, EffectId, json};

/// A text is 1 to 256 printable ASCII characters, an actor is named by its id or name, and a time is at most
/// 2<sup>53</sup>-1 milliseconds; of a time, what is less than a millisecond is cut off. Anything else traps: the entry says
/// that the actor failed, and nothing is done. So does a payload that cannot be written as JSON.
impl Context {
    /// Sends a message to another actor.
    pub fn send(&mut self, to: &str, message: &impl Serialize) {
        self.host.send(to, &json::payload(message));
    }

    /// Sends a message that is to be replied to within `timeout`.
    ///
    /// The reply comes as a message from [`Sender::Reply`](crate::Sender::Reply), and what else becomes of it as one from
    /// [`Sender::Notice`](crate::Sender::Notice); both name the id that is given here.
    pub fn request(&mut self, to: &str, message: &impl Serialize, timeout: Duration) -> EffectId {
        self.host.request(to, &json::payload(message), milliseconds(timeout))
    }

    /// Sends this actor a message after so much time.
    pub fn set_timer(&mut self, after: Duration, message: &impl Serialize) -> EffectId {
        self.host.set_timer(milliseconds(after), &json::payload(message))
    }

    /// Sends this actor a message whenever it is time: minute, hour, day of month, month and day of week, in UTC; with a
    /// sixth field in front, seconds.
    pub fn set_cron(&mut self, cron: &str, message: &impl Serialize) -> EffectId {
        self.host.set_cron(cron, &json::payload(message))
    }

    /// Ends a timer of this actor; does nothing if it has gone off.
    pub fn cancel(&mut self, timer: EffectId) {
        self.host.cancel(timer);
    }

    /// Starts another actor, with this one as its parent.
    pub fn spawn(&mut self, child: Child) -> EffectId {
        self.host.spawn(child)
    }

    /// Stops a child.
    pub fn stop(&mut self, child: &str) {
        self.host.stop(child);
    }

    /// Ends this actor, once the entry being made is committed.
    pub fn exit(&mut self, reason: &str) {
        self.host.exit(reason);
    }

    /// Asks the web, and waits for the answer, which is recorded in the entry being made.
    ///
    /// # Errors
    /// The host is not granted, or there is no answer.
    #[cfg(feature = "web")]
    pub fn fetch(&mut self, request: crate::web::Request) -> Result<crate::web::Response, crate::Reason> {
        self.host.fetch(request)
    }
}

/// The runtime refuses what is beyond 2^53-1, and so the largest number is as good as any of them.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// An actor to be started with [`Context::spawn`]: this actor's own code unless [`Child::component`] says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "a child is started by `Context::spawn`"]
pub struct Child {
    pub(crate) component: Option<String>,
    pub(crate) config: Option<Vec<u8>>,
    pub(crate) name: Option<String>,
    pub(crate) grants: Vec<String>,
    pub(crate) supervision: Option<Supervision>,
}

impl Child {
    /// A child with this actor's code and nothing else.
    pub fn new() -> Self {
        Self::default()
    }

    /// The hash of its component (64 hex digits), which the node must have.
    pub fn component(mut self, hash: impl Into<String>) -> Self {
        self.component = Some(hash.into());
        self
    }

    /// The configuration given to its `init`.
    pub fn config(mut self, config: &impl Serialize) -> Self {
        self.config = Some(json::payload(config));
        self
    }

    /// The name to give it.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// One more thing that it is granted, which must be granted to this actor too.
    pub fn grant(mut self, grant: impl Into<String>) -> Self {
        self.grants.push(grant.into());
        self
    }

    /// What is done about its failures; nothing if this is not said.
    pub fn supervision(mut self, supervision: Supervision) -> Self {
        self.supervision = Some(supervision);
        self
    }
}

/// When failures are repeated failures, and what is done about them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Supervision {
    /// What is done.
    pub on_failure: OnFailure,
    /// So many failures within `within` are repeated failures; at least 1.
    pub failures: u32,
    /// The time in which failures and restarts are counted.
    pub within: Duration,
    /// How long an actor rests after it was started again; doubled each time within `within`.
    pub backoff: Duration,
    /// The longest such rest.
    pub max_backoff: Duration,
    /// So many restarts within `within` are done; one more escalates instead.
    pub max_restarts: u32,
}

/// What is done about an actor that fails again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Nothing: the failure is recorded, the state is as before, and the next message is taken.
    GoOn,
    /// It takes no more messages until it is resumed.
    Pause,
    /// It begins again from its first state.
    Restart,
    /// It goes back to the state before the last message that it accepted.
    Restore,
    /// It is stopped.
    Stop,
    /// It is paused, and its parent's policy is applied to the parent.
    Escalate,
}
