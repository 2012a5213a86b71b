//! Who is let through, to which path.
//!
//! Invariant: a path that is not known here needs the right to do everything, so that a new one is closed until it is
//! opened. Only `/healthz` and the files of the explorer are open to everybody, and a command that a member signed.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Method, Request, Response};
use axum::middleware::Next;
use axum::response::IntoResponse;

use super::Site;
use super::problem::Refusal;
use super::server::Peer;
use super::signed;
use crate::access::{Asked, Scope};

pub(super) async fn guard(
    State(site): State<Arc<Site>>,
    request: Request<Body>,
    next: Next,
) -> Response<Body> {
    match allow(&site, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

fn allow(site: &Site, request: &Request<Body>) -> Result<(), Refusal> {
    let Some(needed) = needed(request.method(), request.uri().path()) else { return Ok(()) };
    // Whose command it is, the signature says, which is checked next.
    let by_signature = signed::says_so(request);
    // Without a server nobody knows who asks: not this machine, then.
    let unknown = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let peer = request.extensions().get::<Peer>().map_or(unknown, |peer| peer.0.ip());
    if let Some(rate) = &site.rate {
        rate.take(peer)?;
    }
    if let Some(policy) = site.policy.as_ref().filter(|_| !by_signature) {
        policy.authorize(&Asked::of(peer, request), needed)?;
    }
    Ok(())
}

/// What a request needs; `None` if it needs nothing.
fn needed(method: &Method, path: &str) -> Option<Scope> {
    let open = path == "/healthz" || path == "/ui" || path.starts_with("/ui/");
    if open && is_read(method) {
        return None;
    }
    let mut parts = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    if parts.next_if_eq(&"actors").is_some() {
        match parts.next() {
            // A list, and the start of an actor.
            None | Some("") => return Some(if is_read(method) { Scope::Read } else { Scope::Manage }),
            Some(_) => {}
        }
    }
    let rest: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    match rest.as_slice() {
        ["socket"] => Some(Scope::Send),
        _ if is_read(method) => Some(Scope::Read),
        [] | ["commons" | "dag"] if method == Method::POST => Some(Scope::Send),
        _ => Some(Scope::Manage),
    }
}

pub(super) fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_sending_and_changing_need_a_scope_each() {
        for (method, path, expect) in [
            (Method::GET, "/", Some(Scope::Read)),
            (Method::GET, "/actors", Some(Scope::Read)),
            (Method::HEAD, "/actors/a/state", Some(Scope::Read)),
            (Method::GET, "/components/00", Some(Scope::Read)),
            (Method::GET, "/metrics", Some(Scope::Read)),
            (Method::GET, "/nothing", Some(Scope::Read)),
            (Method::POST, "/", Some(Scope::Send)),
            (Method::POST, "/actors/a", Some(Scope::Send)),
            (Method::POST, "/actors/a/", Some(Scope::Send)),
            (Method::POST, "/actors/stop", Some(Scope::Send)),
            (Method::POST, "/commons", Some(Scope::Send)),
            (Method::POST, "/commons/begin", Some(Scope::Manage)),
            (Method::GET, "/commons/members/a", Some(Scope::Read)),
            (Method::GET, "/socket", Some(Scope::Send)),
            (Method::GET, "/actors/a/socket", Some(Scope::Send)),
            (Method::POST, "/actors", Some(Scope::Manage)),
            (Method::POST, "/actors/", Some(Scope::Manage)),
            (Method::POST, "/components", Some(Scope::Manage)),
            (Method::POST, "/files", Some(Scope::Manage)),
            (Method::POST, "/dag", Some(Scope::Send)),
            (Method::GET, "/dag/x", Some(Scope::Read)),
            (Method::POST, "/stop", Some(Scope::Manage)),
            (Method::POST, "/actors/a/upgrade", Some(Scope::Manage)),
            (Method::DELETE, "/actors/a", Some(Scope::Manage)),
            (Method::PUT, "/nothing", Some(Scope::Manage)),
            (Method::GET, "/healthz", None),
            (Method::POST, "/healthz", Some(Scope::Manage)),
            (Method::GET, "/ui", None),
            (Method::GET, "/ui/app.js", None),
            (Method::POST, "/ui/", Some(Scope::Manage)),
            (Method::GET, "/uis", Some(Scope::Read)),
            (Method::GET, "/actors/ui", Some(Scope::Read)),
            (Method::GET, "/actors/healthz", Some(Scope::Read)),
            (Method::GET, "/actors/a/healthz", Some(Scope::Read)),
        ] {
            let found = needed(&method, path);
            assert_eq!(found, expect, "{method} {path}");
        }
    }
}
