//! A server for components that ask the web. It answers once: whoever asked again in a replay would find nobody.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use anyhow::{Context, Result};

/// What stands for the server in manifests and messages.
const NAME: &str = "{web}";
const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
/// The most bytes of a request that are read before it is answered.
const MAX_REQUEST: usize = 16 << 10;

/// A server that answers the first request and then ends.
pub(super) struct Web(SocketAddr);

impl Web {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").context("listening for what a component asks")?;
        let address = listener.local_addr()?;
        // If nobody asks, it waits until this process ends.
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept()?;
            let read = stream.read(&mut [0; MAX_REQUEST])?;
            if read == 0 { Ok(()) } else { stream.write_all(ANSWER.as_bytes()) }
        });
        Ok(Self(address))
    }

    /// The text with the server's address in it.
    pub(super) fn named_in(&self, text: &str) -> String {
        text.replace(NAME, &self.0.to_string())
    }
}
