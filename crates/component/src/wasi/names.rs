//! Which interface of WASI an import means, and what whoever imports it gets.

/// The version that the host has. Any other 0.2.x is the same to it.
const VERSION: &str = "0.2.";

/// How an import is met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// The component has it.
    Given,
    /// The component has it, and what it gets of it stands in the entry.
    Recorded,
    /// Somebody has to grant something first.
    NeedsGrant,
    /// It is there, and refuses whatever is asked of it.
    Refuses,
    /// There is no such thing, so that the component is not loaded.
    Never,
}

impl Met {
    /// It in one word or two.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Recorded => "recorded",
            Self::NeedsGrant => "needs a grant",
            Self::Refuses => "refuses",
            Self::Never => "never",
        }
    }
}

/// Something that a component imports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// Its name, with the version.
    pub name: String,
    /// How it is met.
    pub met: Met,
    /// What it gets, or why it does not.
    pub what: &'static str,
}

const FILES: &str = "one directory, `/`, with the files that are granted (`files`), to read";
const NO_TERMINAL: &str = "there is no terminal";
const NO_SOCKETS: &str = "every socket and every look-up is refused with `access-denied`";
const SEED: &str = "drawn from the seed of the entry";
const CLOCK: &str = "the entry's time, moved by nothing but waits, which take no time";
const STREAMS: &str = "bytes in memory; nothing blocks";

/// Each interface, by the name that all versions share.
const INTERFACES: &[(&str, Met, &str)] = &[
    ("wasi:cli/environment", Met::Given, "arguments and variables that are granted (`args`, `env`)"),
    ("wasi:cli/exit", Met::Given, "ends the call"),
    ("wasi:cli/stderr", Met::Given, "lines of the log, as warnings"),
    ("wasi:cli/stdin", Met::Given, "empty, but for a command, where it is the message's `stdin`"),
    ("wasi:cli/stdout", Met::Given, "lines of the log, but for a command, where it is the reply's `stdout`"),
    ("wasi:cli/terminal-input", Met::Given, NO_TERMINAL),
    ("wasi:cli/terminal-output", Met::Given, NO_TERMINAL),
    ("wasi:cli/terminal-stderr", Met::Given, NO_TERMINAL),
    ("wasi:cli/terminal-stdin", Met::Given, NO_TERMINAL),
    ("wasi:cli/terminal-stdout", Met::Given, NO_TERMINAL),
    ("wasi:clocks/monotonic-clock", Met::Recorded, CLOCK),
    ("wasi:clocks/wall-clock", Met::Recorded, CLOCK),
    ("wasi:filesystem/preopens", Met::Given, FILES),
    ("wasi:filesystem/types", Met::Given, FILES),
    (OUTGOING, Met::Recorded, "hosts that are granted; others are refused with `HTTP-request-denied`"),
    ("wasi:http/types", Met::Given, "requests, responses and bodies in memory"),
    ("wasi:io/error", Met::Given, STREAMS),
    ("wasi:io/poll", Met::Given, "what is ready; else the clock moves to the first deadline"),
    ("wasi:io/streams", Met::Given, STREAMS),
    ("wasi:random/insecure", Met::Recorded, SEED),
    ("wasi:random/insecure-seed", Met::Recorded, SEED),
    ("wasi:random/random", Met::Recorded, SEED),
    ("wasi:sockets/instance-network", Met::Refuses, NO_SOCKETS),
    ("wasi:sockets/ip-name-lookup", Met::Refuses, NO_SOCKETS),
    ("wasi:sockets/network", Met::Refuses, NO_SOCKETS),
    ("wasi:sockets/tcp", Met::Refuses, NO_SOCKETS),
    ("wasi:sockets/tcp-create-socket", Met::Refuses, NO_SOCKETS),
    ("wasi:sockets/udp", Met::Refuses, NO_SOCKETS),
    ("wasi:sockets/udp-create-socket", Met::Refuses, NO_SOCKETS),
];

const OUTGOING: &str = "wasi:http/outgoing-handler";

/// What an import of WASI gets, where `web` says whether hosts of the web are granted; `None` if it is not one of WASI.
pub(crate) fn met(name: &str, web: bool) -> Option<(Met, &'static str)> {
    let rest = name.strip_prefix("wasi:")?;
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    let known = INTERFACES.iter().find(|(known, ..)| *known == interface);
    Some(match known {
        Some((_, met, what)) if is_ours(version) => match interface == OUTGOING && !web {
            true => (
                Met::NeedsGrant,
                "every request is refused with `HTTP-request-denied`; grant hosts with `http = [\"HOST\"]` under [grants]",
            ),
            false => (*met, *what),
        },
        _ if version.starts_with("0.3") => {
            (Met::Never, "WASI 0.3 is not given; build it for WASI 0.2 (wasm32-wasip2)")
        }
        Some(_) => (Met::Never, "only the versions 0.2.x of it are given"),
        None if rest.starts_with("clocks/timezone") => (Met::Never, "it is not a stable part of WASI 0.2"),
        None => (Met::Never, "it is not a part of WASI 0.2"),
    })
}

fn is_ours(version: &str) -> bool {
    let patch = version.strip_prefix(VERSION);
    patch.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether an import is of an interface of WASI 0.2 by this name.
pub(crate) fn is(name: &str, interface: &str) -> bool {
    name.split_once('@').is_some_and(|(of, version)| of == interface && is_ours(version))
}

/// Whether an import lets a component draw randomness.
pub(crate) fn draws(name: &str) -> bool {
    name.starts_with("wasi:random/")
}

/// Whether an import lets a component ask the web.
pub(crate) fn asks(name: &str) -> bool {
    is(name, OUTGOING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_0_2_of_an_interface_is_the_same() {
        for version in ["0.2.0", "0.2.3", "0.2.99"] {
            let name = format!("wasi:io/poll@{version}");
            assert_eq!(met(&name, false).unwrap().0, Met::Given, "{name}");
        }
        for version in
            ["", "@0.2", "@0.2.0-rc-2023-11-10", "@0.1.0", "@0.3.0", "@0.3.0-rc-2025-09-16", "@1.0.0"]
        {
            let name = format!("wasi:io/poll{version}");
            assert_eq!(met(&name, false).unwrap().0, Met::Never, "{name}");
        }
        assert_eq!(met("troupe:actor/runtime@0.1.0", false), None);
    }

    #[test]
    fn what_is_never_given_says_why() {
        let why = |name| met(name, true).unwrap().1;
        assert_eq!(why("wasi:keyvalue/store@0.2.0-draft"), "it is not a part of WASI 0.2");
        assert_eq!(why("wasi:clocks/timezone@0.2.12"), "it is not a stable part of WASI 0.2");
        assert!(why("wasi:cli/stdout@0.3.0").starts_with("WASI 0.3 is not given"));
    }

    #[test]
    fn requests_to_the_web_need_a_grant() {
        let name = "wasi:http/outgoing-handler@0.2.4";
        assert_eq!(met(name, true).unwrap().0, Met::Recorded);
        let (needs, what) = met(name, false).unwrap();
        assert_eq!(needs, Met::NeedsGrant);
        assert!(what.contains("`http = [\"HOST\"]` under [grants]"));
    }
}
