//! A server before a node that hands out other bytes than the node does.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

/// What is sent instead of an honest body, given the path of the request.
type Lie = dyn Fn(&str, &[u8]) -> Option<Vec<u8>> + Send + Sync;

/// A proxy that lies. Its threads end with the process.
pub(crate) struct Liar {
    pub(crate) url: String,
}

impl Liar {
    pub(crate) fn before(
        node: &str,
        lie: impl Fn(&str, &[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (node, lie) = (node.trim_start_matches("http://").to_owned(), Arc::new(lie));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (node, lie) = (node.clone(), Arc::clone(&lie));
                // Whoever asks sees a connection that breaks.
                std::thread::spawn(move || serve(stream, &node, &*lie).ok());
            }
        });
        Self { url }
    }
}

/// Passes on one request, and its answer.
fn serve(mut asker: TcpStream, node: &str, lie: &Lie) -> io::Result<()> {
    let (path, _) = request(&mut BufReader::new(asker.try_clone()?))?;
    let mut upstream = TcpStream::connect(node)?;
    write!(upstream, "GET {path} HTTP/1.1\r\nHost: {node}\r\nConnection: close\r\n\r\n")?;
    let mut answer = BufReader::new(upstream);
    let (status, headers) = head(&mut answer)?;
    let mut body = Vec::new();
    answer.read_to_end(&mut body)?;
    if headers.iter().any(|line| line.to_ascii_lowercase().starts_with("transfer-encoding: chunked")) {
        return Err(io::Error::other("an answer in chunks"));
    }
    let body = lie(&path, &body).unwrap_or(body);
    let kept = headers.iter().filter(|line| {
        let line = line.to_ascii_lowercase();
        !line.starts_with("content-length:") && !line.starts_with("connection:")
    });
    let kept: String = kept.map(|line| format!("{line}\r\n")).collect();
    let length = body.len();
    write!(asker, "{status}\r\n{kept}Content-Length: {length}\r\nConnection: close\r\n\r\n")?;
    asker.write_all(&body)
}

/// The path that is asked for.
fn request(reader: &mut impl BufRead) -> io::Result<(String, Vec<String>)> {
    let (line, headers) = head(reader)?;
    let path = line.split(' ').nth(1).ok_or_else(|| io::Error::other("no request"))?;
    Ok((path.to_owned(), headers))
}

/// The first line, and the headers.
fn head(reader: &mut impl BufRead) -> io::Result<(String, Vec<String>)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::Error::other("it ended"));
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    match lines.is_empty() {
        true => Err(io::Error::other("no head")),
        false => Ok((lines.remove(0), lines)),
    }
}
