//! What a hostile guest meets: every queue, table and read has an end.

use wasmtime::component::Resource;

use super::{Limits, host_with, lend, refused};
use crate::host::{Host, Refused};
use crate::wasi::RESOURCE;
use crate::wasi::streams::InputStream;
use crate::wasi::wasi::cli::stdout::Host as _;
use crate::wasi::wasi::clocks::monotonic_clock::Host as _;
use crate::wasi::wasi::http::types::HostFields;
use crate::wasi::wasi::io::poll::HostPollable;
use crate::wasi::wasi::io::streams::{HostInputStream as _, HostOutputStream as _};
use crate::wasi::wasi::random::random::Host as _;

const MEMORY: u64 = 64 << 10;

fn small() -> Host {
    host_with(&Limits { memory: 17 * MEMORY, ..Limits::default() }, &[])
}

#[test]
fn resources_are_memory_and_come_back_as_they_are_dropped() {
    let mut host = small();
    let most = 17 * MEMORY / RESOURCE;
    let made: Vec<Resource<_>> = (0..most).map(|n| host.subscribe_duration(n).unwrap()).collect();
    assert_eq!(refused(host.subscribe_duration(0)), Refused::Memory);
    for pollable in made {
        HostPollable::drop(&mut host, pollable).unwrap();
    }
    for _ in 0..3 * most {
        let pollable = host.subscribe_duration(0).unwrap();
        HostPollable::drop(&mut host, pollable).unwrap();
    }
}

#[test]
fn fields_are_memory_and_come_back_as_they_shrink() {
    let mut host = small();
    let fields = HostFields::new(&mut host).unwrap();
    for _ in 0..1000 {
        let value = vec![vec![b'a'; 16 << 10]];
        host.set(lend(&fields), "a".to_owned(), value).unwrap().unwrap();
        host.delete(lend(&fields), "A".to_owned()).unwrap().unwrap();
    }
    let refusal = loop {
        if let Err(error) = host.append(lend(&fields), "a".to_owned(), vec![b'a'; 60 << 10]) {
            break error.downcast_ref::<Refused>().copied();
        }
    };
    assert_eq!(refusal, Some(Refused::Memory));
    let mut copies = 0;
    while HostFields::clone(&mut host, lend(&fields)).is_ok() {
        copies += 1;
    }
    assert!(copies < 2, "{copies} copies of what fills the memory");
}

#[test]
fn no_more_can_be_drawn_than_there_is_memory() {
    let mut host = small();
    assert_eq!(refused(host.get_random_bytes(u64::MAX)), Refused::Memory);
    assert_eq!(host.get_random_bytes(16 * MEMORY).unwrap().len() as u64, 16 * MEMORY);
    assert_eq!(refused(host.get_random_bytes(MEMORY + 1)), Refused::Memory);
}

#[test]
fn a_read_gives_no_more_than_64_kib_at_once() {
    let mut host = small();
    let stream = host.keep(InputStream::new(vec![7; 100 << 10])).unwrap();
    assert_eq!(host.read(lend(&stream), u64::MAX).unwrap().unwrap().len(), 64 << 10);
    assert_eq!(host.skip(lend(&stream), u64::MAX).unwrap().unwrap(), 36 << 10);
}

#[test]
fn a_write_beyond_what_was_permitted_traps() {
    let mut host = small();
    let out = host.get_stdout().unwrap();
    let traps = [
        host.write(lend(&out), vec![0; 65_537]).err(),
        host.blocking_write_and_flush(lend(&out), vec![0; 4097]).err(),
        host.write_zeroes(lend(&out), u64::MAX - 1).err(),
        host.blocking_write_zeroes_and_flush(lend(&out), 4097).err(),
    ];
    for trap in traps {
        assert!(matches!(trap.unwrap().downcast_ref(), Some(Refused::Misused(_))));
    }
}

#[test]
fn output_counts_in_the_limit_log_and_captured_output_in_memory() {
    let mut host = host_with(&Limits { log: 10, ..Limits::default() }, &[]);
    let out = host.get_stdout().unwrap();
    host.write(lend(&out), b"123456789\n".to_vec()).unwrap().unwrap();
    assert_eq!(refused(host.write(lend(&out), b"\n".to_vec())), Refused::Log);
    let mut host = small();
    host.wasi.stdio.captured = Some(Vec::new());
    let out = host.get_stdout().unwrap();
    let refusal = loop {
        if let Err(error) = host.write(lend(&out), vec![b'a'; 60_000]) {
            break error.downcast_ref::<Refused>().copied();
        }
    };
    assert_eq!(refusal, Some(Refused::Memory));
    assert!(host.wasi.stdio.captured.unwrap().len() as u64 <= 17 * MEMORY);
}
