//! Guests that ask: for effects, of the web, and to carry over a state. All are for [`World::Actor`].

use crate::{Call, Guest, Place, World};

/// Does what a message says, and counts the messages that it accepted in its state, in decimal, from `0`.
///
/// A message is a command, or `{"do":"COMMAND"}`; `|` may stand for the line feed in it.
///
/// | command | what it does |
/// |---|---|
/// | `S<to>\n<payload>` | sends the payload |
/// | `R<to>\n<payload>` | requests a reply to the payload within 1000 ms |
/// | `T<payload>` | sets a timer of 10 ms |
/// | `Z<cron>\n<payload>` | sets a cron timer |
/// | `K<seq>` | cancels the first effect of the entry at this position |
/// | `C<name>\n<config>` | starts a child of the same code, without a name or a configuration that is not there |
/// | `E<child>` | stops a child |
/// | `X` | exits, with the reason `done` |
/// | `F` | fails: it traps |
/// | `A<payload>` | replies with the payload |
/// | `Q` | is refused by the message contract |
/// | anything else | only counts |
///
/// A configuration is a command for `init`.
pub fn relay() -> Vec<u8> {
    const INIT: &str = r#"(if (local.get $some) (then (call $do (call $bare (local.get $c) (local.get $clen)))))
        (call $ok (call $shown (i64.const 0)))"#;
    const HANDLE: &str = "(local $c i32)
        (call $bare (local.get $m) (local.get $mlen))
        (local.set $mlen) (local.set $m)
        (call $do (local.get $m) (local.get $mlen))
        (call $ok (call $shown
          (i64.add (call $number (local.get $s) (local.get $slen)) (i64.const 1))))
        (if (i32.eq (call $first (local.get $m) (local.get $mlen)) (i32.const 65)) (then
          (call $reply (i32.add (local.get $m) (i32.const 1)) (i32.sub (local.get $mlen) (i32.const 1)))))";
    let mut guest = Guest::new(World::Actor).effects().field(include_str!("wat/relay.wat"));
    let done = guest.constant(b"done");
    let reason = guest.constant(b"a message that begins with Q is refused");
    let contract = format!(
        "(if (i32.eq (call $first (call $bare (local.get $m) (local.get $mlen))) (i32.const 81))
           (then (return (call $refuse {reason}))))
         (call $accept)"
    );
    guest
        .field(&format!("(func $done (result i32 i32) {done})"))
        .body(Call::Init, INIT)
        .body(Call::MessageContract, contract)
        .body(Call::Handle, HANDLE)
        .component()
}

/// Plays ball with the actor that its configuration names: a guest for benchmarks. The state is that address.
///
/// A message is a letter and a count, 4 bytes, little-endian; a count of 0 is only recorded. Otherwise it is one less in
/// what the message leads to: `s` sends an `s`, `r` requests a reply to an `a`, and `a` replies with an `r`.
pub fn bounces() -> Vec<u8> {
    const FUNCTIONS: &str = "
        (func $play (param $m i32) (param $mlen i32) (param $s i32) (param $slen i32)
          (local $left i32)
          (local.set $left (i32.load offset=1 (local.get $m)))
          (if (i32.eqz (local.get $left)) (then (return)))
          (i32.store offset=1 (local.get $m) (i32.sub (local.get $left) (i32.const 1)))
          (if (i32.eq (i32.load8_u (local.get $m)) (i32.const 115)) (then
            (call $send (local.get $s) (local.get $slen) (local.get $m) (local.get $mlen))))
          (if (i32.eq (i32.load8_u (local.get $m)) (i32.const 114)) (then
            (i32.store8 (local.get $m) (i32.const 97))
            (call $request (local.get $s) (local.get $slen) (local.get $m) (local.get $mlen)
              (i64.const 60000) (i32.const 32)))))";
    const HANDLE: &str = "(local $asked i32)
        (local.set $asked (i32.eq (i32.load8_u (local.get $m)) (i32.const 97)))
        (if (local.get $asked)
          (then
            (i32.store8 (local.get $m) (i32.const 114))
            (i32.store offset=1 (local.get $m)
              (i32.sub (i32.load offset=1 (local.get $m)) (i32.ne (i32.load offset=1 (local.get $m)) (i32.const 0)))))
          (else (call $play (local.get $m) (local.get $mlen) (local.get $s) (local.get $slen))))
        (call $ok (local.get $s) (local.get $slen))
        (if (local.get $asked) (then (call $reply (local.get $m) (local.get $mlen))))";
    Guest::new(World::Actor)
        .effects()
        .field(FUNCTIONS)
        .body(Call::Init, "(call $ok (local.get $c) (local.get $clen))")
        .body(Call::Handle, HANDLE)
        .component()
}

/// Runs instructions in a call that may use [`Guest::effects`], with 256 bytes from `$x` on that are 0 and a list of
/// 300 bytes `x` at `$long`.
pub fn asks_in(call: Call, instructions: &str) -> Vec<u8> {
    Guest::new(World::Actor)
        .effects()
        .field(
            "(global $x (mut i32) (i32.const 0)) (global $long (mut i32) (i32.const 0))
             (func $room
               (global.set $x (call $alloc (i32.const 256)))
               (memory.fill (global.get $x) (i32.const 0) (i32.const 256))
               (global.set $long (call $filled (i32.const 300))))",
        )
        .at(Place::Call(call), &format!("(call $room) {instructions}"))
        .component()
}

/// Fetches an address as many times as the digit says that a message begins with; with `0` once, and then it traps. The
/// state is what the last came to: the status and the body with nothing between, or `error ` and why.
pub fn fetches() -> Vec<u8> {
    const HANDLE: &str = "(local $left i32)
        (local.set $left (i32.sub (i32.load8_u (local.get $m)) (i32.const 48)))
        (loop $again
          (call $get (i32.add (local.get $m) (i32.const 1)) (i32.sub (local.get $mlen) (i32.const 1)))
          (if (i32.eqz (local.get $left)) (then (unreachable)))
          (local.set $left (i32.sub (local.get $left) (i32.const 1)))
          (br_if $again (local.get $left)))
        (if (i32.load8_u (i32.const 32)) (then (return (call $ok
          (call $concat (call $error) (i32.load (i32.const 36)) (i32.load (i32.const 40)))
          (i32.add (i32.const 6) (i32.load (i32.const 40)))))))
        (call $ok
          (call $concat (call $shown (i64.load16_u (i32.const 36)))
            (i32.load (i32.const 48)) (i32.load (i32.const 52)))
          (i32.add (i32.const 3) (i32.load (i32.const 52))))";
    getting(Guest::new(World::Actor).effects().web().field(include_str!("wat/relay.wat")))
        .field("(func $done (result i32 i32) (i32.const 0) (i32.const 0))")
        .body(Call::Handle, HANDLE)
        .component()
}

/// Fetches `http://example.net/` in a call, a contract among them, and leaves it at that.
pub fn fetches_in(call: Call) -> Vec<u8> {
    let mut guest = getting(Guest::new(World::Actor).web());
    let url = guest.constant(b"http://example.net/");
    guest.at(Place::Call(call), &format!("(call $get {url})")).component()
}

/// Adds `$get`, whose answer is from 32 on, and `$error`, the constant `error `.
fn getting(mut guest: Guest) -> Guest {
    let (method, error) = (guest.constant(b"GET"), guest.constant(b"error "));
    guest.field(&format!("(func $error (result i32 i32) {error})")).field(&format!(
        "(func $get (param $p i32) (param $len i32)
               (call $fetch {method} (local.get $p) (local.get $len) (i32.const 0) (i32.const 0)
                 (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 32)))"
    ))
}

/// Carries over a state with `v2 ` before it; one that begins with `!` as it is, which its state contract refuses, and an
/// empty one not at all. Otherwise the state becomes the message.
pub fn migrates() -> Vec<u8> {
    let mut guest =
        Guest::new(World::Actor).body(Call::Handle, "(call $ok (local.get $m) (local.get $mlen))");
    let (prefix, empty) = (guest.constant(b"v2 "), guest.constant(b"there is nothing to carry over"));
    let marked = guest.constant(b"the state begins with an exclamation mark");
    let migrate = format!(
        "(if (i32.eqz (local.get $slen)) (then (return (call $refuse {empty}))))
         (if (call $marked (local.get $s) (local.get $slen))
           (then (return (call $ok (local.get $s) (local.get $slen)))))
         (call $ok (call $concat {prefix} (local.get $s) (local.get $slen))
           (i32.add (local.get $slen) (i32.const 3)))"
    );
    let contract = format!(
        "(if (call $marked (local.get $s) (local.get $slen)) (then (return (call $refuse {marked}))))
         (call $accept)"
    );
    guest.migrating(&migrate).body(Call::StateContract, contract).component()
}

/// Writes its context into the state, with integers little-endian: the sender's case and the number of the effect (4
/// bytes each), `at`, `seq`, when a timer is due, the position of an own effect (8 each), the case of a notice and how
/// many texts there are (4 each); then the texts one after the other. What there is not, is 0.
pub fn context_echo() -> Vec<u8> {
    const FUNCTIONS: &str = "(global $out (mut i32) (i32.const 0)) (global $end (mut i32) (i32.const 0))
        (func $text (param $there i32) (param $p i32) (param $len i32)
          (if (local.get $there) (then
            (memory.copy (global.get $end) (local.get $p) (local.get $len))
            (global.set $end (i32.add (global.get $end) (local.get $len)))
            (i32.store offset=44 (global.get $out)
              (i32.add (i32.load offset=44 (global.get $out)) (i32.const 1))))))";
    const HANDLE: &str = "
        (global.set $out (call $alloc (i32.const 512)))
        (memory.fill (global.get $out) (i32.const 0) (i32.const 512))
        (global.set $end (i32.add (global.get $out) (i32.const 48)))
        (i32.store (global.get $out) (local.get $from))
        (i64.store offset=8 (global.get $out) (local.get $at))
        (i64.store offset=16 (global.get $out) (local.get $seq))
        (if (i32.eq (local.get $from) (i32.const 1)) (then
          (call $text (i32.const 1) (i32.wrap_i64 (local.get $f1)) (local.get $f2))))
        (if (i32.or (i32.eq (local.get $from) (i32.const 2)) (i32.eq (local.get $from) (i32.const 6))) (then
          (call $text (i32.const 1) (i32.wrap_i64 (local.get $f1)) (local.get $f2))
          (call $text (i32.const 1) (i32.wrap_i64 (local.get $f3)) (local.get $f4))
          (i32.store offset=4 (global.get $out) (local.get $f5))))
        (if (i32.and (i32.ge_u (local.get $from) (i32.const 3)) (i32.le_u (local.get $from) (i32.const 5))) (then
          (i64.store offset=32 (global.get $out) (local.get $f1))
          (i32.store offset=4 (global.get $out) (local.get $f2))))
        (if (i32.eq (local.get $from) (i32.const 3)) (then
          (i64.store offset=24 (global.get $out) (local.get $f3))))
        (if (i32.eq (local.get $from) (i32.const 4)) (then
          (call $text (i32.const 1) (i32.wrap_i64 (local.get $f3)) (local.get $f4))
          (call $text (i32.const 1) (local.get $f5) (local.get $f6))))
        (if (i32.eq (local.get $from) (i32.const 5)) (then
          (i32.store offset=40 (global.get $out) (i32.wrap_i64 (local.get $f3)))
          (call $text (local.get $f4) (local.get $f5) (local.get $f6))
          (call $text (local.get $f7) (local.get $f8) (local.get $f9))))
        (call $ok (global.get $out) (i32.sub (global.get $end) (global.get $out)))";
    Guest::new(World::Actor).field(FUNCTIONS).body(Call::Handle, HANDLE).component()
}
