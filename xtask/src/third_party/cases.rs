//! Which components are tried out, and what is to come of them. `docs/spec/wasi.md` has the same list for people.

use super::made::Toolchain;
use super::source::Source;

/// A component, where it comes from, and what becomes of it.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) source: Source,
    pub(super) fate: Fate,
}

/// What is to become of a component.
pub(super) enum Fate {
    /// It takes these messages, each with a part of what is answered.
    Runs(&'static [(&'static str, &'static str)]),
    /// The same, with what it is granted.
    Granted(Grants, &'static [(&'static str, &'static str)]),
    /// It is no actor, for these reasons.
    Refused(&'static [&'static str]),
}

/// What a component is granted.
pub(super) struct Grants {
    /// Lines of the manifest after `[grants]`, but for files. `{web}` is a server that answers `hello`, once.
    pub(super) lines: &'static str,
    /// Paths, and what the files hold.
    pub(super) files: &'static [(&'static str, &'static str)],
}

pub(super) const CASES: &[Case] = &[
    Case {
        name: "std-actor",
        source: Source::Folder("xtask/third-party/std-actor"),
        fate: Fate::Runs(&[(r#"{"do":"look"}"#, r#""slept":1500"#), (r#"{"do":"exit"}"#, "trap:other")]),
    },
    Case {
        name: "jsonxf",
        source: Source::Program("jsonxf", "1.1.1"),
        fate: Fate::Runs(&[
            (r#"{"stdin":"{\"a\":[1,2]}"}"#, r#""exit":0"#),
            (r#"{"args":["--no-such"]}"#, r#""exit":1"#),
            (r#"{"argv":[]}"#, "there is no key `argv`"),
        ]),
    },
    Case {
        name: "pulldown-cmark",
        source: Source::Program("pulldown-cmark", "0.13.6"),
        fate: Fate::Runs(&[(
            r##"{"stdin":"# Hello\n\n*WASI*"}"##,
            r#""stdout":"<h1>Hello</h1>\n<p><em>WASI</em></p>\n""#,
        )]),
    },
    Case {
        name: "grass",
        source: Source::Program("grass", "0.13.4"),
        fate: Fate::Granted(
            Grants {
                lines: "",
                files: &[
                    ("/site/main.scss", "@use 'theme'; a { color: theme.$ink; }"),
                    ("/site/_theme.scss", "$ink: teal;"),
                ],
            },
            &[
                (
                    r#"{"args":["--stdin"],"stdin":"$w: 2px; a { b { width: $w * 3; } }"}"#,
                    r#""stdout":"a b {\n  width: 6px;\n}\n""#,
                ),
                (r#"{"args":["--stdin"],"stdin":"a { b: random(1); }"}"#, r#"b: 1;"#),
                (r#"{"args":["/site/main.scss"]}"#, r#""stdout":"a {\n  color: teal;\n}\n""#),
                (r#"{"args":["/none.scss"]}"#, r#""exit":1"#),
            ],
        ),
    },
    Case {
        name: "http-proxy",
        source: Source::Example("wasip2", "1.0.4+wasi-0.2.12", "http-proxy"),
        fate: Fate::Runs(&[(r#"{"method":"GET","path":"/"}"#, r#""status":200"#)]),
    },
    Case {
        name: "starling-monkey",
        source: Source::Made(Toolchain::StarlingMonkey),
        fate: Fate::Granted(
            Grants { lines: "http = [\"private:{web}\"]", files: &[] },
            &[
                (r#"{"method":"GET","path":"/a"}"#, r#""status":200"#),
                (r#"{"method":"GET","path":"/a"}"#, r#"{\"slept\":1500,\"year\":2"#),
                (r#"{"method":"GET","path":"/a?from=http://{web}/"}"#, r#"\"fetched\":\"hello\""#),
                (r#"{"method":"GET","path":"/a?from=http://other.example/"}"#, r#"\"fetched\":\"Error: "#),
            ],
        ),
    },
    Case {
        name: "componentize-py",
        source: Source::Made(Toolchain::ComponentizePy),
        fate: Fate::Granted(
            Grants {
                lines: "env = { HOME = \"/nut\" }\nargs = [\"app\", \"-v\"]\n[limits]\nmemory = \"256MiB\"",
                files: &[("/data/words.txt", "nut bolt")],
            },
            &[
                (r#"{"read":"/data/words.txt"}"#, r#"{"read": "nut bolt", "slept": 1.5, "late": 1.5"#),
                (r#"{"read":"/data/words.txt"}"#, r#""home": "/nut", "args": ["app", "-v"]"#),
                (r#"{"read":"/etc/passwd"}"#, r#"{"read": "No such file or directory""#),
                (r#"{"write":"/etc/passwd"}"#, r#"expected {\"read\":PATH}"#),
            ],
        ),
    },
    Case {
        name: "wasi-libc",
        source: Source::Made(Toolchain::WasiLibc),
        fate: Fate::Granted(
            Grants { lines: "env = { HOME = \"/nut\" }", files: &[("/data/words.txt", "nut bolt")] },
            &[
                (r#"{"args":["/data/words.txt"]}"#, r#"home /nut\n/data/words.txt: 8 bytes\nat "#),
                (r#"{"args":["/etc/passwd"],"stdin":"a\nb"}"#, r#"{"exit":1,"stdout":"said a\nsaid bhome"#),
                (r#"{"args":["/etc/passwd"]}"#, r#"/etc/passwd: No such file or directory\nat "#),
            ],
        ),
    },
    Case {
        name: "dummy-http",
        source: Source::Crate("wac-types", "0.11.0", "tests/dummy_wasi_http@0.2.3.wasm"),
        fate: Fate::Runs(&[(r#"{"method":"GET","path":"/"}"#, "trap:unreachable")]),
    },
    Case {
        name: "wit-package",
        source: Source::Crate("wit-bindgen", "0.63.0", "wasi-cli@0.2.0.wasm"),
        fate: Fate::Refused(&["exports none of"]),
    },
    Case {
        name: "golem-agent",
        source: Source::Npm("@golemcloud/golem-ts-sdk", "1.1.2", "wasm/agent_guest.wasm"),
        fate: Fate::Refused(&[
            "but `wizer-initialize`, `golem:agent/guest@1.5.0`",
            "the import `golem:rdbms/postgres@1.5.0` is not granted: no world gives it",
            "the import `wasi:keyvalue/eventual@0.1.0` is not granted: it is not a part of WASI 0.2",
        ]),
    },
    Case {
        name: "jco-adapter",
        source: Source::Npm("@bytecodealliance/jco", "1.35.0", "lib/wasi_snapshot_preview1.command.wasm"),
        fate: Fate::Refused(&["this is a core WebAssembly module, not a component"]),
    },
    Case {
        name: "hyperlight-python",
        source: Source::Python(
            "hyperlight-sandbox-python-guest",
            "0.8.0",
            "python_guest/resources/python-sandbox.wasm",
        ),
        fate: Fate::Refused(&["`hyperlight:sandbox/executor`", "`hyperlight:sandbox/tools` is not granted"]),
    },
    Case {
        name: "hyperlight-javascript",
        source: Source::Python(
            "hyperlight-sandbox-javascript-guest",
            "0.8.0",
            "javascript_guest/resources/js-sandbox.wasm",
        ),
        fate: Fate::Refused(&["`hyperlight:sandbox/executor`", "`hyperlight:sandbox/tools` is not granted"]),
    },
];
