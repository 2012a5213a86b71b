//! What comes in over HTTP: the request of a message, and the answers of the web. Each body can be taken once.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::{Fields, method_of};
use crate::host::Host;
use crate::outside::Response;
use crate::wasi::Kept;
use crate::wasi::poll::Pollable;
use crate::wasi::streams::InputStream;
use crate::wasi::wasi::http::types::{self, ErrorCode, Method, Scheme};

/// A request to handle.
pub struct IncomingRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authority: String,
    pub(crate) headers: Fields,
    /// Until it is taken.
    pub(crate) body: Option<Vec<u8>>,
}

/// An answer of the web.
pub struct IncomingResponse {
    status: u16,
    headers: Fields,
    body: Option<Vec<u8>>,
}

/// A body that came in.
pub struct IncomingBody(Option<InputStream>);

/// The trailers of a body that came in: none, as soon as they are asked for.
pub struct FutureTrailers {
    taken: bool,
}

impl Kept for IncomingRequest {}
impl Kept for IncomingResponse {}
impl Kept for IncomingBody {}
impl Kept for FutureTrailers {}

impl From<Response> for IncomingResponse {
    fn from(Response { status, headers, body }: Response) -> Self {
        let headers = headers.into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
        Self { status, headers: Fields::received(headers), body: Some(body) }
    }
}

impl Host {
    fn consume(&mut self, body: Option<Vec<u8>>) -> Result<Result<Resource<IncomingBody>, ()>> {
        match body {
            Some(body) => Ok(Ok(self.keep(IncomingBody(Some(InputStream::new(body))))?)),
            None => Ok(Err(())),
        }
    }
}

impl types::HostIncomingRequest for Host {
    fn method(&mut self, this: Resource<IncomingRequest>) -> Result<Method> {
        Ok(method_of(&self.kept(&this)?.method))
    }

    fn path_with_query(&mut self, this: Resource<IncomingRequest>) -> Result<Option<String>> {
        Ok(Some(self.kept(&this)?.path.clone()))
    }

    fn scheme(&mut self, _: Resource<IncomingRequest>) -> Result<Option<Scheme>> {
        Ok(Some(Scheme::Http))
    }

    fn authority(&mut self, this: Resource<IncomingRequest>) -> Result<Option<String>> {
        Ok(Some(self.kept(&this)?.authority.clone()))
    }

    fn headers(&mut self, this: Resource<IncomingRequest>) -> Result<Resource<Fields>> {
        let headers = self.kept(&this)?.headers.shown();
        self.keep(headers)
    }

    fn consume(&mut self, this: Resource<IncomingRequest>) -> Result<Result<Resource<IncomingBody>, ()>> {
        let body = self.kept_mut(&this)?.body.take();
        Self::consume(self, body)
    }

    fn drop(&mut self, this: Resource<IncomingRequest>) -> Result<()> {
        self.forget(this)
    }
}

impl types::HostIncomingResponse for Host {
    fn status(&mut self, this: Resource<IncomingResponse>) -> Result<u16> {
        Ok(self.kept(&this)?.status)
    }

    fn headers(&mut self, this: Resource<IncomingResponse>) -> Result<Resource<Fields>> {
        let headers = self.kept(&this)?.headers.shown();
        self.keep(headers)
    }

    fn consume(&mut self, this: Resource<IncomingResponse>) -> Result<Result<Resource<IncomingBody>, ()>> {
        let body = self.kept_mut(&this)?.body.take();
        Self::consume(self, body)
    }

    fn drop(&mut self, this: Resource<IncomingResponse>) -> Result<()> {
        self.forget(this)
    }
}

impl types::HostIncomingBody for Host {
    fn stream(&mut self, this: Resource<IncomingBody>) -> Result<Result<Resource<InputStream>, ()>> {
        match self.kept_mut(&this)?.0.take() {
            Some(stream) => Ok(Ok(self.keep(stream)?)),
            None => Ok(Err(())),
        }
    }

    fn finish(&mut self, this: Resource<IncomingBody>) -> Result<Resource<FutureTrailers>> {
        self.forget(this)?;
        self.keep(FutureTrailers { taken: false })
    }

    fn drop(&mut self, this: Resource<IncomingBody>) -> Result<()> {
        self.forget(this)
    }
}

/// Once, and then no more: whether there are trailers, or why they did not come.
type Trailers = Option<Result<Result<Option<Resource<Fields>>, ErrorCode>, ()>>;

impl types::HostFutureTrailers for Host {
    fn subscribe(&mut self, _: Resource<FutureTrailers>) -> Result<Resource<Pollable>> {
        self.keep(Pollable::Ready)
    }

    fn get(&mut self, this: Resource<FutureTrailers>) -> Result<Trailers> {
        let taken = std::mem::replace(&mut self.kept_mut(&this)?.taken, true);
        Ok(Some(if taken { Err(()) } else { Ok(Ok(None)) }))
    }

    fn drop(&mut self, this: Resource<FutureTrailers>) -> Result<()> {
        self.forget(this)
    }
}
