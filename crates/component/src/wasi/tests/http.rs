//! `wasi:http`: what a guest may make, what it is refused, and what comes in.

use super::{Host, Limits, Refused, host, host_with, lend, refused};
use crate::host::Phase;
use crate::outside::Response;
use crate::wasi::http::{Fields, IncomingRequest, IncomingResponse};
use crate::wasi::wasi::http::outgoing_handler::Host as _;
use crate::wasi::wasi::http::types::{
    self as http, ErrorCode, HeaderError, HostFields, HostFutureIncomingResponse, HostFutureTrailers,
    HostIncomingBody, HostIncomingRequest, HostIncomingResponse, HostOutgoingBody, HostOutgoingRequest,
    HostOutgoingResponse, HostRequestOptions, HostResponseOutparam, Method, Scheme,
};
use crate::wasi::wasi::io::poll::Host as _;
use crate::wasi::wasi::io::streams::{HostInputStream as _, HostOutputStream, StreamError};
use wasmtime::component::Resource;

fn pairs(list: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    list.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

fn fields(host: &mut Host, list: &[(&str, &str)]) -> Resource<Fields> {
    host.from_list(pairs(list)).unwrap().unwrap()
}

#[test]
fn fields_keep_their_order_and_know_names_in_any_case() {
    let mut host = host();
    let fields = fields(&mut host, &[("a", "1"), ("B", "2"), ("A", "3")]);
    assert_eq!(HostFields::get(&mut host, lend(&fields), "A".into()).unwrap(), [b"1", b"3"]);
    assert!(host.has(lend(&fields), "b".into()).unwrap() && !host.has(lend(&fields), "c".into()).unwrap());
    host.append(lend(&fields), "c".into(), b"4".to_vec()).unwrap().unwrap();
    let values = vec![b"5".to_vec(), b"6".to_vec()];
    HostFields::set(&mut host, lend(&fields), "a".into(), values).unwrap().unwrap();
    host.delete(lend(&fields), "b".into()).unwrap().unwrap();
    assert_eq!(host.entries(lend(&fields)).unwrap(), pairs(&[("c", "4"), ("a", "5"), ("a", "6")]));
    let copy = HostFields::clone(&mut host, lend(&fields)).unwrap();
    host.delete(lend(&copy), "c".into()).unwrap().unwrap();
    assert!(host.has(lend(&fields), "c".into()).unwrap());
}

#[test]
fn headers_that_are_not_the_guests_to_set_are_refused() {
    let mut host = host();
    for (name, value, error) in [
        ("a b", "1", "InvalidSyntax"),
        ("", "1", "InvalidSyntax"),
        ("a", "b\r\nc: d", "InvalidSyntax"),
        ("Host", "a", "Forbidden"),
        ("transfer-encoding", "chunked", "Forbidden"),
    ] {
        let refused = host.from_list(pairs(&[(name, value)])).unwrap().err().unwrap();
        assert_eq!(format!("{refused:?}"), format!("HeaderError::{error}"), "{name:?}");
    }
    let received = host.keep(Fields::received(pairs(&[("host", "a")]))).unwrap();
    let refused = host.delete(lend(&received), "host".into()).unwrap();
    assert!(matches!(refused, Err(HeaderError::Immutable)));
}

/// A request to `authority`, with a body where one is given; and whether that is finished.
fn request(
    host: &mut Host,
    authority: &str,
    body: Option<&[u8]>,
) -> Resource<crate::wasi::http::OutgoingRequest> {
    let headers = fields(host, &[("accept", "*/*")]);
    let request = HostOutgoingRequest::new(host, headers).unwrap();
    host.set_method(lend(&request), Method::Post).unwrap().unwrap();
    host.set_scheme(lend(&request), Some(Scheme::Http)).unwrap().unwrap();
    host.set_authority(lend(&request), Some(authority.to_owned())).unwrap().unwrap();
    host.set_path_with_query(lend(&request), Some("/a?b".to_owned())).unwrap().unwrap();
    if let Some(bytes) = body {
        let body = HostOutgoingRequest::body(host, lend(&request)).unwrap().unwrap();
        assert!(HostOutgoingRequest::body(host, lend(&request)).unwrap().is_err(), "given out once");
        let stream = HostOutgoingBody::write(host, lend(&body)).unwrap().unwrap();
        assert!(HostOutgoingBody::write(host, lend(&body)).unwrap().is_err(), "given out once");
        HostOutputStream::write(host, lend(&stream), bytes.to_vec()).unwrap().unwrap();
        HostOutgoingBody::finish(host, body, None).unwrap().unwrap();
        let late = HostOutputStream::write(host, lend(&stream), vec![1]).unwrap();
        assert!(matches!(late, Err(StreamError::Closed)));
    }
    request
}

#[test]
fn a_request_tells_what_was_set() {
    let mut host = host();
    let request = request(&mut host, "example.net", None);
    assert!(matches!(HostOutgoingRequest::method(&mut host, lend(&request)).unwrap(), Method::Post));
    assert!(matches!(HostOutgoingRequest::scheme(&mut host, lend(&request)).unwrap(), Some(Scheme::Http)));
    assert_eq!(HostOutgoingRequest::authority(&mut host, lend(&request)).unwrap().unwrap(), "example.net");
    assert_eq!(HostOutgoingRequest::path_with_query(&mut host, lend(&request)).unwrap().unwrap(), "/a?b");
    let headers = HostOutgoingRequest::headers(&mut host, lend(&request)).unwrap();
    assert!(matches!(host.delete(lend(&headers), "accept".into()).unwrap(), Err(HeaderError::Immutable)));
    assert!(host.set_method(lend(&request), Method::Other("A B".into())).unwrap().is_err());
    assert!(host.set_scheme(lend(&request), Some(Scheme::Other("ftp".into()))).unwrap().is_err());
    let options = HostRequestOptions::new(&mut host).unwrap();
    host.set_connect_timeout(lend(&options), Some(1)).unwrap().unwrap();
    host.set_first_byte_timeout(lend(&options), Some(2)).unwrap().unwrap();
    host.set_between_bytes_timeout(lend(&options), Some(3)).unwrap().unwrap();
    assert_eq!(host.connect_timeout(lend(&options)).unwrap(), Some(1));
    assert_eq!(host.first_byte_timeout(lend(&options)).unwrap(), Some(2));
    assert_eq!(host.between_bytes_timeout(lend(&options)).unwrap(), Some(3));
}

#[test]
fn a_host_that_is_not_granted_is_denied_and_a_contract_may_ask_none() {
    let mut host = host_with(&Limits::default(), &["http:example.net"]);
    for (authority, denied) in [("other.net", true), ("example.net:8080", true), ("example.net", false)] {
        let request = request(&mut host, authority, None);
        let answer = host.handle(request, None).unwrap();
        assert_eq!(matches!(answer, Err(ErrorCode::HttpRequestDenied)), denied, "{authority}");
    }
    let bad = request(&mut host, "a b", None);
    assert!(matches!(host.handle(bad, None).unwrap(), Err(ErrorCode::HttpRequestUriInvalid)));
    host.phase = Phase::MessageContract;
    let request = request(&mut host, "example.net", None);
    assert!(matches!(refused(host.handle(request, None)), Refused::Outside(..)));
}

#[test]
fn an_answer_is_looked_for_once_the_body_is_finished() {
    let mut host = host_with(&Limits::default(), &["http:example.net"]);
    let headers = fields(&mut host, &[("content-length", "3")]);
    let request = HostOutgoingRequest::new(&mut host, headers).unwrap();
    host.set_authority(lend(&request), Some("example.net".to_owned())).unwrap().unwrap();
    let body = HostOutgoingRequest::body(&mut host, lend(&request)).unwrap().unwrap();
    let future = host.handle(request, None).unwrap().unwrap();
    assert!(HostFutureIncomingResponse::get(&mut host, lend(&future)).unwrap().is_none());
    let pollable = HostFutureIncomingResponse::subscribe(&mut host, lend(&future)).unwrap();
    assert!(
        matches!(refused(host.poll(vec![lend(&pollable)])), Refused::Misused(what) if what.contains("for ever"))
    );
    HostOutgoingBody::finish(&mut host, body, None).unwrap().unwrap();
    assert_eq!(host.poll(vec![lend(&pollable)]).unwrap(), [0]);
    let answer = HostFutureIncomingResponse::get(&mut host, lend(&future)).unwrap();
    let Some(Ok(Err(ErrorCode::HttpRequestBodySize(Some(0))))) = answer else {
        panic!("the length is wrong")
    };
    assert!(matches!(HostFutureIncomingResponse::get(&mut host, lend(&future)).unwrap(), Some(Err(()))));
}

#[test]
fn what_comes_in_is_read_once() {
    let mut host = host();
    let headers = Fields::received(pairs(&[("host", "a.net")]));
    let (method, path, authority) = ("PATCH".to_owned(), "/x".to_owned(), "a.net".to_owned());
    let body = Some(b"hello".to_vec());
    let request = host.keep(IncomingRequest { method, path, authority, headers, body }).unwrap();
    assert!(matches!(HostIncomingRequest::method(&mut host, lend(&request)).unwrap(), Method::Patch));
    assert_eq!(HostIncomingRequest::path_with_query(&mut host, lend(&request)).unwrap().unwrap(), "/x");
    assert_eq!(HostIncomingRequest::authority(&mut host, lend(&request)).unwrap().unwrap(), "a.net");
    assert!(matches!(HostIncomingRequest::scheme(&mut host, lend(&request)).unwrap(), Some(Scheme::Http)));
    let headers = HostIncomingRequest::headers(&mut host, lend(&request)).unwrap();
    assert!(host.has(headers, "Host".into()).unwrap());
    let body = HostIncomingRequest::consume(&mut host, lend(&request)).unwrap().unwrap();
    assert!(HostIncomingRequest::consume(&mut host, lend(&request)).unwrap().is_err());
    let stream = HostIncomingBody::stream(&mut host, lend(&body)).unwrap().unwrap();
    assert!(HostIncomingBody::stream(&mut host, lend(&body)).unwrap().is_err());
    assert_eq!(host.read(stream, 99).unwrap().unwrap(), b"hello");
    let trailers = HostIncomingBody::finish(&mut host, body).unwrap();
    assert!(matches!(HostFutureTrailers::get(&mut host, lend(&trailers)).unwrap(), Some(Ok(Ok(None)))));
    assert!(matches!(HostFutureTrailers::get(&mut host, lend(&trailers)).unwrap(), Some(Err(()))));
    let response = Response { status: 418, headers: vec![("a".into(), "b".into())], body: b"tea".to_vec() };
    let response = host.keep(IncomingResponse::from(response)).unwrap();
    assert_eq!(HostIncomingResponse::status(&mut host, lend(&response)).unwrap(), 418);
    assert!(HostIncomingResponse::consume(&mut host, lend(&response)).unwrap().is_ok());
}

/// Answers with what `make` makes of a response; what the exchange ends with.
fn answered(list: &[(&str, &str)], body: Option<&[u8]>, finish: bool) -> Result<(u16, Vec<u8>), String> {
    let mut host = host();
    let headers = fields(&mut host, list);
    let response = HostOutgoingResponse::new(&mut host, headers).unwrap();
    assert_eq!(HostOutgoingResponse::status_code(&mut host, lend(&response)).unwrap(), 200);
    assert!(host.set_status_code(lend(&response), 99).unwrap().is_err());
    host.set_status_code(lend(&response), 201).unwrap().unwrap();
    let param = host.keep(crate::wasi::http::ResponseOutparam).unwrap();
    let made = body.map(|_| HostOutgoingResponse::body(&mut host, lend(&response)).unwrap().unwrap());
    HostResponseOutparam::set(&mut host, param, Ok(response)).unwrap();
    if let (Some(bytes), Some(made)) = (body, made) {
        let stream = HostOutgoingBody::write(&mut host, lend(&made)).unwrap().unwrap();
        HostOutputStream::write(&mut host, stream, bytes.to_vec()).unwrap().unwrap();
        if finish {
            HostOutgoingBody::finish(&mut host, made, None).unwrap().unwrap();
        } else {
            HostOutgoingBody::drop(&mut host, made).unwrap();
        }
    }
    host.end_exchange().map(|answer| (answer.status, answer.body))
}

#[test]
fn an_answer_has_a_status_headers_and_a_whole_body() {
    assert_eq!(answered(&[("content-length", "2")], Some(b"ok"), true), Ok((201, b"ok".to_vec())));
    assert_eq!(answered(&[], None, true), Ok((201, Vec::new())));
    let unfinished = answered(&[], Some(b"ok"), false).unwrap_err();
    assert_eq!(unfinished, "the body of the answer was not finished");
    let other = answered(&[("content-length", "3")], Some(b"ok"), true).unwrap_err();
    assert_eq!(other, "`content-length` of the answer is not the length of its body");
    let mut silent = host();
    assert_eq!(silent.end_exchange().err().unwrap(), "the request was not answered");
    let param = silent.keep(crate::wasi::http::ResponseOutparam).unwrap();
    HostResponseOutparam::set(&mut silent, param, Err(http::ErrorCode::LoopDetected)).unwrap();
    assert!(silent.end_exchange().err().unwrap().contains("LoopDetected"));
}
