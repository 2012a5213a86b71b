//! `wasi:io/poll`: what is ready is said in the order asked; where nothing is, the clock moves to the first deadline.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::http::Body;
use super::wasi::io::poll;
use super::{Kept, misused};
use crate::host::Host;

/// Something to wait for.
pub enum Pollable {
    /// Always ready.
    Ready,
    /// A time, in nanoseconds since 1970.
    At(u64),
    /// The answer to a request: it is asked for once the body is finished.
    Sent(Body),
}

impl Kept for Pollable {}

impl Pollable {
    fn is_ready(&self, now: u64) -> bool {
        match self {
            Self::Ready => true,
            Self::At(deadline) => *deadline <= now,
            Self::Sent(body) => !body.is_open(),
        }
    }

    fn deadline(&self) -> Option<u64> {
        match self {
            Self::At(deadline) => Some(*deadline),
            Self::Ready | Self::Sent(_) => None,
        }
    }
}

impl poll::HostPollable for Host {
    fn ready(&mut self, this: Resource<Pollable>) -> Result<bool> {
        Ok(self.kept(&this)?.is_ready(self.wasi.clock.now()))
    }

    fn block(&mut self, this: Resource<Pollable>) -> Result<()> {
        poll::Host::poll(self, vec![this]).map(drop)
    }

    fn drop(&mut self, this: Resource<Pollable>) -> Result<()> {
        self.forget(this)
    }
}

impl poll::Host for Host {
    fn poll(&mut self, asked: Vec<Resource<Pollable>>) -> Result<Vec<u32>> {
        if asked.is_empty() {
            return misused("`wasi:io/poll.poll` was given nothing to wait for");
        }
        let ready = self.which_are_ready(&asked)?;
        if !ready.is_empty() {
            return Ok(ready);
        }
        let mut first = None;
        for handle in &asked {
            first = match (first, self.kept(handle)?.deadline()) {
                (Some(first), Some(deadline)) => Some(deadline.min(first)),
                (first, deadline) => first.or(deadline),
            };
        }
        let Some(first) = first else {
            return misused("`wasi:io/poll` would wait for ever: the body of a request is not finished");
        };
        self.wasi.clock.wait_until(first);
        self.which_are_ready(&asked)
    }
}

impl Host {
    fn which_are_ready(&self, asked: &[Resource<Pollable>]) -> Result<Vec<u32>> {
        let now = self.wasi.clock.now();
        let mut ready = Vec::new();
        for (index, handle) in (0..).zip(asked) {
            if self.kept(handle)?.is_ready(now) {
                ready.push(index);
            }
        }
        Ok(ready)
    }
}
