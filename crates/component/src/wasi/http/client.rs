//! `wasi:http/outgoing-handler`: through the same recorded client as `troupe:actor/http`, with the same grants and limits.

use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};

use super::body::End;
use super::fields::CONTENT_LENGTH;
use super::outgoing::{OutgoingRequest, RequestOptions};
use super::{Body, Fields, IncomingResponse, name_of};
use crate::fetch;
use crate::host::Host;
use crate::outside::{BadRequest, Request};
use crate::wasi::Kept;
use crate::wasi::poll::Pollable;
use crate::wasi::wasi::http::outgoing_handler;
use crate::wasi::wasi::http::types::{self, ErrorCode, Scheme};

/// An answer that is asked for once somebody looks for it.
pub struct FutureResponse {
    /// Until it is asked for.
    request: Option<Request>,
    /// What the request says that its body's length is.
    length: Option<Vec<u8>>,
    body: Body,
}

impl Kept for FutureResponse {}

impl outgoing_handler::Host for Host {
    fn handle(
        &mut self,
        request: Resource<OutgoingRequest>,
        options: Option<Resource<RequestOptions>>,
    ) -> Result<Result<Resource<FutureResponse>, ErrorCode>> {
        self.may_ask("wasi:http/outgoing-handler.handle")?;
        let request = self.take_back(request)?;
        if let Some(options) = options {
            self.forget(options)?;
        }
        let body = request.body.clone().unwrap_or_else(|| {
            let none = Body::default();
            none.close(End::Finished);
            none
        });
        let (headers, length) = split_length(request.headers.clone());
        Ok(match self.granted(request, headers) {
            Ok(request) => Ok(self.keep(FutureResponse { request: Some(request), length, body })?),
            Err(error) => Err(error),
        })
    }
}

impl Host {
    /// The request as it is recorded, but for its body, if it can be made and is granted.
    fn granted(&self, request: OutgoingRequest, headers: Entries) -> Result<Request, ErrorCode> {
        let scheme = if matches!(request.scheme, Some(Scheme::Http)) { "http" } else { "https" };
        let authority = request.authority.ok_or(ErrorCode::HttpRequestUriInvalid)?;
        let path = request.path.unwrap_or_else(|| "/".to_owned());
        let slash = if path.starts_with('/') { "" } else { "/" };
        let text = |(name, value)| String::from_utf8(value).ok().map(|value| (name, value));
        let headers: Option<Vec<_>> = headers.into_iter().map(text).collect();
        let request = Request {
            method: name_of(&request.method).to_owned(),
            url: format!("{scheme}://{authority}{slash}{path}"),
            headers: headers.ok_or(ErrorCode::HttpProtocolError)?,
            body: None,
        };
        fetch::check(self, &request).map_err(|refused| match refused {
            fetch::Refusal::Bad(BadRequest::Method(_)) => ErrorCode::HttpRequestMethodInvalid,
            fetch::Refusal::Bad(BadRequest::Url { .. }) => ErrorCode::HttpRequestUriInvalid,
            fetch::Refusal::Bad(BadRequest::Header(_)) => ErrorCode::HttpProtocolError,
            fetch::Refusal::Nothing | fetch::Refusal::Denied(_) => ErrorCode::HttpRequestDenied,
        })?;
        Ok(request)
    }

    /// Asks for an answer, unless that was done or the request's body is not finished.
    fn answer(&mut self, this: &Resource<FutureResponse>) -> Result<Answer> {
        let future = self.kept_mut(this)?;
        let end = future.body.end();
        if end == End::Open {
            return Ok(None);
        }
        let (Some(mut request), length, body) =
            (future.request.take(), future.length.take(), future.body.clone())
        else {
            return Ok(Some(Err(())));
        };
        if end == End::Dropped {
            return Ok(Some(Ok(Err(ErrorCode::HttpProtocolError))));
        }
        let len = body.len();
        if length.is_some_and(|length| length != len.to_string().as_bytes()) {
            return Ok(Some(Ok(Err(ErrorCode::HttpRequestBodySize(Some(len))))));
        }
        request.body = (len > 0).then(|| body.take());
        self.may_ask("wasi:http/types.future-incoming-response.get")?;
        Ok(Some(Ok(match fetch::ask(self, request)? {
            Ok(response) => Ok(self.keep(IncomingResponse::from(response))?),
            Err(error) => Err(ErrorCode::InternalError(Some(error))),
        })))
    }
}

type Entries = Vec<(String, Vec<u8>)>;

/// None yet; then, once, the answer or why there is none.
type Answer = Option<Result<Result<Resource<IncomingResponse>, ErrorCode>, ()>>;

/// Headers without the length of the body, which the client says by itself, and the length.
fn split_length(headers: Fields) -> (Entries, Option<Vec<u8>>) {
    let (lengths, headers): (Entries, Entries) =
        headers.into_entries().into_iter().partition(|(name, _)| name.eq_ignore_ascii_case(CONTENT_LENGTH));
    (headers, lengths.into_iter().next().map(|(_, value)| value))
}

/// Links the one function that may wait for the web in place of the generated one, so that this is not the guest's time.
pub(in crate::wasi) fn link(linker: &mut Linker<Host>) -> Result<()> {
    linker.allow_shadowing(true);
    linker.instance("wasi:http/types@0.2.12")?.func_wrap(
        "[method]future-incoming-response.get",
        |mut store: StoreContextMut<'_, Host>, (this,): (Resource<FutureResponse>,)| {
            let answer = store.data_mut().answer(&this);
            let ticks = store.data().deadline;
            store.set_epoch_deadline(ticks);
            Ok((answer?,))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

impl types::HostFutureIncomingResponse for Host {
    fn subscribe(&mut self, this: Resource<FutureResponse>) -> Result<Resource<Pollable>> {
        let body = self.kept(&this)?.body.clone();
        self.keep(Pollable::Sent(body))
    }

    fn get(&mut self, this: Resource<FutureResponse>) -> Result<Answer> {
        self.answer(&this)
    }

    fn drop(&mut self, this: Resource<FutureResponse>) -> Result<()> {
        self.forget(this)
    }
}
