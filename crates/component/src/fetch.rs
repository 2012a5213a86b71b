//! `troupe:actor/http`: asks the outside, if the address is granted, and keeps what it answered.
//!
//! Invariant: what is refused here is refused by code, grants and request alone, so nothing of it has to be recorded.

use troupe_chain::{Abort, Answered, Text};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower};

use crate::Denied;
use crate::host::Host;
use crate::outside::{BadRequest, FETCH, Request, Response};

/// What may go wrong with a call without an answer. The host's data says what it was.
#[derive(Debug, thiserror::Error)]
#[error("the outside did not answer")]
struct Unanswered;

/// Links `fetch`.
pub(crate) fn link(linker: &mut Linker<Host>, interface: &str) -> wasmtime::Result<()> {
    linker.instance(interface)?.func_wrap("fetch", |mut store: StoreContextMut<'_, Host>, (request,)| {
        let request: WitRequest = request;
        let host = store.data_mut();
        host.may_ask("fetch")?;
        let request = request.into();
        let answer = match check(host, &request) {
            Err(refused) => Err(refused.to_string()),
            Ok(()) => {
                let answer = ask(host, request);
                let ticks = store.data().deadline;
                store.set_epoch_deadline(ticks);
                answer?
            }
        };
        Ok((answer.map(WitResponse::from),))
    })
}

/// Why a request is not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    /// It cannot be.
    #[error(transparent)]
    Bad(#[from] BadRequest),
    /// No host is granted.
    #[error("nothing of the web is granted")]
    Nothing,
    /// Its host is not granted.
    #[error(transparent)]
    Denied(#[from] Denied),
}

/// Whether a request can be made and is granted.
pub(crate) fn check(host: &Host, request: &Request) -> Result<(), Refusal> {
    let url = request.check()?;
    if !host.grants.has_http() {
        return Err(Refusal::Nothing);
    }
    host.grants.allows(&url)?;
    Ok(())
}

/// Asks the outside and records what it answered.
pub(crate) fn ask(host: &mut Host, request: Request) -> wasmtime::Result<Result<Response, String>> {
    let input = request.encode();
    host.take_call(input.len())?;
    let output = match call(host, input) {
        Ok(output) => output,
        Err(abort) => {
            host.aborted = Some(abort);
            return Err(Unanswered.into());
        }
    };
    let answer = Response::decode(&output.output);
    let len = output.output.len();
    host.calls.push(output);
    host.take_answer(len)?;
    answer.map_err(|error| {
        host.aborted = Some(Abort::Host(format!("the answer of `{FETCH}` cannot be read: {error}")));
        Unanswered.into()
    })
}

fn call(host: &Host, input: Vec<u8>) -> Result<Answered, Abort> {
    let function = Text::new(FETCH).map_err(|error| Abort::Host(error.to_string()))?;
    let Some(line) = &host.line else { return Err(Abort::Host("nothing outside is there to ask".into())) };
    let output = line.call(function.clone(), input.clone())?;
    Ok(Answered { function, input, output })
}

/// `troupe:actor/http.request`.
#[derive(ComponentType, Lift)]
#[component(record)]
struct WitRequest {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// `troupe:actor/http.response`.
#[derive(ComponentType, Lower)]
#[component(record)]
struct WitResponse {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl From<WitRequest> for Request {
    fn from(WitRequest { method, url, headers, body }: WitRequest) -> Self {
        Self { method, url, headers, body }
    }
}

impl From<Response> for WitResponse {
    fn from(Response { status, headers, body }: Response) -> Self {
        Self { status, headers, body }
    }
}
