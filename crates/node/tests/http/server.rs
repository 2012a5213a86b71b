//! A server in this process, with any guest.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::oneshot;
use troupe::host::{Running, Setup};
use troupe::http::{ServerLimits, Site};
use troupe_component::Allocation;
use troupe_log::{NodeLog, PushError, Submit, Submitted};
use troupe_store::MemoryStore;

use crate::wire::Wire;

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) running: Arc<Running>,
    pub(crate) log: Arc<NodeLog>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// There are no witnesses.
struct Nobody;

impl Submit for Nobody {
    fn submit(&self, _: &str, _: &str) -> Result<Submitted, PushError> {
        Err(PushError("nobody is asked".into()))
    }
}

/// The committed actor that counts.
pub(crate) fn counter() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../actors/counter/counter.wasm");
    std::fs::read(path).expect("the counter is there")
}

/// Everything as usual, on a store in memory.
pub(crate) fn setup(component: impl Into<Bytes>) -> Setup {
    let mut setup = Setup::new(component, Arc::new(MemoryStore::new()));
    setup.settings.allocation = Allocation::OnDemand;
    setup.settings.cache = Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("code").into());
    setup
}

impl Server {
    pub(crate) fn start(component: impl Into<Bytes>) -> Self {
        Self::with(setup(component))
    }

    pub(crate) fn with(setup: Setup) -> Self {
        Self::serve(setup.open().expect("the actor begins"))
    }

    pub(crate) fn serve(running: Running) -> Self {
        Self::within(ServerLimits::default(), running, |site| site)
    }

    /// With limits of its own, and whatever `change` makes of the site.
    pub(crate) fn within(limits: ServerLimits, running: Running, change: impl FnOnce(Site) -> Site) -> Self {
        let kind = troupe_chain::note::KeyKind::Log;
        let key = troupe_log::create_key(kind, "troupe.node", None).expect("a key");
        let log = NodeLog::open(Arc::clone(running.host.actors.store()), key, Vec::new()).expect("a log");
        let log = Arc::new(log);
        let site = Arc::new(change(Site::from(&running).signing(Some(Arc::clone(&log)))));
        let running = Arc::new(running);
        let runtime = troupe::http::runtime().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let router = troupe::http::router(site);
        let served = troupe::http::serve_within(limits, listener, router, None, async {
            let _ = stopped.await;
        });
        let thread = std::thread::spawn(move || runtime.block_on(served).expect("the server ends well"));
        Self { addr, running, log, stop: Some(stop), thread: Some(thread) }
    }

    /// Signs what is committed.
    pub(crate) fn sign(&self) {
        self.log.round(&Nobody).expect("a round");
    }

    pub(crate) fn wire(&self) -> Wire {
        Wire::connect(self.addr).expect("a connection")
    }

    /// The position of the last entry.
    pub(crate) fn seq(&self) -> u64 {
        self.running.actor.view().unwrap().tip.seq
    }

    /// Tells it to stop and does not wait.
    pub(crate) fn begin_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits until it has stopped.
    pub(crate) fn wait(&mut self) {
        self.begin_to_stop();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends well");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Connections that a test left open are not waited for.
        self.begin_to_stop();
        self.running.stop();
    }
}
