//! `wasi:clocks`: both clocks begin at the entry's time, and nothing but a wait moves them.

use troupe_chain::Timestamp;
use wasmtime::Result;
use wasmtime::component::Resource;

use super::poll::Pollable;
use super::wasi::clocks::{monotonic_clock, wall_clock};
use crate::host::Host;

const NANOS_A_MILLI: u64 = 1_000_000;
const NANOS_A_SECOND: u64 = 1_000_000_000;

/// The time within one message, in nanoseconds since 1970.
pub(crate) struct Clock(u64);

impl Clock {
    pub(super) fn new(at: Timestamp) -> Self {
        Self(at.0.saturating_mul(NANOS_A_MILLI))
    }

    pub(super) fn now(&self) -> u64 {
        self.0
    }

    /// What a wait until `instant` does. A clock never goes back.
    pub(super) fn wait_until(&mut self, instant: u64) {
        self.0 = self.0.max(instant);
    }
}

impl monotonic_clock::Host for Host {
    fn now(&mut self) -> Result<u64> {
        Ok(self.wasi.clock.now())
    }

    fn resolution(&mut self) -> Result<u64> {
        Ok(NANOS_A_MILLI)
    }

    fn subscribe_instant(&mut self, when: u64) -> Result<Resource<Pollable>> {
        self.keep(Pollable::At(when))
    }

    fn subscribe_duration(&mut self, when: u64) -> Result<Resource<Pollable>> {
        self.keep(Pollable::At(self.wasi.clock.now().saturating_add(when)))
    }
}

impl wall_clock::Host for Host {
    fn now(&mut self) -> Result<wall_clock::Datetime> {
        Ok(datetime(self.wasi.clock.now()))
    }

    fn resolution(&mut self) -> Result<wall_clock::Datetime> {
        Ok(datetime(NANOS_A_MILLI))
    }
}

fn datetime(nanos: u64) -> wall_clock::Datetime {
    // Less than a second, so it fits.
    let nanoseconds = u32::try_from(nanos % NANOS_A_SECOND).unwrap_or(0);
    wall_clock::Datetime { seconds: nanos / NANOS_A_SECOND, nanoseconds }
}
