//! The runtime as the bindings give it.

use crate::bindings::troupe::actor::{runtime, types};
use crate::effects::milliseconds;
use crate::{Child, EffectId, Level, OnFailure, Supervision};

/// The imports of a component; there is nothing to keep.
#[derive(Debug)]
pub(crate) struct Host;

impl Host {
    pub(crate) fn new(_seq: u64) -> Self {
        Self
    }

    pub(crate) fn send(&mut self, to: &str, message: &[u8]) {
        runtime::send(to, message);
    }

    pub(crate) fn request(&mut self, to: &str, message: &[u8], timeout: u64) -> EffectId {
        runtime::request(to, message, timeout).into()
    }

    pub(crate) fn set_timer(&mut self, after: u64, message: &[u8]) -> EffectId {
        runtime::set_timer(after, message).into()
    }

    pub(crate) fn set_cron(&mut self, cron: &str, message: &[u8]) -> EffectId {
        runtime::set_cron(cron, message).into()
    }

    pub(crate) fn cancel(&mut self, timer: EffectId) {
        runtime::cancel(types::EffectId { seq: timer.seq, n: timer.n });
    }

    pub(crate) fn spawn(&mut self, child: Child) -> EffectId {
        let Child { component, config, name, grants, supervision } = child;
        let supervision = supervision.map(Into::into);
        runtime::spawn(&runtime::Child { component, config, name, grants, supervision }).into()
    }

    pub(crate) fn stop(&mut self, child: &str) {
        runtime::stop(child);
    }

    pub(crate) fn exit(&mut self, reason: &str) {
        runtime::exit(reason);
    }

    #[cfg(feature = "web")]
    pub(crate) fn fetch(
        &mut self,
        request: crate::web::Request,
    ) -> Result<crate::web::Response, crate::Reason> {
        use crate::bindings::troupe::actor::http;
        let crate::web::Request { method, url, headers, body } = request;
        let http::Response { status, headers, body } =
            http::fetch(&http::Request { method, url, headers, body })?;
        Ok(crate::web::Response { status, headers, body })
    }
}

pub(crate) fn log(level: Level, line: &str) {
    let level = match level {
        Level::Debug => runtime::Level::Debug,
        Level::Info => runtime::Level::Info,
        Level::Warn => runtime::Level::Warn,
        Level::Error => runtime::Level::Error,
    };
    runtime::log(level, line);
}

impl From<types::EffectId> for EffectId {
    fn from(id: types::EffectId) -> Self {
        Self { seq: id.seq, n: id.n }
    }
}

impl From<Supervision> for runtime::Supervision {
    fn from(supervision: Supervision) -> Self {
        let Supervision { on_failure, failures, within, backoff, max_backoff, max_restarts } = supervision;
        Self {
            on_failure: match on_failure {
                OnFailure::GoOn => runtime::OnFailure::GoOn,
                OnFailure::Pause => runtime::OnFailure::Pause,
                OnFailure::Restart => runtime::OnFailure::Restart,
                OnFailure::Restore => runtime::OnFailure::Restore,
                OnFailure::Stop => runtime::OnFailure::Stop,
                OnFailure::Escalate => runtime::OnFailure::Escalate,
            },
            failures,
            within: milliseconds(within),
            backoff: milliseconds(backoff),
            max_backoff: milliseconds(max_backoff),
            max_restarts,
        }
    }
}
