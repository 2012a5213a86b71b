//! What each function of each interface answers, compared with values that are written down here.

mod filesystem;
mod http;
mod limits;

use std::sync::LazyLock;

use troupe_chain::{Context, Hash, Level, Sender, Text, Timestamp};
use wasmtime::component::Resource;

use super::poll::Pollable;
use super::streams::{InputStream, OutputStream};
use super::wasi::cli::{
    environment, exit, stderr, stdin, stdout, terminal_stderr, terminal_stdin, terminal_stdout,
};
use super::wasi::clocks::{monotonic_clock, wall_clock};
use super::wasi::io::poll::{Host as _, HostPollable as _};
use super::wasi::io::streams::{HostInputStream as _, HostOutputStream as _, StreamError};
use super::wasi::random::insecure::Host as _;
use super::wasi::random::insecure_seed::Host as _;
use super::wasi::random::random::Host as _;
use crate::host::{Host, Phase, Refused};
use crate::{Allocation, Grants, Limits, Sandbox, SandboxConfig, WasmComponent};

/// 2023-11-14T22:13:20.123Z, in milliseconds.
const AT: u64 = 1_700_000_000_123;
const MILLI: u64 = 1_000_000;

static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    Sandbox::new(SandboxConfig {
        allocation: Allocation::OnDemand,
        cache: None,
        deadline: None,
        ..SandboxConfig::default()
    })
});

/// A host as an actor with these limits and grants would find it in `handle`.
fn host_with(limits: &Limits, grants: &[&str]) -> Host {
    let grants: Vec<_> = grants.iter().map(|grant| Text::new(*grant).unwrap()).collect();
    host_of(limits, &Grants::parse(&grants).unwrap())
}

fn host_of(limits: &Limits, grants: &Grants) -> Host {
    let guest = troupe_testing::guests::echo(troupe_testing::World::Actor);
    let actor: WasmComponent = SANDBOX.load_granted(&guest, limits, grants).unwrap();
    let seed = Some(Hash::from_bytes(std::array::from_fn(|n| n as u8)));
    let context = Context {
        chain: Hash::from_bytes([0; 32]),
        from: Sender::Http { key: None },
        at: Timestamp(AT),
        seq: 2,
        seed,
    };
    let mut host = Host::new(&actor, &context, None);
    host.phase = Phase::Handle;
    host
}

fn host() -> Host {
    host_with(&Limits::default(), &[])
}

/// Why a call trapped.
fn refused<T>(result: wasmtime::Result<T>) -> Refused {
    *result.err().expect("a trap").downcast_ref().expect("a refusal of the host")
}

/// A handle to lend, as the canonical ABI lends it.
fn lend<T: 'static>(handle: &Resource<T>) -> Resource<T> {
    Resource::new_borrow(handle.rep())
}

#[test]
fn both_clocks_begin_at_the_entrys_time() {
    let mut host = host();
    let wall = wall_clock::Host::now(&mut host).unwrap();
    assert_eq!((wall.seconds, wall.nanoseconds), (1_700_000_000, 123_000_000));
    assert_eq!(monotonic_clock::Host::now(&mut host).unwrap(), AT * MILLI);
    let resolution = wall_clock::Host::resolution(&mut host).unwrap();
    assert_eq!((resolution.seconds, resolution.nanoseconds), (0, 1_000_000));
    assert_eq!(monotonic_clock::Host::resolution(&mut host).unwrap(), MILLI);
}

#[test]
fn a_wait_moves_both_clocks_to_its_end_and_never_back() {
    let mut host = host();
    let timer = monotonic_clock::Host::subscribe_duration(&mut host, 5).unwrap();
    assert!(!host.ready(lend(&timer)).unwrap());
    host.block(lend(&timer)).unwrap();
    assert!(host.ready(lend(&timer)).unwrap());
    assert_eq!(monotonic_clock::Host::now(&mut host).unwrap(), AT * MILLI + 5);
    assert_eq!(wall_clock::Host::now(&mut host).unwrap().nanoseconds, 123_000_005);
    let past = monotonic_clock::Host::subscribe_instant(&mut host, 1).unwrap();
    assert!(host.ready(lend(&past)).unwrap());
    host.block(lend(&past)).unwrap();
    assert_eq!(monotonic_clock::Host::now(&mut host).unwrap(), AT * MILLI + 5);
    let never = monotonic_clock::Host::subscribe_duration(&mut host, u64::MAX).unwrap();
    host.block(lend(&never)).unwrap();
    assert_eq!(monotonic_clock::Host::now(&mut host).unwrap(), u64::MAX);
}

#[test]
fn poll_says_what_is_ready_or_waits_for_the_first_deadline() {
    let mut host = host();
    let mut timer = |after| monotonic_clock::Host::subscribe_duration(&mut host, after).unwrap();
    let (late, soon, also_soon) = (timer(900), timer(300), timer(300));
    let ready = host.keep(Pollable::Ready).unwrap();
    let asked = vec![lend(&late), lend(&ready), lend(&soon)];
    assert_eq!(host.poll(asked).unwrap(), [1], "what is ready does not wait for what is not");
    assert_eq!(host.poll(vec![lend(&late), lend(&soon), lend(&also_soon)]).unwrap(), [1, 2]);
    assert_eq!(monotonic_clock::Host::now(&mut host).unwrap(), AT * MILLI + 300);
    assert_eq!(host.poll(vec![lend(&late), lend(&late)]).unwrap(), [0, 1]);
    assert!(matches!(refused(host.poll(Vec::new())), Refused::Misused(what) if what.contains("nothing")));
    let ready = Resource::new_own(ready.rep());
    super::wasi::io::poll::HostPollable::drop(&mut host, ready).unwrap();
}

/// The vectors of `docs/spec/wasi.md`, made with another implementation of BLAKE3.
#[test]
fn the_seed_leads_to_the_bytes_that_are_written_down() {
    let hex = |bytes: Vec<u8>| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut host = host();
    let first = hex(host.get_random_bytes(32).unwrap());
    assert_eq!(first, "d70184fda06bb6903b1fe24b2bc7265c98d15a3008deae2addea8adc4296ef0d");
    assert_eq!(hex(host.get_random_bytes(16).unwrap()), "70e6a30d044a4abbdfb7e92ad5d31668");
    let first = hex(host.get_insecure_random_bytes(24).unwrap());
    assert_eq!(first, "0a816b3243a6ca78e4717bfdf5341187f7ada7fd0a2704d0");
    let seed = (17_786_193_635_158_806_434, 5_392_731_901_854_684_413);
    assert_eq!(host.insecure_seed().unwrap(), seed);
    assert_eq!(host.insecure_seed().unwrap(), seed);
    let mut again = super::tests::host();
    assert_eq!(again.get_random_u64().unwrap(), 10_427_640_326_415_188_439);
    assert_eq!(again.get_random_u64().unwrap(), 6_640_213_689_375_006_523);
    assert_eq!(again.get_insecure_random_u64().unwrap(), 8_703_952_037_385_830_666);
    assert!(again.get_random_bytes(0).unwrap().is_empty());
}

#[test]
fn an_entry_without_a_seed_gives_no_randomness_at_all() {
    let mut host = host();
    host.wasi.random = super::Random::new(None, 100);
    assert!(host.get_random_u64().is_err() && host.insecure_seed().is_err());
    assert!(host.aborted.is_some(), "nothing may be recorded");
}

#[test]
fn arguments_and_environment_are_those_that_are_granted() {
    let mut bare = host();
    assert_eq!(environment::Host::get_arguments(&mut bare).unwrap(), ["actor"]);
    assert!(environment::Host::get_environment(&mut bare).unwrap().is_empty());
    assert_eq!(environment::Host::initial_cwd(&mut bare).unwrap(), None);
    let mut host = host_with(&Limits::default(), &["args:[\"tool\",\"-v\"]", "env:B=2", "env:A=1=1"]);
    assert_eq!(environment::Host::get_arguments(&mut host).unwrap(), ["tool", "-v"]);
    host.wasi.stdio.args = vec!["x".to_owned()];
    assert_eq!(environment::Host::get_arguments(&mut host).unwrap(), ["tool", "-v", "x"]);
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(environment::Host::get_environment(&mut host).unwrap(), [pair("A", "1=1"), pair("B", "2")]);
}

#[test]
fn exit_ends_the_call_with_its_code() {
    let mut host = host();
    assert_eq!(refused(exit::Host::exit(&mut host, Ok(()))), Refused::Exit(0));
    assert_eq!(refused(exit::Host::exit(&mut host, Err(()))), Refused::Exit(1));
    assert_eq!(refused(exit::Host::exit_with_code(&mut host, 77)), Refused::Exit(77));
}

#[test]
fn there_is_no_terminal() {
    let mut host = host();
    assert!(terminal_stdin::Host::get_terminal_stdin(&mut host).unwrap().is_none());
    assert!(terminal_stdout::Host::get_terminal_stdout(&mut host).unwrap().is_none());
    assert!(terminal_stderr::Host::get_terminal_stderr(&mut host).unwrap().is_none());
}

#[test]
fn standard_input_is_empty_unless_it_is_a_commands() {
    let mut host = host();
    let input = stdin::Host::get_stdin(&mut host).unwrap();
    assert!(matches!(host.read(lend(&input), 10).unwrap(), Err(StreamError::Closed)));
    host.wasi.stdio.input = InputStream::new(*b"abcdef");
    let first = stdin::Host::get_stdin(&mut host).unwrap();
    assert_eq!(host.read(lend(&first), 0).unwrap().unwrap(), b"");
    assert_eq!(host.read(lend(&first), 2).unwrap().unwrap(), b"ab");
    let second = stdin::Host::get_stdin(&mut host).unwrap();
    assert_eq!(host.blocking_read(lend(&second), 1).unwrap().unwrap(), b"c", "it goes on where it was");
    assert_eq!(host.skip(lend(&first), 1).unwrap().unwrap(), 1);
    assert_eq!(host.blocking_skip(lend(&first), 1).unwrap().unwrap(), 1);
    let pollable = super::wasi::io::streams::HostInputStream::subscribe(&mut host, lend(&first)).unwrap();
    assert!(host.ready(pollable).unwrap());
    assert_eq!(host.read(lend(&first), u64::MAX).unwrap().unwrap(), b"f");
    assert!(matches!(host.blocking_skip(lend(&first), 1).unwrap(), Err(StreamError::Closed)));
    super::wasi::io::streams::HostInputStream::drop(&mut host, second).unwrap();
}

fn logged(host: &Host) -> Vec<(Level, &str)> {
    host.log.iter().map(|line| (line.level, line.line.as_str())).collect()
}

#[test]
fn output_goes_to_the_log_line_by_line() {
    let mut host = host();
    let out = stdout::Host::get_stdout(&mut host).unwrap();
    let err = stderr::Host::get_stderr(&mut host).unwrap();
    assert_eq!(host.check_write(lend(&out)).unwrap().unwrap(), 65_536);
    let mut write = |to: &Resource<OutputStream>, text: &[u8]| {
        host.write(lend(to), text.to_vec()).unwrap().unwrap();
    };
    write(&out, b"one\ntw");
    write(&err, b"careful\r\n\n");
    write(&out, b"o\nthr\xff");
    host.flush(lend(&out)).unwrap().unwrap();
    host.blocking_flush(lend(&out)).unwrap().unwrap();
    host.blocking_write_and_flush(lend(&out), b"ee".to_vec()).unwrap().unwrap();
    assert_eq!(
        logged(&host),
        [(Level::Info, "one"), (Level::Warn, "careful"), (Level::Warn, ""), (Level::Info, "two")]
    );
    host.flush_lines();
    assert_eq!(logged(&host).last(), Some(&(Level::Info, "thr\u{fffd}ee")));
    let pollable = super::wasi::io::streams::HostOutputStream::subscribe(&mut host, lend(&out)).unwrap();
    assert!(host.ready(pollable).unwrap());
    super::wasi::io::streams::HostOutputStream::drop(&mut host, out).unwrap();
}

#[test]
fn zeros_and_what_is_spliced_are_written_too() {
    let mut host = host();
    host.wasi.stdio.captured = Some(Vec::new());
    let out = stdout::Host::get_stdout(&mut host).unwrap();
    host.write_zeroes(lend(&out), 2).unwrap().unwrap();
    host.blocking_write_zeroes_and_flush(lend(&out), 1).unwrap().unwrap();
    let input = host.keep(InputStream::new(*b"abc")).unwrap();
    assert_eq!(host.splice(lend(&out), lend(&input), 2).unwrap().unwrap(), 2);
    assert_eq!(host.blocking_splice(lend(&out), lend(&input), 9).unwrap().unwrap(), 1);
    assert!(matches!(host.splice(lend(&out), lend(&input), 9).unwrap(), Err(StreamError::Closed)));
    assert_eq!(host.wasi.stdio.captured.as_deref(), Some(&b"\0\0\0abc"[..]));
    assert!(host.log.is_empty());
}
