//! What the host calls, and what is called of it: `docs/spec/host-abi.md`.

use crate::count::{read, search, write};

/// The most bytes of an input.
const MAX_INPUT: usize = 1024;
/// What `run` returns for an input that it cannot read.
const BAD_INPUT: i64 = -1;

#[link(wasm_import_module = "icn")]
unsafe extern "C" {
    fn host_take_input(into: *mut u8, cap: u32) -> i32;
    fn host_put_output(bytes: *const u8, len: u32) -> i32;
}

/// Runs the job.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> i64 {
    let mut input = [0; MAX_INPUT];
    // SAFETY: the room is as long as is said.
    let len = unsafe { host_take_input(input.as_mut_ptr(), MAX_INPUT as u32) };
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let Some((from, to)) = input.get(..len).and_then(read) else { return BAD_INPUT };
    let output = write(&search(from, to));
    // SAFETY: the bytes are as many as is said.
    let put = unsafe { host_put_output(output.as_ptr(), output.len() as u32) };
    i64::from(put.min(0))
}
