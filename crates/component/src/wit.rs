//! The types of `troupe:actor/types` as they cross into a guest.

use troupe_chain::{Context, EffectId, EffectRef, Hash, Notice, Sender};
use wasmtime::component::{ComponentType, Lift, Lower};

/// `troupe:actor/types.outcome`.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct WitOutcome {
    pub(crate) state: Vec<u8>,
    pub(crate) reply: Option<Vec<u8>>,
}

/// `troupe:actor/types.context`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct WitContext {
    from: WitSender,
    at: u64,
    seq: u64,
}

/// `troupe:actor/types.effect-id`.
#[derive(Clone, Copy, ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct WitEffectId {
    pub(crate) seq: u64,
    pub(crate) n: u32,
}

/// `troupe:actor/types.effect-ref`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct WitEffectRef {
    chain: String,
    entry: String,
    n: u32,
}

/// `troupe:actor/types.timer-ref`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct WitTimer {
    set: WitEffectId,
    due: u64,
}

/// `troupe:actor/types.reply-ref`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct WitReply {
    to: WitEffectId,
    chain: String,
    entry: String,
}

/// `troupe:actor/types.notice-ref`.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct WitNotice {
    of: WitEffectId,
    about: WitAbout,
    chain: Option<String>,
    entry: Option<String>,
}

/// `troupe:actor/types.sender`.
#[derive(ComponentType, Lower)]
#[component(variant)]
pub(crate) enum WitSender {
    #[component(name = "http")]
    Http,
    #[component(name = "did")]
    Did(String),
    #[component(name = "actor")]
    Actor(WitEffectRef),
    #[component(name = "timer")]
    Timer(WitTimer),
    #[component(name = "reply")]
    Reply(WitReply),
    #[component(name = "notice")]
    Notice(WitNotice),
    #[component(name = "parent")]
    Parent(WitEffectRef),
}

macro_rules! abouts {
    ($($variant:ident = $name:literal,)+) => {
        /// `troupe:actor/types.about`.
        #[derive(Clone, Copy, ComponentType, Lower)]
        #[component(enum)]
        #[repr(u8)]
        pub(crate) enum WitAbout { $(#[component(name = $name)] $variant,)+ }

        impl From<Notice> for WitAbout {
            fn from(notice: Notice) -> Self {
                match notice { $(Notice::$variant => Self::$variant,)+ }
            }
        }
    };
}

abouts! {
    Busy = "busy",
    Failed = "failed",
    Lapsed = "lapsed",
    Late = "late",
    NoReply = "no-reply",
    OutOfTime = "out-of-time",
    Paused = "paused",
    Refused = "refused",
    Restarted = "restarted",
    Started = "started",
    Stopped = "stopped",
    Unknown = "unknown",
}

/// An entry has at most 10,000 effects, so their numbers fit.
fn number(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

impl From<EffectId> for WitEffectId {
    fn from(id: EffectId) -> Self {
        Self { seq: id.seq, n: number(id.n) }
    }
}

impl From<EffectRef> for WitEffectRef {
    fn from(by: EffectRef) -> Self {
        Self { chain: by.chain.to_string(), entry: by.entry.to_string(), n: number(by.n) }
    }
}

impl From<&Context> for WitContext {
    fn from(context: &Context) -> Self {
        let from = match &context.from {
            Sender::Http { .. } => WitSender::Http,
            Sender::Did { did, .. } => WitSender::Did(did.to_string()),
            Sender::Actor(by) => WitSender::Actor((*by).into()),
            Sender::Parent(by) => WitSender::Parent((*by).into()),
            Sender::Timer { set, due } => WitSender::Timer(WitTimer { set: (*set).into(), due: due.0 }),
            Sender::Reply { to, chain, entry } => {
                let (chain, entry) = (chain.to_string(), entry.to_string());
                WitSender::Reply(WitReply { to: (*to).into(), chain, entry })
            }
            Sender::Notice { of, about, chain, entry } => {
                let text = |name: &Option<Hash>| name.map(|name| name.to_string());
                let (chain, entry) = (text(chain), text(entry));
                WitSender::Notice(WitNotice { of: (*of).into(), about: (*about).into(), chain, entry })
            }
        };
        Self { from, at: context.at.0, seq: context.seq }
    }
}
