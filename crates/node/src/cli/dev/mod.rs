//! `troupe dev`: an actor that is built and run, and again whenever a file changes.
//!
//! The node is the one of `troupe serve`, with the one actor. A thread of its own looks at the sources ([`bench`]); what
//! the actor commits is shown by another ([`show`]).
//!
//! Invariant: whatever happens to the sources, the code that ran before goes on until there is code that can take its
//! place.

mod bench;
mod show;

use std::path::PathBuf;
use std::sync::Arc;

use troupe::host::Settings;
use troupe::http::Site;

use super::build::{self, ToolArgs};
use super::code::CodeArgs;
use super::failure::{Done, Failure};
use super::screen::{BOLD, Screen};
use super::server::{self, ListenArgs, LogPrinter};
use bench::Bench;

/// Build and run an actor, and again whenever a file changes
///
/// The state is kept: the new code goes on from it, by its `migrate` where it has one. If it cannot, that is said, and the
/// code from before goes on; --reset begins anew instead. Ctrl-C stops.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    troupe dev\n  \
    troupe dev counter --reset\n  \
    troupe dev --store .troupe      # keeps the actor for the next time\n\n\
    Then, in another terminal:\n  \
    troupe send counter '{\"add\":2}'")]
pub(crate) struct Dev {
    /// The folder of the project
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Begin anew with each change, from the first state
    #[arg(long)]
    reset: bool,
    /// Folder of the store, or `memory` for one that is gone in the end
    #[arg(long, value_name = "PATH|memory", default_value = "memory")]
    store: PathBuf,
    #[command(flatten)]
    tools: ToolArgs,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    code: CodeArgs,
}

pub(super) fn dev(screen: &Screen, command: Dev) -> Done {
    let project = build::open(&command.folder)?;
    let door = command.listen.open()?;
    door.warn(screen);
    let place = server::store_place(&command.store);
    let mut settings = Settings::new(server::open_store(&place)?);
    command.code.apply(screen, Some(&project.output.display().to_string()), &mut settings)?;
    let printer = LogPrinter::one(screen);
    settings.options.log = Arc::new(move |records| printer.print(records));
    // Where traces go elsewhere, what is refused is in them.
    settings.options.spans.get_or_insert_with(|| show::refusals(*screen));
    let host = settings.open().map_err(|error| server::explain(&error, "", &server::shown(&place)))?;
    let actors = host.actors.clone();
    door.serve(screen, |url, policy| {
        introduce(screen, &project.name, url)?;
        let bench = Bench::new(*screen, host.clone(), command.folder, command.tools, command.reset)?;
        let thread = std::thread::Builder::new().name("troupe-dev".into());
        thread
            .spawn(move || bench.work())
            .map_err(|error| Failure::cannot(format_args!("cannot start: {error}")))?;
        Ok(Site::new(host, None).guarded(policy, None))
    })?;
    let (known, ..) = actors.usage();
    screen.note(if known > 0 { "stopped" } else { "stopped; nothing ever ran" });
    Ok(())
}

fn introduce(screen: &Screen, name: &str, url: &str) -> Done {
    if screen.json {
        return Ok(screen.json(&serde_json::json!({ "event": "listening", "url": url, "name": name }))?);
    }
    let node =
        if url == format!("http://{}", server::ADDR) { String::new() } else { format!(" --node {url}") };
    screen.field("send", format_args!("troupe send{node} {name} '{{…}}'   (Ctrl-C stops)"))?;
    screen.field("", format_args!("curl -d '{{…}}' {url}/actors/{name}"))?;
    Ok(screen.line(format_args!("listening on {BOLD}{url}{BOLD:#}"))?)
}
