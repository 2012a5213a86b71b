//! What guests read of the commons through their host calls: one committed state for each call.

use troupe_commons::jobs::{self, Phase};
use troupe_commons::mana::{self, Owner};
use troupe_commons::{Id, members, reputation};
use troupe_component::abi::{HostError, HostFunction, ReadAnswer, ReadRequest};
use troupe_runtime::Views;

use super::{Committed, NAME};
use crate::outside::ReadCommons;

/// The most jobs in an answer.
const MAX_JOBS: usize = 100;

/// Answers from what the commons of a node has committed.
pub(crate) fn answers(views: Views) -> Box<ReadCommons> {
    Box::new(move |function: &HostFunction, request: ReadRequest| {
        // Another actor of that name is no commons, and has none of its state.
        match views.of(NAME).ok().and_then(Committed::of) {
            Some(committed) => answer(&committed, function, request),
            None => ReadAnswer::Refused(HostError::NotAvailable),
        }
    })
}

fn answer(committed: &Committed, function: &HostFunction, request: ReadRequest) -> ReadAnswer {
    let (state, at) = (&committed.state, committed.view.tip.at.0);
    let of_member = |read: &dyn Fn(Id) -> u64| match request.of.map(Id) {
        Some(id) if members::member(state, id).is_some() => ReadAnswer::Value(read(id)),
        _ => ReadAnswer::Refused(HostError::NotFound),
    };
    match function.name {
        "host_account_get_mana" => of_member(&|id| mana::account(state, Owner::Member(id), at).balance),
        "host_get_reputation" => of_member(&|id| reputation::score(state, id, at)),
        "host_get_pending_mesh_jobs" => {
            let open =
                jobs::jobs(state).into_iter().filter(|(_, job)| matches!(job.phase, Phase::Open { .. }));
            let ids: Vec<String> = open.map(|(id, _)| id).take(MAX_JOBS).collect();
            ReadAnswer::Bytes(serde_json::to_vec(&ids).unwrap_or_default())
        }
        _ => ReadAnswer::Refused(HostError::NotAvailable),
    }
}
