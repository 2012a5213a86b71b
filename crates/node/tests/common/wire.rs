//! A client that sees the wire: it sends the bytes that it is given, and reads one answer after the other.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A connection to a server.
pub(crate) struct Wire {
    stream: TcpStream,
    /// What came and was not read yet.
    rest: Vec<u8>,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Wire {
    pub(crate) fn connect(addr: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(addr)?;
        stream.set_nodelay(true)?;
        // A test that waits for ever says nothing.
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self { stream, rest: Vec::new() })
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.write_all(bytes.as_ref())
    }

    /// Sends a request with the length of its body.
    pub(crate) fn request(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> io::Result<()> {
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        self.send([head.as_bytes(), body].concat())
    }

    /// Sends a request and reads its answer.
    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> io::Result<Answer> {
        self.request(method, path, headers, body)?;
        self.read(method != "HEAD")
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.ask("GET", path, "", b"")
    }

    pub(crate) fn post(&mut self, body: impl AsRef<[u8]>) -> io::Result<Answer> {
        self.ask("POST", "/", "", body.as_ref())
    }

    /// Reads an answer, with its body unless there is none whatever the head says.
    pub(crate) fn read(&mut self, with_body: bool) -> io::Result<Answer> {
        let malformed = |what| io::Error::new(io::ErrorKind::InvalidData, what);
        let end = loop {
            if let Some(end) = self.rest.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            self.more()?;
        };
        let rest = self.rest.split_off(end + 4);
        let head = std::mem::replace(&mut self.rest, rest);
        let head = String::from_utf8(head).map_err(|_| malformed("the head is not UTF-8"))?;
        let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        let status = status.ok_or_else(|| malformed("the answer is not HTTP"))?;
        let mut answer = Answer { status, head, body: Vec::new() };
        if with_body && status >= 200 && status != 304 {
            let length = answer.header("content-length").and_then(|length| length.parse().ok());
            let length = length.ok_or_else(|| malformed("the answer has no length"))?;
            while self.rest.len() < length {
                self.more()?;
            }
            let rest = self.rest.split_off(length);
            answer.body = std::mem::replace(&mut self.rest, rest);
        }
        Ok(answer)
    }

    /// Waits for the other side to close the connection, and says whether nothing else came.
    #[allow(dead_code, reason = "not every test binary looks at it")]
    pub(crate) fn is_closed(&mut self) -> bool {
        self.rest.is_empty() && self.more().is_err_and(|error| error.kind() != io::ErrorKind::WouldBlock)
    }

    /// Reads the next chunk of an answer that has no length; `None` if that was the last.
    #[allow(dead_code, reason = "not every test binary looks at it")]
    pub(crate) fn chunk(&mut self) -> io::Result<Option<String>> {
        let size = loop {
            if let Some(end) = self.rest.windows(2).position(|window| window == b"\r\n") {
                let rest = self.rest.split_off(end + 2);
                let line = std::mem::replace(&mut self.rest, rest);
                let line = String::from_utf8_lossy(&line).trim().to_owned();
                let size = usize::from_str_radix(&line, 16);
                break size.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, line))?;
            }
            self.more()?;
        };
        while self.rest.len() < size + 2 {
            self.more()?;
        }
        let rest = self.rest.split_off(size + 2);
        let mut chunk = std::mem::replace(&mut self.rest, rest);
        chunk.truncate(size);
        Ok((size > 0).then(|| String::from_utf8_lossy(&chunk).into_owned()))
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.rest.extend_from_slice(&buffer[..read]);
                Ok(())
            }
        }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", self.text()))
    }

    #[allow(dead_code, reason = "not every test binary looks at it")]
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Asserts that it is a problem of this status and code, and hands it out.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        let problem = self.json();
        assert_eq!((&problem["code"], &problem["status"]), (&code.into(), &status.into()), "{problem}");
        for field in ["title", "detail"] {
            assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "no {field} in {problem}");
        }
        problem
    }

    /// Asserts the status and hands it on.
    #[track_caller]
    pub(crate) fn status(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text());
        self
    }
}
