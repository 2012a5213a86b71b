//! A runtime for tests: it checks what it is asked for as the real one does, and notes it down.

use std::cell::RefCell;

use crate::testing::Effect;
use crate::{Child, EffectId, Level};

/// The longest text that the runtime takes.
const MAX_TEXT: usize = 256;
/// The largest integer that a chain can hold, 2^53-1.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// What answers requests to the web in a test.
#[cfg(feature = "web")]
pub(crate) type Web = Box<dyn FnMut(&crate::web::Request) -> Result<crate::web::Response, crate::Reason>>;

/// What was asked for, in order.
pub(crate) struct Host {
    seq: u64,
    pub(crate) effects: Vec<Effect>,
    #[cfg(feature = "web")]
    pub(crate) web: Option<Web>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("effects", &self.effects).finish_non_exhaustive()
    }
}

impl Host {
    pub(crate) fn new(seq: u64) -> Self {
        Self {
            seq,
            effects: Vec::new(),
            #[cfg(feature = "web")]
            web: None,
        }
    }

    pub(crate) fn send(&mut self, to: &str, message: &[u8]) {
        let to = text("send", to);
        self.note(Effect::Send { to, message: utf8(message) });
    }

    pub(crate) fn request(&mut self, to: &str, message: &[u8], timeout: u64) -> EffectId {
        let (to, timeout) = (text("request", to), integer("request", timeout));
        self.note(Effect::Request { to, message: utf8(message), timeout })
    }

    pub(crate) fn set_timer(&mut self, after: u64, message: &[u8]) -> EffectId {
        let after = integer("set_timer", after);
        self.note(Effect::Timer { after, message: utf8(message) })
    }

    pub(crate) fn set_cron(&mut self, cron: &str, message: &[u8]) -> EffectId {
        let cron = text("set_cron", cron);
        self.note(Effect::Cron { cron, message: utf8(message) })
    }

    pub(crate) fn cancel(&mut self, timer: EffectId) {
        self.note(Effect::Cancel(timer));
    }

    pub(crate) fn spawn(&mut self, child: Child) -> EffectId {
        if let Some(name) = &child.name {
            text("spawn", name);
        }
        for grant in &child.grants {
            text("spawn", grant);
        }
        if let Some(supervision) = &child.supervision {
            assert!(supervision.failures > 0, "`spawn`: `failures` is at least 1");
        }
        self.note(Effect::Spawn(child))
    }

    pub(crate) fn stop(&mut self, child: &str) {
        let child = text("stop", child);
        self.note(Effect::Stop { child });
    }

    pub(crate) fn exit(&mut self, reason: &str) {
        let reason = text("exit", reason);
        self.note(Effect::Exit { reason });
    }

    #[cfg(feature = "web")]
    pub(crate) fn fetch(
        &mut self,
        request: crate::web::Request,
    ) -> Result<crate::web::Response, crate::Reason> {
        match &mut self.web {
            Some(answer) => answer(&request),
            None => Err("this test has no web: `Harness::web` gives it one".into()),
        }
    }

    fn note(&mut self, effect: Effect) -> EffectId {
        let n = u32::try_from(self.effects.len()).unwrap_or(u32::MAX);
        self.effects.push(effect);
        EffectId { seq: self.seq, n }
    }
}

/// What the runtime would trap on.
fn text(function: &str, text: &str) -> String {
    let fits = (1..=MAX_TEXT).contains(&text.len()) && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    assert!(fits, "`{function}`: {text:?} is not 1 to {MAX_TEXT} printable ASCII characters");
    text.into()
}

fn integer(function: &str, integer: u64) -> u64 {
    assert!(integer <= MAX_INTEGER, "`{function}`: {integer} milliseconds are more than 2^53-1");
    integer
}

fn utf8(json: &[u8]) -> String {
    String::from_utf8_lossy(json).into_owned()
}

thread_local! {
    static LOG: RefCell<Vec<(Level, String)>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn log(level: Level, line: &str) {
    LOG.with_borrow_mut(|log| log.push((level, line.to_owned())));
}

/// The lines since the last call.
pub(crate) fn take_log() -> Vec<(Level, String)> {
    LOG.take()
}
