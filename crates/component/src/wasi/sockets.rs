//! `wasi:sockets`: there, and never given. Whatever makes a socket or looks up a name says `access-denied`.
//!
//! Since none is ever made, the functions of a socket are linked by name alone and cannot be called.

use wasmtime::Result;
use wasmtime::StoreContextMut;
use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceType, Val};

use super::{Kept, misused};
use crate::host::Host;

/// The network of this actor: none.
struct Network;

impl Kept for Network {}

/// A socket, or what one leads to. There is none.
enum Never {}

const TCP: &[&str] = &[
    "start-bind",
    "finish-bind",
    "start-connect",
    "finish-connect",
    "start-listen",
    "finish-listen",
    "accept",
    "local-address",
    "remote-address",
    "is-listening",
    "address-family",
    "set-listen-backlog-size",
    "keep-alive-enabled",
    "set-keep-alive-enabled",
    "keep-alive-idle-time",
    "set-keep-alive-idle-time",
    "keep-alive-interval",
    "set-keep-alive-interval",
    "keep-alive-count",
    "set-keep-alive-count",
    "hop-limit",
    "set-hop-limit",
    "receive-buffer-size",
    "set-receive-buffer-size",
    "send-buffer-size",
    "set-send-buffer-size",
    "subscribe",
    "shutdown",
];
const UDP: &[&str] = &[
    "start-bind",
    "finish-bind",
    "stream",
    "local-address",
    "remote-address",
    "address-family",
    "unicast-hop-limit",
    "set-unicast-hop-limit",
    "receive-buffer-size",
    "set-receive-buffer-size",
    "send-buffer-size",
    "set-send-buffer-size",
    "subscribe",
];

pub(super) fn link(linker: &mut Linker<Host>) -> Result<()> {
    let mut network = linker.instance("wasi:sockets/network@0.2.12")?;
    network.resource("network", ResourceType::host::<Network>(), |mut store, rep| {
        store.data_mut().forget(Resource::<Network>::new_own(rep))
    })?;
    linker
        .instance("wasi:sockets/instance-network@0.2.12")?
        .func_wrap("instance-network", |mut store: StoreContextMut<'_, Host>, (): ()| {
            Ok((store.data_mut().keep(Network)?,))
        })?;
    let mut tcp = linker.instance("wasi:sockets/tcp@0.2.12")?;
    never(&mut tcp, "tcp-socket", TCP)?;
    linker.instance("wasi:sockets/tcp-create-socket@0.2.12")?.func_new("create-tcp-socket", denied)?;
    let mut udp = linker.instance("wasi:sockets/udp@0.2.12")?;
    never(&mut udp, "udp-socket", UDP)?;
    never(&mut udp, "incoming-datagram-stream", &["receive", "subscribe"])?;
    never(&mut udp, "outgoing-datagram-stream", &["check-send", "send", "subscribe"])?;
    linker.instance("wasi:sockets/udp-create-socket@0.2.12")?.func_new("create-udp-socket", denied)?;
    let mut lookup = linker.instance("wasi:sockets/ip-name-lookup@0.2.12")?;
    never(&mut lookup, "resolve-address-stream", &["resolve-next-address", "subscribe"])?;
    lookup.func_new("resolve-addresses", denied)
}

/// Links a resource that is never made, with its functions.
fn never(instance: &mut LinkerInstance<'_, Host>, name: &str, functions: &[&str]) -> Result<()> {
    instance.resource(name, ResourceType::host::<Never>(), |_, _| Ok(()))?;
    for function in functions {
        instance
            .func_new(&format!("[method]{name}.{function}"), |_, _, _, _| misused("there is no socket"))?;
    }
    Ok(())
}

/// What a function answers that would make a socket.
fn denied(
    mut store: StoreContextMut<'_, Host>,
    _: ComponentFunc,
    params: &[Val],
    results: &mut [Val],
) -> Result<()> {
    for param in params {
        if let Val::Resource(lent) = param {
            lent.resource_drop(&mut store)?;
        }
    }
    if let [result] = results {
        *result = Val::Result(Err(Some(Box::new(Val::Enum("access-denied".to_owned())))));
    }
    Ok(())
}
