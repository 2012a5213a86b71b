//! Actors that import WASI 0.2 as it is published, beside what their world has.

use crate::{Call, Guest, World};

/// The packages of WASI 0.2 that a host has, in the order in which they build upon each other.
pub const PACKAGES: [&str; 7] = [
    include_str!("../../component/wit/deps/io.wit"),
    include_str!("../../component/wit/deps/clocks.wit"),
    include_str!("../../component/wit/deps/random.wit"),
    include_str!("../../component/wit/deps/filesystem.wit"),
    include_str!("../../component/wit/deps/sockets.wit"),
    include_str!("../../component/wit/deps/cli.wit"),
    include_str!("../../component/wit/deps/http.wit"),
];

/// The state becomes a random number and the time in nanoseconds, 8 bytes each, little-endian.
pub fn dice() -> Vec<u8> {
    const HANDLE: &str = "(local $p i32)
        (local.set $p (call $alloc (i32.const 16)))
        (i64.store (local.get $p) (call $random))
        (i64.store offset=8 (local.get $p) (call $now))
        (call $ok (local.get $p) (i32.const 16))";
    importing(&["wasi:random/random@0.2.12", "wasi:clocks/monotonic-clock@0.2.12"])
        .import(r#"(import "wasi:random/random@0.2.12" "get-random-u64" (func $random (result i64)))"#)
        .import(r#"(import "wasi:clocks/monotonic-clock@0.2.12" "now" (func $now (result i64)))"#)
        .body(Call::Handle, HANDLE)
        .component()
}

/// The message is a host with its port; the state becomes what that answers to `GET /` over HTTP, of at most 64 KiB, or
/// `denied`, or `no answer`.
pub fn asks() -> Vec<u8> {
    let mut guest = importing(&["wasi:http/outgoing-handler@0.2.12"]);
    let (denied, nothing) = (guest.constant(b"denied"), guest.constant(b"no answer"));
    let handle = include_str!("wat/asks.wat").replace("{{denied}}", &denied).replace("{{nothing}}", &nothing);
    guest.import(include_str!("wat/asks-imports.wat")).body(Call::Handle, handle).component()
}

/// The state becomes what is in a file, of at most 64 KiB, or `"nothing"` if it cannot be read. `path` begins at the root,
/// and not with a `/`.
pub fn reads(path: &str) -> Vec<u8> {
    let mut guest = importing(&["wasi:filesystem/preopens@0.2.12"]);
    let (path, nothing) = (guest.constant(path.as_bytes()), guest.constant(b"\"nothing\""));
    let handle = include_str!("wat/reads.wat").replace("{{path}}", &path).replace("{{nothing}}", &nothing);
    guest.import(include_str!("wat/reads-imports.wat")).body(Call::Handle, handle).component()
}

/// A guest of a world that has these interfaces too.
fn importing(interfaces: &[&str]) -> Guest {
    let imports: String = interfaces.iter().map(|name| format!("import {name};\n")).collect();
    // A package that stands among others has its interfaces in braces.
    let packages = PACKAGES.map(|package| package.replacen(';', " {", 1) + "}\n").concat();
    let actor = World::Actor.wit();
    let wit = format!("{actor}\n{packages}\nworld wasi-actor {{ include actor;\n{imports}}}");
    Guest::new(World::Actor).wit(wit, "wasi-actor")
}
