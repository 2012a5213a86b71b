//! Components and files: given to the node before actors are begun with them.
//!
//! Invariant: a component that the node keeps here is an actor, or would be if it were granted what it asks for.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use troupe_api::{ErrorCode, Uploaded, UploadedFile};
use troupe_chain::{Hash, Text};
use troupe_component::{Grants, Limits, MAX_FILE_BYTES};

use super::body;
use super::problem::Refusal;
use super::read::{Answer, Key, bytes, json, key};
use super::site::{Site, blocking};

/// What every component begins with.
const MAGIC: &[u8] = b"\0asm";

pub(super) async fn upload(State(site): State<Arc<Site>>, request: Request<Body>) -> Answer {
    let _room = site.loading.enter()?;
    let limits = Limits::default();
    let limit = limits.component;
    let too_large = || format!("a component has at most {limit} bytes");
    let code = body::read(request, limit, ErrorCode::BadBody, too_large).await?;
    let (sandbox, store) = (site.host.sandbox.clone(), Arc::clone(site.host.actors.store()));
    let uploaded = blocking(move || {
        // Which hosts it is granted shows when an actor is begun; here it may ask the web as such.
        let some_host = Text::new("http:host").ok().and_then(|host| Grants::parse(&[host]).ok());
        let loaded = sandbox.load_granted(&code, &limits, &some_host.unwrap_or_default());
        let machine = loaded.map_err(|error| Refusal::new(ErrorCode::CannotBegin, error.to_string()))?;
        store.put_shared(&machine.hash(), &code)?;
        let (component, world) = (machine.hash().to_string(), machine.world().name().to_owned());
        Ok::<_, Refusal>(Uploaded { component, world })
    })
    .await?;
    json(StatusCode::CREATED, &uploaded)
}

pub(super) async fn upload_file(State(site): State<Arc<Site>>, request: Request<Body>) -> Answer {
    let _room = site.loading.enter()?;
    let too_large = || format!("a file has at most {MAX_FILE_BYTES} bytes");
    let file = body::read(request, MAX_FILE_BYTES, ErrorCode::BadBody, too_large).await?;
    let store = Arc::clone(site.host.actors.store());
    let name = blocking(move || {
        let name = Hash::of(&file);
        store.put_shared(&name, &file)?;
        Ok::<_, Refusal>(name)
    })
    .await?;
    json(StatusCode::CREATED, &UploadedFile { file: name.to_string() })
}

pub(super) async fn component(State(site): State<Arc<Site>>, path: Key) -> Answer {
    let bad = |error: troupe_chain::NotAName| Refusal::new(ErrorCode::BadQuery, error.to_string());
    let name: Hash = key(path)?.parse().map_err(bad)?;
    let store = Arc::clone(site.host.actors.store());
    // Configurations and files are kept in the same place, and are nobody's business here.
    let found = blocking(move || store.shared(&name)).await?.filter(|code| code.starts_with(MAGIC));
    let missing = || Refusal::new(ErrorCode::NotFound, format!("the node has no component {name}"));
    let headers = [("troupe-component", name.to_string())];
    Ok(bytes(found.ok_or_else(missing)?, Some("application/wasm"), &headers))
}
