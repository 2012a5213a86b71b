//! `wasi:http`: requests that go out through the recorded client, and requests that come in as messages.
//!
//! Bodies are whole in memory. A request goes out when its answer is first looked for, since only then is its body known;
//! until the body is finished there is nothing to look for.

mod body;
mod client;
mod fields;
mod incoming;
mod outgoing;

use wasmtime::Result;
use wasmtime::component::Resource;

pub use body::Body;
pub use client::FutureResponse;
pub(super) use client::link;
pub use fields::Fields;
pub use incoming::{FutureTrailers, IncomingBody, IncomingRequest, IncomingResponse};
pub use outgoing::{OutgoingBody, OutgoingRequest, OutgoingResponse, RequestOptions};

use super::Kept;
use super::streams::Closed;
use super::wasi::http::types::{self, ErrorCode, Method};
use crate::host::Host;

/// Where the answer to the request of this message goes.
pub struct ResponseOutparam;

impl Kept for ResponseOutparam {}

/// The request of a message and what was answered, for components that handle requests.
#[derive(Default)]
pub(crate) struct Exchange {
    answer: Option<Result<OutgoingResponse, ErrorCode>>,
}

/// What a handler answered.
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// Names and values.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Host {
    /// Begins an exchange: the request as the guest sees it, and where it answers.
    pub(crate) fn begin_exchange(
        &mut self,
        request: IncomingRequest,
    ) -> Result<(Resource<IncomingRequest>, Resource<ResponseOutparam>)> {
        Ok((self.keep(request)?, self.keep(ResponseOutparam)?))
    }

    /// What was answered, or why nothing was.
    pub(crate) fn end_exchange(&mut self) -> Result<Answer, String> {
        match self.wasi.exchange.answer.take() {
            None => Err("the request was not answered".to_owned()),
            Some(Err(error)) => Err(format!("the request was answered with an error: {error:?}")),
            Some(Ok(response)) => response.into_answer(),
        }
    }
}

impl types::HostResponseOutparam for Host {
    fn send_informational(
        &mut self,
        _: Resource<ResponseOutparam>,
        _: u16,
        headers: Resource<Fields>,
    ) -> Result<Result<(), ErrorCode>> {
        self.forget(headers)?;
        Ok(Ok(()))
    }

    fn set(
        &mut self,
        param: Resource<ResponseOutparam>,
        response: Result<Resource<OutgoingResponse>, ErrorCode>,
    ) -> Result<()> {
        self.forget(param)?;
        let response = match response {
            Ok(response) => Ok(self.take_back(response)?),
            Err(error) => Err(error),
        };
        self.wasi.exchange.answer = Some(response);
        Ok(())
    }

    fn drop(&mut self, this: Resource<ResponseOutparam>) -> Result<()> {
        self.forget(this)
    }
}

impl types::Host for Host {
    fn http_error_code(&mut self, error: Resource<Closed>) -> Result<Option<ErrorCode>> {
        match *self.kept(&error)? {}
    }
}

fn method_of(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "CONNECT" => Method::Connect,
        "OPTIONS" => Method::Options,
        "TRACE" => Method::Trace,
        "PATCH" => Method::Patch,
        other => Method::Other(other.to_owned()),
    }
}

fn name_of(method: &Method) -> &str {
    match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
        Method::Connect => "CONNECT",
        Method::Options => "OPTIONS",
        Method::Trace => "TRACE",
        Method::Patch => "PATCH",
        Method::Other(name) => name,
    }
}
