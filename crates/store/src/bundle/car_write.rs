//! Writes a history as a CAR file.

use std::io::{self, Write};

use troupe_chain::{Hash, History};

use super::car::{CID_PREFIX, HEADER_END, HEADER_START, REDACTIONS_PREFIX};
use super::pieces::{Piece, Pieces};
use super::{BundleError, MAX_BLOB_LENGTH, Summary, redactions};

/// Writes a history as a CARv1 file, a section at a time: two equal histories make equal bytes.
///
/// # Errors
/// [`BundleError::Io`]; [`BundleError::Chain`] if the history is not a chain that ends in its head, or a blob is not
/// what its name says; [`BundleError::TooLarge`] for a blob above [`MAX_BLOB_LENGTH`]. What has been written then is
/// no bundle.
pub fn write_car<H: History>(history: &H, out: &mut impl Write) -> Result<Summary, BundleError> {
    let cannot = |source| BundleError::Io { what: "the CAR file".into(), source };
    let head = history.head();
    write_header(out, &head).map_err(cannot)?;
    let mut blobs = 0;
    let mut pieces = Pieces::new(history, true);
    for piece in &mut pieces {
        let (name, bytes) = match piece? {
            Piece::Entry { name, bytes, .. } => (name, bytes),
            Piece::Blob { name, bytes, .. } => {
                check_length(&name, bytes.as_ref().len())?;
                blobs += 1;
                (name, bytes)
            }
        };
        write_section(out, &CID_PREFIX, &name, bytes.as_ref()).map_err(cannot)?;
    }
    if !pieces.redactions().is_empty() {
        let bytes = redactions::encode(pieces.redactions());
        write_section(out, &REDACTIONS_PREFIX, &Hash::of(&bytes), &bytes).map_err(cannot)?;
    }
    out.flush().map_err(cannot)?;
    let chain = pieces.tip().map_or(head, |tip| tip.chain);
    let size = pieces.tip().map_or(0, |tip| tip.seq + 1);
    Ok(Summary {
        chain,
        head,
        size,
        blobs,
        missing: pieces.missing(),
        redacted: pieces.redactions().len() as u64,
    })
}

/// Checks that a blob is not above [`MAX_BLOB_LENGTH`].
pub(super) fn check_length(name: &Hash, length: usize) -> Result<(), BundleError> {
    if length as u64 <= MAX_BLOB_LENGTH {
        return Ok(());
    }
    Err(BundleError::TooLarge { what: format!("blob {name} of {length} bytes"), limit: MAX_BLOB_LENGTH })
}

fn write_header(out: &mut impl Write, root: &Hash) -> io::Result<()> {
    out.write_all(HEADER_START)?;
    out.write_all(root.as_bytes())?;
    out.write_all(HEADER_END)
}

fn write_section(out: &mut impl Write, prefix: &[u8], name: &Hash, bytes: &[u8]) -> io::Result<()> {
    let mut length = prefix.len() as u64 + 32 + bytes.len() as u64;
    while length >= 0x80 {
        out.write_all(&[length as u8 | 0x80])?;
        length >>= 7;
    }
    out.write_all(&[length as u8])?;
    out.write_all(prefix)?;
    out.write_all(name.as_bytes())?;
    out.write_all(bytes)
}
