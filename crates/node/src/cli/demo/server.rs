//! The demo's node: the same server and store as `troupe run`, on a thread of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use troupe::host::{Running, Setup};
use troupe::http::Site;
use troupe_store::{DiskOptions, DiskStore};

use crate::cli::failure::Failure;
use crate::cli::{code, server};

/// A running node with one actor.
pub(super) struct Server {
    running: Arc<Running>,
    serving: Serving,
}

/// An HTTP server on a free port that only this machine can reach.
pub(super) struct Serving {
    url: String,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Server {
    /// Starts a node with a new store in `folder`.
    pub(super) fn start(component: &'static [u8], folder: &Path) -> Result<Self, Failure> {
        // The week takes a few megabytes; there is no need to reserve what a long life would.
        let options = DiskOptions { segment_bytes: 16 << 20, ..DiskOptions::default() };
        let store = Arc::new(DiskStore::open_with(folder, options)?);
        let mut setup = Setup::new(component, store);
        setup.settings.cache = code::default_cache();
        let running = setup
            .open()
            .map_err(|error| server::explain(&error, "quakes.wasm", &folder.display().to_string()))?;
        let running = Arc::new(running);
        let serving = Serving::start(running.site())?;
        Ok(Self { running, serving })
    }

    pub(super) fn url(&self) -> &str {
        self.serving.url()
    }

    pub(super) fn running(&self) -> &Running {
        &self.running
    }

    /// Stops the node; what it stored stays open.
    pub(super) fn stop(self) -> Arc<Running> {
        self.serving.stop();
        self.running.stop();
        self.running
    }
}

impl Serving {
    /// Starts to serve.
    pub(super) fn start(site: Arc<Site>) -> Result<Self, Failure> {
        let cannot =
            |error: std::io::Error| Failure::cannot(format_args!("cannot start the server: {error}"));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(cannot)?;
        let local = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = runtime.block_on(TcpListener::bind(local)).map_err(cannot)?;
        let url = format!("http://{}", listener.local_addr().map_err(cannot)?);
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("demo-server".into())
            .spawn(move || {
                let shutdown = async {
                    // An error means that the demo is over, too.
                    let _ = stopped.await;
                };
                // If serving fails, so do the requests, and those say so.
                let _ = runtime.block_on(troupe::http::serve(listener, site, shutdown));
            })
            .map_err(cannot)?;
        Ok(Self { url, stop, thread })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Finishes what was asked, and stops.
    pub(super) fn stop(self) {
        // If the server is gone already, there is nobody to tell.
        let _ = self.stop.send(());
        let _ = self.thread.join();
    }
}
