//! Many blobs in one answer: each is its name, the length of its bytes in decimal, a line break, and the bytes.

use troupe_chain::Hash;

use crate::client::{Client, ClientError};

/// Blobs that a node handed out together. Nothing of them is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NeededBlobs {
    /// Names and bytes, as the node says.
    pub blobs: Vec<(Hash, Vec<u8>)>,
    /// The position of the first entry that they are not about.
    pub next: u64,
}

impl NeededBlobs {
    /// Adds a blob to a body.
    pub fn write(body: &mut Vec<u8>, name: &Hash, bytes: &[u8]) {
        body.extend_from_slice(format!("{name} {}\n", bytes.len()).as_bytes());
        body.extend_from_slice(bytes);
    }

    fn read(mut body: &[u8]) -> Option<Vec<(Hash, Vec<u8>)>> {
        let mut blobs = Vec::new();
        while !body.is_empty() {
            let end = body.iter().position(|byte| *byte == b'\n')?;
            let (name, length) = std::str::from_utf8(&body[..end]).ok()?.split_once(' ')?;
            let (bytes, rest) = body[end + 1..].split_at_checked(length.parse().ok()?)?;
            blobs.push((name.parse().ok()?, bytes.to_vec()));
            body = rest;
        }
        Some(blobs)
    }
}

impl Client {
    /// The messages and recorded answers of the entries from `from` on, of at most `limit` entries. `None` from a node that
    /// does not hand out several at once.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn needed_blobs(&self, from: u64, limit: u64) -> Result<Option<NeededBlobs>, ClientError> {
        let path = format!("/blobs?from={from}&limit={limit}");
        let (headers, body) = match self.get(&path) {
            Err(ClientError::Problem(problem)) if problem.status == 404 => return Ok(None),
            answer => answer?,
        };
        let next = self.header(&headers, "troupe-next", &path)?;
        let blobs = NeededBlobs::read(&body).ok_or_else(|| self.unexpected(&path, 200, &body))?;
        Ok(Some(NeededBlobs { blobs, next }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blobs_come_back_as_they_were_and_a_cut_body_is_refused() {
        let blobs = [&b"one"[..], b"", b"with\na line 3\n"].map(|bytes| (Hash::of(bytes), bytes.to_vec()));
        let mut body = Vec::new();
        for (name, bytes) in &blobs {
            NeededBlobs::write(&mut body, name, bytes);
        }
        assert_eq!(NeededBlobs::read(&body), Some(blobs.to_vec()));
        assert_eq!(NeededBlobs::read(&body[..body.len() - 1]), None);
        assert_eq!(NeededBlobs::read(b"no name 3\nabc"), None);
    }
}
