//! A core module's calls to its host, as [`troupe_abi`] makes them: its memory is the page's to read and write.

use std::ops::Range;

use troupe_abi::{CommonsGrants, HostFunction, Job};
use troupe_chain::{Asked, FailureCode, Hash, Text};

use crate::guest::{Stopped, host_failed, memory_read, memory_size, memory_write};
use crate::host::{Host, fail};

/// Lets the guest call a function, with the numbers that it takes as decimal text; what it gets is a number.
pub(crate) fn call(host: &mut Host, function: &[u8], args: &[&[u8]]) -> Result<i64, Stopped> {
    let unknown = || host_failed("the page called a function of the host that is not there".to_owned());
    let function = std::str::from_utf8(function).ok().and_then(HostFunction::named).ok_or_else(unknown)?;
    let numbers = args.iter().map(|arg| std::str::from_utf8(arg).ok()?.parse().ok());
    let numbers = numbers.collect::<Option<Vec<i64>>>().ok_or_else(unknown)?;
    troupe_abi::call(&mut Calling { host }, function, &mut numbers.into_iter())
}

/// The guest that calls.
struct Calling<'a> {
    host: &'a mut Host,
}

impl troupe_abi::Caller for Calling<'_> {
    type Host = Host;

    fn host(&mut self) -> &mut Host {
        self.host
    }

    fn job(&mut self) -> &mut Job {
        &mut self.host.module.job
    }

    /// Calls alone cost this much, so that a guest that has too little for them has too little for all it did.
    fn charge(&mut self, fuel: u64) -> Result<(), Stopped> {
        let left = self.host.module.fuel_left.checked_sub(fuel);
        self.host.module.fuel_left = left
            .map_or_else(|| fail(FailureCode::Fuel, "more calls than fuel"), Ok)
            .map_err(Stopped::Failed)?;
        Ok(())
    }

    fn memory_size(&mut self) -> usize {
        memory_size()
    }

    fn read<T>(&mut self, range: Range<usize>, take: impl FnOnce(&mut Job, &[u8]) -> T) -> T {
        take(&mut self.host.module.job, &memory_read(range))
    }

    fn write(&mut self, at: usize, give: impl FnOnce(&Job) -> &[u8]) {
        memory_write(at, give(&self.host.module.job));
    }
}

impl troupe_abi::Host for Host {
    type Stop = Stopped;

    fn granted(&self) -> &CommonsGrants {
        &self.module.grants
    }

    fn may_ask(&self, _: &'static str) -> Result<(), Stopped> {
        self.may_ask().map_err(Stopped::Failed)
    }

    fn note(&mut self, _: &'static str, asked: Asked) -> Option<u64> {
        self.take(1, asked.payload.as_ref().map_or(0, Vec::len)).ok()?;
        self.effects.push(asked);
        Some(self.effects.len() as u64 - 1)
    }

    fn take_call(&mut self, bytes: usize) -> bool {
        let Some(left) = self.module.calls_left.checked_sub(1) else { return false };
        self.module.calls_left = left;
        self.take_bytes(bytes).is_ok()
    }

    /// Answers from the entry. A call that it does not have next stops the guest; which one that is, the replay says.
    fn ask(&mut self, function: Text, input: Vec<u8>) -> Result<Vec<u8>, Stopped> {
        let name = Hash::of(&input);
        let next = self.module.answers.pop();
        let next = next.filter(|(call, _)| call.function == function && call.input == name);
        let answer = next.map(|(_, answer)| answer);
        self.module.asked.push((function, input, answer.clone()));
        let answer = answer.ok_or_else(|| host_failed("the entry has no such answer".to_owned()))?;
        let left = self.module.answer_left.checked_sub(answer.len() as u64);
        self.module.answer_left = left
            .map_or_else(|| fail(FailureCode::TooLargeAnswer, "more bytes of answers than the limit"), Ok)
            .map_err(Stopped::Failed)?;
        Ok(answer)
    }

    fn abort(&mut self, why: String) -> Stopped {
        host_failed(why)
    }
}
