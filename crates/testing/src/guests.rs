//! Guests that every host should take, and what they do once they run.
//!
//! Those that exist for every world take it as their first argument; the others are for [`World::Actor`], the only
//! world with what they show. Where a guest does something to some messages only, it is to those that begin with `!`.

pub use crate::asking::{asks_in, bounces, context_echo, fetches, fetches_in, migrates, relay};
use crate::{Call, Guest, Place, World};

/// Leaves the message as the result.
const MESSAGE: &str = "(call $ok (local.get $m) (local.get $mlen))";
/// Leaves the state as the result.
const STATE: &str = "(call $ok (local.get $s) (local.get $slen))";
const TRAP: &str = "(unreachable)";
const ENDLESS: &str = "(loop $forever (br $forever))";

/// The state becomes the message.
pub fn echo(world: World) -> Vec<u8> {
    Guest::new(world).body(Call::Handle, MESSAGE).component()
}

/// The message is added to the end of the state.
pub fn append(world: World) -> Vec<u8> {
    let handle = "(call $ok
        (call $concat (local.get $s) (local.get $slen) (local.get $m) (local.get $mlen))
        (i32.add (local.get $slen) (local.get $mlen)))";
    Guest::new(world).body(Call::Handle, handle).component()
}

/// Counts messages, in a state of 8 bytes, little-endian; the contract holds it to its length.
pub fn counter(world: World) -> Vec<u8> {
    let handle = "(i64.store (local.get $s) (i64.add (i64.load (local.get $s)) (i64.const 1)))";
    Guest::new(world)
        .body(Call::Init, "(call $ok (call $alloc (i32.const 8)) (i32.const 8))")
        .at(Place::Call(Call::Handle), handle)
        .body(Call::StateContract, exactly(8))
        .component()
}

/// Has a state of 256 bytes, copies it in each step, and puts the message's first 8 bytes at its beginning. All three
/// calls read what they are given, so that their cost is that of calling: a guest for benchmarks.
pub fn three_calls(world: World) -> Vec<u8> {
    const HANDLE: &str = "(local $p i32)
        (local.set $p (call $concat (local.get $s) (local.get $slen) (i32.const 0) (i32.const 0)))
        (memory.copy (local.get $p) (local.get $m)
          (select (local.get $mlen) (i32.const 8) (i32.lt_u (local.get $mlen) (i32.const 8))))
        (call $ok (local.get $p) (local.get $slen))";
    Guest::new(world)
        .body(Call::Init, "(call $ok (call $filled (i32.const 256)) (i32.const 256))")
        .body(Call::MessageContract, exactly(256))
        .body(Call::Handle, HANDLE)
        .body(Call::StateContract, exactly(256))
        .component()
}

/// Traps at a place.
pub fn trap_in(world: World, place: Place) -> Vec<u8> {
    Guest::new(world).at(place, TRAP).component()
}

/// Never comes to an end at a place.
pub fn endless_loop_in(world: World, place: Place) -> Vec<u8> {
    Guest::new(world).at(place, ENDLESS).component()
}

/// Calls itself in `handle` until the stack is used up.
pub fn endless_recursion(world: World) -> Vec<u8> {
    Guest::new(world)
        .field("(func $deeper (param i32) (result i32) (i32.add (call $deeper (local.get 0)) (i32.const 1)))")
        .at(Place::Call(Call::Handle), "(drop (call $deeper (i32.const 0)))")
        .component()
}

/// What a guest does when it gets no more memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// It traps.
    Traps,
    /// It goes on as if nothing were.
    GoesOn,
}

/// Takes as much memory as it can in `handle`, a mebibyte at a time.
pub fn memory_bomb(world: World, denied: Denied) -> Vec<u8> {
    bomb(world, "(memory.grow (i32.const 16))", denied)
}

/// Takes as large a table as it can in `handle`, 65,536 elements at a time.
pub fn table_bomb(world: World, denied: Denied) -> Vec<u8> {
    bomb(world, "(table.grow $bomb (ref.null func) (i32.const 65536))", denied)
}

fn bomb(world: World, grow: &str, denied: Denied) -> Vec<u8> {
    let then = if denied == Denied::Traps { TRAP } else { "" };
    Guest::new(world)
        .field("(table $bomb 1 funcref)")
        .at(
            Place::Call(Call::Handle),
            &format!("(loop $more (br_if $more (i32.ne {grow} (i32.const -1)))) {then}"),
        )
        .component()
}

/// Has a state of `bytes` bytes after `handle`.
pub fn huge_state(world: World, bytes: u32) -> Vec<u8> {
    Guest::new(world).body(Call::Handle, filled(bytes)).component()
}

/// Has a first state of `bytes` bytes.
pub fn huge_first_state(world: World, bytes: u32) -> Vec<u8> {
    Guest::new(world).body(Call::Init, filled(bytes)).component()
}

/// Replies with `bytes` bytes.
pub fn huge_reply(bytes: u32) -> Vec<u8> {
    let reply = format!("{STATE} (call $reply (call $filled (i32.const {bytes})) (i32.const {bytes}))");
    Guest::new(World::Actor).body(Call::Handle, reply).component()
}

/// Replies with the message; the state stays as it is.
pub fn replies() -> Vec<u8> {
    let reply = format!("{STATE} (call $reply (local.get $m) (local.get $mlen))");
    Guest::new(World::Actor).body(Call::Handle, reply).component()
}

/// Logs a line in each call that is what the call is named.
pub fn logs(world: World) -> Vec<u8> {
    let mut guest = Guest::new(world);
    for call in Call::ALL {
        let name = guest.constant(call.name().as_bytes());
        guest = guest.at(Place::Call(call), &format!("(call $log {name})"));
    }
    guest.component()
}

/// Logs bytes that are not UTF-8 in `handle`.
pub fn bad_utf8_log(world: World) -> Vec<u8> {
    let mut guest = Guest::new(world);
    let bytes = guest.constant(b"caf\xe9 \xff\xfe");
    guest.at(Place::Call(Call::Handle), &format!("(call $log {bytes})")).component()
}

/// Logs `count` lines of `len` bytes in `handle`.
pub fn many_logs(world: World, count: u32, len: u32) -> Vec<u8> {
    many(world, count, len, "(call $log (local.get $p) (local.get $n))")
}

/// Sends `count` messages of `len` bytes to `observer` in `handle`.
pub fn many_sends(world: World, count: u32, len: u32) -> Vec<u8> {
    many(world, count, len, "(call $send (call $observer) (local.get $p) (local.get $n))")
}

fn many(world: World, count: u32, len: u32, what: &str) -> Vec<u8> {
    let mut guest = Guest::new(world);
    let observer = guest.constant(b"observer");
    guest
        .field(&format!("(func $observer (result i32 i32) {observer})"))
        .field(&format!(
            "(func $many (local $p i32) (local $n i32) (local $left i32)
               (local.set $n (i32.const {len}))
               (local.set $p (call $filled (local.get $n)))
               (local.set $left (i32.const {count}))
               (loop $more
                 (if (local.get $left) (then
                   {what}
                   (local.set $left (i32.sub (local.get $left) (i32.const 1)))
                   (br $more)))))"
        ))
        .at(Place::Call(Call::Handle), "(call $many)")
        .component()
}

/// Sends each message on to an address, which may be any bytes; the state becomes the message.
pub fn send_to(world: World, address: &[u8]) -> Vec<u8> {
    let mut guest = Guest::new(world).body(Call::Handle, MESSAGE);
    let address = guest.constant(address);
    let send = format!("(call $send {address} (local.get $m) (local.get $mlen))");
    guest.at(Place::Call(Call::Handle), &send).component()
}

/// Sends a message in a place where that is not allowed, or is: in a contract, in `init`.
pub fn send_in(world: World, call: Call) -> Vec<u8> {
    let mut guest = Guest::new(world);
    let (address, message) = (guest.constant(b"observer"), guest.constant(b"hello"));
    guest.at(Place::Call(call), &format!("(call $send {address} {message})")).component()
}

/// Sends a message in the message contract.
pub fn send_in_contract(world: World) -> Vec<u8> {
    send_in(world, Call::MessageContract)
}

/// Accepts every message, then traps on those that begin with `!`; the state becomes the message otherwise.
pub fn lying_contract(world: World) -> Vec<u8> {
    Guest::new(world)
        .body(Call::Handle, MESSAGE)
        .at(Place::Call(Call::Handle), &on_mark("$m", "$mlen", TRAP))
        .component()
}

/// The state becomes the message, which its contract does not allow if it begins with `!`.
pub fn state_breaks_contract(world: World) -> Vec<u8> {
    let mut guest = Guest::new(world).body(Call::Handle, MESSAGE);
    let refuse = refusal(&mut guest, "the state begins with an exclamation mark");
    guest.at(Place::Call(Call::StateContract), &on_mark("$s", "$slen", &refuse)).component()
}

/// Refuses the first state: its contract allows none at all.
pub fn first_state_breaks_contract(world: World) -> Vec<u8> {
    let mut guest = Guest::new(world);
    let refuse = refusal(&mut guest, "no state is good enough");
    guest.at(Place::Call(Call::StateContract), &refuse).component()
}

/// Refuses messages that begin with `!` in the message contract; where the world takes one, with the given reason. The
/// state becomes any other message.
pub fn refuses(world: World, reason: &str) -> Vec<u8> {
    let mut guest = Guest::new(world).body(Call::Handle, MESSAGE);
    let refuse = refusal(&mut guest, reason);
    guest.at(Place::Call(Call::MessageContract), &on_mark("$m", "$mlen", &refuse)).component()
}

/// Gives an error in a call, with a reason.
pub fn fails_in(call: Call, reason: &str) -> Vec<u8> {
    let mut guest = Guest::new(World::Actor);
    let refuse = refusal(&mut guest, reason);
    guest.at(Place::Call(call), &refuse).component()
}

/// Accepts every message, but then says no to those that begin with `!`: a failure that carries a reason.
pub fn fails_on_mark(reason: &str) -> Vec<u8> {
    let mut guest = Guest::new(World::Actor).body(Call::Handle, MESSAGE);
    let refuse = refusal(&mut guest, reason);
    guest.at(Place::Call(Call::Handle), &on_mark("$m", "$mlen", &refuse)).component()
}

/// Puts the bits of not-a-number into the state: 8 bytes of `0.0 / 0.0`, 8 of the square root of -1, and 4 of a 32-bit
/// `0.0 / 0.0`. They are the same on every machine only if the host makes them so.
pub fn float_nan(world: World) -> Vec<u8> {
    // The zero comes from the length of the message, so that no compiler works it out beforehand.
    const HANDLE: &str = "(local $p i32) (local $zero i32)
        (local.set $zero (i32.and (local.get $mlen) (i32.const 0)))
        (local.set $p (call $alloc (i32.const 20)))
        (f64.store (local.get $p)
          (f64.div (f64.convert_i32_u (local.get $zero)) (f64.convert_i32_u (local.get $zero))))
        (f64.store offset=8 (local.get $p)
          (f64.sqrt (f64.convert_i32_s (i32.sub (local.get $zero) (i32.const 1)))))
        (f32.store offset=16 (local.get $p)
          (f32.div (f32.convert_i32_u (local.get $zero)) (f32.convert_i32_u (local.get $zero))))
        (call $ok (local.get $p) (i32.const 20))";
    Guest::new(world).body(Call::Handle, HANDLE).component()
}

/// Uses an instruction of relaxed SIMD, whose result may differ between machines: the state becomes the 16 bytes of a
/// multiplication and addition, all 0 if each is rounded.
pub fn relaxed_simd(world: World) -> Vec<u8> {
    const HANDLE: &str = "(local $p i32) (local $v v128)
        (local.set $p (call $alloc (i32.const 16)))
        (local.set $v (f32x4.splat (f32.add (f32.const 0x1.000002p0)
          (f32.convert_i32_u (i32.and (local.get $mlen) (i32.const 0))))))
        (v128.store (local.get $p)
          (f32x4.relaxed_madd (local.get $v) (local.get $v) (f32x4.splat (f32.const -0x1.000004p0))))
        (call $ok (local.get $p) (i32.const 16))";
    Guest::new(world).body(Call::Handle, HANDLE).component()
}

/// Gives a list as the state that is not within its memory.
pub fn out_of_range_list(world: World) -> Vec<u8> {
    Guest::new(world).body(Call::Handle, "(call $ok (i32.const -65536) (i32.const 4096))").component()
}

/// Logs a line that is not within its memory.
pub fn out_of_range_log(world: World) -> Vec<u8> {
    let log = "(call $log (i32.const -65536) (i32.const 4096))";
    Guest::new(world).at(Place::Call(Call::Handle), log).component()
}

/// Gives a result in `handle` that is neither ok nor an error.
pub fn bad_discriminant() -> Vec<u8> {
    let handle = "(call $result (i32.const 7) (local.get $s) (local.get $slen))";
    Guest::new(World::Actor).body(Call::Handle, handle).component()
}

/// Has as its first state a byte that says whether there is a configuration, 0 or 1, and then the configuration.
pub fn config_echo() -> Vec<u8> {
    const INIT: &str = "(local $p i32)
        (if (i32.eqz (local.get $some)) (then (local.set $clen (i32.const 0))))
        (local.set $p (call $alloc (i32.add (local.get $clen) (i32.const 1))))
        (i32.store8 (local.get $p) (local.get $some))
        (memory.copy (i32.add (local.get $p) (i32.const 1)) (local.get $c) (local.get $clen))
        (call $ok (local.get $p) (i32.add (local.get $clen) (i32.const 1)))";
    Guest::new(World::Actor).body(Call::Init, INIT).component()
}

/// Does what [`echo`] does, with so many functions beside it that the component has about `bytes` bytes: a guest for
/// measuring how long a start takes.
pub fn padded(world: World, bytes: usize) -> Vec<u8> {
    // What one function takes in the binary, with its name and the like.
    const FUNCTION: usize = 122;
    let mut guest = Guest::new(world).body(Call::Handle, MESSAGE).field(
        "(func $pad0 (param $n i32) (param $p i32) (result i32) (i32.add (local.get $n) (local.get $p)))",
    );
    for n in 1..=bytes / FUNCTION {
        guest = guest.field(&padding(n));
    }
    guest.component()
}

/// A function with a loop, a branch, memory, arithmetic and a call of the one before; each has other constants.
fn padding(n: usize) -> String {
    let (before, a, b) = (n - 1, n * 2_654_435 % 1_000_003 + 65_536, n * 40_503 % 65_521 + 16_384);
    format!(
        "(func $pad{n} (param $n i32) (param $p i32) (result i32) (local $sum i32)
           (loop $again
             (local.set $sum (i32.xor
               (i32.mul (i32.add (local.get $sum) (i32.const {a})) (i32.const {b}))
               (i32.load (i32.and (local.get $p) (i32.const {b})))))
             (if (i32.and (local.get $sum) (i32.const 1))
               (then (local.set $p (i32.add (local.get $p) (i32.const {a}))))
               (else (i32.store (i32.and (local.get $p) (i32.const {b})) (local.get $sum))))
             (local.set $n (i32.sub (local.get $n) (i32.const 1)))
             (br_if $again (i32.gt_s (local.get $n) (i32.const 0))))
           (i32.rotl (call $pad{before} (local.get $sum) (local.get $p)) (i32.const {a})))"
    )
}

/// A verdict: whether the state is exactly so long.
fn exactly(bytes: u32) -> String {
    format!(
        "(if (i32.ne (local.get $slen) (i32.const {bytes}))
           (then (return (call $refuse (i32.const 0) (i32.const 0)))))
         (call $accept)"
    )
}

fn filled(bytes: u32) -> String {
    format!("(call $ok (call $filled (i32.const {bytes})) (i32.const {bytes}))")
}

fn refusal(guest: &mut Guest, reason: &str) -> String {
    format!("(return (call $refuse {}))", guest.constant(reason.as_bytes()))
}

fn on_mark(list: &str, len: &str, instructions: &str) -> String {
    format!("(if (call $marked (local.get {list}) (local.get {len})) (then {instructions}))")
}
