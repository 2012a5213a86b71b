//! Writes a history as a folder.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use troupe_chain::{CannotCheck, History};

use super::car_write::check_length;
use super::folder::{BLOBS, ENTRIES, HEAD, REDACTIONS, blob_path, head_json};
use super::pieces::{Piece, Pieces};
use super::{BundleError, Summary, redactions};

/// Writes a history into a folder, which is made if it is not there. `head.json` comes last: without it the folder is
/// no bundle.
///
/// # Errors
/// [`BundleError::Occupied`] if the folder has something in it; [`BundleError::Io`]; [`BundleError::Chain`] if the
/// history is not a chain that ends in its head, or a blob is not what its name says; [`BundleError::TooLarge`] for a
/// blob above [`MAX_BLOB_LENGTH`](super::MAX_BLOB_LENGTH).
pub fn write_folder<H: History>(history: &H, dir: &Path) -> Result<Summary, BundleError> {
    let at = |path: &str| {
        let what = dir.join(path).display().to_string();
        move |source: io::Error| BundleError::Io { what, source }
    };
    fs::create_dir_all(dir).map_err(at(""))?;
    if fs::read_dir(dir).map_err(at(""))?.next().is_some() {
        return Err(BundleError::Occupied(dir.to_owned()));
    }
    fs::create_dir(dir.join(BLOBS)).map_err(at(BLOBS))?;
    let file = File::create_new(dir.join(ENTRIES)).map_err(at(ENTRIES))?;
    let mut entries = BufWriter::new(file);
    let mut blobs = 0;
    let mut pieces = Pieces::new(history, false);
    for piece in &mut pieces {
        match piece? {
            Piece::Entry { bytes, .. } => {
                entries.write_all(bytes.as_ref()).map_err(at(ENTRIES))?;
                entries.write_all(b"\n").map_err(at(ENTRIES))?;
            }
            Piece::Blob { name, bytes, .. } => {
                check_length(&name, bytes.as_ref().len())?;
                blobs += 1;
                let path = blob_path(&name);
                let write = || File::create_new(dir.join(&path))?.write_all(bytes.as_ref());
                write().map_err(at(&path))?;
            }
        }
    }
    entries.flush().map_err(at(ENTRIES))?;
    let tip = pieces.tip().ok_or(CannotCheck::Empty)?;
    let (missing, redacted) = (pieces.missing(), pieces.redactions().len() as u64);
    if redacted > 0 {
        fs::write(dir.join(REDACTIONS), redactions::encode(pieces.redactions())).map_err(at(REDACTIONS))?;
    }
    let summary = Summary { chain: tip.chain, head: tip.entry, size: tip.seq + 1, blobs, missing, redacted };
    let head = head_json(&summary.chain, &summary.head, summary.size);
    fs::write(dir.join(HEAD), head).map_err(at(HEAD))?;
    Ok(summary)
}
