//! Where the repository is, and where its tools are kept.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The repository's root folder.
pub(crate) fn root() -> Result<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository has no root")
}

/// The folder for what is downloaded and kept: `$TROUPE_CACHE`, or else `target/`.
pub(crate) fn folder() -> Result<PathBuf> {
    match env::var_os("TROUPE_CACHE") {
        Some(folder) => Ok(std::path::absolute(folder)?),
        None => Ok(root()?.join("target")),
    }
}
