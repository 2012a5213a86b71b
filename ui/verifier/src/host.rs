//! What a guest asks of its host: a log, and effects that are noted down, within the limits of its chain. What a core
//! module asks is in [`module`].
//!
//! Invariant: what is allowed, what traps and with which code is as in `crates/component` (`host.rs`, `effects.rs`). What
//! stopped a guest first is kept: one that goes on after it was stopped all the same.

use std::cell::RefCell;

use troupe_chain::{
    Asked, Code, Effect, EffectId, Failed, FailureCode, Hash, MAX_INTEGER, OnFailure, Spawn, Supervision,
    Text,
};

use crate::answer::{Answer, Refusal, text};
use crate::frame;
use crate::guest::Stopped;
use crate::module::{self, Running};

/// What a transition may use, and what it has asked for.
#[derive(Default)]
pub(crate) struct Host {
    /// The name of the component, which children have unless they name another.
    pub(crate) code: Option<Hash>,
    /// The position of the entry being made.
    pub(crate) seq: u64,
    /// Whether effects may be asked for now.
    pub(crate) may_ask: bool,
    /// Bytes of log that are left.
    pub(crate) log_left: u64,
    /// Bytes in effects that are left.
    pub(crate) send_left: u64,
    /// Effects that are left.
    pub(crate) sends_left: u64,
    /// The effects, in order.
    pub(crate) effects: Vec<Asked>,
    /// What stopped the guest first.
    pub(crate) stopped: Option<Stopped>,
    /// What a core module has beside.
    pub(crate) module: Running,
}

thread_local! {
    static HOST: RefCell<Host> = RefCell::default();
}

/// Sets up what the next transition has.
pub(crate) fn set(host: Host) {
    HOST.set(host);
}

/// Says whether effects may be asked for from now on.
pub(crate) fn may_ask(may_ask: bool) {
    HOST.with_borrow_mut(|host| host.may_ask = may_ask);
}

/// What stopped the guest in a call to its host, if something did.
pub(crate) fn stopped() -> Option<Stopped> {
    HOST.with_borrow(|host| host.stopped.clone())
}

/// What a core module has come to.
pub(crate) fn take_module() -> Running {
    HOST.with_borrow_mut(|host| std::mem::take(&mut host.module))
}

/// Lets a core module call a function of its host. Answers the number that it gets, or what stops it.
pub(crate) fn call(function: &[u8], args: &[&[u8]]) -> Answer {
    HOST.with_borrow_mut(|host| match module::call(host, function, args) {
        Ok(number) => Ok(vec![text(number)]),
        Err(stopped) => Ok(host.stop(stopped)),
    })
}

/// The effects that were asked for.
pub(crate) fn take_effects() -> Vec<Asked> {
    HOST.with_borrow_mut(|host| std::mem::take(&mut host.effects))
}

/// Takes a call of the guest. Answers the effect's seq and number; or `trap` with the code and the reason.
pub(crate) fn ask(function: &[u8], fields: &[&[u8]]) -> Answer {
    HOST.with_borrow_mut(|host| match host.ask(function, fields) {
        Ok(()) => Ok(vec![text(host.seq), text(host.effects.len().saturating_sub(1))]),
        Err(failed) => Ok(host.stop(Stopped::Failed(failed))),
    })
}

pub(crate) fn fail<T>(code: FailureCode, detail: impl Into<String>) -> Result<T, Failed> {
    Err(Failed { code, detail: detail.into() })
}

impl Host {
    /// Keeps what stops the guest, and says it to the page.
    fn stop(&mut self, stopped: Stopped) -> Vec<Vec<u8>> {
        let answer = match &stopped {
            Stopped::Failed(failed) => vec![text("trap"), text(failed.code), text(&failed.detail)],
            Stopped::Abort(abort) => vec![text("abort"), text(abort)],
        };
        self.stopped.get_or_insert(stopped);
        answer
    }

    fn ask(&mut self, function: &[u8], fields: &[&[u8]]) -> Result<(), Failed> {
        let asked = match (function, fields) {
            (b"log", [line]) => {
                let line = utf8(line)?;
                let left = self.log_left.checked_sub(line.len() as u64 + 1);
                self.log_left =
                    left.map_or_else(|| fail(FailureCode::TooLargeLog, "more log than the limit"), Ok)?;
                return Ok(());
            }
            (b"send", [to, message]) => {
                self.take(1, message.len())?;
                Asked::send(address(to)?, message.to_vec())
            }
            (b"request", [to, message, timeout]) => {
                self.take(1, message.len())?;
                let to = address(to)?;
                Asked::request(to, message.to_vec(), integer(timeout)?)
            }
            (b"set-timer", [after, message]) => {
                self.take(1, message.len())?;
                Asked::timer(integer(after)?, message.to_vec())
            }
            (b"set-cron", [cron, message]) => {
                self.take(1, message.len())?;
                Asked::cron(named(cron)?, message.to_vec())
            }
            (b"cancel", [seq, n]) => {
                self.take(1, 0)?;
                Asked::bare(Effect::Cancel(EffectId { seq: integer(seq)?, n: integer(n)? }))
            }
            (b"spawn", [component, config, name, grants, supervision]) => {
                self.spawn(component, config, name, grants, supervision)?
            }
            (b"stop", [child]) => {
                self.take(1, 0)?;
                Asked::bare(Effect::Stop { child: address(child)? })
            }
            (b"exit", [reason]) => {
                self.take(1, 0)?;
                Asked::bare(Effect::Exit { reason: named(reason)? })
            }
            _ => return fail(FailureCode::Abi, "no such function"),
        };
        self.effects.push(asked);
        Ok(())
    }

    /// Whether something may be asked for now.
    pub(crate) fn may_ask(&self) -> Result<(), Failed> {
        match self.may_ask {
            true => Ok(()),
            false => {
                fail(FailureCode::SendInContract, "only `init`, `handle` and `migrate` may ask for something")
            }
        }
    }

    /// Takes an effect that counts as `count` and carries so many bytes.
    pub(crate) fn take(&mut self, count: u64, bytes: usize) -> Result<(), Failed> {
        self.may_ask()?;
        let Some(sends) = self.sends_left.checked_sub(count) else {
            return fail(FailureCode::TooManySends, "more effects than the limit");
        };
        self.sends_left = sends;
        self.take_bytes(bytes)
    }

    /// Takes bytes that leave the guest.
    pub(crate) fn take_bytes(&mut self, bytes: usize) -> Result<(), Failed> {
        let Some(send) = self.send_left.checked_sub(bytes as u64) else {
            return fail(FailureCode::TooLargeSend, "more bytes in effects than the limit");
        };
        self.send_left = send;
        Ok(())
    }

    fn spawn(
        &mut self,
        component: &[u8],
        config: &[u8],
        name: &[u8],
        grants: &[u8],
        supervision: &[u8],
    ) -> Result<Asked, Failed> {
        // Lifted first, as all of it is one value.
        let component = option(component)?.map(utf8).transpose()?;
        let config = option(config)?.map(<[u8]>::to_vec);
        let name = option(name)?.map(utf8).transpose()?;
        let grants = list(grants)?.into_iter().map(utf8).collect::<Result<Vec<_>, _>>()?;
        self.take((grants.len() as u64).saturating_add(2), config.as_ref().map_or(0, Vec::len))?;
        let code = match component {
            None => self.code,
            Some(name) => name.parse().ok(),
        };
        let Some(code) = code else {
            return fail(FailureCode::Effect, "a component is named by 64 lower-case hex digits");
        };
        let mut grants = grants.iter().map(|grant| named(grant.as_bytes())).collect::<Result<Vec<_>, _>>()?;
        grants.sort();
        grants.dedup();
        let name = name.map(|name| named(name.as_bytes())).transpose()?;
        let supervision = supervised(&list(supervision)?)?;
        let spawn = Spawn { code: Code::Component(code), config: None, grants, name, supervision };
        Ok(Asked::spawn(spawn, config))
    }
}

/// No items, or all that a supervision has, in the order of the interface.
fn supervised(items: &[&[u8]]) -> Result<Supervision, Failed> {
    let [on_failure, failures, within, backoff, max_backoff, max_restarts] = items else {
        return Ok(Supervision::default());
    };
    let failures = integer(failures)?;
    if failures == 0 {
        return fail(FailureCode::Effect, "`failures` is at least 1");
    }
    let on_failure = OnFailure::parse(utf8(on_failure)?);
    Ok(Supervision {
        on_failure: on_failure.map_or_else(|| fail(FailureCode::Abi, "no such policy"), Ok)?,
        failures,
        within: integer(within)?,
        backoff: integer(backoff)?,
        max_backoff: integer(max_backoff)?,
        max_restarts: integer(max_restarts)?,
    })
}

fn list(bytes: &[u8]) -> Result<Vec<&[u8]>, Failed> {
    frame::unpack(bytes).or_else(|_| fail(FailureCode::Abi, "not a list"))
}

fn option(bytes: &[u8]) -> Result<Option<&[u8]>, Failed> {
    Ok(list(bytes)?.first().copied())
}

fn utf8(bytes: &[u8]) -> Result<&str, Failed> {
    std::str::from_utf8(bytes).or_else(|_| fail(FailureCode::Abi, "a string is not UTF-8"))
}

fn address(bytes: &[u8]) -> Result<Text, Failed> {
    let address = Text::new(utf8(bytes)?);
    address.or_else(|_| {
        fail(FailureCode::SendAddress, "an actor is named by 1 to 256 printable ASCII characters")
    })
}

fn named(bytes: &[u8]) -> Result<Text, Failed> {
    let text = Text::new(utf8(bytes)?);
    text.or_else(|_| fail(FailureCode::Effect, "a text is 1 to 256 printable ASCII characters"))
}

/// Decimal, as the page writes it.
fn integer(bytes: &[u8]) -> Result<u64, Failed> {
    let value = std::str::from_utf8(bytes).ok().and_then(|digits| digits.parse().ok());
    match value.filter(|value| *value <= MAX_INTEGER) {
        Some(value) => Ok(value),
        None => fail(FailureCode::Effect, "an integer is at most 2^53-1"),
    }
}

impl From<Failed> for Refusal {
    fn from(failed: Failed) -> Self {
        Self::unknown(failed.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Host {
        let code = Some(Hash::of(b"code"));
        Host { code, seq: 7, may_ask: true, log_left: 8, send_left: 8, sends_left: 3, ..Host::default() }
    }

    fn code(host: &mut Host, function: &str, fields: &[&[u8]]) -> Option<FailureCode> {
        host.ask(function.as_bytes(), fields).err().map(|failed| failed.code)
    }

    #[test]
    fn what_does_not_fit_traps_with_the_code_of_the_sandbox() {
        let mut fresh = host();
        assert_eq!(code(&mut fresh, "send", &[b"to", b"12345678"]), None);
        assert_eq!(code(&mut fresh, "send", &[b"to", b"1"]), Some(FailureCode::TooLargeSend));
        assert_eq!(code(&mut host(), "send", &["\u{e4}".as_bytes(), b""]), Some(FailureCode::SendAddress));
        assert_eq!(code(&mut host(), "send", &[&[0xff], b""]), Some(FailureCode::Abi));
        assert_eq!(code(&mut host(), "exit", &[b""]), Some(FailureCode::Effect));
        assert_eq!(code(&mut host(), "log", &[b"12345678"]), Some(FailureCode::TooLargeLog));
        assert_eq!(code(&mut host(), "set-timer", &[b"9007199254740992", b""]), Some(FailureCode::Effect));
        let mut in_contract = Host { may_ask: false, ..host() };
        assert_eq!(code(&mut in_contract, "stop", &[b"child"]), Some(FailureCode::SendInContract));
        assert_eq!(code(&mut in_contract, "log", &[b"line"]), None);
    }

    #[test]
    fn a_child_counts_for_its_grants_and_has_the_code_of_its_parent() {
        let mut host = host();
        let none = frame::pack::<&[u8]>(&[]);
        let grants = frame::pack(&["b", "a", "b"]);
        assert_eq!(
            code(&mut host, "spawn", &[&none, &none, &none, &grants, &none]),
            Some(FailureCode::TooManySends)
        );
        let mut host = Host { sends_left: 5, ..host };
        assert_eq!(code(&mut host, "spawn", &[&none, &none, &none, &grants, &none]), None);
        let Effect::Spawn(spawn) = &host.effects[0].effect else { panic!("{:?}", host.effects) };
        assert_eq!(spawn.code, Code::Component(Hash::of(b"code")));
        assert_eq!(spawn.grants.len(), 2);
    }
}
