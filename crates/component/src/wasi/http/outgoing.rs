//! What a guest makes to go out over HTTP: requests to the web, and the answer to the request of its message.

use wasmtime::Result;
use wasmtime::component::Resource;

use super::body::End;
use super::fields::CONTENT_LENGTH;
use super::{Answer, Body, Fields, name_of};
use crate::host::Host;
use crate::outside::is_token;
use crate::wasi::Kept;
use crate::wasi::streams::OutputStream;
use crate::wasi::wasi::http::types::{self, ErrorCode, Method, Scheme};

/// A request to the web.
pub struct OutgoingRequest {
    pub(super) method: Method,
    pub(super) path: Option<String>,
    pub(super) scheme: Option<Scheme>,
    pub(super) authority: Option<String>,
    pub(super) headers: Fields,
    pub(super) body: Option<Body>,
}

/// How long an answer may take. The host's own limits are what holds, so that this is remembered and no more.
#[derive(Default)]
pub struct RequestOptions {
    connect: Option<u64>,
    first_byte: Option<u64>,
    between_bytes: Option<u64>,
}

/// An answer to the request of this message.
pub struct OutgoingResponse {
    status: u16,
    headers: Fields,
    body: Option<Body>,
}

/// A body that is being written, and whether its stream was given out.
pub struct OutgoingBody {
    body: Body,
    taken: bool,
}

impl Kept for OutgoingRequest {}
impl Kept for RequestOptions {}
impl Kept for OutgoingResponse {}
impl Kept for OutgoingBody {}

/// Takes the length out of headers; `None` if a body has another one.
pub(super) fn without_length(headers: Fields, len: u64) -> Option<Vec<(String, Vec<u8>)>> {
    let mut entries = headers.into_entries();
    let is_length = |name: &str| name.eq_ignore_ascii_case(CONTENT_LENGTH);
    let fits = entries.iter().all(|(name, value)| !is_length(name) || *value == len.to_string().as_bytes());
    entries.retain(|(name, _)| !is_length(name));
    fits.then_some(entries)
}

impl OutgoingResponse {
    /// The answer as it went out.
    pub(super) fn into_answer(self) -> Result<Answer, String> {
        let body = self.body.unwrap_or_default();
        if body.end() == End::Dropped {
            return Err("the body of the answer was not finished".to_owned());
        }
        let headers = without_length(self.headers, body.len());
        let headers = headers.ok_or("`content-length` of the answer is not the length of its body")?;
        Ok(Answer { status: self.status, headers, body: body.take() })
    }
}

impl Host {
    /// Gives out a body that was not given out before.
    fn new_body(&mut self, body: Option<Body>) -> Result<Result<Resource<OutgoingBody>, ()>> {
        match body {
            Some(body) => Ok(Ok(self.keep(OutgoingBody { body, taken: false })?)),
            None => Ok(Err(())),
        }
    }
}

/// Sets a body where there is none.
fn begin(place: &mut Option<Body>) -> Option<Body> {
    match place {
        Some(_) => None,
        None => Some(place.insert(Body::default()).clone()),
    }
}

impl types::HostOutgoingRequest for Host {
    fn new(&mut self, headers: Resource<Fields>) -> Result<Resource<OutgoingRequest>> {
        let headers = self.take_back(headers)?;
        self.take_memory(headers.bytes())?;
        let (method, path, scheme, authority, body) = (Method::Get, None, None, None, None);
        self.keep(OutgoingRequest { method, path, scheme, authority, headers, body })
    }

    fn body(&mut self, this: Resource<OutgoingRequest>) -> Result<Result<Resource<OutgoingBody>, ()>> {
        let body = begin(&mut self.kept_mut(&this)?.body);
        self.new_body(body)
    }

    fn method(&mut self, this: Resource<OutgoingRequest>) -> Result<Method> {
        Ok(self.kept(&this)?.method.clone())
    }

    fn set_method(&mut self, this: Resource<OutgoingRequest>, method: Method) -> Result<Result<(), ()>> {
        if !is_token(name_of(&method)) {
            return Ok(Err(()));
        }
        self.kept_mut(&this)?.method = method;
        Ok(Ok(()))
    }

    fn path_with_query(&mut self, this: Resource<OutgoingRequest>) -> Result<Option<String>> {
        Ok(self.kept(&this)?.path.clone())
    }

    fn set_path_with_query(
        &mut self,
        this: Resource<OutgoingRequest>,
        path: Option<String>,
    ) -> Result<Result<(), ()>> {
        self.take_memory(path.as_ref().map_or(0, String::len) as u64)?;
        self.kept_mut(&this)?.path = path;
        Ok(Ok(()))
    }

    fn scheme(&mut self, this: Resource<OutgoingRequest>) -> Result<Option<Scheme>> {
        Ok(self.kept(&this)?.scheme.clone())
    }

    fn set_scheme(
        &mut self,
        this: Resource<OutgoingRequest>,
        scheme: Option<Scheme>,
    ) -> Result<Result<(), ()>> {
        if matches!(scheme, Some(Scheme::Other(_))) {
            return Ok(Err(()));
        }
        self.kept_mut(&this)?.scheme = scheme;
        Ok(Ok(()))
    }

    fn authority(&mut self, this: Resource<OutgoingRequest>) -> Result<Option<String>> {
        Ok(self.kept(&this)?.authority.clone())
    }

    fn set_authority(
        &mut self,
        this: Resource<OutgoingRequest>,
        authority: Option<String>,
    ) -> Result<Result<(), ()>> {
        self.take_memory(authority.as_ref().map_or(0, String::len) as u64)?;
        self.kept_mut(&this)?.authority = authority;
        Ok(Ok(()))
    }

    fn headers(&mut self, this: Resource<OutgoingRequest>) -> Result<Resource<Fields>> {
        let headers = self.kept(&this)?.headers.shown();
        self.keep(headers)
    }

    fn drop(&mut self, this: Resource<OutgoingRequest>) -> Result<()> {
        self.forget(this)
    }
}

impl types::HostRequestOptions for Host {
    fn new(&mut self) -> Result<Resource<RequestOptions>> {
        self.keep(RequestOptions::default())
    }

    fn connect_timeout(&mut self, this: Resource<RequestOptions>) -> Result<Option<u64>> {
        Ok(self.kept(&this)?.connect)
    }

    fn set_connect_timeout(
        &mut self,
        this: Resource<RequestOptions>,
        timeout: Option<u64>,
    ) -> Result<Result<(), ()>> {
        self.kept_mut(&this)?.connect = timeout;
        Ok(Ok(()))
    }

    fn first_byte_timeout(&mut self, this: Resource<RequestOptions>) -> Result<Option<u64>> {
        Ok(self.kept(&this)?.first_byte)
    }

    fn set_first_byte_timeout(
        &mut self,
        this: Resource<RequestOptions>,
        timeout: Option<u64>,
    ) -> Result<Result<(), ()>> {
        self.kept_mut(&this)?.first_byte = timeout;
        Ok(Ok(()))
    }

    fn between_bytes_timeout(&mut self, this: Resource<RequestOptions>) -> Result<Option<u64>> {
        Ok(self.kept(&this)?.between_bytes)
    }

    fn set_between_bytes_timeout(
        &mut self,
        this: Resource<RequestOptions>,
        timeout: Option<u64>,
    ) -> Result<Result<(), ()>> {
        self.kept_mut(&this)?.between_bytes = timeout;
        Ok(Ok(()))
    }

    fn drop(&mut self, this: Resource<RequestOptions>) -> Result<()> {
        self.forget(this)
    }
}

impl types::HostOutgoingResponse for Host {
    fn new(&mut self, headers: Resource<Fields>) -> Result<Resource<OutgoingResponse>> {
        let headers = self.take_back(headers)?;
        self.take_memory(headers.bytes())?;
        self.keep(OutgoingResponse { status: 200, headers, body: None })
    }

    fn status_code(&mut self, this: Resource<OutgoingResponse>) -> Result<u16> {
        Ok(self.kept(&this)?.status)
    }

    fn set_status_code(&mut self, this: Resource<OutgoingResponse>, status: u16) -> Result<Result<(), ()>> {
        if !(100..1000).contains(&status) {
            return Ok(Err(()));
        }
        self.kept_mut(&this)?.status = status;
        Ok(Ok(()))
    }

    fn headers(&mut self, this: Resource<OutgoingResponse>) -> Result<Resource<Fields>> {
        let headers = self.kept(&this)?.headers.shown();
        self.keep(headers)
    }

    fn body(&mut self, this: Resource<OutgoingResponse>) -> Result<Result<Resource<OutgoingBody>, ()>> {
        let body = begin(&mut self.kept_mut(&this)?.body);
        self.new_body(body)
    }

    fn drop(&mut self, this: Resource<OutgoingResponse>) -> Result<()> {
        self.forget(this)
    }
}

impl types::HostOutgoingBody for Host {
    fn write(&mut self, this: Resource<OutgoingBody>) -> Result<Result<Resource<OutputStream>, ()>> {
        let body = self.kept_mut(&this)?;
        if std::mem::replace(&mut body.taken, true) {
            return Ok(Err(()));
        }
        let stream = OutputStream::Body(body.body.clone());
        Ok(Ok(self.keep(stream)?))
    }

    fn finish(
        &mut self,
        this: Resource<OutgoingBody>,
        trailers: Option<Resource<Fields>>,
    ) -> Result<Result<(), ErrorCode>> {
        let body = self.take_back(this)?.body;
        let trailers = trailers.map(|trailers| self.take_back(trailers)).transpose()?;
        if trailers.is_some_and(|trailers| !trailers.into_entries().is_empty()) {
            body.close(End::Dropped);
            return Ok(Err(ErrorCode::InternalError(Some("trailers are not sent".to_owned()))));
        }
        body.close(End::Finished);
        Ok(Ok(()))
    }

    fn drop(&mut self, this: Resource<OutgoingBody>) -> Result<()> {
        self.take_back(this)?.body.close(End::Dropped);
        Ok(())
    }
}
