//! The host ABI in this engine. [`troupe_abi`] has the table and says what each call does; here is what an instance has of
//! it: components import it as an interface (`component`), core modules from `icn` (`module`).

pub(crate) mod component;
pub(crate) mod meters;

use troupe_chain::{Abort, Answered, Asked, Text};

pub use meters::Meters;
pub use troupe_abi::{
    Act, BYTES_A_FUEL, COMMONS, Capability, Carried, Does, FUNCTIONS, HostError, HostFunction, INTERFACE,
    MAX_DOCUMENT, MAX_ID, MODULE, Number, Param, ReadAnswer, ReadRequest, c_header, markdown, wit,
};

use crate::CommonsGrants;
use crate::host::Host;

/// A call that the outside did not answer. The host's data says why.
#[derive(Debug, thiserror::Error)]
#[error("the outside did not answer")]
struct Unanswered;

impl troupe_abi::Host for Host {
    type Stop = wasmtime::Error;

    fn granted(&self) -> &CommonsGrants {
        self.grants.commons()
    }

    fn called(&self, function: &'static HostFunction) {
        self.meters.called(function);
    }

    fn may_ask(&self, function: &'static str) -> wasmtime::Result<()> {
        Ok(self.may_ask(function)?)
    }

    fn note(&mut self, function: &'static str, asked: Asked) -> Option<u64> {
        let len = asked.payload.as_ref().map_or(0, Vec::len);
        self.take_effect(function, 1, len).ok()?;
        self.effects.push(asked);
        Some(self.effects.len() as u64 - 1)
    }

    fn take_call(&mut self, bytes: usize) -> bool {
        self.take_call(bytes).is_ok()
    }

    fn ask(&mut self, function: Text, input: Vec<u8>) -> wasmtime::Result<Vec<u8>> {
        let answer = match &self.line {
            Some(line) => line.call(function.clone(), input.clone()),
            None => Err(Abort::Host("nothing outside is there to ask".into())),
        };
        let output = answer.map_err(|abort| {
            self.aborted = Some(abort);
            wasmtime::Error::from(Unanswered)
        })?;
        let answer = output.clone();
        self.calls.push(Answered { function, input, output });
        self.take_answer(answer.len())?;
        Ok(answer)
    }

    fn abort(&mut self, why: String) -> wasmtime::Error {
        self.aborted = Some(Abort::Host(why));
        Unanswered.into()
    }
}

/// Takes fuel from a guest; one that has too little ends as any that runs out.
pub(crate) fn pay(fuel: wasmtime::Result<u64>, cost: u64) -> wasmtime::Result<u64> {
    fuel?.checked_sub(cost).ok_or_else(|| wasmtime::Trap::OutOfFuel.into())
}
