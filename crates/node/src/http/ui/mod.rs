//! `GET /ui`: the explorer, a page that looks at chains and checks them by itself. What it is made of is in `ui/page`,
//! embedded.
//!
//! Invariant: the page is told by its headers to load nothing from elsewhere, to run no script but these, and to be in no
//! other page. It is open to whoever reaches the node: what it shows, it asks for like any other client.

mod single;

use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, Response, StatusCode, header};
use bytes::Bytes;
use troupe_api::ErrorCode;
use troupe_chain::Hash;

pub use self::single::{MAX_BUNDLE_WITHIN, single_file};

use super::problem::Refusal;
use super::read::Answer;

/// What a browser may do for the page: scripts and WebAssembly of this host, and requests to it.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; \
                      connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const WASM: &str = "application/wasm";
const IMAGE: &str = "image/svg+xml";

/// A file of the page.
#[derive(Debug)]
struct File {
    name: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($name:literal: $content_type:expr,)+) => {
        &[$(File {
            name: $name,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../../../../../ui/page/", $name)),
        }),+]
    };
}

const FILES: &[File] = files! {
    "index.html": HTML,
    "style.css": STYLE,
    "icon.svg": IMAGE,
    "abi.js": SCRIPT,
    "actor.js": SCRIPT,
    "actors.js": SCRIPT,
    "app.js": SCRIPT,
    "bundle.js": SCRIPT,
    "causes.js": SCRIPT,
    "chain.js": SCRIPT,
    "checks.js": SCRIPT,
    "commons.js": SCRIPT,
    "diff.js": SCRIPT,
    "dom.js": SCRIPT,
    "entry.js": SCRIPT,
    "files.js": SCRIPT,
    "guest.js": SCRIPT,
    "job.js": SCRIPT,
    "log.js": SCRIPT,
    "marks.js": SCRIPT,
    "plots.js": SCRIPT,
    "running.js": SCRIPT,
    "signed.js": SCRIPT,
    "source.js": SCRIPT,
    "timeline.js": SCRIPT,
    "traps.js": SCRIPT,
    "verifier.js": SCRIPT,
    "worker.js": SCRIPT,
    "verifier.wasm": WASM,
};

/// The page's own address ends in a slash, so that it finds its files and the node wherever a proxy put them.
pub(super) async fn redirect() -> Response<Body> {
    let response = Response::builder().status(StatusCode::PERMANENT_REDIRECT).header(header::LOCATION, "ui/");
    response.body(Body::empty()).unwrap_or_default()
}

pub(super) async fn index(headers: HeaderMap) -> Answer {
    find("index.html", &headers)
}

pub(super) async fn file(Path(name): Path<String>, headers: HeaderMap) -> Answer {
    find(&name, &headers)
}

fn find(name: &str, headers: &HeaderMap) -> Answer {
    let Some(file) = FILES.iter().find(|file| file.name == name) else {
        return Err(Refusal::new(ErrorCode::NotFound, format!("the explorer has no file `{name}`")));
    };
    let etag = format!("\"{}\"", Hash::of(file.bytes));
    let same = headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes());
    let (status, body) = match same {
        true => (StatusCode::NOT_MODIFIED, Bytes::new()),
        false => (StatusCode::OK, Bytes::from_static(file.bytes)),
    };
    let response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, file.content_type)
        .header(header::CONTENT_SECURITY_POLICY, POLICY)
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::REFERRER_POLICY, "no-referrer")
        .header("cross-origin-opener-policy", "same-origin")
        // Asked for each time, so that a page is never of two versions; what is the same is not sent again.
        .header(header::CACHE_CONTROL, "no-cache")
        .header(header::ETAG, etag);
    Ok(response.body(Body::from(body)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_served() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../ui/page");
        let mut there: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut served: Vec<_> = FILES.iter().map(|file| file.name.to_owned()).collect();
        there.sort();
        served.sort();
        assert_eq!(there, served);
    }
}
