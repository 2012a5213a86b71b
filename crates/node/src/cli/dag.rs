//! `troupe dag`: blobs that a node keeps by CID.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::json;
use troupe::dag::MAX_BLOB_BYTES;
use troupe_api::KeptBlob;
use troupe_chain::{Cid, Hash, Timestamp};

use super::failure::{Done, Failure};
use super::node::{Node, NodeArgs, explain};
use super::parse;
use super::screen::{Screen, size};
use super::table::{Align, Table};

/// How many blobs are asked for at once.
const PAGE: u64 = 1000;

/// Put, get and list blobs that a node keeps by CID
///
/// Components, inputs and outputs of jobs go this way. What was put stays. A CID is of version 1, raw, BLAKE3; the hash
/// in hex means the same.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe dag put words.txt\n  \
    troupe dag get CID > words.txt\n  \
    troupe dag ls")]
pub(crate) struct Dag {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    Put(Put),
    Get(Get),
    Ls(Ls),
}

/// Give a blob to the node, and print its CID
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe dag put words.txt\n  \
    printf '{\"to\":1000}' | troupe dag put -\n  \
    troupe dag put words.wasm --json | jq -r .hash")]
struct Put {
    /// The file; `-` is standard input
    file: PathBuf,
    #[command(flatten)]
    node: NodeArgs,
}

/// Write a blob to standard output, or to a file
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe dag get CID > words.txt\n  \
    troupe dag get CID -o words.txt")]
struct Get {
    /// The CID, or the hash
    cid: Cid,
    /// The file to write it to, which must not be there
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    node: NodeArgs,
}

/// List the blobs, in order of their hashes
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe dag ls\n  \
    troupe dag ls --json | jq -r .cid")]
struct Ls {
    #[command(flatten)]
    node: NodeArgs,
}

pub(super) fn dag(screen: &Screen, command: &Dag) -> Done {
    match &command.task {
        Task::Put(command) => put(screen, command),
        Task::Get(command) => get(screen, command),
        Task::Ls(command) => ls(screen, command),
    }
}

fn put(screen: &Screen, command: &Put) -> Done {
    let bytes = match command.file.as_os_str() == "-" {
        true => {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map_err(Failure::cannot)?;
            bytes
        }
        false => parse::file(&command.file)?,
    };
    let kept = command.node.connect()?.put_blob(&bytes)?;
    if screen.json {
        return Ok(screen.json(&kept)?);
    }
    Ok(screen.line(kept.cid)?)
}

fn get(screen: &Screen, command: &Get) -> Done {
    let bytes = command.node.connect()?.blob(&command.cid)?;
    let Some(path) = &command.output else { return Ok(screen.bytes(&bytes)?) };
    let written = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = written.and_then(|mut file| std::io::Write::write_all(&mut file, &bytes));
    written.map_err(|error| Failure::cannot(format_args!("{}: {error}", path.display())))?;
    if screen.json {
        return Ok(screen.json(&json!({ "path": path, "size": bytes.len() }))?);
    }
    Ok(screen.line(format_args!("wrote {} to {}", size(bytes.len() as u64), path.display()))?)
}

fn ls(screen: &Screen, command: &Ls) -> Done {
    let blobs = command.node.connect()?.blobs()?;
    if screen.json {
        for blob in blobs {
            screen.json(&blob)?;
        }
        return Ok(());
    }
    let mut table = Table::new(&[("CID", Align::Left), ("SIZE", Align::Right), ("PUT (UTC)", Align::Left)]);
    for blob in blobs {
        table.row(vec![blob.cid, size(blob.size), parse::utc(Timestamp(blob.at))]);
    }
    table.print(screen)
}

impl Node {
    /// Gives the node a blob. One that is too large it would break off in the middle, so that nobody reads why.
    pub(super) fn put_blob(&self, bytes: &[u8]) -> Result<KeptBlob, Failure> {
        if bytes.len() as u64 > MAX_BLOB_BYTES {
            let what =
                format!("it has {}, and a blob at most {}", size(bytes.len() as u64), size(MAX_BLOB_BYTES));
            return Err(Failure::cannot(what));
        }
        let kept = self.client.put_blob(bytes).map_err(|error| explain(&error))?;
        let cid = Cid(Hash::of(bytes)).to_string();
        if kept.cid == cid {
            return Ok(kept);
        }
        Err(Failure::cannot(format_args!("the node keeps it as {}, but it is {cid}", kept.cid)))
    }

    /// The bytes of a blob, which are what the CID says.
    pub(super) fn blob(&self, cid: &Cid) -> Result<Vec<u8>, Failure> {
        let found = self.client.kept_blob(cid).map_err(|error| explain(&error))?;
        let bytes = found.ok_or_else(|| {
            Failure::cannot(format_args!("the node has no blob {cid}"))
                .help("`troupe dag ls` lists what it has")
        })?;
        if Hash::of(&bytes) == cid.0 {
            return Ok(bytes);
        }
        Err(Failure::is_false(format_args!("the bytes that the node gave for {cid} are something else")))
    }

    /// All blobs.
    fn blobs(&self) -> Result<Vec<KeptBlob>, Failure> {
        let mut listed = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.client.kept_blobs(after.as_deref(), PAGE).map_err(|error| explain(&error))?;
            listed.extend(page.blobs);
            match page.next {
                Some(next) if Some(&next) != after.as_ref() => after = Some(next),
                _ => return Ok(listed),
            }
        }
    }
}
