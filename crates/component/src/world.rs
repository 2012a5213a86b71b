//! The worlds that an actor may be built for, and what each exports and is granted.

/// A WIT world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// `ntwk:simple-actor/first-actor`: states and messages, contracts that say yes or no.
    FirstActor,
    /// `troupe:actor/actor@0.1.0`: a context, replies, and results that carry a reason.
    Actor,
    /// `wasi:cli/command@0.2`: a program; a message is a run of it.
    Command,
    /// `wasi:http/proxy@0.2`: a handler; a message is a request.
    Handler,
    /// `troupe:job/module@1`: a core module; a message is a run of it. It has no WIT, `docs/spec/host-abi.md` says it.
    Job,
}

/// A function by name, with its signature as WIT, parameter names left out where types are compared.
pub(crate) type Expected = (&'static str, &'static [(&'static str, &'static str)], Option<&'static str>);

const BYTES: &str = "list<u8>";
macro_rules! effect_id {
    () => {
        "record { seq: u64, n: u32 }"
    };
}
macro_rules! effect_ref {
    () => {
        "record { chain: string, entry: string, n: u32 }"
    };
}
const EFFECT_ID: &str = effect_id!();
const CONTEXT: &str = concat!(
    "record { from: variant { http, did(string), actor(",
    effect_ref!(),
    "), timer(record { set: ",
    effect_id!(),
    ", due: u64 }), reply(record { to: ",
    effect_id!(),
    ", chain: string, entry: string }), notice(record { of: ",
    effect_id!(),
    ", about: enum { busy, failed, lapsed, late, no-reply, out-of-time, paused, refused, restarted, started, \
     stopped, unknown }, chain: option<string>, entry: option<string> }), parent(",
    effect_ref!(),
    ") }, at: u64, seq: u64 }"
);
const CHILD: &str = "record { component: option<string>, config: option<list<u8>>, name: option<string>, \
     grants: list<string>, supervision: option<record { on-failure: enum { go-on, pause, restart, restore, stop, \
     escalate }, failures: u32, within: u64, backoff: u64, max-backoff: u64, max-restarts: u32 }> }";
const REQUEST: &str = "record { method: string, url: string, headers: list<tuple<string, string>>, \
     body: option<list<u8>> }";
const RESPONSE: &str =
    "result<record { status: u16, headers: list<tuple<string, string>>, body: list<u8> }, string>";

impl World {
    /// Every world of components, in the order in which they are looked for.
    pub const ALL: [Self; 4] = [Self::FirstActor, Self::Actor, Self::Command, Self::Handler];

    /// The world's name as a free string.
    pub fn text(self) -> troupe_chain::Text {
        troupe_chain::Text::new(self.name()).unwrap_or_else(|_| unreachable!("printable ASCII"))
    }

    /// The world's name, as genesis has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstActor => "ntwk:simple-actor/first-actor",
            Self::Actor => "troupe:actor/actor@0.1.0",
            Self::Command => "wasi:cli/command@0.2",
            Self::Handler => "wasi:http/proxy@0.2",
            Self::Job => troupe_abi::WORLD,
        }
    }

    /// Finds a world by the name that genesis has.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().chain([Self::Job]).find(|world| world.name() == name)
    }

    /// The interface that the actor exports; of those of WASI the part that all versions share.
    pub(crate) fn exports(self) -> &'static str {
        match self {
            Self::FirstActor => "ntwk:simple-actor/actor",
            Self::Actor => "troupe:actor/handler@0.1.0",
            Self::Command => "wasi:cli/run",
            Self::Handler => "wasi:http/incoming-handler",
            Self::Job => troupe_abi::RUN,
        }
    }

    /// Whether an export of this name is that interface.
    pub(crate) fn is_exported_as(self, name: &str) -> bool {
        match self {
            Self::FirstActor | Self::Actor | Self::Job => name == self.exports(),
            Self::Command | Self::Handler => crate::wasi::names::is(name, self.exports()),
        }
    }

    /// The interface that the actor is granted beside WASI.
    pub(crate) fn runtime(self) -> Option<&'static str> {
        match self {
            Self::FirstActor => Some("ntwk:simple-actor/runtime"),
            Self::Actor => Some("troupe:actor/runtime@0.1.0"),
            Self::Command | Self::Handler | Self::Job => None,
        }
    }

    /// The interface to the commons, which refuses all that is not granted.
    pub(crate) fn commons(self) -> Option<&'static str> {
        matches!(self, Self::Actor).then_some(crate::abi::INTERFACE)
    }

    /// The interface that the actor may export beside, to carry over states.
    pub(crate) fn migration(self) -> Option<&'static str> {
        match self {
            Self::Actor => Some("troupe:actor/migration@0.1.0"),
            _ => None,
        }
    }

    /// The functions of that interface.
    pub(crate) const MIGRATION: &[Expected] =
        &[("migrate", &[("ctx", CONTEXT), ("state", BYTES)], Some("result<list<u8>, string>"))];

    /// The interface that the actor may export beside, to say what it takes.
    pub(crate) fn description(self) -> Option<&'static str> {
        match self {
            Self::Actor => Some("troupe:actor/description@0.1.0"),
            _ => None,
        }
    }

    /// The functions of that interface.
    pub(crate) const DESCRIPTION: &[Expected] = &[("schema", &[], Some("string"))];

    /// The interface to the web, which the actor is granted by the grants of its chain.
    pub(crate) fn web(self) -> Option<&'static str> {
        match self {
            Self::Actor => Some("troupe:actor/http@0.1.0"),
            _ => None,
        }
    }

    /// The functions of that interface.
    pub(crate) const WEB: &[Expected] = &[("fetch", &[("request", REQUEST)], Some(RESPONSE))];

    /// The functions that the actor must export.
    pub(crate) fn functions(self) -> &'static [Expected] {
        match self {
            Self::FirstActor => &[
                ("init", &[], Some(BYTES)),
                ("handle", &[("msg", BYTES), ("state", BYTES)], Some(BYTES)),
                ("message-contract", &[("msg", BYTES), ("state", BYTES)], Some("bool")),
                ("state-contract", &[("state", BYTES)], Some("bool")),
            ],
            Self::Actor => &[
                (
                    "init",
                    &[("ctx", CONTEXT), ("config", "option<list<u8>>")],
                    Some("result<list<u8>, string>"),
                ),
                (
                    "handle",
                    &[("ctx", CONTEXT), ("message", BYTES), ("state", BYTES)],
                    Some("result<record { state: list<u8>, reply: option<list<u8>> }, string>"),
                ),
                (
                    "message-contract",
                    &[("ctx", CONTEXT), ("message", BYTES), ("state", BYTES)],
                    Some("result<_, string>"),
                ),
                ("state-contract", &[("state", BYTES)], Some("result<_, string>")),
            ],
            Self::Command => &[("run", &[], Some("result"))],
            Self::Handler => {
                &[("handle", &[("request", "own<resource>"), ("response-out", "own<resource>")], None)]
            }
            Self::Job => &[],
        }
    }

    /// The functions that the runtime interface has.
    pub(crate) fn granted(self) -> &'static [Expected] {
        match self {
            Self::FirstActor => &[
                ("log", &[("msg", "string")], None),
                ("send", &[("actor-id", "string"), ("msg", BYTES)], None),
            ],
            Self::Actor => &[
                ("log", &[("level", "enum { debug, info, warn, error }"), ("line", "string")], None),
                ("send", &[("to", "string"), ("message", BYTES)], None),
                ("request", &[("to", "string"), ("message", BYTES), ("timeout", "u64")], Some(EFFECT_ID)),
                ("set-timer", &[("after", "u64"), ("message", BYTES)], Some(EFFECT_ID)),
                ("set-cron", &[("cron", "string"), ("message", BYTES)], Some(EFFECT_ID)),
                ("cancel", &[("timer", EFFECT_ID)], None),
                ("spawn", &[("child", CHILD)], Some(EFFECT_ID)),
                ("stop", &[("child", "string")], None),
                ("exit", &[("reason", "string")], None),
            ],
            Self::Command | Self::Handler | Self::Job => &[],
        }
    }
}
