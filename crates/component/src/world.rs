//! The worlds that an actor may be built for, and what each exports and is granted.

/// A WIT world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// `ntwk:simple-actor/first-actor`: states and messages, contracts that say yes or no.
    FirstActor,
    /// `troupe:actor/actor@0.1.0`: a context, replies, and results that carry a reason.
    Actor,
}

/// A function by name, with its signature as WIT, parameter names left out where types are compared.
pub(crate) type Expected = (&'static str, &'static [(&'static str, &'static str)], Option<&'static str>);

const BYTES: &str = "list<u8>";
const CONTEXT: &str = "record { from: variant { http, did(string), \
     actor(record { chain: string, entry: string, n: u32 }), timer(record { entry: string, n: u32, due: u64 }), \
     notice(record { chain: string, entry: string, n: u32 }), \
     parent(record { chain: string, entry: string, n: u32 }) }, at: u64, seq: u64 }";

impl World {
    /// Every world, in the order in which they are looked for.
    pub const ALL: [Self; 2] = [Self::FirstActor, Self::Actor];

    /// The world's name, as genesis has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FirstActor => "ntwk:simple-actor/first-actor",
            Self::Actor => "troupe:actor/actor@0.1.0",
        }
    }

    /// Finds a world by the name that genesis has.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|world| world.name() == name)
    }

    /// The interface that the actor exports.
    pub(crate) fn exports(self) -> &'static str {
        match self {
            Self::FirstActor => "ntwk:simple-actor/actor",
            Self::Actor => "troupe:actor/handler@0.1.0",
        }
    }

    /// The interface that the actor is granted.
    pub(crate) fn runtime(self) -> &'static str {
        match self {
            Self::FirstActor => "ntwk:simple-actor/runtime",
            Self::Actor => "troupe:actor/runtime@0.1.0",
        }
    }

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
            ],
        }
    }
}
