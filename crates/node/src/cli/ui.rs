//! `troupe ui`: the explorer as one file.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::json;
use troupe::http::{MAX_BUNDLE_WITHIN, single_file};

use super::failure::{Done, Failure};
use super::parse;
use super::place::{NotOpened, open_bundle};
use super::screen::{BOLD, Screen, size};

/// Write the explorer as one HTML file that needs no node
///
/// The page is the one that every node serves at /ui, with all that it needs in it. Opened from a disk or from any web server
/// it takes a file made by `troupe export`, or shows the one that was put into it, and checks it in the browser. It asks
/// nobody for anything.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe ui explorer.html\n  \
    troupe export counter counter.car && troupe ui counter.html --bundle counter.car")]
pub(crate) struct Ui {
    /// The file to write; one that is there stays as it is
    #[arg(value_name = "FILE.html")]
    file: PathBuf,
    /// A file made by export to put into the page, at most 64 MiB
    #[arg(long, value_name = "FILE.car")]
    bundle: Option<PathBuf>,
}

pub(super) fn ui(screen: &Screen, command: &Ui) -> Done {
    let bundle = command.bundle.as_ref().map(|path| -> Result<_, Failure> {
        let shown = path.display();
        if path.is_dir() {
            return Err(Failure::cannot(format_args!("{shown} is a folder, and a page takes one file"))
                .help("`troupe export PLACE FILE.car` writes one"));
        }
        // What is false in it, the page says.
        if let Err(NotOpened::Cannot(failure)) = open_bundle(path) {
            return Err(failure);
        }
        let bytes = parse::file(path)?;
        if bytes.len() > MAX_BUNDLE_WITHIN {
            let (is, most) = (size(bytes.len() as u64), size(MAX_BUNDLE_WITHIN as u64));
            return Err(Failure::cannot(format_args!("{shown} has {is}, and a page takes at most {most}"))
                .help("write the page without it, and open the file there"));
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, bytes))
    });
    let bundle = bundle.transpose()?;
    let page = single_file(bundle.as_ref().map(|(name, bytes)| (name.as_str(), bytes.as_slice())));
    let shown = command.file.display();
    let written =
        std::fs::File::create_new(&command.file).and_then(|mut file| file.write_all(page.as_bytes()));
    written.map_err(|error| Failure::cannot(format_args!("cannot write {shown}: {error}")))?;
    if screen.json {
        return Ok(screen.json(&json!({ "file": command.file, "bytes": page.len() }))?);
    }
    screen.line(format_args!("wrote {BOLD}{shown}{BOLD:#}"))?;
    screen.field(
        "holds",
        match &bundle {
            Some((name, _)) => format!("the explorer and {name}, {}", size(page.len() as u64)),
            None => format!("the explorer, {}", size(page.len() as u64)),
        },
    )?;
    Ok(screen.field(
        "next",
        match &bundle {
            Some(_) => "open it in a browser",
            None => "open it in a browser, and a file made by `troupe export` in it",
        },
    )?)
}
