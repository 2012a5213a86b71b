//! Sandboxes that tests share, and outcomes as text.

use std::sync::LazyLock;
use std::time::Duration;

use troupe_chain::{
    Abort, Answered, Asked, Context, Hash, Machine, Nowhere, Outcome, Outside, Sender, Step, Text, Timestamp,
};
use troupe_component::{Allocation, Limits, LoadError, Sandbox, SandboxConfig, WasmComponent};

/// The sandbox of tests that need no other.
pub(crate) static SANDBOX: LazyLock<Sandbox> =
    LazyLock::new(|| sandbox(Allocation::Pooling { instances: 16 }, None));

pub(crate) fn sandbox(allocation: Allocation, deadline: Option<Duration>) -> Sandbox {
    Sandbox::new(SandboxConfig { allocation, deadline, ..SandboxConfig::default() })
}

/// Limits with which everything that has no end ends soon.
pub(crate) fn small() -> Limits {
    Limits { fuel: 20_000_000, memory: 4 << 20, ..Limits::default() }
}

pub(crate) fn load(bytes: &[u8]) -> WasmComponent {
    SANDBOX.load(bytes, &small()).unwrap()
}

/// Loads with one limit changed.
pub(crate) fn load_with(bytes: &[u8], limit: &str, value: u64) -> Result<WasmComponent, LoadError> {
    let mut limits = small();
    limits.set(limit, value).unwrap();
    SANDBOX.load(bytes, &limits)
}

pub(crate) fn context() -> Context {
    Context {
        chain: Hash::from_bytes([0; 32]),
        from: Sender::Http { key: None },
        at: Timestamp(1000),
        seq: 2,
        seed: None,
    }
}

pub(crate) fn apply(component: &WasmComponent, message: &[u8], state: &[u8]) -> Step {
    component.apply(&context(), &mut Nowhere, message, state).unwrap()
}

pub(crate) fn init(component: &WasmComponent, config: Option<&[u8]>) -> Step {
    Machine::init(component, &context(), &mut Nowhere, config).unwrap()
}

/// An outcome in a word: "ok STATE", "rejected REASON", "failed CODE".
pub(crate) fn told(step: &Step) -> String {
    match &step.outcome {
        Outcome::Accepted(accepted) => format!("ok {}", String::from_utf8_lossy(&accepted.state)),
        Outcome::Rejected(rejection) => format!("rejected {}", rejection.reason),
        Outcome::Failed(failed) => format!("failed {}", failed.code),
    }
}

/// Applies `m` to the state `s`.
pub(crate) fn apply_told(component: &WasmComponent) -> String {
    told(&apply(component, b"m", b"s"))
}

/// The effects of an accepted step.
pub(crate) fn effects(step: &Step) -> Vec<Asked> {
    match &step.outcome {
        Outcome::Accepted(accepted) => accepted.effects.clone(),
        _ => Vec::new(),
    }
}

pub(crate) fn text(text: &str) -> Text {
    Text::new(text).unwrap()
}

/// The whole of a step, for comparing.
pub(crate) fn whole(step: &Result<Step, Abort>) -> String {
    format!("{step:?}")
}

/// Answers what was recorded, in order.
pub(crate) struct Record(std::vec::IntoIter<Answered>);

impl Record {
    pub(crate) fn of(calls: Vec<Answered>) -> Self {
        Self(calls.into_iter())
    }
}

impl Outside for Record {
    fn call(&mut self, function: &Text, input: &[u8]) -> Result<Vec<u8>, Abort> {
        let call = self.0.next().unwrap();
        assert_eq!((&call.function, &call.input[..]), (function, input));
        Ok(call.output)
    }
}
