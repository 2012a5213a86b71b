//! The interfaces of WASI 0.2 as traits of the host, made from `crates/component/wit`.

#![allow(missing_docs, clippy::all, clippy::pedantic, unused_doc_comments, reason = "generated")]

wasmtime::component::bindgen!({
    path: "wit",
    world: "troupe:wasi/imports",
    imports: { default: trappable },
    with: {
        "wasi:io/error.error": super::streams::Closed,
        "wasi:io/poll.pollable": super::poll::Pollable,
        "wasi:io/streams.input-stream": super::streams::InputStream,
        "wasi:io/streams.output-stream": super::streams::OutputStream,
        "wasi:cli/terminal-input.terminal-input": super::cli::Terminal,
        "wasi:cli/terminal-output.terminal-output": super::cli::Terminal,
        "wasi:filesystem/types.descriptor": super::filesystem::Descriptor,
        "wasi:filesystem/types.directory-entry-stream": super::filesystem::Listing,
        "wasi:http/types.fields": super::http::Fields,
        "wasi:http/types.incoming-request": super::http::IncomingRequest,
        "wasi:http/types.outgoing-request": super::http::OutgoingRequest,
        "wasi:http/types.request-options": super::http::RequestOptions,
        "wasi:http/types.response-outparam": super::http::ResponseOutparam,
        "wasi:http/types.incoming-response": super::http::IncomingResponse,
        "wasi:http/types.incoming-body": super::http::IncomingBody,
        "wasi:http/types.future-trailers": super::http::FutureTrailers,
        "wasi:http/types.outgoing-response": super::http::OutgoingResponse,
        "wasi:http/types.outgoing-body": super::http::OutgoingBody,
        "wasi:http/types.future-incoming-response": super::http::FutureResponse,
    },
});
