//! Turns what an engine says of a call that did not return into the chain's closed list of reasons.

use troupe_chain::{Abort, Failed, FailureCode, Level, LogLine};
use wasmtime::{PoolConcurrencyLimitError, Trap, WasmBacktrace};

use crate::host::{Denied, Host, Phase, Refused};
use crate::run::bounded;

/// How many functions are named that a call was in as it trapped.
const NAMED: usize = 5;

/// Why a call did not return.
pub(crate) enum Stopped {
    /// The guest failed: the same call always fails so.
    Failed(Failed),
    /// No outcome.
    Abort(Abort),
}

/// Classifies the error of a call. `deadline_ms` is what an interrupt says.
pub(crate) fn classify(error: &wasmtime::Error, host: &Host, deadline_ms: u64) -> Stopped {
    if let Some(abort) = &host.aborted {
        return Stopped::Abort(abort.clone());
    }
    if let Some(reason) = &host.exhausted {
        return Stopped::Abort(Abort::Host(format!("memory could not grow: {reason}")));
    }
    if let Some(error) = error.downcast_ref::<PoolConcurrencyLimitError>() {
        return Stopped::Abort(Abort::Busy(error.to_string()));
    }
    let trap = error.downcast_ref::<Trap>().copied();
    if trap == Some(Trap::Interrupt) {
        return Stopped::Abort(Abort::OutOfTime(deadline_ms));
    }
    let refused = error.downcast_ref::<Refused>().copied();
    if host.phase == Phase::Instantiate && trap.is_none() && refused.is_none() && host.denied.is_none() {
        // No value crosses here that the guest could have got wrong: the host has no room for the instance.
        return Stopped::Abort(Abort::Host(format!("{error:#}")));
    }
    let code = match refused {
        Some(refused) => refused_code(refused),
        None => trap_code(trap),
    };
    let code = match host.denied {
        Some(Denied::Memory) if code > FailureCode::Memory => FailureCode::Memory,
        Some(Denied::Table) if code > FailureCode::Table => FailureCode::Table,
        _ => code,
    };
    let phase = host.phase.name();
    let detail = match refused {
        Some(refused) => format!("in {phase}: {refused}"),
        None => format!("in {phase}: {}{}{}", last_words(code, host), error.root_cause(), functions(error)),
    };
    Stopped::Failed(Failed { code, detail })
}

/// What a guest that gave itself up wrote to its log last, if that was an error: why, as a rule.
fn last_words(code: FailureCode, host: &Host) -> String {
    match host.log.last() {
        Some(LogLine { level: Level::Error, line }) if code == FailureCode::Unreachable => {
            format!("{}; ", bounded(line.clone()))
        }
        _ => String::new(),
    }
}

/// The functions that the call was in, the innermost first, as far as the component names them.
fn functions(error: &wasmtime::Error) -> String {
    let frames = error.downcast_ref::<WasmBacktrace>().map_or(&[][..], WasmBacktrace::frames);
    let names: Vec<_> = frames.iter().filter_map(|frame| frame.func_name()).take(NAMED).collect();
    if names.is_empty() { String::new() } else { format!("; in {}", names.join(", of ")) }
}

fn refused_code(refused: Refused) -> FailureCode {
    match refused {
        Refused::Outside(..) => FailureCode::SendInContract,
        Refused::Address(_) => FailureCode::SendAddress,
        Refused::Effect(..) => FailureCode::Effect,
        Refused::Log => FailureCode::TooLargeLog,
        Refused::Send => FailureCode::TooLargeSend,
        Refused::Sends => FailureCode::TooManySends,
        Refused::Calls => FailureCode::TooManyCalls,
        Refused::Answer => FailureCode::TooLargeAnswer,
        Refused::Memory => FailureCode::Memory,
        Refused::Exit(_) | Refused::Misused(_) => FailureCode::Trap,
    }
}

/// An error without a trap comes from the canonical ABI: a value that it does not allow.
fn trap_code(trap: Option<Trap>) -> FailureCode {
    match trap {
        None => FailureCode::Abi,
        Some(Trap::OutOfFuel) => FailureCode::Fuel,
        Some(Trap::StackOverflow) => FailureCode::Stack,
        Some(Trap::UnreachableCodeReached) => FailureCode::Unreachable,
        Some(Trap::MemoryOutOfBounds) => FailureCode::MemoryBounds,
        Some(Trap::TableOutOfBounds) => FailureCode::TableBounds,
        Some(Trap::IndirectCallToNull | Trap::BadSignature) => FailureCode::IndirectCall,
        Some(Trap::IntegerOverflow | Trap::BadConversionToInteger) => FailureCode::IntegerOverflow,
        Some(Trap::IntegerDivisionByZero) => FailureCode::DivideByZero,
        Some(
            Trap::InvalidChar
            | Trap::StringOutOfBounds
            | Trap::ListOutOfBounds
            | Trap::InvalidDiscriminant
            | Trap::UnalignedPointer
            | Trap::CannotLeaveComponent,
        ) => FailureCode::Abi,
        Some(_) => FailureCode::Trap,
    }
}
