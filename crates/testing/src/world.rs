//! The worlds that guests are made for: what their interfaces are called, and what the core functions look like.

/// A world that a guest can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum World {
    /// `ntwk:simple-actor/first-actor`, of `wit/simple-actor`.
    Simple,
    /// The same with its types written out: `list<u8>` in place of `message` and `state`, and so no import of `types`.
    SimpleInline,
    /// `troupe:actor/actor`, of `wit/actor`.
    Actor,
}

/// A function that the host calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Makes the first state. In [`World::Actor`] the parameters are `$from` to `$seq` of the context, and `$some`,
    /// `$c` and `$clen` of the configuration.
    Init,
    /// Says whether a message may be handled. Parameters as of [`Call::Handle`].
    MessageContract,
    /// Takes a message `$m`, `$mlen` in a state `$s`, `$slen`; in [`World::Actor`] after those of the context.
    Handle,
    /// Says whether a state `$s`, `$slen` may be.
    StateContract,
}

/// The first world with its types written out.
const SIMPLE_INLINE: &str = "
package ntwk:simple-actor;
interface runtime {
    log: func(msg: string);
    send: func(actor-id: string, msg: list<u8>);
}
interface actor {
    init: func() -> list<u8>;
    handle: func(msg: list<u8>, state: list<u8>) -> list<u8>;
    message-contract: func(msg: list<u8>, state: list<u8>) -> bool;
    state-contract: func(state: list<u8>) -> bool;
}
world first-actor {
    import runtime;
    export actor;
}
";

/// The flattened context: the sender's variant with what its cases share, then the time and the position.
const CONTEXT: &str =
    "(param $from i32) (param $f1 i64) (param $f2 i32) (param $f3 i64) (param $f4 i32) (param $f5 i32)
    (param $f6 i32) (param $f7 i32) (param $f8 i32) (param $f9 i32) (param $at i64) (param $seq i64)";
const CONFIG: &str = "(param $some i32) (param $c i32) (param $clen i32)";
const MESSAGE: &str = "(param $m i32) (param $mlen i32)";
const STATE: &str = "(param $s i32) (param $slen i32)";

impl World {
    /// Every world.
    pub const ALL: [Self; 3] = [Self::Simple, Self::SimpleInline, Self::Actor];

    /// The WIT of the package that the world is in.
    pub fn wit(self) -> &'static str {
        match self {
            Self::Simple => include_str!("../../../wit/simple-actor/simple-actor.wit"),
            Self::SimpleInline => SIMPLE_INLINE,
            Self::Actor => include_str!("../../../wit/actor/actor.wit"),
        }
    }

    /// The world's name within its package.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple | Self::SimpleInline => "first-actor",
            Self::Actor => "actor",
        }
    }

    /// The interface that the guest exports, with its package and version.
    pub fn exported(self) -> &'static str {
        match self {
            Self::Simple | Self::SimpleInline => "ntwk:simple-actor/actor",
            Self::Actor => "troupe:actor/handler@0.1.0",
        }
    }

    /// The core imports of [`Guest::effects`](crate::Guest::effects). Results that are effects are written where the last
    /// parameter says.
    pub(crate) const EFFECTS: &str = r#"
  (import "troupe:actor/runtime@0.1.0" "request" (func $request (param i32 i32 i32 i32 i64 i32)))
  (import "troupe:actor/runtime@0.1.0" "set-timer" (func $set-timer (param i64 i32 i32 i32)))
  (import "troupe:actor/runtime@0.1.0" "set-cron" (func $set-cron (param i32 i32 i32 i32 i32)))
  (import "troupe:actor/runtime@0.1.0" "cancel" (func $cancel (param i64 i32)))
  (import "troupe:actor/runtime@0.1.0" "spawn" (func $spawn (param i32 i32)))
  (import "troupe:actor/runtime@0.1.0" "stop" (func $stop (param i32 i32)))
  (import "troupe:actor/runtime@0.1.0" "exit" (func $exit (param i32 i32)))
"#;
    /// The core import of [`Guest::web`](crate::Guest::web).
    pub(crate) const WEB: &str = r#"
  (import "troupe:actor/http@0.1.0" "fetch"
    (func $fetch (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
"#;

    /// The parameters of the core function that carries over a state.
    pub(crate) fn migrate() -> String {
        format!("{CONTEXT} {STATE}")
    }

    /// The core imports, as `$import-log` and `$send`.
    pub(crate) fn imports(self) -> &'static str {
        match self {
            Self::Simple | Self::SimpleInline => {
                r#"  (import "ntwk:simple-actor/runtime" "log" (func $import-log (param i32 i32)))
  (import "ntwk:simple-actor/runtime" "send" (func $send (param i32 i32 i32 i32)))
"#
            }
            Self::Actor => {
                r#"  (import "troupe:actor/runtime@0.1.0" "log" (func $import-log (param i32 i32 i32)))
  (import "troupe:actor/runtime@0.1.0" "send" (func $send (param i32 i32 i32 i32)))
"#
            }
        }
    }

    /// The functions that make the results, so that bodies are the same for every world.
    pub(crate) fn results(self) -> &'static str {
        match self {
            Self::Simple | Self::SimpleInline => include_str!("wat/simple.wat"),
            Self::Actor => include_str!("wat/actor.wat"),
        }
    }

    /// The parameters of the core function behind a call. Its result is an `i32` for every one.
    pub(crate) fn parameters(self, call: Call) -> String {
        let context = if self == Self::Actor { CONTEXT } else { "" };
        match call {
            Call::Init if self == Self::Actor => format!("{context} {CONFIG}"),
            Call::Init => String::new(),
            Call::MessageContract | Call::Handle => format!("{context} {MESSAGE} {STATE}"),
            Call::StateContract => STATE.to_owned(),
        }
    }
}

impl Call {
    /// Every call.
    pub const ALL: [Self; 4] = [Self::Init, Self::MessageContract, Self::Handle, Self::StateContract];

    /// The function's name in WIT.
    pub fn name(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::MessageContract => "message-contract",
            Self::Handle => "handle",
            Self::StateContract => "state-contract",
        }
    }
}
