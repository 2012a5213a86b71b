//! Puts load on an HTTP server: some connections, one request after the other on each, and what came of it.
//!
//! It runs on a thread of its own and reads no more of an answer than its status and its end, so that what is measured
//! is the server.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What to ask, and how hard.
#[derive(Debug, Clone)]
pub struct Load {
    /// The server.
    pub addr: SocketAddr,
    /// How many connections ask at the same time.
    pub connections: usize,
    /// How long to go on.
    pub duration: Duration,
    /// The bodies to `POST /`, each connection going round them from another one on.
    pub bodies: Vec<Vec<u8>>,
    /// Whether to ask for short answers.
    pub minimal: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq)]
pub struct LoadReport {
    /// Answers per second with a status from 200 to 299.
    pub rate: f64,
    /// Answers with such a status.
    pub ok: u64,
    /// Answers with another.
    pub refused: u64,
    /// Half of the answers took no longer than this.
    pub p50: Duration,
    /// All but one in a hundred took no longer than this.
    pub p99: Duration,
    /// The slowest.
    pub max: Duration,
}

impl Load {
    /// Runs the load on a thread of its own and waits for it.
    ///
    /// # Errors
    /// If a connection cannot be made or breaks.
    pub fn run(&self) -> io::Result<LoadReport> {
        let load = self.clone();
        let thread = std::thread::Builder::new().name("load".into()).spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(load.ask())
        })?;
        thread.join().map_err(|_| io::Error::other("the load thread panicked"))?
    }

    async fn ask(self) -> io::Result<LoadReport> {
        let mut requests = Vec::new();
        for body in &self.bodies {
            requests.push(request(body, self.minimal));
        }
        let requests: std::sync::Arc<[Vec<u8>]> = requests.into();
        let mut streams = Vec::new();
        for _ in 0..self.connections {
            let stream = TcpStream::connect(self.addr).await?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        let began = Instant::now();
        let end = began + self.duration;
        let tasks: Vec<_> = (0..)
            .zip(streams)
            .map(|(index, stream)| {
                tokio::spawn(connection(stream, std::sync::Arc::clone(&requests), index, end))
            })
            .collect();
        let (mut ok, mut refused, mut times) = (0, 0, Vec::new());
        for task in tasks {
            let one = task.await.map_err(io::Error::other)??;
            ok += one.0;
            refused += one.1;
            times.extend(one.2);
        }
        let elapsed = began.elapsed().as_secs_f64();
        times.sort_unstable();
        let at = |per_mille: usize| {
            let index = (times.len() * per_mille / 1000).min(times.len().saturating_sub(1));
            Duration::from_nanos(times.get(index).copied().unwrap_or(0))
        };
        Ok(LoadReport { rate: ok as f64 / elapsed, ok, refused, p50: at(500), p99: at(990), max: at(1000) })
    }
}

fn request(body: &[u8], minimal: bool) -> Vec<u8> {
    let prefer = if minimal { "Prefer: return=minimal\r\n" } else { "" };
    let head = format!(
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{prefer}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Answers that were good, answers that were not, and how long each took in nanoseconds.
type One = (u64, u64, Vec<u64>);

async fn connection(
    mut stream: TcpStream,
    requests: std::sync::Arc<[Vec<u8>]>,
    first: usize,
    end: Instant,
) -> io::Result<One> {
    let (mut ok, mut refused, mut times) = (0, 0, Vec::new());
    let mut buffer = Vec::with_capacity(64 << 10);
    for request in requests.iter().cycle().skip(first % requests.len().max(1)) {
        let began = Instant::now();
        if began >= end {
            break;
        }
        stream.write_all(request).await?;
        let status = read_answer(&mut stream, &mut buffer).await?;
        times.push(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX));
        if (200..300).contains(&status) { ok += 1 } else { refused += 1 }
    }
    Ok((ok, refused, times))
}

async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<u16> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
        }
        let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&buffer[..head]);
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP");
        let status = text.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(malformed)?;
        let length = text.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let whole = head + 4 + length.ok_or_else(malformed)?;
        while buffer.len() < whole {
            if stream.read_buf(buffer).await? == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the answer broke off"));
            }
        }
        return Ok(status);
    }
}
