//! `troupe export`: a chain as a file or folder that anybody can verify.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde_json::json;
use troupe_chain::{Hash, History, Redaction, RedactionKind, Unreadable};
use troupe_store::bundle::{BundleError, Summary, write_car, write_folder};

use super::failure::{Done, Failure, chain_of};
use super::place::{Place, Source, Whose};
use super::screen::{BOLD, GOOD, Screen, count, plural, size};

/// Write an actor's whole history to a file or folder
///
/// A name that ends in .car makes one CAR file; one that ends in / a folder of plain files. Whoever gets it can check
/// it with `troupe verify` and go on with it after `troupe import`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe export counter.store counter.car\n  \
    troupe export counter.store counter-export/\n  \
    troupe export counter counter.car\n  \
    troupe export http://127.0.0.1:8080 counter.car")]
pub(crate) struct Export {
    /// The folder of a store, the URL of a node or an actor, or the name of an actor of the node
    #[arg(value_name = "STORE|URL|ACTOR")]
    place: String,
    /// The file or folder to write; it must not be there yet
    #[arg(value_name = "FILE.car|FOLDER/")]
    to: PathBuf,
    /// Put in what is withheld, too
    #[arg(long)]
    withheld: bool,
    #[command(flatten)]
    whose: Whose,
}

/// A chain as readers get it: without what is withheld.
struct Public<'a>(&'a Source);

impl History for Public<'_> {
    type Bytes = Bytes;

    fn head(&self) -> Hash {
        self.0.head()
    }

    fn entries(&self) -> impl Iterator<Item = Result<Bytes, Unreadable>> {
        self.0.entries()
    }

    fn blob(&self, name: &Hash) -> Result<Option<Bytes>, Unreadable> {
        let is_withheld = |redaction: Redaction| redaction.kind == RedactionKind::Withheld;
        if self.0.redaction(name)?.is_some_and(is_withheld) { Ok(None) } else { self.0.blob(name) }
    }

    fn redaction(&self, name: &Hash) -> Result<Option<Redaction>, Unreadable> {
        self.0.redaction(name)
    }
}

pub(super) fn export(screen: &Screen, command: &Export) -> Done {
    let form = form(&command.to)?;
    let source = Place::find(&command.place)?.open(screen, &command.whose);
    let source = source.map_err(|error| error.into_failure(&command.place))?;
    let (summary, bytes) = match command.withheld {
        true => write(&source, &command.to, form)?,
        false => write(&Public(&source), &command.to, form)?,
    };
    let to = command.to.display();
    if screen.json {
        return Ok(screen.json(&json!({
            "chain": summary.chain.to_string(), "head": summary.head.to_string(), "entries": summary.size,
            "blobs": summary.blobs, "missing": summary.missing, "redacted": summary.redacted, "bytes": bytes, "path": to.to_string(),
        }))?);
    }
    screen.line(format_args!("{GOOD}exported{GOOD:#} {BOLD}{to}{BOLD:#}"))?;
    screen.field("chain", summary.chain)?;
    screen.head(summary.head, summary.size.saturating_sub(1))?;
    let blobs = plural(summary.blobs, "blob");
    let bytes = bytes.map(|bytes| format!(", {}", size(bytes))).unwrap_or_default();
    screen.field("holds", format_args!("{} entries, {blobs}{bytes}", count(summary.size)))?;
    let unkept = summary.missing - summary.redacted;
    if unkept > 0 {
        screen.field("without", format_args!("{} that the store does not keep", plural(unkept, "blob")))?;
    }
    if summary.redacted > 0 {
        screen.field(
            "redacted",
            format_args!("{}, with the reason of each", plural(summary.redacted, "blob")),
        )?;
    }
    Ok(screen.field("next", format_args!("troupe verify {to} --head HASH, with the head above"))?)
}

/// The two forms of a bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Car,
    Folder,
}

fn form(to: &Path) -> Result<Form, Failure> {
    let is_folder = to.as_os_str().as_encoded_bytes().last() == Some(&b'/');
    let form = if is_folder { Form::Folder } else { Form::Car };
    if form == Form::Car && to.extension().is_none_or(|extension| extension != "car") {
        return Err(Failure::cannot(format_args!("`{}` says neither file nor folder", to.display()))
            .help("end it in .car for one file, or in / for a folder"));
    }
    let occupied = match form {
        Form::Car => to.exists(),
        Form::Folder => to.read_dir().is_ok_and(|mut entries| entries.next().is_some()),
    };
    if occupied {
        return Err(Failure::cannot(format_args!(
            "{} is there already; nothing was overwritten",
            to.display()
        ))
        .help("choose another name, or remove it first"));
    }
    Ok(form)
}

/// Writes a bundle whole or not at all, and says what is in it and how large a file is.
pub(super) fn write(source: &impl History, to: &Path, form: Form) -> Result<(Summary, Option<u64>), Failure> {
    let failed = |error: BundleError| {
        let failure = Failure::cannot(chain_of(&error)).while_("nothing was exported");
        if error.is_false() {
            failure.help("the source is damaged: `troupe verify` says where")
        } else {
            failure
        }
    };
    if form == Form::Folder {
        return Ok((write_folder(source, to).map_err(failed)?, None));
    }
    let cannot =
        |error: std::io::Error| Failure::cannot(format_args!("cannot write {}: {error}", to.display()));
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let result = (|| {
        let mut out = BufWriter::new(File::create(&partial).map_err(cannot)?);
        let summary = write_car(source, &mut out).map_err(failed)?;
        let file = out.into_inner().map_err(|error| cannot(error.into_error()))?;
        file.sync_all().map_err(cannot)?;
        let bytes = file.metadata().map_err(cannot)?.len();
        std::fs::rename(&partial, to).map_err(cannot)?;
        Ok((summary, Some(bytes)))
    })();
    if result.is_err() {
        // What is left of it is of no use to anybody; if it cannot be removed, it says by its name what it is.
        let _ = std::fs::remove_file(&partial);
    }
    result
}
